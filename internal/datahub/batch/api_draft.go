package batch

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
)

const (
	sampled = 1000 // rows a guess looks at
	shown   = 5    // of them, rows a person is shown
)

type createIn struct {
	Body struct {
		File    string `json:"fileId" minLength:"1" maxLength:"40" doc:"of an upload that is finished"`
		Dataset string `json:"dataset" minLength:"1" maxLength:"40" doc:"id of what the list is to be held against"`
		Purpose string `json:"purpose" maxLength:"200" doc:"what it is needed for; stands in the ledger"`
		Basis   string `json:"basis" maxLength:"200" doc:"the law or matter it rests on"`
	}
}

// create looks at an uploaded list, guesses which column holds the keys, checks every row and makes a draft of it. A
// file that is no table is refused and stays with its uploader.
func (b *Batch) create(ctx context.Context, in *createIn) (*runOut, error) {
	me := authz.From(ctx)
	ds, right, err := b.openDataset(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	r := &Run{ID: id.New(), State: Draft, File: in.Body.File, Owner: me.Person, OwnerName: me.Name, PostUnit: me.Unit, Unit: me.Home, Street: me.Street, At: store.At(b.now()), Version: 1,
		Plan: Plan{At: -1, Mode: Exists, Columns: []string{}, Clear: []string{}, Compare: []Pair{}}}
	if err := r.aim(ds, in.Body.Purpose, in.Body.Basis); err != nil {
		return nil, err
	}
	samples, err := b.look(ctx, r, ds, right, true)
	if err != nil {
		return nil, err
	}
	err = b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := b.files.Claim(ctx, tx, r.File, "batch", r.ID); err != nil {
			return err
		}
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		return b.audit.Record(ctx, tx, audit.Entry{Action: "batch.draft", Object: "batch_run", ID: r.ID, Title: r.Title, Purpose: r.Purpose,
			Detail: map[string]any{"file": r.File, "size": r.FileSize, "dataset": r.Dataset, "rows": r.Counts.Rows, "basis": r.Basis}})
	})
	if err != nil {
		return nil, err
	}
	out, err := b.shown(ctx, r)
	out.Body.Samples = samples
	return out, err
}

// aim says what the list is held against, and why.
func (r *Run) aim(ds dataset.Dataset, purpose, basis string) (err error) {
	if r.Purpose, err = cleanReason("purpose", purpose, 4); err != nil {
		return err
	}
	if r.Basis, err = cleanReason("basis", basis, 2); err != nil {
		return err
	}
	r.Dataset, r.Title, r.OwnerUnit, r.OwnerStreet = ds.ID, ds.Title, ds.Unit, ds.Street
	return nil
}

// look reads the whole list: what it is, which columns it has, what is wrong with its rows. A fresh one has no plan yet
// and gets one that is guessed.
func (b *Batch) look(ctx context.Context, r *Run, ds dataset.Dataset, right dataset.Right, fresh bool) (samples [][]string, err error) {
	tab, done, err := b.open(ctx, r, fresh)
	if err != nil {
		return nil, err
	}
	defer done()
	h, err := headOf(tab, &r.Plan)
	if err != nil {
		return nil, err
	}
	f := finding{Format: string(tab.Format()), Encoding: tab.Encoding(), Sheets: tab.Sheets(), Columns: []FileColumn{}, Problems: reasons(h.Problems), Notes: reasons(h.Notes)}
	if d := tab.Delimiter(); d != 0 {
		f.Delimiter = string(rune(d))
	}
	for i, name := range h.Names {
		kind, _ := codes.Guess(name, cellsOf(h.Samples, i))
		f.Columns = append(f.Columns, FileColumn{i, name, kind})
	}
	r.Plan.Sheet, r.Plan.First, r.Plan.Last = tab.Sheet(), h.First, h.Last
	if fresh {
		r.Plan.guess(f.Columns, ds, right)
	}
	r.Finding, r.Counts = f, Counts{Why: []Reason{}}
	if r.Plan.At >= len(f.Columns) {
		return nil, errs.New(errs.Invalid, "batch.plan").With(errs.Field{Name: "at", Key: "batch.no_column"})
	}
	if r.Plan.At >= 0 && len(h.Problems) == 0 {
		if err := b.count(ctx, r, ds, tab); err != nil {
			return nil, err
		}
	}
	for _, row := range h.Samples[:min(len(h.Samples), shown)] {
		samples = append(samples, row.Cells)
	}
	return samples, nil
}

