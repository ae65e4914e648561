package forms

import (
	"context"
	"fmt"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/notify"
)

// absent is the outcome of an entry whose reservation was let go of because nobody came.
const absent = "absent"

// free lets go of reservations that have begun and nobody has come for, so that others may have what stands empty.
func (f *Forms) free(ctx context.Context) error {
	all, err := begun(ctx, f.db, f.now())
	if err != nil {
		return err
	}
	for _, b := range all {
		err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return f.freeOne(ctx, tx, b) })
		if err != nil && !errs.Is(err, errs.Missing) && !errs.Is(err, errs.Conflict) { // gone or changed meanwhile
			return fmt.Errorf("forms: reservation of %s: %w", b.Entry, err)
		}
	}
	return nil
}

func (f *Forms) freeOne(ctx context.Context, tx *store.Tx, b Booking) error {
	if err := store.Lock(ctx, tx, "forms_entry", b.Entry); err != nil {
		return err
	}
	e, err := findEntry(ctx, tx, store.C("e.id = $1 AND e.state = 'open'", b.Entry))
	if err != nil {
		return err
	}
	c, err := f.of(ctx, tx, &e)
	if err != nil {
		return err
	}
	kind := c.Resource(c.Field(b.Field).Resource)
	if kind.Free == nil || kind.Free.Step != e.AtStep || f.now().Before(b.From.Add(time.Duration(kind.Free.Minutes)*time.Minute)) {
		return nil
	}
	e.Outcome = absent
	if err := saveEntry(ctx, tx, &e); err != nil {
		return err
	}
	if err := release(ctx, tx, b.Entry, b.Field); err != nil {
		return err
	}
	if err := f.notify.Send(ctx, tx, notify.Notice{To: []string{e.Owner}, Kind: notify.Info, Key: "forms.freed", Args: []any{e.Title, kind.Free.Minutes}, Link: link(e.ID), Object: "forms_entry", ID: e.ID}); err != nil {
		return err
	}
	return f.audit.Record(ctx, tx, audit.Entry{Action: "forms.free", Object: "forms_entry", ID: e.ID, Title: title(c.App, &e), Detail: map[string]any{"resource": b.Resource}})
}

// title is what an entry is called where no personal data may stand.
func title(a *app.App, e *Entry) string { return a.Title.ZH + " " + e.Number }
