package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// batch is how many rows one short transaction chains: some 5 ms of SQLite's one writer.
const batch = 512

// reading is how many waiting rows are looked up at a time.
const reading = 16 * batch

// unlinked are rows without a place in the chain, for a query that walks all of them.
const unlinked = `NOT EXISTS (SELECT seq FROM audit_link WHERE record = audit.id)`

// unlinkedHere says the same for a few rows of an index: no planner comes to join the whole table for it.
const unlinkedHere = `(SELECT seq FROM audit_link WHERE record = audit.id) IS NULL`

// openRows returns committed rows without a place in the chain.
func openRows(ctx context.Context, q store.Queryer, limit int) ([]Row, error) {
	return store.All(ctx, q, scan, selectRow+` WHERE `+unlinked+` ORDER BY id LIMIT $1`, limit)
}

// sight is where rows without a place may stand: everywhere, or where transactions wrote that had not committed at a
// moment before.
type sight []store.Cond

// everywhere looks at every row.
func everywhere() sight { return sight{store.C(unlinked)} }

// since sees what was not committed at m but is at now.
func since(m, now store.Moment) sight {
	out := sight{store.C(`tx >= $1 AND tx < $2 AND `+unlinkedHere, m.Next, now.Next)}
	for part := range slices.Chunk(m.Open, placing) {
		part = slices.Clip(part)
		for len(part) != 4 && len(part) != 16 && len(part) != placing { // three lengths, so that PostgreSQL keeps three prepared statements
			part = append(part, part[0])
		}
		in := store.In("tx", part)
		out = append(out, store.C(in.SQL+` AND `+unlinkedHere, in.Args...))
	}
	return out
}

// ids returns the rows there, oldest first, about limit of them; all reports that there are no others.
func (s sight) ids(ctx context.Context, q store.Queryer, limit int) (ids []string, all bool, err error) {
	all = true
	for _, c := range s {
		some, err := store.Column[string](ctx, q, `SELECT id FROM audit WHERE `+c.SQL+` ORDER BY tx, id LIMIT `+strconv.Itoa(limit), c.Args...)
		if err != nil {
			return nil, false, err
		}
		ids, all = append(ids, some...), all && len(some) < limit
	}
	slices.Sort(ids)
	return ids, all, nil
}

// placedRows returns the records in the places behind after up to upTo, at most window of them, in order. The inner limit tells
// the planner how few they are.
func placedRows(ctx context.Context, q store.Queryer, after, upTo int64) ([]Row, error) {
	rows, err := store.All(ctx, q, scan, `SELECT `+columns+`, seq, hash FROM (SELECT seq, record, hash FROM audit_link
		WHERE seq > $1 AND seq <= $2 AND seq > 0 ORDER BY seq LIMIT `+strconv.Itoa(window)+`) AS p JOIN audit ON id = record`, after, upTo)
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Seq, b.Seq) })
	return rows, err
}

