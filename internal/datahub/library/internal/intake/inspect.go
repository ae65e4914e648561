package intake

import (
	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

const (
	// Sampled is how many rows a guess looks at.
	Sampled = 1000
	// shown is how many of them a person is shown.
	shown = 20
)

// Finding is what a look at the beginning of a file says.
type Finding struct {
	Format    string
	Encoding  string
	Delimiter string
	Sheets    []table.Sheet
	Sheet     string
	First     int // rows of the header as Excel shows them
	Last      int
	Columns   []Column
	Samples   []table.Row
	Problems  []errs.Field // with any of these the file cannot be loaded as it is
	Notes     []errs.Field // what the user should know
	Faults    []errs.Field // why sample rows would be refused, the first of each reason
	Faulty    int          // how many sample rows would be
	Seen      int          // how many were looked at
}

// Inspect looks at the table's beginning. With last 0 it finds the header itself.
func Inspect(r *table.Reader, first, last int) (Finding, error) {
	h, err := Head(r, first, last)
	if err != nil {
		return Finding{}, err
	}
	f := Finding{Format: string(r.Format()), Encoding: r.Encoding(), Sheets: r.Sheets(), Sheet: r.Sheet(),
		First: h.First, Last: h.Last, Problems: h.Problems, Notes: h.Notes, Seen: len(h.Samples)}
	if d := r.Delimiter(); d != 0 {
		f.Delimiter = string(rune(d))
	}
	f.Columns = guess(h.Names, h.Samples)
	f.Samples = h.Samples[:min(len(h.Samples), shown)]
	seen := map[string]bool{}
	for _, row := range h.Samples {
		if len(row.Reasons) > 0 {
			f.Faulty++
		}
		for _, why := range row.Reasons {
			if !seen[why.Key] {
				seen[why.Key] = true
				f.Faults = append(f.Faults, why)
			}
		}
	}
	return f, nil
}

// Head reads the header the same way for a look and for the load, so that both see the same columns.
func Head(r *table.Reader, first, last int) (table.Head, error) {
	if last == 0 {
		return r.Head(Sampled)
	}
	return r.HeadAt(first, last, Sampled)
}
