package table

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"qushu/internal/base/errs"
)

// charset is the encoding of a text file. GB18030 contains GBK and GB 2312, what Excel writes on a Chinese Windows.
type charset byte

const (
	undecided charset = iota // only ASCII so far
	utf8Text
	gbText
	utf16Text
)

// String names the encoding for people.
func (c charset) String() string {
	switch c {
	case gbText:
		return "GB18030"
	case utf16Text:
		return "UTF-16"
	}
	return "UTF-8"
}

// utf16Order returns the decoder a UTF-16 byte order mark asks for, nil without one.
func utf16Order(begin []byte) encoding.Encoding {
	if bytes.HasPrefix(begin, []byte{0xFF, 0xFE}) || bytes.HasPrefix(begin, []byte{0xFE, 0xFF}) {
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	}
	return nil
}

// segment is a physical line with its line end, or a piece of a very long one, in UTF-8. bad is the key of why it
// could not be read as it should.
type segment struct {
	text []byte
	line int // from 1
	bad  string
}

// lines decodes a text file line by line. The encoding is settled by the first line that leaves no doubt; a later
// line in another one is decoded for the list of rejected rows, and marked.
type lines struct {
	r     *bufio.Reader
	enc   charset
	gb    *encoding.Decoder
	line  int
	open  bool   // the last segment was a piece of a line
	carry []byte // a character begun in the last piece
	out   []byte
}

func newLines(src io.Reader, enc charset) *lines {
	return &lines{r: bufio.NewReaderSize(src, 64<<10), enc: enc, gb: simplifiedchinese.GB18030.NewDecoder()}
}

// next returns io.EOF after the last segment; the text is valid until the next call.
func (l *lines) next() (segment, error) {
	raw, err := l.r.ReadSlice('\n')
	piece := err == bufio.ErrBufferFull
	if err != nil && !piece && err != io.EOF {
		return segment{}, readFailed(err)
	}
	if len(raw) == 0 && len(l.carry) == 0 {
		return segment{}, io.EOF
	}
	if !l.open {
		l.line++
	}
	l.open = piece
	if len(l.carry) > 0 {
		raw = append(l.carry, raw...)
		l.carry = nil
	}
	if ascii(raw) {
		return segment{text: raw, line: l.line}, nil
	}
	if piece {
		raw = l.hold(raw)
	}
	return l.decode(raw), nil
}

// hold keeps back a character that the end of a piece cuts in two.
func (l *lines) hold(raw []byte) []byte {
	var n int
	if l.enc == gbText || l.enc == undecided && !utf8.Valid(raw[:cutRune(raw)]) {
		n = cutGB(raw)
	} else {
		n = cutRune(raw)
	}
	l.carry = append([]byte(nil), raw[n:]...)
	return raw[:n]
}

// cutRune is the length of b without an unfinished UTF-8 character at its end.
func cutRune(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// cutGB is the length of b without an unfinished GB18030 character at its end (GB 18030-2022 §5): one byte below
// 0x81, four when the second is a digit, two otherwise.
func cutGB(b []byte) int {
	for i := 0; i < len(b); {
		n := 1
		if b[i] > 0x80 {
			switch {
			case i+1 >= len(b):
				return i
			case b[i+1] >= '0' && b[i+1] <= '9':
				n = 4
			default:
				n = 2
			}
		}
		if i+n > len(b) {
			return i
		}
		i += n
	}
	return len(b)
}

func (l *lines) decode(raw []byte) segment {
	s := segment{text: raw, line: l.line}
	valid := utf8.Valid(raw)
	switch {
	case l.enc == utf8Text || l.enc == utf16Text || l.enc == undecided && valid:
		if !valid {
			s.text, s.bad = l.fromGB(raw)
			if s.bad == "" {
				s.bad = "table.encoding_mixed"
			}
		}
		if l.enc == undecided && surelyUTF8(raw) {
			l.enc = utf8Text
		}
	case valid && surelyUTF8(raw):
		s.bad = "table.encoding_mixed"
	default:
		s.text, s.bad = l.fromGB(raw)
		if s.bad == "" {
			l.enc = gbText
		}
	}
	if s.bad == "" && bytes.Contains(s.text, []byte("\uFFFD")) {
		s.bad = "table.encoding_bad" // spoilt before it came to us
	}
	return s
}

// fromGB decodes GB18030 into the buffer the segment lives in.
func (l *lines) fromGB(raw []byte) (text []byte, bad string) {
	if need := 3 * len(raw); cap(l.out) < need { // two bytes become at most three, four at most four
		l.out = make([]byte, need)
	}
	l.gb.Reset()
	n, _, err := l.gb.Transform(l.out[:cap(l.out)], raw, true)
	text = l.out[:n]
	if err != nil || bytes.Contains(text, []byte("\uFFFD")) {
		return text, "table.encoding_bad"
	}
	return text, ""
}

// surelyUTF8 reports whether valid UTF-8 cannot well be GB18030 read wrongly. Such an accident gives two-byte
// characters (Latin, Cyrillic, Arabic: the well-known "联通"); Chinese in UTF-8 takes three.
func surelyUTF8(b []byte) bool {
	three := false
	for _, r := range string(b) {
		switch {
		case r >= 0x800:
			three = true
		case r >= utf8.RuneSelf && r != '·' && r != '°' && r != '×' && r != '±' && r != 0xA0:
			return false
		}
	}
	return three
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// textReader strips the byte order mark, decodes UTF-16 and tells what is known of the encoding.
func textReader(src io.ReaderAt, size int64) (io.Reader, charset, error) {
	begin := make([]byte, min(size, 3))
	if _, err := src.ReadAt(begin, 0); err != nil && err != io.EOF {
		return nil, undecided, readFailed(err)
	}
	whole := io.NewSectionReader(src, 0, size)
	if order := utf16Order(begin); order != nil {
		return transform.NewReader(whole, order.NewDecoder()), utf16Text, nil
	}
	if string(begin) == "\xEF\xBB\xBF" {
		return io.NewSectionReader(src, 3, size-3), utf8Text, nil
	}
	return whole, undecided, nil
}

// badLine words a segment that could not be read.
func badLine(s segment, row int, enc charset) errs.Field {
	other := gbText
	if enc == gbText {
		other = utf8Text
	}
	return errs.Field{Row: row, Key: s.bad, Args: []any{s.line, enc.String(), other.String()}}
}
