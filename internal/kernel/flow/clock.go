package flow

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// limit is when a limit that begins now runs out: the first whose condition holds. None is no limit. Length is on the
// unit's own clock.
func (w *work) limit(ctx context.Context, all []Limit) (due store.Time, unit when.Unit, length time.Duration, err error) {
	for _, l := range all {
		ok, err := w.holds(l.When)
		if err != nil {
			return due, unit, 0, err
		}
		if !ok {
			continue
		}
		days, err := w.days(ctx)
		if err != nil {
			return due, unit, 0, err
		}
		at, err := days.Deadline(w.now.Time, l.N, l.Unit)
		if err != nil {
			return due, unit, 0, err
		}
		return store.At(at), l.Unit, days.Elapsed(w.now.Time, at, l.Unit), nil
	}
	return due, when.UrgentHour, 0, nil
}

// clocks sets what is to happen while a task is open.
func (w *work) clocks(ctx context.Context, k *Item, t *bpmn.Task, length time.Duration) error {
	if k.Due.IsZero() {
		return nil
	}
	days, err := w.days(ctx)
	if err != nil {
		return err
	}
	at := func(percent int) time.Time {
		return days.Add(k.Begun.Time, length/100*time.Duration(percent), k.dueUnit)
	}
	for _, p := range t.Warn {
		if err := w.timer(ctx, k.ID, k.token, "warn", strconv.Itoa(p), at(p), string(k.dueUnit)); err != nil {
			return err
		}
	}
	if err := w.timer(ctx, k.ID, k.token, "due", "", k.Due.Time, string(k.dueUnit)); err != nil {
		return err
	}
	for i, e := range t.Escalate {
		if err := w.timer(ctx, k.ID, k.token, "escalate", strconv.Itoa(i), at(e.Percent), string(k.dueUnit)); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) timer(ctx context.Context, task string, tok int, kind, arg string, at time.Time, unit string) error {
	return store.Later(ctx, w.tx, `INSERT INTO flow_timer (id, case_id, task_id, token, kind, arg, at, unit) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id.New(), w.c.ID, task, tok, kind, arg, store.At(at), unit)
}

// boundary begins to wait for a timer at the edge of the activity a token stands at.
func (w *work) boundary(ctx context.Context, tok int, b *bpmn.Node) error {
	days, err := w.days(ctx)
	if err != nil {
		return err
	}
	at, err := days.Deadline(w.now.Time, b.Event.Timer.N, b.Event.Timer.Unit)
	if err != nil {
		return err
	}
	return w.timer(ctx, "", tok, "boundary", b.ID, at, string(b.Event.Timer.Unit))
}

// shift moves every clock of the case by what passed of it since from: a suspension does not count.
func (w *work) shift(ctx context.Context, from time.Time) error {
	days, err := w.days(ctx)
	if err != nil {
		return err
	}
	on := func(t time.Time, u when.Unit) store.Time {
		return store.At(days.Add(t, days.Elapsed(from, w.now.Time, u), u))
	}
	if !w.c.Due.IsZero() {
		w.c.Due = on(w.c.Due.Time, w.c.dueUnit)
	}
	open, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.state = 'open' AND k.due_at > 0"))
	if err != nil {
		return err
	}
	for i := range open {
		if err := w.redue(ctx, &open[i], on(open[i].Due.Time, open[i].dueUnit)); err != nil {
			return err
		}
	}
	timers, err := store.All(ctx, w.tx, scanTimer, `SELECT `+timerColumns+` FROM flow_timer WHERE case_id = $1`, w.c.ID)
	if err != nil {
		return err
	}
	for _, t := range timers {
		if err := store.Exec(ctx, w.tx, `UPDATE flow_timer SET paused = FALSE, at = $1 WHERE id = $2`, on(t.at.Time, t.unit), t.id); err != nil {
			return err
		}
	}
	return nil
}

// redue gives a task another deadline, on the lists too.
func (w *work) redue(ctx context.Context, k *Item, due store.Time) error {
	k.Due = due
	if err := saveTask(ctx, w.tx, k); err != nil {
		return err
	}
	return store.Exec(ctx, w.tx, `UPDATE flow_todo SET due_at = $1 WHERE task_id = $2`, due, k.ID)
}

// timer is one thing that is to happen at a moment.
type timer struct {
	id, caseID, task string
	token            int
	kind, arg        string
	at               store.Time
	unit             when.Unit
}

const timerColumns = `id, case_id, task_id, token, kind, arg, at, unit`

func scanTimer(t *timer) []any {
	return []any{&t.id, &t.caseID, &t.task, &t.token, &t.kind, &t.arg, &t.at, &t.unit}
}

// keepTime fires what is due, each second, until ctx ends.
func (f *Flow) keepTime(ctx context.Context) error { return each(ctx, time.Second, f.Tick) }

// each runs fn now and then again and again, until ctx ends or it fails: the house starts a service that failed anew.
func each(ctx context.Context, every time.Duration, fn func(context.Context) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Tick fires every timer that is due, earliest first, each in a transaction of its own. One that fails is put off for a
// minute and said; the others go on.
func (f *Flow) Tick(ctx context.Context) error {
	ctx = bySystem(ctx)
	for {
		due, err := store.All(ctx, f.db, scanTimer, `SELECT `+timerColumns+` FROM flow_timer WHERE paused = FALSE AND at <= $1 ORDER BY at, id LIMIT 200`, store.At(f.now()))
		if err != nil || len(due) == 0 {
			return err
		}
		for _, t := range due {
			if err := f.fire(ctx, t); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				slog.ErrorContext(ctx, "flow: a timer could not fire", "case", t.caseID, "kind", t.kind, "error", err)
				if err := store.Exec(ctx, f.db, `UPDATE flow_timer SET at = $1 WHERE id = $2`, store.At(f.now().Add(time.Minute)), t.id); err != nil {
					return err
				}
			}
		}
	}
}

// bySystem is ctx in which the program itself acts.
func bySystem(ctx context.Context) context.Context {
	return room.Acting(ctx, &room.Actor{Account: "qushu", Name: "区枢", IsJob: true})
}

// fire does what one timer is for, once: it goes in the transaction of its effect.
func (f *Flow) fire(ctx context.Context, t timer) error {
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := f.open(ctx, tx, t.caseID)
		if err != nil {
			return err
		}
		gone := store.ExecOne(ctx, tx, `DELETE FROM flow_timer WHERE id = $1 AND paused = FALSE`, t.id)
		if errs.Is(gone, errs.Conflict) || w.c.State != Open { // another replica, or a deed, was faster
			return nil
		}
		if gone != nil {
			return gone
		}
		switch t.kind {
		case "boundary":
			s, out, err := w.machine().Fire(w.run().State, t.token, t.arg, w.vars)
			if err != nil {
				return moved(w.p, err)
			}
			w.step.Verb, w.step.Step = "timer", w.p.Node(t.arg).Name
			if err := w.carry(ctx, s, out); err != nil {
				return err
			}
			return w.save(ctx)
		case "case":
			w.c.Late, w.step.Verb = true, "overdue"
			w.step.Due, w.step.Late = w.c.Due, true
			return w.save(ctx)
		}
		return w.ring(ctx, t)
	})
}

// ring warns, marks late or escalates one task.
func (w *work) ring(ctx context.Context, t timer) error {
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.id = $1 AND k.state = 'open'", t.task))
	if err != nil || len(all) == 0 {
		return err
	}
	k := &all[0]
	people, err := holders(ctx, w.tx, k.ID)
	if err != nil {
		return err
	}
	w.of(k)
	switch t.kind {
	case "warn":
		w.step.Verb, w.step.Reason = "warn", t.arg+"%"
		if err := w.say(ctx, people, notify.Task, "flow.told_warn", w.c.Number, k.Name, t.arg); err != nil {
			return err
		}
	case "due":
		w.step.Verb, k.Late = "overdue", true
		if err := saveTask(ctx, w.tx, k); err != nil {
			return err
		}
		if err := w.say(ctx, people, notify.Alarm, "flow.told_late", w.c.Number, k.Name); err != nil {
			return err
		}
	case "escalate":
		if err := w.escalate(ctx, k, people, t.arg); err != nil {
			return err
		}
	}
	for _, p := range people {
		w.told[p] = true
	}
	return w.save(ctx)
}

// escalate tells others of a late task, lets them act too, or gives it to them.
func (w *work) escalate(ctx context.Context, k *Item, have []string, arg string) error {
	n, err := strconv.Atoi(arg)
	rules := w.f.task(w.p, k.Node).Escalate
	if err != nil || n >= len(rules) { // the drawing changed under it
		return nil
	}
	to, err := w.f.people(ctx, w.tx, w, rules[n].To)
	if err != nil {
		return err
	}
	w.step.Verb = "escalate"
	if w.step.Onto, err = w.f.called(ctx, w.tx, to); err != nil {
		return err
	}
	switch rules[n].Do {
	case "move":
		if len(to) > 0 {
			if _, err := unlist(ctx, w.tx, k.ID); err != nil {
				return err
			}
			k.Person = ""
			if err := saveTask(ctx, w.tx, k); err != nil {
				return err
			}
		}
		fallthrough
	case "add":
		if err := hand(ctx, w.tx, k, to); err != nil {
			return err
		}
	default:
		for _, p := range to {
			if err := joins(ctx, w.tx, w.c.ID, p, "supervised", w.now); err != nil {
				return err
			}
		}
	}
	for _, p := range to {
		w.told[p] = true
	}
	return w.say(ctx, append(to, have...), notify.Alarm, "flow.told_escalated", w.c.Number, k.Name, w.step.Onto)
}

// say sends a message about the case.
func (w *work) say(ctx context.Context, people []string, kind notify.Kind, key string, args ...any) error {
	return w.f.notify.Send(ctx, w.tx, notify.Notice{To: people, Kind: kind, Key: key, Args: args, Link: w.f.link(w.c), Object: "flow_case", ID: w.c.ID})
}

func (f *Flow) link(c *Case) string {
	if h := f.hosts[c.Room]; h.Link != nil {
		return h.Link(c)
	}
	return "/flow/cases/" + c.ID
}
