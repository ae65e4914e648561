package flow

import (
	"context"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/bpmn"
)

type idIn struct {
	ID string `path:"id" maxLength:"40"`
}

// Can is one deed the caller may do now.
type Can struct {
	Verb    string   `json:"verb"`
	Task    string   `json:"task"`
	Step    string   `json:"step" doc:"name of the step of that task"`
	Outcome string   `json:"outcome" doc:"of submit"`
	Name    string   `json:"name" doc:"words of the button"`
	Reason  bool     `json:"reason" doc:"a reason must be given"`
	Opinion bool     `json:"opinion" doc:"an opinion must be given"`
	Needs   string   `json:"needs" enum:",person,persons,step,until,choice,beside,some,case,part" doc:"what besides must be said; choice: persons for a later step, the rule's own when none; beside: persons, and whether beside, before or after; some: of people; case: the number of another; part: a title and a unit"`
	People  []Named  `json:"people" nullable:"false" doc:"of some: whom to choose from"`
	Nodes   []Target `json:"nodes" nullable:"false" doc:"of return and reopen: the steps there are"`
	Phrases []string `json:"phrases" nullable:"false"`
}

// Target is a step a case may be taken to.
type Target struct {
	Node string `json:"node"`
	Name string `json:"name"`
}

// Detail is a case as its page shows it.
type Detail struct {
	Case
	KindTitle string  `json:"kindTitle"`
	UnitName  string  `json:"unitName"`
	Tasks     []Held  `json:"tasks" nullable:"false" doc:"what is open"`
	Can       []Can   `json:"can" nullable:"false" doc:"what the caller may do now"`
	Mine      []Item  `json:"mine" nullable:"false" doc:"the caller's own open tasks"`
	Link      string  `json:"link"`
	Clock     []Clock `json:"clocks" nullable:"false"`
	Links     []Link  `json:"links" nullable:"false" doc:"cases it belongs to, as far as the caller may see them"`
}

// Held is an open task with who has it.
type Held struct {
	Item
	People []Named `json:"people" nullable:"false"`
}

// Named is a person with his name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Unit string `json:"unit"`
}

// nameAll are persons with their names, in their order.
func (f *Flow) nameAll(ctx context.Context, q store.Queryer, ids []string) ([]Named, error) {
	known, err := f.org.People(ctx, q, ids)
	out := make([]Named, len(ids))
	for i, id := range ids {
		out[i] = Named{id, known[id].Name, known[id].UnitName}
	}
	return out, err
}

// Clock is one running limit.
type Clock struct {
	Name    string     `json:"name" doc:"of the step, empty for the whole case"`
	Due     store.Time `json:"dueAt"`
	Paused  bool       `json:"paused"`
	Late    bool       `json:"late"`
	Left    float64    `json:"left" doc:"in units, negative when overdue"`
	Unit    string     `json:"unit" enum:"urgent_hour,work_hour,work_day,day"`
	Begun   store.Time `json:"begunAt"`
	Percent int        `json:"percent" doc:"of the limit that has passed"`
}

type caseOut struct{ Body Detail }

