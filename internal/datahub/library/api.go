package library

import (
	"context"
	"errors"
	"io"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/file"
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
	State     State      `json:"state" enum:"draft,queued,running,done,failed,cancelled"`
	Replaces  bool       `json:"replaces" doc:"a new version of a dataset there is"`
	FileName  string     `json:"fileName"`
	FileSize  int64      `json:"fileSize" doc:"bytes"`
	Rows      int64      `json:"rows" doc:"loaded so far"`
	Bytes     int64      `json:"bytes" doc:"read so far"`
	BytesAll  int64      `json:"bytesAll" doc:"0 when unknown, as of a workbook"`
	Rejected  int64      `json:"rejected" doc:"rows that were refused"`
	Error     string     `json:"error" doc:"why it failed"`
	Dataset   string     `json:"madeDataset" doc:"id of the dataset it became, when done"`
	Number    int64      `json:"madeNumber" doc:"and which version of it"`
	Mine      bool       `json:"mine" doc:"whether the caller may change it"`
	OwnerName string     `json:"ownerName"`
	At        store.Time `json:"at"`
	Started   store.Time `json:"startedAt"`
	Ended     store.Time `json:"endedAt"`
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
	Format    string         `json:"format" enum:"csv,xlsx"`
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
		Rows: ld.Rows, Bytes: ld.Bytes, BytesAll: ld.BytesAll, Rejected: ld.Rejected, Error: l.sentence(web.From(ctx).Lang, ld.Fault), Dataset: ld.Dataset, Number: ld.Number,
		Mine: ld.Owner == authz.From(ctx).Person, OwnerName: ld.OwnerName, At: ld.At, Started: ld.Started, Ended: ld.Ended, Version: ld.Version}
}

func (l *Library) body(ctx context.Context, ld *Load) (LoadBody, error) {
	p, f := ld.Plan, ld.Finding
	b := LoadBody{LoadLine: l.line(ctx, ld),
		Choice: Choice{Dataset: p.Dataset, Name: p.Name, Title: p.Title, Summary: p.Summary, Columns: p.Columns, OnBad: p.OnBad, Repeats: p.Repeats},
		Format: f.Format, Encoding: f.Encoding, Delimiter: f.Delimiter, Sheets: []Sheet{}, Sheet: p.Sheet, First: p.First, Last: p.Last,
		Problems: l.say(ctx, f.Problems), Notes: l.say(ctx, f.Notes), Faulty: f.Faulty, Seen: f.Seen, HasList: ld.Reject != ""}
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

type createIn struct {
	Body struct {
		File    string `json:"fileId" minLength:"1" maxLength:"40" doc:"of an upload that is finished"`
		Dataset string `json:"dataset" required:"false" maxLength:"40" doc:"id of the dataset it is to replace"`
	}
}

// create looks at an uploaded file and makes a draft of it. A file that is no table is refused and stays with its
// uploader.
func (l *Library) create(ctx context.Context, in *createIn) (*loadOut, error) {
	me := authz.From(ctx)
	ds, err := l.replaced(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	ld := &Load{ID: id.New(), State: Draft, File: in.Body.File, Owner: me.Person, OwnerName: me.Name, Unit: me.Unit, Street: me.Street, At: store.At(l.now()), Version: 1}
	ld.Plan.OnBad = rejectRows
	found, err := l.look(ctx, ld, true, "", 0, 0)
	if err != nil {
		return nil, err
	}
	ld.aim(ds)
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := l.files.Claim(ctx, tx, ld.File, "library", ld.ID); err != nil {
			return err
		}
		if err := insertLoad(ctx, tx, ld); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.draft", Object: "library_load", ID: ld.ID, Title: ld.FileName,
			Detail: map[string]any{"file": ld.File, "size": ld.FileSize, "replaces": ld.Plan.Dataset}})
	})
	if err != nil {
		return nil, err
	}
	b, err := l.body(ctx, ld)
	if err == nil {
		l.show(ctx, &b, found)
	}
	return &loadOut{b}, err
}

// replaced returns the dataset a load is to replace, nil for a new one. It must be one the person loads for.
func (l *Library) replaced(ctx context.Context, id string) (*dataset.Dataset, error) {
	if id == "" {
		return nil, nil
	}
	ds, err := l.datasets.Get(ctx, l.db, id, dataset.Reach(ctx, "library.load"))
	return &ds, err
}

// look reads the beginning of the load's file and takes over what it finds.
func (l *Library) look(ctx context.Context, ld *Load, fresh bool, sheet string, first, last int) (intake.Finding, error) {
	f, tab, done, err := l.open(ctx, ld, fresh)
	if err != nil {
		return intake.Finding{}, err
	}
	defer done()
	ld.FileName, ld.FileSize = f.Name, f.Size
	if sheet != "" {
		if err := tab.Use(sheet); err != nil {
			return intake.Finding{}, err
		}
	}
	found, err := intake.Inspect(tab.Reader, first, last)
	if err == nil {
		ld.found(found)
	}
	return found, err
}

