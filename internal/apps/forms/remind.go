package forms

import (
	"context"
	"fmt"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/notify"
)

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
	for i := range c.Reminders {
		m := &c.Reminders[i]
		if m.Key != r.key {
			continue
		}
		data, err := f.open(c, &e)
		if err != nil {
			return err
		}
		holds, err := c.Truth(fmt.Sprintf("reminders[%d].when", i), c.Vars(data, f.facts(&e)), true)
		if err != nil || !holds { // what cannot be evaluated reminds nobody
			return nil
		}
		var to []string
		for _, key := range m.To {
			if p := partyID(data[key]); p != "" && key != "starter" {
				to = append(to, p)
			}
		}
		if len(m.To) == 0 || slices.Contains(m.To, "starter") {
			to = append(to, e.Owner)
		}
		return f.notify.Send(ctx, tx, notify.Notice{To: to, Kind: notify.Info, Key: "forms.reminder", Args: []any{m.Text.ZH, m.Text.In("en"), e.Title}, Link: link(e.ID), Object: "forms_entry", ID: e.ID})
	}
	return nil
}
