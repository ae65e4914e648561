package table

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func TestReadXLSX(t *testing.T) {
	at := time.Date(2024, 1, 5, 8, 30, 15, 0, time.UTC)
	data := workbook(t, [][]any{
		{"姓名", "身份证号", "金额", "日期", "时刻", "公式", "对"},
		{"张三", "420199199001011234", 12.5, at, at, nil, true},
		{nil, "前导", 0.1 + 0.2, 45000, 0.5, nil, false},
		{"多\n行", " 空格 ", 1234567890123456, 60, 36.5, nil, nil},
	}, func(f *excelize.File, s string) {
		day, clock, zero, zh, hours := "yyyy/m/d", "h:mm:ss", "000000", `[$-804]yyyy"年"m"月"d"日"`, "[h]:mm:ss"
		style := func(cell string, code string) {
			id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.SetCellStyle(s, cell, cell, id); err != nil {
				t.Fatal(err)
			}
		}
		style("D2", zh)
		style("D3", day)
		style("D4", day)
		style("E3", clock)
		style("E4", hours)
		if err := f.SetCellValue(s, "A3", 42); err != nil {
			t.Fatal(err)
		}
		style("A3", zero)
		if err := f.SetCellFormula(s, "F2", "1+1"); err != nil {
			t.Fatal(err)
		}
	})
	r := open(t, data, Limits{})
	_, got := read(t, r)
	equal(t, got, []string{
		"2: 张三|420199199001011234|12.5|2024-01-05|2024-01-05 08:30:15||TRUE !table.formula_no_value",
		"3: 000042|前导|0.3|2023-03-15|12:00:00||FALSE",
		"4: 多\n行| 空格 |1234567890123456|60|876:00:00|| !table.digits_lost !table.cell_date",
	})
	if r.Format() != XLSX || r.Encoding() != "" || r.Delimiter() != 0 || r.Sheet() != "Sheet1" {
		t.Error(r.Format(), r.Encoding(), r.Delimiter(), r.Sheet())
	}
}

// What excelize does not write: cached formula values, errors, ISO dates, inline and phonetic text, CDATA, missing
// references, the 1904 system.
func TestReadRawXLSX(t *testing.T) {
	rows := func(cells string) string {
		return `<sheetData><row><c t="inlineStr"><is><t>甲</t></is></c><c t="inlineStr"><is><t>乙</t></is></c></row><row>` + cells + `</row></sheetData>`
	}
	more := map[string]string{
		"xl/sharedStrings.xml": `<sst><si><t>&#x5F20;三&amp;</t></si><si><r><t>富</t></r><r><t>文本</t></r><rPh><t>fu</t></rPh></si><si><t>a_x000D_b</t></si></sst>`,
		"xl/styles.xml":        `<styleSheet><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="57"/></cellXfs></styleSheet>`,
	}
	for name, c := range map[string]struct{ cells, want string }{
		"shared":             {`<c t="s"><v>0</v></c><c t="s"><v>1</v></c>`, "2: 张三&|富文本"},
		"escaped":            {`<c t="s"><v>2</v></c>`, "2: a\rb|"},
		"no such string":     {`<c t="s"><v>7</v></c>`, "2: | !table.cell_broken"},
		"cached number":      {`<c><f>1+1</f><v>2</v></c><c t="str"><f>A1</f><v>甲</v></c>`, "2: 2|甲"},
		"cached empty text":  {`<c t="str"><f>""</f><v></v></c><c><v>1</v></c>`, "2: |1"},
		"formula, no value":  {`<c><f>1+1</f></c><c><f>1+1</f><v/></c>`, "2: | !table.formula_no_value !table.formula_no_value"},
		"error":              {`<c t="e"><f>1/0</f><v>#DIV/0!</v></c>`, "2: #DIV/0!| !table.cell_error"},
		"ISO date":           {`<c t="d"><v>2024-01-05T00:00:00</v></c><c t="d"><v>2024-01-05T08:00:00</v></c>`, "2: 2024-01-05|2024-01-05 08:00:00"},
		"serials of 1900":    {`<c s="1"><v>1</v></c><c s="2"><v>61</v></c>`, "2: 1900-01-01|1900-03-01"},
		"last day":           {`<c s="1"><v>2958465</v></c><c s="1"><v>2958466</v></c>`, "2: 9999-12-31|2958466 !table.cell_date"},
		"gap":                {`<c r="B2"><v>5</v></c>`, "2: |5"},
		"exponent":           {`<c><v>1.5E-3</v></c><c><v>4.20106199001011E+17</v></c>`, "2: 0.0015|420106199001011000 !table.digits_lost"},
		"no number":          {`<c><v>abc</v></c>`, "2: abc| !table.cell_broken"},
		"CDATA and comments": {`<!-- <c> --><c t="str"><v>a<![CDATA[<&]]]>b</v></c>`, "2: a<&]b|"},
		"bound prefix":       {`<x:c t="str"><x:v>p</x:v></x:c>`, "2: p|"},
		"quoted >":           {`<c t="str" x=">"><v>p</v></c>`, "2: p|"},
		"beyond the header":  {`<c><v>1</v></c><c/><c><v>3</v></c>`, "2: 1| !table.row_wide"},
		"DOCTYPE":            {`<!DOCTYPE x [<!ENTITY a "b">]>`, "table.broken"},
		"unknown entity":     {`<c t="str"><v>&a;</v></c>`, "error table.broken"},
		"bad reference":      {`<c r="ZZZZ1"><v>1</v></c>`, "error table.broken"},
		"wrong row":          {`<c r="A9"><v>1</v></c>`, "error table.broken"},
		"row out of order":   {`</row><row r="1"><c><v>1</v></c>`, "error table.broken"},
		"row too far":        {`</row><row r="1048577">`, "table.broken"},
		"cut short":          {`<c><v>1`, "table.broken"},
	} {
		t.Run(name, func(t *testing.T) {
			text := rows(c.cells)
			if name == "cut short" {
				text = strings.TrimSuffix(text, `</row></sheetData>`)
			}
			data := container(t, text, more)
			if c.want == "table.broken" {
				if got := openErr(data, "a.xlsx", Limits{}); got != c.want {
					t.Error(got)
				}
				return
			}
			r := open(t, data, Limits{})
			var got []string
			for row, err := range r.Rows(Head{Last: 1, Names: []string{"甲", "乙"}}) {
				if err != nil {
					got = append(got, "error "+keyOf(err))
					continue
				}
				s := show(row.Number) + ": " + strings.Join(row.Cells, "|")
				for _, k := range keys(row.Reasons) {
					s += " !" + k
				}
				got = append(got, s)
			}
			equal(t, got, []string{c.want})
		})
	}
}

