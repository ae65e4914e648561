package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/web"
	"qushu/internal/datahub/exchange/internal/sign"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/dataset"
	"qushu/internal/room"
)

// mostBody bounds the body of a call in bytes: a thousand keys are far less.
const mostBody = 1 << 20

func (x *Exchange) raws() []room.Raw {
	const signed = "asked by a program with a key of a grant: X-Qushu-Key, X-Qushu-Time, X-Qushu-Nonce, X-Qushu-Signature"
	return []room.Raw{
		{Method: "GET", Path: "/v1/resources/{name}", Perm: room.Open, Doc: "rows of a granted dataset; " + signed, Serve: x.rows},
		{Method: "POST", Path: "/v1/resources/{name}/lookup", Perm: room.Open, Doc: "rows by up to 1000 keys; " + signed, Serve: x.lookup},
		{Method: "GET", Path: "/v1/resources/{name}/openapi.json", Perm: room.Open, Doc: "the granted dataset as OpenAPI 3.1; " + signed, Serve: x.describe},
		{Method: "GET", Path: "/grants/{id}/openapi.json", Perm: "exchange.use", Doc: "a granted dataset as OpenAPI 3.1, for who uses it", Serve: x.document},
		{Method: "GET", Path: "/signing-key.pem", Perm: "exchange.read", Doc: "the SM2 public key that verifies the manifests of deliveries; ?id= names an older one", Serve: x.publicKey},
	}
}

// call is one call of a program.
type call struct {
	req   sign.Request
	key   key
	grant grant
	held  dataset.Grant
	ds    dataset.Dataset
	sure  bool // the signature is right
}

// caller finds out who calls and what for. A call that is refused leaves its traces with the key it named.
func (x *Exchange) caller(r *http.Request) (*call, error) {
	c := &call{req: sign.Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Time: r.Header.Get(sign.Time), Nonce: r.Header.Get(sign.Nonce)}}
	var err error
	if c.req.Body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, mostBody)); err != nil {
		return nil, errs.Wrap(err, errs.TooLarge, "exchange.body_large", mostBody>>10)
	}
	id := r.Header.Get(sign.Key)
	if id == "" || r.Header.Get(sign.Signature) == "" {
		return nil, errs.New(errs.Unsigned, "exchange.unsigned")
	}
	ctx := r.Context()
	c.key, err = store.One(ctx, x.db, scanKey, `SELECT `+keyColumns+` FROM exchange_key k WHERE k.id = $1`, id)
	if errs.Is(err, errs.Missing) {
		return nil, errs.New(errs.Unsigned, "exchange.bad_signature")
	}
	if err == nil {
		err = x.admit(ctx, c, r.PathValue("name"), r.Header.Get(sign.Signature))
	}
	if err != nil {
		x.turnedAway(ctx, c, err)
		return nil, err
	}
	return c, nil
}

// admit checks a call in the order that tells a stranger least: is it signed by who has the secret, and now; may the key be
// used; does its grant stand, for this resource.
func (x *Exchange) admit(ctx context.Context, c *call, name, signature string) error {
	now := x.now()
	if err := c.req.Fresh(now, x.window(ctx)); err != nil {
		return err
	}
	plain, err := x.ring.Unseal(keyPlace(c.key.ID), c.key.sealed)
	if err != nil {
		return err
	}
	if !c.req.Verify(string(plain), signature) {
		return errs.New(errs.Unsigned, "exchange.bad_signature")
	}
	c.sure = true
	switch {
	case !c.key.Revoked.IsZero():
		return errs.New(errs.Unsigned, "exchange.key_revoked")
	case !c.key.from(web.From(ctx).IP):
		return errs.New(errs.Denied, "exchange.bad_source", web.From(ctx).IP)
	case !x.rates.allow(c.key.ID, true, x.number(ctx, "rate"), now):
		return errs.New(errs.Limited, "exchange.too_fast", x.number(ctx, "rate"))
	}
	if c.grant, err = findGrant(ctx, x.db, store.C("a.id = $1", c.key.Grant)); err != nil {
		return err
	}
	if c.held, err = x.inUse(ctx, x.db, &c.grant, dataset.API); err != nil {
		return err
	}
	if c.grant.Name != name {
		return errs.New(errs.Missing, "exchange.no_resource", name)
	}
	c.ds, err = x.datasets.Get(ctx, x.db, c.grant.Dataset, everyDataset)
	return err
}

