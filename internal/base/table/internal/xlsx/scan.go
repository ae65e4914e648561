package xlsx

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxTag bounds one tag with its attributes.
const maxTag = 64 << 10

var (
	errSyntax = errors.New("malformed xml")
	errCut    = errors.New("xml ends early")
)

// token is what next found.
type token byte

const (
	eof token = iota
	start
	end
)

// scanner is a pull reader for the XML of spreadsheets: elements, attributes and text, in memory bounded by maxTag
// and the longest text asked for. encoding/xml is not used because it holds a whole text node, however long, and
// takes five times as long. DOCTYPE, and so every entity of one's own, is refused (ECMA-376-2 §8.1.4 forbids it).
type scanner struct {
	r       *bufio.Reader
	tag     []byte // the current tag without angle brackets
	name    []byte // its local name
	depth   int
	closing bool   // the current start tag was <x/>: its end is due
	keep    bool   // text is being collected
	max     int    // most bytes of text collected
	text    []byte // raw text since collect
	over    bool   // text was longer than max
}

func newScanner(r io.Reader, max int) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 64<<10), max: max}
}

// next moves to the next start or end tag; text between is collected or skipped.
func (s *scanner) next() (token, error) {
	if s.closing {
		s.closing = false
		s.depth--
		return end, nil
	}
	for {
		if err := s.skipText(); err != nil {
			if err == io.EOF {
				if s.depth != 0 {
					return eof, errCut
				}
				return eof, nil
			}
			return eof, err
		}
		c, err := s.r.Peek(1)
		if err != nil {
			return eof, cut(err)
		}
		switch c[0] {
		case '?':
			err = s.skipTo("?>", nil)
		case '!':
			err = s.markup()
		default:
			return s.readTag()
		}
		if err != nil {
			return eof, err
		}
	}
}

// skipText reads up to and with the next '<'.
func (s *scanner) skipText() error {
	for {
		b, err := s.r.ReadSlice('<')
		if err == nil {
			s.collectRaw(b[:len(b)-1])
			return nil
		}
		s.collectRaw(b)
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// markup reads what follows "<!": a comment, a CDATA section, or something refused.
func (s *scanner) markup() error {
	if b, err := s.r.Peek(3); err == nil && string(b) == "!--" {
		return s.skipTo("-->", nil)
	}
	if b, err := s.r.Peek(8); err == nil && string(b) == "![CDATA[" {
		if _, err := s.r.Discard(8); err != nil {
			return cut(err)
		}
		return s.skipTo("]]>", func(b []byte) {
			s.collectRaw(bytes.ReplaceAll(b, []byte("&"), []byte("&amp;"))) // text() will undo it
		})
	}
	return errSyntax
}

// skipTo reads up to and with mark, whose last byte is '>', giving what precedes it to each.
func (s *scanner) skipTo(mark string, each func([]byte)) error {
	tail := make([]byte, 0, 2*len(mark)) // bytes that may belong to mark
	for {
		b, err := s.r.ReadSlice('>')
		if err != nil && err != bufio.ErrBufferFull {
			return cut(err)
		}
		all := append(tail, b...)
		done := bytes.HasSuffix(all, []byte(mark))
		give := len(all) - len(mark)
		if !done {
			give++
		}
		give = max(give, 0)
		if each != nil {
			each(all[:give])
		}
		if done {
			return nil
		}
		tail = append(make([]byte, 0, 2*len(mark)), all[give:]...)
	}
}

// readTag reads a start or end tag; '>' inside quotes belongs to the value.
func (s *scanner) readTag() (token, error) {
	s.tag = s.tag[:0]
	quote := byte(0)
	for {
		b, err := s.r.ReadSlice('>')
		if err != nil && err != bufio.ErrBufferFull {
			return eof, cut(err)
		}
		for _, c := range b {
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			}
		}
		if s.tag = append(s.tag, b...); len(s.tag) > maxTag {
			return eof, errSyntax
		}
		if err == nil && quote == 0 {
			break
		}
	}
	t := s.tag[:len(s.tag)-1]
	kind := start
	switch {
	case len(t) == 0:
		return eof, errSyntax
	case t[0] == '/':
		kind, t = end, t[1:]
		s.depth--
	default:
		s.depth++
		if t[len(t)-1] == '/' {
			s.closing, t = true, t[:len(t)-1]
		}
	}
	n := bytes.IndexAny(t, " \t\r\n")
	if n < 0 {
		n = len(t)
	}
	s.name, s.tag = t[bytes.LastIndexByte(t[:n], ':')+1:n], t[n:]
	if len(s.name) == 0 || s.depth < 0 {
		return eof, errSyntax
	}
	return kind, nil
}

// attr returns the value of the attribute with that local name, nil when there is none. Valid until next.
func (s *scanner) attr(local string) []byte {
	t := s.tag
	for {
		eq := bytes.IndexByte(t, '=')
		if eq < 0 {
			return nil
		}
		name := bytes.TrimSpace(t[:eq])
		t = bytes.TrimLeft(t[eq+1:], " \t\r\n")
		if len(t) == 0 || t[0] != '"' && t[0] != '\'' {
			return nil
		}
		n := bytes.IndexByte(t[1:], t[0])
		if n < 0 {
			return nil
		}
		if string(name[bytes.LastIndexByte(name, ':')+1:]) == local {
			return t[1 : n+1]
		}
		t = t[n+2:]
	}
}

// attrText is attr with entities resolved.
func (s *scanner) attrText(local string) (string, error) { return unescape(s.attr(local)) }

// collect starts or stops the collecting of text.
func (s *scanner) collect(on bool) {
	if s.keep = on; on {
		s.text, s.over = s.text[:0], false
	}
}

func (s *scanner) collectRaw(b []byte) {
	if !s.keep {
		return
	}
	if room := s.max - len(s.text); len(b) > room {
		s.over, b = true, b[:max(room, 0)]
	}
	s.text = append(s.text, b...)
}

// collected returns the text collected so far with entities resolved. When over is set it is only the beginning.
func (s *scanner) collected() (string, error) {
	if s.over {
		return string(bytes.ToValidUTF8(s.text, nil)), nil
	}
	return unescape(s.text)
}

// unescape resolves the five entities and character references of XML 1.0 §4.6, and its line ends (§2.11).
func unescape(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", errSyntax
	}
	if bytes.IndexByte(b, '&') < 0 && bytes.IndexByte(b, '\r') < 0 {
		return string(b), nil
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\r':
			if i+1 >= len(b) || b[i+1] != '\n' {
				out = append(out, '\n')
			}
		case '&':
			n := bytes.IndexByte(b[i:min(len(b), i+12)], ';')
			if n < 0 {
				return "", errSyntax
			}
			r, ok := entity(string(b[i+1 : i+n]))
			if !ok {
				return "", errSyntax
			}
			out = utf8.AppendRune(out, r)
			i += n
		default:
			out = append(out, b[i])
		}
	}
	return string(out), nil
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n == 0 || !utf8.ValidRune(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// cut makes the end of input inside a construct an error.
func cut(err error) error {
	if err == io.EOF {
		return errCut
	}
	return err
}
