package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"qushu/internal/base/blob"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/rule"
	"qushu/internal/base/search"
	"qushu/internal/base/secret"
	"qushu/internal/base/series"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/codes"
	"qushu/internal/room"
)

// House is every room, checked and ready to serve.
type House struct {
	Kit     *Kit
	Rooms   []*room.Room // kernel first
	Catalog *errs.Catalog
	Server  *web.Server

	work, devices bool
	stop          context.CancelFunc
	wg            sync.WaitGroup
}

// Options are what a house needs besides its kit.
type Options struct {
	Web     web.Options
	Work    bool // run jobs and services here
	Devices bool // run the services that devices reach here
	// Unaudited is told of a changing request without an audit record; tests fail on it.
	Unaudited func(ctx context.Context, route string)
}

// texts of the packages that are not rooms.
func texts() []fs.FS {
	return []fs.FS{store.Text, series.Text, web.Text, secret.Text, blob.Text, table.Text, source.Text, rule.Text, warehouse.Text, when.Text, codes.Text}
}

// Open checks the rooms and mounts them. Tables are not touched: that is Migrate.
func Open(kit *Kit, rooms []*room.Room, o Options) (*House, error) {
	h := &House{Kit: kit, Rooms: append(kit.rooms(), rooms...), work: o.Work, devices: o.Devices}
	all := texts()
	names := map[string]bool{}
	for _, r := range h.Rooms {
		if names[r.Name] {
			return nil, fmt.Errorf("kernel: two rooms are called %q", r.Name)
		}
		names[r.Name] = true
		if r.Text != nil {
			all = append(all, r.Text)
		}
	}
	var err error
	if h.Catalog, err = errs.NewCatalog(all...); err != nil {
		return nil, err
	}
	*kit.Words = *h.Catalog
	kit.Audit.Furnish(h.Rooms, h.Catalog)
	kit.Authz.Furnish(h.Rooms, h.Catalog)
	kit.Settings.Furnish(h.Rooms, h.Catalog)
	kit.Identity.Furnish(h.Rooms, h.Catalog)
	kit.System.Furnish(h.Catalog)
	var bad []error
	for _, r := range h.Rooms {
		bad = append(bad, r.Check(h.Catalog), kit.Bus.Add(r.Name, r.Emits, r.Hears), kit.Jobs.Add(r.Jobs...))
	}
	bad = append(bad, kit.Bus.Check(func(s string) { slog.Warn(s) }))
	bad = append(bad, kit.Jobs.Add(jobs.Periodic("web.forget", jobs.Every(time.Hour), func(ctx context.Context) error { return web.Forget(ctx, kit.DB) })))
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	if err := kit.Jobs.Open(o.Work); err != nil {
		return nil, err
	}
	o.Web.Catalog = h.Catalog
	if o.Web.Ready == nil {
		o.Web.Ready = kit.DB.Ping
	}
	if o.Web.Authenticate == nil {
		o.Web.Authenticate = kit.Identity.Authenticate
	}
	h.Server = web.New(o.Web)
	in := &room.House{Server: h.Server, DB: kit.DB, Mask: mask, Denied: h.denied, Unaudited: o.Unaudited}
	for _, r := range h.Rooms {
		r.Mount(in)
	}
	if kit.Hub != nil {
		h.Server.Mux.Handle("GET /realtime/connection/websocket", kit.Hub.Handler())
	}
	return h, nil
}

// denied leaves a record of a refused call.
func (h *House) denied(ctx context.Context, perm string) {
	e := audit.Entry{Action: "audit.denied", Object: "permission", ID: perm, Result: audit.Denied}
	if err := h.Kit.Audit.Note(ctx, e); err != nil {
		slog.ErrorContext(ctx, "refused call not recorded", "error", err)
	}
}

// Migrate brings every table up to date, base and kernel first, under the installation's lock.
func (h *House) Migrate(ctx context.Context) error { return h.MigrateTo(ctx, h.Kit.DB) }

// MigrateTo brings the tables of another database up to date with this house: rows that are about to move in.
func (h *House) MigrateTo(ctx context.Context, db *store.DB) error {
	return db.Locked(ctx, func() error {
		if err := errors.Join(web.Migrate(ctx, db), jobs.Migrate(ctx, db), search.Migrate(ctx, db)); err != nil {
			return err
		}
		for _, r := range h.Rooms {
			if r.Schema == nil {
				continue
			}
			if err := db.Migrate(ctx, r.Name, r.Schema); err != nil {
				return err
			}
		}
		return nil
	})
}

// Start works jobs and runs the rooms' services until Stop.
func (h *House) Start(ctx context.Context) error {
	ctx, h.stop = context.WithCancel(ctx)
	if h.work {
		if err := h.Kit.Jobs.Start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	for _, r := range h.Rooms {
		for _, s := range r.Services {
			if s.Anywhere || s.Devices && h.devices || !s.Devices && h.work {
				h.wg.Go(func() { h.keep(ctx, r.Name, s) })
			}
		}
	}
	return nil
}

// keep runs a service again after it failed; one that returns nil is done.
func (h *House) keep(ctx context.Context, roomName string, s room.Service) {
	run := s.Run
	if s.Once {
		run = func(ctx context.Context) error { return h.Kit.DB.Alone(ctx, roomName+"."+s.Name, s.Run) }
	}
	for ctx.Err() == nil {
		err := run(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		slog.Error("service failed, starting it again", "service", roomName+"."+s.Name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

// Stop lets running jobs finish and ends the services.
func (h *House) Stop(ctx context.Context) error {
	err := h.Kit.Jobs.Stop(ctx)
	if h.stop != nil {
		h.stop()
	}
	h.wg.Wait()
	_, chained := h.Kit.Audit.Chain(ctx) // the last records do not wait for the next start
	return errors.Join(err, chained)
}

// Handler answers requests.
func (h *House) Handler() http.Handler { return h.Server.Handler() }
