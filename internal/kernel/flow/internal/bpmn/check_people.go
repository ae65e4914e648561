package bpmn

import (
	"math"
	"slices"
	"strings"
)

// WhoOf is who may act at a user task: those it names itself, else those of its lane, else those of the lane of a
// sub-process around it.
func (p *Process) WhoOf(n *Node) []Who {
	if n != nil && n.Task != nil && len(n.Task.Who) > 0 {
		return n.Task.Who
	}
	for depth := 0; n != nil && depth < maxDepth; depth++ {
		for _, l := range p.Lanes {
			if l.ID == n.Lane && len(l.Who) > 0 {
				return l.Who
			}
		}
		n = p.Node(n.In)
	}
	return nil
}

func (c *checker) task(n *Node) {
	t := n.Task
	if t == nil {
		t = &Task{}
	}
	if len(c.p.WhoOf(n)) == 0 {
		c.wrong(n, "flow.bpmn_no_who")
	}
	c.whos(n, t.Who)
	c.whos(n, t.Copy)
	c.share(n, t)
	c.limits(n.ID, n.Name, t.Limit)
	for _, w := range t.Warn {
		if w < 1 || w > 100 {
			c.wrong(n, "flow.bpmn_warn", w)
		}
	}
	for _, e := range t.Escalate {
		if e.Percent < 1 || e.Percent > 1000 {
			c.wrong(n, "flow.bpmn_escalate_percent", e.Percent)
		}
		if !slices.Contains([]string{"tell", "add", "move"}, e.Do) {
			c.wrong(n, "flow.bpmn_value", "escalate", e.Do)
		}
		if len(e.To) == 0 {
			c.wrong(n, "flow.bpmn_escalate_nobody")
		}
		c.whos(n, e.To)
	}
	if len(t.Limit) == 0 && len(t.Warn)+len(t.Escalate) > 0 {
		c.say(Warning, n.ID, n.Name, "flow.bpmn_warn_without")
	}
	c.outcomes(n, t)
	fields := map[string]bool{}
	for _, r := range t.Rights {
		if r.Field == "" || !slices.Contains([]string{"read", "write", "hide", "need"}, r.May) {
			c.wrong(n, "flow.bpmn_value", "right", r.Field+" "+r.May)
		}
		if fields[r.Field] {
			c.wrong(n, "flow.bpmn_right_twice", r.Field)
		}
		fields[r.Field] = true
	}
}

func (c *checker) share(n *Node, t *Task) {
	switch t.Share {
	case "", Any, Each, Turn:
		if t.Percent != 0 {
			c.say(Warning, n.ID, n.Name, "flow.bpmn_percent_unused", t.Percent)
		}
	case Ratio:
		if t.Percent < 1 || t.Percent > 100 {
			c.wrong(n, "flow.bpmn_percent", t.Percent)
		}
		if !slices.ContainsFunc(t.Outcomes, func(a Action) bool { return a.Agree }) {
			c.wrong(n, "flow.bpmn_nobody_agrees")
		}
	default:
		c.wrong(n, "flow.bpmn_value", "share", string(t.Share))
	}
}

func (c *checker) outcomes(n *Node, t *Task) {
	keys := map[string]bool{}
	for _, a := range t.Outcomes {
		switch {
		case a.Key == "" || a.Name == "":
			c.wrong(n, "flow.bpmn_outcome_empty")
		case keys[a.Key]:
			c.wrong(n, "flow.bpmn_outcome_twice", a.Key)
		}
		keys[a.Key] = true
		if a.Choose == "" {
			continue
		}
		switch to := c.nodes[a.Choose]; {
		case to == nil || to.Kind != User:
			c.wrong(n, "flow.bpmn_task_gone", a.Choose)
		case !c.before(n.ID, to.ID):
			c.wrong(n, "flow.bpmn_choose_never", label(to))
		}
	}
}

// limits checks time limits: of several only the last may hold always.
func (c *checker) limits(id, name string, all []Limit) {
	for i, l := range all {
		if !(l.N > 0) || math.IsInf(l.N, 0) {
			c.say(Error, id, name, "flow.bpmn_limit", number(l.N))
		}
		if !l.Unit.Valid() {
			c.say(Error, id, name, "flow.bpmn_value", "unit", string(l.Unit))
		}
		if l.When == "" && i < len(all)-1 {
			c.say(Warning, id, name, "flow.bpmn_limit_hidden")
		}
		c.expression(id, name, l.When)
	}
}

