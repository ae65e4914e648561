package catalog

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

type importIn struct {
	Name    string `query:"name" maxLength:"200" doc:"the file's name, for the words of a refusal"`
	RawBody []byte `contentType:"application/octet-stream"`
}

// importBook reads a workbook of entries and items. What can be kept becomes a draft, or the draft of a change where the code
// is that of an entry; a row that cannot is refused with its reason and the others go on. Nothing is published by it.
func (c *Catalog) importBook(ctx context.Context, in *importIn) (*runOut, error) {
	return c.readIn(ctx, in, false)
}

// checkBook says what would come of a workbook, and keeps nothing.
func (c *Catalog) checkBook(ctx context.Context, in *importIn) (*runOut, error) {
	return c.readIn(ctx, in, true)
}

func (c *Catalog) readIn(ctx context.Context, in *importIn, check bool) (*runOut, error) {
	lang := web.From(ctx).Lang
	w, err := c.wording(ctx, c.db, lang, nil)
	if err != nil {
		return nil, err
	}
	b, err := readBook(in.RawBody, in.Name, w, c.number(ctx, "per_file"), func(named []string) error { return c.knowUnits(ctx, c.db, w, named) })
	if err != nil {
		return nil, err
	}
	r := c.newRun(ctx, "import", in.Name)
	r.State, r.Ended = "done", r.At
	err = c.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i := range b.rows {
			if b.bad[b.rows[i].at] {
				continue
			}
			made, err := c.takeRow(ctx, tx, b, &b.rows[i], check)
			if err != nil {
				return err
			}
			if made {
				r.Made++
			}
		}
		r.Total, r.Done = int64(len(b.rows)), int64(len(b.rows))
		r.Skipped = r.Total - r.Made
		r.Reasons.V = append(r.Reasons.V, b.remarks...)
		if check {
			return nil
		}
		if err := insertRun(ctx, tx, r); err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.import", Object: "catalog_run", ID: r.ID, Title: in.Name, Detail: map[string]any{"entries": r.Total, "made": r.Made, "refused": r.Skipped}})
	})
	if err != nil {
		return nil, err
	}
	return &runOut{c.runBody(ctx, r)}, nil
}

// takeRow makes a draft of one row, or says why not.
func (c *Catalog) takeRow(ctx context.Context, tx *store.Tx, b *book, r *row, check bool) (bool, error) {
	body := r.Body
	body.Tidy()
	old := Entry{}
	if r.Code != "" {
		found, err := findEntry(ctx, tx, store.And(store.C("c.code = $1", r.Code), reach(ctx, "catalog.edit")))
		if errs.Is(err, errs.Missing) {
			b.fail(remark{Sheet: "entries", Row: r.at, Title: body.Name, Column: "code", Key: "catalog.no_code", Args: []string{r.Code}})
			return false, nil
		}
		if err != nil {
			return false, err
		}
		old = found
	}
	for _, f := range entry.CheckDraft(&body, c.rules(ctx)) {
		b.fail(remark{Sheet: "entries", Row: r.at, Title: body.Name, Column: f.Name, Key: f.Key, Args: argued(f.Args)})
	}
	if err := authz.MayUnit(ctx, tx, "catalog.edit", body.Unit); errs.Is(err, errs.Denied) {
		b.fail(remark{Sheet: "entries", Row: r.at, Title: body.Name, Column: "unit", Key: "catalog.cell_other_unit"})
	} else if err != nil {
		return false, err
	}
	if old.ID != "" && (old.Work != "" && old.Work != workDraft || old.State == Archived) {
		b.fail(remark{Sheet: "entries", Row: r.at, Title: body.Name, Column: "code", Key: "catalog.row_in_review", Args: []string{old.Name}})
	}
	if b.bad[r.at] {
		return false, nil
	}
	if _, err := c.provider(ctx, tx, &body); err != nil {
		return false, err
	}
	bad, err := c.faults(ctx, tx, &old, &body)
	if err != nil {
		return false, err
	}
	for _, f := range bad { // kept all the same: it is a draft, and says what it still lacks
		b.remarks = append(b.remarks, r.remarkOf(f))
	}
	if check {
		return true, nil
	}
	return true, c.keepRow(ctx, tx, &old, &body)
}

