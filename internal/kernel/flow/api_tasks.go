package flow

import (
	"context"
	"regexp"
	"strings"

	"qushu/internal/base/store"
)

// Boxes counts what lies in a person's boxes, over all his posts. Each is the length of the list of that name.
type Boxes struct {
	Do         int `json:"do"`
	Read       int `json:"read"`
	Done       int `json:"done"`
	Mine       int `json:"mine"`
	Copied     int `json:"copied"`
	Supervised int `json:"supervised" doc:"that are not closed yet"`
	Overdue    int `json:"overdue" doc:"of do"`
}

type boxesOut struct{ Body Boxes }

// Count counts a person's boxes.
func (f *Flow) Count(ctx context.Context, q store.Queryer, person string) (Boxes, error) {
	return store.One(ctx, q, func(b *Boxes) []any {
		return []any{&b.Do, &b.Read, &b.Overdue, &b.Done, &b.Copied, &b.Supervised, &b.Mine}
	}, `SELECT
		(SELECT count(*) FROM flow_todo WHERE person = $1 AND box = 'do'),
		(SELECT count(*) FROM flow_todo WHERE person = $2 AND box = 'read'),
		(SELECT count(*) FROM flow_todo WHERE person = $3 AND box = 'do' AND due_at > 0 AND due_at < $4),
		(SELECT count(*) FROM flow_party WHERE person = $5 AND part = 'done'),
		(SELECT count(*) FROM flow_party WHERE person = $6 AND part = 'copied'),
		(SELECT count(*) FROM flow_party p JOIN flow_case c ON c.id = p.case_id WHERE p.person = $7 AND p.part = 'supervised' AND c.closed_at = 0),
		(SELECT count(*) FROM flow_case WHERE owner = $8)`, person, person, person, store.At(f.now()), person, person, person, person)
}

func (f *Flow) boxes(ctx context.Context, _ *struct{}) (*boxesOut, error) {
	b, err := f.Count(ctx, f.db, actorID(ctx))
	return &boxesOut{b}, err
}

// Line is one row of a box: a task of mine, or a case.
type Line struct {
	Case      string     `json:"case"`
	Task      string     `json:"task" doc:"empty where the row is a case"`
	Kind      string     `json:"kind"`
	KindTitle string     `json:"kindTitle"`
	Number    string     `json:"number"`
	Title     string     `json:"title"`
	Level     string     `json:"level"`
	State     State      `json:"state"`
	Step      string     `json:"step"`
	Holder    string     `json:"holder"`
	From      string     `json:"from" doc:"who began it"`
	At        store.Time `json:"at" doc:"when it arrived in the box"`
	Due       store.Time `json:"dueAt"`
	Late      bool       `json:"late"`
	Seen      bool       `json:"seen"`
	Link      string     `json:"link"`
	For       string     `json:"for" doc:"name of the person in whose place"`
	Batch     bool       `json:"batch" doc:"may be submitted together with others"`
	Outcomes  []Target   `json:"outcomes" nullable:"false" doc:"of batch: the ways the step may end"`

	room, object, node, def, step string
}

type tasksIn struct {
	store.Page
	Box  string `query:"box" enum:"do,read,done,mine,copied,supervised" default:"do"`
	Text string `query:"text" maxLength:"60" doc:"part of the number or title, or the name of who began it"`
	Kind string `query:"kind" maxLength:"80"`
	Late bool   `query:"late" doc:"only what is overdue"`
}

type tasksOut struct{ Body store.Listed[Line] }

const lineColumns = `c.def_id, c.id, c.kind, d.title, c.number, c.title, c.level, c.state, c.step, c.holder, c.owner_name, c.room, c.object`

func scanLine(l *Line) []any {
	return []any{&l.def, &l.Case, &l.Kind, &l.KindTitle, &l.Number, &l.Title, &l.Level, &l.State, &l.Step, &l.Holder, &l.From, &l.room, &l.object, &l.Task, &l.node, &l.At, &l.Due, &l.Seen, &l.step, &l.For}
}

