package signal

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"time"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/notify"
	"qushu/internal/room"
)

// The states of an alarm.
const (
	Raised       = "raised"
	Acknowledged = "acknowledged"
	Shelved      = "shelved"
	Cleared      = "cleared"
)

// storm is how many alarms a person is told of one by one within a minute; of the others he is told once, together.
const storm = 5

// changed writes what a sample has changed: alarms, events, notices and the state, all or nothing.
func (s *Signals) changed(ctx context.Context, l *live, next State, changes []Change) error {
	ctx = room.BySystem(context.WithoutCancel(ctx))
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "signal", l.def.ID); err != nil {
			return err
		}
		for _, c := range changes {
			if err := s.apply(ctx, tx, &l.def, c); err != nil {
				return err
			}
		}
		return saveState(ctx, tx, l.def.Num, next)
	})
	if err == nil {
		s.hint(Hint{Signals: []string{l.def.ID}, Alarms: true})
	}
	return err
}

// apply brings the alarm of a change's kind to where the change has gone.
func (s *Signals) apply(ctx context.Context, tx *store.Tx, x *Signal, c Change) error {
	a, open, err := openAlarm(ctx, tx, x.ID, c.Kind)
	if err != nil {
		return err
	}
	switch {
	case !open && c.To == Normal:
		return nil
	case !open:
		return s.raise(ctx, tx, x, c)
	case c.To == Normal:
		return s.clear(ctx, tx, &a, c)
	}
	worse, beyond := c.To > a.Level, c.To > a.Peak
	a.Cleared, a.ClearedValue = store.Time{}, 0
	a.Level, a.Active, a.Peak = c.To, true, max(a.Peak, c.To)
	if c.Kind == Crossed {
		a.Worst = c.Top
	}
	event := ""
	if worse && (a.State == Acknowledged || a.State == Shelved && beyond) {
		a.State = Raised // who has acknowledged yellow has not acknowledged red, nor has who shelved it
	}
	if worse && a.State == Raised {
		event = "signal.alarm.worse"
	}
	if err := saveAlarm(ctx, tx, &a); err != nil || event == "" {
		return err
	}
	return s.tell(ctx, tx, event, a)
}

func (s *Signals) raise(ctx context.Context, tx *store.Tx, x *Signal, c Change) error {
	a := record{ID: id.New(), Signal: x.ID, Kind: c.Kind, State: Raised, Active: true, Level: c.To, Peak: c.To, Value: c.Value, Worst: c.Value, Rule: x.Rule, Raised: store.At(c.At),
		Unit: x.Unit, Street: x.Street, Owner: x.Owner, Version: 1, Code: x.Code, Name: x.Name, Measure: x.Measure, Decimals: x.Decimals, Room: x.Room, Object: x.Object, Lon: x.Lon, Lat: x.Lat}
	if err := insertAlarm(ctx, tx, &a); err != nil {
		return err
	}
	return s.tell(ctx, tx, "signal.alarm.raised", a)
}

// clear ends an alarm whose reason has gone. A shelved one stays until its end, so that it may come and go unheard.
func (s *Signals) clear(ctx context.Context, tx *store.Tx, a *record, c Change) error {
	a.Active, a.Level, a.Cleared, a.ClearedValue = false, Normal, store.At(c.At), c.Value
	if c.Kind == Crossed {
		a.Worst = c.Top
	}
	if a.State == Shelved {
		return saveAlarm(ctx, tx, a)
	}
	a.State = Cleared
	if err := saveAlarm(ctx, tx, a); err != nil {
		return err
	}
	return s.emit(ctx, tx, "signal.alarm.cleared", *a)
}

func (s *Signals) emit(ctx context.Context, tx *store.Tx, event string, a record) error {
	return s.Bus.Emit(ctx, tx, event, Alarm{ID: a.ID, Signal: a.Signal, Code: a.Code, Name: a.Name, Measure: a.Measure, Kind: string(a.Kind), State: a.State, Level: a.Level.String(), Peak: a.Peak.String(),
		Value: a.Worst, Room: a.Room, Object: a.Object, Unit: a.Unit, Street: a.Street, Owner: a.Owner, Lon: a.Lon, Lat: a.Lat, At: s.Now().UnixMicro()})
}

