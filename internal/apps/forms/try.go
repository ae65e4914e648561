package forms

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// A draft is tried over entries there are: those the actor may read by the version that serves, for a draft that says
// others may read them is not yet agreed to by anybody. Personal data is masked before a rule of the draft sees it.

// mostTried bounds how many of the newest entries a draft is tried over.
const mostTried = 1000

// tried is an entry a draft is tried over, with its values masked.
type tried struct {
	Entry
	data app.Data
}

// trial reads the newest entries of an application the actor may read, at most n.
func (f *Forms) trial(ctx context.Context, key string, n int) (out []tried, more bool, err error) {
	serves, err := f.newest(ctx, key)
	if errs.Is(err, errs.Missing) { // never published: there is no entry
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	q, err := f.query(ctx, serves, &listIn{Key: key})
	if err != nil {
		return nil, false, err
	}
	page := store.Page{Limit: min(n, 200)}
	for len(out) < n {
		some, err := listEntries(ctx, f.db, key, q.scope, q.where, "", true, page)
		if err != nil {
			return nil, false, err
		}
		for _, e := range some.Items {
			c, err := f.of(ctx, f.db, &e)
			if err != nil {
				return nil, false, err
			}
			data, err := f.open(c, &e)
			if err != nil {
				return nil, false, err
			}
			c.Mask(data)
			out = append(out, tried{e, data})
		}
		if page.After = some.Next; page.After == "" {
			return out, false, nil
		}
	}
	return out, true, nil
}

// drawn compiles a draft that a browser drew; what is wrong with it is the error.
func (f *Forms) drawn(draft any) (*app.Compiled, error) {
	b, err := json.Marshal(draft)
	if err != nil {
		return nil, errs.New(errs.Invalid, "web.unreadable")
	}
	a, bad := f.schema.ParseJSON(b)
	if a == nil {
		return nil, refused(bad)
	}
	c, bad := app.Compile(a, nil, f.days)
	if bad != nil {
		return nil, refused(bad)
	}
	return c, nil
}

type tryIn struct {
	Body struct {
		App any `json:"app" doc:"the draft as JSON, by /api/forms/schema.json"`
	}
}

type tryFiguresOut struct {
	Body struct {
		Items   []Figure `json:"items" nullable:"false"`
		Entries int      `json:"entries" doc:"over how many entries, the newest"`
		More    bool     `json:"more" doc:"there are older ones that were not counted"`
		Skipped int      `json:"skipped" doc:"older entries the draft can make nothing of"`
	}
}

// tryFigures counts the statistics of a draft over the newest entries the actor sees.
func (f *Forms) tryFigures(ctx context.Context, in *tryIn) (*tryFiguresOut, error) {
	c, err := f.drawn(in.Body.App)
	if err != nil {
		return nil, err
	}
	all, more, err := f.trial(ctx, c.Key, mostTried)
	if err != nil {
		return nil, err
	}
	out := &tryFiguresOut{}
	out.Body.Items, out.Body.Entries, out.Body.More = []Figure{}, len(all), more
	var rows [][]app.Row
	for i := range all {
		some, err := c.Index(all[i].data, f.facts(&all[i].Entry), func(_, value string) string { return value })
		if err != nil {
			out.Body.Skipped++
			continue
		}
		rows = append(rows, some)
	}
	for i := range c.Stats {
		fig, err := f.figure(ctx, c, &c.Stats[i], tallied(&c.Stats[i], rows))
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, fig)
	}
	return out, nil
}

// tallied sums one statistic over the rows of entries, as tallies does in the database.
func tallied(s *app.Stat, entries [][]app.Row) []tally {
	type at struct{ field, part string }
	sums := map[at]*tally{}
	for _, rows := range entries {
		parts := []string{""}
		if s.By != "" {
			parts = nil
			for _, r := range rows {
				if r.Field == s.By {
					parts = append(parts, r.Text)
				}
			}
		}
		for _, r := range rows {
			if r.Field != app.Figure(s.Key, false) && r.Field != app.Figure(s.Key, true) {
				continue
			}
			for _, p := range parts {
				k := at{r.Field, p}
				if sums[k] == nil {
					sums[k] = &tally{field: r.Field, part: p}
				}
				sums[k].sum, sums[k].n = sums[k].sum+r.Num, sums[k].n+1
			}
		}
	}
	var out []tally
	for _, t := range sums {
		out = append(out, *t)
	}
	return out
}

type tryPrintOut struct {
	Body struct {
		PDF    []byte `json:"pdf" doc:"base64"`
		Number string `json:"number" doc:"of the entry that stands on it, empty where there is none yet"`
	}
}

// tryPrint prints the newest entry the actor sees as a draft would; an empty form where there is none.
func (f *Forms) tryPrint(ctx context.Context, in *tryIn) (*tryPrintOut, error) {
	c, err := f.drawn(in.Body.App)
	if err != nil {
		return nil, err
	}
	all, _, err := f.trial(ctx, c.Key, 1)
	if err != nil {
		return nil, err
	}
	e, data := Entry{App: c.Key, At: store.At(f.now())}, app.Data{}
	if len(all) > 0 {
		// What the actor's step hides of the entry stays hidden, whatever the draft shows.
		e, data = all[0].Entry, all[0].data
		old, err := f.of(ctx, f.db, &e)
		if err != nil {
			return nil, err
		}
		t, err := f.turn(ctx, f.db, old, &e)
		if err != nil {
			return nil, err
		}
		old.Strip(data, t.rights)
		c.Mask(data)
	}
	out := &tryPrintOut{}
	var b bytes.Buffer
	p, err := f.sheet(ctx, f.db, c, &e, data, len(all) == 0)
	if err != nil {
		return nil, err
	}
	if err := p.write(&b); err != nil {
		return nil, err
	}
	err = f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return f.audit.Record(ctx, tx, audit.Entry{Action: "forms.export", Object: "forms_entry", ID: e.ID, Title: c.Title.ZH, Subjects: min(len(all), 1), Detail: map[string]any{"print": "draft", "app": c.Key}})
	})
	out.Body.PDF, out.Body.Number = b.Bytes(), e.Number
	return out, err
}

// roleKeys lists the roles a declaration names that are none of its own, where they stand.
func roleKeys(a *app.App) (out []struct{ path, key string }) {
	add := func(path, key string) {
		if key != "" && a.Role(key) == nil {
			out = append(out, struct{ path, key string }{path, key})
		}
	}
	people := func(path string, all []app.Who) {
		for i, w := range all {
			if w.Kind == "role" {
				add(path+nth(i)+".id", w.ID)
			}
		}
	}
	for i, key := range a.Start.Roles {
		add("start.roles"+nth(i), key)
	}
	for i, s := range a.Steps {
		step := "steps" + nth(i)
		people(step+".who", s.Who)
		people(step+".copy", s.Copy)
		for j, e := range s.Escalate {
			people(step+".escalate"+nth(j)+".to", e.To)
		}
	}
	for i, r := range a.Reminders {
		for j, to := range r.To {
			if key, ok := cutRole(to); ok {
				add("reminders"+nth(i)+".to"+nth(j), key)
			}
		}
	}
	return slices.Clip(out)
}

func nth(i int) string { return "[" + strconv.Itoa(i) + "]" }
