package table

import (
	"fmt"
	"strings"
	"testing"

	"qushu/internal/base/errs"
)

func TestReadCSV(t *testing.T) {
	long := strings.Repeat("长", 101)
	for name, c := range map[string]struct {
		data  []byte
		enc   string
		delim byte
		want  []string
	}{
		"UTF-8":                {[]byte("姓名,电话\n张三,027-1\n"), "UTF-8", ',', []string{"2: 张三|027-1"}},
		"UTF-8 with BOM":       {[]byte("\xEF\xBB\xBF姓名,电话\r\n张三,1\r\n"), "UTF-8", ',', []string{"2: 张三|1"}},
		"GBK from Excel":       {gbk(t, "姓名,电话\r\n张三,1\r\n联通,2\r\n"), "GB18030", ',', []string{"2: 张三|1", "3: 联通|2"}},
		"GBK after ASCII":      {gbk(t, "name,phone\nann,1\n张三,2\n"), "GB18030", ',', []string{"2: ann|1", "3: 张三|2"}},
		"UTF-16 tabs":          {utf16LE(t, "姓名\t电话\r\n张三\t1\r\n"), "UTF-16", '\t', []string{"2: 张三|1"}},
		"semicolons":           {[]byte("a;b\n1,5;2\n"), "UTF-8", ';', []string{"2: 1,5|2"}},
		"bars, GBK 0x7C trail": {gbk(t, "名|號\n瓅|1\n"), "GB18030", '|', []string{"2: 瓅|1"}},
		"sep line":             {[]byte("sep=;\na;b\n1;2\n"), "UTF-8", ';', []string{"2: 1|2"}},
		"one column":           {[]byte("编号\n1\n2"), "UTF-8", ',', []string{"2: 1", "3: 2"}},
		"quotes":               {[]byte("a,b\n\"x,\"\"y\"\"\nz\",2\n\"p\"q,r\"s\n"), "UTF-8", ',', []string{"2: x,\"y\"\nz|2", "3: pq|r\"s"}},
		"break in a cell":      {[]byte("a,b\r\n\"x\r\ny\",2\r\n"), "UTF-8", ',', []string{"2: x\ny|2"}},
		"CR only":              {[]byte("a,b\r1,2\r3,4"), "UTF-8", ',', []string{"2: 1|2", "3: 3|4"}},
		"blank rows count":     {[]byte("a,b\n\n1,2\n,,\n3,4\n"), "UTF-8", ',', []string{"3: 1|2", "5: 3|4"}},
		"full width is kept":   {[]byte("a,b\n１２,　x\n"), "UTF-8", ',', []string{"2: １２|　x"}},
		"narrow, wide":         {[]byte("a,b\n1\n1,2,3\n1,2,\n"), "UTF-8", ',', []string{"2: 1| !table.row_narrow", "3: 1|2 !table.row_wide", "4: 1|2"}},
		"long cell":            {[]byte("a,b\n" + long + ",2\n3,4\n"), "UTF-8", ',', []string{"2: " + long[:300] + "|2 !table.cell_long", "3: 3|4"}},
		"runaway quote":        {[]byte("a,b\n\"1,2\n" + strings.Repeat("3,4\n", 30) + "\"5,6\n7,8\n"), "UTF-8", ',', []string{"2: " + ("1,2\n" + strings.Repeat("3,4\n", 30))[:100] + "|6 !table.quote_runaway", "3: 7|8"}},
		"open quote":           {[]byte("a,b\n" + strings.Repeat("1,2\n", 100) + "\"3,4\n5,6\n"), "UTF-8", ',', nil},
		"lost digits":          {[]byte("a,b\n4.20106E+17,2\n1.5E+03,2\n"), "UTF-8", ',', []string{"2: 4.20106E+17|2 !table.digits_lost", "3: 1.5E+03|2"}},
		"zero byte":            {[]byte("a,b\n" + strings.Repeat("1,2\n", sampleBytes/4) + "\x00,2\n"), "UTF-8", ',', nil},
		"too many columns":     {[]byte("a,b\n1,2" + strings.Repeat(",", 50) + "\n"), "UTF-8", ',', []string{"2: 1|2 !table.columns"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, c.data, Limits{MaxCell: 100, MaxColumns: 20})
			_, got := read(t, r)
			if name == "zero byte" {
				got, c.want = got[len(got)-1:], []string{"65538: \x00|2 !table.cell_zero"}
			}
			if name == "open quote" {
				got, c.want = got[100:], []string{"error table.quote_open"}
			}
			equal(t, got, c.want)
			if r.Encoding() != c.enc || r.Delimiter() != c.delim {
				t.Error(r.Encoding(), string(r.Delimiter()))
			}
		})
	}
}

