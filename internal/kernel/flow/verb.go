package flow

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/notify"
)

// giveBack returns a case to a step it has passed (退回): the one before, or one that is named.
func (w *work) giveBack(ctx context.Context, k *Item, d *Deed) error {
	back := w.machine().Back(w.run().State, k.token)
	to := d.Node
	if to == "" {
		var err error
		if to, err = w.before(ctx, k, back); err != nil {
			return err
		}
	}
	if !slices.Contains(back, to) {
		return needs("node", "flow.cannot_return", w.called(to))
	}
	w.c.Outcome, w.vars["outcome"] = "", ""
	k.DoneBy, k.Done, k.Outcome = authz.From(ctx).Person, w.now, "return"
	if err := w.end(ctx, k, "done"); err != nil {
		return err
	}
	if err := joins(ctx, w.tx, w.c.ID, authz.From(ctx).Person, "done", w.now); err != nil {
		return err
	}
	s, out, err := w.machine().Jump(w.run().State, k.token, to, w.vars)
	if err != nil {
		return moved(w.p, err)
	}
	if err := w.sentBack(ctx, to); err != nil {
		return err
	}
	// Whoever did the step before has it again, as far as he is still there.
	w.again(to)
	return w.carry(ctx, s, out)
}

// before is the step that was done last of those a task may be returned to.
func (w *work) before(ctx context.Context, k *Item, back []string) (string, error) {
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.state = 'done' AND k.box = 'do'"))
	if err != nil {
		return "", err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Node != k.Node && slices.Contains(back, all[i].Node) {
			return all[i].Node, nil
		}
	}
	if len(back) > 0 {
		return back[0], nil // the starter's own step leaves no task
	}
	return "", nil
}

func (w *work) called(node string) string {
	if n := w.p.Node(node); n != nil {
		return n.Name
	}
	return node
}

// again makes the people who did a step those it is for when it begins anew.
func (w *work) again(node string) {
	n := w.p.Node(node)
	if n == nil || n.Task == nil || len(w.run().Doers[node]) == 0 {
		return
	}
	t := *n.Task
	t.Who = append([]Who{{Kind: "doer", ID: node}}, w.p.WhoOf(n)...)
	c := *n
	c.Task = &t
	p := *w.p
	p.Nodes = slices.Clone(w.p.Nodes)
	p.Nodes[slices.Index(w.p.Nodes, n)] = &c
	w.p = &p
}

// transfer gives one's task to somebody else (转办).
func (w *work) transfer(ctx context.Context, k *Item, d *Deed) error {
	me := authz.From(ctx).Person
	if len(d.To) != 1 || d.To[0] == me {
		return needs("to", "flow.one_other")
	}
	if err := w.present(ctx, d.To); err != nil {
		return err
	}
	if err := store.Exec(ctx, w.tx, `DELETE FROM flow_todo WHERE task_id = $1 AND person = $2`, k.ID, me); err != nil {
		return err
	}
	if k.Person == me {
		k.Person = d.To[0]
		if err := saveTask(ctx, w.tx, k); err != nil {
			return err
		}
	}
	if err := hand(ctx, w.tx, k, d.To); err != nil {
		return err
	}
	if err := joins(ctx, w.tx, w.c.ID, me, "done", w.now); err != nil {
		return err
	}
	return w.onto(ctx, d.To, notify.Task, "flow.told_transfer", k.Name)
}

