package bpmn

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"qushu/internal/base/when"
)

// dice makes random drawings.
type dice struct {
	*rand.Rand
	p *Process
	n int
}

func roll(seed uint64) *dice {
	return &dice{Rand: rand.New(rand.NewPCG(seed, 7)), p: &Process{ID: "p", Shapes: map[string]Rect{}, Edges: map[string][]Point{}}}
}

func (d *dice) once(of int) bool { return d.IntN(of) == 0 }

func pick[T any](d *dice, all ...T) T { return all[d.IntN(len(all))] }

// text is anything people write.
func (d *dice) text() string {
	return pick(d, "", "", "同意", "a b", `<&>"'`, "two\nlines", "tab\there", " edges ", "]]>", "ünï", "{0}", "😀")
}

// word is text without edges, for what stands between tags.
func (d *dice) word() string {
	return pick(d, "", "", "level == \"red\"", "a && b < 3", "第一\n第二", "x", "amount >= 100 || 'y' in list")
}

func (d *dice) id(stem string) string {
	d.n++
	return stem + strconv.Itoa(d.n)
}

func some[T any](d *dice, most int, one func() T) []T {
	var out []T
	for range d.IntN(most + 1) {
		out = append(out, one())
	}
	return out
}

func (d *dice) limit() Limit {
	return Limit{pick(d, 0, 1, 0.5, -3, 1.0/3, 7200), pick(d, append(when.Units(), "", "moon")...), d.word()}
}

func (d *dice) who() Who { return Who{d.text(), d.text(), d.text(), d.text()} }

// anything is a drawing of any shape, right or wrong.
func (d *dice) anything() *Process {
	p := d.p
	p.Name, p.Doc = d.text(), d.word()
	p.Limit = some(d, 2, d.limit)
	d.scope("", 2)
	for range d.IntN(12) {
		if len(p.Nodes) == 0 {
			break
		}
		f := &Flow{ID: d.id("f"), Name: d.text(), From: d.any(), To: d.any(), When: d.word()}
		p.Flows = append(p.Flows, f)
		if d.once(4) {
			p.Node(f.From).Default = f.ID
		}
		if d.once(20) {
			f.To = "nowhere"
		}
	}
	(&reader{p: p}).order()
	for range d.IntN(4) {
		l := Lane{ID: d.id("l"), Name: d.text(), Who: some(d, 2, d.who)}
		for _, n := range p.Nodes {
			if n.Lane == "" && d.once(3) {
				n.Lane, l.Nodes = l.ID, append(l.Nodes, n.ID)
			}
		}
		p.Lanes = append(p.Lanes, l)
	}
	return p
}

func (d *dice) any() string { return d.p.Nodes[d.IntN(len(d.p.Nodes))].ID }

func (d *dice) scope(in string, deep int) {
	for range d.IntN(7) {
		k := pick(d, Start, End, User, User, Service, Call, Sub, Exclusive, Parallel, Inclusive, Boundary, "scriptTask", eventSub, "transaction", "intermediateCatchEvent")
		n := &Node{ID: d.id("n"), Name: d.text(), Kind: k, In: in, Doc: d.word()}
		d.p.Nodes = append(d.p.Nodes, n)
		switch k {
		case End:
			n.Terminate = d.once(3)
		case Call:
			n.Call = pick(d, "", "p", "other")
		case Service:
			if d.once(2) {
				n.Service = &Job{Name: d.text()}
				for range d.IntN(3) {
					if n.Service.Args == nil {
						n.Service.Args = map[string]string{}
					}
					n.Service.Args[d.text()] = d.text()
				}
			}
		case Boundary:
			n.Event = &Trigger{On: pick(d, d.any(), "nothing"), Cancels: d.once(2)}
			if d.once(2) {
				l := d.limit()
				n.Event.Timer, n.Event.Repeat, n.Event.MaxTimes = &l, d.once(2), d.IntN(3)
			} else {
				n.Event.Message = d.text()
			}
		case User:
			n.Task = d.task()
		}
		if k == User && d.once(4) {
			n.Multi = &Multi{d.text(), d.once(2), d.IntN(120)}
		}
		if k.holds() && deep > 0 {
			d.scope(n.ID, deep-1)
		}
	}
}

