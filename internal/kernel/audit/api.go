package audit

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/room"
)

// Item is a row with its action and its unit in words.
type Item struct {
	Row
	What     string `json:"what" doc:"the action in the caller's language"`
	UnitName string `json:"unitName" doc:"today's name of the unit, empty for none and where nobody knows it"`
}

// Units returns the names of units by id; unknown ones are left out.
type Units func(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)

// KnowUnits tells the log how units are called, for reading: records keep the id. It comes before the first request.
func (l *Log) KnowUnits(units Units) { l.units = units }

// name puts words beside the ids of rows.
func (l *Log) name(ctx context.Context, items []Item) error {
	var ids []string
	for i := range items {
		items[i].What = l.title(web.From(ctx).Lang, items[i].Action)
		if items[i].Unit != "" {
			ids = append(ids, items[i].Unit)
		}
	}
	if l.units == nil || len(ids) == 0 {
		return nil
	}
	names, err := l.units(ctx, l.db, ids)
	if err != nil {
		return err
	}
	for i := range items {
		items[i].UnitName = names[items[i].Unit]
	}
	return nil
}

// Filter is what a list may be narrowed by.
type Filter struct {
	store.Page
	From     time.Time `query:"from" doc:"not before"`
	To       time.Time `query:"to" doc:"before"`
	Person   string    `query:"person" maxLength:"60" doc:"id of the person"`
	Account  string    `query:"account" maxLength:"100"`
	Unit     string    `query:"unit" maxLength:"60"`
	Action   string    `query:"action" maxLength:"100" pattern:"^[a-z0-9_.]*$" doc:"the action or how it begins"`
	Object   string    `query:"object" maxLength:"100"`
	ObjectID string    `query:"objectId" maxLength:"200"`
	Result   string    `query:"result" enum:"ok,denied,failed"`
	Personal string    `query:"personal" enum:"yes,no" doc:"looks at or changes of personal data, or everything else"`
	Text     string    `query:"text" maxLength:"100" doc:"stands in the title; looks 31 days back when from is not given"`
}

// textDays bounds a search in titles, which no index helps.
const textDays = 31

// conds gives the filter as predicates. Those of the partial indexes stand literally, as both engines ask.
func (f Filter) conds(now time.Time) []store.Cond {
	var out []store.Cond
	if f.Text != "" && f.From.IsZero() {
		f.From = now.AddDate(0, 0, -textDays)
	}
	if !f.From.IsZero() {
		out = append(out, store.C("at >= $1", store.At(f.From)))
	}
	if !f.To.IsZero() {
		out = append(out, store.C("at < $1", store.At(f.To)))
	}
	for _, eq := range []struct{ column, value string }{{"person", f.Person}, {"account", f.Account}, {"unit", f.Unit}, {"object", f.Object}, {"object_id", f.ObjectID}} {
		if eq.value != "" {
			out = append(out, store.C(eq.column+" = $1", eq.value))
		}
	}
	if f.Action != "" {
		out = append(out, store.C("action >= $1 AND action < $2", f.Action, f.Action+"~")) // "~" sorts behind every letter of a name
	}
	switch f.Result {
	case "":
	case string(OK):
		out = append(out, store.C("result = 'ok'"))
	default:
		out = append(out, store.C("result <> 'ok' AND result = $1", f.Result))
	}
	switch f.Personal {
	case "yes":
		out = append(out, store.C("personal"))
	case "no":
		out = append(out, store.C("NOT personal"))
	}
	if f.Text != "" {
		out = append(out, store.C("replace(title, $1, '') <> title", f.Text)) // "contains" that both engines understand alike
	}
	return out
}

type listOut struct{ Body store.Listed[Item] }

