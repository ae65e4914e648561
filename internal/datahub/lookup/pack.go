package lookup

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// packFormat names the format of a pack of the ledger: JSON lines, the first a packHead, then entries, oldest first, the
// last a packEnd. For other programs: h_0 is SM3 of the head's line, h_i = SM3(hex(h_{i-1}) + "\n" + text), and the end
// is signed over format, count, hex(h_n) and time with newlines between.
const packFormat = "qushu-ledger-pack/1"

type packHead struct {
	Format string     `json:"format"`
	From   store.Time `json:"from"`
	Until  store.Time `json:"until"`
	Unit   string     `json:"unit"` // of who exported it: what his units answer for
}

// packEntry is one look. Text is a packLook as JSON, exactly as it was hashed.
type packEntry struct {
	Text string `json:"text"`
	Hash string `json:"hash"`
}

// packLook is what leaves of a look: neither a name, a key nor a value of a record.
type packLook struct {
	ID      string   `json:"id"`
	At      string   `json:"at"`
	Dataset string   `json:"dataset"`
	Title   string   `json:"title"`
	Version string   `json:"version"`
	Column  string   `json:"column"`
	Index   string   `json:"keyIndex,omitempty"`
	Purpose string   `json:"purpose"`
	Basis   string   `json:"basis"`
	Matter  string   `json:"matter,omitempty"`
	Person  string   `json:"person"`
	Unit    string   `json:"unit"`
	Home    string   `json:"home"`
	Hits    int      `json:"hits"`
	Reveals int      `json:"reveals,omitempty"`
	Batch   string   `json:"batch,omitempty"`
	Asked   int      `json:"asked,omitempty"`
	Clear   int      `json:"clear,omitempty"`
	Root    string   `json:"root,omitempty"`
	Marks   []string `json:"marks,omitempty"`
}

type packEnd struct {
	Count int64             `json:"count"`
	Head  string            `json:"head"`
	At    string            `json:"at"`
	Key   string            `json:"key"`
	Sig   string            `json:"sig"`
	Keys  []audit.PublicKey `json:"keys"` // for convenience; a careful reader brings his own
}

func (e packEnd) canonical() []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n%s", packFormat, e.Count, e.Head, e.At)
}

func chain(prev, text string) string {
	sum := sm3.Sum([]byte(prev + "\n" + text))
	return hex.EncodeToString(sum[:])
}

// pack streams the ledger of the actor's units as a signed pack. ?from and ?until are RFC 3339 times.
func (l *Lookup) pack(w http.ResponseWriter, q *http.Request) error {
	ctx := q.Context()
	h := packHead{Format: packFormat, Unit: authz.From(ctx).Home}
	for name, to := range map[string]*store.Time{"from": &h.From, "until": &h.Until} {
		if s := q.URL.Query().Get(name); s != "" {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return errs.New(errs.Invalid, "lookup.bad_time", s)
			}
			*to = store.At(at)
		}
	}
	if err := l.audit.Note(ctx, audit.Entry{Action: "lookup.export", Object: "lookup_look", Detail: map[string]any{"from": h.From, "until": h.Until}}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Content-Disposition", `attachment; filename="ledger-pack.jsonl"`)
	w.Header().Set("Cache-Control", "no-store")
	buf := bufio.NewWriterSize(w, 64<<10)
	if err := l.write(ctx, buf, h); err != nil {
		panic(http.ErrAbortHandler) // without its end a pack is known to be cut
	}
	return buf.Flush()
}

