package audit

import (
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Fault is a kind of damage; its words are the text "audit.fault.<Fault>" over {0} record, {1} last
// record, {2} row id or file, {3} root, {4} count.
type Fault string

// The faults.
const (
	Altered       Fault = "altered"        // a row's content does not fit its mark
	Moved         Fault = "moved"          // a row's content is genuine but does not stand in its place
	Changed       Fault = "changed"        // a row does not fit the chain, and marks were not to be had
	Missing       Fault = "missing"        // places without a row
	Disordered    Fault = "disordered"     // a row of a pack stands behind a later one
	Cut           Fault = "cut"            // the end is gone: a root, the kept end or a pack's end names more
	Outside       Fault = "outside"        // rows that are neither chained nor waiting
	Waiting       Fault = "waiting"        // rows waiting for the chain too long
	Headless      Fault = "headless"       // the kept end is missing or not genuine
	RootForged    Fault = "root_forged"    // a root's signature is not ours
	RootUntrue    Fault = "root_untrue"    // a root's hash is not the chain's: rewritten after signing
	RootMissing   Fault = "root_missing"   // a number between two roots is gone
	RootWithdrawn Fault = "root_withdrawn" // an exported root is not in the table
	RootChanged   Fault = "root_changed"   // an exported root differs from the table's
	RootFile      Fault = "root_file"      // a file of exported roots was damaged
	ArchiveForged Fault = "archive_forged" // the record of an archive is not genuine
	PackCut       Fault = "pack_cut"       // a pack has no signed end
	PackForged    Fault = "pack_forged"    // a pack's end is not signed by a trusted key
	PackUnread    Fault = "pack_unread"    // a line of a pack cannot be read
)

// Place is one damaged place.
type Place struct {
	Fault Fault  `json:"fault"`
	Seq   int64  `json:"seq,omitempty" doc:"first broken record, 0 when it is no record"`
	To    int64  `json:"to,omitempty" doc:"last broken record"`
	Row   string `json:"row,omitempty" doc:"id of the row, or name of the file"`
	Root  int64  `json:"root,omitempty"`
	Count int64  `json:"count,omitempty"`
}

// Text says what happened there, in lang.
func (p Place) Text(words *errs.Catalog, lang string) string {
	key := "audit.fault." + string(p.Fault)
	if p.Fault == Missing && p.Seq == p.To {
		key += "_one"
	}
	return words.Text(lang, key, p.Seq, p.To, p.Row, p.Root, p.Count)
}

// maxPlaces bounds a report; further places are counted only.
const maxPlaces = 200

// Report is what a verification found.
type Report struct {
	OK          bool       `json:"ok"`
	At          store.Time `json:"at" doc:"when it ended"`
	From        int64      `json:"from" doc:"first record expected"`
	To          int64      `json:"to" doc:"last record seen"`
	Rows        int64      `json:"rows" doc:"records checked"`
	Head        string     `json:"head" doc:"hash of the last record"`
	Archived    int64      `json:"archived" doc:"records before this one are in archive files"`
	Roots       int64      `json:"roots" doc:"signed roots checked"`
	Files       bool       `json:"files" doc:"the exported roots were compared"`
	Marks       bool       `json:"marks" doc:"the marks of the rows were checked, which needs the keys"`
	Trusted     bool       `json:"trusted" doc:"the signatures were checked with keys that did not come with the data"`
	FirstBroken int64      `json:"firstBroken" doc:"first broken record, 0 for none"`
	Broken      int64      `json:"broken" doc:"broken places in all"`
	Places      []Place    `json:"places" nullable:"false" doc:"the first 200 of them"`
}

// found notes a broken place.
func (r *Report) found(p Place) {
	r.Broken++
	if p.Seq > 0 && (r.FirstBroken == 0 || p.Seq < r.FirstBroken) {
		r.FirstBroken = p.Seq
	}
	if len(r.Places) < maxPlaces {
		r.Places = append(r.Places, p)
	}
}

// end closes the report.
func (r *Report) end(at store.Time) {
	r.OK, r.At = r.Broken == 0, at
	if r.Places == nil {
		r.Places = []Place{}
	}
	slices.SortStableFunc(r.Places, func(a, b Place) int { return int(min(max(a.Seq-b.Seq, -1), 1)) })
}

// Has reports whether a fault is among the places.
func (r *Report) Has(f Fault) bool {
	return slices.ContainsFunc(r.Places, func(p Place) bool { return p.Fault == f })
}

// Words returns the report as sentences in lang: what the verdict is worth, the verdict, then the places.
func (r *Report) Words(words *errs.Catalog, lang string) []string {
	out := []string{}
	if !r.Trusted {
		out = append(out, words.Text(lang, "audit.verdict.untrusted"))
	}
	switch {
	case r.OK && r.Rows == 0:
		out = append(out, words.Text(lang, "audit.verdict.empty"))
	case r.OK && r.Roots == 0:
		out = append(out, words.Text(lang, "audit.verdict.unsigned", r.From, r.To, r.Rows))
	case r.OK:
		out = append(out, words.Text(lang, "audit.verdict.whole", r.From, r.To, r.Rows, r.Roots))
	default:
		out = append(out, words.Text(lang, "audit.verdict.broken", r.Broken, r.FirstBroken, r.Rows))
	}
	for _, p := range r.Places {
		out = append(out, p.Text(words, lang))
	}
	if n := r.Broken - int64(len(r.Places)); n > 0 {
		out = append(out, words.Text(lang, "audit.verdict.more", n))
	}
	return out
}
