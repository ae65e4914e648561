package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

// May is what a step may do with a field.
type May string

// The rights.
const (
	Read  May = "read"
	Write May = "write"
	Need  May = "need" // write, and it must be given
	Hide  May = "hide"
)

// Rights are what may be done with fields; one that is not named is read.
type Rights map[string]May

// writes reports whether a field may be written.
func (r Rights) writes(key string) bool { return r[key] == Write || r[key] == Need }

// Rights returns what a step may do. A first step that names nothing writes what no later step does.
func (a *App) Rights(step string) Rights {
	out := Rights{}
	for i := range a.Steps {
		s := &a.Steps[i]
		if s.Key != step {
			continue
		}
		for _, k := range s.Write {
			out[k] = Write
		}
		for _, k := range s.Need {
			out[k] = Need
		}
		for _, k := range s.Hide {
			out[k] = Hide
		}
		if i == 0 && len(s.Write)+len(s.Need) == 0 {
			a.rest(out)
		}
	}
	return out
}

// Ending returns what a step may do when it ends so: what the outcome needs must be filled in.
func (a *App) Ending(rights Rights, step, outcome string) Rights {
	s := a.Step(step)
	if s == nil {
		return rights
	}
	for _, o := range s.Outcomes {
		if o.Key == outcome && len(o.Need) > 0 {
			rights = maps.Clone(rights)
			for _, k := range o.Need {
				if rights[k] == Write {
					rights[k] = Need
				}
			}
		}
	}
	return rights
}

func (a *App) rest(out Rights) {
	later := map[string]bool{}
	for _, s := range a.Steps[1:] {
		for _, k := range append(append([]string{}, s.Write...), s.Need...) {
			later[k] = true
		}
	}
	for i := range a.Fields {
		f := &a.Fields[i]
		if !later[f.Key] && out[f.Key] == "" && f.Type != Computed {
			out[f.Key] = Write
		}
	}
}

// Strip takes out what may not be seen.
func (a *App) Strip(data Data, rights Rights) {
	for key, may := range rights {
		if may == Hide {
			delete(data, key)
		}
	}
	for key := range data {
		if a.Field(key) == nil {
			delete(data, key) // of an earlier version
		}
	}
}

// Accept puts what a step said into data, as far as the step may write it, works out what follows from it, and says
// what is wrong. When whole is false the entry is only kept for later, so that what is missing is no fault yet.
func (c *Compiled) Accept(old, in Data, rights Rights, facts Facts, w *World, whole bool) (Data, error) {
	cl := &cleaner{World: w}
	out, _ := c.merge(old, in, rights, facts, cl, whole)
	if cl.err != nil {
		return nil, cl.err
	}
	if len(cl.bad) > 0 {
		return nil, errs.New(errs.Invalid, "forms.not_valid").With(cl.bad...)
	}
	return out, nil
}

// merge is Accept with its faults in cl; it also tells which fields are visible.
func (c *Compiled) merge(old, in Data, rights Rights, facts Facts, cl *cleaner, whole bool) (Data, map[string]bool) {
	out := Clone(old)
	for key := range in {
		if c.Field(key) == nil {
			cl.fail(key, "forms.v_unknown")
		}
	}
	for i := range c.Fields {
		f := &c.Fields[i]
		v, said := in[f.Key]
		if !said || !rights.writes(f.Key) || f.Type == Computed {
			continue
		}
		delete(out, f.Key)
		if x := cl.value(f, f.Key, v, old[f.Key]); x != nil {
			out[f.Key] = x
		}
	}
	shown := c.settle(out, facts, cl, whole)
	if whole && len(cl.bad) == 0 {
		c.complete(out, rights, facts, shown, cl)
	}
	return out, shown
}

// Previewed is what the rules make of values that are being filled in.
type Previewed struct {
	Computed      Data // of a table, the computed columns of each row
	Shown, Needed []string
	Faults        []errs.Field
}

