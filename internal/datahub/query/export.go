package query

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// maxExport is how long an export may take.
const maxExport = 20 * time.Minute

// Export is an answer given out as a file.
type Export struct {
	ID     string
	Run    string
	Title  string
	Format string
	State  State
	File   string
	Rows   int64
	More   bool
	Fault  Reason
	Actor  room.Actor
	Lang   string
	Person string
	At     store.Time
	Ended  store.Time
}

const exportColumns = `id, run, title, format, state, file, row_count, more, fault, actor, lang, person, at, ended_at`

func scanExport(e *Export) []any {
	return []any{&e.ID, &e.Run, &e.Title, &e.Format, &e.State, &e.File, &e.Rows, &e.More, store.Into[Reason]{&e.Fault}, store.Into[room.Actor]{&e.Actor}, &e.Lang, &e.Person, &e.At, &e.Ended}
}

func findExport(ctx context.Context, q store.Queryer, which store.Cond) (Export, error) {
	e, err := store.One(ctx, q, scanExport, `SELECT `+exportColumns+` FROM query_export WHERE `+which.SQL, which.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "query.no_export")
	}
	return e, err
}

type exportIn struct {
	Body struct {
		Run    string `json:"run" maxLength:"40" doc:"id of one's own run; its question is asked again"`
		Title  string `json:"title" minLength:"1" maxLength:"100" doc:"name of the file"`
		Format string `json:"format" enum:"csv,xlsx"`
	}
}

// ExportLine is how far an export is.
type ExportLine struct {
	ID     string     `json:"id"`
	Title  string     `json:"title"`
	Format string     `json:"format" enum:"csv,xlsx"`
	State  State      `json:"state" enum:"queued,done,failed"`
	File   string     `json:"file" doc:"id of the file, empty until it is there and when it was removed"`
	Rows   int64      `json:"rows"`
	More   bool       `json:"more" doc:"cut at the most rows that may be given out"`
	Error  string     `json:"error"`
	At     store.Time `json:"at"`
	Ended  store.Time `json:"endedAt"`
}

func (x *Query) line(ctx context.Context, e Export) ExportLine {
	return ExportLine{e.ID, e.Title, e.Format, e.State, e.File, e.Rows, e.More, x.sentence(ctx, e.Fault), e.At, e.Ended}
}

type exportOut struct{ Body ExportLine }

type exportJob struct{ Export string }

// export has a question answered again into a file. It is asked as the person who asks for it, with the rights he has now.
func (x *Query) export(ctx context.Context, in *exportIn) (*exportOut, error) {
	me := authz.From(ctx)
	r, err := findRun(ctx, x.db, in.Body.Run, me.Person)
	if err != nil {
		return nil, err
	}
	if r.State != Done {
		return nil, errs.New(errs.Conflict, "query.not_done")
	}
	as := *me
	as.Session = ""
	as.Grants = map[string][]room.Grant{}
	for _, perm := range []string{"query.use", "query.reveal"} {
		if me.Can(perm) {
			as.Grants[perm] = me.Grants[perm]
		}
	}
	e := Export{ID: id.New(), Run: r.ID, Title: in.Body.Title, Format: in.Body.Format, State: Queued, Actor: as, Lang: web.From(ctx).Lang, Person: me.Person, At: store.At(x.now())}
	err = x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `INSERT INTO query_export (`+exportColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			e.ID, e.Run, e.Title, e.Format, string(e.State), "", 0, false, store.JSON[Reason]{}, store.JSON[room.Actor]{V: as}, e.Lang, e.Person, e.At, store.Time{}); err != nil {
			return err
		}
		if err := x.jobs.Enqueue(ctx, tx, "query.export", exportJob{e.ID}); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "query.export", Object: "query_export", ID: e.ID, Title: e.Title, Personal: r.Personal, Purpose: r.Purpose,
			Detail: map[string]any{"run": r.ID, "digest": r.Digest, "format": e.Format}})
	})
	if err != nil {
		return nil, err
	}
	return &exportOut{x.line(ctx, e)}, nil
}

type exportsOut struct{ Body store.Listed[ExportLine] }

// exports lists the actor's own.
func (x *Query) exports(ctx context.Context, in *mineIn) (*exportsOut, error) {
	all, err := store.List(ctx, x.db, store.Query[Export]{Select: `SELECT ` + exportColumns + ` FROM query_export`, Scope: store.Scoped(store.C("person = $1", authz.From(ctx).Person)),
		Keys: []string{"at", "id"}, Desc: true, Page: in.Page, Scan: scanExport, Cursor: func(e *Export) []any { return []any{e.At, e.ID} }})
	out := &exportsOut{store.Listed[ExportLine]{Items: []ExportLine{}, Next: all.Next}}
	for _, e := range all.Items {
		out.Body.Items = append(out.Body.Items, x.line(ctx, e))
	}
	return out, err
}

// mayReadFile lets a person download what he had given out.
func (x *Query) mayReadFile(ctx context.Context, object string) error {
	_, err := findExport(ctx, x.db, store.C("id = $1 AND person = $2", object, authz.From(ctx).Person))
	return err
}

// work answers the question into a file.
func (x *Query) work(ctx context.Context, j exportJob) error {
	e, err := findExport(ctx, x.db, store.C("id = $1 AND state = 'queued'", j.Export))
	if errs.Is(err, errs.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	job := ctx
	ctx = room.Acting(ctx, &e.Actor)
	err = x.deliver(ctx, &e)
	switch {
	case err == nil:
		return nil
	case job.Err() != nil, errs.KeyOf(err) == "query.slot": // the program stops, or he is asking something just now: another try
		return err
	}
	e.State, e.Fault, e.Ended = Failed, reason(err), store.At(x.now())
	ended := x.db.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		if err := saveExport(ctx, tx, &e); err != nil {
			return err
		}
		return x.told(ctx, tx, &e, "query.told_failed", e.Title)
	})
	if errs.Is(err, errs.Internal) {
		return errors.Join(err, ended)
	}
	return ended
}

