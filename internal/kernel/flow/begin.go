package flow

import (
	"context"
	"fmt"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/token"
)

// NewCase is a case to be begun.
type NewCase struct {
	Kind   Kind
	Def    string // version of the drawing, the newest when ""
	Object string // id of the room's own row
	Title  string
	Level  string
	Place  string // in words
	Street string // 9-digit division code
	// Community is the 12-digit division code, "" for none.
	Community string
	Unit      string // in charge, the starter's body when ""
	Opinion   string
}

// Begin begins a case in tx in the actor's name, and does the first step for him: it was done by filling in what the case
// is about. The room's row must be there already; its columns are written through Host.Changed.
func (f *Flow) Begin(ctx context.Context, tx *store.Tx, n NewCase) (*Case, error) {
	me, now := authz.From(ctx), store.At(f.now())
	def, p, err := f.drawing(ctx, tx, n.Kind.Key, n.Def)
	if err != nil {
		return nil, err
	}
	c := &Case{ID: id.New(), Kind: n.Kind.Key, Room: n.Kind.Room, Object: n.Object, Title: short(n.Title, 200), Level: n.Level, State: Open, Place: n.Place, Street: n.Street,
		Community: n.Community, Unit: n.Unit, Owner: me.Person, OwnerName: me.Name, FromUnit: me.Home, Begun: now, Version: 1, def: def}
	if c.Unit == "" {
		c.Unit = me.Home
	}
	w := &work{f: f, tx: tx, c: c, p: p, now: now, told: map[string]bool{me.Person: true}, numbering: &n.Kind.Number}
	c.dueUnit = when.UrgentHour
	if err := insertCase(ctx, tx, c); err != nil {
		return nil, err
	}
	if err := w.look(ctx); err != nil {
		return nil, err
	}
	if c.Due, c.dueUnit, _, err = w.limit(ctx, p.Limit); err != nil {
		return nil, err
	}
	if !c.Due.IsZero() {
		if err := w.timer(ctx, "", 0, "case", "", c.Due.Time, string(c.dueUnit)); err != nil {
			return nil, err
		}
	}
	if err := joins(ctx, tx, c.ID, me.Person, "started", now); err != nil {
		return nil, err
	}
	s, out, err := w.machine().Start(w.vars)
	if err != nil {
		return nil, moved(p, err)
	}
	w.step.Verb, w.step.Opinion = "begin", n.Opinion
	if len(out) == 1 && out[0].Do == token.Enter { // the starter's own step
		w.run().State, w.step.Step = s, p.Node(out[0].Node).Name
		w.did(out[0].Node, me.Person)
		if s, out, err = w.machine().Finish(s, out[0].Token, w.vars); err != nil {
			return nil, moved(p, err)
		}
	}
	if err := w.carry(ctx, s, out); err != nil {
		return nil, err
	}
	return c, w.save(ctx)
}

// did remembers who did a step.
func (w *work) did(node, person string) {
	r := w.run()
	if r.Doers == nil {
		r.Doers = map[string][]string{}
	}
	if !slices.Contains(r.Doers[node], person) {
		r.Doers[node] = append(r.Doers[node], person)
	}
}

// number gives the next number of a rule: MD2023-00001. The serial begins anew with each year, month or day of civil time.
// Numbers have no gaps, so the next one waits for this transaction to end: it is taken as late as can be.
func (f *Flow) number(ctx context.Context, tx *store.Tx, n Numbering) (string, error) {
	layout := map[string]string{"": "2006", "year": "2006", "month": "200601", "day": "20060102"}[n.Per]
	if layout == "" || n.Prefix == "" {
		return "", fmt.Errorf("flow: the numbering %+v is not whole", n)
	}
	period := f.now().In(when.Zone).Format(layout)
	last, err := nextNumber(ctx, tx, n.Prefix, period)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%s-%0*d", n.Prefix, period, max(n.Digits, 3), last), nil
}

// Case returns a case.
func (f *Flow) Case(ctx context.Context, q store.Queryer, caseID string) (*Case, error) {
	return findCase(ctx, q, caseID)
}

