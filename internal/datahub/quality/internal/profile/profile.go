// Package profile describes the columns of a table from its rows: how many are empty, how many values there are, the
// least and the greatest, the shapes of texts, the commonest values. One pass, bounded memory.
package profile

import (
	"cmp"
	"hash/maphash"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/dataset"
)

const (
	mostShapes = 64 // kept while counting
	mostValues = 256
	shown      = 10
	registers  = 12 // 2^12 registers: distinct counts within about 1.6 %
)

// Count is how often something stands in a column.
type Count struct {
	Value string `json:"value"`
	N     int64  `json:"n"`
}

// Column is what is known of one column.
type Column struct {
	Name     string  `json:"name"`
	Rows     int64   `json:"rows"`
	Empty    int64   `json:"empty" doc:"NULL or blank"`
	Distinct int64   `json:"distinct" doc:"exact up to 256, an estimate within 2 % above"`
	Exact    bool    `json:"exact"`
	Least    string  `json:"least" doc:"empty for masked columns"`
	Greatest string  `json:"greatest"`
	Shortest int     `json:"shortest" doc:"characters"`
	Longest  int     `json:"longest"`
	Shapes   []Count `json:"shapes" nullable:"false" doc:"of texts, the commonest first: 9 a digit, A a letter, 汉 a Chinese character"`
	Values   []Count `json:"values" nullable:"false" doc:"the commonest first; none for masked columns or when there are too many"`
}

// Profile gathers while rows pass.
type Profile struct {
	cols []*gather
}

type gather struct {
	dataset.Column
	out    Column
	seed   maphash.Seed
	hll    []uint8
	values map[string]int64 // nil when there are too many
	shapes map[string]int64
	least  any
	most   any
}

// New begins the profile of columns.
func New(cols []dataset.Column) *Profile {
	p := &Profile{}
	for _, c := range cols {
		p.cols = append(p.cols, &gather{Column: c, out: Column{Name: c.Name}, seed: maphash.MakeSeed(), hll: make([]uint8, 1<<registers), values: map[string]int64{}, shapes: map[string]int64{}})
	}
	return p
}

// Add takes a row with all columns.
func (p *Profile) Add(row []any) {
	for i, g := range p.cols {
		g.add(row[i])
	}
}

func (g *gather) add(v any) {
	g.out.Rows++
	s := warehouse.Format(v)
	if v == nil || strings.TrimSpace(s) == "" {
		g.out.Empty++
		return
	}
	h := maphash.String(g.seed, s)
	at, rest := h>>(64-registers), h<<registers|1<<(registers-1)
	g.hll[at] = max(g.hll[at], uint8(bits.LeadingZeros64(rest)+1))
	n := utf8.RuneCountInString(s)
	if g.out.Shortest == 0 || n < g.out.Shortest {
		g.out.Shortest = n
	}
	g.out.Longest = max(g.out.Longest, n)
	if g.values != nil {
		if g.values[s]++; len(g.values) > mostValues {
			g.values = nil
		}
	}
	if g.least == nil || dataset.Holds(warehouse.OpLt, v, g.least) {
		g.least = v
	}
	if g.most == nil || dataset.Holds(warehouse.OpGt, v, g.most) {
		g.most = v
	}
	if g.Type.Kind == warehouse.KindText {
		shape := Shape(s)
		if _, known := g.shapes[shape]; known || len(g.shapes) < mostShapes {
			g.shapes[shape]++
		} else {
			g.shapes["…"]++
		}
	}
}

// Done returns what was gathered. Values of masked columns are not among it.
func (p *Profile) Done() []Column {
	out := make([]Column, len(p.cols))
	for i, g := range p.cols {
		c := g.out
		c.Distinct, c.Exact = g.estimate(), false
		if g.values != nil {
			c.Distinct, c.Exact = int64(len(g.values)), true
		}
		c.Shapes, c.Values = top(g.shapes), []Count{}
		if !g.Masked {
			c.Least, c.Greatest = cut(warehouse.Format(g.least)), cut(warehouse.Format(g.most))
			c.Values = top(g.values)
		}
		out[i] = c
	}
	return out
}

// estimate is the number of distinct values by HyperLogLog (Flajolet et al. 2007), with linear counting for few.
func (g *gather) estimate() int64 {
	m := float64(len(g.hll))
	sum, zeros := 0.0, 0
	for _, r := range g.hll {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && zeros > 0 {
		e = m * math.Log(m/float64(zeros))
	}
	return int64(math.Round(e))
}

func top(counts map[string]int64) []Count {
	all := make([]Count, 0, len(counts))
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, Count{cut(v), counts[v]})
	}
	slices.SortStableFunc(all, func(a, b Count) int { return cmp.Compare(b.N, a.N) })
	return all[:min(len(all), shown)]
}

func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// Shape is the form of a text: runs of digits, letters and Chinese characters as 9, A and 汉 with their length when more
// than one, other characters as they are.
func Shape(s string) string {
	var b strings.Builder
	last, run := rune(0), 0
	flush := func() {
		if run == 0 {
			return
		}
		b.WriteRune(last)
		if run > 1 {
			b.WriteString("{" + strconv.Itoa(run) + "}")
		}
	}
	for _, r := range s {
		k := r
		switch {
		case unicode.IsDigit(r):
			k = '9'
		case unicode.Is(unicode.Han, r):
			k = '汉'
		case unicode.IsLetter(r):
			k = 'A'
		case unicode.IsSpace(r):
			k = ' '
		}
		if k == last && run > 0 {
			run++
			continue
		}
		flush()
		last, run = k, 1
		if b.Len() > 60 {
			return b.String() + "…"
		}
	}
	flush()
	return b.String()
}
