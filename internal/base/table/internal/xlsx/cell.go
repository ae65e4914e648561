package xlsx

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// rawCell is a cell as stored.
type rawCell struct {
	kind          string
	v, inline     string
	hasV, formula bool
	over          bool
}

// read consumes the cell's element.
func (c *rawCell) read(s *scanner, cellMax int) error {
	for {
		t, err := s.next()
		if err != nil {
			return err
		}
		if t == eof {
			return errCut
		}
		n := string(s.name)
		if t == end {
			if n == "c" {
				return nil
			}
			if n == "v" {
				s.collect(false)
				c.hasV, c.over = true, c.over || s.over
				if c.v, err = s.collected(); err != nil {
					return err
				}
			}
			continue
		}
		switch n {
		case "v":
			s.collect(true)
		case "f":
			c.formula = true
		case "is":
			if c.inline, err = s.richText(cellMax); err != nil {
				return err
			}
			c.over = c.over || s.over
		}
	}
}

// value turns the stored cell into text, or gives the key of why it cannot. §18.18.11.
func (b *Book) value(c *rawCell, style int) (text, key string, err error) {
	if c.formula && (!c.hasV || c.v == "" && c.kind != "str") {
		return "", "table.formula_no_value", nil
	}
	switch c.kind {
	case "s":
		if !c.hasV {
			return "", "", nil
		}
		i, err := strconv.Atoi(strings.TrimSpace(c.v))
		if err != nil {
			return "", "table.cell_broken", nil
		}
		text, ok, err := b.shared.get(i)
		if err != nil {
			return "", "", err
		}
		if !ok {
			key = "table.cell_broken"
		}
		return text, key, nil
	case "inlineStr":
		return c.inline, "", nil
	case "str":
		return unescapeX(c.v), "", nil
	case "b":
		if v := strings.TrimSpace(c.v); v == "1" || v == "true" {
			return "TRUE", "", nil
		}
		return "FALSE", "", nil
	case "e":
		return c.v, "table.cell_error", nil
	case "d": // ISO 8601 in the file itself
		return strings.TrimSuffix(strings.Replace(c.v, "T", " ", 1), " 00:00:00"), "", nil
	}
	raw := strings.TrimSpace(c.v)
	if raw == "" {
		return "", "", nil
	}
	var f format
	if style >= 0 && style < len(b.formats) {
		f = b.formats[style]
	}
	text, key = number(raw, f, b.base)
	return text, key, nil
}

// richText reads an si or is element: its t elements joined, phonetic ones (rPh) left out. A text over cellMax
// characters comes cut one character above it. §18.4.8.
func (s *scanner) richText(cellMax int) (string, error) {
	var b strings.Builder
	over := false
	for depth, phonetic := 1, 0; depth > 0; {
		t, err := s.next()
		if err != nil {
			return "", err
		}
		switch n := string(s.name); {
		case t == eof:
			return "", errCut
		case t == start:
			depth++
			if n == "rPh" {
				phonetic = depth
			}
			s.collect(n == "t" && phonetic == 0)
		default:
			if n == "t" && phonetic == 0 {
				text, err := s.collected()
				if err != nil {
					return "", err
				}
				over = over || s.over
				if b.Len() <= 4*cellMax { // a thousand runs must not outgrow one long one
					b.WriteString(unescapeX(text))
				}
			}
			if depth == phonetic {
				phonetic = 0
			}
			s.collect(false)
			depth--
		}
	}
	s.over = over
	out := b.String()
	if len(out) > cellMax && utf8.RuneCountInString(out) > cellMax {
		out = string([]rune(out)[:cellMax+1])
	}
	return out, nil
}

// unescapeX resolves _xHHHH_, the way characters XML cannot hold are written (§22.9.2.19).
func unescapeX(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 || len(s) < i+7 {
			return b.String() + s
		}
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil || s[i+6] != '_' {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteRune(rune(n))
		s = s[i+7:]
	}
}
