package desk

import (
	"context"
	"slices"
	"strconv"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// lineColumns are read by scanLine.
const lineColumns = `n.id, n.title, n.unit_id, n.unit_name, n.published_at, n.pinned_until, n.withdrawn_at, n.must_read, n.asked_at`

func scanLine(l *Line) []any {
	return []any{&l.ID, &l.Title, &l.Unit.ID, &l.Unit.Name, &l.PublishedAt, &l.PinnedUntil, &l.WithdrawnAt, &l.Must, &l.asked}
}

func scanNotice(n *Notice) []any {
	return append(scanLine(&n.Line), &n.Body, &n.By, &n.EditedAt, &n.EditedBy, &n.WithdrawnBy, &n.WithdrawnWhy, &n.Version)
}

// addressed is true of the notices n that are addressed to everybody or to one of units.
func addressed(units []string) store.Cond {
	in := unitsIn(units)
	return store.Cond{SQL: `EXISTS (SELECT 1 FROM desk_notice_unit u WHERE u.notice_id = n.id AND ` + in.SQL + `)`, Args: in.Args}
}

// unitsIn is true of the rows u that address everybody or one of units.
func unitsIn(units []string) store.Cond { return store.In("u.unit_id", append([]string{""}, units...)) }

// visible is true of the notices n that a person in these units may read.
func visible(units []string) store.Cond {
	return store.And(store.C("n.withdrawn_at = 0"), addressed(units))
}

func insertNotice(ctx context.Context, tx *store.Tx, n *Notice, owner, street string) error {
	err := store.Exec(ctx, tx, `INSERT INTO desk_notice (id, title, body, unit_id, unit_name, street, owner, owner_name, published_at, asked_at, must_read, pinned_until, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		n.ID, n.Title, n.Body, n.Unit.ID, n.Unit.Name, street, owner, n.By, n.PublishedAt, n.asked, n.Must, n.PinnedUntil, n.Version)
	if err != nil {
		return err
	}
	return address(ctx, tx, n)
}

// address writes whom n is addressed to, with what is repeated there.
func address(ctx context.Context, tx *store.Tx, n *Notice) error {
	if err := store.Exec(ctx, tx, `DELETE FROM desk_notice_unit WHERE notice_id = $1`, n.ID); err != nil {
		return err
	}
	units := n.units
	if n.All {
		units = []string{""}
	}
	for _, u := range units {
		if err := store.Exec(ctx, tx, `INSERT INTO desk_notice_unit (notice_id, unit_id, at, must_read, asked_at, pinned_until, live) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			n.ID, u, n.PublishedAt, n.Must, n.asked, n.PinnedUntil, n.WithdrawnAt.IsZero()); err != nil {
			return err
		}
	}
	return nil
}

// saveNotice replaces the version before n's; Conflict when that is not the present one.
func saveNotice(ctx context.Context, tx *store.Tx, n *Notice) error {
	err := store.ExecOne(ctx, tx, `UPDATE desk_notice SET title = $1, body = $2, must_read = $3, pinned_until = $4, edited_at = $5, edited_by = $6, asked_at = $7,
		withdrawn_at = $8, withdrawn_by = $9, withdrawn_why = $10, version = $11 WHERE id = $12 AND version = $13`,
		n.Title, n.Body, n.Must, n.PinnedUntil, n.EditedAt, n.EditedBy, n.asked, n.WithdrawnAt, n.WithdrawnBy, n.WithdrawnWhy, n.Version, n.ID, n.Version-1)
	if err != nil {
		return err
	}
	return address(ctx, tx, n)
}

// findNotice returns the notice if which holds for it, with whom it is addressed to; Missing otherwise.
func findNotice(ctx context.Context, q store.Queryer, id string, which store.Cond) (*Notice, error) {
	where := store.And(store.C("n.id = $1", id), which)
	n, err := store.One(ctx, q, scanNotice, `SELECT `+lineColumns+`, n.body, n.owner_name, n.edited_at, n.edited_by, n.withdrawn_by, n.withdrawn_why, n.version
		FROM desk_notice n WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		return nil, errs.New(errs.Missing, "desk.missing")
	}
	if err != nil {
		return nil, err
	}
	n.units, err = store.Column[string](ctx, q, `SELECT unit_id FROM desk_notice_unit WHERE notice_id = $1 ORDER BY unit_id`, id)
	if len(n.units) == 1 && n.units[0] == "" {
		n.All, n.units = true, nil
	}
	n.To = []Unit{}
	return &n, err
}

// holds reports whether which is true of the notice.
func holds(ctx context.Context, q store.Queryer, id string, which store.Cond) (bool, error) {
	where := store.And(store.C("n.id = $1", id), which)
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM desk_notice n WHERE `+where.SQL, where.Args...)
	return n > 0, err
}

