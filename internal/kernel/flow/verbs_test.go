package flow_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

func (o *office) traced(who, id string) string {
	o.t.Helper()
	var tr struct{ Items []flow.Trace }
	o.Get(o.t, o.people[who], "GET /api/flow/cases/"+id+"/trace", "", &tr)
	var out []string
	for _, s := range tr.Items {
		out = append(out, s.Verb)
	}
	return strings.Join(out, " ")
}

// until waits for what a job does.
func (o *office) until(what string, ok func() bool) {
	o.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			o.t.Fatal("it never came: " + what)
		}
	}
}

// Others are asked to act beside oneself, before and after; whom one asked one takes off again.
func TestAdded(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		begin := func(n string) flow.Case { return o.begin("zhang", n, `{"amount":10}`) }
		c := begin("beside")
		o.must("zhang", c.ID, `{"verb":"add","task":"`+o.see("li", c.ID).Mine[0].ID+`","to":["$zhao"]}`, 403, "flow.not_yours")
		o.must("li", c.ID, `{"verb":"add","task":"$task"}`, 422, "to")
		o.must("li", c.ID, `{"verb":"add","task":"$task","to":["$zhao","$wang"]}`, 200, "审核")
		o.must("li", c.ID, `{"verb":"add","task":"$task","to":["$zhao"]}`, 422, "所选的人已在办理")
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "审核")
		o.must("zhao", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "审核")
		// Who did not ask cannot take off; with the last one taken off the step is over.
		o.must("zhang", c.ID, `{"verb":"drop","to":["$wang"]}`, 409, "flow.not_added")
		o.must("li", c.ID, `{"verb":"drop","to":["$wang"]}`, 200, `"办理"`)
		if b := o.boxes("wang"); b.Do != 1 { // the step of his own
			t.Errorf("%+v", b)
		}

		c = begin("before")
		due := o.see("li", c.ID).Mine[0].Due
		o.must("li", c.ID, `{"verb":"add","task":"$task","how":"before","to":["$zhao","$wang"]}`, 200, "审核")
		if d := o.see("li", c.ID); len(d.Mine) != 0 || d.Holder != "张zhao、张wang" && d.Holder != "张wang、张zhao" {
			t.Errorf("%+v", d)
		}
		o.must("zhao", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "审核")
		if d := o.see("li", c.ID); len(d.Mine) != 0 {
			t.Error("it came back before all had acted")
		}
		o.must("wang", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "张li")
		if d := o.see("li", c.ID); len(d.Mine) != 1 || !d.Mine[0].Due.Equal(due.Time) {
			t.Errorf("the clock began anew: %+v, was %s", d.Mine, due)
		}
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")

		c = begin("after")
		o.must("li", c.ID, `{"verb":"add","task":"$task","how":"after","to":["$zhao"]}`, 200, "审核")
		if b := o.boxes("zhao"); b.Do != 0 {
			t.Error("it is before him too early")
		}
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "张zhao")
		o.must("zhao", c.ID, `{"verb":"submit","task":"$task","outcome":"refuse","reason":"没有预算"}`, 200, `"closed"`) // one who disagrees decides
	})
}

// Of somebody added and somebody who takes him off at once, both are told what came of it and nothing is left open.
func TestDropRace(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		for n := range 4 {
			c := o.begin("zhang", fmt.Sprint("r", n), `{"amount":10}`)
			o.must("li", c.ID, `{"verb":"add","task":"$task","to":["$zhao"]}`, 200, "")
			o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "审核")
			task := o.see("zhao", c.ID).Mine[0].ID
			var wg sync.WaitGroup
			var a, b int
			wg.Go(func() { a, _ = o.do("li", c.ID, `{"verb":"drop","to":["$zhao"]}`) })
			wg.Go(func() { b, _ = o.do("zhao", c.ID, `{"verb":"submit","task":"`+task+`","outcome":"agree"}`) })
			wg.Wait()
			if (a == 200) == (b == 200) || a != 200 && a != 409 || b != 200 && b != 409 && b != 404 {
				t.Error(a, b)
			}
			if d := o.see("zhang", c.ID); d.Step != "办理" {
				t.Errorf("%+v", d)
			}
		}
	})
}

