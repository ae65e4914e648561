// Package flow moves whatever needs people: a case goes along a drawn flow, under clocks, with a full trace. Rooms host
// cases and say what their forms hold; who acts, by when, what happens when he does not, and what everybody did is
// kept here, the same for every room. docs/adr/0009 says how.
package flow

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/find"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// The parts of a drawing, as rooms write them.
type (
	Process    = bpmn.Process
	Step       = bpmn.Step
	Way        = bpmn.Way
	Task       = bpmn.Task
	Action     = bpmn.Action
	Who        = bpmn.Who
	Limit      = bpmn.Limit
	Escalation = bpmn.Escalation
	Share      = bpmn.Share
)

// FromSteps draws a list of steps.
func FromSteps(key, name string, limit []Limit, steps []Step) *Process {
	return bpmn.FromSteps(key, name, limit, steps)
}

// Host is the room that keeps what a case is about.
type Host struct {
	// Vars are the values expressions see. Outcome, level and item are added.
	Vars func(ctx context.Context, q store.Queryer, c *Case) (map[string]any, error)
	// Types are the names expressions may use, for the check of a drawing.
	Types func(kind string) map[string]rule.Type
	// Apply checks and keeps what the form of a step said. Errors are Invalid, with Fields.
	Apply func(ctx context.Context, tx *store.Tx, c *Case, node, outcome string, data json.RawMessage) error
	// Changed writes the case's columns on the room's own row.
	Changed func(ctx context.Context, tx *store.Tx, c *Case) error
	// CanRead lets somebody see a case he takes no part in; nil and Missing mean no.
	CanRead func(ctx context.Context, q store.Queryer, c *Case) error
	// Link is the page of the case in the portal.
	Link func(c *Case) string
}

// Numbering is how the cases of a kind are numbered: prefix, period, serial. Serials have no gaps: they are given in the
// transaction that begins the case.
type Numbering struct {
	Prefix string // "MD"
	Per    string // year, month, day
	Digits int
}

// Kind is a sort of case.
type Kind struct {
	Key, Room, Title string
	Number           Numbering
}

// Flow is the package's service.
type Flow struct {
	db     *store.DB
	audit  *audit.Log
	authz  *authz.Authz
	org    *org.Org
	notify *notify.Notes
	words  *errs.Catalog
	days   *when.Calendar
	now    func() time.Time
	hosts  map[string]Host
	find   *find.Find

	// Push tells a person's open pages that his boxes changed; nil where there is no realtime.
	Push func(person string, payload any)
}

// Deps are the parts flow is made of.
type Deps struct {
	DB     *store.DB
	Audit  *audit.Log
	Authz  *authz.Authz
	Org    *org.Org
	Files  *file.Files
	Notify *notify.Notes
	Words  *errs.Catalog
	Find   *find.Find // nil where nothing is found
	Now    func() time.Time
}

// New makes the service.
func New(d Deps) *Flow {
	days, err := when.Load()
	if err != nil {
		panic("flow: the calendar inside the program is damaged: " + err.Error())
	}
	f := &Flow{db: d.DB, audit: d.Audit, authz: d.Authz, org: d.Org, notify: d.Notify, words: d.Words, days: days, now: d.Now, hosts: map[string]Host{}, find: d.Find}
	d.Files.Readers("flow", func(ctx context.Context, object string) error {
		_, err := f.readable(ctx, f.db, object)
		return err
	})
	f.findable()
	return f
}

// Host says what a room does for its cases; the room calls it once, when it is made.
func (f *Flow) Host(room string, h Host) { f.hosts[room] = h }

// Room declares the package.
func (f *Flow) Room() *room.Room {
	return &room.Room{Name: "flow", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "flow.supervise"}, {Name: "flow.manage"}},
		Menu:  []room.Menu{{Name: "tasks", Path: "/flow", Perm: room.Signed, Rank: 15}, {Name: "stuck", Path: "/flow/stuck", Perm: "flow.manage", Rank: 860}},
		Routes: []room.Route{
			room.Get("/boxes", room.Signed, f.boxes),
			room.Get("/tasks", room.Signed, f.tasks),
			room.Get("/cases/{id}", room.Signed, f.showCase),
			room.Get("/cases/{id}/trace", room.Signed, f.trace),
			room.Get("/cases/{id}/diagram", room.Signed, f.diagram),
			room.Post("/cases/{id}/deeds", room.Signed, f.deed),
			room.Post("/tasks/{id}/read", room.Signed, f.seen).NoAudit("opening one's own task"),
			room.Get("/phrases", room.Signed, f.phrases),
			room.Put("/phrases", room.Signed, f.savePhrases).NoAudit("how a person words his own opinions"),
			room.Get("/stuck", "flow.manage", f.stuck),
			room.Post("/stuck/{id}/assign", "flow.manage", f.assign),
		},
		Services: []room.Service{{Name: "timers", Once: true, Run: f.keepTime}},
		Hears:    []bus.Listener{bus.On("org.left", f.personLeft), bus.On("org.post_changed", f.postsChanged)},
		Actions:  actions(),
	}
}
