package intake

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// Listed is how many refused rows are kept to be looked at; beyond that they are only counted.
const Listed = 100_000

// Rejected is one row that was refused.
type Rejected struct {
	Row   int      `json:"row"`
	Why   []string `json:"why" nullable:"false"`
	Cells []string `json:"cells" nullable:"false"`
}

// Spool keeps refused rows, in a temporary file, in the order of their numbers.
type Spool struct {
	Count int64 // all that were added
	Word  func(errs.Field) string
	dir   string
	file  *os.File
	buf   *bufio.Writer
	enc   *json.Encoder
	later map[int]Rejected // found out after the rows around them had been read
}

// NewSpool returns an empty one that words reasons with word. Temporary files go to dir, "" for the system's.
func NewSpool(dir string, word func(errs.Field) string) *Spool {
	return &Spool{dir: dir, Word: word, later: map[int]Rejected{}}
}

// Add keeps a row; rows come in rising order.
func (s *Spool) Add(row int, cells []string, why []errs.Field) error {
	s.Count++
	if s.Count > Listed {
		return nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "qushu-rejected-*")
		if err != nil {
			return errs.Wrap(err, errs.Busy, "library.temp_full")
		}
		s.file, s.buf = f, bufio.NewWriterSize(writer{f}, 64<<10)
		s.enc = json.NewEncoder(s.buf)
	}
	return s.enc.Encode(Rejected{row, s.words(why), cells})
}

func (s *Spool) words(why []errs.Field) []string {
	out := make([]string, len(why))
	for i, w := range why {
		out[i] = s.Word(w)
		if w.Name != "" && !strings.Contains(out[i], w.Name) {
			out[i] = w.Name + "：" + out[i]
		}
	}
	return out
}

// Late keeps rows that turned out to be refused only when all had been read: why by row number. They are read from
// rows once more; count is how many there are in all.
func (s *Spool) Late(count int64, why map[int]errs.Field, rows iter.Seq2[table.Row, error]) error {
	s.Count += count
	left := len(why)
	if left == 0 {
		return nil
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		if w, ok := why[row.Number]; ok {
			s.later[row.Number] = Rejected{row.Number, s.words([]errs.Field{w}), row.Cells}
			if left--; left == 0 {
				break
			}
		}
	}
	return nil
}

// All yields the rows kept, by number.
func (s *Spool) All() iter.Seq2[Rejected, error] {
	return func(yield func(Rejected, error) bool) {
		late := make([]int, 0, len(s.later))
		for n := range s.later {
			late = append(late, n)
		}
		slices.Sort(late)
		before := func(n int) bool { // yields the late ones in front of row n
			for len(late) > 0 && (n < 0 || late[0] < n) {
				if !yield(s.later[late[0]], nil) {
					return false
				}
				late = late[1:]
			}
			return true
		}
		if s.file != nil {
			err := s.buf.Flush()
			if err == nil {
				_, err = s.file.Seek(0, io.SeekStart)
			}
			d := json.NewDecoder(bufio.NewReaderSize(s.file, 64<<10))
			for err == nil {
				var r Rejected
				if err = d.Decode(&r); err == nil && (!before(r.Row) || !yield(r, nil)) {
					return
				}
			}
			if !errors.Is(err, io.EOF) {
				yield(Rejected{}, err)
				return
			}
		}
		before(-1)
	}
}

// Close removes the temporary file.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// WriteCSV writes refused rows for a person: number and reasons, then the cells as they stood in the file.
func (s *Spool) WriteCSV(w io.Writer, rowTitle, whyTitle string, header []string) error {
	out := table.NewCSV(w, table.CSVOptions{})
	first := []any{rowTitle, whyTitle}
	for _, h := range header {
		first = append(first, h)
	}
	if err := out.Write(first...); err != nil {
		return err
	}
	for r, err := range s.All() {
		if err != nil {
			return err
		}
		line := append(make([]any, 0, len(r.Cells)+2), r.Row, strings.Join(r.Why, "\n"))
		for _, c := range r.Cells {
			line = append(line, c)
		}
		if err := out.Write(line...); err != nil {
			return err
		}
	}
	return out.Close()
}

// ReadCSV reads back up to n rows of what WriteCSV wrote, and its header without the two columns in front.
func ReadCSV(r io.Reader, n int) (header []string, rows []Rejected, err error) {
	in := csv.NewReader(bufio.NewReader(r))
	in.FieldsPerRecord = -1
	first, err := in.Read()
	if err != nil || len(first) < 2 {
		return nil, nil, errors.Join(err, errors.New("intake: no list of refused rows"))
	}
	for len(rows) < n {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(rec) < 2 {
			return nil, nil, errors.Join(err, errors.New("intake: a short line in a list of refused rows"))
		}
		number, err := strconv.Atoi(rec[0])
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, Rejected{number, strings.Split(rec[1], "\n"), rec[2:]})
	}
	return first[2:], rows, nil
}
