package library

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Said is a reason in the caller's language.
type Said struct {
	Row     int    `json:"row,omitempty" doc:"row of the file as Excel shows it"`
	Name    string `json:"name,omitempty" doc:"column"`
	Message string `json:"message"`
}

func (l *Library) say(ctx context.Context, rs []Reason) []Said {
	out := make([]Said, len(rs))
	for i, r := range rs {
		out[i] = Said{r.Row, r.Name, l.sentence(web.From(ctx).Lang, r)}
	}
	return out
}

func (l *Library) sentence(lang string, r Reason) string {
	if r.Key == "" {
		return ""
	}
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return l.words.Text(lang, r.Key, args...)
}

// LoadLine is how far a load is.
type LoadLine struct {
	ID        string     `json:"id"`
	State     State      `json:"state" enum:"draft,queued,running,done,failed,cancelled,decide"`
	Replaces  bool       `json:"replaces" doc:"a new version of a dataset there is"`
	FileName  string     `json:"fileName"`
	FileSize  int64      `json:"fileSize" doc:"bytes"`
	Rows      int64      `json:"rows" doc:"loaded so far"`
	Bytes     int64      `json:"bytes" doc:"read so far"`
	BytesAll  int64      `json:"bytesAll" doc:"0 when unknown, as of a workbook"`
	Rejected  int64      `json:"rejected" doc:"rows that were refused"`
	Error     string     `json:"error" doc:"why it failed"`
	Made      string     `json:"madeDataset" doc:"id of the dataset it became, when done"`
	MadeNo    int64      `json:"madeNumber" doc:"and which version of it"`
	Mine      bool       `json:"mine" doc:"whether the caller may change it"`
	OwnerName string     `json:"ownerName"`
	At        store.Time `json:"at"`
	Started   store.Time `json:"startedAt"`
	Ended     store.Time `json:"endedAt"`
	Feed      string     `json:"feed" doc:"id of the feed whose run it is, empty for an upload"`
	Outcome   Outcome    `json:"outcome" doc:"of a run of a feed"`
	Version   int64      `json:"version"`
}

// LoadItem is a load in a list.
type LoadItem struct {
	LoadLine
	Title string `json:"title"`
}

// Sample is one row of the file as it stands there.
type Sample struct {
	Row    int      `json:"row"`
	Cells  []string `json:"cells" nullable:"false"`
	Faulty bool     `json:"faulty" doc:"would be refused"`
}

// LoadBody is a load with all that was found and decided.
type LoadBody struct {
	LoadLine
	Choice
	Format    string         `json:"format" enum:"csv,xlsx,json,parquet"`
	Encoding  string         `json:"encoding"`
	Delimiter string         `json:"delimiter"`
	Sheets    []Sheet        `json:"sheets" nullable:"false"`
	Sheet     string         `json:"sheet"`
	First     int            `json:"first" doc:"rows of the header as Excel shows them"`
	Last      int            `json:"last"`
	Problems  []Said         `json:"problems" nullable:"false" doc:"must be settled before it can be started"`
	Notes     []Said         `json:"notes" nullable:"false"`
	Faulty    int            `json:"faulty" doc:"rows looked at that would be refused as they stand"`
	Seen      int            `json:"seen" doc:"rows looked at"`
	Drift     *dataset.Drift `json:"drift,omitempty" doc:"how the columns differ from those of the dataset that is replaced"`
	HasList   bool           `json:"hasList" doc:"there is a list of refused rows"`
	RejectID  string         `json:"rejectedFile" doc:"id of the file that lists them"`
	Sealing   bool           `json:"sealing" doc:"identifiers are kept sealed unless decided otherwise"`
	Samples   []Sample       `json:"samples,omitempty" doc:"in the answer to an upload or a new look, to the person who uploaded it"`
	Faults    []Said         `json:"faults,omitempty" doc:"with the samples: why rows would be refused, each reason once"`
}

// Sheet is one worksheet.
type Sheet struct {
	Name   string `json:"name"`
	Hidden bool   `json:"hidden"`
}

