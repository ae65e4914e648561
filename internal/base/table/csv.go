package table

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/table/internal/xlsx"
)

// sampleBytes is how much of a text is looked at to find its delimiter and encoding.
const sampleBytes = 256 << 10

// maxRecord bounds the text of one row in bytes.
const maxRecord = 8 << 20

// csvSource is a delimited text (RFC 4180, read as leniently as Excel does).
type csvSource struct {
	src   io.ReaderAt
	size  int64
	lim   Limits
	enc   charset
	delim byte
	skip  bool // the first line is Excel's "sep=;"
}

func openCSV(src io.ReaderAt, size int64, lim Limits) (*csvSource, error) {
	c := &csvSource{src: src, size: size, lim: lim}
	text, enc, err := textReader(src, size)
	if err != nil {
		return nil, err
	}
	l := newLines(text, enc)
	var sample []byte
	for len(sample) < sampleBytes {
		s, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if bytes.IndexByte(s.text, 0) >= 0 {
			return nil, errs.New(errs.Invalid, "table.not_table")
		}
		sample = append(sample, s.text...)
	}
	c.enc = l.enc
	if len(bytes.TrimSpace(sample)) == 0 {
		return nil, errs.New(errs.Invalid, "table.empty")
	}
	c.delim, c.skip = sniffDelimiter(sample)
	return c, nil
}

// sniffDelimiter takes the candidate that cuts most of the first rows into the same number of cells, at least two;
// a comma when none does.
func sniffDelimiter(sample []byte) (delim byte, sepLine bool) {
	if len(sample) > 5 && bytes.EqualFold(sample[:4], []byte("sep=")) && (sample[5] == '\n' || sample[5] == '\r') {
		return sample[4], true
	}
	delim = ','
	best := 0.0
	for _, d := range []byte{',', '\t', ';', '|'} {
		p := parser{delim: d, lim: Limits{}.withDefaults()}
		counts, n := map[int]int{}, 0
		p.emit = func() bool {
			if !p.empty() {
				counts[p.col]++
				n++
			}
			p.reset()
			return n < 200
		}
		p.feed(sample)
		p.finish()
		for width, rows := range counts {
			// rows alike first, then more columns
			if score := float64(rows)/float64(n) + float64(width)/1e5; width > 1 && score > best {
				best, delim = score, d
			}
		}
	}
	return delim, false
}

func (c *csvSource) close() error { return nil }

// rows yields every record that holds anything. Row numbers count records, as Excel does, not lines.
func (c *csvSource) rows(yield xlsx.Yield) error {
	text, enc, err := textReader(c.src, c.size)
	if err != nil {
		return err
	}
	if enc == undecided {
		enc = c.enc
	}
	l := newLines(text, enc)
	if c.skip {
		if _, err := l.next(); err != nil {
			return nil
		}
	}
	p := parser{delim: c.delim, lim: c.lim}
	row := 0
	p.emit = func() bool {
		row++
		more := true
		if !p.empty() || len(p.why) > 0 {
			cells := p.cells()
			more = yield(row, cells, p.reasons(row, cells))
		}
		p.reset()
		return more
	}
	for {
		s, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if s.bad != "" {
			p.badLine = badLine(s, 0, l.enc)
		}
		p.line = s.line
		if !p.feed(s.text) {
			return nil
		}
		p.badLine = errs.Field{}
	}
	c.enc = max(c.enc, l.enc)
	if p.state == quoted {
		return errs.New(errs.Invalid, "table.quote_open", p.started)
	}
	p.finish()
	return nil
}

// state is where the parser stands in a cell.
type state byte

const (
	atStart  state = iota
	bare           // in a cell without quotes
	quoted         // between quotes
	quoteEnd       // after a quote inside quotes: its end, or the first of two
)

// parser cuts records out of decoded text given piece by piece. What is over a limit is not kept, but counted.
type parser struct {
	delim   byte
	lim     Limits
	emit    func() bool // called at the end of each record; false stops
	state   state
	afterCR bool
	buf     []byte // text of the record's cells, one after the other
	ends    []int  // where each ends
	runes   int    // characters of the current cell
	bytes   int    // of the record, over maxRecord once something was left out
	col     int    // cells finished
	why     []errs.Field
	badLine errs.Field // why the line being fed cannot be trusted
	line    int        // line being fed
	started int        // line the record began on
	some    bool       // the record has at least one byte
}

// feed returns false when emit asked to stop.
func (p *parser) feed(b []byte) bool {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if p.afterCR {
			if p.afterCR = false; c == '\n' {
				continue
			}
		}
		if p.started == 0 {
			p.started = p.line
		}
		if p.badLine.Key != "" {
			p.note(p.badLine)
			p.badLine.Key = ""
		}
		switch {
		case p.state == quoted && c == '"':
			p.state = quoteEnd
		case p.state == quoted:
			i += p.put(b[i:], '"', '"', '"') - 1
		case c == '"' && p.state == quoteEnd:
			p.state = quoted
			p.put(b[i:i+1], 0, 0, 0)
		case c == '"' && p.state == atStart:
			p.state, p.some = quoted, true
		case c == p.delim:
			p.endCell()
			p.some = true
		case c == '\n' || c == '\r':
			p.afterCR = c == '\r'
			p.endCell()
			if !p.emit() {
				return false
			}
		default: // text after a closing quote belongs to the cell, as Excel has it
			p.state = bare
			i += p.put(b[i:], p.delim, '\n', '\r') - 1
		}
	}
	return true
}

