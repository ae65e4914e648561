package main

import (
	"context"
	"fmt"
	"time"

	"qushu/simulate/district"
)

// drafted is what the demonstration reads of an entry of the catalogue.
type drafted struct {
	ID, Name, Case string
	Version        int64
}

// catalogue drafts the population table and a dozen other resources, takes them through both reviews, publishes them and binds the
// table to its entry, each by the account whose part it is.
func (b *builder) catalogue(ctx context.Context) error {
	b.clock.set(time.Now().AddDate(0, 0, -21))
	doors := map[string]*door{}
	for _, login := range []string{"centre.data", "centre.info", "shenpi.review", "yibao.data"} {
		d, err := b.enter(ctx, b.named(login))
		if err != nil {
			return fmt.Errorf("%s: %w", login, err)
		}
		doors[login] = d
	}
	entries, err := b.draftTable(ctx, doors["centre.data"])
	if err != nil {
		return err
	}
	for _, r := range district.Resources() {
		var e drafted
		if err := doors[r.By].call(ctx, "POST", "/api/catalog/entries", b.resource(r), &e); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		if !r.Draft {
			entries = append(entries, e)
		}
	}
	for _, e := range entries {
		if err := doors["centre.data"].call(ctx, "POST", "/api/catalog/entries/"+e.ID+"/submit", map[string]any{"version": e.Version}, &e); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		for _, step := range [][2]string{{"centre.info", "agree"}, {"shenpi.review", "agree"}, {"shenpi.review", "publish"}} {
			if err := submitStep(ctx, doors[step[0]], e.Case, step[1]); err != nil {
				return fmt.Errorf("%s, %s: %w", e.Name, step[0], err)
			}
		}
	}
	var ready struct{ Mounted int }
	if err := doors["centre.data"].call(ctx, "POST", "/api/catalog/mount-ready", struct{}{}, &ready); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "  %d entries published, %d mounted\n", len(entries), ready.Mounted)
	return nil
}

// draftTable drafts what the centre has loaded and no entry stands for, as one command.
func (b *builder) draftTable(ctx context.Context, d *door) ([]drafted, error) {
	var run struct{ ID, State string }
	if err := d.call(ctx, "POST", "/api/catalog/drafts", map[string]string{"class": "1", "item": "01", "subject": "001", "cycle": "monthly", "contact": "数据资源科"}, &run); err != nil {
		return nil, err
	}
	for run.State != "done" {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if err := d.call(ctx, "GET", "/api/catalog/runs/"+run.ID, nil, &run); err != nil {
			return nil, err
		}
	}
	var all struct{ Items []drafted }
	err := d.call(ctx, "GET", "/api/catalog/entries?view=work&work=draft", nil, &all)
	return all.Items, err
}

// resource is the body of an entry.
func (b *builder) resource(r district.Resource) map[string]any {
	items := []map[string]any{}
	for i, it := range r.Items {
		items = append(items, map[string]any{"name": it.Name, "type": it.Type, "length": it.Length, "level": it.Level, "kind": it.Kind, "key": i == 0, "empty": i > 0})
	}
	out := map[string]any{"class": r.Class[:1], "item": r.Class[1:3], "subject": r.Class[3:], "detail": district.Code, "name": r.Name, "unit": b.units[r.Unit], "summary": r.Summary, "keywords": r.Words,
		"format": "database", "sub": "Dm", "share": r.Share, "mode": "table", "open": r.Open, "cycle": r.Cycle, "space": "洪山区", "items": items}
	switch r.Share {
	case "conditional":
		out["condition"] = r.Why
	case "refused":
		out["basis"] = r.Why
	}
	return out
}

// submitStep finishes the step of a case that the person of a door holds.
func submitStep(ctx context.Context, d *door, caseID, outcome string) error {
	var at struct{ Mine []struct{ ID string } }
	if err := d.call(ctx, "GET", "/api/flow/cases/"+caseID, nil, &at); err != nil {
		return err
	}
	if len(at.Mine) == 0 {
		return fmt.Errorf("case %s is not before this person", caseID)
	}
	return d.call(ctx, "POST", "/api/flow/cases/"+caseID+"/deeds", map[string]any{"task": at.Mine[0].ID, "verb": "submit", "outcome": outcome}, nil)
}
