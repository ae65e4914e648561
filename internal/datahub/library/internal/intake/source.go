// Package intake reads a person's spreadsheet on its way into a dataset: opens what is stored as a table, says what
// it finds there, turns rows into values or reasons, and keeps the rows that were refused.
package intake

import (
	"io"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// Source is a stored file as a table is read from it.
type Source = table.Source

// OpenSource is table.OpenSource.
func OpenSource(open func() (io.ReadCloser, error), size int64, dir string) (*Source, error) {
	return table.OpenSource(open, size, dir)
}

// writer words a failing temporary file, so that it is not taken for a failing source.
type writer struct{ io.Writer }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = errs.Wrap(err, errs.Busy, "library.temp_full")
	}
	return n, err
}
