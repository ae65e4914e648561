package app

import (
	"fmt"
	"slices"
	"strings"

	"qushu/internal/base/rule"
)

// checker looks for what the schema cannot say.
type checker struct {
	*App
	bad []Finding
}

func (c *checker) add(path, key string, args ...any) {
	c.bad = append(c.bad, Finding{Path: path, Key: key, Args: args})
}

// reserved are names that expressions use for something else.
func reserved(key string) bool {
	_, ok := factTypes()[key]
	return ok || slices.Contains([]string{"and", "or", "not", "in", "true", "false", "nil", "let", "matches", "contains", "days", "workdays", "today", "sum", "len", "min", "max", "round", "date", "divide", "modulo"}, key)
}

func (c *checker) structure() {
	if len(c.Fields) == 0 { // null passes the schema as an empty list
		c.add("fields", "web.v.required")
	}
	if len(c.List.Columns) == 0 {
		c.add("list.columns", "web.v.required")
	}
	c.fields()
	c.references()
	c.steps()
	c.figures()
}

func (c *checker) fields() {
	seen := map[string]bool{}
	for i := range c.Fields {
		f := &c.Fields[i]
		at := fmt.Sprintf("fields[%d]", i)
		c.field(f, at, seen)
		columns := map[string]bool{}
		for j := range f.Fields {
			sub := &f.Fields[j]
			path := fmt.Sprintf("%s.fields[%d]", at, j)
			c.field(sub, path, columns)
			if slices.Contains([]Type{Table, Booked, Signature}, sub.Type) || sub.Show != "" || sub.Default != "" {
				c.add(path, "forms.f_column", sub.Title.ZH)
			}
		}
	}
}

func (c *checker) field(f *Field, at string, seen map[string]bool) {
	if seen[f.Key] {
		c.add(at+".key", "forms.f_twice", f.Key)
	}
	seen[f.Key] = true
	if reserved(f.Key) {
		c.add(at+".key", "forms.f_reserved", f.Key)
	}
	switch f.Type {
	case Choice:
		if len(f.Options) == 0 {
			c.add(at, "forms.f_options", f.Title.ZH)
		}
		keys := map[string]bool{}
		for i, o := range f.Options {
			if keys[o.Key] {
				c.add(fmt.Sprintf("%s.options[%d]", at, i), "forms.f_twice", o.Key)
			}
			keys[o.Key] = true
		}
	case Table:
		if len(f.Fields) == 0 {
			c.add(at, "forms.f_table", f.Title.ZH)
		}
	case Computed:
		if f.Expr == "" {
			c.add(at, "forms.f_no_expr", f.Title.ZH)
		}
		if f.Required || f.Need != "" {
			c.add(at, "forms.f_computed_need", f.Title.ZH)
		}
	case Booked:
		if c.Resource(f.Resource) == nil {
			c.add(at, "forms.f_resource", f.Title.ZH, f.Resource)
		}
		if p := c.Field(f.Period); p == nil || p.Type != Period {
			c.add(at, "forms.f_period", f.Title.ZH, f.Period)
		}
	}
	if f.Expr != "" && f.Type != Computed {
		c.add(at+".expr", "forms.f_expr_only")
	}
	if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
		c.add(at, "forms.f_bounds", f.Title.ZH)
	}
}

// known says that a key names no field, or one of another type.
func (c *checker) known(path, key string, types ...Type) {
	f := c.Field(key)
	switch {
	case f == nil:
		c.add(path, "forms.f_field", key)
	case len(types) > 0 && !slices.Contains(types, f.Type):
		c.add(path, "forms.f_type", key)
	}
}

// sortable are the types a list can filter and sort by.
func sortable() []Type {
	return []Type{Text, Num, Money, Date, DateTime, Period, Choice, Person, Unit, Booked, Place, Computed, IDCard, Phone}
}

func (c *checker) references() {
	if c.Place != "" {
		c.known("place", c.Place, Place)
	}
	if c.Unit != "" {
		c.known("unit", c.Unit, Unit)
	}
	for i, k := range c.List.Columns {
		c.known(fmt.Sprintf("list.columns[%d]", i), k)
	}
	for i, k := range c.List.Filters {
		c.known(fmt.Sprintf("list.filters[%d]", i), k, sortable()...)
	}
	for i, k := range c.List.Sorts {
		c.known(fmt.Sprintf("list.sorts[%d]", i), k, sortable()...)
	}
	twice := func(path string, n int, key func(int) string) {
		seen := map[string]bool{}
		for i := range n {
			if seen[key(i)] {
				c.add(fmt.Sprintf("%s[%d]", path, i), "forms.f_twice", key(i))
			}
			seen[key(i)] = true
		}
	}
	twice("levels", len(c.Levels), func(i int) string { return c.Levels[i].Key })
	twice("roles", len(c.Roles), func(i int) string { return c.Roles[i].Key })
	twice("resources", len(c.Resources), func(i int) string { return c.Resources[i].Key })
	twice("stats", len(c.Stats), func(i int) string { return c.Stats[i].Key })
	twice("reminders", len(c.Reminders), func(i int) string { return c.Reminders[i].Key })
	if c.Level != "" && len(c.Levels) == 0 {
		c.add("level", "forms.f_levels")
	}
	for i, r := range c.Resources {
		seen := map[string]bool{}
		if r.Free != nil && c.Step(r.Free.Step) == nil {
			c.add(fmt.Sprintf("resources[%d].free.step", i), "forms.f_step", r.Free.Step)
		}
		for j, it := range r.Items {
			if seen[it.Key] {
				c.add(fmt.Sprintf("resources[%d].items[%d]", i, j), "forms.f_twice", it.Key)
			}
			seen[it.Key] = true
		}
	}
}

