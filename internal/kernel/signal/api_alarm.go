package signal

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/notify"
)

// AlarmLine is an alarm in a list.
type AlarmLine struct {
	ID          string     `json:"id"`
	Signal      string     `json:"signal"`
	Code        string     `json:"code"`
	Name        string     `json:"name"`
	Measure     string     `json:"measure"`
	Decimals    int        `json:"decimals"`
	Kind        Kind       `json:"kind" enum:"level,rate,odd,silent"`
	State       string     `json:"state" enum:"raised,acknowledged,shelved,cleared"`
	Active      bool       `json:"active" doc:"what it is about still holds"`
	Level       string     `json:"level" enum:",blue,yellow,orange,red" doc:"now"`
	Peak        string     `json:"peak" enum:"blue,yellow,orange,red" doc:"gravest so far"`
	Value       float64    `json:"value" doc:"at which it was raised"`
	Worst       float64    `json:"worst"`
	RaisedAt    store.Time `json:"raisedAt"`
	AckedAt     store.Time `json:"ackedAt"`
	AckedBy     string     `json:"ackedBy"`
	Note        string     `json:"note"`
	Until       store.Time `json:"shelvedUntil"`
	ShelvedBy   string     `json:"shelvedBy"`
	ShelvedWhy  string     `json:"shelvedWhy"`
	ClearedAt   store.Time `json:"clearedAt"`
	Useless     int64      `json:"useless" doc:"votes that it was of no use"`
	Link        string     `json:"link"`
	UnitName    string     `json:"unitName"`
	MayHandle   bool       `json:"mayHandle"`
	Version     int64      `json:"version"`
	Line        *float64   `json:"line" doc:"that was crossed, null where there is none"`
	LineUpwards bool       `json:"lineUpwards"`
}

func alarmLine(r *record) AlarmLine {
	l := AlarmLine{ID: r.ID, Signal: r.Signal, Code: r.Code, Name: r.Name, Measure: r.Measure, Decimals: r.Decimals, Kind: r.Kind, State: r.State, Active: r.Active, Level: r.Level.String(), Peak: r.Peak.String(),
		Value: r.Value, Worst: r.Worst, RaisedAt: r.Raised, AckedAt: r.Acked, AckedBy: r.AckedName, Note: r.Note, Until: r.Until, ShelvedBy: r.ShelvedName, ShelvedWhy: r.ShelvedWhy, ClearedAt: r.Cleared,
		Useless: r.Useless, Link: r.Link, Version: r.Version}
	if r.Kind == Crossed {
		if line, up, ok := r.Rule.line(r.Peak, r.Worst); ok {
			l.Line, l.LineUpwards = &line, up
		}
	}
	return l
}

// alarmCols say whose an alarm is.
var alarmCols = authz.Cols{Unit: "a.unit_id", Street: "a.street", Owner: "a.owner"}

type alarmsIn struct {
	store.Page
	View  string `query:"view" enum:"open,mine,shelved,cleared,all" default:"open" doc:"open: raised or acknowledged"`
	Level string `query:"level" enum:"blue,yellow,orange,red" doc:"at least that grave at its gravest"`
	Room  string `query:"room" maxLength:"40"`
	Text  string `query:"text" maxLength:"50"`
}

type alarmsOut struct{ Body store.Listed[AlarmLine] }