func (d *dice) task() *Task {
	return &Task{
		Who: some(d, 2, d.who), Share: pick(d, "", Any, Each, Ratio, Turn, "odd"), Percent: d.IntN(120) - 10, Form: d.text(),
		Rights:   some(d, 3, func() Right { return Right{d.text(), pick(d, "read", "write", "hide", "need", "")} }),
		Outcomes: some(d, 3, func() Action { return Action{d.text(), d.text(), d.once(2), d.once(2), d.text()} }),
		Limit:    some(d, 2, d.limit), Warn: some(d, 2, func() int { return d.IntN(100) }),
		Escalate: some(d, 2, func() Escalation { return Escalation{d.IntN(200), some(d, 2, d.who), pick(d, "tell", "add", "")} }),
		Copy:     some(d, 2, d.who), Batch: d.once(2), Opinion: d.once(2), Phrases: some(d, 3, d.text), Deny: some(d, 3, d.text),
	}
}

// What is written is read again as it was, and always in the same bytes.
func TestWrittenIsReadAgain(t *testing.T) {
	for seed := range uint64(1500) {
		d := roll(seed)
		p := d.anything()
		if d.once(2) {
			Layout(p)
		}
		src := Write(p)
		if !bytes.Equal(src, Write(p)) {
			t.Fatalf("seed %d: written twice it differs", seed)
		}
		again, out, err := Parse(src)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("seed %d: read again it differs %s\n%s\n%s", seed, said(out), first(p, again), src)
		}
		Check(p, nil) // of anything it says something, and ends
	}
}

// first names the first difference of two drawings.
func first(a, b *Process) string {
	for i := range a.Nodes {
		if i >= len(b.Nodes) || !reflect.DeepEqual(a.Nodes[i], b.Nodes[i]) {
			return fmt.Sprintf("node %+v %+v", a.Nodes[i], b.Nodes[min(i, len(b.Nodes)-1)])
		}
	}
	for i := range a.Flows {
		if i >= len(b.Flows) || !reflect.DeepEqual(a.Flows[i], b.Flows[i]) {
			return fmt.Sprintf("flow %+v", a.Flows[i])
		}
	}
	return fmt.Sprintf("%+v\n%+v", a, b)
}

// block draws one way from a to the node it returns: steps, choices, things beside each other, loops, sub-processes.
func (d *dice) block(from string, in string, deep int) string {
	switch k := d.IntN(7); {
	case deep == 0 || k == 0:
		return d.next(from, User, in)
	case k == 1:
		return d.block(d.block(from, in, deep-1), in, deep-1)
	case k == 2:
		sub := d.next(from, Sub, in)
		s := d.node(Start, sub)
		d.next(d.block(s, sub, deep-1), End, sub)
		return sub
	case k == 3:
		g := d.next(d.block(from, in, deep-1), Exclusive, in)
		d.p.Flows = append(d.p.Flows, &Flow{ID: d.id("f"), From: g, To: d.p.Flows[len(d.p.Flows)-1].From, When: "again"})
		end := d.node(User, in)
		d.p.Node(g).Default = d.flow(g, end, "")
		// Back to the last step before the gateway, which a person does.
		back := d.p.Flows[len(d.p.Flows)-2]
		if n := d.p.Node(back.To); n.Kind != User {
			back.To = end
			d.p.Node(g).Default = ""
			d.p.Flows[len(d.p.Flows)-1].When = "more"
			d.p.Node(g).Default = d.flow(g, end, "")
		}
		return end
	}
	kind := pick(d, Exclusive, Parallel, Inclusive)
	split := d.next(from, kind, in)
	join := d.node(kind, in)
	for i := range 2 + d.IntN(2) {
		when := "x"
		if kind == Parallel || i == 0 {
			when = ""
		}
		mid := d.node(User, in)
		f := d.flow(split, mid, when)
		if i == 0 && kind != Parallel {
			d.p.Node(split).Default = f
		}
		d.flow(d.block(mid, in, deep-1), join, "")
	}
	return join
}

