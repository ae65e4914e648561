package forms

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
)

// EntryLine is an entry in a list.
type EntryLine struct {
	ID        string     `json:"id"`
	App       string     `json:"app"`
	Case      string     `json:"case" doc:"id of its case, empty of a draft"`
	Number    string     `json:"number"`
	Title     string     `json:"title"`
	Level     string     `json:"level"`
	State     string     `json:"state" enum:"draft,open,suspended,closed,stopped,merged"`
	Step      string     `json:"step" doc:"what it waits for"`
	Holder    string     `json:"holder" doc:"whom it waits for"`
	Late      bool       `json:"late"`
	Due       store.Time `json:"due"`
	At        store.Time `json:"at"`
	Closed    store.Time `json:"closedAt"`
	Unit      string     `json:"unit" doc:"in charge"`
	UnitName  string     `json:"unitName"`
	Owner     string     `json:"owner"`
	OwnerName string     `json:"ownerName"`
	Link      string     `json:"link" doc:"page of the entry"`
	Version   int64      `json:"version"`
}

func entryLine(e *Entry, units map[string]string) EntryLine {
	return EntryLine{ID: e.ID, App: e.App, Case: e.Case, Number: e.Number, Title: e.Title, Level: e.Level, State: e.State, Step: e.Step, Holder: e.Holder, Late: e.Late, Due: e.Due,
		At: e.At, Closed: e.Closed, Unit: e.Unit, UnitName: units[e.Unit], Owner: e.Owner, OwnerName: e.OwnerName, Link: link(e.ID), Version: e.Version}
}

// link is the page of an entry.
func link(entry string) string { return "/forms/entries/" + entry }

// EntryRow is a line with the values of the list's columns.
type EntryRow struct {
	EntryLine
	Values map[string]string `json:"values" nullable:"false" doc:"the declared columns as texts, personal data masked"`
}

type listIn struct {
	Key   string   `path:"key" maxLength:"24"`
	State string   `query:"state" enum:",draft,open,suspended,closed,stopped,merged" doc:"all but drafts when empty"`
	Level string   `query:"level" maxLength:"30"`
	Text  string   `query:"text" maxLength:"50" doc:"in the title or the number"`
	Mine  bool     `query:"mine" doc:"only what the caller filed"`
	Late  bool     `query:"late"`
	From  string   `query:"from" doc:"filed on or after, a date" maxLength:"10"`
	To    string   `query:"to" doc:"filed on or before, a date" maxLength:"10"`
	Where []string `query:"where,explode" maxItems:"12" doc:"field:value, field:value|value, or of numbers and dates field:from..to"`
	Sort  string   `query:"sort" maxLength:"41" doc:"a declared field, - before it for descending; newest first when empty"`
	store.Page
}

type listOut struct{ Body store.Listed[EntryRow] }

// query is a list that was asked for, checked against the declaration.
type query struct {
	scope store.Scope
	where []store.Cond
	by    string
	desc  bool
}

func (f *Forms) query(ctx context.Context, c *app.Compiled, in *listIn) (query, error) {
	out := query{by: strings.TrimPrefix(in.Sort, "-"), desc: in.Sort == "" || strings.HasPrefix(in.Sort, "-")}
	var err error
	if out.scope, err = f.scope(ctx, f.db, c.App); err != nil {
		return out, err
	}
	if out.by != "" && !slices.Contains(c.List.Sorts, out.by) {
		return out, errs.New(errs.Invalid, "forms.no_sort", out.by)
	}
	me := authz.From(ctx).Person
	add := func(sql string, args ...any) { out.where = append(out.where, store.C(sql, args...)) }
	switch in.State {
	case stateDraft:
		add("e.state = 'draft' AND e.owner = $1", me)
	case "":
		add("e.state <> 'draft'")
	default:
		add("e.state = $1", in.State)
	}
	if in.Level != "" {
		add("e.level = $1", in.Level)
	}
	if in.Mine {
		add("e.owner = $1", me)
	}
	if in.Late {
		add("(e.late OR e.state = 'open' AND e.due_at > 0 AND e.due_at < $1)", store.At(f.now()))
	}
	if in.Text != "" {
		like := store.Anywhere(in.Text)
		add(`(lower(e.title) LIKE lower($1) ESCAPE '!' OR lower(e.number) LIKE lower($2) ESCAPE '!')`, like, like)
	}
	for _, end := range []struct {
		day, sql string
		plus     int
	}{{in.From, "e.at >= $1", 0}, {in.To, "e.at < $1", 1}} {
		if end.day == "" {
			continue
		}
		t, err := when.ParseDate(end.day)
		if err != nil {
			return out, err
		}
		add(end.sql, store.At(t.AddDate(0, 0, end.plus)))
	}
	for _, w := range in.Where {
		cond, err := f.filter(c, w)
		if err != nil {
			return out, err
		}
		out.where = append(out.where, cond)
	}
	return out, nil
}