// Preview evaluates everything and keeps nothing.
func (c *Compiled) Preview(old, in Data, rights Rights, facts Facts, w *World) (Previewed, error) {
	cl := &cleaner{World: w}
	data, shown := c.merge(old, in, rights, facts, cl, true)
	if cl.err != nil {
		return Previewed{}, cl.err
	}
	out := Previewed{Computed: c.computed(data), Shown: []string{}, Needed: []string{}, Faults: cl.bad}
	vars := c.Vars(data, facts)
	for i := range c.Fields {
		f := &c.Fields[i]
		if !shown[f.Key] || rights[f.Key] == Hide {
			continue
		}
		out.Shown = append(out.Shown, f.Key)
		need := rights[f.Key] == Need || f.Required && rights.writes(f.Key)
		if r := c.rules[fmt.Sprintf("fields[%d].need", i)]; r != nil && rights.writes(f.Key) {
			ok, err := r.Bool(vars)
			need = need || ok && err == nil
		}
		if need {
			out.Needed = append(out.Needed, f.Key)
		}
	}
	return out, nil
}

// computed are the computed values alone: what was typed is not sent back.
func (c *Compiled) computed(data Data) Data {
	out := Data{}
	for i := range c.Fields {
		f := &c.Fields[i]
		if f.Type == Computed && data[f.Key] != nil {
			out[f.Key] = data[f.Key]
		}
		if f.Type != Table || !slices.ContainsFunc(f.Fields, func(sub Field) bool { return sub.Type == Computed }) {
			continue
		}
		rows := []any{}
		for _, r := range list(data[f.Key]) {
			m, _ := r.(map[string]any)
			row := map[string]any{}
			for j := range f.Fields {
				if sub := &f.Fields[j]; sub.Type == Computed && m[sub.Key] != nil {
					row[sub.Key] = m[sub.Key]
				}
			}
			rows = append(rows, row)
		}
		out[f.Key] = rows
	}
	return out
}

// settle works out computed fields and drops what is not visible, in the order in which they depend on one another.
func (c *Compiled) settle(data Data, facts Facts, cl *cleaner, whole bool) map[string]bool {
	shown := map[string]bool{}
	vars := c.Vars(data, facts)
	for _, i := range c.order {
		f := &c.Fields[i]
		at := fmt.Sprintf("fields[%d]", i)
		shown[f.Key] = true
		if r := c.rules[at+".show"]; r != nil {
			ok, err := r.Bool(vars)
			if err != nil {
				cl.rule(f.Key, err, whole)
			}
			if shown[f.Key] = ok && err == nil; !ok {
				delete(data, f.Key)
				addVar(vars, f, nil)
				continue
			}
		}
		if f.Type == Computed {
			v := c.compute(f, at+".expr", vars, f.Key, cl, whole)
			data[f.Key] = v
			if v == nil {
				delete(data, f.Key)
			}
			addVar(vars, f, v)
		}
		if f.Type == Table && data[f.Key] != nil {
			c.computeRows(f, at, data, vars, cl, whole)
			addVar(vars, f, data[f.Key])
		}
	}
	return shown
}

// rule notes that an expression could not be evaluated; an entry that is only kept may be incomplete.
func (c *cleaner) rule(path string, err error, whole bool) {
	if !whole {
		return
	}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		c.fail(path, e.Key, e.Args...)
		return
	}
	c.fail(path, "forms.f_expr")
}

func (c *Compiled) compute(f *Field, rulePath string, vars map[string]any, path string, cl *cleaner, whole bool) any {
	r := c.rules[rulePath]
	if r == nil {
		return nil
	}
	switch f.Gives {
	case Text:
		v, err := r.Value(vars)
		if err != nil {
			cl.rule(path, err, whole)
			return nil
		}
		return fmt.Sprint(v)
	case Date:
		v, err := r.Value(vars)
		if t, ok := v.(time.Time); ok && err == nil && !t.IsZero() {
			return when.FormatDate(t)
		}
		if err != nil {
			cl.rule(path, err, whole)
		}
		return nil
	}
	n, err := r.Number(vars)
	if err != nil {
		cl.rule(path, err, whole)
		return nil
	}
	return n
}

