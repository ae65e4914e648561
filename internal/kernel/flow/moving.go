package flow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/flow/internal/token"
)

// MoveStep is a step of older versions at which running cases stand, and where they would stand in the newest.
type MoveStep struct {
	Node    string   `json:"node"`
	Name    string   `json:"name" doc:"as it is called in the newest of those versions"`
	Cases   int      `json:"cases"`
	Onto    string   `json:"onto" doc:"the step of that id in the newest version, empty where there is none it could stand at"`
	Targets []Target `json:"targets" nullable:"false" doc:"the steps of the newest version it may go to"`
}

// MovePlan is what taking the running cases of a kind over to its newest version would do.
type MovePlan struct {
	Def   string     `json:"def" doc:"the newest version"`
	Cases int        `json:"cases"`
	Steps []MoveStep `json:"steps" nullable:"false"`
	Last  *MoveView  `json:"last,omitempty"`
}

// MoveView is one taking over, under way or ended.
type MoveView struct {
	ID     string     `json:"id"`
	State  string     `json:"state" enum:"running,done,cancelled"`
	Total  int64      `json:"total"`
	Moved  int64      `json:"moved"`
	Kept   int64      `json:"kept" doc:"that stay on their version, each with the reason"`
	Reason string     `json:"reason"`
	At     store.Time `json:"at"`
	Ended  store.Time `json:"endedAt"`
	ByName string     `json:"byName"`

	kind, def string
	steps     store.JSON[map[string]string]
}

const moveColumns = `id, state, total, moved, kept, reason, at, ended_at, by_name, kind, def_id, steps`

func scanMove(m *MoveView) []any {
	return []any{&m.ID, &m.State, &m.Total, &m.Moved, &m.Kept, &m.Reason, &m.At, &m.Ended, &m.ByName, &m.kind, &m.def, &m.steps}
}

// lastMove is the last taking over of a kind to a version, nil where there was none.
func (f *Flow) lastMove(ctx context.Context, q store.Queryer, kind, def string) (*MoveView, error) {
	all, err := store.All(ctx, q, scanMove, `SELECT `+moveColumns+` FROM flow_move WHERE kind = $1 AND def_id = $2 ORDER BY at DESC, id DESC LIMIT 1`, kind, def)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// suits reports whether a token at one node of a drawing could stand at a node of another.
func suits(from, to *bpmn.Node) bool {
	return to != nil && from.Kind == to.Kind && from.In == to.In && (from.Multi == nil) == (to.Multi == nil)
}

// older is the condition of the running cases of a kind that follow another version than the newest.
func older(kind, def string) store.Cond {
	return store.C("c.kind = $1 AND c.def_id <> $2 AND (c.state = 'open' OR c.state = 'suspended')", kind, def)
}

type planOut struct{ Body MovePlan }

// planMove shows what taking running cases over to the newest version would do; nothing is done.
func (f *Flow) planMove(ctx context.Context, in *kindIn) (*planOut, error) {
	def, to, err := f.drawing(ctx, f.db, in.Kind, "")
	if err != nil {
		return nil, err
	}
	out := &planOut{MovePlan{Def: def, Steps: []MoveStep{}}}
	at, after := map[string]int{}, ""
	for {
		type row struct {
			id, def string
			run     store.JSON[progress]
		}
		where := store.And(older(in.Kind, def), store.C("c.id > $1", after))
		all, err := store.All(ctx, f.db, func(r *row) []any { return []any{&r.id, &r.def, &r.run} }, `SELECT c.id, c.def_id, c.tokens FROM flow_case c WHERE `+where.SQL+` ORDER BY c.id LIMIT 500`, where.Args...)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			_, from, err := f.drawing(ctx, f.db, in.Kind, r.def)
			if err != nil {
				return nil, err
			}
			var seen []string
			for _, t := range r.run.V.State.Tokens {
				n := from.Node(t.Node)
				if n == nil || t.Via != "" || slices.Contains(seen, t.Node) {
					continue
				}
				seen = append(seen, t.Node)
				i, known := at[t.Node]
				if !known {
					i, at[t.Node] = len(out.Body.Steps), len(out.Body.Steps)
					out.Body.Steps = append(out.Body.Steps, planStep(n, to))
				}
				out.Body.Steps[i].Cases++
			}
		}
		out.Body.Cases += len(all)
		if len(all) < 500 {
			break
		}
		after = all[len(all)-1].id
	}
	out.Body.Last, err = f.lastMove(ctx, f.db, in.Kind, def)
	return out, err
}