// filter narrows a list of notices.
type filter struct {
	person string
	state  string // all, unread, must
	text   string // in the title
	unit   string // publisher
	now    time.Time
}

func (f filter) conds() []store.Cond {
	var out []store.Cond
	switch f.state {
	case "unread":
		out = append(out, store.C(`n.published_at >= $1 AND NOT EXISTS (SELECT 1 FROM desk_receipt r WHERE r.notice_id = n.id AND r.person_id = $2)`,
			store.At(f.now.Add(-unreadFor)), f.person))
	case "must":
		out = append(out, store.C(`n.must_read AND n.published_at >= $1 AND NOT EXISTS (SELECT 1 FROM desk_receipt r WHERE r.notice_id = n.id AND r.person_id = $2 AND r.read_at >= n.asked_at)`,
			store.At(f.now.Add(-mustFor)), f.person))
	}
	if f.text != "" {
		out = append(out, store.C(`lower(n.title) LIKE lower($1) ESCAPE '!'`, "%"+escape(f.text)+"%"))
	}
	if f.unit != "" {
		out = append(out, store.C("n.unit_id = $1", f.unit))
	}
	return out
}

// escape keeps LIKE's own signs from meaning anything.
func escape(s string) string {
	var b []rune
	for _, r := range s {
		if r == '%' || r == '_' || r == '!' {
			b = append(b, '!')
		}
		b = append(b, r)
	}
	return string(b)
}

func listNotices(ctx context.Context, q store.Queryer, scope store.Scope, f filter, page store.Page) (store.Listed[Line], error) {
	out, err := store.List(ctx, q, store.Query[Line]{Select: `SELECT ` + lineColumns + ` FROM desk_notice n`, Scope: scope, Where: f.conds(),
		Keys: []string{"n.published_at", "n.id"}, Desc: true, Page: page, Scan: scanLine, Cursor: func(l *Line) []any { return []any{l.PublishedAt, l.ID} }})
	if err != nil {
		return out, err
	}
	return out, markLines(ctx, q, f.person, out.Items)
}

// receipt is one person's row for one notice.
type receipt struct {
	id         string // of the notice or the person, whichever is not given
	seen, read store.Time
}

func scanReceipt(r *receipt) []any { return []any{&r.id, &r.seen, &r.read} }

// markLines sets the person's marks on lines.
func markLines(ctx context.Context, q store.Queryer, person string, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.ID
	}
	where := store.And(store.C("person_id = $1", person), store.In("notice_id", ids))
	rows, err := store.All(ctx, q, scanReceipt, `SELECT notice_id, seen_at, read_at FROM desk_receipt WHERE `+where.SQL, where.Args...)
	if err != nil {
		return err
	}
	by := make(map[string]receipt, len(rows))
	for _, r := range rows {
		by[r.id] = r
	}
	for i := range lines {
		r := by[lines[i].ID]
		lines[i].mark(r.seen, r.read)
	}
	return nil
}

// myReceipt returns the person's row, zero when there is none.
func myReceipt(ctx context.Context, q store.Queryer, notice, person string) (receipt, error) {
	r, err := store.One(ctx, q, scanReceipt, `SELECT notice_id, seen_at, read_at FROM desk_receipt WHERE notice_id = $1 AND person_id = $2`, notice, person)
	if errs.Is(err, errs.Missing) {
		return receipt{}, nil
	}
	return r, err
}

// receiptsOf returns everybody's rows for the notice by person.
func receiptsOf(ctx context.Context, q store.Queryer, notice string) (map[string]receipt, error) {
	rows, err := store.All(ctx, q, scanReceipt, `SELECT person_id, seen_at, read_at FROM desk_receipt WHERE notice_id = $1`, notice)
	out := make(map[string]receipt, len(rows))
	for _, r := range rows {
		out[r.id] = r
	}
	return out, err
}

