package batch

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// Shown is one column of a dataset that may be given out.
type Shown struct {
	Name   string        `json:"name"`
	Title  string        `json:"title"`
	Type   string        `json:"type"`
	Kind   codes.Kind    `json:"kind"`
	Level  dataset.Level `json:"level"`
	Key    bool          `json:"key"`
	Masked bool          `json:"masked"`
	Clear  bool          `json:"clear" doc:"masked, and the caller may have it in clear with a reason"`
}

// Source is a dataset the actor may hold a list against.
type Source struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Summary   string     `json:"summary"`
	UnitName  string     `json:"unitName" doc:"who answers for it"`
	Rows      int64      `json:"rows"`
	Number    int64      `json:"number" doc:"of the version that serves"`
	UpdatedAt store.Time `json:"updatedAt"`
	Columns   []Shown    `json:"columns" nullable:"false"`
	Owned     bool       `json:"owned" doc:"of a unit in the caller's reach: no grant is needed"`
	Grants    []Standing `json:"grants" nullable:"false" doc:"that stand for batches"`
}

// Standing is a grant that stands for batches.
type Standing struct {
	ID      string     `json:"id"`
	Purpose string     `json:"purpose"`
	Basis   string     `json:"basis"`
	Until   store.Time `json:"until"`
	Part    bool       `json:"part" doc:"it reaches some of the records only"`
	Quota   int64      `json:"quota" doc:"records a civil day, 0 without limit"`
	Spent   int64      `json:"spent" doc:"of it, today"`
}

type sourcesIn struct {
	store.Page
	Text string `query:"text" maxLength:"100"`
}

type sourcesOut struct{ Body store.Listed[Source] }

