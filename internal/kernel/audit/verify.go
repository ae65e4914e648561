package audit

import (
	"context"
	"encoding/base64"
	"math"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
)

// window is how many places are read at a time.
const window = 1000

// Progress is told how far a verification has come.
type Progress func(done, total int64)

// Verify checks every record in the table, in memory that does not grow with them: each row's mark, the
// chain from record to record, the signed roots and their exported copies, and that nothing waits for
// the chain too long. Damage is in the report; the error says only that checking was not possible.
func (l *Log) Verify(ctx context.Context, progress Progress) (*Report, error) {
	r := &Report{Marks: true, Trusted: true}
	w := &walk{r: r, genuine: func(text, mac string) bool { return l.ring.VerifyMAC(secret.Audit, mac, text) }}
	arch, err := l.checkArchives(ctx, r)
	if err != nil {
		return nil, err
	}
	r.Archived = arch.Seq
	w.start(arch.Seq+1, arch.Hash)
	known, err := l.checkRoots(ctx, w)
	if err != nil {
		return nil, err
	}
	end, err := l.checkHead(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := l.walkRows(ctx, w, end, progress); err != nil {
		return nil, err
	}
	if end == math.MaxInt64 { // no genuine end to go by
		end = r.To
	}
	w.end(max(known, end))
	if err := l.checkWaiting(ctx, r); err != nil {
		return nil, err
	}
	r.end(store.At(l.now()))
	return r, nil
}

// walkRows reads the chain up to end, in windows of places, skipping holes.
func (l *Log) walkRows(ctx context.Context, w *walk, end int64, progress Progress) error {
	for at := w.next - 1; at < end; {
		to := at + min(window, end-at)
		rows, err := placedRows(ctx, l.db, at, to)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			next, err := store.Value[int64](ctx, l.db, `SELECT coalesce(min(seq), 0) FROM audit_link JOIN audit ON id = record WHERE seq > $1 AND seq <= $2 AND seq > 0`, at, end)
			if err != nil {
				return err
			}
			if next == 0 {
				return nil
			}
			at = next - 1
			continue
		}
		for _, row := range rows {
			text, err := row.Canonical()
			if err != nil {
				return err
			}
			w.record(seen{Seq: row.Seq, ID: row.ID, Text: text, MAC: row.MAC, Hash: row.Hash, Bad: row.unreadable})
		}
		at = to
		if progress != nil {
			progress(at, max(at, min(end, w.r.To)))
		}
	}
	return nil
}

// checkHead returns the record the kept end names, the greatest number when it is not to be believed.
func (l *Log) checkHead(ctx context.Context, r *Report) (int64, error) {
	m, ok, err := readHead(ctx, l.db)
	if err != nil {
		return 0, err
	}
	if ok && l.genuine(m) {
		return m.Seq, nil
	}
	_, some, err := lastRow(ctx, l.db)
	if err != nil {
		return 0, err
	}
	if !ok && !some {
		return 0, nil // a new installation
	}
	r.found(Place{Fault: Headless})
	return math.MaxInt64, nil
}

// checkRoots checks the signatures of the roots and the exported copies, gives the walk those that are
// genuine, and returns the last record they name.
func (l *Log) checkRoots(ctx context.Context, w *walk) (known int64, err error) {
	table := map[int64]Root{}
	for last := int64(0); ; {
		roots, err := rootsAfter(ctx, l.db, last, window)
		if err != nil {
			return 0, err
		}
		if len(roots) == 0 {
			break
		}
		for _, r := range roots {
			if r.ID > last+1 {
				w.r.found(Place{Fault: RootMissing, Root: last + 1, Count: r.ID - last - 1})
			}
			last, table[r.ID] = r.ID, r
			w.r.Roots++
			if !l.signed(r) {
				w.r.found(Place{Fault: RootForged, Root: r.ID})
				continue
			}
			w.roots, known = append(w.roots, r), max(known, r.To)
		}
	}
	more, err := l.checkFiles(w.r, table)
	if err != nil {
		return 0, err
	}
	for _, r := range more {
		w.roots, known = append(w.roots, r), max(known, r.To)
	}
	slices.SortFunc(w.roots, func(a, b Root) int { return int(min(max(a.To-b.To, -1), 1)) })
	w.roots = slices.DeleteFunc(w.roots, func(r Root) bool { return r.To < w.next })
	return known, nil
}

// checkFiles compares the exported roots with the table and returns the genuine ones the table lacks.
func (l *Log) checkFiles(r *Report, table map[int64]Root) (lacking []Root, err error) {
	l.files.mu.Lock()
	dir := l.files.dir
	l.files.mu.Unlock()
	if dir == "" {
		return nil, nil
	}
	files, err := readRoots(dir)
	if err != nil {
		return nil, err
	}
	r.Files = true
	for _, name := range files.bad {
		r.found(Place{Fault: RootFile, Row: name})
	}
	for _, x := range files.roots {
		kept, ok := table[x.ID]
		switch {
		case !l.signed(x):
			r.found(Place{Fault: RootForged, Root: x.ID})
		case !ok:
			r.found(Place{Fault: RootWithdrawn, Root: x.ID, To: x.To})
			lacking = append(lacking, x)
		case kept.Canonical() != x.Canonical():
			r.found(Place{Fault: RootChanged, Root: x.ID, To: x.To})
			lacking = append(lacking, x)
		}
	}
	return lacking, nil
}

func (l *Log) signed(r Root) bool {
	sig, err := base64.StdEncoding.DecodeString(r.Sig)
	return err == nil && l.ring.Verify(r.Key, []byte(r.Canonical()), sig) == nil
}

// checkWaiting tells of rows that neither stand in the chain nor will soon, and checks the marks of those that will.
func (l *Log) checkWaiting(ctx context.Context, r *Report) error {
	// One statement, so that the end and the rows are of one moment.
	n, err := store.Value[int64](ctx, l.db, `SELECT count(*) FROM audit_link WHERE seq <= 0 OR seq > coalesce((SELECT max(seq) FROM audit_head), 0)`)
	if err != nil {
		return err
	}
	if n > 0 && !r.Has(Headless) {
		r.found(Place{Fault: Outside, Count: n})
	}
	rows, err := openRows(ctx, l.db, window)
	if err != nil {
		return err
	}
	for _, row := range rows {
		text, err := row.Canonical()
		if err != nil {
			return err
		}
		if row.unreadable || !l.ring.VerifyMAC(secret.Audit, row.MAC, text) {
			r.found(Place{Fault: Altered, Row: row.ID})
		}
	}
	b, err := everywhere().waiting(ctx, l.db, store.At(l.now().Add(-late)))
	if err == nil && b.N > 0 {
		r.found(Place{Fault: Waiting, Count: b.N})
	}
	return err
}

// PublicKey is one half of a signing key, for verification elsewhere.
type PublicKey struct {
	ID  string `json:"id"`
	PEM string `json:"pem" doc:"SubjectPublicKeyInfo"`
}

// PublicKeys returns the public halves of all signing keys, oldest first. Keep them where this
// installation cannot change them: VerifyPack trusts what it is given.
func (l *Log) PublicKeys() ([]PublicKey, error) {
	var out []PublicKey
	for _, k := range l.ring.Keys() {
		if k.Purpose != secret.Signing {
			continue
		}
		pem, err := l.ring.PublicKeyPEM(k.ID)
		if err != nil {
			return nil, errs.Wrap(err, errs.Internal, "audit.no_key")
		}
		out = append(out, PublicKey{k.ID, string(pem)})
	}
	return out, nil
}
