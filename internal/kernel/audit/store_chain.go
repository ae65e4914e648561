package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// batch is how many rows one short transaction chains: some 5 ms of SQLite's one writer.
const batch = 512

// openRows returns committed rows without a place in the chain.
func openRows(ctx context.Context, q store.Queryer, limit int) ([]Row, error) {
	return store.All(ctx, q, scan, selectRow+` WHERE seq = 0 ORDER BY id LIMIT $1`, limit)
}

// openIDs returns the ids of the next of them, from the index alone.
func openIDs(ctx context.Context, q store.Queryer, limit int) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT id FROM audit WHERE seq = 0 ORDER BY id LIMIT $1`, limit)
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

func waiting(ctx context.Context, q store.Queryer, before store.Time) (backlog, error) {
	return store.One(ctx, q, func(b *backlog) []any { return []any{&b.N, &b.Oldest} }, `SELECT count(*), coalesce(min(at), 0)
		FROM (SELECT at FROM audit WHERE seq = 0 ORDER BY id LIMIT 10000) AS o WHERE at < $1`, before)
}

// placing is how many rows one statement writes: larger ones are not faster.
const placing = 64

// place is where a row comes to stand.
type place struct {
	ID string
	head
}

// placed writes the places and hashes of rows; it reports how many rows took theirs.
func placed(ctx context.Context, tx *store.Tx, rows []place) (int64, error) {
	total := int64(0)
	for part := range slices.Chunk(rows, placing) {
		size := 8 // two sizes, so that PostgreSQL keeps two prepared statements; the rest is rows that match nothing
		if len(part) > size {
			size = placing
		}
		args := make([]any, 0, 3*size)
		for i := range size {
			if i < len(part) {
				args = append(args, part[i].ID, part[i].Seq, part[i].Hash)
			} else {
				args = append(args, "", int64(0), "")
			}
		}
		res, err := tx.ExecContext(ctx, placement(size), args...)
		if err != nil {
			return 0, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, fmt.Errorf("audit: %w", err)
		}
		total += n
	}
	return total, nil
}

func placement(size int) string {
	var b strings.Builder
	b.WriteString(`WITH audit_v (id, seq, hash) AS (VALUES (CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT))`)
	for i := 1; i < size; i++ {
		fmt.Fprintf(&b, ", ($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
	}
	b.WriteString(`) UPDATE audit SET seq = audit_v.seq, hash = audit_v.hash FROM audit_v WHERE audit.id = audit_v.id AND audit.seq = 0`)
	return b.String()
}

// marked is the kept end of the chain with its mark.
type marked struct {
	head
	MAC string
}

// readHead returns the kept end, ok = false when there is none.
func readHead(ctx context.Context, q store.Queryer) (m marked, ok bool, err error) {
	m, err = store.One(ctx, q, func(m *marked) []any { return []any{&m.Seq, &m.Hash, &m.MAC} }, `SELECT seq, hash, mac FROM audit_head WHERE id = 1`)
	if errs.Is(err, errs.Missing) {
		return m, false, nil
	}
	return m, err == nil, err
}

func writeHead(ctx context.Context, tx *store.Tx, m marked) error {
	return store.Exec(ctx, tx, `INSERT INTO audit_head (id, seq, hash, mac) VALUES (1, $1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac`, m.Seq, m.Hash, m.MAC)
}

// lastRow returns the last record that stands in the table.
func lastRow(ctx context.Context, q store.Queryer) (head, bool, error) {
	h, err := store.One(ctx, q, func(h *head) []any { return []any{&h.Seq, &h.Hash} }, `SELECT seq, hash FROM audit WHERE seq > 0 ORDER BY seq DESC LIMIT 1`)
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