func (f *Flow) showCase(ctx context.Context, in *idIn) (*caseOut, error) {
	c, err := f.readable(ctx, f.db, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := f.detail(ctx, f.db, c)
	return &caseOut{d}, err
}

func (f *Flow) detail(ctx context.Context, q store.Queryer, c *Case) (Detail, error) {
	_, p, err := f.drawing(ctx, q, c.Kind, c.def)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Case: *c, KindTitle: p.Name, Tasks: []Held{}, Can: []Can{}, Mine: []Item{}, Clock: []Clock{}, Link: f.link(c)}
	units, err := f.org.UnitNames(ctx, q, []string{c.Unit})
	if err != nil {
		return d, err
	}
	d.UnitName = units[c.Unit]
	if d.Links, err = f.links(ctx, q, c.ID); err != nil {
		return d, err
	}
	open, err := tasksOf(ctx, q, c.ID, store.C("k.box <> 'read' AND (k.state = 'open' OR k.state = 'wait' AND k.asked_by <> '')"))
	if err != nil {
		return d, err
	}
	me := actorID(ctx)
	for _, k := range open {
		h := Held{Item: k}
		ids, err := holders(ctx, q, k.ID)
		if err != nil {
			return d, err
		}
		if h.People, err = f.nameAll(ctx, q, ids); err != nil {
			return d, err
		}
		d.Tasks = append(d.Tasks, h)
		if slices.Contains(ids, me) {
			d.Mine = append(d.Mine, k)
		}
		if !k.Due.IsZero() {
			d.Clock = append(d.Clock, f.clock(c, k.Name, k.Begun, k.Due, k))
		}
	}
	if !c.Due.IsZero() && c.running() {
		d.Clock = append(d.Clock, f.clock(c, "", c.Begun, c.Due, Item{dueUnit: c.dueUnit}))
	}
	d.Can, err = f.can(ctx, q, c, p, d)
	return d, err
}

// clock reads a limit at this moment, or at that of the suspension.
func (f *Flow) clock(c *Case, name string, begun, due store.Time, k Item) Clock {
	now := f.now()
	if !c.Paused.IsZero() {
		now = c.Paused.Time
	}
	left, whole := f.days().Elapsed(now, due.Time, k.dueUnit), f.days().Elapsed(begun.Time, due.Time, k.dueUnit)
	out := Clock{Name: name, Due: due, Begun: begun, Paused: c.State == Suspended, Late: left < 0, Left: f.days().Count(left, k.dueUnit), Unit: string(k.dueUnit)}
	if whole > 0 {
		out.Percent = int((whole - left) * 100 / whole)
	}
	return out
}

// can lists what the caller may do now, the likeliest first.
func (f *Flow) can(ctx context.Context, q store.Queryer, c *Case, p *Process, d Detail) ([]Can, error) {
	out := []Can{}
	all := verbs()
	supervises := authz.MayUnit(ctx, q, "flow.supervise", c.Unit)
	if supervises != nil && !errs.Is(supervises, errs.Denied) {
		return nil, supervises
	}
	w := &work{f: f, c: c, p: p}
	for _, name := range order {
		v := all[name]
		if !slices.Contains(v.states, c.State) || v.perm != "" && supervises != nil {
			continue
		}
		one := Can{Verb: name, Name: f.words.Text(web.From(ctx).Lang, "flow.verb_"+name), Reason: v.reason, Nodes: []Target{}, Phrases: []string{}, People: []Named{}}
		switch {
		case v.atTask:
			for _, k := range d.Mine {
				out = append(out, f.canAt(w, one, k)...)
			}
		case name == "grant" || name == "refuse":
			for _, h := range d.Tasks {
				if !h.AskUntil.IsZero() && !slices.ContainsFunc(d.Mine, func(k Item) bool { return k.ID == h.ID }) {
					one.Task, one.Step = h.ID, h.Name
					out = append(out, one)
				}
			}
		case name == "withdraw" && (len(d.Mine) > 0 || c.Owner != actorID(ctx) && !f.hasDone(p, c, actorID(ctx))):
		case name == "reopen" && c.Reopened > 0:
		case name == "reopen":
			one.Needs = "step"
			for _, n := range p.Nodes {
				if n.Kind == bpmn.User && n.In == "" {
					one.Nodes = append(one.Nodes, Target{n.ID, n.Name})
				}
			}
			out = append(out, one)
		case name == "drop":
			var ids []string
			for _, h := range d.Tasks {
				if h.AskedBy == actorID(ctx) || h.AskedBy != "" && supervises == nil {
					ids = append(ids, h.Person)
				}
			}
			if len(ids) == 0 {
				continue
			}
			var err error
			if one.People, err = f.nameAll(ctx, q, ids); err != nil {
				return nil, err
			}
			one.Needs = "some"
			out = append(out, one)
		case name == "relate" || name == "merge":
			one.Needs = "case"
			out = append(out, one)
		case name == "copy":
			one.Needs = "persons"
			out = append(out, one)
		default:
			out = append(out, one)
		}
	}
	return out, nil
}

