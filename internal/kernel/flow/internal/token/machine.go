package token

import (
	"slices"

	"qushu/internal/kernel/flow/internal/bpmn"
)

// maxMoves bounds one event: a loop of gateways without an activity never ends by itself.
const maxMoves = 1000

// Machine moves tokens over one drawing.
type Machine struct {
	P *bpmn.Process
	// Eval evaluates an expression of the drawing: a condition gives a bool, Multi.Over a list.
	Eval func(expr string, vars map[string]any) (any, error)
}

// run is one event being worked.
type run struct {
	Machine
	s     State
	vars  map[string]any
	out   []Effect
	moves int
}

func (m Machine) begin(s State, vars map[string]any) *run {
	r := &run{Machine: m, s: s.clone(), vars: vars}
	if r.s.Passed == nil {
		r.s.Passed, r.s.Taken = map[string]int{}, map[string]int{}
	}
	return r
}

// result ends an event: what can join joins, and an empty flow is done.
func (r *run) result(old State, err error) (State, []Effect, error) {
	if err == nil {
		err = r.settle()
	}
	if err != nil {
		return old, nil, err
	}
	return r.s, r.out, nil
}

// Start begins the flow.
func (m Machine) Start(vars map[string]any) (State, []Effect, error) {
	r := m.begin(State{Next: 1}, vars)
	return r.result(State{}, r.open("", 0))
}

// Finish says that the activity a token stands at is done. Vars hold its outcome.
func (m Machine) Finish(s State, tok int, vars map[string]any) (State, []Effect, error) {
	t, ok := s.Token(tok)
	if !ok {
		return s, nil, &Error{Key: "flow.token_gone"}
	}
	r := m.begin(s, vars)
	return r.result(s, r.finish(t))
}

// Fire says that a boundary event of the activity a token stands at has happened.
func (m Machine) Fire(s State, tok int, boundary string, vars map[string]any) (State, []Effect, error) {
	t, ok := s.Token(tok)
	b := m.P.Node(boundary)
	if !ok || b == nil || b.Event == nil || b.Event.On != t.Node {
		return s, nil, &Error{Element: boundary, Key: "flow.token_gone"}
	}
	r := m.begin(s, vars)
	if b.Event.Cancels {
		r.drop(t)
	}
	return r.result(s, r.leave(b, t.Scope))
}

// Stop takes everything away.
func (m Machine) Stop(s State) (State, []Effect) {
	r := m.begin(s, nil)
	for len(r.s.Tokens) > 0 {
		r.drop(r.s.Tokens[0])
	}
	r.s.Groups, r.s.Ended = nil, true
	return r.s, append(r.out, Effect{Do: Done})
}

// Reopen puts a token at an activity of the top scope of a flow that has ended.
func (m Machine) Reopen(s State, to string, vars map[string]any) (State, []Effect, error) {
	n := m.P.Node(to)
	if n == nil || n.In != "" || !s.Ended {
		return s, nil, &Error{Element: to, Key: "flow.cannot_return"}
	}
	r := m.begin(s, vars)
	r.s.Ended = false
	return r.result(s, r.enter(n, 0, ""))
}

// open enters the start event of a scope.
func (r *run) open(sub string, scope int) error {
	for _, n := range r.P.Nodes {
		if n.Kind == bpmn.Start && n.In == sub {
			return r.enter(n, scope, "")
		}
	}
	return &Error{Element: sub, Key: "flow.no_start"}
}

// enter lets a token arrive at a node by a flow.
func (r *run) enter(n *bpmn.Node, scope int, via string) error {
	if r.moves++; r.moves > maxMoves {
		return &Error{Element: n.ID, Key: "flow.endless"}
	}
	switch n.Kind {
	case bpmn.User, bpmn.Service, bpmn.Call, bpmn.Sub:
		return r.activity(n, scope)
	case bpmn.Parallel, bpmn.Inclusive:
		if len(r.into(n)) > 1 {
			r.add(Token{Node: n.ID, Scope: scope, Via: via})
			return nil // settle joins
		}
		return r.leave(n, scope)
	case bpmn.End:
		r.s.Passed[n.ID]++
		if n.Terminate {
			for _, t := range r.inside(scope) {
				r.drop(t)
			}
		}
		return nil // settle closes the scope
	}
	return r.leave(n, scope)
}

