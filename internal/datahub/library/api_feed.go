package library

import (
	"context"
	"errors"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/datahub/library/internal/schedule"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// FeedLine is a feed in a list.
type FeedLine struct {
	ID         string     `json:"id"`
	Source     string     `json:"source"`
	SourceName string     `json:"sourceName"`
	Object     string     `json:"object"`
	State      string     `json:"state" enum:"draft,on,paused,decide"`
	Way        Way        `json:"way"`
	Next       store.Time `json:"nextAt" doc:"when it runs next, null for by hand"`
	Good       store.Time `json:"goodAt" doc:"when a run last went well"`
	Late       bool       `json:"late" doc:"what it brings is older than its schedule allows"`
	Fails      int64      `json:"fails" doc:"runs that failed in a row"`
	Error      string     `json:"error" doc:"why the last run failed"`
	Running    bool       `json:"running"`
	Dataset    string     `json:"madeDataset" doc:"id of the dataset it brings rows into, once it has"`
	OwnerName  string     `json:"ownerName"`
	At         store.Time `json:"at"`
	Version    int64      `json:"version"`
}

// FeedItem is a feed in a list.
type FeedItem struct {
	FeedLine
	Title string `json:"title"`
}

// FeedBody is a feed with all that was found and decided.
type FeedBody struct {
	FeedLine
	Choice
	Kind     source.Kind     `json:"kind" doc:"of its source"`
	Seen     string          `json:"seen" doc:"how far the growing column has come"`
	Changes  []intake.Change `json:"changes" nullable:"false" doc:"what waits to be decided"`
	Proposes []string        `json:"proposes" nullable:"false" doc:"columns that may serve as the growing one"`
	Sealing  bool            `json:"sealing" doc:"identifiers are kept sealed unless decided otherwise"`
}

type feedOut struct{ Body FeedBody }

func (l *Library) feedLine(ctx context.Context, f *Feed, sources map[string]Source) (FeedLine, error) {
	busy, err := busyFeed(ctx, l.db, f.ID)
	next := f.Next
	if f.State != feedOn {
		next = store.Time{}
	}
	return FeedLine{ID: f.ID, Source: f.Source, SourceName: sources[f.Source].Name, Object: f.Object, State: f.State, Way: f.Way, Next: next, Good: f.Good,
		Late: l.late(*f), Fails: f.Fails, Error: l.sentence(web.From(ctx).Lang, f.Fault), Running: busy, Dataset: f.Plan.Dataset, OwnerName: f.OwnerName, At: f.At, Version: f.Version}, err
}

func (l *Library) shownFeed(ctx context.Context, f Feed) (*feedOut, error) {
	src, err := findSource(ctx, l.db, f.Source, store.C("TRUE"))
	if err != nil {
		return nil, err
	}
	p := f.Plan
	b := FeedBody{Kind: src.Spec.Kind, Seen: f.Mark.Value, Changes: []intake.Change{}, Proposes: []string{}, Sealing: l.datasets.Seal(ctx),
		Choice: Choice{Dataset: p.Dataset, Name: p.Name, Title: p.Title, Summary: p.Summary, Columns: p.Columns, OnBad: p.OnBad, Repeats: p.Repeats}}
	if b.FeedLine, err = l.feedLine(ctx, &f, map[string]Source{src.ID: src}); err != nil {
		return nil, err
	}
	for _, c := range p.Columns {
		if c.Native == "datetime" || c.Native == "date" || c.Native == "integer" {
			b.Proposes = append(b.Proposes, c.Header)
		}
	}
	if f.State == feedDecide {
		ld, err := findLoad(ctx, l.db, f.Load, store.C("TRUE"))
		if err != nil && !errs.Is(err, errs.Missing) {
			return nil, err
		}
		b.Changes = append(b.Changes, ld.Outcome.Changes...)
	}
	return &feedOut{b}, nil
}

type feedsIn struct {
	store.Page
	Source string `query:"source" maxLength:"40" doc:"only of this source"`
	State  string `query:"state" enum:",draft,on,paused,decide" doc:"only these"`
}

type feedsOut struct {
	Body store.Listed[FeedItem]
}

func (l *Library) listFeeds(ctx context.Context, in *feedsIn) (*feedsOut, error) {
	var where []store.Cond
	if in.Source != "" {
		where = append(where, store.C("source = $1", in.Source))
	}
	if in.State != "" {
		where = append(where, store.C("state = $1", in.State))
	}
	all, err := listFeeds(ctx, l.db, authz.Where(ctx, "library.load"), where, in.Page)
	if err != nil {
		return nil, err
	}
	sources := map[string]Source{}
	out := &feedsOut{store.Listed[FeedItem]{Items: []FeedItem{}, Next: all.Next}}
	for i := range all.Items {
		f := &all.Items[i]
		if _, ok := sources[f.Source]; !ok {
			if sources[f.Source], err = findSource(ctx, l.db, f.Source, store.C("TRUE")); err != nil {
				return nil, err
			}
		}
		line, err := l.feedLine(ctx, f, sources)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, FeedItem{line, f.Plan.Title})
	}
	return out, nil
}

type feedIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (l *Library) getFeed(ctx context.Context, in *feedIn) (*feedOut, error) {
	f, err := findFeed(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	return l.shownFeed(ctx, f)
}

type addFeedsIn struct {
	Body struct {
		Source   string            `json:"source" maxLength:"40"`
		Objects  []string          `json:"objects" minItems:"1" maxItems:"50"`
		Schedule schedule.Schedule `json:"schedule" required:"false" doc:"of each, to begin with"`
	}
}

type addFeedsOut struct {
	Body struct {
		Made   []string `json:"made" nullable:"false" doc:"ids of the feeds, drafts to be confirmed"`
		Failed []Said   `json:"failed" nullable:"false" doc:"what could not be looked at, and why"`
	}
}

// addFeeds looks at tables of a source and makes a draft of each.
func (l *Library) addFeeds(ctx context.Context, in *addFeedsIn) (*addFeedsOut, error) {
	if l.wh == nil {
		return nil, errs.New(errs.Busy, "dataset.no_warehouse")
	}
	if err := in.Body.Schedule.Check(); err != nil {
		return nil, err
	}
	src, err := findSource(ctx, l.db, in.Body.Source, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	conn, err := l.connect(ctx, src)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	out := &addFeedsOut{}
	out.Body.Made, out.Body.Failed = []string{}, []Said{}
	var feeds []Feed
	for _, object := range in.Body.Objects {
		f, err := l.drafted(ctx, conn, src, object)
		if e, ok := errors.AsType[*errs.Error](err); ok {
			out.Body.Failed = append(out.Body.Failed, Said{Name: object, Message: l.words.Text(web.From(ctx).Lang, e.Key, e.Args...)})
			continue
		}
		if err != nil {
			return nil, err
		}
		f.Way.Schedule = in.Body.Schedule
		feeds = append(feeds, f)
		out.Body.Made = append(out.Body.Made, f.ID)
	}
	return out, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i := range feeds {
			if err := insertFeed(ctx, tx, &feeds[i]); err != nil {
				return err
			}
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.feed_add", Object: "library_source", ID: src.ID, Title: src.Name, Detail: map[string]any{"tables": in.Body.Objects, "feeds": out.Body.Made}})
	})
}

// drafted proposes what to make of a table.
func (l *Library) drafted(ctx context.Context, conn source.Conn, src Source, object string) (Feed, error) {
	me := authz.From(ctx)
	f := Feed{ID: id.New(), Source: src.ID, Object: object, State: feedDraft, Way: Way{Mode: Mode{Kind: full}, Drift: driftAsk}, Lang: web.From(ctx).Lang,
		Owner: me.Person, OwnerName: me.Name, Unit: src.Unit, Street: src.Street, At: store.At(l.now()), Version: 1}
	cols, err := conn.Columns(ctx, object)
	if err != nil {
		return f, err
	}
	samples, err := sample(ctx, conn, object, cols, intake.Sampled)
	if err != nil {
		return f, err
	}
	title := titleOf(object)
	found, err := conn.Tables(ctx, object, 20)
	if err != nil {
		return f, err
	}
	for _, t := range found {
		if t.Name == object && t.Comment != "" {
			title = t.Comment
		}
	}
	if r := []rune(title); len(r) > 100 {
		title = string(r[:100])
	}
	f.Plan = Plan{Title: title, Name: intake.Code(title), OnBad: rejectRows, Columns: intake.FromSource(cols, samples)}
	return f, nil
}

type putFeedIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Choice
		Way     Way   `json:"way"`
		Version int64 `json:"version"`
	}
}

