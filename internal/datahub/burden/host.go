package burden

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/notify"
)

// kindCheck is the one kind of case of this room.
const kindCheck = "burden.check"

var checkKind = flow.Kind{Key: kindCheck, Room: "burden", Title: "报表准入审查", Number: flow.Numbering{Prefix: "BB", Per: "year", Digits: 4}}

// deploy draws 申报 → 准入审查, with the days that are set.
func (b *Burden) deploy(ctx context.Context, tx *store.Tx) error {
	word := func(key string) string { return b.words.Text("zh", "burden.step_"+key) }
	p := flow.FromSteps(kindCheck, word("flow"), nil, []flow.Step{
		{Key: "fill", Name: word("fill"), Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}, Share: "any", Form: "burden"}},
		{Key: "check", Name: word("check"), Task: flow.Task{Who: []flow.Who{{Kind: "role", ID: "burden_checker", Of: "field:reviewer"}, {Kind: "role", ID: "burden_checker"}}, Share: "any", Form: "burden",
			Limit: []flow.Limit{{N: float64(b.number(ctx, "check_days")), Unit: when.WorkDay}}, Warn: []int{80},
			Escalate: []flow.Escalation{{Percent: 100, Do: "tell", To: []flow.Who{{Kind: "starter"}}}},
			Outcomes: []flow.Action{{Key: "pass", Name: word("pass"), Agree: true}, {Key: "refuse", Name: word("refuse"), Reason: true}}}},
	})
	_, err := b.flow.Deploy(ctx, tx, kindCheck, p)
	return err
}

// host is what flow asks of this room.
func (b *Burden) host() flow.Host {
	return flow.Host{
		Vars: func(ctx context.Context, q store.Queryer, _ *flow.Case) (map[string]any, error) {
			unit, err := b.reviewer(ctx, q)
			return map[string]any{"reviewer": unit}, err
		},
		Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
			return map[string]rule.Type{"reviewer": rule.Words}, nil
		},
		Apply:   b.apply,
		Changed: b.changed,
		CanRead: func(ctx context.Context, q store.Queryer, k *flow.Case) error {
			_, err := findReport(ctx, q, store.And(store.C("a.id = $1", k.Object), store.Or(drafting(ctx), checking(ctx))))
			return err
		},
		Link:    func(k *flow.Case) string { return "/burden/reports/" + k.Object },
		Audited: "burden",
	}
}

// strike is one field a checker refuses.
type strike struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// verdicts are what a checker says of the fields.
type verdicts struct {
	Struck []strike `json:"struck"`
	Exempt []string `json:"exempt"` // keys whose exemption is granted
}

