package exchange

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/flow"
	"qushu/internal/room"
)

// visible is which applications the actor sees: his and his unit's; those about data his unit provides, once they are filed.
func visible(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(asking(ctx), store.And(store.C("a.state <> 'draft'"), providing(ctx))))
}

// seen returns an application the actor may read: by his reach, or since he takes part in its case.
func (x *Exchange) seen(ctx context.Context, q store.Queryer, id string) (application, error) {
	a, err := findApp(ctx, q, store.And(store.C("a.id = $1", id), visible(ctx).Cond()))
	if !errs.Is(err, errs.Missing) {
		return a, err
	}
	whole, missed := findApp(ctx, q, store.C("a.id = $1", id))
	if missed != nil || whole.Case == "" {
		return a, err
	}
	if _, part, failed := x.flow.Holds(ctx, q, whole.Case, authz.From(ctx).Person); failed != nil || part {
		return whole, failed
	}
	return a, err
}

// ApplicationLine is an application in a list.
type ApplicationLine struct {
	ID           string     `json:"id"`
	Number       string     `json:"number"`
	Title        string     `json:"title"`
	Code         string     `json:"code" doc:"of the entry"`
	Provider     string     `json:"provider"`
	ProviderName string     `json:"providerName"`
	Unit         string     `json:"unit"`
	UnitName     string     `json:"unitName"`
	OwnerName    string     `json:"ownerName"`
	Share        string     `json:"share" enum:"unconditional,conditional,refused"`
	State        State      `json:"state" enum:"draft,review,returned,granted,refused,stopped"`
	Purpose      string     `json:"purpose"`
	Step         string     `json:"step"`
	Holder       string     `json:"holder"`
	Due          store.Time `json:"dueAt"`
	Late         bool       `json:"late"`
	At           store.Time `json:"at"`
	Filed        store.Time `json:"filedAt"`
	Changed      store.Time `json:"changedAt"`
}

// ApplicationBody is an application with all it says.
type ApplicationBody struct {
	ApplicationLine
	Wish    Wish        `json:"wish"`
	Phone   string      `json:"phone" doc:"of the contact"`
	Terms   Terms       `json:"terms" doc:"what was agreed to; empty before"`
	Source  Source      `json:"source"`
	Reason  string      `json:"reason" doc:"why it was returned or refused"`
	Grant   string      `json:"grant" doc:"id of what came of it"`
	Renews  string      `json:"renews" doc:"id of the grant it goes on with"`
	Case    string      `json:"case"`
	Steps   []string    `json:"steps" nullable:"false" doc:"nodes the caller holds now"`
	Files   []file.File `json:"files" nullable:"false"`
	MayEdit bool        `json:"mayEdit"`
	Version int64       `json:"version" doc:"to be sent back with a change"`
}

func line(a *application, names map[string]string) ApplicationLine {
	l := ApplicationLine{ID: a.ID, Number: a.Number, Title: a.Title, Code: a.Code, Provider: a.Provider, ProviderName: names[a.Provider], Unit: a.Unit, UnitName: names[a.Unit], OwnerName: a.OwnerName,
		Share: a.Share, State: a.State, Purpose: a.Wish.V.Purpose, Due: a.Due, Late: a.Late, At: a.At, Filed: a.Filed, Changed: a.Changed}
	if a.State == Review || a.State == Returned {
		l.Step, l.Holder = a.Step, a.Holder
	}
	return l
}

type listIn struct {
	View  string `query:"view" enum:",mine,provided,open" doc:"mine: the caller's unit asks; provided: about data it provides; open: not ended yet"`
	State string `query:"state" enum:",draft,review,returned,granted,refused,stopped"`
	Text  string `query:"text" maxLength:"100" doc:"in title, code or number"`
	Late  bool   `query:"late"`
	store.Page
}
type listOut struct{ Body store.Listed[ApplicationLine] }

