package flow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// table is somebody at the drawing table.
type table struct{ *office }

func atTable(t *testing.T, e *kerneltest.Env) table {
	o := newOffice(t, e, plain())
	o.people["chief"].Grants["flow.draw"] = []room.Grant{{Scope: room.All}}
	return table{o}
}

func (d table) show() (out flow.DrawingView) {
	d.t.Helper()
	d.Get(d.t, d.people["chief"], "GET /api/flow/drawings/memo", "", &out)
	return out
}

func (d table) call(call string, body any, status int, want string) {
	d.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	if body == nil {
		b = nil
	}
	if s, got := d.Call(d.t, kerneltest.Case{As: d.people["chief"], Call: call, Body: string(b)}); s != status || !strings.Contains(got, want) {
		d.t.Fatalf("%s: %d, want %d with %q: %s", call, s, status, want, got)
	}
}

func (d table) plan() (out flow.MovePlan) {
	d.t.Helper()
	d.Get(d.t, d.people["chief"], "GET /api/flow/drawings/memo/move", "", &out)
	return out
}

// redrawn is plain with 审核 called 复核 under another id, and 归档 after 办理.
func (d table) redrawn() *flow.Process {
	p := d.show().Sheet.Process
	b, err := json.Marshal(p)
	if err != nil {
		d.t.Fatal(err)
	}
	text := strings.NewReplacer(`"check"`, `"review"`, `"审核"`, `"复核"`).Replace(string(b))
	p = &flow.Process{}
	if err := json.Unmarshal([]byte(text), p); err != nil {
		d.t.Fatal(err)
	}
	file := *p.Node("pay")
	file.ID, file.Name = "file", "归档"
	p.Nodes = append(p.Nodes, &file)
	for _, f := range p.Flows {
		if f.From == "pay" {
			f.From = "file"
			more := *f
			more.ID, more.From, more.To = "pay_file", "pay", "file"
			p.Flows = append(p.Flows, &more)
			break
		}
	}
	return p
}

