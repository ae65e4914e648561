package dataset

import (
	"context"
	"slices"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
)

// Households is a dataset that says who lives with whom: persons are found by their identity number, and its steward has
// declared (codes.KindHousehold) in which column equal values are one household.
type Households struct {
	Dataset
	Person    string // the key of identity numbers
	Household string // the declared column
}

// householdsOf is what a dataset says of households; false when that is not declared, or nobody can be found in it.
func householdsOf(ds Dataset) (Households, bool) {
	h := Households{Dataset: ds}
	for _, c := range ds.Columns {
		switch {
		case c.Kind == codes.KindHousehold && h.Household == "":
			h.Household = c.Name
		case c.Key && isNumber(c.Kind) && h.Person == "":
			h.Person = c.Name
		}
	}
	return h, h.Person != "" && h.Household != ""
}

func isNumber(k codes.Kind) bool { return k == codes.KindID || k == codes.KindIDStrict }

// Households lists the datasets that say who lives with whom. It is for detectors: nothing of them is shown to anybody, so
// nobody's right is asked for.
func (d *Datasets) Households(ctx context.Context, q store.Queryer) ([]Households, error) {
	some, err := store.All(ctx, q, scan, `SELECT `+columns+` FROM dataset d WHERE lower(CAST(d.columns AS TEXT)) LIKE lower($1) ESCAPE '!' ORDER BY d.id`, store.Anywhere(`"`+string(codes.KindHousehold)+`"`))
	if err != nil {
		return nil, err
	}
	var out []Households
	for _, ds := range some {
		if h, ok := householdsOf(ds); ok {
			out = append(out, h)
		}
	}
	return out, nil
}

// mostOf bounds the rows of one person that are looked at.
const mostOf = 20

// Homes returns the households of persons by their numbers, as their values are kept, without repeats; blank is none.
func (d *Datasets) Homes(ctx context.Context, h Households, numbers []string) ([]string, error) {
	at := slices.IndexFunc(h.Columns, func(c Column) bool { return c.Name == h.Household })
	key, _ := h.Column(h.Person)
	var out []string
	for _, n := range numbers {
		v, err := key.Value(n)
		if err != nil || v == nil {
			continue
		}
		rows, _, err := d.Lookup(ctx, h.Dataset, h.Person, v, mostOf)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if home := warehouse.Format(row[at]); home != "" && !slices.Contains(out, home) {
				out = append(out, home)
			}
		}
	}
	return out, nil
}

// Members returns the numbers of those who are of one household. More than limit are nobody's family but a dormitory or a
// collective register (集体户): then there are none.
func (d *Datasets) Members(ctx context.Context, h Households, home string, limit int) ([]string, error) {
	wh, err := d.store()
	if err != nil {
		return nil, err
	}
	c, _ := h.Column(h.Household)
	v, err := c.Value(home)
	if err != nil || v == nil {
		return nil, err
	}
	rows, err := all(ctx, wh, warehouse.Query{From: h.Current, Where: warehouse.Eq(h.Household, v), Select: []warehouse.Item{{Col: h.Person}}, Limit: int64(limit) + 1})
	if err != nil || len(rows) > limit {
		return nil, err
	}
	var out []string
	for _, row := range rows {
		if n := warehouse.Format(row[0]); n != "" {
			out = append(out, n)
		}
	}
	return out, nil
}