// actor is the program as the audit names it.
func (c *call) actor() *room.Actor {
	return &room.Actor{Account: c.key.ID, Name: c.key.Program, Unit: c.grant.Unit, Home: c.grant.Unit}
}

// turnedAway counts a refusal and writes it down, as long as one key's are not a flood. What was rightly signed is spent.
func (x *Exchange) turnedAway(ctx context.Context, c *call, why error) {
	now := x.now()
	if errs.Is(why, errs.Internal) || errs.Is(why, errs.Limited) && errs.KeyOf(why) == "exchange.too_fast" || !x.rates.allow(c.key.ID, false, 1, now) {
		return
	}
	_ = x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if c.sure {
			if err := store.Exec(ctx, tx, `INSERT INTO exchange_nonce (key_id, nonce, at) VALUES ($1, $2, $3) ON CONFLICT (key_id, nonce) DO NOTHING`, c.key.ID, c.req.Nonce, store.At(now)); err != nil {
				return err
			}
		}
		if err := x.count(ctx, tx, c, 0, 1, 0); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, audit.Entry{Action: "exchange.call", Object: "exchange_grant", ID: c.key.Grant, Title: c.grant.Title, Result: audit.Denied, Actor: c.actor(),
			Detail: map[string]any{"key": c.key.ID, "path": c.req.Path, "why": errs.KeyOf(why)}})
	})
}

func (x *Exchange) count(ctx context.Context, tx *store.Tx, c *call, good, bad, records int64) error {
	return store.Exec(ctx, tx, `INSERT INTO exchange_call (key_id, grant_id, day, good, bad, records) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (key_id, day) DO UPDATE SET good = exchange_call.good + excluded.good, bad = exchange_call.bad + excluded.bad, records = exchange_call.records + excluded.records`,
		c.key.ID, c.key.Grant, string(warehouse.DateOf(x.now())), good, bad, records)
}

// settle lets an answer go, in one transaction: the nonce is new to every replica, the quota holds, the call is counted and
// stands in the audit.
func (x *Exchange) settle(ctx context.Context, c *call, records int, cols []dataset.Column, detail map[string]any) error {
	now := store.At(x.now())
	err := x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := store.ExecOne(ctx, tx, `INSERT INTO exchange_nonce (key_id, nonce, at) VALUES ($1, $2, $3) ON CONFLICT (key_id, nonce) DO NOTHING`, c.key.ID, c.req.Nonce, now)
		if errs.Is(err, errs.Conflict) {
			return errs.New(errs.Unsigned, "exchange.replayed")
		}
		if err != nil {
			return err
		}
		if err := x.datasets.Spend(ctx, tx, c.held, int64(records)); err != nil {
			return err
		}
		if err := x.count(ctx, tx, c, 1, 0, int64(records)); err != nil {
			return err
		}
		if now.Sub(c.key.Used.Time) > time.Minute {
			if err := store.Exec(ctx, tx, `UPDATE exchange_key SET used_at = $1 WHERE id = $2`, now, c.key.ID); err != nil {
				return err
			}
		}
		detail["key"], detail["grant"], detail["version"], detail["rows"], detail["columns"] = c.key.ID, c.held.ID, c.ds.Current, records, named(cols)
		return x.audit.Record(ctx, tx, entryOf(&c.grant, "exchange.call", records, cols, detail, c.actor()))
	})
	if err != nil {
		x.turnedAway(ctx, c, err)
	}
	return err
}

func entryOf(g *grant, action string, records int, cols []dataset.Column, detail map[string]any, by *room.Actor) audit.Entry {
	e := audit.Entry{Action: action, Object: "exchange_grant", ID: g.ID, Title: g.Title, Purpose: g.Purpose, Detail: detail, Actor: by}
	if slices.ContainsFunc(cols, func(c dataset.Column) bool { return c.Kind != "" }) {
		e.Personal, e.Subjects = true, records
	}
	return e
}

func named(cols []dataset.Column) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.Name
	}
	return out
}

// record is one row: an object whose members stand in the order of the columns.
type record struct {
	cols []dataset.Column
	row  []any
}