// whos checks how people are named at a task.
func (c *checker) whos(n *Node, all []Who) {
	for _, w := range all {
		c.who(n.ID, n.Name, w)
		switch w.Kind {
		case "doer":
			c.earlier(n, w.ID)
		case "chosen":
			c.chosen(n, w.ID)
		}
		if id, ok := strings.CutPrefix(w.Of, "doer:"); ok {
			c.earlier(n, id)
		}
	}
}

func (c *checker) who(id, name string, w Who) {
	switch w.Kind {
	case "starter", "chosen":
	case "person", "post", "role", "group", "doer":
		if w.ID == "" {
			c.say(Error, id, name, "flow.bpmn_who_id", w.Kind)
		}
	case "leader", "staff":
		if w.Of == "" {
			c.say(Error, id, name, "flow.bpmn_who_of", w.Kind)
		}
	default:
		c.say(Error, id, name, "flow.bpmn_value", "who", w.Kind)
	}
	what, ref, ok := strings.Cut(w.Of, ":")
	plain := slices.Contains([]string{"", "starter", "place", "case", "item"}, w.Of)
	pointing := ok && ref != "" && slices.Contains([]string{"field", "unit", "doer"}, what)
	if !plain && !pointing {
		c.say(Error, id, name, "flow.bpmn_value", "of", w.Of)
	}
	if !slices.Contains([]string{"", "community", "street", "department", "district"}, w.Level) {
		c.say(Error, id, name, "flow.bpmn_value", "level", w.Level)
	}
}

// earlier checks that who did a task is known when n begins.
func (c *checker) earlier(n *Node, id string) {
	if id == "" {
		return // said already
	}
	switch o := c.nodes[id]; {
	case o == nil || o.Kind != User:
		c.wrong(n, "flow.bpmn_task_gone", id)
	case !c.before(id, n.ID):
		c.wrong(n, "flow.bpmn_never_before", label(o))
	}
}

// chosen checks that somebody chooses the people of a task before n begins; without an id they are n's own.
func (c *checker) chosen(n *Node, id string) {
	if id == "" {
		id = n.ID
	}
	if o := c.nodes[id]; o == nil || o.Kind != User {
		c.wrong(n, "flow.bpmn_task_gone", id)
		return
	}
	for _, o := range c.p.Nodes {
		if o.Task != nil && slices.ContainsFunc(o.Task.Outcomes, func(a Action) bool { return a.Choose == id }) && c.before(o.ID, n.ID) {
			return
		}
	}
	c.wrong(n, "flow.bpmn_nobody_chooses", id)
}

// lanes checks that each node of a lane is there, in one lane, and that both sides say so.
func (c *checker) lanes() {
	of := map[string]string{}
	ids := map[string]bool{}
	for _, l := range c.p.Lanes {
		if c.nodes[l.ID] != nil || ids[l.ID] {
			c.say(Error, l.ID, l.Name, "flow.bpmn_id_twice")
		}
		ids[l.ID] = true
		for _, w := range l.Who {
			c.who(l.ID, l.Name, w)
		}
		for _, id := range l.Nodes {
			n := c.nodes[id]
			switch {
			case n == nil:
				c.say(Error, l.ID, l.Name, "flow.bpmn_lane_node", id)
			case of[id] != "":
				c.say(Error, l.ID, l.Name, "flow.bpmn_lane_twice", label(n))
			default:
				of[id] = l.ID
			}
		}
	}
	for _, n := range c.p.Nodes {
		if n.Lane != "" && of[n.ID] != n.Lane {
			c.wrong(n, "flow.bpmn_lane_gone", n.Lane)
		}
		// People named by a lane must be known at each of its tasks.
		if n.Kind == User && (n.Task == nil || len(n.Task.Who) == 0) {
			for _, w := range c.p.WhoOf(n) {
				if w.Kind == "doer" {
					c.earlier(n, w.ID)
				} else if w.Kind == "chosen" {
					c.chosen(n, w.ID)
				}
			}
		}
	}
}
