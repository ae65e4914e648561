package quality

import (
	"context"
	"encoding/json"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/flow"
	"qushu/internal/room"
)

const kindTicket = "quality.ticket"

// Ticket is something to be put right in a dataset: rows that fail a rule (整改), or what a reader says is wrong (校核纠错).
type Ticket struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"rows,reader"`
	Dataset   string     `json:"dataset"`
	Title     string     `json:"title" doc:"of the dataset"`
	Rule      string     `json:"rule" doc:"id, empty for what a reader says"`
	Failing   int64      `json:"failing" doc:"rows that failed when it was raised"`
	Words     string     `json:"words"`
	Column    string     `json:"column"`
	Answer    string     `json:"answer" enum:",mended,right,later" doc:"what the provider says: put right, the data is right as it is, with the next load"`
	Unit      string     `json:"unit"`
	UnitName  string     `json:"unitName"`
	Owner     string     `json:"-"`
	OwnerName string     `json:"ownerName"`
	FromUnit  string     `json:"-"`
	At        store.Time `json:"at"`
	Case      string     `json:"case"`
	Number    string     `json:"number"`
	Step      string     `json:"step"`
	State     string     `json:"state"`
	Holder    string     `json:"holder"`
	Due       store.Time `json:"dueAt"`
	Closed    store.Time `json:"closedAt"`
	Late      bool       `json:"late"`

	street string
}

const ticketColumns = `t.id, t.kind, t.dataset_id, t.title, t.rule_id, t.failing, t.words, t.col, t.answer, t.unit_id, t.street, t.owner, t.owner_name, t.from_unit, t.at,
	t.case_id, t.number, t.step, t.case_state, t.holder, t.due_at, t.closed_at, t.late`

func scanTicket(t *Ticket) []any {
	return []any{&t.ID, &t.Kind, &t.Dataset, &t.Title, &t.Rule, &t.Failing, &t.Words, &t.Column, &t.Answer, &t.Unit, &t.street, &t.Owner, &t.OwnerName, &t.FromUnit, &t.At,
		&t.Case, &t.Number, &t.Step, &t.State, &t.Holder, &t.Due, &t.Closed, &t.Late}
}

// ticketScope is the tickets the actor sees: those about data in his reach, and his own.
func ticketScope(ctx context.Context) store.Scope {
	reach := authz.WhereCols(ctx, "quality.read", authz.Cols{Unit: "t.unit_id", Street: "t.street", Owner: "t.owner"})
	return store.Scoped(store.Or(reach.Cond(), store.C("t.owner = $1 AND t.owner <> ''", authz.From(ctx).Person)))
}

func findTicket(ctx context.Context, q store.Queryer, where store.Cond) (Ticket, error) {
	t, err := store.One(ctx, q, scanTicket, `SELECT `+ticketColumns+` FROM quality_ticket t WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "quality.no_ticket")
	}
	return t, err
}

// install draws the flow of tickets: said, put right by the provider, looked at again by who said it.
func (q *Quality) install(ctx context.Context) error {
	ctx = room.BySystem(ctx)
	mender := []flow.Who{{Kind: "role", ID: "data_officer", Of: "case"}, {Kind: "leader", Of: "case"}}
	days := []flow.Limit{{N: float64(q.settings.Int(ctx, "quality.mend_days")), Unit: when.WorkDay}}
	word := func(key string) string { return q.words.Text("zh", "quality.step_"+key) }
	p := flow.FromSteps(kindTicket, word("flow"), nil, []flow.Step{
		{Key: "say", Name: word("say"), Task: flow.Task{Who: []flow.Who{{Kind: "starter"}}}},
		{Key: "mend", Name: word("mend"), Task: flow.Task{Who: mender, Limit: days, Warn: []int{80}, Outcomes: []flow.Action{
			{Key: "mended", Name: word("mended"), Agree: true}, {Key: "later", Name: word("later"), Reason: true}, {Key: "right", Name: word("right"), Reason: true}},
			Escalate: []flow.Escalation{{Percent: 100, Do: "tell", To: []flow.Who{{Kind: "leader", Of: "case"}}}}}},
		{Key: "look", Name: word("look"), Task: flow.Task{Who: []flow.Who{{Kind: "starter"}, {Kind: "role", ID: "data_officer", Of: "case"}}, Limit: []flow.Limit{{N: 5, Unit: when.WorkDay}},
			Outcomes: []flow.Action{{Key: "good", Name: word("good"), Agree: true}, {Key: "again", Name: word("again"), Reason: true}}},
			Ways: []flow.Way{{Outcome: "again", To: "mend"}}},
	})
	return q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := q.flow.Deploy(ctx, tx, kindTicket, p)
		return err
	})
}