// filter reads one condition on a declared field.
func (f *Forms) filter(c *app.Compiled, text string) (store.Cond, error) {
	key, value, ok := strings.Cut(text, ":")
	fd := c.Field(key)
	if !ok || fd == nil || !slices.Contains(c.List.Filters, key) {
		return store.Cond{}, errs.New(errs.Invalid, "forms.no_filter", key)
	}
	if lo, hi, is := strings.Cut(value, ".."); is {
		conds := []store.Cond{}
		for _, end := range []struct {
			text, sql string
			upper     bool
		}{{lo, "x.num >= $1", false}, {hi, "x.num <= $1", true}} {
			if end.text == "" {
				continue
			}
			n, err := number(fd, end.text, end.upper)
			if err != nil {
				return store.Cond{}, err
			}
			conds = append(conds, store.C(end.sql, n))
		}
		return indexed(c.Key, key, store.And(conds...)), nil
	}
	all := strings.Split(value, "|")
	if numeric(fd) {
		var nums []int64
		for _, v := range all {
			n, err := number(fd, v, false)
			if err != nil {
				return store.Cond{}, err
			}
			nums = append(nums, n)
		}
		return indexed(c.Key, key, store.In("x.num", nums)), nil
	}
	var texts []string
	for _, v := range all {
		if fd.Masked() {
			texts = append(texts, f.ring.Indexes("forms_index."+c.Key+"."+key, codes.Normalise(fd.Kind(), v))...)
		} else {
			texts = append(texts, strings.ToLower(v))
		}
	}
	return indexed(c.Key, key, store.In("x.text", texts)), nil
}

func numeric(f *app.Field) bool {
	switch f.Type {
	case app.Num, app.Money, app.Date, app.DateTime, app.Period:
		return true
	case app.Computed:
		return f.Gives != app.Text
	}
	return false
}

// number is a bound as it stands in the index; of a date, as an upper bound, the end of the day.
func number(f *app.Field, text string, upper bool) (int64, error) {
	switch f.Type {
	case app.Date, app.DateTime, app.Period:
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t.UnixMicro(), nil
		}
		t, err := when.ParseDate(text)
		if err != nil {
			return 0, err
		}
		if upper {
			t = t.AddDate(0, 0, 1).Add(-time.Microsecond)
		}
		return t.UnixMicro(), nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n > 1e12 || n < -1e12 {
		return 0, errs.New(errs.Invalid, "web.v.number")
	}
	return int64(math.Round(n * app.Scale)), nil
}

