package exchange

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/datahub/exchange/internal/deliver"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// DeliveryLine is a delivery in a list. Its password is shown to nobody.
type DeliveryLine struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Plan    deliver.Plan `json:"plan"`
	State   string       `json:"state" enum:"active,paused"`
	Next    store.Time   `json:"nextAt" doc:"null where it waits for something else"`
	ByName  string       `json:"byName"`
	At      store.Time   `json:"at"`
	Last    *RunLine     `json:"last,omitempty"`
	Version int64        `json:"version" doc:"to be sent back with a change"`
}

func deliveryLine(d *delivery, last []RunLine) DeliveryLine {
	l := DeliveryLine{ID: d.ID, Title: d.Title, Plan: d.Plan.V, State: d.State, Next: d.Next, ByName: d.ByName, At: d.At, Version: d.Version}
	l.Plan.Target.Keys = append([]string{}, l.Plan.Target.Keys...)
	if len(last) > 0 {
		l.Last = &last[0]
	}
	return l
}

// usableDelivery returns a delivery of a grant the actor may use.
func (x *Exchange) usableDelivery(ctx context.Context, q store.Queryer, id string) (delivery, grant, error) {
	d, err := findDelivery(ctx, q, id)
	if err != nil {
		return d, grant{}, err
	}
	g, err := x.usable(ctx, q, d.Grant)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "exchange.no_delivery")
	}
	return d, g, err
}

type deliveriesOut struct {
	Body struct {
		Items  []DeliveryLine `json:"items" nullable:"false"`
		Folder bool           `json:"folder" doc:"files may be delivered to this machine"`
	}
}

func (x *Exchange) listDeliveries(ctx context.Context, in *grantIn) (*deliveriesOut, error) {
	g, err := x.usable(ctx, x.db, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := store.All(ctx, x.db, scanDelivery, `SELECT `+deliveryColumns+` FROM exchange_delivery d WHERE d.grant_id = $1 ORDER BY d.at DESC, d.id DESC`, g.ID)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOut{}
	out.Body.Items, out.Body.Folder = []DeliveryLine{}, x.settings.String(ctx, "exchange.folder") != ""
	for i := range all {
		last, err := store.All(ctx, x.db, scanRun, `SELECT `+runColumns+` FROM exchange_run r WHERE r.delivery = $1 ORDER BY r.at DESC, r.id DESC LIMIT 1`, all[i].ID)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, deliveryLine(&all[i], last))
	}
	return out, nil
}

type makeDeliveryIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Title  string       `json:"title" minLength:"2" maxLength:"60"`
		Plan   deliver.Plan `json:"plan"`
		Secret string       `json:"secret" required:"false" maxLength:"8000" doc:"password, or private key (PEM) of SFTP"`
	}
}
type deliveryOut struct{ Body DeliveryLine }

