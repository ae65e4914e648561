package theme

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Said is a reason in the caller's language.
type Said struct {
	Step    string `json:"step" doc:"name of the step it is about, empty for the whole"`
	Part    string `json:"part" enum:",step,sql,columns,tests,schedule"`
	Row     int    `json:"row" doc:"line of the SQL, 0 for none"`
	Column  int    `json:"column" doc:"and its character"`
	Message string `json:"message"`
}

// sentence is a reason in words, with the step it is about.
func (x *Themes) sentence(lang string, r Reason) string {
	if r.Key == "" {
		return ""
	}
	s := x.words.Text(lang, r.Key, values(r.Args)...)
	if r.Row > 0 {
		s = x.words.Text(lang, "theme.at_line", r.Row, r.Col, s)
	}
	if r.Step != "" {
		s = x.words.Text(lang, "theme.at_step", r.Step, s)
	}
	return s
}

func (x *Themes) say(ctx context.Context, all []Reason) []Said {
	out := make([]Said, len(all))
	for i, r := range all {
		out[i] = Said{r.Name, r.Part, r.Row, r.Col, x.sentence(web.From(ctx).Lang, r)}
	}
	return out
}

// Line is a library in a list.
type Line struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Title    string     `json:"title"`
	Kind     string     `json:"kind" enum:"theme,topic"`
	Summary  string     `json:"summary"`
	Unit     string     `json:"unit"`
	UnitName string     `json:"unitName"`
	Count    int        `json:"stepCount" doc:"steps in force, or of the draft before the first release"`
	Release  int64      `json:"release" doc:"counts releases, 0 before the first"`
	Changed  bool       `json:"changed" doc:"the draft is not what is in force"`
	Every    string     `json:"every" enum:",input,daily"`
	State    State      `json:"state" enum:",done,failed,cancelled" doc:"how the last run ended, empty before the first"`
	Warned   int64      `json:"warned" doc:"tests of the last good run that failed and only advise"`
	Error    string     `json:"error" doc:"why the last run failed"`
	Good     store.Time `json:"goodAt" doc:"when a run last went well"`
	Next     store.Time `json:"nextAt" doc:"when it runs by itself, null for by hand"`
	Running  string     `json:"running" doc:"id of the run under way, empty for none"`
	Version  int64      `json:"version"`
}

func (x *Themes) line(ctx context.Context, t *Theme) Line {
	steps := len(t.Released.Steps)
	if t.Release == 0 {
		steps = len(t.Draft.Steps)
	}
	return Line{ID: t.ID, Name: t.Name, Title: t.Title, Kind: t.Kind, Summary: t.Summary, Unit: t.Unit, Count: steps, Release: t.Release, Changed: t.Changed, Every: t.Released.Schedule.Every,
		State: t.State, Warned: t.Warned, Error: x.sentence(web.From(ctx).Lang, t.Fault), Good: t.Good, Next: t.Next, Version: t.Version}
}

// finish adds to lines what units are called and which runs are under way.
func (x *Themes) finish(ctx context.Context, all []*Line) error {
	var units, ids []string
	for _, l := range all {
		units, ids = append(units, l.Unit), append(ids, l.ID)
	}
	names, err := x.names.Units(ctx, x.db, units)
	if err != nil {
		return err
	}
	type pair struct{ theme, run string }
	in := store.And(store.In("theme_id", ids), store.C("state IN ('queued', 'running')"))
	busy, err := store.All(ctx, x.db, func(p *pair) []any { return []any{&p.theme, &p.run} }, `SELECT theme_id, id FROM theme_run WHERE `+in.SQL, in.Args...)
	for _, l := range all {
		l.UnitName = names[l.Unit]
		for _, b := range busy {
			if b.theme == l.ID {
				l.Running = b.run
			}
		}
	}
	return err
}