// list lists entries the actor filed or reads.
func (f *Forms) list(ctx context.Context, in *listIn) (*listOut, error) {
	c, err := f.newest(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	q, err := f.query(ctx, c, in)
	if err != nil {
		return nil, err
	}
	all, err := listEntries(ctx, f.db, c.Key, q.scope, q.where, q.by, q.desc, in.Page)
	if err != nil {
		return nil, err
	}
	rows, err := f.rows(ctx, all.Items)
	return &listOut{store.Listed[EntryRow]{Items: rows, Next: all.Next}}, err
}

// newest returns the version of an application its lists are made by: the published one, or the last one of one that
// is retired.
func (f *Forms) newest(ctx context.Context, key string) (*app.Compiled, error) {
	v, err := oneVersion(ctx, f.db, store.C("key = $1 AND state IN ('published', 'retired')", key))
	if err != nil {
		return nil, err
	}
	return f.compile(&v)
}

func (f *Forms) rows(ctx context.Context, all []Entry) ([]EntryRow, error) {
	var units []string
	for _, e := range all {
		units = append(units, e.Unit)
	}
	names, err := f.org.UnitNames(ctx, f.db, units)
	if err != nil {
		return nil, err
	}
	lang := web.From(ctx).Lang
	out := []EntryRow{}
	for i := range all {
		e := &all[i]
		c, err := f.of(ctx, f.db, e)
		if err != nil {
			return nil, err
		}
		data, err := f.open(c, e)
		if err != nil {
			return nil, err
		}
		c.Mask(data)
		row := EntryRow{entryLine(e, names), map[string]string{}}
		for _, key := range c.List.Columns {
			if fd := c.Field(key); fd != nil {
				row.Values[key] = app.Show(fd, data[key], lang)
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// most is how many rows one workbook holds.
const most = 20000

// export writes a list as a workbook.
func (f *Forms) export(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := r.URL.Query()
	in := &listIn{Key: r.PathValue("key"), State: v.Get("state"), Level: v.Get("level"), Text: v.Get("text"), Mine: v.Get("mine") == "true", Late: v.Get("late") == "true",
		From: v.Get("from"), To: v.Get("to"), Where: v["where"], Sort: v.Get("sort")}
	c, err := f.newest(ctx, in.Key)
	if err != nil {
		return err
	}
	q, err := f.query(ctx, c, in)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", `attachment; filename="`+c.Key+`.xlsx"`)
	lang := web.From(ctx).Lang
	x, err := table.NewXLSX(w, c.Title.In(lang))
	if err != nil {
		return err
	}
	fields := shownFields(c.App)
	if err := x.Write(f.head(lang, fields)...); err != nil {
		return err
	}
	n := 0
	in.Page.Limit = 200
	for n < most {
		page, err := listEntries(ctx, f.db, c.Key, q.scope, q.where, q.by, q.desc, in.Page)
		if err != nil {
			return err
		}
		for i := range page.Items {
			if err := f.exportRow(ctx, x, &page.Items[i], fields, lang); err != nil {
				return err
			}
			n++
		}
		if in.Page.After = page.Next; page.Next == "" {
			break
		}
	}
	if err := f.audit.Note(ctx, audit.Entry{Action: "forms.export", Object: "forms_app", ID: c.Key, Title: c.Title.ZH, Subjects: n, Detail: map[string]any{"rows": n, "where": len(in.Where)}}); err != nil {
		return err
	}
	return x.Close()
}

// shownFields are the fields of a declaration that fit a cell.
func shownFields(a *app.App) []*app.Field {
	var out []*app.Field
	for i := range a.Fields {
		if t := a.Fields[i].Type; t != app.Photo && t != app.File && t != app.Signature {
			out = append(out, &a.Fields[i])
		}
	}
	return out
}

func (f *Forms) head(lang string, fields []*app.Field) []any {
	out := []any{}
	for _, k := range []string{"number", "title", "state", "step", "holder", "due", "at", "closed", "owner"} {
		out = append(out, f.words.Text(lang, "forms.col_"+k))
	}
	for _, fd := range fields {
		out = append(out, fd.Title.In(lang))
	}
	return out
}

func (f *Forms) exportRow(ctx context.Context, x table.Writer, e *Entry, fields []*app.Field, lang string) error {
	c, err := f.of(ctx, f.db, e)
	if err != nil {
		return err
	}
	data, err := f.open(c, e)
	if err != nil {
		return err
	}
	c.Mask(data)
	at := func(t store.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.Time
	}
	row := []any{e.Number, e.Title, f.words.Text(lang, "forms.state_"+e.State), e.Step, e.Holder, at(e.Due), at(e.At), at(e.Closed), e.OwnerName}
	for _, fd := range fields {
		row = append(row, app.Cell(fd, data[fd.Key], lang))
	}
	return x.Write(row...)
}
