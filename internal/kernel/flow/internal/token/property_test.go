package token

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"qushu/internal/kernel/flow/internal/bpmn"
)

// drawing makes sound drawings of nested blocks.
type drawing struct {
	p   *bpmn.Process
	rng *rand.Rand
	in  string
}

func (d *drawing) node(k bpmn.Kind) *bpmn.Node {
	n := &bpmn.Node{ID: fmt.Sprintf("n%d", len(d.p.Nodes)), Kind: k, In: d.in}
	d.p.Nodes = append(d.p.Nodes, n)
	return n
}

func (d *drawing) flow(from, to *bpmn.Node, when string) *bpmn.Flow {
	f := &bpmn.Flow{ID: fmt.Sprintf("f%d", len(d.p.Flows)), From: from.ID, To: to.ID, When: when}
	d.p.Flows = append(d.p.Flows, f)
	return f
}

// block draws something between a first and a last node.
func (d *drawing) block(depth int) (first, last *bpmn.Node) {
	kind := d.rng.IntN(9)
	if depth == 0 {
		kind = d.rng.IntN(2)
	}
	switch kind {
	case 2, 3: // one after the other
		a, b := d.block(depth - 1)
		c, e := d.block(depth - 1)
		d.flow(b, c, "")
		return a, e
	case 4, 5, 6: // side by side
		k := [...]bpmn.Kind{bpmn.Parallel, bpmn.Exclusive, bpmn.Inclusive}[kind-4]
		split, join := d.node(k), d.node(k)
		if k == bpmn.Exclusive {
			join.Kind = bpmn.Exclusive
		}
		for i := range 2 + d.rng.IntN(2) {
			a, b := d.block(depth - 1)
			f := d.flow(split, a, "")
			if k != bpmn.Parallel {
				if i == 0 {
					split.Default = f.ID
				} else {
					f.When = "maybe"
				}
			}
			d.flow(b, join, "")
		}
		return split, join
	case 7: // again and again
		head, tail := d.node(bpmn.Exclusive), d.node(bpmn.Exclusive)
		a, b := d.block(depth - 1)
		d.flow(head, a, "")
		d.flow(b, tail, "")
		d.flow(tail, head, "seldom")
		out := d.node(bpmn.User)
		tail.Default = d.flow(tail, out, "").ID
		return head, out
	case 8: // within
		sub := d.node(bpmn.Sub)
		if d.rng.IntN(2) == 0 {
			sub.Multi = &bpmn.Multi{Over: "some", Sequential: d.rng.IntN(2) == 0}
		}
		outer := d.in
		d.in = sub.ID
		d.whole(depth - 1)
		d.in = outer
		return sub, sub
	case 1:
		n := d.node(bpmn.User)
		n.Multi = &bpmn.Multi{Over: "some", Sequential: d.rng.IntN(2) == 0, Percent: []int{0, 50}[d.rng.IntN(2)]}
		return n, n
	}
	n := d.node(bpmn.User)
	return n, n
}

func (d *drawing) whole(depth int) {
	start := d.node(bpmn.Start)
	a, b := d.block(depth)
	d.flow(start, a, "")
	d.flow(b, d.node(bpmn.End), "")
}

// chance answers expressions from a stream of its own, the same for the same seed.
func chance(seed uint64) func(string, map[string]any) (any, error) {
	rng := rand.New(rand.NewPCG(seed, 7))
	return func(expr string, _ map[string]any) (any, error) {
		switch expr {
		case "some":
			return make([]any, rng.IntN(4)), nil
		case "seldom":
			return rng.IntN(4) == 0, nil
		}
		return rng.IntN(2) == 0, nil
	}
}