func (f *Flow) hasDone(p *Process, c *Case, person string) bool {
	for _, n := range p.Nodes {
		if slices.Contains(c.run.V.Doers[n.ID], person) {
			return true
		}
	}
	return false
}

// canAt is what may be done at one task.
func (f *Flow) canAt(w *work, one Can, k Item) []Can {
	t := f.task(w.p, k.Node)
	if slices.Contains(t.Deny, one.Verb) {
		return nil
	}
	one.Task, one.Step = k.ID, k.Name
	switch one.Verb {
	case "submit":
		one.Opinion, one.Phrases = t.Opinion, append(one.Phrases, t.Phrases...)
		if len(t.Outcomes) == 0 {
			return []Can{one}
		}
		var out []Can
		for _, o := range t.Outcomes {
			way := one
			way.Outcome, way.Name, way.Reason = o.Key, o.Name, o.Reason
			if o.Choose != "" {
				way.Needs = "choice"
				way.Nodes = []Target{{o.Choose, w.called(o.Choose)}}
			}
			out = append(out, way)
		}
		return out
	case "return":
		one.Needs = "step"
		for _, id := range w.machine().Back(w.run().State, k.token) {
			one.Nodes = append(one.Nodes, Target{id, w.called(id)})
		}
		if len(one.Nodes) == 0 {
			return nil
		}
	case "transfer":
		one.Needs = "person"
	case "add":
		one.Needs = "beside"
	case "split":
		if f.hosts[w.c.Room].Part == nil {
			return nil
		}
		one.Needs = "part"
	case "extend":
		if k.Due.IsZero() || !k.AskUntil.IsZero() {
			return nil
		}
		one.Needs = "until"
	}
	return []Can{one}
}

type deedIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body Deed
}

func (f *Flow) deed(ctx context.Context, in *deedIn) (*caseOut, error) {
	in.Body.Case = in.ID
	var c *Case
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = f.Do(ctx, tx, in.Body)
		return err
	})
	if err != nil {
		return nil, err
	}
	d, err := f.detail(ctx, f.db, c) // what the page shows next is read when nobody waits for the deed any longer
	return &caseOut{d}, err
}

// seen notes that the caller has opened his task; a copy to read is done with that.
func (f *Flow) seen(ctx context.Context, in *idIn) (*struct{}, error) {
	me := actorID(ctx)
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		box, err := store.Column[string](ctx, tx, `SELECT box FROM flow_todo WHERE person = $1 AND task_id = $2`, me, in.ID)
		if err != nil {
			return err
		}
		if len(box) == 0 {
			return errs.New(errs.Missing, "flow.no_task")
		}
		now := store.At(f.now())
		if err := store.Exec(ctx, tx, `UPDATE flow_task SET seen_at = $1 WHERE id = $2 AND seen_at = 0`, now, in.ID); err != nil {
			return err
		}
		if box[0] != "read" {
			return nil
		}
		if err := store.Exec(ctx, tx, `UPDATE flow_task SET state = 'done', done_at = $1, done_by = $2 WHERE id = $3`, now, me, in.ID); err != nil {
			return err
		}
		_, err = unlist(ctx, tx, in.ID)
		return err
	})
}

type traceOut struct {
	Body struct {
		Items []Trace `json:"items" nullable:"false"`
		Reads []Read  `json:"reads" nullable:"false" doc:"when holders opened what was put before them"`
	}
}

