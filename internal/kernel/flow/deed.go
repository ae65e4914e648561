package flow

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/bpmn"
)

// Deed is what somebody does to a case.
type Deed struct {
	Case    string          `json:"-"`
	Verb    string          `json:"verb" enum:"submit,withdraw,return,transfer,add,copy,urge,supervise,suspend,resume,extend,grant,refuse,stop,reopen,drop,relate,merge,split"`
	Task    string          `json:"task,omitempty" maxLength:"40" doc:"the caller's task, of verbs that are done at one"`
	Outcome string          `json:"outcome,omitempty" maxLength:"40" doc:"of submit: one of the step's outcomes"`
	Opinion string          `json:"opinion,omitempty" maxLength:"2000"`
	Reason  string          `json:"reason,omitempty" maxLength:"500"`
	To      []string        `json:"to,omitempty" maxItems:"200" doc:"persons: of transfer one, of add, copy and a choice several"`
	Node    string          `json:"node,omitempty" maxLength:"60" doc:"of return and reopen: the step; empty is the one before"`
	Until   store.Time      `json:"until,omitempty" doc:"of extend: the new deadline"`
	How     string          `json:"how,omitempty" enum:",beside,before,after" doc:"of add: they act beside the caller, before him or after him"`
	Other   string          `json:"other,omitempty" maxLength:"60" doc:"of relate and merge: number of the other case"`
	Title   string          `json:"title,omitempty" maxLength:"120" doc:"of split: what the part is about"`
	Unit    string          `json:"unit,omitempty" maxLength:"40" doc:"of split: the unit in charge of the part"`
	Data    json.RawMessage `json:"data,omitempty" doc:"of submit: what the form of the step says"`

	other string // id
}

// verb is one rule: who may, when, what must be said, and what it does.
type verb struct {
	atTask bool // done at a task the actor holds
	perm   string
	states []State
	reason bool
	do     func(w *work, ctx context.Context, k *Item, d *Deed) error
}

var open = []State{Open}

func verbs() map[string]verb {
	return map[string]verb{
		"submit":    {atTask: true, states: open, do: (*work).submit},
		"return":    {atTask: true, states: open, reason: true, do: (*work).giveBack},
		"transfer":  {atTask: true, states: open, reason: true, do: (*work).transfer},
		"add":       {atTask: true, states: open, do: (*work).add},
		"drop":      {states: open, do: (*work).dropAdded},
		"split":     {atTask: true, states: open, do: (*work).split},
		"relate":    {states: []State{Open, Suspended, Closed}, do: (*work).relate},
		"merge":     {perm: "flow.supervise", states: open, reason: true, do: (*work).merge},
		"extend":    {atTask: true, states: open, reason: true, do: (*work).extend},
		"copy":      {states: []State{Open, Suspended, Closed}, do: (*work).copyTo},
		"withdraw":  {states: open, do: (*work).withdraw},
		"urge":      {states: open, do: (*work).urge},
		"supervise": {perm: "flow.supervise", states: []State{Open, Suspended}, reason: true, do: (*work).supervise},
		"suspend":   {perm: "flow.supervise", states: open, reason: true, do: (*work).suspend},
		"resume":    {perm: "flow.supervise", states: []State{Suspended}, do: (*work).resume},
		"grant":     {perm: "flow.supervise", states: open, do: (*work).grant},
		"refuse":    {perm: "flow.supervise", states: open, reason: true, do: (*work).refuse},
		"stop":      {perm: "flow.supervise", states: []State{Open, Suspended}, reason: true, do: (*work).stop},
		"reopen":    {perm: "flow.supervise", states: []State{Closed, Stopped}, reason: true, do: (*work).reopen},
	}
}

// order is in which the verbs are offered.
var order = [...]string{"submit", "return", "transfer", "add", "extend", "drop", "withdraw", "urge", "copy", "split", "relate", "grant", "refuse", "supervise", "suspend", "resume", "merge", "stop", "reopen"}

func actions() []string {
	out := []string{"flow.assign", "flow.appoint", "flow.dismiss", "flow.evidence", "flow.export", "flow.draw", "flow.drop_draft", "flow.publish", "flow.move", "flow.cancel_move", "flow.moved"}
	for _, v := range order {
		out = append(out, "flow."+v)
	}
	return out
}

