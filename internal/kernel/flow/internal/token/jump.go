package token

import (
	"slices"

	"qushu/internal/kernel/flow/internal/bpmn"
)

// next lists where a token may go from a node: along its flows, and from an activity to its boundary events.
func next(p *bpmn.Process, id string) []string {
	var out []string
	for _, f := range p.Flows {
		if f.From == id {
			out = append(out, f.To)
		}
	}
	for _, n := range p.Nodes {
		if n.Kind == bpmn.Boundary && n.Event != nil && n.Event.On == id {
			out = append(out, n.ID)
		}
	}
	return out
}

// before returns the nodes from which a flow can be reached without passing the join it leads to.
func before(p *bpmn.Process, f *bpmn.Flow, join string) map[string]bool {
	seen := map[string]bool{f.From: true}
	for grown := true; grown; {
		grown = false
		for _, n := range p.Nodes {
			if n.ID == join || seen[n.ID] {
				continue
			}
			for _, to := range next(p, n.ID) {
				if seen[to] {
					seen[n.ID], grown = true, true
					break
				}
			}
		}
	}
	return seen
}

// after returns the nodes a token at an activity can come to without leaving the parallel block it is in: a join ends
// the walk unless the fork that belongs to it was passed on the way. Events that do not interrupt put a token beside the
// way; without beside the walk does not follow them.
func after(p *bpmn.Process, from string, beside bool) map[string]bool {
	type place struct {
		node  string
		depth int
	}
	ins, outs := map[string]int{}, map[string]int{}
	for _, f := range p.Flows {
		ins[f.To]++
		outs[f.From]++
	}
	out := map[string]bool{}
	seen := map[place]bool{}
	var walk func(id string, depth int)
	walk = func(id string, depth int) {
		for _, to := range next(p, id) {
			n, d := p.Node(to), depth
			if n == nil || !beside && n.Kind == bpmn.Boundary && !n.Event.Cancels {
				continue
			}
			if n.Kind == bpmn.Parallel || n.Kind == bpmn.Inclusive {
				if ins[to] > 1 {
					d--
				}
				if d < 0 {
					continue
				}
				if outs[to] > 1 {
					d++
				}
			}
			if at := (place{to, d}); !seen[at] && d <= len(p.Nodes) {
				seen[at], out[to] = true, true
				walk(to, d)
			}
		}
	}
	walk(from, 0)
	return out
}

// up returns the token itself and the tokens of the sub-processes around it, innermost first.
func (s State) up(t Token) []Token {
	out := []Token{t}
	for t.Scope != 0 {
		i := slices.IndexFunc(s.Tokens, func(o Token) bool { return o.ID == t.Scope })
		if i < 0 {
			break
		}
		t = s.Tokens[i]
		out = append(out, t)
	}
	return out
}

// Back lists the user tasks a token may be returned to: passed before, and on a way that leads to where it stands,
// nearest scopes first, each scope in the order of the drawing. A token beside the way has none on the way: that one has
// gone on without it, perhaps through a join that would then wait for ever.
func (m Machine) Back(s State, tok int) []string {
	t, ok := s.Token(tok)
	if !ok {
		return nil
	}
	var out []string
	for _, at := range s.up(t) {
		here := m.P.Node(at.Node)
		if here == nil {
			continue
		}
		for _, n := range m.P.Nodes {
			if n.Kind == bpmn.User && n.In == here.In && n.ID != at.Node && s.Passed[n.ID] > 0 && after(m.P, n.ID, false)[at.Node] {
				out = append(out, n.ID)
			}
		}
	}
	return out
}

// Jump takes a token back to a user task that Back offers. What runs in the same scope and would run again from there
// is taken away with it; branches of a parallel block that the way back does not leave go on.
func (m Machine) Jump(s State, tok int, to string, vars map[string]any) (State, []Effect, error) {
	t, ok := s.Token(tok)
	if !ok {
		return s, nil, &Error{Key: "flow.token_gone"}
	}
	if !slices.Contains(m.Back(s, tok), to) {
		return s, nil, &Error{Element: to, Key: "flow.cannot_return"}
	}
	n := m.P.Node(to)
	var from Token
	for _, at := range s.up(t) {
		if m.P.Node(at.Node).In == n.In {
			from = at
			break
		}
	}
	r := m.begin(s, vars)
	again := after(m.P, to, true)
	for _, o := range r.inside(from.Scope) {
		stands := o.Node
		if o.waits() {
			stands = r.source(o.Via)
		}
		if o.ID == from.ID || again[stands] || stands == to {
			r.drop(o)
		}
	}
	return r.result(s, r.enter(n, from.Scope, ""))
}

// source is the node a flow comes from.
func (r *run) source(flow string) string {
	for _, f := range r.P.Flows {
		if f.ID == flow {
			return f.From
		}
	}
	return ""
}
