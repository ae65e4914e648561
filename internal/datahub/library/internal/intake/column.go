package intake

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"

	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// Column is what is to become of one column of the file: as guessed, then as the user corrected it.
type Column struct {
	dataset.Column
	At     int      `json:"at" minimum:"0" doc:"its place in the file, from 0"`
	Skip   bool     `json:"skip" required:"false" doc:"left out"`
	Nulls  []string `json:"nulls" required:"false" nullable:"false" maxItems:"20" doc:"texts that count as no value; blanks always do"`
	Strict bool     `json:"strict" required:"false" doc:"refuse rows whose value is not a valid one of the kind: check digits, shapes"`

	Header string  `json:"header" required:"false" readOnly:"true" doc:"its name in the file"`
	Native string  `json:"native,omitempty" required:"false" readOnly:"true" doc:"its type in the source it comes from"`
	Gone   bool    `json:"gone,omitempty" required:"false" readOnly:"true" doc:"the source has it no more: it stays, without values"`
	Sure   float64 `json:"sure" required:"false" readOnly:"true" doc:"how sure the suggested kind is, 0 to 1"`
	Empty  float64 `json:"empty" required:"false" readOnly:"true" doc:"share of the sample that is empty"`
}

// Kept returns the columns that are not left out, as they will be catalogued.
func Kept(cols []Column) []dataset.Column {
	var out []dataset.Column
	for _, c := range cols {
		if !c.Skip {
			out = append(out, c.Column)
		}
	}
	return out
}

// Settle decides how columns are kept, as settled says.
func Settle(cols []Column, settled func([]dataset.Column) []dataset.Column) {
	for i := range cols {
		cols[i].Column = settled([]dataset.Column{cols[i].Column})[0]
	}
}

// guess proposes what to make of the columns with these names, from sample rows.
func guess(names []string, samples []table.Row) []Column {
	typed := table.Guess(names, samples)
	taken := map[string]bool{}
	out := make([]Column, len(names))
	for i, g := range typed {
		values := make([]string, 0, len(samples))
		empty, all := 0, 0
		for _, row := range samples {
			if len(row.Reasons) > 0 {
				continue
			}
			all++
			if v, key := (table.Column{Type: table.TypeText, Nulls: g.Nulls}).Parse(row.Cells[i]); v == nil && key == "" {
				empty++
				continue
			}
			values = append(values, row.Cells[i])
		}
		c := Column{At: i, Header: g.Name, Nulls: append([]string{}, g.Nulls...)}
		if all > 0 {
			c.Empty = float64(empty) / float64(all)
		}
		c.Name, c.Title = Identifier(g.Name, taken), title(g.Name, i)
		c.Kind, c.Sure = codes.Guess(g.Name, values)
		c.Type = physical(g.Type, values)
		if c.Kind != "" && c.Kind != codes.KindBirth { // numbers of people and accounts are names, not quantities
			c.Type = warehouse.Type{Kind: warehouse.KindText}
		}
		c.Level, c.Masked = dataset.Classify(c.Kind)
		out[i] = c
	}
	proposeKey(out, samples)
	return out
}

func title(header string, at int) string {
	if r := []rune(header); len(r) > 100 {
		return string(r[:100])
	}
	if header == "" {
		return "第" + strconv.Itoa(at+1) + "列"
	}
	return header
}

// proposeKey takes the first column of identity numbers that is filled and differs in every sample row.
func proposeKey(cols []Column, samples []table.Row) {
	for i := range cols {
		c := &cols[i]
		if c.Kind != codes.KindID && c.Kind != codes.KindUSCC || c.Empty > 0 || len(samples) == 0 {
			continue
		}
		seen := map[string]bool{}
		for _, row := range samples {
			seen[codes.Normalise(c.Kind, row.Cells[i])] = true
		}
		if len(seen) == len(samples) {
			c.Key = true
			return
		}
	}
}

// physical gives the warehouse's type. Decimals get as many digits after the point as the sample shows, two at least.
func physical(t table.Type, values []string) warehouse.Type {
	if t != table.TypeDecimal {
		return warehouse.Type{Kind: warehouse.Kind(t)}
	}
	scale, whole := 2, 1
	for _, s := range values {
		if v, key := table.Parse(t, s); key == "" && v != nil {
			w, f, _ := strings.Cut(v.(string), ".")
			scale, whole = max(scale, len(strings.TrimRight(f, "0"))), max(whole, len(w))
		}
	}
	if whole+scale > 15 { // 18 digits fit a machine word; leave room for larger values further down
		return warehouse.DecimalType(38, min(scale, 20))
	}
	return warehouse.DecimalType(18, scale)
}

// Identifier makes a column name of a header: its letters and digits, other characters as underscores, at most 60 of
// them, and a number behind when taken has it already.
func Identifier(header string, taken map[string]bool) string {
	var b []rune
	for _, r := range strings.TrimSpace(header) {
		if len(b) == 60 {
			break
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || r == unicode.ReplacementChar {
			r = '_'
		}
		if r != '_' || len(b) > 0 && b[len(b)-1] != '_' {
			b = append(b, r)
		}
	}
	base := strings.TrimRight(string(b), "_")
	if base == "" || unicode.IsDigit(b[0]) {
		base = strings.TrimRight("c_"+base, "_")
	}
	name := base
	for n := 2; taken[strings.ToLower(name)]; n++ {
		name = base + "_" + strconv.Itoa(n)
	}
	taken[strings.ToLower(name)] = true
	return name
}

// Code proposes the name of a dataset: the pinyin initials of its title.
func Code(title string) string {
	var b strings.Builder
	args := pinyin.NewArgs()
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Han, r):
			if p := pinyin.SinglePinyin(r, args); len(p) > 0 && p[0] != "" {
				b.WriteByte(p[0][0])
			}
		}
	}
	s := strings.TrimLeft(b.String(), "0123456789")
	if len(s) < 2 {
		s = "d_" + s
	}
	return strings.TrimRight(s[:min(len(s), 40)], "_")
}

// Inherit gives columns the settings of those of a dataset they go on with, found by name or by title.
func Inherit(cols []Column, of []dataset.Column) {
	for i := range cols {
		for _, o := range of {
			if o.Name == cols[i].Name || o.Title == cols[i].Header {
				cols[i].Column = o
				break
			}
		}
	}
}
