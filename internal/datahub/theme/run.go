package theme

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

const (
	maxRun  = 6 * time.Hour // of all steps
	silence = time.Minute   // without one the worker is taken for dead
)

// State is how far a run, or a step of it, is.
type State string

// The states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// busy reports whether a worker has it, or soon will.
func (s State) busy() bool { return s == Queued || s == Running }

// Result is what became of one step in a run.
type Result struct {
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	State   State     `json:"state"`
	Rows    int64     `json:"rows"`
	Millis  int64     `json:"millis"`
	Dataset string    `json:"dataset,omitempty"`
	Number  int64     `json:"number,omitempty"`
	Tests   []Outcome `json:"tests"`
}

// Run is one run of a library.
type Run struct {
	ID         string
	Theme      string
	Number     int64
	State      State
	Why        string // hand, input, daily
	Try        int64
	Steps      Definition
	Results    []Result
	Rows       int64
	Fault      Reason
	Lang       string
	Person     string
	PersonName string
	Unit       string
	Street     string
	At         store.Time
	Started    store.Time
	Ended      store.Time
}

// actor is who released the library, or started the run by hand: in whose name its worker leaves records. What it reads it
// reads by the right of the unit.
func (r *Run) actor() *room.Actor {
	return &room.Actor{Person: r.Person, Name: r.PersonName, Unit: r.Unit, Home: r.Unit, Street: r.Street, IsJob: true}
}

// job is one try of a run. A try that is no longer the run's has nothing to do.
type job struct {
	Run string `json:"run"`
	Try int64  `json:"try"`
}

// errGone ends a try whose run was cancelled or given to another worker.
var errGone = errors.New("theme: the run was cancelled or given to another worker")

// running is a run under way.
type running struct {
	*Themes
	theme Theme
	mu    sync.Mutex // of run, which the beating reads
	run   Run
	made  []made
}

// made is a step whose result is staged.
type made struct {
	planned
	loaded warehouse.Loaded
}

// work runs a library to its end: done, failed, or left for another try when the program stops.
func (x *Themes) work(ctx context.Context, j job) error {
	run, err := findRun(ctx, x.db, j.Run, store.C("try = $1 AND state IN ('queued', 'running')", j.Try))
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx = room.Acting(ctx, run.actor())
	r := &running{Themes: x, run: run}
	r.run.Started, r.run.Rows, r.run.Results = store.At(x.now()), 0, waiting(run.Steps)
	if r.theme, err = findTheme(ctx, x.db, run.Theme, store.C("TRUE")); err != nil {
		return err
	}
	err = r.do(ctx)
	if err != nil {
		r.drop(ctx)
	}
	switch {
	case err == nil, errors.Is(err, errGone):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return r.fail(context.WithoutCancel(ctx), errs.New(errs.Busy, "theme.too_long", int(maxRun.Hours())))
	case ctx.Err() != nil: // the program stops; another try begins anew
		return ctx.Err()
	}
	return r.fail(ctx, err)
}

func waiting(d Definition) []Result {
	out := make([]Result, len(d.Steps))
	for i, s := range d.Steps {
		out[i] = Result{Name: s.Name, Title: s.Title, State: Queued, Tests: []Outcome{}}
	}
	return out
}

func (r *running) do(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stop := r.beating(ctx, cancel)
	err := r.all(ctx)
	stop() // publishing looks itself whether the run is still ours
	if cause := context.Cause(ctx); err != nil && cause != nil && parent.Err() == nil {
		return cause
	}
	if err != nil {
		return err
	}
	return r.publish(parent)
}

// stepError is what went wrong in one step.
type stepError struct {
	why   Reason
	cause error
}

func (e *stepError) Error() string { return "theme: step " + e.why.Name + ": " + e.why.Key }
func (e *stepError) Unwrap() error { return e.cause }

// all makes every step and tests it; nothing is published.
func (r *running) all(ctx context.Context) error {
	c, err := r.check(ctx, r.db, &r.theme, r.run.Steps, true)
	if err != nil {
		return err
	}
	if len(c.faults) > 0 {
		why := c.faults[0]
		r.result(why.Name, func(one *Result) { one.State = Failed })
		return &stepError{why, errs.New(errs.Invalid, why.Key, values(why.Args)...)}
	}
	var own []dataset.Table
	var failing *stepError
	for _, p := range c.steps {
		began := time.Now()
		r.result(p.step.Name, func(one *Result) { one.State = Running })
		m, outcomes, err := r.step(ctx, p, own)
		r.result(p.step.Name, func(one *Result) {
			one.Millis, one.Rows, one.Tests, one.State = time.Since(began).Milliseconds(), m.loaded.Rows, outcomes, Done
			if err != nil || blocked(outcomes) != nil {
				one.State = Failed
			}
		})
		if err != nil {
			return r.inStep(p.step, err)
		}
		if bad := blocked(outcomes); bad != nil && failing == nil {
			why := Reason{Step: p.step.called(), Name: p.step.Name, Part: "tests", Key: "theme.test_failed", Args: []string{r.testTitle(r.run.Lang, bad.Test, *p.step)}}
			failing = &stepError{why, errs.New(errs.Invalid, why.Key, values(why.Args)...)}
		}
		if failing != nil { // steps after it would be made of what is wrong
			return failing
		}
		own = append(own, dataset.Table{Name: p.step.Name, Title: p.step.Title, Version: m.loaded.ID, Columns: p.step.columns()})
	}
	return nil
}

