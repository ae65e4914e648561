package query

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// SavedLine is a saved question in a list.
type SavedLine struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Summary   string     `json:"summary"`
	Number    int64      `json:"number" doc:"newest version"`
	OwnerName string     `json:"ownerName"`
	UnitName  string     `json:"unitName"`
	Mine      bool       `json:"mine" doc:"whether the caller may change it"`
	At        store.Time `json:"at" doc:"last change"`
	Version   int64      `json:"version" doc:"to be sent back with a change"`
	Chart     string     `json:"chart" doc:"how it is drawn"`
	Form      bool       `json:"form" doc:"put together in a form"`
}

// EditionLine is one state in the history of a saved question.
type EditionLine struct {
	Number     int64      `json:"number"`
	Engine     string     `json:"engine" doc:"whose SQL it is written in"`
	Plan       Plan       `json:"plan"`
	PersonName string     `json:"personName"`
	At         store.Time `json:"at"`
}

// SavedBody is a saved question with all it asks.
type SavedBody struct {
	SavedLine
	Plan     Plan          `json:"plan"`
	Engine   string        `json:"engine"`
	Shares   []Share       `json:"shares" nullable:"false"`
	Editions []EditionLine `json:"editions" nullable:"false" doc:"newest first, fifty at most"`
}

// readable is true of the saved questions s the actor may ask with perm: his own, those his right reaches, and those
// shared with him, his unit or a unit above it.
func (x *Query) readable(ctx context.Context, perm string) (store.Scope, error) {
	me := authz.From(ctx)
	units := []string{}
	if me.Unit != "" {
		above, err := x.tree.Above(ctx, x.db, me.Unit)
		if err != nil {
			return store.Scope{}, err
		}
		units = append(above, me.Unit)
	}
	in := store.In("h.unit_id", units)
	mine := store.Or(store.And(store.C("h.unit_id <> ''"), in), store.C("h.person <> '' AND h.person = $1", me.Person))
	shared := store.Cond{SQL: `EXISTS (SELECT 1 FROM query_share h WHERE h.saved_id = s.id AND (` + mine.SQL + `))`, Args: mine.Args}
	reach := authz.WhereCols(ctx, perm, authz.Cols{Unit: "s.unit_id", Street: "s.street", Owner: "s.owner"}).Cond()
	return store.Scoped(store.Or(store.C("s.owner = $1", me.Person), reach, shared)), nil
}

type savedListIn struct {
	store.Page
	Text string `query:"text" maxLength:"100"`
	Mine bool   `query:"mine" doc:"only one's own"`
}

type savedListOut struct{ Body store.Listed[SavedLine] }

func (x *Query) listSaved(ctx context.Context, in *savedListIn) (*savedListOut, error) {
	scope, err := x.readable(ctx, "query.use")
	if err != nil {
		return nil, err
	}
	var where []store.Cond
	if in.Text != "" {
		like := store.Anywhere(in.Text)
		where = append(where, store.C(`lower(s.name) LIKE lower($1) ESCAPE '!' OR lower(s.summary) LIKE lower($2) ESCAPE '!'`, like, like))
	}
	if in.Mine {
		where = append(where, store.C("s.owner = $1", authz.From(ctx).Person))
	}
	all, err := listSaved(ctx, x.db, scope, where, in.Page)
	if err != nil {
		return nil, err
	}
	out := &savedListOut{store.Listed[SavedLine]{Items: []SavedLine{}, Next: all.Next}}
	for _, s := range all.Items {
		b, err := x.body(ctx, s)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, b.SavedLine)
	}
	return out, nil
}

// body is a saved question as it stands.
func (x *Query) body(ctx context.Context, s Saved) (SavedBody, error) {
	b := SavedBody{SavedLine: SavedLine{ID: s.ID, Name: s.Name, Summary: s.Summary, Number: s.Number, OwnerName: s.OwnerName, Mine: s.Owner == authz.From(ctx).Person, At: s.At, Version: s.Version}}
	names, err := x.names.Units(ctx, x.db, []string{s.Unit})
	if err != nil {
		return b, err
	}
	b.UnitName = names[s.Unit]
	e, err := newest(ctx, x.db, s)
	b.Plan, b.Engine, b.Chart, b.Form = e.Plan, e.Engine, e.Plan.Chart.Kind, e.Plan.Build != nil
	return b, err
}

type savedIn struct {
	ID string `path:"id" maxLength:"40"`
}

type savedOut struct{ Body SavedBody }

func (x *Query) getSaved(ctx context.Context, in *savedIn) (*savedOut, error) {
	scope, err := x.readable(ctx, "query.use")
	if err != nil {
		return nil, err
	}
	s, err := findSaved(ctx, x.db, in.ID, scope.Cond())
	if err != nil {
		return nil, err
	}
	return x.whole(ctx, s)
}