// add asks others to act at one's own step (加签): beside oneself, before oneself (one's task comes back when they have acted),
// or after. The step is over when all have acted.
func (w *work) add(ctx context.Context, k *Item, d *Deed) error {
	me := authz.From(ctx).Person
	if len(d.To) == 0 {
		return needs("to", "flow.somebody")
	}
	if err := w.present(ctx, d.To); err != nil {
		return err
	}
	have, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.token = $1 AND k.state <> 'gone'", k.token))
	if err != nil {
		return err
	}
	if k.Share == bpmn.Any { // what one could do for all is now each one's
		k.Share, k.Person = bpmn.Each, w.whose
		if err := store.Exec(ctx, w.tx, `DELETE FROM flow_todo WHERE task_id = $1 AND person <> $2 AND person <> $3`, k.ID, me, w.whose); err != nil {
			return err
		}
	}
	const far = 1000 // room for those who come before
	rank, state := k.rank, "open"
	switch d.How {
	case "before":
		if err := w.makeRoom(ctx, have, k, k.rank, far); err != nil {
			return err
		}
		k.State, k.aside = "wait", w.now
		if _, err := unlist(ctx, w.tx, k.ID); err != nil {
			return err
		}
	case "after":
		if err := w.makeRoom(ctx, have, k, k.rank+1, far); err != nil {
			return err
		}
		rank, state = k.rank+1, "wait"
	}
	if err := saveTask(ctx, w.tx, k); err != nil {
		return err
	}
	asked := 0
	for _, p := range d.To {
		if p == me || p == w.whose || slices.ContainsFunc(have, func(o Item) bool { return o.Person == p && o.State != "done" }) {
			continue
		}
		n := *k
		n.ID, n.Person, n.State, n.rank, n.Begun, n.AskedBy, n.Seen, n.aside = id.New(), p, state, rank, w.now, me, store.Time{}, store.Time{}
		n.chosen.V = []string{}
		if err := insertTask(ctx, w.tx, &n, []string{p}); err != nil {
			return err
		}
		asked++
	}
	if asked == 0 {
		return needs("to", "flow.has_it_already")
	}
	if err := joins(ctx, w.tx, w.c.ID, me, "done", w.now); err != nil { // he sees it while the others have it
		return err
	}
	return w.onto(ctx, d.To, notify.Task, "flow.told_add", k.Name)
}

// makeRoom moves the ranks at and above from up, so that others can come in between; k's own moves with them when it is among them.
func (w *work) makeRoom(ctx context.Context, have []Item, k *Item, from, by int) error {
	for i := range have {
		o := &have[i]
		if o.ID == k.ID {
			o = k
		}
		if o.rank < from {
			continue
		}
		o.rank += by
		if err := saveTask(ctx, w.tx, o); err != nil {
			return err
		}
	}
	return nil
}

// dropAdded takes back whom one asked for and who has not acted yet (减签); who supervises may for anybody.
func (w *work) dropAdded(ctx context.Context, _ *Item, d *Deed) error {
	me := authz.From(ctx).Person
	if len(d.To) == 0 {
		return needs("to", "flow.somebody")
	}
	supervises := authz.MayUnit(ctx, w.tx, "flow.supervise", w.c.Unit)
	if supervises != nil && !errs.Is(supervises, errs.Denied) {
		return supervises
	}
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.box = 'do' AND k.asked_by <> '' AND (k.state = 'open' OR k.state = 'wait')"))
	if err != nil {
		return err
	}
	var last *Item
	for i := range all {
		k := &all[i]
		if !slices.Contains(d.To, k.Person) || k.AskedBy != me && supervises != nil {
			continue
		}
		if err := w.end(ctx, k, "gone"); err != nil {
			return err
		}
		w.told[k.Person] = true
		last = k
	}
	if last == nil {
		return errs.New(errs.Conflict, "flow.not_added")
	}
	w.of(last)
	if w.step.Onto, err = w.f.called(ctx, w.tx, d.To); err != nil {
		return err
	}
	return w.settle(ctx, last, w.f.task(w.p, last.Node))
}

// onto writes whom a deed concerned, and tells them.
func (w *work) onto(ctx context.Context, people []string, kind notify.Kind, key string, step string) (err error) {
	if w.step.Onto, err = w.f.called(ctx, w.tx, people); err != nil {
		return err
	}
	for _, p := range people {
		w.told[p] = true
	}
	return w.say(ctx, people, kind, key, authz.From(ctx).Name, w.c.Number, step)
}

// lay puts a copy of the case on people's desks to read (抄送, 传阅).
func (w *work) lay(ctx context.Context, people []string) error {
	for _, p := range people {
		k := Item{ID: id.New(), Case: w.c.ID, Name: w.c.Step, Box: "read", State: "open", Share: bpmn.Any, Person: p, Begun: w.now, dueUnit: "urgent_hour"}
		k.chosen.V = []string{}
		if err := insertTask(ctx, w.tx, &k, []string{p}); err != nil {
			return err
		}
		if err := joins(ctx, w.tx, w.c.ID, p, "copied", w.now); err != nil {
			return err
		}
		w.told[p] = true
	}
	return nil
}