// tasks lists a box, newest first.
func (f *Flow) tasks(ctx context.Context, in *tasksIn) (*tasksOut, error) {
	me, now := actorID(ctx), store.At(f.now())
	q := store.Query[Line]{Desc: true, Page: in.Page, Scan: scanLine}
	switch in.Box {
	case "do", "read":
		q.Select = `SELECT ` + lineColumns + `, t.task_id, k.name, t.at, t.due_at, k.seen_at > 0, k.node, t.for_person FROM flow_todo t JOIN flow_task k ON k.id = t.task_id JOIN flow_case c ON c.id = t.case_id JOIN flow_def d ON d.id = c.def_id`
		q.Scope = store.Scoped(store.C("t.person = $1 AND t.box = $2", me, in.Box))
		q.Keys, q.Cursor = []string{"t.at", "t.task_id"}, func(l *Line) []any { return []any{l.At, l.Task} }
		if in.Late {
			q.Where = append(q.Where, store.C("t.due_at > 0 AND t.due_at < $1", now))
		}
	case "mine":
		q.Select = `SELECT ` + lineColumns + `, '', '', c.begun_at, c.due_at, TRUE, '', '' FROM flow_case c JOIN flow_def d ON d.id = c.def_id`
		q.Scope = store.Scoped(store.C("c.owner = $1", me))
		q.Keys, q.Cursor = []string{"c.begun_at", "c.id"}, func(l *Line) []any { return []any{l.At, l.Case} }
	default:
		q.Select = `SELECT ` + lineColumns + `, '', '', p.at, c.due_at, TRUE, '', '' FROM flow_party p JOIN flow_case c ON c.id = p.case_id JOIN flow_def d ON d.id = c.def_id`
		q.Scope = store.Scoped(store.C("p.person = $1 AND p.part = $2", me, in.Box))
		q.Keys, q.Cursor = []string{"p.at", "p.case_id"}, func(l *Line) []any { return []any{l.At, l.Case} }
		if in.Box == "supervised" {
			q.Where = append(q.Where, store.C("c.closed_at = 0"))
		}
	}
	if in.Kind != "" {
		q.Where = append(q.Where, store.C("c.kind = $1", in.Kind))
	}
	if in.Text != "" {
		q.Where = append(q.Where, contains(in.Text))
	}
	all, err := store.List(ctx, f.db, q)
	if err != nil {
		return nil, err
	}
	var whose []string
	for i := range all.Items {
		if p := all.Items[i].For; p != "" {
			whose = append(whose, p)
		}
	}
	names, err := f.org.People(ctx, f.db, whose)
	if err != nil {
		return nil, err
	}
	for i := range all.Items {
		l := &all.Items[i]
		l.For = names[l.For].Name
		f.complete(l, now)
		if err := f.together(ctx, l); err != nil {
			return nil, err
		}
		if l.node != "" {
			l.Step = l.node
		}
	}
	return &tasksOut{all}, nil
}

// complete adds to a row what follows from its columns.
func (f *Flow) complete(l *Line, now store.Time) {
	l.Outcomes = []Target{}
	l.Late = !l.Due.IsZero() && l.Due.Before(now.Time) && (l.State == Open || l.State == Suspended)
	l.Link = f.link(&Case{ID: l.Case, Kind: l.Kind, Room: l.room, Object: l.object})
}

// together says whether a task may be submitted with others, and how.
func (f *Flow) together(ctx context.Context, l *Line) error {
	if l.Task == "" || l.step == "" {
		return nil
	}
	_, p, err := f.drawing(ctx, f.db, l.Kind, l.def)
	if err != nil {
		return err
	}
	t := f.task(p, l.step)
	l.Batch = t.Batch
	for _, o := range t.Outcomes {
		if t.Batch && o.Choose == "" {
			l.Outcomes = append(l.Outcomes, Target{o.Key, o.Name})
		}
	}
	return nil
}

// wholeNumber is a number as cases have it.
var wholeNumber = regexp.MustCompile(`^[A-Z]{1,8}[0-9]{4,8}-[0-9]{3,}$`)

// numberIn is the number a text is, whole; "" for any other text.
func numberIn(text string) string {
	if n := strings.ToUpper(strings.TrimSpace(text)); wholeNumber.MatchString(n) {
		return n
	}
	return ""
}

// contains finds a text anywhere in number, title or the starter's name; a whole number by its index.
func contains(text string) store.Cond {
	if n := numberIn(text); n != "" {
		return store.C("c.number = $1", n)
	}
	like := store.Anywhere(strings.ToLower(strings.TrimSpace(text)))
	return store.C("(lower(c.number) LIKE $1 ESCAPE '!' OR lower(c.title) LIKE $2 ESCAPE '!' OR lower(c.owner_name) LIKE $3 ESCAPE '!')", like, like, like)
}