func (s *Signals) alarms(ctx context.Context, in *alarmsIn) (*alarmsOut, error) {
	var where []store.Cond
	switch in.View {
	case "open", "":
		where = append(where, store.C("a.state IN ('raised', 'acknowledged')"))
	case "mine":
		where = append(where, store.C("a.state IN ('raised', 'acknowledged') AND a.owner = $1", authz.From(ctx).Person))
	case "shelved", "cleared":
		where = append(where, store.C("a.state = $1", in.View))
	}
	if in.Level != "" {
		where = append(where, store.C("a.peak >= $1", int64(LevelOf(in.Level))))
	}
	if in.Room != "" {
		where = append(where, store.C("s.room = $1", in.Room))
	}
	if t := strings.ToLower(strings.TrimSpace(in.Text)); t != "" {
		p := store.Anywhere(t)
		where = append(where, store.C("lower(s.name) LIKE $1 ESCAPE '!' OR lower(s.code) LIKE $2 ESCAPE '!'", p, p))
	}
	all, err := store.List(ctx, s.DB, store.Query[record]{Select: `SELECT ` + recordColumns + recordFrom, Scope: authz.WhereCols(ctx, "signal.read", alarmCols), Where: where,
		Keys: []string{"a.raised_at", "a.id"}, Desc: true, Page: in.Page, Scan: scanRecord, Cursor: func(r *record) []any { return []any{r.Raised, r.ID} }})
	if err != nil {
		return nil, err
	}
	items, err := s.alarmLines(ctx, all.Items)
	return &alarmsOut{store.Listed[AlarmLine]{Items: items, Next: all.Next}}, err
}

// worst puts the farthest value so far into an alarm whose line is still crossed: rows know it as of the last change.
func (s *Signals) worst(r *record) {
	if r.Kind != Crossed || !r.Active {
		return
	}
	x := Seen{Signal: Signal{ID: r.Signal}, State: r.now}
	s.overlay(&x)
	if x.State.Level > Normal && farther(r.Rule, r.Peak, x.State.Top, r.Worst) {
		r.Worst = x.State.Top
	}
}

func (s *Signals) alarmLines(ctx context.Context, all []record) ([]AlarmLine, error) {
	var units []string
	for _, r := range all {
		units = append(units, r.Unit)
	}
	names, err := s.Names(ctx, s.DB, units)
	out := []AlarmLine{}
	for i := range all {
		s.worst(&all[i])
		l := alarmLine(&all[i])
		l.UnitName, l.MayHandle = names[all[i].Unit], authz.From(ctx).Can("signal.handle")
		out = append(out, l)
	}
	return out, err
}

type countOut struct {
	Body struct {
		Raised       int64 `json:"raised" doc:"that nobody has acknowledged"`
		Acknowledged int64 `json:"acknowledged"`
		Shelved      int64 `json:"shelved"`
		Red          int64 `json:"red" doc:"open ones by level"`
		Orange       int64 `json:"orange"`
		Yellow       int64 `json:"yellow"`
		Blue         int64 `json:"blue"`
	}
}

func (s *Signals) count(ctx context.Context, _ *struct{}) (*countOut, error) {
	where := store.And(store.C("a.state <> 'cleared'"), authz.WhereCols(ctx, "signal.read", alarmCols).Cond())
	type row struct {
		state string
		level Level
		n     int64
	}
	all, err := store.All(ctx, s.DB, func(r *row) []any { return []any{&r.state, &r.level, &r.n} }, `SELECT a.state, a.level, count(*) FROM signal_alarm a WHERE `+where.SQL+` GROUP BY a.state, a.level`, where.Args...)
	out := &countOut{}
	b := &out.Body
	for _, r := range all {
		switch r.state {
		case Raised:
			b.Raised += r.n
		case Acknowledged:
			b.Acknowledged += r.n
		default:
			b.Shelved += r.n
			continue
		}
		*[...]*int64{new(int64), &b.Blue, &b.Yellow, &b.Orange, &b.Red}[r.level] += r.n
	}
	return out, err
}

// VoteLine is somebody's word that an alarm was of no use.
type VoteLine struct {
	Name string     `json:"name"`
	Why  string     `json:"why"`
	At   store.Time `json:"at"`
}

// AlarmFull is an alarm with what it stands on: its rule, its data and the last outcomes of its like.
type AlarmFull struct {
	AlarmLine
	Rule      Rule        `json:"rule" doc:"as it was when it was raised"`
	Owner     string      `json:"ownerName"`
	ChartFrom store.Time  `json:"chartFrom" doc:"the data that led to it begins here"`
	ChartTo   store.Time  `json:"chartTo"`
	Before    []AlarmLine `json:"before" nullable:"false" doc:"the last ten of this signal and kind before it"`
	Votes     []VoteLine  `json:"votes" nullable:"false"`
	Voted     bool        `json:"voted" doc:"by the reader"`
}

