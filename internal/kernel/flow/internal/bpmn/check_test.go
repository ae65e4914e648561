package bpmn

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

// kinds are the short names of sketch.
var kinds = map[string]Kind{"start": Start, "end": End, "user": User, "job": Service, "call": Call, "sub": Sub, "xor": Exclusive, "and": Parallel, "or": Inclusive, "at": Boundary}

// sketch draws a process in a few words: "start s", "user a", "a in x" puts it into a sub-process, "a > b" is a flow,
// "a > b ? x" one with a condition, "a > b !" the default.
func sketch(lines string) *Process {
	p := &Process{ID: "p", Name: "P", Shapes: map[string]Rect{}, Edges: map[string][]Point{}}
	for _, line := range strings.Split(lines, ";") {
		w := strings.Fields(line)
		switch {
		case len(w) == 0:
		case w[1] == ">":
			f := &Flow{ID: w[0] + "_" + w[2], From: w[0], To: w[2]}
			if len(w) > 3 && w[3] == "?" {
				f.When = w[4]
			}
			if len(w) > 3 && w[3] == "!" {
				p.Node(w[0]).Default = f.ID
			}
			p.Flows = append(p.Flows, f)
		case w[1] == "in":
			p.Node(w[0]).In = w[2]
		default:
			n := &Node{ID: w[1], Name: "N " + w[1], Kind: kinds[w[0]]}
			switch n.Kind {
			case User:
				n.Task = &Task{Who: []Who{{Kind: "starter"}}}
			case Service:
				n.Service = &Job{Name: "work"}
			case Call:
				n.Call = "other"
			case Boundary:
				n.Event = &Trigger{On: w[2], Cancels: true, Timer: &Limit{N: 1, Unit: when.Day}}
			}
			p.Nodes = append(p.Nodes, n)
		}
	}
	return p
}

// good is a drawing with nothing wrong, which each case below spoils in one way.
const good = `start s; user a; xor g; user b; sub x; start xs; user xa; end xe; call c; job j; user t; end e; at l b; user late; end stop;
	xs in x; xa in x; xe in x; s > a; a > g; g > b ? yes; g > x !; b > c; c > e; x > j; j > t; t > e; xs > xa; xa > xe; l > late; late > stop`

func TestGoodDrawingsPass(t *testing.T) {
	for name, lines := range map[string]string{
		"everything":            good,
		"parallel":              "start s; and f; user a; user b; and j; end e; s > f; f > a; f > b; a > j; b > j; j > e",
		"inclusive":             "start s; or f; user a; user b; user c; or j; end e; s > f; f > a ? x; f > b ? y; f > c !; a > j; b > j; c > j; j > e",
		"loop back to a person": "start s; user a; xor g; end e; s > a; a > g; g > a ? again; g > e !",
		"loop through a join":   "start s; user a; and f; user b; user c; and j; xor g; end e; s > a; a > f; f > b; f > c; b > j; c > j; j > g; g > a ? again; g > e !",
		"terminate beside":      "start s; and f; user a; user b; end e; end k; s > f; f > a; f > b; a > e; b > k",
		"beside a task":         "start s; user a; end e; at l a; job j; end k; s > a; a > e; l > j; j > k",
		"last one is default":   "start s; user a; xor g; end e; end k; s > a; a > g; g > e ? x; g > k",
	} {
		p := sketch(lines)
		if n := p.Node("l"); n != nil && name == "beside a task" {
			n.Event.Cancels = false
		}
		if out := Check(p, func(string) error { return nil }); len(out) > 0 {
			t.Errorf("%s: %s", name, said(out))
		}
	}
}

