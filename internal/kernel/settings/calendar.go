package settings

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// The days off of a year are known when the State Council's notice is out, in the autumn before it. The system administrator
// enters them; until then only weekends are off, and deadlines that reach into the year are reckoned anew afterwards.

// YearDays are the days of one year that are not as their weekday says.
type YearDays struct {
	Year     int               `json:"year"`
	Source   string            `json:"source" enum:"program,entered,missing" doc:"carried by the program, entered here, or not known"`
	Holidays map[string]string `json:"holidays" nullable:"false" doc:"date → name: every day off, the weekend days within a holiday too"`
	Workdays map[string]string `json:"workdays" nullable:"false" doc:"date → name: weekend days that are worked (调休上班)"`
	Version  int64             `json:"version" doc:"to be sent back with a change, 0 where nothing was entered"`
	By       string            `json:"by"`
	At       store.Time        `json:"at"`
	Reason   string            `json:"reason"`
}

// CalendarChanged is emitted with a change: the years that were entered before it, as a calendar file, "" for none.
type CalendarChanged struct {
	ID     string     `json:"id"`
	Year   int        `json:"year"`
	At     store.Time `json:"at"`
	Before string     `json:"before"`
}

// entered is one year of the table.
type entered struct {
	year    int
	body    store.JSON[yearFile]
	version int64
	by      string
	at      store.Time
	reason  string
}

type yearFile struct {
	Holidays map[string]string `json:"holidays"`
	Workdays map[string]string `json:"workdays"`
}

func enteredYears(ctx context.Context, q store.Queryer) ([]entered, error) {
	return store.All(ctx, q, func(e *entered) []any { return []any{&e.year, &e.body, &e.version, &e.by, &e.at, &e.reason} },
		`SELECT year, body, version, changed_by, changed_at, reason FROM settings_calendar ORDER BY year`)
}

// fileOf writes years as a calendar file; "" for none.
func fileOf(years []entered) (string, error) {
	if len(years) == 0 {
		return "", nil
	}
	f := struct {
		Years map[string]yearFile `json:"years"`
	}{map[string]yearFile{}}
	for _, e := range years {
		f.Years[strconv.Itoa(e.year)] = e.body.V
	}
	b, err := json.Marshal(f)
	return string(b), err
}

// CalendarOf is the calendar of the program with the years of a file laid over it; "" adds none.
func CalendarOf(file string) (*when.Calendar, error) {
	c, err := when.Load()
	if err != nil || file == "" {
		return c, err
	}
	over, err := when.Parse([]byte(file))
	if err != nil {
		return nil, err
	}
	return c.Merge(over), nil
}

// Days is the calendar in force.
func (s *Settings) Days() *when.Calendar {
	s.values(context.Background()) // as fresh as every setting
	if h := s.held.Load(); h != nil {
		return h.days
	}
	_, c := s.calendar(context.Background(), nil, nil) // the database has not been read once
	return c
}

// DaysIn is the calendar in force in a transaction: that of Days, unless a year was entered on another replica since this one
// read the settings.
func (s *Settings) DaysIn(ctx context.Context, q store.Queryer) (*when.Calendar, error) {
	epoch, err := store.Value[int64](ctx, q, `SELECT CAST(coalesce(sum(version), 0) AS BIGINT) FROM settings_calendar`)
	if err != nil {
		return nil, err
	}
	days := s.Days()
	h := s.held.Load()
	if h != nil && h.epoch == epoch {
		return days, nil
	}
	years, err := enteredYears(ctx, q)
	if err != nil {
		return nil, err
	}
	_, days = s.calendar(ctx, years, h)
	return days, nil
}

// calendar makes the calendar of a snapshot; old is the one before it.
func (s *Settings) calendar(ctx context.Context, years []entered, old *snapshot) (string, *when.Calendar) {
	file, err := fileOf(years)
	if err == nil && old != nil && old.file == file && old.days != nil {
		return file, old.days
	}
	var c *when.Calendar
	if err == nil {
		c, err = CalendarOf(file)
	}
	if err != nil { // what was checked when it was entered
		slog.ErrorContext(ctx, "the entered workday calendar cannot be read, the one of the program holds", "error", err)
		if c, err = when.Load(); err != nil {
			panic("settings: the calendar inside the program is damaged: " + err.Error())
		}
	}
	return file, c
}