func (c *checker) figures() {
	for i, s := range c.Stats {
		at := fmt.Sprintf("stats[%d]", i)
		if _, ok := c.Division(s.By); s.By != "" && !ok {
			c.known(at+".by", s.By, Choice, Unit, Place, Person, Booked)
		}
		if s.Of == "" && s.Kind != "count" {
			c.add(at, "forms.f_stat_of", s.Title.ZH)
		}
	}
	for i := range c.Reminders {
		c.reminder(&c.Reminders[i], fmt.Sprintf("reminders[%d]", i))
	}
	for i, cell := range c.Print.Cells {
		at := fmt.Sprintf("print.cells[%d]", i)
		c.known(at+".field", cell.Field)
		f := c.Field(cell.Field)
		for j, key := range cell.Columns {
			if f != nil && field(f.Fields, key) == nil {
				c.add(fmt.Sprintf("%s.columns[%d]", at, j), "forms.f_field", key)
			}
		}
	}
	for i, s := range c.Print.Signs {
		if c.Step(s.Step) == nil {
			c.add(fmt.Sprintf("print.signs[%d]", i), "forms.f_step", s.Step)
		}
	}
}

// reminder checks when somebody is reminded, who, and of what.
func (c *checker) reminder(r *Reminder, at string) {
	step, ofStep := strings.CutPrefix(r.Field, "step:")
	switch {
	case ofStep && c.Step(step) == nil:
		c.add(at+".field", "forms.f_step", step)
	case ofStep && len(c.Step(step).Limit) == 0:
		c.add(at+".field", "forms.f_no_limit", c.Step(step).Title.ZH)
	case r.OfLimit(c.App) && len(c.Limit) == 0:
		c.add(at+".field", "forms.f_no_due")
	case !ofStep && !r.OfLimit(c.App) && r.Field != "closed":
		c.known(at+".field", r.Field, Date, DateTime, Period)
	}
	for j, key := range r.To {
		role, ofRole := strings.CutPrefix(key, "role:")
		switch {
		case ofRole && role == "":
			c.add(fmt.Sprintf("%s.to[%d]", at, j), "forms.f_who_id")
		case !ofRole && !slices.Contains([]string{"starter", "holder", "leader", "staff"}, key):
			c.known(fmt.Sprintf("%s.to[%d]", at, j), key, Person)
		}
	}
	for _, name := range append(Placeholders(r.Text.ZH), Placeholders(r.Text.EN)...) {
		if c.Field(name) == nil && !slices.Contains(entryNames(), name) {
			c.add(at+".text", "forms.f_placeholder", name)
		}
	}
}

func (c *checker) steps() {
	if len(c.Steps) == 0 {
		c.add("steps", "forms.f_no_steps")
	}
	seen := map[string]bool{}
	for i := range c.Steps {
		s := &c.Steps[i]
		at := fmt.Sprintf("steps[%d]", i)
		if seen[s.Key] || s.Key == "end" {
			c.add(at+".key", "forms.f_twice", s.Key)
		}
		seen[s.Key] = true
		c.step(s, i, at)
	}
	c.reach()
}

func (c *checker) step(s *Step, i int, at string) {
	if len(s.Who) == 0 && i > 0 {
		c.add(at, "forms.f_nobody", s.Title.ZH)
	}
	c.people(at+".who", s.Who)
	c.people(at+".copy", s.Copy)
	for j, e := range s.Escalate {
		c.people(fmt.Sprintf("%s.escalate[%d].to", at, j), e.To)
	}
	if s.Share == "ratio" && s.Percent == 0 {
		c.add(at+".share", "forms.f_percent", s.Title.ZH)
	}
	keys := map[string]bool{}
	for j, o := range s.Outcomes {
		path := fmt.Sprintf("%s.outcomes[%d]", at, j)
		if keys[o.Key] {
			c.add(path, "forms.f_twice", o.Key)
		}
		keys[o.Key] = true
		if o.To != "" && o.To != "end" && c.Step(o.To) == nil {
			c.add(path+".to", "forms.f_step", o.To)
		}
		if o.Choose != "" && c.Step(o.Choose) == nil {
			c.add(path+".choose", "forms.f_step", o.Choose)
		}
		for n, k := range o.Need {
			if !slices.Contains(s.Write, k) {
				c.add(fmt.Sprintf("%s.need[%d]", path, n), "forms.f_need_write", k)
			}
		}
	}
	if s.Next != "" && s.Next != "end" && c.Step(s.Next) == nil {
		c.add(at+".next", "forms.f_step", s.Next)
	}
	held := map[string]bool{}
	for what, list := range map[string][]string{"write": s.Write, "need": s.Need, "hide": s.Hide} {
		for j, k := range list {
			path := fmt.Sprintf("%s.%s[%d]", at, what, j)
			c.known(path, k)
			if f := c.Field(k); f != nil && f.Type == Computed && what != "hide" {
				c.add(path, "forms.f_type", k)
			}
			if held[k] {
				c.add(path, "forms.f_right_twice", k)
			}
			held[k] = true
		}
	}
}