func (w *work) copyTo(ctx context.Context, _ *Item, d *Deed) error {
	if len(d.To) == 0 {
		return needs("to", "flow.somebody")
	}
	if err := w.present(ctx, d.To); err != nil {
		return err
	}
	if err := w.lay(ctx, d.To); err != nil {
		return err
	}
	return w.onto(ctx, d.To, notify.Info, "flow.told_copy", w.c.Title)
}

// withdraw takes back what one submitted last, as long as nobody has opened or done what came of it (撤回).
func (w *work) withdraw(ctx context.Context, _ *Item, _ *Deed) error {
	me := authz.From(ctx).Person
	node, err := w.mine(ctx, me)
	if err != nil {
		return err
	}
	open, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.state = 'open' AND k.box = 'do'"))
	if err != nil {
		return err
	}
	for _, k := range open {
		if !k.Seen.IsZero() {
			return errs.New(errs.Conflict, "flow.seen_already", k.Name)
		}
	}
	for _, k := range open {
		if !slices.Contains(w.machine().Back(w.run().State, k.token), node) {
			continue
		}
		w.of(&k)
		s, out, err := w.machine().Jump(w.run().State, k.token, node, w.vars)
		if err != nil {
			return moved(w.p, err)
		}
		w.run().Doers[node] = []string{me}
		w.again(node)
		return w.carry(ctx, s, out)
	}
	return errs.New(errs.Conflict, "flow.nothing_back")
}

// mine is the step the actor did last, when nothing was done since.
func (w *work) mine(ctx context.Context, me string) (string, error) {
	steps, err := stepsOf(ctx, w.tx, w.c.ID)
	if err != nil {
		return "", err
	}
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		switch s.Verb {
		case "warn", "overdue", "urge", "copy", "escalate":
			continue
		case "submit", "begin":
			i := slices.IndexFunc(w.p.Nodes, func(n *bpmn.Node) bool { return n.Kind == bpmn.User && n.Name == s.Step })
			if s.Person == me && i >= 0 {
				return w.p.Nodes[i].ID, nil
			}
		}
		return "", errs.New(errs.Denied, "flow.nothing_back")
	}
	return "", errs.New(errs.Denied, "flow.nothing_back")
}

// urge reminds whoever has it (催办); who takes part may, once an hour.
func (w *work) urge(ctx context.Context, _ *Item, _ *Deed) error {
	steps, err := stepsOf(ctx, w.tx, w.c.ID)
	if err != nil {
		return err
	}
	me := authz.From(ctx).Person
	for _, s := range steps {
		if s.Verb == "urge" && s.Person == me && w.now.Sub(s.At.Time) < time.Hour {
			return errs.New(errs.Limited, "flow.urged_already")
		}
	}
	return w.alarm(ctx, "flow.told_urge")
}

// alarm speaks to everybody who has the case before him.
func (w *work) alarm(ctx context.Context, key string) error {
	people, err := store.Column[string](ctx, w.tx, `SELECT DISTINCT person FROM flow_todo WHERE case_id = $1 AND box = 'do' ORDER BY person`, w.c.ID)
	if err != nil {
		return err
	}
	return w.onto(ctx, people, notify.Alarm, key, w.c.Step)
}

// supervise puts the case under one's eyes (督办): it stands in one's list until it is closed.
func (w *work) supervise(ctx context.Context, _ *Item, _ *Deed) error {
	me := authz.From(ctx).Person
	if err := joins(ctx, w.tx, w.c.ID, me, "supervised", w.now); err != nil {
		return err
	}
	return w.alarm(ctx, "flow.told_supervise")
}

// suspend lets every clock of the case stand still (挂起).
func (w *work) suspend(ctx context.Context, _ *Item, _ *Deed) error {
	w.c.State, w.c.Paused = Suspended, w.now
	return store.Exec(ctx, w.tx, `UPDATE flow_timer SET paused = TRUE WHERE case_id = $1`, w.c.ID)
}

func (w *work) resume(ctx context.Context, _ *Item, _ *Deed) error {
	from := w.c.Paused.Time
	w.c.State, w.c.Paused = Open, store.Time{}
	if err := w.shift(ctx, from); err != nil {
		return err
	}
	return w.anew(ctx)
}

