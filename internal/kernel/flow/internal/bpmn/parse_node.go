package bpmn

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}

func (r *reader) node(e *element, in string) {
	if len(r.p.Nodes) > maxNodes {
		return // it is refused as too large
	}
	id, ok := r.claim(e)
	if !ok {
		return
	}
	n := &Node{ID: id, Name: e.attr("name"), Kind: Kind(e.name), In: in, Doc: e.say("documentation"), Default: e.attr("default")}
	r.p.Nodes = append(r.p.Nodes, n)
	switch e.name {
	case "task", "manualTask":
		n.Kind = User
		r.say(Warning, id, n.Name, "flow.bpmn_as_user")
	case "subProcess":
		if e.attr("triggeredByEvent") == "true" {
			n.Kind = eventSub
		}
	}
	if key := unsupported[string(n.Kind)]; key != "" {
		r.say(Error, id, n.Name, key)
	}
	r.foreign(e, id, n.Name)
	r.multi(e, n)
	r.events(e, n)
	r.extensions(e, n)
	if e.attr("isForCompensation") == "true" {
		r.say(Error, id, n.Name, "flow.bpmn_no_compensation")
	}
	for _, q := range []string{"startQuantity", "completionQuantity"} {
		if v := e.attr(q); v != "" && v != "1" {
			r.say(Error, id, n.Name, "flow.bpmn_no_quantity", q, v)
		}
	}
	if n.Kind == Call {
		n.Call = local(e.attr("calledElement"))
	}
	for _, k := range e.kids {
		known := quiet[k.name] || strings.HasSuffix(k.name, "ventDefinition") || k.name == "sequenceFlow" || runs(k.name) || unsupported[k.name] != ""
		if k.space == ModelNS && !known {
			r.drop(k, id, n.Name)
		}
	}
	if n.Kind.holds() {
		r.scope(e, id)
	}
}

// events reads what an event waits for or does.
func (r *reader) events(e *element, n *Node) {
	var defs []*element
	for _, k := range e.kids {
		if k.space == ModelNS && (strings.HasSuffix(k.name, "EventDefinition") || k.name == "eventDefinitionRef") {
			defs = append(defs, k)
		}
	}
	if n.Kind == Boundary {
		r.boundary(e, n, defs)
		return
	}
	for _, d := range defs {
		what := strings.TrimSuffix(d.name, "EventDefinition")
		switch {
		case n.Kind == Start:
			r.say(Dropped, n.ID, n.Name, "flow.bpmn_start_event", what)
		case n.Kind == End && what == "terminate":
			n.Terminate = true
		case n.Kind == End && (what == "message" || what == "signal"):
			r.say(Dropped, n.ID, n.Name, "flow.bpmn_end_event", what)
		case n.Kind == End:
			r.say(Error, n.ID, n.Name, "flow.bpmn_no_end_event", what)
		}
	}
}

func (r *reader) boundary(e *element, n *Node, defs []*element) {
	t := &Trigger{On: local(e.attr("attachedToRef")), Cancels: e.attr("cancelActivity") != "false"}
	n.Event = t
	for i, d := range defs {
		r.foreign(d, n.ID, n.Name)
		switch {
		case i > 0:
			r.say(Error, n.ID, n.Name, "flow.bpmn_no_second_event", strings.TrimSuffix(d.name, "EventDefinition"))
		case d.name == "timerEventDefinition":
			r.timer(d, n, t)
		case d.name == "messageEventDefinition":
			ref := local(d.attr("messageRef"))
			name, ok := r.messages[ref]
			if t.Message = name; !ok || name == "" {
				t.Message = ref
			}
		default:
			r.say(Error, n.ID, n.Name, "flow.bpmn_no_boundary_event", strings.TrimSuffix(d.name, "EventDefinition"))
		}
	}
}

// timer reads our own limit, else what ISO 8601 says.
func (r *reader) timer(d *element, n *Node, t *Trigger) {
	for _, x := range own(d) {
		if x.name != "limit" {
			r.say(Warning, n.ID, n.Name, "flow.bpmn_own", x.name)
			continue
		}
		l := r.limit(x, n.ID, n.Name)
		t.Timer, t.Repeat, t.MaxTimes = &l, r.yes(x, "repeat", n.ID, n.Name), r.whole(x, "times", n.ID, n.Name)
		return
	}
	text := d.say("timeDuration")
	if c := d.say("timeCycle"); c != "" {
		m := cycle.FindStringSubmatch(c)
		if m == nil {
			r.say(Error, n.ID, n.Name, "flow.bpmn_no_duration", c)
			return
		}
		text = m[2]
		t.Repeat = true
		t.MaxTimes, _ = strconv.Atoi(m[1])
		if t.Cancels { // it fires once and takes the activity away
			t.Repeat, t.MaxTimes = false, 0
		}
	}
	if date := d.say("timeDate"); date != "" {
		r.say(Error, n.ID, n.Name, "flow.bpmn_no_date", date)
		return
	}
	l, ok := limitOf(text)
	if !ok {
		if text != "" {
			r.say(Error, n.ID, n.Name, "flow.bpmn_no_duration", text)
		}
		return
	}
	t.Timer = &l
}

// Conditions by which other engines end a repeated activity early.
var (
	shareDone = regexp.MustCompile(`^nrOfCompletedInstances\s*/\s*nrOfInstances\s*>=\s*(0?\.[0-9]{1,2}|1(?:\.0)?)$`)
	oneDone   = regexp.MustCompile(`^nrOfCompletedInstances\s*(?:>=|==|>)\s*([01])$`)
)

