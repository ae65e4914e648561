package forms

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
)

// turn is what the actor may do with an entry now.
type turn struct {
	part   bool // takes part in its case, or filed it
	holds  bool // a step is his
	rights app.Rights
}

func (t turn) writes() bool {
	for _, may := range t.rights {
		if may == app.Write || may == app.Need {
			return true
		}
	}
	return false
}

// first is the key of the step an entry begins with.
func (f *Forms) first(a *app.App) string { return a.Steps[0].Key }

// turn finds what is the actor's to do with an entry.
func (f *Forms) turn(ctx context.Context, q store.Queryer, c *app.Compiled, e *Entry) (turn, error) {
	t := turn{rights: app.Rights{}}
	t.part = f.owns(ctx, e)
	if e.State == stateDraft {
		if t.part {
			t.rights = c.Rights(f.first(c.App))
		}
		return t, nil
	}
	steps, part, err := f.flow.Holds(ctx, q, e.Case, authz.From(ctx).Person)
	t.part = t.part || part
	t.holds = len(steps) > 0
	for i, s := range steps {
		r, err := f.rights(ctx, q, c, e.Case, s)
		if err != nil {
			return t, err
		}
		t.rights = merge(t.rights, r, i == 0)
	}
	return t, err
}

// rights is what a step may do with the fields: as its flow was drawn, or as the application says where nobody drew it.
func (f *Forms) rights(ctx context.Context, q store.Queryer, c *app.Compiled, caseID, step string) (app.Rights, error) {
	drawn, err := f.flow.Rights(ctx, q, caseID, step)
	if err != nil || drawn == nil {
		return c.Rights(step), err
	}
	out := app.Rights{}
	for field, may := range drawn {
		out[field] = app.May(may)
	}
	return out, nil
}

// merge joins the rights of two steps somebody holds at once: the wider counts, a field is hidden when both hide it.
func merge(a, b app.Rights, first bool) app.Rights {
	if first {
		return b
	}
	rank := func(m app.May) int {
		switch m {
		case app.Hide:
			return 0
		case app.Write:
			return 2
		case app.Need:
			return 3
		}
		return 1
	}
	out := app.Rights{}
	for _, r := range []app.Rights{a, b} {
		for key := range r {
			out[key] = a[key]
			if rank(b[key]) > rank(a[key]) {
				out[key] = b[key]
			}
			if out[key] == "" {
				delete(out, key)
			}
		}
	}
	return out
}

// mayRead says who may read the files of a field: who may read the entry and has not the field hidden from him.
func (f *Forms) mayRead(ctx context.Context, object string) error {
	entry, field, _ := strings.Cut(object, "/")
	_, _, t, err := f.seen(ctx, f.db, entry)
	if err == nil && t.rights[field] == app.Hide {
		err = errs.New(errs.Missing, "forms.no_value")
	}
	return err
}

// text puts one fault into the caller's language.
func (f *Forms) text(ctx context.Context, b errs.Field) string {
	return f.words.Text(lang(ctx), b.Key, b.Args...)
}

// vars are the values expressions of the flow see.
func (f *Forms) vars(ctx context.Context, q store.Queryer, entry string) (map[string]any, error) {
	e, err := findEntry(ctx, q, store.C("e.id = $1", entry))
	if err != nil {
		return nil, err
	}
	c, err := f.of(ctx, q, &e)
	if err != nil {
		return nil, err
	}
	data, err := f.open(c, &e)
	if err != nil {
		return nil, err
	}
	return c.Vars(data, f.facts(&e)), nil
}

// apply checks and keeps what was filled in at a step that is being finished.
func (f *Forms) apply(ctx context.Context, tx *store.Tx, entry, step, outcome string, in app.Data) (*Entry, error) {
	return f.rewrite(ctx, tx, entry, func(c *app.Compiled, e *Entry) (app.Data, error) {
		rights, err := f.rights(ctx, tx, c, e.Case, step)
		if err != nil {
			return nil, err
		}
		data, err := f.put(ctx, tx, c, e, in, c.Ending(rights, step, outcome), true)
		e.Outcome = outcome
		return data, err
	})
}

// standing is where a case stands, as its entry shows it.
type standing struct {
	Case, Number, State, Step, Holder string
	Due, Closed                       store.Time
	Late                              bool
}

// changed writes where the case stands on the entry.
func (f *Forms) changed(ctx context.Context, tx *store.Tx, entry string, s standing) error {
	_, err := f.rewrite(ctx, tx, entry, func(c *app.Compiled, e *Entry) (app.Data, error) {
		e.AtStep = ""
		for _, step := range c.Steps {
			if e.AtStep == "" && slices.Contains(strings.Split(s.Step, "、"), step.Title.ZH) {
				e.AtStep = step.Key
			}
		}
		e.Case, e.Number, e.State, e.Step, e.Holder, e.Due, e.Closed, e.Late = s.Case, s.Number, s.State, s.Step, s.Holder, s.Due, s.Closed, s.Late
		return f.open(c, e)
	})
	return err
}

// rewrite saves what fn makes of an entry, with all that follows from it.
func (f *Forms) rewrite(ctx context.Context, tx *store.Tx, entry string, fn func(*app.Compiled, *Entry) (app.Data, error)) (*Entry, error) {
	if err := store.Lock(ctx, tx, "forms_entry", entry); err != nil {
		return nil, err
	}
	e, err := findEntry(ctx, tx, store.C("e.id = $1", entry))
	if err != nil {
		return nil, err
	}
	c, err := f.of(ctx, tx, &e)
	if err != nil {
		return nil, err
	}
	data, err := fn(c, &e)
	if err != nil {
		return nil, err
	}
	if err := f.derive(c, &e, data); err != nil {
		return nil, err
	}
	if err := saveEntry(ctx, tx, &e); err != nil {
		return nil, err
	}
	return &e, f.follow(ctx, tx, c, &e, data)
}
