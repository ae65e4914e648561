package flow

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// personLeft takes what a leaver had off his list and finds anew who is to act. A task for which nobody is found stands in
// the list of stuck cases.
func (f *Flow) personLeft(ctx context.Context, e struct {
	Person string `json:"person"`
}) error {
	return f.handOver(ctx, e.Person)
}

// postsChanged looks whether people who lost a post still have tasks that came to them by it.
func (f *Flow) postsChanged(ctx context.Context, e struct {
	People []string `json:"people"`
}) error {
	known, err := f.org.People(ctx, f.db, e.People)
	if err != nil {
		return err
	}
	for _, p := range e.People {
		posts, err := f.org.Posts(ctx, f.db, p)
		if err != nil {
			return err
		}
		if len(posts) == 0 || known[p].ID == "" {
			if err := f.handOver(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *Flow) handOver(ctx context.Context, person string) error {
	ctx = bySystem(ctx)
	standing, err := store.All(ctx, f.db, scanDeputy, `SELECT `+deputyColumns+` FROM flow_deputy WHERE ended_at = 0 AND (person = $1 OR deputy = $2) ORDER BY from_at`, person, person)
	if err != nil {
		return err
	}
	for _, d := range standing {
		if err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return f.standDown(ctx, tx, d) }); err != nil {
			return err
		}
	}
	cases, err := store.Column[string](ctx, f.db, `SELECT DISTINCT case_id FROM flow_todo WHERE person = $1 ORDER BY case_id`, person)
	if err != nil {
		return err
	}
	for _, id := range cases {
		err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			w, err := f.open(ctx, tx, id)
			if err != nil {
				return err
			}
			return w.without(ctx, person)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// without takes a person's tasks of the case away and hands on what nobody else has.
func (w *work) without(ctx context.Context, person string) error {
	mine, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.id IN (SELECT task_id FROM flow_todo WHERE case_id = $1 AND person = $2)", w.c.ID, person))
	if err != nil || len(mine) == 0 {
		return err
	}
	if err := store.Exec(ctx, w.tx, `DELETE FROM flow_todo WHERE case_id = $1 AND person = $2`, w.c.ID, person); err != nil {
		return err
	}
	for i := range mine {
		k := &mine[i]
		if k.Box != "do" {
			continue
		}
		rest, err := holders(ctx, w.tx, k.ID)
		if err != nil {
			return err
		}
		w.of(k)
		if len(rest) > 0 {
			continue
		}
		w.node = k.Node
		found, err := w.f.people(ctx, w.tx, w, w.p.WhoOf(w.p.Node(k.Node)))
		if err != nil {
			return err
		}
		k.Person = ""
		if err := saveTask(ctx, w.tx, k); err != nil {
			return err
		}
		if err := hand(ctx, w.tx, k, found); err != nil {
			return err
		}
		w.tell(found, k.Name)
	}
	w.step.Verb = "left"
	if w.step.Reason, err = w.f.called(ctx, w.tx, []string{person}); err != nil {
		return err
	}
	if err := w.save(ctx); err != nil {
		return err
	}
	return w.f.audit.Record(ctx, w.tx, audit.Entry{Action: "flow.assign", Object: "flow_case", ID: w.c.ID, Title: w.c.Number, Detail: map[string]any{"left": person}})
}
