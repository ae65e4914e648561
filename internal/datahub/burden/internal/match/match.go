// Package match finds what a question of a form is called elsewhere: the same by its identifier, its title, a synonym, a part of the title, or
// by the pairs of characters both share. It is pure, and says of each proposal how sure it is and why.
package match

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qushu/internal/kernel/codes"
)

// Item is what may be found: an item of the catalogue, or a question of another form.
type Item struct {
	Of   string // entry or form
	Name string
	Code string // identifier of the data element or name of the column, "" for none
	Type string // 1272号's letter, "" when unknown
	Kind string // sort of identifier: id, uscc, mobile …
}

// Field is what is looked for.
type Field struct{ Name, Code, Kind string }

// The reasons of a proposal.
const (
	ByCode     = "code"    // the same identifier
	ByTitle    = "title"   // the same title
	BySynonym  = "synonym" // another word for the same
	ByPart     = "part"    // one title holds the other
	ByLikeness = "similar" // they share characters
)

// Candidate is one proposal. At is the place of its item; Score runs to 100.
type Candidate struct {
	At    int
	Score int
	Why   string
}

// Shelf is a set of items that can be searched. It does not change.
type Shelf struct {
	items []Item
	words synonyms
	code  map[string][]int
	norm  []string
	canon []string
	width []int // pairs of the canonical title
	whole map[string][]int
	pairs map[string][]int
}

// New makes a shelf. A group of synonyms is one list of words that mean the same.
func New(items []Item, groups [][]string) *Shelf {
	s := &Shelf{items: items, words: newSynonyms(groups), code: map[string][]int{}, whole: map[string][]int{}, pairs: map[string][]int{}}
	for i, it := range items {
		n := Norm(it.Name)
		c := s.words.canon(n)
		s.norm, s.canon = append(s.norm, n), append(s.canon, c)
		p := pairsOf(c)
		s.width = append(s.width, len(p))
		s.whole[c] = append(s.whole[c], i)
		for _, pair := range p {
			s.pairs[pair] = append(s.pairs[pair], i)
		}
		if k := strings.ToLower(strings.TrimSpace(it.Code)); k != "" {
			s.code[k] = append(s.code[k], i)
		}
	}
	return s
}

// synonyms bring words that mean the same to the first of their group.
type synonyms struct {
	whole map[string]string
	parts *strings.Replacer
}

// newSynonyms takes groups of words. Inside a longer title only those of three characters and more count, the longest first: 社区 stands in
// many titles that ask for something else.
func newSynonyms(groups [][]string) synonyms {
	out := synonyms{whole: map[string]string{}}
	var long []string
	for _, g := range groups {
		to := ""
		for _, w := range g {
			w = Norm(w)
			if w == "" || out.whole[w] != "" {
				continue
			}
			if to == "" {
				to = w
			}
			if out.whole[w] = to; utf8.RuneCountInString(w) >= 3 {
				long = append(long, w)
			}
		}
	}
	slices.SortStableFunc(long, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var flat []string
	for _, w := range long {
		flat = append(flat, w, out.whole[w])
	}
	out.parts = strings.NewReplacer(flat...)
	return out
}

// canon is a title with synonyms brought to one word.
func (s synonyms) canon(norm string) string {
	if to := s.whole[norm]; to != "" {
		return to
	}
	return s.parts.Replace(norm)
}

// Norm writes a title the one way titles are compared: half-width, lower case, without brackets and what they hold, without signs.
func Norm(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range strings.ToLower(codes.Normalise("", s)) {
		switch {
		case strings.ContainsRune("([{（【〔《<", r):
			depth++
		case strings.ContainsRune(")]}）】〕》>", r):
			depth = max(0, depth-1)
		case depth == 0 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// pairsOf are the different pairs of neighbouring characters; of one character, itself.
func pairsOf(s string) []string {
	r := []rune(s)
	if len(r) == 1 {
		return []string{s}
	}
	var out []string
	for i := 0; i+1 < len(r); i++ {
		if p := string(r[i : i+2]); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// Find proposes items that score at least least, the surest first, at most most of them.
func (s *Shelf) Find(f Field, least, most int) []Candidate {
	norm := Norm(f.Name)
	canon := s.words.canon(norm)
	best := map[int]Candidate{}
	put := func(i, score int, why string) {
		if score -= conflict(f.Kind, s.items[i]); score > best[i].Score {
			best[i] = Candidate{i, score, why}
		}
	}
	for _, i := range s.code[strings.ToLower(strings.TrimSpace(f.Code))] {
		put(i, 100, ByCode)
	}
	for _, i := range s.whole[canon] {
		if s.norm[i] == norm {
			put(i, 100, ByTitle)
		} else {
			put(i, 95, BySynonym)
		}
	}
	mine := pairsOf(canon)
	shared := map[int]int{}
	for _, p := range mine {
		for _, i := range s.pairs[p] {
			shared[i]++
		}
	}
	for i, n := range shared {
		put(i, 85*2*n/(len(mine)+s.width[i]), ByLikeness)
		short, long := canon, s.canon[i]
		if len(short) > len(long) {
			short, long = long, short
		}
		if utf8.RuneCountInString(short) >= 3 && short != long && strings.Contains(long, short) {
			put(i, 60+30*utf8.RuneCountInString(short)/utf8.RuneCountInString(long), ByPart)
		}
	}
	var out []Candidate
	for _, c := range best {
		if c.Score >= least {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Candidate) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.At, b.At)) })
	return out[:min(len(out), most)]
}

// conflict is what a proposal loses because the kinds do not fit: a number is no date, an identity number no credit code.
func conflict(kind string, it Item) int {
	identifiers := []string{"id", "uscc", "phone"}
	held := it.Kind
	if held == "mobile" {
		held = "phone"
	}
	if slices.Contains(identifiers, kind) && slices.Contains(identifiers, held) && kind != held {
		return 40
	}
	switch kind {
	case "date":
		if it.Type != "" && !strings.Contains("DTC", it.Type) {
			return 25
		}
	case "number":
		if strings.Contains("DTLG", it.Type) && it.Type != "" {
			return 25
		}
	}
	return 0
}
