package flow

import (
	"cmp"
	"context"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
)

// mostDays bounds how long somebody may be stood in for at once.
const mostDays = 92

// Deputy is somebody who acts in another's place for a time (委托).
type Deputy struct {
	ID         string     `json:"id"`
	Person     string     `json:"person"`
	PersonName string     `json:"personName"`
	Deputy     string     `json:"deputy"`
	DeputyName string     `json:"deputyName"`
	From       store.Time `json:"from"`
	Until      store.Time `json:"until"`
	Reason     string     `json:"reason"`
	Stands     bool       `json:"stands" doc:"it counts now"`
	Ended      store.Time `json:"endedAt" doc:"taken back or over"`
}

const deputyColumns = `id, person, deputy, from_at, until_at, reason, stands, ended_at`

func scanDeputy(d *Deputy) []any {
	return []any{&d.ID, &d.Person, &d.Deputy, &d.From, &d.Until, &d.Reason, &d.Stands, &d.Ended}
}

type deputiesOut struct {
	Body struct {
		Items []Deputy `json:"items" nullable:"false" doc:"those I gave and those I have, the newest first"`
	}
}

func (f *Flow) deputies(ctx context.Context, _ *struct{}) (*deputiesOut, error) {
	me := actorID(ctx)
	all, err := store.All(ctx, f.db, scanDeputy, `SELECT `+deputyColumns+` FROM flow_deputy WHERE person = $1 OR deputy = $2 ORDER BY from_at DESC, id LIMIT 100`, me, me)
	if err != nil {
		return nil, err
	}
	out := &deputiesOut{}
	out.Body.Items, err = f.nameDeputies(ctx, f.db, all)
	return out, err
}

func (f *Flow) nameDeputies(ctx context.Context, q store.Queryer, all []Deputy) ([]Deputy, error) {
	var ids []string
	for _, d := range all {
		ids = append(ids, d.Person, d.Deputy)
	}
	known, err := f.org.People(ctx, q, ids)
	out := []Deputy{}
	for _, d := range all {
		d.PersonName, d.DeputyName = known[d.Person].Name, known[d.Deputy].Name
		out = append(out, d)
	}
	return out, err
}

type appointIn struct {
	Body struct {
		Deputy string     `json:"deputy" maxLength:"40"`
		From   store.Time `json:"from"`
		Until  store.Time `json:"until"`
		Reason string     `json:"reason" minLength:"2" maxLength:"200"`
	}
}

type deputyOut struct{ Body Deputy }

