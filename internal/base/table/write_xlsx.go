package table

import (
	"archive/zip"
	"errors"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/errs"
)

// Excel's bounds ("Excel specifications and limits").
const (
	maxExcelRows    = 1_048_576
	maxExcelColumns = 16_384
	maxExcelCell    = 32_767
	maxExcelSheet   = 31
)

type xlsxWriter struct {
	out      io.Writer
	f        *excelize.File
	w        *excelize.StreamWriter
	sheet    string
	sheets   int
	row      int // rows written to the current sheet
	total    int
	header   []any
	styles   struct{ header, date, moment int }
	rowLimit int
}

// NewXLSX writes a workbook whose first sheet is named sheet: bold header frozen in place, columns as wide as their
// names ask, texts never taken for formulas, whole numbers of more than 15 digits as text because Excel would spoil
// them. Rows over Excel's 1 048 576 go to further sheets with the header repeated. Rows wait in a temporary file;
// Close writes the workbook to w.
func NewXLSX(w io.Writer, sheet string) (Writer, error) {
	x := &xlsxWriter{out: w, f: excelize.NewFile(), sheet: sheetName(sheet, maxExcelSheet), rowLimit: maxExcelRows}
	if err := x.prepare(); err != nil {
		return nil, writeFailed(errors.Join(err, x.f.Close()))
	}
	return x, nil
}

func (x *xlsxWriter) prepare() error {
	var err error
	date, moment := "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
	if x.styles.header, err = x.f.NewStyle(&excelize.Style{
		Font:      &excelize.Font{Bold: true},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7EEF7"}},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: true},
	}); err != nil {
		return err
	}
	if x.styles.date, err = x.f.NewStyle(&excelize.Style{CustomNumFmt: &date}); err != nil {
		return err
	}
	if x.styles.moment, err = x.f.NewStyle(&excelize.Style{CustomNumFmt: &moment}); err != nil {
		return err
	}
	return x.f.SetSheetName(x.f.GetSheetName(0), x.sheet)
}

// Write adds a row. A text longer than Excel's 32 767 characters is refused.
func (x *xlsxWriter) Write(values ...any) error {
	if x.header == nil {
		x.header = append([]any{}, values...)
		if err := x.begin(); err != nil {
			return writeFailed(err)
		}
		return nil
	}
	if x.row == x.rowLimit {
		if err := x.w.Flush(); err != nil {
			return writeFailed(err)
		}
		if err := x.begin(); err != nil {
			return writeFailed(err)
		}
	}
	x.total++
	cells := make([]any, len(values))
	for i, v := range values {
		if s, ok := v.(string); ok && len(s) > maxExcelCell && units(s) > maxExcelCell {
			return errs.New(errs.TooLarge, "table.write_cell", x.total, i+1, maxExcelCell)
		}
		cells[i] = x.cell(v)
	}
	return writeFailed(x.put(cells))
}

// begin opens the next sheet and writes the header.
func (x *xlsxWriter) begin() error {
	name := x.sheet
	if x.sheets++; x.sheets > 1 {
		tail := " (" + show(x.sheets) + ")"
		name = sheetName(x.sheet, maxExcelSheet-len(tail)) + tail
		if _, err := x.f.NewSheet(name); err != nil {
			return err
		}
	}
	var err error
	if x.w, err = x.f.NewStreamWriter(name); err != nil {
		return err
	}
	cells := make([]any, len(x.header))
	for i, v := range x.header {
		if i < maxExcelColumns {
			if err := x.w.SetColWidth(i+1, i+1, width(show(v))); err != nil {
				return err
			}
		}
		cells[i] = excelize.Cell{StyleID: x.styles.header, Value: show(v)}
	}
	if err := x.w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	x.row = 0
	return x.put(cells)
}

func (x *xlsxWriter) put(cells []any) error {
	x.row++
	at, err := excelize.CoordinatesToCellName(1, x.row)
	if err != nil {
		return err
	}
	return x.w.SetRow(at, cells)
}

// cell gives a value the form and style Excel keeps it whole in.
func (x *xlsxWriter) cell(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return v
	case bool:
		return show(v)
	case int:
		return x.cell(int64(v))
	case int64:
		if v >= 1e15 || v <= -1e15 {
			return show(v)
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case time.Time:
		style := x.styles.moment
		if isDate(v) {
			style = x.styles.date
		} else {
			v = v.In(civil())
			// excelize takes the clock's face value in UTC
			v = time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), time.UTC)
		}
		if v.Year() < 1900 {
			return show(v)
		}
		return excelize.Cell{StyleID: style, Value: v}
	}
	return v
}

// Close writes the workbook out and removes the temporary files.
func (x *xlsxWriter) Close() error {
	var err error
	if x.header == nil {
		err = x.begin()
	}
	if err == nil {
		err = x.w.Flush()
	}
	if err == nil {
		// excelize would build the whole file in memory; its own writer hook lets it stream
		x.f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(x.out) })
		_, err = x.f.WriteToBuffer()
	}
	return writeFailed(errors.Join(err, x.f.Close()))
}

// units counts the UTF-16 units of s, which is how Excel counts characters.
func units(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// width is the columns' width for a name: Chinese characters take two places.
func width(name string) float64 {
	n := 2
	for _, r := range name {
		if n++; r >= 0x1100 {
			n++
		}
	}
	return float64(min(max(n, 10), 40))
}

// sheetName takes out what Excel forbids in a sheet's name and cuts it to most characters.
func sheetName(s string, most int) string {
	s = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]`, r) || r < ' ' {
			return '_'
		}
		return r
	}, s), "' ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	if s == "" {
		return "Sheet1"
	}
	return s
}
