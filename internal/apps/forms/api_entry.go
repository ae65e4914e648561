package forms

import (
	"context"
	"slices"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
)

type fileIn struct {
	Key  string `path:"key" maxLength:"24"`
	Body struct {
		Data  app.Data `json:"data" doc:"values by the keys of fields"`
		Draft bool     `json:"draft" required:"false" doc:"only keep it, to be filed later"`
	}
}

type lineOut struct{ Body EntryLine }

// file begins an entry. With an Idempotency-Key a repeat after a cut finds the first one.
func (f *Forms) file(ctx context.Context, in *fileIn) (*lineOut, error) {
	me := authz.From(ctx)
	e := &Entry{ID: id.New(), App: in.Key, State: stateDraft, FromUnit: me.Home, Unit: me.Home, Street: me.Street, Owner: me.Person, OwnerName: me.Name, At: store.At(f.now()), Version: 1}
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, number, err := f.startable(ctx, tx, in.Key)
		if err != nil {
			return err
		}
		e.AppNumber = number
		data, err := f.accept(ctx, tx, c, e, app.Data{}, in.Body.Data, c.Rights(f.first(c.App)), !in.Body.Draft)
		if err != nil {
			return err
		}
		if err := f.seal(c, e, data); err != nil {
			return err
		}
		if in.Body.Draft {
			e.Title = short(f.draftTitle(c, e, data), 120)
			if err := insertEntry(ctx, tx, e); err != nil {
				return err
			}
			return f.audit.Record(ctx, tx, entryAudit("forms.draft", c, e))
		}
		if err := f.derive(c, e, data); err != nil {
			return err
		}
		if err := insertEntry(ctx, tx, e); err != nil {
			return err
		}
		return f.start(ctx, tx, c, e, data)
	})
	if err != nil {
		return nil, err
	}
	return f.lineOf(ctx, e)
}

// startable returns what new entries of an application are filed by, when the actor may file one.
func (f *Forms) startable(ctx context.Context, q store.Queryer, key string) (*app.Compiled, int64, error) {
	c, number, err := f.published(ctx, q, key)
	if err != nil {
		return nil, 0, err
	}
	roles, err := f.carried(ctx, q)
	if err == nil && !mayStart(c.App, roles) {
		err = errs.New(errs.Denied, "forms.not_start", c.Title.ZH)
	}
	return c, number, err
}

// accept checks and completes what was said.
func (f *Forms) accept(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, old, in app.Data, rights app.Rights, whole bool) (app.Data, error) {
	w := f.world(ctx, tx, c, e.ID)
	if len(old) == 0 { // hidden fields begin with their defaults all the same
		old = c.Begin(f.facts(e))
	}
	return c.Accept(old, in, rights, f.facts(e), w, whole)
}

func (f *Forms) draftTitle(c *app.Compiled, e *Entry, data app.Data) string {
	if t, err := c.Text("subject", c.Vars(data, f.facts(e))); err == nil && t != "" {
		return t
	}
	return c.Title.ZH
}

// start files an entry that is complete: its case begins.
func (f *Forms) start(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, data app.Data) error {
	e.State, e.At = "open", store.At(f.now())
	if err := saveEntry(ctx, tx, e); err != nil {
		return err
	}
	if err := f.follow(ctx, tx, c, e, data); err != nil {
		return err
	}
	if err := f.begin(ctx, tx, c, e, data); err != nil {
		return err
	}
	return f.audit.Record(ctx, tx, entryAudit("forms.file", c, e))
}

func entryAudit(action string, c *app.Compiled, e *Entry) audit.Entry {
	return audit.Entry{Action: action, Object: "forms_entry", ID: e.ID, Title: title(c.App, e), Personal: personal(c.App),
		Detail: map[string]any{"app": e.App, "number": e.Number}}
}

// personal reports whether an application keeps personal data.
func personal(a *app.App) bool {
	masked := func(f app.Field) bool { return f.Masked() }
	return slices.ContainsFunc(a.Fields, func(f app.Field) bool { return f.Masked() || slices.ContainsFunc(f.Fields, masked) })
}

func (f *Forms) lineOf(ctx context.Context, e *Entry) (*lineOut, error) {
	fresh, err := findEntry(ctx, f.db, store.C("e.id = $1", e.ID))
	if err != nil {
		return nil, err
	}
	names, err := f.org.UnitNames(ctx, f.db, []string{fresh.Unit})
	return &lineOut{entryLine(&fresh, names)}, err
}

type entryIn struct {
	ID string `path:"id" maxLength:"40"`
}

// EntryBody is an entry as the caller may see it.
type EntryBody struct {
	EntryLine
	Data      app.Data   `json:"data" nullable:"false" doc:"personal data masked; hidden fields left out"`
	Rights    app.Rights `json:"rights" nullable:"false" doc:"what the caller may do now with fields; one that is not named is read"`
	MayWrite  bool       `json:"mayWrite" doc:"data may be saved"`
	MayReveal bool       `json:"mayReveal" doc:"masked values may be shown, with a reason"`
	Declared  app.App    `json:"declaration" doc:"the version the entry was filed by"`
	DeclaredN int64      `json:"declarationNumber"`
}

