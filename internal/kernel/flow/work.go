package flow

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/flow/internal/token"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
)

// work is one deed on one case, in one transaction that holds the case's lock.
type work struct {
	f        *Flow
	tx       *store.Tx
	c        *Case
	p        *Process
	vars     map[string]any
	node     string // of the task that begins, for Who "chosen"
	now      store.Time
	step     Trace // what the deed leaves in the trace
	told     map[string]bool
	calendar *when.Calendar // once days has asked for it

	numbering *Numbering // of a case that begins, until it has its number

	known map[string]org.Person // by id, none's for who is not there

	whose string // of a deed at a task: the person whose task it is, the actor or whom he stands in for
}

func (w *work) run() *progress { return &w.c.run.V }

// open locks a case and reads what a deed needs.
func (f *Flow) open(ctx context.Context, tx *store.Tx, caseID string) (*work, error) {
	if err := store.Lock(ctx, tx, "flow", caseID); err != nil {
		return nil, err
	}
	c, err := findCase(ctx, tx, caseID)
	if err != nil {
		return nil, err
	}
	_, p, err := f.drawing(ctx, tx, c.Kind, c.def)
	if err != nil {
		return nil, err
	}
	w := &work{f: f, tx: tx, c: c, p: p, now: store.At(f.now()), told: map[string]bool{}}
	return w, w.look(ctx)
}

// look reads the values expressions see.
func (w *work) look(ctx context.Context) error {
	w.vars = map[string]any{}
	if h := w.f.hosts[w.c.Room]; h.Vars != nil {
		v, err := h.Vars(ctx, w.tx, w.c)
		if err != nil {
			return err
		}
		maps.Copy(w.vars, v)
	}
	w.vars["outcome"], w.vars["level"], w.vars["now"] = w.c.Outcome, w.c.Level, w.now.Time
	return nil
}

// days is the calendar in force in this transaction, which another replica may have changed a moment ago. Most deeds reckon no
// time and ask for none.
func (w *work) days(ctx context.Context) (*when.Calendar, error) {
	if w.calendar != nil {
		return w.calendar, nil
	}
	var err error
	w.calendar, err = w.f.daysIn(ctx, w.tx)
	return w.calendar, err
}

// machine moves the case's tokens, evaluating over the values as they are now.
func (w *work) machine() token.Machine {
	return token.Machine{P: w.p, Eval: func(src string, _ map[string]any) (any, error) { return w.eval(src) }}
}

func (w *work) eval(src string) (any, error) {
	types := map[string]rule.Type{"outcome": rule.Words, "level": rule.Words, "item": rule.Any}
	for name := range w.vars { // those of the form the case was filed by, which may be older than the newest
		if types[name] == "" {
			types[name] = rule.Any
		}
	}
	delete(types, rule.Now)
	r, err := w.f.compiled(w.c.Kind, src, types)
	if err != nil {
		return nil, err
	}
	return r.Value(w.vars)
}

// holds evaluates a condition; "" always holds.
func (w *work) holds(src string) (bool, error) {
	if src == "" {
		return true, nil
	}
	v, err := w.eval(src)
	ok, _ := v.(bool)
	return ok, err
}

// moved puts words to what the machine refuses.
func moved(p *Process, err error) error {
	e, ok := err.(*token.Error)
	if !ok {
		return err
	}
	name := e.Element
	if n := p.Node(e.Element); n != nil && n.Name != "" {
		name = n.Name
	}
	if e.Cause != nil {
		return errs.Wrap(e.Cause, errs.Invalid, "flow.expression", name, e.Cause.Error())
	}
	return errs.New(errs.Conflict, e.Key, name)
}

