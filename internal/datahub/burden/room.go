// Package burden is the check of reports before they are sent to communities (一表通 · 报表减负). A department drafts a report; each of its fields is held against the
// catalogue and against what other departments ask. What is held and shared may not be asked again: it is filled in beforehand,
// or refused by the rule. What is approved is sent, filled in by communities on a page or a spreadsheet, and put together;
// and the minutes asked, taken off and really spent are counted by community, street, department and report.
//
// The rule is 《政务信息资源共享管理暂行办法》（国发〔2016〕51号）: what the sharing platform can give is not to be submitted again.
package burden

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/find"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Entry is a published entry of the catalogue.
type Entry struct {
	ID, Code, Name, Unit, Share, Condition, Basis string
	Items                                         []Item
}

// Item is one item of an entry.
type Item struct {
	Name, Column, Type, Kind, Share string // Column is what its source calls it
}

// Catalogue tells of published entries.
type Catalogue interface {
	// Published lists them all; the mark changes when any of them does, and nil is answered while it is the mark given.
	Published(ctx context.Context, q store.Queryer, mark string) (all []Entry, now string, err error)
	// Bound is the stored table an entry is bound to, with the column of each item; "" for none.
	Bound(ctx context.Context, q store.Queryer, entry string) (dataset string, columns map[string]string, err error)
}

// Quality takes what recipients say is wrong in data that was filled in as tickets to who provides it.
type Quality interface {
	// Report begins a ticket of the actor's in tx and returns its id and number. words hold no personal data.
	Report(ctx context.Context, tx *store.Tx, dataset, column, words string) (ticket, number string, err error)
}

// Told is what others hear of a report: burden.approved, burden.refused, burden.sent.
type Told struct {
	Report string `json:"report"`
	Title  string `json:"title"`
	Unit   string `json:"unit"`
	Round  string `json:"round,omitempty"`
}

// Burden is the room.
type Burden struct {
	db        *store.DB
	bus       *bus.Bus
	audit     *audit.Log
	authz     *authz.Authz
	org       *org.Org
	files     *file.Files
	datasets  *dataset.Datasets
	settings  *settings.Settings
	flow      *flow.Flow
	notify    *notify.Notes
	words     *errs.Catalog
	find      *find.Find
	now       func() time.Time
	catalogue Catalogue
	quality   Quality
	held      *known
}

// New declares the room.
func New(kit *kernel.Kit, catalogue Catalogue, quality Quality) *room.Room {
	b := &Burden{db: kit.DB, bus: kit.Bus, audit: kit.Audit, authz: kit.Authz, org: kit.Org, files: kit.Files, datasets: kit.Datasets, settings: kit.Settings, flow: kit.Flow,
		notify: kit.Notify, words: kit.Words, find: kit.Find, now: kit.Now, catalogue: catalogue, quality: quality, held: &known{}}
	kit.Flow.Host("burden", b.host())
	b.findable()
	kit.Files.Readers("burden", func(ctx context.Context, object string) error {
		_, err := findTip(ctx, b.db, store.And(store.C("t.id = $1", object), tipScope(ctx).Cond()))
		return err
	})
	return &room.Room{
		Name: "burden", Pillar: room.Datahub, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "burden.read", Default: room.All}, {Name: "burden.fill", Default: room.Unit}, {Name: "burden.draft"}, {Name: "burden.check"}, {Name: "burden.watch"}},
		Menu: []room.Menu{{Name: "sheets", Path: "/burden/sheets", Perm: "burden.fill", Rank: 325}, {Name: "reports", Path: "/burden", Perm: "burden.read", Rank: 326},
			{Name: "meter", Path: "/burden/meter", Perm: "burden.read", Rank: 327}},
		Routes: append(b.reportRoutes(), b.sendRoutes()...),
		Raws: []room.Raw{
			{Method: "GET", Path: "/sheets/{id}/form.xlsx", Perm: "burden.fill", Doc: "a sheet as a workbook, to be filled in and uploaded again", Serve: b.formXLSX},
			{Method: "GET", Path: "/rounds/{id}/result.xlsx", Perm: "burden.read", Doc: "what all recipients submitted, as one workbook", Serve: b.resultXLSX},
			{Method: "GET", Path: "/meter.xlsx", Perm: "burden.read", Doc: "the meter as a workbook, asked for as /meter", Serve: b.meterXLSX},
		},
		Services: []room.Service{{Name: "install", Once: true, Run: b.install}},
		Emits:    []bus.Event{bus.Emits[Told]("burden.approved"), bus.Emits[Told]("burden.refused"), bus.Emits[Told]("burden.sent")},
		Hears:    []bus.Listener{bus.On("settings.changed", b.settingChanged), bus.On("quality.answered", b.ticketAnswered)},
		Settings: declared(),
		Actions: []string{"burden.draft", "burden.save", "burden.drop", "burden.file", "burden.send", "burden.close", "burden.urge", "burden.fill", "burden.submit", "burden.return", "burden.fix", "burden.answer",
			"burden.tip", "burden.share", "burden.export"},
	}
}

