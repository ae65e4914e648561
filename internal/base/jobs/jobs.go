// Package jobs runs work after the transaction that asked for it: at least once, retried with
// back-off, parked after the last try where an administrator sees and re-runs it. It stands on River.
package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
)

// Handler works one kind of job. Its name is "<room>.<what>".
type Handler struct {
	Name     string
	Type     reflect.Type  // payload
	Timeout  time.Duration // of one try, one minute when 0
	Attempts int           // tries before it is parked, 8 when 0 (about four hours of back-off)
	Schedule Schedule      // nil for a job that is only enqueued
	Run      func(ctx context.Context, payload []byte) error
}

// Schedule tells when a periodic job runs next.
type Schedule interface{ Next(time.Time) time.Time }

// Handle declares a job with payload T.
func Handle[T any](name string, fn func(context.Context, T) error) Handler {
	return Handler{Name: name, Type: reflect.TypeFor[T](), Run: func(ctx context.Context, p []byte) error {
		var t T
		if err := json.Unmarshal(p, &t); err != nil {
			return Final(fmt.Errorf("jobs: %s: payload: %w", name, err))
		}
		return fn(ctx, t)
	}}
}

// Periodic declares a job that one replica runs by schedule.
func Periodic(name string, s Schedule, fn func(context.Context) error) Handler {
	h := Handle(name, func(ctx context.Context, _ struct{}) error { return fn(ctx) })
	h.Schedule, h.Attempts = s, 1 // the next turn is the retry
	return h
}

// Every runs at a fixed distance.
type Every time.Duration

// Next implements Schedule.
func (e Every) Next(t time.Time) time.Time { return t.Add(time.Duration(e)) }

// Daily runs once a day at a civil time (+08:00).
type Daily struct{ Hour, Minute int }

// Next implements Schedule.
func (d Daily) Next(t time.Time) time.Time {
	l := t.In(time.FixedZone("+08:00", 8*3600))
	n := time.Date(l.Year(), l.Month(), l.Day(), d.Hour, d.Minute, 0, 0, l.Location())
	if !n.After(l) {
		n = n.AddDate(0, 0, 1)
	}
	return n
}

// Final marks err as one that another try cannot mend: the job is parked at once.
func Final(err error) error { return river.JobCancel(parkedError{err}) }

type parkedError struct{ error }

func (p parkedError) Unwrap() error { return p.error }

// work carries any payload under a kind known only at run time.
type work struct {
	kind string
	body json.RawMessage
}

func (w work) Kind() string                  { return w.kind }
func (w work) MarshalJSON() ([]byte, error)  { return w.body, nil }
func (w *work) UnmarshalJSON(b []byte) error { w.body = append(w.body[:0], b...); return nil }

type worker struct {
	river.WorkerDefaults[work]
	h Handler
}

func (w *worker) Timeout(*river.Job[work]) time.Duration { return w.h.Timeout }

func (w *worker) Work(ctx context.Context, j *river.Job[work]) error {
	return w.h.Run(ctx, j.Args.body)
}

// Client enqueues and works jobs.
type Client struct {
	db       *store.DB
	handlers map[string]Handler
	river    *river.Client[*sql.Tx]
	cfg      *river.Config

	unwatch context.CancelFunc
	watched chan struct{}
}

// New returns a client without handlers.
func New(db *store.DB) *Client { return &Client{db: db, handlers: map[string]Handler{}} }

// Add declares handlers; it comes before Open.
func (c *Client) Add(hs ...Handler) error {
	for _, h := range hs {
		if _, twice := c.handlers[h.Name]; twice {
			return fmt.Errorf("jobs: %s is declared twice", h.Name)
		}
		c.handlers[h.Name] = h
	}
	return nil
}

