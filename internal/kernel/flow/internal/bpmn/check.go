package bpmn

import (
	"slices"
)

// checker gathers what is wrong with a drawing.
type checker struct {
	p     *Process
	expr  func(src string) error
	nodes map[string]*Node
	outs  map[string][]*Flow // node → flows that leave it
	ins   map[string][]*Flow // node → flows that come to it
	next  map[string][]string
	out   []Finding
}

// Check says what is wrong with a drawing, by element. expr compiles an expression against the names there are; nil
// checks none. A drawing without an Error among the findings runs.
func Check(p *Process, expr func(src string) error) []Finding {
	c := &checker{p: p, expr: expr, nodes: map[string]*Node{}, outs: map[string][]*Flow{}, ins: map[string][]*Flow{}, next: map[string][]string{}}
	if len(p.Nodes) > maxNodes || len(p.Flows) > maxFlows {
		c.say(Error, p.ID, p.Name, "flow.bpmn_too_many", maxNodes)
		return c.out
	}
	c.index()
	c.limits(p.ID, p.Name, p.Limit)
	c.scopes()
	for _, f := range p.Flows {
		c.flow(f)
	}
	for _, n := range p.Nodes {
		c.node(n)
	}
	c.lanes()
	c.reach()
	c.loops()
	c.sound()
	return c.out
}

func (c *checker) say(kind Grade, id, name, key string, args ...any) {
	if name == "" {
		name = id
	}
	c.out = append(c.out, Finding{Element: id, Name: name, Kind: kind, Key: key, Args: args})
}

func (c *checker) wrong(n *Node, key string, args ...any) { c.say(Error, n.ID, n.Name, key, args...) }

// expression checks one that is not empty.
func (c *checker) expression(id, name, src string) {
	if src == "" || c.expr == nil {
		return
	}
	if err := c.expr(src); err != nil {
		c.say(Error, id, name, "flow.bpmn_expression", src)
		c.out[len(c.out)-1].Cause = err
	}
}

// index makes the graph: where a token may go next, into sub-processes and out of them too.
func (c *checker) index() {
	for _, n := range c.p.Nodes {
		switch {
		case n.ID == "":
			c.wrong(n, "flow.bpmn_no_id")
		case c.nodes[n.ID] != nil:
			c.wrong(n, "flow.bpmn_id_twice")
			continue
		}
		c.nodes[n.ID] = n
	}
	for _, f := range c.p.Flows {
		c.outs[f.From] = append(c.outs[f.From], f)
		c.ins[f.To] = append(c.ins[f.To], f)
		if from := c.nodes[f.From]; from != nil && !from.Kind.holds() {
			c.next[f.From] = append(c.next[f.From], f.To)
		}
	}
	for _, n := range c.p.Nodes {
		switch {
		case n.Kind == Start && n.In != "":
			c.next[n.In] = append(c.next[n.In], n.ID)
		case n.Kind == End && n.In != "":
			for _, f := range c.outs[n.In] {
				c.next[n.ID] = append(c.next[n.ID], f.To)
			}
		case n.Kind == Boundary && n.Event != nil:
			c.next[n.Event.On] = append(c.next[n.Event.On], n.ID)
		}
	}
}

// scopes checks that the process and each sub-process has one start and an end.
func (c *checker) scopes() {
	c.scope("", c.p.ID, c.p.Name)
	for _, n := range c.p.Nodes {
		if n.Kind.holds() {
			c.scope(n.ID, n.ID, n.Name)
		}
		up := c.nodes[n.In]
		for i := 0; up != nil && i < len(c.p.Nodes); i++ {
			if up == n {
				c.wrong(n, "flow.bpmn_in_itself")
				break
			}
			up = c.nodes[up.In]
		}
		if n.In != "" && (c.nodes[n.In] == nil || !c.nodes[n.In].Kind.holds()) {
			c.wrong(n, "flow.bpmn_in_nothing", n.In)
		}
	}
}

