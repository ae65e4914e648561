// Package signal is whatever is measured over time: a sensor, a link, a vital sign, an indicator. A room declares its signals, or an
// administrator makes one; samples come in through Ingest, are kept by base/series and judged by the signal's rule; what the rule
// finds wrong is an alarm that somebody acknowledges, shelves or sees clear by itself.
//
// The rule is pure (rule.go, state.go): a state and a sample give the next state and what has changed. What stands in rows is
// written behind: a signal's state every second or two, and at every change in the transaction of the alarm. After a crash the
// samples since the kept state are judged again, which raises nothing twice: a signal has one open alarm of a kind.
//
// GB/T 30428.1-2013 names what is monitored; the four levels are those of 突发事件应对法.
package signal

import (
	"context"
	"embed"
	"sync"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/jobs"
	"qushu/internal/base/realtime"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Deps are what signals stand on.
type Deps struct {
	DB       *store.DB
	Series   *series.Store // nil where no samples are kept
	Audit    *audit.Log
	Bus      *bus.Bus
	Notify   *notify.Notes
	Settings *settings.Settings
	Hub      *realtime.Hub // nil where nobody listens
	Names    func(ctx context.Context, q store.Queryer, units []string) (map[string]string, error)
	Now      func() time.Time
}

// Signals is the service.
type Signals struct {
	Deps

	mu    sync.Mutex
	known map[string]*live    // by id
	fed   map[string][]string // code → ids of derived signals that read it
	fresh map[string]bool     // ids with samples since the last flush
	seen  store.Time          // changes of rows up to here are known
	whole bool                // fed has been read
}

// New returns the service over its parts.
func New(d Deps) *Signals {
	s := &Signals{Deps: d, known: map[string]*live{}, fed: map[string][]string{}, fresh: map[string]bool{}}
	if d.Hub != nil {
		d.Hub.Open("signal", func(ctx context.Context, _, channel string) error {
			if !authz.From(ctx).Can("signal.read") {
				return errDenied
			}
			return nil
		})
	}
	return s
}

// Channel tells browsers that signals have new samples or alarms, as a Hint: what they may see of them they ask for.
const Channel = "signal:live"

// Hint is what is said in Channel.
type Hint struct {
	Signals []string `json:"signals,omitempty"` // ids; empty with All
	All     bool     `json:"all,omitempty"`     // more than can be listed
	Alarms  bool     `json:"alarms,omitempty"`
}

// Alarm is what happened to an alarm, for other rooms.
type Alarm struct {
	ID      string  `json:"id"`
	Signal  string  `json:"signal"`
	Code    string  `json:"code"`
	Name    string  `json:"name"`
	Measure string  `json:"measure"`
	Kind    string  `json:"kind"`
	State   string  `json:"state"`
	Level   string  `json:"level"`
	Peak    string  `json:"peak"`
	Value   float64 `json:"value"`
	Room    string  `json:"room"`
	Object  string  `json:"object"`
	Unit    string  `json:"unit"`
	Street  string  `json:"street"`
	Owner   string  `json:"owner"`
	Lon     float64 `json:"lon"`
	Lat     float64 `json:"lat"`
	At      int64   `json:"at"` // microseconds
}

// Room declares the package.
func (s *Signals) Room() *room.Room {
	return &room.Room{
		Name: "signal", Pillar: room.Apps, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "signal.read"}, {Name: "signal.handle"}, {Name: "signal.define"}},
		Menu:  []room.Menu{{Name: "alarms", Path: "/signal", Perm: "signal.read", Rank: 420}, {Name: "list", Path: "/signal/list", Perm: "signal.read", Rank: 421}},
		Routes: []room.Route{
			room.Get("/signals", "signal.read", s.list),
			room.Post("/signals", "signal.define", s.define),
			room.Get("/signals/{id}", "signal.read", s.get),
			room.Put("/signals/{id}/rule", "signal.define", s.putRule),
			room.Get("/signals/{id}/chart", "signal.read", s.chart),
			room.Post("/signals/{id}/calibrations", "signal.define", s.calibrate),
			room.Get("/alarms", "signal.read", s.alarms),
			room.Get("/alarms/count", "signal.read", s.count),
			room.Get("/alarms/{id}", "signal.read", s.alarm),
			room.Post("/alarms/{id}/acknowledge", "signal.handle", s.acknowledge),
			room.Post("/alarms/{id}/shelve", "signal.handle", s.shelve),
			room.Post("/alarms/{id}/unshelve", "signal.handle", s.unshelve),
			room.Post("/alarms/{id}/vote", "signal.read", s.vote),
		},
		Services: []room.Service{{Name: "flush", Anywhere: true, Run: s.flushing}},
		Jobs: []jobs.Handler{jobs.Periodic("signal.roll", jobs.Every(10*time.Second), s.roll), jobs.Periodic("signal.watch", jobs.Every(15*time.Second), s.watch),
			jobs.Periodic("signal.forget", jobs.Daily{Hour: 3, Minute: 40}, s.forget)},
		Emits: []bus.Event{bus.Emits[Alarm]("signal.alarm.raised"), bus.Emits[Alarm]("signal.alarm.worse"), bus.Emits[Alarm]("signal.alarm.acknowledged"),
			bus.Emits[Alarm]("signal.alarm.shelved"), bus.Emits[Alarm]("signal.alarm.cleared")},
		Settings: []room.Setting{{Name: "raw_months", Default: 13, Min: 1, Max: 120, Admin: room.System}, {Name: "keep_months", Default: 120, Min: 2, Max: 600, Admin: room.System}},
		Actions:  []string{"signal.define", "signal.rule", "signal.calibrate", "signal.acknowledge", "signal.shelve", "signal.unshelve", "signal.vote"},
	}
}

// roll brings rollups up to date.
func (s *Signals) roll(ctx context.Context) error {
	if s.Series == nil {
		return nil
	}
	_, err := s.Series.Roll(ctx)
	return err
}

// forget drops what is no longer kept.
func (s *Signals) forget(ctx context.Context) error {
	if s.Series == nil {
		return nil
	}
	now := s.Now()
	return s.Series.Forget(ctx, now.AddDate(0, -s.Settings.Int(ctx, "signal.raw_months"), 0), now.AddDate(0, -s.Settings.Int(ctx, "signal.keep_months"), 0))
}
