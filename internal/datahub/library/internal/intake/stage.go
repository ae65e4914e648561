package intake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"sync/atomic"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// Input is rows on their way in, with the names of their columns; they can be gone through any number of times.
type Input interface {
	Names() []string
	Rows() iter.Seq2[table.Row, error]
	Read() (done, of int64) // bytes passed, of how many; of 0 when unknown
	Rewind()                // makes Read count from the beginning again
	Close() error
}

// Sheet is an opened file as Input.
type Sheet struct {
	*table.Reader
	Src  *Source
	Head table.Head
}

// Names implements Input.
func (s *Sheet) Names() []string { return s.Head.Names }

// Rows implements Input.
func (s *Sheet) Rows() iter.Seq2[table.Row, error] { return s.Reader.Rows(s.Head) }

// Read implements Input.
func (s *Sheet) Read() (done, of int64) { return s.Src.Read() }

// Rewind implements Input.
func (s *Sheet) Rewind() { s.Src.Rewind() }

// Close implements Input.
func (s *Sheet) Close() error { return errors.Join(s.Reader.Close(), s.Src.Close()) }

// Stage keeps rows that came from elsewhere in a temporary file, so that they can be gone through again and the
// warehouse never waits for a network. The file has no name: whatever happens to the program, nothing of it stays.
type Stage struct {
	names []string
	file  *os.File
	buf   *bufio.Writer
	row   []byte
	last  int
	count int64
	size  int64
	far   atomic.Int64
}

// maxCell is how many bytes one cell may hold, and maxRow one row.
const (
	maxCell = 1 << 20
	maxRow  = 16 << 20
)

// NewStage returns an empty one in dir, "" for the system's.
func NewStage(dir string, names []string) (*Stage, error) {
	f, err := os.CreateTemp(dir, "qushu-stage-*")
	if err != nil {
		return nil, errs.Wrap(err, errs.Busy, "library.temp_full")
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Stage{names: names, file: f, buf: bufio.NewWriterSize(writer{f}, 256<<10)}, nil
}

// Add keeps a row of as many cells as there are names. Its number in the source rises from row to row; 0 counts on.
func (s *Stage) Add(number int, cells []string) error {
	if number == 0 {
		number = s.last + 1
	}
	s.row = binary.AppendUvarint(s.row[:0], uint64(max(number-s.last, 1)))
	s.last += max(number-s.last, 1)
	for _, c := range cells {
		if len(c) > maxCell {
			return errs.New(errs.TooLarge, "library.cell_too_long", s.count+1, maxCell>>20)
		}
		s.row = binary.AppendUvarint(s.row, uint64(len(c)))
		s.row = append(s.row, c...)
	}
	if len(s.row) > maxRow {
		return errs.New(errs.TooLarge, "library.cell_too_long", s.count+1, maxCell>>20)
	}
	head := binary.AppendUvarint(make([]byte, 0, 10), uint64(len(s.row)))
	if _, err := s.buf.Write(head); err != nil {
		return err
	}
	if _, err := s.buf.Write(s.row); err != nil {
		return err
	}
	s.count++
	s.size += int64(len(head) + len(s.row))
	return nil
}

// Count is how many rows there are.
func (s *Stage) Count() int64 { return s.count }

// Names implements Input.
func (s *Stage) Names() []string { return s.names }

// Rows implements Input.
func (s *Stage) Rows() iter.Seq2[table.Row, error] {
	return func(yield func(table.Row, error) bool) {
		if err := s.buf.Flush(); err != nil {
			yield(table.Row{}, err)
			return
		}
		in := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, s.size), 256<<10)
		at, number := int64(0), 0
		for range s.count {
			length, err := binary.ReadUvarint(in)
			var row []byte
			if err == nil {
				row = make([]byte, length)
				_, err = io.ReadFull(in, row)
			}
			if err != nil {
				yield(table.Row{}, err)
				return
			}
			if at += int64(length) + 1; at > s.far.Load() {
				s.far.Store(at)
			}
			step, width := binary.Uvarint(row)
			number += int(step)
			cells, ok := cut(string(row[max(width, 0):]), len(s.names))
			if !ok {
				yield(table.Row{}, errors.New("intake: a staged row is damaged"))
				return
			}
			if !yield(table.Row{Number: number, Cells: cells}, nil) {
				return
			}
		}
	}
}

// cut parts a staged row into its cells.
func cut(row string, n int) ([]string, bool) {
	cells := make([]string, n)
	for i := range cells {
		length, width, shift := 0, 0, 0
		for width < len(row) {
			b := row[width]
			width++
			length |= int(b&0x7f) << shift
			shift += 7
			if b < 0x80 {
				break
			}
		}
		if width == 0 || length > len(row)-width {
			return nil, false
		}
		cells[i], row = row[width:width+length], row[width+length:]
	}
	return cells, row == ""
}

// Read implements Input.
func (s *Stage) Read() (done, of int64) { return min(s.far.Load(), s.size), s.size }

// Rewind implements Input.
func (s *Stage) Rewind() { s.far.Store(0) }

// Close implements Input.
func (s *Stage) Close() error { return s.file.Close() }
