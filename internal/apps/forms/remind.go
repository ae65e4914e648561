package forms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
)

// plan sets an entry's reminders.
func (f *Forms) plan(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, data app.Data) error {
	var waiting []flow.Waiting
	if e.Case != "" && slices.ContainsFunc(c.Reminders, func(r app.Reminder) bool { return strings.HasPrefix(r.Field, ofStep) }) {
		var err error
		if waiting, err = f.flow.Waiting(ctx, tx, e.Case); err != nil {
			return err
		}
	}
	for _, r := range c.Reminders {
		at := moment(c.App, &r, e, data, waiting)
		if !at.IsZero() {
			at = at.Add(time.Duration(r.Hours * float64(time.Hour)))
		}
		if e.State == "stopped" || !at.IsZero() && at.Before(f.now()) {
			at = time.Time{}
		}
		if err := setReminder(ctx, tx, e.ID, r.Key, at); err != nil {
			return err
		}
	}
	return nil
}

// ofStep begins the moment of a reminder that goes by the limit of a step.
const ofStep = "step:"

// moment is that from which a reminder is reckoned, zero while there is none.
func moment(a *app.App, r *app.Reminder, e *Entry, data app.Data, waiting []flow.Waiting) time.Time {
	step, isStep := strings.CutPrefix(r.Field, ofStep)
	switch {
	case r.Field == "closed":
		return e.Closed.Time
	case isStep || r.OfLimit(a):
		if e.State != "open" { // the clock stands still, or nothing is due any more
			return time.Time{}
		}
		if !isStep {
			return e.Due.Time
		}
		var first time.Time
		for _, w := range waiting {
			if w.Node == step && !w.Due.IsZero() && (first.IsZero() || w.Due.Before(first)) {
				first = w.Due.Time
			}
		}
		return first
	}
	return app.Moment(data[r.Field])
}

// remind tells people what the declarations say they are reminded of. A reminder is marked in the transaction of its
// message, so that it is sent once.
func (f *Forms) remind(ctx context.Context) error {
	all, err := dueReminders(ctx, f.db, f.now())
	if err != nil {
		return err
	}
	for _, r := range all {
		err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return f.remindOne(ctx, tx, r) })
		if err != nil && !errs.Is(err, errs.Conflict) { // moved or sent meanwhile
			return fmt.Errorf("forms: reminder %s of %s: %w", r.key, r.entry, err)
		}
	}
	return nil
}

func (f *Forms) remindOne(ctx context.Context, tx *store.Tx, r reminder) error {
	if err := sentReminder(ctx, tx, r); err != nil {
		return err
	}
	e, err := findEntry(ctx, tx, store.C("e.id = $1", r.entry))
	if err != nil {
		return err
	}
	c, err := f.of(ctx, tx, &e)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.Reminders, func(m app.Reminder) bool { return m.Key == r.key })
	if i < 0 {
		return nil
	}
	m := &c.Reminders[i]
	data, err := f.open(c, &e)
	if err != nil {
		return err
	}
	holds, err := c.Truth(fmt.Sprintf("reminders[%d].when", i), c.Vars(data, f.facts(&e)), true)
	if err != nil || !holds { // what cannot be evaluated reminds nobody
		return nil
	}
	to, err := f.reminded(ctx, tx, c, &e, m, data)
	if err != nil {
		return err
	}
	c.Mask(data)
	say := func(text, lang string) string {
		return c.Fill(text, data, map[string]string{"number": e.Number, "title": e.Title, "step": e.Step, "due": dated(e.Due)}, lang)
	}
	return f.notify.Send(ctx, tx, notify.Notice{To: to, Kind: notify.Info, Key: "forms.reminder", Args: []any{say(m.Text.ZH, "zh"), say(m.Text.In("en"), "en"), e.Title}, Link: link(e.ID), Object: "forms_entry", ID: e.ID})
}

// cutRole is the key of a role among those who are reminded.
func cutRole(to string) (key string, ok bool) { return strings.CutPrefix(to, "role:") }

// reminded finds the persons a reminder goes to.
func (f *Forms) reminded(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, m *app.Reminder, data app.Data) ([]string, error) {
	var out []string
	add := func(people ...string) {
		for _, p := range people {
			if p != "" && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	whom := func(all ...flow.Who) error {
		if e.Case == "" {
			return nil
		}
		people, err := f.flow.Whom(ctx, tx, e.Case, all...)
		add(people...)
		return err
	}
	to := m.To
	if len(to) == 0 {
		to = []string{"starter"}
	}
	for _, key := range to {
		var err error
		role, isRole := cutRole(key)
		switch {
		case key == "starter":
			add(e.Owner)
		case key == "holder" && e.Case != "":
			var all []flow.Waiting
			all, err = f.flow.Waiting(ctx, tx, e.Case)
			for _, w := range all {
				add(w.People...)
			}
		case key == "leader" || key == "staff":
			err = whom(flow.Who{Kind: key, Of: "case"})
		case isRole: // of where it is, else of the unit in charge, else everybody who carries it
			id := c.RoleKey(role)
			err = whom(flow.Who{Kind: "role", ID: id, Of: "place"}, flow.Who{Kind: "role", ID: id, Of: "place", Level: "street"}, flow.Who{Kind: "role", ID: id, Of: "case"}, flow.Who{Kind: "role", ID: id})
		default:
			add(partyID(data[key]))
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
