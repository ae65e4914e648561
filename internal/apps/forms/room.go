// Package forms runs applications that are one declared file: fields with rules, steps, resources, statistics. A
// declaration is dropped in as YAML or drawn in the browser, checked, published, and lives on kernel/flow like any
// coded room: the same numbers, clocks, to-do list, trace and audit. Twelve come with the program.
package forms

import (
	"context"
	"embed"
	"sync"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/flow"
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

//go:embed apps/*.yaml
var shipped embed.FS

// Forms is the room.
type Forms struct {
	db     *store.DB
	ring   *secret.Ring
	audit  *audit.Log
	authz  *authz.Authz
	org    *org.Org
	files  *file.Files
	flow   *flow.Flow
	notify *notify.Notes
	words  *errs.Catalog
	now    func() time.Time
	schema *app.Schema
	days   when.Days
	jobs   *jobs.Client

	mu       sync.Mutex
	compiled map[ref]*app.Compiled
}

// ref is one version of a declaration.
type ref struct {
	key    string
	number int64
}

// New declares the room.
func New(kit *kernel.Kit) *room.Room {
	f := &Forms{db: kit.DB, ring: kit.Ring, audit: kit.Audit, authz: kit.Authz, org: kit.Org, files: kit.Files, flow: kit.Flow, notify: kit.Notify,
		words: kit.Words, now: kit.Now, schema: app.NewSchema(), compiled: map[ref]*app.Compiled{}, days: kit.Settings.Days, jobs: kit.Jobs}
	kit.Files.Readers("forms", f.mayRead)
	kit.Flow.Host("forms", f.host())
	return &room.Room{
		Name: "forms", Pillar: room.Apps, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "forms.use", Default: room.All}, {Name: "forms.read"}, {Name: "forms.design"}, {Name: "forms.resources"}},
		Menu: []room.Menu{{Name: "apps", Path: "/forms", Perm: "forms.use", Rank: 300}, {Name: "design", Path: "/forms/design", Perm: "forms.design", Rank: 310},
			{Name: "resources", Path: "/forms/resources", Perm: "forms.resources", Rank: 320}},
		Routes: append(f.entryRoutes(), f.appRoutes()...),
		Raws: []room.Raw{
			{Method: "GET", Path: "/schema.json", Perm: "forms.use", Doc: "the JSON Schema of a declaration", Serve: f.serveSchema},
			{Method: "GET", Path: "/apps/{key}/source", Perm: "forms.design", Doc: "a declaration as YAML: the published one, or ?number=", Serve: f.serveSource},
			{Method: "GET", Path: "/apps/{key}/entries.xlsx", Perm: "forms.use", Doc: "the entries of a list as a workbook, personal data masked", Serve: f.export},
			{Method: "GET", Path: "/entries/{id}/print.pdf", Perm: "forms.use", Doc: "the printed form of an entry, personal data masked", Serve: f.print},
		},
		Sealed:   []room.Sealed{{Table: "forms_entry", ID: "id", Column: "data", Place: sealedAt, Inside: true}},
		Services: []room.Service{{Name: "install", Once: true, Run: f.install}},
		Jobs: []jobs.Handler{jobs.Periodic("forms.remind", jobs.Every(time.Minute), f.remind),
			jobs.Periodic("forms.free", jobs.Every(time.Minute), f.free), jobs.Handle("forms.reindex", f.reindex)},
		Actions: []string{"forms.file", "forms.draft", "forms.save", "forms.drop", "forms.free", "forms.reveal", "forms.export", "forms.ask",
			"forms.app_draft", "forms.app_drop", "forms.app_publish", "forms.app_retire", "forms.resource"},
	}
}

