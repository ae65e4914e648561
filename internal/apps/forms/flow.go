package forms

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/kernel/flow"
)

// host is what flow asks of this room.
func (f *Forms) host() flow.Host {
	return flow.Host{
		Vars: func(ctx context.Context, q store.Queryer, c *flow.Case) (map[string]any, error) {
			return f.vars(ctx, q, c.Object)
		},
		Apply: func(ctx context.Context, tx *store.Tx, c *flow.Case, node, outcome string, data json.RawMessage) error {
			in := app.Data{}
			if len(data) > 0 {
				if err := json.Unmarshal(data, &in); err != nil {
					return errs.New(errs.Invalid, "web.unreadable")
				}
			}
			e, err := f.apply(ctx, tx, c.Object, node, outcome, in)
			if err == nil { // limits and people of the steps to come go by what was just filled in
				c.Title, c.Level, c.Unit = e.Title, e.Level, e.Unit
			}
			return err
		},
		Changed: func(ctx context.Context, tx *store.Tx, c *flow.Case) error {
			return f.changed(ctx, tx, c.Object, standing{Case: c.ID, Number: c.Number, State: string(c.State), Step: c.Step, Holder: c.Holder, Due: c.Due, Closed: c.ClosedAt, Late: c.Late})
		},
		CanRead: func(ctx context.Context, q store.Queryer, c *flow.Case) error {
			e, err := findEntry(ctx, q, store.C("e.id = $1", c.Object))
			if err != nil {
				return err
			}
			return f.reads(ctx, q, &e)
		},
		Types: func(ctx context.Context, q store.Queryer, kind string) (map[string]rule.Type, error) {
			c, _, err := f.published(ctx, q, strings.TrimPrefix(kind, "forms."))
			if errs.Is(err, errs.Missing) { // retired
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			return c.Names(), nil
		},
		Fields: func(ctx context.Context, q store.Queryer, kind string) ([]flow.FormField, error) {
			c, _, err := f.published(ctx, q, strings.TrimPrefix(kind, "forms."))
			if errs.Is(err, errs.Missing) { // retired
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			var out []flow.FormField
			for _, fd := range c.Fields {
				one := flow.FormField{Key: fd.Key, Title: fd.Title.In(lang(ctx)), Type: string(fd.Type)}
				for _, o := range fd.Options {
					one.Options = append(one.Options, flow.FormOption{Key: o.Key, Title: o.Title.In(lang(ctx))})
				}
				out = append(out, one)
			}
			return out, nil
		},
		Part:    f.part,
		Paper:   f.paper,
		Level:   f.levelName,
		Audited: "forms_entry",
		Link:    func(c *flow.Case) string { return link(c.Object) },
	}
}

// deploy draws the flow of a version.
func (f *Forms) deploy(ctx context.Context, tx *store.Tx, v *Version) error {
	_, err := f.flow.Deploy(ctx, tx, kind(v.Key), process(&v.Body))
	return err
}

// begin begins the case of an entry that was filed.
func (f *Forms) begin(ctx context.Context, tx *store.Tx, c *app.Compiled, e *Entry, data app.Data) error {
	n := flow.NewCase{Object: e.ID, Title: e.Title, Level: e.Level, Street: e.Street, Unit: e.Unit,
		Kind: flow.Kind{Key: kind(c.Key), Room: "forms", Title: c.Title.ZH, Number: flow.Numbering{Prefix: c.Number.Prefix, Per: cmp.Or(c.Number.Per, "year"), Digits: cmp.Or(c.Number.Digits, 5)}}}
	if c.Number.Street && len(e.Street) == 9 {
		n.Kind.Number.Prefix += e.Street[6:]
	}
	if m, ok := data[c.Place].(map[string]any); ok {
		n.Place, _ = m["text"].(string)
		n.Community, _ = m["community"].(string)
	}
	_, err := f.flow.Begin(ctx, tx, n)
	return err
}

// opinions are what was said at a step, in its order.
func (f *Forms) opinions(ctx context.Context, e *Entry, step string) ([]said, error) {
	if e.Case == "" {
		return nil, nil
	}
	all, err := f.flow.Opinions(ctx, f.db, e.Case, step)
	var out []said
	for _, t := range all {
		out = append(out, said{t.Opinion, t.Name, dated(t.At)})
	}
	return out, err
}

// kind is the key of an application's kind of case.
func kind(key string) string { return "forms." + key }

// process draws the steps of a declaration.
func process(a *app.App) *flow.Process {
	var steps []flow.Step
	for i := range a.Steps {
		steps = append(steps, drawStep(a, &a.Steps[i], i == 0))
	}
	return flow.FromSteps(kind(a.Key), a.Title.ZH, limits(a.Limit), steps)
}

func drawStep(a *app.App, s *app.Step, first bool) flow.Step {
	who := people(a, s.Who)
	if first && len(who) == 0 {
		who = []flow.Who{{Kind: "starter"}}
	}
	t := flow.Task{Who: who, Share: flow.Share(s.Share), Percent: s.Percent, Form: "forms", Limit: limits(s.Limit), Warn: s.Warn, Copy: people(a, s.Copy),
		Batch: s.Batch, Opinion: s.Opinion, Phrases: s.Phrases, Deny: s.Deny}
	if t.Share == "" {
		t.Share = flow.Share("any")
	}
	out := flow.Step{Key: s.Key, Name: s.Title.ZH, Each: s.Each, When: s.When, Next: s.Next}
	for _, o := range s.Outcomes {
		t.Outcomes = append(t.Outcomes, flow.Action{Key: o.Key, Name: o.Title.ZH, Agree: o.Agree, Reason: o.Reason, Choose: o.Choose})
		if o.To != "" {
			out.Ways = append(out.Ways, flow.Way{Outcome: o.Key, To: o.To})
		}
	}
	for _, e := range s.Escalate {
		t.Escalate = append(t.Escalate, flow.Escalation{Percent: e.Percent, To: people(a, e.To), Do: e.Do})
	}
	out.Task = t
	return out
}

func limits(all []app.Limit) (out []flow.Limit) {
	for _, l := range all {
		out = append(out, flow.Limit{N: l.N, Unit: l.Unit, When: l.When})
	}
	return out
}

func people(a *app.App, all []app.Who) (out []flow.Who) {
	for _, w := range all {
		id := w.ID
		if w.Kind == "role" {
			id = a.RoleKey(id)
		}
		out = append(out, flow.Who{Kind: w.Kind, ID: id, Of: w.Of, Level: w.Level})
	}
	return out
}
