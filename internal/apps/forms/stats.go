package forms

import (
	"context"
	"math"
	"slices"
	"strings"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
)

// Figure is one declared statistic.
type Figure struct {
	Key   string   `json:"key"`
	Title string   `json:"title"`
	Kind  string   `json:"kind" enum:"count,sum,mean,rate"`
	Gives string   `json:"gives" enum:",number,money" doc:"money is in 分"`
	By    string   `json:"by" doc:"what it is divided by, empty for nothing"`
	Chart string   `json:"chart" enum:",bar,column,line,pie" doc:"how its parts are drawn, bars when empty"`
	Value *float64 `json:"value" doc:"null where nothing can be divided by; a rate is of 1"`
	Of    float64  `json:"of" doc:"what was counted or summed"`
	Over  float64  `json:"over" doc:"of how many"`
	Parts []Part   `json:"parts" nullable:"false" doc:"by the declared field, the largest first; months in their order"`
}

// Part is a figure of one value of the field it is divided by.
type Part struct {
	Key   string   `json:"key"`
	Title string   `json:"title"`
	Value *float64 `json:"value"`
	Of    float64  `json:"of"`
	Over  float64  `json:"over"`
}

type statsIn struct {
	Key  string `path:"key" maxLength:"24"`
	From string `query:"from" maxLength:"10" doc:"filed on or after, a date"`
	To   string `query:"to" maxLength:"10" doc:"filed on or before, a date"`
}

type statsOut struct {
	Body struct {
		Items []Figure `json:"items" nullable:"false"`
	}
}

// tally is what entries add up to.
type tally struct {
	field, part string
	sum, n      int64
}

func scanTally(t *tally) []any { return []any{&t.field, &t.part, &t.sum, &t.n} }

// stats answers the declared figures over the entries the actor sees, from the index that is written with each of them.
func (f *Forms) stats(ctx context.Context, in *statsIn) (*statsOut, error) {
	c, err := f.newest(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	q, err := f.query(ctx, c, &listIn{Key: in.Key, From: in.From, To: in.To})
	if err != nil {
		return nil, err
	}
	where := append([]store.Cond{q.scope.Cond()}, q.where...)
	out := &statsOut{}
	out.Body.Items = []Figure{}
	for i := range c.Stats {
		s := &c.Stats[i]
		all, err := tallies(ctx, f.db, c.Key, s, where)
		if err != nil {
			return nil, err
		}
		fig, err := f.figure(ctx, c, s, all)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, fig)
	}
	return out, nil
}

// figure is a statistic made of what its entries add up to.
func (f *Forms) figure(ctx context.Context, c *app.Compiled, s *app.Stat, all []tally) (Figure, error) {
	lang := web.From(ctx).Lang
	fig := Figure{Key: s.Key, Title: s.Title.In(lang), Kind: s.Kind, Gives: string(s.Gives), Chart: s.Chart, By: s.By, Parts: []Part{}}
	for _, p := range parts(s, all) {
		fig.Of, fig.Over = fig.Of+p.Of, fig.Over+p.Over
		fig.Parts = append(fig.Parts, p)
	}
	fig.Value = value(s, fig.Of, fig.Over)
	if s.By == "" {
		fig.Parts = []Part{}
		return fig, nil
	}
	return fig, f.nameParts(ctx, c, s.By, fig.Parts, lang)
}

