package signal

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/rule"
	"qushu/internal/base/store"
)

var errDenied = errs.New(errs.Denied, "web.denied", "signal.read")

// Def is what is known of a signal beforehand.
type Def struct {
	Code      string            `json:"code" minLength:"2" maxLength:"80" doc:"unique: letters, digits, dot, dash and underline"`
	Name      string            `json:"name" minLength:"1" maxLength:"80"`
	Measure   string            `json:"measure" maxLength:"20" doc:"unit it is measured in: m, cm, %LEL; empty for a bare number"`
	Cadence   int               `json:"cadence" minimum:"1" maximum:"31536000" doc:"seconds between two samples"`
	Decimals  int               `json:"decimals" required:"false" minimum:"0" maximum:"6"`
	Direction string            `json:"direction" enum:"up,down,band,info" doc:"which way is good: up, down, inside a band; info has no good"`
	Formula   string            `json:"formula" required:"false" maxLength:"1000" doc:"of a derived signal, over the names of inputs; empty for a measured one"`
	Inputs    map[string]string `json:"inputs" required:"false" doc:"name in the formula: code of a signal"`
	Rule      Rule              `json:"rule"`
	Lon       float64           `json:"lon" required:"false" minimum:"-180" maximum:"180" doc:"CGCS2000, degrees; 0, 0 for nowhere"`
	Lat       float64           `json:"lat" required:"false" minimum:"-90" maximum:"90"`

	// What a room says of its own signals.
	Room      string `json:"-"`
	Object    string `json:"-"`
	Link      string `json:"-"`
	Unit      string `json:"-"`
	Street    string `json:"-"`
	Owner     string `json:"-"`
	OwnerName string `json:"-"`
}

// Signal is one row of signal.
type Signal struct {
	ID  string
	Num int64
	Def
	At, Changed store.Time
	Retired     bool
	Version     int64
}

var codePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func invalid(field, key string, args ...any) error {
	return errs.New(errs.Invalid, "web.invalid").With(errs.Field{Name: field, Key: key, Args: args})
}

// check says what cannot be right about a definition.
func (d *Def) check() error {
	d.Name, d.Code = strings.TrimSpace(d.Name), strings.TrimSpace(d.Code)
	switch {
	case !codePattern.MatchString(d.Code):
		return invalid("code", "signal.bad_code")
	case d.Name == "" || !utf8.ValidString(d.Name):
		return invalid("name", "signal.no_name")
	case math.IsNaN(d.Lon) || math.IsNaN(d.Lat):
		return invalid("lon", "signal.bad_place")
	case d.Formula == "" && len(d.Inputs) > 0:
		return invalid("formula", "signal.no_formula")
	}
	if err := d.Rule.Check(); err != nil {
		return err
	}
	if d.Formula == "" {
		return nil
	}
	_, err := d.compile()
	return err
}

// compile makes the formula ready.
func (d *Def) compile() (*rule.Rule, error) {
	env := map[string]rule.Type{}
	for name := range d.Inputs {
		env[name] = rule.Number
	}
	r, err := rule.Compile(d.Formula, env)
	if err == nil && r.Type() != rule.Number && r.Type() != rule.Any {
		err = invalid("formula", "signal.not_number")
	}
	return r, err
}

// depth bounds how derived signals stand on each other.
const depth = 5