// open opens the load's file as a table; done closes it. A fresh file is not claimed yet: only its uploader may.
func (l *Library) open(ctx context.Context, ld *Load, fresh bool) (f file.File, tab *opened, done func(), err error) {
	f, first, err := l.files.Open(ctx, l.db, ld.File)
	if errs.Is(err, errs.Missing) {
		return f, nil, nil, errs.New(errs.Missing, "library.no_file")
	}
	if err != nil {
		return f, nil, nil, err
	}
	if fresh && (f.Room != "file" || f.By != ld.Owner) {
		return f, nil, nil, errors.Join(errs.New(errs.Missing, "library.no_file"), first.Close())
	}
	src, err := intake.OpenSource(func() (io.ReadCloser, error) {
		if r := first; r != nil {
			first = nil
			return r, nil
		}
		_, r, err := l.files.Open(ctx, l.db, ld.File)
		return r, err
	}, f.Size, "")
	if err != nil {
		return f, nil, nil, err
	}
	t, err := src.Table(f.Name, table.Limits{})
	if err != nil {
		return f, nil, nil, errors.Join(err, src.Close())
	}
	return f, &opened{t, src}, func() { t.Close(); src.Close() }, nil
}

// opened is a table with the source it is read from.
type opened struct {
	*table.Reader
	src *intake.Source
}

type inspectIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Sheet   string `json:"sheet" required:"false" maxLength:"100"`
		First   int    `json:"first" required:"false" minimum:"0" doc:"first row of the header as Excel shows it, 0 to find it"`
		Last    int    `json:"last" required:"false" minimum:"0" doc:"last row of it, the same as first or the next"`
		Dataset string `json:"dataset" required:"false" maxLength:"40" doc:"id of the dataset it is to replace, empty for a new one"`
		Version int64  `json:"version"`
	}
}

// inspect looks at the file again, with another sheet, header or dataset to replace. What was corrected is guessed anew.
func (l *Library) inspect(ctx context.Context, in *inspectIn) (*loadOut, error) {
	ld, err := l.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	ds, err := l.replaced(ctx, in.Body.Dataset)
	if err != nil {
		return nil, err
	}
	if in.Body.First > 0 && in.Body.Last == 0 {
		in.Body.Last = in.Body.First
	}
	found, err := l.look(ctx, &ld, false, in.Body.Sheet, in.Body.First, in.Body.Last)
	if err != nil {
		return nil, err
	}
	ld.aim(ds)
	ld.Version++
	if err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return savePlan(ctx, tx, &ld) }); err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	if err == nil {
		l.show(ctx, &b, found)
	}
	return &loadOut{b}, err
}

// mine returns a load the actor may change, as he last saw it.
func (l *Library) mine(ctx context.Context, id string, version int64) (Load, error) {
	ld, err := findLoad(ctx, l.db, id, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return ld, err
	}
	if err := ld.editable(authz.From(ctx).Person); err != nil {
		return ld, err
	}
	if ld.Version != version {
		return ld, errs.New(errs.Conflict, "store.changed")
	}
	return ld, nil
}

type putIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Choice
		Version int64 `json:"version"`
	}
}

func (l *Library) put(ctx context.Context, in *putIn) (*loadOut, error) {
	ld, err := l.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	if _, err := l.replaced(ctx, in.Body.Dataset); err != nil {
		return nil, err
	}
	if err := ld.settle(in.Body.Choice); err != nil {
		return nil, err
	}
	if ld.Plan.Dataset == "" {
		taken, err := l.datasets.Taken(ctx, l.db, ld.Plan.Name)
		if err != nil {
			return nil, err
		}
		if taken {
			return nil, errs.New(errs.Conflict, "dataset.name_taken", ld.Plan.Name)
		}
	}
	ld.Version++
	if err := l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return savePlan(ctx, tx, &ld) }); err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}

type startIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Confirm bool  `json:"confirm" required:"false" doc:"the columns may differ from those of the dataset that is replaced"`
		Version int64 `json:"version"`
	}
}

