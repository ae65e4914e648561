// Package batch is what two nodes exchange (批次): a manifest that says everything of its content, a signature over it, and chunks
// of lines. It is pure: no database, no network, no clock. The same bytes travel over HTTPS and through a folder.
//
// A line is one JSON value. Its hash is the leaf of a Merkle tree over SM3 (GB/T 32905) in the shape of RFC 6962 §2.1, so the root
// in the manifest stands for every line and their order. Chunks are lines in gzip, each with its size and SM3 in the manifest.
package batch

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
)

// Format and AckFormat say what a text is, and in which writing.
const (
	Format    = "qushu.cascade/1"
	AckFormat = "qushu.cascade.ack/1"
)

// Kind is what a batch carries.
type Kind string

// The kinds.
const (
	Catalogue Kind = "catalogue" // entries up
	Receipt   Kind = "receipt"   // what became of them, down
	Data      Kind = "data"      // a whole version of a dataset, down
)

// Bounds of what is read from a peer.
const (
	MaxManifest = 4 << 20  // bytes of a manifest
	MaxChunks   = 20_000   //
	MaxChunk    = 16 << 20 // bytes of a chunk as it travels
	MaxPlain    = 32 << 20 // bytes of a chunk unpacked
	MaxLine     = 1 << 20  // bytes of a line
)

// Chunk is one piece of the content.
type Chunk struct {
	Size int64  `json:"size"` // bytes as it travels
	Rows int64  `json:"rows"`
	SM3  string `json:"sm3"` // 64 hexadecimal digits
}

// Feed is the dataset a batch of kind data is a version of.
type Feed struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Title   string          `json:"title"`
	Summary string          `json:"summary"`
	Number  int64           `json:"number"` // of the version at the sender
	Columns json.RawMessage `json:"columns"`
}

// Manifest says what a batch holds. Its canonical text is what is signed.
type Manifest struct {
	Format    string  `json:"format"`
	ID        string  `json:"id"`
	Kind      Kind    `json:"kind"`
	From      string  `json:"from"` // code of the node that made it
	To        string  `json:"to"`
	Seq       int64   `json:"seq"`       // from 1, without gaps, per direction
	Prev      string  `json:"prev"`      // SM3 of the manifest before it, "" of the first
	Made      string  `json:"made"`      // RFC 3339, UTC
	Watermark string  `json:"watermark"` // the content holds everything up to then
	Feed      *Feed   `json:"feed,omitempty"`
	Schema    string  `json:"schema"` // SM3 of how a line is built
	Rows      int64   `json:"rows"`
	Root      string  `json:"root"` // Merkle root over the lines
	Chunks    []Chunk `json:"chunks"`
}

// Ack is what the receiver states about a batch.
type Ack struct {
	Format   string   `json:"format"`
	Batch    string   `json:"batch"`    // id, "" when it could not even be read
	Manifest string   `json:"manifest"` // SM3 of the manifest it speaks of
	From     string   `json:"from"`
	To       string   `json:"to"`
	Seq      int64    `json:"seq"`
	State    string   `json:"state"` // applied, refused, damaged
	Rows     int64    `json:"rows"`  // as the receiver counted them
	Root     string   `json:"root"`  // as the receiver worked it out
	Key      string   `json:"key"`   // text key of why not
	Args     []string `json:"args"`
	At       string   `json:"at"`
	Want     int64    `json:"want"` // number the receiver waits for
}

// States of an Ack.
const (
	Applied = "applied"
	Refused = "refused"
	Damaged = "damaged" // did not arrive whole: send it again
)

// Envelope is a signed text as it travels.
type Envelope struct {
	Text []byte `json:"text"` // base 64 of the canonical text
	Sig  []byte `json:"sig"`  // SM2 with SM3, ASN.1
}

