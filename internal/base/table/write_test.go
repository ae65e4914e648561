package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

var everyValue = []any{
	"张三", nil, true, 7, int64(-8), 12.5, time.Date(2024, 1, 5, 0, 0, 0, 0, time.UTC),
	time.Date(2024, 1, 5, 8, 30, 15, 0, civil()), "a,\"b\"\nc",
}

func write(t *testing.T, w Writer, rows ...[]any) {
	t.Helper()
	for _, row := range rows {
		if err := w.Write(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWriteCSV(t *testing.T) {
	var buf bytes.Buffer
	write(t, NewCSV(&buf, CSVOptions{}), []any{"姓名", "x"}, everyValue)
	want := "\uFEFF姓名,x\r\n张三,,是,7,-8,12.5,2024-01-05,2024-01-05 08:30:15,\"a,\"\"b\"\"\r\nc\"\r\n"
	if buf.String() != want {
		t.Errorf("%q", buf.String())
	}
	buf.Reset()
	write(t, NewCSV(&buf, CSVOptions{Delimiter: ';', NoBOM: true, Verbatim: true}), []any{"=1", 2})
	if buf.String() != "=1;2\r\n" {
		t.Errorf("%q", buf.String())
	}
}

func TestFormulaGuard(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+86": "+86", "-5.2": "-5.2", "-1+1": "'-1+1", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "a=1": "a=1", "": "", "-": "'-",
	} {
		if got := guard(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	var buf bytes.Buffer
	w, err := NewXLSX(&buf, "s")
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, []any{"a"}, []any{"=1+1"})
	f, err := excelize.OpenReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if formula, err := f.GetCellFormula("s", "A2"); err != nil || formula != "" {
		t.Error("a text became a formula:", formula, err)
	}
}

// What is written is what is read, also by excelize's own reader.
func TestWriteXLSX(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewXLSX(&buf, "人员/名单")
	if err != nil {
		t.Fatal(err)
	}
	row := append([]any{}, everyValue...)
	row = append(row, int64(1234567890123456789), "_x0041_", " 空 ", time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC), math.NaN(), "尾")
	head := make([]any, len(row))
	for i := range head {
		head[i] = fmt.Sprint("列", i)
	}
	write(t, w, head, row)
	r := open(t, buf.Bytes(), Limits{})
	_, got := read(t, r)
	equal(t, got, []string{"2: 张三||是|7|-8|12.5|2024-01-05|2024-01-05 08:30:15|a,\"b\"\nc|1234567890123456789|_x0041_| 空 |1850-01-01||尾"})
	if r.Sheet() != "人员_名单" {
		t.Error(r.Sheet())
	}
	f, err := excelize.OpenReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if v, err := f.GetCellValue("人员_名单", "H2"); err != nil || v != "2024-01-05 08:30:15" {
		t.Error(v, err)
	}
	if p, err := f.GetPanes("人员_名单"); err != nil || !p.Freeze || p.YSplit != 1 {
		t.Error(p, err)
	}
}

func TestWriteXLSXEmpty(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewXLSX(&buf, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, w)
	r := open(t, buf.Bytes(), Limits{})
	if _, err := r.Head(1); keyOf(err) != "table.no_rows" || r.Sheet() != "Sheet1" {
		t.Error(err, r.Sheet())
	}
}

// Past Excel's last row the next sheet begins with the header.
func TestWriteXLSXNextSheet(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewXLSX(&buf, strings.Repeat("长", 40))
	if err != nil {
		t.Fatal(err)
	}
	w.(*xlsxWriter).rowLimit = 3
	write(t, w, []any{"n"}, []any{1}, []any{2}, []any{3}, []any{4}, []any{5})
	r := open(t, buf.Bytes(), Limits{})
	var all []string
	for _, s := range r.Sheets() {
		if err := r.Use(s.Name); err != nil {
			t.Fatal(err)
		}
		h, got := read(t, r)
		all = append(all, show(len([]rune(s.Name)))+" "+h.Names[0]+" "+strings.Join(got, " "))
	}
	equal(t, all, []string{"31 n 2: 1 3: 2", "31 n 2: 3 3: 4", "31 n 2: 5"})
}

func TestWriteXLSXLongCell(t *testing.T) {
	w, err := NewXLSX(io.Discard, "s")
	if err != nil {
		t.Fatal(err)
	}
	write2 := func(s string) error { return w.Write(s) }
	if err := write2("head"); err != nil {
		t.Error(err)
	}
	if err := write2(strings.Repeat("长", maxExcelCell)); err != nil {
		t.Error(err)
	}
	if err := write2(strings.Repeat("😀", maxExcelCell/2+1)); keyOf(err) != "table.write_cell" {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

type brokenPipe struct{ left int }

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	for name, w := range map[string]Writer{"csv": NewCSV(&brokenPipe{100}, CSVOptions{}), "xlsx": newXLSX(t, &brokenPipe{1000})} {
		var err error
		for i := 0; i < 100_000 && err == nil; i++ {
			err = w.Write("x", i)
			if name == "xlsx" && i > 1000 {
				break
			}
		}
		if err == nil {
			err = w.Close()
		} else if e := w.Close(); e == nil {
			t.Error(name, "forgot its failure")
		}
		if keyOf(err) != "table.write_failed" {
			t.Error(name, err)
		}
	}
}

func newXLSX(t testing.TB, w io.Writer) Writer {
	x, err := NewXLSX(w, "s")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// meter watches how far the heap grows over where it began.
type meter struct{ base, peak uint64 }

func newMeter() *meter {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return &meter{base: m.HeapAlloc}
}

func (m *meter) look() {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.peak = max(m.peak, s.HeapAlloc-min(s.HeapAlloc, m.base))
}

const (
	manyRows    = 100_000
	manyColumns = 10
)

func writeMany(t *testing.T, w Writer, m *meter) {
	row := make([]any, manyColumns)
	for i := range row {
		row[i] = fmt.Sprint("第", i, "列")
	}
	if err := w.Write(row...); err != nil {
		t.Fatal(err)
	}
	for n := range manyRows {
		for i := range row {
			row[i] = fmt.Sprint("洪山区", n, "号", i)
		}
		if err := w.Write(row...); err != nil {
			t.Fatal(err)
		}
		if n%5000 == 0 {
			m.look()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m.look()
}

func readMany(t *testing.T, path string, m *meter) {
	r, err := OpenFile(path, "many", Limits{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, err := r.Head(50)
	if err != nil || h.Err() != nil || len(h.Names) != manyColumns {
		t.Fatal(err, h)
	}
	n := 0
	for row, err := range r.Rows(h) {
		if err != nil || len(row.Reasons) > 0 || row.Cells[9] != fmt.Sprint("洪山区", n, "号", 9) {
			t.Fatal(err, row)
		}
		if n++; n%5000 == 0 {
			m.look()
		}
	}
	if n != manyRows {
		t.Error(n)
	}
}

// AppendCSV writes what NewCSV writes.
func TestAppendCSV(t *testing.T) {
	rows := [][]string{{"姓名", "号"}, {"=1+1", "-5"}, {"a,b", "say \"no\""}, {"two\nlines", "cr\r\nlf"}, {"", " padded"}, {"\u3000宽", `\.`}, {"@x", "+86"}, {"\tt", "plain"}}
	var want bytes.Buffer
	w := NewCSV(&want, CSVOptions{})
	got := []byte("\uFEFF")
	for _, r := range rows {
		if err := w.Write(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
		got = AppendCSV(got, r...)
	}
	if err := w.Close(); err != nil || string(got) != want.String() {
		t.Errorf("%q\n%q", got, want.String())
	}
}
