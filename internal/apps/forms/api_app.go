package forms

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"encoding/json"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/search"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/authz"
)

// AppLine is an application as a person finds it.
type AppLine struct {
	Key      string `json:"key"`
	Title    string `json:"title"`
	Summary  string `json:"summary"`
	Icon     string `json:"icon"`
	Group    string `json:"group"`
	MayStart bool   `json:"mayStart"`
	MayRead  bool   `json:"mayRead" doc:"sees more than what he filed"`
}

type appsOut struct {
	Body struct {
		Items []AppLine `json:"items" nullable:"false" doc:"by group and rank"`
	}
}

// listApps lists the applications the actor may start or read.
func (f *Forms) listApps(ctx context.Context, _ *struct{}) (*appsOut, error) {
	all, err := versions(ctx, f.db, store.C("state = 'published'"))
	if err != nil {
		return nil, err
	}
	roles, err := f.carried(ctx, f.db)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Body.Group.ZH, b.Body.Group.ZH), a.Body.Rank-b.Body.Rank, cmp.Compare(a.Key, b.Key))
	})
	out := &appsOut{}
	out.Body.Items = []AppLine{}
	for i := range all {
		if l := line(ctx, &all[i].Body, roles); l.MayStart || l.MayRead {
			out.Body.Items = append(out.Body.Items, l)
		}
	}
	return out, nil
}

func line(ctx context.Context, a *app.App, roles []string) AppLine {
	lang := web.From(ctx).Lang
	return AppLine{Key: a.Key, Title: a.Title.In(lang), Summary: a.Summary.In(lang), Icon: a.Icon, Group: a.Group.In(lang),
		MayStart: mayStart(a, roles), MayRead: authz.From(reading(ctx, a, roles)).Can("forms.read")}
}

type appIn struct {
	Key string `path:"key" maxLength:"24"`
}

type appOut struct {
	Body struct {
		AppLine
		Number int64      `json:"number" doc:"version of the declaration"`
		App    app.App    `json:"app" doc:"the declaration; its expressions are evaluated by /evaluate"`
		Rights app.Rights `json:"rights" nullable:"false" doc:"what may be done with fields at the first step: read, write, need, hide; one that is not named is read"`
		Begin  app.Data   `json:"begin" nullable:"false" doc:"values a new entry begins with"`
	}
}

// showApp answers what is needed to render the application.
func (f *Forms) showApp(ctx context.Context, in *appIn) (*appOut, error) {
	c, number, err := f.published(ctx, f.db, in.Key)
	if err != nil {
		return nil, err
	}
	roles, err := f.carried(ctx, f.db)
	if err != nil {
		return nil, err
	}
	out := &appOut{}
	out.Body.AppLine = line(ctx, c.App, roles)
	if !out.Body.MayStart && !out.Body.MayRead {
		return nil, errs.New(errs.Missing, "forms.no_app")
	}
	out.Body.Number, out.Body.App, out.Body.Rights = number, *c.App, c.Rights(f.first(c.App))
	out.Body.Begin = c.Begin(f.startFacts(ctx))
	return out, nil
}

// VersionLine is one version of a declaration in a list.
type VersionLine struct {
	Key       string     `json:"key"`
	Number    int64      `json:"number"`
	State     string     `json:"state" enum:"draft,published,past,retired"`
	Title     string     `json:"title"`
	Shipped   bool       `json:"shipped" doc:"comes with the program"`
	ByName    string     `json:"byName"`
	At        store.Time `json:"at"`
	Published store.Time `json:"publishedAt"`
	Version   int64      `json:"version"`
}

func versionLine(ctx context.Context, v *Version) VersionLine {
	return VersionLine{v.Key, v.Number, v.State, v.Body.Title.In(web.From(ctx).Lang), v.Shipped, v.ByName, v.At, v.Published, v.Version}
}

type versionsIn struct {
	Key string `query:"key" maxLength:"24" doc:"all versions of one; the newest of each when empty"`
}

type versionsOut struct {
	Body struct {
		Items []VersionLine `json:"items" nullable:"false"`
	}
}

func (f *Forms) listVersions(ctx context.Context, in *versionsIn) (*versionsOut, error) {
	which := store.C("state <> 'past'")
	if in.Key != "" {
		which = store.C("key = $1", in.Key)
	}
	all, err := versions(ctx, f.db, which)
	out := &versionsOut{}
	out.Body.Items = []VersionLine{}
	for i := range all {
		out.Body.Items = append(out.Body.Items, versionLine(ctx, &all[i]))
	}
	return out, err
}

// FindingLine is one thing that is wrong with a declaration.
type FindingLine struct {
	Path    string `json:"path"`
	Line    int    `json:"line" doc:"of the YAML, 0 where there is none"`
	Message string `json:"message"`
}

func (f *Forms) say(ctx context.Context, bad []app.Finding) []FindingLine {
	out := []FindingLine{}
	for _, b := range bad {
		out = append(out, FindingLine{b.Path, b.Line, f.words.Text(web.From(ctx).Lang, b.Key, b.Args...)})
	}
	return out
}

// Drawn is a declaration as it comes in: YAML, or what a browser drew.
type Drawn struct {
	Source string `json:"source,omitempty" maxLength:"1000000" doc:"YAML"`
	App    any    `json:"app,omitempty" doc:"the declaration as JSON, by /api/forms/schema.json"`
}

