// Package history tells what a year of the district's work would have been: who filed what when, and what each of those
// it came to did about it. It knows the declared applications by their keys and fields, and no database; `qushu demo`
// plays it through the doors real work comes by, with a clock of its own. The same seed gives the same year. Every person,
// telephone number and event in it is fictional.
package history

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"qushu/internal/base/when"
	"qushu/simulate/district"
)

// Player is somebody who works with the applications. Roles are keys of theirs.
type Player struct {
	StaffNo string
	Roles   []string
}

// Matter is one entry of an application and what becomes of it.
type Matter struct {
	App  string
	Who  string // staff number of who files it
	At   time.Time
	Data Form
	// Step is what is done when the case comes to a step: it is asked once for each task, with the moment the task began.
	Step func(node string, began time.Time) Deed
}

// Deed is how a task is finished.
type Deed struct {
	At                       time.Time
	Who                      string // staff number; of those who have the task the first when ""
	Verb                     string // submit when ""
	Outcome, Opinion, Reason string
	Data                     Form
	To                       []string // staff numbers of those chosen for a later step
}

// Form is what is filled in. Text values may stand for what only the installation knows: $unit(KEY), $person(STAFFNO),
// $res(APP/KEY), $photo(WORDS), $paper(TITLE).
type Form map[string]any

// JSON is the form as it is sent.
func (f Form) JSON() string {
	if f == nil {
		return "{}"
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("history: a form is not plain data: %v", err)) // maps of text, numbers and lists
	}
	return string(b)
}

// Year is a year of work, in order of time.
type Year struct {
	Players []Player
	Matters []Matter
}

// Options say which year.
type Options struct {
	Matters     int // about how many
	From, Until time.Time
	Seed        uint64
}

// year is one being told.
type year struct {
	d       *district.District
	rng     *rand.Rand
	days    *when.Calendar
	opt     Options
	players map[string][]string // staff number → roles
	order   []string
	streets []street
	clerks  []string // staff numbers of officials who file what offices need
	desk    map[string][]string
	out     []Matter
	booked  map[string][][2]time.Time // resource → intervals taken
}

// street is who deals with disputes in one.
type street struct {
	key, centre string
	mediators   []string
	spots       []spot
}

// spot is a community with its grid worker.
type spot struct{ key, name, grid string }

// Tell makes the year.
func Tell(d *district.District, opt Options) (Year, error) {
	days, err := when.Load()
	if err != nil {
		return Year{}, err
	}
	y := &year{d: d, rng: rand.New(rand.NewPCG(opt.Seed, 7)), days: days, opt: opt, players: map[string][]string{}, desk: map[string][]string{}, booked: map[string][][2]time.Time{}}
	if err := y.cast(); err != nil {
		return Year{}, err
	}
	for _, s := range []struct {
		share int // of a thousand
		tell  func(at time.Time) Matter
	}{{230, y.dispute}, {160, y.repair}, {120, y.vehicle}, {130, y.meeting}, {80, y.supplies}, {70, y.canteen}, {75, y.visitor}, {40, y.party}, {25, y.lawday}, {40, y.advice}, {20, y.archive}, {10, y.review}} {
		n := opt.Matters * s.share / 1000
		if opt.Matters > 0 {
			n = max(n, 1)
		}
		for i := range n {
			y.out = append(y.out, s.tell(y.when(i, n)))
		}
	}
	slices.SortStableFunc(y.out, func(a, b Matter) int { return a.At.Compare(b.At) })
	out := Year{Matters: y.out}
	for _, no := range y.order {
		out.Players = append(out.Players, Player{no, y.players[no]})
	}
	return out, nil
}

// cast chooses who works with the applications.
func (y *year) cast() error {
	member := func(unit string, n int, roles ...string) (string, error) {
		in := y.d.In(unit)
		if len(in) == 0 {
			return "", fmt.Errorf("history: nobody works at %s", unit)
		}
		no := in[min(n, len(in)-1)].StaffNo
		y.play(no, roles...)
		return no, nil
	}
	var err error
	take := func(into *string, unit string, n int, roles ...string) {
		if err == nil {
			*into, err = member(unit, n, roles...)
		}
	}
	for _, u := range y.d.Units {
		if u.Kind != district.KindStreet || u.ManagedBy != "" {
			continue
		}
		s := street{key: u.Key, mediators: make([]string, 2)}
		take(&s.centre, u.Key, 7, "dispute_centre")
		take(&s.mediators[0], u.Key, 9, "dispute_mediator")
		take(&s.mediators[1], u.Key, 8, "dispute_mediator")
		if lead, ok := y.d.Leader(u.Key); ok {
			y.play(lead.StaffNo)
		}
		for _, c := range y.d.Units {
			if c.Parent == u.Key && c.Kind == district.KindCommunity && len(s.spots) < 2 {
				p := spot{key: c.Key, name: c.Short}
				take(&p.grid, c.Key, 8, "dispute_registrar")
				s.spots = append(s.spots, p)
			}
		}
		y.streets = append(y.streets, s)
	}
	for _, dep := range []string{"WB", "ZB", "XC", "FG", "JX", "ED", "MZ", "SF", "CZ", "RS", "CG", "SW", "WL", "WJ", "YJ", "SJ", "YB", "SP"} {
		var clerk string
		take(&clerk, dep+"-1", 3, "partystudy_secretary")
		y.clerks = append(y.clerks, clerk)
		if lead, ok := y.d.Leader(dep); ok {
			y.play(lead.StaffNo)
		}
	}
	for role, at := range map[string][2]any{"partystudy_office": {"ZZ-3", 2}, "lawday_office": {"SF-4", 2}, "legaladvice_clerk": {"SF-6", 2}, "legaladvice_counsel": {"SF-3", 1}, "archive_head": {"WB-7", 0}, "vehicle_driver": {"ZB-52", 6}} {
		var no string
		take(&no, at[0].(string), at[1].(int), role)
		y.desk[role] = []string{no}
	}
	for n := range 3 {
		var no string
		take(&no, "JX-5", n+1, "itreview_expert")
		y.desk["itreview_expert"] = append(y.desk["itreview_expert"], no)
	}
	slices.Sort(y.order) // a map has no order, a year has
	return err
}

