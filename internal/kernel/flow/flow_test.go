package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// memo is a room whose cases are memos: it keeps a few values and what the engine told it.
type memo struct {
	mu   sync.Mutex
	kit  *kernel.Kit
	vars map[string]map[string]any // by object
	last map[string]flow.Case

	broken bool // its services fail
	locked bool // its rows cannot be written
	served []string
}

var kind = flow.Kind{Key: "memo", Room: "memo", Title: "便函", Number: flow.Numbering{Prefix: "BH", Per: "year", Digits: 4}}

type memoIn struct {
	Body struct {
		Object, Title string
		Vars          map[string]any
	}
}

func (m *memo) begin(ctx context.Context, in *memoIn) (*struct{ Body flow.Case }, error) {
	var c *flow.Case
	err := m.kit.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		m.put(in.Body.Object, in.Body.Vars)
		if c, err = m.kit.Flow.Begin(ctx, tx, flow.NewCase{Kind: kind, Object: in.Body.Object, Title: in.Body.Title}); err != nil {
			return err
		}
		return m.kit.Audit.Record(ctx, tx, audit.Entry{Action: "memo.begin", Object: "memo", ID: in.Body.Object})
	})
	if err != nil {
		return nil, err
	}
	return &struct{ Body flow.Case }{*c}, nil
}

func (m *memo) put(object string, vars map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.vars[object] == nil {
		m.vars[object] = map[string]any{"amount": 0.0}
	}
	for k, v := range vars {
		m.vars[object][k] = v
	}
}

func memoRoom(kit *kernel.Kit) []*room.Room {
	m := &memo{kit: kit, vars: map[string]map[string]any{}, last: map[string]flow.Case{}}
	theMemo.Store(kit, m)
	kit.Flow.Host("memo", flow.Host{
		Vars: func(_ context.Context, _ store.Queryer, c *flow.Case) (map[string]any, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if v := m.vars[c.Object]; v != nil {
				return v, nil
			}
			return map[string]any{"amount": 0.0}, nil // begun by a process that was killed
		},
		Paper: func(_ context.Context, _ store.Queryer, c *flow.Case) ([]flow.Printed, error) {
			return []flow.Printed{{Name: "事由", Value: "为对象 " + c.Object + " 采购龘靐牌打印机"}}, nil
		},
		Audited: "memo",
		Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
			return map[string]rule.Type{"amount": rule.Number}, nil
		},
		Apply: func(_ context.Context, _ *store.Tx, c *flow.Case, node, outcome string, data json.RawMessage) error {
			if strings.Contains(string(data), "bad") {
				return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "data", Key: "flow.why"})
			}
			var v map[string]any
			if json.Unmarshal(data, &v) == nil {
				m.put(c.Object, v)
			}
			return nil
		},
		Services: []string{"stamp"},
		Service: func(_ context.Context, _ *store.Tx, c *flow.Case, name string, args map[string]string) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.broken {
				return fmt.Errorf("the stamp is locked away")
			}
			m.served = append(m.served, c.Number+" "+name+" "+args["ink"])
			return nil
		},
		Call: func(ctx context.Context, tx *store.Tx, c *flow.Case, key string, _ any) (*flow.Case, error) {
			m.put(c.Object+"/"+key, nil)
			return kit.Flow.Begin(ctx, tx, flow.NewCase{Kind: flow.Kind{Key: key, Room: "memo", Title: "附件", Number: flow.Numbering{Prefix: "FJ"}}, Object: c.Object + "/" + key, Title: c.Title + "附件", Unit: c.Unit})
		},
		Part: func(ctx context.Context, tx *store.Tx, c *flow.Case, title, unit string) (*flow.Case, error) {
			m.put(c.Object+"/"+title, nil)
			return kit.Flow.Begin(ctx, tx, flow.NewCase{Kind: kind, Object: c.Object + "/" + title, Title: title, Unit: unit})
		},
		Changed: func(_ context.Context, _ *store.Tx, c *flow.Case) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.locked {
				return fmt.Errorf("the cabinet is locked")
			}
			m.last[c.Object] = *c
			return nil
		},
	})
	return []*room.Room{{Name: "memo", Pillar: room.Apps, Text: texts, Routes: []room.Route{room.Post("/begin", room.Signed, m.begin)}, Actions: []string{"memo.begin"}}}
}

