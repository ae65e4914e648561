package catalog

import (
	"context"
	"slices"
	"strings"

	"qushu/internal/base/store"
)

// UnitReport is how far one unit is with its catalogue.
type UnitReport struct {
	Unit      string `json:"unit"`
	UnitName  string `json:"unitName"`
	Datasets  int64  `json:"datasets" doc:"that it answers for"`
	Covered   int64  `json:"covered" doc:"of these, catalogued and published or bound"`
	Published int64  `json:"published"`
	Items     int64  `json:"items"`
	Mounted   int64  `json:"mounted"`
	Unmounted int64  `json:"unmounted" doc:"published but bound to nothing"`
	Stale     int64  `json:"stale" doc:"bound, but overdue"`
	Broken    int64  `json:"broken" doc:"bound, but the data no longer fits"`
	Work      int64  `json:"work" doc:"versions in work"`
	Asked     int64  `json:"asked" doc:"demands it had to answer"`
	Met       int64  `json:"met" doc:"of these, met"`
}

type reportsOut struct {
	Body struct {
		Units []UnitReport `json:"units" nullable:"false"`
		All   UnitReport   `json:"all"`
	}
}

// reports counts, unit by unit, what is catalogued but not mounted, mounted but overdue, and how much of the data there is
// stands in the catalogue; all from the rows, over the units in the caller's reach.
func (c *Catalog) reports(ctx context.Context, _ *struct{}) (*reportsOut, error) {
	now := store.At(c.now())
	where := inWork(ctx)
	all, err := store.All(ctx, c.db, func(u *UnitReport) []any {
		return []any{&u.Unit, &u.Published, &u.Items, &u.Mounted, &u.Stale, &u.Broken, &u.Work}
	}, `SELECT c.unit_id, count(*) FILTER (WHERE c.state = 'published'), CAST(coalesce(sum(c.items) FILTER (WHERE c.state = 'published'), 0) AS BIGINT), count(*) FILTER (WHERE c.state = 'published' AND c.mounts > 0),
		count(*) FILTER (WHERE c.state = 'published' AND c.mounts > 0 AND NOT c.broken AND c.stale_at > 0 AND c.stale_at <= $1), count(*) FILTER (WHERE c.state = 'published' AND c.broken), count(*) FILTER (WHERE c.work <> '')
		FROM catalog c WHERE `+store.And(store.C("$1 > 0", now), where).SQL+` GROUP BY c.unit_id`, append([]any{now}, where.Args...)...)
	if err != nil {
		return nil, err
	}
	by := map[string]*UnitReport{}
	of := func(unit string) *UnitReport {
		if by[unit] == nil {
			by[unit] = &UnitReport{Unit: unit}
		}
		return by[unit]
	}
	for _, u := range all {
		*of(u.Unit) = u
	}
	if err := c.coverage(ctx, of); err != nil {
		return nil, err
	}
	if err := c.answered(ctx, by); err != nil {
		return nil, err
	}
	var ids []string
	for id := range by {
		ids = append(ids, id)
	}
	n, err := c.org.UnitNames(ctx, c.db, ids)
	out := &reportsOut{}
	out.Body.Units = []UnitReport{}
	for _, u := range by {
		u.UnitName, u.Unmounted = n[u.Unit], u.Published-u.Mounted
		out.Body.All.add(u)
		out.Body.Units = append(out.Body.Units, *u)
	}
	slices.SortFunc(out.Body.Units, func(a, b UnitReport) int {
		if a.Published != b.Published {
			return int(b.Published - a.Published)
		}
		return strings.Compare(a.Unit, b.Unit)
	})
	return out, err
}

func (u *UnitReport) add(o *UnitReport) {
	u.Datasets, u.Covered, u.Published, u.Items, u.Mounted = u.Datasets+o.Datasets, u.Covered+o.Covered, u.Published+o.Published, u.Items+o.Items, u.Mounted+o.Mounted
	u.Unmounted, u.Stale, u.Broken, u.Work, u.Asked, u.Met = u.Unmounted+o.Unmounted, u.Stale+o.Stale, u.Broken+o.Broken, u.Work+o.Work, u.Asked+o.Asked, u.Met+o.Met
}

// coverage counts the datasets of each unit and those of them that an entry stands for.
func (c *Catalog) coverage(ctx context.Context, of func(string) *UnitReport) error {
	bound, err := store.Column[string](ctx, c.db, `SELECT DISTINCT m.dataset FROM catalog_mount m JOIN catalog c ON c.id = m.entry WHERE m.state IN ('mounted', 'proposed', 'drafted') AND c.state = 'published'`)
	if err != nil {
		return err
	}
	is := make(map[string]bool, len(bound))
	for _, id := range bound {
		is[id] = true
	}
	page := store.Page{Limit: 200}
	for {
		all, err := c.datasets.List(ctx, c.db, counted(ctx), "", page)
		if err != nil {
			return err
		}
		for _, d := range all.Items {
			u := of(d.Unit)
			u.Datasets++
			if is[d.ID] {
				u.Covered++
			}
		}
		if page.After = all.Next; all.Next == "" {
			return nil
		}
	}
}

// answered counts the demands each unit had to answer.
func (c *Catalog) answered(ctx context.Context, by map[string]*UnitReport) error {
	type row struct {
		unit       string
		asked, met int64
	}
	all, err := store.All(ctx, c.db, func(r *row) []any { return []any{&r.unit, &r.asked, &r.met} },
		`SELECT provider, count(*), count(*) FILTER (WHERE met = 'met') FROM catalog_demand WHERE provider <> '' GROUP BY provider`)
	for _, r := range all {
		if u := by[r.unit]; u != nil {
			u.Asked, u.Met = r.asked, r.met
		}
	}
	return err
}