func (y *year) play(no string, roles ...string) {
	if _, ok := y.players[no]; !ok {
		y.order = append(y.order, no)
		y.players[no] = nil
	}
	for _, r := range roles {
		if !slices.Contains(y.players[no], r) {
			y.players[no] = append(y.players[no], r)
		}
	}
}

// when is the moment the i-th of n is filed: spread over the year, in office hours.
func (y *year) when(i, n int) time.Time {
	span := y.opt.Until.Sub(y.opt.From)
	at := y.opt.From.Add(span * time.Duration(i) / time.Duration(n)).Add(time.Duration(y.rng.Int64N(int64(span)/int64(n) + 1)))
	return y.office(at)
}

// office is the next moment in office hours, at some minute of them.
func (y *year) office(t time.Time) time.Time {
	t = t.In(when.Zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, when.Zone)
	for !y.days.IsWorkday(day) || t.After(day.Add(17*time.Hour)) {
		day = day.AddDate(0, 0, 1)
		t = day
	}
	if t.Before(day.Add(8*time.Hour + 30*time.Minute)) {
		t = day.Add(8*time.Hour + 30*time.Minute).Add(y.upTo(3 * time.Hour))
	}
	return t.Add(y.upTo(20 * time.Minute))
}

// after is a moment some hours of work later: about that many, now and then three times as many.
func (y *year) after(t time.Time, hours float64) time.Time {
	h := hours * (0.4 + 1.1*y.rng.Float64())
	if y.rng.IntN(12) == 0 {
		h *= 3
	}
	return y.days.Add(y.office(t), time.Duration(h*float64(time.Hour)), when.WorkHour).Add(y.upTo(9 * time.Minute))
}

// soon is after, for what cannot wait for the next morning: hours by the clock, on duty days and others.
func (y *year) soon(t time.Time, hours float64) time.Time {
	return t.Add(time.Duration(hours * (0.4 + 1.2*y.rng.Float64()) * float64(time.Hour))).Add(y.upTo(5 * time.Minute))
}

func (y *year) upTo(d time.Duration) time.Duration { return time.Duration(y.rng.Int64N(int64(d))) }

// one picks.
func one[T any](y *year, all ...T) T { return all[y.rng.IntN(len(all))] }

// often is true in so many of a hundred.
func (y *year) often(percent int) bool { return y.rng.IntN(100) < percent }

// rating is mostly good.
func (y *year) rating() string {
	switch n := y.rng.IntN(100); {
	case n < 82:
		return "good"
	case n < 96:
		return "fair"
	}
	return "bad"
}

func (y *year) phone() string { return fmt.Sprintf("15400%06d", y.rng.IntN(1_000_000)) }

// fen is yuan in the smallest unit, as forms keep money.
func fen(yuan int) int { return yuan * 100 }

func date(t time.Time) string { return when.FormatDate(t) }

func moment(t time.Time) string { return t.In(when.Zone).Format(time.RFC3339) }

func period(from, until time.Time) Form {
	return Form{"from": moment(from), "until": moment(until)}
}

// book finds an hour on a workday some days ahead at which one of the resources is free, and takes it. ok is false where all are taken.
func (y *year) book(at time.Time, length time.Duration, of ...string) (res string, from, until time.Time, ok bool) {
	for try := range 12 {
		day := at.In(when.Zone).AddDate(0, 0, 1+y.rng.IntN(3)+try/4)
		from = time.Date(day.Year(), day.Month(), day.Day(), one(y, 9, 10, 14, 15), one(y, 0, 30), 0, 0, when.Zone)
		if !y.days.IsWorkday(from) {
			continue
		}
		until = from.Add(length)
		res = one(y, of...)
		if !slices.ContainsFunc(y.booked[res], func(b [2]time.Time) bool { return from.Before(b[1]) && b[0].Before(until) }) {
			y.booked[res] = append(y.booked[res], [2]time.Time{from, until})
			return res, from, until, true
		}
	}
	return "", from, until, false
}
