package main

import (
	"context"
	"fmt"
	"time"

	"qushu/simulate/themes"
)

// themes writes the theme and topic libraries of the centre, releases them and runs each once, as its data officer does.
func (b *builder) themes(ctx context.Context) error {
	d := b.named("centre.data").door // who has just loaded the tables
	for _, l := range themes.Libraries() {
		rows, err := b.library(ctx, d, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.Title, err)
		}
		fmt.Fprintf(b.out, "  %s: %d steps, %d rows\n", l.Name, len(l.Steps), rows)
	}
	return nil
}

// library makes one library and waits for its first run.
func (b *builder) library(ctx context.Context, d *door, l themes.Library) (rows int64, err error) {
	var made struct {
		ID       string
		Version  int64
		Problems []struct{ Message string }
	}
	if err := d.call(ctx, "POST", "/api/theme/libraries", map[string]any{"name": l.Name, "title": l.Title, "kind": l.Kind, "summary": l.Summary}, &made); err != nil {
		return 0, err
	}
	at := "/api/theme/libraries/" + made.ID
	in := map[string]any{"title": l.Title, "kind": l.Kind, "summary": l.Summary, "steps": l.Steps, "schedule": map[string]string{"every": l.Every}, "version": made.Version}
	if err := d.call(ctx, "PUT", at, in, &made); err != nil {
		return 0, err
	}
	if len(made.Problems) > 0 {
		return 0, fmt.Errorf("%d problems, the first: %s", len(made.Problems), made.Problems[0].Message)
	}
	if err := d.call(ctx, "POST", at+"/release", map[string]any{"version": made.Version}, nil); err != nil {
		return 0, err
	}
	var run struct {
		ID, State, Error string
		Rows             int64
	}
	if err := d.call(ctx, "POST", at+"/run", struct{}{}, &run); err != nil {
		return 0, err
	}
	for run.State == "queued" || run.State == "running" {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if err := d.call(ctx, "GET", "/api/theme/runs/"+run.ID, nil, &run); err != nil {
			return 0, err
		}
	}
	if run.State != "done" {
		return 0, fmt.Errorf("the run ended %s: %s", run.State, run.Error)
	}
	return run.Rows, nil
}
