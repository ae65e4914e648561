package intake

import (
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
	"qushu/internal/kernel/codes"
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
	if len(h.Samples) == 0 {
		f.Problems = append(f.Problems, errs.Field{Key: "library.only_header"})
	}
	f.Notes = append(f.Notes, invalid(f.Columns, h.Samples, time.Now())...)
	return f, nil
}

// invalid tells of columns in which samples are not what the column is taken for: unless checking is strict, they are
// loaded all the same.
func invalid(cols []Column, samples []table.Row, today time.Time) []errs.Field {
	var out []errs.Field
	for _, c := range cols {
		bad, all := 0, 0
		for _, r := range samples {
			s := ""
			if len(r.Reasons) == 0 && c.At < len(r.Cells) {
				s = strings.TrimSpace(r.Cells[c.At])
			}
			if s == "" || slices.Contains(c.Nulls, s) {
				continue
			}
			all++
			if codes.Check(c.Kind, s, today) != nil {
				bad++
			}
		}
		if bad > 0 {
			out = append(out, errs.Field{Name: c.Title, Key: "library.not_valid", Args: []any{bad, all}})
		}
	}
	return out
}

// Head reads the header the same way for a look and for the load, so that both see the same columns.
func Head(r *table.Reader, first, last int) (table.Head, error) {
	if last == 0 {
		return r.Head(Sampled)
	}
	return r.HeadAt(first, last, Sampled)
}
