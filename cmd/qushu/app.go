package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"qushu/internal/base/blob"
	"qushu/internal/base/config"
	"qushu/internal/base/errs"
	"qushu/internal/base/realtime"
	"qushu/internal/base/secret"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/click"
	"qushu/internal/base/warehouse/duck"
	"qushu/internal/base/warehouse/mirror"
	"qushu/internal/base/web"
	"qushu/internal/kernel"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/identity"
	site "qushu/web"
)

// app is the opened installation: stores, kit and house, not yet serving.
type app struct {
	cfg   *config.Config
	now   func() time.Time // nil for the real clock
	kit   *kernel.Kit
	house *kernel.House
	close []func() error
}

// seriesDir holds the samples, a file a month, where rows are in SQLite.
const seriesDir = "series"

// opening says how an installation is opened.
type opening struct {
	work bool             // run jobs and services
	now  func() time.Time // nil for the real clock
	demo bool
}

// open locks the data directory, opens every store and brings the tables up to date.
func open(ctx context.Context, cfg *config.Config, o opening) (_ *app, err error) {
	a := &app{cfg: cfg, now: o.now}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory %s cannot be made: %w", cfg.Data, err)
	}
	if err := a.lock(); err != nil {
		return nil, err
	}
	base, err := a.base(ctx)
	if err != nil {
		return nil, err
	}
	base.Now = o.now
	base.Identity = identity.Options{Secure: a.secure(), Demo: o.demo}
	a.kit = kernel.NewKit(base)
	a.kit.Audit.RootsIn(filepath.Join(cfg.Data, "audit-roots"))
	a.house, err = kernel.Open(a.kit, rooms(a.kit, a.cfg), kernel.Options{Work: o.work, Devices: cfg.Has(config.RoleMQTT), Web: a.web(o)})
	if err != nil {
		return nil, err
	}
	a.know(o.demo)
	if err := a.house.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := a.roles(ctx); err != nil {
		return nil, fmt.Errorf("the built-in roles cannot be written: %w", err)
	}
	return a, nil
}

func (a *app) base(ctx context.Context) (kernel.Base, error) {
	var b kernel.Base
	var err error
	keys := secret.Options{File: a.cfg.Keys.File}
	if keys.File == "" {
		keys.File = filepath.Join(a.cfg.Data, secret.FileName)
	}
	if a.cfg.Keys.KEKFile != "" {
		if keys.KEK, err = secret.FileKEK(a.cfg.Keys.KEKFile); err != nil {
			return b, err
		}
	}
	if b.DB, err = store.Open(ctx, a.cfg.Database.URL, filepath.Join(a.cfg.Data, "qushu.db")); err != nil {
		return b, fmt.Errorf("the database cannot be opened: %w", err)
	}
	a.close = append(a.close, b.DB.Close)
	// What is sealed in rows there are can only be read with the keys it was sealed with.
	if keys.NoMake, err = b.DB.Used(ctx); err != nil {
		return b, err
	}
	if b.Ring, err = secret.OpenWith(keys); err != nil {
		return b, err
	}
	if err := b.DB.CheckCollation(ctx); err != nil {
		return b, err
	}
	b.MaxUpload = int64(a.cfg.Limits.UploadMB) << 20
	if b.Blobs, err = blob.OpenURL(ctx, a.cfg.Blob.URL, a.cfg.Data); err != nil {
		return b, spoken("the files cannot be opened", err)
	}
	if err := a.warehouse(ctx, &b); err != nil {
		return b, err
	}
	b.Series = series.Open(series.Options{Rows: b.DB, Dir: filepath.Join(a.cfg.Data, seriesDir), Now: a.now})
	a.close = append(a.close, b.Series.Close)
	if b.Hub, err = realtime.New(a.cfg.Redis.URL, func(ctx context.Context) string { return authz.From(ctx).Person }); err != nil {
		return b, err
	}
	return b, nil
}

// warehouse opens the engine of big tables beside the rows.
func (a *app) warehouse(ctx context.Context, b *kernel.Base) error {
	memory, err := humanize.ParseBytes(a.cfg.Warehouse.MemoryLimit)
	if err != nil {
		return fmt.Errorf("warehouse.memory_limit: %w", err)
	}
	if url := a.cfg.Warehouse.URL; url != "" {
		far, err := click.Open(ctx, click.Options{URL: url, Owner: owner(b.Ring), Now: b.Now})
		if err != nil {
			return spoken("the warehouse cannot be opened", err)
		}
		w, err := mirror.Open(ctx, far, mirror.Options{Dir: filepath.Join(a.cfg.Data, "warehouse-copies"), Memory: int64(memory), Threads: a.cfg.Warehouse.Threads, Now: b.Now})
		if err != nil {
			return errors.Join(spoken("the copies of the warehouse cannot be opened", err), far.Close())
		}
		a.close = append(a.close, w.Close)
		b.Warehouse = w
		return nil
	}
	w, err := duck.Open(ctx, duck.Options{Dir: filepath.Join(a.cfg.Data, "warehouse"), Memory: int64(memory), Threads: a.cfg.Warehouse.Threads, Now: b.Now})
	if err != nil {
		return spoken("the warehouse cannot be opened", err)
	}
	a.close = append(a.close, w.Close)
	b.Warehouse = w
	return nil
}

// spoken gives an error of opening, which comes before the house and its texts are there, its sentence.
func spoken(what string, err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	words, bad := errs.NewCatalog(blob.Text, warehouse.Text)
	if !ok || bad != nil || !words.Has(e.Key) {
		return fmt.Errorf("%s: %w", what, err)
	}
	text := fmt.Sprintf("%s: %s", what, words.Text("en", e.Key, e.Args...))
	if e.Cause != nil {
		text += fmt.Sprintf(" (%v)", e.Cause)
	}
	return errors.New(text)
}

// owner names the installation by what all its replicas and its backups share and never lose: the oldest key it signs with.
func owner(ring *secret.Ring) string {
	for _, k := range ring.Keys() {
		if k.Purpose == secret.Signing {
			return k.ID
		}
	}
	return ""
}

func (a *app) web(o opening) web.Options {
	return web.Options{Version: version, Site: site.Dist(), TrustProxy: a.cfg.Proxies(), Rate: float64(a.cfg.Limits.RatePerSecond), Burst: a.cfg.Limits.Burst,
		TLS: a.secure(), Trace: a.cfg.Otel.Endpoint != "", Authenticate: a.kit.Identity.Authenticate}
}

// secure reports whether browsers reach the portal by https, through a proxy that ends it too.
func (a *app) secure() bool {
	return a.cfg.TLS.Cert != "" || strings.HasPrefix(a.cfg.PublicURL, "https://")
}

// lock makes one program own the data directory.
func (a *app) lock() error {
	f, err := os.OpenFile(filepath.Join(a.cfg.Data, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("the data directory %s cannot be written: %w", a.cfg.Data, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return errLocked{a.cfg.Data}
	}
	a.close = append(a.close, f.Close)
	return nil
}

// errLocked says that another qushu has the data directory open.
type errLocked struct{ dir string }

func (e errLocked) Error() string {
	return fmt.Sprintf("another qushu is running on %s: stop it first, or give --data another directory", e.dir)
}

// Close closes what open opened, last first.
func (a *app) Close() error {
	var err error
	for i := len(a.close) - 1; i >= 0; i-- {
		err = errors.Join(err, a.close[i]())
	}
	a.close = nil
	return err
}
