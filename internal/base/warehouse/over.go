package warehouse

import (
	"cmp"
	"iter"
	"math/big"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
)

// Over answers a plan of one source from rows that stand in memory or come one by one: one value a column of the source,
// as its Type.Coerce gives it. It means what the engines mean: what is known of NULL, how values sort, what an aggregate
// is over. What is neither grouped nor ordered is passed on as it comes; the rest is collected, so the caller bounds the rows.
func (p *Plan) Over(rows iter.Seq2[[]any, error]) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		if !p.Grouped && len(p.Order) == 0 {
			p.stream(rows, yield)
			return
		}
		all, err := p.collect(rows)
		if err != nil {
			yield(nil, err)
			return
		}
		slices.SortStableFunc(all, func(a, b answered) int { return p.compare(a, b) })
		from := min(p.Offset, int64(len(all)))
		all = all[from:]
		if p.Limit > 0 && int64(len(all)) > p.Limit {
			all = all[:p.Limit]
		}
		for _, a := range all {
			if !yield(a.out, nil) {
				return
			}
		}
	}
}

func (p *Plan) stream(rows iter.Seq2[[]any, error], yield func([]any, error) bool) {
	var n int64
	for row, err := range rows {
		if err != nil {
			yield(nil, err)
			return
		}
		if is, known := p.Where.Holds(row); !is || !known {
			continue
		}
		if n++; n <= p.Offset {
			continue
		}
		if !yield(p.project(row), nil) || p.Limit > 0 && n == p.Offset+p.Limit {
			return
		}
	}
}

// answered is a row of the answer with one of the source it was made of.
type answered struct{ out, row []any }

func (p *Plan) project(row []any) []any {
	out := make([]any, len(p.Out))
	for i, o := range p.Out {
		out[i] = row[o.Field.Column]
	}
	return out
}

func (p *Plan) collect(rows iter.Seq2[[]any, error]) ([]answered, error) {
	var out []answered
	groups, order := map[string]*sums{}, []*sums{}
	if p.Grouped && len(p.Group) == 0 { // one row, of nothing too
		order = append(order, p.sums(nil))
		groups[""] = order[0]
	}
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		if is, known := p.Where.Holds(row); !is || !known {
			continue
		}
		if !p.Grouped {
			out = append(out, answered{p.project(row), row})
			continue
		}
		var key strings.Builder
		for _, g := range p.Group {
			if v := row[g.Column]; v != nil {
				key.WriteString("=" + Format(v))
			}
			key.WriteByte(0)
		}
		s := groups[key.String()]
		if s == nil {
			s = p.sums(row)
			groups[key.String()] = s
			order = append(order, s)
		}
		s.add(p, row)
	}
	for _, s := range order {
		row, err := s.answer(p)
		if err != nil {
			return nil, err
		}
		out = append(out, answered{row, s.row})
	}
	return out, nil
}

// compare orders two rows of the answer as Order says; NULLs come last either way.
func (p *Plan) compare(a, b answered) int {
	for _, by := range p.Order {
		var v, w any
		if by.Out >= 0 {
			v, w = a.out[by.Out], b.out[by.Out]
		} else {
			v, w = a.row[by.Field.Column], b.row[by.Field.Column]
		}
		switch {
		case v == nil && w == nil:
			continue
		case v == nil:
			return 1
		case w == nil:
			return -1
		}
		if n := Compare(v, w); n != 0 {
			if by.Desc {
				return -n
			}
			return n
		}
	}
	return 0
}

// Holds reports whether a condition holds of a row of the first source; known is false where a NULL decides.
func (t Test) Holds(row []any) (is, known bool) {
	switch t.Op {
	case OpAnd, OpOr:
		decides, unknown := t.Op == OpOr, false
		for _, kid := range t.Kids {
			is, known := kid.Holds(row)
			if known && is == decides {
				return decides, true
			}
			unknown = unknown || !known
		}
		return !decides && !unknown, !unknown
	case OpNot:
		is, known := t.Kids[0].Holds(row)
		return known && !is, known
	}
	v := row[t.Field.Column]
	if t.Op == OpIsNull {
		return v == nil, true
	}
	if t.Op == OpIn && len(t.Values) == 0 {
		return false, true
	}
	if v == nil {
		return false, false
	}
	switch t.Op {
	case OpIn:
		return slices.ContainsFunc(t.Values, func(w any) bool { return Compare(v, w) == 0 }), true
	case OpPrefix:
		return strings.HasPrefix(Format(v), t.Values[0].(string)), true
	case OpContains:
		return strings.Contains(Format(v), t.Values[0].(string)), true
	}
	n := Compare(v, t.Values[0])
	return map[Op]bool{OpEq: n == 0, OpNe: n != 0, OpLt: n < 0, OpLe: n <= 0, OpGt: n > 0, OpGe: n >= 0}[t.Op], true
}

