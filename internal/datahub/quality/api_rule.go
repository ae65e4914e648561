package quality

import (
	"context"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/datahub/quality/internal/check"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
)

// RuleIn is a rule as its author writes it.
type RuleIn struct {
	Title    string     `json:"title" required:"false" maxLength:"120" doc:"made of the rule when empty"`
	Body     check.Rule `json:"body"`
	Weight   int64      `json:"weight" minimum:"1" maximum:"100"`
	Blocking bool       `json:"blocking" required:"false"`
	State    string     `json:"state" enum:"proposed,active,off"`
	Version  int64      `json:"version" required:"false" doc:"of what is changed"`
}

type addRuleIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body RuleIn
}
type putRuleIn struct {
	ID   string `path:"id" maxLength:"40"`
	Rule string `path:"rule" maxLength:"40"`
	Body RuleIn
}
type dropRuleIn struct {
	ID   string `path:"id" maxLength:"40"`
	Rule string `path:"rule" maxLength:"40"`
}

const mostRules = 200

func (q *Quality) addRule(ctx context.Context, in *addRuleIn) (*showOut, error) {
	return q.rule(ctx, in.ID, func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (Rule, error) {
		n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM quality_rule WHERE dataset_id = $1`, ds.ID)
		if err != nil {
			return Rule{}, err
		}
		if n >= mostRules {
			return Rule{}, errs.New(errs.Conflict, "quality.too_many", mostRules)
		}
		r := Rule{ID: id.New(), dataset: ds.ID, Origin: "person"}
		if err := q.write(ctx, &r, in.Body, ds); err != nil {
			return r, err
		}
		return r, insertRule(ctx, tx, r)
	})
}

func (q *Quality) putRule(ctx context.Context, in *putRuleIn) (*showOut, error) {
	return q.rule(ctx, in.ID, func(ctx context.Context, tx *store.Tx, ds dataset.Dataset) (Rule, error) {
		r, err := findRule(ctx, tx, ds.ID, in.Rule)
		if err != nil {
			return r, err
		}
		if r.Version != in.Body.Version {
			return r, errs.New(errs.Conflict, "quality.rule_changed", r.By)
		}
		if err := q.write(ctx, &r, in.Body, ds); err != nil {
			return r, err
		}
		return r, saveRule(ctx, tx, r)
	})
}

func (q *Quality) dropRule(ctx context.Context, in *dropRuleIn) (*showOut, error) {
	err := q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ds, err := q.of(ctx, tx, in.ID, "quality.manage")
		if err != nil {
			return err
		}
		r, err := findRule(ctx, tx, ds.ID, in.Rule)
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `DELETE FROM quality_rule WHERE id = $1`, r.ID); err != nil {
			return err
		}
		if err := q.recount(ctx, tx, ds.ID); err != nil {
			return err
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.drop_rule", Object: "dataset", ID: ds.ID, Title: ds.Title, Detail: map[string]any{"rule": r.Title, "kind": string(r.Body.Kind)}})
	})
	if err != nil {
		return nil, err
	}
	return q.show(ctx, &idIn{in.ID})
}

// rule changes one rule of a dataset and leaves the record.
func (q *Quality) rule(ctx context.Context, dataID string, change func(context.Context, *store.Tx, dataset.Dataset) (Rule, error)) (*showOut, error) {
	err := q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ds, err := q.of(ctx, tx, dataID, "quality.manage")
		if err != nil {
			return err
		}
		if err := store.Lock(ctx, tx, "quality", ds.ID); err != nil {
			return err
		}
		r, err := change(ctx, tx, ds)
		if err != nil {
			return err
		}
		if err := q.stand(ctx, tx, ds); err != nil {
			return err
		}
		if err := q.recount(ctx, tx, ds.ID); err != nil {
			return err
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.rule", Object: "dataset", ID: ds.ID, Title: ds.Title,
			Detail: map[string]any{"rule": r.Title, "kind": string(r.Body.Kind), "column": r.Body.Column, "state": r.State, "blocking": r.Blocking, "weight": r.Weight}})
	})
	if err != nil {
		return nil, err
	}
	return q.show(ctx, &idIn{dataID})
}

func (q *Quality) recount(ctx context.Context, tx *store.Tx, dataset string) error {
	return store.Exec(ctx, tx, `UPDATE quality SET rules = (SELECT count(*) FROM quality_rule WHERE dataset_id = $1 AND state = 'active') WHERE dataset_id = $2`, dataset, dataset)
}

// write checks what the author says and makes the rule of it.
func (q *Quality) write(ctx context.Context, r *Rule, in RuleIn, ds dataset.Dataset) error {
	if _, err := check.Compile(in.Body, ds, q.dicts, q.now(), nil); err != nil {
		return err
	}
	if in.Body.Kind == check.Reference {
		if _, err := q.datasets.Named(ctx, q.db, in.Body.Other, dataset.Reach(ctx, "quality.read")); err != nil {
			return errs.New(errs.Invalid, "quality.no_reference", in.Body.Other)
		}
	}
	r.Body, r.Weight, r.Blocking, r.State, r.By, r.At = in.Body, in.Weight, in.Blocking, in.State, actor(ctx), store.At(q.now())
	if r.Title = strings.TrimSpace(in.Title); r.Title == "" {
		r.Title = q.titleOf(in.Body, ds)
	}
	return nil
}

// titleOf says in words what a rule asks; rules are the district's own, so their titles are Chinese.
func (q *Quality) titleOf(r check.Rule, ds dataset.Dataset) string {
	title := func(name string) string {
		if c, ok := ds.Column(name); ok {
			return c.Title
		}
		return name
	}
	say := func(key string, args ...any) string { return q.words.Text("zh", "quality.rule_"+key, args...) }
	switch r.Kind {
	case check.Conditional:
		return say("conditional", title(r.Other), strings.Join(r.Values, "、"), title(r.Column))
	case check.Pattern:
		return say("pattern", title(r.Column), r.Pattern)
	case check.Length, check.Range:
		low, high := r.Min, r.Max
		if low == "" {
			low = "−∞"
		}
		if high == "" {
			high = "+∞"
		}
		return say(string(r.Kind), title(r.Column), low, high)
	case check.Dictionary:
		name := r.Other
		if d, ok := q.dicts.Get(r.Other); ok {
			name = d.Title
		}
		return say("dictionary", title(r.Column), name)
	case check.Compare:
		return say("compare", title(r.Column), map[string]string{"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}[string(r.Op)], title(r.Other))
	case check.Reference:
		return say("reference", title(r.Column), r.Other)
	case check.Expression:
		return say("expression", r.Expr)
	case check.Freshness:
		return say("freshness", r.Days)
	case check.RowCount:
		return say("row_count", r.Min, r.Max)
	}
	return say(string(r.Kind), title(r.Column))
}