// Whoever takes part reminds once an hour; who supervises has the case in his list; an extension is refused with a reason.
func TestUrgeSuperviseRefuse(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain(), flow.Limit{N: 5, Unit: when.WorkDay})
		c := o.begin("zhang", "m1", `{"amount":10}`)
		o.must("wang", c.ID, `{"verb":"urge"}`, 404, "flow.no_case")
		o.must("wang", c.ID, `{"verb":"copy","to":["$zhao"]}`, 404, "flow.no_case")
		o.must("zhang", c.ID, `{"verb":"copy"}`, 422, "to")
		o.must("zhang", c.ID, `{"verb":"copy","to":["$zhao"]}`, 200, "")
		if b := o.boxes("zhao"); b.Read != 1 || b.Copied != 1 {
			t.Errorf("%+v", b)
		}
		o.must("zhang", c.ID, `{"verb":"urge"}`, 200, "")
		o.must("zhang", c.ID, `{"verb":"urge"}`, 429, "flow.urged_already")
		e.Move(61 * time.Minute)
		o.must("zhang", c.ID, `{"verb":"urge"}`, 200, "")
		o.must("zhang", c.ID, `{"verb":"supervise","reason":"重点事项"}`, 403, "")
		o.must("chief", c.ID, `{"verb":"supervise"}`, 422, "reason")
		o.must("chief", c.ID, `{"verb":"supervise","reason":"重点事项"}`, 200, "")
		if b := o.boxes("chief"); b.Supervised != 1 {
			t.Errorf("%+v", b)
		}
		until := e.Now.Add(48 * time.Hour).UTC().Format(time.RFC3339)
		o.must("li", c.ID, `{"verb":"extend","task":"$task","until":"`+until+`","reason":"要再查"}`, 200, "")
		task := o.see("li", c.ID).Mine[0].ID
		o.must("li", c.ID, `{"verb":"refuse","task":"`+task+`","reason":"不"}`, 403, "")
		o.must("chief", c.ID, `{"verb":"refuse","task":"`+task+`"}`, 422, "reason")
		o.must("chief", c.ID, `{"verb":"refuse","task":"`+task+`","reason":"时间够用"}`, 200, "")
		o.must("chief", c.ID, `{"verb":"refuse","task":"`+task+`","reason":"时间够用"}`, 409, "flow.not_asked")
		o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "")
		o.must("wang", c.ID, `{"verb":"submit","task":"$task"}`, 200, "closed")
		if b := o.boxes("chief"); b.Supervised != 0 {
			t.Error("what is closed is supervised no more")
		}
	})
}

// Two cases belong together: related, the same, one a part of the other.
func TestTogether(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		a, b := o.begin("zhang", "a", `{"amount":10}`), o.begin("wang", "b", `{"amount":10}`)
		o.must("zhang", a.ID, `{"verb":"relate","other":"`+b.Number+`"}`, 422, "你看不到它") // he does not see it
		o.must("li", a.ID, `{"verb":"relate","other":"`+a.Number+`"}`, 422, "自己")
		o.must("li", a.ID, `{"verb":"relate","other":"`+b.Number+`"}`, 200, b.Number)
		if d := o.see("zhang", a.ID); len(d.Links) != 0 {
			t.Errorf("he sees a case of others: %+v", d.Links)
		}
		if d := o.see("li", b.ID); len(d.Links) != 1 || d.Links[0].Number != a.Number || d.Links[0].Kind != "related" || d.Links[0].Out {
			t.Errorf("%+v", d.Links)
		}
		if got := o.traced("wang", b.ID); got != "begin relate" {
			t.Error(got)
		}

		// Merged: the other goes on, and who began this one sees it.
		o.must("li", a.ID, `{"verb":"merge","other":"`+b.Number+`","reason":"同一件事"}`, 403, "")
		o.must("chief", a.ID, `{"verb":"merge","reason":"同一件事"}`, 422, "other")
		o.must("chief", a.ID, `{"verb":"merge","other":"`+b.Number+`"}`, 422, "reason")
		o.must("chief", a.ID, `{"verb":"merge","other":"`+b.Number+`","reason":"同一件事"}`, 200, `"merged"`)
		o.must("chief", b.ID, `{"verb":"merge","other":"`+a.Number+`","reason":"同一件事"}`, 422, "已经结束")
		if d := o.see("zhang", b.ID); d.State != flow.Open || len(d.Links) != 2 {
			t.Errorf("%+v", d)
		}
		if bx := o.boxes("li"); bx.Do != 1 {
			t.Errorf("%+v", bx)
		}
		o.must("zhang", a.ID, `{"verb":"submit","task":"x"}`, 409, "flow.not_now")

		// A part of its own; the whole ends no sooner.
		o.must("li", b.ID, `{"verb":"split","task":"$task"}`, 422, "title")
		o.must("li", b.ID, `{"verb":"split","task":"$task","title":"买墨盒"}`, 200, "")
		var part flow.Link
		for _, l := range o.see("li", b.ID).Links {
			if l.Kind == "part" {
				part = l
			}
		}
		if part.Title != "买墨盒" || part.Out {
			t.Fatalf("%+v", part)
		}
		o.must("li", b.ID, `{"verb":"submit","task":"$task","outcome":"refuse","reason":"没有预算"}`, 409, "flow.parts_open")
		o.must("li", b.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		o.must("wang", b.ID, `{"verb":"submit","task":"$task"}`, 409, "flow.parts_open")
		o.must("li", part.Case, `{"verb":"submit","task":"$task","outcome":"refuse","reason":"不用买"}`, 200, "closed")
		o.must("wang", b.ID, `{"verb":"submit","task":"$task"}`, 200, "closed")
	})
}