func (x *Exchange) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
	switch in.View {
	case "mine":
		where = append(where, asking(ctx))
	case "provided":
		where = append(where, providing(ctx), store.C("a.state <> 'draft'"))
	case "open":
		where = append(where, store.C("a.state IN ('draft', 'review', 'returned')"))
	}
	if in.State != "" {
		where = append(where, store.C("a.state = $1", in.State))
	}
	if t := strings.TrimSpace(in.Text); t != "" {
		like := store.Anywhere(t)
		where = append(where, store.C(`lower(a.title) LIKE lower($1) ESCAPE '!' OR lower(a.entry_code) LIKE lower($2) ESCAPE '!' OR lower(a.number) LIKE lower($3) ESCAPE '!'`, like, like, like))
	}
	if in.Late {
		where = append(where, store.C("a.late"))
	}
	all, err := store.List(ctx, x.db, store.Query[application]{Select: `SELECT ` + appColumns + ` FROM exchange_application a`, Scope: visible(ctx), Where: where,
		Keys: []string{"a.at", "a.id"}, Desc: true, Page: in.Page, Scan: scanApp, Cursor: func(a *application) []any { return []any{a.At, a.ID} }})
	if err != nil {
		return nil, err
	}
	var units []string
	for _, a := range all.Items {
		units = append(units, a.Unit, a.Provider)
	}
	names, err := x.org.UnitNames(ctx, x.db, units)
	out := &listOut{store.Listed[ApplicationLine]{Items: []ApplicationLine{}, Next: all.Next}}
	for i := range all.Items {
		out.Body.Items = append(out.Body.Items, line(&all.Items[i], names))
	}
	return out, err
}

type appIn struct {
	ID string `path:"id" maxLength:"40"`
}
type appOut struct{ Body ApplicationBody }

func (x *Exchange) show(ctx context.Context, in *appIn) (*appOut, error) {
	a, err := x.seen(ctx, x.db, in.ID)
	if err != nil {
		return nil, err
	}
	names, err := x.org.UnitNames(ctx, x.db, []string{a.Unit, a.Provider})
	if err != nil {
		return nil, err
	}
	b := ApplicationBody{ApplicationLine: line(&a, names), Wish: a.Wish.V, Terms: a.Terms.V, Reason: a.Reason, Grant: a.Grant, Renews: a.Renews, Case: a.Case, Steps: []string{}, Files: []file.File{}, Version: a.Version}
	if a.Phone != "" {
		plain, err := x.ring.Unseal(phonePlace(a.ID), a.Phone)
		if err != nil {
			return nil, err
		}
		b.Phone = string(plain)
	}
	// What it is about may have left the catalogue since; the application still says what it was.
	if b.Source, err = x.source(room.BySystem(ctx), x.db, a.Entry, a.Dataset); errs.Is(err, errs.Missing) {
		b.Source, err = Source{Entry: a.Entry, Code: a.Code, Title: a.Title, Dataset: a.Dataset, Unit: a.Provider, UnitName: names[a.Provider], Share: a.Share, Columns: []Field{}}, nil
	}
	if err != nil {
		return nil, err
	}
	me := authz.From(ctx).Person
	if a.Case != "" {
		steps, _, err := x.flow.Holds(ctx, x.db, a.Case, me)
		if err != nil {
			return nil, err
		}
		b.Steps = append(b.Steps, steps...)
	}
	b.MayEdit = a.Owner == me && (a.State == Draft || a.State == Returned)
	if b.Files, err = x.files.Of(ctx, x.db, "exchange", a.ID); b.Files == nil {
		b.Files = []file.File{}
	}
	return &appOut{b}, err
}

type createIn struct {
	Body struct {
		Entry   string `json:"entry" required:"false" maxLength:"40"`
		Dataset string `json:"dataset" required:"false" maxLength:"40"`
		Wish    Wish   `json:"wish"`
		Phone   string `json:"phone" required:"false" maxLength:"30"`

		Files []string `json:"files" required:"false" nullable:"false" maxItems:"20" doc:"ids of uploaded files"`
	}
}

