package lookup

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

const (
	mostRows  = 20               // of one answer
	revealFor = 10 * time.Minute // after a look, a field of it may be revealed
)

// Look is one look as kept. It holds no value of the record.
type Look struct {
	ID          string
	Dataset     string
	Title       string
	Store       string
	OwnerUnit   string
	OwnerStreet string
	Column      string
	Index       string
	sealed      string
	Purpose     string
	Basis       string
	Person      string
	PersonName  string
	Unit        string // of the post
	Home        string // the body that answers for it
	At          store.Time
	Hits        int
	Revealed    int
	Batch       string // id of the run, of a look with a list
	Asked       int    // keys that were asked for by it
	Clear       int    // columns it gave out in clear
	Root        string // over its subjects
	IndexName   string // what keys were indexed under
	Matter      string // number of the case it was for
	Marks       []string

	moved bool // what he declared stands under another body than the one he works in now
}

// Reveal is one field that was shown in clear.
type Reveal struct {
	look   string
	Column string     `json:"column"`
	Title  string     `json:"title"`
	Row    int        `json:"row"`
	Reason string     `json:"reason"`
	At     store.Time `json:"at"`

	id string
}

// place names where a sealed key stands, so that it opens nowhere else.
func (l Look) place() string { return placeOf(l.ID) }

func placeOf(look string) string { return "lookup_look.sealed/" + look }

// indexOf names the blind index of a key: by dataset and column, so that keys of two datasets do not match.
func indexOf(ds dataset.Dataset, column string) string {
	return indexName(ds.Name, column)
}

// cleanReason trims what a person gives as purpose or reason, and refuses what says nothing, and what holds the key he
// looks for: the ledger and the audit are read by people who may not see it.
func cleanReason(field, text, key string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	different := map[rune]bool{}
	for _, r := range text {
		different[r] = true
	}
	if utf8.RuneCountInString(text) < 4 || len(different) < 3 {
		return "", errs.New(errs.Invalid, "lookup.why").With(errs.Field{Name: field, Key: "lookup.too_short"})
	}
	plain := codes.Normalise(codes.KindID, text) // full-width, spaced and hyphened digits too
	if k := codes.Normalise(codes.KindID, key); telling(k) && strings.Contains(plain, k) {
		return "", errs.New(errs.Invalid, "lookup.why").With(errs.Field{Name: field, Key: "lookup.holds_key"})
	}
	return text, nil
}

// telling reports whether a key says who is meant: two characters of a name do, a short number does not.
func telling(key string) bool {
	return utf8.RuneCountInString(key) >= 2 && strings.Trim(key, "0123456789") != "" || len(key) >= 6
}

// Shown is one column of an answer.
type Shown struct {
	Name       string         `json:"name"`
	Title      string         `json:"title"`
	Type       warehouse.Type `json:"type"`
	Kind       codes.Kind     `json:"kind"`
	Masked     bool           `json:"masked" doc:"its values are masked"`
	Revealable bool           `json:"revealable" doc:"the caller may reveal one field of it with a reason"`
}

// view is the part of a dataset a reader may see.
type view struct {
	columns []Shown
	at      []int // their places in the dataset
	right   dataset.Right
}

// reached drops the rows no grant reaches.
func reached(ds dataset.Dataset, right dataset.Right, rows [][]any) [][]any {
	return slices.DeleteFunc(rows, func(row []any) bool { return !right.At(ds, row).Any() })
}

func viewOf(ds dataset.Dataset, right dataset.Right) view {
	v := view{columns: []Shown{}, right: right}
	for i, c := range ds.Columns {
		if right.MaySee(c.Name) {
			v.columns = append(v.columns, Shown{c.Name, c.Title, c.Type, c.Kind, c.Masked, c.Masked && right.MayReveal(c.Name)})
			v.at = append(v.at, i)
		}
	}
	return v
}

// rows writes rows of the dataset as the reader may see them.
func (v view) rows(ds dataset.Dataset, rows [][]any) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = make([]string, len(v.at))
		here := v.right.At(ds, row)
		for j, at := range v.at {
			if c := ds.Columns[at]; here.MaySee(c.Name) {
				out[i][j] = c.Show(row[at], false)
			}
		}
	}
	return out
}

func indexName(dataset, column string) string { return "lookup_look." + dataset + "." + column }