// apply checks and keeps what a step's form said.
func (b *Burden) apply(ctx context.Context, tx *store.Tx, k *flow.Case, node, outcome string, data json.RawMessage) error {
	r, err := locked(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	switch node {
	case "fill":
		_, err = b.ready(ctx, tx, &r)
	case "check":
		var v verdicts
		if len(data) > 0 && string(data) != "null" && json.Unmarshal(data, &v) != nil {
			return errs.New(errs.Invalid, "web.unreadable")
		}
		r.Verdict = outcome
		err = b.judge(ctx, &r, v, outcome == "pass")
	}
	if err != nil {
		return err
	}
	return saveReport(ctx, tx, &r)
}

// judge writes what becomes of every field. An exemption that is not granted means that the field is filled in from the data that is held.
func (b *Burden) judge(ctx context.Context, r *report, v verdicts, pass bool) error {
	var bad []errs.Field
	for i, s := range v.Struck {
		f, ok := field(r.Fields.V, s.Key)
		switch {
		case !ok:
			bad = append(bad, errs.Field{Name: "struck", Row: i + 1, Key: "burden.field_unknown", Args: []any{s.Key}})
		case len([]rune(strings.TrimSpace(s.Reason))) < 2:
			bad = append(bad, errs.Field{Name: "fields." + s.Key, Key: "burden.strike_why", Args: []any{f.Name}})
		default:
			f.Final, f.Refusal = struck, strings.TrimSpace(s.Reason)
		}
	}
	if len(bad) > 0 {
		return errs.New(errs.Invalid, "burden.not_ready", len(bad)).With(bad...)
	}
	if !pass {
		return nil
	}
	open := 0
	for i := range r.Fields.V {
		f := &r.Fields.V[i]
		if f.Final == struck {
			continue
		}
		if f.Decide == exempt && !slices.Contains(v.Exempt, f.Key) {
			f.Final, f.Refusal = fromData, b.words.Text("zh", "burden.not_exempted")
			continue
		}
		f.Final = f.becomes()
		if f.Final == byHand {
			open++
		}
	}
	r.sum(b.seconds(ctx))
	if open == 0 {
		return errs.New(errs.Conflict, "burden.nothing_left", r.Title)
	}
	return nil
}

// changed writes where the case stands on its report, and says how it ended.
func (b *Burden) changed(ctx context.Context, tx *store.Tx, k *flow.Case) error {
	r, err := locked(ctx, tx, k.Object)
	if err != nil {
		return err
	}
	was := r.State
	r.Case, r.Number, r.Step, r.CaseState, r.Holder, r.Closed = k.ID, k.Number, k.Step, string(k.State), k.Holder, k.ClosedAt
	if r.DueAt, r.Late, err = b.flow.Pressing(ctx, tx, k.ID); err != nil {
		return err
	}
	open, err := b.flow.Waiting(ctx, tx, k.ID)
	if err != nil {
		return err
	}
	switch {
	case k.State == flow.Closed && r.Verdict == "pass":
		r.State = Approved
	case k.State == flow.Closed:
		r.State = Refused
	case k.State == flow.Stopped || k.State == flow.Merged:
		r.State = Stopped
	case len(open) > 0 && open[0].Node == "fill":
		r.State = Returned
	default:
		r.State = Review
	}
	if r.State == was {
		return saveReport(ctx, tx, &r)
	}
	r.Changed, r.Reason = store.At(b.now()), ""
	if r.State == Refused || r.State == Returned || r.State == Stopped {
		why, _, err := b.flow.LastReason(ctx, tx, k.ID, "")
		if err != nil {
			return err
		}
		r.Reason = why.Reason
	}
	return b.ended(ctx, tx, &r)
}

// ended keeps a report that came to another state, and does what follows from it.
func (b *Burden) ended(ctx context.Context, tx *store.Tx, r *report) error {
	event := ""
	switch r.State {
	case Approved:
		r.ApprovedAt, r.Until, event = r.Changed, store.At(r.Changed.AddDate(0, 0, b.number(ctx, "term_days"))), "burden.approved"
	case Refused:
		event = "burden.refused"
		if err := b.spare(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := saveReport(ctx, tx, r); err != nil {
		return err
	}
	if err := b.find.Touch(ctx, tx, foundAs, r.ID); err != nil {
		return err
	}
	if event != "" {
		if err := b.bus.Emit(ctx, tx, event, Told{Report: r.ID, Title: r.Title, Unit: r.Unit}); err != nil {
			return err
		}
	}
	key := map[State]string{Approved: "burden.told_approved", Refused: "burden.told_refused", Returned: "burden.told_returned", Stopped: "burden.told_stopped"}[r.State]
	if key == "" {
		return nil
	}
	return b.tell(ctx, tx, []string{r.Owner}, notify.Info, key, []any{r.Title, r.Reason}, "/burden/reports/"+r.ID, r.ID)
}

// again hands in what was returned, at the task its owner holds.
func (b *Burden) again(ctx context.Context, tx *store.Tx, r *report) error {
	open, err := b.flow.Waiting(ctx, tx, r.Case)
	if err != nil {
		return err
	}
	for _, w := range open {
		if w.Node == "fill" && slices.Contains(w.People, r.Owner) {
			_, err := b.flow.Do(ctx, tx, flow.Deed{Case: r.Case, Verb: "submit", Task: w.Task})
			return err
		}
	}
	return errs.New(errs.Conflict, "burden.not_draft")
}

// The states of a proposal to share one collection.
const (
	proposed = "proposed"
	agreed   = "agreed"
	declined = "declined"
)

// Share is a department's proposal to use what another department's report collects, instead of asking again (共用一次采集).
type Share struct {
	ID         string     `json:"id"`
	Report     string     `json:"report"`
	Title      string     `json:"title" doc:"of the report that asks"`
	UnitName   string     `json:"unitName" doc:"who asks"`
	Field      string     `json:"field"`
	FieldName  string     `json:"fieldName"`
	Other      string     `json:"other" doc:"id of the report that collects"`
	OtherField string     `json:"otherField"`
	OtherTitle string     `json:"otherTitle"`
	OtherName  string     `json:"otherUnitName"`
	State      string     `json:"state" enum:"proposed,agreed,declined"`
	Reason     string     `json:"reason"`
	At         store.Time `json:"at"`
	Mine       bool       `json:"mine" doc:"the caller's unit asks; else it is to answer"`

	unit, otherUnit, owner string
}

const shareColumns = `h.id, h.report, a.title, h.field, h.field_name, h.other, h.other_field, h.other_title, h.other_unit, h.state, h.reason, h.unit_id, h.owner, h.at`

func scanShare(s *Share) []any {
	return []any{&s.ID, &s.Report, &s.Title, &s.Field, &s.FieldName, &s.Other, &s.OtherField, &s.OtherTitle, &s.otherUnit, &s.State, &s.Reason, &s.unit, &s.owner, &s.At}
}

// sharesOf are the proposals of a report by the field they are about.
func sharesOf(ctx context.Context, q store.Queryer, report string) (map[string]Share, error) {
	all, err := store.All(ctx, q, scanShare, `SELECT `+shareColumns+` FROM burden_share h JOIN burden a ON a.id = h.report WHERE h.report = $1`, report)
	out := map[string]Share{}
	for _, s := range all {
		out[s.Field] = s
	}
	return out, err
}

// spare counts what the recipients of a refused report are spared: one filling in.
func (b *Burden) spare(ctx context.Context, tx *store.Tx, r *report) error {
	all, err := b.recipients(ctx, tx, r)
	if err != nil {
		return err
	}
	m, err := b.meters(ctx, tx, r, all)
	if err != nil {
		return err
	}
	for i := range m {
		m[i].ID, m[i].Prefilled, m[i].Shared, m[i].Refused = id.New(), 0, 0, m[i].Asked
	}
	return insertMeters(ctx, tx, m)
}