func (c *checker) scope(in, id, name string) {
	starts, ends := 0, 0
	for _, n := range c.p.Nodes {
		if n.In != in {
			continue
		}
		switch n.Kind {
		case Start:
			if starts++; starts > 1 {
				c.wrong(n, "flow.bpmn_several_starts")
			}
		case End:
			ends++
		}
	}
	if starts == 0 {
		c.say(Error, id, name, "flow.bpmn_no_start")
	}
	if ends == 0 {
		c.say(Error, id, name, "flow.bpmn_no_end")
	}
}

func (c *checker) flow(f *Flow) {
	from, to := c.nodes[f.From], c.nodes[f.To]
	switch {
	case from == nil:
		c.say(Error, f.ID, f.Name, "flow.bpmn_flow_from", f.From)
	case to == nil:
		c.say(Error, f.ID, f.Name, "flow.bpmn_flow_to", f.To)
	case from.In != to.In:
		c.say(Error, f.ID, f.Name, "flow.bpmn_flow_crosses")
	case to.Kind == Start || to.Kind == Boundary:
		c.say(Error, f.ID, f.Name, "flow.bpmn_flow_into", label(to))
	case from.Kind == End:
		c.say(Error, f.ID, f.Name, "flow.bpmn_flow_out", label(from))
	case f.When != "" && from.Kind == Parallel:
		c.say(Warning, f.ID, f.Name, "flow.bpmn_condition_parallel")
	case f.When != "" && from.Default == f.ID:
		c.say(Warning, f.ID, f.Name, "flow.bpmn_condition_default")
	}
	if c.nodes[f.ID] != nil || slices.ContainsFunc(c.p.Flows, func(o *Flow) bool { return o != f && o.ID == f.ID }) {
		c.say(Error, f.ID, f.Name, "flow.bpmn_id_twice")
	}
	c.expression(f.ID, f.Name, f.When)
}

