package flow

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/rule"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/flow/internal/bpmn"
)

const caseColumns = `c.id, c.kind, c.room, c.object, c.number, c.title, c.level, c.state, c.step, c.holder, c.place, c.street, c.community, c.unit_id, c.owner, c.owner_name, c.from_unit,
	c.begun_at, c.due_at, c.due_unit, c.paused_at, c.closed_at, c.late, c.outcome, c.reopened, c.def_id, c.version, c.took, c.returned`

func scanCase(c *Case) []any {
	return []any{&c.ID, &c.Kind, &c.Room, &c.Object, &c.Number, &c.Title, &c.Level, &c.State, &c.Step, &c.Holder, &c.Place, &c.Street, &c.Community, &c.Unit, &c.Owner, &c.OwnerName, &c.FromUnit,
		&c.Begun, &c.Due, &c.dueUnit, &c.Paused, &c.ClosedAt, &c.Late, &c.Outcome, &c.Reopened, &c.def, &c.Version, &c.took, &c.returned}
}

func findCase(ctx context.Context, q store.Queryer, caseID string) (*Case, error) {
	c, err := store.One(ctx, q, func(c *Case) []any { return append(scanCase(c), &c.run) }, `SELECT `+caseColumns+`, c.tokens FROM flow_case c WHERE c.id = $1`, caseID)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "flow.no_case")
	}
	return &c, err
}

// insertCase writes a case that has no number yet: its id stands where it will be.
func insertCase(ctx context.Context, tx *store.Tx, c *Case) error {
	return store.Exec(ctx, tx, `INSERT INTO flow_case (id, kind, room, object, def_id, number, title, level, state, step, holder, place, street, community, unit_id, owner, owner_name, from_unit,
		begun_at, due_at, due_unit, tokens, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 1)`,
		c.ID, c.Kind, c.Room, c.Object, c.def, c.ID, c.Title, c.Level, string(c.State), c.Step, c.Holder, c.Place, c.Street, c.Community, c.Unit, c.Owner, c.OwnerName, c.FromUnit,
		c.Begun, c.Due, string(c.dueUnit), c.run)
}

func saveCase(ctx context.Context, tx *store.Tx, c *Case) error {
	err := store.ExecOne(ctx, tx, `UPDATE flow_case SET title = $1, level = $2, state = $3, step = $4, holder = $5, unit_id = $6, due_at = $7, due_unit = $8, paused_at = $9, closed_at = $10,
		late = $11, outcome = $12, reopened = $13, tokens = $14, took = $15, returned = $16, version = version + 1 WHERE id = $17 AND version = $18`,
		c.Title, c.Level, string(c.State), c.Step, c.Holder, c.Unit, c.Due, string(c.dueUnit), c.Paused, c.ClosedAt, c.Late, c.Outcome, c.Reopened, c.run, c.took, c.returned, c.ID, c.Version)
	if err == nil {
		c.Version++
	}
	return err
}

const taskColumns = `k.id, k.case_id, k.node, k.name, k.token, k.box, k.state, k.share, k.rank, k.person, k.chosen, k.seen_at, k.begun_at, k.due_at, k.due_unit, k.late, k.done_at, k.done_by, k.outcome, k.asked_until, k.asked_by, k.note, k.aside_at`

func scanTask(k *Item) []any {
	return []any{&k.ID, &k.Case, &k.Node, &k.Name, &k.token, &k.Box, &k.State, &k.Share, &k.rank, &k.Person, &k.chosen, &k.Seen, &k.Begun, &k.Due, &k.dueUnit, &k.Late, &k.Done, &k.DoneBy, &k.Outcome, &k.AskUntil, &k.AskedBy, &k.Note, &k.aside}
}

func tasksOf(ctx context.Context, q store.Queryer, caseID string, more ...store.Cond) ([]Item, error) {
	where := store.And(append([]store.Cond{store.C("k.case_id = $1", caseID)}, more...)...)
	return store.All(ctx, q, scanTask, `SELECT `+taskColumns+` FROM flow_task k WHERE `+where.SQL+` ORDER BY k.begun_at, k.rank, k.id`, where.Args...)
}