// Two who merge each other's cases at once: one succeeds.
func TestMergeRace(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		for n := range 4 {
			a, b := o.begin("zhang", fmt.Sprint("a", n), `{"amount":10}`), o.begin("wang", fmt.Sprint("b", n), `{"amount":10}`)
			var wg sync.WaitGroup
			var x, y int
			wg.Go(func() { x, _ = o.do("chief", a.ID, `{"verb":"merge","other":"`+b.Number+`","reason":"重复"}`) })
			wg.Go(func() { y, _ = o.do("chief", b.ID, `{"verb":"merge","other":"`+a.Number+`","reason":"重复"}`) })
			wg.Wait()
			if (x == 200) == (y == 200) {
				t.Error(x, y)
			}
		}
	})
}

const automatic = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:q="urn:qushu:bpmn:1" targetNamespace="t">
<process id="auto" name="自动" isExecutable="true">
  <startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
  <userTask id="ask" name="申请"><extensionElements><q:task><q:who kind="starter"/></q:task></extensionElements></userTask><sequenceFlow id="f2" sourceRef="ask" targetRef="stamp"/>
  <serviceTask id="stamp" name="用印"><extensionElements><q:job name="stamp"><q:arg name="ink" value="red"/></q:job></extensionElements></serviceTask><sequenceFlow id="f3" sourceRef="stamp" targetRef="annex"/>
  <callActivity id="annex" name="办附件" calledElement="memo.annex"/><sequenceFlow id="f4" sourceRef="annex" targetRef="file"/>
  <userTask id="file" name="归档"><extensionElements><q:task><q:who kind="starter"/></q:task></extensionElements></userTask><sequenceFlow id="f5" sourceRef="file" targetRef="end"/>
  <boundaryEvent id="recalled" name="撤件" attachedToRef="file" cancelActivity="true"><messageEventDefinition messageRef="m"/></boundaryEvent><sequenceFlow id="f6" sourceRef="recalled" targetRef="end"/>
  <endEvent id="end"/>