// putFeed keeps what was decided about a feed.
func (l *Library) putFeed(ctx context.Context, in *putFeedIn) (*feedOut, error) {
	return l.changeFeed(ctx, in.ID, in.Body.Version, "library.feed_change", func(ctx context.Context, tx *store.Tx, f *Feed) (map[string]any, error) {
		if f.State == feedDecide {
			return nil, errs.New(errs.Conflict, "library.decide_first")
		}
		if f.State == feedDraft && in.Body.Dataset != "" {
			if _, err := l.replaced(ctx, in.Body.Dataset); err != nil {
				return nil, err
			}
		}
		if err := f.settle(in.Body.Choice, in.Body.Way); err != nil {
			return nil, err
		}
		if err := l.feedMayKeep(ctx, tx, f); err != nil {
			return nil, err
		}
		if f.Plan.Dataset == "" {
			taken, err := l.datasets.Taken(ctx, tx, f.Plan.Name)
			if err != nil {
				return nil, err
			}
			if taken {
				return nil, errs.New(errs.Conflict, "dataset.name_taken", f.Plan.Name)
			}
		}
		l.plan(f)
		return map[string]any{"way": f.Way, "columns": columnsSaid(intake.Kept(f.Plan.Columns))}, nil
	})
}

// plan sets when a feed runs next.
func (l *Library) plan(f *Feed) {
	f.Next = store.Time{}
	if f.State == feedOn {
		f.Next = store.At(f.Way.Schedule.Next(l.now(), l.settings.Days()))
	}
}

// changeFeed changes a feed somebody last saw at version, in a transaction with its record.
func (l *Library) changeFeed(ctx context.Context, id string, version int64, action string, change func(ctx context.Context, tx *store.Tx, f *Feed) (map[string]any, error)) (*feedOut, error) {
	var f Feed
	err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "library_feed", id); err != nil {
			return err
		}
		var err error
		if f, err = findFeed(ctx, tx, id, authz.Where(ctx, "library.load").Cond()); err != nil {
			return err
		}
		if f.Version != version {
			return errs.New(errs.Conflict, "store.changed")
		}
		detail, err := change(ctx, tx, &f)
		if err != nil {
			return err
		}
		f.Version++
		if err := saveFeed(ctx, tx, &f); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "library_feed", ID: f.ID, Title: f.Plan.Title, Detail: detail})
	})
	if err != nil {
		return nil, err
	}
	return l.shownFeed(ctx, f)
}

type turnIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		On      bool  `json:"on" doc:"run by schedule, and at once when it never has; or not"`
		Version int64 `json:"version"`
	}
}

// turn switches a feed on or off. One that is switched on for the first time runs at once.
func (l *Library) turn(ctx context.Context, in *turnIn) (*feedOut, error) {
	return l.changeFeed(ctx, in.ID, in.Body.Version, "library.feed_turn", func(ctx context.Context, tx *store.Tx, f *Feed) (map[string]any, error) {
		if f.State == feedDecide {
			return nil, errs.New(errs.Conflict, "library.decide_first")
		}
		if err := f.check(); err != nil {
			return nil, err
		}
		first := f.State == feedDraft
		if f.State = feedPaused; in.Body.On {
			f.State = feedOn
		}
		l.plan(f)
		if first && in.Body.On {
			if err := l.runs(ctx, tx, f, false); err != nil {
				return nil, err
			}
		}
		return map[string]any{"on": in.Body.On}, nil
	})
}

// runs queues a run that somebody asked for.
func (l *Library) runs(ctx context.Context, tx *store.Tx, f *Feed, whole bool) error {
	src, err := findSource(ctx, tx, f.Source, store.C("TRUE"))
	if err != nil {
		return err
	}
	f.Lang = web.From(ctx).Lang
	ld, err := l.queue(ctx, tx, f, src.Name, true, whole)
	f.Load = ld.ID
	return err
}

type runIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Whole   bool  `json:"whole" required:"false" doc:"collect every row, though the feed collects changes"`
		Version int64 `json:"version"`
	}
}

// run collects now.
func (l *Library) run(ctx context.Context, in *runIn) (*feedOut, error) {
	return l.changeFeed(ctx, in.ID, in.Body.Version, "library.feed_run", func(ctx context.Context, tx *store.Tx, f *Feed) (map[string]any, error) {
		if f.State == feedDecide {
			return nil, errs.New(errs.Conflict, "library.decide_first")
		}
		if f.State == feedDraft {
			return nil, errs.New(errs.Conflict, "library.confirm_first")
		}
		busy, err := busyFeed(ctx, tx, f.ID)
		if err != nil {
			return nil, err
		}
		if busy {
			return nil, errs.New(errs.Conflict, "library.feed_running")
		}
		return map[string]any{"whole": in.Body.Whole}, l.runs(ctx, tx, f, in.Body.Whole)
	})
}

type decideIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Choices []Choosing `json:"choices" nullable:"false" maxItems:"2000"`
		Version int64      `json:"version"`
	}
}

// decide settles how the columns go on, and runs the feed again.
func (l *Library) decide(ctx context.Context, in *decideIn) (*feedOut, error) {
	return l.changeFeed(ctx, in.ID, in.Body.Version, "library.decide", func(ctx context.Context, tx *store.Tx, f *Feed) (map[string]any, error) {
		if f.State != feedDecide {
			return nil, errs.New(errs.Conflict, "library.nothing_to_decide")
		}
		ld, err := findLoad(ctx, tx, f.Load, store.C("TRUE"))
		if err != nil {
			return nil, err
		}
		before := columnsSaid(intake.Kept(f.Plan.Columns))
		if err := f.decide(ld.Outcome.Changes, in.Body.Choices); err != nil {
			return nil, err
		}
		if err := l.feedMayKeep(ctx, tx, f); err != nil {
			return nil, err
		}
		f.State = feedOn
		l.plan(f)
		return map[string]any{"choices": in.Body.Choices, "before": before, "after": columnsSaid(intake.Kept(f.Plan.Columns))}, l.runs(ctx, tx, f, false)
	})
}

type removeFeedIn struct {
	ID      string `path:"id" maxLength:"40"`
	Version int64  `query:"version" required:"true"`
}

// removeFeed ends the collecting; the dataset stays as it is.
func (l *Library) removeFeed(ctx context.Context, in *removeFeedIn) (*struct{}, error) {
	f, err := findFeed(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	f.Version = in.Version
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "library_feed", f.ID); err != nil {
			return err
		}
		busy, err := busyFeed(ctx, tx, f.ID)
		if err != nil {
			return err
		}
		if busy {
			return errs.New(errs.Conflict, "library.feed_running")
		}
		if err := deleteFeed(ctx, tx, &f); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.feed_remove", Object: "library_feed", ID: f.ID, Title: f.Plan.Title, Detail: map[string]any{"object": f.Object, "dataset": f.Plan.Dataset}})
	})
}

// previewed rows are what a look at a table shows.
const lookRows = 100

type lookOut struct {
	Body struct {
		Samples []Sample `json:"samples" nullable:"false" doc:"the first rows, masked where the column is; one cell a column of the plan"`
	}
}

// peek shows the first rows of a feed's table, masked.
func (l *Library) peek(ctx context.Context, in *feedIn) (*lookOut, error) {
	f, err := findFeed(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	src, err := findSource(ctx, l.db, f.Source, store.C("TRUE"))
	if err != nil {
		return nil, err
	}
	conn, err := l.connect(ctx, src)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	now, err := conn.Columns(ctx, f.Object)
	if err != nil {
		return nil, err
	}
	var cols []source.Column
	var of []intake.Column
	for _, c := range f.Plan.Columns {
		if at := slices.IndexFunc(now, func(s source.Column) bool { return s.Name == c.Header }); at >= 0 && !now[at].Binary {
			cols, of = append(cols, now[at]), append(of, c)
		}
	}
	rows, err := sample(ctx, conn, f.Object, cols, lookRows)
	if err != nil {
		return nil, err
	}
	out := &lookOut{}
	out.Body.Samples = []Sample{}
	for _, r := range rows {
		cells := make([]string, len(f.Plan.Columns))
		for i, c := range of {
			cells[c.At] = show(c.Column, r.Cells[i])
		}
		out.Body.Samples = append(out.Body.Samples, Sample{Row: r.Number, Cells: cells})
	}
	return out, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.peek", Object: "library_feed", ID: f.ID, Title: f.Plan.Title, Personal: f.Plan.personal(), Subjects: len(rows), Detail: map[string]any{"object": f.Object, "rows": len(rows)}})
	})
}

// show masks a cell as its column says, and cuts a long one.
func show(c dataset.Column, cell string) string {
	if r := []rune(cell); len(r) > 200 {
		cell = string(r[:200]) + "…"
	}
	return c.Show(cell, false)
}
