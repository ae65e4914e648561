package warehouse

import (
	"errors"
	"fmt"
	"strings"

	"qushu/internal/base/errs"
)

// Limits of a query tree.
const (
	MaxDepth  = 32        // of conditions in conditions
	MaxTests  = 1000      // conditions in all
	MaxJoins  = 8         //
	MaxValues = 1_000_000 // in one In
)

// Plan is a query checked against the columns there are: every name is a place, every literal has its column's type.
// Engines run plans; callers write queries.
type Plan struct {
	Sources []Source
	Out     []Out
	Where   Test
	Grouped bool // grouped or aggregated: one row a group, or one in all
	Group   []Field
	Order   []By
	Limit   int64
	Offset  int64
	Key     []any // the key of the first source when Where asks for exactly one, else nil
}

// Source is one version a plan reads; the first has no On.
type Source struct {
	Version Version
	On      [][2]Field // a field before, a field of this source
	Outer   bool
	alias   string
}

// Field is a column of a source.
type Field struct {
	Source, Column int
	Type           Type
}

// Out is one column of the answer. With Agg Count and Rows set it counts rows and Field means nothing.
type Out struct {
	Agg   Agg
	Rows  bool
	Field Field
	Name  string
	Type  Type
	title string
}

// Test is a condition. Values have the field's type and are never nil.
type Test struct {
	Op     Op
	Field  Field
	Values []any
	Kids   []Test
}

// By orders by an output column, or by a field when Out is -1.
type By struct {
	Out   int
	Field Field
	Desc  bool
}

// NewPlan checks q. A version find does not know is Missing; a wrong column, value or shape is Invalid and named.
func NewPlan(q Query, find func(id string) (Version, bool)) (*Plan, error) {
	p := &Plan{Limit: q.Limit, Offset: q.Offset}
	if q.Limit < 0 || q.Offset < 0 {
		return nil, errs.New(errs.Invalid, "warehouse.bad_limit")
	}
	if err := p.sources(q, find); err != nil {
		return nil, err
	}
	p.Where = Test{Op: OpAnd}
	if q.Where.Op != "" || q.Where.Col != "" || q.Where.Kids != nil {
		left := MaxTests
		var err error
		if p.Where, err = p.test(q.Where, 0, &left); err != nil {
			return nil, err
		}
	}
	if err := p.outputs(q); err != nil {
		return nil, err
	}
	for _, s := range q.Order {
		by, err := p.by(s)
		if err != nil {
			return nil, err
		}
		p.Order = append(p.Order, by)
	}
	p.Key = p.key()
	return p, nil
}

// Columns returns the columns of the answer.
func (p *Plan) Columns() []Column {
	out := make([]Column, len(p.Out))
	for i, o := range p.Out {
		out[i] = Column{Name: o.Name, Type: o.Type, Title: o.title}
	}
	return out
}

func (p *Plan) sources(q Query, find func(string) (Version, bool)) error {
	add := func(id, alias string) error {
		v, ok := find(id)
		if !ok {
			return errs.New(errs.Missing, "warehouse.no_version", id)
		}
		for _, s := range p.Sources {
			if s.alias == alias {
				return errs.New(errs.Invalid, "warehouse.bad_alias", alias)
			}
		}
		p.Sources = append(p.Sources, Source{Version: v, alias: alias})
		return nil
	}
	if err := add(q.From, q.As); err != nil {
		return err
	}
	if len(q.Join) > MaxJoins {
		return errs.New(errs.Invalid, "warehouse.too_many_joins", MaxJoins)
	}
	for i, j := range q.Join {
		if j.As == "" || len(j.On) == 0 {
			return errs.New(errs.Invalid, "warehouse.bad_join", j.As)
		}
		if err := add(j.Version, j.As); err != nil {
			return err
		}
		for _, on := range j.On {
			left, err := p.field(on[0], 0, i+1)
			if err != nil {
				return err
			}
			right, err := p.field(on[1], i+1, i+2)
			if err != nil {
				return err
			}
			if left.Type != right.Type {
				return errs.New(errs.Invalid, "warehouse.join_types", on[0], left.Type.String(), on[1], right.Type.String())
			}
			p.Sources[i+1].On = append(p.Sources[i+1].On, [2]Field{left, right})
		}
		p.Sources[i+1].Outer = j.Outer
	}
	return nil
}

