package bpmn

import "slices"

// maxMoves bounds how many moves of tokens are tried for one drawing.
const maxMoves = 60_000

// game plays one scope with tokens in every way there is, to find joins that wait for ever and ways that meet without
// a join. A token lies on a flow; a sub-process is one activity, played by itself.
type game struct {
	c     *checker
	edges []*Flow // flows on which tokens lie; one through a plain step is one with the flow after it
	at    map[string]int
	bound map[string][]*Node
	away  map[string][]bool // inclusive join and flow → edges from which a token can still come by that flow

	now  marking             // the one moves are made from
	from map[marking]marking // by which each was first reached

	fired, stuck, doubled, breeds map[string]bool
	left                          int
}

// marking is how many tokens lie on each edge: 0, 1 or 2.
type marking string

// sound plays every scope.
func (c *checker) sound() {
	left := maxMoves
	scopes := []string{""}
	for _, n := range c.p.Nodes {
		if n.Kind.holds() && c.nodes[n.ID] == n {
			scopes = append(scopes, n.ID)
		}
	}
	for _, in := range scopes {
		g := &game{c: c, at: map[string]int{}, bound: map[string][]*Node{}, away: map[string][]bool{},
			fired: map[string]bool{}, stuck: map[string]bool{}, doubled: map[string]bool{}, breeds: map[string]bool{}, from: map[marking]marking{}, left: left}
		start := g.set(in)
		if start == nil {
			continue // said already
		}
		all := g.play(start)
		left = g.left
		for _, n := range c.p.Nodes {
			switch {
			case g.stuck[n.ID] && !g.fired[n.ID] && all:
				c.wrong(n, "flow.bpmn_join_never")
			case g.stuck[n.ID]:
				c.wrong(n, "flow.bpmn_join_stuck")
			case g.breeds[n.ID]:
				c.wrong(n, "flow.bpmn_breeds")
			case g.doubled[n.ID]:
				c.say(Warning, n.ID, n.Name, "flow.bpmn_unjoined")
			}
		}
		if !all {
			c.say(Warning, c.p.ID, c.p.Name, "flow.bpmn_unproved")
			return
		}
	}
}

// set lays out a scope and returns its start; nil when it has not exactly one.
func (g *game) set(in string) *Node {
	var start *Node
	for _, n := range g.c.p.Nodes {
		if n.In != in || g.c.nodes[n.ID] != n {
			continue
		}
		if n.Kind == Start {
			if start != nil {
				return nil
			}
			start = n
		}
		if n.Kind == Boundary && n.Event != nil {
			g.bound[n.Event.On] = append(g.bound[n.Event.On], n)
		}
	}
	for _, f := range g.c.p.Flows {
		from, to := g.c.nodes[f.From], g.c.nodes[f.To]
		if from == nil || to == nil || from.In != in || to.In != in {
			continue
		}
		if !g.plain(to) {
			g.at[f.ID] = len(g.edges)
			g.edges = append(g.edges, f)
		}
	}
	return start
}

// plain is a step a token merely passes: one way in, one way out, nothing that interrupts.
func (g *game) plain(n *Node) bool {
	return n.Kind != End && len(g.c.ins[n.ID]) == 1 && len(g.c.outs[n.ID]) == 1 && len(g.bound[n.ID]) == 0
}

// lies is the edge on which a token put on a flow comes to lie, -1 for a flow that leads nowhere.
func (g *game) lies(f *Flow) int {
	for range g.c.p.Nodes {
		to := g.c.nodes[f.To]
		if to == nil || !g.plain(to) {
			break
		}
		f = g.c.outs[to.ID][0]
	}
	if i, ok := g.at[f.ID]; ok {
		return i
	}
	return -1
}

// play tries everything and reports whether it came to an end.
func (g *game) play(start *Node) bool {
	empty := marking(make([]byte, len(g.edges)))
	var todo []marking
	push := func(m marking, n *Node, out []*Flow) {
		if g.left--; g.left < 0 {
			return
		}
		next, most := []byte(m), byte(0)
		for _, f := range out {
			if i := g.lies(f); i >= 0 {
				next[i]++
				most = max(most, next[i])
			}
		}
		k := marking(next)
		if most > 1 {
			g.doubled[n.ID] = true
			g.breeds[n.ID] = g.breeds[n.ID] || g.grown(k)
		}
		if _, seen := g.from[k]; !seen && most < 3 { // of three tokens there is no more to learn than of two
			g.from[k] = g.now
			todo = append(todo, k)
		}
	}
	for _, out := range g.ways(start) {
		push(empty, start, out)
	}
	for len(todo) > 0 {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		g.now = m
		if !g.step(m, empty, push) {
			for i, f := range g.edges {
				if m[i] > 0 {
					g.stuck[f.To] = true
				}
			}
		}
		if g.left < 0 {
			return false
		}
	}
	return true
}

