package flow

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// Evidence is what the verification of an evidence pack found.
type Evidence struct {
	District, Number, Title, By string
	At                          store.Time
	Trusted                     bool // checked with keys that did not come with the pack
	Files                       int
	Places                      []errs.Field // what is wrong, each named after its file
}

// OK reports whether the pack is whole.
func (e *Evidence) OK() bool { return len(e.Places) == 0 }

func (e *Evidence) found(name, key string, args ...any) {
	e.Places = append(e.Places, errs.Field{Name: name, Key: "flow.evidence_" + key, Args: append([]any{name}, args...)})
}

// Words returns what was found as sentences: what the verdict is worth, the verdict, then the places.
func (e *Evidence) Words(words *errs.Catalog, lang string) []string {
	var out []string
	if !e.Trusted {
		out = append(out, words.Text(lang, "flow.evidence_untrusted"))
	}
	if e.OK() {
		return append(out, words.Text(lang, "flow.evidence_whole", e.Number, e.Title, e.Files, e.By, moment(e.At)))
	}
	out = append(out, words.Text(lang, "flow.evidence_broken", e.Number, len(e.Places)))
	for _, p := range e.Places {
		out = append(out, words.Text(lang, p.Key, p.Args...))
	}
	return out
}

// maxManifest bounds what is read of a pack into memory.
const maxManifest = 16 << 20

// VerifyEvidence checks an evidence pack with no database: the signature, that each file is what the manifest says, and that
// none is missing or added. Trusted are PEM public keys got by another way; without them the pack's own are used, which shows
// only that it agrees with itself. What is wrong is in the result; the error is flow.no_evidence for something that is no such
// pack at all.
func VerifyEvidence(r io.ReaderAt, size int64, trusted ...[]byte) (*Evidence, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errs.New(errs.Invalid, "flow.no_evidence", evidenceFormat)
	}
	e := &Evidence{Trusted: len(trusted) > 0}
	held := map[string]*zip.File{}
	for _, f := range z.File {
		if held[f.Name] != nil { // readers differ in which of the two they show
			e.found(f.Name, "twice")
		}
		held[f.Name] = f
	}
	text, err := small(held[manifestName])
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "flow.no_evidence", evidenceFormat)
	}
	var m manifest
	if json.Unmarshal(text, &m) != nil || m.Format != evidenceFormat {
		return nil, errs.New(errs.Invalid, "flow.no_evidence", evidenceFormat)
	}
	e.District, e.Number, e.Title, e.By, e.At = m.District, m.Number, m.Title, m.By, m.At
	if !e.Trusted {
		for _, k := range m.Keys {
			trusted = append(trusted, []byte(k.PEM))
		}
	}
	e.signed(text, held[signatureName], &m, trusted)
	e.compare(held, &m)
	return e, nil
}

func (e *Evidence) signed(text []byte, sig *zip.File, m *manifest, keys [][]byte) {
	var s signature
	if b, err := small(sig); err != nil || json.Unmarshal(b, &s) != nil || !audit.Genuine(text, s.Sig, keys...) {
		e.found(manifestName, "forged")
	}
	if m.Root != nil && !audit.Genuine([]byte(m.Root.Canonical()), m.Root.Sig, keys...) {
		e.found(manifestName, "root", m.Root.ID)
	}
}

// compare checks each file against the manifest.
func (e *Evidence) compare(held map[string]*zip.File, m *manifest) {
	known := map[string]bool{manifestName: true, signatureName: true}
	for _, want := range m.Entries {
		known[want.Name] = true
		f := held[want.Name]
		if f == nil {
			e.found(want.Name, "missing")
			continue
		}
		e.Files++
		if got, err := measure(f, want.Size); err != nil {
			e.found(want.Name, "unread")
		} else if got != want {
			e.found(want.Name, "changed")
		}
	}
	for name := range held {
		if !known[name] {
			e.found(name, "added")
		}
	}
}

// measure hashes an entry, no more of it than one byte over what it should have.
func measure(f *zip.File, size int64) (entry, error) {
	body, err := f.Open()
	if err != nil {
		return entry{}, err
	}
	defer body.Close()
	d := newDigest()
	if _, err := io.Copy(d, io.LimitReader(body, size+1)); err != nil && d.size <= size {
		return entry{}, err
	}
	return d.entry(f.Name), nil
}

func small(f *zip.File) ([]byte, error) {
	if f == nil {
		return nil, fmt.Errorf("flow: an entry is not there")
	}
	body, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(body, maxManifest+1)); err != nil || n > maxManifest {
		return nil, fmt.Errorf("flow: %s cannot be read: %d bytes, %w", f.Name, n, err)
	}
	return b.Bytes(), nil
}