// follow carries effects out and compares with what stands.
func follow(t *testing.T, live map[int]string, s State, out []Effect) {
	t.Helper()
	for _, e := range out {
		switch e.Do {
		case Enter:
			if live[e.Token] != "" {
				t.Fatalf("token %d begins twice", e.Token)
			}
			live[e.Token] = e.Node
		case Leave, Cancel:
			if live[e.Token] != e.Node {
				t.Fatalf("token %d ends at %s, it stood at %q", e.Token, e.Node, live[e.Token])
			}
			delete(live, e.Token)
		}
	}
	stands, place := map[int]string{}, map[string]bool{}
	for _, tok := range s.Tokens {
		if tok.waits() {
			continue
		}
		stands[tok.ID] = tok.Node
		at := fmt.Sprint(tok.Node, "/", tok.Scope, "/", tok.Index)
		if place[at] {
			t.Fatalf("two tokens at %s", at)
		}
		place[at] = true
	}
	if !reflect.DeepEqual(stands, live) {
		t.Fatalf("lost or doubled: stands %v, effects say %v", stands, live)
	}
	if s.Ended != (len(s.Tokens) == 0) {
		t.Fatalf("ended %v with %d tokens", s.Ended, len(s.Tokens))
	}
}

func live(s State, p *bpmn.Process) []int {
	var out []int
	for _, tok := range s.Tokens {
		if !tok.waits() && p.Node(tok.Node).Kind != bpmn.Sub {
			out = append(out, tok.ID)
		}
	}
	return out
}

func play(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	d := &drawing{p: &bpmn.Process{ID: "p"}, rng: rng}
	d.whole(3)
	stands := map[int]string{}
	call := func(n uint64, fn func(Machine) (State, []Effect, error)) State {
		s, out, err := fn(Machine{d.p, chance(seed + n)})
		if err != nil {
			t.Fatal(err)
		}
		again, out2, _ := fn(Machine{d.p, chance(seed + n)})
		if !reflect.DeepEqual(s, again) || !reflect.DeepEqual(out, out2) {
			t.Fatal("the same call gave two answers")
		}
		follow(t, stands, s, out)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var kept State
		if err := json.Unmarshal(b, &kept); err != nil {
			t.Fatal(err)
		}
		return kept
	}
	s := call(0, func(m Machine) (State, []Effect, error) { return m.Start(nil) })
	for n := uint64(1); !s.Ended; n++ {
		if n > 3000 {
			t.Fatal("it does not end")
		}
		tokens := live(s, d.p)
		if len(tokens) == 0 {
			t.Fatal("nobody can act")
		}
		tok := tokens[rng.IntN(len(tokens))]
		back := Machine{P: d.p}.Back(s, tok)
		if n < 60 && len(back) > 0 && rng.IntN(3) == 0 {
			to := back[rng.IntN(len(back))]
			s = call(n, func(m Machine) (State, []Effect, error) { return m.Jump(s, tok, to, nil) })
			continue
		}
		s = call(n, func(m Machine) (State, []Effect, error) { return m.Finish(s, tok, nil) })
	}
}

// Whatever is drawn and done, no token is lost or doubled, and a sound flow ends.
func TestNoTokenIsLost(t *testing.T) {
	for seed := range uint64(2000) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, seed) }) {
			return
		}
	}
	seed := rand.Uint64()
	t.Run(fmt.Sprint("any ", seed), func(t *testing.T) { play(t, seed) })
}

// A flow may be stopped anywhere and leaves nothing.
func TestStopLeavesNothing(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		d := &drawing{p: &bpmn.Process{ID: "p"}, rng: rng}
		d.whole(3)
		m := Machine{d.p, chance(seed)}
		s, out, err := m.Start(nil)
		if err != nil {
			t.Fatal(seed, err)
		}
		stands := map[int]string{}
		follow(t, stands, s, out)
		for range rng.IntN(6) {
			if all := live(s, d.p); len(all) > 0 {
				if s, out, err = m.Finish(s, all[0], nil); err != nil {
					t.Fatal(seed, err)
				}
				follow(t, stands, s, out)
			}
		}
		if s.Ended {
			continue
		}
		s, out = m.Stop(s)
		follow(t, stands, s, out)
		if !s.Ended || out[len(out)-1].Do != Done {
			t.Fatal(seed, s)
		}
	}
}
