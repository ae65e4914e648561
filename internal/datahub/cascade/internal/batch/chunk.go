package batch

import (
	"bytes"
	"compress/gzip"
	"io"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
)

// Writer cuts lines into chunks.
type Writer struct {
	tree   Tree
	plain  bytes.Buffer
	rows   int64
	all    int64
	most   int
	chunks []Chunk
	emit   func(n int, content []byte) error
}

// NewWriter makes chunks of about most bytes of lines before compression; emit is given each, in order.
func NewWriter(most int, emit func(n int, content []byte) error) *Writer {
	return &Writer{most: min(max(most, 1<<10), MaxPlain-MaxLine), emit: emit, chunks: []Chunk{}}
}

// Add takes the next line, a JSON value on one line.
func (w *Writer) Add(line []byte) error {
	if len(line) > MaxLine || len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
		return errs.New(errs.Invalid, "cascade.bad_line", w.all+1)
	}
	if w.plain.Len() > 0 && w.plain.Len()+len(line)+1 > w.most {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.tree.Add(line)
	w.plain.Write(line)
	w.plain.WriteByte('\n')
	w.rows++
	w.all++
	return nil
}

func (w *Writer) flush() error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b) // no name and no time: equal lines give equal bytes
	if _, err := z.Write(w.plain.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := w.emit(len(w.chunks), b.Bytes()); err != nil {
		return err
	}
	w.chunks = append(w.chunks, Chunk{Size: int64(b.Len()), Rows: w.rows, SM3: secret.SM3Hex(b.Bytes())})
	w.plain.Reset()
	w.rows = 0
	return nil
}

// Close ends the content and writes its figures into m.
func (w *Writer) Close(m *Manifest) error {
	if w.plain.Len() > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	m.Rows, m.Root, m.Chunks = w.all, w.tree.Root(), w.chunks
	return nil
}

// CheckChunk says whether content is chunk n of m.
func (m *Manifest) CheckChunk(n int, content []byte) error {
	if n < 0 || n >= len(m.Chunks) {
		return errs.New(errs.Missing, "cascade.no_chunk", n+1)
	}
	if c := m.Chunks[n]; int64(len(content)) != c.Size || secret.SM3Hex(content) != c.SM3 {
		return errs.New(errs.Invalid, "cascade.bad_chunk", n+1)
	}
	return nil
}

// Lines unpacks chunk n of m, checked before, and calls fn with each of its lines; the slice is used again.
func (m *Manifest) Lines(n int, content []byte, fn func(line []byte) error) error {
	damaged := func(err error) error { return errs.Wrap(err, errs.Invalid, "cascade.bad_chunk", n+1) }
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return damaged(err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, MaxPlain+1))
	if err != nil || len(plain) > MaxPlain {
		return damaged(err)
	}
	var rows int64
	for len(plain) > 0 {
		line, rest, ok := bytes.Cut(plain, []byte("\n"))
		if !ok || len(line) == 0 || len(line) > MaxLine {
			return damaged(nil)
		}
		if err := fn(line); err != nil {
			return err
		}
		rows, plain = rows+1, rest
	}
	if rows != m.Chunks[n].Rows {
		return damaged(nil)
	}
	return nil
}