func TestCheckNamesTheElement(t *testing.T) {
	task := func(id string, do func(*Task)) func(*Process) { return func(p *Process) { do(p.Node(id).Task) } }
	node := func(id string, do func(*Node)) func(*Process) { return func(p *Process) { do(p.Node(id)) } }
	flow := func(from, to string, do func(*Flow)) func(*Process) {
		return func(p *Process) {
			do(p.Flows[slices.IndexFunc(p.Flows, func(f *Flow) bool { return f.From == from && f.To == to })])
		}
	}
	add := func(lines string) func(*Process) {
		return func(p *Process) {
			more := sketch(good + ";" + lines)
			p.Nodes, p.Flows = more.Nodes, more.Flows
		}
	}
	drop := func(id string) func(*Process) {
		return func(p *Process) {
			p.Nodes = slices.DeleteFunc(p.Nodes, func(n *Node) bool { return n.ID == id })
			p.Flows = slices.DeleteFunc(p.Flows, func(f *Flow) bool { return f.From == id || f.To == id })
		}
	}
	for _, c := range []struct {
		element, key string
		kind         Grade
		spoil        func(*Process)
	}{
		{"p", "no_start", Error, drop("s")},
		{"s2", "several_starts", Error, add("start s2; s2 > a")},
		{"p", "no_end", Error, func(p *Process) { drop("e")(p); drop("stop")(p) }},
		{"x", "no_start", Error, drop("xs")},
		{"x", "no_end", Error, drop("xe")},
		{"x2", "no_start", Error, add("sub x2; a > x2; x2 > e")},
		{"lost", "unreachable", Error, add("user lost; lost > e")},
		{"trap", "dead_end", Error, add("user trap; j > trap")},
		{"x", "dead_end", Error, drop("j")},
		{"t_nobody", "flow_to", Error, func(p *Process) { p.Flows = append(p.Flows, &Flow{ID: "t_nobody", From: "t", To: "nobody"}) }},
		{"nobody_t", "flow_from", Error, func(p *Process) { p.Flows = append(p.Flows, &Flow{ID: "nobody_t", From: "nobody", To: "t"}) }},
		{"a_xa", "flow_crosses", Error, add("a > xa")},
		{"a_s", "flow_into", Error, add("a > s")},
		{"e_a", "flow_out", Error, add("e > a")},
		{"g", "no_default", Error, func(p *Process) {
			p.Node("g").Default = ""
			flow("g", "x", func(f *Flow) { f.When = "no" })(p)
		}},
		{"g", "several_always", Error, func(p *Process) {
			p.Node("g").Default = ""
			flow("g", "b", func(f *Flow) { f.When = "" })(p)
		}},
		{"g", "several_always", Error, flow("g", "b", func(f *Flow) { f.When = "" })},
		{"g", "always_first", Error, func(p *Process) {
			p.Node("g").Default = ""
			flow("g", "b", func(f *Flow) { f.When = "" })(p)
			flow("g", "x", func(f *Flow) { f.When = "no" })(p)
		}},
		{"g", "default_gone", Error, node("g", func(n *Node) { n.Default = "b_c" })},
		{"g_x", "condition_default", Warning, flow("g", "x", func(f *Flow) { f.When = "never" })},
		{"k_m", "condition_parallel", Warning, add("and k; user m; end n; t > k; k > m ? x; m > n")},
		{"k", "default_parallel", Error, add("and k; user m; end n; t > k; k > m !; m > n")},
		{"t", "split_without", Warning, add("user m; end n; t > m; m > n")},
		{"a", "no_who", Error, task("a", func(t *Task) { t.Who = nil })},
		{"a", "who_id", Error, task("a", func(t *Task) { t.Who = []Who{{Kind: "role"}} })},
		{"a", "who_of", Error, task("a", func(t *Task) { t.Who = []Who{{Kind: "leader"}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Who = []Who{{Kind: "boss"}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Copy = []Who{{Kind: "leader", Of: "somewhere"}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Who = []Who{{Kind: "leader", Of: "case", Level: "province"}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Share = "most" })},
		{"t", "task_gone", Error, task("t", func(t *Task) { t.Who = []Who{{Kind: "doer", ID: "nobody"}} })},
		{"t", "task_gone", Error, task("t", func(t *Task) { t.Who = []Who{{Kind: "chosen", ID: "j"}} })},
		{"t", "task_gone", Error, task("t", func(t *Task) { t.Who = []Who{{Kind: "leader", Of: "doer:nobody"}} })},
		{"a", "never_before", Error, task("a", func(t *Task) { t.Who = []Who{{Kind: "doer", ID: "t"}} })},
		{"t", "never_before", Error, task("t", func(t *Task) { t.Who = []Who{{Kind: "doer", ID: "b"}} })},
		{"t", "nobody_chooses", Error, task("t", func(t *Task) { t.Who = []Who{{Kind: "chosen", ID: "t"}} })},
		{"a", "task_gone", Error, task("a", func(t *Task) { t.Outcomes = []Action{{Key: "ok", Name: "OK", Choose: "g"}} })},
		{"t", "choose_never", Error, task("t", func(t *Task) { t.Outcomes = []Action{{Key: "ok", Name: "OK", Choose: "a"}} })},
		{"a", "outcome_twice", Error, task("a", func(t *Task) { t.Outcomes = []Action{{Key: "ok", Name: "A"}, {Key: "ok", Name: "B"}} })},
		{"a", "outcome_empty", Error, task("a", func(t *Task) { t.Outcomes = []Action{{Key: "ok"}} })},
		{"a", "percent", Error, task("a", func(t *Task) { t.Share, t.Percent = Ratio, 101 })},
		{"a", "percent", Error, task("a", func(t *Task) { t.Share = Ratio })},
		{"a", "nobody_agrees", Error, task("a", func(t *Task) { t.Share, t.Percent = Ratio, 60 })},
		{"a", "percent_unused", Warning, task("a", func(t *Task) { t.Share, t.Percent = Each, 60 })},
		{"a", "right_twice", Error, task("a", func(t *Task) { t.Rights = []Right{{"f", "read"}, {"f", "hide"}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Rights = []Right{{"f", "paint"}} })},
		{"a", "limit", Error, task("a", func(t *Task) { t.Limit = []Limit{{N: -1, Unit: when.Day}} })},
		{"a", "limit", Error, task("a", func(t *Task) { t.Limit = []Limit{{N: math.NaN(), Unit: when.Day}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Limit = []Limit{{N: 1, Unit: "moon"}} })},
		{"a", "limit_hidden", Warning, task("a", func(t *Task) { t.Limit = []Limit{{N: 1, Unit: when.Day}, {N: 2, Unit: when.Day, When: "x"}} })},
		{"p", "limit", Error, func(p *Process) { p.Limit = []Limit{{Unit: when.Day}} }},
		{"a", "warn", Error, task("a", func(t *Task) { t.Warn = []int{150} })},
		{"a", "warn_without", Warning, task("a", func(t *Task) { t.Warn = []int{50} })},
		{"a", "escalate_percent", Error, task("a", func(t *Task) { t.Escalate = []Escalation{{0, []Who{{Kind: "starter"}}, "tell"}} })},
		{"a", "escalate_nobody", Error, task("a", func(t *Task) { t.Escalate = []Escalation{{100, nil, "tell"}} })},
		{"a", "value", Error, task("a", func(t *Task) { t.Escalate = []Escalation{{100, []Who{{Kind: "starter"}}, "shout"}} })},
		{"l", "on_nothing", Error, node("l", func(n *Node) { n.Event.On = "nobody" })},
		{"l", "on_nothing", Error, node("l", func(n *Node) { n.Event.On = "xa" })},
		{"l", "on_what", Error, node("l", func(n *Node) { n.Event.On = "g" })},
		{"l", "no_trigger", Error, node("l", func(n *Node) { n.Event.Timer = nil })},
		{"l", "no_trigger", Error, node("l", func(n *Node) { n.Event.Message = "both" })},
		{"l", "no_trigger", Error, node("l", func(n *Node) { n.Event = nil })},
		{"l", "limit", Error, node("l", func(n *Node) { n.Event.Timer.N = 0 })},
		{"l", "repeat", Error, node("l", func(n *Node) { n.Event.Repeat = true })},
		{"l", "repeat", Error, node("l", func(n *Node) { n.Event.MaxTimes = -1 })},
		{"b_l", "flow_into", Error, add("b > l")},
		{"j", "no_service", Error, node("j", func(n *Node) { n.Service = nil })},
		{"c", "no_call", Error, node("c", func(n *Node) { n.Call = "" })},
		{"c", "calls_itself", Error, node("c", func(n *Node) { n.Call = "p" })},
		{"a", "no_list", Error, node("a", func(n *Node) { n.Multi = &Multi{} })},
		{"g", "multi_where", Error, node("g", func(n *Node) { n.Multi = &Multi{Over: "x"} })},
		{"a", "percent", Error, node("a", func(n *Node) { n.Multi = &Multi{Over: "x", Percent: 101} })},
		{"a", "unknown", Error, node("a", func(n *Node) { n.Kind = "dance" })},
		{"xa", "in_nothing", Error, node("xa", func(n *Node) { n.In = "nobody" })},
		{"x", "in_itself", Error, node("x", func(n *Node) { n.In = "x" })},
		{"b", "id_twice", Error, func(p *Process) { p.Nodes = append(p.Nodes, &Node{ID: "b", Kind: User}) }},
		{"s_a", "id_twice", Error, func(p *Process) { p.Flows = append(p.Flows, &Flow{ID: "s_a", From: "t", To: "e"}) }},
		{"l1", "lane_node", Error, func(p *Process) { p.Lanes = []Lane{{ID: "l1", Nodes: []string{"nobody"}}} }},
		{"l2", "lane_twice", Error, func(p *Process) {
			p.Lanes = []Lane{{ID: "l1", Nodes: []string{"a"}}, {ID: "l2", Nodes: []string{"a"}}}
		}},
		{"b", "lane_gone", Error, node("b", func(n *Node) { n.Lane = "nowhere" })},
		{"l1", "who_id", Error, func(p *Process) { p.Lanes = []Lane{{ID: "l1", Who: []Who{{Kind: "post"}}}} }},
		{"l1", "id_twice", Error, func(p *Process) { p.Lanes = []Lane{{ID: "l1"}, {ID: "l1"}} }},
		{"a", "never_before", Error, func(p *Process) {
			p.Lanes = []Lane{{ID: "l1", Nodes: []string{"a"}, Who: []Who{{Kind: "doer", ID: "t"}}}}
			p.Node("a").Lane, p.Node("a").Task.Who = "l1", nil
		}},
		{"k", "loop", Error, add("xor k; job m; t > k; k > m ? x; m > k; k > e !")},
		{"g_b", "expression", Error, flow("g", "b", func(f *Flow) { f.When = "bad" })},
		{"a", "expression", Error, node("a", func(n *Node) { n.Multi = &Multi{Over: "bad"} })},
		{"a", "expression", Error, task("a", func(t *Task) { t.Limit = []Limit{{N: 1, Unit: when.Day, When: "bad"}} })},
	} {
		t.Run(c.key+" "+c.element, func(t *testing.T) {
			p := sketch(good)
			c.spoil(p)
			out := Check(p, func(src string) error {
				if src == "bad" {
					return errs.New(errs.Invalid, "flow.bpmn_unknown")
				}
				return nil
			})
			f := want(t, out, c.element, c.key, c.kind)
			if f.Name == "" {
				t.Error("the element has no name")
			}
			if (c.kind == Error) != Bad([]Finding{f}) {
				t.Error("the grade does not say whether it may be published")
			}
		})
	}
}

// The words of a finding carry what the expression's own check said.
func TestTheWordsOfAnExpression(t *testing.T) {
	words := catalogue(t)
	p := sketch(good)
	for _, err := range []error{errs.New(errs.Invalid, "flow.bpmn_no_end"), errors.New("column 3")} {
		f := want(t, Check(p, func(string) error { return err }), "g_b", "expression", Error)
		zh, en := f.Text(words, "zh"), f.Text(words, "en")
		if !strings.Contains(zh, "“yes”") || !strings.Contains(en, "“yes”") || strings.Contains(zh, "{") || !(strings.Contains(en, "no end") || strings.Contains(en, "column 3")) {
			t.Errorf("%q %q", zh, en)
		}
	}
}

func TestJoins(t *testing.T) {
	for _, c := range []struct {
		name, lines, element, key string
		kind                      Grade
	}{
		{"one of two branches", "start s; xor g; user a; user b; and j; end e; s > g; g > a ? x; g > b !; a > j; b > j; j > e", "j", "join_never", Error},
		{"back into a join", "start s; and j; user a; xor g; end e; s > j; j > a; a > g; g > j ? again; g > e !", "j", "join_never", Error},
		{"a branch that may go elsewhere", "start s; and f; user a; user b; xor g; and j; end e; end k; s > f; f > a; f > b; a > g; g > k ? x; g > j !; b > j; j > e", "j", "join_stuck", Error},
		{"inclusive into parallel", "start s; or f; user a; user b; and j; end e; s > f; f > a ? x; f > b !; a > j; b > j; j > e", "j", "join_never", Error},
		{"parallel into exclusive", "start s; and f; user a; user b; xor m; user c; end e; s > f; f > a; f > b; a > m; b > m; m > c; c > e", "m", "unjoined", Warning},
		{"parallel into a task", "start s; and f; user a; user b; user c; end e; s > f; f > a; f > b; a > c; b > c; c > e", "c", "unjoined", Warning},
		{"a circle that breeds", "start s; user a; and f; user b; end e; s > a; a > f; f > a; f > b; b > e", "f", "breeds", Error},
		{"in a sub-process", "start s; sub x; end e; start xs; xor g; user a; user b; and j; end xe; xs in x; g in x; a in x; b in x; j in x; xe in x; s > x; x > e; xs > g; g > a ? x; g > b !; a > j; b > j; j > xe", "j", "join_never", Error},
		{"interrupted beside", "start s; and f; user a; user b; and j; end e; at l a; end k; s > f; f > a; f > b; a > j; b > j; j > e; l > k", "j", "join_stuck", Error},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, Check(sketch(c.lines), nil), c.element, c.key, c.kind)
		})
	}
}

// A drawing with more ways through it than can be tried says so, and quickly.
func TestTooManyWaysToProve(t *testing.T) {
	lines := "start s; and f; and j; end e; s > f; j > e"
	for _, b := range strings.Split("abcdefghik", "") {
		lines += strings.ReplaceAll("; user 1#; xor 2#; user 3#; xor 4#; f > 1#; 1# > 2#; 2# > 1# ? x; 2# > 3# !; 3# > 4#; 4# > 3# ? y; 4# > j !", "#", b)
	}
	out := Check(sketch(lines), nil)
	want(t, out, "p", "unproved", Warning)
	if Bad(out) {
		t.Error(said(out))
	}
}
