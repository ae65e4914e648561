package exchange

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// GrantLine is a grant in a list.
type GrantLine struct {
	ID           string         `json:"id"`
	Number       string         `json:"number" doc:"of the application it came of"`
	Title        string         `json:"title"`
	Name         string         `json:"name" doc:"of the dataset, as programs call it"`
	Provider     string         `json:"provider"`
	ProviderName string         `json:"providerName"`
	Unit         string         `json:"unit"`
	UnitName     string         `json:"unitName"`
	State        string         `json:"state" enum:"standing,suspended,revoked,ended"`
	Modes        []dataset.Mode `json:"modes" nullable:"false" enum:"look,batch,api,push"`
	Columns      int            `json:"columnCount"`
	From         store.Time     `json:"from"`
	Until        store.Time     `json:"until"`
	Left         int            `json:"daysLeft" doc:"0 when it no longer stands"`
	Reason       string         `json:"reason" doc:"why it was suspended or revoked"`
}

// UsedDay is the use of a grant on one civil day.
type UsedDay struct {
	Day     string `json:"day"`
	Records int64  `json:"records" doc:"given out in every way"`
	Good    int64  `json:"good" doc:"calls of programs that were answered"`
	Bad     int64  `json:"bad" doc:"calls of programs that were refused"`
}

// GrantBody is a grant with all it says.
type GrantBody struct {
	GrantLine
	Application string    `json:"application"`
	Terms       Terms     `json:"terms"`
	Fields      []Field   `json:"fields" nullable:"false" doc:"what is granted, with titles"`
	Purpose     string    `json:"purpose"`
	Basis       string    `json:"basis"`
	ByName      string    `json:"byName" doc:"who suspended or revoked it"`
	Days        []UsedDay `json:"days" nullable:"false" doc:"of the last 31 days on which it was used"`
	Today       int64     `json:"today" doc:"records given out today"`
	MayDecide   bool      `json:"mayDecide" doc:"the caller may suspend and revoke it"`
	MayUse      bool      `json:"mayUse" doc:"the caller may make keys and deliveries"`
	MayRenew    bool      `json:"mayRenew"`
	Version     int64     `json:"version" doc:"to be sent back with a change"`
}

func (x *Exchange) grantLine(g *grant, held dataset.Grant, names map[string]string) GrantLine {
	l := GrantLine{ID: g.ID, Number: g.Number, Title: g.Title, Name: g.Name, Provider: g.Provider, ProviderName: names[g.Provider], Unit: g.Unit, UnitName: names[g.Unit], State: g.state(held, x.now()),
		Modes: g.Terms.V.Modes, Columns: len(g.Terms.V.Columns), From: g.From, Until: g.Until, Reason: g.Reason}
	if l.Modes == nil {
		l.Modes = []dataset.Mode{}
	}
	if l.State == standing {
		l.Left = max(0, int(g.Until.Sub(x.now())/(24*time.Hour))+1)
	}
	return l
}

type grantsIn struct {
	View  string `query:"view" enum:",mine,provided" doc:"mine: the caller's unit uses it; provided: its data"`
	State string `query:"state" enum:",standing,ending,suspended,revoked,ended" doc:"ending: stands, and its first reminder is due"`
	Text  string `query:"text" maxLength:"100"`
	store.Page
}
type grantsOut struct{ Body store.Listed[GrantLine] }

func (x *Exchange) listGrants(ctx context.Context, in *grantsIn) (*grantsOut, error) {
	var where []store.Cond
	now := x.now()
	switch in.View {
	case "mine":
		where = append(where, asking(ctx))
	case "provided":
		where = append(where, providing(ctx))
	}
	switch in.State {
	case "":
	case "ending":
		where = append(where, store.C("a.state = 'standing' AND a.until_at > $1 AND a.until_at <= $2", store.At(now), store.At(now.AddDate(0, 0, x.number(ctx, "remind_first")))))
	case over:
		where = append(where, store.C("a.state = 'ended' OR a.state = 'standing' AND a.until_at <= $1", store.At(now)))
	case standing:
		where = append(where, store.C("a.state = 'standing' AND a.until_at > $1", store.At(now)))
	default:
		where = append(where, store.C("a.state = $1", in.State))
	}
	if t := strings.TrimSpace(in.Text); t != "" {
		like := store.Anywhere(t)
		where = append(where, store.C(`lower(a.title) LIKE lower($1) ESCAPE '!' OR lower(a.name) LIKE lower($2) ESCAPE '!' OR lower(a.number) LIKE lower($3) ESCAPE '!'`, like, like, like))
	}
	all, err := store.List(ctx, x.db, store.Query[grant]{Select: `SELECT ` + grantColumns + ` FROM exchange_grant a`, Scope: grantsSeen(ctx), Where: where,
		Keys: []string{"a.at", "a.id"}, Desc: true, Page: in.Page, Scan: scanGrant, Cursor: func(g *grant) []any { return []any{g.At, g.ID} }})
	if err != nil {
		return nil, err
	}
	var units, held []string
	for _, g := range all.Items {
		units, held = append(units, g.Unit, g.Provider), append(held, g.Held)
	}
	names, err := x.org.UnitNames(ctx, x.db, units)
	if err != nil {
		return nil, err
	}
	given, err := x.datasets.Given(ctx, x.db, held)
	out := &grantsOut{store.Listed[GrantLine]{Items: []GrantLine{}, Next: all.Next}}
	for i := range all.Items {
		g := &all.Items[i]
		out.Body.Items = append(out.Body.Items, x.grantLine(g, given[g.Held], names))
	}
	return out, err
}

