package library

import (
	"context"
	"errors"
	"slices"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/dataset"
)

// The ways in which a run of a feed ends without publishing, and without failing.
var (
	errSame   = errors.New("library: nothing has changed")
	errDecide = errors.New("library: the columns differ, and somebody has to decide")
)

// fetched is what a run of a feed knows beyond a load.
type fetched struct {
	feed   Feed
	source Source
	ds     *dataset.Dataset // nil the first time
	conn   source.Conn
	partly bool   // rows are changes, to be merged with what serves
	mark   Mark   // how far the feed will have come
	grows  column // of the mode, where it stands in a staged row
	op     int    // place of the column that says what became of a row, -1 for none
	print  [2]uint64
	n      uint64
	buf    []byte
	files  []string // read by this run, to be moved when it has ended
	empty  bool     // there was no new file
}

// column is a column of the source in a staged row.
type column struct {
	source.Column
	at int // -1 for none
}

// fence is what sources may reach.
func (l *Library) fence(ctx context.Context) source.Fence {
	return source.Fence{Hosts: l.settings.Strings(ctx, "library.allowed_hosts"), Root: l.settings.String(ctx, "library.watch_root")}
}

// connect opens a source.
func (l *Library) connect(ctx context.Context, s Source) (source.Conn, error) {
	secret := ""
	if s.Secret != "" {
		b, err := l.ring.Unseal(placeOf(s.ID), s.Secret)
		if err != nil {
			return nil, err
		}
		secret = string(b)
	}
	return source.Open(ctx, s.Spec, secret, l.fence(ctx))
}

// fetch brings the rows of a feed's source here, so that the load goes on as that of a file does.
func (r *run) fetch(ctx context.Context) (intake.Input, error) {
	f := &fetched{op: -1, grows: column{at: -1}}
	var err error
	if f.feed, err = findFeed(ctx, r.db, r.load.Feed, store.C("TRUE")); err != nil {
		return nil, err
	}
	if f.source, err = findSource(ctx, r.db, f.feed.Source, store.C("TRUE")); err != nil {
		return nil, err
	}
	r.feed = f
	f.mark = f.feed.Mark
	r.load.Plan = f.feed.Plan
	if id := f.feed.Plan.Dataset; id != "" {
		ds, err := r.datasets.Get(ctx, r.db, id, store.Unscoped("a feed goes on with the dataset its unit chose"))
		if err != nil {
			return nil, err
		}
		f.ds = &ds
	}
	r.begun.Store(true)
	if f.conn, err = r.connect(ctx, f.source); err != nil {
		return nil, err
	}
	defer f.conn.Close()
	defer f.remember()
	cols, err := f.conn.Columns(ctx, f.feed.Object)
	if errs.KeyOf(err) == "source.no_file" && f.ds != nil {
		f.empty = true
		return nil, errSame
	}
	if err != nil {
		return nil, err
	}
	if err := r.differ(ctx, cols); err != nil {
		return nil, err
	}
	ask, err := r.ask(cols)
	if err != nil {
		return nil, err
	}
	return r.stage(ctx, ask)
}

// differ looks whether the columns are as agreed, and does what was decided for when they are not.
func (r *run) differ(ctx context.Context, cols []source.Column) error {
	f := r.feed
	if len(intake.Drift(r.load.Plan.Columns, cols, make([]intake.Column, len(cols)))) == 0 {
		return nil
	}
	samples, err := sample(ctx, f.conn, f.feed.Object, cols, intake.Sampled)
	if err != nil {
		return err
	}
	changes := intake.Drift(r.load.Plan.Columns, cols, intake.FromSource(cols, samples))
	r.load.Outcome.Changes = changes
	onlyNew := !slices.ContainsFunc(changes, func(c intake.Change) bool { return c.What != "added" })
	switch {
	case f.feed.Way.Drift == driftStop:
		return errs.New(errs.Invalid, "library.drifted_stop", named(changes))
	case f.feed.Way.Drift != driftAccept || !onlyNew:
		return errDecide
	}
	p := &r.load.Plan
	p.Columns = slices.Clone(p.Columns)
	for _, c := range changes {
		one := fresh(*c.Column, p.Columns, false)
		one.At = len(p.Columns)
		p.Columns = append(p.Columns, one)
	}
	return r.load.Plan.check()
}

// named lists the columns of differences, for a sentence.
func named(changes []intake.Change) string {
	out := ""
	for i, c := range changes {
		if i > 0 {
			out += "、"
		}
		if i == 10 {
			return out + "…"
		}
		out += c.Header
	}
	return out
}

// sample reads the first rows of an object.
func sample(ctx context.Context, conn source.Conn, object string, cols []source.Column, n int) ([]table.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out []table.Row
	for cells, err := range conn.Rows(ctx, source.Ask{Object: object, Columns: cols, Limit: n}) {
		if err != nil {
			return nil, err
		}
		out = append(out, table.Row{Number: len(out) + 1, Cells: slices.Clone(cells)})
	}
	return out, nil
}

