// Package flow moves whatever needs people: a case goes along a drawn flow, under clocks, with a full trace. Rooms host
// cases and say what their forms hold; who acts, by when, what happens when he does not, and what everybody did is
// kept here, the same for every room. docs/adr/0009 says how.
package flow

import (
	"context"
	"embed"
	"encoding/json"
	"sync"
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
	"qushu/internal/kernel/talk"
	"qushu/internal/room"
)

// looks is why a route leaves no record: nothing of a person is shown and nothing is kept.
const looks = "a drawing is only looked at"

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
	// Types are the names expressions may use, for the check of a drawing; nil where there are none to say.
	Types func(ctx context.Context, q store.Queryer, kind string) (map[string]rule.Type, error)
	// Fields are those of the form, in their order, whose rights a step of a drawing may set; nil where there are none to say.
	Fields func(ctx context.Context, q store.Queryer, kind string) ([]FormField, error)
	// Apply checks and keeps what the form of a step said. Errors are Invalid, with Fields.
	Apply func(ctx context.Context, tx *store.Tx, c *Case, node, outcome string, data json.RawMessage) error
	// Changed writes the case's columns on the room's own row.
	Changed func(ctx context.Context, tx *store.Tx, c *Case) error
	// CanRead lets somebody see a case he takes no part in; nil and Missing mean no.
	CanRead func(ctx context.Context, q store.Queryer, c *Case) error
	// Services are the services its drawings may ask for; Service does one, in the transaction that lets the case go on.
	Services []string
	Service  func(ctx context.Context, tx *store.Tx, c *Case, name string, args map[string]string) error
	// Call begins the case a call activity asks for; item is what a repeated activity stands for.
	Call func(ctx context.Context, tx *store.Tx, c *Case, kind string, item any) (*Case, error)
	// Part begins a part of a case as a case of its own; nil where there are none. Unit is "" for that of the whole.
	Part func(ctx context.Context, tx *store.Tx, c *Case, title, unit string) (*Case, error)
	// Paper lists the values of the case's form in their order as the actor may have them on paper: hidden ones left out,
	// personal data masked. Nil where the room has none.
	Paper func(ctx context.Context, q store.Queryer, c *Case) ([]Printed, error)
	// Level names the level of the case; nil where the level is its own name.
	Level func(ctx context.Context, q store.Queryer, c *Case) (string, error)
	// Audited is the object of the room's own records about the case, for an evidence pack; "" for none.
	Audited string
	// Link is the page of the case in the portal.
	Link func(c *Case) string
}

// FormField is a field of a form as a drawing speaks of it.
type FormField struct {
	Key   string `json:"key"`
	Title string `json:"title" doc:"in the caller's language"`
	Type  string `json:"type" doc:"as the room calls it"`
	// Options are the values of a choice.
	Options []FormOption `json:"options,omitempty"`
}

// FormOption is one value of a choice.
type FormOption struct {
	Key   string `json:"key"`
	Title string `json:"title"`
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
	files  *file.Files
	notify *notify.Notes
	words  *errs.Catalog
	days   when.Days
	daysIn func(ctx context.Context, q store.Queryer) (*when.Calendar, error)
	now    func() time.Time
	hosts  map[string]Host
	jobs   Enqueuer
	known  sync.Map // id of a drawing → *Process: a version never changes
	rules  sync.Map // kind, names, text → *rule.Rule
	find   *find.Find

	// Push tells a person's open pages that his boxes changed; nil where there is no realtime.
	Push func(person string, payload any)
	// District is whose papers these are, in words; nil where nobody says.
	District func(ctx context.Context) string
}

// Enqueuer asks for work after the transaction.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx *store.Tx, name string, payload any, at ...time.Time) error
}

// Deps are the parts flow is made of.
type Deps struct {
	DB     *store.DB
	Audit  *audit.Log
	Authz  *authz.Authz
	Org    *org.Org
	Files  *file.Files
	Talk   *talk.Talk
	Notify *notify.Notes
	Words  *errs.Catalog
	Jobs   Enqueuer
	Find   *find.Find // nil where nothing is found
	Days   when.Days  // for what is shown
	// DaysIn is the calendar in force in a transaction, for deadlines that are kept.
	DaysIn func(ctx context.Context, q store.Queryer) (*when.Calendar, error)
	Now    func() time.Time
}

// New makes the service.
func New(d Deps) *Flow {
	f := &Flow{db: d.DB, audit: d.Audit, authz: d.Authz, org: d.Org, files: d.Files, notify: d.Notify, words: d.Words, days: d.Days, daysIn: d.DaysIn, now: d.Now, jobs: d.Jobs, find: d.Find, hosts: map[string]Host{}}
	reads := func(ctx context.Context, object string) error {
		_, err := f.readable(ctx, f.db, object)
		return err
	}
	d.Files.Readers("flow", reads)
	// Only who takes part may be mentioned: for another person no right can be asked.
	d.Talk.Readers("flow", reads, takesPart, func(object string) string { return "/flow/cases/" + object })
	f.findable()
	return f
}

