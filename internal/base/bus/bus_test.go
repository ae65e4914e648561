package bus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"qushu/internal/base/bus"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

var tpl = &storetest.Templates{Migrate: jobs.Migrate}

type filed struct {
	ID   string
	Late bool
}

func TestEventsAreDeliveredWithTheirTransaction(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := jobs.New(db)
		b := bus.New(c)
		got := make(chan string, 10)
		var tries atomic.Int64
		err := errors.Join(
			b.Add("visit", []bus.Event{bus.Emits[filed]("visit.filed")}, nil),
			b.Add("desk", nil, []bus.Listener{bus.On("visit.filed", func(_ context.Context, e struct{ ID string }) error { got <- "desk " + e.ID; return nil })}),
			b.Add("market", nil, []bus.Listener{bus.On("visit.filed", func(_ context.Context, e struct{ Late bool }) error {
				if tries.Add(1) == 1 {
					panic("first try")
				}
				got <- "market"
				return nil
			})}),
			b.Check(func(string) {}), c.Open(true), c.Start(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Stop(context.Background())
		if err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := b.Emit(ctx, tx, "visit.filed", filed{ID: "rolled back"}); err != nil {
				t.Error(err)
			}
			return errors.New("no")
		}); err == nil {
			t.Fatal("want the error back")
		}
		if err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return b.Emit(ctx, tx, "visit.filed", filed{ID: "v1"}) }); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for range 2 {
			seen[<-got] = true
		}
		if !seen["desk v1"] || !seen["market"] || tries.Load() != 2 {
			t.Error(seen, tries.Load())
		}
	})
}

func TestParkedJobIsSeenAndRunAgain(t *testing.T) {
	tpl.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := jobs.New(db)
		var mended atomic.Bool
		ran := make(chan bool, 10)
		h := jobs.Handle("mail.send", func(context.Context, struct{ To string }) error {
			ran <- true
			if !mended.Load() {
				return jobs.Final(errors.New("no such mailbox"))
			}
			return nil
		})
		if err := errors.Join(c.Add(h), c.Open(true), c.Start(ctx)); err != nil {
			t.Fatal(err)
		}
		defer c.Stop(context.Background())
		tx := func(fn func(ctx context.Context, tx *store.Tx) error) {
			t.Helper()
			if err := db.Tx(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		tx(func(ctx context.Context, tx *store.Tx) error {
			return c.Enqueue(ctx, tx, "mail.send", struct{ To string }{"a"})
		})
		<-ran
		var rows []jobs.Row
		for len(rows) == 0 { // the state is written just after Run returns
			var err error
			if rows, err = c.List(ctx, true, 10); err != nil {
				t.Fatal(err)
			}
		}
		if rows[0].Error != "no such mailbox" || rows[0].Name != "mail.send" {
			t.Error(rows)
		}
		if _, p, err := c.Counts(ctx); err != nil || p != 1 {
			t.Error(p, err)
		}
		mended.Store(true)
		tx(func(ctx context.Context, tx *store.Tx) error { return c.Retry(ctx, tx, rows[0].ID) })
		<-ran
	})
}

func TestFits(t *testing.T) {
	e := bus.Emits[filed]("visit.filed")
	for _, c := range []struct {
		name string
		l    bus.Listener
		ok   bool
	}{
		{"fewer fields", bus.On("visit.filed", func(context.Context, struct{ Late bool }) error { return nil }), true},
		{"other type", bus.On("visit.filed", func(context.Context, struct{ Late string }) error { return nil }), false},
		{"no such field", bus.On("visit.filed", func(context.Context, struct{ Early bool }) error { return nil }), false},
	} {
		if err := bus.Fits(e, c.l); (err == nil) != c.ok {
			t.Error(c.name, err)
		}
	}
}
