package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"qushu/simulate/district"
	"qushu/simulate/holdings"
)

// many is the number of rows from which a demonstration holds all 253 tables; below it holds a few beside the population.
const (
	many = 1_000_000
	few  = 12
)

// parts says how many rows stand in the population table and how many in the tables beside it.
func (b *builder) parts() (population, others int) {
	if b.rows < many {
		return b.rows, b.rows / 8
	}
	population = min(b.rows/10, 1_300_000)
	return population, b.rows - population
}

// holdings loads the tables beside the population table: all of them where there are rows for all, else the largest.
func (b *builder) holdings(ctx context.Context) error {
	all, err := holdings.Tables()
	if err != nil {
		return err
	}
	people, rows := b.parts()
	if b.rows < many {
		all = chosen(all)
	}
	p, err := district.NewPopulation(district.Options{Rows: people, Seed: b.seed})
	if err != nil {
		return err
	}
	d := b.named("centre.data").door // who has just loaded the population table
	var loaded, refused atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(3) // one is made and one sent while one is loaded
	for i, n := range holdings.Share(all, rows) {
		g.Go(func() error {
			l, err := b.bring(ctx, d, all[i], n, func() iter.Seq[district.Resident] { return p.All() })
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].Title, err)
			}
			loaded.Add(l.Rows)
			refused.Add(l.Rejected)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "  %d tables, %d rows loaded, %d refused with reasons\n", len(all), loaded.Load(), refused.Load())
	return nil
}

// chosen are a few tables of every domain, the largest of each first.
func chosen(all []holdings.Table) []holdings.Table {
	var out []holdings.Table
	taken := map[string]int{}
	for _, t := range all {
		if t.Weight >= 20 && taken[t.Domain] < 2 && len(out) < few {
			taken[t.Domain]++
			out = append(out, t)
		}
	}
	return out
}

// bring makes one table as its provider would send it, and loads it.
func (b *builder) bring(ctx context.Context, d *door, t holdings.Table, rows int, residents func() iter.Seq[district.Resident]) (loadDraft, error) {
	f, err := os.CreateTemp("", "qushu-demo-*.csv")
	if err != nil {
		return loadDraft{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := t.Write(f, rows, b.seed, residents); err != nil {
		return loadDraft{}, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return loadDraft{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return loadDraft{}, err
	}
	file, err := d.upload(ctx, t.Title+".csv", f, size)
	if err != nil {
		return loadDraft{}, err
	}
	return b.loadAs(ctx, d, file, plan{name: t.Key, title: t.Title, key: t.Columns[0], repeats: true,
		summary: fmt.Sprintf("%s提供，%s更新（演示数据，人员和企业均为虚构）。", t.Provider, t.Cycle)})
}

// plan is what a file becomes.
type plan struct {
	name, title, summary, key string
	repeats                   bool
	code                      string // title of a column of digits that is a code, not a number
	open                      bool   // nothing in it is personal, and anybody may know it
}

// loadAs takes a file through the steps a data officer takes, and waits for its end.
func (b *builder) loadAs(ctx context.Context, d *door, file string, p plan) (l loadDraft, err error) {
	if err := d.call(ctx, "POST", "/api/library/loads", map[string]string{"fileId": file}, &l); err != nil {
		return l, err
	}
	for _, c := range l.Columns {
		c["key"] = c["title"] == p.key
		if c["title"] == p.code {
			c["type"] = "text"
		}
		if p.open {
			c["kind"], c["level"], c["masked"] = "", "L1", false
		}
	}
	choice := map[string]any{"name": p.name, "title": p.title, "summary": p.summary, "columns": l.Columns, "onBad": "reject", "repeats": p.repeats, "version": l.Version}
	if err := d.call(ctx, "PUT", "/api/library/loads/"+l.ID, choice, &l); err != nil {
		return l, err
	}
	if err := d.call(ctx, "POST", "/api/library/loads/"+l.ID+"/start", map[string]any{"version": l.Version}, &l); err != nil {
		return l, err
	}
	for l.State == "queued" || l.State == "running" {
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if err := d.call(ctx, "GET", "/api/library/loads/"+l.ID, nil, &l); err != nil {
			return l, err
		}
	}
	if l.State != "done" {
		return l, fmt.Errorf("the load ended %s: %s", l.State, l.Error)
	}
	return l, nil
}