// makeDelivery sets a delivery up. Where to is bounded by what the security administrator allows.
func (x *Exchange) makeDelivery(ctx context.Context, in *makeDeliveryIn) (*deliveryOut, error) {
	me, b := authz.From(ctx), in.Body
	d := &delivery{ID: id.New(), Title: strings.TrimSpace(b.Title), State: active, By: me.Person, ByName: me.Name, At: store.At(x.now()), Version: 1}
	d.Plan.V = b.Plan
	d.Next = store.At(b.Plan.Schedule.Next(x.now()))
	if b.Secret != "" {
		d.sealed = x.ring.Seal(deliveryPlace(d.ID), []byte(b.Secret))
	}
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := x.usable(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if _, err := x.inUse(ctx, tx, &g, dataset.Push); err != nil {
			return err
		}
		d.Grant = g.ID
		if bad := d.Plan.V.Faults(g.Terms.V.Columns); len(bad) > 0 {
			return errs.New(errs.Invalid, "exchange.bad_plan").With(bad...)
		}
		if err := x.reachable(ctx, d.Plan.V.Target); err != nil {
			return err
		}
		if ds, err := x.datasets.Get(ctx, tx, g.Dataset, everyDataset); err != nil {
			return err
		} else if ds.IsLive() && d.Plan.V.Schedule.Kind == "version" {
			return errs.New(errs.Invalid, "exchange.bad_plan").With(errs.Field{Name: "schedule", Key: "exchange.live_version", Args: []any{ds.Title}})
		}
		if err := store.Exec(ctx, tx, `INSERT INTO exchange_delivery (id, grant_id, title, plan, sealed, state, next_at, by_id, by_name, at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			d.ID, d.Grant, d.Title, d.Plan, d.sealed, d.State, d.Next, d.By, d.ByName, d.At, d.Version); err != nil {
			return err
		}
		t := d.Plan.V.Target
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.delivery", Object: "exchange_grant", ID: g.ID, Title: g.Title,
			Detail: map[string]any{"delivery": d.ID, "kind": t.Kind, "host": t.Host, "path": t.Path, "table": t.Table, "schedule": d.Plan.V.Schedule.Kind}})
	})
	if err != nil {
		return nil, err
	}
	return &deliveryOut{deliveryLine(d, nil)}, nil
}

// reachable makes sure that a target is one of those allowed: data leaves to no other.
func (x *Exchange) reachable(ctx context.Context, t deliver.Target) error {
	if t.Kind == "folder" {
		if x.settings.String(ctx, "exchange.folder") == "" {
			return errs.New(errs.Denied, "exchange.no_folder")
		}
		return nil
	}
	allowed := x.settings.Strings(ctx, "exchange.targets")
	if slices.Contains(allowed, t.Host) || slices.Contains(allowed, net.JoinHostPort(t.Host, strconv.Itoa(t.Port))) {
		return nil
	}
	return errs.New(errs.Denied, "exchange.not_allowed", t.Host)
}

type switchIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		State   string `json:"state" enum:"active,paused"`
		Version int64  `json:"version"`
	}
}

// switchDelivery pauses a delivery or takes it up again.
func (x *Exchange) switchDelivery(ctx context.Context, in *switchIn) (*deliveryOut, error) {
	var d delivery
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var g grant
		var err error
		if d, g, err = x.usableDelivery(ctx, tx, in.ID); err != nil {
			return err
		}
		d.State, d.Next, d.Version = in.Body.State, store.At(d.Plan.V.Schedule.Next(x.now())), in.Body.Version+1
		if err := store.ExecOne(ctx, tx, `UPDATE exchange_delivery SET state = $1, next_at = $2, version = $3 WHERE id = $4 AND version = $5`, d.State, d.Next, d.Version, d.ID, in.Body.Version); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.delivery", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: map[string]any{"delivery": d.ID, "state": d.State}})
	})
	return &deliveryOut{deliveryLine(&d, nil)}, err
}

func (x *Exchange) dropDelivery(ctx context.Context, in *dropIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, g, err := x.usableDelivery(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `DELETE FROM exchange_delivery WHERE id = $1 AND version = $2`, d.ID, in.Version); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.delivery_drop", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: map[string]any{"delivery": d.ID, "title": d.Title}})
	})
}

type runsIn struct {
	ID string `path:"id" maxLength:"40"`
	store.Page
}
type runsOut struct{ Body store.Listed[RunLine] }

func (x *Exchange) listRuns(ctx context.Context, in *runsIn) (*runsOut, error) {
	d, _, err := x.usableDelivery(ctx, x.db, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := store.List(ctx, x.db, store.Query[RunLine]{Select: `SELECT ` + runColumns + ` FROM exchange_run r`, Scope: store.Unscoped("the delivery has been checked"), Where: []store.Cond{store.C("r.delivery = $1", d.ID)},
		Keys: []string{"r.at", "r.id"}, Desc: true, Page: in.Page, Scan: scanRun, Cursor: func(r *RunLine) []any { return []any{r.At, r.ID} }})
	return &runsOut{all}, err
}

type runOut struct {
	Body struct {
		Run string `json:"run"`
	}
}

// startRun delivers now, or once more after a failure.
func (x *Exchange) startRun(ctx context.Context, in *grantIn) (*runOut, error) {
	out := &runOut{}
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, g, err := x.usableDelivery(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if _, err := x.inUse(ctx, tx, &g, dataset.Push); err != nil {
			return err
		}
		if out.Body.Run, err = x.begin(ctx, tx, &d, "person"); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.deliver", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: map[string]any{"delivery": d.ID, "run": out.Body.Run}})
	})
	return out, err
}

// cancelRun stops a run: what it staged is never given its name.
func (x *Exchange) cancelRun(ctx context.Context, in *grantIn) (*struct{}, error) {
	return nil, x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := store.One(ctx, tx, scanRun, `SELECT `+runColumns+` FROM exchange_run r WHERE r.id = $1`, in.ID)
		if errs.Is(err, errs.Missing) {
			return errs.New(errs.Missing, "exchange.no_delivery")
		}
		if err != nil {
			return err
		}
		_, g, err := x.usableDelivery(ctx, tx, r.Delivery)
		if err != nil {
			return err
		}
		if err := store.ExecOne(ctx, tx, `UPDATE exchange_run SET state = 'cancelled', ended_at = $1 WHERE id = $2 AND state IN ('queued', 'running')`, store.At(x.now()), r.ID); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.cancel", Object: "exchange_grant", ID: g.ID, Title: g.Title, Detail: map[string]any{"run": r.ID}})
	})
}