// Do does a deed in tx.
func (f *Flow) Do(ctx context.Context, tx *store.Tx, d Deed) (*Case, error) {
	v, ok := verbs()[d.Verb]
	if !ok {
		return nil, errs.New(errs.Invalid, "flow.no_verb", d.Verb)
	}
	var err error
	if d.other, err = f.both(ctx, tx, &d); err != nil {
		return nil, err
	}
	w, err := f.open(ctx, tx, d.Case)
	if err != nil {
		return nil, err
	}
	if err := f.mayRead(ctx, tx, w.c); err != nil {
		return nil, w.lost(ctx, d.Task, err)
	}
	k, err := w.may(ctx, v, &d)
	if err != nil {
		return nil, err
	}
	w.step.Verb, w.step.Opinion, w.step.Reason, w.step.Outcome = d.Verb, strings.TrimSpace(d.Opinion), strings.TrimSpace(d.Reason), d.Outcome
	if k != nil {
		w.of(k)
		if err := w.placed(ctx); err != nil {
			return nil, err
		}
	}
	if v.reason && len([]rune(w.step.Reason)) < 2 {
		return nil, needs("reason", "flow.why")
	}
	w.told[actorID(ctx)] = true
	if err := v.do(w, ctx, k, &d); err != nil {
		return nil, err
	}
	if err := w.save(ctx); err != nil {
		return nil, err
	}
	return w.c, f.audit.Record(ctx, tx, audit.Entry{Action: "flow." + d.Verb, Object: "flow_case", ID: w.c.ID, Title: w.c.Number,
		Detail: map[string]any{"step": w.step.Step, "outcome": d.Outcome, "state": w.c.State, "to": d.To}})
}

func needs(field, key string, args ...any) error {
	return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: field, Key: key, Args: args})
}

// may says whether the actor may do it now, and returns the task it is done at.
func (w *work) may(ctx context.Context, v verb, d *Deed) (*Item, error) {
	me := authz.From(ctx)
	if !slices.Contains(v.states, w.c.State) {
		return nil, errs.New(errs.Conflict, "flow.not_now", w.c.Number, "flow.state_"+string(w.c.State))
	}
	if v.perm != "" {
		return nil, authz.MayUnit(ctx, w.tx, v.perm, w.c.Unit)
	}
	if !v.atTask {
		return nil, nil
	}
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.id = $1 AND k.box = 'do'", d.Task))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errs.New(errs.Missing, "flow.no_task")
	}
	k := &all[0]
	if k.State != "open" {
		return nil, w.overtaken(ctx, k)
	}
	if w.whose, err = inPlaceOf(ctx, w.tx, k.ID, me.Person); err != nil {
		return nil, err
	}
	if w.whose == "" {
		return nil, errs.New(errs.Denied, "flow.not_yours")
	}
	if slices.Contains(w.f.task(w.p, k.Node).Deny, d.Verb) {
		return nil, errs.New(errs.Denied, "flow.denied_here", k.Name)
	}
	return k, nil
}

// lost is what somebody is told who cannot see the case: that another was faster, when the task was put before him too.
func (w *work) lost(ctx context.Context, task string, otherwise error) error {
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.id = $1 AND k.state <> 'open'", task))
	if err != nil || len(all) == 0 || !slices.Contains(all[0].chosen.V, actorID(ctx)) {
		return otherwise
	}
	return w.overtaken(ctx, &all[0])
}

// overtaken tells who was faster, and what he did.
func (w *work) overtaken(ctx context.Context, k *Item) error {
	steps, err := stepsOf(ctx, w.tx, w.c.ID)
	if err != nil {
		return err
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if s := steps[i]; s.Task == k.ID || i == len(steps)-1 && k.State == "gone" {
			return errs.New(errs.Conflict, "flow.overtaken", s.Name, "flow.verb_"+s.Verb, s.At.Time.Format(time.RFC3339))
		}
	}
	return errs.New(errs.Conflict, "flow.done_already")
}

// submit finishes a task.
func (w *work) submit(ctx context.Context, k *Item, d *Deed) error {
	t := w.f.task(w.p, k.Node)
	act, err := w.outcome(t, d)
	if err != nil {
		return err
	}
	if t.Opinion && w.step.Opinion == "" {
		return needs("opinion", "flow.opinion_wanted")
	}
	if act.Choose != "" {
		if err := w.choose(ctx, act.Choose, d.To); err != nil {
			return err
		}
	}
	me := authz.From(ctx).Person
	w.c.Outcome = act.Key
	if h := w.f.hosts[w.c.Room]; h.Apply != nil {
		if err := h.Apply(ctx, w.tx, w.c, k.Node, act.Key, d.Data); err != nil {
			return err
		}
		if err := w.look(ctx); err != nil {
			return err
		}
	}
	k.Done, k.DoneBy, k.Outcome = w.now, me, act.Key
	if err := w.end(ctx, k, "done"); err != nil {
		return err
	}
	w.did(k.Node, w.whose)
	if err := w.stepped(ctx, k, me); err != nil {
		return err
	}
	if err := joins(ctx, w.tx, w.c.ID, me, "done", w.now); err != nil {
		return err
	}
	if err := w.copies(ctx, t.Copy); err != nil {
		return err
	}
	return w.settle(ctx, k, t)
}

// settle lets the case go on when the step a task belongs to is over.
func (w *work) settle(ctx context.Context, k *Item, t *bpmn.Task) error {
	over, outcome, err := w.share(ctx, k, t)
	if err != nil || !over {
		return err
	}
	w.c.Outcome, w.vars["outcome"] = outcome, outcome
	if tok, ok := w.run().State.Token(k.token); ok {
		w.vars["item"] = tok.Item
	}
	s, out, err := w.machine().Finish(w.run().State, k.token, w.vars)
	if err != nil {
		return moved(w.p, err)
	}
	return w.carry(ctx, s, out)
}

