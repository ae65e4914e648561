package batch

import "strings"

// The unseen marks of a copy: its code behind the names of two columns, so that it stays when the first line is cut off (GB/T 37988
// asks that a leak can be traced). One is made of characters of no width, which keep the file's looks but not a step through
// the code page of an office (GBK has none: a spreadsheet that saves "CSV" there writes question marks); the other of blanks of
// two kinds, which every code page has. They are a courtesy of honest leakers: who knows of them can take them out.
var marks = [...]struct{ zero, one rune }{{'\u200b', '\u200c'}, {' ', '\u3000'}}

const (
	codeLength = 14
	bitsOf     = 7
)

// markHeader puts the marks behind the names of the third column and the one after it, as far as there are so many.
func markHeader(header []string, code string) {
	for i, m := range marks {
		if at := 2 + i; at < len(header) {
			header[at] = mark(header[at], code, m.zero, m.one)
		}
	}
}

func mark(text, code string, zero, one rune) string {
	out := []rune(text)
	for _, c := range []byte(code) {
		for bit := bitsOf - 1; bit >= 0; bit-- {
			if c>>bit&1 == 1 {
				out = append(out, one)
			} else {
				out = append(out, zero)
			}
		}
	}
	return string(out)
}

// unmark finds what may be codes in a text that marks stand in: of each kind, every run that is long enough, from its end, since
// blanks may stand before a mark but nothing behind it.
func unmark(text string) []string {
	var out []string
	for _, m := range marks {
		for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r != m.zero && r != m.one }) {
			bits := []rune(run)
			if len(bits) < codeLength*bitsOf {
				continue
			}
			bits = bits[len(bits)-codeLength*bitsOf:]
			code := make([]byte, codeLength)
			for i, r := range bits {
				code[i/bitsOf] <<= 1
				if r == m.one {
					code[i/bitsOf] |= 1
				}
			}
			out = append(out, string(code))
		}
	}
	return out
}
