// Package token moves the tokens of a case over its drawing. It is pure: a state and an event give a state and
// effects. It knows no clock, no people and no database, so that every property of it can be tested by itself.
package token

import (
	"encoding/json"
	"fmt"
	"slices"

	"qushu/internal/kernel/flow/internal/bpmn"
)

// State is where a case is. It is kept as JSON; the zero State has not begun.
type State struct {
	Next   int            `json:"next"`             // id of the next token
	Tokens []Token        `json:"tokens,omitempty"` // in the order they were made
	Groups []Group        `json:"groups,omitempty"` // multi-instance activities under way
	Passed map[string]int `json:"passed,omitempty"` // node → times left
	Taken  map[string]int `json:"taken,omitempty"`  // flow → times taken
	Ended  bool           `json:"ended,omitempty"`
}

// Token stands at an activity, or waits at a join. A token at a sub-process is the scope of those inside.
type Token struct {
	ID    int    `json:"id"`
	Node  string `json:"node"`
	Scope int    `json:"scope,omitempty"` // token of the sub-process around it, 0 at the top
	Via   string `json:"via,omitempty"`   // flow by which it came to the join it waits at
	Group int    `json:"group,omitempty"` // of a multi-instance activity
	Index int    `json:"index,omitempty"` // from 0
	Item  any    `json:"item,omitempty"`
}

// waits reports whether the token only waits for others.
func (t Token) waits() bool { return t.Via != "" }

// Group counts the instances of one activity.
type Group struct {
	ID    int    `json:"id"`
	Node  string `json:"node"`
	Scope int    `json:"scope,omitempty"`
	Items []any  `json:"items"`
	Begun int    `json:"begun"`
	Done  int    `json:"done"`
}

// Do says what an effect is.
type Do string

// The effects, to be carried out in order.
const (
	Enter  Do = "enter"  // an activity begins: user, service, call; a sub-process too, for its boundary events
	Leave  Do = "leave"  // it is done
	Cancel Do = "cancel" // it is taken away undone
	Done   Do = "done"   // the whole flow has ended
)

// Effect is something for the caller to do.
type Effect struct {
	Do    Do
	Token int
	Node  string
	Index int // of a multi-instance activity
	Of    int // how many there are, 0 for a single one
	Item  any
}

// Error is a drawing that cannot go on, with the element to blame.
type Error struct {
	Element string
	Key     string // text key of the flow package
	Args    []any
	Cause   error
}

func (e *Error) Error() string {
	return fmt.Sprintf("flow: %s at %s: %v %v", e.Key, e.Element, e.Args, e.Cause)
}

// Unwrap returns what an expression said.
func (e *Error) Unwrap() error { return e.Cause }

// clone is a State of its own, so that a failed move leaves the old one as it was.
func (s State) clone() State {
	b, err := json.Marshal(s)
	if err == nil {
		var c State
		if err = json.Unmarshal(b, &c); err == nil {
			return c
		}
	}
	panic(fmt.Sprintf("token: a state is not plain data: %v", err))
}

// Token returns a token that stands at an activity.
func (s State) Token(id int) (Token, bool) {
	i := slices.IndexFunc(s.Tokens, func(t Token) bool { return t.ID == id && !t.waits() })
	if i < 0 {
		return Token{}, false
	}
	return s.Tokens[i], true
}

// Move carries a running state over to another version of its drawing: nodes maps the ids of nodes where tokens stand
// to those of the new one; a node that is not named keeps its id. Error: a token would stand nowhere.
func (s State) Move(to *bpmn.Process, nodes map[string]string) (State, error) {
	c := s.clone()
	name := func(id string) string {
		if n, ok := nodes[id]; ok {
			return n
		}
		return id
	}
	for i := range c.Tokens {
		t := &c.Tokens[i]
		t.Node = name(t.Node)
		if to.Node(t.Node) == nil {
			return s, &Error{Element: t.Node, Key: "flow.move_nowhere"}
		}
		if t.waits() && !slices.ContainsFunc(to.Flows, func(f *bpmn.Flow) bool { return f.ID == t.Via && f.To == t.Node }) {
			return s, &Error{Element: t.Node, Key: "flow.move_join"}
		}
	}
	for i := range c.Groups {
		c.Groups[i].Node = name(c.Groups[i].Node)
	}
	c.Passed = map[string]int{}
	for n, times := range s.Passed {
		c.Passed[name(n)] += times
	}
	return c, nil
}