// Holds lists the nodes of the steps of a case that a person has before him, and whether he takes part in it at all.
func (f *Flow) Holds(ctx context.Context, q store.Queryer, caseID, person string) (nodes []string, part bool, err error) {
	nodes, err = store.Column[string](ctx, q, `SELECT DISTINCT k.node FROM flow_todo t JOIN flow_task k ON k.id = t.task_id WHERE t.case_id = $1 AND t.person = $2 AND t.box = 'do' ORDER BY k.node`, caseID, person)
	if err != nil || len(nodes) > 0 {
		return nodes, len(nodes) > 0, err
	}
	part, err = takesPart(ctx, q, caseID, person)
	return nil, part, err
}

// Concerns reports whether a number is that of a case which still runs and which concerns a person: he takes part in it, or
// it is in the charge of one of units, or came from one.
func (f *Flow) Concerns(ctx context.Context, q store.Queryer, number, person string, units ...string) (bool, error) {
	whole := numberIn(number)
	if whole == "" {
		return false, nil
	}
	units = slices.DeleteFunc(units, func(u string) bool { return u == "" })
	of := store.Or(store.In("c.unit_id", units), store.In("c.from_unit", units), store.C("EXISTS (SELECT 1 FROM flow_party p WHERE p.case_id = c.id AND p.person = $1)", person),
		store.C("EXISTS (SELECT 1 FROM flow_todo t WHERE t.case_id = c.id AND t.person = $1)", person))
	where := store.And(store.C("c.number = $1 AND c.state IN ('open', 'suspended')", whole), of)
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM flow_case c WHERE `+where.SQL, where.Args...)
	return n > 0, err
}

// Waiting is a task that lies before somebody.
type Waiting struct {
	Task, Node string
	Begun, Due store.Time // Due is zero without a limit
	People     []string
}

// Waiting lists the tasks of a case that are to be done, the oldest first, each with those who have it.
func (f *Flow) Waiting(ctx context.Context, q store.Queryer, caseID string) ([]Waiting, error) {
	all, err := tasksOf(ctx, q, caseID, store.C("k.state = 'open' AND k.box = 'do'"))
	if err != nil {
		return nil, err
	}
	var out []Waiting
	for _, k := range all {
		people, err := holders(ctx, q, k.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, Waiting{Task: k.ID, Node: k.Node, Begun: k.Begun, Due: k.Due, People: people})
	}
	return out, nil
}

// Said is an opinion given at a step.
type Said struct {
	Name, Post, Opinion, Outcome string
	At                           store.Time
}

// Opinions lists what was said at a step, oldest first, for a printed form.
func (f *Flow) Opinions(ctx context.Context, q store.Queryer, caseID, node string) ([]Said, error) {
	return store.All(ctx, q, func(s *Said) []any { return []any{&s.Name, &s.Post, &s.Opinion, &s.Outcome, &s.At} },
		`SELECT s.name, s.post, s.opinion, s.outcome, s.at FROM flow_step s JOIN flow_task k ON k.id = s.task_id WHERE s.case_id = $1 AND k.node = $2 AND s.verb = 'submit' ORDER BY s.seq`, caseID, node)
}

// readable returns a case the actor may read: who takes part may, and whom the host lets in.
func (f *Flow) readable(ctx context.Context, q store.Queryer, caseID string) (*Case, error) {
	c, err := findCase(ctx, q, caseID)
	if err != nil {
		return nil, err
	}
	return c, f.mayRead(ctx, q, c)
}

// mayRead says why the actor may not read a case; what he may not read is not there.
func (f *Flow) mayRead(ctx context.Context, q store.Queryer, c *Case) error {
	me := authz.From(ctx)
	if me.IsJob || me.Can("flow.manage") {
		return nil
	}
	part, err := takesPart(ctx, q, c.ID, me.Person)
	if err != nil || part {
		return err
	}
	if me.Can("flow.supervise") {
		err := authz.MayUnit(ctx, q, "flow.supervise", c.Unit)
		if !errs.Is(err, errs.Denied) {
			return err
		}
	}
	if h := f.hosts[c.Room]; h.CanRead != nil {
		err := h.CanRead(ctx, q, c)
		if !errs.Is(err, errs.Missing) && !errs.Is(err, errs.Denied) {
			return err
		}
	}
	return errs.New(errs.Missing, "flow.no_case")
}

// called are the names of persons, in one line.
func (f *Flow) called(ctx context.Context, q store.Queryer, people []string) (string, error) {
	known, err := f.org.People(ctx, q, people)
	out := ""
	for i, p := range people {
		if i > 0 {
			out += "、"
		}
		out += known[p].Name
	}
	return short(out, 300), err
}