// field finds name among the sources from, …, to-1.
func (p *Plan) field(name string, from, to int) (Field, error) {
	alias, col, dotted := strings.Cut(name, ".")
	if !dotted {
		col = name
	}
	found := 0
	var f Field
	for s := from; s < to; s++ {
		if dotted && p.Sources[s].alias != alias {
			continue
		}
		for i, c := range p.Sources[s].Version.Columns {
			if c.Name == col {
				f = Field{s, i, c.Type}
				found++
			}
		}
	}
	switch found {
	case 0:
		return f, errs.New(errs.Invalid, "warehouse.no_column", name)
	case 1:
		return f, nil
	}
	return f, errs.New(errs.Invalid, "warehouse.ambiguous_column", name)
}

func (p *Plan) column(f Field) Column { return p.Sources[f.Source].Version.Columns[f.Column] }

func (p *Plan) test(c Cond, depth int, left *int) (Test, error) {
	if *left--; *left < 0 || depth > MaxDepth {
		return Test{}, errs.New(errs.Invalid, "warehouse.too_deep", MaxTests, MaxDepth)
	}
	t := Test{Op: c.Op}
	switch c.Op {
	case OpAnd, OpOr, OpNot:
		if c.Op == OpNot && len(c.Kids) != 1 {
			return Test{}, fmt.Errorf("warehouse: not takes one condition, got %d", len(c.Kids))
		}
		for _, kid := range c.Kids {
			k, err := p.test(kid, depth+1, left)
			if err != nil {
				return Test{}, err
			}
			t.Kids = append(t.Kids, k)
		}
		return t, nil
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpPrefix, OpContains, OpFrom:
		if c.Op == OpFrom {
			t.Op = OpGe
		}
		if len(c.Values) != 1 {
			return Test{}, fmt.Errorf("warehouse: %s takes one value, got %d", c.Op, len(c.Values))
		}
	case OpIn:
		if len(c.Values) > MaxValues {
			return Test{}, errs.New(errs.Invalid, "warehouse.too_many_values", len(c.Values), MaxValues)
		}
	case OpIsNull:
		if len(c.Values) != 0 {
			return Test{}, fmt.Errorf("warehouse: %s takes no value", c.Op)
		}
	default:
		return Test{}, fmt.Errorf("warehouse: no such condition: %q", c.Op)
	}
	var err error
	if t.Field, err = p.field(c.Col, 0, len(p.Sources)); err != nil {
		return Test{}, err
	}
	if (c.Op == OpPrefix || c.Op == OpContains) && t.Field.Type.Kind != KindText {
		return Test{}, errs.New(errs.Invalid, "warehouse.not_text", c.Col)
	}
	t.Values = make([]any, len(c.Values))
	for i, v := range c.Values {
		if t.Values[i], err = t.Field.Type.Coerce(v); err == nil && t.Values[i] == nil {
			err = errs.New(errs.Invalid, "warehouse.null_value")
		}
		if e, ok := errors.AsType[*errs.Error](err); ok {
			return Test{}, errs.New(errs.Invalid, "warehouse.bad_literal", c.Col).
				With(errs.Field{Name: c.Col, Key: e.Key, Args: e.Args})
		}
	}
	return t, nil
}

