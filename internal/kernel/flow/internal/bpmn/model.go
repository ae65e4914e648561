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
	ID    string // XML id; the key the flow is deployed under
	Name  string
	Doc   string
	Limit []Limit // of the whole case: the first whose When holds; none is no limit
	Lanes []Lane
	Nodes []*Node // in document order, those of sub-processes too (see Node.In)
	Flows []*Flow

	Shapes map[string]Rect    // element id → its place in the diagram
	Edges  map[string][]Point // flow id → way points
}

// Lane groups nodes; Who is what its user tasks have when they say nothing themselves.
type Lane struct {
	ID, Name string
	Nodes    []string
	Who      []Who
}

// Node is one element that tokens pass.
type Node struct {
	ID, Name string
	Kind     Kind
	In       string // id of the sub-process around it, "" at the top
	Lane     string
	Doc      string // what is said about it to those who do it
	Default  string // flow a gateway or activity takes when no other condition holds

	Terminate bool     // End
	Task      *Task    // User
	Service   *Job     // Service
	Call      string   // Call: key of the process to run as a case of its own
	Multi     *Multi   // of an activity: many at once or one after the other
	Event     *Trigger // Boundary
}

// Flow is a sequence flow.
type Flow struct {
	ID, Name string
	From, To string // node ids
	When     string // expression over the case, "" for always
}

// Task is what a user task asks of people.
type Task struct {
	Who      []Who    // who may act: the first that names anybody
	Share    Share    // what several people mean
	Percent  int      // Ratio: how many of a hundred must agree
	Form     string   // name of the form shown, "" for opinion alone
	Rights   []Right  // of form fields; the rest is Read
	Outcomes []Action // the buttons; none means one called 提交
	Limit    []Limit  // of the step
	Warn     []int    // percent of the limit at which the holders are warned
	Escalate []Escalation
	Copy     []Who    // 抄送 when the step is done
	Batch    bool     // may be finished from a list, several at once
	Opinion  bool     // an opinion is required
	Phrases  []string // 常用语 offered
	Deny     []string // verbs not allowed here: "return", "transfer", "add" …
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
	Key    string // value of the variable "outcome" afterwards: agree, refuse, done …
	Name   string // 同意
	Agree  bool   // counts as agreement where votes are counted
	Reason bool   // a reason must be given
	Choose string // id of the user task whose people are chosen here, "" for none
}

// Right is what a step may do with a form field.
type Right struct {
	Field string
	May   string // "read", "write", "hide", "need" (write and required)
}

// Limit is a time limit. Where several stand, the first whose When holds counts.
type Limit struct {
	N    float64
	Unit when.Unit
	When string // expression, "" for always
}

// Escalation tells or moves a late task.
type Escalation struct {
	Percent int    // of the limit: 100 is when it runs out
	To      []Who  // who is told
	Do      string // "tell" (催办), "add" (they may act too), "move" (the task is theirs)
}

// Who names people by how they stand to the case.
type Who struct {
	Kind string // starter, person, post, role, leader, staff, chosen, doer, group
	ID   string // person, post, group: id; role: key; doer, chosen: id of a user task ("" for chosen: this one); staff, leader: ""
	// Of is the unit meant by role, leader and staff: "starter" (unit of the initiator), "place" (unit in charge of the
	// place), "case" (unit in charge of the case), "field:<name>" (a unit chosen in the form), "unit:<id or code>",
	// "doer:<task id>", "item" (the unit a repeated step stands for), "" for the whole district (role only).
	Of string
	// Level climbs from Of to the nearest unit at or above of that kind: community, street, department, district; "" stays.
	Level string
}

// Job is the work of a service task; the room that hosts the case does it.
type Job struct {
	Name string
	Args map[string]string
}

// Multi repeats an activity over the values of an expression (units, persons, rows).
type Multi struct {
	Over       string // expression that gives a list; its value is the variable "item" inside
	Sequential bool
	Percent    int // done when so many of a hundred are done, 0 for all
}

// Trigger is what fires a boundary event.
type Trigger struct {
	On       string // id of the activity it sits on
	Cancels  bool   // interrupting
	Timer    *Limit // fires that long after the activity began
	Message  string // or when a message of that name arrives
	Repeat   bool   // of a non-interrupting timer: again and again
	MaxTimes int    // of Repeat, 0 for no bound but the activity's end
}

// Rect is a place in the diagram, in pixels.
type Rect struct{ X, Y, W, H float64 }

// Point is a point of the diagram, in pixels.
type Point struct{ X, Y float64 }

// Node returns the node of that id, nil when there is none.
func (p *Process) Node(id string) *Node {
	for _, n := range p.Nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}