// sources lists what a list may be held against, with the grants that stand for it.
func (b *Batch) sources(ctx context.Context, in *sourcesIn) (*sourcesOut, error) {
	scope, err := b.datasets.Readable(ctx, b.db, "batch.run", dataset.Batch)
	if err != nil {
		return nil, err
	}
	all, err := b.datasets.List(ctx, b.db, scope, in.Text, in.Page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, d := range all.Items {
		units = append(units, d.Unit)
	}
	names, err := b.names.Units(ctx, b.db, units)
	if err != nil {
		return nil, err
	}
	out := &sourcesOut{store.Listed[Source]{Items: []Source{}, Next: all.Next}}
	for _, d := range all.Items {
		s, err := b.source(ctx, d)
		if err != nil {
			return nil, err
		}
		s.UnitName = names[d.Unit]
		out.Body.Items = append(out.Body.Items, s)
	}
	return out, nil
}

func (b *Batch) source(ctx context.Context, d dataset.Dataset) (Source, error) {
	s := Source{ID: d.ID, Title: d.Title, Summary: d.Summary, Rows: d.Rows, Number: d.Number, UpdatedAt: d.Updated, Columns: []Shown{}, Grants: []Standing{}}
	right, err := b.datasets.Right(ctx, b.db, d, "batch.run", "batch.reveal", dataset.Batch)
	if err != nil {
		return s, err
	}
	s.Owned = right.Owned
	for _, c := range d.Columns {
		if right.MaySee(c.Name) {
			s.Columns = append(s.Columns, Shown{c.Name, c.Title, c.Type.String(), c.Kind, c.Level, c.Key, c.Masked, c.Masked && right.MayReveal(c.Name)})
		}
	}
	for _, g := range right.Grants {
		spent, err := b.datasets.Spent(ctx, b.db, g.ID)
		if err != nil {
			return s, err
		}
		s.Grants = append(s.Grants, Standing{g.ID, g.Purpose, g.Basis, g.Until, len(g.Filter) > 0, g.Quota, spent})
	}
	return s, nil
}

// Said is a reason in the caller's language.
type Said struct {
	Message string `json:"message"`
	Count   int64  `json:"count,omitempty" doc:"rows it holds of"`
}

func (b *Batch) sentence(lang string, r Reason) string {
	if r.Key == "" {
		return ""
	}
	return b.words.Text(lang, r.Key, anys(r.Args)...)
}

func (b *Batch) say(ctx context.Context, rs []Reason) []Said {
	out := make([]Said, len(rs))
	for i, r := range rs {
		out[i] = Said{b.sentence(web.From(ctx).Lang, r), r.Count}
	}
	return out
}

// RunLine is how far a run is, and who holds what list against what, why.
type RunLine struct {
	ID        string     `json:"id"`
	State     State      `json:"state" enum:"draft,queued,running,done,failed,cancelled"`
	Dataset   string     `json:"dataset"`
	Title     string     `json:"title" doc:"of the dataset"`
	Mode      Mode       `json:"mode" enum:"exists,changed,fields,counts"`
	Purpose   string     `json:"purpose"`
	Basis     string     `json:"basis"`
	FileName  string     `json:"fileName"`
	FileSize  int64      `json:"fileSize" doc:"bytes"`
	Rows      int64      `json:"rows"`
	Valid     int64      `json:"valid"`
	Invalid   int64      `json:"invalid"`
	Repeated  int64      `json:"repeated"`
	Hits      int64      `json:"hits"`
	Missed    int64      `json:"missed"`
	Changed   int64      `json:"changed"`
	Stage     string     `json:"stage" enum:",read,match,write"`
	Done      int64      `json:"doneRows" doc:"rows of the stage so far"`
	Error     string     `json:"error" doc:"why it failed"`
	Ready     bool       `json:"ready" doc:"its result can be fetched"`
	Expires   store.Time `json:"expiresAt"`
	Copies    int64      `json:"copyCount"`
	Mine      bool       `json:"mine"`
	OwnerName string     `json:"ownerName"`
	UnitName  string     `json:"unitName" doc:"of the post it was run in"`
	At        store.Time `json:"at"`
	Started   store.Time `json:"startedAt"`
	Ended     store.Time `json:"endedAt"`
	Version   int64      `json:"version"`
}

// Sheet is one worksheet.
type Sheet struct {
	Name   string `json:"name"`
	Hidden bool   `json:"hidden"`
}

// RunBody is a run with all that was found and decided.
type RunBody struct {
	RunLine
	Plan      Plan         `json:"plan"`
	Format    string       `json:"format" enum:"csv,xlsx"`
	Encoding  string       `json:"encoding"`
	Sheets    []Sheet      `json:"sheets" nullable:"false"`
	Columns   []FileColumn `json:"fileColumns" nullable:"false"`
	Problems  []Said       `json:"problems" nullable:"false" doc:"must be settled before it can be started"`
	Notes     []Said       `json:"notes" nullable:"false"`
	Upgraded  int64        `json:"upgraded"`
	Why       []Said       `json:"why" nullable:"false" doc:"why rows cannot be used, the commonest first"`
	Samples   [][]string   `json:"samples,omitempty" doc:"first rows of the file, to the person who has just uploaded or changed it"`
	Number    int64        `json:"number" doc:"of the version that answered"`
	Fresh     store.Time   `json:"freshAt" doc:"since when it serves"`
	Grant     string       `json:"grant"`
	Root      string       `json:"root" doc:"over the subjects, as in the ledger"`
	Groups    []Group      `json:"groups" nullable:"false"`
	CopyList  []Copy       `json:"copies" nullable:"false"`
	SmallCell int          `json:"smallCell" doc:"groups of fewer are hidden"`
}

func (b *Batch) line(ctx context.Context, r *Run) RunLine {
	return RunLine{ID: r.ID, State: r.State, Dataset: r.Dataset, Title: r.Title, Mode: r.Plan.Mode, Purpose: r.Purpose, Basis: r.Basis, FileName: r.FileName, FileSize: r.FileSize,
		Rows: r.Counts.Rows, Valid: r.Counts.Valid, Invalid: r.Counts.Invalid, Repeated: r.Counts.Repeated, Hits: r.Hits, Missed: r.Missed, Changed: r.Changed, Stage: r.Stage, Done: r.Done,
		Error: b.sentence(web.From(ctx).Lang, r.Fault), Ready: r.State == Done && r.Result != "", Expires: r.Expires, Copies: r.Copies, Mine: r.Owner == authz.From(ctx).Person,
		OwnerName: r.OwnerName, At: r.At, Started: r.Started, Ended: r.Ended, Version: r.Version}
}

func (b *Batch) body(ctx context.Context, r *Run) (RunBody, error) {
	f := r.Finding
	out := RunBody{RunLine: b.line(ctx, r), Plan: r.Plan, Format: f.Format, Encoding: f.Encoding, Sheets: []Sheet{}, Columns: f.Columns, Problems: b.say(ctx, f.Problems), Notes: b.say(ctx, f.Notes),
		Upgraded: r.Counts.Upgraded, Why: b.say(ctx, r.Counts.Why), Number: r.Number, Fresh: r.Fresh, Grant: r.Grant, Root: r.Root, Groups: r.Groups, CopyList: []Copy{},
		SmallCell: b.settings.Int(ctx, "batch.small_cell")}
	if out.Columns == nil {
		out.Columns = []FileColumn{}
	}
	if out.Groups == nil {
		out.Groups = []Group{}
	}
	for _, s := range f.Sheets {
		out.Sheets = append(out.Sheets, Sheet{s.Name, s.Hidden})
	}
	names, err := b.names.Units(ctx, b.db, []string{r.PostUnit})
	if err != nil {
		return out, err
	}
	out.UnitName = names[r.PostUnit]
	if r.Copies > 0 {
		out.CopyList, err = copiesOf(ctx, b.db, r.ID)
	}
	return out, err
}

type runOut struct{ Body RunBody }

func (b *Batch) shown(ctx context.Context, r *Run) (*runOut, error) {
	body, err := b.body(ctx, r)
	return &runOut{body}, err
}

type runIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (b *Batch) get(ctx context.Context, in *runIn) (*runOut, error) {
	r, err := findRun(ctx, b.db, in.ID, authz.Where(ctx, "batch.run").Cond())
	if err != nil {
		return nil, err
	}
	return b.shown(ctx, &r)
}

type listIn struct {
	store.Page
	State   string `query:"state" enum:",draft,queued,running,done,failed,cancelled" doc:"only these"`
	Dataset string `query:"dataset" maxLength:"40" doc:"id"`
	Mine    bool   `query:"mine" doc:"only one's own"`
}

type listOut struct{ Body store.Listed[RunLine] }

// list is the history: who held what list against what, when and why.
func (b *Batch) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
	if in.State != "" {
		where = append(where, store.C("state = $1", in.State))
	}
	if in.Dataset != "" {
		where = append(where, store.C("dataset = $1", in.Dataset))
	}
	if in.Mine {
		where = append(where, store.C("owner = $1", authz.From(ctx).Person))
	}
	all, err := listRuns(ctx, b.db, authz.Where(ctx, "batch.run"), where, in.Page)
	if err != nil {
		return nil, err
	}
	var units []string
	for _, r := range all.Items {
		units = append(units, r.PostUnit)
	}
	names, err := b.names.Units(ctx, b.db, units)
	out := store.Listed[RunLine]{Items: []RunLine{}, Next: all.Next}
	for i := range all.Items {
		l := b.line(ctx, &all.Items[i])
		l.UnitName = names[all.Items[i].PostUnit]
		out.Items = append(out.Items, l)
	}
	return &listOut{out}, err
}

// open returns a dataset the actor may hold a list against, and what he may have of it.
func (b *Batch) openDataset(ctx context.Context, id string) (dataset.Dataset, dataset.Right, error) {
	scope, err := b.datasets.Readable(ctx, b.db, "batch.run", dataset.Batch)
	if err != nil {
		return dataset.Dataset{}, dataset.Right{}, err
	}
	ds, err := b.datasets.Get(ctx, b.db, id, scope)
	if err != nil {
		return ds, dataset.Right{}, err
	}
	right, err := b.datasets.Right(ctx, b.db, ds, "batch.run", "batch.reveal", dataset.Batch)
	if err == nil && !right.Any() {
		err = errs.New(errs.Missing, "dataset.missing")
	}
	return ds, right, err
}