// theMemo finds the room of a house.
var theMemo sync.Map

var houses = &kerneltest.Houses{Rooms: memoRoom}

// office is a department with people and a drawing.
type office struct {
	*kerneltest.Env
	t      *testing.T
	unit   string
	people map[string]*room.Actor
}

func newOffice(t *testing.T, e *kerneltest.Env, steps []flow.Step, limit ...flow.Limit) *office {
	t.Helper()
	o := &office{Env: e, t: t, people: map[string]*room.Actor{}}
	var u struct{ ID string }
	e.Get(t, e.Administrator(room.System), "POST /api/org/units", `{"name":"办公室","kind":"department"}`, &u)
	o.unit = u.ID
	for _, name := range []string{"zhang", "li", "wang", "zhao", "chief"} {
		var p struct{ ID string }
		e.Get(t, e.Administrator(room.System), "POST /api/org/people", fmt.Sprintf(`{"name":%q,"unit":%q,"leader":%t,"title":"干部"}`, "张"+name, u.ID, name == "chief"), &p)
		posts, err := e.Kit.Org.Posts(t.Context(), e.Kit.DB, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		a := kerneltest.Actor(p.ID, u.ID, room.Unit)
		a.Name, a.Post = name, posts[0].ID
		if name == "chief" {
			a.Grants["flow.supervise"] = []room.Grant{{Scope: room.Unit, Unit: u.ID}}
			a.Grants["flow.manage"] = []room.Grant{{Scope: room.All}}
		}
		o.people[name] = a
	}
	for i := range steps {
		for j := range steps[i].Task.Who {
			if id := steps[i].Task.Who[j].ID; o.people[id] != nil && steps[i].Task.Who[j].Kind == "person" {
				steps[i].Task.Who[j].ID = o.people[id].Person
			}
		}
		for j := range steps[i].Task.Copy {
			steps[i].Task.Copy[j].ID = o.people[steps[i].Task.Copy[j].ID].Person
		}
	}
	if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := e.Kit.Flow.Deploy(ctx, tx, "memo", flow.FromSteps("memo", "便函", limit, steps))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) begin(who, object string, vars string) flow.Case {
	o.t.Helper()
	var c flow.Case
	o.Get(o.t, o.people[who], "POST /api/memo/begin", fmt.Sprintf(`{"Object":%q,"Title":"买一台打印机","Vars":%s}`, object, vars), &c)
	return c
}

func (o *office) see(who, id string) flow.Detail {
	o.t.Helper()
	var d flow.Detail
	o.Get(o.t, o.people[who], "GET /api/flow/cases/"+id, "", &d)
	return d
}

// do does a deed at the actor's own task and returns status and answer.
func (o *office) do(who, id, body string) (int, string) {
	o.t.Helper()
	if strings.Contains(body, "$task") {
		d := o.see(who, id)
		if len(d.Mine) == 0 {
			o.t.Fatalf("%s has no task of %s at %q: %s", who, d.Number, d.Step, d.Holder)
		}
		body = strings.ReplaceAll(body, "$task", d.Mine[0].ID)
	}
	for name, a := range o.people {
		body = strings.ReplaceAll(body, "$"+name, a.Person)
	}
	return o.Call(o.t, kerneltest.Case{As: o.people[who], Call: "POST /api/flow/cases/" + id + "/deeds", Body: body})
}

func (o *office) must(who, id, body string, status int, want string) {
	o.t.Helper()
	if s, b := o.do(who, id, body); s != status || !strings.Contains(b, want) {
		o.t.Fatalf("%s %s: %d, want %d with %q: %s", who, body, s, status, want, b)
	}
}

// boxes proves that each count is the length of its list.
func (o *office) boxes(who string) flow.Boxes {
	o.t.Helper()
	var b flow.Boxes
	o.Get(o.t, o.people[who], "GET /api/flow/boxes", "", &b)
	for box, n := range map[string]int{"do": b.Do, "read": b.Read, "done": b.Done, "mine": b.Mine, "copied": b.Copied, "supervised": b.Supervised} {
		var l store.Listed[flow.Line]
		o.Get(o.t, o.people[who], "GET /api/flow/tasks?limit=200&box="+box, "", &l)
		if len(l.Items) != n {
			o.t.Errorf("%s: %s counts %d and lists %d", who, box, n, len(l.Items))
		}
	}
	return b
}

func person(name string) []flow.Who { return []flow.Who{{Kind: "person", ID: name}} }

// plain is ask → check (agree or refuse) → pay, dearer ones signed by the leader first.
func plain() []flow.Step {
	check := flow.Task{Who: person("li"), Outcomes: []flow.Action{{Key: "agree", Name: "同意", Agree: true}, {Key: "refuse", Name: "不同意", Reason: true}},
		Limit: []flow.Limit{{N: 4, Unit: when.WorkHour}}, Warn: []int{50}, Escalate: []flow.Escalation{{Percent: 150, To: []flow.Who{{Kind: "leader", Of: "starter"}}, Do: "add"}}}
	return []flow.Step{
		{Key: "ask", Name: "申请", Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}}},
		{Key: "check", Name: "审核", Task: check, Ways: []flow.Way{{Outcome: "refuse", To: "end"}}},
		{Key: "sign", Name: "签批", When: "amount > 1000", Task: flow.Task{Who: []flow.Who{{Kind: "leader", Of: "starter"}}, Opinion: true, Copy: person("zhao")}},
		{Key: "pay", Name: "办理", Task: flow.Task{Who: person("wang")}},
	}
}

