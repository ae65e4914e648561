package signal

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/series"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// Body is a signal as it is shown.
type Body struct {
	ID        string            `json:"id"`
	Code      string            `json:"code"`
	Name      string            `json:"name"`
	Measure   string            `json:"measure" doc:"unit it is measured in"`
	Cadence   int               `json:"cadence" doc:"seconds between two samples"`
	Decimals  int               `json:"decimals"`
	Direction string            `json:"direction" enum:"up,down,band,info"`
	Formula   string            `json:"formula"`
	Inputs    map[string]string `json:"inputs"`
	Rule      Rule              `json:"rule"`
	Lon       float64           `json:"lon"`
	Lat       float64           `json:"lat"`
	Link      string            `json:"link" doc:"page that shows where it comes from, empty for none"`
	Unit      string            `json:"unit"`
	UnitName  string            `json:"unitName"`
	OwnerName string            `json:"ownerName"`
	Value     float64           `json:"value" doc:"of the latest sample"`
	ValueAt   store.Time        `json:"valueAt" doc:"null before the first sample"`
	Level     string            `json:"level" enum:",blue,yellow,orange,red"`
	Silent    bool              `json:"silent"`
	Odd       bool              `json:"odd" doc:"the latest values are none the sensor can have measured"`
	MayDefine bool              `json:"mayDefine"`
	Version   int64             `json:"version"`
}

// Shown is a signal as rooms show it.
func (x *Seen) Shown() Body {
	b := Body{ID: x.ID, Code: x.Code, Name: x.Name, Measure: x.Measure, Cadence: x.Cadence, Decimals: x.Decimals, Direction: x.Direction, Formula: x.Formula, Inputs: x.Inputs, Rule: x.Rule, Lon: x.Lon, Lat: x.Lat,
		Link: x.Link, Unit: x.Unit, OwnerName: x.OwnerName, Value: x.State.Value, Level: x.State.Worst().String(), Silent: x.State.Silent, Odd: x.State.Odd, Version: x.Version}
	if b.Inputs == nil {
		b.Inputs = map[string]string{}
	}
	if x.State.At != 0 {
		b.ValueAt = store.At(time.UnixMicro(x.State.At))
	}
	return b
}

func (s *Signals) bodies(ctx context.Context, all []Seen) ([]Body, error) {
	var units []string
	for _, x := range all {
		units = append(units, x.Unit)
	}
	names, err := s.Names(ctx, s.DB, units)
	out := []Body{}
	for i := range all {
		s.overlay(&all[i])
		b := all[i].Shown()
		b.UnitName, b.MayDefine = names[b.Unit], authz.From(ctx).Can("signal.define")
		out = append(out, b)
	}
	return out, err
}

// cols say whose a signal is.
var cols = authz.Cols{Unit: "s.unit_id", Street: "s.street", Owner: "s.owner"}

type listIn struct {
	store.Page
	Text  string `query:"text" maxLength:"50" doc:"in name or code"`
	Level string `query:"level" enum:"blue,yellow,orange,red" doc:"at least that bad now"`
	Room  string `query:"room" maxLength:"40" doc:"declared by"`
}

type listOut struct{ Body store.Listed[Body] }

func (s *Signals) list(ctx context.Context, in *listIn) (*listOut, error) {
	where := []store.Cond{store.C("s.retired = FALSE")}
	if t := strings.ToLower(strings.TrimSpace(in.Text)); t != "" {
		p := store.Anywhere(t)
		where = append(where, store.C("lower(s.name) LIKE $1 ESCAPE '!' OR lower(s.code) LIKE $2 ESCAPE '!'", p, p))
	}
	if in.Level != "" {
		where = append(where, store.C("t.level >= $1", int64(LevelOf(in.Level))))
	}
	if in.Room != "" {
		where = append(where, store.C("s.room = $1", in.Room))
	}
	all, err := store.List(ctx, s.DB, store.Query[Seen]{Select: `SELECT ` + seenColumns + seenFrom, Scope: authz.WhereCols(ctx, "signal.read", cols), Where: where,
		Keys: []string{"s.code", "s.id"}, Page: in.Page, Scan: scanSeen, Cursor: func(x *Seen) []any { return []any{x.Code, x.ID} }})
	if err != nil {
		return nil, err
	}
	items, err := s.bodies(ctx, all.Items)
	return &listOut{store.Listed[Body]{Items: items, Next: all.Next}}, err
}

