package exchange

import (
	"context"
	"encoding/json"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// kindApply is the one kind of case of this room.
const kindApply = "exchange.apply"

var applyKind = flow.Kind{Key: kindApply, Room: "exchange", Number: flow.Numbering{Prefix: "GX", Per: "year", Digits: 5}}

// deploy draws the flow with the limits that are set: of the check another one where the provider is not asked, and a
// warning one work day before each runs out.
func (x *Exchange) deploy(ctx context.Context, tx *store.Tx) error {
	src, err := drawings.ReadFile("flow/apply.bpmn")
	if err != nil {
		return err
	}
	p, err := flow.ReadXML(src)
	if err != nil {
		return err
	}
	for node, name := range map[string]string{"check": "check_days", "provide": "provide_days", "extended": "extend_days", "supply": "supply_days"} {
		n := p.Node(node)
		days := x.number(ctx, name)
		n.Task.Limit = []flow.Limit{{N: float64(days), Unit: "work_day"}}
		n.Task.Warn = []int{max(50, (days-1)*100/days)}
		if node == "check" {
			n.Task.Limit = append([]flow.Limit{{N: float64(x.number(ctx, "open_days")), Unit: "work_day", When: `share == "unconditional"`}}, n.Task.Limit...)
		}
	}
	_, err = x.flow.Deploy(ctx, tx, kindApply, p)
	return err
}

// host is what flow asks of this room.
func (x *Exchange) host() flow.Host {
	return flow.Host{
		Vars: func(ctx context.Context, q store.Queryer, k *flow.Case) (map[string]any, error) {
			a, err := findApp(ctx, q, store.C("a.id = $1", k.Object))
			return map[string]any{"share": a.Share, "bound": a.Dataset != ""}, err
		},
		Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
			return map[string]rule.Type{"share": rule.Words, "bound": rule.Bool}, nil
		},
		Apply:   x.apply,
		Changed: x.changed,
		CanRead: func(ctx context.Context, q store.Queryer, k *flow.Case) error {
			_, err := findApp(ctx, q, store.And(store.C("a.id = $1", k.Object), visible(ctx).Cond()))
			return err
		},
		Services: []string{"grant"},
		Service:  x.serve,
		Link:     func(k *flow.Case) string { return "/exchange/applications/" + k.Object },
		Audited:  "exchange_application",
	}
}