// ask says which columns and rows are wanted: those that are kept, in their order, and what the mode needs besides.
func (r *run) ask(cols []source.Column) (source.Ask, error) {
	f, m := r.feed, r.feed.feed.Way.Mode
	have := map[string]source.Column{}
	for _, c := range cols {
		have[c.Name] = c
	}
	ask := source.Ask{Object: f.feed.Object}
	place := func(name string) (column, error) {
		c, ok := have[name]
		if !ok {
			return column{at: -1}, errs.New(errs.Missing, "library.mode_gone", name)
		}
		if at := slices.IndexFunc(ask.Columns, func(a source.Column) bool { return a.Name == name }); at >= 0 {
			return column{c, at}, nil
		}
		ask.Columns = append(ask.Columns, c)
		return column{c, len(ask.Columns) - 1}, nil
	}
	staged := slices.Clone(r.load.Plan.Columns)
	for i := range staged {
		c := &staged[i]
		if c.Skip || c.Gone {
			c.At = -1
			continue
		}
		col, err := place(c.Header)
		if err != nil {
			return ask, err
		}
		c.At = col.at
	}
	var err error
	if m.Column != "" && m.Kind != full {
		if f.grows, err = place(m.Column); err != nil {
			return ask, err
		}
	}
	if m.Kind == changes {
		col, err := place(m.Op)
		if err != nil {
			return ask, err
		}
		f.op = col.at
	}
	r.conv = intake.NewConverter(staged, r.now())
	// The first time, when all is wanted and when the table is no longer what the feed made of it, every row comes.
	f.partly = m.Kind != full && f.ds != nil && !r.load.Outcome.Whole && f.fits(r.load.Plan)
	r.load.Outcome.Mode, r.load.Outcome.Whole = m.Kind, m.Kind != full && !f.partly
	if m.Kind == changes {
		f.partly, ask.Every = true, true
		r.load.Outcome.Whole = false
	}
	if f.partly {
		f.mark.Print = ""
	}
	if f.partly && f.grows.at >= 0 && f.feed.Mark.Value != "" && !(m.Kind == changes && f.ds == nil) {
		ask.After = source.Mark{Column: f.grows.Column, Value: m.least(f.feed.Mark.Value, f.growType())}
	}
	if m.Kind == changes && f.grows.at >= 0 {
		ask.Order = f.grows.Name
	}
	return ask, nil
}

// growType is the type of the growing column, text when only its values could tell.
func (f *fetched) growType() warehouse.Type { return f.grows.Type }

// fits reports whether what serves can take changes: it is what the feed published last, with the same keys and types.
func (f *fetched) fits(p Plan) bool {
	if f.feed.Way.Mode.Kind == watermark && (f.feed.Mark.Value == "" || f.feed.Mark.Version != f.ds.Current) {
		return false
	}
	d := dataset.Compare(f.ds.Columns, intake.Kept(p.Columns))
	return len(d.Retyped)+len(d.Rekeyed) == 0
}

// stage streams the rows into a file of this machine, so that nobody waits for the network but this run.
func (r *run) stage(ctx context.Context, ask source.Ask) (intake.Input, error) {
	f := r.feed
	names := make([]string, len(ask.Columns))
	for i, c := range ask.Columns {
		names[i] = c.Name
	}
	s, err := intake.NewStage("", names)
	if err != nil {
		return nil, err
	}
	ask.Refused = func(row int, cells []string, why []errs.Field) error {
		r.refused.Add(1)
		return r.spool.Add(row, cells, why)
	}
	numbered, _ := f.conn.(source.Numbered)
	for cells, err := range f.conn.Rows(ctx, ask) {
		if err == nil {
			number := 0
			if numbered != nil {
				number = numbered.Row()
			}
			err = s.Add(number, cells)
		}
		if err != nil {
			s.Close()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, r.cut(s.Count(), err)
		}
		if f.grows.at >= 0 && later(cells[f.grows.at], f.mark.Value, f.growType()) {
			f.mark.Value = cells[f.grows.at]
		}
		r.rows.Add(1)
	}
	if err := ctx.Err(); err != nil {
		s.Close()
		return nil, err
	}
	r.load.Outcome.Fetched = s.Count()
	if s.Count() == 0 && f.partly && f.ds != nil {
		s.Close()
		return nil, errSame
	}
	return s, nil
}

// remember notes which files a run has looked at.
func (f *fetched) remember() {
	if t, ok := f.conn.(source.Taker); ok {
		f.files = t.Read()
	}
}

// cut says at which row a source died, and what serves now.
func (r *run) cut(n int64, cause error) error {
	e, ok := errors.AsType[*errs.Error](cause)
	if !ok || n == 0 {
		return cause
	}
	words := r.words.Text(r.load.Lang, e.Key, e.Args...)
	if r.feed.ds == nil {
		return errs.Wrap(cause, e.Kind, "library.cut_first", n+1, words)
	}
	return errs.Wrap(cause, e.Kind, "library.cut", n+1, words, r.feed.ds.Number)
}