// inStep says in which step an error with words came up.
func (r *running) inStep(s *Step, err error) error {
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Kind != errs.Internal {
		why := s.about("sql", e)[0]
		why.Key, why.Args = e.Key, texts(e.Args) // the sentence, not its first field: a list of rows may follow
		return &stepError{why, err}
	}
	return err
}

// step makes one step of what is there now and of the results before it, and tests the result.
func (r *running) step(ctx context.Context, p planned, own []dataset.Table) (made, []Outcome, error) {
	m := made{planned: p}
	var err error
	if m.question, err = r.read(ctx, r.db, &r.theme, p.step.SQL, own); err != nil {
		return m, []Outcome{}, err
	}
	limits := warehouse.Limits{Rows: r.settings.Int(ctx, "theme.most_rows"), Time: time.Duration(r.settings.Int(ctx, "theme.step_minutes")) * time.Minute, Now: r.now()}
	m.loaded, err = r.datasets.Make(ctx, m.question, "theme."+p.step.Name, p.step.columns(), p.step.Repeats, limits)
	if err != nil {
		return m, []Outcome{}, err
	}
	r.made = append(r.made, m)
	own = append(slices.Clone(own), dataset.Table{Name: p.step.Name, Title: p.step.Title, Version: m.loaded.ID, Columns: p.step.columns()})
	outcomes, err := r.judge(ctx, p, m.loaded.Version, own)
	if err != nil {
		return m, outcomes, err
	}
	return m, outcomes, r.datasets.Check(ctx, r.db, p.dataset.ID, p.step.columns(), m.loaded.ID)
}

// result changes what is told of a step.
func (r *running) result(name string, change func(*Result)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Rows = 0
	for i := range r.run.Results {
		if r.run.Results[i].Name == name {
			change(&r.run.Results[i])
		}
		r.run.Rows += r.run.Results[i].Rows
	}
}

// seen is the run as it may be written down.
func (r *running) seen() Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.run
	out.Results = slices.Clone(r.run.Results)
	return out
}

// drop removes what was staged and will not be published.
func (r *running) drop(ctx context.Context) {
	for _, m := range r.made {
		if err := r.wh.Drop(context.WithoutCancel(ctx), m.loaded.ID); err != nil && !errs.Is(err, errs.Missing) {
			slog.WarnContext(ctx, "theme: a version nobody names stays until the sweep", "version", m.loaded.ID, "error", err)
		}
	}
}

// fail ends the run with the reason. What is ours is parked for an administrator.
func (r *running) fail(ctx context.Context, cause error) error {
	run := r.seen()
	run.State, run.Rows, run.Ended, run.Fault = Failed, 0, store.At(r.now()), Reason{Key: "theme.broken"}
	if s, ok := errors.AsType[*stepError](cause); ok {
		run.Fault = s.why
	} else if e, ok := errors.AsType[*errs.Error](cause); ok && e.Kind != errs.Internal {
		run.Fault = Reason{Key: e.Key, Args: texts(e.Args)}
	}
	for i := range run.Results {
		switch run.Results[i].State {
		case Running:
			run.Results[i].State = Failed
		case Queued:
			run.Results[i].State = Cancelled
		}
	}
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := r.ended(ctx, tx, &run)
		if err != nil {
			return err
		}
		t.State, t.Fault, t.Run, t.Fails = Failed, run.Fault, run.ID, t.Fails+1
		if err := saveOutcome(ctx, tx, t); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, notify.Alarm, t, "theme.told_failed", t.Title, r.sentence(run.Lang, run.Fault)); err != nil {
			return err
		}
		return r.audit.Record(ctx, tx, audit.Entry{Action: "theme.made", Object: "theme", ID: t.ID, Title: t.Title, Result: audit.Failed,
			Detail: map[string]any{"run": run.ID, "number": run.Number, "step": run.Fault.Name, "reason": run.Fault.Key}})
	})
	switch {
	case errors.Is(err, errGone):
		return nil
	case err != nil:
		return err
	case run.Fault.Key == "theme.broken":
		return jobs.Final(cause)
	}
	return nil
}

// ended writes the end of the run, and returns its library as it is now; errGone when the run is no longer the worker's.
func (r *running) ended(ctx context.Context, tx *store.Tx, run *Run) (*Theme, error) {
	if err := store.Lock(ctx, tx, "theme", run.Theme); err != nil {
		return nil, err
	}
	if err := saveEnd(ctx, tx, run); errs.Is(err, errs.Conflict) {
		return nil, errGone
	} else if err != nil {
		return nil, err
	}
	if err := forgetRuns(ctx, tx, run.Theme, r.settings.Int(ctx, "theme.keep_runs")); err != nil {
		return nil, err
	}
	t, err := findTheme(ctx, tx, run.Theme, store.C("TRUE"))
	return &t, err
}

// tell lets the person in whose name the run stands know how it ended.
func (r *running) tell(ctx context.Context, tx *store.Tx, kind notify.Kind, t *Theme, key string, args ...any) error {
	return r.notify.Send(ctx, tx, notify.Notice{To: []string{r.run.Person}, Kind: kind, Key: key, Args: args, Link: t.link(), Object: "theme", ID: t.ID})
}

// beating writes down how far the run is and stops it when it is no longer this worker's, until stop is called.
func (r *running) beating(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	return jobs.Beat(ctx, cancel, errGone, "run "+r.run.ID, func(ctx context.Context, _ time.Time) error {
		run := r.seen()
		return saveBeat(ctx, r.db, &run)
	})
}