func TestLife(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain(), flow.Limit{N: 5, Unit: when.WorkDay})
		c := o.begin("zhang", "m1", `{"amount":5000}`)
		if c.Number != "BH2023-0001" || c.Step != "审核" || c.Holder != "张li" || c.State != flow.Open {
			t.Fatalf("%+v", c)
		}
		o.must("zhang", c.ID, `{"verb":"submit","task":"x"}`, 404, "flow.no_task")
		if s, b := o.Call(t, kerneltest.Case{As: o.people["zhao"], Call: "GET /api/flow/cases/" + c.ID}); s != 404 {
			t.Fatal("a stranger sees it", s, b)
		}
		o.must("li", c.ID, `{"verb":"submit","task":"$task"}`, 422, "outcome")
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"refuse"}`, 422, "reason")
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree","data":{"x":"bad"}}`, 422, "data")
		if b := o.boxes("li"); b.Do != 1 {
			t.Errorf("%+v", b)
		}
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree","opinion":"情况属实"}`, 200, "签批")
		o.must("chief", c.ID, `{"verb":"submit","task":"$task"}`, 422, "opinion")
		o.must("chief", c.ID, `{"verb":"submit","task":"$task","opinion":"同意"}`, 200, "办理")
		o.must("wang", c.ID, `{"verb":"submit","task":"$task"}`, 200, `"closed"`)
		d := o.see("zhang", c.ID)
		if d.State != flow.Closed || d.ClosedAt.IsZero() || len(d.Tasks) != 0 || d.Step != "" {
			t.Errorf("%+v", d)
		}
		var tr struct{ Items []flow.Trace }
		o.Get(t, o.people["zhang"], "GET /api/flow/cases/"+c.ID+"/trace", "", &tr)
		var verbs []string
		for i, s := range tr.Items {
			verbs = append(verbs, s.Verb)
			if s.Seq != i+1 || s.Name == "" || s.Post == "" || s.UnitName == "" {
				t.Errorf("%+v", s)
			}
		}
		if !slices.Equal(verbs, []string{"begin", "submit", "submit", "submit"}) || tr.Items[1].Opinion != "情况属实" {
			t.Errorf("%+v", tr.Items)
		}
		var dia struct{ Nodes []flow.Node }
		o.Get(t, o.people["zhang"], "GET /api/flow/cases/"+c.ID+"/diagram", "", &dia)
		for _, n := range dia.Nodes {
			if n.State != "passed" || n.Shape.W == 0 {
				t.Errorf("%+v", n)
			}
		}
		for who, want := range map[string]flow.Boxes{"zhang": {Mine: 1}, "li": {Done: 1}, "wang": {Done: 1}, "zhao": {Read: 1, Copied: 1}} {
			if got := o.boxes(who); got != want {
				t.Errorf("%s: %+v, want %+v", who, got, want)
			}
		}
		// What is cheap passes the leader by; what is refused ends.
		if c := o.begin("zhang", "m2", `{"amount":10}`); c.Number != "BH2023-0002" {
			t.Error(c.Number)
		} else {
			o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		}
		c3 := o.begin("zhang", "m3", `{"amount":10}`)
		o.must("li", c3.ID, `{"verb":"submit","task":"$task","outcome":"refuse","reason":"没有预算"}`, 200, `"closed"`)
	})
}

