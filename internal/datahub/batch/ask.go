package batch

import (
	"context"
	"encoding/json"

	"qushu/internal/base/errs"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow"
)

// Ask is a unit's request that who answers for a dataset holds a list against it (协助核验).
type Ask struct {
	ID       string     `json:"id"`
	Dataset  string     `json:"dataset"`
	Title    string     `json:"title" doc:"of the dataset"`
	Wanted   string     `json:"wanted" doc:"what is to come back, in words"`
	Purpose  string     `json:"purpose"`
	Basis    string     `json:"basis"`
	FileName string     `json:"fileName"`
	Run      string     `json:"run" doc:"id of the run that answers it"`
	Rating   string     `json:"rating" enum:",good,fair,poor"`
	Case     string     `json:"case"`
	Number   string     `json:"number"`
	State    string     `json:"state"`
	Step     string     `json:"step"`
	Holder   string     `json:"holder"`
	Due      store.Time `json:"dueAt"`
	Closed   store.Time `json:"closedAt"`
	Late     bool       `json:"late"`
	Name     string     `json:"ownerName"`
	UnitName string     `json:"unitName"`
	ToName   string     `json:"toName" doc:"unit that answers for the dataset"`
	Mine     bool       `json:"mine" doc:"the caller asked"`
	Handles  bool       `json:"handles" doc:"the caller may answer it"`
	At       store.Time `json:"at"`

	file, toUnit, toStreet, owner, unit, street string
}

// askKind is the kind of its cases.
func askKind() flow.Kind {
	return flow.Kind{Key: "batch.ask", Room: "batch", Title: "协助核验", Number: flow.Numbering{Prefix: "XZHY", Per: "year", Digits: 5}}
}

// askFlow draws 申请 → 受理 → 执行 → 评价: who answers for the data takes it on, runs the list, which hands the result over,
// and whoever asked says how it was. The whole is to be done within so many workdays; the day it was asked is the first.
func askFlow(workdays float64) *flow.Process {
	handlers := []flow.Who{{Kind: "role", ID: "data_officer", Of: "case"}, {Kind: "leader", Of: "case"}}
	return flow.FromSteps("batch.ask", "协助核验", []flow.Limit{{N: workdays, Unit: when.WorkDay}}, []flow.Step{
		{Key: "ask", Name: "申请", Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}, Share: "any"}},
		{Key: "accept", Name: "受理", Task: flow.Task{Who: handlers, Share: "any", Form: "batch", Warn: []int{80},
			Outcomes: []flow.Action{{Key: "agree", Name: "受理", Agree: true}, {Key: "refuse", Name: "不予受理", Reason: true}}}, Ways: []flow.Way{{Outcome: "refuse", To: "end"}}},
		{Key: "run", Name: "执行并交付", Task: flow.Task{Who: []flow.Who{{Kind: "doer", ID: "accept"}}, Share: "any", Form: "batch", Warn: []int{80},
			Outcomes: []flow.Action{{Key: "deliver", Name: "交付结果", Agree: true}}}},
		{Key: "rate", Name: "评价", Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}, Share: "any", Form: "batch",
			Outcomes: []flow.Action{{Key: "good", Name: "满意", Agree: true}, {Key: "fair", Name: "基本满意", Agree: true}, {Key: "poor", Name: "不满意", Reason: true}}}},
	})
}

// host is what flow asks of this room.
func (b *Batch) host() flow.Host {
	return flow.Host{
		Vars: func(ctx context.Context, q store.Queryer, c *flow.Case) (map[string]any, error) {
			return map[string]any{}, nil
		},
		Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
			return map[string]rule.Type{}, nil
		},
		Apply: func(ctx context.Context, tx *store.Tx, c *flow.Case, node, outcome string, _ json.RawMessage) error {
			return b.applyAsk(ctx, tx, c.Object, node, outcome)
		},
		Changed: func(ctx context.Context, tx *store.Tx, c *flow.Case) error {
			return store.ExecOne(ctx, tx, `UPDATE batch_ask SET case_id = $1, number = $2, state = $3, step = $4, holder = $5, due_at = $6, closed_at = $7, late = $8 WHERE id = $9`,
				c.ID, c.Number, string(c.State), c.Step, c.Holder, c.Due, c.ClosedAt, c.Late, c.Object)
		},
		CanRead: func(ctx context.Context, q store.Queryer, c *flow.Case) error {
			_, err := findAsk(ctx, q, c.Object, askScope(ctx).Cond())
			return err
		},
		Audited: "batch_ask",
		Link:    func(c *flow.Case) string { return "/batch/asks/" + c.Object },
	}
}

