package flow

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
)

// evidenceFormat names the format of an evidence pack: a ZIP with the paper, the case as JSON, the files, then
// manifest.json, which names and hashes all of them, and manifest.sig, an SM2 signature of the bytes of manifest.json.
const (
	evidenceFormat = "qushu-evidence/1"
	manifestName   = "manifest.json"
	signatureName  = "manifest.sig"
)

// manifest says what is in a pack. The keys are there for convenience; a careful reader brings his own.
type manifest struct {
	Format   string            `json:"format"`
	District string            `json:"district"`
	Case     string            `json:"case"`
	Number   string            `json:"number"`
	Title    string            `json:"title"`
	At       store.Time        `json:"at"`
	By       string            `json:"by"`
	Entries  []entry           `json:"entries"`
	Audit    []audit.Mention   `json:"audit"`
	Root     *audit.Root       `json:"root"` // the newest: records up to its last stand under it
	Keys     []audit.PublicKey `json:"keys"`
}

// entry is one file of a pack.
type entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SM3    string `json:"sm3"`
	SHA256 string `json:"sha256"`
}

type signature struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"`
	Sig       string `json:"sig"`
}

// serveEvidence writes the evidence pack of a case, as the actor may have it. Files pass through: memory does not grow with them.
func (f *Flow) serveEvidence(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rec, err := f.whole(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	c := rec.Case
	sheet, err := f.set(ctx, rec)
	if err != nil {
		return err
	}
	if err := f.audit.Note(ctx, audit.Entry{Action: "flow.evidence", Object: "flow_case", ID: c.ID, Title: c.Number, Personal: true, Subjects: 1, Detail: map[string]any{"files": len(rec.Files)}}); err != nil {
		return err
	}
	if _, err := f.audit.Chain(ctx); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(c.Number+".zip"))
	h.Set("Cache-Control", "private, no-store")
	if err := f.pack(ctx, w, rec, sheet); err != nil { // headers are out: half a pack must not be taken for a whole one
		slog.WarnContext(ctx, "flow: an evidence pack was broken off", "case", c.ID, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (f *Flow) pack(ctx context.Context, w io.Writer, r *record, sheet io.WriterTo) error {
	p := &packer{zip: zip.NewWriter(w), at: f.now()}
	c := r.Case
	m := manifest{Format: evidenceFormat, Case: c.ID, Number: c.Number, Title: c.Title, At: store.At(p.at), By: authz.From(ctx).Name}
	if f.District != nil {
		m.District = f.District(ctx)
	}
	if err := p.put("办理单.pdf", zip.Store, sheet); err != nil {
		return err
	}
	if err := p.put("case.json", zip.Deflate, asJSON{r}); err != nil {
		return err
	}
	for i, it := range r.Files {
		if err := f.packFile(ctx, p, i, it); err != nil {
			return err
		}
	}
	var root audit.Root
	var err error
	about := []audit.Ref{{Object: "flow_case", ID: c.ID}}
	if h := f.hosts[c.Room]; h.Audited != "" {
		about = append(about, audit.Ref{Object: h.Audited, ID: c.Object})
	}
	if m.Audit, root, err = f.audit.About(ctx, f.db, about...); err != nil {
		return err
	}
	if root.ID > 0 {
		m.Root = &root
	}
	if m.Keys, err = f.audit.PublicKeys(); err != nil {
		return err
	}
	m.Entries = p.all
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("flow: %w", err)
	}
	s := signature{Algorithm: "SM2 with SM3, user id 1234567812345678, ASN.1, base64"}
	if s.Key, s.Sig, err = f.audit.Sign(text); err != nil {
		return err
	}
	if err := p.put(manifestName, zip.Deflate, plain(text)); err != nil {
		return err
	}
	if err := p.put(signatureName, zip.Deflate, asJSON{s}); err != nil {
		return err
	}
	return p.zip.Close()
}

// packFile copies one file in. What the store holds must be what the row names.
func (f *Flow) packFile(ctx context.Context, p *packer, i int, it file.File) error {
	_, body, err := f.files.Open(ctx, f.db, it.ID)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := p.put(fmt.Sprintf("files/%03d-%s", i+1, it.Name), zip.Store, from{body}); err != nil {
		return err
	}
	if got := p.all[len(p.all)-1].SHA256; got != it.Hash {
		return fmt.Errorf("flow: the bytes of file %s have the hash %s, not %s", it.ID, got, it.Hash)
	}
	return nil
}

// packer writes entries and remembers what they were.
type packer struct {
	zip *zip.Writer
	at  time.Time
	all []entry
}

func (p *packer) put(name string, method uint16, body io.WriterTo) error {
	w, err := p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: p.at.In(when.Zone)})
	if err != nil {
		return fmt.Errorf("flow: %w", err)
	}
	d := newDigest()
	if _, err := body.WriteTo(io.MultiWriter(w, d)); err != nil {
		return fmt.Errorf("flow: %s: %w", name, err)
	}
	p.all = append(p.all, d.entry(name))
	return nil
}

// digest measures what is written to it.
type digest struct {
	size        int64
	sm3, sha256 hash.Hash
}

func newDigest() *digest { return &digest{sm3: sm3.New(), sha256: sha256.New()} }

func (d *digest) Write(b []byte) (int, error) {
	d.size += int64(len(b))
	d.sm3.Write(b)
	d.sha256.Write(b)
	return len(b), nil
}

func (d *digest) entry(name string) entry {
	return entry{name, d.size, hex.EncodeToString(d.sm3.Sum(nil)), hex.EncodeToString(d.sha256.Sum(nil))}
}

type plain []byte

func (b plain) WriteTo(w io.Writer) (int64, error) { n, err := w.Write(b); return int64(n), err }

type asJSON struct{ v any }

func (j asJSON) WriteTo(w io.Writer) (int64, error) {
	out := json.NewEncoder(w)
	out.SetIndent("", " ")
	return 0, out.Encode(j.v)
}

type from struct{ r io.Reader }

func (f from) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, f.r) }
