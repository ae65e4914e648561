package flow

import (
	"slices"
	"testing"

	"qushu/internal/kernel/flow/internal/bpmn"
)

// What the drawing allows and this package does not work is refused; a warning is not.
func TestFaults(t *testing.T) {
	draw := func() *Process {
		p := FromSteps("p", "P", nil, []Step{{Key: "a", Name: "A"}, {Key: "b", Name: "B", Task: Task{Who: []Who{{Kind: "starter"}}}}})
		p.Node("b").Task.Warn = []int{50} // of no limit
		return p
	}
	if bad := faults(draw()); len(bad) > 0 {
		t.Error(bad)
	}
	for _, kind := range []bpmn.Kind{bpmn.Call, bpmn.Service} {
		p := draw()
		n := p.Node("b")
		n.Kind, n.Call, n.Service = kind, "other", &bpmn.Job{Name: "work"}
		if bad := faults(p); !slices.ContainsFunc(bad, func(f bpmn.Finding) bool { return f.Element == "b" && f.Key == "flow.f_unsupported" }) {
			t.Errorf("a %s passes: %v", kind, bad)
		}
	}
	p := draw()
	p.Node("b").Task.Who = nil
	if bad := faults(p); len(bad) != 1 || bad[0].Key != "flow.bpmn_no_who" {
		t.Error(bad)
	}
}
