package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

func text(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

func TestSource(t *testing.T) {
	opened := 0
	s, err := OpenSource(func() (io.ReadCloser, error) { opened++; return text("0123456789")() }, 10, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		off  int64
		n    int
		want string
		eof  bool
	}{{0, 4, "0123", false}, {4, 3, "456", false}, {8, 2, "89", false}, {2, 3, "234", false}, {8, 5, "89", true}, {10, 1, "", true}, {20, 1, "", true}} {
		p := make([]byte, c.n)
		n, err := s.ReadAt(p, c.off)
		if string(p[:n]) != c.want || errors.Is(err, io.EOF) != c.eof || err != nil && !c.eof {
			t.Errorf("at %d: %q %v", c.off, p[:n], err)
		}
	}
	if done, of := s.Read(); done != 10 || of != 10 || opened > 4 {
		t.Error(done, of, opened)
	}
	s.Rewind()
	if done, _ := s.Read(); done != 0 {
		t.Error(done)
	}
}

// A workbook is copied once and read at will; the copy goes with the source.
func TestSpooledSource(t *testing.T) {
	dir := t.TempDir()
	opened := 0
	s, err := OpenSource(func() (io.ReadCloser, error) { opened++; return text("PK\x03\x04 and more")() }, 13, dir)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4)
	for _, at := range []int64{9, 0, 5} {
		if _, err := s.ReadAt(p, at); err != nil {
			t.Error(at, err)
		}
	}
	if done, of := s.Read(); opened != 2 || done != 0 || of != 0 {
		t.Error(opened, done, of)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Error("left behind:", left)
	}
}

type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errs.New(errs.Internal, "blob.damaged", "x")
	}
	return n, err
}

// What the store says against its bytes comes through, for a text as for a workbook.
func TestDamagedSource(t *testing.T) {
	for _, c := range []string{"a,b\n1,2\n", "PK\x03\x04 and more"} {
		s, err := OpenSource(func() (io.ReadCloser, error) { return io.NopCloser(breaking{strings.NewReader(c)}), nil }, int64(len(c))+5, t.TempDir())
		if err == nil {
			_, err = s.ReadAt(make([]byte, len(c)+5), 0)
			s.Close()
		}
		if errs.KeyOf(err) != "blob.damaged" {
			t.Errorf("%q: %v", c, err)
		}
	}
	s, err := OpenSource(text("PK\x03\x04"), 4, "/nowhere/at/all")
	if errs.KeyOf(err) != "table.temp_full" {
		t.Error(s, err)
	}
}

