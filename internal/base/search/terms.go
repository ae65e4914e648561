package search

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// Terms are words of a-z and 0-9 only, so that SQLite's and PostgreSQL's tokenizers agree on them.
// The first letter says what a term is:
//
//	b  two Chinese characters side by side, or the last one of a run alone, in hexadecimal
//	w  a word of letters and digits
//	i  the pinyin initials of a title from one of its characters on
//	p  the pinyin of a title from one of its characters on
//	a  an access token
const (
	maxInitials = 8
	maxPinyin   = 24
	maxTerms    = 20000 // of one entry: about 40 pages of text
)

// runs cuts text into runs of Chinese characters and words of letters and digits.
func runs(text string) []string {
	var out []string
	var cur []rune
	han := false
	flush := func() {
		if len(cur) > 0 {
			out = append(out, string(cur))
			cur = cur[:0]
		}
	}
	for _, r := range text {
		r = fold(r)
		switch {
		case unicode.Is(unicode.Han, r):
			if !han {
				flush()
			}
			han = true
		case r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if han {
				flush()
			}
			han = false
		default:
			flush()
			continue
		}
		cur = append(cur, r)
	}
	flush()
	return out
}

// fold lowers letters and brings full-width forms down.
func fold(r rune) rune {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	return unicode.ToLower(r)
}

func isHan(run string) bool { return run[0] >= 128 }

func pair(rs ...rune) string {
	var b strings.Builder
	b.WriteByte('b')
	for _, r := range rs {
		if r > 0xffff {
			r = 0xfffd // rare characters beyond the plane match one another
		}
		fmt.Fprintf(&b, "%04x", r)
	}
	return b.String()
}

// textTerms are the terms of running text, in order.
func textTerms(text string) []string {
	var out []string
	for _, run := range runs(text) {
		if !isHan(run) {
			out = append(out, "w"+run)
			continue
		}
		rs := []rune(run)
		for i := range rs {
			out = append(out, pair(rs[i:min(i+2, len(rs))]...))
		}
		if len(out) > maxTerms {
			return out[:maxTerms]
		}
	}
	return out
}

// soundTerms are the pinyin terms of a title, so that "hsq" and "hongshanqu" find 洪山区.
func soundTerms(title string) []string {
	var out []string
	args := pinyin.NewArgs()
	for _, run := range runs(title) {
		if !isHan(run) {
			continue
		}
		var full []string
		for _, r := range run {
			if p := pinyin.SinglePinyin(r, args); len(p) > 0 {
				full = append(full, p[0])
			} else {
				full = append(full, "")
			}
		}
		for i := range full {
			var initials, whole string
			for _, s := range full[i:] {
				if s != "" && len(initials) < maxInitials {
					initials += s[:1]
				}
				whole += s
			}
			out = append(out, "i"+initials, "p"+whole[:min(len(whole), maxPinyin)])
		}
	}
	return out
}

// Initials are the first letters of a text's sounds, and its own letters and digits: 共享单车 and Bike2 give "gxdc" and "bike2".
func Initials(text string) string {
	var out strings.Builder
	args := pinyin.NewArgs()
	for _, r := range text {
		switch r = fold(r); {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out.WriteRune(r)
		default:
			if p := pinyin.SinglePinyin(r, args); len(p) > 0 && p[0] != "" && p[0][0] >= 'a' && p[0][0] <= 'z' {
				out.WriteByte(p[0][0])
			}
		}
	}
	return out.String()
}

// accessTerm hides an access token in a term.
func accessTerm(token string) string {
	h := fnv.New64a()
	h.Write([]byte(token))
	return fmt.Sprintf("a%016x", h.Sum64())
}

// group is what one run of a query asks for: any of its alternatives, each a phrase; the last term of a phrase may be a prefix.
type group [][]term

type term struct {
	text   string
	prefix bool
}

// queryGroups turns what a person typed into groups that must all match; nil when there is nothing to look for.
func queryGroups(text string) []group {
	var out []group
	for _, run := range runs(text) {
		if len(out) == 8 { // nobody means more
			break
		}
		if !isHan(run) {
			out = append(out, group{{{"w" + run, true}}, {{"i" + run[:min(len(run), maxInitials)], true}}, {{"p" + run[:min(len(run), maxPinyin)], true}}})
			continue
		}
		rs := []rune(run)
		if len(rs) == 1 {
			out = append(out, group{{{pair(rs[0]), true}}})
			continue
		}
		var phrase []term
		for i := range len(rs) - 1 {
			phrase = append(phrase, term{pair(rs[i], rs[i+1]), false})
		}
		out = append(out, group{phrase})
	}
	return out
}