func (x *Query) whole(ctx context.Context, s Saved) (*savedOut, error) {
	b, err := x.body(ctx, s)
	if err != nil {
		return nil, err
	}
	if b.Shares, err = x.namedShares(ctx, s.ID); err != nil {
		return nil, err
	}
	all, err := editions(ctx, x.db, s.ID)
	b.Editions = []EditionLine{}
	for _, e := range all {
		b.Editions = append(b.Editions, EditionLine{e.Number, e.Engine, e.Plan, e.PersonName, e.At})
	}
	return &savedOut{b}, err
}

func (x *Query) namedShares(ctx context.Context, saved string) ([]Share, error) {
	all, err := shares(ctx, x.db, saved)
	if err != nil {
		return nil, err
	}
	var units, people []string
	for _, s := range all {
		units, people = append(units, s.Unit), append(people, s.Person)
	}
	unitNames, err := x.names.Units(ctx, x.db, units)
	if err != nil {
		return nil, err
	}
	peopleNames, err := x.names.People(ctx, x.db, people)
	for i, s := range all {
		if all[i].Name = unitNames[s.Unit]; s.Person != "" {
			all[i].Name = peopleNames[s.Person]
		}
	}
	return all, err
}

type keepIn struct {
	Body struct {
		Name    string `json:"name" minLength:"2" maxLength:"100"`
		Summary string `json:"summary" required:"false" maxLength:"1000"`
		Plan    Plan   `json:"plan"`
	}
}

// create keeps a question. Its text must be one that could be asked; whose data it shows is settled each time it is.
func (x *Query) create(ctx context.Context, in *keepIn) (*savedOut, error) {
	if err := x.mayKeep(ctx, in.Body.Plan); err != nil {
		return nil, err
	}
	me, at := authz.From(ctx), store.At(x.now())
	s := Saved{ID: id.New(), Name: in.Body.Name, Summary: in.Body.Summary, Number: 1, Owner: me.Person, OwnerName: me.Name, Unit: me.Home, Street: me.Street, At: at, Version: 1}
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertSaved(ctx, tx, s); err != nil {
			return err
		}
		return x.edition(ctx, tx, s, in.Body.Plan)
	})
	if err != nil {
		return nil, err
	}
	return x.whole(ctx, s)
}

func (x *Query) edition(ctx context.Context, tx *store.Tx, s Saved, p Plan) error {
	me := authz.From(ctx)
	if err := insertEdition(ctx, tx, Edition{Saved: s.ID, Number: s.Number, Engine: engine, Plan: p, Person: me.Person, PersonName: me.Name, At: s.At}); err != nil {
		return err
	}
	return x.audit.Record(ctx, tx, audit.Entry{Action: "query.save", Object: "query_saved", ID: s.ID, Title: s.Name,
		Detail: map[string]any{"number": s.Number, "digest": digest(p.SQL), "form": p.Build != nil, "chart": p.Chart.Kind}})
}

// mayKeep checks a plan: SQL only by who may write it, and one that is read.
func (x *Query) mayKeep(ctx context.Context, p Plan) error {
	if err := p.check(); err != nil {
		return err
	}
	text := p.SQL
	if p.Build != nil {
		var err error
		if text, err = x.written(ctx, "query.use", dataset.Look, *p.Build, p.AsOf); err != nil {
			return err
		}
	} else if !authz.From(ctx).Can("query.sql") {
		return errs.New(errs.Denied, "query.no_sql")
	}
	asked, err := x.datasets.QuestionAt(ctx, x.db, "query.use", "query.reveal", dataset.Look, text, p.AsOf.Time)
	if err != nil {
		return err
	}
	for _, name := range asked.Params {
		known := false
		for _, one := range p.Params {
			known = known || one.Name == name
		}
		if !known {
			return errs.New(errs.Invalid, "query.param_undeclared", name)
		}
	}
	return nil
}

type changeIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Name    string `json:"name" minLength:"2" maxLength:"100"`
		Summary string `json:"summary" required:"false" maxLength:"1000"`
		Plan    Plan   `json:"plan"`
		Version int64  `json:"version" doc:"as it was read"`
	}
}

// change makes the next version of one's own saved question.
func (x *Query) change(ctx context.Context, in *changeIn) (*savedOut, error) {
	if err := x.mayKeep(ctx, in.Body.Plan); err != nil {
		return nil, err
	}
	var s Saved
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if s, err = x.hold(ctx, tx, in.ID, in.Body.Version); err != nil {
			return err
		}
		s.Name, s.Summary, s.Number, s.At, s.Version = in.Body.Name, in.Body.Summary, s.Number+1, store.At(x.now()), s.Version+1
		if err := saveSaved(ctx, tx, s); err != nil {
			return err
		}
		return x.edition(ctx, tx, s, in.Body.Plan)
	})
	if err != nil {
		return nil, err
	}
	return x.whole(ctx, s)
}

