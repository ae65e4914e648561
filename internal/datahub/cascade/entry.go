package cascade

import (
	"slices"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/dataset"
)

// Entry is what is told of an entry of the catalogue.
type Entry struct {
	Code      string        `json:"code"`
	Name      string        `json:"name"`
	Provider  string        `json:"provider"` // id of the unit here, its name as it travels
	Share     string        `json:"share"`    // unconditional, conditional, refused
	Condition string        `json:"condition"`
	Basis     string        `json:"basis"`
	Open      bool          `json:"open"`
	Cycle     string        `json:"cycle"`
	Level     dataset.Level `json:"level"`
	Items     []Item        `json:"items"`
	Number    int64         `json:"-"` // version that serves here
}

// Item is one item of an entry.
type Item struct {
	Name  string        `json:"name"`
	Share string        `json:"share"`
	Level dataset.Level `json:"level"`
	Open  bool          `json:"open"`
	Key   bool          `json:"key"`
}

// What a line does.
const (
	opPut     = "put"
	opOffline = "offline"
)

// Line is a line of a batch of entries.
type Line struct {
	Op     string `json:"op"`
	ID     string `json:"id"` // of the entry at the lower node
	Number int64  `json:"number"`
	Entry  Entry  `json:"entry"`
}

// Answer is a line of a batch of receipts.
type Answer struct {
	ID     string `json:"id"`
	Number int64  `json:"number"`
	Code   string `json:"code"` // of the upper node
	OK     bool   `json:"ok"`
	Why    Fault  `json:"why"`
}

// check says why an entry cannot be accepted: what the guide for catalogues (发改高技〔2017〕1272号) makes compulsory.
func (e *Entry) check() error {
	refuse := func(key string, args ...any) error { return errs.New(errs.Invalid, "cascade.entry_"+key, args...) }
	switch {
	case strings.TrimSpace(e.Name) == "" || utf8.RuneCountInString(e.Name) > 200:
		return refuse("name")
	case !strings.Contains(e.Code, "/") || len(e.Code) > 64:
		return refuse("code", e.Code)
	case strings.TrimSpace(e.Provider) == "":
		return refuse("provider")
	case !slices.Contains([]string{"unconditional", "conditional", "refused"}, e.Share):
		return refuse("share", e.Share)
	case e.Share == "conditional" && strings.TrimSpace(e.Condition) == "":
		return refuse("condition")
	case e.Share == "refused" && strings.TrimSpace(e.Basis) == "": // 政务信息资源共享管理暂行办法 国发〔2016〕51号 art. 9
		return refuse("basis")
	case !slices.Contains(dataset.Levels[:], e.Level):
		return refuse("level", e.Level)
	}
	return nil
}

// upperCode is the code an entry of a lower node gets here: the node's code becomes part of the 细目, and the sequence is ours,
// as provinces have it.
func upperCode(local, node string, seq int64) string {
	class, _, _ := strings.Cut(local, "/")
	return class + node + "/" + pad(seq)
}

func pad(n int64) string {
	s := text(n)
	return strings.Repeat("0", max(0, 6-len(s))) + s
}

// States of links and entries.
const (
	statePending  = "pending"
	stateAccepted = "accepted"
	stateRejected = "rejected"
	stateOffline  = "offline"
)

// Link is an entry of the own catalogue on its way up.
type Link struct {
	ID        string
	Node      string
	Entry     string
	LocalCode string
	Name      string
	Unit      string
	Op        string
	Number    int64
	UpperCode string
	State     string
	Fault     Fault
	Batch     string
	Synced    store.Time
	At        store.Time
	Turn      int64
}

// Held is an entry of a lower node as it stands here.
type Held struct {
	ID        string
	Node      string
	LocalID   string
	UpperCode string
	Entry     Entry
	Number    int64
	State     string
	Fault     Fault
	Last      int64
	Told      bool
	Batch     string
	At        store.Time
}

// Feed is a dataset given to a lower node.
type Feed struct {
	ID      string
	Node    string
	Dataset string
	Name    string
	Title   string
	Columns []string
	Filter  dataset.Filter
	Purpose string
	State   string
	Sent    string
	Batch   string
	Fault   Fault
	Unit    string
	Street  string
	Owner   string
	By      string
	ByName  string
	At      store.Time
	Version int64
}

// columns are the columns of ds that the feed gives; Invalid when one is gone.
func (f *Feed) columns(ds dataset.Dataset) ([]dataset.Column, error) {
	var out []dataset.Column
	for _, name := range f.Columns {
		c, ok := ds.Column(name)
		if !ok {
			return nil, errs.New(errs.Invalid, "dataset.no_column", name)
		}
		out = append(out, c)
	}
	return out, nil
}

// Source is a dataset an upper node gives to this one.
type Source struct {
	ID      string
	Node    string
	Feed    string
	Title   string
	Dataset string
	Name    string
	Number  int64
	Rows    int64
	Root    string
	Batch   string
	Mark    store.Time
	At      store.Time
}
