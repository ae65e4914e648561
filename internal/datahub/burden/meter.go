package burden

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/base/when"
	"qushu/internal/kernel/authz"
)

// Minutes are what was asked and what became of it, in seconds. Asked counts every filling in before the check; of a report that was refused, one filling in.
type Minutes struct {
	Sheets    int64 `json:"sheets" doc:"fillings in that were sent"`
	Done      int64 `json:"done" doc:"submitted"`
	Asked     int64 `json:"askedSeconds"`
	Prefilled int64 `json:"prefilledSeconds" doc:"taken off by data that is held"`
	Shared    int64 `json:"sharedSeconds" doc:"by another's collection"`
	Refused   int64 `json:"refusedSeconds" doc:"by reports and fields that were refused"`
	Left      int64 `json:"leftSeconds" doc:"that stay to be filled in"`
	Actual    int64 `json:"actualSeconds" doc:"measured at the pages of what was submitted"`
	Guess     int64 `json:"guessSeconds" doc:"what had been estimated of the same"`
}

// Metered is one line of the meter.
type Metered struct {
	Key  string `json:"key" doc:"id of the unit or report, or YYYY-MM"`
	Name string `json:"name"`
	Minutes
}

// Meter is the burden by one way of looking at it.
type Meter struct {
	From   string    `json:"from" doc:"YYYY-MM"`
	To     string    `json:"to"`
	Whole  Minutes   `json:"whole"`
	Units  int64     `json:"units" doc:"recipients"`
	Forms  int64     `json:"forms" doc:"reports"`
	Months []Metered `json:"months" nullable:"false"`
	Lines  []Metered `json:"lines" nullable:"false" doc:"by what was asked for, the greatest burden first"`
}

const meterSums = `count(*) FILTER (WHERE m.refused < m.asked), count(*) FILTER (WHERE m.done), CAST(coalesce(sum(m.asked), 0) AS BIGINT), CAST(coalesce(sum(m.prefilled), 0) AS BIGINT), CAST(coalesce(sum(m.shared), 0) AS BIGINT),
	CAST(coalesce(sum(m.refused), 0) AS BIGINT), CAST(coalesce(sum(m.actual) FILTER (WHERE m.done), 0) AS BIGINT), CAST(coalesce(sum(m.asked - m.prefilled - m.shared - m.refused) FILTER (WHERE m.done), 0) AS BIGINT)`

func (m *Minutes) scan() []any {
	return []any{&m.Sheets, &m.Done, &m.Asked, &m.Prefilled, &m.Shared, &m.Refused, &m.Actual, &m.Guess}
}

func (m *Minutes) count() { m.Left = m.Asked - m.Prefilled - m.Shared - m.Refused }

// metered is which lines m of the meter the actor sees: what his unit was asked, what it asked, and what he watches.
func metered(ctx context.Context) store.Cond {
	at := authz.Cols{Unit: "m.unit_id", Street: "m.street"}
	return store.Or(authz.WhereCols(ctx, "burden.watch", at).Cond(), authz.WhereCols(ctx, "burden.check", at).Cond(), authz.WhereCols(ctx, "burden.fill", at).Cond(),
		authz.WhereCols(ctx, "burden.draft", authz.Cols{Unit: "m.sender", Street: "m.sender_street"}).Cond())
}

// groups are the ways to look at the meter: the columns that name a line.
var groups = map[string][2]string{"street": {"m.street_unit", "m.street_name"}, "community": {"m.unit_id", "m.unit_name"}, "sender": {"m.sender", "m.sender_name"}, "report": {"m.report", "m.title"}}

// mostLines bounds the lines of one answer; a street has fewer communities, a year of a district fewer reports.
const mostLines = 1000

type meterIn struct {
	By     string `query:"by" enum:"street,community,sender,report" default:"street"`
	From   string `query:"from" maxLength:"7" doc:"YYYY-MM, the first month of this year when empty"`
	To     string `query:"to" maxLength:"7" doc:"the present month when empty"`
	Street string `query:"street" maxLength:"40" doc:"id of the unit"`
	Unit   string `query:"unit" maxLength:"40" doc:"id of the recipient"`
	Sender string `query:"sender" maxLength:"40"`
	Report string `query:"report" maxLength:"40"`
}
type meterOut struct{ Body Meter }

