package lookup

import (
	"context"
	"encoding/binary"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/codes"
)

type subjectIn struct {
	Body struct {
		Number  string `json:"number" minLength:"15" maxLength:"40" doc:"identity number of the person at the counter"`
		Purpose string `json:"purpose" maxLength:"200" doc:"that the person asked, and how he was identified"`
	}
}

// Asker is one unit that looked.
type Asker struct {
	UnitName string     `json:"unitName" doc:"the body that answers for who looked"`
	Title    string     `json:"title" doc:"of the dataset"`
	Purpose  string     `json:"purpose"`
	Looks    int        `json:"looks" doc:"of it with this purpose"`
	Lists    int        `json:"lists" doc:"of these, with a list"`
	Last     store.Time `json:"last"`

	home string
}

type subjectOut struct {
	Body struct {
		Looks  int     `json:"looks"`
		Lists  int     `json:"lists"`
		Askers []Asker `json:"askers" nullable:"false" doc:"units, the last first; persons are not named"`
	}
}

// subject counts who looked at one person's data: by unit, dataset and purpose, never by name (个人信息保护法 第四十四、
// 四十五条). The number itself is kept nowhere.
func (l *Lookup) subject(ctx context.Context, in *subjectIn) (*subjectOut, error) {
	number := codes.Normalise(codes.KindID, in.Body.Number)
	if err := codes.Check(codes.KindID, number, l.now()); err != nil {
		return nil, errs.New(errs.Invalid, "lookup.bad_number")
	}
	purpose, err := cleanReason("purpose", in.Body.Purpose, number)
	if err != nil {
		return nil, err
	}
	looks, err := l.looksAt(ctx, number)
	if err != nil {
		return nil, err
	}
	out := &subjectOut{}
	out.Body.Askers = []Asker{}
	var units []string
	for _, k := range looks {
		out.Body.Looks++
		at := slices.IndexFunc(out.Body.Askers, func(a Asker) bool { return a.home == k.Home && a.Title == k.Title && a.Purpose == k.Purpose })
		if at < 0 {
			at = len(out.Body.Askers)
			out.Body.Askers = append(out.Body.Askers, Asker{Title: k.Title, Purpose: k.Purpose, home: k.Home})
			units = append(units, k.Home)
		}
		a := &out.Body.Askers[at]
		a.Looks++
		if k.At.After(a.Last.Time) {
			a.Last = k.At
		}
		if k.Batch != "" {
			a.Lists++
			out.Body.Lists++
		}
	}
	names, err := l.names.Units(ctx, l.db, units)
	if err != nil {
		return nil, err
	}
	for i := range out.Body.Askers {
		out.Body.Askers[i].UnitName = names[out.Body.Askers[i].home]
	}
	slices.SortFunc(out.Body.Askers, func(a, b Asker) int { return b.Last.Compare(a.Last.Time) })
	return out, l.audit.Note(ctx, audit.Entry{Action: "lookup.subject", Object: "lookup_look", Personal: true, Subjects: 1, Purpose: purpose,
		Detail: map[string]any{"looks": out.Body.Looks, "askers": len(out.Body.Askers)}})
}

// looksAt returns the looks that found a person, single ones and lists, under every key of the ring.
func (l *Lookup) looksAt(ctx context.Context, number string) ([]Look, error) {
	names, err := store.Column[string](ctx, l.db, `SELECT DISTINCT index_name FROM lookup_look WHERE index_name <> '' ORDER BY index_name`)
	if err != nil {
		return nil, err
	}
	var single, lists []string
	for _, name := range names {
		single = append(single, l.ring.Indexes(name, number)...)
		for _, x := range l.ring.Indexers(name) {
			ids, err := listsWith(ctx, l.db, name, x, number)
			if err != nil {
				return nil, err
			}
			lists = append(lists, ids...)
		}
	}
	var out []Look
	for _, which := range []store.Cond{store.And(store.In("key_index", single), store.C("hits > 0")), store.In("id", lists)} {
		found, err := store.All(ctx, l.db, scanLook, `SELECT `+lookColumns+` FROM lookup_look WHERE `+which.SQL, which.Args...)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// listsWith returns the looks with a list that a person stands on.
func listsWith(ctx context.Context, q store.Queryer, name string, x *secret.Indexer, number string) ([]string, error) {
	subject := x.Of(number)
	bucket := int(binary.BigEndian.AppendUint64(nil, subject)[0])
	type row struct{ look, indexes string }
	rows, err := store.All(ctx, q, func(r *row) []any { return []any{&r.look, &r.indexes} },
		`SELECT p.look_id, p.indexes FROM lookup_page p JOIN lookup_look k ON k.id = p.look_id WHERE p.bucket = $1 AND k.index_name = $2`, bucket, name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rows {
		p, err := pageOf(bucket, r.indexes)
		if err != nil {
			return nil, errs.Wrap(err, errs.Internal, "lookup.missing")
		}
		if p.has(subject) {
			out = append(out, r.look)
		}
	}
	return out, nil
}
