package catalog

import (
	"regexp"
	"strings"
	"time"

	"qushu/internal/base/store"
)

// What clients of CKAN write into q and fq is Solr's language. Read of it is what they use: words, field:value, quoted values,
// field:(a OR b), ranges of dates, + and -, AND, OR and NOT. Another field, or what does not close, is a validation error.

var fieldName = regexp.MustCompile(`^[a-z_]+$`)

// narrowed reads q and fq, and of fq_list every one.
func (k *ckanCall) narrowed() ([]store.Cond, error) {
	var out []store.Cond
	for _, text := range append([]string{k.args["q"], k.args["fq"]}, k.list("fq_list")...) {
		all, err := narrow(text)
		if err != nil {
			return nil, err
		}
		out = append(out, all...)
	}
	return out, nil
}

// narrow reads one text into conditions that must all hold.
func narrow(text string) ([]store.Cond, error) {
	all, ok := pieces(text)
	if !ok {
		return nil, badCall("fq")
	}
	var out []store.Cond
	or, not := false, false
	for _, one := range all {
		switch one {
		case "AND", "&&":
			continue
		case "OR", "||":
			or = true
			continue
		case "NOT":
			not = true
			continue
		}
		c, err := term(one, not)
		if err != nil {
			return nil, err
		}
		if or && len(out) > 0 {
			c = store.Or(out[len(out)-1], c)
			out = out[:len(out)-1]
		}
		out, or, not = append(out, c), false, false
	}
	return out, nil
}

// pieces splits at blanks outside quotes and brackets; false when one of these does not close.
func pieces(text string) ([]string, bool) {
	var out []string
	depth, quoted, from := 0, false, -1
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case strings.ContainsRune(" \t\n", r) && depth == 0:
			if from >= 0 {
				out = append(out, text[from:i])
			}
			from = -1
			continue
		}
		if from < 0 {
			from = i
		}
	}
	if from >= 0 {
		out = append(out, text[from:])
	}
	return out, depth == 0 && !quoted
}

// term reads one piece.
func term(piece string, not bool) (store.Cond, error) {
	for piece != "" && strings.ContainsRune("+-!", rune(piece[0])) {
		not = not != (piece[0] != '+')
		piece = piece[1:]
	}
	c, err := positive(piece)
	if err == nil && not {
		c.SQL = "NOT (" + c.SQL + ")"
	}
	return c, err
}

func positive(piece string) (store.Cond, error) {
	if inner, ok := within(piece, "(", ")"); ok {
		all, err := narrow(inner)
		return store.And(all...), err
	}
	name, value, pair := strings.Cut(piece, ":")
	switch {
	case piece == "*:*" || piece == "*" || piece == "":
		return store.C("TRUE"), nil
	case !pair || !fieldName.MatchString(name) && !strings.HasPrefix(piece, "*"):
		return store.And(Filter{Text: strings.Trim(piece, `"`)}.textual()...), nil
	case value == "*" || value == "[* TO *]":
		return store.C("TRUE"), nil
	}
	if column := map[string]string{"metadata_modified": "c.changed_at", "metadata_created": "c.published_at"}[name]; column != "" {
		return since(column, value)
	}
	values := []string{strings.Trim(value, `"`)}
	if inner, ok := within(value, "(", ")"); ok {
		values = nil
		all, ok := pieces(inner)
		for _, v := range all {
			if v != "OR" {
				values = append(values, strings.Trim(v, `"`))
			}
		}
		if !ok || len(values) == 0 {
			return store.Cond{}, badCall(name)
		}
	}
	return field(name, values)
}

func within(s, open, shut string) (string, bool) {
	if !strings.HasPrefix(s, open) || !strings.HasSuffix(s, shut) {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// field is true of the entries one of whose values of a field is one of those asked for.
func field(name string, values []string) (store.Cond, error) {
	if column := facetColumns[name]; column != "" {
		return store.In(column, values), nil
	}
	var any []store.Cond
	for _, v := range values {
		switch name {
		case "id", "name":
			any = append(any, store.C("c.id = $1 OR c.code = $2", v, v))
		case "title", "notes", "text":
			any = append(any, store.And(Filter{Text: v}.textual()...))
		case "tags":
			any = append(any, store.C(`lower(c.words) LIKE lower($1) ESCAPE '!'`, store.Anywhere(v)))
		case "private":
			any = append(any, store.C("c.is_open = $1", v != "true"))
		case "state":
			any = append(any, store.C("$1 = 'active'", v))
		case "type", "dataset_type":
			any = append(any, store.C("$1 = 'dataset'", v))
		default:
			return store.Cond{}, badCall("fq")
		}
	}
	return store.Or(any...), nil
}

// since reads a range of times, [2026-01-01T00:00:00Z TO *].
func since(column, value string) (store.Cond, error) {
	inner, ok := within(value, "[", "]")
	from, until, two := strings.Cut(inner, " TO ")
	if !ok || !two {
		return store.Cond{}, badCall(column[2:])
	}
	out := store.C("TRUE")
	for i, s := range []string{from, until} {
		if s = strings.TrimSpace(s); s == "*" {
			continue
		}
		t, err := time.Parse(time.RFC3339, strings.TrimSuffix(s, "Z")+"Z")
		if err != nil {
			if t, err = time.Parse(time.DateOnly, s); err != nil {
				return out, badCall(column[2:])
			}
		}
		out = store.And(out, store.C(column+[]string{" >= $1", " <= $1"}[i], store.At(t)))
	}
	return out, nil
}

// sorts are what a search may be ordered by; CKAN's score is the newest first here.
var sorts = map[string]string{"score": "c.changed_at", "metadata_modified": "c.changed_at", "metadata_created": "c.published_at", "id": "c.id", "name": "c.name", "title": "c.name", "title_string": "c.name"}

// sorted reads sort: fields with asc or desc. The id makes pages that do not overlap.
func (k *ckanCall) sorted() string {
	var out []string
	for _, one := range strings.Split(k.args["sort"], ",") {
		words := strings.Fields(one)
		if len(words) == 0 || sorts[words[0]] == "" {
			continue
		}
		if len(words) > 1 && strings.EqualFold(words[1], "desc") || words[0] == "score" {
			out = append(out, sorts[words[0]]+" DESC")
		} else {
			out = append(out, sorts[words[0]])
		}
	}
	if out == nil {
		out = []string{"c.changed_at DESC"}
	}
	return " ORDER BY " + strings.Join(out, ", ") + ", c.id"
}
