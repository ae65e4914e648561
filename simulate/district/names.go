package district

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// names draws Chinese names by sex and the fashion of the birth year.
type names struct {
	surnames []string // each as often as its weight asks
	styles   []style
	eras     []era
	two      []string // given names of two characters of men born since 1985
}

// style is how given names are put together.
type style struct {
	Until int // last birth year
	M, F  struct{ Single, First, Second chars }
}

// era is the given names in fashion.
type era struct {
	Until int // last birth year
	M, F  words
}

// chars is a JSON string as its characters, words one as its words.
type (
	chars []string
	words []string
)

// UnmarshalText splits.
func (c *chars) UnmarshalText(b []byte) error { *c = strings.Split(string(b), ""); return nil }

// UnmarshalText splits.
func (w *words) UnmarshalText(b []byte) error { *w = strings.Fields(string(b)); return nil }

// loadNames reads data/names.json.
func loadNames() (*names, error) {
	var file struct {
		Surnames map[string]float64
		Styles   []style
		Eras     []era
		Two      words
	}
	raw, err := data.ReadFile("data/names.json")
	if err == nil {
		err = json.Unmarshal(raw, &file)
	}
	if err != nil {
		return nil, fmt.Errorf("district: names: %w", err)
	}
	n := &names{styles: file.Styles, eras: file.Eras, two: file.Two}
	for _, s := range slices.Sorted(maps.Keys(file.Surnames)) {
		for range int(file.Surnames[s] * 5) { // the lightest weigh 0.2
			n.surnames = append(n.surnames, s)
		}
	}
	return n, nil
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// given draws a given name: one in fashion in the birth year, or one or two characters.
func (n *names) given(r *rand.Rand, female bool, year int) string {
	e, s := 0, 0
	for year > n.eras[e].Until {
		e++
	}
	for year > n.styles[s].Until {
		s++
	}
	fashion, how := n.eras[e].M, n.styles[s].M
	if female {
		fashion, how = n.eras[e].F, n.styles[s].F
	}
	switch x := r.IntN(100); {
	case x < 25:
		return pick(r, fashion)
	case x < 37:
		return pick(r, how.Single)
	case x < 55 && !female && s > 0:
		return pick(r, n.two)
	}
	first, second := pick(r, how.First), pick(r, how.Second)
	if first == second {
		return first
	}
	return first + second
}

// full draws a whole name.
func (n *names) full(r *rand.Rand, female bool, year int) string {
	return pick(r, n.surnames) + n.given(r, female, year)
}