// start queues the load. A dataset whose columns would change is only replaced once that has been confirmed.
func (l *Library) start(ctx context.Context, in *startIn) (*loadOut, error) {
	ld, err := l.mine(ctx, in.ID, in.Body.Version)
	if err != nil {
		return nil, err
	}
	if err := ld.startable(); err != nil {
		return nil, err
	}
	ds, err := l.replaced(ctx, ld.Plan.Dataset)
	if err != nil {
		return nil, err
	}
	ld.Expect = 0
	if ds != nil {
		ld.Expect = ds.Version
		if err := drifted(dataset.Compare(ds.Columns, intake.Kept(ld.Plan.Columns))); err != nil && !in.Body.Confirm {
			return nil, err
		}
	}
	old := ld.Reject
	ld.State, ld.Run, ld.Version, ld.Started, ld.Lang = Queued, ld.Run+1, ld.Version+1, store.At(l.now()), web.From(ctx).Lang
	ld.Rows, ld.Bytes, ld.BytesAll, ld.Rejected, ld.Reject, ld.Fault, ld.Ended = 0, 0, 0, 0, "", Reason{}, store.Time{}
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveStart(ctx, tx, &ld, time.Now()); err != nil {
			return err
		}
		if old != "" {
			if err := l.files.Remove(ctx, tx, old, "library"); err != nil {
				return err
			}
		}
		if err := l.jobs.Enqueue(ctx, tx, "library.load", job{ld.ID, ld.Run}); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.start", Object: "library_load", ID: ld.ID, Title: ld.Plan.Title,
			Detail: map[string]any{"file": ld.File, "replaces": ld.Plan.Dataset, "columns": columnsSaid(intake.Kept(ld.Plan.Columns)), "onBad": ld.Plan.OnBad, "confirmed": in.Body.Confirm}})
	})
	if err != nil {
		return nil, err
	}
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}

// columnsSaid tells the auditor what columns are said to hold.
func columnsSaid(cols []dataset.Column) []map[string]any {
	out := make([]map[string]any, len(cols))
	for i, c := range cols {
		out[i] = map[string]any{"name": c.Name, "type": c.Type.String(), "kind": string(c.Kind), "level": string(c.Level), "masked": c.Masked, "key": c.Key}
	}
	return out
}

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
	State string `query:"state" enum:",draft,queued,running,done,failed,cancelled" doc:"only these"`
	Mine  bool   `query:"mine" doc:"only one's own"`
}

type listOut struct{ Body store.Listed[LoadItem] }

func (l *Library) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
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

// cancel stops a load. Whoever may load for the unit may stop one of it.
func (l *Library) cancel(ctx context.Context, in *loadIn) (*loadOut, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	if !ld.State.busy() {
		return nil, errs.New(errs.Conflict, "library.not_running")
	}
	ld.State, ld.Ended = Cancelled, store.At(l.now())
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "library_load", ld.ID); err != nil {
			return err
		}
		if err := saveEnd(ctx, tx, &ld); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.cancel", Object: "library_load", ID: ld.ID, Title: ld.Plan.Title})
	})
	if err != nil {
		return nil, err
	}
	ld.Version++
	b, err := l.body(ctx, &ld)
	return &loadOut{b}, err
}

// discard forgets a load that has become nothing, and its files.
func (l *Library) discard(ctx context.Context, in *loadIn) (*struct{}, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	if err := ld.editable(authz.From(ctx).Person); err != nil {
		return nil, err
	}
	return nil, l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := l.removeFiles(ctx, tx, ld.ID); err != nil {
			return err
		}
		if err := deleteLoad(ctx, tx, &ld); err != nil {
			return err
		}
		return l.audit.Record(ctx, tx, audit.Entry{Action: "library.discard", Object: "library_load", ID: ld.ID, Title: ld.FileName})
	})
}

func (l *Library) removeFiles(ctx context.Context, tx *store.Tx, id string) error {
	all, err := l.files.Of(ctx, tx, "library", id)
	if err != nil {
		return err
	}
	for _, f := range all {
		if err := l.files.Remove(ctx, tx, f.ID, "library"); err != nil {
			return err
		}
	}
	return nil
}

// previewed is how many refused rows are shown; the file has them all.
const previewed = 200

type rejectedOut struct {
	Body struct {
		Header []string          `json:"header" nullable:"false"`
		Rows   []intake.Rejected `json:"rows" nullable:"false"`
		Total  int64             `json:"total"`
	}
}

// rejected shows the first refused rows to the person who uploaded the file they stand in.
func (l *Library) rejected(ctx context.Context, in *loadIn) (*rejectedOut, error) {
	ld, err := findLoad(ctx, l.db, in.ID, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	if ld.Owner != authz.From(ctx).Person {
		return nil, errs.New(errs.Denied, "library.not_yours", ld.OwnerName)
	}
	out := &rejectedOut{}
	out.Body.Header, out.Body.Rows, out.Body.Total = []string{}, []intake.Rejected{}, ld.Rejected
	if ld.Reject == "" {
		return out, nil
	}
	_, r, err := l.files.Open(ctx, l.db, ld.Reject)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out.Body.Header, out.Body.Rows, err = intake.ReadCSV(r, previewed)
	return out, err
}

// mayReadFile lets a person download what he uploaded and the list of its refused rows.
func (l *Library) mayReadFile(ctx context.Context, object string) error {
	_, err := findLoad(ctx, l.db, object, store.C("owner = $1", authz.From(ctx).Person))
	return err
}