func saveExport(ctx context.Context, tx *store.Tx, e *Export) error {
	return store.ExecOne(ctx, tx, `UPDATE query_export SET state = $1, file = $2, row_count = $3, more = $4, fault = $5, ended_at = $6 WHERE id = $7 AND state = 'queued'`,
		string(e.State), e.File, e.Rows, e.More, store.JSON[Reason]{V: e.Fault}, e.Ended, e.ID)
}

func (x *Query) told(ctx context.Context, tx *store.Tx, e *Export, key string, args ...any) error {
	return x.notify.Send(ctx, tx, notify.Notice{To: []string{e.Person}, Key: key, Args: args, Link: "/query/exports", Object: "query_export", ID: e.ID})
}

func (x *Query) deliver(ctx context.Context, e *Export) error {
	r, err := findRun(ctx, x.db, e.Run, e.Person)
	if err != nil {
		return err
	}
	s, err := x.unseal(&r)
	if err != nil {
		return err
	}
	a, err := x.answer(ctx, question{sql: s.SQL, params: s.Params, asOf: s.AsOf, purpose: r.Purpose, origin: "export", saved: r.Saved,
		perm: "query.use", mode: dataset.Look, rows: x.settings.Int(ctx, "query.export_rows")})
	if err != nil {
		return err
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(write(pw, e.Format, e.Title, a)) }()
	f, err := x.files.Keep(ctx, "query", e.ID, e.Title+"."+e.Format, pr)
	pr.CloseWithError(err)
	if err != nil {
		return err
	}
	e.State, e.File, e.Rows, e.More, e.Ended = Done, f.ID, int64(len(a.Rows)), a.More, store.At(x.now())
	return x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := saveExport(ctx, tx, e); err != nil {
			return err
		}
		entry := audit.Entry{Action: "query.deliver", Object: "query_export", ID: e.ID, Title: e.Title, Personal: a.Personal, Purpose: r.Purpose,
			Detail: map[string]any{"run": a.Run, "rows": e.Rows, "format": e.Format, "hash": f.Hash}}
		if a.Personal {
			entry.Subjects = int(e.Rows)
		}
		if err := x.audit.Record(ctx, tx, entry); err != nil {
			return err
		}
		return x.told(ctx, tx, e, "query.told_done", e.Title, e.Rows)
	})
}

// write puts an answer into a file. Whole numbers go as numbers; decimals and long numbers as text, so that no digit is lost.
func write(to io.Writer, format, title string, a *Answer) error {
	w := table.NewCSV(to, table.CSVOptions{})
	if format == "xlsx" {
		var err error
		if w, err = table.NewXLSX(to, title); err != nil {
			return err
		}
	}
	row := make([]any, len(a.Columns))
	for i, c := range a.Columns {
		row[i] = c.Title
	}
	if err := w.Write(row...); err != nil {
		return err
	}
	for _, values := range a.Rows {
		for i, v := range values {
			row[i] = v
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && a.Columns[i].Kind == warehouse.KindInteger && len(v) <= 15 {
				row[i] = n
			}
		}
		if err := w.Write(row...); err != nil {
			return err
		}
	}
	return w.Close()
}

// purge removes files that have been kept long enough: GB/T 22239-2019 §8.1.4.10, nothing personal is kept beyond need.
func (x *Query) purge(ctx context.Context) error {
	before := store.At(x.now().AddDate(0, 0, -x.settings.Int(ctx, "query.keep_days")))
	old, err := store.All(ctx, x.db, scanExport, `SELECT `+exportColumns+` FROM query_export WHERE file <> '' AND ended_at < $1 ORDER BY ended_at LIMIT 500`, before)
	if err != nil {
		return err
	}
	for _, e := range old {
		err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := x.files.Remove(ctx, tx, e.File, "query"); err != nil {
				return err
			}
			return store.Exec(ctx, tx, `UPDATE query_export SET file = '' WHERE id = $1`, e.ID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moment reads a day, meaning its end, or a moment with its zone (RFC 3339 §5.6).
func moment(s string) (store.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return store.At(t), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, when.Zone)
	if err != nil {
		return store.Time{}, errs.New(errs.Invalid, "query.bad_moment", s)
	}
	return store.At(t.AddDate(0, 0, 1).Add(-time.Microsecond)), nil
}

// rows answers a saved question to a program: one object a row.
func (x *Query) rows(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	values := map[string]string{}
	limit, purpose, asOf := 1000, "", store.Time{}
	for name, v := range r.URL.Query() {
		switch name {
		case "limit":
			n, err := strconv.Atoi(v[0])
			if most := x.settings.Int(ctx, "query.rows"); err != nil || n < 1 || n > most {
				return errs.New(errs.Invalid, "query.bad_limit", most)
			}
			limit = n
		case "purpose":
			purpose = v[0]
		case "as_of":
			var err error
			if asOf, err = moment(v[0]); err != nil {
				return err
			}
		default:
			values[name] = v[0]
		}
	}
	q, err := x.savedQuestion(ctx, r.PathValue("id"), "query.api", dataset.API, values, asOf)
	if err != nil {
		return err
	}
	q.origin, q.purpose, q.rows = "api", purpose, limit
	a, err := x.answer(ctx, q)
	if err != nil {
		return err
	}
	return writeRows(w, a)
}
