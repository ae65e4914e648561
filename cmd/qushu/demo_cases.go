package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"qushu/internal/base/when"
	"qushu/simulate/district"
)

// history brings in notices and cases day by day: the clock only goes forward.
func (b *builder) history(ctx context.Context) error {
	todo := district.Matters()
	for _, n := range district.Notices() {
		for len(todo) > 0 && todo[0].DaysAgo >= n.DaysAgo {
			if err := b.matter(ctx, todo[0]); err != nil {
				return fmt.Errorf("%s: %w", todo[0].Subject, err)
			}
			todo = todo[1:]
		}
		if err := b.notice(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.Title, err)
		}
	}
	for _, m := range todo {
		if err := b.matter(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.Subject, err)
		}
	}
	b.clock.set(time.Now())
	return nil
}

// matter files one entry of a declared application and goes with it as far as it went.
func (b *builder) matter(ctx context.Context, m district.Matter) error {
	b.clock.set(time.Now().AddDate(0, 0, -m.DaysAgo))
	d, err := b.enter(ctx, b.named(m.Who))
	if err != nil {
		return err
	}
	var e struct{ ID, Case string }
	if err := d.call(ctx, "POST", "/api/forms/apps/"+m.App+"/entries", map[string]any{"data": json.RawMessage(b.known(m.Data))}, &e); err != nil {
		return err
	}
	for _, s := range m.Steps {
		b.clock.set(b.clock.now().Add(time.Duration(s.Hours * float64(time.Hour))))
		if d, err = b.enter(ctx, b.named(s.Who)); err != nil {
			return err
		}
		var c struct {
			Mine []struct{ ID string }
		}
		if err := d.call(ctx, "GET", "/api/flow/cases/"+e.Case, nil, &c); err != nil {
			return err
		}
		if len(c.Mine) == 0 {
			return fmt.Errorf("%s has no step of it", s.Who)
		}
		in := map[string]any{"verb": "submit", "task": c.Mine[0].ID, "outcome": s.Outcome, "opinion": s.Opinion, "data": json.RawMessage(b.known(s.Data))}
		if err := d.call(ctx, "POST", "/api/flow/cases/"+e.Case+"/deeds", in, nil); err != nil {
			return fmt.Errorf("%s, %s: %w", s.Who, s.Outcome, err)
		}
	}
	return nil
}

// known puts the ids of units, $unit(420111006), and the date, $today, into a form's words.
func (b *builder) known(text string) string {
	if text == "" {
		return "{}"
	}
	text = strings.ReplaceAll(text, "$today", when.FormatDate(b.clock.now()))
	return expand(text, "$unit(", func(key string) string { return b.units[key] })
}