func insertTask(ctx context.Context, tx *store.Tx, k *Item, people []string) error {
	if err := store.Later(ctx, tx, `INSERT INTO flow_task (id, case_id, node, name, token, box, state, share, rank, person, chosen, begun_at, due_at, due_unit, asked_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		k.ID, k.Case, k.Node, k.Name, k.token, k.Box, k.State, string(k.Share), k.rank, k.Person, k.chosen, k.Begun, k.Due, string(k.dueUnit), k.AskedBy); err != nil {
		return err
	}
	if k.State != "open" {
		return nil
	}
	return hand(ctx, tx, k, people)
}

// hand puts a task on people's lists.
func hand(ctx context.Context, tx *store.Tx, k *Item, people []string) error {
	for _, p := range people {
		if err := store.Later(ctx, tx, `INSERT INTO flow_todo (person, task_id, case_id, box, at, due_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person, task_id) DO NOTHING`,
			p, k.ID, k.Case, k.Box, k.Begun, k.Due); err != nil {
			return err
		}
	}
	return also(ctx, tx, k, people)
}

func saveTask(ctx context.Context, tx *store.Tx, k *Item) error {
	return store.Later(ctx, tx, `UPDATE flow_task SET state = $1, person = $2, due_at = $3, late = $4, done_at = $5, done_by = $6, outcome = $7, asked_until = $8, share = $9, rank = $10, aside_at = $11 WHERE id = $12`,
		k.State, k.Person, k.Due, k.Late, k.Done, k.DoneBy, k.Outcome, k.AskUntil, string(k.Share), k.rank, k.aside, k.ID)
}

// unlist takes a task off everybody's list, and returns whose it was on.
func unlist(ctx context.Context, tx *store.Tx, taskID string) ([]string, error) {
	return store.Column[string](ctx, tx, `DELETE FROM flow_todo WHERE task_id = $1 RETURNING person`, taskID)
}

func holders(ctx context.Context, q store.Queryer, taskID string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT person FROM flow_todo WHERE task_id = $1 ORDER BY person`, taskID)
}

func joins(ctx context.Context, tx *store.Tx, caseID, person, part string, at store.Time) error {
	if person == "" {
		return nil
	}
	return store.Later(ctx, tx, `INSERT INTO flow_party (case_id, person, part, at) VALUES ($1, $2, $3, $4) ON CONFLICT (case_id, person, part) DO UPDATE SET at = excluded.at`, caseID, person, part, at)
}

// takesPart reports whether a person takes or took part in a case.
func takesPart(ctx context.Context, q store.Queryer, caseID, person string) (bool, error) {
	n, err := store.Value[int](ctx, q, `SELECT (SELECT count(*) FROM flow_party WHERE case_id = $1 AND person = $2) + (SELECT count(*) FROM flow_todo WHERE case_id = $3 AND person = $4)`, caseID, person, caseID, person)
	return n > 0, err
}

