package bpmn

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
)

// unsupported are the elements that stay in the drawing as what they are, so that a person sees them where they stand,
// but cannot run. The text of each says what to draw instead.
var unsupported = map[string]string{
	"scriptTask":             "flow.bpmn_no_script_task",
	"businessRuleTask":       "flow.bpmn_no_business_rule_task",
	"sendTask":               "flow.bpmn_no_send_task",
	"receiveTask":            "flow.bpmn_no_receive_task",
	"complexGateway":         "flow.bpmn_no_complex_gateway",
	"eventBasedGateway":      "flow.bpmn_no_event_gateway",
	"intermediateCatchEvent": "flow.bpmn_no_catch_event",
	"intermediateThrowEvent": "flow.bpmn_no_throw_event",
	"transaction":            "flow.bpmn_no_transaction",
	"adHocSubProcess":        "flow.bpmn_no_ad_hoc",
	"callChoreography":       "flow.bpmn_no_choreography",
	"subChoreography":        "flow.bpmn_no_choreography",
	"choreographyTask":       "flow.bpmn_no_choreography",
	string(eventSub):         "flow.bpmn_no_event_sub",
}

// eventSub is a sub-process that an event starts; in XML it is a subProcess with a mark.
const eventSub Kind = "eventSubProcess"

// dropped are elements a flow runs without, and how each is named.
var dropped = map[string]string{
	"dataObject":          "flow.bpmn_drop_data",
	"dataObjectReference": "flow.bpmn_drop_data",
	"dataStoreReference":  "flow.bpmn_drop_data",
	"textAnnotation":      "flow.bpmn_drop_note",
	"association":         "flow.bpmn_drop_association",
	"group":               "flow.bpmn_drop_group",
	"messageFlow":         "flow.bpmn_drop_message_flow",
}

// quiet are children of elements that say nothing of their own: they repeat what stands elsewhere.
var quiet = map[string]bool{"incoming": true, "outgoing": true, "documentation": true, "extensionElements": true, "laneSet": true, "conditionExpression": true, "multiInstanceLoopCharacteristics": true, "flowNodeRef": true, "childLaneSet": true}

// people are the elements by which BPMN says who acts, in terms of another system's accounts.
var people = map[string]bool{"potentialOwner": true, "humanPerformer": true, "performer": true, "resourceRole": true}

type reader struct {
	p        *Process
	out      []Finding
	ids      map[string]bool   // every id of the file
	taken    map[string]bool   // ids of nodes, flows and lanes read so far
	messages map[string]string // id → name
	strange  []*strange
	more     bool // there is more to say than anybody reads
}

// Bounds of what is said about one file.
const (
	maxFindings = 500
	maxStrange  = 100
)

// Parse reads BPMN 2.0 XML of any tool. What is not taken over or cannot run is among the findings; an error means
// that there is no drawing at all.
func Parse(src []byte) (*Process, []Finding, error) {
	root, err := tree(src)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{p: &Process{Shapes: map[string]Rect{}, Edges: map[string][]Point{}}, ids: map[string]bool{}, taken: map[string]bool{}, messages: map[string]string{}}
	r.collect(root)
	main, err := r.choose(root)
	if err != nil {
		return nil, nil, err
	}
	r.process(main)
	r.pools(root, main.attr("id"))
	if len(r.p.Nodes) > maxNodes || len(r.p.Flows) > maxFlows || len(r.p.Lanes) > maxNodes {
		return nil, nil, errs.New(errs.Invalid, "flow.bpmn_too_many", maxNodes)
	}
	r.order()
	r.diagram(root)
	r.strangers()
	if r.more {
		r.out = append(r.out, Finding{Element: r.p.ID, Name: r.p.Name, Kind: Error, Key: "flow.bpmn_more"})
	}
	return r.p, r.out, nil
}

