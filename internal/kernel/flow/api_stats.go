package flow

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// Count is one line of the statistics. Of kinds, units and places it counts cases, of steps and persons the tasks that were done.
type Count struct {
	Key      string   `json:"key"`
	Title    string   `json:"title"`
	N        int64    `json:"n" doc:"that ended in the time asked for"`
	OnTime   int64    `json:"onTime" doc:"of them within their limit"`
	Returned int64    `json:"returned" doc:"of cases those that were returned; of steps and persons how often they were sent back to"`
	Punctual *float64 `json:"punctual" doc:"按期率: onTime of n; null where there is none"`
	Rework   *float64 `json:"rework" doc:"返工率: returned of n"`
	Mean     float64  `json:"mean" doc:"seconds from the beginning to the end"`
	Half     float64  `json:"half" doc:"median, within 1 %"`
	Ninth    float64  `json:"ninth" doc:"what nine of ten did not exceed, within 1 %"`
	Open     int64    `json:"open" doc:"在办, now"`
	Overdue  int64    `json:"overdue" doc:"超期, of those"`
}

// StatsIn is what is asked of the statistics.
type StatsIn struct {
	From string `query:"from" maxLength:"10" doc:"a date; the first of this year when empty"`
	To   string `query:"to" maxLength:"10" doc:"a date, that day with it; today when empty"`
	By   string `query:"by" enum:"kind,unit,place,step,person" default:"kind"`
	Kind string `query:"kind" maxLength:"80"`
	Unit string `query:"unit" maxLength:"40"`
}

type countsOut struct {
	Body struct {
		Items []Count `json:"items" nullable:"false" doc:"most first"`
		Total Count   `json:"total"`
		From  string  `json:"from"`
		To    string  `json:"to"`
	}
}

// span reads the days asked for.
func (f *Flow) span(in *StatsIn) (from, until time.Time, err error) {
	now := f.now().In(when.Zone)
	from, until = time.Date(now.Year(), 1, 1, 0, 0, 0, 0, when.Zone), time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, when.Zone)
	if in.From != "" {
		if from, err = when.ParseDate(in.From); err != nil {
			return from, until, needs("from", "web.v.date")
		}
	}
	if in.To != "" {
		if until, err = when.ParseDate(in.To); err != nil {
			return from, until, needs("to", "web.v.date")
		}
	}
	if until.Before(from) {
		return from, until, needs("to", "flow.until_after")
	}
	return from, until.AddDate(0, 0, 1), nil
}

// countAll answers the statistics the caller's supervision reaches, of what ended in a span of days: whole months from the sums, the
// days at its ends from the records themselves.
func (f *Flow) countAll(ctx context.Context, in *StatsIn) (*countsOut, error) {
	from, until, err := f.span(in)
	if err != nil {
		return nil, err
	}
	dim := map[string]string{"kind": dimCase, "unit": dimCase, "place": dimPlace, "step": dimStep, "person": dimPerson}[in.By]
	groups, total := map[string]*sum{}, &sum{}
	group := func(k sumKey) *sum { // nil when it is not asked for
		if in.Kind != "" && k.Kind != in.Kind || in.Unit != "" && k.Unit != in.Unit {
			return nil
		}
		key := k.of(in.By)
		if groups[key] == nil {
			groups[key] = &sum{}
		}
		return groups[key]
	}
	first, last := monthsWithin(from, until, f.now())
	if first <= last {
		where := store.And(store.C("s.dim = $1 AND s.month >= $2 AND s.month <= $3", dim, first, last), authz.WhereCols(ctx, "flow.supervise", authz.Cols{Unit: "s.unit_id", Street: "s.street"}).Cond())
		rows, err := store.All(ctx, f.db, scanSum, `SELECT `+sumColumns+` FROM flow_sum s WHERE `+where.SQL, where.Args...)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if s := group(rows[i].at); s != nil {
				rows[i].into(s)
			}
		}
		notes, err := store.All(ctx, f.db, scanTally, `SELECT `+tallyColumns+` FROM flow_tally s WHERE `+where.SQL, where.Args...)
		if err != nil {
			return nil, err
		}
		for i := range notes {
			if s := group(notes[i].at); s != nil {
				s.add(notes[i].N, notes[i].Late, notes[i].Returned, notes[i].Took)
			}
		}
	}
	for _, end := range ends(from, until, first, last) {
		part, err := f.counts(ctx, f.db, end[0], end[1], []string{dim}, authz.WhereCols(ctx, "flow.supervise", authz.Cols{Unit: "c.unit_id", Street: "c.street"}).Cond())
		if err != nil {
			return nil, err
		}
		for k, s := range part {
			if g := group(k); g != nil {
				g.join(s)
			}
		}
	}
	for _, s := range groups {
		total.join(s)
	}
	return f.told(ctx, in, groups, total, from, until)
}

