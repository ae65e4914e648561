package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
)

// shelf is a folder, here or elsewhere.
type shelf interface {
	// list returns the plain files directly in it.
	list() ([]os.FileInfo, error)
	// fetch gives one of them to be read here and there; the caller closes it.
	fetch(ctx context.Context, name string) (*os.File, error)
	// move puts a file into a folder below, which is made when missing.
	move(name, folder, as string) error
	// write puts a small file into a folder below.
	write(folder, name, text string) error
	close() error
}

// settled is how long a file has not been written to before it is taken for whole.
const settled = 10 * time.Second

// The folders below, for files that have been taken in and for those that could not be.
const (
	doneFolder   = "done"
	failedFolder = "failed"
)

// files is a Conn whose objects are the files of a folder whose names differ in their digits alone: "人员_*.csv".
type files struct {
	of   shelf
	now  func() time.Time
	row  int
	read []string
}

var digitRuns = regexp.MustCompile(`[0-9０-９]+([-_.年月日]*[0-9０-９]+)*[年月日]?`)

// pattern is what a file is called with others of its sort.
func pattern(name string) string {
	ext := path.Ext(name)
	return digitRuns.ReplaceAllString(strings.TrimSuffix(name, ext), "*") + ext
}

// whole reports whether a file is of use: not hidden, not half written.
func (f *files) whole(i os.FileInfo) bool {
	name := strings.ToLower(i.Name())
	return i.Mode().IsRegular() && i.Size() > 0 && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "~$") &&
		!slices.Contains([]string{".part", ".tmp", ".filepart", ".crdownload"}, path.Ext(name)) && f.now().Sub(i.ModTime()) >= settled
}

