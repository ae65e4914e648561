package bpmn

import (
	"slices"
	"strconv"
	"strings"
)

// Step is one thing somebody does, as a declared application lists it; or several lists of steps beside each other.
type Step struct {
	Key, Name string
	Task      Task   // of the first step the starter's, when it names nobody
	Each      string // expression: a list; the step is done once for each of its values
	When      string // expression: passed over when it does not hold
	Ways      []Way  // where outcomes lead; one that is not named leads to Next
	Next      string // key of the step after it, "end", or "" for the next in order

	// Parallel are lists of steps that run beside each other; what follows begins when all are done. The step has then
	// nothing of its own but Key, Name, When and Next.
	Parallel [][]Step
}

// Way is where one outcome leads: to a step of the same list, or to "end", which ends the whole flow. An outcome may have
// several ways with conditions: the first that holds counts.
type Way struct{ Outcome, To, When string }

// maker builds a process from steps.
type maker struct {
	p    *Process
	ids  map[string]bool
	door map[string]string // step → node by which it is entered
	in   map[string]int    // step → number of the list it stands in, 0 for the outer one
	n    int               // lists so far
	stop string            // terminate end, once something needs it
}

// stepEnd is the end where a step is named.
const stepEnd = "end"

// FromSteps draws a list of steps: a user task each, with a gateway before it where it may be passed over, and one behind
// it where outcomes part. What leads to a step that is not there leads nowhere, and Check says so.
func FromSteps(key, name string, limit []Limit, steps []Step) *Process {
	m := &maker{p: &Process{ID: key, Name: name, Limit: limit}, ids: map[string]bool{key: true, stepEnd: true}, door: map[string]string{}, in: map[string]int{}}
	m.reserve(steps)
	m.doors(steps, 0)
	start := m.node("start", "", Start)
	m.flow(start.ID, m.first(steps, stepEnd), "", "")
	m.list(steps, stepEnd, 0)
	m.p.Nodes = append(m.p.Nodes, &Node{ID: stepEnd, Kind: End})
	if len(steps) > 0 {
		if n := m.p.Node(steps[0].Key); n != nil && n.Task != nil && len(n.Task.Who) == 0 {
			n.Task.Who = []Who{{Kind: "starter"}}
		}
	}
	Layout(m.p)
	return m.p
}

// reserve takes the keys of all steps, so that what is made besides gets other ids.
func (m *maker) reserve(steps []Step) {
	for _, s := range steps {
		m.ids[s.Key] = true
		for _, branch := range s.Parallel {
			m.reserve(branch)
		}
	}
}

func (m *maker) fresh(stem string) string {
	id := stem
	for i := 1; m.ids[id]; i++ {
		id = stem + "_" + strconv.Itoa(i)
	}
	m.ids[id] = true
	return id
}

func (m *maker) node(stem, name string, kind Kind) *Node {
	n := &Node{ID: m.fresh(stem), Name: name, Kind: kind}
	m.p.Nodes = append(m.p.Nodes, n)
	return n
}

func (m *maker) flow(from, to, name, when string) string {
	f := &Flow{ID: m.fresh("flow_" + from + "_" + to), Name: name, From: from, To: to, When: when}
	m.p.Flows = append(m.p.Flows, f)
	return f.ID
}

// doors decides by which node each step is entered: the question whether it is passed over, the split of a parallel step,
// or the task.
func (m *maker) doors(steps []Step, in int) {
	for _, s := range steps {
		m.in[s.Key] = in
		switch {
		case s.When != "":
			m.door[s.Key] = m.fresh(s.Key + "_if")
		case len(s.Parallel) > 0:
			m.door[s.Key] = m.fresh(s.Key + "_split")
		default:
			m.door[s.Key] = s.Key
		}
		for _, branch := range s.Parallel {
			m.n++
			m.doors(branch, m.n)
		}
	}
}

// listOf is the number of a list.
func (m *maker) listOf(steps []Step) int {
	if len(steps) == 0 {
		return -1
	}
	return m.in[steps[0].Key]
}

// first is where a list is entered; one without steps is passed at once.
func (m *maker) first(steps []Step, after string) string {
	if len(steps) == 0 {
		return after
	}
	return m.door[steps[0].Key]
}

func (m *maker) list(steps []Step, after string, in int) {
	for i, s := range steps {
		next := m.first(steps[i+1:], after)
		if s.Next != "" {
			next = m.target(s.Next, in)
		}
		m.step(s, next, in)
	}
}