type entryOut struct{ Body EntryBody }

// seen returns an entry the actor may read, with what he may do with its fields now.
func (f *Forms) seen(ctx context.Context, q store.Queryer, id string) (Entry, *app.Compiled, turn, error) {
	e, err := findEntry(ctx, q, store.C("e.id = $1", id))
	if err != nil {
		return e, nil, turn{}, err
	}
	c, err := f.of(ctx, q, &e)
	if err != nil {
		return e, nil, turn{}, err
	}
	t, err := f.turn(ctx, q, c, &e)
	if err != nil {
		return e, nil, t, err
	}
	if !t.part {
		err = f.reads(ctx, q, &e)
	}
	return e, c, t, err
}

func (f *Forms) showEntry(ctx context.Context, in *entryIn) (*entryOut, error) {
	e, c, t, err := f.seen(ctx, f.db, in.ID)
	if err != nil {
		return nil, err
	}
	data, err := f.open(c, &e)
	if err != nil {
		return nil, err
	}
	c.Strip(data, t.rights)
	c.Mask(data)
	names, err := f.org.UnitNames(ctx, f.db, []string{e.Unit})
	if err != nil {
		return nil, err
	}
	clear, err := f.clears(ctx, f.db, c.App, &e)
	return &entryOut{EntryBody{entryLine(&e, names), data, t.rights, t.writes(), (clear || t.holds) && personal(c.App), *c.App, e.AppNumber}}, err
}

type saveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Data    app.Data `json:"data"`
		Version int64    `json:"version"`
	}
}

// saveData keeps what the actor has filled in so far, of a draft of his or at a step he holds.
func (f *Forms) saveData(ctx context.Context, in *saveIn) (*lineOut, error) {
	e, err := f.alter(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, t turn) error {
		if !t.writes() {
			return errs.New(errs.Denied, "forms.not_yours")
		}
		data, err := f.put(ctx, tx, c, e, in.Body.Data, t.rights, false)
		if err != nil {
			return err
		}
		if e.State == stateDraft {
			e.Title = short(f.draftTitle(c, e, data), 120)
		}
		if err := saveEntry(ctx, tx, e); err != nil {
			return err
		}
		if e.State != stateDraft {
			if err := f.follow(ctx, tx, c, e, data); err != nil {
				return err
			}
		}
		return f.audit.Record(ctx, tx, entryAudit("forms.save", c, e))
	})
	if err != nil {
		return nil, err
	}
	return f.lineOf(ctx, e)
}

// put accepts what was said into an entry.
func (f *Forms) put(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, in app.Data, rights app.Rights, whole bool) (app.Data, error) {
	old, err := f.open(c, e)
	if err != nil {
		return nil, err
	}
	data, err := f.accept(ctx, tx, c, e, old, in, rights, whole)
	if err != nil {
		return nil, err
	}
	return data, f.seal(c, e, data)
}

// alter runs fn on an entry at the version it was read at.
func (f *Forms) alter(ctx context.Context, id string, version int64, fn func(context.Context, *store.Tx, *app.Compiled, *Entry, turn) error) (*Entry, error) {
	var out Entry
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "forms_entry", id); err != nil {
			return err
		}
		e, c, t, err := f.seen(ctx, tx, id)
		if err != nil {
			return err
		}
		if e.Version != version {
			return errs.New(errs.Conflict, "forms.changed")
		}
		out = e
		return fn(ctx, tx, c, &out, t)
	})
	return &out, err
}

// fileDraft files a draft.
func (f *Forms) fileDraft(ctx context.Context, in *saveIn) (*lineOut, error) {
	e, err := f.alter(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, _ *app.Compiled, e *Entry, _ turn) error {
		if e.State != stateDraft {
			return errs.New(errs.Conflict, "forms.filed_already", e.Number)
		}
		c, number, err := f.startable(ctx, tx, e.App)
		if err != nil {
			return err
		}
		e.AppNumber = number
		data, err := f.put(ctx, tx, c, e, in.Body.Data, c.Rights(f.first(c.App)), true)
		if err != nil {
			return err
		}
		if err := f.derive(c, e, data); err != nil {
			return err
		}
		return f.start(ctx, tx, c, e, data)
	})
	if err != nil {
		return nil, err
	}
	return f.lineOf(ctx, e)
}

type dropDraftIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version"`
}

func (f *Forms) dropDraft(ctx context.Context, in *dropDraftIn) (*struct{}, error) {
	_, err := f.alter(ctx, in.ID, in.Version, func(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, _ turn) error {
		if e.State != stateDraft {
			return errs.New(errs.Conflict, "forms.filed_already", e.Number)
		}
		if err := deleteEntry(ctx, tx, e); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, entryAudit("forms.drop", c, e))
	})
	return nil, err
}

type revealIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Path   string `json:"path" maxLength:"100" doc:"phone, or parties[0].phone"`
		Reason string `json:"reason" minLength:"4" maxLength:"200"`
	}
}

