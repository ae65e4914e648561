package lookup

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
)

// Kin is one declared person as who declared him sees it.
type Kin struct {
	ID       string     `json:"id"`
	Relation Relation   `json:"relation" enum:"self,spouse,parent,child,sibling,other"`
	Number   string     `json:"number" doc:"masked"`
	At       store.Time `json:"at"`
	Ended    store.Time `json:"endedAt" doc:"when it was withdrawn; it counts for a year after that"`
}

type kinOut struct {
	Body struct {
		Items []Kin `json:"items" nullable:"false" doc:"in the order they were declared"`
	}
}

// declared lists what the actor has declared of himself and his relatives.
func (l *Lookup) declared(ctx context.Context, _ *struct{}) (*kinOut, error) {
	all, err := l.kinOf(ctx, l.db, authz.From(ctx).Person)
	if err != nil {
		return nil, err
	}
	out := &kinOut{}
	out.Body.Items = []Kin{}
	for _, k := range all {
		out.Body.Items = append(out.Body.Items, Kin{k.id, k.relation, codes.Mask(codes.KindIDStrict, k.number), k.at, k.ended})
	}
	return out, nil
}

// kinOf returns the declared persons of one who looks that still count, with their numbers.
func (l *Lookup) kinOf(ctx context.Context, q store.Queryer, person string) ([]kin, error) {
	since := store.At(l.now().AddDate(0, 0, -counting))
	all, err := allKin(ctx, q, store.C("person = $1 AND (ended_at = 0 OR ended_at > $2)", person, since))
	if err != nil {
		return nil, err
	}
	return all, open(l.ring, all)
}

type declareIn struct {
	Body struct {
		Relation Relation `json:"relation" enum:"self,spouse,parent,child,sibling,other"`
		Number   string   `json:"number" minLength:"15" maxLength:"40" doc:"identity number"`
	}
}

type declareOut struct{ Body Kin }

// declare writes down a relative of the actor, or himself, so that a look at that person is noticed. One's own number
// cannot be replaced by another at will: it is withdrawn first, and goes on counting.
func (l *Lookup) declare(ctx context.Context, in *declareIn) (*declareOut, error) {
	me, number := authz.From(ctx), whole(in.Body.Number)
	if err := codes.Check(codes.KindID, number, l.now()); err != nil {
		return nil, errs.New(errs.Invalid, "lookup.bad_number").With(errs.Field{Name: "number", Key: "lookup.bad_number"})
	}
	k := kin{id: id.New(), person: me.Person, home: me.Home, relation: in.Body.Relation, at: store.At(l.now()), number: number}
	k.sealed = l.ring.Seal(kinPlace(k.id), []byte(number))
	err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "lookup_kin", me.Person); err != nil {
			return err
		}
		before, err := l.kinOf(ctx, tx, me.Person)
		if err != nil {
			return err
		}
		if len(before) >= mostKin {
			return errs.New(errs.Conflict, "lookup.kin_many", mostKin)
		}
		for _, b := range before {
			if b.ended.IsZero() && (b.number == number || b.relation == relSelf && k.relation == relSelf) {
				return errs.New(errs.Conflict, "lookup.kin_twice")
			}
		}
		if err := insertKin(ctx, tx, k, l.ring.Index(kinName, number)); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "lookup.declare", Object: "lookup_kin", ID: k.id, Personal: true, Subjects: 1, Detail: map[string]any{"relation": k.relation}})
	})
	return &declareOut{Kin{k.id, k.relation, codes.Mask(codes.KindIDStrict, number), k.at, k.ended}}, err
}

type withdrawIn struct {
	ID string `path:"id" maxLength:"40"`
}

// withdraw ends a declaration of the actor's own.
func (l *Lookup) withdraw(ctx context.Context, in *withdrawIn) (*struct{}, error) {
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := allKin(ctx, tx, store.C("id = $1 AND person = $2 AND ended_at = 0", in.ID, authz.From(ctx).Person))
		if err == nil && len(found) == 0 {
			err = errs.New(errs.Missing, "lookup.kin_missing")
		}
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE lookup_kin SET ended_at = $1 WHERE id = $2 AND ended_at = 0`, store.At(l.now()), in.ID); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "lookup.withdraw", Object: "lookup_kin", ID: in.ID, Detail: map[string]any{"relation": found[0].relation}})
	})
}