// extend asks for more time (延期); who supervises answers.
func (w *work) extend(ctx context.Context, k *Item, d *Deed) error {
	switch {
	case k.Due.IsZero():
		return errs.New(errs.Conflict, "flow.no_limit")
	case !d.Until.After(k.Due.Time) || !d.Until.After(w.now.Time):
		return needs("until", "flow.later")
	case !k.AskUntil.IsZero():
		return errs.New(errs.Conflict, "flow.asked_already")
	}
	k.AskUntil = d.Until
	w.step.Onto = d.Until.Format("2006-01-02 15:04")
	return saveTask(ctx, w.tx, k)
}

// grant gives the time that was asked for: the step's clock and the case's move by as much.
func (w *work) grant(ctx context.Context, _ *Item, d *Deed) error {
	k, err := w.asked(ctx, d)
	if err != nil {
		return err
	}
	days, err := w.days(ctx)
	if err != nil {
		return err
	}
	more := days.Elapsed(k.Due.Time, k.AskUntil.Time, k.dueUnit)
	timers, err := store.All(ctx, w.tx, scanTimer, `SELECT `+timerColumns+` FROM flow_timer WHERE task_id = $1 OR (case_id = $2 AND kind = 'case')`, k.ID, w.c.ID)
	if err != nil {
		return err
	}
	for _, t := range timers {
		if err := store.Exec(ctx, w.tx, `UPDATE flow_timer SET at = $1 WHERE id = $2`, store.At(days.Add(t.at.Time, more, t.unit)), t.id); err != nil {
			return err
		}
	}
	if !w.c.Due.IsZero() {
		w.c.Due = store.At(days.Add(w.c.Due.Time, more, w.c.dueUnit))
	}
	due := k.AskUntil
	k.AskUntil, k.Late = store.Time{}, false
	w.step.Onto = due.Format("2006-01-02 15:04")
	return w.redue(ctx, k, due)
}

func (w *work) refuse(ctx context.Context, _ *Item, d *Deed) error {
	k, err := w.asked(ctx, d)
	if err != nil {
		return err
	}
	k.AskUntil = store.Time{}
	return saveTask(ctx, w.tx, k)
}

// asked is the task whose extension waits for an answer; nobody answers himself.
func (w *work) asked(ctx context.Context, d *Deed) (*Item, error) {
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.id = $1 AND k.state = 'open' AND k.asked_until > 0", d.Task))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errs.New(errs.Conflict, "flow.not_asked")
	}
	have, err := holders(ctx, w.tx, all[0].ID)
	if err != nil {
		return nil, err
	}
	if slices.Contains(have, authz.From(ctx).Person) {
		return nil, errs.New(errs.Denied, "flow.not_yourself")
	}
	w.of(&all[0])
	for _, p := range have {
		w.told[p] = true
	}
	return &all[0], nil
}

// stop ends a case undone (终止).
func (w *work) stop(ctx context.Context, _ *Item, _ *Deed) error {
	w.c.State = Stopped
	s, out := w.machine().Stop(w.run().State)
	return w.carry(ctx, s, out)
}

// reopen takes up a case that was closed (重开), once, at a step of the drawing's top.
func (w *work) reopen(ctx context.Context, _ *Item, d *Deed) error {
	if w.c.Reopened > 0 {
		return errs.New(errs.Conflict, "flow.once")
	}
	n := w.p.Node(d.Node)
	if n == nil || n.Kind != bpmn.User {
		return needs("node", "flow.which_step")
	}
	if w.c.State == Closed {
		if err := w.counted(ctx, -1); err != nil {
			return err
		}
	}
	w.c.Reopened++
	w.c.State, w.c.ClosedAt, w.c.Outcome, w.vars["outcome"] = Open, store.Time{}, "", ""
	s, out, err := w.machine().Reopen(w.run().State, d.Node, w.vars)
	if err != nil {
		return moved(w.p, err)
	}
	if !w.c.Due.IsZero() && w.c.Due.After(w.now.Time) { // the business clock goes on as it stood
		if err := w.timer(ctx, "", 0, "case", "", w.c.Due.Time, string(w.c.dueUnit)); err != nil {
			return err
		}
	}
	return w.carry(ctx, s, out)
}
