package table

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qushu/internal/base/errs"
)

// Writer streams a table out. The first row written is the header. Values may be nil, string, bool, int, int64,
// float64 and time.Time: midnight UTC is a date, anything else a moment shown at +08:00. Close finishes the file
// but does not close what it is written to.
type Writer interface {
	Write(values ...any) error
	Close() error
}

// CSVOptions vary a CSV; the zero value is what Excel opens by a double click.
type CSVOptions struct {
	Delimiter byte // ',' when 0
	NoBOM     bool // leave out the UTF-8 byte order mark, for programs
	Verbatim  bool // leave out the guard against formulas, for programs
}

type csvWriter struct {
	buf    *bufio.Writer
	w      *csv.Writer
	opts   CSVOptions
	record []string
	err    error
}

// NewCSV writes CSV in UTF-8 with CRLF line ends (RFC 4180). A text that a spreadsheet would run as a formula
// (beginning with = + - @, tab or carriage return, and no number) gets an apostrophe in front (OWASP CSV injection).
func NewCSV(w io.Writer, opts CSVOptions) Writer {
	buf := bufio.NewWriterSize(w, 64<<10)
	c := &csvWriter{buf: buf, w: csv.NewWriter(buf), opts: opts}
	c.w.UseCRLF = true
	if opts.Delimiter != 0 {
		c.w.Comma = rune(opts.Delimiter)
	}
	if !opts.NoBOM {
		_, c.err = buf.WriteString("\uFEFF")
	}
	return c
}

// Write adds a row.
func (c *csvWriter) Write(values ...any) error {
	if c.err != nil {
		return writeFailed(c.err)
	}
	c.record = c.record[:0]
	for _, v := range values {
		s := show(v)
		if _, text := v.(string); text && !c.opts.Verbatim {
			s = guard(s)
		}
		c.record = append(c.record, s)
	}
	c.err = c.w.Write(c.record)
	return writeFailed(c.err)
}

// Close flushes.
func (c *csvWriter) Close() error {
	c.w.Flush()
	err := c.w.Error()
	if err == nil {
		err = c.buf.Flush()
	}
	return writeFailed(err)
}

// AppendCSV adds a record to b as NewCSV writes it, guard included: for tables of hundreds of thousands of rows, whose
// cells are texts already.
func AppendCSV(b []byte, cells ...string) []byte {
	for i, s := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		s = guard(s)
		if !wrapped(s) {
			b = append(b, s...)
			continue
		}
		b = append(b, '"')
		for j := 0; j < len(s); j++ {
			switch s[j] {
			case '"':
				b = append(b, '"', '"')
			case '\r':
			case '\n':
				b = append(b, '\r', '\n')
			default:
				b = append(b, s[j])
			}
		}
		b = append(b, '"')
	}
	return append(b, '\r', '\n')
}

// wrapped reports whether encoding/csv puts a cell in quotes.
func wrapped(s string) bool {
	if s == "" {
		return false
	}
	if s == `\.` || s[0] == ' ' || s[0] == '\t' || strings.ContainsAny(s, ",\"\r\n") {
		return true
	}
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

// guard keeps a spreadsheet from taking text for a formula.
func guard(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, number := parseDecimal(s); number {
		return s
	}
	return "'" + s
}

// show gives a value's text.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "是"
		}
		return "否"
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		if isDate(v) {
			return v.Format(time.DateOnly)
		}
		return v.In(civil()).Format(time.DateTime)
	}
	return fmt.Sprint(v)
}

// isDate reports whether t is a date as Parse gives it.
func isDate(t time.Time) bool {
	return t.Location() == time.UTC && t.Truncate(24*time.Hour).Equal(t)
}

func writeFailed(err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(err, errs.Busy, "table.write_failed")
}