// sound makes sure that the inputs of a formula are there and that it does not come back to itself.
func (s *Signals) sound(ctx context.Context, q store.Queryer, d *Def) error {
	codes := func(d *Def) (out []string) {
		for _, c := range d.Inputs {
			out = append(out, c)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	next := codes(d)
	for range depth {
		if len(next) == 0 {
			return nil
		}
		if slices.Contains(next, d.Code) {
			return invalid("inputs", "signal.circle")
		}
		found, err := byCodes(ctx, q, next)
		if err != nil {
			return err
		}
		var below []string
		for _, c := range next {
			x, ok := found[c]
			if !ok {
				return invalid("inputs", "signal.unknown_input", c)
			}
			below = append(below, codes(&x.Def)...)
		}
		slices.Sort(below)
		next = slices.Compact(below)
	}
	if len(next) > 0 {
		return invalid("inputs", "signal.too_deep", depth)
	}
	return nil
}

// Declare makes a room's signal, or brings the one with its code up to date. Lines an administrator has edited since stay unless
// d.Rule differs from what the room declared before: the caller passes what it wants to stand.
func (s *Signals) Declare(ctx context.Context, tx *store.Tx, d Def) (Signal, error) {
	if err := d.check(); err != nil {
		return Signal{}, err
	}
	if err := store.Lock(ctx, tx, "signal", "codes"); err != nil {
		return Signal{}, err
	}
	if err := s.sound(ctx, tx, &d); err != nil {
		return Signal{}, err
	}
	now := store.At(s.Now())
	old, err := byCodes(ctx, tx, []string{d.Code})
	if err != nil {
		return Signal{}, err
	}
	x, ok := old[d.Code]
	if ok && (x.Room != d.Room || x.Object != d.Object) {
		return Signal{}, errs.New(errs.Conflict, "signal.code_taken", d.Code)
	}
	x.Def, x.Changed, x.Retired, x.Version = d, now, false, x.Version+1
	if !ok {
		x.ID, x.At = id.New(), now
		if x.Num, err = store.Value[int64](ctx, tx, `SELECT coalesce(max(num), 0) + 1 FROM signal`); err != nil {
			return x, err
		}
		err = insertSignal(ctx, tx, &x)
	} else {
		err = saveSignal(ctx, tx, &x)
	}
	tx.After(func() { s.forgetLive(x.ID) })
	return x, err
}

// Retire ends the signals of a room's object: what comes in is refused, what is open clears.
func (s *Signals) Retire(ctx context.Context, tx *store.Tx, roomName, object string) error {
	all, err := ofObject(ctx, tx, roomName, object)
	if err != nil {
		return err
	}
	now := store.At(s.Now())
	for _, x := range all {
		if err := store.Exec(ctx, tx, `UPDATE signal SET retired = TRUE, changed_at = $1, version = version + 1 WHERE id = $2`, now, x.ID); err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `UPDATE signal_alarm SET state = 'cleared', active = FALSE, level = 0, cleared_at = $1, version = version + 1 WHERE signal = $2 AND state <> 'cleared'`, now, x.ID); err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `DELETE FROM signal_state WHERE num = $1`, x.Num); err != nil {
			return err
		}
		tx.After(func() { s.forgetLive(x.ID) })
	}
	return nil
}

// Rules returns the rules of a room's object by code, those of retired signals too.
func (s *Signals) Rules(ctx context.Context, q store.Queryer, roomName, object string) (map[string]Rule, error) {
	all, err := ofObject(ctx, q, roomName, object)
	out := map[string]Rule{}
	for _, x := range all {
		out[x.Code] = x.Rule
	}
	return out, err
}

// Seen is a signal with its latest sample.
type Seen struct {
	Signal
	State State
}

// Of returns the signals of a room's objects with their latest samples, by object, retired ones left out.
func (s *Signals) Of(ctx context.Context, q store.Queryer, roomName string, objects []string) (map[string][]Seen, error) {
	out := map[string][]Seen{}
	for part := range slices.Chunk(objects, 200) {
		where := store.And(store.C("s.room = $1 AND s.retired = FALSE", roomName), store.In("s.object", part))
		all, err := listSeen(ctx, q, where)
		if err != nil {
			return nil, err
		}
		for _, x := range all {
			s.overlay(&x)
			out[x.Object] = append(out[x.Object], x)
		}
	}
	return out, nil
}

// overlay puts what this process knows over what rows say.
func (s *Signals) overlay(x *Seen) {
	s.mu.Lock()
	l := s.known[x.ID]
	s.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.At >= x.State.At {
		x.State = l.state
	}
}
