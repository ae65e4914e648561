package lookup

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

// Entry is a look as the ledger shows it: who looked where, when and why; neither the key nor a value.
type Entry struct {
	ID       string     `json:"id"`
	At       store.Time `json:"at"`
	Dataset  string     `json:"dataset"`
	Title    string     `json:"title"`
	Column   string     `json:"column" doc:"name of the key it was looked up by"`
	Purpose  string     `json:"purpose"`
	Basis    string     `json:"basis"`
	Person   string     `json:"person"`
	Name     string     `json:"personName"`
	UnitName string     `json:"unitName" doc:"of the person's post, which may be a section"`
	HomeName string     `json:"homeName" doc:"the body that answers for that unit"`
	Hits     int        `json:"hits" doc:"rows found"`
	Revealed int        `json:"revealed" doc:"fields shown in clear"`
	Reveals  []Reveal   `json:"reveals" nullable:"false"`
	Batch    string     `json:"batch" doc:"id of the run, of a look with a list"`
	Asked    int        `json:"asked" doc:"keys it asked for"`
	Clear    int        `json:"clear" doc:"columns it gave out in clear"`
	Root     string     `json:"root" doc:"SM3 Merkle root over its subjects"`
	Matter   string     `json:"matter" doc:"number of the case it was for"`
	Marks    []string   `json:"marks" nullable:"false" enum:"off_hours,no_case,self,household,colleague" doc:"what a detector noticed; of one's own looks, nothing that tells of the record"`
}

type mineIn struct{ store.Page }

type ledgerIn struct {
	store.Page
	Dataset string     `query:"dataset" maxLength:"40" doc:"id"`
	Person  string     `query:"person" maxLength:"40" doc:"id"`
	From    store.Time `query:"from"`
	Until   store.Time `query:"until"`
	Bare    bool       `query:"revealed" doc:"only looks of which something was revealed"`
	Batch   bool       `query:"batch" doc:"only lists"`
	Mark    string     `query:"mark" enum:",any,off_hours,no_case,self,household,colleague" doc:"only looks with this mark; any: with one beside no_case"`
}

type ledgerOut struct{ Body store.Listed[Entry] }

// mine lists the actor's own looks.
func (l *Lookup) mine(ctx context.Context, in *mineIn) (*ledgerOut, error) {
	out, err := l.entries(ctx, store.Scoped(store.C("person = $1", authz.From(ctx).Person)), nil, in.Page)
	if err != nil {
		return nil, err
	}
	for i := range out.Body.Items {
		out.Body.Items[i].Marks = ownMarks(out.Body.Items[i].Marks)
	}
	return out, nil
}

// ledger lists the looks at the datasets of the actor's units.
func (l *Lookup) ledger(ctx context.Context, in *ledgerIn) (*ledgerOut, error) {
	var where []store.Cond
	if in.Dataset != "" {
		where = append(where, store.C("dataset = $1", in.Dataset))
	}
	if in.Person != "" {
		where = append(where, store.C("person = $1", in.Person))
	}
	if !in.From.IsZero() {
		where = append(where, store.C("at >= $1", in.From))
	}
	if !in.Until.IsZero() {
		where = append(where, store.C("at < $1", in.Until))
	}
	if in.Bare {
		where = append(where, store.C("revealed > 0"))
	}
	if in.Batch {
		where = append(where, store.C("batch <> ''"))
	}
	switch in.Mark {
	case "":
	case "any":
		where = append(where, store.C("marks <> '' AND marks <> $1", markNoCase))
	default:
		where = append(where, store.C("' ' || marks || ' ' LIKE $1 ESCAPE '!'", store.Anywhere(" "+in.Mark+" ")))
	}
	return l.entries(ctx, owned(ctx), where, in.Page)
}

func (l *Lookup) entries(ctx context.Context, scope store.Scope, where []store.Cond, page store.Page) (*ledgerOut, error) {
	all, err := listLooks(ctx, l.db, scope, where, page)
	if err != nil {
		return nil, err
	}
	reveals, err := revealsOf(ctx, l.db, all.Items)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, k := range all.Items {
		units = append(units, k.Unit, k.Home)
	}
	names, err := l.names.Units(ctx, l.db, units)
	out := &ledgerOut{store.Listed[Entry]{Items: []Entry{}, Next: all.Next}}
	for _, k := range all.Items {
		e := Entry{ID: k.ID, At: k.At, Dataset: k.Dataset, Title: k.Title, Column: k.Column, Purpose: k.Purpose, Basis: k.Basis, Person: k.Person, Name: k.PersonName,
			UnitName: names[k.Unit], HomeName: names[k.Home], Hits: k.Hits, Revealed: k.Revealed, Reveals: reveals[k.ID],
			Batch: k.Batch, Asked: k.Asked, Clear: k.Clear, Root: k.Root, Matter: k.Matter, Marks: k.Marks}
		if e.Reveals == nil {
			e.Reveals = []Reveal{}
		}
		out.Body.Items = append(out.Body.Items, e)
	}
	return out, err
}
