package system_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/kernel/system"
	"qushu/internal/room"
)

// failing is a room with a job that cannot succeed until mended is set.
func failing(mended *atomic.Bool) *room.Room {
	zh := `{"room.knob":"旋钮","job.knob.turn":"拧一下旋钮"}`
	en := `{"room.knob":"Knob","job.knob.turn":"Turn the knob"}`
	turn := jobs.Handle("knob.turn", func(context.Context, struct{}) error {
		if mended.Load() {
			return nil
		}
		return jobs.Final(errors.New("旋钮卡住了"))
	})
	nameless := jobs.Handle("knob.pull", func(context.Context, struct{}) error { return jobs.Final(errors.New("没有把手")) })
	return &room.Room{Name: "knob", Pillar: room.Apps, Jobs: []jobs.Handler{turn, nameless},
		Text: fstest.MapFS{"text/zh.json": {Data: []byte(zh)}, "text/en.json": {Data: []byte(en)}}}
}

// until asks ok again and again until it is so or the test ends.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-t.Context().Done():
			t.Fatal("waited in vain for ", what)
		case <-tick.C:
		}
	}
}

// page is what the page of jobs reads.
type page struct {
	Items []struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Title string `json:"title"`
		State string `json:"state"`
		Error string `json:"error"`
	} `json:"items"`
	Waiting int `json:"waiting"`
	Parked  int `json:"parked"`
}

// A job that failed for good is shown in words with its reason, runs again when asked, and goes when it is dropped.
func TestParkedJobs(t *testing.T) {
	mended := &atomic.Bool{}
	houses := &kerneltest.Houses{Rooms: func(*kernel.Kit) []*room.Room { return []*room.Room{failing(mended)} }}
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		mended.Store(false)
		admin := e.Administrator(room.System)
		err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(e.Kit.Jobs.Enqueue(ctx, tx, "knob.turn", struct{}{}), e.Kit.Jobs.Enqueue(ctx, tx, "knob.pull", struct{}{}))
		})
		if err != nil {
			t.Fatal(err)
		}
		var parked page
		look := func(n int) func() bool {
			return func() bool {
				e.Get(t, admin, "GET /api/system/jobs?parked=true", "", &parked)
				return len(parked.Items) == n
			}
		}
		until(t, "two parked jobs", look(2))
		turn, pull := parked.Items[1], parked.Items[0] // the newest first
		if turn.Name != "knob.turn" || turn.Title != "拧一下旋钮" || turn.State != "cancelled" || turn.Error != "旋钮卡住了" {
			t.Errorf("%+v", turn)
		}
		if pull.Title != "knob.pull" || parked.Parked != 2 {
			t.Errorf("a job without words is called by its name: %+v", parked)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "in English", As: admin, Call: "GET /api/system/jobs?parked=true", Lang: "en", Status: 200, Want: []string{"Turn the knob"}},
			{Name: "health tells of it", As: admin, Call: "GET /api/system/health", Status: 200, Want: []string{"有 2 个任务多次失败后停下", `"state":"warn"`}},
			{Name: "the auditor may not", As: e.Administrator(room.Auditor), Call: fmt.Sprintf("POST /api/system/jobs/%d/retry", turn.ID), Status: 403},
			{Name: "none", As: admin, Call: "DELETE /api/system/jobs/999999", Status: 404},
		})
		mended.Store(true)
		e.Run(t, []kerneltest.Case{{Name: "again", As: admin, Call: fmt.Sprintf("POST /api/system/jobs/%d/retry", turn.ID), Status: 204}})
		until(t, "the mended job to be done", look(1))
		e.Run(t, []kerneltest.Case{
			{Name: "drop", As: admin, Call: fmt.Sprintf("DELETE /api/system/jobs/%d", pull.ID), Status: 204},
			{Name: "nothing left", As: admin, Call: "GET /api/system/jobs?parked=true", Status: 200, Want: []string{`"items":[]`, `"parked":0`}},
			{Name: "both are in the audit", As: e.Administrator(room.Auditor), Call: "GET /api/audit?action=system.", Status: 200, Want: []string{"system.job_retry", "system.job_drop"}},
		})
	})
}

// The checks speak the caller's language; what a package adds is among them; only the system's administrator reads them.
func TestHealth(t *testing.T) {
	houses := &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
		kit.System.Add(system.Check{Name: "disk", Run: func(context.Context) system.Finding {
			return system.Finding{State: system.Bad, Key: "system.disk", Args: []any{0, 400}}
		}})
		return nil
	}}
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		admin := e.Administrator(room.System)
		e.Run(t, []kerneltest.Case{
			{Name: "in Chinese", As: admin, Call: "GET /api/system/health", Status: 200, Want: []string{"数据库", "没有失败的任务", "剩余 0 GB，共 400 GB", `"state":"bad"`}},
			{Name: "in English", As: admin, Call: "GET /api/system/health", Lang: "en", Status: 200, Want: []string{`"title":"Database"`}},
			{Name: "not for others", As: e.Administrator(room.Security), Call: "GET /api/system/health", Status: 403},
			{Name: "the site's face is for everybody", Call: "GET /api/system/site", Status: 200, Want: []string{"武汉市洪山区"}, Not: []string{"数据库"}},
		})
	})
}