// carry carries the machine's effects out.
func (w *work) carry(ctx context.Context, s token.State, out []token.Effect) error {
	w.run().State = s
	for _, e := range out {
		var err error
		switch e.Do {
		case token.Enter:
			err = w.enter(ctx, e)
		case token.Leave, token.Cancel:
			err = w.leave(ctx, e.Token)
			if err == nil && e.Do == token.Cancel {
				err = w.recall(ctx, e.Token)
			}
		case token.Done:
			if err := w.over(ctx); err != nil {
				return err
			}
			if w.c.State == Open {
				w.c.State = Closed
			}
			w.c.ClosedAt = w.now
			if err := w.counted(ctx, 1); err != nil {
				return err
			}
			if err := w.back(ctx); err != nil {
				return err
			}
			err = store.Later(ctx, w.tx, `DELETE FROM flow_timer WHERE case_id = $1`, w.c.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enter begins an activity: its tasks and its boundary timers.
func (w *work) enter(ctx context.Context, e token.Effect) error {
	n := w.p.Node(e.Node)
	for _, b := range w.p.Nodes {
		if b.Kind == bpmn.Boundary && b.Event.On == n.ID && b.Event.Timer != nil {
			if err := w.boundary(ctx, e.Token, b); err != nil {
				return err
			}
		}
	}
	switch n.Kind {
	case bpmn.User:
	case bpmn.Service, bpmn.Call:
		return w.automatic(ctx, n, e)
	default:
		return nil
	}
	w.node = n.ID
	if e.Of > 0 {
		w.vars["item"] = e.Item
	}
	people, err := w.f.people(ctx, w.tx, w, w.p.WhoOf(n))
	if err != nil {
		return err
	}
	return w.begin(ctx, n, e.Token, people)
}

// begin opens the tasks of a step for people: one for all of them, or one each.
func (w *work) begin(ctx context.Context, n *bpmn.Node, tok int, people []string) error {
	due, unit, length, err := w.limit(ctx, n.Task.Limit)
	if err != nil {
		return err
	}
	share := n.Task.Share
	if share == "" {
		share = bpmn.Any
	}
	first := Item{Case: w.c.ID, Node: n.ID, Name: n.Name, Box: "do", State: "open", Share: share, token: tok, Begun: w.now, Due: due, dueUnit: unit}
	first.chosen.V = append([]string{}, people...)
	if share == bpmn.Any || len(people) == 0 {
		first.ID = id.New()
		if len(people) == 1 {
			first.Person = people[0]
		}
		if err := insertTask(ctx, w.tx, &first, people); err != nil {
			return err
		}
		w.tell(people, n.Name)
		return w.clocks(ctx, &first, n.Task, length)
	}
	for i, p := range people {
		k := first
		k.ID, k.Person, k.rank = id.New(), p, i
		if share == bpmn.Turn && i > 0 {
			k.State = "wait"
		}
		if err := insertTask(ctx, w.tx, &k, []string{p}); err != nil {
			return err
		}
		if k.State == "open" {
			w.tell([]string{p}, n.Name)
			if err := w.clocks(ctx, &k, n.Task, length); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave ends what is open of a token.
func (w *work) leave(ctx context.Context, tok int) error {
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.token = $1 AND (k.state = 'open' OR k.state = 'wait')", tok))
	if err != nil {
		return err
	}
	for i := range all {
		if err := w.end(ctx, &all[i], "gone"); err != nil {
			return err
		}
	}
	return store.Later(ctx, w.tx, `DELETE FROM flow_timer WHERE case_id = $1 AND token = $2 AND task_id = ''`, w.c.ID, tok)
}

// end takes a task from everybody's list.
func (w *work) end(ctx context.Context, k *Item, state string) error {
	k.State = state
	if err := saveTask(ctx, w.tx, k); err != nil {
		return err
	}
	people, err := unlist(ctx, w.tx, k.ID)
	if err != nil {
		return err
	}
	for _, p := range people {
		w.told[p] = true
	}
	return store.Later(ctx, w.tx, `DELETE FROM flow_timer WHERE task_id = $1`, k.ID)
}

// tell lets people know that something waits for them, once the deed is on disk.
func (w *work) tell(people []string, step string) {
	for _, p := range people {
		w.told[p] = true
	}
	w.step.Onto = strings.TrimPrefix(w.step.Onto+"、"+step, "、")
}

// save ends a deed: the case as it stands now, the host's row, the trace, and word to whom it concerns.
func (w *work) save(ctx context.Context) error {
	if err := w.stands(ctx); err != nil {
		return err
	}
	if err := w.trace(ctx); err != nil {
		return err
	}
	if err := w.numbered(ctx); err != nil {
		return err
	}
	if err := saveCase(ctx, w.tx, w.c); err != nil {
		return err
	}
	if h := w.f.hosts[w.c.Room]; h.Changed != nil {
		if err := h.Changed(ctx, w.tx, w.c); err != nil {
			return err
		}
	}
	if err := w.f.find.Touch(ctx, w.tx, foundAs, w.c.ID); err != nil {
		return err
	}
	people := slices.Sorted(maps.Keys(w.told))
	w.tx.After(func() {
		for _, p := range people {
			if w.f.Push != nil {
				w.f.Push(p, notify.Pushed{Topic: "flow.boxes"})
			}
		}
	})
	return nil
}

// numbered gives a case that begins its number.
func (w *work) numbered(ctx context.Context) (err error) {
	if w.numbering == nil {
		return nil
	}
	if w.c.Number, err = w.f.number(ctx, w.tx, *w.numbering); err != nil {
		return err
	}
	w.numbering = nil
	return store.Later(ctx, w.tx, `UPDATE flow_case SET number = $1 WHERE id = $2`, w.c.Number, w.c.ID)
}

// stands writes at which steps the case is and who has it.
func (w *work) stands(ctx context.Context) error {
	type at struct{ step, person string }
	open, err := store.All(ctx, w.tx, func(a *at) []any { return []any{&a.step, &a.person} }, `SELECT k.name, COALESCE(t.person, '') FROM flow_task k LEFT JOIN flow_todo t ON t.task_id = k.id
		WHERE k.case_id = $1 AND k.state = 'open' AND (k.box = 'do' OR k.box = 'auto') ORDER BY k.begun_at, k.rank, k.id, t.person`, w.c.ID)
	if err != nil {
		return err
	}
	var steps, ids []string
	for _, a := range open {
		if !slices.Contains(steps, a.step) {
			steps = append(steps, a.step)
		}
		if a.person != "" && !slices.Contains(ids, a.person) {
			ids = append(ids, a.person)
		}
	}
	known, err := w.persons(ctx, w.tx, ids)
	if err != nil {
		return err
	}
	var names []string
	for _, p := range ids {
		names = append(names, known[p].Name)
	}
	w.c.Step, w.c.Holder = short(strings.Join(steps, "、"), 200), short(strings.Join(names, "、"), 200)
	return nil
}

// persons are those of ids that are known, each asked for once in a deed.
func (w *work) persons(ctx context.Context, q store.Queryer, ids []string) (map[string]org.Person, error) {
	var more []string
	for _, id := range ids {
		if _, ok := w.known[id]; !ok {
			more = append(more, id)
		}
	}
	if len(more) == 0 {
		return w.known, nil
	}
	found, err := w.f.org.People(ctx, q, more)
	if err != nil {
		return nil, err
	}
	if w.known == nil {
		w.known = map[string]org.Person{}
	}
	for _, id := range more {
		w.known[id] = found[id]
	}
	return w.known, nil
}

func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// trace writes who did the deed, as he is called and placed now.
func (w *work) trace(ctx context.Context) error {
	me := authz.From(ctx)
	s := &w.step
	s.At, s.Person, s.Name, s.Unit = w.now, me.Person, me.Name, me.Unit
	if me.Post != "" {
		if p, err := w.f.org.Post(ctx, w.tx, me.Post); err == nil {
			s.Post, s.UnitName = p.Title, p.UnitName
		} else if !errs.Is(err, errs.Missing) {
			return err
		}
	}
	return insertStep(ctx, w.tx, w.c.ID, s)
}

// of notes the task a deed is done at.
func (w *work) of(k *Item) {
	w.step.Task, w.step.Step, w.step.Due = k.ID, k.Name, k.Due
	w.step.Took = int64(w.now.Sub(k.Begun.Time) / time.Second)
	w.step.Late = !k.Due.IsZero() && w.now.After(k.Due.Time)
}
