// Package merge makes the next state of a table of the last one and what has changed: by key, in one pass over each,
// with memory for the keys of the changes alone.
package merge

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// Most is how many changed keys one merge takes: about 100 MB. More are better loaded whole.
const Most = 1_000_000

// Counts is what a merge comes to.
type Counts struct {
	Inserted int64 `json:"inserted"`
	Updated  int64 `json:"updated"`
	Deleted  int64 `json:"deleted"`
	Same     int64 `json:"same" doc:"rows that came again unchanged"`
}

// None reports whether nothing changes.
func (c Counts) None() bool { return c.Inserted+c.Updated+c.Deleted == 0 }

type sum [16]byte

// change is the last thing said about one key.
type change struct {
	line   int64
	row    uint64
	delete bool
	met    bool // the old state has the key
	same   bool // with the same values
}

// Delta is what has changed. Rows are put in their order; the last about a key holds.
type Delta struct {
	key []int
	all map[sum]change
	buf []byte
}

// New returns an empty Delta for rows whose key stands at these places.
func New(key []int) *Delta { return &Delta{key: key, all: map[sum]change{}} }

// sums returns what a row's key and the whole of it come to.
func (d *Delta) sums(values []any) (key sum, row uint64) {
	d.buf = d.buf[:0]
	for _, i := range d.key {
		d.buf = add(d.buf, values[i])
	}
	h := sha256.Sum256(d.buf)
	copy(key[:], h[:])
	d.buf = d.buf[:0]
	for _, v := range values {
		d.buf = add(d.buf, v)
	}
	h = sha256.Sum256(d.buf)
	return key, binary.LittleEndian.Uint64(h[:])
}

// add writes a value so that no two rows give the same bytes.
func add(b []byte, v any) []byte {
	if v == nil {
		return append(b, 0)
	}
	s := warehouse.Format(v)
	b = append(b, 1)
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// Put takes the row on line, which inserts, updates or deletes its key.
func (d *Delta) Put(line int64, values []any, del bool) error {
	key, row := d.sums(values)
	d.all[key] = change{line: line, row: row, delete: del}
	if len(d.all) > Most {
		return errs.New(errs.TooLarge, "library.too_many_changes", Most)
	}
	return nil
}

// Len is how many keys have changed.
func (d *Delta) Len() int { return len(d.all) }

// Holds reports whether the row on line is the one that holds for its key, and stays.
func (d *Delta) holds(line int64, values []any) bool {
	key, _ := d.sums(values)
	c := d.all[key]
	return c.line == line && !c.delete && !c.same
}

// Against looks through the old state and says what the merge will come to.
func (d *Delta) Against(old iter.Seq2[[]any, error]) (Counts, error) {
	var n Counts
	for values, err := range old {
		if err != nil {
			return n, err
		}
		key, row := d.sums(values)
		c, ok := d.all[key]
		if !ok {
			continue
		}
		c.met, c.same = true, !c.delete && c.row == row
		d.all[key] = c
	}
	for _, c := range d.all {
		switch {
		case c.delete && c.met:
			n.Deleted++
		case c.delete: // of what was never there
		case c.same:
			n.Same++
		case c.met:
			n.Updated++
		default:
			n.Inserted++
		}
	}
	return n, nil
}

// Row is one row of a change, with its line.
type Row struct {
	Line   int64
	Values []any
}

// Merged yields the next state: the old rows that stay, then those of changes that hold. Against went before.
func (d *Delta) Merged(old iter.Seq2[[]any, error], changes iter.Seq2[Row, error]) iter.Seq2[warehouse.Row, error] {
	return func(yield func(warehouse.Row, error) bool) {
		for values, err := range old {
			if err != nil {
				yield(warehouse.Row{}, err)
				return
			}
			key, _ := d.sums(values)
			if c, ok := d.all[key]; ok && !c.same {
				continue
			}
			if !yield(warehouse.Row{Values: values}, nil) {
				return
			}
		}
		for r, err := range changes {
			if err != nil {
				yield(warehouse.Row{}, err)
				return
			}
			if d.holds(r.Line, r.Values) && !yield(warehouse.Row{Values: r.Values}, nil) {
				return
			}
		}
	}
}
