package library

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/datahub/library/internal/merge"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
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

// isDelete reports whether a change says that its row is gone.
func isDelete(said string, deletes []string) bool {
	said = strings.TrimSpace(said)
	return slices.ContainsFunc(deletes, func(d string) bool { return strings.EqualFold(d, said) })
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

// taken moves the files of a run that has ended away; those that could not be used with the reason. A file that cannot be
// moved is read again by the next run.
func (r *run) taken(ctx context.Context, failed string) {
	if r.feed == nil || len(r.feed.files) == 0 {
		return
	}
	conn, err := r.connect(ctx, r.feed.source)
	if err == nil {
		defer conn.Close()
		if t, ok := conn.(source.Taker); ok {
			err = t.Taken(ctx, r.feed.files, failed)
		}
	}
	if err != nil {
		slog.WarnContext(ctx, "library: files taken in stay where they are", "feed", r.load.Feed, "error", err)
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

// add sums up a row of a full run, in whatever order they come.
func (f *fetched) add(values []any) {
	f.buf = f.buf[:0]
	for _, v := range values {
		if v == nil {
			f.buf = append(f.buf, 0)
			continue
		}
		s := warehouse.Format(v)
		f.buf = binary.AppendUvarint(append(f.buf, 1), uint64(len(s)))
		f.buf = append(f.buf, s...)
	}
	h := sha256.Sum256(f.buf)
	f.print[0] += binary.LittleEndian.Uint64(h[:8])
	f.print[1] += binary.LittleEndian.Uint64(h[8:16])
	f.n++
}

// same reports whether a full run came to what serves already.
func (f *fetched) same(refused int64) bool {
	f.mark.Print = fmt.Sprintf("%x-%x-%d-%d", f.print[0], f.print[1], f.n, refused)
	was := f.feed.Mark
	return f.ds != nil && was.Print == f.mark.Print && was.Version == f.ds.Current && refused == 0
}

// merge makes the next version of the one that serves and the rows that came.
func (r *run) merge(ctx context.Context) (warehouse.Loaded, error) {
	f, cols := r.feed, dataset.Physical(intake.Kept(r.load.Plan.Columns))
	delta := merge.New(warehouse.KeyColumns(cols))
	for row, err := range r.changed(ctx, true) {
		if err == nil {
			err = delta.Put(row.Line, row.Values, row.gone)
		}
		if err != nil {
			return warehouse.Loaded{}, err
		}
	}
	old, err := r.serving(ctx, cols)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	counts, err := delta.Against(old)
	if err != nil {
		return warehouse.Loaded{}, err
	}
	r.load.Outcome.Counts = counts
	if counts.None() && f.ds != nil {
		return warehouse.Loaded{}, errSame
	}
	r.rows.Store(0)
	rows := delta.Merged(old, func(yield func(merge.Row, error) bool) {
		for row, err := range r.changed(ctx, false) {
			if !yield(row.Row, err) {
				return
			}
		}
	})
	counted := func(yield func(warehouse.Row, error) bool) {
		for row, err := range rows {
			r.rows.Add(1)
			if !yield(row, err) {
				return
			}
		}
	}
	return r.wh.Load(ctx, warehouse.Spec{Table: "library." + r.load.Plan.Name, Columns: cols, OnDuplicate: warehouse.Reject}, counted)
}

// changing is one row of a change.
type changing struct {
	merge.Row
	gone bool
}

// changed yields the changes that can be loaded; the first time the others are kept for the list.
func (r *run) changed(ctx context.Context, first bool) iter.Seq2[changing, error] {
	return func(yield func(changing, error) bool) {
		deletes := r.feed.feed.Way.Mode.Deletes
		n := 0
		for row, err := range r.in.Rows() {
			if n++; err == nil && n%1024 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				yield(changing{}, err)
				return
			}
			gone := r.feed.op >= 0 && isDelete(row.Cells[r.feed.op], deletes)
			values, why := r.conv.Row(row)
			if why != nil {
				if !first {
					continue
				}
				if r.load.Plan.OnBad == failAll {
					yield(changing{}, errs.New(errs.Invalid, "library.bad_rows", 1))
					return
				}
				if err := r.refuse(row, why); err != nil {
					yield(changing{}, err)
					return
				}
				continue
			}
			if !yield(changing{merge.Row{Line: int64(row.Number), Values: values}, gone}, nil) {
				return
			}
		}
	}
}

// serving yields the rows that serve, in the columns of the new version; new columns are empty.
func (r *run) serving(ctx context.Context, cols []warehouse.Column) (iter.Seq2[[]any, error], error) {
	ds := r.feed.ds
	if ds == nil {
		return func(func([]any, error) bool) {}, nil
	}
	q := warehouse.Query{From: ds.Current}
	kept := intake.Kept(r.load.Plan.Columns)
	place, turned := make([]int, len(cols)), make([]bool, len(cols))
	for i, c := range cols {
		place[i] = -1
		if was, ok := ds.Column(c.Name); ok {
			place[i], turned[i] = len(q.Select), was.Type != c.Type
			q.Select = append(q.Select, warehouse.Item{Col: c.Name})
		}
	}
	res, err := r.wh.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return func(yield func([]any, error) bool) {
		out := make([]any, len(cols))
		for row, err := range res.Rows {
			if err != nil {
				yield(nil, err)
				return
			}
			for i, p := range place {
				if out[i] = nil; p >= 0 {
					out[i] = row[p]
				}
				if turned[i] && out[i] != nil { // its type has changed since
					if out[i], err = kept[i].Value(warehouse.Format(out[i])); err != nil {
						yield(nil, err)
						return
					}
				}
			}
			if !yield(out, nil) {
				return
			}
		}
	}, nil
}

// goOn takes over what the dataset is called and how it is classified today: the feed only brings rows.
func (r *run) goOn(ctx context.Context, tx *store.Tx, to *dataset.Publication) error {
	if r.feed == nil || to.ID == "" {
		return nil
	}
	ds, err := r.datasets.Get(ctx, tx, to.ID, store.Unscoped("a feed goes on with the dataset its unit chose"))
	if err != nil {
		return err
	}
	if r.feed.partly && ds.Current != r.feed.ds.Current { // somebody published or went back meanwhile
		return errs.New(errs.Busy, "dataset.changed", ds.Title)
	}
	to.Expect, to.Title, to.Summary = ds.Version, ds.Title, ds.Summary
	for i, c := range to.Columns {
		if o, ok := ds.Column(c.Name); ok {
			to.Columns[i].Title, to.Columns[i].Kind, to.Columns[i].Level, to.Columns[i].Masked = o.Title, o.Kind, o.Level, o.Masked
		}
	}
	return nil
}

// outcome writes into ld what a run of a feed came to.
func (r *run) outcome(ld *Load) { ld.Outcome = r.load.Outcome }

// served tells the feed that a run of it went well.
func (r *run) served(ctx context.Context, tx *store.Tx, ds dataset.Dataset, loaded warehouse.Loaded) error {
	if r.feed == nil {
		return nil
	}
	return r.note(ctx, tx, func(f *Feed) {
		f.Plan, f.Mark = r.load.Plan, r.feed.mark
		f.Plan.Dataset, f.Plan.Title = ds.ID, ds.Title
		f.Mark.Version = loaded.ID
		f.well(store.At(r.now()))
	})
}

// note changes the feed, which others may have changed since the run began.
func (r *run) note(ctx context.Context, tx *store.Tx, change func(f *Feed)) error {
	if err := store.Lock(ctx, tx, "library_feed", r.load.Feed); err != nil {
		return err
	}
	f, err := findFeed(ctx, tx, r.load.Feed, store.C("TRUE"))
	if errs.Is(err, errs.Missing) { // removed meanwhile
		return errGone
	}
	if err != nil {
		return err
	}
	change(&f)
	f.Version++
	return saveFeed(ctx, tx, &f)
}

// well notes that a run went well.
func (f *Feed) well(at store.Time) { f.Good, f.Fails, f.Fault = at, 0, Reason{} }

// failed tells the feed that a run failed, and whether somebody is to be told: what another try may mend is tried again
// first.
func (r *run) failed(ctx context.Context, tx *store.Tx, mends bool) (alarm bool, err error) {
	if r.load.Feed == "" {
		return true, nil
	}
	err = r.note(ctx, tx, func(f *Feed) {
		now := r.now()
		f.Fails++
		f.Fault = r.load.Fault
		next := f.Way.Schedule.Next(now, r.settings.Days())
		alarm = !mends || r.load.Outcome.ByHand || f.Fails > int64(len(backOff)) || next.IsZero()
		if !alarm {
			if again := now.Add(backOff[f.Fails-1]); again.Before(next) {
				next = again
			}
		}
		if f.State == feedOn {
			f.Next = store.At(next)
		}
	})
	if errors.Is(err, errGone) {
		err = nil
	}
	return alarm, err
}

// rest ends a run that has nothing to publish: nothing has changed, or somebody has to decide.
func (r *run) rest(ctx context.Context, why error) error {
	ld := &r.load
	r.figures(ld)
	ld.Rows, ld.Ended = 0, store.At(r.now())
	f := r.feed
	decide := errors.Is(why, errDecide)
	if decide {
		ld.State, ld.Fault = Decide, Reason{Key: "library.drifted", Args: []string{named(ld.Outcome.Changes)}}
	} else {
		ld.State, ld.Dataset, ld.Number, ld.Outcome.Unchanged = Done, f.ds.ID, f.ds.Number, true
		if err := r.keepList(ctx); err != nil {
			slog.WarnContext(ctx, "library: refused rows not listed", "load", ld.ID, "error", err)
		}
	}
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveEnd(ctx, tx, ld); err != nil {
			return err
		}
		if err := r.note(ctx, tx, func(feed *Feed) {
			if decide {
				feed.State = feedDecide
				return
			}
			feed.Mark.Value, feed.Mark.Print = f.mark.Value, f.mark.Print
			good := feed.Good
			if feed.well(ld.Ended); f.empty {
				feed.Good = good // nothing came
			}
		}); err != nil {
			return err
		}
		action := "library.same"
		if decide {
			action = "library.differs"
			if err := r.tell(ctx, tx, notify.Task, "library.told_decide", ld.Plan.Title, named(ld.Outcome.Changes)); err != nil {
				return err
			}
		}
		return r.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "library_feed", ID: ld.Feed, Title: ld.Plan.Title,
			Detail: map[string]any{"load": ld.ID, "columns": named(ld.Outcome.Changes), "rows": ld.Outcome.Fetched}})
	})
	if errs.Is(err, errs.Conflict) || errors.Is(err, errGone) {
		return nil
	}
	if err == nil && !decide {
		r.taken(ctx, "")
	}
	return err
}