func TestDrawn(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d := atTable(t, e)
		if s, _ := d.Call(t, kerneltest.Case{As: d.people["zhang"], Call: "GET /api/flow/drawings/memo"}); s != 403 {
			t.Errorf("everybody sees drawings: %d", s)
		}
		v := d.show()
		if v.Draft != 0 || len(v.Versions) != 1 || v.Versions[0].Source != "room" || len(v.Values) != 4 || v.Values[0].Name != "amount" || !v.Calls {
			t.Fatalf("%+v", v)
		}
		// What is no drawing at all is refused, not stumbled over.
		for _, body := range []string{`{"process":{"id":"memo","name":"x","nodes":[null],"flows":[]}}`, `{"process":{"id":"memo","name":"x","nodes":[],"flows":[null]}}`, `{"process":{"id":"memo","name":"x"}}`,
			`{"process":{"id":"memo","name":"x","nodes":[{"id":"a","name":"","kind":"subProcess","in":"a"}],"flows":[{"id":"f","name":"","from":"a","to":"b"}]}}`, `{"process":{"id":"memo","name":"x","nodes":[{"id":"a","name":"","kind":"boundaryEvent"}],"flows":[]}}`} {
			if s, b := d.Call(t, kerneltest.Case{As: d.people["chief"], Call: "POST /api/flow/drawings/memo/check", Body: body}); s != 422 && s != 200 {
				t.Errorf("%d %s: %s", s, body, b)
			}
		}
		// What is not whole may be kept, and not published; what somebody else kept meanwhile is not overwritten.
		p := d.redrawn()
		who := p.Node("review").Task.Who
		p.Node("review").Task.Who = nil
		draft := func(p *flow.Process, version int64) map[string]any {
			return map[string]any{"process": p, "version": version}
		}
		d.call("PUT /api/flow/drawings/memo/draft", draft(p, 0), 200, "没有写明由谁办理")
		d.call("PUT /api/flow/drawings/memo/draft", draft(p, 0), 409, "flow.draft_changed")
		d.call("POST /api/flow/drawings/memo/publish", map[string]any{"version": 1, "note": "增加归档"}, 422, `"review"`)
		p.Node("review").Task.Who = who
		p.Flows[0].When = "amont > 3"
		d.call("POST /api/flow/drawings/memo/check", map[string]any{"process": p}, 200, "amont")
		p.Flows[0].When = ""
		d.call("PUT /api/flow/drawings/memo/draft", draft(p, 1), 200, `"findings":[]`)
		d.call("POST /api/flow/drawings/memo/publish", map[string]any{"version": 1, "note": "增加归档"}, 409, "flow.draft_changed")
		d.call("POST /api/flow/drawings/memo/publish", map[string]any{"version": 2, "note": "增加归档"}, 200, "def")
		d.call("DELETE /api/flow/drawings/memo/draft", nil, 404, "flow.no_draft")
		v = d.show()
		if v.Draft != 0 || len(v.Versions) != 2 || v.Versions[0].Source != "drawn" || v.Versions[0].Note != "增加归档" || v.Versions[0].ByName != "张chief" {
			t.Fatalf("%+v", v.Versions)
		}
		c := d.begin("zhang", "m1", `{"amount":10}`)
		d.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		d.must("wang", c.ID, `{"verb":"submit","task":"$task"}`, 200, "归档")
		// The room's own drawing, deployed again as at every start, does not push it aside; a new one of the room's does.
		deploy := func(steps []flow.Step) {
			t.Helper()
			for i := range steps {
				for j, w := range steps[i].Task.Who {
					if d.people[w.ID] != nil {
						steps[i].Task.Who[j].ID = d.people[w.ID].Person
					}
				}
				for j, w := range steps[i].Task.Copy {
					steps[i].Task.Copy[j].ID = d.people[w.ID].Person
				}
			}
			if err := e.Kit.DB.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := e.Kit.Flow.Deploy(ctx, tx, "memo", flow.FromSteps("memo", "便函", nil, steps))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		deploy(plain())
		if v := d.show(); len(v.Versions) != 2 || v.Versions[0].Source != "drawn" {
			t.Errorf("%+v", v.Versions)
		}
		deploy(plain()[:2])
		if v := d.show(); len(v.Versions) != 3 || v.Versions[0].Source != "room" {
			t.Errorf("%+v", v.Versions)
		}
		var list struct{ Items []flow.Drawn }
		d.Get(t, d.people["chief"], "GET /api/flow/drawings", "", &list)
		if len(list.Items) != 1 || list.Items[0].Number != 3 || list.Items[0].Behind != 1 || list.Items[0].Open != 0 {
			t.Errorf("%+v", list.Items)
		}
		// Out to another tool and in again, it is the same; what another tool adds is named.
		s, xml := d.Call(t, kerneltest.Case{As: d.people["chief"], Call: "GET /api/flow/drawings/memo/versions/" + v.Versions[0].Def + "/bpmn"})
		if s != 200 || !strings.Contains(xml, `name="归档"`) {
			t.Fatal(s, xml)
		}
		d.call("POST /api/flow/drawings/memo/read", map[string]string{"xml": xml}, 200, `"findings":[]`)
		foreign, err := os.ReadFile(filepath.Join("internal", "bpmn", "testdata", "flowable-leave.bpmn"))
		if err != nil {
			t.Fatal(err)
		}
		d.call("POST /api/flow/drawings/memo/read", map[string]string{"xml": string(foreign)}, 200, `"dropped"`)
		d.call("POST /api/flow/drawings/memo/read", map[string]string{"xml": "<no"}, 422, "")
		d.call("GET /api/flow/drawings/memo/versions/"+v.Versions[1].Def, nil, 200, "审核")
		d.call("GET /api/flow/drawings/nothing/versions/"+v.Versions[1].Def, nil, 404, "")
	})
}