// Host says what a room does for its cases; the room calls it once, when it is made.
func (f *Flow) Host(room string, h Host) { f.hosts[room] = h }

// Room declares the package.
func (f *Flow) Room() *room.Room {
	return &room.Room{Name: "flow", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "flow.supervise"}, {Name: "flow.manage"}, {Name: "flow.draw"}},
		Menu:  []room.Menu{{Name: "tasks", Path: "/flow", Perm: room.Signed, Rank: 15}, {Name: "stats", Path: "/flow/stats", Perm: "flow.supervise", Rank: 305}, {Name: "drawings", Path: "/flow/drawings", Perm: "flow.draw", Rank: 312}, {Name: "stuck", Path: "/flow/stuck", Perm: "flow.manage", Rank: 860}},
		Routes: []room.Route{
			room.Get("/boxes", room.Signed, f.boxes),
			room.Get("/tasks", room.Signed, f.tasks),
			room.Get("/cases/{id}", room.Signed, f.showCase),
			room.Get("/cases/{id}/trace", room.Signed, f.trace),
			room.Get("/cases/{id}/diagram", room.Signed, f.diagram),
			room.Post("/cases/{id}/deeds", room.Signed, f.deed),
			room.Post("/tasks/{id}/read", room.Signed, f.seen).NoAudit("opening one's own task"),
			room.Post("/batch", room.Signed, f.batch).NoAudit("each task that is submitted leaves its own record"),
			room.Get("/deputies", room.Signed, f.deputies),
			room.Post("/deputies", room.Signed, f.appoint),
			room.Delete("/deputies/{id}", room.Signed, f.dismiss),
			room.Get("/phrases", room.Signed, f.phrases),
			room.Put("/phrases", room.Signed, f.savePhrases).NoAudit("how a person words his own opinions"),
			room.Get("/stats", "flow.supervise", f.countAll),
			room.Get("/stats/cases", "flow.supervise", f.behind),
			room.Get("/stuck", "flow.manage", f.stuck),
			room.Post("/stuck/{id}/assign", "flow.manage", f.assign),
			room.Get("/drawings", "flow.draw", f.drawings),
			room.Get("/drawings/{kind}", "flow.draw", f.showDrawing),
			room.Get("/drawings/{kind}/versions/{def}", "flow.draw", f.showVersion),
			room.Post("/drawings/{kind}/check", "flow.draw", f.checkDrawing).NoAudit(looks).Body(mostXML),
			room.Post("/drawings/{kind}/read", "flow.draw", f.readDrawing).NoAudit(looks).Body(2 * mostXML),
			room.Put("/drawings/{kind}/draft", "flow.draw", f.saveDraft).Body(mostXML),
			room.Delete("/drawings/{kind}/draft", "flow.draw", f.dropDraft),
			room.Post("/drawings/{kind}/publish", "flow.draw", f.publish),
			room.Get("/drawings/{kind}/move", "flow.draw", f.planMove),
			room.Post("/drawings/{kind}/move", "flow.draw", f.startMove),
			room.Delete("/drawings/{kind}/move", "flow.draw", f.cancelMove),
			room.Get("/drawings/{kind}/move/kept", "flow.draw", f.keptBack),
		},
		Raws: []room.Raw{
			{Method: "GET", Path: "/drawings/{kind}/versions/{def}/bpmn", Perm: "flow.draw", Doc: "a drawing as BPMN 2.0 XML; def is the id of a version, or draft", Serve: f.serveXML},
			{Method: "GET", Path: "/stats.xlsx", Perm: "flow.supervise", Doc: "the statistics as a workbook, asked for as /stats", Serve: f.countsXLSX},
			{Method: "GET", Path: "/cases/{id}/paper.pdf", Perm: room.Signed, Doc: "a case on paper: values, steps, files, clocks", Serve: f.servePaper},
			{Method: "GET", Path: "/cases/{id}/evidence.zip", Perm: room.Signed, Doc: "a signed pack of a case: paper, JSON, files, manifest", Serve: f.serveEvidence},
		},
		Services: []room.Service{{Name: "timers", Once: true, Run: f.keepTime}, {Name: "sums", Once: true, Run: f.keepSums}},
		Hears:    []bus.Listener{bus.On("org.left", f.personLeft), bus.On("org.post_changed", f.postsChanged), bus.On("settings.calendar", f.calendarChanged)},
		Jobs:     f.handlers(),
		Actions:  actions(),
	}
}
