package app

import (
	"fmt"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/when"
)

// want says what an expression must give.
type want byte

const (
	aBool want = iota
	aNumber
	aText
	aList
	anything
)

// expr is one expression of a declaration, where it stands and over which names.
type expr struct {
	path, src string
	want      want
	in        *Field // the table whose columns it may use, nil for none
}

// exprs lists every expression that is written.
func (a *App) exprs() []expr {
	var out []expr
	add := func(src string, w want, in *Field, path string, args ...any) {
		if src != "" {
			out = append(out, expr{fmt.Sprintf(path, args...), src, w, in})
		}
	}
	add(a.Subject, aText, nil, "subject")
	add(a.Level, aText, nil, "level")
	limits := func(all []Limit, path string) {
		for i, l := range all {
			add(l.When, aBool, nil, "%s[%d].when", path, i)
		}
	}
	limits(a.Limit, "limit")
	for i := range a.Fields {
		f := &a.Fields[i]
		add(f.Show, aBool, nil, "fields[%d].show", i)
		add(f.Default, anything, nil, "fields[%d].default", i)
		fieldExprs(f, nil, fmt.Sprintf("fields[%d]", i), add)
		for j := range f.Fields {
			fieldExprs(&f.Fields[j], f, fmt.Sprintf("fields[%d].fields[%d]", i, j), add)
		}
	}
	for i, s := range a.Steps {
		add(s.Each, aList, nil, "steps[%d].each", i)
		add(s.When, aBool, nil, "steps[%d].when", i)
		limits(s.Limit, fmt.Sprintf("steps[%d].limit", i))
	}
	for i, r := range a.Resources {
		add(r.Hold, aBool, nil, "resources[%d].hold", i)
	}
	for i, s := range a.Stats {
		of := aBool
		if s.Kind == "sum" || s.Kind == "mean" {
			of = aNumber
		}
		add(s.Of, of, nil, "stats[%d].of", i)
		add(s.Over, aBool, nil, "stats[%d].over", i)
	}
	for i, r := range a.Reminders {
		add(r.When, aBool, nil, "reminders[%d].when", i)
	}
	return out
}

func fieldExprs(f, table *Field, path string, add func(string, want, *Field, string, ...any)) {
	w := aNumber
	switch f.Gives {
	case Text:
		w = aText
	case Date:
		w = anything
	}
	add(f.Expr, w, table, "%s.expr", path)
	add(f.Need, aBool, table, "%s.need", path)
	for k, v := range f.Valid {
		add(v.When, aBool, table, "%s.valid[%d].when", path, k)
	}
}

// Compiled is a declaration ready to be used.
type Compiled struct {
	*App
	rules map[string]*rule.Rule // by path
	order []int                 // fields, those first on which others depend
}

// Compile checks a declaration and makes its expressions ready. With findings there is nothing to use. Without a
// calendar expressions cannot count workdays.
func Compile(a *App, src *Source, calendar when.Days) (*Compiled, []Finding) {
	c := &checker{App: a}
	c.structure()
	out := &Compiled{App: a, rules: map[string]*rule.Rule{}}
	names := a.Names()
	for _, e := range a.exprs() {
		env := names
		if e.in != nil {
			env = rowNames(names, e.in)
		}
		r, err := rule.Compile(e.src, env, rule.Calendar(calendar))
		if err != nil {
			c.refuse(e.path, err)
			continue
		}
		if !fits(r.Type(), e.want) {
			c.add(e.path, [...]string{"forms.f_bool", "forms.f_number", "forms.f_text", "forms.f_list"}[e.want])
			continue
		}
		out.rules[e.path] = r
	}
	out.order = c.sort()
	for i := range c.bad {
		c.bad[i].Line = src.Line(c.bad[i].Path)
	}
	if len(c.bad) > 0 {
		slices.SortStableFunc(c.bad, func(x, y Finding) int { return x.Line - y.Line })
		return nil, c.bad
	}
	return out, nil
}

// fits reports whether an expression gives what is wanted; what is only known when it runs fits.
func fits(t rule.Type, w want) bool {
	switch w {
	case aBool:
		return t == rule.Bool || t == rule.Any
	case aNumber:
		return t == rule.Number || t == rule.Any
	case aText:
		return t == rule.Words || t == rule.Any
	case aList:
		return t == rule.List || t == rule.Any
	}
	return true
}

func rowNames(names map[string]rule.Type, table *Field) map[string]rule.Type {
	out := make(map[string]rule.Type, len(names)+len(table.Fields))
	for k, v := range names {
		out[k] = v
	}
	for i := range table.Fields {
		addNames(out, &table.Fields[i])
	}
	return out
}

// refuse names what an expression is refused for.
func (c *checker) refuse(path string, err error) {
	e, ok := err.(*errs.Error)
	if !ok {
		c.add(path, "forms.f_expr")
		return
	}
	c.bad = append(c.bad, Finding{Path: path, Key: e.Key, Args: e.Args})
}
