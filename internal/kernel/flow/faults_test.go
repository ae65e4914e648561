package flow

import (
	"context"
	"slices"
	"testing"

	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/kernel/flow/internal/bpmn"
)

// What the drawing allows and the room does not do is refused, with an expression that cannot be evaluated; a warning is not.
func TestFaults(t *testing.T) {
	f := &Flow{hosts: map[string]Host{"p": {}, "q": {Services: []string{"work"}, Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
		return map[string]rule.Type{"amount": rule.Number}, nil
	},
		Service: func(context.Context, *store.Tx, *Case, string, map[string]string) error { return nil },
		Call:    func(context.Context, *store.Tx, *Case, string, any) (*Case, error) { return nil, nil }}}}
	faults := func(kind string, p *Process) []bpmn.Finding {
		t.Helper()
		bad, err := f.faults(t.Context(), nil, kind, p)
		if err != nil {
			t.Fatal(err)
		}
		return bad
	}
	draw := func() *Process {
		p := FromSteps("p", "P", nil, []Step{{Key: "a", Name: "A"}, {Key: "b", Name: "B", Task: Task{Who: []Who{{Kind: "starter"}}}}})
		p.Node("b").Task.Warn = []int{50} // of no limit
		return p
	}
	if bad := faults("p", draw()); len(bad) > 0 {
		t.Error(bad)
	}
	for key, kind := range map[string]bpmn.Kind{"flow.f_no_call": bpmn.Call, "flow.f_no_service": bpmn.Service} {
		p := draw()
		n := p.Node("b")
		n.Kind, n.Task, n.Call, n.Service = kind, nil, "other", &bpmn.Job{Name: "work"}
		if bad := faults("p", p); !slices.ContainsFunc(bad, func(f bpmn.Finding) bool { return f.Element == "b" && f.Key == key }) {
			t.Errorf("a %s passes: %v", kind, bad)
		}
		if bad := faults("q.kind", p); len(bad) > 0 {
			t.Errorf("a %s the room does is refused: %v", kind, bad)
		}
	}
	p := draw()
	p.Node("b").Task.Who = nil
	if bad := faults("p", p); len(bad) != 1 || bad[0].Key != "flow.bpmn_no_who" {
		t.Error(bad)
	}
	p = draw()
	p.Limit = []Limit{{N: 1, Unit: "day", When: "amont > 3"}}
	if bad := faults("q.kind", p); len(bad) == 0 {
		t.Error("a name that is not there passes")
	}
}