// Migrate makes River's tables.
func Migrate(ctx context.Context, db *store.DB) error {
	m, err := rivermigrate.New(driver(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

func driver(db *store.DB) riverdriver.Driver[*sql.Tx] {
	if db.Engine() == store.Postgres {
		return riverdatabasesql.NewWithPgxListener(db.Writer(), db.Pool())
	}
	return riversqlite.New(db.Writer())
}

// Open makes the client ready to enqueue. With work it also works jobs once started.
func (c *Client) Open(work bool) error {
	c.cfg = &river.Config{
		ID:                          "qushu-" + id.New(),
		Logger:                      slog.New(newQuiet(slog.Default().Handler())),
		FetchCooldown:               5 * time.Millisecond,
		FetchPollInterval:           200 * time.Millisecond,
		MaxAttempts:                 8,
		CompletedJobRetentionPeriod: 24 * time.Hour,
		DiscardedJobRetentionPeriod: -1, // parked jobs wait for an administrator
		CancelledJobRetentionPeriod: -1,
		RescueStuckJobsAfter:        2 * time.Hour,
		SoftStopTimeout:             20 * time.Second,
		SkipUnknownJobCheck:         true,
	}
	if work {
		c.cfg.Workers = river.NewWorkers()
		c.cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}}
		for _, h := range c.handlers {
			river.AddWorkerArgs(c.cfg.Workers, newWork(h.Name, nil), &worker{h: h})
			if h.Schedule != nil {
				c.cfg.PeriodicJobs = append(c.cfg.PeriodicJobs, river.NewPeriodicJob(h.Schedule, func() (river.JobArgs, *river.InsertOpts) {
					return newWork(h.Name, []byte("{}")), &river.InsertOpts{MaxAttempts: 1}
				}, nil))
			}
		}
	}
	var err error
	c.river, err = river.NewClient(driver(c.db), c.cfg)
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

func newWork(kind string, body []byte) work { return work{kind, body} }

// Start works jobs until Stop, those first that a process which died was at.
func (c *Client) Start(ctx context.Context) error {
	if c.cfg.Workers == nil {
		return c.river.Start(ctx)
	}
	sign, err := c.db.Present(ctx, c.cfg.ID)
	if err != nil {
		return err
	}
	if err := c.river.Start(ctx); err != nil {
		sign.End(ctx)
		return err
	}
	ctx, c.unwatch = context.WithCancel(ctx)
	c.watched = make(chan struct{})
	go c.watch(ctx, sign)
	return nil
}

// Stop lets running jobs finish, for 20 seconds at most.
func (c *Client) Stop(ctx context.Context) error {
	err := c.river.Stop(ctx)
	if c.unwatch != nil {
		c.unwatch()
		<-c.watched
	}
	return err
}

// Enqueue inserts a job in tx. With at given it runs not before.
func (c *Client) Enqueue(ctx context.Context, tx *store.Tx, name string, payload any, at ...time.Time) error {
	h, ok := c.handlers[name]
	if !ok {
		return fmt.Errorf("jobs: nobody works %q", name)
	}
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("jobs: %s: %w", name, err)
	}
	opts := &river.InsertOpts{MaxAttempts: h.Attempts}
	if len(at) > 0 {
		opts.ScheduledAt = at[0]
	}
	if _, err := c.river.InsertTx(context.WithoutCancel(ctx), tx.SQL(), newWork(name, b), opts); err != nil {
		return fmt.Errorf("jobs: %s: %w", name, err)
	}
	return nil
}

// Left is a job of another database that was not finished there.
type Left struct {
	Kind, Args string
	Attempts   int
}

// Unfinished lists the jobs of an SQLite database that still wait, run or are parked.
func Unfinished(ctx context.Context, q store.Queryer) ([]Left, error) {
	return store.All(ctx, q, func(l *Left) []any { return []any{&l.Kind, &l.Args, &l.Attempts} },
		`SELECT kind, json(args), max_attempts FROM river_job WHERE CAST(state AS TEXT) <> 'completed' ORDER BY id`)
}

// Adopt inserts jobs another database left, in tx, and returns how many. What was running there runs again here, as
// after a crash; a parked one is tried once more. Periodic jobs come by themselves.
func (c *Client) Adopt(ctx context.Context, tx *store.Tx, all []Left) (n int, err error) {
	for _, l := range all {
		if h, ok := c.handlers[l.Kind]; !ok || h.Schedule != nil {
			continue
		}
		if _, err := c.river.InsertTx(context.WithoutCancel(ctx), tx.SQL(), newWork(l.Kind, []byte(l.Args)), &river.InsertOpts{MaxAttempts: l.Attempts}); err != nil {
			return n, fmt.Errorf("jobs: %s: %w", l.Kind, err)
		}
		n++
	}
	return n, nil
}

// Row is one job as an administrator sees it.
type Row struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	State    string    `json:"state" enum:"available,cancelled,completed,discarded,pending,retryable,running,scheduled"`
	Attempt  int       `json:"attempt"`
	Attempts int       `json:"attempts"`
	Created  time.Time `json:"created"`
	Next     time.Time `json:"next"`
	Error    string    `json:"error" doc:"what the last try said"`
}

// Waiting are the states of jobs that are tried again; Parked of those that wait for an administrator.
var (
	waiting = []rivertype.JobState{rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled, rivertype.JobStateAvailable}
	parked  = []rivertype.JobState{rivertype.JobStateDiscarded, rivertype.JobStateCancelled}
)

// List returns the newest jobs: parked ones, or those still waiting or running.
func (c *Client) List(ctx context.Context, isParked bool, limit int) ([]Row, error) {
	states := waiting
	if isParked {
		states = parked
	}
	res, err := c.river.JobList(ctx, river.NewJobListParams().States(states...).OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(limit))
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	out := make([]Row, 0, len(res.Jobs))
	for _, j := range res.Jobs {
		r := Row{ID: j.ID, Name: j.Kind, State: string(j.State), Attempt: j.Attempt, Attempts: j.MaxAttempts, Created: j.CreatedAt, Next: j.ScheduledAt}
		if n := len(j.Errors); n > 0 {
			r.Error = strings.TrimPrefix(j.Errors[n-1].Error, "JobCancelError: ")
		}
		out = append(out, r)
	}
	return out, nil
}

// Retry runs a parked job again, in tx.
func (c *Client) Retry(ctx context.Context, tx *store.Tx, job int64) error {
	_, err := c.river.JobRetryTx(context.WithoutCancel(ctx), tx.SQL(), job)
	return found(err)
}

// Drop deletes a parked job, in tx.
func (c *Client) Drop(ctx context.Context, tx *store.Tx, job int64) error {
	_, err := c.river.JobDeleteTx(context.WithoutCancel(ctx), tx.SQL(), job)
	return found(err)
}

func found(err error) error {
	if errors.Is(err, rivertype.ErrNotFound) {
		return missing()
	}
	return err
}

// Counts returns how many jobs wait and how many are parked.
func (c *Client) Counts(ctx context.Context) (wait, park int, err error) {
	type row struct{ w, p int }
	r, err := store.One(ctx, c.db, func(r *row) []any { return []any{&r.w, &r.p} }, `SELECT
		count(*) FILTER (WHERE CAST(state AS TEXT) IN ('available', 'retryable', 'running', 'scheduled', 'pending')),
		count(*) FILTER (WHERE CAST(state AS TEXT) IN ('discarded', 'cancelled')) FROM river_job`)
	return r.w, r.p, err
}
