package bpmn_test

import (
	"math/rand/v2"
	"testing"

	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/flow/internal/token"
)

// A drawing that passes runs: whatever people do, and however conditions turn out, the machine never stops on it, and
// it can be brought to its end. Drawings are right by the way they are made, or those spoiled at one place that still pass.
func TestWhatPassesRuns(t *testing.T) {
	ran, refused := 0, 0
	for seed := range uint64(1200) {
		d := rand.New(rand.NewPCG(seed, 3))
		p := bpmn.Sound(seed)
		if seed%3 > 0 {
			spoil(d, p)
		}
		out := bpmn.Check(p, nil)
		unproved := false
		for _, f := range out {
			unproved = unproved || f.Key == "flow.bpmn_unproved"
		}
		if bpmn.Bad(out) || unproved {
			refused++
			continue
		}
		ran++
		play(t, seed, d, p)
	}
	if ran < 400 || refused < 100 {
		t.Errorf("%d ran, %d were refused", ran, refused)
	}
}

// spoil changes one thing.
func spoil(d *rand.Rand, p *bpmn.Process) {
	n, f := p.Nodes[d.IntN(len(p.Nodes))], p.Flows[d.IntN(len(p.Flows))]
	switch d.IntN(4) {
	case 0:
		n.Kind = []bpmn.Kind{bpmn.Exclusive, bpmn.Parallel, bpmn.Inclusive, bpmn.User}[d.IntN(4)]
		if n.Kind == bpmn.User {
			n.Task = &bpmn.Task{Who: []bpmn.Who{{Kind: "starter"}}}
		}
	case 1:
		f.To = n.ID
	case 2:
		f.When = "x"
	case 3:
		n.Default = ""
	}
}

func play(t *testing.T, seed uint64, d *rand.Rand, p *bpmn.Process) {
	t.Helper()
	m := token.Machine{P: p, Eval: func(src string, _ map[string]any) (any, error) {
		return src != "again" && src != "more" && d.IntN(2) == 0 || d.IntN(6) == 0, nil
	}}
	s, _, err := m.Start(nil)
	for range 3000 {
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, bpmn.Write(p))
		}
		var open []int
		for _, k := range s.Tokens {
			if n := p.Node(k.Node); k.Via == "" && n.Kind != bpmn.Sub {
				open = append(open, k.ID)
			}
		}
		if s.Ended {
			return
		}
		s, _, err = m.Finish(s, open[d.IntN(len(open))], nil)
	}
	t.Fatalf("seed %d: it does not end\n%s", seed, bpmn.Write(p))
}