var (
	idShape   = regexp.MustCompile(`^[0-9A-Za-z_-]{8,64}$`)
	codeShape = regexp.MustCompile(`^[0-9A-Za-z]{2,32}$`)
	hashShape = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ValidCode reports whether s may be a node's code: 2 to 32 letters or digits, as a division code is.
func ValidCode(s string) bool { return codeShape.MatchString(s) }

// Text is the canonical writing: members in the order of the struct, no blanks, nothing escaped that need not be.
func (m *Manifest) Text() ([]byte, error) { return canonical(m) }

// Text is the canonical writing of an ack.
func (a *Ack) Text() ([]byte, error) { return canonical(a) }

func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Hash is the SM3 of a text, 64 hexadecimal digits.
func Hash(text []byte) string { return secret.SM3Hex(text) }

// SchemaHash is the SM3 of v in JSON: of a description of how lines are built.
func SchemaHash(v any) string {
	b, err := canonical(v)
	if err != nil {
		return ""
	}
	return Hash(b)
}

// ParseManifest reads a manifest. Only the canonical writing of a manifest whose figures agree is one; anything else is Invalid.
func ParseManifest(text []byte) (*Manifest, error) {
	var m Manifest
	if err := strict(text, &m); err != nil {
		return nil, err
	}
	again, err := m.Text()
	if err != nil || !bytes.Equal(again, text) {
		return nil, bad("not_canonical")
	}
	if why := m.wrong(); why != "" {
		return nil, bad(why)
	}
	return &m, nil
}

// ParseAck reads an ack, as strictly as ParseManifest.
func ParseAck(text []byte) (*Ack, error) {
	var a Ack
	if err := strict(text, &a); err != nil {
		return nil, err
	}
	again, err := a.Text()
	known := slices.Contains([]string{Applied, Refused, Damaged}, a.State)
	if err != nil || !bytes.Equal(again, text) || a.Format != AckFormat || !known || !ValidCode(a.From) || !ValidCode(a.To) || a.Seq < 0 || a.Want < 1 {
		return nil, bad("ack")
	}
	return &a, nil
}

func strict(text []byte, into any) error {
	if len(text) > MaxManifest {
		return bad("too_long")
	}
	if !utf8.Valid(text) {
		return bad("not_utf8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errs.Wrap(err, errs.Invalid, "cascade.bad_manifest", "json")
	}
	return nil
}

func bad(what string) error { return errs.New(errs.Invalid, "cascade.bad_manifest", what) }

// wrong names what does not fit in a manifest, "" when all does.
func (m *Manifest) wrong() string {
	_, made := time.Parse(time.RFC3339, m.Made)
	_, mark := time.Parse(time.RFC3339, m.Watermark)
	switch {
	case m.Format != Format:
		return "format"
	case !idShape.MatchString(m.ID):
		return "id"
	case m.Kind != Catalogue && m.Kind != Receipt && m.Kind != Data:
		return "kind"
	case !ValidCode(m.From) || !ValidCode(m.To) || m.From == m.To:
		return "from"
	case m.Seq < 1 || (m.Seq == 1) != (m.Prev == "") || m.Prev != "" && !hashShape.MatchString(m.Prev):
		return "seq"
	case made != nil || mark != nil:
		return "made"
	case (m.Kind == Data) != (m.Feed != nil) || m.Feed != nil && (!idShape.MatchString(m.Feed.ID) || len(m.Feed.Columns) == 0):
		return "feed"
	case !hashShape.MatchString(m.Schema) || !hashShape.MatchString(m.Root):
		return "root"
	case m.Chunks == nil || len(m.Chunks) > MaxChunks:
		return "chunks"
	}
	var rows int64
	for _, c := range m.Chunks {
		if c.Size < 1 || c.Size > MaxChunk || c.Rows < 1 || !hashShape.MatchString(c.SM3) {
			return "chunks"
		}
		rows += c.Rows
	}
	if rows != m.Rows {
		return "rows"
	}
	return ""
}

// Bytes is the size of all chunks as they travel.
func (m *Manifest) Bytes() int64 {
	var n int64
	for _, c := range m.Chunks {
		n += c.Size
	}
	return n
}

// Tree works out the root over leaves as they come. Memory is the logarithm of their number.
type Tree struct{ peaks []peak }

type peak struct {
	size int64
	hash []byte
}

// Add takes the next line.
func (t *Tree) Add(line []byte) {
	p := peak{1, secret.SM3(append([]byte{0}, line...))}
	for n := len(t.peaks); n > 0 && t.peaks[n-1].size == p.size; n = len(t.peaks) {
		p = peak{p.size * 2, join(t.peaks[n-1].hash, p.hash)}
		t.peaks = t.peaks[:n-1]
	}
	t.peaks = append(t.peaks, p)
}

// Root is the root over the lines so far, in hexadecimal; over none it is the SM3 of nothing.
func (t *Tree) Root() string {
	if len(t.peaks) == 0 {
		return hex.EncodeToString(secret.SM3(nil))
	}
	h := t.peaks[len(t.peaks)-1].hash
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = join(t.peaks[i].hash, h)
	}
	return hex.EncodeToString(h)
}

func join(left, right []byte) []byte {
	b := make([]byte, 0, 65)
	return secret.SM3(append(append(append(b, 1), left...), right...))
}