func label(n *Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

func (c *checker) node(n *Node) {
	if key := unsupported[string(n.Kind)]; key != "" || !runs(string(n.Kind)) {
		if key == "" {
			key = "flow.bpmn_unknown"
		}
		c.wrong(n, key)
		return
	}
	c.split(n)
	c.multi(n)
	switch n.Kind {
	case User:
		c.task(n)
	case Service:
		if n.Service == nil || n.Service.Name == "" {
			c.wrong(n, "flow.bpmn_no_service")
		}
	case Call:
		if n.Call == "" {
			c.wrong(n, "flow.bpmn_no_call")
		} else if n.Call == c.p.ID {
			c.wrong(n, "flow.bpmn_calls_itself")
		}
	case Boundary:
		c.boundary(n)
	}
}

// split checks the ways out of a node: one must always be open.
func (c *checker) split(n *Node) {
	var always, when int
	found := n.Default == ""
	for _, f := range c.outs[n.ID] {
		switch {
		case f.ID == n.Default:
			found = true
		case f.When == "":
			always++
		default:
			when++
		}
	}
	if !found {
		c.wrong(n, "flow.bpmn_default_gone", n.Default)
	}
	switch {
	case n.Kind == Parallel:
		if n.Default != "" {
			c.wrong(n, "flow.bpmn_default_parallel")
		}
	case n.Kind == Exclusive && always > 1, n.Kind == Exclusive && always == 1 && n.Default != "" && found:
		c.wrong(n, "flow.bpmn_several_always")
	case when > 0 && always == 0 && n.Default == "":
		c.wrong(n, "flow.bpmn_no_default")
	case n.Kind == Exclusive && always == 1 && when > 0 && c.outs[n.ID][len(c.outs[n.ID])-1].When != "":
		c.wrong(n, "flow.bpmn_always_first")
	case n.Kind != Exclusive && n.Kind != Inclusive && n.Kind != End && always > 1:
		c.say(Warning, n.ID, n.Name, "flow.bpmn_split_without")
	}
}

func (c *checker) multi(n *Node) {
	m := n.Multi
	if m == nil {
		return
	}
	switch {
	case n.Kind != User && n.Kind != Service && n.Kind != Call && n.Kind != Sub:
		c.wrong(n, "flow.bpmn_multi_where")
	case m.Over == "":
		c.wrong(n, "flow.bpmn_no_list")
	case m.Percent < 0 || m.Percent > 100:
		c.wrong(n, "flow.bpmn_percent", m.Percent)
	}
	c.expression(n.ID, n.Name, m.Over)
}

func (c *checker) boundary(n *Node) {
	e := n.Event
	if e == nil {
		c.wrong(n, "flow.bpmn_no_trigger")
		return
	}
	on := c.nodes[e.On]
	switch {
	case on == nil || on.In != n.In:
		c.wrong(n, "flow.bpmn_on_nothing", e.On)
	case on.Kind != User && on.Kind != Service && on.Kind != Call && on.Kind != Sub:
		c.wrong(n, "flow.bpmn_on_what", label(on))
	}
	if (e.Timer == nil) == (e.Message == "") {
		c.wrong(n, "flow.bpmn_no_trigger")
	}
	if e.MaxTimes < 0 || e.Repeat && (e.Cancels || e.Timer == nil) {
		c.wrong(n, "flow.bpmn_repeat")
	}
	if e.Timer != nil {
		c.limits(n.ID, n.Name, []Limit{*e.Timer})
	}
}

// reach names what nothing leads to, and what leads nowhere.
func (c *checker) reach() {
	var starts, ends []string
	back := map[string][]string{}
	for from, all := range c.next {
		for _, to := range all {
			back[to] = append(back[to], from)
		}
	}
	for _, n := range c.p.Nodes {
		switch {
		case n.Kind == Start && n.In == "":
			starts = append(starts, n.ID)
		case n.Kind == End:
			ends = append(ends, n.ID)
		}
	}
	// An end of a sub-process leads on only where the sub-process does; a terminate end ends that sub-process alone.
	ends = slices.DeleteFunc(ends, func(id string) bool { return c.nodes[id].In != "" })
	forth, home := walk(c.next, starts...), walk(back, ends...)
	for _, n := range c.p.Nodes {
		if c.nodes[n.ID] != n {
			continue
		}
		around := n.In == "" || c.nodes[n.In] == nil // what is wrong with a sub-process is said of it alone
		if len(starts) > 0 && !forth[n.ID] && (around || forth[n.In]) {
			c.wrong(n, "flow.bpmn_unreachable")
		}
		if len(ends) > 0 && !home[n.ID] && (around || home[n.In]) {
			c.wrong(n, "flow.bpmn_dead_end")
		}
	}
}

// walk gives what can be reached from the given nodes, themselves included.
func walk(next map[string][]string, from ...string) map[string]bool {
	seen := map[string]bool{}
	todo := slices.Clone(from)
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[id] {
			seen[id] = true
			todo = append(todo, next[id]...)
		}
	}
	return seen
}

// before reports whether a may have run when b begins: a way leads from a to b.
func (c *checker) before(a, b string) bool {
	return walk(c.next, c.next[a]...)[b]
}

// loops names circles in which nobody is ever asked: they would turn for ever at once.
func (c *checker) loops() {
	turns := func(id string) bool {
		n := c.nodes[id]
		return n != nil && n.Kind != User && n.Kind != Call && n.Kind != Boundary
	}
	next := map[string][]string{}
	for from, all := range c.next {
		if turns(from) {
			next[from] = slices.DeleteFunc(slices.Clone(all), func(to string) bool { return !turns(to) })
		}
	}
	said := map[string]bool{}
	for _, n := range c.p.Nodes {
		if !turns(n.ID) || said[n.ID] {
			continue
		}
		round := walk(next, next[n.ID]...)
		if !round[n.ID] {
			continue
		}
		c.wrong(n, "flow.bpmn_loop")
		for id := range round {
			if walk(next, next[id]...)[n.ID] {
				said[id] = true
			}
		}
	}
}