// create keeps a draft. What is missing is said when it is filed; what is not shared at all is refused now, by its law.
func (x *Exchange) create(ctx context.Context, in *createIn) (*appOut, error) {
	me, b := authz.From(ctx), in.Body
	if me.Person == "" || me.Home == "" {
		return nil, errs.New(errs.Denied, "exchange.no_person")
	}
	s, err := x.source(ctx, x.db, b.Entry, b.Dataset)
	if err != nil {
		return nil, err
	}
	if s.Share == refused {
		return nil, errs.New(errs.Denied, "exchange.not_shared", s.Title, s.Basis)
	}
	b.Wish.tidy()
	now := store.At(x.now())
	a := &application{ID: id.New(), Title: s.Title, Entry: s.Entry, Code: s.Code, Dataset: s.Dataset, Provider: s.Unit, ProviderStreet: s.street, Share: b.Wish.share(&s), State: Draft, Wish: store.JSON[Wish]{V: b.Wish},
		Unit: me.Home, Street: me.Street, Owner: me.Person, OwnerName: me.Name, At: now, Changed: now, Version: 1}
	a.Terms.V.tidy()
	a.Phone = x.sealPhone(a.ID, b.Phone)
	err = x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertApp(ctx, tx, a); err != nil {
			return err
		}
		if err := x.claim(ctx, tx, a.ID, b.Files); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.draft", Object: "exchange_application", ID: a.ID, Title: a.Title})
	})
	if err != nil {
		return nil, err
	}
	return x.show(ctx, &appIn{a.ID})
}

func (x *Exchange) sealPhone(id, phone string) string {
	if phone = strings.TrimSpace(phone); phone == "" {
		return ""
	}
	return x.ring.Seal(phonePlace(id), []byte(phone))
}

// claim attaches exactly these files: new ones are claimed, those left out removed.
func (x *Exchange) claim(ctx context.Context, tx *store.Tx, id string, files []string) error {
	have, err := x.files.Of(ctx, tx, "exchange", id)
	if err != nil {
		return err
	}
	for _, f := range have {
		if !slices.Contains(files, f.ID) {
			if err := x.files.Remove(ctx, tx, f.ID, "exchange"); err != nil {
				return err
			}
		}
	}
	for _, one := range files {
		if !slices.ContainsFunc(have, func(f file.File) bool { return f.ID == one }) {
			if _, err := x.files.Claim(ctx, tx, one, "exchange", id); err != nil {
				return err
			}
		}
	}
	return nil
}

// own runs fn on the actor's own application, at the version he read, while it may still be edited.
func (x *Exchange) own(ctx context.Context, tx *store.Tx, id string, version int64) (application, error) {
	a, err := locked(ctx, tx, id)
	if err != nil {
		return a, err
	}
	switch {
	case a.Owner != authz.From(ctx).Person:
		if _, err := x.seen(ctx, tx, id); err != nil {
			return a, err
		}
		return a, errs.New(errs.Denied, "exchange.not_yours")
	case a.State != Draft && a.State != Returned:
		return a, errs.New(errs.Conflict, "exchange.not_draft")
	case a.Version != version:
		return a, errs.New(errs.Conflict, "exchange.changed")
	}
	return a, nil
}

type saveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Wish    Wish     `json:"wish"`
		Phone   string   `json:"phone" required:"false" maxLength:"30"`
		Files   []string `json:"files" required:"false" nullable:"false" maxItems:"20"`
		Version int64    `json:"version"`
	}
}

func (x *Exchange) save(ctx context.Context, in *saveIn) (*appOut, error) {
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := x.own(ctx, tx, in.ID, in.Body.Version)
		if err != nil {
			return err
		}
		in.Body.Wish.tidy()
		a.Wish.V, a.Phone, a.Changed = in.Body.Wish, x.sealPhone(a.ID, in.Body.Phone), store.At(x.now())
		if err := x.claim(ctx, tx, a.ID, in.Body.Files); err != nil {
			return err
		}
		if err := saveApp(ctx, tx, &a); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.save", Object: "exchange_application", ID: a.ID, Title: a.Title})
	})
	if err != nil {
		return nil, err
	}
	return x.show(ctx, &appIn{in.ID})
}

type dropIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true"`
}

// drop throws a draft away that was never filed.
func (x *Exchange) drop(ctx context.Context, in *dropIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := x.own(ctx, tx, in.ID, in.Version)
		if err == nil && a.State != Draft {
			err = errs.New(errs.Conflict, "exchange.not_draft")
		}
		if err != nil {
			return err
		}
		if err := x.claim(ctx, tx, a.ID, nil); err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `DELETE FROM exchange_application WHERE id = $1`, a.ID); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.drop", Object: "exchange_application", ID: a.ID, Title: a.Title})
	})
}

type handIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

// hand files an application: a case begins, or the one it was returned in goes on.
func (x *Exchange) hand(ctx context.Context, in *handIn) (*appOut, error) {
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := x.own(ctx, tx, in.ID, in.Body.Version)
		if err != nil {
			return err
		}
		a.Filed = store.At(x.now())
		if err := x.ready(ctx, tx, &a); err != nil {
			return err
		}
		returned := a.State == Returned
		if err := saveApp(ctx, tx, &a); err != nil {
			return err
		}
		if returned {
			err = x.again(ctx, tx, &a)
		} else {
			_, err = x.flow.Begin(ctx, tx, flow.NewCase{Kind: applyKind, Object: a.ID, Title: a.Title, Unit: a.Provider, Street: a.ProviderStreet})
		}
		if err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.file", Object: "exchange_application", ID: a.ID, Title: a.Title, Purpose: a.Wish.V.Purpose,
			Detail: map[string]any{"share": a.Share, "columns": a.Wish.V.Columns, "modes": a.Wish.V.Modes, "days": a.Wish.V.Days}})
	})
	if err != nil {
		return nil, err
	}
	return x.show(ctx, &appIn{in.ID})
}

// again hands in what was returned, at the task the applicant holds.
func (x *Exchange) again(ctx context.Context, tx *store.Tx, a *application) error {
	open, err := x.flow.Waiting(ctx, tx, a.Case)
	if err != nil {
		return err
	}
	for _, w := range open {
		if w.Node == "fill" && slices.Contains(w.People, a.Owner) {
			_, err := x.flow.Do(ctx, tx, flow.Deed{Case: a.Case, Verb: "submit", Task: w.Task})
			return err
		}
	}
	return errs.New(errs.Conflict, "exchange.not_draft")
}

// ready checks an application strictly, against the catalogue as it is now.
func (x *Exchange) ready(ctx context.Context, q store.Queryer, a *application) error {
	s, err := x.source(ctx, q, a.Entry, a.Dataset)
	if err != nil {
		return err
	}
	if s.Share == refused {
		return errs.New(errs.Denied, "exchange.not_shared", s.Title, s.Basis)
	}
	if s.Unit == a.Unit {
		return errs.New(errs.Conflict, "exchange.own_data", s.Title)
	}
	phone := ""
	if a.Phone != "" {
		plain, err := x.ring.Unseal(phonePlace(a.ID), a.Phone)
		if err != nil {
			return err
		}
		phone = string(plain)
	}
	bad := a.Wish.V.faults(&s, phone)
	if s.Dataset != "" && len(a.Wish.V.Filter) > 0 {
		ds, err := x.datasets.Get(ctx, q, s.Dataset, everyDataset)
		if err != nil {
			return err
		}
		if _, err := a.Wish.V.Filter.Cond(ds); err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		return errs.New(errs.Invalid, "exchange.not_ready", len(bad)).With(bad...)
	}
	a.Title, a.Dataset, a.Provider, a.ProviderStreet, a.Share = s.Title, s.Dataset, s.Unit, s.street, a.Wish.V.share(&s)
	return nil
}