// of is the line of an answer a figure belongs to.
func (k sumKey) of(by string) string {
	switch by {
	case "kind":
		return k.Kind
	case "unit":
		return k.Unit
	}
	return k.Key
}

// monthsWithin are the first and last whole month of a span; the month that is running counts as whole when the span reaches today.
func monthsWithin(from, until, now time.Time) (first, last int64) {
	a := from.In(when.Zone)
	if a.Day() != 1 {
		a = time.Date(a.Year(), a.Month()+1, 1, 0, 0, 0, 0, when.Zone)
	}
	b := until.In(when.Zone)
	if b.After(now) {
		b = time.Date(b.Year(), b.Month()+1, 1, 0, 0, 0, 0, when.Zone)
		if until.In(when.Zone).Day() == 1 {
			b = until.In(when.Zone)
		}
	}
	b = time.Date(b.Year(), b.Month(), 1, 0, 0, 0, 0, when.Zone).AddDate(0, 0, -1)
	return monthOf(a), monthOf(b)
}

// ends are the days of a span that lie in no whole month of it.
func ends(from, until time.Time, first, last int64) [][2]time.Time {
	if first > last {
		return [][2]time.Time{{from, until}}
	}
	start := time.Date(int(first/100), time.Month(first%100), 1, 0, 0, 0, 0, when.Zone)
	end := time.Date(int(last/100), time.Month(last%100)+1, 1, 0, 0, 0, 0, when.Zone)
	var out [][2]time.Time
	if from.Before(start) {
		out = append(out, [2]time.Time{from, start})
	}
	if end.Before(until) {
		out = append(out, [2]time.Time{end, until})
	}
	return out
}

// told adds what is open now, and names the lines.
func (f *Flow) told(ctx context.Context, in *StatsIn, groups map[string]*sum, total *sum, from, until time.Time) (*countsOut, error) {
	open, err := f.openNow(ctx, in)
	if err != nil {
		return nil, err
	}
	for key := range open {
		if groups[key] == nil {
			groups[key] = &sum{}
		}
	}
	keys := make([]string, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	names, err := f.keyNames(ctx, in.By, keys)
	if err != nil {
		return nil, err
	}
	out := &countsOut{}
	out.Body.Items = []Count{}
	out.Body.From, out.Body.To = when.FormatDate(from), when.FormatDate(until.AddDate(0, 0, -1))
	out.Body.Total = countOf("", "", total)
	for _, key := range keys {
		c := countOf(key, cmp.Or(names[key], key), groups[key])
		c.Open, c.Overdue = open[key].open, open[key].overdue
		if in.By != "step" && in.By != "person" { // several may have one case
			out.Body.Total.Open, out.Body.Total.Overdue = out.Body.Total.Open+c.Open, out.Body.Total.Overdue+c.Overdue
		}
		out.Body.Items = append(out.Body.Items, c)
	}
	slices.SortFunc(out.Body.Items, func(a, b Count) int {
		return cmp.Or(-cmp.Compare(a.N, b.N), -cmp.Compare(a.Open, b.Open), cmp.Compare(a.Title, b.Title))
	})
	return out, nil
}

func countOf(key, title string, s *sum) Count {
	c := Count{Key: key, Title: title, N: s.N, OnTime: s.N - s.Late, Returned: s.Returned, Half: s.quantile(0.5), Ninth: s.quantile(0.9)}
	if s.N > 0 {
		p, r := float64(c.OnTime)/float64(s.N), float64(s.Returned)/float64(s.N)
		c.Punctual, c.Rework, c.Mean = &p, &r, float64(s.Took)/float64(s.N)
	}
	return c
}

type openCount struct{ open, overdue int64 }

// openNow counts what is under way at this moment.
func (f *Flow) openNow(ctx context.Context, in *StatsIn) (map[string]openCount, error) {
	type row struct {
		key string
		n   int64
	}
	where := store.And(store.C("(c.state = 'open' OR c.state = 'suspended')"), authz.WhereCols(ctx, "flow.supervise", authz.Cols{Unit: "c.unit_id", Street: "c.street"}).Cond())
	if in.Kind != "" {
		where = store.And(where, store.C("c.kind = $1", in.Kind))
	}
	if in.Unit != "" {
		where = store.And(where, store.C("c.unit_id = $1", in.Unit))
	}
	from, group, due := `flow_case c`, "c.kind", "c.late OR c.due_at > 0 AND c.due_at < $1"
	switch in.By {
	case "unit":
		group = "c.unit_id"
	case "place":
		group = "c.community"
	case "step":
		from, group, due = `flow_task k JOIN flow_case c ON c.id = k.case_id`, "k.name", "k.due_at > 0 AND k.due_at < $1"
		where = store.And(where, store.C("k.state = 'open' AND k.box = 'do'"))
	case "person":
		from, group, due = `flow_todo t JOIN flow_case c ON c.id = t.case_id`, "t.person", "t.due_at > 0 AND t.due_at < $1"
		where = store.And(where, store.C("t.box = 'do' AND t.for_person = ''"))
	}
	out := map[string]openCount{}
	for i, cond := range []store.Cond{where, store.And(where, store.C(due, store.At(f.now())))} {
		all, err := store.All(ctx, f.db, func(r *row) []any { return []any{&r.key, &r.n} }, `SELECT `+group+`, count(*) FROM `+from+` WHERE `+cond.SQL+` GROUP BY `+group, cond.Args...)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			o := out[r.key]
			if i == 0 {
				o.open = r.n
			} else {
				o.overdue = r.n
			}
			out[r.key] = o
		}
	}
	return out, nil
}