func (l *Lookup) write(ctx context.Context, to io.Writer, h packHead) error {
	out := json.NewEncoder(to)
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := to.Write(append(line, '\n')); err != nil {
		return err
	}
	sum := sm3.Sum(line)
	end := packEnd{Head: hex.EncodeToString(sum[:])}
	after := store.C("TRUE")
	for {
		where := store.And(owned(ctx).Cond(), after)
		if !h.From.IsZero() {
			where = store.And(where, store.C("at >= $1", h.From))
		}
		if !h.Until.IsZero() {
			where = store.And(where, store.C("at < $1", h.Until))
		}
		looks, err := store.All(ctx, l.db, scanLook, `SELECT `+lookColumns+` FROM lookup_look WHERE `+where.SQL+` ORDER BY at, id LIMIT 1000`, where.Args...)
		if err != nil {
			return err
		}
		for _, k := range looks {
			text, err := json.Marshal(packLook{ID: k.ID, At: k.At.UTC().Format(time.RFC3339Nano), Dataset: k.Dataset, Title: k.Title, Version: k.Store, Column: k.Column, Index: k.Index,
				Purpose: k.Purpose, Basis: k.Basis, Matter: k.Matter, Person: k.Person, Unit: k.Unit, Home: k.Home, Hits: k.Hits, Reveals: k.Revealed, Batch: k.Batch, Asked: k.Asked,
				Clear: k.Clear, Root: k.Root, Marks: k.Marks})
			if err != nil {
				return err
			}
			end.Count++
			end.Head = chain(end.Head, string(text))
			if err := out.Encode(packEntry{string(text), end.Head}); err != nil {
				return err
			}
		}
		if len(looks) < 1000 {
			break
		}
		last := looks[len(looks)-1]
		after = store.C("(at, id) > ($1, $2)", last.At, last.ID)
	}
	end.At = l.now().UTC().Format(time.RFC3339)
	if end.Keys, err = l.audit.PublicKeys(); err != nil {
		return err
	}
	if end.Key, end.Sig, err = l.audit.Sign(end.canonical()); err != nil {
		return err
	}
	return out.Encode(end)
}

// PackReport is what a check of a pack found.
type PackReport struct {
	Entries int64
	Trusted bool   // checked with keys the reader brought
	Broken  string // what is wrong with it, "" when nothing is
}

// VerifyPack checks a pack of the ledger without any installation: the chain, the count, the signature. Without trusted
// keys (PEM) the keys inside it are used, which only shows that it agrees with itself. The error is the reader's own.
func VerifyPack(in io.Reader, trusted [][]byte) (PackReport, error) {
	r := PackReport{Trusted: len(trusted) > 0}
	lines := bufio.NewReaderSize(in, 64<<10)
	prev := ""
	for n := 0; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			r.Broken = "the pack has no end: it was cut"
			return r, nil
		}
		if err != nil {
			return r, err
		}
		line = line[:len(line)-1]
		if n == 0 {
			var h packHead
			if json.Unmarshal(line, &h) != nil || h.Format != packFormat {
				r.Broken = "this is no " + packFormat
				return r, nil
			}
			sum := sm3.Sum(line)
			prev = hex.EncodeToString(sum[:])
			continue
		}
		var e packEntry
		if err := json.Unmarshal(line, &e); err != nil {
			r.Broken = fmt.Sprintf("line %d cannot be read", n+1)
			return r, nil
		}
		if e.Text == "" {
			return r.end(line, prev, trusted, lines), nil
		}
		r.Entries++
		if prev = chain(prev, e.Text); prev != e.Hash {
			r.Broken = fmt.Sprintf("the chain breaks at entry %d", r.Entries)
			return r, nil
		}
	}
}

func (r PackReport) end(line []byte, head string, trusted [][]byte, rest *bufio.Reader) PackReport {
	var e packEnd
	if err := json.Unmarshal(line, &e); err != nil || e.Sig == "" {
		r.Broken = "the end cannot be read"
		return r
	}
	if len(trusted) == 0 {
		for _, k := range e.Keys {
			trusted = append(trusted, []byte(k.PEM))
		}
	}
	switch _, err := rest.ReadByte(); {
	case err == nil:
		r.Broken = "something stands behind the end"
	case e.Count != r.Entries:
		r.Broken = fmt.Sprintf("it says %d entries and holds %d", e.Count, r.Entries)
	case e.Head != head:
		r.Broken = "the end belongs to another chain"
	case !audit.Genuine(e.canonical(), e.Sig, trusted...):
		r.Broken = "the signature is not by a known key"
	}
	return r
}
