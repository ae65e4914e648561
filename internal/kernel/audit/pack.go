package audit

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// packFormat names the format of a pack: JSON lines, the first a packHead, then records and roots in
// order, the last a packEnd. For other programs: h_i = SM3(hex(h_{i-1}) + "\n" + seq + "|" + text).
const packFormat = "qushu-audit-pack/1"

// packLine is any line of a pack; exactly one member is set.
type packLine struct {
	Head   *packHead   `json:"head,omitempty"`
	Record *packRecord `json:"record,omitempty"`
	Root   *Root       `json:"root,omitempty"`
	End    *packEnd    `json:"end,omitempty"`
}

// single reports whether exactly one member is set.
func (p packLine) single() bool {
	n := 0
	for _, is := range []bool{p.Head != nil, p.Record != nil, p.Root != nil, p.End != nil} {
		if is {
			n++
		}
	}
	return n == 1
}

// packHead says what follows, and carries the keys for convenience; a careful reader brings his own.
type packHead struct {
	Format string      `json:"format"`
	From   int64       `json:"from"`
	To     int64       `json:"to"`
	Prev   string      `json:"prev"` // hash of record From-1
	Keys   []PublicKey `json:"keys"`
}

// packRecord is one record: the canonical text is every field of the row, as it was written.
type packRecord struct {
	Seq  int64  `json:"seq"`
	Text string `json:"text"`
	MAC  string `json:"mac"`
	Hash string `json:"hash"`
}

// packEnd closes a pack, so that one with its tail cut off is known.
type packEnd struct {
	Count int64      `json:"count"`
	Head  string     `json:"head"`
	At    store.Time `json:"at"`
	Key   string     `json:"key"`
	Sig   string     `json:"sig"`
}

func (e packEnd) canonical(h packHead) string {
	return canonical(packFormat, h.From, h.To, h.Prev, e.Count, e.Head, e.At.UnixMicro())
}

// Export writes the records from..to (to = 0: up to the last) with the roots among them to w, as a pack
// that VerifyPack checks without database and keys. Memory does not grow with the range. Error:
// audit.no_records when from is archived or not reached.
func (l *Log) Export(ctx context.Context, w io.Writer, from, to int64) error {
	h, err := l.packHead(ctx, from, to)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(w, 1<<16)
	out := json.NewEncoder(buf)
	if err := out.Encode(packLine{Head: &h}); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	end := packEnd{Head: h.Prev}
	roots := &rootReader{q: l.db}
	for at := h.From - 1; at < h.To; at += window {
		rows, err := placedRows(ctx, l.db, at, min(at+window, h.To))
		if err != nil {
			return err
		}
		for _, row := range rows {
			text, err := row.Canonical()
			if err != nil {
				return err
			}
			if err := out.Encode(packLine{Record: &packRecord{row.Seq, text, row.MAC, row.Hash}}); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
			end.Count, end.Head = end.Count+1, row.Hash
			if err := roots.pass(ctx, row.Seq, func(r Root) error { return out.Encode(packLine{Root: &r}) }); err != nil {
				return err
			}
		}
	}
	if err := l.signEnd(&end, h); err != nil {
		return err
	}
	if err := out.Encode(packLine{End: &end}); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return buf.Flush()
}

func (l *Log) packHead(ctx context.Context, from, to int64) (packHead, error) {
	h := packHead{Format: packFormat, From: max(from, 1), To: to}
	last, _, err := lastRow(ctx, l.db)
	if err != nil {
		return h, err
	}
	if h.To == 0 || h.To > last.Seq {
		h.To = last.Seq
	}
	arch, err := l.newestArchive(ctx)
	if err != nil {
		return h, err
	}
	if from == 0 {
		h.From = arch.To + 1
	}
	switch {
	case h.From <= arch.To || h.From > h.To+1:
		return h, errs.New(errs.Missing, "audit.no_records", h.From, arch.To+1, last.Seq)
	case h.From == arch.To+1:
		h.Prev = arch.Head
	default:
		if h.Prev, err = store.Value[string](ctx, l.db, `SELECT hash FROM audit_link WHERE seq = $1 AND seq > 0`, h.From-1); err != nil {
			return h, errs.Wrap(err, errs.Conflict, "audit.no_predecessor", h.From-1)
		}
	}
	h.Keys, err = l.PublicKeys()
	return h, err
}

func (l *Log) signEnd(e *packEnd, h packHead) error {
	e.At = store.At(l.now())
	key, sig, err := l.ring.Sign([]byte(e.canonical(h)))
	e.Key, e.Sig = key, base64.StdEncoding.EncodeToString(sig)
	return err
}

// rootReader hands out the roots that end with the records passed.
type rootReader struct {
	q    store.Queryer
	page []Root
	last int64
	done bool
}

func (r *rootReader) pass(ctx context.Context, seq int64, give func(Root) error) error {
	for !r.done {
		if len(r.page) == 0 {
			var err error
			if r.page, err = rootsAfter(ctx, r.q, r.last, window); err != nil {
				return err
			}
			if r.done = len(r.page) == 0; r.done {
				return nil
			}
			r.last = r.page[len(r.page)-1].ID
		}
		if r.page[0].To > seq {
			return nil
		}
		if r.page[0].To == seq {
			if err := give(r.page[0]); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
		}
		r.page = r.page[1:]
	}
	return nil
}