// keyNames are the names of what was counted.
func (f *Flow) keyNames(ctx context.Context, by string, keys []string) (map[string]string, error) {
	out := map[string]string{}
	switch by {
	case "unit":
		return f.org.UnitNames(ctx, f.db, keys)
	case "person":
		known, err := f.org.People(ctx, f.db, keys)
		for id, p := range known {
			out[id] = p.Name
		}
		return out, err
	case "place":
		areas, err := f.org.Areas(ctx, f.db)
		for _, u := range areas {
			out[u.Code] = u.Label()
		}
		out[""] = f.words.Text(web.From(ctx).Lang, "flow.no_place")
		return out, err
	case "kind":
		type def struct{ kind, title string }
		all, err := store.All(ctx, f.db, func(d *def) []any { return []any{&d.kind, &d.title} }, `SELECT kind, title FROM flow_def ORDER BY number`)
		for _, d := range all {
			out[d.kind] = d.title
		}
		return out, err
	}
	return out, nil
}

type behindIn struct {
	StatsIn
	Key   string `query:"key" maxLength:"200" doc:"of the line"`
	State string `query:"state" enum:"closed,late,returned,open,overdue" default:"closed"`
	store.Page
}

// behind lists the cases behind a figure.
func (f *Flow) behind(ctx context.Context, in *behindIn) (*tasksOut, error) {
	from, until, err := f.span(&in.StatsIn)
	if err != nil {
		return nil, err
	}
	now := store.At(f.now())
	scope := authz.WhereCols(ctx, "flow.supervise", authz.Cols{Unit: "c.unit_id", Street: "c.street"})
	var where []store.Cond
	add := func(sql string, args ...any) { where = append(where, store.C(sql, args...)) }
	ended := in.State == "closed" || in.State == "late" || in.State == "returned"
	tasks := in.By == "step" || in.By == "person"
	if in.Kind != "" {
		add("c.kind = $1", in.Kind)
	}
	if in.Unit != "" {
		add("c.unit_id = $1", in.Unit)
	}
	switch in.By {
	case "kind":
		add("c.kind = $1", in.Key)
	case "unit":
		add("c.unit_id = $1", in.Key)
	case "place":
		add("c.community = $1", in.Key)
	}
	switch {
	case tasks && ended:
		of := "k.name"
		if in.By == "person" {
			of = "k.done_by"
		}
		cond := store.C("k.box = 'do' AND k.state = 'done' AND "+of+" = $1 AND k.done_at >= $2 AND k.done_at < $3", in.Key, store.At(from), store.At(until))
		if in.State == "late" {
			cond = store.And(cond, store.C("k.due_at > 0 AND k.done_at > k.due_at"))
		}
		where = append(where, store.Cond{SQL: "EXISTS (SELECT 1 FROM flow_task k WHERE k.case_id = c.id AND " + cond.SQL + ")", Args: cond.Args})
	case tasks:
		cond := store.C("k.name = $1", in.Key)
		if in.By == "person" {
			cond = store.C("EXISTS (SELECT 1 FROM flow_todo t WHERE t.task_id = k.id AND t.person = $1 AND t.for_person = '')", in.Key)
		}
		if in.State == "overdue" {
			cond = store.And(cond, store.C("k.due_at > 0 AND k.due_at < $1", now))
		}
		where = append(where, store.Cond{SQL: "EXISTS (SELECT 1 FROM flow_task k WHERE k.case_id = c.id AND k.state = 'open' AND k.box = 'do' AND " + cond.SQL + ")", Args: cond.Args})
		add("(c.state = 'open' OR c.state = 'suspended')")
	case ended:
		add("c.state = 'closed' AND c.closed_at >= $1 AND c.closed_at < $2", store.At(from), store.At(until))
		if in.State == "late" {
			add("c.late")
		}
		if in.State == "returned" {
			add("c.returned > 0")
		}
	default:
		add("(c.state = 'open' OR c.state = 'suspended')")
		if in.State == "overdue" {
			add("(c.late OR c.due_at > 0 AND c.due_at < $1)", now)
		}
	}
	all, err := store.List(ctx, f.db, store.Query[Line]{Select: `SELECT ` + lineColumns + `, '', '', c.begun_at, c.due_at, TRUE, '', '' FROM flow_case c JOIN flow_def d ON d.id = c.def_id`,
		Scope: scope, Where: where, Desc: true, Page: in.Page, Scan: scanLine, Keys: []string{"c.begun_at", "c.id"}, Cursor: func(l *Line) []any { return []any{l.At, l.Case} }})
	if err != nil {
		return nil, err
	}
	for i := range all.Items {
		f.complete(&all.Items[i], now)
	}
	return &tasksOut{all}, nil
}