func TestIdentifier(t *testing.T) {
	taken := map[string]bool{}
	for _, c := range [][2]string{{"身份证号", "身份证号"}, {"联系电话（手机）", "联系电话_手机"}, {" Name ", "Name"}, {"name", "name_2"}, {"2023年收入", "c_2023年收入"}, {"", "c"}, {"%%", "c_2"},
		{"a  b--c", "a_b_c"}, {strings.Repeat("长", 80), strings.Repeat("长", 60)}, {strings.Repeat("长", 90), strings.Repeat("长", 60) + "_2"}} {
		if got := Identifier(c[0], taken); got != c[1] || !warehouse.ValidName(got) {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range [][2]string{{"人口信息", "rkxx"}, {"2023年人口", "nrk"}, {"Excel 表", "excelb"}, {"", "d_"}, {"表", "d_b"}, {"１２３", "d_"}} {
		got := Code(c[0])
		if got != c[1] && got != strings.TrimRight(c[1], "_") {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}

func TestGuess(t *testing.T) {
	rows := [][]string{{"13800005678", "1.5", "420199198506150017", "", "3"}, {"13900001234", "2.125", "420199197001010030", "无", "4"}}
	var samples []table.Row
	for i, r := range rows {
		samples = append(samples, table.Row{Number: i + 2, Cells: r})
	}
	cols := guess([]string{"联系电话", "金额", "证件号", "备注", "人数"}, samples)
	want := []string{"text mobile L3 true false 0", "decimal(18,3)  L2 false false 0", "text id L3 true true 0", "text  L2 false false 1", "integer  L2 false false 0"}
	for i, c := range cols {
		if c.Kind == codes.KindPhone { // a column of mobiles under a header that says telephone
			c.Kind = codes.KindMobile
		}
		if got := fmt.Sprintf("%s %s %s %t %t %g", c.Type, c.Kind, c.Level, c.Masked, c.Key, c.Empty); got != want[i] {
			t.Errorf("%s: %s, want %s", c.Header, got, want[i])
		}
	}
	if err := dataset.CheckColumns(Kept(cols)); err != nil {
		t.Error("what is proposed is refused:", err)
	}
}

func TestInherit(t *testing.T) {
	cols := []Column{{Header: "姓名", Column: dataset.Column{Name: "姓名", Title: "姓名"}}, {Header: "电话", Column: dataset.Column{Name: "电话", Title: "电话"}}, {Header: "新", Column: dataset.Column{Name: "新"}}}
	Inherit(cols, []dataset.Column{{Name: "phone", Title: "电话", Level: dataset.L4}, {Name: "姓名", Title: "户主", Kind: codes.KindName}})
	if cols[0].Title != "户主" || cols[0].Kind != codes.KindName || cols[1].Name != "phone" || cols[1].Level != dataset.L4 || cols[2].Name != "新" {
		t.Errorf("%+v", cols)
	}
}

func TestConvert(t *testing.T) {
	plain := warehouse.Type{Kind: warehouse.KindText}
	cols := []Column{
		{At: 2, Column: dataset.Column{Name: "id", Title: "身份证号", Type: plain, Kind: codes.KindID, Key: true}, Strict: true},
		{At: 0, Column: dataset.Column{Name: "n", Title: "人数", Type: warehouse.Type{Kind: warehouse.KindInteger}}, Nulls: []string{"无"}},
		{At: 1, Skip: true},
	}
	c := NewConverter(cols, time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC))
	for _, x := range []struct {
		cells []string
		want  string
	}{
		{[]string{"3", "x", " 420199198506150017"}, "[420199198506150017 3]"},
		{[]string{"无", "x", "420199198506150017"}, "[420199198506150017 <nil>]"},
		{[]string{"3", "x", ""}, "身份证号 warehouse.key_empty"},
		{[]string{"x", "", "420199198506150016"}, "身份证号 codes.id_check; 人数 table.not_integer"},
	} {
		values, why := c.Row(table.Row{Number: 2, Cells: x.cells})
		got := fmt.Sprint(values)
		if why != nil {
			var parts []string
			for _, w := range why {
				parts = append(parts, w.Name+" "+w.Key)
			}
			got = strings.Join(parts, "; ")
		}
		if got != x.want {
			t.Errorf("%q: %s, want %s", x.cells, got, x.want)
		}
	}
	if _, why := c.Row(table.Row{Reasons: []errs.Field{{Key: "k"}}}); len(why) != 1 {
		t.Error("a row that cannot be read is taken")
	}
}

// Rows refused while reading and rows found out later come in one list, by number, and survive the file.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	s := NewSpool(dir, func(f errs.Field) string { return "因为" + f.Key })
	for _, n := range []int{3, 7, 20} {
		if err := s.Add(n, []string{fmt.Sprint(n), "=1+1"}, []errs.Field{{Name: "甲", Key: "a"}, {Key: "b；c"}}); err != nil {
			t.Fatal(err)
		}
	}
	rows := iter.Seq2[table.Row, error](func(yield func(table.Row, error) bool) {
		for n := 2; n < 40; n++ {
			if !yield(table.Row{Number: n, Cells: []string{fmt.Sprint(n), "晚"}}, nil) {
				return
			}
		}
	})
	if err := s.Late(5, map[int]errs.Field{2: {Key: "x"}, 8: {Key: "x"}, 30: {Key: "x"}}, rows); err != nil || s.Count != 8 {
		t.Fatal(s.Count, err)
	}
	var b bytes.Buffer
	if err := s.WriteCSV(&b, "行号", "原因", []string{"编号", "名"}); err != nil {
		t.Fatal(err)
	}
	header, got, err := ReadCSV(&b, 4)
	if err != nil || strings.Join(header, ",") != "编号,名" {
		t.Fatal(header, err)
	}
	want := []Rejected{{2, []string{"因为x"}, []string{"2", "晚"}}, {3, []string{"甲：因为a", "因为b；c"}, []string{"3", "'=1+1"}},
		{7, []string{"甲：因为a", "因为b；c"}, []string{"7", "'=1+1"}}, {8, []string{"因为x"}, []string{"8", "晚"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Error("left behind:", left)
	}
	if _, _, err := ReadCSV(strings.NewReader("x"), 4); err == nil {
		t.Error("no list is read as one")
	}
}

// Whatever the file, a look at it and its rows end well, and every value that is let through fits its column.
func FuzzIntake(f *testing.F) {
	for _, s := range []string{"身份证号,姓名\n420199198506150017,张三\n", "a;b\n1,5;2\n", "\"a\nb\",c\n1,2,3\n\"", "日期,金额\n2023-05-01,1.25\n2023/5/2,\"1,000\"\n", "PK\x03\x04", "\xff\xfe1\x00,\x002\x00\n\x00",
		"姓名,姓名\n,\n", "编号,是否\n001,是\n无,否\n", "\xd0\xd5\xc3\xfb,a\n\xd5\xc5\xc8\xfd,1\n张三,2\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src, err := OpenSource(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, int64(len(data)), t.TempDir())
		if err != nil {
			return
		}
		defer src.Close()
		r, err := src.Table("x.csv", table.Limits{MaxColumns: 100, MaxUnzip: 1 << 20})
		if err != nil {
			return
		}
		defer r.Close()
		found, err := Inspect(r, 0, 0)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, c := range found.Columns {
			if low := strings.ToLower(c.Name); !warehouse.ValidName(c.Name) || names[low] {
				t.Fatalf("column name %q", c.Name)
			} else {
				names[low] = true
			}
		}
		h, err := Head(r, found.First, found.Last)
		if err != nil || len(h.Names) != len(found.Columns) {
			t.Fatalf("the header is read otherwise a second time: %v", err)
		}
		c := NewConverter(found.Columns, time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC))
		for row, err := range r.Rows(h) {
			if err != nil {
				return
			}
			values, why := c.Row(row)
			if why != nil {
				continue
			}
			for i, v := range values {
				if _, err := found.Columns[i].Type.Coerce(v); err != nil {
					t.Fatalf("row %d: %q does not fit %s: %v", row.Number, v, found.Columns[i].Type, err)
				}
			}
		}
	})
}

// What a person should know before he loads: a file without rows, and values that are not what their column is taken for.
func TestInspectWarns(t *testing.T) {
	look := func(text string) Finding {
		src, err := OpenSource(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, int64(len(text)), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		r, err := src.Table("x.csv", table.Limits{MaxColumns: 100, MaxUnzip: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		f, err := Inspect(r, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	keys := func(all []errs.Field) (out []string) {
		for _, f := range all {
			out = append(out, f.Key)
		}
		return out
	}
	if f := look("姓名,公民身份号码\n"); !slices.Contains(keys(f.Problems), "library.only_header") {
		t.Error(f.Problems)
	}
	const good = "张三,420199198001010019\n李四,420199199102150023\n王五,420199200109300034\n"
	if f := look("姓名,公民身份号码\n" + good); len(f.Problems) > 0 || slices.Contains(keys(f.Notes), "library.not_valid") {
		t.Error(f.Problems, f.Notes)
	}
	f := look("姓名,公民身份号码\n" + good + "赵六,420199199001010000\n")
	i := slices.IndexFunc(f.Notes, func(n errs.Field) bool { return n.Key == "library.not_valid" })
	if i < 0 || f.Notes[i].Args[0] != 1 || f.Notes[i].Args[1] != 4 {
		t.Errorf("%+v", f.Notes)
	}
}