func (b *Batch) count(ctx context.Context, r *Run, ds dataset.Dataset, tab *table.Reader) error {
	l, err := b.read(ctx, tab, ds, &r.Plan, new(atomic.Int64))
	if err != nil {
		return err
	}
	r.Counts = l.counts()
	r.Finding.Problems = append(r.Finding.Problems, wrongColumn(r)...)
	if r.Counts.Rows == 0 {
		r.Finding.Problems = append(r.Finding.Problems, Reason{Key: "batch.only_header"})
	}
	return nil
}

// wrongColumn tells when hardly a row has what is looked for: then another column is meant.
func wrongColumn(r *Run) []Reason {
	c := r.Counts
	if c.Rows < 5 || c.Valid*10 >= c.Rows-c.Repeated {
		return nil
	}
	header := r.Finding.Columns[r.Plan.At].Header
	for _, other := range r.Finding.Columns {
		if other.At != r.Plan.At && (other.Kind == codes.KindID || other.Kind == codes.KindUSCC) {
			return []Reason{{Key: "batch.wrong_column_other", Args: texts([]any{header, c.Invalid, c.Rows, other.Header})}}
		}
	}
	return []Reason{{Key: "batch.wrong_column", Args: texts([]any{header, c.Invalid, c.Rows})}}
}

func cellsOf(rows []table.Row, at int) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		if at < len(r.Cells) && len(r.Reasons) == 0 && strings.TrimSpace(r.Cells[at]) != "" {
			out = append(out, r.Cells[at])
		}
	}
	return out
}

func reasons(fields []errs.Field) []Reason {
	out := make([]Reason, len(fields))
	for i, f := range fields {
		out[i] = Reason{Key: f.Key, Args: texts(f.Args)}
	}
	return out
}

// guess finds the column of the file that holds what the dataset is looked up by, and pairs the others by name.
func (p *Plan) guess(cols []FileColumn, ds dataset.Dataset, right dataset.Right) {
	for _, k := range ds.Keys() {
		if !right.MaySee(k.Name) {
			continue
		}
		if p.Key == "" {
			p.Key = k.Name
		}
		at := slices.IndexFunc(cols, func(c FileColumn) bool {
			return c.Header == k.Title || c.Header == k.Name || k.Kind != "" && (c.Kind == k.Kind || c.Kind == codes.KindID && k.Kind == codes.KindIDStrict)
		})
		if at >= 0 {
			p.Key, p.At = k.Name, at
			break
		}
	}
	if p.At < 0 && len(cols) == 1 {
		p.At = 0
	}
	for _, c := range ds.Columns {
		if c.Name == p.Key || !right.MaySee(c.Name) {
			continue
		}
		at := slices.IndexFunc(cols, func(f FileColumn) bool { return f.At != p.At && (f.Header == c.Title || f.Header == c.Name) })
		if at >= 0 {
			p.Compare = append(p.Compare, Pair{at, c.Name})
		}
	}
}

// headOf opens the sheet and finds the header, the same way for a look and for the run.
func headOf(tab *table.Reader, p *Plan) (table.Head, error) {
	if p.Sheet != "" {
		if err := tab.Use(p.Sheet); err != nil {
			return table.Head{}, err
		}
	}
	if p.Last == 0 {
		return tab.Head(sampled)
	}
	return tab.HeadAt(p.First, p.Last, sampled)
}

// read checks every row of the list; seen counts them for who waits.
func (b *Batch) read(ctx context.Context, tab *table.Reader, ds dataset.Dataset, p *Plan, seen *atomic.Int64) (*list, error) {
	h, err := headOf(tab, p)
	if err != nil {
		return nil, err
	}
	if err := h.Err(); err != nil {
		return nil, err
	}
	l, err := newList(ds, *p, b.now())
	if err != nil {
		return nil, err
	}
	most := b.settings.Int(ctx, "batch.most_rows")
	n := 0
	for row, err := range tab.Rows(h) {
		if n++; err == nil && n%1024 == 0 {
			seen.Store(int64(n))
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if n > most {
			return nil, errs.New(errs.TooLarge, "batch.too_long_list", most)
		}
		l.add(row)
	}
	seen.Store(int64(n))
	return l, nil
}

// open opens the run's list as a table; done closes it. A fresh file is not claimed yet: only its uploader may.
func (b *Batch) open(ctx context.Context, r *Run, fresh bool) (tab *table.Reader, done func(), err error) {
	f, first, err := b.files.Open(ctx, b.db, r.File)
	if errs.Is(err, errs.Missing) {
		return nil, nil, errs.New(errs.Missing, "batch.no_file")
	}
	if err != nil {
		return nil, nil, err
	}
	if fresh && !mine(f, r.Owner) {
		return nil, nil, errors.Join(errs.New(errs.Missing, "batch.no_file"), first.Close())
	}
	r.FileName, r.FileSize = f.Name, f.Size
	src, err := table.OpenSource(func() (io.ReadCloser, error) {
		if r := first; r != nil {
			first = nil
			return r, nil
		}
		_, again, err := b.files.Open(ctx, b.db, r.File)
		return again, err
	}, f.Size, "")
	if err != nil {
		return nil, nil, err
	}
	t, err := src.Table(f.Name, table.Limits{})
	if err != nil {
		return nil, nil, errors.Join(err, src.Close())
	}
	return t, func() { t.Close(); src.Close() }, nil
}

// mine reports whether an upload is a person's own and nobody has attached it to anything.
func mine(f file.File, person string) bool { return f.Room == "file" && f.By == person }

type putIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Plan
		Dataset string `json:"dataset" required:"false" maxLength:"40" doc:"id, when the list is to be held against another one"`
		Purpose string `json:"purpose" maxLength:"200"`
		Basis   string `json:"basis" maxLength:"200"`
		Version int64  `json:"version"`
	}
}