// apply checks and keeps what a step's form said.
func (x *Exchange) apply(ctx context.Context, tx *store.Tx, k *flow.Case, node, outcome string, data json.RawMessage) error {
	a, err := locked(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	switch node {
	case "fill":
		err = x.ready(ctx, tx, &a)
	case "check":
		if a.Verdict = outcome; outcome == "pass" {
			a.Terms.V = a.Wish.V.Terms
			a.Decider = authz.From(ctx).Person
			err = x.bind(ctx, tx, &a)
		}
	case "provide", "extended":
		if a.Verdict = outcome; outcome == "agree" {
			err = x.agree(ctx, tx, &a, data)
		}
		if err == nil && outcome == "later" {
			err = x.tell(ctx, tx, []string{a.Owner}, notify.Info, "exchange.told_later", []any{a.Title, x.number(ctx, "extend_days")}, "/exchange/applications/"+a.ID)
		}
	case "supply":
		if err = x.bind(ctx, tx, &a); err == nil && a.Dataset == "" {
			err = errs.New(errs.Conflict, "exchange.not_bound", a.Title)
		}
	}
	if err != nil {
		return err
	}
	return saveApp(ctx, tx, &a)
}

// bind takes the data an entry is bound to by now, and calls what is asked for by its columns.
func (x *Exchange) bind(ctx context.Context, q store.Queryer, a *application) error {
	if a.Dataset != "" || a.Entry == "" {
		return nil
	}
	e, ok, err := x.catalogue.ByID(ctx, q, a.Entry)
	if err != nil || !ok || e.Dataset == "" {
		return err
	}
	columns := map[string]string{}
	for _, i := range e.Items {
		columns[i.Name] = i.Column
	}
	missing := a.Wish.V.Terms.rename(columns)
	if a.Terms.V.rename(columns); len(missing) > 0 {
		return errs.New(errs.Conflict, "exchange.item_unbound", a.Title, missing[0])
	}
	a.Dataset = e.Dataset
	return nil
}

// agree keeps the terms a provider grants: those asked for, or narrower ones.
func (x *Exchange) agree(ctx context.Context, tx *store.Tx, a *application, data json.RawMessage) error {
	terms := a.Wish.V.Terms
	if len(data) > 0 && string(data) != "null" {
		terms = Terms{}
		if err := json.Unmarshal(data, &terms); err != nil {
			return errs.New(errs.Invalid, "web.unreadable")
		}
	}
	terms.tidy()
	s, err := x.source(room.BySystem(ctx), tx, a.Entry, a.Dataset)
	if err != nil {
		return err
	}
	bad := append(terms.fit(&s), terms.within(&a.Wish.V.Terms)...)
	if len(terms.Modes) == 0 {
		bad = append(bad, errs.Field{Name: "modes", Key: "exchange.need_modes"})
	}
	if len(bad) > 0 {
		return errs.New(errs.Invalid, "exchange.bad_terms").With(bad...)
	}
	if a.Dataset != "" {
		ds, err := x.datasets.Get(ctx, tx, a.Dataset, everyDataset)
		if err != nil {
			return err
		}
		if _, err := terms.Filter.Cond(ds); err != nil {
			return err
		}
	}
	a.Terms.V, a.Decider = terms, authz.From(ctx).Person
	return nil
}

var everyDataset = store.Unscoped("whom a case is about data of has been checked by its steps")

// serve gives the grant that was agreed to, in the transaction that ends the case.
func (x *Exchange) serve(ctx context.Context, tx *store.Tx, k *flow.Case, _ string, _ map[string]string) error {
	a, err := locked(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	if a.Grant != "" { // the case was opened again after it was granted
		return nil
	}
	ds, err := x.datasets.Get(ctx, tx, a.Dataset, everyDataset)
	if err != nil {
		return err
	}
	now := x.now()
	t := a.Terms.V
	g := &grant{ID: id.New(), Application: a.ID, Number: a.Number, Title: a.Title, Dataset: ds.ID, Name: ds.Name, Provider: a.Provider, ProviderStreet: a.ProviderStreet, Unit: a.Unit, Street: a.Street, Owner: a.Owner,
		Terms: a.Terms, Purpose: a.Wish.V.Purpose, Basis: a.Wish.V.Basis, State: standing, From: store.At(now), Until: store.At(now.Add(time.Duration(t.Days) * 24 * time.Hour)), At: store.At(now), Version: 1}
	g.Past.V = []string{}
	by := room.Acting(ctx, &room.Actor{IsJob: true, Name: "system", Person: a.Decider})
	held, err := x.datasets.Grant(by, tx, ds, g.kernel(k.ID))
	if err != nil {
		return err
	}
	g.Held = held.ID
	if err := insertGrant(ctx, tx, g); err != nil {
		return err
	}
	a.Grant, a.Changed = g.ID, g.At
	if err := saveApp(ctx, tx, &a); err != nil {
		return err
	}
	if err := x.bus.Emit(ctx, tx, "exchange.granted", told(g)); err != nil {
		return err
	}
	return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.grant", Object: "exchange_application", ID: a.ID, Title: a.Title, Purpose: g.Purpose, Detail: g.said()})
}

// kernel is the grant as the datasets keep it.
func (g *grant) kernel(caseID string) dataset.Grant {
	t := g.Terms.V
	return dataset.Grant{Unit: g.Unit, Columns: t.Columns, Reveal: t.Reveal, Modes: t.Modes, Filter: t.Filter, Quota: t.Quota, Case: caseID, Purpose: g.Purpose, Basis: g.Basis, Until: g.Until}
}

// said tells the auditor of a grant.
func (g *grant) said() map[string]any {
	t := g.Terms.V
	return map[string]any{"grant": g.Held, "unit": g.Unit, "dataset": g.Name, "columns": t.Columns, "reveal": t.Reveal, "modes": t.Modes, "rules": len(t.Filter), "quota": t.Quota, "basis": g.Basis, "until": g.Until, "reason": g.Reason}
}

// changed writes where the case stands on its application, and says how it ended.
func (x *Exchange) changed(ctx context.Context, tx *store.Tx, k *flow.Case) error {
	a, err := locked(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	was := a.State
	a.Case, a.Number, a.Step, a.CaseState, a.Holder, a.Closed = k.ID, k.Number, k.Step, string(k.State), k.Holder, k.ClosedAt
	if a.Due, a.Late, err = x.flow.Pressing(ctx, tx, k.ID); err != nil {
		return err
	}
	open, err := x.flow.Waiting(ctx, tx, k.ID)
	if err != nil {
		return err
	}
	switch {
	case k.State == flow.Closed && a.Grant != "":
		a.State = Granted
	case k.State == flow.Closed:
		a.State = Refused
	case k.State == flow.Stopped || k.State == flow.Merged:
		a.State = Stopped
	case len(open) > 0 && open[0].Node == "fill":
		a.State = Returned
	default:
		a.State = Review
	}
	if a.State == was {
		return saveApp(ctx, tx, &a)
	}
	a.Changed, a.Reason = store.At(x.now()), ""
	if a.State == Refused || a.State == Returned || a.State == Stopped {
		why, _, err := x.flow.LastReason(ctx, tx, k.ID, "")
		if err != nil {
			return err
		}
		a.Reason = why.Reason
	}
	if err := saveApp(ctx, tx, &a); err != nil {
		return err
	}
	key := map[State]string{Granted: "exchange.told_granted", Refused: "exchange.told_refused", Returned: "exchange.told_returned", Stopped: "exchange.told_stopped"}[a.State]
	if key == "" {
		return nil
	}
	return x.tell(ctx, tx, []string{a.Owner}, notify.Info, key, []any{a.Title, a.Reason}, "/exchange/applications/"+a.ID)
}

func (x *Exchange) tell(ctx context.Context, tx *store.Tx, to []string, kind notify.Kind, key string, args []any, link string) error {
	return x.notify.Send(ctx, tx, notify.Notice{To: to, Kind: kind, Key: key, Args: args, Link: link, Object: "exchange", ID: ""})
}