func (p *Plan) outputs(q Query) error {
	for _, name := range q.Group {
		f, err := p.field(name, 0, len(p.Sources))
		if err != nil {
			return err
		}
		p.Group = append(p.Group, f)
	}
	p.Grouped = len(q.Group) > 0
	items := q.Select
	if len(items) == 0 {
		for _, c := range p.Sources[0].Version.Columns {
			name := c.Name
			if p.Sources[0].alias != "" {
				name = p.Sources[0].alias + "." + name
			} else if len(p.Sources) > 1 {
				name = "." + name
			}
			items = append(items, Item{Col: name})
		}
	}
	for _, it := range items {
		p.Grouped = p.Grouped || it.Agg != ""
	}
	names := map[string]bool{}
	for _, it := range items {
		o, err := p.output(it)
		if err != nil {
			return err
		}
		if names[o.Name] {
			return errs.New(errs.Invalid, "warehouse.name_twice", o.Name)
		}
		names[o.Name] = true
		p.Out = append(p.Out, o)
	}
	return nil
}

func (p *Plan) output(it Item) (Out, error) {
	o := Out{Agg: it.Agg, Name: it.As}
	if it.Agg == Count && it.Col == "" {
		o.Rows, o.Type = true, Type{Kind: KindInteger}
	} else {
		var err error
		if o.Field, err = p.field(it.Col, 0, len(p.Sources)); err != nil {
			return o, err
		}
		c := p.column(o.Field)
		if o.Type, err = it.Agg.of(c); err != nil {
			return o, err
		}
		o.title = c.Title
		if o.Name == "" {
			o.Name = c.Name
		}
		if it.Agg == "" && p.Grouped && !p.grouped(o.Field) {
			return o, errs.New(errs.Invalid, "warehouse.not_grouped", it.Col)
		}
	}
	if !ValidName(o.Name) {
		return o, errs.New(errs.Invalid, "warehouse.bad_column", o.Name)
	}
	return o, nil
}

func (p *Plan) grouped(f Field) bool {
	for _, g := range p.Group {
		if g == f {
			return true
		}
	}
	return false
}

// of returns the type the aggregate gives over column c.
func (a Agg) of(c Column) (Type, error) {
	number := c.Type.Kind == KindInteger || c.Type.Kind == KindDecimal
	switch a {
	case "":
		return c.Type, nil
	case Count, CountDistinct:
		return Type{Kind: KindInteger}, nil
	case Sum:
		if c.Type.Kind == KindDecimal {
			return DecimalType(38, c.Type.Scale), nil
		}
		if number {
			return c.Type, nil
		}
	case Avg:
		if number {
			return DecimalType(38, 6), nil
		}
	case Min, Max:
		if c.Type.Kind != KindBoolean {
			return c.Type, nil
		}
	default:
		return Type{}, fmt.Errorf("warehouse: no such aggregate: %q", a)
	}
	return Type{}, errs.New(errs.Invalid, "warehouse.bad_aggregate", c.Name, c.Type.String(), string(a))
}

func (p *Plan) by(s Sort) (By, error) {
	for i, o := range p.Out {
		if o.Name == s.By {
			return By{Out: i, Desc: s.Desc}, nil
		}
	}
	f, err := p.field(s.By, 0, len(p.Sources))
	if err == nil && p.Grouped && !p.grouped(f) {
		err = errs.New(errs.Invalid, "warehouse.not_grouped", s.By)
	}
	return By{Out: -1, Field: f, Desc: s.Desc}, err
}

// key returns the key's values when Where is a conjunction with an equality on every key column of the first source.
func (p *Plan) key() []any {
	tests := []Test{p.Where}
	if p.Where.Op == OpAnd {
		tests = p.Where.Kids
	}
	cols := KeyColumns(p.Sources[0].Version.Columns)
	var key []any
	for _, c := range cols {
		for _, t := range tests {
			if t.Op == OpEq && t.Field.Source == 0 && t.Field.Column == c {
				key = append(key, t.Values[0])
				break
			}
		}
	}
	if len(cols) == 0 || len(key) != len(cols) {
		return nil
	}
	return key
}