func (d *dice) node(k Kind, in string) string {
	n := &Node{ID: d.id("n"), Kind: k, In: in, Name: string(k)}
	if k == User {
		n.Task = &Task{Who: []Who{{Kind: "starter"}}}
	}
	d.p.Nodes = append(d.p.Nodes, n)
	return n.ID
}

func (d *dice) next(from string, k Kind, in string) string {
	id := d.node(k, in)
	d.flow(from, id, "")
	return id
}

func (d *dice) flow(from, to, when string) string {
	f := &Flow{ID: d.id("f"), From: from, To: to, When: when}
	d.p.Flows = append(d.p.Flows, f)
	return f.ID
}

// sound is a drawing that is right by the way it is made.
func (d *dice) sound() *Process {
	d.next(d.block(d.node(Start, ""), "", 3), End, "")
	return d.p
}

// What is right passes; with the kind of one join changed it does not.
func TestRightAndWrongJoins(t *testing.T) {
	wrong := 0
	for seed := range uint64(600) {
		d := roll(seed)
		p := d.sound()
		if out := Check(p, nil); Bad(out) || slices.ContainsFunc(out, func(f Finding) bool { return f.Key == "flow.bpmn_unjoined" }) {
			t.Fatalf("seed %d: %s\n%s", seed, said(out), Write(p))
		}
		for _, n := range p.Nodes {
			in := 0
			for _, f := range p.Flows {
				if f.To == n.ID {
					in++
				}
			}
			was := n.Kind
			switch {
			case in < 2 || was != Parallel && was != Exclusive:
				continue
			case was == Parallel:
				n.Kind = Exclusive
			default:
				n.Kind = Parallel
			}
			out := Check(p, nil)
			_, never := has(out, n.ID, "join_never")
			_, stuck := has(out, n.ID, "join_stuck")
			_, hidden := has(out, "p", "unproved")
			spread := slices.ContainsFunc(out, func(f Finding) bool { return f.Key == "flow.bpmn_unjoined" })
			if !hidden && !never && !stuck && !spread {
				t.Fatalf("seed %d: %s made %s passes %s\n%s", seed, was, n.Kind, said(out), Write(p))
			}
			n.Kind = was
			wrong++
		}
	}
	if wrong < 300 {
		t.Errorf("only %d joins were spoiled", wrong)
	}
}

func inside(a, b Rect) bool {
	return a.X >= b.X && a.Y >= b.Y && a.X+a.W <= b.X+b.W && a.Y+a.H <= b.Y+b.H
}

func overlap(a, b Rect) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// around lists the sub-processes a node is in.
func around(p *Process, n *Node) []string {
	var out []string
	for n != nil && n.In != "" && len(out) < 50 {
		out = append(out, n.In)
		n = p.Node(n.In)
	}
	return out
}

