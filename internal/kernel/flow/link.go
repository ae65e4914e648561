package flow

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// The ways two cases belong together.
const (
	linkMerged  = "merged"
	linkPart    = "part"
	linkCalled  = "called"
	linkRelated = "related"
)

// Link is a case that belongs to another.
type Link struct {
	Case   string `json:"case"`
	Number string `json:"number"`
	Title  string `json:"title"`
	State  State  `json:"state" enum:"open,suspended,closed,stopped,merged"`
	Kind   string `json:"kind" enum:"merged,part,called,related"`
	Out    bool   `json:"out" doc:"this case is merged into, is a part of, was begun by, or was related to the other"`
	Link   string `json:"link" doc:"page of the other"`

	at store.Time
}

// links lists the cases a case belongs to, as far as the actor may read them.
func (f *Flow) links(ctx context.Context, q store.Queryer, caseID string) ([]Link, error) {
	scan := func(l *Link) []any { return []any{&l.Case, &l.Kind, &l.Out, &l.at} }
	all, err := store.All(ctx, q, scan, `SELECT to_case, kind, TRUE, at FROM flow_link WHERE from_case = $1 UNION ALL SELECT from_case, kind, FALSE, at FROM flow_link WHERE to_case = $2 ORDER BY 3 DESC, 4, 1`, caseID, caseID)
	if err != nil {
		return nil, err
	}
	out := []Link{}
	for _, l := range all {
		c, err := f.readable(ctx, q, l.Case)
		if errs.Is(err, errs.Missing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.Number, l.Title, l.State, l.Link = c.Number, c.Title, c.State, f.link(c)
		out = append(out, l)
	}
	return out, nil
}

func insertLink(ctx context.Context, tx *store.Tx, from, to, kind string, token int, at store.Time) error {
	return store.Exec(ctx, tx, `INSERT INTO flow_link (from_case, to_case, kind, token, at, by_id) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (from_case, to_case, kind) DO NOTHING`, from, to, kind, token, at, actorID(ctx))
}

// parts counts the parts of a case that are still under way.
func parts(ctx context.Context, q store.Queryer, caseID string) (int, error) {
	return store.Value[int](ctx, q, `SELECT count(*) FROM flow_link l JOIN flow_case c ON c.id = l.from_case WHERE l.to_case = $1 AND l.kind = 'part' AND (c.state = 'open' OR c.state = 'suspended')`, caseID)
}

// both finds the other case a deed names by its number and locks the two: two deeds that name each other's case lock in one order.
func (f *Flow) both(ctx context.Context, tx *store.Tx, d *Deed) (other string, err error) {
	if d.Other == "" {
		return "", nil
	}
	other, err = store.Value[string](ctx, tx, `SELECT id FROM flow_case WHERE number = $1 OR id = $2`, strings.TrimSpace(d.Other), d.Other)
	if errs.Is(err, errs.Missing) {
		return "", needs("other", "flow.no_other", d.Other)
	}
	if err != nil {
		return "", err
	}
	if other == d.Case {
		return "", needs("other", "flow.itself")
	}
	both := []string{d.Case, other}
	slices.Sort(both)
	for _, c := range both {
		if err := store.Lock(ctx, tx, "flow", c); err != nil {
			return "", err
		}
	}
	return other, nil
}

// beside opens the other case of a deed; the actor must be able to read it.
func (w *work) beside(ctx context.Context, d *Deed) (*work, error) {
	if d.other == "" {
		return nil, needs("other", "flow.which_case")
	}
	o, err := w.f.open(ctx, w.tx, d.other)
	if err != nil {
		return nil, err
	}
	if err := w.f.mayRead(ctx, w.tx, o.c); err != nil {
		if errs.Is(err, errs.Missing) {
			err = needs("other", "flow.no_other", d.Other)
		}
		return nil, err
	}
	return o, nil
}

// relate notes that two cases have to do with each other (关联).
func (w *work) relate(ctx context.Context, _ *Item, d *Deed) error {
	o, err := w.beside(ctx, d)
	if err != nil {
		return err
	}
	if err := insertLink(ctx, w.tx, w.c.ID, o.c.ID, linkRelated, 0, w.now); err != nil {
		return err
	}
	w.step.Onto, o.step.Verb, o.step.Onto = o.c.Number, "relate", w.c.Number
	return o.trace(ctx)
}

// merge ends a case that says what another says already (合并重复): the other goes on, and whoever began this one follows it there.
func (w *work) merge(ctx context.Context, _ *Item, d *Deed) error {
	o, err := w.beside(ctx, d)
	if err != nil {
		return err
	}
	switch {
	case o.c.Kind != w.c.Kind:
		return needs("other", "flow.other_kind", o.c.Number)
	case !o.c.running():
		return needs("other", "flow.other_ended", o.c.Number)
	}
	if n, err := parts(ctx, w.tx, w.c.ID); err != nil || n > 0 {
		if err == nil {
			err = errs.New(errs.Conflict, "flow.parts_open", n)
		}
		return err
	}
	if err := insertLink(ctx, w.tx, w.c.ID, o.c.ID, linkMerged, 0, w.now); err != nil {
		return err
	}
	people, err := store.Column[string](ctx, w.tx, `SELECT DISTINCT person FROM flow_party WHERE case_id = $1 AND (part = 'started' OR part = 'supervised') ORDER BY person`, w.c.ID)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := joins(ctx, w.tx, o.c.ID, p, "copied", w.now); err != nil {
			return err
		}
		w.told[p] = true
	}
	if err := w.say(ctx, people, "info", "flow.told_merge", w.c.Number, o.c.Number); err != nil {
		return err
	}
	w.step.Onto, o.step.Verb, o.step.Onto, o.step.Reason = o.c.Number, "merge", w.c.Number, w.step.Reason
	if err := o.trace(ctx); err != nil {
		return err
	}
	w.c.State, w.c.Outcome = Merged, "merged"
	s, out := w.machine().Stop(w.run().State)
	return w.carry(ctx, s, out)
}

