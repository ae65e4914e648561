// Package xlsx reads Office Open XML workbooks (ECMA-376-1 §18) row by row in bounded memory. It exists beside
// excelize, which writes our workbooks, because excelize's reader holds a sheet's tree in memory to tell a cell's
// style, its merged ranges or whether a formula has a value, and loads every other part of the container.
package xlsx

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
)

// Limits bound what a workbook may cost. All are required.
type Limits struct {
	Entries int    // files in the container
	Unzip   int64  // bytes all of them unpack to
	Ratio   int    // unpacked : packed of one large entry
	Columns int    // columns of a sheet
	Cell    int    // characters of a cell
	TempDir string // where large string tables are spilled, "" for the system's
}

// Sheet is one worksheet.
type Sheet struct {
	Name   string
	Hidden bool
	path   string
}

// Book is an open workbook.
type Book struct {
	Sheets  []Sheet
	lim     Limits
	files   map[string]*zip.File
	formats []format // by cell style
	base    int      // day number added to a serial: 0 or the 1904 system's offset
	shared  stringTable
	sstPath string
	loaded  bool
}

// Open checks the container and reads the list of sheets and the cell styles.
func Open(r io.ReaderAt, size int64, lim Limits) (*Book, error) {
	files, err := openZip(r, size, lim)
	if err != nil {
		return nil, err
	}
	b := &Book{lim: lim, files: files}
	if err := b.refuseOthers(); err != nil {
		return nil, err
	}
	root, err := b.relations("_rels/.rels", "")
	if err != nil {
		return nil, err
	}
	wb := "xl/workbook.xml"
	for _, r := range root {
		if r.kind == "officeDocument" {
			wb = r.target
		}
	}
	if !b.has(wb) || !strings.HasSuffix(wb, ".xml") {
		return nil, errs.New(errs.Invalid, "table.not_table")
	}
	rels, err := b.relations(path.Join(path.Dir(wb), "_rels", path.Base(wb)+".rels"), path.Dir(wb))
	if err != nil {
		return nil, err
	}
	if err := b.readWorkbook(wb, rels); err != nil {
		return nil, err
	}
	for _, r := range rels {
		switch r.kind {
		case "styles":
			if err := b.readStyles(r.target); err != nil {
				return nil, err
			}
		case "sharedStrings":
			b.sstPath = r.target
		}
	}
	if len(b.Sheets) == 0 {
		return nil, errs.New(errs.Invalid, "table.not_table")
	}
	return b, nil
}

// refuseOthers names the containers people mistake for a workbook.
func (b *Book) refuseOthers() error {
	if b.has("xl/workbook.bin") {
		return errs.New(errs.Invalid, "table.save_as_xlsx", "xlsb")
	}
	if b.has("content.xml") && b.has("mimetype") {
		return errs.New(errs.Invalid, "table.save_as_xlsx", "ods")
	}
	if !b.has("[content_types].xml") {
		return errs.New(errs.Invalid, "table.not_table")
	}
	return nil
}

// Close removes what was spilled to disk.
func (b *Book) Close() error { return b.shared.close() }

func (b *Book) has(name string) bool { return b.files[strings.ToLower(name)] != nil }

// errStop ends the reading of a part early.
var errStop = errors.New("enough")

// part gives each start and end tag of an entry; a missing entry is an empty one.
func (b *Book) part(name string, textMax int, each func(*scanner, token) error) error {
	f := b.files[strings.ToLower(name)]
	if f == nil {
		return nil
	}
	rc, err := f.Open()
	if err != nil {
		return unpackFailed(err, f.Name)
	}
	defer rc.Close()
	s := newScanner(rc, textMax)
	for {
		t, err := s.next()
		if err == nil && t != eof {
			err = each(s, t)
		} else if err == nil {
			return nil
		}
		if err == errStop {
			return nil
		}
		if err != nil {
			return unpackFailed(err, f.Name)
		}
	}
}

type relation struct{ id, kind, target string }

// relations reads a .rels part; targets come out as paths inside the container. ECMA-376-2 §9.3.
func (b *Book) relations(name, dir string) ([]relation, error) {
	var out []relation
	err := b.part(name, 0, func(s *scanner, t token) error {
		if t != start || string(s.name) != "Relationship" || string(s.attr("TargetMode")) == "External" {
			return nil
		}
		target, err := s.attrText("Target")
		if err != nil || len(out) >= b.lim.Entries {
			return errSyntax
		}
		if strings.HasPrefix(target, "/") {
			target = target[1:]
		} else {
			target = path.Join(dir, target)
		}
		kind := string(s.attr("Type"))
		out = append(out, relation{string(s.attr("Id")), kind[strings.LastIndexByte(kind, '/')+1:], target})
		return nil
	})
	return out, err
}

// readWorkbook lists the worksheets in the order of their tabs; chart sheets are no tables. §18.2.19–20, §18.2.28.
func (b *Book) readWorkbook(name string, rels []relation) error {
	byID := map[string]relation{}
	for _, r := range rels {
		byID[r.id] = r
	}
	return b.part(name, 0, func(s *scanner, t token) error {
		switch n := string(s.name); {
		case t != start:
		case n == "workbookPr":
			if v := string(s.attr("date1904")); v == "1" || v == "true" {
				b.base = days1904
			}
		case n == "sheet":
			title, err := s.attrText("name")
			if err != nil || len(b.Sheets) >= b.lim.Entries {
				return errSyntax
			}
			if r := byID[string(s.attr("id"))]; r.kind == "worksheet" && b.has(r.target) {
				state := string(s.attr("state"))
				b.Sheets = append(b.Sheets, Sheet{Name: title, Hidden: state != "" && state != "visible", path: r.target})
			}
		}
		return nil
	})
}

// maxFormats is above Excel's limit of cell formats in one workbook (65 490).
const maxFormats = 1 << 17

// readStyles learns which cell styles show dates, times or leading zeros. §18.8.10, §18.8.30, §18.8.45.
func (b *Book) readStyles(name string) error {
	custom := map[int]format{}
	inXfs := false
	return b.part(name, 0, func(s *scanner, t token) error {
		switch n := string(s.name); {
		case n == "cellXfs":
			inXfs = t == start
		case t != start:
		case n == "numFmt":
			code, err := s.attrText("formatCode")
			if err != nil || len(custom) > maxFormats {
				return errSyntax
			}
			id, _ := strconv.Atoi(string(s.attr("numFmtId")))
			custom[id] = parseFormat(code)
		case n == "xf" && inXfs:
			id, _ := strconv.Atoi(string(s.attr("numFmtId")))
			f, ok := custom[id]
			if !ok {
				f = builtin(id)
			}
			if b.formats = append(b.formats, f); len(b.formats) > maxFormats {
				return errSyntax
			}
		}
		return nil
	})
}