// Read is a receipt.
type Read struct {
	Task   string     `json:"task"`
	Step   string     `json:"step"`
	Person string     `json:"person"`
	Name   string     `json:"name"`
	At     store.Time `json:"at"`
}

func (f *Flow) trace(ctx context.Context, in *idIn) (*traceOut, error) {
	c, err := f.readable(ctx, f.db, in.ID)
	if err != nil {
		return nil, err
	}
	out := &traceOut{}
	if out.Body.Items, err = stepsOf(ctx, f.db, c.ID); err != nil {
		return nil, err
	}
	out.Body.Reads = []Read{}
	all, err := tasksOf(ctx, f.db, c.ID, store.C("k.seen_at > 0 AND k.person <> ''"))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range all {
		ids = append(ids, k.Person)
	}
	known, err := f.org.People(ctx, f.db, ids)
	for _, k := range all {
		out.Body.Reads = append(out.Body.Reads, Read{k.ID, k.Name, k.Person, known[k.Person].Name, k.Seen})
	}
	return out, err
}

// Node is one element of the diagram with where the case stands.
type Node struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Kind  string    `json:"kind"`
	Shape bpmn.Rect `json:"shape"`
	State string    `json:"state" enum:"ahead,passed,now,late"`
	Times int       `json:"times" doc:"how often it was passed"`
}

// Edge is one flow of the diagram.
type Edge struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	From   string       `json:"from"`
	To     string       `json:"to"`
	Points []bpmn.Point `json:"points" nullable:"false"`
	Taken  int          `json:"taken"`
}

type diagramOut struct {
	Body struct {
		Nodes []Node `json:"nodes" nullable:"false"`
		Edges []Edge `json:"edges" nullable:"false"`
	}
}

func (f *Flow) diagram(ctx context.Context, in *idIn) (*diagramOut, error) {
	c, err := f.readable(ctx, f.db, in.ID)
	if err != nil {
		return nil, err
	}
	_, p, err := f.drawing(ctx, f.db, c.Kind, c.def)
	if err != nil {
		return nil, err
	}
	open, err := tasksOf(ctx, f.db, c.ID, store.C("k.state = 'open' AND k.box = 'do'"))
	if err != nil {
		return nil, err
	}
	out, s := &diagramOut{}, c.run.V.State
	out.Body.Nodes, out.Body.Edges = []Node{}, []Edge{}
	for _, n := range p.Nodes {
		d := Node{ID: n.ID, Name: n.Name, Kind: string(n.Kind), Shape: p.Shapes[n.ID], State: "ahead", Times: s.Passed[n.ID]}
		if d.Times > 0 {
			d.State = "passed"
		}
		for _, k := range open {
			if k.Node == n.ID {
				d.State = "now"
				if !k.Due.IsZero() && k.Due.Before(f.now()) {
					d.State = "late"
				}
			}
		}
		out.Body.Nodes = append(out.Body.Nodes, d)
	}
	for _, e := range p.Flows {
		out.Body.Edges = append(out.Body.Edges, Edge{e.ID, e.Name, e.From, e.To, append([]bpmn.Point{}, p.Edges[e.ID]...), s.Taken[e.ID]})
	}
	return out, nil
}

type phrasesOut struct {
	Body struct {
		Items []string `json:"items" nullable:"false" maxItems:"30"`
	}
}

func (f *Flow) phrases(ctx context.Context, _ *struct{}) (*phrasesOut, error) {
	out := &phrasesOut{}
	all, err := store.Column[string](ctx, f.db, `SELECT words FROM flow_phrase WHERE person = $1 ORDER BY rank`, actorID(ctx))
	out.Body.Items = append([]string{}, all...)
	return out, err
}

type phrasesIn struct {
	Body struct {
		Items []string `json:"items" maxItems:"30" uniqueItems:"true" doc:"in their order"`
	}
}

