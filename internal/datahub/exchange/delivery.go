package exchange

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/exchange/internal/deliver"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// How a delivery stands.
const (
	active = "active"
	paused = "paused"
)

func deliveryPlace(id string) string { return "exchange_delivery.sealed/" + id }

func (x *Exchange) deliveryRoutes() []room.Route {
	return []room.Route{
		room.Get("/grants/{id}/deliveries", "exchange.use", x.listDeliveries),
		room.Post("/grants/{id}/deliveries", "exchange.use", x.makeDelivery),
		room.Put("/deliveries/{id}/state", "exchange.use", x.switchDelivery),
		room.Delete("/deliveries/{id}", "exchange.use", x.dropDelivery),
		room.Get("/deliveries/{id}/runs", "exchange.use", x.listRuns),
		room.Post("/deliveries/{id}/runs", "exchange.use", x.startRun),
		room.Post("/runs/{id}/cancel", "exchange.use", x.cancelRun),
	}
}

func (x *Exchange) deliveryJobs() []jobs.Handler {
	work := jobs.Handle("exchange.deliver", x.deliver)
	work.Timeout, work.Attempts = 2*time.Hour, 3
	return []jobs.Handler{work, jobs.Periodic("exchange.schedule", jobs.Every(time.Minute), x.schedule)}
}

// delivery is one row of exchange_delivery.
type delivery struct {
	ID, Grant, Title, sealed, State, By, ByName string
	Plan                                        store.JSON[deliver.Plan]
	Next                                        store.Time
	Sent                                        int64
	At                                          store.Time
	Version                                     int64
}

const deliveryColumns = `d.id, d.grant_id, d.title, d.sealed, d.state, d.by_id, d.by_name, d.plan, d.next_at, d.sent, d.at, d.version`

func scanDelivery(d *delivery) []any {
	return []any{&d.ID, &d.Grant, &d.Title, &d.sealed, &d.State, &d.By, &d.ByName, &d.Plan, &d.Next, &d.Sent, &d.At, &d.Version}
}

func findDelivery(ctx context.Context, q store.Queryer, id string) (delivery, error) {
	d, err := store.One(ctx, q, scanDelivery, `SELECT `+deliveryColumns+` FROM exchange_delivery d WHERE d.id = $1`, id)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "exchange.no_delivery")
	}
	return d, err
}

// RunLine is one delivery that was made, or tried: one row of exchange_run.
type RunLine struct {
	ID       string     `json:"id"`
	Delivery string     `json:"-"`
	State    string     `json:"state" enum:"queued,running,done,failed,cancelled"`
	Cause    string     `json:"cause" enum:"schedule,version,person"`
	Number   int64      `json:"number" doc:"version of the dataset"`
	Rows     int64      `json:"rows"`
	Bytes    int64      `json:"bytes" doc:"of a file"`
	File     string     `json:"file"`
	Hash     string     `json:"hash" doc:"SHA-256 of the file"`
	Reason   string     `json:"reason" doc:"why it failed"`
	At       store.Time `json:"at"`
	Begun    store.Time `json:"begunAt"`
	Ended    store.Time `json:"endedAt"`
}

const runColumns = `r.id, r.delivery, r.state, r.cause, r.number, r.rows_done, r.bytes, r.file, r.hash, r.reason, r.at, r.begun_at, r.ended_at`

func scanRun(r *RunLine) []any {
	return []any{&r.ID, &r.Delivery, &r.State, &r.Cause, &r.Number, &r.Rows, &r.Bytes, &r.File, &r.Hash, &r.Reason, &r.At, &r.Begun, &r.Ended}
}

// begin queues a run of a delivery, unless one is under way.
func (x *Exchange) begin(ctx context.Context, tx *store.Tx, d *delivery, cause string) (string, error) {
	if err := store.Lock(ctx, tx, "exchange_delivery", d.ID); err != nil {
		return "", err
	}
	n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM exchange_run WHERE delivery = $1 AND state IN ('queued', 'running')`, d.ID)
	if err != nil {
		return "", err
	}
	if n > 0 {
		return "", errs.New(errs.Conflict, "exchange.run_open", d.Title)
	}
	r := id.New()
	if err := store.Exec(ctx, tx, `INSERT INTO exchange_run (id, delivery, state, cause, at) VALUES ($1, $2, 'queued', $3, $4)`, r, d.ID, cause, store.At(x.now())); err != nil {
		return "", err
	}
	return r, x.jobs.Enqueue(ctx, tx, "exchange.deliver", runJob{r})
}

// runJob names the run a job does.
type runJob struct {
	Run string `json:"run"`
}

// schedule queues what is due: by the clock, or since its dataset has a new version. A delivery whose grant no longer stands
// is paused.
func (x *Exchange) schedule(ctx context.Context) error {
	ctx = room.BySystem(ctx)
	now := x.now()
	due, err := store.All(ctx, x.db, scanDelivery, `SELECT `+deliveryColumns+` FROM exchange_delivery d WHERE d.state = 'active' AND d.next_at <= $1 ORDER BY d.next_at, d.id LIMIT 1000`, store.At(now))
	if err != nil {
		return err
	}
	for _, one := range due {
		if one.Plan.V.Schedule.Kind == "manual" {
			continue
		}
		if err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return x.due(ctx, tx, &one, now) }); err != nil && !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
}

func (x *Exchange) due(ctx context.Context, tx *store.Tx, d *delivery, now time.Time) error {
	g, err := findGrant(ctx, tx, store.C("a.id = $1", d.Grant))
	if err != nil {
		return err
	}
	if _, err := x.inUse(ctx, tx, &g, dataset.Push); errs.Is(err, errs.Denied) {
		return store.Exec(ctx, tx, `UPDATE exchange_delivery SET state = 'paused', version = version + 1 WHERE id = $1`, d.ID)
	} else if err != nil {
		return err
	}
	cause := "schedule"
	if d.Plan.V.Schedule.Kind == "version" {
		ds, err := x.datasets.Get(ctx, tx, g.Dataset, everyDataset)
		if err != nil || ds.Number == d.Sent {
			return err
		}
		cause = "version"
	} else if err := store.Exec(ctx, tx, `UPDATE exchange_delivery SET next_at = $1 WHERE id = $2`, store.At(d.Plan.V.Schedule.Next(now)), d.ID); err != nil {
		return err
	}
	_, err = x.begin(ctx, tx, d, cause)
	if errs.Is(err, errs.Conflict) { // the one before is still under way: this turn is left out
		return nil
	}
	return err
}