</process><message id="m" name="recall"/></definitions>`

// A service is done by a job: retried, its failure seen, waiting while the case is suspended; a called case lets the other go on;
// a message ends what listens for it.
func TestAutomatic(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		v, _ := theMemo.Load(e.Kit)
		m := v.(*memo)
		if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			p, err := flow.ReadXML([]byte(automatic))
			if err != nil {
				return err
			}
			if _, err := e.Kit.Flow.Deploy(ctx, tx, "memo", p); err != nil {
				return err
			}
			_, err = e.Kit.Flow.Deploy(ctx, tx, "memo.annex", flow.FromSteps("annex", "附件", nil, []flow.Step{{Key: "ask", Name: "登记", Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}}},
				{Key: "copy", Name: "复印", Task: flow.Task{Who: []flow.Who{{Kind: "leader", Of: "case"}}}}}))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		broken := func(to bool) { m.mu.Lock(); m.broken = to; m.mu.Unlock() }
		broken(true)
		c := o.begin("zhang", "m1", `{"amount":10}`)
		if c.Step != "用印" || c.Holder != "" {
			t.Fatalf("%+v", c)
		}
		o.until("the failure stands in the case", func() bool {
			d := o.see("zhang", c.ID)
			return len(d.Tasks) == 1 && strings.Contains(d.Tasks[0].Note, "locked away")
		})
		if n, err := e.Kit.Flow.Stuck(t.Context()); err != nil || n.Failed != 1 {
			t.Error(n, err)
		}
		o.must("chief", c.ID, `{"verb":"suspend","reason":"等钥匙"}`, 200, "suspended")
		broken(false)
		o.must("chief", c.ID, `{"verb":"resume"}`, 200, "open")
		o.until("the service is done", func() bool { return o.see("zhang", c.ID).Step == "办附件" })
		m.mu.Lock()
		if len(m.served) != 1 || m.served[0] != c.Number+" stamp red" {
			t.Error(m.served)
		}
		m.mu.Unlock()
		d := o.see("chief", c.ID)
		if len(d.Links) != 1 || d.Links[0].Kind != "called" {
			t.Fatalf("%+v", d.Links)
		}
		o.must("chief", d.Links[0].Case, `{"verb":"submit","task":"$task"}`, 200, "closed")
		o.until("the calling case goes on", func() bool { return o.see("zhang", c.ID).Step == "归档" })
		if got := o.traced("zhang", c.ID); got != "begin suspend resume auto auto" {
			t.Error(got)
		}
		if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ctx = room.Acting(ctx, &room.Actor{IsJob: true, Name: "test"})
			if n, err := e.Kit.Flow.Message(ctx, tx, c.ID, "nothing"); n != 0 || err != nil {
				t.Error(n, err)
			}
			n, err := e.Kit.Flow.Message(ctx, tx, c.ID, "recall")
			if n != 1 {
				t.Error(n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if d := o.see("zhang", c.ID); d.State != flow.Closed || len(d.Mine) != 0 {
			t.Errorf("%+v", d)
		}
		// A case that waits for another and is stopped does not leave it behind.
		c = o.begin("zhang", "m2", `{"amount":10}`)
		o.until("it waits for the other", func() bool { return o.see("zhang", c.ID).Step == "办附件" })
		annex := o.see("chief", c.ID).Links[0].Case
		o.must("chief", c.ID, `{"verb":"stop","reason":"不办了"}`, 200, "stopped")
		o.until("the other is stopped", func() bool { return o.see("chief", annex).State == flow.Stopped })
		if n, err := e.Kit.Flow.Stuck(t.Context()); err != nil || n != (flow.StuckCount{}) {
			t.Error(n, err)
		}
	})
}

// For a time somebody acts in another's place: what the other has before him stands in both lists, and the trace says for whom.
func TestDeputy(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		first := o.begin("zhang", "m1", `{"amount":10}`)
		appoint := func(who, deputy string, from, until time.Duration, status int, want string) {
			t.Helper()
			body := fmt.Sprintf(`{"deputy":%q,"from":%q,"until":%q,"reason":"休假"}`, o.people[deputy].Person, e.Now.Add(from).UTC().Format(time.RFC3339), e.Now.Add(until).UTC().Format(time.RFC3339))
			if s, b := o.Call(t, kerneltest.Case{As: o.people[who], Call: "POST /api/flow/deputies", Body: body}); s != status || !strings.Contains(b, want) {
				t.Fatal(s, b)
			}
		}
		appoint("li", "li", 0, time.Hour, 422, "deputy")
		appoint("li", "zhao", time.Hour, 0, 422, "until")
		appoint("li", "zhao", 0, 48*time.Hour, 200, "张zhao")
		appoint("li", "wang", time.Hour, 30*time.Hour, 409, "flow.deputy_already")
		second := o.begin("zhang", "m2", `{"amount":10}`)
		if b := o.boxes("zhao"); b.Do != 2 {
			t.Fatalf("%+v", b)
		}
		var l store.Listed[flow.Line]
		o.Get(t, o.people["zhao"], "GET /api/flow/tasks?box=do", "", &l)
		if l.Items[0].For != "张li" {
			t.Errorf("%+v", l.Items[0])
		}
		o.must("zhao", first.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		var tr struct{ Items []flow.Trace }
		o.Get(t, o.people["zhang"], "GET /api/flow/cases/"+first.ID+"/trace", "", &tr)
		if s := tr.Items[1]; s.For != "张li" || s.Name != "zhao" {
			t.Errorf("%+v", s)
		}
		// Returned, it is the principal's again, and the deputy's.
		o.must("wang", first.ID, `{"verb":"return","task":"$task","reason":"再核"}`, 200, "张li")
		if b := o.boxes("zhao"); b.Do != 2 {
			t.Errorf("%+v", b)
		}
		var mine struct{ Items []flow.Deputy }
		o.Get(t, o.people["li"], "GET /api/flow/deputies", "", &mine)
		if s, _ := o.Call(t, kerneltest.Case{As: o.people["zhao"], Call: "DELETE /api/flow/deputies/" + mine.Items[0].ID}); s != 404 {
			t.Error("the deputy dismisses himself in the other's name", s)
		}
		o.Get(t, o.people["li"], "DELETE /api/flow/deputies/"+mine.Items[0].ID, "", nil)
		if b := o.boxes("zhao"); b.Do != 0 || o.boxes("li").Do != 2 {
			t.Errorf("%+v", b)
		}
		if s, _ := o.do("zhao", second.ID, `{"verb":"submit","task":"x","outcome":"agree"}`); s != 404 {
			t.Error("a deputy dismissed still acts", s)
		}
	})
}

// Several alike are submitted at once; what is refused is said and the rest goes on.
func TestBatch(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		steps := plain()
		steps[1].Task.Batch = true
		o := newOffice(t, e, steps)
		var tasks []string
		for n := range 3 {
			c := o.begin("zhang", fmt.Sprint("m", n), `{"amount":10}`)
			tasks = append(tasks, `"`+o.see("li", c.ID).Mine[0].ID+`"`)
		}
		var l store.Listed[flow.Line]
		o.Get(t, o.people["li"], "GET /api/flow/tasks?box=do", "", &l)
		if !l.Items[0].Batch || len(l.Items[0].Outcomes) != 2 {
			t.Errorf("%+v", l.Items[0])
		}
		var out struct {
			Items []flow.Ended
			Done  int
		}
		o.Get(t, o.people["wang"], "POST /api/flow/batch", `{"tasks":[`+tasks[0]+`],"outcome":"agree"}`, &out)
		if out.Done != 0 || out.Items[0].Number != "" {
			t.Errorf("%+v", out)
		}
		o.Get(t, o.people["li"], "POST /api/flow/batch", `{"tasks":[`+strings.Join(tasks, ",")+`,"nothing"],"outcome":"refuse"}`, &out)
		if out.Done != 0 || !strings.Contains(out.Items[0].Message, "原因") {
			t.Errorf("%+v", out)
		}
		o.Get(t, o.people["li"], "POST /api/flow/batch", `{"tasks":[`+strings.Join(tasks, ",")+`,"nothing"],"outcome":"agree","opinion":"同意"}`, &out)
		if out.Done != 3 || out.Items[3].OK || out.Items[3].Message == "" {
			t.Errorf("%+v", out)
		}
		var pay store.Listed[flow.Line]
		o.Get(t, o.people["wang"], "GET /api/flow/tasks?box=do", "", &pay)
		o.Get(t, o.people["wang"], "POST /api/flow/batch", `{"tasks":["`+pay.Items[0].Task+`"]}`, &out)
		if out.Done != 0 || out.Items[0].OK { // a step that is done one by one
			t.Errorf("%+v", out)
		}
	})
}

// A number leads to its case, and only for who may see it.
func TestFoundByNumber(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o := newOffice(t, e, plain())
		c := o.begin("zhang", "m1", `{"amount":10}`)
		found := func(who string) string {
			_, b := o.Call(t, kerneltest.Case{As: o.people[who], Call: "GET /api/find?text=" + strings.ToLower(c.Number)})
			return b
		}
		if b := found("li"); !strings.Contains(b, c.Number) {
			t.Error(b)
		}
		if b := found("zhao"); strings.Contains(b, c.Number) {
			t.Error("a stranger finds it:", b)
		}
	})
}