// multi reads the repetition of an activity.
func (r *reader) multi(e *element, n *Node) {
	x := e.kid("multiInstanceLoopCharacteristics")
	if x == nil {
		return
	}
	m := &Multi{Sequential: x.attr("isSequential") == "true", Over: x.own("over")}
	n.Multi = m
	r.foreign(x, n.ID, n.Name, "collection", "elementVariable")
	if s := x.own("percent"); s != "" {
		m.Percent = r.number(s, "percent", n.ID, n.Name)
	}
	if m.Over != "" {
		return
	}
	if s := x.say("loopCardinality"); s != "" {
		if k, err := strconv.Atoi(strings.Trim(s, "${}= ")); err == nil && k > 0 && k <= 100 {
			m.Over = countTo(k)
			r.say(Warning, n.ID, n.Name, "flow.bpmn_cardinality", k)
		} else {
			r.say(Error, n.ID, n.Name, "flow.bpmn_no_cardinality", s)
		}
	}
	for _, a := range x.attrs {
		if a.Name.Space != "" && a.Name.Local == "collection" && m.Over == "" {
			m.Over = r.expression(a.Value, n.ID, n.Name)
			r.say(Warning, n.ID, n.Name, "flow.bpmn_collection", m.Over)
		}
	}
	if ref := x.say("loopDataInputRef"); ref != "" && m.Over == "" {
		m.Over = ref
		r.say(Warning, n.ID, n.Name, "flow.bpmn_collection", ref)
	}
	if c := x.say("completionCondition"); c != "" {
		r.completion(c, n)
	}
}

func (r *reader) completion(c string, n *Node) {
	bare := c
	if w := wrapped.FindStringSubmatch(c); w != nil {
		bare = strings.TrimSpace(w[1])
	}
	if s := shareDone.FindStringSubmatch(bare); s != nil {
		if f, err := strconv.ParseFloat(s[1], 64); err == nil && f > 0 {
			n.Multi.Percent = int(f*100 + 0.5)
			return
		}
	}
	if s := oneDone.FindStringSubmatch(bare); s != nil && (s[1] == "0") == (strings.Contains(bare, ">") && !strings.Contains(bare, ">=")) {
		n.Multi.Percent = 1 // of at most a hundred, the first
		return
	}
	r.say(Error, n.ID, n.Name, "flow.bpmn_no_completion", c)
}

func countTo(k int) string {
	var s []string
	for i := range k {
		s = append(s, strconv.Itoa(i+1))
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// lanes reads the lanes, inner ones instead of those around them.
func (r *reader) lanes(e *element) {
	for _, k := range e.kids {
		switch {
		case k.is("laneSet"):
			for _, l := range k.kids {
				if l.is("lane") {
					r.lane(l, "", nil)
				}
			}
		case k.space == ModelNS && Kind(k.name).holds():
			r.lanes(k)
		}
	}
	for _, l := range r.p.Lanes {
		for _, id := range l.Nodes {
			if n := r.p.Node(id); n != nil && n.Lane == "" {
				n.Lane = l.ID
			}
		}
	}
}

func (r *reader) lane(e *element, outer string, who []Who) {
	if len(r.p.Lanes) > maxNodes {
		return // it is refused as too large
	}
	id, ok := r.claim(e)
	if !ok {
		return
	}
	l := Lane{ID: id, Name: e.attr("name")}
	if outer != "" {
		l.Name = strings.TrimSuffix(outer+" / "+l.Name, " / ")
	}
	r.foreign(e, id, l.Name)
	for _, x := range own(e) {
		if x.name == "who" {
			l.Who = append(l.Who, whoOf(x))
		} else {
			r.say(Warning, id, l.Name, "flow.bpmn_own", x.name)
		}
	}
	if l.Who == nil {
		l.Who = slices.Clone(who)
	}
	inner := map[string]bool{}
	set := e.kid("childLaneSet")
	if set != nil {
		r.say(Dropped, id, l.Name, "flow.bpmn_lane_outer")
		for _, k := range set.kids {
			if k.is("lane") {
				r.lane(k, l.Name, l.Who)
				refs(k, inner)
			}
		}
	}
	for _, k := range e.kids {
		if ref := local(k.text); k.is("flowNodeRef") && ref != "" && !inner[ref] && len(l.Nodes) <= maxNodes && !slices.Contains(l.Nodes, ref) {
			l.Nodes = append(l.Nodes, ref)
		}
	}
	if set == nil || len(l.Nodes) > 0 {
		r.p.Lanes = append(r.p.Lanes, l)
	}
}

// refs gathers the nodes of a lane and of those inside it.
func refs(e *element, into map[string]bool) {
	for _, k := range e.kids {
		if k.is("flowNodeRef") {
			into[local(k.text)] = true
		}
		if k.is("childLaneSet") || k.is("lane") {
			refs(k, into)
		}
	}
}

// pools reads what stands around the process: its name, and what is not taken over.
func (r *reader) pools(root *element, main string) {
	for _, c := range root.kids {
		if !c.is("collaboration") {
			continue
		}
		for _, k := range c.kids {
			if k.space != ModelNS || quiet[k.name] {
				continue
			}
			if !k.is("participant") {
				r.drop(k, c.attr("id"), c.attr("name"))
				continue
			}
			name := k.attr("name")
			switch {
			case local(k.attr("processRef")) != main:
				if k.attr("processRef") == "" {
					r.say(Dropped, k.attr("id"), name, "flow.bpmn_drop_pool")
				}
			case r.p.Name == "":
				r.p.Name = name
			case r.p.Name != name && name != "":
				r.say(Dropped, k.attr("id"), name, "flow.bpmn_pool_name", r.p.Name)
			}
		}
	}
}
