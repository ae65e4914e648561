package bpmn

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/when"
)

var centre = []Who{{Kind: "role", ID: "centre", Of: "place", Level: "street"}}

// dispute is a list as a declared application has it: a branch to the end, a step passed over, a way back.
func dispute() []Step {
	return []Step{
		{Key: "register", Name: "登记"},
		{Key: "grading", Name: "研判", Task: Task{Who: centre, Limit: []Limit{{24, when.UrgentHour, ""}}, Warn: []int{50}, Outcomes: []Action{
			{Key: "accept", Name: "受理", Agree: true}, {Key: "refuse", Name: "不予受理", Reason: true}}}, Ways: []Way{{Outcome: "refuse", To: "end"}}},
		{Key: "dispatch", Name: "分流", Task: Task{Who: centre, Outcomes: []Action{{Key: "assign", Name: "交办", Agree: true, Choose: "mediate"}}}},
		{Key: "mediate", Name: "调处", Task: Task{Who: []Who{{Kind: "chosen"}}, Share: Each, Opinion: true, Outcomes: []Action{
			{Key: "done", Name: "完成", Agree: true}, {Key: "fail", Name: "未能化解", Reason: true}}},
			Ways: []Way{{"done", "agreement", "settled"}, {Outcome: "done", To: "visit"}, {Outcome: "fail", To: "grading"}}},
		{Key: "agreement", Name: "协议", When: `result == "settled"`, Task: Task{Who: []Who{{Kind: "doer", ID: "mediate"}}}, Next: "visit"},
		{Key: "visit", Name: "回访", Task: Task{Who: []Who{{Kind: "starter"}}}, Each: "parties"},
	}
}

// leads lists where a node leads: the target, and the condition or "!" for the default.
func leads(p *Process, id string) string {
	var out []string
	for _, f := range p.Flows {
		if f.From != id {
			continue
		}
		w := f.To
		if f.When != "" {
			w += " ? " + f.When
		}
		if p.Node(id).Default == f.ID {
			w += " !"
		}
		out = append(out, w)
	}
	return strings.Join(out, "; ")
}

func TestSteps(t *testing.T) {
	p := FromSteps("dispute", "矛盾纠纷", []Limit{{30, when.Day, ""}}, dispute())
	if out := Check(p, nil); len(out) > 0 {
		t.Error(said(out))
	}
	tidy(t, p)
	for id, want := range map[string]string{
		"start":        "register",
		"register":     "grading",
		"grading":      "grading_out",
		"grading_out":  `end ? outcome == "refuse"; dispatch !`,
		"dispatch":     "mediate",
		"mediate_out":  `agreement_if ? outcome == "done" && (settled); visit ? outcome == "done"; grading !`,
		"agreement_if": `agreement ? result == "settled"; visit !`,
		"agreement":    "visit",
		"visit":        "end",
	} {
		if got := leads(p, id); got != want {
			t.Errorf("%s leads to %s, want %s", id, got, want)
		}
	}
	if n := p.Node("register"); !reflect.DeepEqual(n.Task.Who, []Who{{Kind: "starter"}}) {
		t.Errorf("the first step is %+v's", n.Task.Who)
	}
	if n := p.Node("visit"); n.Multi == nil || n.Multi.Over != "parties" {
		t.Error("the step is not done for each party")
	}
	for _, f := range p.Flows {
		if f.From == "grading_out" && f.Name != map[string]string{"end": "不予受理", "dispatch": "受理"}[f.To] {
			t.Errorf("the way to %s is labelled %q", f.To, f.Name)
		}
	}
	again, _ := parse(t, Write(p))
	if !reflect.DeepEqual(again, p) {
		t.Errorf("written and read again it differs: %s", first(p, again))
	}
}

