package library_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/kerneltest"
)

// gate is a warehouse whose next load can be held up.
type gate struct {
	warehouse.Store
	mu   sync.Mutex
	hook func(ctx context.Context, load func() (warehouse.Loaded, error), rows iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error)
}

func (g *gate) Load(ctx context.Context, spec warehouse.Spec, rows iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
	g.mu.Lock()
	hook := g.hook
	g.hook = nil
	g.mu.Unlock()
	load := func() (warehouse.Loaded, error) { return g.Store.Load(ctx, spec, rows) }
	if hook == nil {
		return load()
	}
	return hook(ctx, load, rows)
}

// gate returns the one the house's warehouse stands behind.
func (e env) gate() *gate {
	return e.Kit.Warehouse.(interface{ Inner() warehouse.Store }).Inner().(*gate)
}

// run calls a job of the room as the scheduler would.
func (e env) run(name string) {
	e.t.Helper()
	for _, r := range e.Rooms {
		for _, j := range r.Jobs {
			if j.Name == name {
				if err := j.Run(e.t.Context(), []byte("{}")); err != nil {
					e.t.Fatal(err)
				}
				return
			}
		}
	}
	e.t.Fatal("no job", name)
}

func (e env) versions() int {
	e.t.Helper()
	all, err := e.Kit.Warehouse.Versions(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return len(all)
}

const small = "身份证号,姓名\n420199198506150017,张三\n42019919900101003X,李四\n"

// A load that is cancelled in the middle leaves nothing, and can be started again.
func TestCancel(t *testing.T) {
	each(t, func(e env) {
		zhang, wang := officer("zhang", "u1"), officer("wang", "u1")
		ld := e.choose(zhang, e.draft(zhang, "aa.csv", small, ""), "", nil)
		inside := make(chan struct{})
		e.gate().hook = func(ctx context.Context, _ func() (warehouse.Loaded, error), rows iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
			for range rows { // one row has been taken
				break
			}
			close(inside)
			<-ctx.Done()
			return warehouse.Loaded{}, ctx.Err()
		}
		if status, body := e.start(zhang, ld, false); status != 200 {
			e.t.Fatal(status, body)
		}
		<-inside
		running := e.until(zhang, ld.ID, func(ld load) bool { return ld.State == "running" })
		e.Run(e.t, []kerneltest.Case{
			{Name: "not changed while it runs", As: zhang, Call: "POST /api/library/loads/" + ld.ID + "/inspect", Body: fmt.Sprintf(`{"version":%d}`, running.Version), Status: 409, Want: []string{"正在装载"}},
			{Name: "nor discarded", As: zhang, Call: "DELETE /api/library/loads/" + ld.ID, Status: 409},
			{Name: "another unit cannot cancel", As: officer("li", "u2"), Call: "POST /api/library/loads/" + ld.ID + "/cancel", Body: "{}", Status: 404},
			{Name: "a colleague can", As: wang, Call: "POST /api/library/loads/" + ld.ID + "/cancel", Body: "{}", Status: 200, Want: []string{`"state":"cancelled"`}},
			{Name: "once", As: wang, Call: "POST /api/library/loads/" + ld.ID + "/cancel", Body: "{}", Status: 409},
			{Name: "nothing is there", As: zhang, Call: "GET /api/library/datasets", Status: 200, Want: []string{`"items":[]`}},
		})
		var again load
		e.Get(e.t, zhang, "GET /api/library/loads/"+ld.ID, "", &again)
		if status, body := e.start(zhang, again, false); status != 200 {
			e.t.Fatal(status, body)
		}
		if done := e.until(zhang, ld.ID, ended); done.State != "done" || done.Rows != 2 || e.versions() != 1 {
			e.t.Error(done, e.versions())
		}
	})
}

// A worker that dies is replaced; should it only have been slow, what it brings is dropped.
func TestDeadWorker(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		ld := e.choose(zhang, e.draft(zhang, "aa.csv", small, ""), "", nil)
		inside, release, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		e.gate().hook = func(ctx context.Context, load func() (warehouse.Loaded, error), _ iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
			close(inside)
			<-release
			out, err := load()
			left <- err
			return out, err
		}
		if status, body := e.start(zhang, ld, false); status != 200 {
			e.t.Fatal(status, body)
		}
		<-inside
		// as after a crash: no sign of life for long
		if err := store.Exec(e.t.Context(), e.Kit.DB, `UPDATE library_load SET beat_at = 1, run = run + 1 WHERE id = $1`, ld.ID); err != nil {
			e.t.Fatal(err)
		}
		e.run("library.watch")
		if done := e.until(zhang, ld.ID, ended); done.State != "done" || done.Rows != 2 {
			e.t.Error(done)
		}
		close(release)
		if err := <-left; err != nil && err != context.Canceled {
			e.t.Error(err)
		}
		for e.versions() != 1 { // the slow one's goes as soon as it is refused
			select {
			case <-time.After(5 * time.Millisecond):
			case <-e.t.Context().Done():
				e.t.Fatal("two versions stay")
			}
		}
		var d struct{ Items []struct{ Number int } }
		e.Get(e.t, zhang, "GET /api/library/datasets", "", &d)
		if len(d.Items) != 1 || d.Items[0].Number != 1 {
			e.t.Error(d)
		}
	})
}