// One file, two encodings: the line is named and the rest is read.
func TestMixedEncodings(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want []string
		arg  string
	}{
		"GBK in UTF-8":         {append(append([]byte("姓名,电话\n张三,1\n"), gbk(t, "李四,2\n")...), "王五,3\n"...), []string{"2: 张三|1", "3: 李四|2 !table.encoding_mixed", "4: 王五|3"}, "[3 UTF-8 GB18030]"},
		"UTF-8 in GBK":         {append(gbk(t, "姓名,电话\n张三,1\n"), "李四小,2\n"...), []string{"2: 张三|1", "3: 李四小|2 !table.encoding_mixed"}, "[3 GB18030 UTF-8]"},
		"neither":              {[]byte("姓名,电话\n\xff\xff,2\n"), []string{"2: \uFFFD\uFFFD|2 !table.encoding_bad"}, "[2 UTF-8 GB18030]"},
		"spoilt before":        {[]byte("姓名,电话\n张\uFFFD,2\n"), []string{"2: 张\uFFFD|2 !table.encoding_bad"}, "[2 UTF-8 GB18030]"},
		"after a lot of ASCII": {append([]byte("a,b\n"+strings.Repeat("1,2\n", 100_000)), append(gbk(t, "李四,2\n"), "王五,3\n"...)...), []string{"100002: 李四|2", "100003: 王五|3 !table.encoding_mixed"}, "[100003 GB18030 UTF-8]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, c.data, Limits{})
			_, got := read(t, r)
			equal(t, got[max(0, len(got)-len(c.want)):], c.want)
			h, _ := r.Head(1)
			for row := range r.Rows(h) {
				if len(row.Reasons) > 0 && fmt.Sprint(row.Reasons[0].Args) != c.arg {
					t.Error(row.Reasons[0].Args)
				}
			}
		})
	}
}

// A character cut in two by the read buffer must come out whole, in both encodings, at every alignment.
func TestLongLinesKeepCharacters(t *testing.T) {
	for shift := range 4 {
		text := strings.Repeat("x", shift) + strings.Repeat("汉字㐀", 30_000)
		whole := "a,b\n" + text[:60_000+shift] + "," + text + "\n"
		gb, err := gb18030(whole)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"UTF-8": []byte(whole), "GB18030": gb} {
			r := open(t, data, Limits{MaxCell: 1 << 20})
			for row, err := range r.Rows(Head{Last: 1, Names: []string{"a", "b"}}) {
				if err != nil || len(row.Reasons) > 0 || row.Cells[1] != text {
					t.Error(name, shift, err, row.Reasons)
				}
			}
		}
	}
}

func TestRowLimit(t *testing.T) {
	r := open(t, []byte("a,b\n1,2\n3,4\n5,6\n"), Limits{MaxRows: 2})
	_, got := read(t, r)
	equal(t, got, []string{"2: 1|2", "3: 3|4", "error table.rows"})
}

func TestMillionColumns(t *testing.T) {
	r := open(t, []byte(strings.Repeat("a,", 1_000_000)+"b\n1,2\n"), Limits{})
	if _, err := r.Head(5); !errs.Is(err, errs.TooLarge) || errs.KeyOf(err) != "table.columns" {
		t.Error(err)
	}
}

func TestNotATable(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"empty":       {"", "table.empty"},
		"only spaces": {" \n\n \n", "table.empty"},
		"only a BOM":  {"\xEF\xBB\xBF", "table.empty"},
		"PDF":         {"%PDF-1.7\n%âãÏÓ", "table.not_table"},
		"PNG":         {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "table.not_table"},
		"NULs later":  {"a,b\n" + strings.Repeat("1,2\n", 2000) + "\x00\x00", "table.not_table"},
		"web page":    {"\n<html><table><tr><td>1", "table.save_as_xlsx"},
		"XML":         {"<?xml version=\"1.0\"?><Workbook>", "table.save_as_xlsx"},
		"old Excel":   {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 600) + "W\x00o\x00r\x00k\x00b\x00o\x00o\x00k\x00", "table.save_as_xlsx"},
		"password":    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 300_000) + "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00", "table.password"},
		"cut zip":     {"PK\x03\x04\x14\x00", "table.truncated"},
	} {
		if got := openErr([]byte(c.data), "花名册.xls", Limits{}); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := openErr([]byte("a,b\n1,2\n"), "x.csv", Limits{MaxBytes: 4}); got != "table.too_big" {
		t.Error(got)
	}
	if _, err := OpenFile(t.TempDir()+"/none", "none", Limits{}); errs.KeyOf(err) != "table.read_failed" {
		t.Error(err)
	}
}