type grantIn struct {
	ID string `path:"id" maxLength:"40"`
}
type grantOut struct{ Body GrantBody }

func (x *Exchange) showGrant(ctx context.Context, in *grantIn) (*grantOut, error) {
	g, err := findGrant(ctx, x.db, store.And(store.C("a.id = $1", in.ID), grantsSeen(ctx).Cond()))
	if err != nil {
		return nil, err
	}
	names, err := x.org.UnitNames(ctx, x.db, []string{g.Unit, g.Provider})
	if err != nil {
		return nil, err
	}
	given, err := x.datasets.Given(ctx, x.db, append(g.Past.V, g.Held))
	if err != nil {
		return nil, err
	}
	b := GrantBody{GrantLine: x.grantLine(&g, given[g.Held], names), Application: g.Application, Terms: g.Terms.V, Fields: []Field{}, Purpose: g.Purpose, Basis: g.Basis, ByName: g.ByName, Days: []UsedDay{}, Version: g.Version}
	ds, err := x.datasets.Get(ctx, x.db, g.Dataset, everyDataset)
	if err != nil && !errs.Is(err, errs.Missing) {
		return nil, err
	}
	for _, name := range g.Terms.V.Columns {
		if c, ok := ds.Column(name); ok {
			b.Fields = append(b.Fields, Field{Name: c.Name, Title: c.Title, Type: c.Type.String(), Level: c.Level, Masked: !given[g.Held].Clear(c), Key: c.Key, Share: conditional})
		}
	}
	if b.Days, b.Today, err = x.usage(ctx, &g); err != nil {
		return nil, err
	}
	b.MayDecide, err = x.among(ctx, g.ID, providing(ctx))
	if err != nil {
		return nil, err
	}
	if b.MayUse, err = x.among(ctx, g.ID, authz.WhereCols(ctx, "exchange.use", ownCols).Cond()); err != nil {
		return nil, err
	}
	b.MayRenew = b.MayUse || authz.From(ctx).Person == g.Owner
	return &grantOut{b}, nil
}

// among reports whether a grant is one of those a condition is true of.
func (x *Exchange) among(ctx context.Context, id string, which store.Cond) (bool, error) {
	where := store.And(store.C("a.id = $1", id), which)
	n, err := store.Value[int](ctx, x.db, `SELECT count(*) FROM exchange_grant a WHERE `+where.SQL, where.Args...)
	return n > 0, err
}

// usage counts a grant's use by civil day, the oldest first.
func (x *Exchange) usage(ctx context.Context, g *grant) (days []UsedDay, today int64, err error) {
	now := x.now()
	from := string(warehouse.DateOf(now.AddDate(0, 0, -30)))
	records, err := x.datasets.Days(ctx, x.db, append(append([]string{}, g.Past.V...), g.Held), from)
	if err != nil {
		return nil, 0, err
	}
	calls, err := store.All(ctx, x.db, func(d *UsedDay) []any { return []any{&d.Day, &d.Good, &d.Bad} },
		`SELECT c.day, CAST(sum(c.good) AS BIGINT), CAST(sum(c.bad) AS BIGINT) FROM exchange_call c WHERE c.grant_id = $1 AND c.day >= $2 GROUP BY c.day ORDER BY c.day`, g.ID, from)
	if err != nil {
		return nil, 0, err
	}
	days = calls
	if days == nil {
		days = []UsedDay{}
	}
	for _, r := range records {
		i := 0
		for i < len(days) && days[i].Day < r.Day {
			i++
		}
		if i == len(days) || days[i].Day != r.Day {
			days = append(days[:i], append([]UsedDay{{Day: r.Day}}, days[i:]...)...)
		}
		days[i].Records = r.Records
		if r.Day == string(warehouse.DateOf(now)) {
			today = r.Records
		}
	}
	return days, today, nil
}