func insertStep(ctx context.Context, tx *store.Tx, caseID string, s *Trace) error {
	return store.Later(ctx, tx, `INSERT INTO flow_step (id, case_id, seq, at, verb, person, name, post, unit_id, unit_name, task_id, step, onto, outcome, opinion, reason, took, due_at, late, for_name)
		VALUES ($1, $2, (SELECT count(*) + 1 FROM flow_step WHERE case_id = $3), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		id.New(), caseID, caseID, s.At, s.Verb, s.Person, s.Name, s.Post, s.Unit, s.UnitName, s.Task, s.Step, s.Onto, s.Outcome, s.Opinion, s.Reason, s.Took*1_000_000, s.Due, s.Late, s.For)
}

func stepsOf(ctx context.Context, q store.Queryer, caseID string) ([]Trace, error) {
	return store.All(ctx, q, func(s *Trace) []any {
		return []any{&s.Seq, &s.At, &s.Verb, &s.Person, &s.Name, &s.Post, &s.Unit, &s.UnitName, &s.Task, &s.Step, &s.Onto, &s.Outcome, &s.Opinion, &s.Reason, &s.Took, &s.Due, &s.Late, &s.For}
	}, `SELECT seq, at, verb, person, name, post, unit_id, unit_name, task_id, step, onto, outcome, opinion, reason, took / 1000000, due_at, late, for_name FROM flow_step WHERE case_id = $1 ORDER BY seq`, caseID)
}

// nextNumber gives the next serial of a rule in a period.
func nextNumber(ctx context.Context, tx *store.Tx, rule, period string) (int64, error) {
	return store.Value[int64](ctx, tx, `INSERT INTO flow_number (rule, period, last) VALUES ($1, $2, 1) ON CONFLICT (rule, period) DO UPDATE SET last = flow_number.last + 1 RETURNING last`, rule, period)
}

// findings are what is to be said about a drawing of a kind: what is drawn wrong, an expression that cannot be evaluated, a
// service or a call the room does not do.
func (f *Flow) findings(ctx context.Context, q store.Queryer, kind string, p *Process) ([]bpmn.Finding, error) {
	types, err := f.types(ctx, q, kind)
	if err != nil {
		return nil, err
	}
	h := f.hosts[roomOf(kind)]
	all := bpmn.Check(p, f.expressions(types))
	for _, n := range p.Nodes {
		switch {
		case n.Kind == bpmn.Service && n.Service != nil && (h.Service == nil || !slices.Contains(h.Services, n.Service.Name)):
			all = append(all, bpmn.Finding{Element: n.ID, Name: n.Name, Kind: bpmn.Error, Key: "flow.f_no_service", Args: []any{n.Service.Name}})
		case n.Kind == bpmn.Call && h.Call == nil:
			all = append(all, bpmn.Finding{Element: n.ID, Name: n.Name, Kind: bpmn.Error, Key: "flow.f_no_call", Args: []any{n.Call}})
		}
	}
	return all, nil
}

// faults are the findings that keep a drawing from running.
func (f *Flow) faults(ctx context.Context, q store.Queryer, kind string, p *Process) ([]bpmn.Finding, error) {
	all, err := f.findings(ctx, q, kind, p)
	return slices.DeleteFunc(all, func(b bpmn.Finding) bool { return b.Kind != bpmn.Error }), err
}

// roomOf is the room that hosts a kind: what stands before the first point.
func roomOf(kind string) string {
	room, _, _ := strings.Cut(kind, ".")
	return room
}

// types are the names an expression of a kind may use; nil where its room does not say.
func (f *Flow) types(ctx context.Context, q store.Queryer, kind string) (map[string]rule.Type, error) {
	h := f.hosts[roomOf(kind)]
	if h.Types == nil {
		return nil, nil
	}
	named, err := h.Types(ctx, q, kind)
	if err != nil || named == nil {
		return nil, err
	}
	types := map[string]rule.Type{"outcome": rule.Words, "level": rule.Words, "item": rule.Any}
	maps.Copy(types, named)
	delete(types, rule.Now)
	return types, nil
}

// expressions compiles what a drawing asks over names of types; nil where nobody says which names there are.
func (f *Flow) expressions(types map[string]rule.Type) func(string) error {
	if types == nil {
		return nil
	}
	return func(src string) error {
		_, err := rule.Compile(src, types, rule.Calendar(f.days))
		return err
	}
}

// Deploy keeps a room's drawing as the newest of its kind; what the room drew last, drawn again, changes nothing: what an
// administrator made of it since stays. What begins afterwards follows it, what runs keeps its own.
func (f *Flow) Deploy(ctx context.Context, tx *store.Tx, kind string, p *Process) (defID string, err error) {
	return f.keep(ctx, tx, kind, p, "room", "")
}

// keep makes a drawing the newest of its kind, unless the last of the same source is the same.
func (f *Flow) keep(ctx context.Context, tx *store.Tx, kind string, p *Process, source, note string) (defID string, err error) {
	bad, err := f.faults(ctx, tx, kind, p)
	if err != nil {
		return "", err
	}
	if len(bad) > 0 {
		e := errs.New(errs.Invalid, "flow.bad_drawing", len(bad))
		for _, b := range bad {
			e = e.With(errs.Field{Name: b.Element, Key: b.Key, Args: b.Args})
		}
		return "", e
	}
	if !p.Drawn() {
		bpmn.Layout(p)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	if err := store.Lock(ctx, tx, "flow_def", kind); err != nil {
		return "", err
	}
	hash := secret.SM3Hex(body)
	type version struct {
		id, hash, source string
		number           int64
	}
	all, err := store.All(ctx, tx, func(v *version) []any { return []any{&v.id, &v.hash, &v.source, &v.number} }, `SELECT id, hash, source, number FROM flow_def WHERE kind = $1 ORDER BY number DESC`, kind)
	if err != nil {
		return "", err
	}
	number := int64(1)
	if len(all) > 0 {
		number = all[0].number + 1
		if all[0].hash == hash {
			return all[0].id, nil
		}
	}
	if i := slices.IndexFunc(all, func(v version) bool { return v.source == "room" }); source == "room" && i >= 0 && all[i].hash == hash {
		return all[0].id, nil
	}
	defID = id.New()
	return defID, store.Exec(ctx, tx, `INSERT INTO flow_def (id, kind, number, title, body, hash, at, by_id, source, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		defID, kind, number, p.Name, store.JSON[*Process]{V: p}, hash, store.At(f.now()), actorID(ctx), source, note)
}

// drawing reads a version; the newest of a kind when def is "". A version never changes, so it is read once.
func (f *Flow) drawing(ctx context.Context, q store.Queryer, kind, def string) (string, *Process, error) {
	if p, ok := f.known.Load(def); ok {
		return def, p.(*Process), nil
	}
	if def == "" {
		newest, err := store.Column[string](ctx, q, `SELECT id FROM flow_def WHERE kind = $1 ORDER BY number DESC LIMIT 1`, kind)
		if err != nil {
			return "", nil, err
		}
		if len(newest) == 0 {
			return "", nil, errs.New(errs.Missing, "flow.no_drawing", kind)
		}
		return f.drawing(ctx, q, kind, newest[0])
	}
	p, err := store.Value[store.JSON[*Process]](ctx, q, `SELECT body FROM flow_def WHERE id = $1`, def)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "flow.no_drawing", kind)
	}
	if err == nil { // one a transaction made and undid is asked for by nobody: ids do not come again
		f.known.Store(def, p.V)
	}
	return def, p.V, err
}

// compiled is an expression ready to be evaluated, made once for the names there are.
func (f *Flow) compiled(kind, src string, types map[string]rule.Type) (*rule.Rule, error) {
	sum := uint64(0) // of the names and their types, whatever their order
	for name, t := range types {
		h := fnv.New64a()
		h.Write([]byte(name + "\x00" + string(t)))
		sum += h.Sum64()
	}
	type key struct {
		kind, src string
		names     uint64
	}
	k := key{kind, src, sum}
	if r, ok := f.rules.Load(k); ok {
		return r.(*rule.Rule), nil
	}
	r, err := rule.Compile(src, types, rule.Calendar(f.days))
	if err == nil {
		f.rules.Store(k, r)
	}
	return r, err
}