// Body is a library with its steps.
type Body struct {
	Line
	Definition
	Problems     []Said     `json:"problems" nullable:"false" doc:"of the draft; it can be released when there is none"`
	Order        []string   `json:"order" nullable:"false" doc:"names of steps in the order they are made"`
	Reads        []Read     `json:"reads" nullable:"false" doc:"what each step reads"`
	ReleasedName string     `json:"releasedName"`
	ReleasedAt   store.Time `json:"releasedAt"`
	OwnerName    string     `json:"ownerName"`
	MayBuild     bool       `json:"mayBuild"`
	MayRelease   bool       `json:"mayRelease"`
	Datasets     []Output   `json:"datasets" nullable:"false" doc:"what it has made so far"`
}

// Read is one thing a step reads.
type Read struct {
	Step    string `json:"step"`
	Name    string `json:"name"`
	Title   string `json:"title"`
	Dataset string `json:"dataset" doc:"id; empty for a step of the same library"`
}

// Output is a dataset a library has made.
type Output struct {
	Step    string `json:"step"`
	Dataset string `json:"dataset"`
	Number  int64  `json:"number"`
	Rows    int64  `json:"rows"`
}

type idIn struct {
	ID string `path:"id" maxLength:"40"`
}
type bodyOut struct{ Body Body }

func (x *Themes) find(ctx context.Context, q store.Queryer, id, perm string) (Theme, error) {
	return findTheme(ctx, q, id, authz.Where(ctx, perm).Cond())
}

// hold locks a library for a change; Conflict when it is no longer as the caller saw it.
func (x *Themes) hold(ctx context.Context, tx *store.Tx, id, perm string, version int64) (Theme, error) {
	if err := store.Lock(ctx, tx, "theme", id); err != nil {
		return Theme{}, err
	}
	t, err := x.find(ctx, tx, id, perm)
	if err == nil && version > 0 && t.Version != version {
		err = errs.New(errs.Conflict, "theme.changed")
	}
	return t, err
}

func (x *Themes) body(ctx context.Context, t *Theme) (*bodyOut, error) {
	b := Body{Line: x.line(ctx, t), Order: []string{}, Reads: []Read{}, Datasets: []Output{}, ReleasedName: t.ReleasedName, ReleasedAt: t.ReleasedAt, OwnerName: t.OwnerName}
	c, err := x.check(ctx, x.db, t, t.Draft, false)
	if err != nil {
		return nil, err
	}
	b.Definition, b.Problems = c.def.whole(), x.say(ctx, c.faults)
	for _, p := range c.steps {
		b.Order = append(b.Order, p.step.Name)
		for _, f := range p.question.Faces {
			b.Reads = append(b.Reads, Read{p.step.Name, f.Dataset.Name, f.Dataset.Title, f.Dataset.ID})
		}
		if p.dataset.ID != "" {
			b.Datasets = append(b.Datasets, Output{p.step.Name, p.dataset.ID, p.dataset.Number, p.dataset.Rows})
		}
	}
	for perm, may := range map[string]*bool{"theme.build": &b.MayBuild, "theme.release": &b.MayRelease} {
		_, err := x.find(ctx, x.db, t.ID, perm)
		if *may = err == nil; err != nil && !errs.Is(err, errs.Missing) {
			return nil, err
		}
	}
	return &bodyOut{b}, x.finish(ctx, []*Line{&b.Line})
}

// whole is a definition without lists that are not there.
func (d Definition) whole() Definition {
	d.Steps = append([]Step{}, d.Steps...)
	for i := range d.Steps {
		s := &d.Steps[i]
		s.Engine = engine
		s.Columns, s.Tests = append([]Column{}, s.Columns...), append([]Test{}, s.Tests...)
		for j := range s.Columns {
			s.Columns[j].From = append([]string{}, s.Columns[j].From...)
		}
		for j := range s.Tests {
			s.Tests[j].Columns, s.Tests[j].Values = append([]string{}, s.Tests[j].Columns...), append([]string{}, s.Tests[j].Values...)
		}
	}
	return d
}