// tallies sums one statistic, by the values of its field where it has one.
func tallies(ctx context.Context, q store.Queryer, key string, s *app.Stat, where []store.Cond) ([]tally, error) {
	where = append([]store.Cond{store.C("x.app = $1", key), store.In("x.field", []string{app.Figure(s.Key, false), app.Figure(s.Key, true)})}, where...)
	if s.By == "" {
		all := store.And(where...)
		return store.All(ctx, q, scanTally, `SELECT x.field, '', CAST(sum(x.num) AS BIGINT), count(*) FROM forms_index x JOIN forms_entry e ON e.id = x.entry
			WHERE `+all.SQL+` GROUP BY x.field`, all.Args...)
	}
	all := store.And(append(where, store.C("b.field = $1", s.By))...)
	return store.All(ctx, q, scanTally, `SELECT x.field, b.text, CAST(sum(x.num) AS BIGINT), count(*) FROM forms_index x JOIN forms_entry e ON e.id = x.entry
		JOIN forms_index b ON b.entry = x.entry WHERE `+all.SQL+` GROUP BY x.field, b.text`, all.Args...)
}

func parts(s *app.Stat, all []tally) []Part {
	var out []Part
	at := map[string]int{}
	for _, t := range all {
		i, ok := at[t.part]
		if !ok {
			i = len(out)
			at[t.part] = i
			out = append(out, Part{Key: t.part})
		}
		p := &out[i]
		switch {
		case t.field == app.Figure(s.Key, true):
			p.Over += float64(t.sum)
		case s.Kind == "sum" || s.Kind == "mean":
			p.Of, p.Over = p.Of+float64(t.sum)/app.Scale, p.Over+float64(t.n)
		default:
			p.Of += float64(t.sum)
		}
	}
	for i := range out {
		out[i].Value = value(s, out[i].Of, out[i].Over)
	}
	slices.SortFunc(out, func(a, b Part) int {
		if s.By == "month" {
			return strings.Compare(a.Key, b.Key)
		}
		if d := size(b) - size(a); d != 0 {
			return int(math.Copysign(1, d))
		}
		return slices.Compare([]string{a.Key}, []string{b.Key})
	})
	return out
}

func size(p Part) float64 {
	if p.Value == nil {
		return -1
	}
	return *p.Value
}

// value is the figure itself; none where nothing can be divided by.
func value(s *app.Stat, of, over float64) *float64 {
	v := of
	if s.Kind == "mean" || s.Kind == "rate" {
		if over == 0 {
			return nil
		}
		v = math.Round(of/over*10000) / 10000
	}
	return &v
}

// nameParts gives the values of a field their names.
func (f *Forms) nameParts(ctx context.Context, c *app.Compiled, by string, all []Part, lang string) error {
	fd := c.Field(by)
	var ids []string
	for _, p := range all {
		ids = append(ids, p.Key)
	}
	names := map[string]string{}
	var err error
	what, _ := c.Division(by)
	switch {
	case what == "month": // is its own name
	case what == "street":
		names, err = f.placeNames(ctx, ids)
	case fd == nil: // level
		for _, l := range c.Levels {
			names[l.Key] = l.Title.In(lang)
		}
	case fd.Type == app.Choice:
		for _, o := range fd.Options {
			names[o.Key] = o.Title.In(lang)
		}
	case fd.Type == app.Unit:
		names, err = f.org.UnitNames(ctx, f.db, ids)
	case fd.Type == app.Place:
		names, err = f.placeNames(ctx, ids)
	case fd.Type == app.Booked:
		res, e := resources(ctx, f.db, store.In("id", ids))
		for _, r := range res {
			names[r.ID] = r.Title
		}
		err = e
	case fd.Type == app.Person:
		people, e := f.org.People(ctx, f.db, ids)
		for id, p := range people {
			names[id] = p.Name
		}
		err = e
	}
	for i := range all {
		if all[i].Title = names[all[i].Key]; all[i].Title == "" {
			all[i].Title = all[i].Key
		}
	}
	return err
}

// placeNames are the names of streets and communities by their codes.
func (f *Forms) placeNames(ctx context.Context, codes []string) (map[string]string, error) {
	out := map[string]string{}
	for _, code := range codes {
		u, err := f.org.UnitByCode(ctx, f.db, code)
		if err == nil {
			out[code] = u.Label()
		} else if !errs.Is(err, errs.Missing) {
			return nil, err
		}
	}
	return out, nil
}