// sort returns the files of an object by name.
func (f *files) sort(object string) ([]string, error) {
	all, err := f.of.list()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, i := range all {
		if f.whole(i) && pattern(i.Name()) == object {
			out = append(out, i.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}

// Tables implements Conn.
func (f *files) Tables(_ context.Context, text string, limit int) ([]Table, error) {
	all, err := f.of.list()
	if err != nil {
		return nil, err
	}
	out := []Table{}
	for _, i := range all {
		p := pattern(i.Name())
		if !f.whole(i) || slices.ContainsFunc(out, func(t Table) bool { return t.Name == p }) || !strings.Contains(strings.ToLower(p), strings.ToLower(text)) {
			continue
		}
		if out = append(out, Table{Name: p, Rows: -1}); len(out) == limit {
			break
		}
	}
	slices.SortFunc(out, func(a, b Table) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// sheet opens a file as a table.
func (f *files) sheet(ctx context.Context, name string) (*table.Reader, table.Head, func(), error) {
	file, err := f.of.fetch(ctx, name)
	if err != nil {
		return nil, table.Head{}, nil, err
	}
	return openSheet(file, name)
}

func openSheet(file *os.File, name string) (*table.Reader, table.Head, func(), error) {
	st, err := file.Stat()
	if err != nil {
		return nil, table.Head{}, nil, errors.Join(err, file.Close())
	}
	r, err := table.Open(file, st.Size(), name, table.Limits{})
	if err != nil {
		file.Close()
		return nil, table.Head{}, nil, err
	}
	done := func() { r.Close(); file.Close() }
	h, err := r.Head(1000)
	if err == nil {
		err = h.Err()
	}
	if err != nil {
		done()
		return nil, h, nil, err
	}
	return r, h, done, nil
}

// Columns implements Conn: those of the newest file.
func (f *files) Columns(ctx context.Context, object string) ([]Column, error) {
	names, err := f.sort(object)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errs.New(errs.Missing, "source.no_file", object)
	}
	_, h, done, err := f.sheet(ctx, names[len(names)-1])
	if err != nil {
		f.read = names[len(names)-1:]
		return nil, err
	}
	defer done()
	return headed(h), nil
}

func headed(h table.Head) []Column {
	out := make([]Column, len(h.Names))
	for i, n := range h.Names {
		if n == "" {
			n = fmt.Sprintf("第%d列", i+1)
		}
		out[i] = Column{Name: n}
	}
	return out
}

// Rows implements Conn: the newest file, or with Every all of them by name.
func (f *files) Rows(ctx context.Context, ask Ask) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		names, err := f.sort(ask.Object)
		if err != nil {
			yield(nil, err)
			return
		}
		if ask.Limit == 0 {
			f.read = names
		}
		if !ask.Every && len(names) > 0 {
			names = names[len(names)-1:]
		}
		left := ask.Limit
		for _, name := range names {
			r, h, done, err := f.sheet(ctx, name)
			if err != nil {
				yield(nil, err)
				return
			}
			more := sheetRows(ctx, r, h, ask, &f.row, &left, yield)
			done()
			if !more {
				return
			}
		}
	}
}

// sheetRows yields the rows of one table in the columns asked for.
func sheetRows(ctx context.Context, r *table.Reader, h table.Head, ask Ask, at, left *int, yield func([]string, error) bool) (more bool) {
	have := headed(h)
	place := make([]int, len(ask.Columns))
	for i, c := range ask.Columns {
		if place[i] = slices.IndexFunc(have, func(x Column) bool { return x.Name == c.Name }); place[i] < 0 {
			yield(nil, errs.New(errs.Invalid, "source.file_column", c.Name))
			return false
		}
	}
	base, n := *at, 0
	out := make([]string, len(place))
	for row, err := range r.Rows(h) {
		if n++; err == nil && n%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		*at = base + row.Number
		if len(row.Reasons) > 0 {
			if ask.Refused != nil {
				if err := ask.Refused(*at, row.Cells, row.Reasons); err != nil {
					yield(nil, err)
					return false
				}
			}
			continue
		}
		for i, p := range place {
			out[i] = row.Cells[p]
		}
		if !yield(out, nil) {
			return false
		}
		if *left > 0 {
			if *left--; *left == 0 {
				return false
			}
		}
	}
	return true
}

// Row implements Numbered.
func (f *files) Row() int { return f.row }

// Read implements Taker.
func (f *files) Read() []string { return f.read }

// Taken implements Taker.
func (f *files) Taken(_ context.Context, names []string, failed string) error {
	stamp := f.now().Format("20060102-150405")
	folder := doneFolder
	if failed != "" {
		folder = failedFolder
	}
	for _, n := range names {
		as := stamp + "_" + n
		if err := f.of.move(n, folder, as); err != nil {
			return err
		}
		if failed != "" {
			if err := f.of.write(folder, as+".txt", failed+"\r\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close implements Conn.
func (f *files) Close() error { return f.of.close() }

// folder is a shelf on this machine, below the one root the administrator named; nothing leads out of it.
type folder struct{ root *os.Root }

func openFolder(s Spec, f Fence) (Conn, error) {
	if f.Root == "" {
		return nil, errs.New(errs.Denied, "source.no_root")
	}
	root, err := os.OpenRoot(f.Root)
	if err != nil {
		return nil, errs.Wrap(err, errs.Busy, "source.no_folder", f.Root)
	}
	defer root.Close()
	sub, err := root.OpenRoot(strings.Trim(path.Clean("/"+s.Path), "/"))
	if err != nil {
		return nil, errs.Wrap(err, errs.Missing, "source.no_folder", s.Path)
	}
	return &files{of: &folder{sub}, now: time.Now}, nil
}

func (d *folder) list() ([]os.FileInfo, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, errs.Wrap(err, errs.Busy, "source.no_folder", ".")
	}
	defer dir.Close()
	return dir.Readdir(-1)
}

func (d *folder) fetch(_ context.Context, name string) (*os.File, error) { return d.root.Open(name) }

func (d *folder) move(name, folder, as string) error {
	if err := d.root.Mkdir(folder, 0o750); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return d.root.Rename(name, path.Join(folder, as))
}

func (d *folder) write(folder, name, text string) error {
	return d.root.WriteFile(path.Join(folder, name), []byte(text), 0o640)
}

func (d *folder) close() error { return d.root.Close() }

// unnamed is a temporary file that goes with its last user.
func unnamed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "qushu-source-*")
	if err != nil {
		return nil, errs.Wrap(err, errs.Busy, "source.temp_full")
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// copyHere brings what r holds into a temporary file.
func copyHere(ctx context.Context, dir string, r io.Reader) (*os.File, error) {
	f, err := unnamed(dir)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return nil, errors.Join(errs.Wrap(err, errs.Busy, "source.temp_full"), f.Close())
			}
		}
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			f.Close()
			return nil, errs.Wrap(err, errs.Busy, "source.broken_off", clip(err.Error()))
		}
	}
}