func TestBackAndForth(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		c := o.begin("zhang", "m1", `{"amount":10}`)
		// Withdrawn while nobody has looked; not afterwards.
		o.must("zhang", c.ID, `{"verb":"withdraw"}`, 200, "申请")
		o.must("zhang", c.ID, `{"verb":"submit","task":"$task","data":{"amount":20}}`, 200, "审核")
		task := o.see("li", c.ID).Mine[0].ID
		o.Get(t, o.people["li"], "POST /api/flow/tasks/"+task+"/read", "", nil)
		o.must("zhang", c.ID, `{"verb":"withdraw"}`, 409, "flow.seen_already")
		// Returned with a reason, to whoever did it.
		o.must("li", c.ID, `{"verb":"return","task":"$task"}`, 422, "reason")
		o.must("li", c.ID, `{"verb":"return","task":"$task","node":"pay","reason":"材料不全"}`, 422, "node")
		o.must("li", c.ID, `{"verb":"return","task":"$task","reason":"材料不全"}`, 200, "申请")
		o.must("li", c.ID, `{"verb":"submit","task":"`+task+`","outcome":"agree"}`, 409, "flow.overtaken")
		o.must("zhang", c.ID, `{"verb":"submit","task":"$task"}`, 200, "审核")
		// Handed on, and back from the next step.
		o.must("li", c.ID, `{"verb":"transfer","task":"$task","to":["$li"],"reason":"出差"}`, 422, "to")
		o.must("li", c.ID, `{"verb":"transfer","task":"$task","to":["$zhao"],"reason":"出差"}`, 200, "张zhao")
		o.must("zhao", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		o.must("wang", c.ID, `{"verb":"return","task":"$task","node":"check","reason":"请再核"}`, 200, "张zhao")
		o.must("zhao", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		// Stopped by whoever supervises, and reopened once.
		o.must("zhang", c.ID, `{"verb":"stop","reason":"不买了"}`, 403, "")
		o.must("chief", c.ID, `{"verb":"stop","reason":"不买了"}`, 200, "stopped")
		o.must("wang", c.ID, `{"verb":"submit","task":"x"}`, 409, "flow.not_now")
		o.must("chief", c.ID, `{"verb":"reopen","node":"check","reason":"又要买"}`, 200, "审核")
		o.must("chief", c.ID, `{"verb":"stop","reason":"还是不买"}`, 200, "stopped")
		o.must("chief", c.ID, `{"verb":"reopen","node":"check","reason":"又要买"}`, 409, "flow.once")
		for who := range o.people {
			if b := o.boxes(who); b.Do != 0 {
				t.Errorf("%s has something to do of a stopped case: %+v", who, b)
			}
		}
	})
}