// appoint lets somebody act in the actor's place for a time. Times of one person do not overlap.
func (f *Flow) appoint(ctx context.Context, in *appointIn) (*deputyOut, error) {
	me, now := authz.From(ctx), store.At(f.now())
	b := &in.Body
	if b.From.Before(now.Time) {
		b.From = now
	}
	switch {
	case b.Deputy == me.Person:
		return nil, needs("deputy", "flow.one_other")
	case !b.Until.After(b.From.Time):
		return nil, needs("until", "flow.until_after")
	case b.Until.Sub(b.From.Time) > mostDays*24*time.Hour:
		return nil, needs("until", "flow.too_long", mostDays)
	}
	d := Deputy{ID: id.New(), Person: me.Person, Deputy: b.Deputy, From: b.From, Until: b.Until, Reason: b.Reason}
	err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "flow_deputy", me.Person); err != nil {
			return err
		}
		known, err := f.org.People(ctx, tx, []string{b.Deputy})
		if err != nil {
			return err
		}
		if known[b.Deputy].ID == "" || !known[b.Deputy].Active() {
			return needs("deputy", "flow.not_there", known[b.Deputy].Name)
		}
		n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM flow_deputy WHERE person = $1 AND ended_at = 0 AND from_at < $2 AND until_at > $3`, me.Person, b.Until, b.From)
		if err != nil {
			return err
		}
		if n > 0 {
			return errs.New(errs.Conflict, "flow.deputy_already")
		}
		if err := store.Exec(ctx, tx, `INSERT INTO flow_deputy (id, person, deputy, from_at, until_at, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`, d.ID, d.Person, d.Deputy, d.From, d.Until, d.Reason, now); err != nil {
			return err
		}
		if !d.From.After(now.Time) {
			d.Stands = true
			if err := f.stand(ctx, tx, d); err != nil {
				return err
			}
		}
		if err := f.notify.Send(ctx, tx, notify.Notice{To: []string{d.Deputy}, Kind: notify.Task, Key: "flow.told_deputy", Args: []any{me.Name, d.From.Format("2006-01-02"), d.Until.Format("2006-01-02")}, Link: "/flow/deputies", Object: "flow_deputy", ID: d.ID}); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.appoint", Object: "flow_deputy", ID: d.ID, Title: known[d.Deputy].Name, Purpose: d.Reason, Detail: map[string]any{"deputy": d.Deputy, "from": d.From, "until": d.Until}})
	})
	if err != nil {
		return nil, err
	}
	all, err := f.nameDeputies(ctx, f.db, []Deputy{d})
	return &deputyOut{all[0]}, err
}

// dismiss takes it back; what the deputy has done stays done.
func (f *Flow) dismiss(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err := store.One(ctx, tx, scanDeputy, `SELECT `+deputyColumns+` FROM flow_deputy WHERE id = $1 AND person = $2`, in.ID, actorID(ctx))
		if errs.Is(err, errs.Missing) {
			err = errs.New(errs.Missing, "flow.no_deputy")
		}
		if err != nil {
			return err
		}
		if err := f.standDown(ctx, tx, d); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "flow.dismiss", Object: "flow_deputy", ID: d.ID})
	})
}

// stand puts what a person has before him on his deputy's list too.
func (f *Flow) stand(ctx context.Context, tx *store.Tx, d Deputy) error {
	if err := store.Exec(ctx, tx, `UPDATE flow_deputy SET stands = TRUE WHERE id = $1`, d.ID); err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `INSERT INTO flow_todo (person, task_id, case_id, box, at, due_at, for_person) SELECT $1, task_id, case_id, box, at, due_at, $2 FROM flow_todo t WHERE t.person = $3 AND t.box = 'do' AND t.for_person = ''
		ON CONFLICT (person, task_id) DO NOTHING`, d.Deputy, d.Person, d.Person); err != nil {
		return err
	}
	f.tellBoxes(tx, d.Deputy)
	return nil
}

// standDown ends it: what came to the deputy by it is off his list.
func (f *Flow) standDown(ctx context.Context, tx *store.Tx, d Deputy) error {
	if err := store.Exec(ctx, tx, `UPDATE flow_deputy SET stands = FALSE, ended_at = $1 WHERE id = $2 AND ended_at = 0`, store.At(f.now()), d.ID); err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `DELETE FROM flow_todo WHERE person = $1 AND for_person = $2`, d.Deputy, d.Person); err != nil {
		return err
	}
	f.tellBoxes(tx, d.Deputy)
	return nil
}

func (f *Flow) tellBoxes(tx *store.Tx, person string) {
	tx.After(func() {
		if f.Push != nil {
			f.Push(person, notify.Pushed{Topic: "flow.boxes"})
		}
	})
}

// keepDeputies begins and ends what is due.
func (f *Flow) keepDeputies(ctx context.Context) error {
	ctx = bySystem(ctx)
	now := store.At(f.now())
	all, err := store.All(ctx, f.db, scanDeputy, `SELECT `+deputyColumns+` FROM flow_deputy WHERE ended_at = 0 AND (until_at <= $1 OR stands = FALSE AND from_at <= $2) ORDER BY from_at`, now, now)
	if err != nil {
		return err
	}
	for _, d := range all {
		err := f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if !d.Until.After(now.Time) {
				return f.standDown(ctx, tx, d)
			}
			return f.stand(ctx, tx, d)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// also adds the deputies of people who are handed a task.
func also(ctx context.Context, tx *store.Tx, k *Item, people []string) error {
	if k.Box != "do" || len(people) == 0 {
		return nil
	}
	in := store.In("person", people)
	all, err := store.All(ctx, tx, scanDeputy, `SELECT `+deputyColumns+` FROM flow_deputy WHERE stands = TRUE AND `+in.SQL, in.Args...)
	for _, d := range all {
		if err := store.Exec(ctx, tx, `INSERT INTO flow_todo (person, task_id, case_id, box, at, due_at, for_person) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (person, task_id) DO NOTHING`,
			d.Deputy, k.ID, k.Case, k.Box, k.Begun, k.Due, d.Person); err != nil {
			return err
		}
	}
	return err
}

// inPlaceOf is whose task the actor does, himself when it is his own; "" when he has none of it.
func inPlaceOf(ctx context.Context, q store.Queryer, task, person string) (string, error) {
	all, err := store.Column[string](ctx, q, `SELECT for_person FROM flow_todo WHERE task_id = $1 AND person = $2`, task, person)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return cmp.Or(all[0], person), nil
}
