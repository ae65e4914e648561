package desk

import (
	"context"

	"qushu/internal/base/store"
)

// Teller reaches people with a message of the system.
type Teller interface {
	// Tell sends everybody of to the words of key with args, and a link; must stays unread until it is opened.
	Tell(ctx context.Context, tx *store.Tx, to []string, key string, args []any, link, id string, must bool) error
}

// page is how many people are read at a time.
const page = 1000

// inform puts a new notice into the inbox of everybody it is addressed to. It may run twice: the version
// told is noted with the messages.
func (d *Desk) inform(ctx context.Context, e Published) error {
	if d.Teller == nil {
		return nil
	}
	var to []string
	for after := ""; ; {
		people, err := d.People.ListIn(ctx, d.db, e.Units, after, page)
		if err != nil {
			return err
		}
		for _, p := range people {
			to = append(to, p.ID)
		}
		if len(people) < page {
			break
		}
		after = people[len(people)-1].ID
	}
	return d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		fresh, err := markTold(ctx, tx, e.ID)
		if err != nil || !fresh {
			return err
		}
		key := "desk.told"
		if e.Must {
			key = "desk.told_must"
		}
		return d.Teller.Tell(ctx, tx, to, key, []any{e.Unit.Name, e.Title}, "/desk/notices/"+e.ID, e.ID, e.Must)
	})
}

// markTold notes that the readers are told of the notice as it stands; false when they were already, or it is withdrawn.
func markTold(ctx context.Context, q store.Queryer, id string) (bool, error) {
	res, err := q.ExecContext(ctx, `UPDATE desk_notice SET told = version WHERE id = $1 AND told < version AND withdrawn_at = 0`, id)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
