package lookup

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/settings"
)

// Ledger is where runs of lists are entered beside single looks. Other rooms reach it by a port.
type Ledger struct{ l *Lookup }

// NewLedger returns the ledger of kit's house; the room must be in it.
func NewLedger(kit *kernel.Kit) *Ledger { return &Ledger{build(kit, nil, nil)} }

// Indexer returns the blind index of keys of a dataset's column, by the names of both, for one goroutine.
func (l *Ledger) Indexer(dataset, column string) func(key string) uint64 {
	return l.l.ring.Indexer(indexName(dataset, column)).Of
}

// Related finds what is to be noticed about the keys of a short list: that who runs it stands on it, one of his household, or a
// colleague, as far as people have declared themselves and the lists are of identity numbers. Longer lists (lookup.small_list)
// are of the public at large and hold everybody. subjects are indexes by Indexer.
func (l *Ledger) Related(ctx context.Context, k Look, name string, subjects []uint64) ([]string, error) {
	if len(subjects) == 0 || len(subjects) > l.l.settings.Int(ctx, "lookup.small_list") {
		return nil, nil
	}
	d, err := l.l.detector(ctx, k.Person)
	if err != nil {
		return nil, err
	}
	index := l.Indexer(name, k.Column)
	return d.onList(ctx, k, func(number string) bool { return slices.Contains(subjects, index(number)) })
}

// Differs reports whether subjects differ from those of one of earlier runs, by their ids, in fewer than least, but in some: what
// both answers differ in would be about these few.
func (l *Ledger) Differs(ctx context.Context, name, column string, runs []string, subjects []uint64, least int) (bool, error) {
	mine := pagesOf(subjects)
	n := 0
	for _, p := range mine {
		n += len(p.indexes) / 8
	}
	in := store.In("batch", runs)
	where := store.And(in, store.C("index_name = $1 AND asked > $2 AND asked < $3", indexName(name, column), n-least, n+least))
	looks, err := store.Column[string](ctx, l.l.db, `SELECT id FROM lookup_look WHERE `+where.SQL, where.Args...)
	if err != nil {
		return false, err
	}
	for _, look := range looks {
		theirs, err := pagesIn(ctx, l.l.db, look)
		if err != nil {
			return false, err
		}
		if d := apart(mine, theirs, least); d > 0 && d < least {
			return true, nil
		}
	}
	return false, nil
}

// pagesIn reads the pages of a look, by their first byte.
func pagesIn(ctx context.Context, q store.Queryer, look string) ([]page, error) {
	type row struct {
		bucket  int
		indexes string
	}
	rows, err := store.All(ctx, q, func(r *row) []any { return []any{&r.bucket, &r.indexes} }, `SELECT bucket, indexes FROM lookup_page WHERE look_id = $1 ORDER BY bucket`, look)
	out := make([]page, len(rows))
	for i, r := range rows {
		if err == nil {
			out[i], err = pageOf(r.bucket, r.indexes)
		}
	}
	return out, err
}

// apart counts subjects that are on one list and not on the other, most at least.
func apart(a, b []page, most int) (n int) {
	i, j := 0, 0
	for (i < len(a) || j < len(b)) && n < most {
		switch {
		case j == len(b) || i < len(a) && a[i].bucket < b[j].bucket:
			n += len(a[i].indexes) / 8
			i++
		case i == len(a) || b[j].bucket < a[i].bucket:
			n += len(b[j].indexes) / 8
			j++
		default:
			for x := range len(a[i].indexes) / 8 {
				if !b[j].has(binary.BigEndian.Uint64(a[i].indexes[x*8:])) {
					n++
				}
			}
			for x := range len(b[j].indexes) / 8 {
				if !a[i].has(binary.BigEndian.Uint64(b[j].indexes[x*8:])) {
					n++
				}
			}
			i, j = i+1, j+1
		}
	}
	return n
}

// Enter writes a run into the ledger in tx: one entry, with the root over the indexes of every key that was asked for,
// and the pages they lie in. k.Marks are what Related found, k.Batch is the run's id, name the dataset's. The caller's own record in the audit holds the root.
func (l *Ledger) Enter(ctx context.Context, tx *store.Tx, k Look, name string, subjects []uint64) (root string, err error) {
	pages := pagesOf(subjects)
	k.ID, k.Asked, k.Root, k.IndexName = id.New(), len(subjects), rootOf(pages), indexName(name, k.Column)
	if k.Marks, err = l.l.detect(ctx, tx, k, k.Marks); err != nil {
		return "", err
	}
	if err := insertLook(ctx, tx, k); err != nil {
		return "", err
	}
	if err := l.l.warn(ctx, tx, k); err != nil {
		return "", err
	}
	return k.Root, insertPages(ctx, tx, k.ID, pages)
}

// page is the subjects whose index begins with one byte.
type page struct {
	bucket  int
	indexes []byte // eight bytes each, rising
}

// pagesOf sorts subjects into pages; one that is there twice counts once.
func pagesOf(subjects []uint64) []page {
	all := slices.Clone(subjects)
	slices.Sort(all)
	all = slices.Compact(all)
	var out []page
	for _, s := range all {
		if b := int(s >> 56); len(out) == 0 || out[len(out)-1].bucket != b {
			out = append(out, page{bucket: b})
		}
		p := &out[len(out)-1]
		p.indexes = binary.BigEndian.AppendUint64(p.indexes, s)
	}
	return out
}

// has reports whether a subject is on the page.
func (p page) has(subject uint64) bool {
	n := len(p.indexes) / 8
	at := func(i int) uint64 { return binary.BigEndian.Uint64(p.indexes[i*8:]) }
	lo, hi := 0, n
	for lo < hi {
		if mid := (lo + hi) / 2; at(mid) < subject {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < n && at(lo) == subject
}

// rootOf is the Merkle root over pages: SM3 over a 0 and the page at the leaves, over a 1 and both children above; an odd
// node goes up as it is (RFC 6962 §2.1 in shape). That a subject was in a run is shown by its page and eight hashes; a
// page shows nothing to who has not the index key. "" without subjects.
func rootOf(pages []page) string {
	if len(pages) == 0 {
		return ""
	}
	level := make([][32]byte, len(pages))
	for i, p := range pages {
		level[i] = sm3.Sum(append([]byte{0}, p.indexes...))
	}
	for len(level) > 1 {
		var up [][32]byte
		for i := 0; i < len(level); i += 2 {
			if i+1 == len(level) {
				up = append(up, level[i])
				continue
			}
			up = append(up, sm3.Sum(slices.Concat([]byte{1}, level[i][:], level[i+1][:])))
		}
		level = up
	}
	return hex.EncodeToString(level[0][:])
}

func insertPages(ctx context.Context, tx *store.Tx, look string, pages []page) error {
	for _, p := range pages {
		if err := store.Exec(ctx, tx, `INSERT INTO lookup_page (bucket, look_id, indexes) VALUES ($1, $2, $3)`, p.bucket, look, base64.StdEncoding.EncodeToString(p.indexes)); err != nil {
			return err
		}
	}
	return nil
}

// pageOf reads a page back.
func pageOf(bucket int, text string) (page, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return page{bucket, b}, err
}

func hours(ctx context.Context, s *settings.Settings) daytime {
	return daytime{s.Int(ctx, "lookup.day_from"), s.Int(ctx, "lookup.day_until"), s.Days()}
}
