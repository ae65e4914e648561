package flow

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/flow/internal/token"
)

// auto is the box of a task the program itself has to do: a service, or another case it waits for.
const auto = "auto"

// at is a token of a case, as a job knows it.
type at struct {
	Case  string `json:"case"`
	Token int    `json:"token"`
	From  string `json:"from,omitempty"` // of called: the case that has ended
}

func (f *Flow) handlers() []jobs.Handler {
	service := jobs.Handle("flow.service", f.serve)
	service.Timeout = 5 * time.Minute
	move := jobs.Handle("flow.move", f.moveAll)
	move.Timeout = time.Hour
	recount := jobs.Handle("flow.recount", f.recountAll)
	recount.Timeout = time.Hour
	return []jobs.Handler{service, move, recount,
		jobs.Handle("flow.called", f.goOn),
		jobs.Handle("flow.stop_part", f.stopPart),
		jobs.Periodic("flow.deputies", jobs.Every(time.Minute), f.keepDeputies),
		jobs.Periodic("flow.stuck_check", jobs.Daily{Hour: 7, Minute: 30}, f.checkStuck),
	}
}

// automatic begins a service or the case a call asks for. A job does a service, with the retries of any job. It stands in the case as a task nobody holds.
func (w *work) automatic(ctx context.Context, n *bpmn.Node, e token.Effect) error {
	k := Item{ID: id.New(), Case: w.c.ID, Node: n.ID, Name: n.Name, Box: auto, State: "open", Share: bpmn.Any, token: e.Token, Begun: w.now, dueUnit: "urgent_hour"}
	k.chosen.V = []string{}
	if err := insertTask(ctx, w.tx, &k, nil); err != nil {
		return err
	}
	w.tell(nil, n.Name)
	if n.Kind == bpmn.Service {
		return w.f.jobs.Enqueue(ctx, w.tx, "flow.service", at{Case: w.c.ID, Token: e.Token})
	}
	c, err := w.f.hosts[w.c.Room].Call(ctx, w.tx, w.c, n.Call, e.Item)
	if err != nil {
		return err
	}
	w.step.Onto = c.Number
	return insertLink(ctx, w.tx, c.ID, w.c.ID, linkCalled, e.Token, w.now)
}

// serve does the service a token stands at and lets the case go on. A case that is suspended waits: resume asks again.
func (f *Flow) serve(ctx context.Context, a at) error {
	ctx = bySystem(ctx)
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return f.atToken(ctx, tx, a, func(w *work, n *bpmn.Node) error {
			h := f.hosts[w.c.Room]
			if n.Service == nil || h.Service == nil {
				return jobs.Final(fmt.Errorf("flow: %s does no service at %s", w.c.Room, n.ID))
			}
			if err := h.Service(ctx, tx, w.c, n.Service.Name, n.Service.Args); err != nil {
				return fmt.Errorf("flow: service %s of %s: %w", n.Service.Name, w.c.Number, err)
			}
			return nil
		})
	})
	if err == nil {
		return nil
	}
	// What went wrong stands in the case while the job tries again, and afterwards.
	words := short(err.Error(), 300)
	if e := store.Exec(ctx, f.db, `UPDATE flow_task SET note = $1 WHERE case_id = $2 AND token = $3 AND box = 'auto' AND state = 'open'`, words, a.Case, a.Token); e != nil {
		slog.ErrorContext(ctx, "flow: why a service failed could not be kept", "case", a.Case, "error", e)
	}
	return err
}

// goOn lets a case go on that waited for another.
func (f *Flow) goOn(ctx context.Context, a at) error {
	ctx = bySystem(ctx)
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return f.atToken(ctx, tx, a, func(w *work, _ *bpmn.Node) error {
			c, err := findCase(ctx, tx, a.From)
			if err != nil {
				return err
			}
			w.c.Outcome = c.Outcome
			if c.State != Closed {
				w.c.Outcome = string(c.State)
			}
			w.step.Onto = c.Number
			return nil
		})
	})
}