// placed notes in whose place a deed is done.
func (w *work) placed(ctx context.Context) (err error) {
	if w.whose == actorID(ctx) {
		return nil
	}
	w.told[w.whose] = true
	w.step.For, err = w.f.called(ctx, w.tx, []string{w.whose})
	return err
}

// outcome is the way chosen; a step without outcomes has one.
func (w *work) outcome(t *bpmn.Task, d *Deed) (Action, error) {
	if len(t.Outcomes) == 0 {
		return Action{Key: d.Outcome, Agree: true}, nil
	}
	i := slices.IndexFunc(t.Outcomes, func(a Action) bool { return a.Key == d.Outcome })
	if i < 0 {
		return Action{}, needs("outcome", "flow.outcome_wanted")
	}
	if t.Outcomes[i].Reason && len([]rune(w.step.Reason)) < 2 {
		return Action{}, needs("reason", "flow.why")
	}
	return t.Outcomes[i], nil
}

// choose keeps whom the actor chose for a later step.
func (w *work) choose(ctx context.Context, node string, to []string) error {
	if len(to) == 0 {
		return nil // the rule's other people then
	}
	if err := w.present(ctx, to); err != nil {
		return err
	}
	r := w.run()
	if r.Chosen == nil {
		r.Chosen = map[string][]string{}
	}
	r.Chosen[node] = to
	return nil
}

// present makes sure that persons are still there.
func (w *work) present(ctx context.Context, people []string) error {
	known, err := w.f.org.People(ctx, w.tx, people)
	if err != nil {
		return err
	}
	for _, p := range people {
		if known[p].ID == "" || !known[p].Active() {
			return needs("to", "flow.not_there", known[p].Name)
		}
	}
	return nil
}

// share says whether the step is over now that one of its holders is done, and with which outcome.
func (w *work) share(ctx context.Context, k *Item, t *bpmn.Task) (over bool, outcome string, err error) {
	if k.Share == bpmn.Any {
		return true, k.Outcome, nil
	}
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.token = $1 AND k.box = 'do' AND k.state <> 'gone'", k.token))
	if err != nil {
		return false, "", err
	}
	agrees := func(key string) bool {
		return len(t.Outcomes) == 0 || slices.ContainsFunc(t.Outcomes, func(a Action) bool { return a.Key == key && a.Agree })
	}
	done, yes, least := 0, 0, -1 // least is the rank of who waits first
	outcome = k.Outcome
	for _, o := range all {
		switch o.State {
		case "done":
			done++
			if agrees(o.Outcome) {
				yes++
			} else {
				outcome = o.Outcome // one who disagrees decides what is said of all
			}
		case "wait":
			if least < 0 || o.rank < least {
				least = o.rank
			}
		}
	}
	if k.Share == bpmn.Ratio {
		enough := yes*100 >= t.Percent*len(all)
		if enough && agrees(k.Outcome) {
			outcome = k.Outcome
		}
		if enough || (len(all)-done+yes)*100 < t.Percent*len(all) {
			return true, outcome, nil
		}
	}
	if least < 0 {
		return done == len(all), outcome, nil
	}
	if slices.ContainsFunc(all, func(o Item) bool { return o.State == "open" && o.rank < least }) {
		return false, "", nil
	}
	for i := range all { // their turn has come
		if all[i].State == "wait" && all[i].rank == least {
			if err := w.turn(ctx, &all[i], t); err != nil {
				return false, "", err
			}
		}
	}
	return false, "", nil
}

// turn opens the task whose turn has come; its clock begins now.
func (w *work) turn(ctx context.Context, k *Item, t *bpmn.Task) error {
	if !k.aside.IsZero() { // he had it before, and asked others first: his clock has run on
		k.State, k.aside = "open", store.Time{}
		if err := saveTask(ctx, w.tx, k); err != nil {
			return err
		}
		w.tell([]string{k.Person}, k.Name)
		return hand(ctx, w.tx, k, []string{k.Person})
	}
	due, unit, length, err := w.limit(ctx, t.Limit)
	if err != nil {
		return err
	}
	k.State, k.Begun, k.Due, k.dueUnit = "open", w.now, due, unit
	if err := saveTask(ctx, w.tx, k); err != nil {
		return err
	}
	if err := store.Exec(ctx, w.tx, `UPDATE flow_task SET begun_at = $1 WHERE id = $2`, w.now, k.ID); err != nil {
		return err
	}
	if err := hand(ctx, w.tx, k, []string{k.Person}); err != nil {
		return err
	}
	w.tell([]string{k.Person}, k.Name)
	return w.clocks(ctx, k, t, length)
}

// copies lets people know of a step that is done (抄送).
func (w *work) copies(ctx context.Context, to []Who) error {
	if len(to) == 0 {
		return nil
	}
	people, err := w.f.people(ctx, w.tx, w, to)
	if err != nil {
		return err
	}
	return w.lay(ctx, people)
}