type yearsOut struct {
	Body struct {
		Items []YearDays `json:"items" nullable:"false" doc:"this year and the five before it, and the next; those entered besides"`
	}
}

func (s *Settings) calendarYears(ctx context.Context, _ *struct{}) (*yearsOut, error) {
	all, err := enteredYears(ctx, s.db)
	if err != nil {
		return nil, err
	}
	program, err := when.Load()
	if err != nil {
		return nil, err
	}
	out := &yearsOut{}
	this := s.now().In(when.Zone).Year()
	var years []int
	for y := this - 5; y <= this+1; y++ {
		years = append(years, y)
	}
	for _, e := range all {
		years = append(years, e.year)
	}
	slices.Sort(years)
	for _, y := range slices.Compact(years) {
		d := YearDays{Year: y, Source: "missing"}
		if d.Holidays, d.Workdays = program.Notice(y); len(d.Holidays) > 0 {
			d.Source = "program"
		}
		for _, e := range all {
			if e.year == y {
				d = YearDays{Year: y, Source: "entered", Holidays: e.body.V.Holidays, Workdays: e.body.V.Workdays, Version: e.version, By: e.by, At: e.at, Reason: e.reason}
			}
		}
		if d.Workdays == nil {
			d.Workdays = map[string]string{}
		}
		out.Body.Items = append(out.Body.Items, d)
	}
	return out, nil
}

type putYearIn struct {
	Year int `path:"year" minimum:"1949" maximum:"2200"`
	Body struct {
		Holidays map[string]string `json:"holidays" nullable:"false" maxProperties:"120"`
		Workdays map[string]string `json:"workdays" nullable:"false" maxProperties:"60"`
		Reason   string            `json:"reason" minLength:"2" maxLength:"200" doc:"number and date of the notice"`
		Version  int64             `json:"version"`
	}
}

type putYearOut struct{ Body YearDays }

// putYear enters the days off of a year. The body is checked whole: every date that cannot be is named.
func (s *Settings) putYear(ctx context.Context, in *putYearIn) (*putYearOut, error) {
	b := &in.Body
	e := entered{year: in.Year, version: b.Version + 1, by: authz.From(ctx).Name, at: store.At(s.now()), reason: b.Reason}
	e.body.V = yearFile{b.Holidays, b.Workdays}
	file, err := fileOf([]entered{e})
	if err != nil {
		return nil, err
	}
	if _, err := when.Parse([]byte(file)); err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "settings", "calendar"); err != nil {
			return err
		}
		all, err := enteredYears(ctx, tx)
		if err != nil {
			return err
		}
		before, err := fileOf(all)
		if err != nil {
			return err
		}
		var old entered
		for _, o := range all {
			if o.year == in.Year {
				old = o
			}
		}
		if old.version != b.Version {
			return errs.New(errs.Conflict, "settings.calendar_changed", in.Year, old.by)
		}
		if err := store.Exec(ctx, tx, `INSERT INTO settings_calendar (year, body, version, changed_by, changed_at, reason) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (year) DO UPDATE SET body = excluded.body, version = excluded.version, changed_by = excluded.changed_by, changed_at = excluded.changed_at, reason = excluded.reason`,
			e.year, e.body, e.version, e.by, e.at, e.reason); err != nil {
			return err
		}
		tx.After(func() { s.gen.Add(1) })
		if err := s.bus.Emit(ctx, tx, "settings.calendar", CalendarChanged{id.New(), in.Year, e.at, before}); err != nil {
			return err
		}
		return s.log.Record(ctx, tx, audit.Entry{Action: "settings.calendar", Object: "settings_calendar", ID: strconv.Itoa(in.Year), Title: strconv.Itoa(in.Year), Purpose: b.Reason,
			Detail: map[string]any{"holidays": len(b.Holidays), "workdays": len(b.Workdays)}})
	})
	if err != nil {
		return nil, err
	}
	return &putYearOut{YearDays{Year: e.year, Source: "entered", Holidays: b.Holidays, Workdays: b.Workdays, Version: e.version, By: e.by, At: e.at, Reason: e.reason}}, nil
}