// renew begins an application that goes on with a grant, filled in as that one was (续期).
func (x *Exchange) renew(ctx context.Context, in *grantIn) (*appOut, error) {
	me := authz.From(ctx)
	if me.Person == "" || me.Home == "" {
		return nil, errs.New(errs.Denied, "exchange.no_person")
	}
	a := &application{ID: id.New()}
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := findGrant(ctx, tx, store.And(store.C("a.id = $1", in.ID), asking(ctx)))
		if err != nil {
			return err
		}
		old, err := findApp(ctx, tx, store.C("a.id = $1", g.Application))
		if err != nil {
			return err
		}
		running, err := store.Value[int](ctx, tx, `SELECT count(*) FROM exchange_application WHERE renews = $1 AND state IN ('draft', 'review', 'returned')`, g.ID)
		if err != nil {
			return err
		}
		if running > 0 {
			return errs.New(errs.Conflict, "exchange.renewing", g.Title)
		}
		now, phone := store.At(x.now()), ""
		if old.Phone != "" {
			plain, err := x.ring.Unseal(phonePlace(old.ID), old.Phone)
			if err != nil {
				return err
			}
			phone = string(plain)
		}
		a.Title, a.Entry, a.Code, a.Dataset, a.Provider, a.ProviderStreet, a.Share, a.Wish = old.Title, old.Entry, old.Code, old.Dataset, old.Provider, old.ProviderStreet, old.Share, old.Wish
		a.Wish.V.Terms, a.Wish.V.Pledge = g.Terms.V, false
		a.Terms.V.tidy()
		a.State, a.Renews, a.Phone = Draft, g.ID, x.sealPhone(a.ID, phone)
		a.Unit, a.Street, a.Owner, a.OwnerName, a.At, a.Changed, a.Version = me.Home, me.Street, me.Person, me.Name, now, now, 1
		if err := insertApp(ctx, tx, a); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.draft", Object: "exchange_application", ID: a.ID, Title: a.Title, Detail: map[string]any{"renews": g.ID}})
	})
	if err != nil {
		return nil, err
	}
	return x.show(ctx, &appIn{a.ID})
}

// Figures are the indicators of sharing, counted from the rows the caller may see.
type Figures struct {
	Applications int64 `json:"applications" doc:"filed"`
	Open         int64 `json:"open"`
	Granted      int64 `json:"granted"`
	Refused      int64 `json:"refused"`
	Finished     int64 `json:"finished" doc:"ended one way or the other"`
	InTime       int64 `json:"inTime" doc:"of these, without a step that was late"`
	Standing     int64 `json:"standing" doc:"grants that hold"`
	Good         int64 `json:"good" doc:"calls of programs that were answered"`
	Bad          int64 `json:"bad"`
	Records      int64 `json:"records" doc:"given to programs"`

	Days []UsedDay `json:"days" nullable:"false" doc:"calls of the last 31 days"`
}
type figuresOut struct{ Body Figures }

func (x *Exchange) figures(ctx context.Context, _ *struct{}) (*figuresOut, error) {
	where := store.And(visible(ctx).Cond(), store.C("a.state <> 'draft'"))
	f, err := store.One(ctx, x.db, func(f *Figures) []any {
		return []any{&f.Applications, &f.Open, &f.Granted, &f.Refused, &f.Finished, &f.InTime}
	}, `SELECT count(*), count(*) FILTER (WHERE a.state IN ('review', 'returned')), count(*) FILTER (WHERE a.state = 'granted'), count(*) FILTER (WHERE a.state = 'refused'),
		count(*) FILTER (WHERE a.state IN ('granted', 'refused')), count(*) FILTER (WHERE a.state IN ('granted', 'refused') AND NOT a.late) FROM exchange_application a WHERE `+where.SQL, where.Args...)
	if err != nil {
		return nil, err
	}
	now := x.now()
	scope := grantsSeen(ctx).Cond()
	live := store.And(store.C("a.state = 'standing' AND a.until_at > $1", store.At(now)), scope)
	if f.Standing, err = store.Value[int64](ctx, x.db, `SELECT count(*) FROM exchange_grant a WHERE `+live.SQL, live.Args...); err != nil {
		return nil, err
	}
	all := store.And(scope, store.C("c.day >= $1", string(warehouse.DateOf(now.AddDate(0, 0, -30)))))
	f.Days, err = store.All(ctx, x.db, func(d *UsedDay) []any { return []any{&d.Day, &d.Good, &d.Bad, &d.Records} },
		`SELECT c.day, CAST(sum(c.good) AS BIGINT), CAST(sum(c.bad) AS BIGINT), CAST(sum(c.records) AS BIGINT) FROM exchange_call c JOIN exchange_grant a ON a.id = c.grant_id WHERE `+all.SQL+` GROUP BY c.day ORDER BY c.day`, all.Args...)
	if f.Days == nil {
		f.Days = []UsedDay{}
	}
	if err != nil {
		return nil, err
	}
	sums, err := store.One(ctx, x.db, func(d *UsedDay) []any { return []any{&d.Good, &d.Bad, &d.Records} },
		`SELECT CAST(coalesce(sum(c.good), 0) AS BIGINT), CAST(coalesce(sum(c.bad), 0) AS BIGINT), CAST(coalesce(sum(c.records), 0) AS BIGINT) FROM exchange_call c JOIN exchange_grant a ON a.id = c.grant_id WHERE `+scope.SQL, scope.Args...)
	f.Good, f.Bad, f.Records = sums.Good, sums.Bad, sums.Records
	return &figuresOut{f}, err
}