func (q *Quality) host() flow.Host {
	return flow.Host{
		Vars: func(context.Context, store.Queryer, *flow.Case) (map[string]any, error) { return nil, nil },
		Types: func(context.Context, store.Queryer, string) (map[string]rule.Type, error) {
			return map[string]rule.Type{}, nil
		},
		Apply: func(ctx context.Context, tx *store.Tx, c *flow.Case, node, outcome string, _ json.RawMessage) error {
			if node != "mend" {
				return nil
			}
			data, err := store.Value[string](ctx, tx, `UPDATE quality_ticket SET answer = $1 WHERE id = $2 RETURNING dataset_id`, outcome, c.Object)
			if err != nil {
				return err
			}
			return q.bus.Emit(ctx, tx, "quality.answered", Answered{c.Object, data, outcome})
		},
		Changed: func(ctx context.Context, tx *store.Tx, c *flow.Case) error {
			return store.ExecOne(ctx, tx, `UPDATE quality_ticket SET case_id = $1, number = $2, step = $3, case_state = $4, holder = $5, due_at = $6, closed_at = $7, late = $8 WHERE id = $9`,
				c.ID, c.Number, c.Step, string(c.State), c.Holder, c.Due, c.ClosedAt, c.Late, c.Object)
		},
		CanRead: func(ctx context.Context, db store.Queryer, c *flow.Case) error {
			_, err := findTicket(ctx, db, store.And(store.C("t.id = $1", c.Object), ticketScope(ctx).Cond()))
			return err
		},
		Link:    func(c *flow.Case) string { return "/quality/tickets/" + c.Object },
		Audited: "quality_ticket",
	}
}

type ticketsIn struct {
	Open    bool   `query:"open" doc:"that are not closed yet"`
	Mine    bool   `query:"mine" doc:"that the caller raised"`
	Dataset string `query:"dataset" maxLength:"40"`
	store.Page
}
type ticketsOut struct{ Body store.Listed[Ticket] }

func (q *Quality) tickets(ctx context.Context, in *ticketsIn) (*ticketsOut, error) {
	var where []store.Cond
	if in.Open {
		where = append(where, store.C("t.case_state = 'open'"))
	}
	if in.Mine {
		where = append(where, store.C("t.owner = $1", authz.From(ctx).Person))
	}
	if in.Dataset != "" {
		where = append(where, store.C("t.dataset_id = $1", in.Dataset))
	}
	all, err := store.List(ctx, q.db, store.Query[Ticket]{Select: `SELECT ` + ticketColumns + ` FROM quality_ticket t`, Scope: ticketScope(ctx), Where: where,
		Keys: []string{"t.at", "t.id"}, Desc: true, Page: in.Page, Scan: scanTicket, Cursor: func(t *Ticket) []any { return []any{t.At, t.ID} }})
	if err != nil {
		return nil, err
	}
	return &ticketsOut{all}, q.nameTickets(ctx, all.Items)
}

func (q *Quality) nameTickets(ctx context.Context, all []Ticket) error {
	units := make([]string, len(all))
	for i, t := range all {
		units[i] = t.Unit
	}
	names, err := q.org.UnitNames(ctx, q.db, units)
	for i := range all {
		all[i].UnitName = names[all[i].Unit]
	}
	return err
}

type ticketOut struct{ Body Ticket }