// split takes a part of a case out as a case of its own (拆分子事项); this one ends no sooner than its parts.
func (w *work) split(ctx context.Context, _ *Item, d *Deed) error {
	h := w.f.hosts[w.c.Room]
	if h.Part == nil {
		return errs.New(errs.Denied, "flow.no_parts")
	}
	title := strings.TrimSpace(d.Title)
	if len([]rune(title)) < 2 {
		return needs("title", "flow.part_title")
	}
	if n, err := store.Value[int](ctx, w.tx, `SELECT count(*) FROM flow_link WHERE to_case = $1 AND kind = 'part'`, w.c.ID); err != nil || n >= mostParts {
		if err == nil {
			err = errs.New(errs.Limited, "flow.many_parts", mostParts)
		}
		return err
	}
	if d.Unit != "" {
		if _, err := w.f.org.Unit(ctx, w.tx, d.Unit); err != nil {
			return needs("unit", "flow.not_there", "")
		}
	}
	c, err := h.Part(ctx, w.tx, w.c, title, d.Unit)
	if err != nil {
		return err
	}
	if err := insertLink(ctx, w.tx, c.ID, w.c.ID, linkPart, 0, w.now); err != nil {
		return err
	}
	w.step.Onto = c.Number
	return nil
}

// mostParts bounds the parts of one case.
const mostParts = 50

// over says whether a case may end: its parts have ended before it.
func (w *work) over(ctx context.Context) error {
	if w.c.State != Open {
		return nil
	}
	n, err := parts(ctx, w.tx, w.c.ID)
	if err == nil && n > 0 {
		err = errs.New(errs.Conflict, "flow.parts_open", n)
	}
	return err
}

// MergedInto returns the case that went on in the place of one that was merged, "" for none.
func (f *Flow) MergedInto(ctx context.Context, q store.Queryer, caseID string) (string, error) {
	all, err := store.Column[string](ctx, q, `SELECT to_case FROM flow_link WHERE from_case = $1 AND kind = 'merged'`, caseID)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0], nil
}
