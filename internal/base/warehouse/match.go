package warehouse

import "qushu/internal/base/errs"

// Matching asks a version for the rows that have one of many keys: a list against a table.
type Matching struct {
	From   string   // version id
	Column string   // compared with the keys; a table is laid out for its only key column
	Keys   []any    // what the column's Type.Coerce takes, not nil; each once
	Select []string // columns of the answer
	Where  Cond     // rows it reaches, all when zero
}

// Match is one key that was found.
type Match struct {
	Key   int      // its place in Matching.Keys
	Rows  int64    // how many rows have it
	Texts []string // its values as Format writes them, of the first of them in the table's own order, which a version never changes; NULL is "". Good until the next Match
}

// PlanMatch checks m and returns the plan of its rows, the place of the key column in it, and the keys as the column
// keeps them. The plan's first output is the key column. Errors are those of NewPlan and of Coerce.
func PlanMatch(m Matching, find func(id string) (Version, bool)) (*Plan, Field, []any, error) {
	q := Query{From: m.From, Where: m.Where, Select: []Item{{Col: m.Column, As: "_key"}}}
	for _, c := range m.Select {
		q.Select = append(q.Select, Item{Col: c})
	}
	p, err := NewPlan(q, find)
	if err != nil {
		return nil, Field{}, nil, err
	}
	key := p.Out[0].Field
	keys := make([]any, len(m.Keys))
	for i, k := range m.Keys {
		if keys[i], err = key.Type.Coerce(k); err != nil {
			return nil, key, nil, err
		}
		if keys[i] == nil {
			return nil, key, nil, errs.New(errs.Invalid, "warehouse.null_value")
		}
	}
	return p, key, keys, nil
}