// Compare orders two values of one column, neither of them nil, as the engines do: text by its bytes, false before true.
func Compare(a, b any) int {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	case Decimal:
		if y, ok := b.(Decimal); ok {
			n, _ := x.Unscaled()
			m, _ := y.Unscaled()
			return n.Cmp(m)
		}
	}
	return strings.Compare(Format(a), Format(b))
}

// sums are the aggregates of one group.
type sums struct {
	row  []any // the first of the group, nil of none
	outs []sum
}

// sum is one aggregate under way. Numbers are added without their points.
type sum struct {
	n           int64
	total       big.Int
	least, most any
	seen        map[string]bool
}

func (p *Plan) sums(row []any) *sums {
	s := &sums{row: row, outs: make([]sum, len(p.Out))}
	for i, o := range p.Out {
		if o.Agg == CountDistinct {
			s.outs[i].seen = map[string]bool{}
		}
	}
	return s
}

func (s *sums) add(p *Plan, row []any) {
	for i, o := range p.Out {
		t := &s.outs[i]
		if o.Rows {
			t.n++
			continue
		}
		v := row[o.Field.Column]
		if o.Agg == "" || v == nil {
			continue
		}
		t.n++
		switch o.Agg {
		case Sum, Avg:
			switch v := v.(type) {
			case int64:
				t.total.Add(&t.total, big.NewInt(v))
			case Decimal:
				n, _ := v.Unscaled()
				t.total.Add(&t.total, n)
			}
		case Min, Max:
			if t.least == nil || Compare(v, t.least) < 0 {
				t.least = v
			}
			if t.most == nil || Compare(v, t.most) > 0 {
				t.most = v
			}
		case CountDistinct:
			t.seen[Format(v)] = true
		}
	}
}

// answer is the row a group gives. An aggregate over nothing is NULL, a count 0.
func (s *sums) answer(p *Plan) ([]any, error) {
	out := make([]any, len(p.Out))
	for i, o := range p.Out {
		t := &s.outs[i]
		switch {
		case o.Agg == "" && s.row != nil:
			out[i] = s.row[o.Field.Column]
		case o.Agg == Count:
			out[i] = t.n
		case o.Agg == CountDistinct:
			out[i] = int64(len(t.seen))
		case t.n == 0:
		case o.Agg == Min:
			out[i] = t.least
		case o.Agg == Max:
			out[i] = t.most
		case o.Agg == Sum && o.Type.Kind == KindInteger && t.total.IsInt64():
			out[i] = t.total.Int64()
		case o.Agg == Sum && (o.Type.Kind == KindInteger || len(t.total.Text(10)) > o.Type.Precision):
			return nil, errs.New(errs.Invalid, "warehouse.overflow")
		case o.Agg == Sum:
			out[i] = FromUnscaled(&t.total, o.Type.Scale)
		case o.Agg == Avg:
			mean := new(big.Rat).SetFrac(&t.total, new(big.Int).Mul(big.NewInt(t.n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(o.Field.Type.Scale)), nil)))
			out[i] = Decimal(mean.FloatString(o.Type.Scale))
		}
	}
	return out, nil
}

// Only returns the values one of which a column of every row must have for a condition to hold, as far as its conjunctions
// tell; false when any may do. A source that can find rows by them need read no others.
func (t Test) Only(column int) ([]any, bool) {
	switch t.Op {
	case OpAnd:
		for _, kid := range t.Kids {
			if v, ok := kid.Only(column); ok {
				return v, true
			}
		}
	case OpEq, OpIn:
		if t.Field.Column == column {
			return t.Values, true
		}
	}
	return nil, false
}