func planStep(n *bpmn.Node, to *Process) MoveStep {
	s := MoveStep{Node: n.ID, Name: n.Name, Targets: []Target{}}
	for _, t := range to.Nodes {
		if suits(n, t) {
			s.Targets = append(s.Targets, Target{Node: t.ID, Name: t.Name})
		}
	}
	if suits(n, to.Node(n.ID)) {
		s.Onto = n.ID
	}
	return s
}

type moveIn struct {
	Kind string `path:"kind" maxLength:"80"`
	Body struct {
		Def    string            `json:"def" maxLength:"40" doc:"the newest version, as the plan named it"`
		Steps  map[string]string `json:"steps,omitempty" doc:"step of now → step of then, for those that go elsewhere than to the one of the same id"`
		Reason string            `json:"reason" minLength:"2" maxLength:"300"`
	}
}

type moveOut struct{ Body MoveView }

// startMove begins to take the running cases of a kind over to its newest version; each in a transaction of its own.
func (f *Flow) startMove(ctx context.Context, in *moveIn) (*moveOut, error) {
	out := &moveOut{}
	return out, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "flow_def", in.Kind); err != nil {
			return err
		}
		def, to, err := f.drawing(ctx, tx, in.Kind, "")
		if err != nil {
			return err
		}
		if def != in.Body.Def {
			return errs.New(errs.Conflict, "flow.newer_drawing")
		}
		for _, t := range in.Body.Steps {
			if to.Node(t) == nil {
				return needs("steps", "flow.move_nowhere", t)
			}
		}
		last, err := f.lastMove(ctx, tx, in.Kind, def)
		if err != nil {
			return err
		}
		if last != nil && last.State == "running" {
			return errs.New(errs.Conflict, "flow.moving_already")
		}
		where := older(in.Kind, def)
		m := MoveView{ID: id.New(), State: "running", Reason: in.Body.Reason, At: store.At(f.now()), ByName: authz.From(ctx).Name}
		if m.Total, err = store.Value[int64](ctx, tx, `SELECT count(*) FROM flow_case c WHERE `+where.SQL, where.Args...); err != nil {
			return err
		}
		if m.Total == 0 {
			return errs.New(errs.Conflict, "flow.nothing_to_move")
		}
		m.steps.V = in.Body.Steps
		out.Body = m
		if err := store.Exec(ctx, tx, `INSERT INTO flow_move (id, kind, def_id, steps, state, total, reason, at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			m.ID, in.Kind, def, m.steps, m.State, m.Total, m.Reason, m.At, actorID(ctx), m.ByName); err != nil {
			return err
		}
		if err := f.jobs.Enqueue(ctx, tx, "flow.move", moveJob{m.ID}); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.move", Object: "flow_def", ID: in.Kind, Title: to.Name, Purpose: m.Reason, Detail: map[string]any{"def": def, "steps": in.Body.Steps, "cases": m.Total}})
	})
}

// cancelMove stops a taking over; what was moved stays moved.
func (f *Flow) cancelMove(ctx context.Context, in *kindIn) (*struct{}, error) {
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := store.All(ctx, tx, scanMove, `SELECT `+moveColumns+` FROM flow_move WHERE kind = $1 AND state = 'running'`, in.Kind)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errs.New(errs.Missing, "flow.not_moving")
		}
		if err := store.Exec(ctx, tx, `UPDATE flow_move SET state = 'cancelled', ended_at = $1 WHERE kind = $2 AND state = 'running'`, store.At(f.now()), in.Kind); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.cancel_move", Object: "flow_def", ID: in.Kind, Detail: map[string]any{"moved": all[0].Moved, "total": all[0].Total}})
	})
}

// KeptBack is a case that stayed on its version, and why.
type KeptBack struct {
	Case   string `json:"case"`
	Number string `json:"number"`
	Title  string `json:"title"`
	Step   string `json:"step"`
	Why    string `json:"why"`
}

type keptIn struct {
	Kind string `path:"kind" maxLength:"80"`
	store.Page
}
type keptOut struct{ Body store.Listed[KeptBack] }

// keptBack lists what the last taking over left where it was.
func (f *Flow) keptBack(ctx context.Context, in *keptIn) (*keptOut, error) {
	def, _, err := f.drawing(ctx, f.db, in.Kind, "")
	if err != nil {
		return nil, err
	}
	last, err := f.lastMove(ctx, f.db, in.Kind, def)
	if err != nil || last == nil {
		return &keptOut{store.Listed[KeptBack]{Items: []KeptBack{}}}, err
	}
	type row struct {
		KeptBack
		key  string
		args store.JSON[[]string]
	}
	all, err := store.List(ctx, f.db, store.Query[row]{
		Select: `SELECT c.id, c.number, c.title, c.step, k.text_key, k.args FROM flow_move_kept k JOIN flow_case c ON c.id = k.case_id`,
		Scope:  store.Unscoped("who draws the flows of the district answers for the cases that could not follow"),
		Where:  []store.Cond{store.C("k.move_id = $1", last.ID)}, Keys: []string{"c.id"}, Page: in.Page,
		Scan:   func(r *row) []any { return []any{&r.Case, &r.Number, &r.Title, &r.Step, &r.key, &r.args} },
		Cursor: func(r *row) []any { return []any{r.Case} }})
	out := &keptOut{store.Listed[KeptBack]{Items: []KeptBack{}, Next: all.Next}}
	for _, r := range all.Items {
		var args []any
		for _, a := range r.args.V {
			args = append(args, a)
		}
		r.Why = f.words.Text(web.From(ctx).Lang, r.key, args...)
		out.Body.Items = append(out.Body.Items, r.KeptBack)
	}
	return out, err
}

type moveJob struct {
	ID string `json:"id"`
}

// moveAll takes the cases of a move over, one after the other. Begun again after a kill it goes on: what was moved follows the
// new version already, what could not be is noted.
func (f *Flow) moveAll(ctx context.Context, j moveJob) error {
	ctx = bySystem(ctx)
	for {
		m, err := store.One(ctx, f.db, scanMove, `SELECT `+moveColumns+` FROM flow_move WHERE id = $1`, j.ID)
		if err != nil || m.State != "running" {
			return err
		}
		where := store.And(older(m.kind, m.def), store.C(`NOT EXISTS (SELECT 1 FROM flow_move_kept k WHERE k.move_id = $1 AND k.case_id = c.id)`, m.ID))
		all, err := store.Column[string](ctx, f.db, `SELECT c.id FROM flow_case c WHERE `+where.SQL+` ORDER BY c.id LIMIT 50`, where.Args...)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
				err := store.ExecOne(ctx, tx, `UPDATE flow_move SET state = 'done', ended_at = $1 WHERE id = $2 AND state = 'running'`, store.At(f.now()), m.ID)
				if errs.Is(err, errs.Conflict) {
					return nil // cancelled
				}
				if err != nil {
					return err
				}
				return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.moved", Object: "flow_def", ID: m.kind, Purpose: m.Reason, Detail: map[string]any{"def": m.def, "moved": m.Moved, "kept": m.Kept}})
			})
		}
		for _, c := range all {
			switch err := f.moveOne(ctx, c, &m); {
			case errors.Is(err, errCalledOff):
				return nil
			case err != nil:
				return err
			}
		}
	}
}

// errCalledOff undoes the case at hand of a taking over that was cancelled.
var errCalledOff = errors.New("flow: the move was cancelled")

// counts adds a case to what a taking over has done, as long as it is not cancelled.
func counts(ctx context.Context, tx *store.Tx, m *MoveView, column string) error {
	err := store.ExecOne(ctx, tx, `UPDATE flow_move SET `+column+` = `+column+` + 1 WHERE id = $1 AND state = 'running'`, m.ID)
	if errs.Is(err, errs.Conflict) {
		return errCalledOff
	}
	return err
}

// moveOne takes one case over, or notes why it stays.
func (f *Flow) moveOne(ctx context.Context, caseID string, m *MoveView) error {
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := f.open(ctx, tx, caseID)
		if err != nil || !w.c.running() || w.c.def == m.def {
			return err
		}
		if err := w.move(ctx, m); err != nil {
			return err
		}
		return counts(ctx, tx, m, "moved")
	})
	var refused *errs.Error
	if !errors.As(err, &refused) || refused.Kind == errs.Internal {
		return err
	}
	slog.InfoContext(ctx, "flow: a case stays on its version", "case", caseID, "why", refused.Key)
	args := []string{}
	for _, a := range refused.Args {
		if s, ok := a.(string); ok {
			args = append(args, s)
		}
	}
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `INSERT INTO flow_move_kept (move_id, case_id, text_key, args) VALUES ($1, $2, $3, $4)`, m.ID, caseID, refused.Key, store.JSON[[]string]{V: args}); err != nil {
			return err
		}
		return counts(ctx, tx, m, "kept")
	})
}

// move lets a case follow another version from where it stands. Who has a step keeps it, with the time he has for it; what
// comes afterwards is as the new version says.
func (w *work) move(ctx context.Context, m *MoveView) error {
	_, to, err := w.f.drawing(ctx, w.tx, w.c.Kind, m.def)
	if err != nil {
		return err
	}
	then := func(node string) string {
		if n, ok := m.steps.V[node]; ok {
			return n
		}
		return node
	}
	for _, t := range w.run().State.Tokens {
		from := w.p.Node(t.Node)
		if t.Via == "" && (from == nil || !suits(from, to.Node(then(t.Node)))) {
			return moved(w.p, &token.Error{Element: t.Node, Key: "flow.move_nowhere"})
		}
	}
	s, err := w.run().State.Move(to, m.steps.V)
	if err != nil {
		return moved(w.p, err)
	}
	open, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.state = 'open' OR k.state = 'wait'"))
	if err != nil {
		return err
	}
	for _, k := range open {
		if n := to.Node(then(k.Node)); n != nil && k.token > 0 {
			if err := store.Exec(ctx, w.tx, `UPDATE flow_task SET node = $1, name = $2 WHERE id = $3`, n.ID, n.Name, k.ID); err != nil {
				return err
			}
		}
	}
	if err := w.moveTimers(ctx, s, to); err != nil {
		return err
	}
	r := w.run()
	r.State = s
	for from, onto := range m.steps.V {
		for _, by := range []map[string][]string{r.Chosen, r.Doers} {
			if people, ok := by[from]; ok && from != onto {
				by[onto] = people
				delete(by, from)
			}
		}
	}
	if err := store.Exec(ctx, w.tx, `UPDATE flow_case SET def_id = $1 WHERE id = $2`, m.def, w.c.ID); err != nil {
		return err
	}
	w.c.def, w.p = m.def, to
	w.step.Verb, w.step.Reason = "move", m.Reason
	return w.save(ctx)
}

// moveTimers drops what waits for a boundary event the new version has not, and begins to wait for those it has besides.
func (w *work) moveTimers(ctx context.Context, s token.State, to *Process) error {
	all, err := store.All(ctx, w.tx, scanTimer, `SELECT `+timerColumns+` FROM flow_timer WHERE case_id = $1 AND kind = 'boundary'`, w.c.ID)
	if err != nil {
		return err
	}
	waits := map[int][]string{}
	for _, t := range all {
		tok, live := s.Token(t.token)
		n := to.Node(t.arg)
		if live && n != nil && n.Kind == bpmn.Boundary && n.Event.Timer != nil && n.Event.On == tok.Node {
			waits[t.token] = append(waits[t.token], t.arg)
			continue
		}
		if err := store.Exec(ctx, w.tx, `DELETE FROM flow_timer WHERE id = $1`, t.id); err != nil {
			return err
		}
	}
	begun := false
	for _, t := range s.Tokens {
		for _, b := range to.Nodes {
			if t.Via != "" || b.Kind != bpmn.Boundary || b.Event.On != t.Node || b.Event.Timer == nil || slices.Contains(waits[t.ID], b.ID) || w.p.Node(b.ID) != nil {
				continue // one the old version had too has fired already
			}
			if err := w.boundary(ctx, t.ID, b); err != nil {
				return err
			}
			begun = true
		}
	}
	if w.c.State == Suspended && begun { // it waits with the rest
		return store.Exec(ctx, w.tx, `UPDATE flow_timer SET paused = TRUE WHERE case_id = $1`, w.c.ID)
	}
	return nil
}

// Rights is what the drawing a case follows says of the fields of its form at a step: field → read, write, hide or need; nil
// where the drawing leaves it to the room.
func (f *Flow) Rights(ctx context.Context, q store.Queryer, caseID, node string) (map[string]string, error) {
	c, err := findCase(ctx, q, caseID)
	if err != nil {
		return nil, err
	}
	_, p, err := f.drawing(ctx, q, c.Kind, c.def)
	if err != nil {
		return nil, err
	}
	n := p.Node(node)
	if n == nil || n.Task == nil || len(n.Task.Rights) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, r := range n.Task.Rights {
		out[strings.TrimSpace(r.Field)] = r.May
	}
	return out, nil
}
