package flow

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/flow/internal/bpmn"
	"qushu/internal/kernel/org"
)

func actorID(ctx context.Context) string { return authz.From(ctx).Person }

// people resolves who may act to persons: the first of all that names anybody who is still there.
func (f *Flow) people(ctx context.Context, q store.Queryer, w *work, all []Who) ([]string, error) {
	for _, who := range all {
		found, err := f.named(ctx, q, w, who)
		if errs.Is(err, errs.Missing) { // a person, unit or post that is gone names nobody
			err = nil
		}
		if err != nil {
			return nil, err
		}
		here, err := w.persons(ctx, q, found)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(slices.Clone(found), func(p string) bool { return here[p].ID == "" || !here[p].Active() })
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, nil
}

// Whom finds the persons a list of rules names for a case: those of the first that names anybody.
func (f *Flow) Whom(ctx context.Context, tx *store.Tx, caseID string, all ...Who) ([]string, error) {
	c, err := findCase(ctx, tx, caseID)
	if err != nil {
		return nil, err
	}
	w := &work{f: f, tx: tx, c: c, now: store.At(f.now())}
	if err := w.look(ctx); err != nil {
		return nil, err
	}
	return f.people(ctx, tx, w, all)
}

func (f *Flow) named(ctx context.Context, q store.Queryer, w *work, who Who) ([]string, error) {
	switch who.Kind {
	case "starter":
		return []string{w.c.Owner}, nil
	case "person":
		return []string{who.ID}, nil
	case "post":
		p, err := f.org.Post(ctx, q, who.ID)
		return []string{p.Person}, err
	case "group":
		return f.org.GroupPeople(ctx, q, who.ID)
	case "chosen":
		id := who.ID
		if id == "" {
			id = w.node
		}
		return w.run().Chosen[id], nil
	case "doer":
		return w.run().Doers[who.ID], nil
	}
	unit, err := f.unitOf(ctx, q, w, who)
	if err != nil {
		return nil, err
	}
	switch {
	case who.Kind == "role" && unit == "" && who.Of == "":
		return f.authz.RoleHolders(ctx, q, who.ID, nil)
	case unit == "":
		return nil, nil
	case who.Kind == "role":
		return f.roleIn(ctx, q, who.ID, unit)
	case who.Kind == "leader":
		return f.org.Leaders(ctx, q, unit)
	case who.Kind == "staff":
		return f.org.At(ctx, q, unit)
	}
	return nil, nil
}

// roleIn finds who carries a role in a unit, its sections included.
func (f *Flow) roleIn(ctx context.Context, q store.Queryer, role, unit string) ([]string, error) {
	units := []string{unit}
	below, err := f.org.Sections(ctx, q, unit)
	if err != nil {
		return nil, err
	}
	return f.authz.RoleHolders(ctx, q, role, append(units, below...))
}

// unitOf is the unit a rule means, "" for none.
func (f *Flow) unitOf(ctx context.Context, q store.Queryer, w *work, who Who) (string, error) {
	unit, err := f.unitNamed(ctx, q, w, who.Of)
	if err != nil || unit == "" || who.Level == "" {
		return unit, err
	}
	path, err := f.org.UnitPath(ctx, q, unit)
	if err != nil {
		return "", err
	}
	for i := len(path) - 1; i >= 0; i-- {
		if path[i].Kind == org.Kind(who.Level) {
			return path[i].ID, nil
		}
	}
	return "", nil
}

func (f *Flow) unitNamed(ctx context.Context, q store.Queryer, w *work, of string) (string, error) {
	kind, arg, _ := strings.Cut(of, ":")
	switch kind {
	case "starter":
		return w.c.FromUnit, nil
	case "case":
		return w.c.Unit, nil
	case "place":
		return f.unitOfPlace(ctx, q, w.c)
	case "field":
		return unitValue(w.vars[arg]), nil
	case "item":
		return unitValue(w.vars["item"]), nil
	case "unit":
		if u, err := f.org.UnitByCode(ctx, q, arg); err == nil {
			return u.ID, nil
		} else if !errs.Is(err, errs.Missing) {
			return "", err
		}
		return arg, nil
	case "doer":
		for _, p := range w.run().Doers[arg] {
			who, err := f.org.Person(ctx, q, p)
			return who.Unit, err
		}
	}
	return "", nil
}

// unitOfPlace is the unit in charge of where a case is: its community, else its street, else the starter's body.
func (f *Flow) unitOfPlace(ctx context.Context, q store.Queryer, c *Case) (string, error) {
	for _, code := range []string{c.Community, c.Street} {
		if code == "" {
			continue
		}
		u, err := f.org.UnitByCode(ctx, q, code)
		if err == nil {
			return u.ID, nil
		}
		if !errs.Is(err, errs.Missing) {
			return "", err
		}
	}
	return c.FromUnit, nil
}

// unitValue is the id in a unit field's value: the id itself, or {id, name}.
func unitValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v["id"].(string)
		return s
	}
	return ""
}

// task is what a user task asks; of anything else nothing.
func (f *Flow) task(p *Process, node string) *bpmn.Task {
	if n := p.Node(node); n != nil && n.Task != nil {
		return n.Task
	}
	return &bpmn.Task{}
}
