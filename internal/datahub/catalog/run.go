package catalog

import (
	"context"
	"errors"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// remark is what is wrong with one row of a file, or one dataset: as kept, worded when it is read.
type remark struct {
	Sheet   string   `json:"sheet,omitempty"` // entries, items
	Row     int      `json:"row,omitempty"`
	Title   string   `json:"title,omitempty"` // of the dataset or entry
	Column  string   `json:"column,omitempty"`
	Key     string   `json:"key"`
	Args    []string `json:"args,omitempty"`
	Refused bool     `json:"refused,omitempty"` // nothing was made of it
}

// plan is what a run is to do.
type plan struct {
	Like     entry.Body `json:"like"`
	Datasets []string   `json:"datasets"`
	Source   *Source    `json:"source,omitempty"` // whose objects are drafted instead
	Objects  []Object   `json:"objects,omitempty"`
}

// run is one making of drafts from many datasets, or one file read in.
type run struct {
	ID, Kind, State, Title, Lang   string
	Plan                           store.JSON[plan]
	Total, Done, Made, Skipped     int64
	Reasons                        store.JSON[[]remark]
	Owner, OwnerName, Unit, Street string
	At, Ended                      store.Time
}

const runColumns = `r.id, r.kind, r.state, r.title, r.plan, r.total, r.done, r.made, r.skipped, r.reasons, r.lang, r.owner, r.owner_name, r.unit_id, r.street, r.at, r.ended_at`

func scanRun(r *run) []any {
	return []any{&r.ID, &r.Kind, &r.State, &r.Title, &r.Plan, &r.Total, &r.Done, &r.Made, &r.Skipped, &r.Reasons, &r.Lang, &r.Owner, &r.OwnerName, &r.Unit, &r.Street, &r.At, &r.Ended}
}

func insertRun(ctx context.Context, tx *store.Tx, r *run) error {
	return store.Exec(ctx, tx, `INSERT INTO catalog_run (id, kind, state, title, plan, total, done, made, skipped, reasons, lang, owner, owner_name, unit_id, street, at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		r.ID, r.Kind, r.State, r.Title, r.Plan, r.Total, r.Done, r.Made, r.Skipped, r.Reasons, r.Lang, r.Owner, r.OwnerName, r.Unit, r.Street, r.At, r.Ended)
}

// saveRun notes how far a run is; Conflict when it was cancelled.
func saveRun(ctx context.Context, tx *store.Tx, r *run) error {
	return store.ExecOne(ctx, tx, `UPDATE catalog_run SET state = $1, done = $2, made = $3, skipped = $4, reasons = $5, ended_at = $6 WHERE id = $7 AND state IN ('queued', 'running')`,
		r.State, r.Done, r.Made, r.Skipped, r.Reasons, r.Ended, r.ID)
}

func (c *Catalog) newRun(ctx context.Context, kind, title string) *run {
	me := authz.From(ctx)
	return &run{ID: id.New(), Kind: kind, State: "queued", Title: title, Lang: web.From(ctx).Lang, Owner: me.Person, OwnerName: me.Name, Unit: me.Home, Street: me.Street,
		At: store.At(c.now()), Reasons: store.JSON[[]remark]{V: []remark{}}}
}

type draftsIn struct {
	Body struct {
		Class    string   `json:"class" enum:"1,2,3"`
		Item     string   `json:"item" maxLength:"8"`
		Subject  string   `json:"subject" maxLength:"8"`
		Detail   string   `json:"detail" required:"false" maxLength:"24"`
		Cycle    string   `json:"cycle" maxLength:"16"`
		Contact  string   `json:"contact" required:"false" maxLength:"60"`
		Phone    string   `json:"phone" required:"false" maxLength:"30"`
		Datasets []string `json:"datasets" required:"false" maxItems:"5000" doc:"ids; all the caller catalogues for when left out"`
		Source   string   `json:"source" required:"false" maxLength:"40" doc:"id of another system whose tables or files are drafted instead, collected or not"`
	}
}
type runOut struct{ Body RunBody }

// startDrafts makes a draft of every dataset that is in no entry yet, as a job: a whole database in one command.
func (c *Catalog) startDrafts(ctx context.Context, in *draftsIn) (*runOut, error) {
	b := in.Body
	r := c.newRun(ctx, "draft", "")
	r.Plan.V.Like = entry.Body{Class: b.Class, Item: b.Item, Subject: b.Subject, Detail: b.Detail, Cycle: b.Cycle, Contact: b.Contact, Phone: b.Phone, Mode: "table"}
	if b.Source != "" {
		if err := c.ofSource(ctx, r, b.Source); err != nil {
			return nil, err
		}
		return c.beginRun(ctx, r)
	}
	page := store.Page{Limit: 200}
	wanted := map[string]bool{}
	for _, one := range b.Datasets {
		wanted[one] = true
	}
	for {
		all, err := c.datasets.List(ctx, c.db, dataset.Reach(ctx, "catalog.edit"), "", page)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, d := range all.Items {
			if len(wanted) == 0 || wanted[d.ID] {
				ids = append(ids, d.ID)
			}
		}
		at, err := c.catalogued(ctx, c.db, ids)
		if err != nil {
			return nil, err
		}
		for _, one := range ids {
			if _, done := at[one]; !done {
				r.Plan.V.Datasets = append(r.Plan.V.Datasets, one)
			}
		}
		if page.After = all.Next; all.Next == "" {
			break
		}
	}
	r.Total = int64(len(r.Plan.V.Datasets))
	return c.beginRun(ctx, r)
}

// beginRun queues a run that has something to do.
func (c *Catalog) beginRun(ctx context.Context, r *run) (*runOut, error) {
	if r.Total == 0 {
		return nil, errs.New(errs.Conflict, "catalog.nothing_to_draft")
	}
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		if err := c.jobs.Enqueue(ctx, tx, "catalog.draft", draftJob{r.ID}); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.run", Object: "catalog_run", ID: r.ID, Detail: map[string]any{"datasets": r.Total, "source": r.Title}})
	})
	return &runOut{c.runBody(ctx, r)}, err
}

type draftJob struct {
	ID string `json:"id"`
}

// work drafts the datasets of a run one after the other, in its owner's name. Each is a transaction that moves the run on, so
// after a kill it goes on where it was.
func (c *Catalog) work(ctx context.Context, j draftJob) error {
	for {
		r, err := store.One(ctx, c.db, scanRun, `SELECT `+runColumns+` FROM catalog_run r WHERE r.id = $1`, j.ID)
		if err != nil || r.State != "queued" && r.State != "running" {
			return err
		}
		acting := room.Acting(ctx, &room.Actor{IsJob: true, Person: r.Owner, Name: r.OwnerName, Home: r.Unit, Unit: r.Unit, Street: r.Street})
		if r.Plan.V.Source != nil {
			err = c.workSource(acting, &r)
		} else {
			err = c.db.Tx(acting, func(ctx context.Context, tx *store.Tx) error { return c.draftNext(ctx, tx, &r) })
		}
		if errs.Is(err, errs.Conflict) { // cancelled meanwhile
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// draftNext drafts the next dataset of a run, or ends it.
func (c *Catalog) draftNext(ctx context.Context, tx *store.Tx, r *run) error {
	if r.State = "running"; r.Done == r.Total {
		r.State, r.Ended = "done", store.At(c.now())
		return saveRun(ctx, tx, r)
	}
	source := r.Plan.V.Datasets[r.Done]
	r.Done++
	skip := func(title, key string, args ...string) error {
		r.Skipped++
		r.Reasons.V = append(r.Reasons.V, remark{Title: title, Key: key, Args: args, Refused: true})
		return saveRun(ctx, tx, r)
	}
	ds, err := c.datasets.Get(ctx, tx, source, store.Unscoped("which datasets its owner may draft was settled when the run began"))
	if errs.Is(err, errs.Missing) {
		return skip("", "catalog.fit_gone", source)
	}
	if err != nil {
		return err
	}
	at, err := c.catalogued(ctx, tx, []string{source})
	if err != nil {
		return err
	}
	if other, done := at[source]; done {
		return skip(ds.Title, "catalog.mounted_already", other.Name)
	}
	like := r.Plan.V.Like
	if slices.Contains(c.rules(ctx).Basic, like.Node()) {
		like.Share = entry.Unconditional
	}
	b := entry.Draft(ds, like)
	e, err := c.draft(ctx, tx, &b)
	if refused, ok := errors.AsType[*errs.Error](err); ok && refused.Kind == errs.Invalid && len(refused.Fields) > 0 {
		f := refused.Fields[0]
		return skip(ds.Title, f.Key, argued(f.Args)...)
	}
	if err != nil {
		return err
	}
	m := &binding{ID: id.New(), Entry: e.ID, Kind: kindOf(ds), Dataset: ds.ID, Name: ds.Name, Title: ds.Title, Pairs: store.JSON[[]entry.Pair]{V: entry.Match(b.Items, ds.Columns)}, State: drafted,
		Faults: store.JSON[[]fault]{V: []fault{}}, Rows: ds.Rows, DataAt: ds.Updated, DataVersion: ds.Version, By: r.Owner, ByName: r.OwnerName, At: store.At(c.now())}
	if err := insertBinding(ctx, tx, m); err != nil {
		return err
	}
	r.Made++
	if err := saveRun(ctx, tx, r); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.draft", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"run": r.ID, "dataset": ds.ID, "items": e.Items}})
}

// RunBody is a run as its owner sees it.
type RunBody struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"draft,import"`
	State     string     `json:"state" enum:"queued,running,done,cancelled"`
	Title     string     `json:"title" doc:"name of the file"`
	Total     int64      `json:"total"`
	Done      int64      `json:"done"`
	Made      int64      `json:"made" doc:"drafts that were made or changed"`
	Skipped   int64      `json:"skipped" doc:"refused"`
	Remarks   []Remark   `json:"remarks" nullable:"false" doc:"the first 500"`
	More      int        `json:"more" doc:"remarks beyond those"`
	OwnerName string     `json:"ownerName"`
	At        store.Time `json:"at"`
	Ended     store.Time `json:"endedAt"`
}

// Remark is what is wrong with one row or dataset, in the caller's language.
type Remark struct {
	Sheet   string `json:"sheet" enum:",entries,items"`
	Row     int    `json:"row" doc:"as Excel shows it, 0 for none"`
	Title   string `json:"title"`
	Column  string `json:"column"`
	Message string `json:"message"`
	Refused bool   `json:"refused" doc:"nothing was made of it; otherwise it is kept and waits to be completed"`
}

const mostRemarks = 500

func (c *Catalog) runBody(ctx context.Context, r *run) RunBody {
	b := RunBody{ID: r.ID, Kind: r.Kind, State: r.State, Title: r.Title, Total: r.Total, Done: r.Done, Made: r.Made, Skipped: r.Skipped, Remarks: []Remark{},
		OwnerName: r.OwnerName, At: r.At, Ended: r.Ended}
	b.More = max(0, len(r.Reasons.V)-mostRemarks)
	for _, m := range r.Reasons.V[:min(len(r.Reasons.V), mostRemarks)] {
		b.Remarks = append(b.Remarks, c.worded(web.From(ctx).Lang, m))
	}
	return b
}

func (c *Catalog) worded(lang string, m remark) Remark {
	return Remark{m.Sheet, m.Row, m.Title, m.Column, c.words.Text(lang, m.Key, anys(m.Args)...), m.Refused}
}

func (c *Catalog) ownRun(ctx context.Context, q store.Queryer, id string) (run, error) {
	r, err := store.One(ctx, q, scanRun, `SELECT `+runColumns+` FROM catalog_run r WHERE r.id = $1 AND r.owner = $2`, id, authz.From(ctx).Person)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "catalog.no_run")
	}
	return r, err
}