// activity begins an activity, once or for each item of a list.
func (r *run) activity(n *bpmn.Node, scope int) error {
	if n.Multi == nil {
		return r.instance(n, Token{Node: n.ID, Scope: scope}, 0)
	}
	v, err := r.Eval(n.Multi.Over, r.vars)
	if err != nil {
		return &Error{Element: n.ID, Key: "flow.expression", Cause: err}
	}
	items, ok := v.([]any)
	if !ok {
		return &Error{Element: n.ID, Key: "flow.no_list"}
	}
	if len(items) == 0 { // nobody to ask: it is done
		return r.leave(n, scope)
	}
	g := Group{ID: r.s.Next, Node: n.ID, Scope: scope, Items: items}
	r.s.Next++
	first := len(items)
	if n.Multi.Sequential {
		first = 1
	}
	g.Begun = first
	r.s.Groups = append(r.s.Groups, g)
	for i := range first {
		if err := r.instance(n, Token{Node: n.ID, Scope: scope, Group: g.ID, Index: i, Item: items[i]}, len(items)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) instance(n *bpmn.Node, t Token, of int) error {
	t = r.add(t)
	r.out = append(r.out, Effect{Do: Enter, Token: t.ID, Node: t.Node, Index: t.Index, Of: of, Item: t.Item})
	if n.Kind == bpmn.Sub {
		return r.open(n.ID, t.ID)
	}
	return nil
}

func (r *run) add(t Token) Token {
	t.ID = r.s.Next
	r.s.Next++
	r.s.Tokens = append(r.s.Tokens, t)
	return t
}

func (r *run) remove(id int) {
	r.s.Tokens = slices.DeleteFunc(r.s.Tokens, func(t Token) bool { return t.ID == id })
}

// inside lists the tokens of a scope, not of the scopes within.
func (r *run) inside(scope int) []Token {
	var out []Token
	for _, t := range r.s.Tokens {
		if t.Scope == scope {
			out = append(out, t)
		}
	}
	return out
}

// drop takes a token away undone, with everything inside it and the other instances of its activity.
func (r *run) drop(t Token) {
	if !slices.ContainsFunc(r.s.Tokens, func(o Token) bool { return o.ID == t.ID }) {
		return // with another of its group
	}
	r.remove(t.ID)
	for _, in := range r.inside(t.ID) {
		r.drop(in)
	}
	if !t.waits() {
		r.out = append(r.out, Effect{Do: Cancel, Token: t.ID, Node: t.Node})
	}
	if t.Group == 0 {
		return
	}
	r.s.Groups = slices.DeleteFunc(r.s.Groups, func(g Group) bool { return g.ID == t.Group })
	for _, o := range slices.Clone(r.s.Tokens) {
		if o.Group == t.Group {
			r.drop(o)
		}
	}
}

// finish takes a token whose activity is done on its way.
func (r *run) finish(t Token) error {
	n := r.P.Node(t.Node)
	if n == nil {
		return &Error{Element: t.Node, Key: "flow.move_nowhere"}
	}
	r.remove(t.ID)
	for _, in := range r.inside(t.ID) { // a sub-process that a boundary event or its caller ends early
		r.drop(in)
	}
	r.out = append(r.out, Effect{Do: Leave, Token: t.ID, Node: t.Node})
	if t.Group == 0 {
		return r.leave(n, t.Scope)
	}
	i := slices.IndexFunc(r.s.Groups, func(g Group) bool { return g.ID == t.Group })
	if i < 0 {
		return &Error{Element: t.Node, Key: "flow.token_gone"}
	}
	g := &r.s.Groups[i]
	g.Done++
	percent := 100
	if n.Multi != nil && n.Multi.Percent > 0 {
		percent = n.Multi.Percent
	}
	switch {
	case g.Done*100 >= percent*len(g.Items):
		id := g.ID
		r.s.Groups = slices.Delete(r.s.Groups, i, i+1)
		for _, o := range slices.Clone(r.s.Tokens) {
			if o.Group == id {
				o.Group = 0
				r.drop(o)
			}
		}
		return r.leave(n, t.Scope)
	case g.Begun < len(g.Items) && n.Multi != nil && n.Multi.Sequential:
		k := g.Begun
		g.Begun++
		return r.instance(n, Token{Node: n.ID, Scope: t.Scope, Group: g.ID, Index: k, Item: g.Items[k]}, len(g.Items))
	}
	return nil
}

// leave takes the flows out of a node: one of an exclusive gateway, those that hold of anything else.
func (r *run) leave(n *bpmn.Node, scope int) error {
	r.s.Passed[n.ID]++
	var take []*bpmn.Flow
	for _, f := range r.P.Flows {
		if f.From != n.ID || f.ID == n.Default {
			continue
		}
		holds := true
		if f.When != "" && n.Kind != bpmn.Parallel {
			v, err := r.Eval(f.When, r.vars)
			if err != nil {
				return &Error{Element: f.ID, Key: "flow.expression", Cause: err}
			}
			holds, _ = v.(bool)
		}
		if !holds {
			continue
		}
		take = append(take, f)
		if n.Kind == bpmn.Exclusive {
			break
		}
	}
	if len(take) == 0 && n.Default != "" {
		for _, f := range r.P.Flows {
			if f.ID == n.Default {
				take = append(take, f)
			}
		}
	}
	if len(take) == 0 {
		return &Error{Element: n.ID, Key: "flow.no_way"}
	}
	for _, f := range take {
		to := r.P.Node(f.To)
		if to == nil {
			return &Error{Element: f.ID, Key: "flow.nowhere"}
		}
		r.s.Taken[f.ID]++
		if err := r.enter(to, scope, f.ID); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) into(n *bpmn.Node) []*bpmn.Flow {
	var out []*bpmn.Flow
	for _, f := range r.P.Flows {
		if f.To == n.ID {
			out = append(out, f)
		}
	}
	return out
}

// settle joins what can join and closes scopes that are empty, until nothing moves.
func (r *run) settle() error {
	for {
		moved, err := r.join()
		if err != nil {
			return err
		}
		if moved {
			continue
		}
		if moved, err = r.close(); err != nil {
			return err
		}
		if !moved {
			break
		}
	}
	if len(r.s.Tokens) == 0 && !r.s.Ended {
		r.s.Ended, r.s.Groups = true, nil
		r.out = append(r.out, Effect{Do: Done})
	}
	if !r.s.Ended && !slices.ContainsFunc(r.s.Tokens, func(t Token) bool { return !t.waits() && r.P.Node(t.Node).Kind != bpmn.Sub }) {
		return &Error{Element: r.s.Tokens[len(r.s.Tokens)-1].Node, Key: "flow.join_waits"}
	}
	return nil
}

// close finishes one sub-process in which nothing stands any more.
func (r *run) close() (bool, error) {
	for _, t := range r.s.Tokens {
		n := r.P.Node(t.Node)
		if n != nil && n.Kind == bpmn.Sub && !t.waits() && len(r.inside(t.ID)) == 0 {
			return true, r.finish(t)
		}
	}
	return false, nil
}

// join lets one join fire whose tokens are all there.
func (r *run) join() (bool, error) {
	for _, t := range r.s.Tokens {
		if !t.waits() {
			continue
		}
		n := r.P.Node(t.Node)
		got := map[string]int{} // flow → token
		for _, o := range r.inside(t.Scope) {
			if o.waits() && o.Node == t.Node && got[o.Via] == 0 {
				got[o.Via] = o.ID
			}
		}
		if !r.complete(n, t.Scope, got) {
			continue
		}
		for _, id := range got {
			r.remove(id)
		}
		return true, r.leave(n, t.Scope)
	}
	return false, nil
}

// complete reports whether a join may fire: a parallel one when a token came by every flow; an inclusive one when no
// token in its scope can still come by a flow that is missing, other than round by one that has come (BPMN 2.0 §13.4.4).
func (r *run) complete(n *bpmn.Node, scope int, got map[string]int) bool {
	late, came := map[string]bool{}, map[string]bool{}
	for _, f := range r.into(n) {
		into := came
		if got[f.ID] == 0 {
			if n.Kind == bpmn.Parallel {
				return false
			}
			into = late
		}
		for id := range before(r.P, f, n.ID) {
			into[id] = true
		}
	}
	for _, t := range r.inside(scope) {
		if t.Node != n.ID && late[t.Node] && !came[t.Node] {
			return false
		}
	}
	return true
}