// textsOf returns the canonical texts of rows by their ids.
func textsOf(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	for part := range slices.Chunk(ids, placing) {
		in := store.In("id", part)
		rows, err := store.All(ctx, q, scan, selectRow+` WHERE `+in.SQL, in.Args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if out[r.ID], err = r.Canonical(); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// backlog is what waits for the chain.
type backlog struct {
	N      int64 // at most 10 000 are counted
	Oldest store.Time
}

// waiting counts the rows there that are from before a time.
func (s sight) waiting(ctx context.Context, q store.Queryer, before store.Time) (b backlog, err error) {
	for _, c := range s {
		one, err := store.One(ctx, q, func(b *backlog) []any { return []any{&b.N, &b.Oldest} }, `SELECT count(*), coalesce(min(at), 0)
			FROM (SELECT at FROM audit WHERE `+c.SQL+` ORDER BY tx, id LIMIT 10000) AS o WHERE at < $`+strconv.Itoa(len(c.Args)+1), append(slices.Clip(c.Args), before)...)
		if err != nil {
			return b, err
		}
		if one.N > 0 && (b.N == 0 || one.Oldest.Before(b.Oldest.Time)) {
			b.Oldest = one.Oldest
		}
		b.N += one.N
	}
	return b, nil
}

// placing is how many rows one statement writes: larger ones are not faster.
const placing = 64

// place is where a row comes to stand.
type place struct {
	ID string
	head
}

// placed writes the places and hashes of rows. One that has its place already is an error.
func placed(ctx context.Context, tx *store.Tx, rows []place) error {
	for part := range slices.Chunk(rows, placing) {
		size := 8 // two sizes, so that PostgreSQL keeps two prepared statements; the rest is rows that are left out
		if len(part) > size {
			size = placing
		}
		args := make([]any, 0, 3*size)
		for i := range size {
			if i < len(part) {
				args = append(args, part[i].Seq, part[i].ID, part[i].Hash)
			} else {
				args = append(args, int64(0), "", "")
			}
		}
		if err := store.Later(ctx, tx, placement(size), args...); err != nil {
			return err
		}
	}
	return nil
}

func placement(size int) string {
	var b strings.Builder
	b.WriteString(`WITH audit_v (seq, record, hash) AS (VALUES (CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT))`)
	for i := 1; i < size; i++ {
		fmt.Fprintf(&b, ", ($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
	}
	b.WriteString(`) INSERT INTO audit_link (seq, record, hash) SELECT seq, record, hash FROM audit_v WHERE seq > 0`)
	return b.String()
}

// marked is the kept end of the chain with its mark.
type marked struct {
	head
	MAC    string
	Seen   int64  // the moment up to which everything committed stands in the chain;
	Flight string // see store.Moment
}

// readHead returns the kept end, ok = false when there is none.
func readHead(ctx context.Context, q store.Queryer) (m marked, ok bool, err error) {
	m, err = store.One(ctx, q, func(m *marked) []any { return []any{&m.Seq, &m.Hash, &m.MAC, &m.Seen, &m.Flight} },
		`SELECT seq, hash, mac, seen, flight FROM audit_head WHERE id = 1`)
	if errs.Is(err, errs.Missing) {
		return m, false, nil
	}
	return m, err == nil, err
}

func writeHead(ctx context.Context, tx *store.Tx, m marked) error {
	return store.Later(ctx, tx, `INSERT INTO audit_head (id, seq, hash, mac, seen, flight) VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE
		SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac, seen = excluded.seen, flight = excluded.flight`, m.Seq, m.Hash, m.MAC, m.Seen, m.Flight)
}

// lastRow returns the last place that is taken.
func lastRow(ctx context.Context, q store.Queryer) (head, bool, error) {
	h, err := store.One(ctx, q, func(h *head) []any { return []any{&h.Seq, &h.Hash} }, `SELECT seq, hash FROM audit_link WHERE seq > 0 ORDER BY seq DESC LIMIT 1`)
	if errs.Is(err, errs.Missing) {
		return h, false, nil
	}
	return h, err == nil, err
}

const selectRoot = `SELECT id, kind, from_seq, to_seq, records, head, at, signer, sig FROM audit_root`

func scanRoot(r *Root) []any {
	return []any{&r.ID, &r.Kind, &r.From, &r.To, &r.Count, &r.Head, &r.At, &r.Key, &r.Sig}
}

// rootsAfter returns the roots with greater numbers, in order.
func rootsAfter(ctx context.Context, q store.Queryer, id int64, limit int) ([]Root, error) {
	return store.All(ctx, q, scanRoot, selectRoot+` WHERE id > $1 ORDER BY id LIMIT $2`, id, limit)
}

// newestRoot returns the newest root, of one kind when kind is given; the zero Root when there is none.
func newestRoot(ctx context.Context, q store.Queryer, kind string) (Root, error) {
	r, err := store.One(ctx, q, scanRoot, selectRoot+` WHERE $1 = '' OR kind = $1 ORDER BY id DESC LIMIT 1`, kind)
	if errs.Is(err, errs.Missing) {
		return Root{}, nil
	}
	return r, err
}

func insertRoot(ctx context.Context, tx *store.Tx, r Root) error {
	return store.Exec(ctx, tx, `INSERT INTO audit_root (id, kind, from_seq, to_seq, records, head, at, signer, sig)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, r.ID, r.Kind, r.From, r.To, r.Count, r.Head, r.At, r.Key, r.Sig)
}
