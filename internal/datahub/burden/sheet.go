package burden

import (
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
)

// Cell is one value of a sheet. From says where the platform took it from; Was is what stood there before it was corrected.
type Cell struct {
	Value string     `json:"v"`
	From  string     `json:"from,omitempty" required:"false" doc:"where it was filled in from, empty when it was written by hand"`
	Entry string     `json:"entry,omitempty" required:"false" doc:"id of the catalogue entry"`
	At    store.Time `json:"at,omitempty" required:"false" doc:"when that data was last updated"`
	Fixed bool       `json:"fixed,omitempty" required:"false" doc:"the recipient says that it is wrong"`
}

// Row is one row of a sheet: values by the key of their field.
type Row map[string]Cell

// sheet is one row of burden_sheet.
type sheet struct {
	ID, Round, Report, Title, RoundTitle, Due, State string
	Body                                             store.JSON[[]Row]
	Unit, UnitName, Street, StreetUnit               string
	Sender, SenderStreet                             string
	Opened, Touched                                  store.Time
	Spent                                            int64
	Submitted                                        store.Time
	By, ByName, Reason                               string
	Urged, At                                        store.Time
	Version                                          int64
}

// The states of a sheet.
const (
	todo      = "todo"
	filling   = "filling"
	submitted = "submitted"
	returned  = "returned"
)

// open reports whether the recipient may still write in it.
func (s *sheet) open() bool { return s.State != submitted }

// spend adds the seconds a page stood before somebody: what the page says, but no more than passed since it was counted last.
func (s *sheet) spend(seconds int64, now time.Time) {
	last := s.Touched
	if last.IsZero() {
		last = s.Opened
	}
	if last.IsZero() {
		s.Opened = store.At(now)
	} else {
		s.Spent += max(0, min(seconds, int64(now.Sub(last.Time).Seconds())))
	}
	s.Touched = store.At(now)
}

// written are the fields a recipient writes: what is filled in, shared or struck is not his to write.
func written(all []Field) []Field {
	return slices.DeleteFunc(slices.Clone(all), func(f Field) bool { return f.Final != byHand })
}

// shown are the fields of a sheet.
func shown(all []Field) []Field {
	return slices.DeleteFunc(slices.Clone(all), func(f Field) bool { return f.Final == struck })
}

// take writes what a recipient said into the rows: his own fields alone. A row of a list keeps what was filled in for the one it is about.
func (s *sheet) take(r *report, said []map[string]string) {
	if !r.List {
		row := Row{}
		if len(s.Body.V) > 0 {
			row = s.Body.V[0]
		}
		if len(said) > 0 {
			write(row, r.Fields.V, said[0])
		}
		s.Body.V = []Row{row}
		return
	}
	old := map[string]Row{}
	var about Field
	for _, f := range r.Fields.V {
		if f.RowKey {
			about = f
		}
	}
	for _, row := range s.Body.V {
		if v := row[about.Key].Value; about.Key != "" && v != "" {
			old[v] = row
		}
	}
	rows := make([]Row, 0, len(said))
	for _, one := range said {
		row := Row{}
		for k, c := range old[tidied(&about, one[about.Key])] {
			if c.From != "" {
				row[k] = c
			}
		}
		for _, f := range r.Fields.V {
			if f.Kind == "unit" && f.Final == fromData {
				row[f.Key] = Cell{Value: s.UnitName, From: f.Name}
			}
		}
		write(row, r.Fields.V, one)
		if slices.ContainsFunc(r.Fields.V, func(f Field) bool { return row[f.Key].Value != "" && row[f.Key].From == "" }) {
			rows = append(rows, row)
		}
	}
	s.Body.V = rows
}

func write(row Row, fields []Field, said map[string]string) {
	for _, f := range written(fields) {
		if v, ok := said[f.Key]; ok {
			row[f.Key] = Cell{Value: tidied(&f, v)}
		}
	}
}

// tidied writes a value the one way values of its field are kept; what cannot be read stays as it was said.
func tidied(f *Field, v string) string {
	v = strings.TrimSpace(v)
	if f.Kind == "number" || f.Kind == "date" {
		v = codes.Normalise("", v)
	}
	switch f.Kind {
	case "id":
		return codes.Normalise(codes.KindID, v)
	case "uscc":
		return codes.Normalise(codes.KindUSCC, v)
	case "phone":
		return codes.Normalise(codes.KindPhone, v)
	case "number":
		if x, key := table.Parse(table.TypeDecimal, v); key == "" && x != nil {
			if s, ok := x.(string); ok {
				return s
			}
		}
	case "date":
		if x, key := table.Parse(table.TypeDate, v); key == "" && x != nil {
			if t, ok := x.(time.Time); ok {
				return t.Format("2006-01-02")
			}
		}
	}
	return v
}

// faults says what keeps a sheet from being submitted, row by row.
func (s *sheet) faults(r *report, now time.Time) []errs.Field {
	var bad []errs.Field
	if len(s.Body.V) == 0 {
		return []errs.Field{{Name: "rows", Key: "burden.no_rows"}}
	}
	for i, row := range s.Body.V {
		bad = append(bad, faultsOf(r.Fields.V, row, i+1, now)...)
	}
	return bad
}

// faultsOf says what is wrong with one row.
func faultsOf(fields []Field, row Row, n int, now time.Time) []errs.Field {
	var bad []errs.Field
	for _, f := range written(fields) {
		v := row[f.Key].Value
		if v == "" {
			if f.Required || f.RowKey {
				bad = append(bad, errs.Field{Name: f.Key, Row: n, Key: "burden.value_needed", Args: []any{f.Name}})
			}
			continue
		}
		if key := wrong(&f, v, now); key != "" {
			bad = append(bad, errs.Field{Name: f.Key, Row: n, Key: key, Args: []any{f.Name, strings.Join(f.Choices, "、")}})
		}
	}
	return bad
}

// wrong is the text key of what is wrong with a value, "" for nothing. The value itself is never said: it may be somebody's identity.
func wrong(f *Field, v string, now time.Time) string {
	switch f.Kind {
	case "number":
		if _, key := table.Parse(table.TypeDecimal, v); key != "" {
			return "burden.value_number"
		}
	case "date":
		if _, err := when.ParseDate(v); err != nil {
			return "burden.value_date"
		}
	case "choice":
		if !slices.Contains(f.Choices, v) {
			return "burden.value_choice"
		}
	case "id":
		if codes.Check(codes.KindID, v, now) != nil {
			return "burden.value_id"
		}
	case "uscc":
		if codes.Check(codes.KindUSCC, v, now) != nil {
			return "burden.value_uscc"
		}
	case "phone":
		if codes.Check(codes.KindPhone, v, now) != nil && codes.Check(codes.KindMobile, v, now) != nil {
			return "burden.value_phone"
		}
	}
	return ""
}