type revealOut struct {
	Body struct {
		Value string `json:"value"`
	}
}

// reveal shows one masked value, and leaves a record of who looked and why.
func (f *Forms) reveal(ctx context.Context, in *revealIn) (*revealOut, error) {
	e, c, t, err := f.seen(ctx, f.db, in.ID)
	if err != nil {
		return nil, err
	}
	data, err := f.open(c, &e)
	if err != nil {
		return nil, err
	}
	c.Strip(data, t.rights)
	may, err := f.clears(ctx, f.db, c.App, &e)
	if err != nil {
		return nil, err
	}
	out, found := &revealOut{}, false
	err = c.Each(data, (*app.Field).Masked, func(_ *app.Field, path, s string) (string, error) {
		if path == in.Body.Path {
			out.Body.Value, found = s, true
		}
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errs.New(errs.Missing, "forms.no_value")
	}
	rec := entryAudit("forms.reveal", c, &e)
	rec.Subjects, rec.Purpose = 1, in.Body.Reason
	rec.Detail["path"] = in.Body.Path
	if !may && !t.holds {
		rec.Result, rec.Subjects = audit.Denied, 0
		if err := f.audit.Note(ctx, rec); err != nil {
			return nil, err
		}
		return nil, errs.New(errs.Denied, "forms.not_reveal")
	}
	return out, f.audit.Note(ctx, rec)
}

type evaluateIn struct {
	Key  string `path:"key" maxLength:"24"`
	Body struct {
		Data  app.Data `json:"data"`
		Entry string   `json:"entry,omitempty" maxLength:"40" doc:"id of the entry it is filled in for; none while one begins"`
	}
}

type evaluateOut struct {
	Body struct {
		Computed app.Data     `json:"computed" nullable:"false" doc:"computed values; of a table, the computed columns of each row"`
		Shown    []string     `json:"shown" nullable:"false" doc:"fields that are visible"`
		Needed   []string     `json:"needed" nullable:"false" doc:"fields that must be given"`
		Faults   []FieldFault `json:"faults" nullable:"false" doc:"what would be refused"`
	}
}

// FieldFault is what is wrong with one value.
type FieldFault struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// evaluate says what the rules make of what is being filled in.
func (f *Forms) evaluate(ctx context.Context, in *evaluateIn) (*evaluateOut, error) {
	var c *app.Compiled
	var err error
	var old app.Data
	var rights app.Rights
	facts := f.startFacts(ctx)
	if in.Body.Entry == "" {
		if c, _, err = f.startable(ctx, f.db, in.Key); err != nil {
			return nil, err
		}
		rights, old = c.Rights(f.first(c.App)), c.Begin(facts)
	} else {
		e, of, t, err := f.seen(ctx, f.db, in.Body.Entry)
		if err != nil {
			return nil, err
		}
		c, rights, facts = of, t.rights, f.facts(&e)
		if old, err = f.open(c, &e); err != nil {
			return nil, err
		}
	}
	p, err := c.Preview(old, in.Body.Data, rights, facts, f.look(ctx, f.db, c))
	if err != nil {
		return nil, err
	}
	c.Strip(p.Computed, rights)
	out := &evaluateOut{}
	out.Body.Computed, out.Body.Shown, out.Body.Needed, out.Body.Faults = p.Computed, p.Shown, p.Needed, []FieldFault{}
	for _, b := range p.Faults {
		out.Body.Faults = append(out.Body.Faults, FieldFault{b.Name, f.text(ctx, b)})
	}
	return out, nil
}

type knownIn struct {
	Key  string `path:"key" maxLength:"24"`
	Body struct {
		Value string `json:"value" minLength:"6" maxLength:"40" doc:"an identity number"`
	}
}

type knownOut struct {
	Body struct {
		Known bool `json:"known"`
	}
}

// known says whether an identity number occurs among the entries of an application, and nothing else of them: what
// another unit needs to know. Each question is recorded.
func (f *Forms) known(ctx context.Context, in *knownIn) (*knownOut, error) {
	c, err := f.newest(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	roles, err := f.carried(ctx, f.db)
	if err != nil {
		return nil, err
	}
	if l := line(ctx, c.App, roles); !l.MayRead && !l.MayStart {
		return nil, errs.New(errs.Missing, "forms.no_app")
	}
	value := codes.Normalise(codes.KindID, in.Body.Value)
	out := &knownOut{}
	for _, key := range c.Identities() {
		where := store.And(store.C("app = $1 AND field = $2", c.Key, key), store.In("text", f.ring.Indexes("forms_index."+c.Key+"."+key, value)))
		n, err := store.Value[int](ctx, f.db, `SELECT count(*) FROM forms_index WHERE `+where.SQL, where.Args...)
		if err != nil {
			return nil, err
		}
		out.Body.Known = out.Body.Known || n > 0
	}
	return out, f.audit.Note(ctx, audit.Entry{Action: "forms.ask", Object: "forms_app", ID: c.Key, Title: c.Title.ZH, Personal: true, Subjects: 1, Detail: map[string]any{"known": out.Body.Known}})
}