func (c *Catalog) showRun(ctx context.Context, in *entryIn) (*runOut, error) {
	r, err := c.ownRun(ctx, c.db, in.ID)
	return &runOut{c.runBody(ctx, &r)}, err
}

type runsIn struct{ store.Page }
type runsOut struct{ Body store.Listed[RunBody] }

// listRuns lists the caller's own runs, newest first, without what was remarked.
func (c *Catalog) listRuns(ctx context.Context, in *runsIn) (*runsOut, error) {
	all, err := store.List(ctx, c.db, store.Query[run]{Select: `SELECT ` + runColumns + ` FROM catalog_run r`, Scope: store.Scoped(store.C("r.owner = $1", authz.From(ctx).Person)),
		Keys: []string{"r.at", "r.id"}, Desc: true, Page: in.Page, Scan: scanRun, Cursor: func(r *run) []any { return []any{r.At, r.ID} }})
	out := &runsOut{store.Listed[RunBody]{Items: []RunBody{}, Next: all.Next}}
	for i := range all.Items {
		b := c.runBody(ctx, &all.Items[i])
		b.More, b.Remarks = b.More+len(b.Remarks), []Remark{}
		out.Body.Items = append(out.Body.Items, b)
	}
	return out, err
}

// cancelRun stops a run; the drafts it has made stay.
func (c *Catalog) cancelRun(ctx context.Context, in *entryIn) (*runOut, error) {
	err := c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := c.ownRun(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		err = store.ExecOne(ctx, tx, `UPDATE catalog_run SET state = 'cancelled', ended_at = $1 WHERE id = $2 AND state IN ('queued', 'running')`, store.At(c.now()), r.ID)
		if errs.Is(err, errs.Conflict) {
			return errs.New(errs.Conflict, "catalog.run_ended")
		}
		if err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.cancel", Object: "catalog_run", ID: r.ID, Detail: map[string]any{"done": r.Done, "total": r.Total}})
	})
	if err != nil {
		return nil, err
	}
	return c.showRun(ctx, in)
}
