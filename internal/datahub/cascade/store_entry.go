package cascade

import (
	"context"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/dataset"
)

const linkColumns = `l.id, l.node, l.entry, l.local_code, l.name, l.unit_id, l.op, l.number, l.upper_code, l.state, l.fault, l.batch, l.synced_at, l.at, l.turn`

func scanLink(l *Link) []any {
	return []any{&l.ID, &l.Node, &l.Entry, &l.LocalCode, &l.Name, &l.Unit, &l.Op, &l.Number, &l.UpperCode, &l.State, store.Into[Fault]{&l.Fault}, &l.Batch, &l.Synced, &l.At, &l.Turn}
}

func links(ctx context.Context, q store.Queryer, which store.Cond, most int) ([]Link, error) {
	return store.All(ctx, q, scanLink, `SELECT `+linkColumns+` FROM cascade_link l WHERE `+which.SQL+` ORDER BY l.at, l.id LIMIT `+strconv.Itoa(most), which.Args...)
}

// putLink notes that an entry is to be told to a node; what was told before, its code above, stays.
func putLink(ctx context.Context, tx *store.Tx, l *Link) error {
	return store.Exec(ctx, tx, `INSERT INTO cascade_link (id, node, entry, local_code, name, unit_id, op, number, state, fault, at, turn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, 1)
		ON CONFLICT (id) DO UPDATE SET local_code = excluded.local_code, name = excluded.name, unit_id = excluded.unit_id, op = excluded.op, number = excluded.number,
		state = 'pending', fault = excluded.fault, batch = '', at = excluded.at, turn = cascade_link.turn + 1 WHERE cascade_link.number < excluded.number OR cascade_link.op <> excluded.op`,
		l.ID, l.Node, l.Entry, l.LocalCode, l.Name, l.Unit, l.Op, l.Number, Fault{}.json(), l.At)
}

const entryColumns = `e.id, e.node, e.local_id, e.upper_code, e.body, e.number, e.state, e.fault, e.last, e.told, e.batch, e.at`

func scanHeld(h *Held) []any {
	return []any{&h.ID, &h.Node, &h.LocalID, &h.UpperCode, store.Into[Entry]{&h.Entry}, &h.Number, &h.State, store.Into[Fault]{&h.Fault}, &h.Last, &h.Told, &h.Batch, &h.At}
}

func entries(ctx context.Context, q store.Queryer, which store.Cond, most int) ([]Held, error) {
	return store.All(ctx, q, scanHeld, `SELECT `+entryColumns+` FROM cascade_entry e WHERE `+which.SQL+` ORDER BY e.id LIMIT `+strconv.Itoa(most), which.Args...)
}

func writeHeld(ctx context.Context, tx *store.Tx, h *Held) error {
	e := &h.Entry
	err := store.Exec(ctx, tx, `INSERT INTO cascade_entry (id, node, local_id, local_code, upper_code, name, provider, share, is_open, cycle, level, items, body, number, state, fault, last, told, batch, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (id) DO UPDATE SET local_code = excluded.local_code, upper_code = excluded.upper_code, name = excluded.name, provider = excluded.provider, share = excluded.share,
		is_open = excluded.is_open, cycle = excluded.cycle, level = excluded.level, items = excluded.items, body = excluded.body, number = excluded.number, state = excluded.state,
		fault = excluded.fault, last = excluded.last, told = excluded.told, batch = excluded.batch, at = excluded.at`,
		h.ID, h.Node, h.LocalID, e.Code, h.UpperCode, e.Name, e.Provider, e.Share, e.Open, e.Cycle, string(e.Level), len(e.Items), store.JSON[Entry]{V: *e}, h.Number, h.State, h.Fault.json(), h.Last, h.Told, h.Batch, h.At)
	if store.IsDuplicate(err) {
		return errs.New(errs.Conflict, "cascade.code_taken", h.UpperCode)
	}
	return err
}

const feedColumns = `f.id, f.node, f.dataset, f.name, f.title, f.columns, f.filter, f.purpose, f.state, f.sent, f.batch, f.fault, f.unit_id, f.street, f.owner, f.by_id, f.by_name, f.at, f.version`

func scanFeed(f *Feed) []any {
	return []any{&f.ID, &f.Node, &f.Dataset, &f.Name, &f.Title, store.Into[[]string]{&f.Columns}, store.Into[dataset.Filter]{&f.Filter}, &f.Purpose, &f.State, &f.Sent, &f.Batch, store.Into[Fault]{&f.Fault},
		&f.Unit, &f.Street, &f.Owner, &f.By, &f.ByName, &f.At, &f.Version}
}

func feeds(ctx context.Context, q store.Queryer, which store.Cond) ([]Feed, error) {
	return store.All(ctx, q, scanFeed, `SELECT `+feedColumns+` FROM cascade_feed f WHERE `+which.SQL+` ORDER BY f.id LIMIT 1000`, which.Args...)
}

func insertFeed(ctx context.Context, tx *store.Tx, f *Feed) error {
	return store.Exec(ctx, tx, `INSERT INTO cascade_feed (id, node, dataset, name, title, columns, filter, purpose, state, fault, unit_id, street, owner, by_id, by_name, at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`, f.ID, f.Node, f.Dataset, f.Name, f.Title, store.JSON[[]string]{V: f.Columns},
		store.JSON[dataset.Filter]{V: f.Filter}, f.Purpose, f.State, f.Fault.json(), f.Unit, f.Street, f.Owner, f.By, f.ByName, f.At, f.Version)
}

const sourceColumns = `s.id, s.node, s.feed, s.title, s.dataset, s.name, s.number, s.row_count, s.root, s.batch, s.watermark, s.at`

func scanSource(s *Source) []any {
	return []any{&s.ID, &s.Node, &s.Feed, &s.Title, &s.Dataset, &s.Name, &s.Number, &s.Rows, &s.Root, &s.Batch, &s.Mark, &s.At}
}

func sources(ctx context.Context, q store.Queryer, which store.Cond) ([]Source, error) {
	return store.All(ctx, q, scanSource, `SELECT `+sourceColumns+` FROM cascade_source s WHERE `+which.SQL+` ORDER BY s.id LIMIT 1000`, which.Args...)
}

func writeSource(ctx context.Context, tx *store.Tx, s *Source) error {
	return store.Exec(ctx, tx, `INSERT INTO cascade_source (id, node, feed, title, dataset, name, number, row_count, root, batch, watermark, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, dataset = excluded.dataset, name = excluded.name, number = excluded.number, row_count = excluded.row_count, root = excluded.root,
		batch = excluded.batch, watermark = excluded.watermark, at = excluded.at`,
		s.ID, s.Node, s.Feed, s.Title, s.Dataset, s.Name, s.Number, s.Rows, s.Root, s.Batch, s.Mark, s.At)
}

// goneLink notes that an entry a node knows of went offline.
func goneLink(ctx context.Context, tx *store.Tx, l *Link) error {
	return store.Exec(ctx, tx, `UPDATE cascade_link SET op = 'offline', state = 'pending', fault = $1, batch = '', at = $2, turn = turn + 1 WHERE id = $3 AND op <> 'offline'`, Fault{}.json(), l.At, l.ID)
}
