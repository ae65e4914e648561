package table

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/errs"
)

var tight = Limits{MaxColumns: 50, MaxCell: 200, MaxRows: 1000, MaxUnzip: 4 << 20, MaxEntries: 40}

// use reads everything there is and checks what a Reader promises.
func use(t *testing.T, data []byte) {
	r, err := Open(bytes.NewReader(data), int64(len(data)), "f.xls", tight)
	if err != nil {
		if errs.KeyOf(err) == "" || errs.KindOf(err) == errs.Internal {
			t.Fatal("an error without words:", err)
		}
		return
	}
	defer r.Close()
	for _, s := range append(r.Sheets(), Sheet{}) {
		if s.Name != "" && r.Use(s.Name) != nil {
			continue
		}
		h, err := r.Head(20)
		if err != nil {
			if errs.KeyOf(err) == "" {
				t.Fatal("an error without words:", err)
			}
			continue
		}
		if len(h.Names) == 0 || h.First > h.Last || h.Last > h.First+1 {
			t.Fatal(h)
		}
		last := h.Last
		cols := Guess(h.Names, h.Samples)
		for row, err := range r.Rows(h) {
			if err != nil {
				if errs.KeyOf(err) == "" {
					t.Fatal("an error without words:", err)
				}
				break
			}
			if row.Number <= last || len(row.Cells) != len(h.Names) {
				t.Fatal(row, h)
			}
			last = row.Number
			for i, c := range row.Cells {
				if len(c) > 4*tight.MaxCell {
					t.Fatal("a cell over the limit")
				}
				cols[i].Parse(c)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	book := workbook(f, [][]any{{"姓名", "日期"}, {"张三", 45000.5}, {"李四", 1}}, func(b *excelize.File, s string) {
		if err := b.MergeCell(s, "A2", "A3"); err != nil {
			f.Fatal(err)
		}
	})
	for _, data := range [][]byte{
		book, container(f, `<sheetData><row><c t="s"><v>0</v></c></row></sheetData>`, nil),
		[]byte("姓名,电话\n\"张,三\",1\n\n李四,2,3\n"), gbk(f, "姓名\t电话\r\n张三\t1\r\n"), utf16LE(f, "a;b\n1;2\n"),
		[]byte("sep=|\na|b\n\"1\n"), []byte("\xEF\xBB\xBFa\rb\r\"c\"d"), []byte("标题\n甲,,乙\n,丙,\n1,2,3\n"), []byte("\xff\xfe"), {0x81, ',', 0x81, 0x30},
	} {
		f.Add(data)
	}
	f.Fuzz(use)
}

func FuzzSheet(f *testing.F) {
	for _, s := range []string{
		`<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>甲</t></is></c></row><row r="3"><c r="B3" s="1"><v>45000.5</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells>`,
		`<sheetData><row><c t="s"><v>0</v></c><c t="e"><f>1/0</f><v>#N/A</v></c><c t="b"><v>1</v></c><c><f>A1</f></c></row></sheetData>`,
		`<!-- a --><sheetData><row><c t="str"><v><![CDATA[x]]>&amp;&#65;</v></c></row></sheetData>`,
	} {
		f.Add(s, `<sst><si><t>张三</t></si><si><r><t>a</t></r><rPh><t>b</t></rPh></si></sst>`, `<s><numFmts><numFmt numFmtId="170" formatCode="[h]:mm;@"/></numFmts><cellXfs><xf numFmtId="170"/><xf numFmtId="14"/></cellXfs></s>`)
	}
	f.Fuzz(func(t *testing.T, sheet, strs, styles string) {
		if len(sheet)+len(strs)+len(styles) > 1<<20 || strings.Contains(sheet, "</worksheet") {
			return
		}
		use(t, container(t, sheet, map[string]string{"xl/sharedStrings.xml": strs, "xl/styles.xml": styles}))
	})
}
