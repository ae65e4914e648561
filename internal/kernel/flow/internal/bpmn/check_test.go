package bpmn

import (
	"slices"
	"testing"
)

// Whatever is wrong with a drawing is named with the element it is wrong at.
func TestCheck(t *testing.T) {
	me := []Who{{Kind: "starter"}}
	task := func(id string) *Node { return &Node{ID: id, Kind: User, Task: &Task{Who: me}} }
	whole := func() *Process {
		return FromSteps("p", "P", nil, []Step{{Key: "a", Name: "A", Task: Task{Who: me}}, {Key: "b", Name: "B", Task: Task{Who: me, Outcomes: []Action{{Key: "yes"}, {Key: "no"}}}, Ways: []Way{{"no", "a"}}}})
	}
	if bad := Check(whole()); len(bad) > 0 {
		t.Fatal(bad)
	}
	for _, c := range []struct {
		name, key, element string
		spoil              func(p *Process)
	}{
		{"no start", "flow.f_start", "", func(p *Process) { p.Nodes = p.Nodes[1:]; p.Flows = p.Flows[1:] }},
		{"no end", "flow.f_end", "", func(p *Process) { p.Node("end").Kind = User; p.Node("end").Task = &Task{Who: me} }},
		{"unreachable", "flow.f_unreachable", "x", func(p *Process) {
			p.Nodes = append(p.Nodes, task("x"))
			p.Flows = append(p.Flows, &Flow{ID: "fx", From: "x", To: "end"})
		}},
		{"a line to nothing", "flow.f_nowhere", "fx", func(p *Process) { p.Flows = append(p.Flows, &Flow{ID: "fx", From: "a", To: "gone"}) }},
		{"dead end", "flow.f_dead_end", "x", func(p *Process) {
			p.Nodes = append(p.Nodes, task("x"))
			p.Flows = append(p.Flows, &Flow{ID: "fx", From: "a", To: "x"})
		}},
		{"nobody", "flow.f_who", "a", func(p *Process) { p.Node("a").Task.Who = nil }},
		{"a lane says who", "", "", func(p *Process) {
			p.Node("a").Task.Who, p.Node("a").Lane = nil, "l"
			p.Lanes = []Lane{{ID: "l", Who: me}}
		}},
		{"the same outcome twice", "flow.f_outcome", "b", func(p *Process) { p.Node("b").Task.Outcomes[1].Key = "yes" }},
		{"a limit of nothing", "flow.f_limit", "a", func(p *Process) { p.Node("a").Task.Limit = []Limit{{N: 0, Unit: "day"}} }},
		{"chooses for a step that is not there", "flow.f_choose", "b", func(p *Process) { p.Node("b").Task.Outcomes[0].Choose = "z" }},
		{"a service nobody works", "flow.f_unsupported", "a", func(p *Process) { p.Node("a").Kind = Service }},
		{"two ways without a condition", "flow.f_unconditional", "by_b", func(p *Process) {
			for _, f := range p.Flows {
				f.When = ""
			}
			p.Node("by_b").Default = ""
		}},
		{"twice the same id", "flow.f_twice", "a", func(p *Process) { p.Nodes = append(p.Nodes, task("a")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := whole()
			c.spoil(p)
			bad := Check(p)
			if c.key == "" && len(bad) == 0 {
				return
			}
			if !slices.ContainsFunc(bad, func(f Finding) bool { return f.Key == c.key && f.Element == c.element }) {
				t.Errorf("%+v", bad)
			}
		})
	}
}