type listIn struct {
	Text string `query:"text" maxLength:"100"`
	Kind string `query:"kind" enum:",theme,topic"`
	store.Page
}
type listOut struct{ Body store.Listed[Line] }

func (x *Themes) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
	if in.Kind != "" {
		where = append(where, store.C("kind = $1", in.Kind))
	}
	if in.Text != "" {
		like := store.Anywhere(in.Text)
		where = append(where, store.C(`lower(title) LIKE lower($1) ESCAPE '!' OR lower(name) LIKE lower($2) ESCAPE '!'`, like, like))
	}
	all, err := listThemes(ctx, x.db, authz.Where(ctx, "theme.read"), where, in.Page)
	if err != nil {
		return nil, err
	}
	out := &listOut{store.Listed[Line]{Items: make([]Line, len(all.Items)), Next: all.Next}}
	lines := make([]*Line, len(all.Items))
	for i := range all.Items {
		out.Body.Items[i] = x.line(ctx, &all.Items[i])
		lines[i] = &out.Body.Items[i]
	}
	return out, x.finish(ctx, lines)
}

func (x *Themes) get(ctx context.Context, in *idIn) (*bodyOut, error) {
	t, err := x.find(ctx, x.db, in.ID, "theme.read")
	if err != nil {
		return nil, err
	}
	return x.body(ctx, &t)
}

// Head is what a library is called.
type Head struct {
	Title   string `json:"title" minLength:"2" maxLength:"100"`
	Kind    string `json:"kind" enum:"theme,topic"`
	Summary string `json:"summary" required:"false" maxLength:"1000"`
}

type createIn struct {
	Body struct {
		Head
		Name string `json:"name" maxLength:"50" doc:"lower-case letters, digits, underscores"`
	}
}

func (x *Themes) create(ctx context.Context, in *createIn) (*bodyOut, error) {
	me := authz.From(ctx)
	if dataset.CheckName(in.Body.Name) != nil {
		return nil, errs.New(errs.Invalid, "theme.bad_name", in.Body.Name).With(errs.Field{Name: "name", Key: "theme.bad_name", Args: []any{in.Body.Name}})
	}
	t := &Theme{ID: id.New(), Name: in.Body.Name, Title: strings.TrimSpace(in.Body.Title), Kind: in.Body.Kind, Summary: strings.TrimSpace(in.Body.Summary), Unit: me.Home, Street: me.Street,
		Owner: me.Person, OwnerName: me.Name, Draft: Definition{Steps: []Step{}}, Changed: true, Lang: web.From(ctx).Lang, At: store.At(x.now()), Version: 1}
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertTheme(ctx, tx, t); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.create", Object: "theme", ID: t.ID, Title: t.Title, Detail: map[string]any{"name": t.Name, "kind": t.Kind}})
	})
	if err != nil {
		return nil, err
	}
	return x.body(ctx, t)
}

type putIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Head
		Definition
		Version int64 `json:"version"`
	}
}

// put keeps a draft whatever is wrong with it, so that nothing typed is lost, and tells what is.
func (x *Themes) put(ctx context.Context, in *putIn) (*bodyOut, error) {
	for _, s := range in.Body.Steps {
		if len(s.Tests) > maxTests || utf8.RuneCountInString(s.SQL) > 20_000 {
			return nil, errs.New(errs.Invalid, "theme.too_much")
		}
	}
	if len(in.Body.Steps) > maxSteps {
		return nil, errs.New(errs.Invalid, "theme.too_much")
	}
	t, err := x.find(ctx, x.db, in.ID, "theme.build")
	if err != nil {
		return nil, err
	}
	c, err := x.check(ctx, x.db, &t, in.Body.Definition.whole(), false)
	if err != nil {
		return nil, err
	}
	err = x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if t, err = x.hold(ctx, tx, in.ID, "theme.build", in.Body.Version); err != nil {
			return err
		}
		t.Title, t.Kind, t.Summary = strings.TrimSpace(in.Body.Title), in.Body.Kind, strings.TrimSpace(in.Body.Summary)
		t.Draft, t.Changed, t.Version = c.def, true, t.Version+1
		if err := saveTheme(ctx, tx, &t); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.save", Object: "theme", ID: t.ID, Title: t.Title, Detail: map[string]any{"steps": names(c.def), "problems": len(c.faults)}})
	})
	if err != nil {
		return nil, err
	}
	return x.body(ctx, &t)
}

