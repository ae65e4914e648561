package catalog

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/org"
	"qushu/internal/room"
)

// declared are the values a district sets: whose word counts, how codes are cut, and the days the standards name. The days
// of decree 809 and the graces are practice, so nothing of them is fixed in the program.
func declared() []room.Setting {
	whole := func(name string, value, most int) room.Setting {
		return room.Setting{Name: name, Default: value, Min: 1, Max: most, Admin: room.System}
	}
	return []room.Setting{
		{Name: "bureau", Default: "", Admin: room.System}, {Name: "centre", Default: "", Admin: room.System},
		{Name: "address", Default: "", Admin: room.System},
		{Name: "basic", Default: []string{"101", "102"}, Admin: room.System},
		whole("item_digits", 2, 6), whole("subject_digits", 3, 6), whole("detail_digits", 18, 24), whole("sequence_digits", 6, 10),
		whole("dept_days", 2, 60), whole("bureau_days", 2, 60), whole("publish_days", 1, 60), whole("mount_days", 10, 60),
		whole("assign_days", 2, 60), whole("answer_days", 10, 60), whole("supply_days", 10, 60),
		whole("grace_realtime", 1, 720), whole("grace_daily", 1, 365), whole("grace_weekly", 2, 365), whole("grace_monthly", 5, 365),
		whole("grace_quarterly", 10, 365), whole("grace_halfyear", 20, 365), whole("grace_yearly", 30, 365),
		{Name: "per_file", Default: 2000, Min: 1, Max: 20_000, Admin: room.System},
	}
}

func (c *Catalog) number(ctx context.Context, name string) int {
	return c.settings.Int(ctx, "catalog."+name)
}

// rules are the rules of entries as the district set them.
func (c *Catalog) rules(ctx context.Context) entry.Rules {
	return entry.Rules{Basic: c.settings.Strings(ctx, "catalog.basic"),
		Shape: entry.Shape{Item: c.number(ctx, "item_digits"), Subject: c.number(ctx, "subject_digits"), Detail: c.number(ctx, "detail_digits"), Sequence: c.number(ctx, "sequence_digits")}}
}

// graces are how long after the end of its cycle data counts as in time.
func (c *Catalog) graces(ctx context.Context) map[string]time.Duration {
	out := map[string]time.Duration{"realtime": time.Duration(c.number(ctx, "grace_realtime")) * time.Hour}
	for _, cycle := range []string{"daily", "weekly", "monthly", "quarterly", "halfyear", "yearly"} {
		out[cycle] = time.Duration(c.number(ctx, "grace_"+cycle)) * 24 * time.Hour
	}
	return out
}

// unitSet is the id of a unit named in a setting by its code, its id or its name; "" for none.
func (c *Catalog) unitSet(ctx context.Context, q store.Queryer, name string) (string, error) {
	said := strings.TrimSpace(c.settings.String(ctx, "catalog."+name))
	if said == "" {
		return "", nil
	}
	for _, by := range []func() (org.Unit, error){
		func() (org.Unit, error) { return c.org.UnitByCode(ctx, q, said) },
		func() (org.Unit, error) { return c.org.Unit(ctx, q, said) },
	} {
		u, err := by()
		if err == nil {
			return u.ID, nil
		}
		if !errs.Is(err, errs.Missing) {
			return "", err
		}
	}
	all, err := c.org.SearchUnits(ctx, q, said, 5)
	for _, u := range all {
		if u.Name == said || u.Short == said {
			return u.ID, err
		}
	}
	return "", err
}

// settingChanged draws the flows again where a limit of theirs has changed; what runs keeps its own.
func (c *Catalog) settingChanged(ctx context.Context, e struct {
	Name string `json:"name"`
}) error {
	if !strings.HasPrefix(e.Name, "catalog.") || !strings.HasSuffix(e.Name, "_days") {
		return nil
	}
	ctx = room.BySystem(ctx)
	return c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return c.deploy(ctx, tx) })
}
