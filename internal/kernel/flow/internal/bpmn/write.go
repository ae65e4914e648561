package bpmn

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// writer writes XML by hand, so that the same drawing is always the same bytes.
type writer struct {
	b     bytes.Buffer
	depth int
	p     *Process
	ids   map[string]bool
	msgs  map[string]string // name → id
	kids  map[string][]*Node
	flows map[string][]*Flow // scope → flows
}

// Write gives the drawing as BPMN 2.0 XML with its diagram. Parse reads the same drawing from it.
func Write(p *Process) []byte {
	w := &writer{p: p, ids: map[string]bool{p.ID: true}, msgs: map[string]string{}, kids: map[string][]*Node{}, flows: map[string][]*Flow{}}
	for _, n := range p.Nodes {
		w.ids[n.ID] = true
		w.kids[n.In] = append(w.kids[n.In], n)
	}
	for _, f := range p.Flows {
		w.ids[f.ID] = true
		in := scopeOf(p, f)
		w.flows[in] = append(w.flows[in], f)
	}
	for _, l := range p.Lanes {
		w.ids[l.ID] = true
	}
	w.b.WriteString(xml.Header)
	w.open("definitions", "xmlns", ModelNS, "xmlns:bpmndi", DiNS, "xmlns:dc", DcNS, "xmlns:di", DdNS, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance", "xmlns:qushu", OwnNS,
		"id", w.id("definitions"), "targetNamespace", "urn:qushu:flow", "exporter", "Qushu")
	w.messages()
	plane := p.ID
	pool := ""
	if len(p.Lanes) > 0 { // lanes want a pool around them
		plane, pool = w.id("collaboration"), w.id("pool")
		w.open("collaboration", "id", plane)
		w.leaf("participant", "id", pool, "name", p.Name, "processRef", p.ID)
		w.close("collaboration")
	}
	w.process()
	w.diagram(plane, pool)
	w.close("definitions")
	return w.b.Bytes()
}

// id makes an id that nothing else has.
func (w *writer) id(stem string) string {
	for i := 1; ; i++ {
		if id := stem + "_" + strconv.Itoa(i); !w.ids[id] {
			w.ids[id] = true
			return id
		}
	}
}