func (l *Library) line(ctx context.Context, ld *Load) LoadLine {
	return LoadLine{ID: ld.ID, State: ld.State, Replaces: ld.Plan.Dataset != "", FileName: ld.FileName, FileSize: ld.FileSize,
		Rows: ld.Rows, Bytes: ld.Bytes, BytesAll: ld.BytesAll, Rejected: ld.Rejected, Error: l.sentence(web.From(ctx).Lang, ld.Fault), Made: ld.Dataset, MadeNo: ld.Number,
		Mine: ld.Owner == authz.From(ctx).Person, OwnerName: ld.OwnerName, At: ld.At, Started: ld.Started, Ended: ld.Ended,
		Feed: ld.Feed, Outcome: ld.Outcome, Version: ld.Version}
}

func (l *Library) body(ctx context.Context, ld *Load) (LoadBody, error) {
	p, f := ld.Plan, ld.Finding
	b := LoadBody{LoadLine: l.line(ctx, ld),
		Choice: Choice{Dataset: p.Dataset, Name: p.Name, Title: p.Title, Summary: p.Summary, Columns: p.Columns, OnBad: p.OnBad, Repeats: p.Repeats},
		Format: f.Format, Encoding: f.Encoding, Delimiter: f.Delimiter, Sheets: []Sheet{}, Sheet: p.Sheet, First: p.First, Last: p.Last,
		Problems: l.say(ctx, f.Problems), Notes: l.say(ctx, f.Notes), Faulty: f.Faulty, Seen: f.Seen, HasList: ld.Reject != "", Sealing: l.datasets.Seal(ctx)}
	for _, s := range f.Sheets {
		b.Sheets = append(b.Sheets, Sheet{s.Name, s.Hidden})
	}
	if b.Mine {
		b.RejectID = ld.Reject
	}
	if p.Dataset != "" && ld.State != Done {
		ds, err := l.datasets.Get(ctx, l.db, p.Dataset, dataset.Reach(ctx, "library.load"))
		if errs.Is(err, errs.Missing) {
			return b, nil // gone meanwhile; starting it says so
		}
		if err != nil {
			return b, err
		}
		drift := dataset.Compare(ds.Columns, intake.Kept(p.Columns))
		b.Drift = &drift
	}
	return b, nil
}

// show adds what only the person who has just looked at his own file is shown.
func (l *Library) show(ctx context.Context, b *LoadBody, f intake.Finding) {
	b.Samples, b.Faults = []Sample{}, l.say(ctx, reasons(f.Faults))
	for _, r := range f.Samples {
		b.Samples = append(b.Samples, Sample{r.Number, r.Cells, len(r.Reasons) > 0})
	}
}

type loadOut struct{ Body LoadBody }

type loadIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (l *Library) get(ctx context.Context, in *loadIn) (*loadOut, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}

type listIn struct {
	store.Page
	State string `query:"state" enum:",draft,queued,running,done,failed,cancelled,decide" doc:"only these"`
	Feed  string `query:"feed" maxLength:"40" doc:"the runs of this feed instead of uploads"`
	Mine  bool   `query:"mine" doc:"only one's own"`
}

type listOut struct{ Body store.Listed[LoadItem] }

func (l *Library) list(ctx context.Context, in *listIn) (*listOut, error) {
	where := []store.Cond{store.C("feed = $1", in.Feed)}
	if in.State != "" {
		where = append(where, store.C("state = $1", in.State))
	}
	if in.Mine {
		where = append(where, store.C("owner = $1", authz.From(ctx).Person))
	}
	all, err := listLoads(ctx, l.db, authz.Where(ctx, "library.load"), where, in.Page)
	out := store.Listed[LoadItem]{Items: []LoadItem{}, Next: all.Next}
	for i := range all.Items {
		out.Items = append(out.Items, LoadItem{l.line(ctx, &all.Items[i]), all.Items[i].Plan.Title})
	}
	return &listOut{out}, err
}
