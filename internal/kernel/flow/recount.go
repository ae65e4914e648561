package flow

import (
	"context"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/settings"
)

// recountJob reckons deadlines anew after the days off of a year were entered, case by case from After on.
type recountJob struct {
	settings.CalendarChanged
	After string `json:"after"`
}

// calendarChanged hears that the days off of a year were entered or corrected.
func (f *Flow) calendarChanged(ctx context.Context, c settings.CalendarChanged) error {
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return f.jobs.Enqueue(ctx, tx, "flow.recount", recountJob{CalendarChanged: c})
	})
}

// recountAll goes through the running cases that reach into the year, a hundred in a transaction. Delivered twice it does nothing
// twice: what was done is noted with it.
func (f *Flow) recountAll(ctx context.Context, j recountJob) error {
	ctx = bySystem(ctx)
	old, err := settings.CalendarOf(j.Before)
	if err != nil {
		return err
	}
	from := store.At(time.Date(j.Year-1, time.December, 1, 0, 0, 0, 0, when.Zone)) // a notice may move days of the December before
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ids, err := store.Column[string](ctx, tx, `SELECT c.id FROM flow_case c WHERE (c.state = 'open' OR c.state = 'suspended') AND c.id > $1 AND (c.due_at >= $2
			OR EXISTS (SELECT 1 FROM flow_timer t WHERE t.case_id = c.id AND t.at >= $3)) ORDER BY c.id LIMIT 100`, j.After, from, from)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, c := range ids {
			w, err := f.open(ctx, tx, c)
			if err != nil {
				return err
			}
			done, err := store.Value[int](ctx, tx, `SELECT count(*) FROM flow_recount WHERE change_id = $1 AND case_id = $2`, j.ID, c)
			if err != nil {
				return err
			}
			if done > 0 {
				continue
			}
			if err := w.recount(ctx, old, from.Time, j.At); err != nil {
				return err
			}
			if err := store.Exec(ctx, tx, `INSERT INTO flow_recount (change_id, case_id) VALUES ($1, $2)`, j.ID, c); err != nil {
				return err
			}
		}
		j.After = ids[len(ids)-1]
		return f.jobs.Enqueue(ctx, tx, "flow.recount", j)
	})
}

// recount gives the case's clocks as much time under the calendar in force as they had under the old one. What began after the
// change was reckoned by the new one.
func (w *work) recount(ctx context.Context, old *when.Calendar, from time.Time, change store.Time) error {
	changed := false
	days, err := w.days(ctx)
	if err != nil {
		return err
	}
	anew := func(begun, at store.Time, u when.Unit) store.Time {
		if at.IsZero() || at.Before(from) || !begun.Before(change.Time) || u != when.WorkDay && u != when.WorkHour {
			return at
		}
		then := store.At(days.Add(begun.Time, old.Elapsed(begun.Time, at.Time, u), u))
		changed = changed || !then.Equal(at.Time)
		return then
	}
	w.c.Due = anew(w.c.Begun, w.c.Due, w.c.dueUnit)
	tasks, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.state = 'open' OR k.state = 'wait'"))
	if err != nil {
		return err
	}
	begun := map[string]store.Time{"": w.c.Begun}
	for i := range tasks {
		k := &tasks[i]
		begun[k.ID] = k.Begun
		if due := anew(k.Begun, k.Due, k.dueUnit); due != k.Due {
			k.Due = due
			if err := saveTask(ctx, w.tx, k); err != nil {
				return err
			}
			if err := store.Exec(ctx, w.tx, `UPDATE flow_todo SET due_at = $1 WHERE task_id = $2`, due, k.ID); err != nil {
				return err
			}
		}
	}
	timers, err := store.All(ctx, w.tx, scanTimer, `SELECT `+timerColumns+` FROM flow_timer WHERE case_id = $1`, w.c.ID)
	if err != nil {
		return err
	}
	for _, t := range timers {
		start, known := begun[t.task]
		for _, k := range tasks {
			if t.task == "" && t.token > 0 && k.token == t.token { // a boundary event runs from the task it sits on
				start = k.Begun
			}
		}
		if !known {
			continue
		}
		if at := anew(start, t.at, t.unit); at != t.at {
			if err := store.Exec(ctx, w.tx, `UPDATE flow_timer SET at = $1 WHERE id = $2`, at, t.id); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	w.step.Verb = "recount"
	return w.save(ctx)
}