func (l *Log) page(ctx context.Context, f Filter, scope store.Scope, more ...store.Cond) (*listOut, error) {
	rows, err := store.List(ctx, l.db, store.Query[Item]{Select: selectRow, Scope: scope, Where: append(f.conds(l.now()), more...),
		Keys: []string{"at", "id"}, Desc: true, Page: f.Page,
		Scan:   func(i *Item) []any { return scan(&i.Row) },
		Cursor: func(i *Item) []any { return []any{i.At, i.ID} }})
	if err != nil {
		return nil, err
	}
	return &listOut{rows}, l.name(ctx, rows.Items)
}

func (l *Log) title(lang, action string) string {
	if l.words == nil || !l.words.Has("action."+action) { // written by a room that is no longer installed
		return action
	}
	return l.words.Text(lang, "action."+action)
}

func (l *Log) list(ctx context.Context, in *Filter) (*listOut, error) {
	if err := l.noteRead(ctx); err != nil {
		return nil, err
	}
	return l.page(ctx, *in, store.Unscoped("the auditor reads the log of everybody"))
}

// auditors lets the security administrator watch the auditors: nobody's own acts go unseen.
func (l *Log) auditors(ctx context.Context, in *Filter) (*listOut, error) {
	if err := l.noteRead(ctx); err != nil {
		return nil, err
	}
	return l.page(ctx, *in, store.Unscoped("only rows of auditors follow"), store.C("admin = 'audit'"))
}

type mineIn struct{ store.Page }

func (l *Log) mine(ctx context.Context, in *mineIn) (*listOut, error) {
	me := actor(ctx)
	return l.page(ctx, Filter{Page: in.Page}, store.Scoped(store.C("person = $1 AND person <> ''", me.Person)))
}

// actor is who calls; a route behind a sign-in has somebody. (authz.From would be a circle: it writes entries.)
func actor(ctx context.Context) *room.Actor {
	if a := room.ActorOf(ctx); a != nil {
		return a
	}
	return &room.Actor{}
}

// reads keeps the audit of reading the audit readable: one entry a session in ten minutes.
type reads struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const readEvery = 10 * time.Minute

// first reports whether who has not read for a while, and notes that he does now.
func (r *reads) first(who string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.last[who]; ok && now.Sub(at) < readEvery {
		return false
	}
	if r.last == nil {
		r.last = map[string]time.Time{}
	}
	for k, at := range r.last {
		if now.Sub(at) >= readEvery {
			delete(r.last, k)
		}
	}
	r.last[who] = now
	return true
}

// noteRead records that somebody reads the log (security-mlps §4 "audit read"), once a session in ten
// minutes and replica: every page would bury what matters.
func (l *Log) noteRead(ctx context.Context) error {
	me := actor(ctx)
	if !l.reads.first(me.Person+" "+me.Session, l.now()) {
		return nil
	}
	return l.Note(ctx, Entry{Action: "audit.read", Object: "audit"})
}

type showIn struct {
	ID string `path:"id" maxLength:"60"`
}

// Full is one row with its detail.
type Full struct {
	Item
	Detail map[string]any `json:"detail" nullable:"false"`
	Intact bool           `json:"intact" doc:"the content fits the mark made when it was written"`
}

type showOut struct{ Body Full }

func (l *Log) show(ctx context.Context, in *showIn) (*showOut, error) {
	if err := l.noteRead(ctx); err != nil {
		return nil, err
	}
	row, err := store.One(ctx, l.db, scan, selectRow+` WHERE id = $1`, in.ID)
	if err != nil {
		return nil, err
	}
	text, err := row.Canonical()
	if err != nil {
		return nil, err
	}
	one := []Item{{Row: row}}
	if err := l.name(ctx, one); err != nil {
		return nil, err
	}
	out := Full{Item: one[0], Detail: row.Detail.V, Intact: !row.unreadable && l.ring.VerifyMAC(secret.Audit, row.MAC, text)}
	if out.Detail == nil {
		out.Detail = map[string]any{}
	}
	return &showOut{out}, nil
}