// Several hold a step: whoever is first, everybody, a share of them, one after the other.
func TestShares(t *testing.T) {
	all := []flow.Who{{Kind: "staff", Of: "starter"}}
	vote := []flow.Action{{Key: "yes", Name: "同意", Agree: true}, {Key: "no", Name: "不同意"}}
	steps := func(s flow.Share, percent int) []flow.Step {
		return []flow.Step{{Key: "ask", Name: "申请", Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}}},
			{Key: "vote", Name: "会签", Task: flow.Task{Who: all, Share: s, Percent: percent, Outcomes: vote}, Ways: []flow.Way{{Outcome: "no", To: "end"}}},
			{Key: "pay", Name: "办理", Task: flow.Task{Who: person("wang")}}}
	}
	for _, c := range []struct {
		name    string
		share   flow.Share
		percent int
		votes   string // who:how
		want    string // state and step after
	}{
		{"whoever is first", "any", 0, "li:yes", "open 办理"},
		{"everybody", "each", 0, "li:yes zhang:yes wang:yes zhao:yes", "open 会签"},
		{"everybody has", "each", 0, "li:yes zhang:yes wang:yes zhao:yes chief:yes", "open 办理"},
		{"one against", "each", 0, "li:no zhang:yes wang:yes zhao:yes chief:yes", "closed "},
		{"three of five", "ratio", 60, "li:yes zhang:no wang:yes zhao:yes", "open 办理"},
		{"cannot be reached", "ratio", 60, "li:no zhang:no wang:no", "closed "},
	} {
		t.Run(c.name, func(t *testing.T) {
			houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
				o := newOffice(t, e, steps(c.share, c.percent))
				m := o.begin("zhang", "m1", `{}`)
				for v := range strings.FieldsSeq(c.votes) {
					who, how, _ := strings.Cut(v, ":")
					o.must(who, m.ID, `{"verb":"submit","task":"$task","outcome":"`+how+`"}`, 200, "")
				}
				if d := o.see("zhang", m.ID); string(d.State)+" "+d.Step != c.want {
					t.Errorf("%s %s, want %s", d.State, d.Step, c.want)
				}
			})
		})
	}
	t.Run("one after the other", func(t *testing.T) {
		houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
			o := newOffice(t, e, steps("turn", 0))
			m := o.begin("zhang", "m1", `{}`)
			for n := 5; n > 0; n-- {
				d := o.see("zhang", m.ID)
				if len(d.Tasks) != 1 || len(d.Tasks[0].People) != 1 {
					t.Fatalf("%+v", d.Tasks)
				}
				for name, a := range o.people {
					if a.Person == d.Tasks[0].People[0].ID {
						o.must(name, m.ID, `{"verb":"submit","task":"$task","outcome":"yes"}`, 200, "")
						break
					}
				}
			}
			if d := o.see("zhang", m.ID); d.Step != "办理" {
				t.Error(d.Step)
			}
		})
	})
}

