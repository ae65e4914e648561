package intake

import (
	"slices"
	"strings"

	"qushu/internal/base/source"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// FromSource proposes what to make of a source's columns, from what the source says of them and from sample rows with
// one cell a column.
func FromSource(cols []source.Column, samples []table.Row) []Column {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name
	}
	out := guess(names, samples)
	keyed := slices.ContainsFunc(cols, func(c source.Column) bool { return c.Key })
	for i, c := range cols {
		o := &out[i]
		o.Native, o.Skip = c.Family(), c.Binary
		if name := strings.TrimSpace(c.Comment); name != "" { // "姓名；以身份证为准": the words in front name it
			if cut := strings.IndexAny(name, "，,；;：:（(。\n"); cut > 0 {
				name = name[:cut]
			}
			o.Title = title(name, i)
			if kind, sure := codes.Guess(name, valuesOf(samples, i)); kind != "" && sure >= o.Sure {
				o.Kind, o.Sure = kind, sure
			}
		}
		switch {
		case c.Type.Kind != "":
			o.Type = c.Type
			if o.Kind != "" && o.Kind != codes.KindBirth && o.Type.Kind == warehouse.KindInteger {
				o.Type = warehouse.Type{Kind: warehouse.KindText} // numbers of people and accounts are names
			}
		case o.Kind != "" && o.Kind != codes.KindBirth:
			o.Type = warehouse.Type{Kind: warehouse.KindText}
		}
		o.Level, o.Masked = dataset.Classify(o.Kind)
		if keyed {
			o.Key = c.Key
		}
	}
	return out
}

func valuesOf(samples []table.Row, at int) []string {
	var out []string
	for _, r := range samples {
		if s := strings.TrimSpace(r.Cells[at]); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Change is one way in which what comes differs from what was agreed.
type Change struct {
	What   string  `json:"what" enum:"added,removed,renamed,retyped"`
	Header string  `json:"header" doc:"the column as it was, or the new one"`
	To     string  `json:"to,omitempty" doc:"of renamed: what it seems to be called now"`
	Was    string  `json:"was,omitempty" doc:"type in the source"`
	Is     string  `json:"is,omitempty"`
	Column *Column `json:"column,omitempty" doc:"what is proposed to make of a new column"`
}

// Drift compares the agreed columns with those the source has now; proposed says what to make of the new ones, by
// place in now. Columns that are left out may go and change as they like.
func Drift(agreed []Column, now []source.Column, proposed []Column) []Change {
	have := map[string]source.Column{}
	for _, c := range now {
		have[c.Name] = c
	}
	known := map[string]bool{}
	var gone, out []Change
	for _, c := range agreed {
		known[c.Header] = true
		s, ok := have[c.Header]
		switch {
		case c.Skip || c.Gone:
		case !ok:
			gone = append(gone, Change{What: "removed", Header: c.Header, Was: c.Native})
		case s.Family() != c.Native:
			out = append(out, Change{What: "retyped", Header: c.Header, Was: c.Native, Is: s.Family()})
		}
	}
	var fresh []Change
	for i, c := range now {
		if !known[c.Name] && !c.Binary {
			fresh = append(fresh, Change{What: "added", Header: c.Name, Is: c.Family(), Column: &proposed[i]})
		}
	}
	for i := range gone {
		at := placeOf(agreed, gone[i].Header)
		if n := renamed(gone[i], agreed[at].Kind, fresh, at, now); n >= 0 {
			f := fresh[n]
			gone[i].What, gone[i].To, gone[i].Is, gone[i].Column = "renamed", f.Header, f.Is, f.Column
			fresh = slices.Delete(fresh, n, n+1)
		}
	}
	return append(append(out, gone...), fresh...)
}

func placeOf(agreed []Column, header string) int {
	return slices.IndexFunc(agreed, func(c Column) bool { return c.Header == header })
}

// renamed returns which of the new columns is likely the lost one by another name: of the same type and sort of personal
// data, with a name alike or at the same place. -1 when none is likely.
func renamed(lost Change, kind codes.Kind, fresh []Change, place int, now []source.Column) int {
	best, most := -1, 0
	for i, f := range fresh {
		if f.Is != lost.Was || f.Column != nil && f.Column.Kind != kind {
			continue
		}
		score := alike(lost.Header, f.Header)
		if at := slices.IndexFunc(now, func(c source.Column) bool { return c.Name == f.Header }); at == place {
			score += 2
		}
		if score > most {
			best, most = i, score
		}
	}
	return best
}

// alike counts what two names have in common: 2 when one holds the other, 1 when they share two thirds of their letters.
func alike(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if strings.Contains(a, b) || strings.Contains(b, a) {
		return 2
	}
	shared := 0
	for _, r := range a {
		if strings.ContainsRune(b, r) {
			shared++
		}
	}
	if 3*shared >= 2*len([]rune(a)) {
		return 1
	}
	return 0
}
