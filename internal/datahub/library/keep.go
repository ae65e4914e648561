package library

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// mayKeep refuses columns that are to be kept less closely than the rule says, or than the version that serves keeps them,
// to who has no right to decide so. Denied, with a reason for each.
func (l *Library) mayKeep(ctx context.Context, cols []dataset.Column, ds *dataset.Dataset) error {
	if authz.From(ctx).Can("library.plain") {
		return nil
	}
	var was []dataset.Column
	if ds != nil {
		was = ds.Columns
	}
	var bad []errs.Field
	for _, c := range l.datasets.Weaker(ctx, cols, was) {
		bad = append(bad, errs.Field{Name: c.Name, Key: "library.too_plain_column", Args: []any{c.Title}})
	}
	if bad == nil {
		return nil
	}
	return errs.New(errs.Denied, "library.too_plain").With(bad...)
}

// feedMayKeep is mayKeep for what a feed brings.
func (l *Library) feedMayKeep(ctx context.Context, q store.Queryer, f *Feed) error {
	var ds *dataset.Dataset
	if f.Plan.Dataset != "" {
		got, err := l.datasets.Get(ctx, q, f.Plan.Dataset, store.Unscoped("a feed goes on with the dataset its unit chose"))
		if err == nil {
			ds = &got
		} else if !errs.Is(err, errs.Missing) {
			return err
		}
	}
	return l.mayKeep(ctx, intake.Kept(f.Plan.Columns), ds)
}