// tell emits an event and tells the signal's owner, who hears of a storm once.
func (s *Signals) tell(ctx context.Context, tx *store.Tx, event string, a record) error {
	if err := s.emit(ctx, tx, event, a); err != nil || a.Owner == "" {
		return err
	}
	// Locked, so that two signals of one owner do not both think theirs is the last that is told by itself.
	if err := store.Lock(ctx, tx, "signal_owner", a.Owner); err != nil {
		return err
	}
	// By when it was told, not by when it was: a gateway that catches up on a night may bring many at once.
	now := s.Now()
	n, err := store.Value[int](ctx, tx, `SELECT count(*) FROM signal_alarm WHERE owner = $1 AND told_at > $2`, a.Owner, store.At(now.Add(-time.Minute)))
	if err != nil {
		return err
	}
	if err := store.Exec(ctx, tx, `UPDATE signal_alarm SET told_at = $1 WHERE id = $2`, store.At(now), a.ID); err != nil {
		return err
	}
	x := notify.Notice{To: []string{a.Owner}, Kind: notify.Alarm, Key: "signal.told_" + string(a.Kind) + "_" + a.Level.String(), Args: []any{a.Name, number(a.Worst, a.Decimals), a.Measure},
		Link: "/signal/alarms/" + a.ID, Object: "signal_alarm", ID: a.ID}
	switch {
	case n == storm:
		x.Key, x.Args, x.Link = "signal.told_storm", []any{storm}, "/signal"
	case n > storm && a.Level < Red:
		return nil // he is told that there are many, and of each that is red
	}
	return s.Notify.Send(ctx, tx, x)
}

// number writes a value with the decimals of its signal.
func number(v float64, decimals int) string {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// watch finds signals whose source is silent and shelves whose time is over.
func (s *Signals) watch(ctx context.Context) error {
	now := s.Now()
	type row struct {
		id string
	}
	all, err := store.All(ctx, s.DB, func(r *row) []any { return []any{&r.id} }, `SELECT s.id FROM signal s JOIN signal_state t ON t.num = s.num
		WHERE s.retired = FALSE AND t.at > 0 AND CAST(coalesce(s.rule ->> 'stale', '0') AS BIGINT) > 0 AND t.at < $1 - CAST(coalesce(s.rule ->> 'stale', '0') AS BIGINT) * 1000000 AND CAST(coalesce(t.state ->> 'silent', 'false') AS TEXT) NOT IN ('true', '1') LIMIT 5000`, now.UnixMicro())
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := s.hush(ctx, r.id, now); err != nil {
			slog.WarnContext(ctx, "signal: silence not noted", "signal", r.id, "error", err)
		}
	}
	return s.unshelveDue(ctx, now)
}

func (s *Signals) hush(ctx context.Context, id string, now time.Time) error {
	l, err := s.live(ctx, id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.elsewhere(ctx, l); err != nil {
		return err
	}
	next, changes := l.def.Rule.Quiet(l.state, now)
	if len(changes) == 0 {
		return nil
	}
	if err := s.changed(ctx, l, next, changes); err != nil {
		return err
	}
	l.state = next
	return nil
}

// elsewhere takes over a later state that another replica has written.
func (s *Signals) elsewhere(ctx context.Context, l *live) error {
	x, err := find(ctx, s.DB, l.def.ID, store.C("TRUE"))
	if err == nil && x.State.At > l.state.At {
		l.state = x.State
	}
	return err
}

// unshelveDue brings alarms back whose shelf has ended: raised when what they are about still holds, cleared when it does not.
func (s *Signals) unshelveDue(ctx context.Context, now time.Time) error {
	ids, err := store.Column[string](ctx, s.DB, `SELECT id FROM signal_alarm WHERE state = 'shelved' AND shelved_until <= $1 LIMIT 1000`, store.At(now))
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := s.DB.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error {
			a, err := findAlarm(ctx, tx, store.C("a.id = $1", id))
			if err != nil || a.State != Shelved {
				return err
			}
			return s.offShelf(ctx, tx, &a)
		})
		if err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		s.hint(Hint{Alarms: true})
	}
	return nil
}

func (s *Signals) offShelf(ctx context.Context, tx *store.Tx, a *record) error {
	a.Until = store.Time{}
	if !a.Active {
		a.State = Cleared
		if err := saveAlarm(ctx, tx, a); err != nil {
			return err
		}
		return s.emit(ctx, tx, "signal.alarm.cleared", *a)
	}
	a.State = Raised
	if err := saveAlarm(ctx, tx, a); err != nil {
		return err
	}
	return s.tell(ctx, tx, "signal.alarm.raised", *a)
}

func (s *Signals) record(ctx context.Context, tx *store.Tx, action string, a *record, detail map[string]any) error {
	return s.Audit.Record(ctx, tx, audit.Entry{Action: action, Object: "signal_alarm", ID: a.ID, Title: a.Name, Detail: detail})
}
