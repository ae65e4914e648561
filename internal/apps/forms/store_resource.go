package forms

import (
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
)

// Resource is one thing that is reserved: a car, a room.
type Resource struct {
	ID      string `json:"id"`
	App     string `json:"app"`
	Kind    string `json:"kind" doc:"key of the declaration's resource"`
	Key     string `json:"key"`
	Title   string `json:"title"`
	Note    string `json:"note"`
	Seats   int    `json:"seats"`
	Open    bool   `json:"open" doc:"may be reserved"`
	Rank    int    `json:"rank"`
	Version int64  `json:"version"`
}

const resourceColumns = `id, app, kind, key, title, note, seats, open, rank, version`

func scanResource(r *Resource) []any {
	return []any{&r.ID, &r.App, &r.Kind, &r.Key, &r.Title, &r.Note, &r.Seats, &r.Open, &r.Rank, &r.Version}
}

func resources(ctx context.Context, q store.Queryer, which store.Cond) ([]Resource, error) {
	return store.All(ctx, q, scanResource, `SELECT `+resourceColumns+` FROM forms_resource WHERE `+which.SQL+` ORDER BY rank, key, id`, which.Args...)
}

func oneResource(ctx context.Context, q store.Queryer, which store.Cond) (Resource, error) {
	all, err := resources(ctx, q, which)
	if err == nil && len(all) == 0 {
		err = errs.New(errs.Missing, "forms.no_resource")
	}
	if err != nil {
		return Resource{}, err
	}
	return all[0], nil
}

// insertResource adds one and reports whether it was not there yet.
func insertResource(ctx context.Context, tx *store.Tx, r *Resource) (bool, error) {
	r.ID, r.Version = id.New(), 1
	res, err := tx.ExecContext(ctx, `INSERT INTO forms_resource (`+resourceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (app, kind, key) DO NOTHING`,
		r.ID, r.App, r.Kind, r.Key, r.Title, r.Note, r.Seats, r.Open, r.Rank, r.Version)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func saveResource(ctx context.Context, tx *store.Tx, r *Resource) error {
	r.Version++
	return store.ExecOne(ctx, tx, `UPDATE forms_resource SET title = $1, note = $2, seats = $3, open = $4, rank = $5, version = $6 WHERE id = $7 AND version = $8`,
		r.Title, r.Note, r.Seats, r.Open, r.Rank, r.Version, r.ID, r.Version-1)
}

// Booking is one reserved interval.
type Booking struct {
	Entry    string
	Field    string
	App      string
	Resource string
	From     store.Time // [From, Until)
	Until    store.Time
	Title    string // of the entry
	Number   string
	Name     string // who filed it
}

func scanBooking(b *Booking) []any {
	return []any{&b.Entry, &b.Field, &b.App, &b.Resource, &b.From, &b.Until, &b.Title, &b.Number, &b.Name}
}

// bookings lists what is reserved of resources between two moments.
func bookings(ctx context.Context, q store.Queryer, res []string, from, until time.Time) ([]Booking, error) {
	where := store.And(store.In("b.resource", res), store.C("b.from_at < $1 AND b.until_at > $2", store.At(until), store.At(from)))
	return store.All(ctx, q, scanBooking, `SELECT b.entry, b.field, b.app, b.resource, b.from_at, b.until_at, e.title, e.number, e.owner_name
		FROM forms_booking b JOIN forms_entry e ON e.id = b.entry WHERE `+where.SQL+` ORDER BY b.from_at, b.entry`, where.Args...)
}

// book reserves b for its entry in place of what the entry had reserved there, or says who has it. The lock makes two
// who reserve one thing at once come one after the other.
func book(ctx context.Context, tx *store.Tx, b Booking) error {
	if err := store.Lock(ctx, tx, "forms_resource", b.Resource); err != nil {
		return err
	}
	r, err := oneResource(ctx, tx, store.C("id = $1", b.Resource))
	if err != nil {
		return err
	}
	taken, err := bookings(ctx, tx, []string{b.Resource}, b.From.Time, b.Until.Time)
	if err != nil {
		return err
	}
	for _, t := range taken {
		if t.Entry == b.Entry && t.Field == b.Field {
			continue
		}
		clash := errs.Field{Name: b.Field, Key: "forms.taken", Args: []any{r.Title, clock(t.From), clock(t.Until), t.Name}}
		return errs.New(errs.Conflict, clash.Key, clash.Args...).With(clash)
	}
	if !r.Open && !alreadyHas(taken, b) {
		return errs.New(errs.Conflict, "forms.closed_resource", r.Title).With(errs.Field{Name: b.Field, Key: "forms.closed_resource", Args: []any{r.Title}})
	}
	return store.Exec(ctx, tx, `INSERT INTO forms_booking (entry, field, app, resource, from_at, until_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (entry, field) DO UPDATE SET resource = excluded.resource, from_at = excluded.from_at, until_at = excluded.until_at`,
		b.Entry, b.Field, b.App, b.Resource, b.From, b.Until)
}

func alreadyHas(taken []Booking, b Booking) bool {
	for _, t := range taken {
		if t.Entry == b.Entry && t.Field == b.Field {
			return true
		}
	}
	return false
}

func clock(t store.Time) string { return t.In(when.Zone).Format("01-02 15:04") }

// begun lists the reservations of open entries that began lately and are not over.
func begun(ctx context.Context, q store.Queryer, now time.Time) ([]Booking, error) {
	return store.All(ctx, q, scanBooking, `SELECT b.entry, b.field, b.app, b.resource, b.from_at, b.until_at, e.title, e.number, e.owner_name
		FROM forms_booking b JOIN forms_entry e ON e.id = b.entry WHERE b.from_at < $1 AND b.until_at > $2 AND e.state = 'open' ORDER BY b.from_at, b.entry`, store.At(now), store.At(now))
}

func release(ctx context.Context, tx *store.Tx, entry, field string) error {
	return store.Exec(ctx, tx, `DELETE FROM forms_booking WHERE entry = $1 AND field = $2`, entry, field)
}

// dated is a moment with its year, "" for none.
func dated(t store.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(when.Zone).Format("2006-01-02 15:04")
}
