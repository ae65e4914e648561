// Package bpmn is the drawn flow of a kind of case: the subset of BPMN 2.0 that this house runs, with
// what BPMN leaves open (who acts, by when, which form) in extension attributes of our own. It reads and
// writes the XML, and says what is wrong with a drawing by the name of the element. It runs nothing.
package bpmn

import "qushu/internal/base/when"

// Namespaces of the XML.
const (
	ModelNS = "http://www.omg.org/spec/BPMN/20100524/MODEL"
	DiNS    = "http://www.omg.org/spec/BPMN/20100524/DI"
	DcNS    = "http://www.omg.org/spec/DD/20100524/DC"
	DdNS    = "http://www.omg.org/spec/DD/20100524/DI"
	OwnNS   = "urn:qushu:bpmn:1" // prefix qushu
)

// Kind is what an element of a process is; the value is its BPMN name.
type Kind string

// The kinds that run.
const (
	Start     Kind = "startEvent"
	End       Kind = "endEvent" // with Terminate set it ends the whole scope
	User      Kind = "userTask"
	Service   Kind = "serviceTask"
	Call      Kind = "callActivity"
	Sub       Kind = "subProcess"
	Exclusive Kind = "exclusiveGateway"
	Parallel  Kind = "parallelGateway"
	Inclusive Kind = "inclusiveGateway"
	Boundary  Kind = "boundaryEvent" // timer or message, interrupting or not
)

// Process is one drawn flow.
type Process struct {
	ID    string  `json:"id"` // XML id; the key the flow is deployed under
	Name  string  `json:"name"`
	Doc   string  `json:"doc,omitempty"`
	Limit []Limit `json:"limit,omitempty"` // of the whole case: the first whose When holds; none is no limit
	Lanes []Lane  `json:"lanes,omitempty"`
	Nodes []*Node `json:"nodes" nullable:"false"` // in document order, those of sub-processes too (see Node.In)
	Flows []*Flow `json:"flows" nullable:"false"`

	Shapes map[string]Rect    `json:"shapes,omitempty"` // element id → its place in the diagram
	Edges  map[string][]Point `json:"edges,omitempty"`  // flow id → way points
}

// Lane groups nodes; Who is what its user tasks have when they say nothing themselves.
type Lane struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Nodes []string `json:"nodes,omitempty"`
	Who   []Who    `json:"who,omitempty"`
}

// Node is one element that tokens pass.
type Node struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	In      string `json:"in,omitempty"` // id of the sub-process around it, "" at the top
	Lane    string `json:"lane,omitempty"`
	Doc     string `json:"doc,omitempty"`     // what is said about it to those who do it
	Default string `json:"default,omitempty"` // flow a gateway or activity takes when no other condition holds

	Terminate bool     `json:"terminate,omitempty"` // End
	Task      *Task    `json:"task,omitempty"`      // User
	Service   *Job     `json:"service,omitempty"`   // Service
	Call      string   `json:"call,omitempty"`      // Call: key of the process to run as a case of its own
	Multi     *Multi   `json:"multi,omitempty"`     // of an activity: many at once or one after the other
	Event     *Trigger `json:"event,omitempty"`     // Boundary
}

