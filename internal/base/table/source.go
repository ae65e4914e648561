package table

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"qushu/internal/base/errs"
)

// Source is a stored file as Open wants it. Text is streamed from where it is stored, at any size; a workbook,
// which is read here and there, is copied to a temporary file first. Either way the bytes are read to their end, so
// that the store's check of them holds.
type Source struct {
	open func() (io.ReadCloser, error)
	size int64
	cur  io.ReadCloser
	at   int64
	far  atomic.Int64
	temp *os.File
}

// scattered are the first bytes of files that are not read from front to back: zip, OLE compound files, Parquet.
var scattered = [...]string{"PK\x03\x04", "\xD0\xCF\x11\xE0", "PAR1"}

// OpenSource makes a Source of size bytes that open gives from their beginning each time it is called. Temporary
// files go to dir, "" for the system's. Busy when it has no room.
func OpenSource(open func() (io.ReadCloser, error), size int64, dir string) (*Source, error) {
	s := &Source{open: open, size: size}
	begin := make([]byte, min(size, 4))
	if _, err := s.ReadAt(begin, 0); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, mark := range scattered {
		if bytes.Equal(begin, []byte(mark)) {
			if err := s.spool(dir); err != nil {
				return nil, errors.Join(err, s.Close())
			}
		}
	}
	return s, nil
}

func (s *Source) spool(dir string) error {
	f, err := os.CreateTemp(dir, "qushu-table-*")
	if err != nil {
		return errs.Wrap(err, errs.Busy, "table.temp_full")
	}
	s.temp = f
	r, err := s.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(writer{f}, r)
	return err
}

// writer words a failing temporary file, so that it is not taken for a failing source.
type writer struct{ io.Writer }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = errs.Wrap(err, errs.Busy, "table.temp_full")
	}
	return n, err
}

// ReadAt implements io.ReaderAt for one reader at a time that mostly goes forward; going back begins anew.
func (s *Source) ReadAt(p []byte, off int64) (int, error) {
	if s.temp != nil {
		return s.temp.ReadAt(p, off)
	}
	if s.cur == nil || off < s.at {
		if s.cur != nil {
			s.cur.Close()
		}
		var err error
		if s.cur, err = s.open(); err != nil {
			s.cur = nil
			return 0, err
		}
		s.at = 0
	}
	if off > s.at {
		n, err := io.CopyN(io.Discard, s.cur, off-s.at)
		if s.at += n; err != nil {
			return 0, err
		}
	}
	n, err := io.ReadFull(s.cur, p)
	if s.at += int64(n); s.at > s.far.Load() {
		s.far.Store(s.at)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// Read tells how many bytes have been passed, of how many; of a workbook 0 of 0. Any goroutine may ask.
func (s *Source) Read() (done, of int64) {
	if s.temp != nil {
		return 0, 0
	}
	return s.far.Load(), s.size
}

// Rewind makes Read count from the beginning again.
func (s *Source) Rewind() { s.far.Store(0) }

// Table opens the source as a table; name only serves to word a refusal.
func (s *Source) Table(name string, lim Limits) (*Reader, error) {
	return Open(s, s.size, name, lim)
}

// Close closes what is open and removes the temporary file.
func (s *Source) Close() error {
	var err error
	if s.cur != nil {
		err = s.cur.Close()
		s.cur = nil
	}
	if s.temp != nil {
		err = errors.Join(err, s.temp.Close(), os.Remove(s.temp.Name()))
		s.temp = nil
	}
	return err
}