func (b *Burden) reportRoutes() []room.Route {
	const looks = "nothing is kept"
	return []room.Route{
		room.Get("/reports", "burden.read", b.list),
		room.Get("/reports/{id}", "burden.read", b.show),
		room.Get("/reports/{id}/matches", "burden.read", b.matches),
		room.Post("/reports", "burden.draft", b.create),
		room.Put("/reports/{id}", "burden.draft", b.save),
		room.Delete("/reports/{id}", "burden.draft", b.drop),
		room.Post("/reports/{id}/file", "burden.draft", b.hand),
		room.Post("/read", "burden.draft", b.readHead).NoAudit(looks),
		room.Get("/items", "burden.draft", b.findItems),
		room.Get("/targets", "burden.draft", b.targets),
		room.Get("/rule", "burden.read", b.rule),
		room.Get("/shares", "burden.draft", b.listShares),
		room.Post("/reports/{id}/shares", "burden.draft", b.propose),
		room.Post("/shares/{id}/answer", "burden.draft", b.answerShare),
		room.Get("/meter", "burden.read", b.meter),
	}
}

func (b *Burden) sendRoutes() []room.Route {
	return []room.Route{
		room.Post("/reports/{id}/send", "burden.draft", b.send),
		room.Get("/rounds", "burden.read", b.listRounds),
		room.Get("/rounds/{id}", "burden.read", b.showRound),
		room.Post("/rounds/{id}/urge", "burden.draft", b.urge),
		room.Post("/rounds/{id}/close", "burden.draft", b.closeRound),
		room.Get("/sheets", "burden.fill", b.listSheets),
		room.Get("/sheets/{id}", "burden.read", b.showSheet),
		room.Put("/sheets/{id}", "burden.fill", b.saveSheet).Body(8 << 20),
		room.Post("/sheets/{id}/open", "burden.fill", b.openSheet).NoAudit("that a page was opened is the beginning of a measured time, nothing is changed"),
		room.Post("/sheets/{id}/fetch", "burden.fill", b.fetchRows),
		room.Post("/sheets/{id}/upload", "burden.fill", b.upload),
		room.Post("/sheets/{id}/submit", "burden.fill", b.submitSheet),
		room.Post("/sheets/{id}/return", "burden.draft", b.returnSheet),
		room.Post("/sheets/{id}/fixes", "burden.fill", b.fix),
		room.Get("/fixes", "burden.read", b.listFixes),
		room.Post("/fixes/{id}/answer", "burden.draft", b.answerFix),
		room.Get("/tips", "burden.fill", b.listTips),
		room.Post("/tips", "burden.fill", b.tip),
		room.Post("/tips/{id}/answer", "burden.check", b.answerTip),
	}
}

// install puts the roles and the drawing of this room where there are none yet.
func (b *Burden) install(ctx context.Context) error {
	at := func(perm string, s room.Scope) authz.RolePerm { return authz.RolePerm{Perm: perm, Scope: s} }
	roles := []authz.Role{
		{Key: "burden_editor", Name: "报表编制员", NameEN: "Report editor", Perms: []authz.RolePerm{at("burden.read", room.All), at("burden.draft", room.Unit)}},
		{Key: "burden_checker", Name: "报表准入审查员", NameEN: "Report checker", Perms: []authz.RolePerm{at("burden.read", room.All), at("burden.check", room.All), at("burden.watch", room.All)}},
		{Key: "burden_street", Name: "街道报表管理员", NameEN: "Report officer of a street", Perms: []authz.RolePerm{at("burden.read", room.All), at("burden.fill", room.Unit), at("burden.watch", room.Street)}},
	}
	return b.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
		if err := b.authz.Ensure(ctx, tx, roles); err != nil {
			return err
		}
		return b.deploy(ctx, tx)
	})
}