func names(d Definition) []string {
	out := make([]string, len(d.Steps))
	for i, s := range d.Steps {
		out[i] = s.Name
	}
	return out
}

type versionIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

type removeIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version"`
}

// remove ends a library. The datasets it has made stay as they are.
func (x *Themes) remove(ctx context.Context, in *removeIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := x.hold(ctx, tx, in.ID, "theme.build", in.Version)
		if err != nil {
			return err
		}
		if _, err := busyRun(ctx, tx, t.ID); !errs.Is(err, errs.Missing) {
			return errors.Join(err, errs.New(errs.Conflict, "theme.running"))
		}
		if err := deleteTheme(ctx, tx, &t); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.remove", Object: "theme", ID: t.ID, Title: t.Title, Detail: map[string]any{"name": t.Name, "steps": names(t.Released)}})
	})
}

// release puts a draft in force.
func (x *Themes) release(ctx context.Context, in *versionIn) (*bodyOut, error) {
	var t Theme
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if t, err = x.hold(ctx, tx, in.ID, "theme.release", in.Body.Version); err != nil {
			return err
		}
		c, err := x.check(ctx, tx, &t, t.Draft, false)
		if err != nil {
			return err
		}
		if err := x.releasable(ctx, tx, &t, c); err != nil {
			return err
		}
		me := authz.From(ctx)
		t.Draft, t.Released, t.Changed, t.Release, t.Version = c.def, c.def, false, t.Release+1, t.Version+1
		t.ReleasedBy, t.ReleasedName, t.ReleasedAt, t.Lang = me.Person, me.Name, store.At(x.now()), web.From(ctx).Lang
		t.Next = store.At(t.Released.Schedule.next(x.now()))
		if err := saveTheme(ctx, tx, &t); err != nil {
			return err
		}
		if err := errors.Join(saveInputs(ctx, tx, t.ID, c.inputs), saveOutputs(ctx, tx, t.ID, names(c.def))); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "theme.release", Object: "theme", ID: t.ID, Title: t.Title,
			Detail: map[string]any{"release": t.Release, "steps": names(c.def), "lowered": lowered(c.def), "every": t.Released.Schedule.Every}})
	})
	if err != nil {
		return nil, err
	}
	return x.body(ctx, &t)
}

// releasable says why a draft cannot be put in force, every reason by its step.
func (x *Themes) releasable(ctx context.Context, q store.Queryer, t *Theme, c checked) error {
	if len(c.def.Steps) == 0 {
		return errs.New(errs.Invalid, "theme.no_steps")
	}
	if len(c.faults) > 0 {
		lang := web.From(ctx).Lang
		err := errs.New(errs.Invalid, "theme.not_ready", x.sentence(lang, c.faults[0]))
		for _, r := range c.faults {
			err = err.With(errs.Field{Name: r.Name, Row: r.Row, Key: "theme.fault", Args: []any{x.sentence(lang, r)}})
		}
		return err
	}
	chain, err := x.loop(ctx, q, t, c.inputs)
	if err == nil && chain != "" {
		err = errs.New(errs.Invalid, "theme.loop", chain)
	}
	return err
}

// lowered lists the columns that are classified lower than what they come from, with the reasons, for the auditor.
func lowered(d Definition) []string {
	out := []string{}
	for _, s := range d.Steps {
		for _, c := range s.Columns {
			if c.Reason != "" {
				out = append(out, s.Name+"."+c.Name+": "+string(c.Floor)+" → "+string(c.Level)+": "+c.Reason)
			}
		}
	}
	slices.Sort(out)
	return out
}