// tag writes a tag with those attributes that are not empty.
func (w *writer) tag(end, name string, attrs ...string) {
	w.b.WriteString(strings.Repeat("  ", w.depth) + "<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			w.b.WriteString(" " + attrs[i] + `="`)
			w.escape(attrs[i+1])
			w.b.WriteByte('"')
		}
	}
	w.b.WriteString(end)
}

func (w *writer) escape(s string) {
	_ = xml.EscapeText(&w.b, []byte(s)) // a buffer takes everything
}

func (w *writer) open(name string, attrs ...string) {
	w.tag(">\n", name, attrs...)
	w.depth++
}

func (w *writer) close(name string) {
	w.depth--
	w.b.WriteString(strings.Repeat("  ", w.depth) + "</" + name + ">\n")
}

func (w *writer) leaf(name string, attrs ...string) { w.tag("/>\n", name, attrs...) }

// say writes an element with text, nothing when there is none.
func (w *writer) say(name, text string, attrs ...string) {
	if text != "" {
		w.tag(">", name, attrs...)
		w.escape(text)
		w.b.WriteString("</" + name + ">\n")
	}
}

func (w *writer) messages() {
	for _, n := range w.p.Nodes {
		if n.Event != nil && n.Event.Message != "" && w.msgs[n.Event.Message] == "" {
			id := w.id("message")
			w.msgs[n.Event.Message] = id
			w.leaf("message", "id", id, "name", n.Event.Message)
		}
	}
}

func (w *writer) process() {
	p := w.p
	w.open("process", "id", p.ID, "name", p.Name, "isExecutable", "true")
	w.say("documentation", p.Doc)
	if len(p.Limit) > 0 {
		w.open("extensionElements")
		w.limits(p.Limit)
		w.close("extensionElements")
	}
	if len(p.Lanes) > 0 {
		w.open("laneSet", "id", w.id("lanes"))
		for _, l := range p.Lanes {
			w.open("lane", "id", l.ID, "name", l.Name)
			if len(l.Who) > 0 {
				w.open("extensionElements")
				w.whos(l.Who)
				w.close("extensionElements")
			}
			for _, id := range l.Nodes {
				w.say("flowNodeRef", id)
			}
			w.close("lane")
		}
		w.close("laneSet")
	}
	w.scope("")
	w.close("process")
}

func (w *writer) scope(in string) {
	for _, n := range w.kids[in] {
		if w.depth < maxDepth-8 { // one that stands in itself is not written without end
			w.node(n)
		}
	}
	for _, f := range w.flows[in] {
		attrs := []string{"id", f.ID, "name", f.Name, "sourceRef", f.From, "targetRef", f.To}
		if f.When == "" {
			w.leaf("sequenceFlow", attrs...)
			continue
		}
		w.open("sequenceFlow", attrs...)
		w.tag(">", "conditionExpression", "xsi:type", "tFormalExpression")
		w.escape(f.When)
		w.b.WriteString("</conditionExpression>\n")
		w.close("sequenceFlow")
	}
}

func (w *writer) node(n *Node) {
	name := string(n.Kind)
	attrs := []string{"id", n.ID, "name", n.Name}
	switch n.Kind {
	case eventSub:
		name = string(Sub)
		attrs = append(attrs, "triggeredByEvent", "true")
	case Call:
		attrs = append(attrs, "calledElement", n.Call)
	case Boundary:
		if n.Event != nil {
			attrs = append(attrs, "attachedToRef", n.Event.On, "cancelActivity", strconv.FormatBool(n.Event.Cancels))
		}
	}
	w.open(name, append(attrs, "default", n.Default)...)
	w.say("documentation", n.Doc)
	w.extensions(n)
	for _, f := range w.p.Flows {
		if f.To == n.ID {
			w.say("incoming", f.ID)
		}
	}
	for _, f := range w.p.Flows {
		if f.From == n.ID {
			w.say("outgoing", f.ID)
		}
	}
	if m := n.Multi; m != nil {
		percent := ""
		if m.Percent != 0 {
			percent = strconv.Itoa(m.Percent)
		}
		w.leaf("multiInstanceLoopCharacteristics", "isSequential", strconv.FormatBool(m.Sequential), "qushu:over", m.Over, "qushu:percent", percent)
	}
	if n.Kind.holds() {
		w.scope(n.ID)
	}
	if n.Terminate {
		w.leaf("terminateEventDefinition")
	}
	if n.Kind == Boundary && n.Event != nil {
		w.trigger(n.Event)
	}
	w.close(name)
}

func (w *writer) trigger(e *Trigger) {
	if e.Message != "" {
		w.leaf("messageEventDefinition", "messageRef", w.msgs[e.Message])
	}
	if e.Timer == nil {
		return
	}
	w.open("timerEventDefinition")
	w.open("extensionElements")
	l := []string{"n", number(e.Timer.N), "unit", string(e.Timer.Unit), "when", e.Timer.When, "repeat", yes(e.Repeat)}
	w.leaf("qushu:limit", append(l, "times", whole(e.MaxTimes))...)
	w.close("extensionElements")
	switch d := duration(*e.Timer); {
	case d == "":
	case e.Repeat:
		w.say("timeCycle", "R"+whole(e.MaxTimes)+"/"+d)
	default:
		w.say("timeDuration", d)
	}
	w.close("timerEventDefinition")
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func whole(i int) string {
	if i == 0 {
		return ""
	}
	return strconv.Itoa(i)
}

func (w *writer) limits(all []Limit) {
	for _, l := range all {
		w.leaf("qushu:limit", "n", number(l.N), "unit", string(l.Unit), "when", l.When)
	}
}

func (w *writer) whos(all []Who) {
	for _, x := range all {
		w.leaf("qushu:who", "kind", x.Kind, "id", x.ID, "of", x.Of, "level", x.Level)
	}
}

func (w *writer) extensions(n *Node) {
	switch {
	case n.Kind == User && n.Task != nil:
		w.open("extensionElements")
		w.task(n.Task)
		w.close("extensionElements")
	case n.Kind == Service && n.Service != nil:
		w.open("extensionElements")
		w.open("qushu:job", "name", n.Service.Name)
		for _, k := range slices.Sorted(maps.Keys(n.Service.Args)) {
			w.leaf("qushu:arg", "name", k, "value", n.Service.Args[k])
		}
		w.close("qushu:job")
		w.close("extensionElements")
	}
}

func (w *writer) task(t *Task) {
	w.open("qushu:task", "share", string(t.Share), "percent", whole(t.Percent), "form", t.Form, "batch", yes(t.Batch), "opinion", yes(t.Opinion))
	w.whos(t.Who)
	for _, r := range t.Rights {
		w.leaf("qushu:right", "field", r.Field, "may", r.May)
	}
	for _, a := range t.Outcomes {
		w.leaf("qushu:outcome", "key", a.Key, "name", a.Name, "agree", yes(a.Agree), "reason", yes(a.Reason), "choose", a.Choose)
	}
	w.limits(t.Limit)
	for _, x := range t.Warn {
		w.leaf("qushu:warn", "percent", whole(x))
	}
	for _, e := range t.Escalate {
		w.open("qushu:escalate", "percent", whole(e.Percent), "do", e.Do)
		w.whos(e.To)
		w.close("qushu:escalate")
	}
	if len(t.Copy) > 0 {
		w.open("qushu:copy")
		w.whos(t.Copy)
		w.close("qushu:copy")
	}
	for _, s := range t.Phrases {
		w.leaf("qushu:phrase", "text", s)
	}
	for _, s := range t.Deny {
		w.leaf("qushu:deny", "verb", s)
	}
	w.close("qushu:task")
}

// diagram writes where things are drawn.
func (w *writer) diagram(plane, pool string) {
	p := w.p
	if len(p.Shapes) == 0 {
		return
	}
	w.open("bpmndi:BPMNDiagram", "id", w.id("diagram"))
	w.open("bpmndi:BPMNPlane", "id", w.id("plane"), "bpmnElement", plane)
	var around Rect
	for _, l := range p.Lanes {
		if r, ok := p.Shapes[l.ID]; ok {
			around = around.with(r)
		}
	}
	if pool != "" && around.W > 0 {
		w.shape(pool, Rect{around.X - poolTitle, around.Y, around.W + poolTitle, around.H}, "isHorizontal", "true")
	}
	for _, l := range p.Lanes {
		w.shape(l.ID, p.Shapes[l.ID], "isHorizontal", "true")
	}
	for _, n := range p.Nodes {
		var more []string
		switch {
		case n.Kind.holds():
			more = []string{"isExpanded", "true"}
		case n.Kind == Exclusive:
			more = []string{"isMarkerVisible", "true"}
		}
		w.shape(n.ID, p.Shapes[n.ID], more...)
	}
	for _, f := range p.Flows {
		if len(p.Edges[f.ID]) < 2 {
			continue
		}
		w.open("bpmndi:BPMNEdge", "id", w.id(f.ID+"_di"), "bpmnElement", f.ID)
		for _, pt := range p.Edges[f.ID] {
			w.leaf("di:waypoint", "x", number(pt.X), "y", number(pt.Y))
		}
		w.close("bpmndi:BPMNEdge")
	}
	w.close("bpmndi:BPMNPlane")
	w.close("bpmndi:BPMNDiagram")
}

// poolTitle is the width of the strip with the name of a pool.
const poolTitle = 30

func (w *writer) shape(id string, r Rect, more ...string) {
	if r.W <= 0 {
		return
	}
	w.open("bpmndi:BPMNShape", append([]string{"id", w.id(id + "_di"), "bpmnElement", id}, more...)...)
	w.leaf("dc:Bounds", "x", number(r.X), "y", number(r.Y), "width", number(r.W), "height", number(r.H))
	w.close("bpmndi:BPMNShape")
}

// with is the smallest rectangle around both; one without width is none.
func (r Rect) with(o Rect) Rect {
	if r.W == 0 {
		return o
	}
	x, y := min(r.X, o.X), min(r.Y, o.Y)
	return Rect{x, y, max(r.X+r.W, o.X+o.W) - x, max(r.Y+r.H, o.Y+o.H) - y}
}