type alarmOut struct{ Body AlarmFull }

func (s *Signals) alarm(ctx context.Context, in *oneIn) (*alarmOut, error) {
	r, err := findAlarm(ctx, s.DB, store.And(store.C("a.id = $1", in.ID), authz.WhereCols(ctx, "signal.read", alarmCols).Cond()))
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, r)
}

func (s *Signals) shown(ctx context.Context, r record) (*alarmOut, error) {
	before, err := store.All(ctx, s.DB, scanRecord, `SELECT `+recordColumns+recordFrom+` WHERE a.signal = $1 AND a.kind = $2 AND a.id <> $3 AND a.raised_at <= $4 ORDER BY a.raised_at DESC, a.id DESC LIMIT 10`,
		r.Signal, string(r.Kind), r.ID, r.Raised)
	if err != nil {
		return nil, err
	}
	lines, err := s.alarmLines(ctx, append([]record{r}, before...))
	if err != nil {
		return nil, err
	}
	x, err := find(ctx, s.DB, r.Signal, store.C("TRUE"))
	if err != nil {
		return nil, err
	}
	type vote struct {
		VoteLine
		person string
	}
	votes, err := store.All(ctx, s.DB, func(v *vote) []any { return []any{&v.Name, &v.Why, &v.At, &v.person} }, `SELECT name, why, at, person FROM signal_vote WHERE alarm = $1 ORDER BY at`, r.ID)
	out := &alarmOut{AlarmFull{AlarmLine: lines[0], Rule: r.Rule, Owner: x.OwnerName, Before: lines[1:], Votes: []VoteLine{}}}
	b := &out.Body
	for _, v := range votes {
		b.Votes, b.Voted = append(b.Votes, v.VoteLine), b.Voted || v.person == authz.From(ctx).Person
	}
	lead := max(30*time.Duration(x.Cadence)*time.Second, 2*time.Hour)
	b.ChartFrom, b.ChartTo = store.At(r.Raised.Add(-lead)), store.At(s.Now())
	if r.State == Cleared && !r.Cleared.IsZero() {
		b.ChartTo = store.At(r.Cleared.Add(lead / 4))
	}
	return out, err
}

// handled opens an alarm for a deed in tx.
func (s *Signals) handled(ctx context.Context, tx *store.Tx, id string, version int64) (record, error) {
	r, err := findAlarm(ctx, tx, store.And(store.C("a.id = $1", id), authz.WhereCols(ctx, "signal.handle", alarmCols).Cond()))
	if err != nil {
		return r, err
	}
	if err := store.Lock(ctx, tx, "signal", r.Signal); err != nil {
		return r, err
	}
	if r, err = findAlarm(ctx, tx, store.C("a.id = $1", id)); err != nil {
		return r, err
	}
	if r.Version != version {
		return r, errs.New(errs.Conflict, "signal.moved_on")
	}
	return r, nil
}

type ackIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Note    string `json:"note" required:"false" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

// acknowledge says that somebody has taken an alarm on.
func (s *Signals) acknowledge(ctx context.Context, in *ackIn) (*alarmOut, error) {
	return s.deed(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, r *record) error {
		if r.State != Raised {
			return errs.New(errs.Conflict, "signal.not_raised")
		}
		me := authz.From(ctx)
		r.State, r.Acked, r.AckedBy, r.AckedName, r.Note = Acknowledged, store.At(s.Now()), me.Person, me.Name, strings.TrimSpace(in.Body.Note)
		if err := saveAlarm(ctx, tx, r); err != nil {
			return err
		}
		if err := s.emit(ctx, tx, "signal.alarm.acknowledged", *r); err != nil {
			return err
		}
		return s.record(ctx, tx, "signal.acknowledge", r, nil)
	})
}

func (s *Signals) deed(ctx context.Context, id string, version int64, fn func(context.Context, *store.Tx, *record) error) (*alarmOut, error) {
	var r record
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if r, err = s.handled(ctx, tx, id, version); err != nil {
			return err
		}
		return fn(ctx, tx, &r)
	})
	if err != nil {
		return nil, err
	}
	s.hint(Hint{Alarms: true})
	return s.shown(ctx, r)
}

type shelveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Minutes int    `json:"minutes" minimum:"5" maximum:"43200" doc:"at most thirty days"`
		Why     string `json:"why" minLength:"2" maxLength:"200"`
		Version int64  `json:"version"`
	}
}

// shelve puts an alarm away for a time and a reason; it comes back at the end, or at once when it gets worse.
func (s *Signals) shelve(ctx context.Context, in *shelveIn) (*alarmOut, error) {
	return s.deed(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, r *record) error {
		if r.State != Raised && r.State != Acknowledged {
			return errs.New(errs.Conflict, "signal.not_open")
		}
		me := authz.From(ctx)
		r.State, r.Until, r.ShelvedBy, r.ShelvedName, r.ShelvedWhy = Shelved, store.At(s.Now().Add(time.Duration(in.Body.Minutes)*time.Minute)), me.Person, me.Name, strings.TrimSpace(in.Body.Why)
		if err := saveAlarm(ctx, tx, r); err != nil {
			return err
		}
		if err := s.emit(ctx, tx, "signal.alarm.shelved", *r); err != nil {
			return err
		}
		return s.record(ctx, tx, "signal.shelve", r, map[string]any{"minutes": in.Body.Minutes, "why": r.ShelvedWhy})
	})
}

type unshelveIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Version int64 `json:"version"`
	}
}

func (s *Signals) unshelve(ctx context.Context, in *unshelveIn) (*alarmOut, error) {
	return s.deed(ctx, in.ID, in.Body.Version, func(ctx context.Context, tx *store.Tx, r *record) error {
		if r.State != Shelved {
			return errs.New(errs.Conflict, "signal.not_shelved")
		}
		if err := s.offShelf(ctx, tx, r); err != nil {
			return err
		}
		return s.record(ctx, tx, "signal.unshelve", r, nil)
	})
}

type voteIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Why string `json:"why" minLength:"2" maxLength:"200" doc:"why it was of no use"`
	}
}

// vote says that an alarm was of no use; the signal's owner is told, and mends its rule or its sensor.
func (s *Signals) vote(ctx context.Context, in *voteIn) (*alarmOut, error) {
	me, why := authz.From(ctx), strings.TrimSpace(in.Body.Why)
	var r record
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if r, err = findAlarm(ctx, tx, store.And(store.C("a.id = $1", in.ID), authz.WhereCols(ctx, "signal.read", alarmCols).Cond())); err != nil {
			return err
		}
		err = store.Exec(ctx, tx, `INSERT INTO signal_vote (alarm, person, name, why, at) VALUES ($1, $2, $3, $4, $5)`, r.ID, me.Person, me.Name, why, store.At(s.Now()))
		if store.IsDuplicate(err) {
			return errs.New(errs.Conflict, "signal.voted")
		}
		if err != nil {
			return err
		}
		if err := store.Exec(ctx, tx, `UPDATE signal_alarm SET useless = useless + 1 WHERE id = $1`, r.ID); err != nil {
			return err
		}
		r.Useless++
		if r.Owner != "" {
			if err := s.Notify.Send(ctx, tx, notify.Notice{To: []string{r.Owner}, Key: "signal.told_useless", Args: []any{me.Name, r.Name, why}, Link: "/signal/alarms/" + r.ID, Object: "signal_alarm", ID: r.ID}); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, "signal.vote", &r, map[string]any{"why": why})
	})
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, r)
}