func TestMoved(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d := atTable(t, e)
		m := theMemoOf(t, e)
		atCheck, suspended := d.begin("zhang", "m1", `{"amount":10}`), d.begin("zhang", "m2", `{"amount":10}`)
		atPay := d.begin("zhang", "m3", `{"amount":10}`)
		d.must("li", atPay.ID, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
		d.must("chief", suspended.ID, `{"verb":"suspend","reason":"等预算"}`, 200, "suspended")
		ended := d.begin("zhang", "m4", `{"amount":10}`)
		d.must("li", ended.ID, `{"verb":"submit","task":"$task","outcome":"refuse","reason":"没有预算"}`, 200, "closed")
		d.call("POST /api/flow/drawings/memo/move", map[string]any{"def": d.show().Versions[0].Def, "reason": "试一试"}, 409, "flow.nothing_to_move")

		d.call("PUT /api/flow/drawings/memo/draft", map[string]any{"process": d.redrawn(), "version": 0}, 200, "")
		d.call("POST /api/flow/drawings/memo/publish", map[string]any{"version": 1, "note": "增加归档"}, 200, "")
		p := d.plan()
		if p.Cases != 3 || len(p.Steps) != 2 || p.Steps[0].Node != "check" || p.Steps[0].Cases != 2 || p.Steps[0].Onto != "" || len(p.Steps[0].Targets) != 5 || p.Steps[1].Onto != "pay" {
			t.Fatalf("%+v", p)
		}
		move := func(steps map[string]string) {
			t.Helper()
			d.call("POST /api/flow/drawings/memo/move", map[string]any{"def": p.Def, "steps": steps, "reason": "流程已更新"}, 200, "running")
		}
		state := func(want string) func() bool {
			return func() bool { l := d.plan().Last; return l != nil && l.State == want }
		}
		d.call("POST /api/flow/drawings/memo/move", map[string]any{"def": "x", "reason": "试一试"}, 409, "flow.newer_drawing")
		d.call("POST /api/flow/drawings/memo/move", map[string]any{"def": p.Def, "steps": map[string]string{"check": "x"}, "reason": "试一试"}, 422, "steps")

		// One that cannot go on is tried again and can be called off; nothing was moved by halves.
		m.lock(true)
		move(nil)
		d.call("POST /api/flow/drawings/memo/move", map[string]any{"def": p.Def, "reason": "再来"}, 409, "flow.moving_already")
		d.call("DELETE /api/flow/drawings/memo/move", nil, 204, "")
		d.call("DELETE /api/flow/drawings/memo/move", nil, 404, "flow.not_moving")
		m.lock(false)
		if p := d.plan(); p.Last.State != "cancelled" || p.Cases != 3 {
			t.Fatalf("%+v", p)
		}
		// Without a word about 审核 those that stand there stay, each with the reason.
		move(nil)
		d.until("it is done", state("done"))
		if l := d.plan().Last; l.Moved != 1 || l.Kept != 2 || l.Total != 3 {
			t.Errorf("%+v", l)
		}
		var kept struct{ Items []flow.KeptBack }
		d.Get(t, d.people["chief"], "GET /api/flow/drawings/memo/move/kept", "", &kept)
		if len(kept.Items) != 2 || !strings.Contains(kept.Items[0].Why, "审核") {
			t.Errorf("%+v", kept)
		}
		d.must("wang", atPay.ID, `{"verb":"submit","task":"$task"}`, 200, "归档")
		move(map[string]string{"check": "review"})
		d.until("it is done", func() bool { p := d.plan(); return p.Last.State == "done" && p.Cases == 0 })
		if c := d.see("zhang", atCheck.ID); c.Step != "复核" || c.Holder != "张li" || c.Tasks[0].Due.IsZero() {
			t.Errorf("%+v", c)
		}
		d.must("chief", suspended.ID, `{"verb":"resume"}`, 200, "复核")
		for _, c := range []string{atCheck.ID, suspended.ID} {
			d.must("li", c, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
			d.must("wang", c, `{"verb":"return","task":"$task","reason":"金额不清"}`, 200, "复核")
			d.must("li", c, `{"verb":"submit","task":"$task","outcome":"agree"}`, 200, "办理")
			d.must("wang", c, `{"verb":"submit","task":"$task"}`, 200, "归档")
			d.must("wang", c, `{"verb":"submit","task":"$task"}`, 200, "closed")
		}
		if got := d.traced("zhang", atCheck.ID); got != "begin move submit return submit submit submit" {
			t.Error(got)
		}
		if s := d.see("zhang", ended.ID); s.State != flow.Closed {
			t.Error("what had ended was touched")
		}
		if n, err := e.Kit.Flow.Stuck(t.Context()); err != nil || n != (flow.StuckCount{}) {
			t.Error(n, err)
		}
	})
}

