package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
)

// maxLine bounds a line of a pack; a record's fields are bounded far below it.
const maxLine = 1 << 20

// PackOptions say what a reader of a pack brings along.
type PackOptions struct {
	// Trusted are PEM public keys got by another way than the pack, each with one key or several behind
	// one another. Without them the keys inside the pack are used, which shows only that the pack agrees
	// with itself: Report.Trusted is then false.
	Trusted [][]byte
	// Ring checks the rows' marks too; nil without the keys.
	Ring *secret.Ring
}

// VerifyPack checks a pack written by Export, gzipped or not: the chain, the roots' and the end's signatures, and with a
// ring the marks. It needs no database, and memory does not grow with the pack. Damage is in the report;
// the error is audit.not_a_pack for something that is no pack at all, or the reader's own.
func VerifyPack(in io.Reader, o PackOptions) (*Report, error) {
	v := &packReader{in: bufio.NewReaderSize(in, 1<<16), r: &Report{Marks: o.Ring != nil, Trusted: len(o.Trusted) > 0}}
	if magic, _ := v.in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(v.in)
		if err != nil {
			return nil, errs.New(errs.Invalid, "audit.not_a_pack", packFormat)
		}
		v.in = bufio.NewReaderSize(zip, 1<<16)
	}
	v.keys(o.Trusted...)
	v.w = &walk{r: v.r}
	if o.Ring != nil {
		v.w.genuine = func(text, mac string) bool { return o.Ring.VerifyMAC(secret.Audit, mac, text) }
	}
	if err := v.head(); err != nil {
		return nil, err
	}
	for {
		line, n, err := v.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && n == 0 {
			return nil, err
		}
		if err != nil || v.ended {
			v.r.found(Place{Fault: PackUnread, Count: v.n})
			continue
		}
		v.take(line)
	}
	known := v.h.To
	if !v.ended {
		known = 0 // one sentence for one cut
		v.r.found(Place{Fault: PackCut, Seq: v.r.To + 1, To: v.h.To})
	}
	v.w.end(known)
	v.r.end(v.e.At)
	return v.r, nil
}

type packReader struct {
	in    *bufio.Reader
	pems  [][]byte // one key each
	r     *Report
	w     *walk
	h     packHead
	e     packEnd
	n     int64 // lines read
	ended bool
}

func (v *packReader) head() error {
	line, n, err := v.line()
	if err != nil && n == 0 && !errors.Is(err, io.EOF) {
		return err
	}
	if err != nil || line.Head == nil || line.Head.Format != packFormat || line.Head.From < 1 || line.Head.To < line.Head.From-1 {
		return errs.New(errs.Invalid, "audit.not_a_pack", packFormat)
	}
	v.h = *line.Head
	if !v.r.Trusted {
		for _, k := range v.h.Keys {
			v.keys([]byte(k.PEM))
		}
	}
	v.w.start(v.h.From, v.h.Prev)
	return nil
}

// keys adds the public keys of PEM texts.
func (v *packReader) keys(texts ...[]byte) {
	for _, text := range texts {
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			v.pems = append(v.pems, pem.EncodeToMemory(block))
		}
	}
}

// take checks one line after the head.
func (v *packReader) take(line packLine) {
	switch {
	case line.Record != nil:
		r := line.Record
		if r.Seq > v.h.To || r.Seq < v.h.From { // the head and the end are signed; this is not of the pack
			v.r.found(Place{Fault: Outside, Seq: r.Seq, To: r.Seq, Count: 1})
			return
		}
		v.w.record(seen{Seq: r.Seq, ID: rowID(r.Text), Text: r.Text, MAC: r.MAC, Hash: r.Hash})
	case line.Root != nil:
		v.r.Roots++
		if !v.signed(line.Root.Sig, line.Root.Canonical()) {
			v.r.found(Place{Fault: RootForged, Root: line.Root.ID})
			return
		}
		v.w.root(*line.Root)
	case line.End != nil:
		v.e, v.ended = *line.End, true
		if !v.signed(v.e.Sig, v.e.canonical(v.h)) {
			v.r.found(Place{Fault: PackForged})
		} else if v.e.Head != v.r.Head && v.r.To == v.h.To && v.r.Broken == 0 {
			v.r.found(Place{Fault: Changed, Seq: v.r.To, To: v.r.To})
		}
	default:
		v.r.found(Place{Fault: PackUnread, Count: v.n})
	}
}

// rowID is the first field of a canonical text.
func rowID(text string) string {
	if rest, ok := strings.CutPrefix(text, `["`); ok {
		if id, _, ok := strings.Cut(rest, `"`); ok && len(id) == 26 {
			return id
		}
	}
	return ""
}

func (v *packReader) signed(sig, text string) bool {
	b, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		return false
	}
	for _, p := range v.pems {
		if secret.VerifyWith(p, []byte(text), b) == nil {
			return true
		}
	}
	return false
}

var errLine = errors.New("audit: not a line of a pack")

// line reads the next line that is not empty. n is its length; an error with n > 0 is of the line, not of the reader.
func (v *packReader) line() (out packLine, n int, err error) {
	for {
		raw, long, err := v.bytes()
		if err != nil {
			return out, 0, err
		}
		v.n++
		if long {
			return out, maxLine, errLine
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields() // whatever is not checked must not be there to be believed
		if err := d.Decode(&out); err != nil || d.More() || !out.single() {
			return packLine{}, len(raw), errLine
		}
		return out, len(raw), nil
	}
}

// bytes reads up to the next line end; long says that the line was over the bound and is dropped.
func (v *packReader) bytes() (line []byte, long bool, err error) {
	for {
		part, err := v.in.ReadSlice('\n')
		if !long {
			if line = append(line, part...); len(line) > maxLine {
				line, long = nil, true
			}
		}
		switch {
		case err == nil:
			return line, long, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(line) > 0 || long):
			return line, long, nil
		case errors.Is(err, io.EOF):
			return nil, false, io.EOF
		default:
			return nil, false, fmt.Errorf("audit: the pack cannot be read: %w", err)
		}
	}
}
