// Package system is what the administrators of the machine look at: what is in order, what is parked,
// and what the sign-in page may say before anybody has signed in. `qushu doctor` runs the same checks.
package system

import (
	"context"
	"embed"
	"runtime"
	"time"

	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/settings"
)

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// State of one check.
type State string

// The states: Warn wants a look today, Bad now.
const (
	OK   State = "ok"
	Warn State = "warn"
	Bad  State = "bad"
)

// Finding is what one check says, as a text key with arguments.
type Finding struct {
	State State
	Key   string
	Args  []any
}

// Check looks at one thing. Its name is the text "check.<Name>".
type Check struct {
	Name string
	Run  func(ctx context.Context) Finding
}

// System serves the pages.
type System struct {
	db       *store.DB
	jobs     *jobs.Client
	audit    *audit.Log
	settings *settings.Settings
	now      func() time.Time
	started  time.Time
	site     Site
	checks   []Check
	catalog  Words
	cutOff   func(person string) error
}

// Site is what is known of the installation at start.
type Site struct {
	Version string
	Demo    bool
	Data    string // data directory, "" when nothing is kept on this machine
}

// New returns the pages with the checks every installation has.
func New(db *store.DB, c *jobs.Client, log *audit.Log, s *settings.Settings, now func() time.Time) *System {
	y := &System{db: db, jobs: c, audit: log, settings: s, now: now, started: time.Now()}
	y.Add(Check{"database", y.database}, Check{"disk", y.disk}, Check{"jobs", y.parked}, Check{"clock", y.clock}, Check{"memory", memory})
	return y
}

// Furnish gives the words of the findings.
func (y *System) Furnish(w Words) { y.catalog = w }

// Know says what the program knows of itself at start.
func (y *System) Know(s Site) { y.site = s }

// Drops says how the open connections of a person are closed, so that an ended session hears nothing more.
func (y *System) Drops(drop func(person string) error) { y.cutOff = drop }

func (y *System) sessionEnded(_ context.Context, e struct {
	Person string `json:"person"`
}) error {
	if y.cutOff == nil {
		return nil
	}
	return y.cutOff(e.Person)
}

// Demo reports whether this is a demonstration installation.
func (y *System) Demo() bool { return y.site.Demo }

// Add adds checks of other packages; it comes before requests are served.
func (y *System) Add(c ...Check) { y.checks = append(y.checks, c...) }

// Examine runs every check, each for ten seconds at most.
func (y *System) Examine(ctx context.Context) []Named {
	out := make([]Named, len(y.checks))
	for i, c := range y.checks {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		out[i] = Named{c.Name, c.Run(ctx)}
		cancel()
	}
	return out
}

// Named is a finding with the name of its check.
type Named struct {
	Name string
	Finding
}

func (y *System) database(ctx context.Context) Finding {
	start := time.Now()
	if err := y.db.Ping(ctx); err != nil {
		return Finding{Bad, "system.database_away", []any{err}}
	}
	if err := y.db.CheckCollation(ctx); err != nil {
		return Finding{Bad, "system.collation", []any{err}}
	}
	return Finding{OK, "system.database_ok", []any{y.db.Engine(), time.Since(start).Round(10 * time.Microsecond)}}
}

func (y *System) parked(ctx context.Context) Finding {
	wait, park, err := y.jobs.Counts(ctx)
	switch {
	case err != nil:
		return Finding{Bad, "system.jobs_unknown", []any{err}}
	case park > 0:
		return Finding{Warn, "system.jobs_parked", []any{park}}
	case wait > 10000:
		return Finding{Warn, "system.jobs_behind", []any{wait}}
	}
	return Finding{OK, "system.jobs_ok", []any{wait}}
}

// clock compares this machine's clock with what was last recorded: a clock that went back makes an
// audit that cannot be believed.
func (y *System) clock(ctx context.Context) Finding {
	last, err := y.audit.Last(ctx)
	if err != nil {
		return Finding{Warn, "system.clock_unknown", []any{err}}
	}
	if back := last.Sub(y.now()); back > time.Second {
		return Finding{Bad, "system.clock_back", []any{back.Round(time.Second)}}
	}
	return Finding{OK, "system.clock_ok", []any{y.now().In(time.FixedZone("+08:00", 8*3600)).Format("2006-01-02 15:04:05")}}
}

func memory(context.Context) Finding {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Finding{OK, "system.memory", []any{(m.Sys - m.HeapReleased) >> 20, m.HeapInuse >> 20, runtime.NumGoroutine()}}
}