// read fits what came in to the schema, and says what else is wrong.
func (d *Drawn) read(f *Forms) (a *app.App, bad []app.Finding) {
	var src *app.Source
	if d.Source != "" {
		a, src, bad = f.schema.Parse([]byte(d.Source))
	} else {
		b, err := json.Marshal(d.App)
		if err != nil {
			return nil, []app.Finding{{Key: "forms.f_json"}}
		}
		a, bad = f.schema.ParseJSON(b)
	}
	if a == nil {
		return nil, bad
	}
	_, bad = app.Compile(a, src, f.days)
	return a, bad
}

type checkIn struct{ Body Drawn }

type checkOut struct {
	Body struct {
		Findings []FindingLine `json:"findings" nullable:"false" doc:"nothing is wrong when empty"`
	}
}

func (f *Forms) check(ctx context.Context, in *checkIn) (*checkOut, error) {
	a, bad := in.Body.read(f)
	if a != nil && len(bad) == 0 {
		more, err := f.outside(ctx, f.db, a)
		if err != nil {
			return nil, err
		}
		bad = more
	}
	out := &checkOut{}
	out.Body.Findings = f.say(ctx, bad)
	return out, nil
}

// DraftBody is the draft of a declaration.
type DraftBody struct {
	VersionLine
	App      app.App       `json:"app"`
	Source   string        `json:"source" doc:"YAML"`
	Findings []FindingLine `json:"findings" nullable:"false" doc:"must be settled before it is published"`
}

type draftOut struct{ Body DraftBody }

// draftBody shows v with what is wrong with it, by the lines of its YAML.
func (f *Forms) draftBody(ctx context.Context, q store.Queryer, v *Version) (*draftOut, error) {
	text, err := source(v)
	if err != nil {
		return nil, err
	}
	d := Drawn{Source: text}
	a, bad := d.read(f)
	if a != nil && len(bad) == 0 {
		if bad, err = f.outside(ctx, q, a); err != nil {
			return nil, err
		}
	}
	return &draftOut{DraftBody{versionLine(ctx, v), v.Body, text, f.say(ctx, bad)}}, nil
}

// source is the YAML of a version: as it was dropped in, or written from what was drawn.
func source(v *Version) (string, error) {
	if v.Source != "" {
		return v.Source, nil
	}
	b, err := app.YAML(&v.Body)
	return string(b), err
}

// showDraft answers the draft of an application; where there is none, what is published, as the draft one would begin with.
func (f *Forms) showDraft(ctx context.Context, in *appIn) (*draftOut, error) {
	v, err := oneVersion(ctx, f.db, store.C("key = $1 AND state IN ('draft', 'published', 'retired')", in.Key))
	if err != nil {
		return nil, err
	}
	return f.draftBody(ctx, f.db, &v)
}

type createIn struct{ Body Drawn }

// createDraft begins a new application, or a draft of one there is.
func (f *Forms) createDraft(ctx context.Context, in *createIn) (*draftOut, error) {
	return f.keepDraft(ctx, &in.Body, "", 0)
}

type saveDraftIn struct {
	Key  string `path:"key" maxLength:"24"`
	Body struct {
		Drawn
		Version int64 `json:"version" doc:"of the draft this was made from; 0 when there is none"`
	}
}

func (f *Forms) saveDraft(ctx context.Context, in *saveDraftIn) (*draftOut, error) {
	return f.keepDraft(ctx, &in.Body.Drawn, in.Key, in.Body.Version)
}

type versionIn struct {
	Key  string `path:"key" maxLength:"24"`
	Body struct {
		Version int64 `json:"version"`
	}
}

type dropIn struct {
	Key     string `path:"key" maxLength:"24"`
	Version int64  `query:"version"`
}

func (f *Forms) serveSchema(w http.ResponseWriter, _ *http.Request) error {
	b, err := json.MarshalIndent(f.schema, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/schema+json")
	_, err = w.Write(b)
	return err
}

func (f *Forms) serveSource(w http.ResponseWriter, r *http.Request) error {
	which := store.C("key = $1 AND state IN ('published', 'retired')", r.PathValue("key"))
	if n, err := strconv.ParseInt(r.URL.Query().Get("number"), 10, 64); err == nil {
		which = store.C("key = $1 AND number = $2", r.PathValue("key"), n)
	}
	v, err := oneVersion(r.Context(), f.db, which)
	if err != nil {
		return err
	}
	text, err := source(&v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.Key+`.yaml"`)
	_, err = w.Write([]byte(text))
	return err
}

type suggestIn struct {
	Title string `query:"title" minLength:"1" maxLength:"40"`
}

type suggestOut struct {
	Body struct {
		Key    string `json:"key" doc:"one that is free"`
		Prefix string `json:"prefix"`
	}
}

// suggest makes the key and the prefix of a new application from its title, so that nobody has to think of them.
func (f *Forms) suggest(ctx context.Context, in *suggestIn) (*suggestOut, error) {
	letters := search.Initials(in.Title)
	if letters == "" || letters[0] < 'a' {
		letters = "app" + letters
	}
	base, out := (letters + "x")[:max(2, min(len(letters), 12))], &suggestOut{}
	out.Body.Prefix = strings.ToUpper(strings.Map(func(r rune) rune {
		if r < 'a' {
			return -1
		}
		return r
	}, base))
	out.Body.Prefix = out.Body.Prefix[:min(len(out.Body.Prefix), 4)]
	for n := 1; ; n++ {
		out.Body.Key = base
		if n > 1 {
			out.Body.Key += strconv.Itoa(n)
		}
		last, err := lastNumber(ctx, f.db, out.Body.Key)
		if err != nil || last == 0 {
			return out, err
		}
	}
}