// CalibrationLine is one calibration.
type CalibrationLine struct {
	At     store.Time `json:"at"`
	By     string     `json:"byName"`
	Before float64    `json:"before" doc:"what the sensor showed"`
	Truth  float64    `json:"truth" doc:"what was measured beside it"`
	Note   string     `json:"note"`
	Due    store.Time `json:"dueAt" doc:"when the next is due, null for never"`
}

// Full is a signal with its history of calibrations.
type Full struct {
	Body
	Calibrations []CalibrationLine `json:"calibrations" nullable:"false"`
}

type oneIn struct {
	ID string `path:"id" maxLength:"40"`
}

type oneOut struct{ Body Full }

func (s *Signals) get(ctx context.Context, in *oneIn) (*oneOut, error) {
	x, err := find(ctx, s.DB, in.ID, authz.WhereCols(ctx, "signal.read", cols).Cond())
	if err != nil {
		return nil, err
	}
	return s.full(ctx, x)
}

func (s *Signals) full(ctx context.Context, x Seen) (*oneOut, error) {
	all, err := s.bodies(ctx, []Seen{x})
	if err != nil {
		return nil, err
	}
	out := &oneOut{Full{Body: all[0], Calibrations: []CalibrationLine{}}}
	rows, err := store.All(ctx, s.DB, func(c *CalibrationLine) []any { return []any{&c.At, &c.By, &c.Before, &c.Truth, &c.Note, &c.Due} },
		`SELECT at, by_name, before, truth, note, due_at FROM signal_calibration WHERE signal = $1 ORDER BY at DESC LIMIT 20`, x.ID)
	out.Body.Calibrations = append(out.Body.Calibrations, rows...)
	return out, err
}

type defineIn struct{ Body Def }

// define makes a signal of an administrator's: a number entered by a program, or one derived from others.
func (s *Signals) define(ctx context.Context, in *defineIn) (*oneOut, error) {
	me, d := authz.From(ctx), in.Body
	d.Room, d.Unit, d.Street, d.Owner, d.OwnerName = "signal", me.Home, me.Street, me.Person, me.Name
	if d.Unit == "" {
		return nil, errs.New(errs.Denied, "authz.no_post")
	}
	d.Object = d.Code
	var x Signal
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if old, err := byCodes(ctx, tx, []string{d.Code}); err != nil {
			return err
		} else if _, taken := old[d.Code]; taken {
			return invalid("code", "signal.code_taken", d.Code)
		}
		if x, err = s.Declare(ctx, tx, d); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Action: "signal.define", Object: "signal", ID: x.ID, Title: x.Name, Detail: map[string]any{"code": x.Code, "formula": x.Formula}})
	})
	if err != nil {
		return nil, err
	}
	return s.full(ctx, Seen{Signal: x})
}

type ruleIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Rule    Rule   `json:"rule"`
		Why     string `json:"why" minLength:"2" maxLength:"200" doc:"stands in the audit"`
		Version int64  `json:"version"`
	}
}

// putRule changes lines and bounds. What is open is judged by the new ones from the next sample on.
func (s *Signals) putRule(ctx context.Context, in *ruleIn) (*oneOut, error) {
	if err := in.Body.Rule.Check(); err != nil {
		return nil, err
	}
	var x Seen
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if x, err = find(ctx, tx, in.ID, authz.WhereCols(ctx, "signal.define", cols).Cond()); err != nil {
			return err
		}
		if x.Version != in.Body.Version {
			return errs.New(errs.Conflict, "store.changed")
		}
		was := x.Rule
		x.Rule, x.Changed, x.Version = in.Body.Rule, store.At(s.Now()), x.Version+1
		if err := saveSignal(ctx, tx, &x.Signal); err != nil {
			return err
		}
		tx.After(func() { s.forgetLive(x.ID) })
		return s.Audit.Record(ctx, tx, audit.Entry{Action: "signal.rule", Object: "signal", ID: x.ID, Title: x.Name, Purpose: in.Body.Why, Detail: map[string]any{"was": was, "is": x.Rule}})
	})
	if err != nil {
		return nil, err
	}
	return s.full(ctx, x)
}

type calibrateIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Before float64 `json:"before" doc:"what the sensor showed"`
		Truth  float64 `json:"truth" doc:"what was measured beside it"`
		Note   string  `json:"note" maxLength:"500"`
		Months int     `json:"months" minimum:"0" maximum:"120" doc:"until the next is due, 0 for never"`
	}
}

func (s *Signals) calibrate(ctx context.Context, in *calibrateIn) (*oneOut, error) {
	b, me := in.Body, authz.From(ctx)
	if math.IsInf(b.Before, 0) || math.IsInf(b.Truth, 0) {
		return nil, invalid("before", "series.not_a_number")
	}
	x, err := find(ctx, s.DB, in.ID, authz.WhereCols(ctx, "signal.define", cols).Cond())
	if err != nil {
		return nil, err
	}
	now, due := s.Now(), store.Time{}
	if b.Months > 0 {
		due = store.At(now.AddDate(0, b.Months, 0))
	}
	err = s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Exec(ctx, tx, `INSERT INTO signal_calibration (id, signal, before, truth, note, due_at, by_id, by_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			id.New(), x.ID, b.Before, b.Truth, b.Note, due, me.Person, me.Name, store.At(now)); err != nil {
			return err
		}
		return s.Audit.Record(ctx, tx, audit.Entry{Action: "signal.calibrate", Object: "signal", ID: x.ID, Title: x.Name, Detail: map[string]any{"before": b.Before, "truth": b.Truth}})
	})
	if err != nil {
		return nil, err
	}
	return s.full(ctx, x)
}

type chartIn struct {
	ID    string    `path:"id" maxLength:"40"`
	From  time.Time `query:"from" required:"true"`
	Until time.Time `query:"until" required:"true"`
	Width int       `query:"width" minimum:"10" maximum:"4000" default:"600" doc:"points wanted, about"`
}

// Point is one point of a chart.
type Point struct {
	At    store.Time `json:"at" doc:"beginning of its stretch"`
	N     int64      `json:"n" doc:"samples"`
	Mean  float64    `json:"mean"`
	Least float64    `json:"least"`
	Most  float64    `json:"most"`
	Last  float64    `json:"last"`
	P95   float64    `json:"p95" doc:"95th percentile, within one in a hundred of itself"`
}

type chartOut struct {
	Body struct {
		Step   int     `json:"step" doc:"seconds of a point, 0 where each is one sample"`
		Points []Point `json:"points" nullable:"false"`
	}
}

// longest is the longest stretch of a chart.
const longest = 10 * 366 * 24 * time.Hour

func (s *Signals) chart(ctx context.Context, in *chartIn) (*chartOut, error) {
	x, err := find(ctx, s.DB, in.ID, authz.WhereCols(ctx, "signal.read", cols).Cond())
	if err != nil {
		return nil, err
	}
	if !in.From.Before(in.Until) || in.Until.Sub(in.From) > longest {
		return nil, invalid("from", "signal.stretch")
	}
	l, all, err := s.Series.Chart(ctx, x.Num, in.From, in.Until, in.Width)
	if err != nil {
		return nil, err
	}
	out := &chartOut{}
	out.Body.Step, out.Body.Points = int(l.Width()/time.Second), points(all)
	return out, nil
}

func points(all []series.Bucket) []Point {
	out := make([]Point, 0, len(all))
	for i := range all {
		b := &all[i]
		out = append(out, Point{At: store.At(b.At), N: b.N, Mean: b.Mean(), Least: b.Least, Most: b.Most, Last: b.Last, P95: b.Quantile(0.95)})
	}
	return slices.Clip(out)
}