func TestOutcomesThatShareAWay(t *testing.T) {
	three := Task{Who: centre, Outcomes: []Action{{Key: "a", Name: "A"}, {Key: "b", Name: "B"}, {Key: "c", Name: "C"}}}
	for _, c := range []struct {
		ways []Way
		want string
	}{
		{nil, ""},
		{[]Way{{Outcome: "a", To: "second"}}, ""}, // where it goes anyhow
		{[]Way{{Outcome: "a", To: "end"}, {Outcome: "b", To: "end"}}, `end ? outcome == "a" || outcome == "b"; second !`},
		{[]Way{{Outcome: "a", To: "end"}, {Outcome: "b", To: "first"}, {Outcome: "c", To: "end"}}, `first ? outcome == "b"; end !`},
		{[]Way{{"a", "end", "x"}, {Outcome: "b", To: "end"}}, `end ? (outcome == "a" && (x)) || outcome == "b"; second !`},
		{[]Way{{"a", "second", "x"}, {Outcome: "a", To: "end"}}, `second ? outcome == "a" && (x); end ? outcome == "a"; second !`},
	} {
		p := FromSteps("k", "K", nil, []Step{{Key: "first", Task: three, Ways: c.ways}, {Key: "second", Task: Task{Who: centre}}})
		if got := leads(p, "first_out"); p.Node("first_out") != nil && got != c.want || p.Node("first_out") == nil && c.want != "" {
			t.Errorf("%v leads to %s, want %s", c.ways, got, c.want)
		}
		if c.want == "" && leads(p, "first") != "second" {
			t.Errorf("%v leads to %s", c.ways, leads(p, "first"))
		}
	}
}

func TestStepsBesideEachOther(t *testing.T) {
	task := Task{Who: centre}
	vote := Task{Who: centre, Outcomes: []Action{{Key: "ok", Name: "同意"}, {Key: "no", Name: "否决"}}}
	p := FromSteps("seal", "用印", nil, []Step{
		{Key: "file", Name: "提交"},
		{Key: "offices", Name: "各科会签", When: "large", Parallel: [][]Step{
			{{Key: "law", Name: "法规", Task: vote, Ways: []Way{{Outcome: "no", To: "end"}}}, {Key: "law2", Name: "法规复核", Task: task}},
			{{Key: "money", Name: "财务", Task: task}, {Key: "deep", Name: "再分", Parallel: [][]Step{{{Key: "m1", Name: "甲", Task: task}}, {{Key: "m2", Name: "乙", Task: task}}}}},
		}},
		{Key: "sign", Name: "签发", Task: task},
	})
	if out := Check(p, nil); len(out) > 0 {
		t.Fatal(said(out))
	}
	tidy(t, p)
	for id, want := range map[string]string{
		"offices_if": "offices_split ? large; sign !", "offices_split": "law; money", "law_out": `stop ? outcome == "no"; law2 !`,
		"law2": "offices_join", "money": "deep_split", "deep_join": "offices_join", "offices_join": "sign",
	} {
		if got := leads(p, id); got != want {
			t.Errorf("%s leads to %s, want %s", id, got, want)
		}
	}
	if n := p.Node("stop"); n == nil || !n.Terminate {
		t.Error("a refusal in one list does not end the others")
	}
}

// A list that is wrong makes a drawing that Check refuses.
func TestStepsThatAreWrong(t *testing.T) {
	task := Task{Who: centre}
	beside := func(b, c Step) []Step {
		b.Key, b.Task, c.Key, c.Task = "b", task, "c", task
		return []Step{{Key: "a"}, {Key: "p", Parallel: [][]Step{{b}, {c}}}, {Key: "z", Task: task}}
	}
	for name, steps := range map[string][]Step{
		"no key":               {{Key: "a"}, {Task: task}},
		"called end":           {{Key: "a"}, {Key: "end", Task: task}},
		"twice":                {{Key: "a"}, {Key: "a", Task: task}},
		"next is not there":    {{Key: "a", Next: "nowhere"}},
		"way is not there":     {{Key: "a", Ways: []Way{{Outcome: "x", To: "nowhere"}}}},
		"never reached":        {{Key: "a", Next: "end"}, {Key: "b", Task: task}},
		"never ends":           {{Key: "a"}, {Key: "b", Task: task, Next: "a"}},
		"nobody":               {{Key: "a"}, {Key: "b"}},
		"out of a list, back":  beside(Step{Next: "a"}, Step{}),
		"out of a list, ahead": beside(Step{Next: "z"}, Step{}),
		"into a list":          slices.Insert(beside(Step{}, Step{}), 1, Step{Key: "y", Task: Task{Who: centre, Outcomes: []Action{{Key: "x", Name: "X"}}}, Ways: []Way{{Outcome: "x", To: "b", When: "w"}}}),
	} {
		if out := Check(FromSteps("k", "K", nil, steps), nil); !Bad(out) {
			t.Errorf("%s passes: %s", name, said(out))
		}
	}
}
