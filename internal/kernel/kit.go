// Package kernel puts the floor together: the services every room may hold, and the house in which
// rooms are checked, migrated, mounted and started.
package kernel

import (
	"context"
	"log/slog"
	"time"

	"qushu/internal/base/blob"
	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/realtime"
	"qushu/internal/base/search"
	"qushu/internal/base/secret"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/sealed"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/find"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/identity"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/kernel/settings"
	"qushu/internal/kernel/signal"
	"qushu/internal/kernel/system"
	"qushu/internal/kernel/talk"
)

// Base is what stands before the kernel: opened stores, keys and the clock.
type Base struct {
	DB        *store.DB
	Ring      *secret.Ring
	Blobs     blob.Store
	MaxUpload int64           // bytes of one file
	Warehouse warehouse.Store // nil where no dataset is stored
	Series    *series.Store   // nil where no samples are kept
	Hub       *realtime.Hub   // nil where nobody listens
	Identity  identity.Options
	Now       func() time.Time
}

// Kit is what a room may take into its own struct. A room holds only the fields it needs.
type Kit struct {
	Base
	Jobs     *jobs.Client
	Bus      *bus.Bus
	Audit    *audit.Log
	Authz    *authz.Authz
	Org      *org.Org
	Settings *settings.Settings
	Identity *identity.Identity
	System   *system.System
	Find     *find.Find
	Files    *file.Files
	Datasets *dataset.Datasets
	Words    *errs.Catalog // the texts of every room, from Open on
	Notify   *notify.Notes
	Talk     *talk.Talk
	Flow     *flow.Flow
	Signals  *signal.Signals
}

// NewKit makes the kernel's services over base.
func NewKit(b Base) *Kit {
	if b.Now == nil {
		b.Now = time.Now
	}
	k := &Kit{Base: b, Jobs: jobs.New(b.DB)}
	k.Bus = bus.New(k.Jobs)
	k.Audit = audit.NewLog(b.DB, b.Ring, k.Jobs, b.Now)
	k.Authz = authz.New(b.DB, k.Audit, k.Bus, b.Now)
	k.Org = org.New(b.DB, k.Audit, k.Bus, b.Ring, k.Authz, b.Now)
	k.Audit.KnowUnits(k.Org.UnitNames)
	k.Settings = settings.New(b.DB, k.Audit, k.Bus, b.Now)
	k.Identity = identity.New(identity.Deps{DB: b.DB, Ring: b.Ring, Log: k.Audit, Bus: k.Bus, Settings: k.Settings, Now: b.Now,
		People: identity.FromOrg(k.Org), Rights: k.Authz, Hasher: secret.NewHasher(secret.DefaultParams(), 0)}, b.Identity)
	k.System = system.New(b.DB, k.Jobs, k.Audit, k.Settings, b.Now)
	k.System.Add(system.Check{Name: "audit", Run: func(ctx context.Context) system.Finding {
		if err := k.Audit.Health(ctx); err != nil {
			return system.Finding{State: system.Bad, Key: "system.audit_behind", Args: []any{err}}
		}
		return system.Finding{State: system.OK, Key: "system.audit_ok"}
	}})
	k.System.Add(k.storeChecks()...)
	k.Find = find.New(b.DB, search.New(b.DB), k.Jobs, k.Audit, b.Now)
	k.Org.Findable(k.Find)
	k.Files = file.New(b.DB, b.Blobs, k.Audit, b.Now, b.MaxUpload)
	if b.Warehouse != nil {
		b.Warehouse = sealed.New(b.Warehouse, b.Ring)
		k.Warehouse = b.Warehouse
	}
	k.Datasets = dataset.New(b.DB, b.Warehouse, b.Now)
	k.Datasets.Told(k.Bus)
	k.Datasets.Serve(k.above)
	k.Datasets.Keep = func(ctx context.Context) int { return k.Settings.Int(ctx, "dataset.keep_versions") }
	k.Datasets.Seal = func(ctx context.Context) bool { return k.Settings.Bool(ctx, "dataset.seal_identifiers") }
	k.Datasets.Findable(k.Find)
	k.Words = &errs.Catalog{}
	k.Notify = notify.New(b.DB, k.Words, b.Now)
	k.Identity.Tell = func(ctx context.Context, tx *store.Tx, person, key string, args ...any) error {
		return k.Notify.Send(ctx, tx, notify.Notice{To: []string{person}, Kind: notify.Alarm, Key: key, Args: args, Link: "/account", Object: "identity_account", Must: true})
	}
	k.Talk = talk.New(talk.Deps{DB: b.DB, Audit: k.Audit, Org: k.Org, Files: k.Files, Notify: k.Notify, Settings: k.Settings, Now: b.Now})
	k.Flow = flow.New(flow.Deps{DB: b.DB, Audit: k.Audit, Authz: k.Authz, Org: k.Org, Files: k.Files, Notify: k.Notify, Words: k.Words, Jobs: k.Jobs, Find: k.Find, Talk: k.Talk, Days: k.Settings.Days, DaysIn: k.Settings.DaysIn, Now: b.Now})
	k.System.Add(system.Check{Name: "flow", Run: func(ctx context.Context) system.Finding {
		n, err := k.Flow.Stuck(ctx)
		switch {
		case err != nil:
			return system.Finding{State: system.Bad, Key: "flow.stuck_failed", Args: []any{err}}
		case n.Failed+n.Lost > 0:
			return system.Finding{State: system.Bad, Key: "flow.stuck_some", Args: []any{n.Nobody, n.Failed, n.Lost}}
		case n.Nobody > 0:
			return system.Finding{State: system.Warn, Key: "flow.stuck_some", Args: []any{n.Nobody, n.Failed, n.Lost}}
		}
		return system.Finding{State: system.OK, Key: "flow.stuck_ok"}
	}})
	k.System.Add(system.Check{Name: "calendar", Run: k.calendarCheck})
	k.Signals = signal.New(signal.Deps{DB: b.DB, Series: b.Series, Audit: k.Audit, Bus: k.Bus, Notify: k.Notify, Settings: k.Settings, Hub: b.Hub, Names: k.Org.UnitNames, Now: b.Now})
	k.declareLive()
	k.Flow.District = func(ctx context.Context) string { return k.Settings.String(ctx, "system.district") }
	if b.Hub != nil {
		k.System.Drops(b.Hub.Drop)
		k.Notify.Push = func(person string, payload any) {
			if err := b.Hub.Push(person, payload); err != nil { // the row is kept; the page asks again later
				slog.Warn("notify: not pushed", "error", err)
			}
		}
		k.Flow.Push = k.Notify.Push
		k.Talk.Push = k.Notify.Push
	}
	return k
}