// put takes over what the person decided; where the answer to "which column, which sheet" changed, the list is checked
// again.
func (b *Batch) put(ctx context.Context, in *putIn) (*runOut, error) {
	r, err := b.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	if in.Body.Dataset == "" {
		in.Body.Dataset = r.Dataset
	}
	ds, right, err := b.openDataset(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	if err := r.aim(ds, in.Body.Purpose, in.Body.Basis); err != nil {
		return nil, err
	}
	was := r.Plan
	r.Plan = in.Body.Plan
	if r.Plan.Sheet != was.Sheet {
		r.Plan.First, r.Plan.Last = 0, 0
	}
	if r.Plan.First > 0 && r.Plan.Last == 0 {
		r.Plan.Last = r.Plan.First
	}
	if c, ok := ds.Column(r.Plan.Key); !ok || !c.Key || !right.MaySee(c.Name) {
		return nil, errs.New(errs.Invalid, "dataset.no_key", r.Plan.Key)
	}
	if err := r.Plan.check(ds); err != nil && r.Plan.At >= 0 {
		return nil, err
	}
	for _, c := range r.Plan.asked() {
		if !right.MaySee(c) {
			return nil, errs.New(errs.Denied, "dataset.column_denied", ds.Title, c)
		}
	}
	samples, err := b.look(ctx, &r, ds, right, false)
	if err != nil {
		return nil, err
	}
	r.Version++
	if err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return savePlan(ctx, tx, &r) }); err != nil {
		return nil, err
	}
	out, err := b.shown(ctx, &r)
	out.Body.Samples = samples
	return out, err
}

// mine returns a run the actor may change, as he last saw it.
func (b *Batch) mine(ctx context.Context, id string, version int64) (Run, error) {
	r, err := findRun(ctx, b.db, id, authz.Where(ctx, "batch.run").Cond())
	if err != nil {
		return r, err
	}
	if err := r.editable(authz.From(ctx).Person); err != nil {
		return r, err
	}
	if r.Version != version {
		return r, errs.New(errs.Conflict, "store.changed")
	}
	return r, nil
}

// Fault is a row that cannot be used.
type Fault struct {
	Row     int    `json:"row" doc:"as Excel shows it"`
	Given   string `json:"given" doc:"what stands there"`
	Message string `json:"message"`
}

type faultsOut struct {
	Body struct {
		Rows  []Fault `json:"rows" nullable:"false"`
		Total int64   `json:"total"`
	}
}

// previewed is how many rows that cannot be used are shown; the result has them all.
const previewed = 200

// faults shows the first rows that cannot be used to the person who uploaded the list they stand in.
func (b *Batch) faults(ctx context.Context, in *runIn) (*faultsOut, error) {
	r, err := findRun(ctx, b.db, in.ID, authz.Where(ctx, "batch.run").Cond())
	if err != nil {
		return nil, err
	}
	if r.Owner != authz.From(ctx).Person {
		return nil, errs.New(errs.Denied, "batch.not_yours", r.OwnerName)
	}
	out := &faultsOut{}
	out.Body.Rows = []Fault{}
	if r.File == "" || r.Plan.At < 0 {
		return out, nil
	}
	ds, _, err := b.openDataset(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	tab, done, err := b.open(ctx, &r, false)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := b.read(ctx, tab, ds, &r.Plan, new(atomic.Int64))
	if err != nil {
		return nil, err
	}
	out.Body.Total = l.counts().Invalid
	for i, ln := range l.lines {
		if ln.key < 0 && len(out.Body.Rows) < previewed {
			why := l.reasons[ln.why]
			out.Body.Rows = append(out.Body.Rows, Fault{int(ln.row), l.faulty[i], b.sentence(langOf(ctx), Reason{Key: why.Key, Args: texts(why.Args)})})
		}
	}
	return out, nil
}
