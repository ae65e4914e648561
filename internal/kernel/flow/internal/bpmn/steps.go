package bpmn

import "strconv"

// Step is one thing somebody does, as a declared application lists it. The first is the starter's: it is done by
// beginning the case.
type Step struct {
	Key, Name string
	Task      Task
	Each      string // expression: a list; the step is done once for each of its values
	When      string // expression: passed over when it does not hold
	Ways      []Way  // where outcomes lead; one that is not named leads to Next
	Next      string // key of the step after it, "end", or "" for the next in order
}

// Way is where one outcome leads.
type Way struct{ Outcome, To string }

// Distances of the diagram, in pixels.
const (
	taskW, taskH   = 120.0, 60.0
	gateW          = 36.0
	eventW         = 32.0
	stride, middle = 240.0, 200.0
)

// FromSteps draws steps: a user task each, with a gateway before it where it may be passed over, and one behind it
// where outcomes part.
func FromSteps(key, name string, limit []Limit, steps []Step) *Process {
	d := &drawer{p: &Process{ID: key, Name: name, Limit: limit, Shapes: map[string]Rect{}, Edges: map[string][]Point{}}, steps: steps}
	d.add(&Node{ID: "start", Kind: Start}, 60, eventW, eventW)
	for i, s := range steps {
		x := 180 + stride*float64(i)
		n := &Node{ID: s.Key, Name: s.Name, Kind: User, Task: &steps[i].Task}
		if s.Each != "" {
			n.Multi = &Multi{Over: s.Each}
		}
		if s.When != "" {
			d.add(&Node{ID: "if_" + s.Key, Kind: Exclusive}, x-50, gateW, gateW)
		}
		d.add(n, x+20, taskW, taskH)
		if len(s.Ways) > 0 {
			d.add(&Node{ID: "by_" + s.Key, Kind: Exclusive}, x+110, gateW, gateW)
		}
	}
	d.add(&Node{ID: "end", Kind: End}, 180+stride*float64(len(steps)), eventW, eventW)
	d.flow("start", d.entry(0), "", false)
	for i, s := range steps {
		next := d.to(s.Next, i)
		if s.When != "" {
			d.flow("if_"+s.Key, s.Key, s.When, false)
			d.flow("if_"+s.Key, d.entry(i+1), "", true)
		}
		if len(s.Ways) == 0 {
			d.flow(s.Key, next, "", false)
			continue
		}
		d.flow(s.Key, "by_"+s.Key, "", false)
		for _, w := range s.Ways {
			d.flow("by_"+s.Key, d.to(w.To, i), "outcome == "+strconv.Quote(w.Outcome), false)
		}
		d.flow("by_"+s.Key, next, "", true)
	}
	return d.p
}

type drawer struct {
	p     *Process
	steps []Step
}

func (d *drawer) add(n *Node, x, w, h float64) {
	d.p.Nodes = append(d.p.Nodes, n)
	d.p.Shapes[n.ID] = Rect{x - w/2, middle - h/2, w, h}
}

// entry is where a step is entered; behind the last it is the end.
func (d *drawer) entry(i int) string {
	if i >= len(d.steps) {
		return "end"
	}
	if d.steps[i].When != "" {
		return "if_" + d.steps[i].Key
	}
	return d.steps[i].Key
}

func (d *drawer) to(key string, i int) string {
	switch key {
	case "":
		return d.entry(i + 1)
	case "end":
		return "end"
	}
	for k, s := range d.steps {
		if s.Key == key {
			return d.entry(k)
		}
	}
	return key // names nothing: the check says so
}

func (d *drawer) flow(from, to, when string, byDefault bool) {
	f := &Flow{ID: "f" + strconv.Itoa(len(d.p.Flows)+1), From: from, To: to, When: when}
	d.p.Flows = append(d.p.Flows, f)
	if byDefault {
		d.p.Node(from).Default = f.ID
	}
	a, b := d.p.Shapes[from], d.p.Shapes[to]
	ax, bx := a.X+a.W, b.X
	switch {
	case bx >= ax && bx-ax < stride: // to the neighbour
		d.p.Edges[f.ID] = []Point{{ax, middle}, {bx, middle}}
	default: // round: over the line forward, below it back
		y := middle - 60 - 14*float64(len(d.p.Flows)%4)
		if bx < ax {
			y = middle + 60 + 14*float64(len(d.p.Flows)%4)
		}
		mid := a.X + a.W/2
		d.p.Edges[f.ID] = []Point{{mid, middle}, {mid, y}, {b.X + b.W/2, y}, {b.X + b.W/2, middle}}
	}
}
