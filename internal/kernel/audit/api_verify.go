package audit

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
)

const (
	atOnce    = 20_000          // records checked while the caller waits, some 0.5 s
	beatEvery = 2 * time.Second // how often a running check says how far it is
	beatLost  = 5 * time.Minute // a check that said nothing for so long has died
)

// Check is one verification, running or ended.
type Check struct {
	ID     string              `json:"id"`
	Person string              `json:"person" doc:"who asked, empty for the nightly one"`
	At     store.Time          `json:"at"`
	Beat   store.Time          `json:"-"`
	Ended  store.Time          `json:"endedAt"`
	State  string              `json:"state" enum:"running,whole,broken,failed"`
	Done   int64               `json:"done" doc:"records checked so far"`
	Total  int64               `json:"total"`
	Report store.JSON[*Report] `json:"-"`
}

// CheckView is a check as answered.
type CheckView struct {
	Check
	Report *Report  `json:"report,omitempty"`
	Words  []string `json:"words" nullable:"false" doc:"the verdict and every broken place as sentences"`
}

type checkOut struct {
	Body struct {
		Check *CheckView `json:"check" doc:"the newest verification, null when there was none"`
	}
}

const selectCheck = `SELECT id, person, at, beat_at, ended_at, state, done, total, report FROM audit_check`

func scanCheck(c *Check) []any {
	return []any{&c.ID, &c.Person, &c.At, &c.Beat, &c.Ended, &c.State, &c.Done, &c.Total, &c.Report}
}

func newestCheck(ctx context.Context, q store.Queryer) (Check, error) {
	return store.One(ctx, q, scanCheck, selectCheck+` ORDER BY at DESC, id DESC LIMIT 1`)
}

func (l *Log) view(ctx context.Context, c Check) *checkOut {
	out := &checkOut{}
	v := &CheckView{Check: c, Words: []string{}}
	if c.State == "whole" || c.State == "broken" {
		v.Report = c.Report.V
		v.Words = v.Report.Words(l.words, web.From(ctx).Lang)
	}
	out.Body.Check = v
	return out
}

func (l *Log) lastCheck(ctx context.Context, _ *struct{}) (*checkOut, error) {
	c, err := newestCheck(ctx, l.db)
	if errs.Is(err, errs.Missing) {
		return &checkOut{}, nil
	}
	if err != nil {
		return nil, err
	}
	return l.view(ctx, c), nil
}

// startCheck verifies a short chain while the caller waits, and a long one as a job whose progress GET
// tells. While one runs, no other begins.
func (l *Log) startCheck(ctx context.Context, _ *struct{}) (*checkOut, error) {
	end, _, err := readHead(ctx, l.db)
	if err != nil {
		return nil, err
	}
	n, err := store.Value[int64](ctx, l.db, `SELECT count(*) FROM (SELECT seq FROM audit_link WHERE seq > 0 LIMIT $1) AS s`, l.atOnce+1)
	if err != nil {
		return nil, err
	}
	var c Check
	mine := false
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, mine, err = l.claim(ctx, tx, actor(ctx).Person, end.Seq)
		if err != nil {
			return err
		}
		if err := l.Record(ctx, tx, Entry{Action: "audit.verify", Object: "audit_check", ID: c.ID}); err != nil {
			return err
		}
		if mine && n > l.atOnce {
			return l.jobs.Enqueue(ctx, tx, "audit.verify", checkJob{c.ID})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if mine && n <= l.atOnce {
		if c, err = l.run(ctx, c); err != nil {
			return nil, err
		}
	}
	return l.view(ctx, c), nil
}

// claim begins a check unless one is running.
func (l *Log) claim(ctx context.Context, tx *store.Tx, person string, total int64) (c Check, mine bool, err error) {
	if err := store.Lock(ctx, tx, "audit", "check"); err != nil {
		return c, false, err
	}
	now := store.At(l.now())
	c, err = newestCheck(ctx, tx)
	if err == nil && c.State == "running" && now.Sub(c.Beat.Time) < beatLost {
		return c, false, nil
	}
	if err != nil && !errs.Is(err, errs.Missing) {
		return c, false, err
	}
	c = Check{ID: id.New(), Person: person, At: now, Beat: now, State: "running", Total: total}
	return c, true, store.Exec(ctx, tx, `INSERT INTO audit_check (id, person, at, beat_at, state, total, report) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.Person, c.At, c.Beat, c.State, c.Total, c.Report)
}

type checkJob struct {
	ID string `json:"id"`
}

func (l *Log) work(ctx context.Context, j checkJob) error {
	c, err := store.One(ctx, l.db, scanCheck, selectCheck+` WHERE id = $1`, j.ID)
	if errs.Is(err, errs.Missing) || err == nil && !c.Ended.IsZero() && c.State != "failed" {
		return nil // delivered twice
	}
	if err != nil {
		return err
	}
	_, err = l.run(ctx, c)
	return err
}

// nightly verifies without being asked, so that damage is known before somebody looks.
func (l *Log) nightly(ctx context.Context) error {
	end, _, err := readHead(ctx, l.db)
	if err != nil {
		return err
	}
	var c Check
	mine := false
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, mine, err = l.claim(ctx, tx, "", end.Seq)
		return err
	})
	if err != nil || !mine {
		return err
	}
	_, err = l.run(ctx, c)
	return err
}

// run verifies for c, keeping its progress and its outcome.
func (l *Log) run(ctx context.Context, c Check) (Check, error) {
	beat := time.Now()
	progress := func(done, total int64) {
		if time.Since(beat) < beatEvery {
			return
		}
		beat = time.Now()
		if err := store.Exec(ctx, l.db, `UPDATE audit_check SET done = $1, total = $2, beat_at = $3, state = 'running' WHERE id = $4`, done, total, store.At(l.now()), c.ID); err != nil {
			slog.WarnContext(ctx, "audit: progress of a verification not kept", "error", err)
		}
	}
	var report *Report
	_, err := l.Chain(ctx) // what was committed just now is verified too
	if err == nil {
		report, err = l.Verify(ctx, progress)
	}
	c.Ended, c.State = store.At(l.now()), "failed"
	if err == nil {
		c.State, c.Done, c.Total, c.Report.V = "broken", report.Rows, report.Rows, report
		if report.OK {
			c.State = "whole"
		}
	}
	after := context.WithoutCancel(ctx)
	if e := store.Exec(after, l.db, `UPDATE audit_check SET ended_at = $1, state = $2, done = $3, total = $4, report = $5 WHERE id = $6`,
		c.Ended, c.State, c.Done, c.Total, c.Report, c.ID); e != nil && err == nil {
		err = e
	}
	if err != nil {
		return c, err
	}
	e := Entry{Action: "audit.verified", Object: "audit_check", ID: c.ID, Detail: map[string]any{"rows": report.Rows, "to": report.To, "broken": report.Broken, "first": report.FirstBroken}}
	if !report.OK {
		e.Result = Failed
		slog.ErrorContext(ctx, "audit: the log does not verify", "broken", report.Broken, "first", report.FirstBroken)
	}
	return c, l.Note(after, e)
}
