package table

import (
	"bytes"
	"io"
	"unicode/utf16"

	"qushu/internal/base/errs"
	"qushu/internal/base/table/internal/xlsx"
)

// xlsxSource is a worksheet of an open workbook.
type xlsxSource struct {
	book   *xlsx.Book
	sheet  int
	survey xlsx.Survey
}

func openXLSX(src io.ReaderAt, size int64, lim Limits) (*xlsxSource, error) {
	book, err := xlsx.Open(src, size, xlsx.Limits{
		Entries: lim.MaxEntries, Unzip: lim.MaxUnzip, Ratio: lim.MaxRatio,
		Columns: lim.MaxColumns, Cell: lim.MaxCell, TempDir: lim.TempDir,
	})
	if err != nil {
		return nil, err
	}
	x := &xlsxSource{book: book}
	first := -1
	for i, s := range book.Sheets {
		if s.Hidden {
			continue
		}
		if first < 0 {
			first = i
		}
		if err := x.use(i); err != nil {
			return nil, err
		}
		if x.survey.LastRow > 0 {
			return x, nil
		}
	}
	return x, x.use(max(first, 0))
}

func (x *xlsxSource) use(sheet int) error {
	survey, err := x.book.Survey(sheet)
	if err == nil {
		x.sheet, x.survey = sheet, survey
	}
	return err
}

func (x *xlsxSource) rows(yield xlsx.Yield) error { return x.book.Rows(x.sheet, yield) }

func (x *xlsxSource) close() error { return x.book.Close() }

// oleKind says what an OLE compound file is: MS-OFFCRYPTO §2.3.2 keeps an encrypted workbook in a stream named
// EncryptedPackage; anything else is the format before 2007. Names stand in UTF-16LE (MS-CFB §2.6.1).
func oleKind(src io.ReaderAt, size int64) error {
	mark := make([]byte, 0, 32)
	for _, c := range utf16.Encode([]rune("EncryptedPackage")) {
		mark = append(mark, byte(c), byte(c>>8))
	}
	buf := make([]byte, 256<<10)
	for at := int64(0); at < size; at += int64(len(buf) - len(mark)) {
		n, err := src.ReadAt(buf, at)
		if bytes.Contains(buf[:n], mark) {
			return errs.New(errs.Invalid, "table.password")
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return readFailed(err)
		}
	}
	return errs.New(errs.Invalid, "table.save_as_xlsx", "xls")
}

// refuseOthers refuses what is plainly no text, and the web pages and XML that some systems export as ".xls".
func refuseOthers(begin []byte, name string) error {
	if utf16Order(begin) != nil {
		return nil
	}
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\xEF\xBB\xBF")), " \t\r\n"))
	for _, mark := range []string{"<html", "<!doctype", "<table", "<?xml", "<head", "<meta", "<style"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return errs.New(errs.Invalid, "table.save_as_xlsx", markupName(name))
		}
	}
	for _, mark := range []string{"%pdf-", "{\\rtf", "rar!"} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return errs.New(errs.Invalid, "table.not_table")
		}
	}
	for _, c := range begin { // no text holds these, a picture's or a program's first bytes do
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1A {
			return errs.New(errs.Invalid, "table.not_table")
		}
	}
	return nil
}

func markupName(name string) string {
	if e := extension(name); e != "" {
		return e + "/HTML"
	}
	return "HTML"
}