// finish ends the last record when no line end did.
func (p *parser) finish() {
	if p.some || len(p.buf) > 0 {
		p.endCell()
		p.emit()
	}
}

// put adds text to the cell up to the first of three stop bytes, at least one byte, and returns how many it took.
func (p *parser) put(b []byte, stop1, stop2, stop3 byte) int {
	n, starts := 0, 0
	for ; n < len(b); n++ {
		c := b[n]
		if n > 0 && (c == stop1 || c == stop2 || c == stop3) {
			break
		}
		if utf8.RuneStart(c) {
			starts++
		}
	}
	p.some = true
	if bytes.IndexByte(b[:n], 0) >= 0 {
		p.fail("table.cell_zero", xlsx.ColName(p.col+1))
	}
	p.keep(b[:n], starts)
	return n
}

// keep stores text of so many characters as far as the limits allow.
func (p *parser) keep(b []byte, chars int) {
	had := p.runes
	p.runes += chars
	if p.col >= p.lim.MaxColumns || had > p.lim.MaxCell {
		return
	}
	if p.runes > p.lim.MaxCell {
		p.fail("table.cell_long", xlsx.ColName(p.col+1), p.lim.MaxCell)
		b = firstChars(b, p.lim.MaxCell-had)
	}
	if room := maxRecord - p.bytes; len(b) > room {
		if room >= 0 {
			p.fail("table.row_long", maxRecord>>20)
		}
		p.bytes = maxRecord + 1
		return
	}
	p.bytes += len(b)
	p.buf = append(p.buf, b...)
}

// firstChars cuts b before its character number n, counted from 0.
func firstChars(b []byte, n int) []byte {
	for i, c := range b {
		if utf8.RuneStart(c) {
			if n == 0 {
				return b[:i]
			}
			n--
		}
	}
	return b
}

func (p *parser) endCell() {
	if p.col++; p.col <= p.lim.MaxColumns {
		p.ends = append(p.ends, len(p.buf))
	} else if p.col == p.lim.MaxColumns+1 {
		p.fail("table.columns", p.lim.MaxColumns)
	}
	p.state, p.runes = atStart, 0
}

// fail notes a reason on the current cell.
func (p *parser) fail(key string, args ...any) {
	p.note(errs.Field{Name: xlsx.ColName(p.col + 1), Key: key, Args: args})
}

func (p *parser) note(f errs.Field) {
	if len(p.why) < 20 {
		p.why = append(p.why, f)
	}
}

// empty reports whether the record has no text at all.
func (p *parser) empty() bool { return len(bytes.TrimSpace(p.buf)) == 0 }

func (p *parser) cells() []string {
	all := string(p.buf)
	out := make([]string, len(p.ends))
	from := 0
	crlf := strings.Contains(all, "\r\n") // only between quotes; a line break in a cell is \n, as in a workbook
	for i, to := range p.ends {
		out[i], from = all[from:to], to
		if crlf {
			out[i] = strings.ReplaceAll(out[i], "\r\n", "\n")
		}
	}
	return out
}

// reasons words why the record cannot be used. One that runs over many lines owes it to a quote
// that was never closed where it should be.
func (p *parser) reasons(row int, cells []string) []errs.Field {
	for i, cell := range cells {
		if lostDigits(cell) {
			p.note(errs.Field{Name: xlsx.ColName(i + 1), Key: "table.digits_lost", Args: []any{xlsx.ColName(i + 1), 15, cell}})
		}
	}
	for i := range p.why {
		p.why[i].Row = row
		if k := p.why[i].Key; (k == "table.cell_long" || k == "table.row_long") && p.line > p.started {
			p.why[i].Key, p.why[i].Args = "table.quote_runaway", []any{p.started, p.line}
		}
	}
	return p.why
}

func (p *parser) reset() {
	p.buf, p.ends, p.why = p.buf[:0], p.ends[:0], nil
	p.state, p.runes, p.bytes, p.col, p.started, p.some = atStart, 0, 0, 0, 0, false
}

// lostDigits recognises what Excel makes of an 18-digit number when it saves a CSV: 4.20106E+17.
func lostDigits(cell string) bool {
	if len(cell) < 5 || len(cell) > 20 || cell[0] < '0' || cell[0] > '9' {
		return false
	}
	i := bytes.IndexByte([]byte(cell), 'E')
	if i < 1 || i+2 >= len(cell) || cell[i+1] != '+' {
		return false
	}
	exp := 0
	for _, c := range []byte(cell[i+2:]) {
		if c < '0' || c > '9' {
			return false
		}
		exp = exp*10 + int(c-'0')
	}
	for _, c := range []byte(cell[:i]) {
		if c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return exp >= 15
}