func (q *Quality) ticket(ctx context.Context, in *idIn) (*ticketOut, error) {
	t, err := findTicket(ctx, q.db, store.And(store.C("t.id = $1", in.ID), ticketScope(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	one := []Ticket{t}
	err = q.nameTickets(ctx, one)
	return &ticketOut{one[0]}, err
}

type raiseIn struct {
	Body struct {
		Dataset string `json:"dataset" maxLength:"40"`
		Rule    string `json:"rule" required:"false" maxLength:"40" doc:"that rows fail; empty for what the reader says himself"`
		Column  string `json:"column" required:"false" maxLength:"64"`
		Words   string `json:"words" maxLength:"500" doc:"what is wrong, without personal data"`
	}
}

// raise begins a ticket: of the rows that fail a rule, by who watches over quality; of anything else, by whoever may read
// the data.
func (q *Quality) raise(ctx context.Context, in *raiseIn) (*ticketOut, error) {
	me, b := authz.From(ctx), in.Body
	t := Ticket{ID: id.New(), Kind: "reader", Words: strings.TrimSpace(b.Words), Column: b.Column, Owner: me.Person, OwnerName: me.Name, FromUnit: me.Home, At: store.At(q.now())}
	if me.Person == "" {
		return nil, errs.New(errs.Denied, "quality.no_person")
	}
	err := q.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ds, err := q.about(ctx, tx, &t, b.Dataset, b.Rule)
		if err != nil {
			return err
		}
		c, err := q.opened(ctx, tx, &t, ds)
		if err != nil {
			return err
		}
		return q.audit.Record(ctx, tx, audit.Entry{Action: "quality.ticket", Object: "quality_ticket", ID: t.ID, Title: c.Number,
			Detail: map[string]any{"dataset": ds.Name, "rule": t.Rule, "failing": t.Failing, "column": t.Column}})
	})
	if err != nil {
		return nil, err
	}
	return q.ticket(ctx, &idIn{t.ID})
}

// opened writes a ticket and begins its case.
func (q *Quality) opened(ctx context.Context, tx *store.Tx, t *Ticket, ds dataset.Dataset) (*flow.Case, error) {
	if len([]rune(t.Words)) < 4 {
		return nil, errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: "words", Key: "quality.no_words"})
	}
	if err := store.Exec(ctx, tx, `INSERT INTO quality_ticket (id, kind, dataset_id, title, rule_id, failing, words, col, unit_id, street, owner, owner_name, from_unit, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		t.ID, t.Kind, ds.ID, ds.Title, t.Rule, t.Failing, t.Words, t.Column, ds.Unit, ds.Street, t.Owner, t.OwnerName, t.FromUnit, t.At); err != nil {
		return nil, err
	}
	return q.flow.Begin(ctx, tx, flow.NewCase{Object: t.ID, Title: ds.Title + "：" + t.Words, Unit: ds.Unit, Street: ds.Street,
		Kind: flow.Kind{Key: kindTicket, Room: "quality", Number: flow.Numbering{Prefix: "ZL", Per: "year", Digits: 5}}})
}

// Report begins a ticket of the actor's, in the caller's transaction and record, about a dataset another room has shown him values
// of: that it might is the caller's to know. words hold no personal data. A column the dataset no longer has is left out.
func (q *Quality) Report(ctx context.Context, tx *store.Tx, dataID, column, words string) (ticket, number string, err error) {
	me := authz.From(ctx)
	ds, err := q.datasets.Get(ctx, tx, dataID, store.Unscoped("what the actor was shown values of by another room"))
	if err != nil {
		return "", "", err
	}
	if _, ok := ds.Column(column); !ok {
		column = ""
	}
	t := Ticket{ID: id.New(), Kind: "reader", Words: strings.TrimSpace(words), Column: column, Owner: me.Person, OwnerName: me.Name, FromUnit: me.Home, At: store.At(q.now())}
	c, err := q.opened(ctx, tx, &t, ds)
	if err != nil {
		return "", "", err
	}
	return t.ID, c.Number, nil
}

// Answered is told as quality.answered when the provider has said what becomes of a ticket.
type Answered struct {
	Ticket  string `json:"ticket"`
	Dataset string `json:"dataset"`
	Answer  string `json:"answer"` // mended, right or later
}

// about finds what a ticket is about, and checks that who raises it may.
func (q *Quality) about(ctx context.Context, tx *store.Tx, t *Ticket, dataID, ruleID string) (dataset.Dataset, error) {
	if ruleID == "" {
		scope, err := q.datasets.Readable(ctx, tx, "quality.report", "")
		if err != nil {
			return dataset.Dataset{}, err
		}
		ds, err := q.datasets.Get(ctx, tx, dataID, scope)
		if _, ok := ds.Column(t.Column); err == nil && t.Column != "" && !ok {
			err = errs.New(errs.Invalid, "dataset.no_column", t.Column)
		}
		return ds, err
	}
	ds, err := q.of(ctx, tx, dataID, "quality.manage")
	if err != nil {
		return ds, err
	}
	r, err := findRule(ctx, tx, ds.ID, ruleID)
	if err != nil {
		return ds, err
	}
	t.Kind, t.Rule, t.Column = "rows", r.ID, r.Body.Column
	all, err := checksOf(ctx, tx, ds.ID, 30)
	if err != nil {
		return ds, err
	}
	for _, k := range all {
		if k.State != "done" {
			continue
		}
		for _, f := range k.Found {
			if f.Rule == r.ID {
				t.Failing = f.Checked - f.Passed
			}
		}
		break
	}
	if t.Failing == 0 {
		return ds, errs.New(errs.Conflict, "quality.none_fails", r.Title)
	}
	open, err := store.Value[int](ctx, tx, `SELECT count(*) FROM quality_ticket WHERE rule_id = $1 AND case_state = 'open'`, r.ID)
	if err == nil && open > 0 {
		err = errs.New(errs.Conflict, "quality.raised_already", r.Title)
	}
	if t.Words == "" {
		t.Words = q.words.Text("zh", "quality.ticket_words", r.Title, t.Failing)
	}
	return ds, err
}
