package table

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"qushu/internal/base/errs"
)

func open(t *testing.T, data []byte, lim Limits) *Reader {
	t.Helper()
	if lim.TempDir == "" {
		lim.TempDir = t.TempDir()
	}
	r, err := Open(bytes.NewReader(data), int64(len(data)), "表.csv", lim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func openErr(data []byte, name string, lim Limits) string {
	r, err := Open(bytes.NewReader(data), int64(len(data)), name, lim)
	if err != nil {
		return errs.KeyOf(err)
	}
	r.Close()
	return ""
}

// read gives all rows below the guessed header as "number: a|b|c" with reasons as " !key" behind.
func read(t *testing.T, r *Reader) (Head, []string) {
	t.Helper()
	h, err := r.Head(5)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for row, err := range r.Rows(h) {
		if err != nil {
			out = append(out, "error "+errs.KeyOf(err))
			continue
		}
		s := show(row.Number) + ": " + strings.Join(row.Cells, "|")
		for _, w := range row.Reasons {
			s += " !" + w.Key
			if w.Row != row.Number {
				t.Errorf("row %d has a reason for row %d", row.Number, w.Row)
			}
		}
		out = append(out, s)
	}
	return h, out
}

func gbk(t testing.TB, s string) []byte {
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utf16LE(t testing.TB, s string) []byte {
	b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// workbook builds an XLSX with excelize from rows of values and lets change alter it before it is saved.
func workbook(t testing.TB, rows [][]any, change func(f *excelize.File, sheet string)) []byte {
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		at, _ := excelize.CoordinatesToCellName(1, i+1)
		if err := f.SetSheetRow("Sheet1", at, &row); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(f, "Sheet1")
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// container builds an XLSX whose only sheet has the given XML inside <worksheet>, and any further parts.
func container(t testing.TB, sheet string, more map[string]string) []byte {
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	put := func(name, text string) {
		w, err := zw.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("[Content_Types].xml", `<Types/>`)
	put("_rels/.rels", `<Relationships><Relationship Id="r1" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`)
	put("xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="表一" sheetId="1" r:id="r1"/></sheets></workbook>`)
	put("xl/_rels/workbook.xml.rels", `<Relationships>
		<Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>
		<Relationship Id="r2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/>
		<Relationship Id="r3" Type="x/styles" Target="styles.xml"/></Relationships>`)
	put("xl/worksheets/sheet1.xml", `<?xml version="1.0"?><worksheet>`+sheet+`</worksheet>`)
	for name, text := range more {
		put(name, text)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func keys(fields []errs.Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Key)
	}
	return out
}

func TestTexts(t *testing.T) {
	if _, err := errs.NewCatalog(Text); err != nil {
		t.Error(err)
	}
}

func keyOf(err error) string { return errs.KeyOf(err) }

func gb18030(s string) ([]byte, error) {
	return simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
}

func keysToFields(keys ...string) []errs.Field {
	var out []errs.Field
	for _, k := range keys {
		out = append(out, errs.Field{Key: k})
	}
	return out
}