// grown reports whether a marking has all the tokens of one it came from, and more: then the same moves bring ever more.
func (g *game) grown(m marking) bool {
	for was := g.now; was != "" && g.left > 0; was = g.from[was] {
		g.left--
		more, less := false, false
		for i := range len(m) {
			more, less = more || m[i] > was[i], less || m[i] < was[i]
		}
		if more && !less {
			return true
		}
	}
	return false
}

// step makes every move from a marking; false when there are tokens but no move.
func (g *game) step(m, empty marking, push func(marking, *Node, []*Flow)) bool {
	moved, tokens := false, false
	for i, f := range g.edges {
		if m[i] == 0 {
			continue
		}
		tokens = true
		n := g.c.nodes[f.To]
		rest, ok := g.take(m, n, i)
		if !ok {
			continue
		}
		moved = true
		g.fired[n.ID] = true
		if n.Kind == End {
			if n.Terminate {
				rest = empty
			}
			push(rest, n, nil)
			continue
		}
		for _, out := range g.ways(n) {
			push(rest, n, out)
		}
	}
	return moved || !tokens
}

// take lets a node have the token on edge i, and the others a join needs.
func (g *game) take(m marking, n *Node, i int) (marking, bool) {
	rest := []byte(m)
	if in := g.c.ins[n.ID]; len(in) > 1 && (n.Kind == Parallel || n.Kind == Inclusive) {
		for _, f := range in {
			k, ok := g.at[f.ID]
			switch {
			case ok && m[k] > 0:
				rest[k]--
			case n.Kind == Parallel:
				return m, false
			case ok && g.coming(m, n, f):
				return m, false
			}
		}
		return marking(rest), true
	}
	rest[i]--
	return marking(rest), true
}

// coming reports whether a token that lies elsewhere may still come to the inclusive join n by f.
func (g *game) coming(m marking, n *Node, f *Flow) bool {
	from, ok := g.away[f.ID]
	if !ok {
		back := map[string][]string{}
		for id, all := range g.c.next {
			for _, to := range all {
				if to != n.ID && id != n.ID {
					back[to] = append(back[to], id)
				}
			}
		}
		reach := walk(back, f.From)
		from = make([]bool, len(g.edges))
		for i, e := range g.edges {
			from[i] = reach[e.To] && e.To != n.ID
		}
		g.away[f.ID] = from
	}
	for i, yes := range from {
		if yes && m[i] > 0 {
			return true
		}
	}
	return false
}

// ways lists the sets of flows a node may send tokens on to.
func (g *game) ways(n *Node) [][]*Flow {
	out := g.leave(n)
	var beside [][]*Flow
	for _, b := range g.bound[n.ID] {
		if b.Event.Cancels {
			out = append(out, g.leave(b)...)
		} else {
			beside = append(beside, g.leave(b)...)
		}
	}
	for _, b := range beside {
		for _, o := range g.leave(n) {
			out = append(out, append(slices.Clone(o), b...))
		}
	}
	return out
}

// leave lists the sets of flows that may be taken out of one node: as the machine takes them.
func (g *game) leave(n *Node) [][]*Flow {
	var always, when, other []*Flow
	var out [][]*Flow
	for _, f := range g.c.outs[n.ID] {
		switch {
		case f.ID == n.Default:
			other = append(other, f)
		case f.When == "" || n.Kind == Parallel:
			always = append(always, f)
		default:
			when = append(when, f)
		}
	}
	if n.Kind == Exclusive || n.Kind == "eventBasedGateway" || n.Kind == "complexGateway" {
		for _, f := range g.c.outs[n.ID] {
			out = append(out, []*Flow{f})
		}
		return out
	}
	if len(when) > 4 { // one alone, or all
		for _, f := range when {
			out = append(out, append(slices.Clone(always), f))
		}
		out = append(out, append(slices.Clone(always), when...))
	} else {
		for bits := 1; bits < 1<<len(when); bits++ {
			some := slices.Clone(always)
			for i, f := range when {
				if bits>>i&1 == 1 {
					some = append(some, f)
				}
			}
			out = append(out, some)
		}
	}
	if len(always) > 0 {
		return append(out, always)
	}
	return append(out, other) // none holds: the default, or nothing, which is said elsewhere
}
