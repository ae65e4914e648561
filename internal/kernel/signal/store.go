package signal

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

const columns = `s.id, s.num, s.code, s.name, s.measure, s.room, s.object, s.link, s.formula, s.inputs, s.cadence, s.decimals, s.direction, s.rule, s.lon, s.lat,
	s.unit_id, s.street, s.owner, s.owner_name, s.at, s.changed_at, s.retired, s.version`

func scan(x *Signal) []any {
	return []any{&x.ID, &x.Num, &x.Code, &x.Name, &x.Measure, &x.Room, &x.Object, &x.Link, &x.Formula, store.Into[map[string]string]{To: &x.Inputs}, &x.Cadence, &x.Decimals, &x.Direction,
		store.Into[Rule]{To: &x.Rule}, &x.Lon, &x.Lat, &x.Unit, &x.Street, &x.Owner, &x.OwnerName, &x.At, &x.Changed, &x.Retired, &x.Version}
}

const seenColumns = columns + `, coalesce(CAST(t.state AS TEXT), '{}')`

const seenFrom = ` FROM signal s LEFT JOIN signal_state t ON t.num = s.num`

func scanSeen(x *Seen) []any { return append(scan(&x.Signal), store.Into[State]{To: &x.State}) }

func find(ctx context.Context, q store.Queryer, id string, scope store.Cond) (Seen, error) {
	where := store.And(store.C("s.id = $1", id), scope)
	x, err := store.One(ctx, q, scanSeen, `SELECT `+seenColumns+seenFrom+` WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "signal.missing")
	}
	return x, err
}

func listSeen(ctx context.Context, q store.Queryer, where store.Cond) ([]Seen, error) {
	return store.All(ctx, q, scanSeen, `SELECT `+seenColumns+seenFrom+` WHERE `+where.SQL+` ORDER BY s.num`, where.Args...)
}

func byCodes(ctx context.Context, q store.Queryer, codes []string) (map[string]Signal, error) {
	where := store.In("s.code", codes)
	all, err := store.All(ctx, q, scan, `SELECT `+columns+` FROM signal s WHERE `+where.SQL, where.Args...)
	out := map[string]Signal{}
	for _, x := range all {
		out[x.Code] = x
	}
	return out, err
}

func ofObject(ctx context.Context, q store.Queryer, room, object string) ([]Signal, error) {
	return store.All(ctx, q, scan, `SELECT `+columns+` FROM signal s WHERE s.room = $1 AND s.object = $2 ORDER BY s.num`, room, object)
}

func (x *Signal) kind() string {
	if x.Formula != "" {
		return "derived"
	}
	return "measured"
}

func insertSignal(ctx context.Context, tx *store.Tx, x *Signal) error {
	return store.Exec(ctx, tx, `INSERT INTO signal (id, num, code, name, measure, room, object, link, kind, formula, inputs, cadence, decimals, direction, rule, lon, lat, unit_id, street, owner, owner_name, at, changed_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		x.ID, x.Num, x.Code, x.Name, x.Measure, x.Room, x.Object, x.Link, x.kind(), x.Formula, store.JSON[map[string]string]{V: x.Inputs}, x.Cadence, x.Decimals, x.Direction, store.JSON[Rule]{V: x.Rule}, x.Lon, x.Lat,
		x.Unit, x.Street, x.Owner, x.OwnerName, x.At, x.Changed, x.Version)
}

// saveSignal replaces the version before x's; Conflict when that is not the present one.
func saveSignal(ctx context.Context, tx *store.Tx, x *Signal) error {
	return store.ExecOne(ctx, tx, `UPDATE signal SET name = $1, measure = $2, link = $3, kind = $4, formula = $5, inputs = $6, cadence = $7, decimals = $8, direction = $9, rule = $10, lon = $11, lat = $12,
		unit_id = $13, street = $14, owner = $15, owner_name = $16, changed_at = $17, retired = $18, version = $19 WHERE id = $20 AND version = $21`,
		x.Name, x.Measure, x.Link, x.kind(), x.Formula, store.JSON[map[string]string]{V: x.Inputs}, x.Cadence, x.Decimals, x.Direction, store.JSON[Rule]{V: x.Rule}, x.Lon, x.Lat,
		x.Unit, x.Street, x.Owner, x.OwnerName, x.Changed, x.Retired, x.Version, x.ID, x.Version-1)
}

// saveState writes what a signal remembers, unless a later state stands there already.
func saveState(ctx context.Context, tx *store.Tx, num int64, st State) error {
	return store.Later(ctx, tx, `INSERT INTO signal_state (num, state, value, at, level) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (num) DO UPDATE SET state = excluded.state, value = excluded.value, at = excluded.at, level = excluded.level WHERE signal_state.at <= excluded.at`,
		num, store.JSON[State]{V: st}, st.Value, st.At, int64(st.Worst()))
}

// record is one row of signal_alarm with what is shown of its signal.
type record struct {
	ID, Signal               string
	Kind                     Kind
	State                    string
	Active                   bool
	Level, Peak              Level
	Value, Worst             float64
	Rule                     Rule
	Raised, Acked            store.Time
	AckedBy, AckedName, Note string
	Until                    store.Time
	ShelvedBy, ShelvedName   string
	ShelvedWhy               string
	Cleared                  store.Time
	ClearedValue             float64
	Useless                  int64
	Unit, Street, Owner      string
	Version                  int64
	Code, Name, Measure      string
	Decimals                 int
	Room, Object, Link       string
	Lon, Lat                 float64
	now                      State // of the signal
}

const recordColumns = `a.id, a.signal, a.kind, a.state, a.active, a.level, a.peak, a.value, a.worst, a.rule, a.raised_at, a.acked_at, a.acked_by, a.acked_name, a.note, a.shelved_until, a.shelved_by, a.shelved_name,
	a.shelved_why, a.cleared_at, a.cleared_value, a.useless, a.unit_id, a.street, a.owner, a.version, s.code, s.name, s.measure, s.decimals, s.room, s.object, s.link, s.lon, s.lat, coalesce(CAST(t.state AS TEXT), '{}')`

const recordFrom = ` FROM signal_alarm a JOIN signal s ON s.id = a.signal LEFT JOIN signal_state t ON t.num = s.num`

func scanRecord(r *record) []any {
	return []any{&r.ID, &r.Signal, &r.Kind, &r.State, &r.Active, &r.Level, &r.Peak, &r.Value, &r.Worst, store.Into[Rule]{To: &r.Rule}, &r.Raised, &r.Acked, &r.AckedBy, &r.AckedName, &r.Note, &r.Until, &r.ShelvedBy, &r.ShelvedName,
		&r.ShelvedWhy, &r.Cleared, &r.ClearedValue, &r.Useless, &r.Unit, &r.Street, &r.Owner, &r.Version, &r.Code, &r.Name, &r.Measure, &r.Decimals, &r.Room, &r.Object, &r.Link, &r.Lon, &r.Lat, store.Into[State]{To: &r.now}}
}

func findAlarm(ctx context.Context, q store.Queryer, where store.Cond) (record, error) {
	r, err := store.One(ctx, q, scanRecord, `SELECT `+recordColumns+recordFrom+` WHERE `+where.SQL, where.Args...)
	if errs.Is(err, errs.Missing) {
		err = errs.New(errs.Missing, "signal.no_alarm")
	}
	return r, err
}

// openAlarm is the alarm of a kind of a signal that has not cleared.
func openAlarm(ctx context.Context, q store.Queryer, signal string, k Kind) (record, bool, error) {
	r, err := findAlarm(ctx, q, store.C("a.signal = $1 AND a.kind = $2 AND a.state <> 'cleared'", signal, string(k)))
	if errs.Is(err, errs.Missing) {
		return record{}, false, nil
	}
	return r, err == nil, err
}

func insertAlarm(ctx context.Context, tx *store.Tx, r *record) error {
	return store.Exec(ctx, tx, `INSERT INTO signal_alarm (id, signal, kind, state, active, level, peak, value, worst, rule, raised_at, unit_id, street, owner, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		r.ID, r.Signal, string(r.Kind), r.State, r.Active, int64(r.Level), int64(r.Peak), r.Value, r.Worst, store.JSON[Rule]{V: r.Rule}, r.Raised, r.Unit, r.Street, r.Owner, r.Version)
}

// saveAlarm replaces the version before r's; Conflict when that is not the present one.
func saveAlarm(ctx context.Context, tx *store.Tx, r *record) error {
	r.Version++
	return store.ExecOne(ctx, tx, `UPDATE signal_alarm SET state = $1, active = $2, level = $3, peak = $4, worst = $5, acked_at = $6, acked_by = $7, acked_name = $8, note = $9, shelved_until = $10, shelved_by = $11,
		shelved_name = $12, shelved_why = $13, cleared_at = $14, cleared_value = $15, version = $16 WHERE id = $17 AND version = $18`,
		r.State, r.Active, int64(r.Level), int64(r.Peak), r.Worst, r.Acked, r.AckedBy, r.AckedName, r.Note, r.Until, r.ShelvedBy, r.ShelvedName, r.ShelvedWhy, r.Cleared, r.ClearedValue, r.Version, r.ID, r.Version-1)
}