// applyAsk lets a result be handed over only when there is one, and keeps how it was found.
func (b *Batch) applyAsk(ctx context.Context, tx *store.Tx, id, node, outcome string) error {
	a, err := findAsk(ctx, tx, id, store.C("TRUE"))
	if err != nil {
		return err
	}
	switch node {
	case "run":
		r, err := findRun(ctx, tx, a.Run, store.C("state = 'done'"))
		if errs.Is(err, errs.Missing) {
			return errs.New(errs.Invalid, "batch.ask_no_run")
		}
		if err != nil {
			return err
		}
		if r.Result == "" && r.Plan.Mode != Count {
			return errs.New(errs.Invalid, "batch.expired")
		}
	case "rate":
		return store.Exec(ctx, tx, `UPDATE batch_ask SET rating = $1 WHERE id = $2`, outcome, id)
	}
	return nil
}

const askColumns = `id, dataset, title, wanted, purpose, basis, file, file_name, run_id, to_unit, to_street, rating, case_id, number, state, step, holder, due_at, closed_at, late,
	owner, owner_name, unit_id, street, at`

func scanAsk(a *Ask) []any {
	return []any{&a.ID, &a.Dataset, &a.Title, &a.Wanted, &a.Purpose, &a.Basis, &a.file, &a.FileName, &a.Run, &a.toUnit, &a.toStreet, &a.Rating, &a.Case, &a.Number, &a.State, &a.Step,
		&a.Holder, &a.Due, &a.Closed, &a.Late, &a.owner, &a.Name, &a.unit, &a.street, &a.At}
}

func findAsk(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Ask, error) {
	where := store.And(store.C("id = $1", id), scope)
	a, err := store.One(ctx, q, scanAsk, `SELECT `+askColumns+` FROM batch_ask WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "batch.no_ask")
	}
	return a, err
}

func insertAsk(ctx context.Context, tx *store.Tx, a Ask) error {
	return store.Exec(ctx, tx, `INSERT INTO batch_ask (id, dataset, title, wanted, purpose, basis, file, file_name, to_unit, to_street, owner, owner_name, unit_id, street, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		a.ID, a.Dataset, a.Title, a.Wanted, a.Purpose, a.Basis, a.file, a.FileName, a.toUnit, a.toStreet, a.owner, a.Name, a.unit, a.street, a.At)
}

// askScope is the asks the actor may see: those of his unit, and those his units answer for.
func askScope(ctx context.Context) store.Scope {
	asked := authz.Where(ctx, "batch.ask").Cond()
	answers := authz.WhereCols(ctx, "batch.run", authz.Cols{Unit: "to_unit", Street: "to_street"}).Cond()
	return store.Scoped(store.Or(asked, answers))
}

// answered reports whether a run answers an ask of the actor's that was handed over to him.
func (b *Batch) answered(ctx context.Context, r *Run) bool {
	if r.Ask == "" {
		return false
	}
	a, err := findAsk(ctx, b.db, r.Ask, store.C("owner = $1 AND run_id = $2 AND (step = '评价' OR state = 'closed')", authz.From(ctx).Person, r.ID))
	return err == nil && a.ID != ""
}

// expireAsks removes the lists of asks that were closed long enough ago.
func (b *Batch) expireAsks(ctx context.Context, before store.Time) error {
	over, err := store.Column[string](ctx, b.db, `SELECT id FROM batch_ask WHERE file <> '' AND closed_at > 0 AND closed_at < $1 ORDER BY id LIMIT 1000`, before)
	if err != nil {
		return err
	}
	for _, id := range over {
		err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := b.removeFiles(ctx, tx, "ask/"+id); err != nil {
				return err
			}
			return store.Exec(ctx, tx, `UPDATE batch_ask SET file = '' WHERE id = $1`, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