// people checks whom a list names.
func (c *checker) people(path string, all []Who) {
	for i, w := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch w.Kind {
		case "role":
			if w.ID == "" {
				c.add(at, "forms.f_who_id")
			}
		case "person", "post", "group":
			if w.ID == "" {
				c.add(at, "forms.f_who_id")
			}
		case "chosen", "doer":
			if w.ID != "" && c.Step(w.ID) == nil {
				c.add(at+".id", "forms.f_step", w.ID)
			}
		case "leader", "staff":
			if w.Of == "" {
				c.add(at, "forms.f_who_of")
			}
		}
		what, ref, ok := strings.Cut(w.Of, ":")
		switch {
		case what == "field" && ok:
			c.known(at+".of", ref, Unit, Person)
		case what == "doer" && ok && c.Step(ref) == nil:
			c.add(at+".of", "forms.f_step", ref)
		case w.Of != "" && !slices.Contains([]string{"starter", "place", "case", "unit", "doer", "item"}, what):
			c.add(at+".of", "forms.f_who_of")
		case w.Of == "place" && c.Place == "":
			c.add(at+".of", "forms.f_no_place")
		}
	}
}

// reach names steps that nothing leads to, and an application that never ends.
func (c *checker) reach() {
	if len(c.Steps) == 0 {
		return
	}
	ends := false
	seen := map[string]bool{}
	var walk func(i int)
	walk = func(i int) {
		if i >= len(c.Steps) {
			ends = true
			return
		}
		s := &c.Steps[i]
		if seen[s.Key] {
			return
		}
		seen[s.Key] = true
		for _, to := range c.leads(i) {
			if to == "end" {
				ends = true
			} else if j := slices.IndexFunc(c.Steps, func(s Step) bool { return s.Key == to }); j >= 0 {
				walk(j)
			}
		}
	}
	walk(0)
	for i, s := range c.Steps {
		if !seen[s.Key] {
			c.add(fmt.Sprintf("steps[%d]", i), "forms.f_unreached", s.Title.ZH)
		}
	}
	if !ends {
		c.add("steps", "forms.f_endless")
	}
}

// leads returns where the i-th step may go.
func (c *checker) leads(i int) []string {
	s := &c.Steps[i]
	next := s.Next
	if next == "" {
		next = "end"
		if i+1 < len(c.Steps) {
			next = c.Steps[i+1].Key
		}
	}
	var out []string
	plain := len(s.Outcomes) == 0 || s.When != ""
	for _, o := range s.Outcomes {
		if o.To == "" {
			plain = true
		} else {
			out = append(out, o.To)
		}
	}
	if plain {
		out = append(out, next)
	}
	return out
}

// sort orders the fields so that each comes after those its expression and its visibility read, and names loops.
func (c *checker) sort() []int {
	at := map[string]int{}
	for i := range c.Fields {
		at[c.Fields[i].Key] = i
	}
	var order []int
	state := make([]byte, len(c.Fields)) // 1 under way, 2 done
	var path []string
	var visit func(i int)
	visit = func(i int) {
		f := &c.Fields[i]
		if state[i] == 2 {
			return
		}
		if state[i] == 1 {
			loop := append(slices.Clone(path[slices.Index(path, f.Key):]), f.Key)
			c.add(fmt.Sprintf("fields[%d]", i), "forms.f_loop", strings.Join(loop, " ← "))
			return
		}
		state[i] = 1
		path = append(path, f.Key)
		for _, key := range c.reads(f) {
			if j, ok := at[key]; ok {
				visit(j)
			}
		}
		path = path[:len(path)-1]
		state[i] = 2
		order = append(order, i)
	}
	for i := range c.Fields {
		visit(i)
	}
	return order
}

// reads lists the fields a field's value and visibility depend on.
func (c *checker) reads(f *Field) []string {
	var out []string
	srcs := []string{f.Show, f.Expr}
	own := map[string]bool{}
	for i := range f.Fields {
		own[f.Fields[i].Key] = true
		srcs = append(srcs, f.Fields[i].Expr)
	}
	for n, src := range srcs {
		if src == "" {
			continue
		}
		names, err := rule.Names(src)
		if err != nil {
			continue // named where it stands
		}
		for _, name := range names {
			if n > 1 && own[name] {
				continue
			}
			if key := c.base(name); key != "" {
				out = append(out, key)
			}
		}
	}
	return out
}