func (b *Burden) meter(ctx context.Context, in *meterIn) (*meterOut, error) {
	now := b.now().In(when.Zone)
	out := &meterOut{Meter{From: cmp.Or(in.From, now.Format("2006")+"-01"), To: cmp.Or(in.To, now.Format("2006-01")), Months: []Metered{}, Lines: []Metered{}}}
	m := &out.Body
	for _, month := range []string{m.From, m.To} {
		if _, err := when.ParseDate(month + "-01"); err != nil {
			return nil, errs.New(errs.Invalid, "burden.bad_month", month)
		}
	}
	where := []store.Cond{metered(ctx)}
	for _, c := range []struct{ column, value string }{{"m.street_unit", in.Street}, {"m.unit_id", in.Unit}, {"m.sender", in.Sender}, {"m.report", in.Report}} {
		if c.value != "" {
			where = append(where, store.C(c.column+" = $1", c.value))
		}
	}
	within := store.And(append(slices.Clone(where), store.C("m.month >= $1 AND m.month <= $2", m.From, m.To))...)
	var err error
	type whole struct {
		Minutes
		units, forms int64
	}
	w, err := store.One(ctx, b.db, func(w *whole) []any { return append(w.scan(), &w.units, &w.forms) },
		`SELECT `+meterSums+`, count(DISTINCT m.unit_id), count(DISTINCT m.report) FROM burden_meter m WHERE `+within.SQL, within.Args...)
	if err != nil {
		return nil, err
	}
	w.count()
	m.Whole, m.Units, m.Forms = w.Minutes, w.units, w.forms
	last, err := when.ParseDate(m.To + "-01")
	if err != nil {
		return nil, err
	}
	year := store.And(append(slices.Clone(where), store.C("m.month >= $1 AND m.month <= $2", last.AddDate(0, -11, 0).Format("2006-01"), m.To))...)
	scan := func(x *Metered) []any { return append([]any{&x.Key, &x.Name}, x.scan()...) }
	if m.Months, err = store.All(ctx, b.db, scan, `SELECT m.month, '', `+meterSums+` FROM burden_meter m WHERE `+year.SQL+` GROUP BY m.month ORDER BY m.month`, year.Args...); err != nil {
		return nil, err
	}
	by := groups[cmp.Or(in.By, "street")]
	m.Lines, err = store.All(ctx, b.db, scan, `SELECT `+by[0]+`, max(`+by[1]+`), `+meterSums+` FROM burden_meter m WHERE `+within.SQL+` GROUP BY `+by[0]+` ORDER BY `+by[0]+` LIMIT 5000`, within.Args...)
	if err != nil {
		return nil, err
	}
	for _, all := range []*[]Metered{&m.Months, &m.Lines} {
		*all = append([]Metered{}, *all...)
		for i := range *all {
			(*all)[i].count()
		}
	}
	slices.SortStableFunc(m.Lines, func(x, y Metered) int { return cmp.Compare(y.Left, x.Left) })
	m.Lines = m.Lines[:min(len(m.Lines), mostLines)]
	return out, nil
}

// meterXLSX writes the meter as a workbook, in minutes.
func (b *Burden) meterXLSX(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	by := cmp.Or(v.Get("by"), "street")
	if _, ok := groups[by]; !ok {
		return errs.New(errs.Invalid, "burden.bad_month", by)
	}
	out, err := b.meter(ctx, &meterIn{By: by, From: v.Get("from"), To: v.Get("to"), Street: v.Get("street"), Unit: v.Get("unit"), Sender: v.Get("sender"), Report: v.Get("report")})
	if err != nil {
		return err
	}
	lang := web.From(ctx).Lang
	word := func(key string) any { return b.words.Text(lang, "burden.sheet_"+key) }
	x, err := workbook(w, "burden-"+out.Body.From+"-"+out.Body.To+".xlsx", b.words.Text(lang, "burden.sheet_meter"))
	if err != nil {
		return err
	}
	if err := x.Write(word(by), word("sheets"), word("done"), word("asked"), word("prefilled"), word("shared"), word("refused"), word("left"), word("actual"), word("guess")); err != nil {
		return err
	}
	minutes := func(s int64) int64 { return (s + 30) / 60 }
	for _, l := range out.Body.Lines {
		if err := x.Write(l.Name, l.Sheets, l.Done, minutes(l.Asked), minutes(l.Prefilled), minutes(l.Shared), minutes(l.Refused), minutes(l.Left), minutes(l.Actual), minutes(l.Guess)); err != nil {
			return err
		}
	}
	return x.Close()
}

// workbook begins a workbook as an answer.
func workbook(w http.ResponseWriter, name, sheet string) (table.Writer, error) {
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	return table.NewXLSX(w, sheet)
}