// countsXLSX writes the statistics as a workbook.
func (f *Flow) countsXLSX(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	in := &StatsIn{From: v.Get("from"), To: v.Get("to"), By: cmp.Or(v.Get("by"), "kind"), Kind: v.Get("kind"), Unit: v.Get("unit")}
	if !slices.Contains([]string{"kind", "unit", "place", "step", "person"}, in.By) {
		return needs("by", "flow.which_step")
	}
	out, err := f.countAll(ctx, in)
	if err != nil {
		return err
	}
	lang := web.From(ctx).Lang
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", `attachment; filename="cases-`+in.By+`.xlsx"`)
	x, err := table.NewXLSX(w, f.words.Text(lang, "flow.stats_sheet"))
	if err != nil {
		return err
	}
	var head []any
	for _, k := range []string{"title", "n", "ontime", "punctual", "returned", "rework", "mean", "half", "ninth", "open", "overdue"} {
		head = append(head, f.words.Text(lang, "flow.stats_"+k))
	}
	if err := x.Write(head...); err != nil {
		return err
	}
	rate := func(p *float64) any {
		if p == nil {
			return nil
		}
		return *p
	}
	hours := func(s float64) float64 { return float64(int64(s/36+0.5)) / 100 }
	for _, c := range append(out.Body.Items, out.Body.Total) {
		if c.Key == "" && c.Title == "" {
			c.Title = f.words.Text(lang, "flow.stats_total")
		}
		if err := x.Write(c.Title, c.N, c.OnTime, rate(c.Punctual), c.Returned, rate(c.Rework), hours(c.Mean), hours(c.Half), hours(c.Ninth), c.Open, c.Overdue); err != nil {
			return err
		}
	}
	if err := f.audit.Note(ctx, audit.Entry{Action: "flow.export", Object: "flow_stats", ID: in.By, Detail: map[string]any{"from": out.Body.From, "to": out.Body.To, "rows": len(out.Body.Items)}}); err != nil {
		return err
	}
	return x.Close()
}