// Flow is a sequence flow.
type Flow struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`             // node ids
	When string `json:"when,omitempty"` // expression over the case, "" for always
}

// Task is what a user task asks of people.
type Task struct {
	Who      []Who        `json:"who,omitempty"`      // who may act: the first that names anybody
	Share    Share        `json:"share,omitempty"`    // what several people mean
	Percent  int          `json:"percent,omitempty"`  // Ratio: how many of a hundred must agree
	Form     string       `json:"form,omitempty"`     // name of the form shown, "" for opinion alone
	Rights   []Right      `json:"rights,omitempty"`   // of form fields; the rest is Read
	Outcomes []Action     `json:"outcomes,omitempty"` // the buttons; none means one called 提交
	Limit    []Limit      `json:"limit,omitempty"`    // of the step
	Warn     []int        `json:"warn,omitempty"`     // percent of the limit at which the holders are warned
	Escalate []Escalation `json:"escalate,omitempty"`
	Copy     []Who        `json:"copy,omitempty"`    // 抄送 when the step is done
	Batch    bool         `json:"batch,omitempty"`   // may be finished from a list, several at once
	Opinion  bool         `json:"opinion,omitempty"` // an opinion is required
	Phrases  []string     `json:"phrases,omitempty"` // 常用语 offered
	Deny     []string     `json:"deny,omitempty"`    // verbs not allowed here: "return", "transfer", "add" …
}

// Share says what it means that several people hold a task.
type Share string

// The shares.
const (
	Any   Share = "any"   // 或签: whoever acts first acts for all
	Each  Share = "each"  // 会签: everybody acts
	Ratio Share = "ratio" // 会签 by a share: done as soon as Percent agree, or can no longer agree
	Turn  Share = "turn"  // 依次: one after the other, in the order named
)

// Action is one way to finish a task.
type Action struct {
	Key    string `json:"key,omitempty"`    // value of the variable "outcome" afterwards: agree, refuse, done …
	Name   string `json:"name,omitempty"`   // 同意
	Agree  bool   `json:"agree,omitempty"`  // counts as agreement where votes are counted
	Reason bool   `json:"reason,omitempty"` // a reason must be given
	Choose string `json:"choose,omitempty"` // id of the user task whose people are chosen here, "" for none
}

// Right is what a step may do with a form field.
type Right struct {
	Field string `json:"field,omitempty"`
	May   string `json:"may,omitempty"` // "read", "write", "hide", "need" (write and required)
}

// Limit is a time limit. Where several stand, the first whose When holds counts.
type Limit struct {
	N    float64   `json:"n,omitempty"`
	Unit when.Unit `json:"unit,omitempty"`
	When string    `json:"when,omitempty"` // expression, "" for always
}

// Escalation tells or moves a late task.
type Escalation struct {
	Percent int    `json:"percent,omitempty"` // of the limit: 100 is when it runs out
	To      []Who  `json:"to,omitempty"`      // who is told
	Do      string `json:"do,omitempty"`      // "tell" (催办), "add" (they may act too), "move" (the task is theirs)
}

// Who names people by how they stand to the case.
type Who struct {
	Kind string `json:"kind,omitempty"` // starter, person, post, role, leader, staff, chosen, doer, group
	ID   string `json:"id,omitempty"`   // person, post, group: id; role: key; doer, chosen: id of a user task ("" for chosen: this one); staff, leader: ""
	// Of is the unit meant by role, leader and staff: "starter" (unit of the initiator), "place" (unit in charge of the
	// place), "case" (unit in charge of the case), "field:<name>" (a unit chosen in the form), "unit:<id or code>",
	// "doer:<task id>", "item" (the unit a repeated step stands for), "" for the whole district (role only).
	Of string `json:"of,omitempty"`
	// Level climbs from Of to the nearest unit at or above of that kind: community, street, department, district; "" stays.
	Level string `json:"level,omitempty"`
}

// Job is the work of a service task; the room that hosts the case does it.
type Job struct {
	Name string            `json:"name,omitempty"`
	Args map[string]string `json:"args,omitempty"`
}

// Multi repeats an activity over the values of an expression (units, persons, rows).
type Multi struct {
	Over       string `json:"over,omitempty"` // expression that gives a list; its value is the variable "item" inside
	Sequential bool   `json:"sequential,omitempty"`
	Percent    int    `json:"percent,omitempty"` // done when so many of a hundred are done, 0 for all
}

// Trigger is what fires a boundary event.
type Trigger struct {
	On       string `json:"on,omitempty"`       // id of the activity it sits on
	Cancels  bool   `json:"cancels,omitempty"`  // interrupting
	Timer    *Limit `json:"timer,omitempty"`    // fires that long after the activity began
	Message  string `json:"message,omitempty"`  // or when a message of that name arrives
	Repeat   bool   `json:"repeat,omitempty"`   // of a non-interrupting timer: again and again
	MaxTimes int    `json:"maxTimes,omitempty"` // of Repeat, 0 for no bound but the activity's end
}

// Rect is a place in the diagram, in pixels.
type Rect struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// Point is a point of the diagram, in pixels.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Node returns the node of that id, nil when there is none.
func (p *Process) Node(id string) *Node {
	for _, n := range p.Nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}