func (f *Forms) entryRoutes() []room.Route {
	const preview = "evaluates rules over what is being filled in; nothing is kept"
	return []room.Route{
		room.Get("/apps", "forms.use", f.listApps),
		room.Get("/apps/{key}", "forms.use", f.showApp),
		room.Post("/apps/{key}/evaluate", "forms.use", f.evaluate).NoAudit(preview),
		room.Post("/apps/{key}/entries", "forms.use", f.file),
		room.Get("/apps/{key}/entries", "forms.use", f.list),
		room.Get("/apps/{key}/stats", "forms.use", f.stats),
		room.Post("/apps/{key}/known", "forms.use", f.known),
		room.Get("/entries/{id}", "forms.use", f.showEntry),
		room.Put("/entries/{id}/data", "forms.use", f.saveData),
		room.Post("/entries/{id}/file", "forms.use", f.fileDraft),
		room.Delete("/entries/{id}", "forms.use", f.dropDraft),
		room.Post("/entries/{id}/reveal", "forms.use", f.reveal).Secrets(),
		room.Get("/places", "forms.use", f.places),
		room.Get("/resources/{app}/{kind}/calendar", "forms.use", f.calendar),
	}
}

func (f *Forms) appRoutes() []room.Route {
	const looks = "only says what is wrong"
	return []room.Route{
		room.Get("/versions", "forms.design", f.listVersions),
		room.Get("/apps/{key}/draft", "forms.design", f.showDraft),
		room.Post("/apps", "forms.design", f.createDraft).Body(app.MaxBytes + 1<<16),
		room.Put("/apps/{key}/draft", "forms.design", f.saveDraft).Body(app.MaxBytes + 1<<16),
		room.Delete("/apps/{key}/draft", "forms.design", f.deleteDraft),
		room.Get("/suggest", "forms.design", f.suggest),
		room.Post("/apps/figures", "forms.design", f.tryFigures).NoAudit("counts the caller's own entries as a draft would; nothing is kept").Body(app.MaxBytes + 1<<16),
		room.Post("/apps/print", "forms.design", f.tryPrint).Body(app.MaxBytes + 1<<16),
		room.Post("/apps/check", "forms.design", f.check).NoAudit(looks).Body(app.MaxBytes + 1<<16),
		room.Post("/apps/{key}/publish", "forms.design", f.publishDraft),
		room.Post("/apps/{key}/retire", "forms.design", f.retire),
		room.Get("/resources", "forms.resources", f.listResources),
		room.Post("/resources", "forms.resources", f.addResource),
		room.Put("/resources/{id}", "forms.resources", f.saveResource),
	}
}

// compile returns a version of a declaration ready to be used. What is published never changes, so it is made once.
func (f *Forms) compile(v *Version) (*app.Compiled, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := ref{v.Key, v.Number}
	if c := f.compiled[at]; c != nil {
		return c, nil
	}
	c, bad := app.Compile(&v.Body, nil, f.days)
	if bad != nil {
		return nil, refused(bad)
	}
	if v.State != "draft" {
		f.compiled[at] = c
	}
	return c, nil
}

// published returns the version of an application that new entries are filed by.
func (f *Forms) published(ctx context.Context, q store.Queryer, key string) (*app.Compiled, int64, error) {
	v, err := oneVersion(ctx, q, store.C("key = $1 AND state = 'published'", key))
	if err != nil {
		return nil, 0, err
	}
	c, err := f.compile(&v)
	return c, v.Number, err
}

// of returns the version an entry was filed by.
func (f *Forms) of(ctx context.Context, q store.Queryer, e *Entry) (*app.Compiled, error) {
	f.mu.Lock()
	c := f.compiled[ref{e.App, e.AppNumber}]
	f.mu.Unlock()
	if c != nil {
		return c, nil
	}
	v, err := oneVersion(ctx, q, store.C("key = $1 AND number = $2", e.App, e.AppNumber))
	if err != nil {
		return nil, err
	}
	return f.compile(&v)
}

// refused is the error of a declaration that cannot be used.
func refused(bad []app.Finding) error {
	e := errs.New(errs.Invalid, "forms.bad_app", len(bad))
	for _, b := range bad[:min(len(bad), 100)] {
		e = e.With(errs.Field{Row: b.Line, Name: b.Path, Key: b.Key, Args: b.Args})
	}
	return e
}
