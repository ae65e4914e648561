package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaf is one setting of a struct of settings.
type leaf struct {
	key   string
	value reflect.Value
}

// leavesOf lists the settings of the struct into points to, in its order.
func leavesOf(into any) []leaf {
	var out []leaf
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag.Get("koanf")
			if tag == "" {
				continue
			}
			if f := v.Field(i); f.Kind() == reflect.Struct {
				walk(f, prefix+tag+".")
			} else {
				out = append(out, leaf{key: prefix + tag, value: f})
			}
		}
	}
	walk(reflect.ValueOf(into).Elem(), "")
	return out
}

// assign converts raw, from YAML or a string, and stores it. It returns "", or what was expected: "a whole number".
func (l leaf) assign(raw any) (expected string) {
	text, scalar := scalarText(raw)
	switch p := l.value.Addr().Interface().(type) {
	case *string:
		if !scalar {
			return "a text"
		}
		*p = text
	case *bool:
		b, err := strconv.ParseBool(text)
		if !scalar || err != nil {
			return "true or false"
		}
		*p = b
	case *int:
		n, err := strconv.Atoi(text)
		if !scalar || err != nil {
			return "a whole number"
		}
		*p = n
	case *float64:
		f, err := strconv.ParseFloat(text, 64)
		if !scalar || err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "a number"
		}
		*p = f
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if !scalar || err != nil {
			return "a duration such as 30s, 5m or 1h30m"
		}
		*p = d
	case *[]string:
		list, ok := textList(raw)
		if !ok {
			return "a list of texts"
		}
		*p = list
	default:
		panic(fmt.Sprintf("config: %s has a type nobody can write: %s", l.key, l.value.Type()))
	}
	return ""
}

// scalarText gives the text of a scalar: YAML reads 8080 as a number and yes-like words as themselves.
func scalarText(raw any) (string, bool) {
	switch v := raw.(type) {
	case string:
		return v, true
	case bool, int, int64, uint64:
		return fmt.Sprint(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}

// textList reads a YAML list, or a text with commas as the environment has it.
func textList(raw any) ([]string, bool) {
	items, ok := raw.([]any)
	if !ok {
		text, scalar := scalarText(raw)
		if !scalar {
			return nil, false
		}
		for s := range strings.SplitSeq(text, ",") {
			items = append(items, s)
		}
	}
	out := []string{}
	for _, item := range items {
		s, scalar := scalarText(item)
		if !scalar {
			return nil, false
		}
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out, true
}

// suggest ends the sentence about an unknown key: the nearest known one, or all that could stand there.
func suggest(known []leaf, key string, spell func(string) string) string {
	candidates := map[string]bool{}
	siblings := map[string]bool{}
	var tails []string // body_mb is meant as limits.body_mb, url may mean four things
	parent := key[:strings.LastIndex(key, ".")+1]
	for _, k := range known {
		candidates[k.key] = true
		if strings.HasSuffix(k.key, "."+key) {
			tails = append(tails, k.key)
		}
		for i := range k.key {
			if k.key[i] == '.' {
				candidates[k.key[:i]] = true
			}
		}
		if rest, ok := strings.CutPrefix(k.key, parent); ok {
			first, _, _ := strings.Cut(rest, ".")
			siblings[parent+first] = true
		}
	}
	best, least := "", max(1, len(key)/3)+1
	for _, c := range slices.Sorted(maps.Keys(candidates)) {
		if d := distance(key, c); d < least {
			best, least = c, d
		}
	}
	if len(tails) == 1 {
		best = tails[0]
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", spell(best))
	}
	if len(siblings) == 0 {
		for _, k := range known {
			first, _, _ := strings.Cut(k.key, ".")
			siblings[first] = true
		}
	}
	var names []string
	for _, s := range slices.Sorted(maps.Keys(siblings)) {
		names = append(names, spell(s))
	}
	if len(names) == 0 {
		return "nothing can be set here"
	}
	return "known here: " + strings.Join(names, ", ")
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour (optimal string
// alignment) to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 || len(y) > 100 { // no key is that long, and this costs their product
		return len(x) + len(y)
	}
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