// hold locks the actor's own saved question for a change; Conflict when it is no longer as he saw it.
func (x *Query) hold(ctx context.Context, tx *store.Tx, saved string, expect int64) (Saved, error) {
	if err := store.Lock(ctx, tx, "query_saved", saved); err != nil {
		return Saved{}, err
	}
	s, err := findSaved(ctx, tx, saved, store.C("s.owner = $1", authz.From(ctx).Person))
	if err == nil && s.Version != expect {
		err = errs.New(errs.Conflict, "query.changed", s.Name)
	}
	return s, err
}

type removeIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" doc:"as it was read"`
}

func (x *Query) remove(ctx context.Context, in *removeIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := x.hold(ctx, tx, in.ID, in.Version)
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `DELETE FROM query_saved WHERE id = $1`, s.ID); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "query.remove", Object: "query_saved", ID: s.ID, Title: s.Name})
	})
}

type shareIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Shares  []Share `json:"shares" nullable:"false" maxItems:"100"`
		Version int64   `json:"version" doc:"as it was read"`
	}
}

// share says who may ask one's saved question. Each sees what his own rights show him.
func (x *Query) share(ctx context.Context, in *shareIn) (*savedOut, error) {
	var s Saved
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if s, err = x.hold(ctx, tx, in.ID, in.Body.Version); err != nil {
			return err
		}
		if err := x.known(ctx, tx, in.Body.Shares); err != nil {
			return err
		}
		s.Version++
		if err := saveSaved(ctx, tx, s); err != nil {
			return err
		}
		if err := setShares(ctx, tx, s.ID, in.Body.Shares); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "query.share", Object: "query_saved", ID: s.ID, Title: s.Name, Detail: map[string]any{"with": in.Body.Shares}})
	})
	if err != nil {
		return nil, err
	}
	return x.whole(ctx, s)
}

// known refuses shares with units or persons there are not.
func (x *Query) known(ctx context.Context, q store.Queryer, all []Share) error {
	var units, people []string
	for _, s := range all {
		if (s.Unit == "") == (s.Person == "") {
			return errs.New(errs.Invalid, "query.share_whom")
		}
		units, people = append(units, s.Unit), append(people, s.Person)
	}
	unitNames, err := x.names.Units(ctx, q, units)
	if err != nil {
		return err
	}
	peopleNames, err := x.names.People(ctx, q, people)
	for _, s := range all {
		if err == nil && (s.Unit != "" && unitNames[s.Unit] == "" || s.Person != "" && peopleNames[s.Person] == "") {
			err = errs.New(errs.Invalid, "query.share_whom")
		}
	}
	return err
}

type runSavedIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Values  map[string]string `json:"values" required:"false" doc:"of its parameters, by name"`
		AsOf    store.Time        `json:"asOf" required:"false" doc:"ask the datasets as they stood at this moment, instead of what the query says"`
		Purpose string            `json:"purpose" required:"false" maxLength:"200"`
	}
}

// runSaved answers a saved question with the actor's own rights.
func (x *Query) runSaved(ctx context.Context, in *runSavedIn) (*answerOut, error) {
	q, err := x.savedQuestion(ctx, in.ID, "query.use", dataset.Look, in.Body.Values, in.Body.AsOf)
	if err != nil {
		return nil, err
	}
	q.purpose, q.origin = in.Body.Purpose, "saved"
	return x.show(ctx, q)
}

// savedQuestion is a saved question the actor may ask with perm, with values put in.
func (x *Query) savedQuestion(ctx context.Context, saved, perm string, m dataset.Mode, values map[string]string, asOf store.Time) (question, error) {
	scope, err := x.readable(ctx, perm)
	if err != nil {
		return question{}, err
	}
	s, err := findSaved(ctx, x.db, saved, scope.Cond())
	if err != nil {
		return question{}, err
	}
	e, err := newest(ctx, x.db, s)
	if err != nil {
		return question{}, err
	}
	params, err := e.Plan.filled(values)
	if err != nil {
		return question{}, err
	}
	text := e.Plan.SQL
	if asOf.IsZero() {
		asOf = e.Plan.AsOf
	}
	if e.Plan.Build != nil {
		if text, err = x.written(ctx, perm, m, *e.Plan.Build, asOf); err != nil {
			return question{}, err
		}
	}
	return question{sql: text, params: params, asOf: asOf, saved: s.ID, perm: perm, mode: m}, nil
}