func Test1904(t *testing.T) {
	data := workbook(t, [][]any{{"日期"}, {time.Date(2024, 1, 5, 0, 0, 0, 0, time.UTC)}}, func(f *excelize.File, s string) {
		yes := true
		if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellValue(s, "A2", time.Date(2024, 1, 5, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	})
	_, got := read(t, open(t, data, Limits{}))
	equal(t, got, []string{"2: 2024-01-05"})
}

func TestSheets(t *testing.T) {
	data := workbook(t, nil, func(f *excelize.File, s string) {
		for _, name := range []string{"藏", "人员", "空"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		for cell, v := range map[string]string{"A1": "姓名", "A2": "张三"} {
			if err := f.SetCellValue("人员", cell, v); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.SetSheetVisible("藏", false); err != nil {
			t.Fatal(err)
		}
	})
	r := open(t, data, Limits{})
	if s := r.Sheets(); len(s) != 4 || s[1] != (Sheet{"藏", true}) || s[2] != (Sheet{"人员", false}) {
		t.Error(s)
	}
	if r.Sheet() != "人员" {
		t.Error("the first visible sheet with rows is taken, not", r.Sheet())
	}
	_, got := read(t, r)
	equal(t, got, []string{"2: 张三"})
	if err := r.Use("空"); err != nil {
		t.Error(err)
	}
	if _, err := r.Head(5); keyOf(err) != "table.no_rows" {
		t.Error(err)
	}
	if err := r.Use("没有"); keyOf(err) != "table.no_sheet" {
		t.Error(err)
	}
}

// A workbook really encrypted, not only a compound file that looks it.
func TestPassword(t *testing.T) {
	f := excelize.NewFile(excelize.Options{Password: "秘密"})
	defer f.Close()
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	if got := openErr(b.Bytes(), "a.xlsx", Limits{}); got != "table.password" {
		t.Error(got)
	}
}

func TestBombs(t *testing.T) {
	sheet := `<sheetData><row><c t="inlineStr"><is><t>甲</t></is></c></row></sheetData>`
	deep := container(t, sheet+strings.Repeat(" ", 40<<20), nil)
	wide := map[string]string{}
	for i := range 30 {
		wide["xl/media/"+show(i)] = "x"
	}
	for name, c := range map[string]struct {
		data []byte
		lim  Limits
		want string
	}{
		"ratio":            {deep, Limits{}, "table.bomb_ratio"},
		"unpacked size":    {deep, Limits{MaxUnzip: 1 << 20}, "table.bomb_size"},
		"entries":          {container(t, sheet, wide), Limits{MaxEntries: 20}, "table.bomb_entries"},
		"directory":        {container(t, sheet, map[string]string{strings.Repeat("n", 60000): ""}), Limits{MaxEntries: 20}, "table.bomb_entries"},
		"lies about size":  {liar(t), Limits{}, "table.broken"},
		"truncated":        {container(t, sheet, nil)[:600], Limits{}, "table.truncated"},
		"prefixed":         {append([]byte("PK\x03\x04junk"), container(t, sheet, nil)...), Limits{}, "table.truncated"},
		"same name twice":  {container(t, sheet, map[string]string{"XL/Workbook.xml": "<x/>"}), Limits{}, "table.broken"},
		"another document": {docx(t), Limits{}, "table.not_table"},
		"ods":              {container(t, sheet, map[string]string{"mimetype": "x", "content.xml": "x"}), Limits{}, "table.save_as_xlsx"},
		"xlsb":             {container(t, sheet, map[string]string{"xl/workbook.bin": "x"}), Limits{}, "table.save_as_xlsx"},
	} {
		if got := openErr(c.data, "a.xlsx", c.lim); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// liar is a container whose sheet unpacks to more than its directory says.
func liar(t *testing.T) []byte {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, 9)
	text := []byte("<worksheet>" + strings.Repeat(" ", 1<<20) + "</worksheet>")
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	src, err := zip.NewReader(bytes.NewReader(container(t, "", nil)), int64(len(container(t, "", nil))))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range src.File {
		if f.Name != "xl/worksheets/sheet1.xml" {
			if err := zw.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	raw, err := zw.CreateRaw(&zip.FileHeader{
		Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(text),
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(raw, &packed); err != nil {
		t.Fatal(err)
	}
	zw.Close()
	return buf.Bytes()
}

func docx(t *testing.T) []byte {
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for name, text := range map[string]string{
		"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>",
		"_rels/.rels": `<Relationships><Relationship Id="r" Type="x/officeDocument" Target="word/document.xml"/></Relationships>`,
	} {
		w, err := zw.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	zw.Close()
	return buf.Bytes()
}

// A cell of a gigabyte must cost neither memory nor the rest of the table.
func TestHugeCell(t *testing.T) {
	for name, cell := range map[string]string{
		"plain":  `<c t="str"><v>` + strings.Repeat("x", 3<<20) + `</v></c>`,
		"inline": `<c t="inlineStr"><is><t>` + strings.Repeat("x", 3<<20) + `</t></is></c>`,
		"runs":   `<c t="inlineStr"><is>` + strings.Repeat("<r><t>abc</t></r>", 50_000) + `</is></c>`,
		"CDATA":  `<c t="str"><v><![CDATA[` + strings.Repeat("<", 3<<20) + `]]></v></c>`,
		"refs":   `<c t="str"><v>` + strings.Repeat("&#65;", 40_000) + `</v></c>`,
	} {
		r := open(t, container(t, `<sheetData><row><c><v>1</v></c></row><row>`+cell+`</row><row><c><v>3</v></c></row></sheetData>`, nil), Limits{MaxRatio: 2000})
		var got []string
		for row, err := range r.Rows(Head{Last: 1, Names: []string{"a"}}) {
			if err != nil {
				t.Fatal(name, err)
			}
			got = append(got, strings.Join(append(row.Cells, keys(row.Reasons)...), "|"))
		}
		if strings.Join(got, "; ") != "|table.cell_long; 3" {
			t.Error(name, got)
		}
	}
	long := container(t, `<sheetData><row><c x="`+strings.Repeat("y", 1<<20)+`"/></row></sheetData>`, nil)
	if got := openErr(long, "a.xlsx", Limits{MaxRatio: 2000}); got != "table.broken" {
		t.Error("a tag of a megabyte:", got)
	}
}

func TestWideSheet(t *testing.T) {
	r := open(t, workbook(t, [][]any{{"a"}, {1}}, func(f *excelize.File, s string) {
		if err := f.SetCellValue(s, "XFD1", "远"); err != nil {
			t.Fatal(err)
		}
	}), Limits{})
	if _, err := r.Head(5); keyOf(err) != "table.columns" {
		t.Error(err)
	}
}

// A large string table goes to disk and comes back the same; Close removes it.
func TestSpilledStrings(t *testing.T) {
	var sst, rows strings.Builder
	const n = 9000
	for i := range n {
		sst.WriteString("<si><t>" + show(i) + strings.Repeat("词", 400) + "</t></si>")
		rows.WriteString(`<row><c t="s"><v>` + show(n-1-i) + `</v></c></row>`)
	}
	r := open(t, container(t, "<sheetData>"+rows.String()+"</sheetData>", map[string]string{"xl/sharedStrings.xml": "<sst>" + sst.String() + "</sst>"}), Limits{MaxRatio: 1000})
	i := 1
	for row, err := range r.Rows(Head{Last: 1, Names: []string{"a"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if i++; row.Cells[0] != show(n-i)+strings.Repeat("词", 400) {
			t.Fatal(i, row.Cells[0][:10])
		}
	}
	if i != n {
		t.Error(i)
	}
}