// A step keeps the timer at its edge, and a timer the new drawing adds begins.
func TestMovedTimers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		d := atTable(t, e)
		draw := func(note, extra string) {
			t.Helper()
			xml := fmt.Sprintf(timed, d.people["li"].Person, extra)
			p, err := flow.ReadXML([]byte(xml))
			if err != nil {
				t.Fatal(err)
			}
			d.call("PUT /api/flow/drawings/memo/draft", map[string]any{"process": p, "version": 0}, 200, "")
			d.call("POST /api/flow/drawings/memo/publish", map[string]any{"version": 1, "note": note}, 200, "")
		}
		draw("第一版", "")
		c := d.begin("zhang", "m1", `{"amount":10}`)
		draw("第二版", `<boundaryEvent id="soon" name="快到了" attachedToRef="both" cancelActivity="false"><timerEventDefinition><timeDuration>PT30M</timeDuration></timerEventDefinition></boundaryEvent>
			<sequenceFlow id="f9" sourceRef="soon" targetRef="end"/>`)
		d.call("POST /api/flow/drawings/memo/move", map[string]any{"def": d.plan().Def, "reason": "流程已更新"}, 200, "running")
		d.until("it is moved", func() bool { l := d.plan().Last; return l != nil && l.State == "done" && l.Moved == 1 })
		at := func(kind string) int {
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM flow_timer WHERE case_id = $1 AND kind = 'boundary' AND arg = $2`, c.ID, kind)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if at("late") != 1 || at("soon") != 1 {
			t.Errorf("late %d, soon %d", at("late"), at("soon"))
		}
		d.must("li", c.ID, `{"verb":"submit","task":"$task"}`, 200, "closed")
		if at("late")+at("soon") != 0 {
			t.Error("timers of a closed case are left")
		}
	})
}

const timed = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:qushu="urn:qushu:bpmn:1" targetNamespace="x"><process id="memo" name="便函" isExecutable="true">
	<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
	<userTask id="ask" name="申请"><extensionElements><qushu:task><qushu:who kind="starter"/></qushu:task></extensionElements></userTask><sequenceFlow id="f2" sourceRef="ask" targetRef="both"/>
	<userTask id="both" name="会办"><extensionElements><qushu:task share="each"><qushu:who kind="person" id="%s"/></qushu:task></extensionElements></userTask>
	<boundaryEvent id="late" name="超时" attachedToRef="both" cancelActivity="true"><timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition></boundaryEvent>
	<sequenceFlow id="f3" sourceRef="both" targetRef="end"/><sequenceFlow id="f4" sourceRef="late" targetRef="end"/><endEvent id="end"/>%s
</process></definitions>`

func theMemoOf(t *testing.T, e *kerneltest.Env) *memo {
	t.Helper()
	m, ok := theMemo.Load(e.Kit)
	if !ok {
		t.Fatal("no memo room")
	}
	return m.(*memo)
}

func (m *memo) lock(to bool) { m.mu.Lock(); defer m.mu.Unlock(); m.locked = to }