func (r *reader) say(kind Grade, id, name, key string, args ...any) {
	f := Finding{Element: id, Name: name, Kind: kind, Key: key, Args: args}
	if name == "" {
		f.Name = id
	}
	if len(r.out) >= maxFindings {
		r.more = true
		return
	}
	if !slices.ContainsFunc(r.out, func(o Finding) bool {
		return o.Element == id && o.Key == key && slices.Equal(o.Args, args)
	}) {
		r.out = append(r.out, f)
	}
}

// collect notes every id of the file, and the names of messages.
func (r *reader) collect(e *element) {
	if id := e.attr("id"); id != "" {
		r.ids[id] = true
		if e.is("message") {
			r.messages[id] = e.attr("name")
		}
	}
	for _, k := range e.kids {
		r.collect(k)
	}
}

// choose finds the process that is read: the first that may run, else the largest. The others are named.
func (r *reader) choose(root *element) (*element, error) {
	var all []*element
	for _, k := range root.kids {
		switch {
		case k.is("process"):
			all = append(all, k)
		case k.is("choreography") || k.is("globalChoreographyTask"):
			r.say(Error, k.attr("id"), k.attr("name"), "flow.bpmn_no_choreography")
		}
	}
	if len(all) == 0 {
		return nil, errs.New(errs.Invalid, "flow.bpmn_no_process")
	}
	best := all[0]
	for _, e := range all[1:] {
		runs, ran := e.attr("isExecutable") == "true", best.attr("isExecutable") == "true"
		if runs && !ran || runs == ran && len(e.kids) > len(best.kids) {
			best = e
		}
	}
	for _, e := range all {
		if e != best {
			r.say(Error, e.attr("id"), e.attr("name"), "flow.bpmn_several_processes", title(best))
		}
	}
	return best, nil
}

func title(e *element) string {
	if n := e.attr("name"); n != "" {
		return n
	}
	return e.attr("id")
}

// free makes an id that nothing in the file has.
func (r *reader) free(stem string) string {
	for i := 1; ; i++ {
		if id := stem + "_" + strconv.Itoa(i); !r.ids[id] {
			r.ids[id] = true
			return id
		}
	}
}

// claim gives an element its id; one that is there twice is refused.
func (r *reader) claim(e *element) (string, bool) {
	id := e.attr("id")
	if id == "" {
		id = r.free(e.name)
		e.attrs = append(slices.Clone(e.attrs), attribute("id", id))
	}
	if r.taken[id] {
		r.say(Error, id, e.attr("name"), "flow.bpmn_id_twice")
		return id, false
	}
	r.taken[id] = true
	return id, true
}

func (r *reader) process(e *element) {
	p := r.p
	p.ID, p.Name, p.Doc = e.attr("id"), e.attr("name"), e.say("documentation")
	if p.ID == "" {
		p.ID = r.free("process")
	}
	r.taken[p.ID] = true
	r.foreign(e, p.ID, p.Name)
	for _, x := range own(e) {
		if x.name == "limit" {
			p.Limit = append(p.Limit, r.limit(x, p.ID, p.Name))
		} else {
			r.say(Warning, p.ID, p.Name, "flow.bpmn_own", x.name)
		}
	}
	r.scope(e, "")
	r.lanes(e)
}

// scope reads what stands in a process or sub-process.
func (r *reader) scope(e *element, in string) {
	for _, k := range e.kids {
		switch {
		case k.space != ModelNS || quiet[k.name]:
		case k.name == "sequenceFlow":
			r.flow(k)
		case runs(k.name) || unsupported[k.name] != "":
			r.node(k, in)
		case in == "": // a sub-process names its own in node
			r.drop(k, r.p.ID, r.p.Name)
		}
	}
}

func runs(name string) bool {
	switch Kind(name) {
	case Start, End, User, Service, Call, Sub, Exclusive, Parallel, Inclusive, Boundary, "task", "manualTask":
		return true
	}
	return false
}

