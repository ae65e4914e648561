package catalog

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

var entryCols = authz.Cols{Unit: "c.unit_id", Street: "c.street", Owner: "c.owner"}

// reach is which entries a permission reaches through who provides them.
func reach(ctx context.Context, perm string) store.Cond {
	return authz.WhereCols(ctx, perm, entryCols).Cond()
}

// inWork is which entries the actor sees whatever their state: those he drafts, reviews, mounts or manages.
func inWork(ctx context.Context) store.Cond {
	return store.Or(reach(ctx, "catalog.edit"), reach(ctx, "catalog.review"), reach(ctx, "catalog.mount"), reach(ctx, "catalog.manage"))
}

// visible is which entries the actor sees: what is published is every department's to know, the rest of those at work on it.
func visible(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(store.C("c.state = 'published'"), inWork(ctx)))
}

// reaches reports whether a permission of the actor's reaches an entry.
func (c *Catalog) reaches(ctx context.Context, q store.Queryer, id, perm string) (bool, error) {
	if !authz.From(ctx).Can(perm) {
		return false, nil
	}
	where := store.And(store.C("c.id = $1", id), reach(ctx, perm))
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM catalog c WHERE `+where.SQL, where.Args...)
	return n > 0, err
}

// works reports whether the actor is at work on an entry, by his reach or by taking part in its case.
func (c *Catalog) works(ctx context.Context, q store.Queryer, e *Entry) (bool, error) {
	where := store.And(store.C("c.id = $1", e.ID), inWork(ctx))
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM catalog c WHERE `+where.SQL, where.Args...)
	if err != nil || n > 0 || e.Case == "" {
		return n > 0, err
	}
	_, part, err := c.flow.Holds(ctx, q, e.Case, authz.From(ctx).Person)
	return part, err
}

// counted is which datasets a report counts: those of the units whose catalogue the actor drafts, reviews or mounts.
func counted(ctx context.Context) store.Scope {
	return store.Scoped(store.Or(bindable(ctx).Cond(), dataset.Reach(ctx, "catalog.review").Cond(), dataset.Reach(ctx, "catalog.manage").Cond()))
}