// target is the node meant by the key of a step. Beside others the end takes away what runs there. A step that is not in
// the same list is none: tokens would miss the join, or come to it twice.
func (m *maker) target(key string, in int) string {
	switch door, ok := m.door[key]; {
	case key == stepEnd && in == 0:
		return stepEnd
	case key == stepEnd:
		if m.stop == "" {
			n := m.node("stop", "", End)
			n.Terminate = true
			m.stop = n.ID
		}
		return m.stop
	case ok && m.in[key] == in:
		return door
	case ok:
		return "outside:" + key
	}
	return key
}

func (m *maker) step(s Step, next string, in int) {
	inside := m.door[s.Key]
	if s.When != "" {
		g := &Node{ID: inside, Kind: Exclusive}
		m.p.Nodes = append(m.p.Nodes, g)
		inside = s.Key
		if len(s.Parallel) > 0 {
			inside = m.fresh(s.Key + "_split")
		}
		m.flow(g.ID, inside, "", s.When)
		g.Default = m.flow(g.ID, next, "", "")
	}
	if len(s.Parallel) > 0 {
		m.parallel(s, inside, next)
		return
	}
	task := s.Task
	n := &Node{ID: s.Key, Name: s.Name, Kind: User, Task: &task}
	if s.Each != "" {
		n.Multi = &Multi{Over: s.Each}
	}
	m.p.Nodes = append(m.p.Nodes, n)
	m.outcomes(s, next, in)
}

// parallel makes a split, the lists beside each other, and the join.
func (m *maker) parallel(s Step, split, next string) {
	m.p.Nodes = append(m.p.Nodes, &Node{ID: split, Name: s.Name, Kind: Parallel})
	join := m.fresh(s.Key + "_join")
	for _, branch := range s.Parallel {
		m.flow(split, m.first(branch, join), "", "")
		m.list(branch, join, m.listOf(branch))
	}
	m.p.Nodes = append(m.p.Nodes, &Node{ID: join, Kind: Parallel})
	m.flow(join, next, "", "")
}

// road is one target of a step's outcomes and the conditions that lead to it.
type road struct {
	to         string
	keys, when []string
}

// outcomes makes the ways out of a step: but one, or a question about the outcome.
func (m *maker) outcomes(s Step, next string, in int) {
	var roads []road
	for _, w := range s.Ways {
		to := next
		if w.To != "" {
			to = m.target(w.To, in)
		}
		when := "outcome == " + strconv.Quote(w.Outcome)
		if w.When != "" {
			when += " && (" + w.When + ")"
		}
		if k := len(roads) - 1; k >= 0 && roads[k].to == to { // the order decides, so only neighbours are one road
			roads[k].keys, roads[k].when = append(roads[k].keys, w.Outcome), append(roads[k].when, when)
		} else {
			roads = append(roads, road{to, []string{w.Outcome}, []string{when}})
		}
	}
	if !slices.ContainsFunc(roads, func(r road) bool { return r.to != next }) {
		m.flow(s.Key, next, "", "")
		return
	}
	g := m.node(s.Key+"_out", "", Exclusive)
	m.flow(s.Key, g.ID, "", "")
	rest := next
	if s.decided() { // then nothing is left for the next step: the last is taken without asking
		rest = roads[len(roads)-1].to
	}
	asked := map[string]bool{}
	for i, r := range roads {
		if r.to == rest && !again(r, roads[i+1:]) {
			continue
		}
		for _, k := range r.keys {
			asked[k] = true
		}
		m.flow(g.ID, r.to, s.names(func(a Action) bool { return slices.Contains(r.keys, a.Key) }), either(r.when))
	}
	g.Default = m.flow(g.ID, rest, s.names(func(a Action) bool { return !asked[a.Key] }), "")
}

// names are the outcomes of a step for which something holds, as a flow is labelled.
func (s Step) names(of func(Action) bool) string {
	var out []string
	for _, a := range s.Task.Outcomes {
		if of(a) {
			out = append(out, a.Name)
		}
	}
	return strings.Join(out, " / ")
}

// decided reports whether every outcome of a step leads somewhere by name, whatever holds.
func (s Step) decided() bool {
	for _, a := range s.Task.Outcomes {
		if !slices.ContainsFunc(s.Ways, func(w Way) bool { return w.Outcome == a.Key && w.To != "" && w.When == "" }) {
			return false
		}
	}
	return len(s.Task.Outcomes) > 0
}

// again reports whether a later road is about an outcome of this one.
func again(r road, later []road) bool {
	return slices.ContainsFunc(later, func(o road) bool {
		return slices.ContainsFunc(o.keys, func(k string) bool { return slices.Contains(r.keys, k) })
	})
}

func either(when []string) string {
	if len(when) == 1 {
		return when[0]
	}
	for i, w := range when {
		if strings.Contains(w, "&&") {
			when[i] = "(" + w + ")"
		}
	}
	return strings.Join(when, " || ")
}