var itemAt = regexp.MustCompile(`^items\[(\d+)\]\.(\w+)$`)

// remarkOf puts a fault at its row of the workbook.
func (r *row) remarkOf(f errs.Field) remark {
	out := remark{Sheet: "entries", Row: r.at, Title: r.Body.Name, Column: f.Name, Key: f.Key, Args: argued(f.Args)}
	if m := itemAt.FindStringSubmatch(f.Name); m != nil {
		n, _ := strconv.Atoi(m[1])
		if out.Sheet, out.Column = "items", m[2]; out.Column == "name" {
			out.Column = "itemName"
		}
		if n < len(r.items) {
			out.Row, out.Title = r.items[n], r.Body.Items[n].Name
		}
	}
	return out
}

// argued turns arguments of a text into texts.
func argued(args []any) []string {
	out := make([]string, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			out[i] = a
		case int:
			out[i] = strconv.Itoa(a)
		}
	}
	return out
}

// keepRow writes a row: as a new draft, over the draft there is, or as the draft of a change.
func (c *Catalog) keepRow(ctx context.Context, tx *store.Tx, old *Entry, body *entry.Body) error {
	if old.ID == "" {
		e, err := c.draft(ctx, tx, body)
		if err != nil {
			return err
		}
		return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.draft", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"items": e.Items, "imported": true}})
	}
	me := authz.From(ctx)
	e, err := c.locked(ctx, tx, old.ID)
	if err != nil {
		return err
	}
	e.Changed = store.At(c.now())
	v := &version{Entry: e.ID, State: "work", Body: store.JSON[entry.Body]{V: *body}, Reason: c.words.Text(web.From(ctx).Lang, "catalog.imported"), By: me.Person, ByName: me.Name, At: e.Changed}
	if e.Working == 0 {
		e.Newest++
		e.Working, e.Work, v.Number = e.Newest, workDraft, e.Newest
		err = insertVersion(ctx, tx, v)
	} else {
		v.Number = e.Working
		err = saveWork(ctx, tx, v)
	}
	if err != nil {
		return err
	}
	if e.Serving == 0 {
		e.wear(body)
	}
	if err := saveEntry(ctx, tx, &e); err != nil {
		return err
	}
	return c.audit.Record(ctx, tx, audit.Entry{Action: "catalog.save", Object: "catalog", ID: e.ID, Title: e.Name, Detail: map[string]any{"number": e.Working, "imported": true}})
}

// maxExport is how many entries one workbook holds.
const maxExport = 20_000

// export writes the entries a list shows as a workbook that import reads.
func (c *Catalog) export(rw http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := r.URL.Query()
	f := Filter{Text: q.Get("text"), Class: q.Get("class"), Node: q.Get("node"), Unit: q.Get("unit"), Cycle: q.Get("cycle"), Share: q.Get("share"), Level: q.Get("level"), Open: q.Get("open"), Mount: q.Get("mount"), State: q.Get("state")}
	scope := visible(ctx).Cond()
	if q.Get("view") == "work" {
		if scope = inWork(ctx); f.State == "" {
			f.State = "all"
		}
	}
	where := store.And(append([]store.Cond{scope}, f.conds(store.At(c.now()))...)...)
	all, err := store.All(ctx, c.db, scanEntry, `SELECT `+entryColumns+` FROM catalog c WHERE `+where.SQL+` ORDER BY c.code, c.id LIMIT `+strconv.Itoa(maxExport), where.Args...)
	if err != nil {
		return err
	}
	rows := make([]row, 0, len(all))
	var units []string
	for i := range all {
		e := &all[i]
		number := e.Serving
		if number == 0 {
			number = e.Working
		}
		v, err := findVersion(ctx, c.db, e.ID, number)
		if err != nil {
			return err
		}
		rows = append(rows, row{Number: strconv.Itoa(i + 1), Code: e.Code, Body: v.Body.V})
		units = append(units, v.Body.V.Unit)
	}
	if err := c.audit.Note(ctx, audit.Entry{Action: "catalog.export", Object: "catalog", Detail: map[string]any{"entries": len(rows)}}); err != nil {
		return err
	}
	return c.sendBook(rw, r, rows, units, "catalog.book")
}