// drop names an element that is not taken over. around is what it stands in.
func (r *reader) drop(k *element, around, name string) {
	id := k.attr("id")
	label := k.attr("name")
	if label == "" {
		label = k.say("text")
	}
	key := dropped[k.name]
	switch {
	case people[k.name]:
		r.say(Dropped, around, name, "flow.bpmn_who_foreign", k.name, deep(k))
	case k.name == "standardLoopCharacteristics":
		r.say(Error, around, name, "flow.bpmn_no_loop")
	case key != "" && id != "":
		r.say(Dropped, id, label, key)
	case key != "":
		r.say(Dropped, around, name, key)
	default:
		r.say(Dropped, around, name, "flow.bpmn_drop_other", k.name)
	}
}

// deep is all text of an element, parts apart by a comma.
func deep(e *element) string {
	var out []string
	if e.text != "" {
		out = append(out, e.text)
	}
	for _, k := range e.kids {
		if s := deep(k); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func (r *reader) flow(e *element) {
	if len(r.p.Flows) > maxFlows {
		return // it is refused as too large
	}
	id, ok := r.claim(e)
	if !ok {
		return
	}
	f := &Flow{ID: id, Name: e.attr("name"), From: local(e.attr("sourceRef")), To: local(e.attr("targetRef"))}
	r.foreign(e, id, f.Name)
	if c := e.kid("conditionExpression"); c != nil {
		f.When = r.expression(c.text, id, f.Name)
		r.foreign(c, id, f.Name)
		if l := c.attr("language"); l != "" && f.When != "" {
			r.say(Warning, id, f.Name, "flow.bpmn_language", l, f.When)
		}
	}
	for _, k := range e.kids {
		if k.space == ModelNS && !quiet[k.name] {
			r.drop(k, id, f.Name)
		}
	}
	r.p.Flows = append(r.p.Flows, f)
}

// wrapped is an expression as other engines write it: ${approved}, #{approved}.
var wrapped = regexp.MustCompile(`^[$#]\{([^{}]*)\}$`)

// expression takes over a condition: the frame other engines put around it goes, and is named.
func (r *reader) expression(s, id, name string) string {
	bare := s
	if m := wrapped.FindStringSubmatch(s); m != nil {
		bare = strings.TrimSpace(m[1])
	} else if strings.HasPrefix(s, "=") && !strings.HasPrefix(s, "==") {
		bare = strings.TrimSpace(s[1:])
	}
	if bare != s {
		r.say(Warning, id, name, "flow.bpmn_expression_frame", s, bare)
	}
	return bare
}

// local is a QName without its prefix.
func local(q string) string {
	q = strings.TrimSpace(q)
	return q[strings.LastIndexByte(q, ':')+1:]
}

// order brings the flows into the order Write gives them: those of inner scopes first.
func (r *reader) order() {
	rank := ranks(r.p)
	slices.SortStableFunc(r.p.Flows, func(a, b *Flow) int { return rank[scopeOf(r.p, a)] - rank[scopeOf(r.p, b)] })
}

// ranks numbers the scopes of a process, inner ones before those around them.
func ranks(p *Process) map[string]int {
	kids := map[string][]string{}
	for _, n := range p.Nodes {
		if n.Kind.holds() {
			kids[n.In] = append(kids[n.In], n.ID)
		}
	}
	out := map[string]int{}
	seen := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		for _, k := range kids[id] {
			walk(k)
		}
		out[id] = len(out)
	}
	walk("")
	return out
}

// scopeOf is the sub-process a flow stands in: that of the node it comes from.
func scopeOf(p *Process, f *Flow) string {
	if n := p.Node(f.From); n != nil {
		return n.In
	}
	if n := p.Node(f.To); n != nil {
		return n.In
	}
	return ""
}

// holds reports whether elements of the kind have others inside.
func (k Kind) holds() bool {
	return k == Sub || k == eventSub || k == "transaction" || k == "adHocSubProcess"
}
