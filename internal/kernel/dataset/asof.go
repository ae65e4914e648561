package dataset

import (
	"context"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/when"
)

// Then is a dataset in the version meant by its number, or in that which served at a time; its columns are guarded as they
// are now. Missing when there was none, or it has been cleaned up.
func (d *Datasets) Then(ctx context.Context, q store.Queryer, ds Dataset, at warehouse.At) (Dataset, error) {
	switch {
	case at.Number != 0:
		return d.AsOf(ctx, q, ds, "", at.Number)
	case at.Time.IsZero():
		return ds, nil
	}
	all, err := versions(ctx, q, ds.ID)
	if err != nil {
		return ds, err
	}
	v, ok := servedAt(all, at.Time)
	if !ok {
		return ds, errs.New(errs.Missing, "dataset.version_then", ds.Title, at.Time.In(when.Zone).Format("2006-01-02 15:04"))
	}
	return d.AsOf(ctx, q, ds, v.ID, 0)
}

// servedAt finds which of the versions that are kept served at a time: of those it may have been, where one has served
// again after another, the one that came last.
func servedAt(all []Version, at time.Time) (Version, bool) {
	var found []Version
	for _, v := range all {
		if !v.At.After(at) && (v.Replaced.IsZero() || v.Replaced.After(at)) {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		return Version{}, false
	}
	return slices.MaxFunc(found, func(a, b Version) int { return a.At.Compare(b.At.Time) }), true
}