// template is an empty workbook with one example that explains the columns.
func (c *Catalog) template(rw http.ResponseWriter, r *http.Request) error {
	b := entry.Body{Class: entry.Department, Item: "01", Subject: "001", Name: c.words.Text(web.From(r.Context()).Lang, "catalog.example"), Unit: authz.From(r.Context()).Home,
		Format: "database", Sub: "mysql", Share: entry.Unconditional, Cycle: "monthly", Mode: "table",
		Items: []entry.Item{{Name: c.words.Text(web.From(r.Context()).Lang, "catalog.example_item"), Field: "code", Type: "C", Length: 18, Key: true, Level: "L1"}}}
	b.Tidy()
	return c.sendBook(rw, r, []row{{Number: "1", Body: b}}, []string{b.Unit}, "catalog.template")
}

func (c *Catalog) sendBook(rw http.ResponseWriter, r *http.Request, rows []row, units []string, name string) error {
	ctx := r.Context()
	w, err := c.wording(ctx, c.db, web.From(ctx).Lang, units)
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer f.Close()
	var items []itemRow
	for _, e := range rows {
		for _, i := range e.Body.Items {
			items = append(items, itemRow{e.Number, i})
		}
	}
	if err := f.SetSheetName(f.GetSheetName(0), w.text("catalog.sheet_entries")); err != nil {
		return err
	}
	if _, err := f.NewSheet(w.text("catalog.sheet_items")); err != nil {
		return err
	}
	if err := writeSheet(f, w, "entries", entryColumnsOf(), rows); err != nil {
		return err
	}
	if err := writeSheet(f, w, "items", itemColumnsOf(), items); err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	rw.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(w.text(name)+".xlsx"))
	return f.Write(rw)
}

func writeSheet[T any](f *excelize.File, w *wording, sheet string, cols []column[T], rows []T) error {
	out, err := f.NewStreamWriter(w.text("catalog.sheet_" + sheet))
	if err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7EEF7"}}})
	if err != nil {
		return err
	}
	if err := out.SetColWidth(1, len(cols), 18); err != nil {
		return err
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	cells := make([]any, len(cols))
	for i, c := range cols {
		cells[i] = excelize.Cell{StyleID: bold, Value: w.text("catalog.col_" + c.key)}
	}
	if err := out.SetRow("A1", cells); err != nil {
		return err
	}
	for n := range rows {
		for i, c := range cols {
			cells[i] = c.write(w, &rows[n]) // always a text: nothing is taken for a formula
		}
		at, err := excelize.CoordinatesToCellName(1, n+2)
		if err != nil {
			return err
		}
		if err := out.SetRow(at, cells); err != nil {
			return err
		}
	}
	return out.Flush()
}

// remarks writes what a run refused or remarked as a workbook, to be worked through row by row.
func (c *Catalog) remarks(rw http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	one, err := c.ownRun(ctx, c.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	text := func(key string) string { return c.words.Text(web.From(ctx).Lang, "catalog."+key) }
	rw.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	rw.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(text("remarks")+".xlsx"))
	x, err := table.NewXLSX(rw, text("remarks"))
	if err != nil {
		return err
	}
	lines := []error{x.Write(text("remark_sheet"), text("remark_row"), text("remark_title"), text("remark_column"), text("remark_why"), text("remark_refused"))}
	for _, m := range one.Reasons.V {
		said := c.worded(web.From(ctx).Lang, m)
		sheet, col, kept := "", "", text("remark_kept")
		if m.Sheet != "" {
			sheet = text("sheet_" + m.Sheet)
		}
		if m.Column != "" && c.words.Has("catalog.col_"+m.Column) {
			col = text("col_" + m.Column)
		}
		if m.Refused {
			kept = text("remark_gone")
		}
		lines = append(lines, x.Write(sheet, m.Row, said.Title, col, strings.TrimSpace(said.Message), kept))
	}
	return errors.Join(append(lines, x.Close())...)
}