// atToken finishes the automatic task of a token when do has done it. A token that is gone, or a case that is not open, is
// no error: somebody was faster.
func (f *Flow) atToken(ctx context.Context, tx *store.Tx, a at, do func(*work, *bpmn.Node) error) error {
	w, err := f.open(ctx, tx, a.Case)
	if err != nil {
		return err
	}
	all, err := tasksOf(ctx, tx, a.Case, store.C("k.token = $1 AND k.box = 'auto' AND k.state = 'open'", a.Token))
	if err != nil || len(all) == 0 || w.c.State != Open {
		return err
	}
	k := &all[0]
	n := w.p.Node(k.Node)
	if n == nil {
		return jobs.Final(errs.New(errs.Conflict, "flow.move_nowhere", k.Name))
	}
	w.of(k)
	w.step.Verb = "auto"
	if err := do(w, n); err != nil {
		return err
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	k.Done, k.Outcome = w.now, w.c.Outcome
	if err := w.end(ctx, k, "done"); err != nil {
		return err
	}
	s, out, err := w.machine().Finish(w.run().State, a.Token, w.vars)
	if err != nil {
		return moved(w.p, err)
	}
	if err := w.carry(ctx, s, out); err != nil {
		return err
	}
	return w.save(ctx)
}

// anew asks again for the services of a case that goes on after a suspension.
func (w *work) anew(ctx context.Context) error {
	all, err := tasksOf(ctx, w.tx, w.c.ID, store.C("k.box = 'auto' AND k.state = 'open'"))
	if err != nil {
		return err
	}
	for _, k := range all {
		a := at{Case: w.c.ID, Token: k.token}
		if n := w.p.Node(k.Node); n != nil && n.Kind == bpmn.Call {
			ended, err := store.Column[string](ctx, w.tx, `SELECT l.from_case FROM flow_link l JOIN flow_case c ON c.id = l.from_case WHERE l.to_case = $1 AND l.kind = 'called' AND l.token = $2 AND c.closed_at > 0`, w.c.ID, k.token)
			if err != nil {
				return err
			}
			if len(ended) == 0 {
				continue
			}
			a.From = ended[0]
			if err := w.f.jobs.Enqueue(ctx, w.tx, "flow.called", a); err != nil {
				return err
			}
			continue
		}
		if err := w.f.jobs.Enqueue(ctx, w.tx, "flow.service", a); err != nil {
			return err
		}
	}
	return nil
}

// back tells the case that called this one that it has ended.
func (w *work) back(ctx context.Context) error {
	type caller struct {
		id    string
		token int
	}
	all, err := store.All(ctx, w.tx, func(c *caller) []any { return []any{&c.id, &c.token} }, `SELECT to_case, token FROM flow_link WHERE from_case = $1 AND kind = 'called'`, w.c.ID)
	for _, c := range all {
		if err := w.f.jobs.Enqueue(ctx, w.tx, "flow.called", at{Case: c.id, Token: c.token, From: w.c.ID}); err != nil {
			return err
		}
	}
	return err
}

// recall stops the case a token waits for, when the token is taken away: nobody waits for it any more.
func (w *work) recall(ctx context.Context, tok int) error {
	all, err := store.Column[string](ctx, w.tx, `SELECT l.from_case FROM flow_link l JOIN flow_case c ON c.id = l.from_case WHERE l.to_case = $1 AND l.kind = 'called' AND l.token = $2 AND c.closed_at = 0`, w.c.ID, tok)
	for _, c := range all {
		if err := w.f.jobs.Enqueue(ctx, w.tx, "flow.stop_part", at{Case: c, From: w.c.ID}); err != nil {
			return err
		}
	}
	return err
}

func (f *Flow) stopPart(ctx context.Context, a at) error {
	ctx = bySystem(ctx)
	return f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := f.open(ctx, tx, a.Case)
		if err != nil || !w.c.running() {
			return err
		}
		from, err := findCase(ctx, tx, a.From)
		if err != nil {
			return err
		}
		w.step.Verb, w.step.Onto = "stop", from.Number
		if err := w.stop(ctx, nil, nil); err != nil {
			return err
		}
		return w.save(ctx)
	})
}

// Message tells a case that something it listens for has come: the boundary events of that name fire, wherever its tokens stand.
// It returns how many did.
func (f *Flow) Message(ctx context.Context, tx *store.Tx, caseID, name string) (fired int, err error) {
	w, err := f.open(ctx, tx, caseID)
	if err != nil || w.c.State != Open {
		return 0, err
	}
	for _, b := range w.p.Nodes {
		if b.Kind != bpmn.Boundary || b.Event == nil || b.Event.Message != name {
			continue
		}
		for _, t := range w.run().State.Tokens {
			if t.Node != b.Event.On || t.Via != "" {
				continue
			}
			s, out, err := w.machine().Fire(w.run().State, t.ID, b.ID, w.vars)
			if err != nil {
				return fired, moved(w.p, err)
			}
			fired++
			w.step.Verb, w.step.Step = "message", b.Name
			if err := w.carry(ctx, s, out); err != nil {
				return fired, err
			}
			if b.Event.Cancels {
				break
			}
		}
	}
	if fired == 0 {
		return 0, nil
	}
	return fired, w.save(ctx)
}