// Clocks run in working hours, stand still while suspended, warn, and escalate.
func TestClocks(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain(), flow.Limit{N: 5, Unit: when.WorkDay})
		c := o.begin("zhang", "m1", `{"amount":10}`) // Thursday 2023-06-01 09:00
		tick := func(d time.Duration) {
			t.Helper()
			e.Move(d)
			if err := e.Kit.Flow.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		hhmm := func(at store.Time) string { return at.In(when.Zone).Format("02 15:04") }
		d := o.see("li", c.ID)
		if hhmm(d.Mine[0].Due) != "01 15:00" || hhmm(d.Due) != "08 09:00" {
			t.Fatal(hhmm(d.Mine[0].Due), hhmm(d.Due))
		}
		verbs := func() string {
			var tr struct{ Items []flow.Trace }
			o.Get(t, o.people["li"], "GET /api/flow/cases/"+c.ID+"/trace", "", &tr)
			var out []string
			for _, s := range tr.Items {
				out = append(out, s.Verb)
			}
			return strings.Join(out, " ")
		}
		tick(2*time.Hour + time.Minute) // 11:01
		if got := verbs(); got != "begin warn" {
			t.Error(got)
		}
		o.must("chief", c.ID, `{"verb":"suspend","reason":"等上级批复"}`, 200, "suspended")
		tick(24 * time.Hour) // Friday 11:01: eight working hours later
		if got := verbs(); got != "begin warn suspend" {
			t.Error("a clock ran while suspended:", got)
		}
		o.must("chief", c.ID, `{"verb":"resume"}`, 200, "open")
		if d = o.see("li", c.ID); hhmm(d.Mine[0].Due) != "02 15:00" || hhmm(d.Due) != "09 09:00" {
			t.Error(hhmm(d.Mine[0].Due), hhmm(d.Due))
		}
		// More time is asked for and granted by another.
		until := d.Mine[0].Due.Add(2 * time.Hour).UTC().Format(time.RFC3339)
		o.must("li", c.ID, `{"verb":"extend","task":"$task","until":"`+until+`","reason":"要再查"}`, 200, "")
		task := o.see("li", c.ID).Mine[0].ID
		o.must("li", c.ID, `{"verb":"grant","task":"`+task+`"}`, 403, "")
		o.must("chief", c.ID, `{"verb":"grant","task":"`+task+`"}`, 200, "")
		if d = o.see("li", c.ID); hhmm(d.Mine[0].Due) != "02 17:00" {
			t.Error(hhmm(d.Mine[0].Due))
		}
		tick(6 * time.Hour) // Friday 17:01
		if d = o.see("li", c.ID); !d.Mine[0].Late || o.boxes("li").Overdue != 1 {
			t.Errorf("%+v", d.Mine[0])
		}
		tick(72 * time.Hour) // Monday 17:01: escalated, the leader may act too
		if d = o.see("chief", c.ID); len(d.Mine) != 1 || !strings.Contains(verbs(), "overdue escalate") {
			t.Errorf("%+v %s", d.Mine, verbs())
		}
		tick(7 * 24 * time.Hour)
		if d = o.see("li", c.ID); !d.Case.Late || strings.Count(verbs(), "overdue") != 2 {
			t.Error("the business clock", verbs())
		}
		o.must("chief", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
	})
}

// Of two who act at once one succeeds, and the other is told.
func TestTwoAtOnce(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		steps := plain()
		steps[1].Task.Who = []flow.Who{{Kind: "staff", Of: "starter"}}
		o := newOffice(t, e, steps)
		for n := range 5 {
			c := o.begin("zhang", fmt.Sprint("m", n), `{"amount":10}`)
			task := o.see("li", c.ID).Mine[0].ID
			var wg sync.WaitGroup
			var mu sync.Mutex
			got := map[int]int{}
			for _, who := range []string{"li", "wang", "zhao", "chief"} {
				wg.Go(func() {
					s, b := o.do(who, c.ID, `{"verb":"submit","task":"`+task+`","outcome":"agree"}`)
					mu.Lock()
					defer mu.Unlock()
					got[s]++
					if s == 409 && !strings.Contains(b, "flow.overtaken") {
						t.Error(b)
					}
				})
			}
			wg.Wait()
			if got[200] != 1 || got[409] != 3 {
				t.Error(got)
			}
		}
	})
}

// Whoever leaves leaves nothing hanging: others of the step have it, or it stands in the administrators' list.
func TestPersonLeaves(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		c := o.begin("zhang", "m1", `{"amount":10}`)
		e.Get(t, e.Administrator(room.System), "POST /api/org/people/"+o.people["li"].Person+"/leave", `{"reason":"调离","version":1}`, nil)
		stuck := func() store.Listed[flow.Stuck] {
			var l store.Listed[flow.Stuck]
			e.Get(t, o.people["chief"], "GET /api/flow/stuck", "", &l)
			return l
		}
		for len(stuck().Items) == 0 {
			if t.Context().Err() != nil {
				t.Fatal("it is not found stuck")
			}
		}
		s := stuck().Items[0]
		if s.Case != c.ID || s.Step != "审核" {
			t.Fatalf("%+v", s)
		}
		e.Get(t, o.people["chief"], "POST /api/flow/stuck/"+s.Task+"/assign", `{"to":["`+o.people["zhao"].Person+`"],"reason":"代为审核"}`, nil)
		if len(stuck().Items) != 0 {
			t.Error("still stuck")
		}
		o.must("zhao", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
	})
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { e.Strangers(t) })
}