// see notes that the person has opened the notice; a second time changes nothing.
func see(ctx context.Context, q store.Queryer, notice, person string, at time.Time) error {
	return store.Exec(ctx, q, `INSERT INTO desk_receipt (notice_id, person_id, seen_at) VALUES ($1, $2, $3) ON CONFLICT (person_id, notice_id) DO NOTHING`,
		notice, person, store.At(at))
}

// confirm notes the person's receipt.
func confirm(ctx context.Context, tx *store.Tx, notice, person string, at time.Time) error {
	return store.Exec(ctx, tx, `INSERT INTO desk_receipt (notice_id, person_id, seen_at, read_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (person_id, notice_id) DO UPDATE SET read_at = excluded.read_at`, notice, person, store.At(at), store.At(at))
}

// How old a notice may be and still wait for somebody: after that nobody is told of it any more.
const (
	unreadFor = 30 * 24 * time.Hour
	mustFor   = 180 * 24 * time.Hour
)

// Counts are what waits for a person.
type Counts struct {
	Unread   int  `json:"unread" doc:"notices of the last 30 days not opened"`
	Must     int  `json:"must" doc:"receipts asked for in the last 180 days and not given"`
	Messages *int `json:"messages,omitempty" doc:"unread notifications; left out where there are none to count"`
}

// countNotices counts from two indexes alone. A notice may be addressed to a unit and to one above it.
func countNotices(ctx context.Context, q store.Queryer, person string, units []string, now time.Time) (Counts, error) {
	unread, must := store.At(now.Add(-unreadFor)), store.At(now.Add(-mustFor))
	where := store.And(store.C("u.live AND (u.at >= $1 OR u.must_read AND u.at >= $2)", unread, must), unitsIn(units))
	me := "$" + strconv.Itoa(len(where.Args)+1)
	return store.One(ctx, q, func(c *Counts) []any { return []any{&c.Unread, &c.Must} },
		`SELECT count(*) FILTER (WHERE v.recent AND r.notice_id IS NULL), count(*) FILTER (WHERE v.must_read AND (r.read_at IS NULL OR r.read_at < v.asked_at))
		FROM (SELECT DISTINCT u.notice_id, u.must_read, u.asked_at, u.at >= $1 AS recent FROM desk_notice_unit u WHERE `+where.SQL+`) v
		LEFT JOIN desk_receipt r ON r.notice_id = v.notice_id AND r.person_id = `+me, append(where.Args, person)...)
}

// topNotices returns the person's newest most notices of the last 180 days, those pinned at now first.
func topNotices(ctx context.Context, q store.Queryer, units []string, now time.Time, most int) ([]Line, error) {
	where := store.And(store.C("u.live AND u.at >= $1", store.At(now.Add(-mustFor))), unitsIn(units))
	args := append(where.Args, store.At(now))
	rank := "CASE WHEN t.pinned_until > $" + strconv.Itoa(len(args)) + " THEN 0 ELSE 1 END"
	top, err := store.All(ctx, q, scanLine, `SELECT `+lineColumns+` FROM desk_notice n WHERE n.id IN (SELECT t.notice_id FROM (SELECT DISTINCT u.notice_id, u.at, u.pinned_until
		FROM desk_notice_unit u WHERE `+where.SQL+`) t ORDER BY `+rank+`, t.at DESC, t.notice_id DESC LIMIT `+strconv.Itoa(most)+`)`, args...)
	slices.SortFunc(top, func(a, b Line) int { return topFirst(a, b, now) })
	return top, err
}

func pins(ctx context.Context, q store.Queryer, person string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT entry FROM desk_pin WHERE person_id = $1 ORDER BY rank, entry`, person)
}

// savePins replaces the person's pins.
func savePins(ctx context.Context, tx *store.Tx, person string, entries []string) error {
	if err := store.Exec(ctx, tx, `DELETE FROM desk_pin WHERE person_id = $1`, person); err != nil {
		return err
	}
	for i, e := range entries {
		if err := store.Exec(ctx, tx, `INSERT INTO desk_pin (person_id, entry, rank) VALUES ($1, $2, $3)`, person, e, i); err != nil {
			return err
		}
	}
	return nil
}