func (c *Compiled) computeRows(f *Field, at string, data Data, vars map[string]any, cl *cleaner, whole bool) {
	for n, row := range list(data[f.Key]) {
		m, _ := row.(map[string]any)
		var in map[string]any
		for j := range f.Fields {
			sub := &f.Fields[j]
			if sub.Type != Computed {
				continue
			}
			if in == nil {
				in = rowVars(vars, f, m)
			}
			if v := c.compute(sub, fmt.Sprintf("%s.fields[%d].expr", at, j), in, fmt.Sprintf("%s[%d].%s", f.Key, n, sub.Key), cl, whole); v != nil {
				m[sub.Key] = v
				addVar(in, sub, v)
			}
		}
	}
}

func rowVars(vars map[string]any, table *Field, row map[string]any) map[string]any {
	out := make(map[string]any, len(vars)+len(table.Fields))
	for k, v := range vars {
		out[k] = v
	}
	addVars(out, table.Fields, row)
	return out
}

// complete says what of the fields a step writes is missing, or does not meet its conditions.
func (c *Compiled) complete(data Data, rights Rights, facts Facts, shown map[string]bool, cl *cleaner) {
	vars := c.Vars(data, facts)
	for i := range c.Fields {
		f := &c.Fields[i]
		if !shown[f.Key] || !rights.writes(f.Key) && f.Type != Computed {
			continue
		}
		at := fmt.Sprintf("fields[%d]", i)
		c.fulfil(f, at, f.Key, data[f.Key], rights[f.Key] == Need, vars, cl)
		for n, row := range list(data[f.Key]) {
			m, is := row.(map[string]any)
			if f.Type != Table || !is {
				break
			}
			in := rowVars(vars, f, m)
			for j := range f.Fields {
				sub := &f.Fields[j]
				c.fulfil(sub, fmt.Sprintf("%s.fields[%d]", at, j), fmt.Sprintf("%s[%d].%s", f.Key, n, sub.Key), m[sub.Key], false, in, cl)
			}
		}
	}
}

func (c *Compiled) fulfil(f *Field, at, path string, v any, need bool, vars map[string]any, cl *cleaner) {
	need = need || f.Required
	if r := c.rules[at+".need"]; r != nil && !need {
		ok, err := r.Bool(vars)
		if err != nil {
			cl.rule(path, err, true)
		}
		need = ok
	}
	if empty(v) {
		if need {
			cl.fail(path, "web.v.required")
		}
		return
	}
	if l, ok := v.([]any); ok && need && len(l) < f.Least {
		cl.fail(path, "web.v.min_items", f.Least)
	}
	for k := range f.Valid {
		r := c.rules[fmt.Sprintf("%s.valid[%d].when", at, k)]
		if r == nil {
			continue
		}
		ok, err := r.Bool(vars)
		if err != nil {
			cl.rule(path, err, true)
		} else if !ok {
			cl.fail(path, "forms.v_said", f.Valid[k].Message.In(cl.Lang))
		}
	}
}

// Begin returns the values an entry begins with.
func (c *Compiled) Begin(facts Facts) Data {
	out := Data{}
	vars := c.Vars(out, facts)
	for i := range c.Fields {
		f := &c.Fields[i]
		r := c.rules[fmt.Sprintf("fields[%d].default", i)]
		if r == nil {
			continue
		}
		v, err := r.Value(vars)
		if err != nil {
			continue // a default that cannot be worked out is none
		}
		if t, ok := v.(time.Time); ok {
			v = t.UTC().Format(time.RFC3339)
			if f.Type == Date {
				v = when.FormatDate(t)
			}
		}
		switch n := v.(type) {
		case int:
			v = float64(n)
		case int64:
			v = float64(n)
		}
		if !empty(v) {
			out[f.Key] = v
		}
	}
	return out
}

// Truth evaluates an expression that is yes or no; one that is not written is otherwise.
func (c *Compiled) Truth(path string, vars map[string]any, otherwise bool) (bool, error) {
	if r := c.rules[path]; r != nil {
		return r.Bool(vars)
	}
	return otherwise, nil
}

// Text evaluates an expression that is a text; "" when it is not written.
func (c *Compiled) Text(path string, vars map[string]any) (string, error) {
	r := c.rules[path]
	if r == nil {
		return "", nil
	}
	v, err := r.Value(vars)
	if err != nil {
		return "", err
	}
	s, _ := v.(string)
	return s, nil
}
