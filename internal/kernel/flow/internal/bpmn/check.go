package bpmn

import "slices"

// Finding is what is wrong with a drawing, and where.
type Finding struct {
	Element string // id
	Name    string // as it is drawn
	Key     string // text key "flow.f_…"
	Args    []any
}

// Check names what keeps a drawing from running.
func Check(p *Process) []Finding {
	c := &checker{p: p, ids: map[string]*Node{}}
	for _, n := range p.Nodes {
		if n.ID == "" || c.ids[n.ID] != nil {
			c.add(n, "flow.f_twice", n.ID)
		}
		c.ids[n.ID] = n
	}
	c.flows()
	c.scope("")
	for _, n := range p.Nodes {
		c.node(n)
	}
	c.reach()
	return c.bad
}

type checker struct {
	p   *Process
	ids map[string]*Node
	bad []Finding
}

func (c *checker) add(n *Node, key string, args ...any) {
	c.bad = append(c.bad, Finding{n.ID, n.Name, key, args})
}

func (c *checker) flows() {
	for _, f := range c.p.Flows {
		from, to := c.ids[f.From], c.ids[f.To]
		switch {
		case from == nil || to == nil:
			c.bad = append(c.bad, Finding{f.ID, f.Name, "flow.f_nowhere", []any{f.From, f.To}})
		case from.In != to.In:
			c.bad = append(c.bad, Finding{f.ID, f.Name, "flow.f_crosses", nil})
		}
	}
}

// scope checks that the process, or a sub-process, begins once and ends.
func (c *checker) scope(in string) {
	starts, ends := 0, 0
	for _, n := range c.p.Nodes {
		if n.In != in {
			continue
		}
		switch n.Kind {
		case Start:
			starts++
		case End:
			ends++
		}
	}
	at := &Node{ID: in, Name: c.p.Name}
	if in != "" {
		at = c.ids[in]
	}
	if starts != 1 {
		c.add(at, "flow.f_start", starts)
	}
	if ends == 0 {
		c.add(at, "flow.f_end")
	}
}

func (c *checker) out(id string) (n int) {
	for _, f := range c.p.Flows {
		if f.From == id {
			n++
		}
	}
	return n
}

func (c *checker) node(n *Node) {
	if n.Kind != End && c.out(n.ID) == 0 {
		c.add(n, "flow.f_dead_end")
	}
	if n.Default != "" && !slices.ContainsFunc(c.p.Flows, func(f *Flow) bool { return f.ID == n.Default && f.From == n.ID }) {
		c.add(n, "flow.f_default")
	}
	switch n.Kind {
	case Sub:
		c.scope(n.ID)
	case Exclusive:
		if free := c.unconditional(n); free > 1 {
			c.add(n, "flow.f_unconditional", free)
		}
	case User:
		c.task(n)
	case Boundary:
		if n.Event == nil || c.ids[n.Event.On] == nil {
			c.add(n, "flow.f_boundary")
		}
	case Call, Service: // nobody would see a case that waits for one
		c.add(n, "flow.f_unsupported")
	}
}

// unconditional counts the ways out of a gateway that always hold, the default left out.
func (c *checker) unconditional(n *Node) (free int) {
	for _, f := range c.p.Flows {
		if f.From == n.ID && f.When == "" && f.ID != n.Default {
			free++
		}
	}
	return free
}

func (c *checker) task(n *Node) {
	t := n.Task
	if t == nil || len(c.p.WhoOf(n)) == 0 {
		c.add(n, "flow.f_who")
		return
	}
	if t.Share == Ratio && (t.Percent < 1 || t.Percent > 100) {
		c.add(n, "flow.f_percent")
	}
	seen := map[string]bool{}
	for _, o := range t.Outcomes {
		if o.Key == "" || seen[o.Key] {
			c.add(n, "flow.f_outcome", o.Key)
		}
		seen[o.Key] = true
		if o.Choose != "" && (c.ids[o.Choose] == nil || c.ids[o.Choose].Kind != User) {
			c.add(n, "flow.f_choose", o.Choose)
		}
	}
	for _, w := range c.p.WhoOf(n) {
		if (w.Kind == "doer" || w.Kind == "chosen") && w.ID != "" && c.ids[w.ID] == nil {
			c.add(n, "flow.f_choose", w.ID)
		}
	}
	for _, l := range t.Limit {
		if l.N <= 0 || !l.Unit.Valid() {
			c.add(n, "flow.f_limit")
		}
	}
}

// reach names nodes no token can come to, and nodes from which no end can be reached.
func (c *checker) reach() {
	next := map[string][]string{}
	prev := map[string][]string{}
	link := func(a, b string) { next[a], prev[b] = append(next[a], b), append(prev[b], a) }
	for _, f := range c.p.Flows {
		link(f.From, f.To)
	}
	var starts, ends []string
	for _, n := range c.p.Nodes {
		switch {
		case n.Kind == Boundary && n.Event != nil:
			link(n.Event.On, n.ID)
		case n.Kind == Start && n.In == "":
			starts = append(starts, n.ID)
		case n.Kind == Start:
			link(n.In, n.ID)
		case n.Kind == End:
			ends = append(ends, n.ID)
		}
	}
	from, to := walk(next, starts), walk(prev, ends)
	for _, n := range c.p.Nodes {
		if !from[n.ID] {
			c.add(n, "flow.f_unreachable")
		} else if !to[n.ID] {
			c.add(n, "flow.f_no_end")
		}
	}
}

func walk(edges map[string][]string, from []string) map[string]bool {
	seen := map[string]bool{}
	for len(from) > 0 {
		id := from[len(from)-1]
		from = from[:len(from)-1]
		if !seen[id] {
			seen[id] = true
			from = append(from, edges[id]...)
		}
	}
	return seen
}