// The old version answers until the new one is published, and stays when the new one fails.
func TestReplaceIsAtomic(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		first := e.gather(zhang, "aa.csv", small, "", nil)
		look := func() int {
			ds, err := e.Kit.Datasets.Get(e.t.Context(), e.Kit.DB, first.MadeDataset, store.Unscoped("a test"))
			if err != nil {
				e.t.Fatal(err)
			}
			rows, _, err := e.Kit.Datasets.Lookup(e.t.Context(), ds, "身份证号", "420199198506150017", 20)
			if err != nil {
				e.t.Fatal(err)
			}
			return len(rows) + int(ds.Rows)*10
		}
		bigger := small + "420199197001010030,王五\n"
		inside, release := make(chan struct{}), make(chan struct{})
		e.gate().hook = func(ctx context.Context, load func() (warehouse.Loaded, error), _ iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
			close(inside)
			<-release
			return load()
		}
		ld := e.choose(zhang, e.draft(zhang, "bb.csv", bigger, first.MadeDataset), first.MadeDataset, nil)
		if status, body := e.start(zhang, ld, false); status != 200 {
			e.t.Fatal(status, body)
		}
		<-inside
		if got := look(); got != 21 {
			e.t.Error("before", got)
		}
		close(release)
		if done := e.until(zhang, ld.ID, ended); done.State != "done" || done.MadeNumber != 2 || done.MadeDataset != first.MadeDataset {
			e.t.Error(done)
		}
		if got := look(); got != 31 {
			e.t.Error("after", got)
		}
		e.gate().hook = func(context.Context, func() (warehouse.Loaded, error), iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
			return warehouse.Loaded{}, errs.New(errs.Busy, "warehouse.disk_full")
		}
		failed := e.gather(zhang, "cc.csv", small, first.MadeDataset, nil)
		if failed.State != "failed" || !strings.Contains(failed.Error, "磁盘已满") || look() != 31 {
			e.t.Error(failed, look())
		}
		e.gate().hook = func(context.Context, func() (warehouse.Loaded, error), iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
			return warehouse.Loaded{}, fmt.Errorf("engine: a secret about /var/lib")
		}
		ours := e.gather(zhang, "dd.csv", small, first.MadeDataset, nil)
		if ours.State != "failed" || !strings.Contains(ours.Error, "系统出错") || strings.Contains(ours.Error, "secret") {
			e.t.Error(ours)
		}
		until := time.After(20 * time.Second)
		for { // what is ours waits for an administrator
			if _, parked, err := e.Kit.Jobs.Counts(e.t.Context()); err != nil || parked == 1 {
				break
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-until:
				e.t.Fatal("not parked")
			}
		}
	})
}

// Somebody else replaced the dataset while this load ran: it fails, and says so.
func TestOvertaken(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		first := e.gather(zhang, "aa.csv", small, "", nil)
		inside, release := make(chan struct{}), make(chan struct{})
		e.gate().hook = func(ctx context.Context, load func() (warehouse.Loaded, error), _ iter.Seq2[warehouse.Row, error]) (warehouse.Loaded, error) {
			close(inside)
			<-release
			return load()
		}
		slow := e.choose(zhang, e.draft(zhang, "slow.csv", small, first.MadeDataset), first.MadeDataset, nil)
		if status, body := e.start(zhang, slow, false); status != 200 {
			e.t.Fatal(status, body)
		}
		<-inside
		if quick := e.gather(officer("wang", "u1"), "quick.csv", small, first.MadeDataset, nil); quick.State != "done" || quick.MadeNumber != 2 {
			e.t.Error(quick)
		}
		close(release)
		if late := e.until(zhang, slow.ID, ended); late.State != "failed" || !strings.Contains(late.Error, "更新过") || e.versions() != 2 {
			e.t.Error(late, e.versions())
		}
	})
}
