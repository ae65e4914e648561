package audit

import "slices"

// maxHoles bounds what a walk remembers of missing places, so that a row found later in the wrong order
// is told as that.
const maxHoles = 100

// seen is a record as read, from the table or from a pack.
type seen struct {
	Seq  int64
	ID   string // for the report, "" in a pack
	Text string
	MAC  string
	Hash string
	Bad  bool // its columns could not be read
}

// walk checks records in order, in memory that does not grow with them.
type walk struct {
	r *Report
	// genuine checks a mark; nil where there are no keys.
	genuine func(text, mac string) bool
	// roots by the record they end with; those of a pack come one by one through root.
	roots []Root

	next  int64
	prevs []string // hashes the next record may follow; none when it is not known
	holes []Place
}

// start begins before record from, whose predecessor has the hash prev.
func (w *walk) start(from int64, prev string) {
	w.r.From, w.r.To, w.r.Head = from, from-1, prev
	w.next, w.prevs = from, []string{prev}
}

// record checks the next record.
func (w *walk) record(s seen) {
	w.r.Rows++
	switch {
	case s.Seq > w.next:
		w.hole(w.next, s.Seq-1)
		w.prevs = nil
	case s.Seq < w.next:
		w.late(s)
		return
	}
	w.check(s)
	w.next, w.r.To, w.r.Head = s.Seq+1, s.Seq, s.Hash
	for len(w.roots) > 0 && w.roots[0].To <= s.Seq {
		if w.roots[0].To == s.Seq {
			w.root(w.roots[0])
		}
		w.roots = w.roots[1:]
	}
}

// check compares one record with its mark and with the one before. The next may follow the hash as
// kept or as computed, so that one changed record or hash is one broken place and not two.
func (w *walk) check(s seen) {
	var computed []string
	for _, prev := range w.prevs {
		computed = append(computed, link(prev, record(s.Seq, s.Text)))
	}
	fits := w.prevs == nil || slices.Contains(computed, s.Hash)
	w.prevs = []string{s.Hash}
	if !fits {
		w.prevs = append(w.prevs, computed[0])
	}
	place := Place{Seq: s.Seq, To: s.Seq, Row: s.ID}
	switch {
	case s.Bad || w.genuine != nil && !w.genuine(s.Text, s.MAC):
		place.Fault = Altered
	case fits:
		return
	case w.genuine != nil:
		place.Fault = Moved
	default:
		place.Fault = Changed
	}
	w.r.found(place)
}

// root compares a root that ends with the record just read.
func (w *walk) root(r Root) {
	if r.To == w.r.To && r.Head != w.r.Head {
		w.r.found(Place{Fault: RootUntrue, Seq: r.To, To: r.To, Root: r.ID})
	}
}

func (w *walk) hole(from, to int64) {
	p := Place{Fault: Missing, Seq: from, To: to, Count: to - from + 1}
	if len(w.holes) == maxHoles {
		w.r.found(w.holes[0])
		w.holes = w.holes[1:]
	}
	w.holes = append(w.holes, p)
}

// late tells of a record behind a later one, and takes it out of the hole it left.
func (w *walk) late(s seen) {
	w.r.found(Place{Fault: Disordered, Seq: s.Seq, To: s.Seq, Row: s.ID})
	for i, h := range w.holes {
		if h.Seq > s.Seq || s.Seq > h.To {
			continue
		}
		var rest []Place
		if h.Seq < s.Seq {
			rest = append(rest, Place{Fault: Missing, Seq: h.Seq, To: s.Seq - 1, Count: s.Seq - h.Seq})
		}
		if s.Seq < h.To {
			rest = append(rest, Place{Fault: Missing, Seq: s.Seq + 1, To: h.To, Count: h.To - s.Seq})
		}
		w.holes = append(append(append([]Place{}, w.holes[:i]...), rest...), w.holes[i+1:]...)
		return
	}
}

// end tells what is missing, up to the record that somebody knows of.
func (w *walk) end(known int64) {
	for _, h := range w.holes {
		w.r.found(h)
	}
	if known > w.r.To {
		w.r.found(Place{Fault: Cut, Seq: w.r.To + 1, To: known, Count: known - w.r.To})
	}
}