// MarshalJSON implements json.Marshaler.
func (r record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range r.cols {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(c.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(r.row[i])
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func records(cols []dataset.Column, rows [][]any) []record {
	out := make([]record, len(rows))
	for i, row := range rows {
		out[i] = record{cols, row}
	}
	return out
}

// rowsOut is one page of rows.
type rowsOut struct {
	Resource string     `json:"resource"`
	Version  int64      `json:"version"`
	Updated  store.Time `json:"updatedAt"`
	Items    []record   `json:"items"`
	Next     string     `json:"next"`
}

// rows answers GET /v1/resources/{name}.
func (x *Exchange) rows(w http.ResponseWriter, r *http.Request) error {
	c, err := x.caller(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	asked, err := x.asked(ctx, c, r)
	if err == nil {
		var ans dataset.Answer
		if ans, err = x.datasets.Ask(ctx, c.ds, c.held, asked); err == nil {
			if err := x.settle(ctx, c, len(ans.Rows), ans.Columns, map[string]any{"rules": len(asked.Rules)}); err != nil {
				return err
			}
			return reply(w, rowsOut{c.ds.Name, c.ds.Number, c.ds.Updated, records(ans.Columns, ans.Rows), x.cursor(c.held, c.ds, ans.Next)})
		}
	}
	x.turnedAway(ctx, c, err)
	return err
}

// asked reads the query of a call.
func (x *Exchange) asked(ctx context.Context, c *call, r *http.Request) (dataset.Asked, error) {
	q := r.URL.Query()
	most := x.number(ctx, "per_call")
	a := dataset.Asked{Limit: min(100, most)}
	for name := range q {
		if !slices.Contains([]string{"columns", "filter", "limit", "cursor"}, name) {
			return a, errs.New(errs.Invalid, "exchange.bad_parameter", cut(name))
		}
	}
	if s := q.Get("columns"); s != "" {
		a.Columns = strings.Split(s, ",")
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > most {
			return a, errs.New(errs.Invalid, "exchange.bad_limit", most)
		}
		a.Limit = n
	}
	var err error
	if a.Rules, err = rules(q["filter"]); err != nil {
		return a, err
	}
	a.After, err = x.place(c.held, c.ds, q.Get("cursor"))
	return a, err
}

// rules reads filters as a query says them: column:op:value, the values of in parted by |.
func rules(all []string) (dataset.Filter, error) {
	if len(all) > 20 {
		return nil, errs.New(errs.Invalid, "exchange.bad_filter", cut(all[20]))
	}
	out := dataset.Filter{}
	for _, s := range all {
		part := strings.SplitN(s, ":", 3)
		r := dataset.Rule{Column: part[0]}
		switch {
		case len(part) < 2 || part[0] == "":
			return nil, errs.New(errs.Invalid, "exchange.bad_filter", cut(s))
		case part[1] == string(warehouse.OpIsNull):
			r.Values = []string{}
		case len(part) < 3:
			return nil, errs.New(errs.Invalid, "exchange.bad_filter", cut(s))
		case part[1] == string(warehouse.OpIn):
			r.Values = strings.Split(part[2], "|")
		default:
			r.Values = []string{part[2]}
		}
		r.Op = warehouse.Op(part[1])
		out = append(out, r)
	}
	return out, nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// cursor seals where an answer ended: it may hold the value of a masked key. It is good for this grant and this version.
func (x *Exchange) cursor(g dataset.Grant, ds dataset.Dataset, p *dataset.Place) string {
	if p == nil {
		return ""
	}
	b, _ := json.Marshal(p)
	return x.ring.Seal(cursorPlace(g, ds), b)
}

func (x *Exchange) place(g dataset.Grant, ds dataset.Dataset, cursor string) (*dataset.Place, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := x.ring.Unseal(cursorPlace(g, ds), cursor)
	if err != nil {
		return nil, errs.New(errs.Conflict, "exchange.stale_cursor")
	}
	p := &dataset.Place{}
	return p, json.Unmarshal(b, p)
}

func cursorPlace(g dataset.Grant, ds dataset.Dataset) string {
	return "exchange.cursor/" + g.ID + "/" + ds.Current
}

func reply(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// lookupIn is the body of a look-up.
type lookupIn struct {
	Column  string   `json:"column"`
	Keys    []string `json:"keys"`
	Columns []string `json:"columns"`
}

// found is one row of a look-up.
type found struct {
	Key int    `json:"key"`
	Row record `json:"row"`
}

type lookupOut struct {
	Resource string     `json:"resource"`
	Version  int64      `json:"version"`
	Updated  store.Time `json:"updatedAt"`
	Items    []found    `json:"items"`
	Missed   []int      `json:"missed"`
	Wrong    []int      `json:"wrong"`
	More     bool       `json:"more"`
}

// mostLooked bounds the keys of one look-up.
const mostLooked = 1000

// lookup answers POST /v1/resources/{name}/lookup.
func (x *Exchange) lookup(w http.ResponseWriter, r *http.Request) error {
	c, err := x.caller(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	out, cols, err := x.lookAll(ctx, c)
	if err != nil {
		x.turnedAway(ctx, c, err)
		return err
	}
	if err := x.settle(ctx, c, len(out.Items), cols, map[string]any{"keys": len(out.Items) + len(out.Missed)}); err != nil {
		return err
	}
	return reply(w, out)
}

func (x *Exchange) lookAll(ctx context.Context, c *call) (lookupOut, []dataset.Column, error) {
	var in lookupIn
	out := lookupOut{Resource: c.ds.Name, Version: c.ds.Number, Updated: c.ds.Updated, Items: []found{}, Missed: []int{}, Wrong: []int{}}
	d := json.NewDecoder(bytes.NewReader(c.req.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return out, nil, errs.New(errs.Invalid, "exchange.bad_body")
	}
	if len(in.Keys) == 0 || len(in.Keys) > mostLooked {
		return out, nil, errs.New(errs.Invalid, "exchange.bad_keys", mostLooked)
	}
	f, err := x.datasets.Find(ctx, c.ds, c.held, in.Column, in.Keys, in.Columns)
	if err != nil {
		return out, nil, err
	}
	out.More, out.Wrong = f.More, append(out.Wrong, f.Wrong...)
	for i, row := range f.Rows {
		out.Items = append(out.Items, found{f.Keys[i], record{f.Columns, row}})
	}
	for i := range in.Keys {
		if _, hit := slices.BinarySearch(f.Keys, i); !hit && !slices.Contains(f.Wrong, i) {
			out.Missed = append(out.Missed, i)
		}
	}
	return out, f.Columns, nil
}

type tryIn struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Columns []string `json:"columns" required:"false" nullable:"false" maxItems:"1000"`
		Filter  []string `json:"filter" required:"false" nullable:"false" maxItems:"20" doc:"column:op:value, as programs say it"`
		Limit   int      `json:"limit" minimum:"1" maximum:"20"`
	}
}

// Tried is what a person sees who tries a resource out.
type Tried struct {
	Columns []string `json:"columns" nullable:"false"`
	Rows    [][]any  `json:"rows" nullable:"false" doc:"values in the order of columns, as a program is given them"`
	More    bool     `json:"more"`
}
type tryOut struct{ Body Tried }

// try lets a person see what a program is given, under the same grant, quota and record.
func (x *Exchange) try(ctx context.Context, in *tryIn) (*tryOut, error) {
	g, err := x.usable(ctx, x.db, in.ID)
	if err != nil {
		return nil, err
	}
	held, err := x.inUse(ctx, x.db, &g, dataset.API)
	if err != nil {
		return nil, err
	}
	ds, err := x.datasets.Get(ctx, x.db, g.Dataset, everyDataset)
	if err != nil {
		return nil, err
	}
	asked := dataset.Asked{Columns: in.Body.Columns, Limit: in.Body.Limit}
	if asked.Rules, err = rules(in.Body.Filter); err != nil {
		return nil, err
	}
	ans, err := x.datasets.Ask(ctx, ds, held, asked)
	if err != nil {
		return nil, err
	}
	err = x.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := x.datasets.Spend(ctx, tx, held, int64(len(ans.Rows))); err != nil {
			return err
		}
		return x.audit.Record(ctx, tx, entryOf(&g, "exchange.try", len(ans.Rows), ans.Columns, map[string]any{"grant": held.ID, "version": ds.Current, "rows": len(ans.Rows), "columns": named(ans.Columns)}, nil))
	})
	if err != nil {
		return nil, err
	}
	out := &tryOut{Tried{Columns: named(ans.Columns), Rows: ans.Rows, More: ans.Next != nil}}
	return out, nil
}