func (f *Flow) savePhrases(ctx context.Context, in *phrasesIn) (*phrasesOut, error) {
	me := actorID(ctx)
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `DELETE FROM flow_phrase WHERE person = $1`, me); err != nil {
			return err
		}
		for i, s := range in.Body.Items {
			if err := store.Exec(ctx, tx, `INSERT INTO flow_phrase (person, rank, words) VALUES ($1, $2, $3)`, me, i, short(s, 200)); err != nil {
				return err
			}
		}
		return nil
	})
	out := &phrasesOut{}
	out.Body.Items = append([]string{}, in.Body.Items...)
	return out, err
}

// Stuck is an open case nobody can act on.
type Stuck struct {
	Task   string     `json:"task"`
	Case   string     `json:"case"`
	Number string     `json:"number"`
	Title  string     `json:"title"`
	Step   string     `json:"step"`
	Since  store.Time `json:"since"`
	Unit   string     `json:"unit"`
}

type stuckIn struct{ store.Page }

type stuckOut struct{ Body store.Listed[Stuck] }

// stuck lists open tasks nobody holds.
func (f *Flow) stuck(ctx context.Context, in *stuckIn) (*stuckOut, error) {
	scope := authz.WhereCols(ctx, "flow.manage", authz.Cols{Unit: "c.unit_id", Street: "c.street", Owner: "c.owner"})
	all, err := store.List(ctx, f.db, store.Query[Stuck]{
		Select: `SELECT k.id, c.id, c.number, c.title, k.name, k.begun_at, c.unit_id FROM flow_task k JOIN flow_case c ON c.id = k.case_id`,
		Scope:  scope, Where: []store.Cond{store.C(`k.state = 'open' AND k.box = 'do' AND NOT EXISTS (SELECT 1 FROM flow_todo t WHERE t.task_id = k.id)`)},
		Keys: []string{"k.begun_at", "k.id"}, Page: in.Page, Scan: func(s *Stuck) []any { return []any{&s.Task, &s.Case, &s.Number, &s.Title, &s.Step, &s.Since, &s.Unit} },
		Cursor: func(s *Stuck) []any { return []any{s.Since, s.Task} }})
	return &stuckOut{all}, err
}

type assignIn struct {
	ID   string `path:"id" maxLength:"40" doc:"of the task"`
	Body struct {
		To     []string `json:"to" minItems:"1" maxItems:"20" doc:"persons"`
		Reason string   `json:"reason" minLength:"2" maxLength:"500"`
	}
}

// assign gives a task to persons by hand.
func (f *Flow) assign(ctx context.Context, in *assignIn) (*struct{}, error) {
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		caseID, err := store.Value[string](ctx, tx, `SELECT case_id FROM flow_task WHERE id = $1 AND state = 'open'`, in.ID)
		if errs.Is(err, errs.Missing) {
			err = errs.New(errs.Missing, "flow.no_task")
		}
		if err != nil {
			return err
		}
		w, err := f.open(ctx, tx, caseID)
		if err != nil {
			return err
		}
		if err := authz.MayUnit(ctx, tx, "flow.manage", w.c.Unit); err != nil {
			return err
		}
		if err := w.present(ctx, in.Body.To); err != nil {
			return err
		}
		all, err := tasksOf(ctx, tx, caseID, store.C("k.id = $1 AND k.state = 'open'", in.ID))
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errs.New(errs.Missing, "flow.no_task")
		}
		if err := hand(ctx, tx, &all[0], in.Body.To); err != nil {
			return err
		}
		w.of(&all[0])
		w.step.Verb, w.step.Reason = "assign", in.Body.Reason
		if err := w.onto(ctx, in.Body.To, "task", "flow.told_transfer", all[0].Name); err != nil {
			return err
		}
		if err := w.save(ctx); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.assign", Object: "flow_case", ID: caseID, Title: w.c.Number, Purpose: in.Body.Reason, Detail: map[string]any{"to": in.Body.To}})
	})
}
