package flow

import (
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow/internal/token"
)

// State is how a case stands.
type State string

// The states.
const (
	Open      State = "open"
	Suspended State = "suspended"
	Closed    State = "closed"
	Stopped   State = "stopped"
	Merged    State = "merged" // another case says the same and goes on
)

// Case is one matter.
type Case struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Room      string     `json:"room" doc:"the room that keeps what it is about"`
	Object    string     `json:"object" doc:"id of the room's own row"`
	Number    string     `json:"number"`
	Title     string     `json:"title"`
	Level     string     `json:"level"`
	State     State      `json:"state" enum:"open,suspended,closed,stopped,merged"`
	Step      string     `json:"step" doc:"names of the steps it stands at"`
	Holder    string     `json:"holder" doc:"names of those who have it"`
	Place     string     `json:"place"`
	Street    string     `json:"street" doc:"9-digit division code"`
	Community string     `json:"community" doc:"12-digit division code"`
	Unit      string     `json:"unit" doc:"in charge"`
	Owner     string     `json:"owner" doc:"person who began it"`
	OwnerName string     `json:"ownerName"`
	FromUnit  string     `json:"fromUnit" doc:"body of who began it"`
	Begun     store.Time `json:"begunAt"`
	Due       store.Time `json:"dueAt" doc:"of the business clock, null for none"`
	Paused    store.Time `json:"pausedAt"`
	ClosedAt  store.Time `json:"closedAt"`
	Late      bool       `json:"late"`
	Outcome   string     `json:"outcome"`
	Reopened  int        `json:"reopened"`
	Version   int64      `json:"version"`

	took     int64 // seconds from beginning to end, of one that is closed
	returned int64 // how often

	def     string
	dueUnit when.Unit
	run     store.JSON[progress]
}

// progress is what moves with a case: its tokens, whom earlier steps chose, and who did which step.
type progress struct {
	State  token.State         `json:"state"`
	Chosen map[string][]string `json:"chosen,omitempty"`
	Doers  map[string][]string `json:"doers,omitempty"`
}

// running reports whether anything may still be done.
func (c *Case) running() bool { return c.State == Open || c.State == Suspended }

// Item is one task: something a person has to do, or to read.
type Item struct {
	ID       string     `json:"id"`
	Case     string     `json:"case"`
	Node     string     `json:"node"`
	Name     string     `json:"name"`
	Box      string     `json:"box" enum:"do,read,auto"`
	State    string     `json:"state" enum:"open,wait,done,gone"`
	Share    Share      `json:"share" enum:"any,each,ratio,turn"`
	Person   string     `json:"person" doc:"whose alone it is, empty when several may take it"`
	Seen     store.Time `json:"seenAt"`
	Begun    store.Time `json:"begunAt"`
	Due      store.Time `json:"dueAt"`
	Late     bool       `json:"late"`
	Done     store.Time `json:"doneAt"`
	DoneBy   string     `json:"doneBy"`
	Outcome  string     `json:"outcome"`
	AskUntil store.Time `json:"askedUntil" doc:"an extension to this moment waits for an answer"`
	AskedBy  string     `json:"askedBy" doc:"person who asked for it beside the drawing"`
	Note     string     `json:"note" doc:"of an automatic step: what its last try said"`

	token   int
	rank    int
	chosen  store.JSON[[]string]
	aside   store.Time // put off until those asked before have acted
	dueUnit when.Unit
}

// Trace is one entry of the record of a case.
type Trace struct {
	Seq      int        `json:"seq"`
	At       store.Time `json:"at"`
	Verb     string     `json:"verb"`
	Person   string     `json:"person"`
	Name     string     `json:"name"`
	For      string     `json:"for" doc:"in whose place"`
	Post     string     `json:"post" doc:"title of the post then"`
	Unit     string     `json:"unit"`
	UnitName string     `json:"unitName"`
	Task     string     `json:"task"`
	Step     string     `json:"step"`
	Onto     string     `json:"onto" doc:"the steps or persons it led to"`
	Outcome  string     `json:"outcome"`
	Opinion  string     `json:"opinion"`
	Reason   string     `json:"reason"`
	Took     int64      `json:"tookSeconds" doc:"since the step began"`
	Due      store.Time `json:"dueAt"`
	Late     bool       `json:"late"`
}
