package district

import (
	"io"
	"iter"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"qushu/internal/base/table"
)

// Encoding is how a CSV is written.
type Encoding string

// The encodings: UTF8 with the mark Excel asks for, GB18030 as Excel on a Chinese Windows writes it.
const (
	UTF8    Encoding = "UTF-8"
	GB18030 Encoding = "GB18030"
)

// WriteCSV writes residents with a header to w.
func WriteCSV(w io.Writer, residents iter.Seq[Resident], as Encoding) error {
	o := table.CSVOptions{Verbatim: true}
	var gb *transform.Writer
	if as == GB18030 {
		gb = transform.NewWriter(w, simplifiedchinese.GB18030.NewEncoder())
		w, o.NoBOM = gb, true
	}
	if err := write(table.NewCSV(w, o), residents); err != nil {
		return err
	}
	if gb != nil {
		return gb.Close()
	}
	return nil
}

// WriteXLSX writes residents with a header as a workbook to w.
func WriteXLSX(w io.Writer, residents iter.Seq[Resident]) error {
	out, err := table.NewXLSX(w, "人口信息")
	if err != nil {
		return err
	}
	return write(out, residents)
}

func write(out table.Writer, residents iter.Seq[Resident]) error {
	cells := make([]any, 0, 14)
	for _, c := range Columns() {
		cells = append(cells, c)
	}
	err := out.Write(cells...)
	for r := range residents {
		if err != nil {
			break
		}
		cells = cells[:0]
		for _, c := range r.Row() {
			cells = append(cells, c)
		}
		err = out.Write(cells...)
	}
	if e := out.Close(); err == nil { // closing frees temporary files
		err = e
	}
	return err
}