// tidy checks a layout: nothing overlaps, flows go in right angles and through no shape, lanes hold their nodes.
func tidy(t *testing.T, p *Process) {
	t.Helper()
	for i, a := range p.Nodes {
		ra, ok := p.Shapes[a.ID]
		if !ok {
			t.Fatalf("%s has no place", a.ID)
		}
		if ra.X < 0 || ra.Y < 0 {
			t.Fatalf("%s is off the page: %v", a.ID, ra)
		}
		for _, up := range around(p, a) {
			if !inside(ra, p.Shapes[up]) {
				t.Fatalf("%s %v is not inside %s %v", a.ID, ra, up, p.Shapes[up])
			}
		}
		for _, b := range p.Nodes[:i] {
			holds := slices.Contains(around(p, a), b.ID) || slices.Contains(around(p, b), a.ID)
			sits := a.Event != nil && (a.Event.On == b.ID || b.ID != "" && slices.Contains(around(p, b), a.Event.On)) || b.Event != nil && (b.Event.On == a.ID || slices.Contains(around(p, a), b.Event.On))
			if !holds && !sits && overlap(ra, p.Shapes[b.ID]) {
				t.Fatalf("%s %v lies on %s %v", a.ID, ra, b.ID, p.Shapes[b.ID])
			}
		}
	}
	for i, l := range p.Lanes {
		for _, id := range l.Nodes {
			if n := p.Node(id); n != nil && n.In == "" && n.Event == nil && !inside(p.Shapes[id], p.Shapes[l.ID]) {
				t.Fatalf("%s %v is not in its lane %v", id, p.Shapes[id], p.Shapes[l.ID])
			}
		}
		for _, o := range p.Lanes[:i] {
			if overlap(p.Shapes[l.ID], p.Shapes[o.ID]) {
				t.Fatalf("lanes %s and %s overlap", l.ID, o.ID)
			}
		}
	}
	for _, f := range p.Flows {
		from, to := p.Node(f.From), p.Node(f.To)
		if from == nil || to == nil || from.In != to.In || to.Kind == Boundary {
			continue
		}
		w := p.Edges[f.ID]
		if len(w) < 2 {
			t.Fatalf("%s has no way", f.ID)
		}
		for i := 1; i < len(w); i++ {
			a, b := w[i-1], w[i]
			if a.X != b.X && a.Y != b.Y {
				t.Fatalf("%s goes aslant: %v", f.ID, w)
			}
			line := Rect{min(a.X, b.X), min(a.Y, b.Y), max(a.X, b.X) - min(a.X, b.X), max(a.Y, b.Y) - min(a.Y, b.Y)}
			for _, n := range p.Nodes {
				r := p.Shapes[n.ID]
				if !slices.Contains(around(p, from), n.ID) && overlap(line, Rect{r.X + 1, r.Y + 1, r.W - 2, r.H - 2}) && line.W+line.H > 0 {
					t.Fatalf("%s %v goes through %s %v", f.ID, w, n.ID, r)
				}
			}
		}
	}
}

func TestLayoutIsTidy(t *testing.T) {
	for seed := range uint64(400) {
		d := roll(seed)
		p := d.sound()
		if seed%2 == 0 {
			p = d.anything()
			p.Nodes = slices.DeleteFunc(p.Nodes, func(n *Node) bool { return n.Event != nil && p.Node(n.Event.On) == nil })
		}
		Layout(p)
		once := Write(p)
		tidy(t, p)
		Layout(p)
		if !bytes.Equal(once, Write(p)) {
			t.Fatalf("seed %d: laid out again it differs", seed)
		}
	}
}

// A straight line of steps is one line from left to right.
func TestLayoutOfALine(t *testing.T) {
	p := sketch("start s; user a; user b; end e; s > a; a > b; b > e")
	Layout(p)
	var x float64
	for _, n := range p.Nodes {
		r := p.Shapes[n.ID]
		if r.Y+r.H/2 != p.Shapes["s"].Y+18 || r.X < x {
			t.Errorf("%s stands at %v", n.ID, r)
		}
		x = r.X + r.W
	}
	for id, w := range p.Edges {
		if len(w) != 2 {
			t.Errorf("%s has bends: %v", id, w)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(`<definitions xmlns="` + ModelNS + `"><process id="p"><subProcess id="p"><laneSet><lane/></laneSet></subProcess></process></definitions>`))
	for seed := range uint64(8) {
		p := roll(seed).anything()
		Layout(p)
		f.Add(Write(p))
	}
	f.Add(file(`<userTask id="u"><multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics></userTask>
		<boundaryEvent id="b" attachedToRef="u"><timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition></boundaryEvent>`, `<message id="m" name="x"/>`))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, out, err := Parse(src)
		if err != nil {
			return
		}
		if len(p.Nodes) > maxNodes || len(p.Flows) > maxFlows || len(out) > maxFindings+1 {
			t.Fatalf("%d nodes, %d flows, %d findings", len(p.Nodes), len(p.Flows), len(out))
		}
		Check(p, nil)
		again, more, err := Parse(Write(p))
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, Write(p))
		}
		if len(again.Nodes) != len(p.Nodes) || len(again.Flows) != len(p.Flows) {
			t.Fatalf("read again it differs: %s\n%s", said(more), Write(p))
		}
		if !p.Drawn() && !strings.Contains(string(src), "subProcess") {
			Layout(p)
		}
	})
}
