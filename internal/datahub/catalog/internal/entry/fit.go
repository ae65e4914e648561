package entry

import (
	"fmt"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

// Pair binds an item to the column that holds it.
type Pair struct {
	Item   string `json:"item" maxLength:"128" doc:"name of the item"`
	Column string `json:"column" maxLength:"64" doc:"name of the column, empty while none is found"`
}

// holds are the kinds of column that may hold an item of a type.
var holds = map[string][]warehouse.Kind{
	"C": {warehouse.KindText}, "M": {warehouse.KindText}, "G": {warehouse.KindText},
	"N": {warehouse.KindInteger, warehouse.KindDecimal}, "Y": {warehouse.KindDecimal, warehouse.KindInteger},
	"B": {warehouse.KindDecimal}, "F": {warehouse.KindDecimal}, "I": {warehouse.KindInteger},
	"D": {warehouse.KindDate}, "T": {warehouse.KindDatetime}, "L": {warehouse.KindBoolean},
}

// Match proposes a column for every item: by the name of the column, else by its title.
func Match(items []Item, cols []dataset.Column) []Pair {
	out := make([]Pair, len(items))
	for n, i := range items {
		out[n].Item = i.Name
		at := slices.IndexFunc(cols, func(c dataset.Column) bool { return i.Field != "" && strings.EqualFold(c.Name, i.Field) })
		if at < 0 {
			at = slices.IndexFunc(cols, func(c dataset.Column) bool { return c.Title == i.Name })
		}
		if at >= 0 {
			out[n].Column = cols[at].Name
		}
	}
	return out
}

// Fit says what is wrong with a binding of items to the columns of a dataset: an item without a column, a column of another
// type, an item catalogued at a lower level than its column.
func Fit(items []Item, cols []dataset.Column, pairs []Pair) (bad []errs.Field) {
	bound := map[string]string{}
	taken := map[string]string{}
	for _, p := range pairs {
		bound[p.Item] = p.Column
		if p.Column != "" && taken[p.Column] != "" {
			bad = append(bad, fault(p.Item, "fit_twice", p.Item, p.Column, taken[p.Column]))
		}
		taken[p.Column] = p.Item
	}
	for _, i := range items {
		at := slices.IndexFunc(cols, func(c dataset.Column) bool { return c.Name == bound[i.Name] })
		switch {
		case bound[i.Name] == "" || at < 0:
			bad = append(bad, fault(i.Name, "fit_missing", i.Name))
			continue
		case !slices.Contains(holds[i.Type], cols[at].Type.Kind):
			bad = append(bad, fault(i.Name, "fit_type", i.Name, cols[at].Name))
		}
		if i.Level < cols[at].Level {
			bad = append(bad, fault(i.Name, "fit_level", i.Name, string(i.Level), string(cols[at].Level)))
		}
	}
	return bad
}

// ItemOf drafts an item from a column.
func ItemOf(c dataset.Column) Item {
	i := Item{Name: c.Title, Field: c.Name, Key: c.Key, Empty: !c.Key, Level: c.Level, Kind: c.Kind}
	switch c.Type.Kind {
	case warehouse.KindInteger:
		i.Type = "I"
	case warehouse.KindDecimal:
		i.Type, i.Length = "N", max(c.Type.Precision, 1)
	case warehouse.KindDate:
		i.Type = "D"
	case warehouse.KindDatetime:
		i.Type = "T"
	case warehouse.KindBoolean:
		i.Type = "L"
	default:
		i.Type, i.Length = "C", 200
	}
	return i
}

// Draft makes a body from a dataset as far as a dataset tells: who checks it fills in the rest. The share type follows from
// the levels: L4 anywhere, and each such item is kept back; L3, and it is conditional.
func Draft(ds dataset.Dataset, like Body) Body {
	b := like
	b.Name, b.Unit, b.Format, b.Sub = ds.Title, ds.Unit, "database", "warehouse"
	b.Summary = strings.TrimSpace(ds.Summary)
	if ds.IsLive() {
		b.Cycle, b.Format, b.Sub, b.Mode = "realtime", "service", "REST", "api"
	}
	b.Items = nil
	seen := map[string]int{}
	for _, c := range ds.Columns {
		i := ItemOf(c)
		if seen[i.Name]++; seen[i.Name] > 1 {
			i.Name = fmt.Sprintf("%s（%s）", i.Name, c.Name)
		}
		b.Items = append(b.Items, i)
	}
	b.Tidy()
	b.Grade()
	return b
}

// Grade gives the resource and its items the share types their levels ask for, where they are wider than that: L2 may be
// shared without conditions, L3 under conditions, L4 not without a decision of its own.
func (b *Body) Grade() {
	if b.Share == "" {
		b.Share = Unconditional
		if b.Highest() >= dataset.L3 {
			b.Share = Conditional
		}
	}
	for n, i := range b.Items {
		if i.Level >= dataset.L3 && i.ShareIn(b) == Unconditional {
			b.Items[n].Share = Conditional
		}
	}
}