type actionsOut struct {
	Body struct {
		Items []Action `json:"items" nullable:"false"`
	}
}

func (l *Log) actions(ctx context.Context, _ *struct{}) (*actionsOut, error) {
	out := &actionsOut{}
	out.Body.Items = make([]Action, len(l.declared))
	for i, a := range l.declared {
		lang := web.From(ctx).Lang
		a.Title, a.RoomTitle = l.title(lang, a.Name), l.words.Text(lang, "room."+a.Room)
		out.Body.Items[i] = a
	}
	return out, nil
}

type rootsIn struct{ store.Page }

type rootsOut struct{ Body store.Listed[Root] }

func (l *Log) roots(ctx context.Context, in *rootsIn) (*rootsOut, error) {
	rows, err := store.List(ctx, l.db, store.Query[Root]{Select: selectRoot, Scope: store.Unscoped("roots say nothing of anybody"),
		Keys: []string{"id"}, Desc: true, Page: in.Page, Scan: scanRoot, Cursor: func(r *Root) []any { return []any{r.ID} }})
	return &rootsOut{rows}, err
}

type keysOut struct {
	Body struct {
		Items []PublicKey `json:"items" nullable:"false"`
	}
}

func (l *Log) keys(context.Context, *struct{}) (*keysOut, error) {
	out := &keysOut{}
	var err error
	out.Body.Items, err = l.PublicKeys()
	return out, err
}

// export streams a pack: ?from=&to= as times, or ?fromSeq=&toSeq= as records.
func (l *Log) export(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if _, err := l.Chain(ctx); err != nil {
		return err
	}
	from, to, err := l.exportRange(ctx, r)
	if err != nil {
		return err
	}
	h, err := l.packHead(ctx, from, to)
	if err != nil {
		return err
	}
	if err := l.Note(ctx, Entry{Action: "audit.export", Object: "audit", Detail: map[string]any{"from": h.From, "to": h.To}}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Content-Disposition", `attachment; filename="audit-`+strconv.FormatInt(h.From, 10)+"-"+strconv.FormatInt(h.To, 10)+`.jsonl"`)
	out := &counting{w: w}
	err = l.Export(ctx, out, h.From, h.To)
	if err != nil && out.n > 0 {
		panic(http.ErrAbortHandler) // the answer has begun: break off, so that nobody takes it for whole
	}
	return err
}

type counting struct {
	w http.ResponseWriter
	n int
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += n
	return n, err
}

func (l *Log) exportRange(ctx context.Context, r *http.Request) (from, to int64, err error) {
	q := r.URL.Query()
	for _, x := range []struct {
		name string
		dst  *int64
	}{{"fromSeq", &from}, {"toSeq", &to}} {
		if s := q.Get(x.name); s != "" {
			if *x.dst, err = strconv.ParseInt(s, 10, 64); err != nil || *x.dst < 1 {
				return 0, 0, errs.New(errs.Invalid, "audit.bad_range", x.name)
			}
		}
	}
	var f Filter
	for _, x := range []struct {
		name string
		dst  *time.Time
	}{{"from", &f.From}, {"to", &f.To}} {
		if s := q.Get(x.name); s != "" {
			if *x.dst, err = time.Parse(time.RFC3339, s); err != nil {
				return 0, 0, errs.New(errs.Invalid, "audit.bad_range", x.name)
			}
		}
	}
	if f.From.IsZero() && f.To.IsZero() {
		return from, to, nil
	}
	where := store.And(append(f.conds(l.now()), store.C("seq > 0"))...)
	span, err := store.One(ctx, l.db, func(s *[2]int64) []any { return []any{&s[0], &s[1]} }, `SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM audit JOIN audit_link ON record = id WHERE `+where.SQL, where.Args...)
	if err == nil && span[0] == 0 {
		err = errs.New(errs.Missing, "audit.nothing_then")
	}
	return span[0], span[1], err
}
