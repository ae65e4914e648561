package iot

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/signal"
)

type kindsOut struct {
	Body struct {
		Items []Kind `json:"items" nullable:"false"`
	}
}

func (x *IoT) listKinds(context.Context, *struct{}) (*kindsOut, error) {
	out := &kindsOut{}
	out.Body.Items = x.kinds
	return out, nil
}

// DeviceLine is a device in a list, with what it measured last.
type DeviceLine struct {
	ID        string     `json:"id"`
	Code      string     `json:"code"`
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`
	Address   string     `json:"address"`
	Division  string     `json:"division"`
	Lon       float64    `json:"lon"`
	Lat       float64    `json:"lat"`
	State     string     `json:"state" enum:"active,stopped"`
	Online    bool       `json:"online" doc:"heard within three times its cadence"`
	SeenAt    store.Time `json:"seenAt" doc:"last message, null before the first"`
	Level     string     `json:"level" enum:",blue,yellow,orange,red" doc:"gravest of its signals"`
	UnitName  string     `json:"unitName"`
	OwnerName string     `json:"ownerName"`
	Readings  []Reading  `json:"readings" nullable:"false"`
	Trouble   string     `json:"trouble" doc:"what was wrong with the last message that was not kept whole"`
	TroubleAt store.Time `json:"troubleAt"`
	Version   int64      `json:"version"`
}

// Reading is what a device measures, with the latest value.
type Reading struct {
	Property string      `json:"property"`
	Signal   signal.Body `json:"signal"`
}

func (x *IoT) lineOf(ctx context.Context, d *Device, seen []signal.Seen) DeviceLine {
	x.overlay(d)
	l := DeviceLine{ID: d.ID, Code: d.Code, Name: d.Name, Kind: d.Kind, Address: d.Address, Division: d.Division, Lon: d.Lon, Lat: d.Lat, State: d.State, SeenAt: d.Seen, OwnerName: d.OwnerName, Readings: []Reading{}, Version: d.Version}
	l.Online = !d.Seen.IsZero() && x.now().Sub(d.Seen.Time) <= silent*time.Duration(d.Cadence)*time.Second
	worst := signal.Normal
	for _, s := range seen {
		l.Readings = append(l.Readings, Reading{strings.TrimPrefix(s.Code, "iot."+d.Code+"."), s.Shown()})
		worst = max(worst, s.State.Worst())
	}
	l.Level = worst.String()
	if d.Trouble.Key != "" {
		l.Trouble, l.TroubleAt = x.words.Text(web.From(ctx).Lang, d.Trouble.Key, d.Trouble.Args...), d.Trouble.At
	}
	return l
}

// overlay puts what this process has heard over what the row says.
func (x *IoT) overlay(d *Device) {
	x.mu.Lock()
	l := x.lines[d.Code]
	x.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen.After(d.Seen.Time) {
		d.Seen = store.At(l.seen)
	}
	d.Messages, d.Refused = d.Messages+l.messages, d.Refused+l.refused
	if l.trouble.Key != "" && !l.trouble.At.Before(d.Trouble.At.Time) {
		d.Trouble = l.trouble
	}
}

type listIn struct {
	store.Page
	Text  string `query:"text" maxLength:"50" doc:"in name, code or address"`
	Kind  string `query:"kind" maxLength:"20"`
	State string `query:"state" enum:"online,offline,stopped,alarm"`
}

type listOut struct{ Body store.Listed[DeviceLine] }

func (x *IoT) list(ctx context.Context, in *listIn) (*listOut, error) {
	var where []store.Cond
	if t := strings.ToLower(strings.TrimSpace(in.Text)); t != "" {
		p := store.Anywhere(t)
		where = append(where, store.C("lower(name) LIKE $1 ESCAPE '!' OR lower(code) LIKE $2 ESCAPE '!' OR lower(address) LIKE $3 ESCAPE '!'", p, p, p))
	}
	if in.Kind != "" {
		where = append(where, store.C("kind = $1", in.Kind))
	}
	switch due := store.C("state = 'active' AND seen_at + cadence * $1 >= $2", int64(silent*1_000_000), x.now().UnixMicro()); in.State {
	case "online":
		where = append(where, due)
	case "offline":
		where = append(where, store.C("state = 'active' AND seen_at + cadence * $1 < $2", due.Args...))
	case "stopped":
		where = append(where, store.C("state = 'stopped'"))
	case "alarm":
		where = append(where, store.C("level > 0"))
	}
	all, err := store.List(ctx, x.db, store.Query[Device]{Select: `SELECT ` + columns + ` FROM iot_device`, Scope: authz.Where(ctx, "iot.read"), Where: where,
		Keys: []string{"code"}, Page: in.Page, Scan: scan, Cursor: func(d *Device) []any { return []any{d.Code} }})
	if err != nil {
		return nil, err
	}
	lines, err := x.lineBodies(ctx, all.Items)
	return &listOut{store.Listed[DeviceLine]{Items: lines, Next: all.Next}}, err
}

func (x *IoT) lineBodies(ctx context.Context, all []Device) ([]DeviceLine, error) {
	var ids, units []string
	for _, d := range all {
		ids, units = append(ids, d.ID), append(units, d.Unit)
	}
	names, err := x.names.Units(ctx, x.db, units)
	if err != nil {
		return nil, err
	}
	seen, err := x.signals.Of(ctx, x.db, "iot", ids)
	out := []DeviceLine{}
	for i := range all {
		l := x.lineOf(ctx, &all[i], seen[all[i].ID])
		l.UnitName = names[all[i].Unit]
		out = append(out, l)
	}
	return out, err
}

// ServiceLine is one piece of maintenance.
type ServiceLine struct {
	Kind string     `json:"kind" enum:"inspect,repair,replace,clean,move"`
	Note string     `json:"note"`
	By   string     `json:"byName"`
	At   store.Time `json:"at"`
}

// PhotoLine is a photo of a device.
type PhotoLine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// DeviceFull is a device with everything its register holds.
type DeviceFull struct {
	DeviceLine
	Model     string        `json:"model"`
	Vendor    string        `json:"vendor"`
	Serial    string        `json:"serial"`
	Cadence   int           `json:"cadence"`
	Datum     string        `json:"datum"`
	Installed store.Time    `json:"installedAt"`
	HasKey    bool          `json:"hasKey"`
	KeyAt     store.Time    `json:"keyAt"`
	Messages  int64         `json:"messages"`
	Refused   int64         `json:"refused" doc:"values that were not kept"`
	Topic     string        `json:"topic" doc:"it publishes to"`
	Broker    string        `json:"broker" doc:"host:port it connects to, empty where no broker runs"`
	BrokerTLS bool          `json:"brokerTls"`
	Services  []ServiceLine `json:"services" nullable:"false"`
	Photos    []PhotoLine   `json:"photos" nullable:"false"`
	MayManage bool          `json:"mayManage"`
}

type oneIn struct {
	ID string `path:"id" maxLength:"40"`
}

type oneOut struct{ Body DeviceFull }

func (x *IoT) get(ctx context.Context, in *oneIn) (*oneOut, error) {
	d, err := find(ctx, x.db, store.And(store.C("id = $1", in.ID), authz.Where(ctx, "iot.read").Cond()))
	if err != nil {
		return nil, err
	}
	full, err := x.full(ctx, d)
	return &oneOut{full}, err
}

func (x *IoT) full(ctx context.Context, d Device) (DeviceFull, error) {
	lines, err := x.lineBodies(ctx, []Device{d})
	if err != nil {
		return DeviceFull{}, err
	}
	x.overlay(&d)
	f := DeviceFull{DeviceLine: lines[0], Model: d.Model, Vendor: d.Vendor, Serial: d.Serial, Cadence: d.Cadence, Datum: d.Datum, Installed: d.Installed, HasKey: d.KeyHash != "", KeyAt: d.KeyAt, Messages: d.Messages, Refused: d.Refused,
		Topic: upTopic(d.Code), Broker: x.options.Listen, BrokerTLS: x.options.Cert != "", Services: []ServiceLine{}, Photos: []PhotoLine{}, MayManage: authz.From(ctx).Can("iot.manage")}
	services, err := store.All(ctx, x.db, func(s *ServiceLine) []any { return []any{&s.Kind, &s.Note, &s.By, &s.At} }, `SELECT kind, note, by_name, at FROM iot_service WHERE device = $1 ORDER BY at DESC, id DESC LIMIT 50`, d.ID)
	if err != nil {
		return f, err
	}
	f.Services = append(f.Services, services...)
	photos, err := x.files.Of(ctx, x.db, "iot", d.ID)
	for _, p := range photos {
		f.Photos = append(f.Photos, PhotoLine{p.ID, p.Name, p.Size})
	}
	return f, err
}

type createIn struct {
	Body struct {
		Given
		Code string `json:"code" maxLength:"40" doc:"letters, digits, dash and underline; never changes"`
		Kind string `json:"kind" maxLength:"20"`
	}
}

type keyOut struct {
	Body struct {
		DeviceFull
		Key string `json:"key" doc:"the device's password at the broker, shown this once"`
	}
}

// create registers a device of the actor's unit, with its signals and its first key.
func (x *IoT) create(ctx context.Context, in *createIn) (*keyOut, error) {
	b, me := in.Body, authz.From(ctx)
	k, ok := x.kind(b.Kind)
	switch {
	case !ok:
		return nil, invalid("kind", "iot.no_kind")
	case !codePattern.MatchString(b.Code):
		return nil, invalid("code", "iot.bad_code")
	case me.Home == "":
		return nil, errs.New(errs.Denied, "authz.no_post")
	}
	if err := b.Given.check(); err != nil {
		return nil, err
	}
	d := Device{ID: id.New(), Code: b.Code, Kind: k.Key, State: active, Unit: me.Home, Street: me.Street, Owner: me.Person, OwnerName: me.Name, At: store.At(x.now()), Version: 1}
	d.take(b.Given, k)
	key := ""
	key, d.KeyHash = x.ring.NewToken("qd")
	d.KeyAt = d.At
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := insert(ctx, tx, &d)
		if store.IsDuplicate(err) {
			return errs.New(errs.Conflict, "web.invalid").With(errs.Field{Name: "code", Key: "iot.code_taken", Args: []any{d.Code}})
		}
		if err != nil {
			return err
		}
		for _, def := range d.defs(k, nil) {
			if _, err := x.signals.Declare(ctx, tx, def); err != nil {
				return err
			}
		}
		return x.record(ctx, tx, "iot.register", &d, map[string]any{"kind": d.Kind, "lon": d.Lon, "lat": d.Lat})
	})
	if err != nil {
		return nil, err
	}
	return x.withKey(ctx, d, key)
}

func (x *IoT) withKey(ctx context.Context, d Device, key string) (*keyOut, error) {
	out := &keyOut{}
	var err error
	out.Body.DeviceFull, err = x.full(ctx, d)
	out.Body.Key = key
	return out, err
}

func (x *IoT) record(ctx context.Context, tx *store.Tx, action string, d *Device, detail map[string]any) error {
	return x.audit.Record(ctx, tx, audit.Entry{Action: action, Object: "iot_device", ID: d.ID, Title: d.Name, Detail: detail})
}

// managed opens a device for a change in tx.
func (x *IoT) managed(ctx context.Context, tx *store.Tx, id string) (Device, error) {
	return find(ctx, tx, store.And(store.C("id = $1", id), authz.Where(ctx, "iot.manage").Cond()))
}

// seen is managed as the caller has seen it: Conflict when it was changed since.
func (x *IoT) seen(ctx context.Context, tx *store.Tx, id string, version int64) (Device, error) {
	d, err := x.managed(ctx, tx, id)
	if err == nil && d.Version != version {
		err = errs.New(errs.Conflict, "store.changed")
	}
	return d, err
}

type putIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Given
		Version int64 `json:"version"`
	}
}

// put corrects the register. A device that was moved keeps its samples; where it stood stands in the audit.
func (x *IoT) put(ctx context.Context, in *putIn) (*oneOut, error) {
	if err := in.Body.Given.check(); err != nil {
		return nil, err
	}
	var d Device
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if d, err = x.seen(ctx, tx, in.ID, in.Body.Version); err != nil {
			return err
		}
		was := d
		k, _ := x.kind(d.Kind)
		d.take(in.Body.Given, k)
		if err := save(ctx, tx, &d); err != nil {
			return err
		}
		if err := x.redeclare(ctx, tx, &d, was.Cadence, k); err != nil {
			return err
		}
		tx.After(func() { x.drop(d.Code) })
		detail := map[string]any{"name": d.Name, "cadence": d.Cadence}
		if was.Lon != d.Lon || was.Lat != d.Lat {
			detail["moved"] = map[string]float64{"fromLon": was.Lon, "fromLat": was.Lat, "toLon": d.Lon, "toLat": d.Lat}
		}
		return x.record(ctx, tx, "iot.change", &d, detail)
	})
	if err != nil {
		return nil, err
	}
	full, err := x.full(ctx, d)
	return &oneOut{full}, err
}

// redeclare brings a device's signals up to date; rules somebody has edited stay.
func (x *IoT) redeclare(ctx context.Context, tx *store.Tx, d *Device, cadence int, k Kind) error {
	have, err := x.signals.Of(ctx, tx, "iot", []string{d.ID})
	if err != nil {
		return err
	}
	rules := map[string]signal.Rule{}
	for _, s := range have[d.ID] {
		if s.Rule.Stale == silent*cadence {
			s.Rule.Stale = silent * d.Cadence
		}
		rules[s.Code] = s.Rule
	}
	for _, def := range d.defs(k, rules) {
		if _, err := x.signals.Declare(ctx, tx, def); err != nil {
			return err
		}
	}
	return nil
}
