// Package audit is the record of who did what: every state change and every look at personal data,
// written in the transaction of the change itself. GB/T 22239-2019 §8.1.4.3.
//
// A row is inserted unchained with an HMAC-SM3; one replica chains committed rows in batches within
// a second. So a write costs one insert, and an altered, missing or reordered row is still found.
package audit

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"qushu/internal/base/id"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Result is how an action ended.
type Result string

// The results.
const (
	OK     Result = "ok"
	Denied Result = "denied"
	Failed Result = "failed"
)

// Entry is what a caller says; who, where and when come from the context.
type Entry struct {
	Action   string // "<room>.<verb>", declared in room.Actions
	Object   string // what kind of thing, "<room>" or "<room>_<noun>"
	ID       string // which one
	Title    string // its name for people; no personal data
	Personal bool   // a look at or change of personal data
	Subjects int    // how many persons' data
	Purpose  string // why, of a look at personal data
	Result   Result // OK when empty
	Detail   map[string]any
	// Actor overrides who acted, for a sign-in that has no actor yet.
	Actor *room.Actor
}

// Row is one entry as kept.
type Row struct {
	ID       string                     `json:"id"`
	Seq      int64                      `json:"seq" doc:"place in the chain, 0 until chained"`
	At       store.Time                 `json:"at"`
	Person   string                     `json:"person"`
	Account  string                     `json:"account"`
	Name     string                     `json:"name"`
	Admin    string                     `json:"admin"`
	Unit     string                     `json:"unit"`
	Post     string                     `json:"post"`
	Session  string                     `json:"-"`
	IP       string                     `json:"ip"`
	Agent    string                     `json:"agent"`
	Trace    string                     `json:"trace"`
	Action   string                     `json:"action"`
	Object   string                     `json:"object"`
	ObjectID string                     `json:"objectId"`
	Title    string                     `json:"title"`
	Personal bool                       `json:"personal"`
	Subjects int                        `json:"subjects"`
	Purpose  string                     `json:"purpose"`
	Result   Result                     `json:"result"`
	Detail   store.JSON[map[string]any] `json:"-"`
	MAC      string                     `json:"-"`
	Hash     string                     `json:"hash"`
}

// Log writes entries.
type Log struct {
	db   *store.DB
	ring *secret.Ring
	now  func() time.Time
}

// NewLog returns a log over db whose marks are made with ring.
func NewLog(db *store.DB, ring *secret.Ring, now func() time.Time) *Log { return &Log{db, ring, now} }

// Record writes e in tx, with who acts, where and when taken from ctx.
func (l *Log) Record(ctx context.Context, tx *store.Tx, e Entry) error {
	r, err := l.row(ctx, e)
	if err != nil {
		return err
	}
	room.MarkAudited(ctx)
	return insert(ctx, tx, r)
}

// Note writes e in a transaction of its own, for what has no change to stand with: a look, a refused call.
func (l *Log) Note(ctx context.Context, e Entry) error {
	return l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return l.Record(ctx, tx, e) })
}

func (l *Log) row(ctx context.Context, e Entry) (Row, error) {
	q := web.From(ctx)
	r := Row{ID: id.New(), At: store.At(l.now()), IP: q.IP, Agent: q.Agent, Trace: q.Trace, Action: e.Action, Object: e.Object, ObjectID: e.ID,
		Title: e.Title, Personal: e.Personal, Subjects: e.Subjects, Purpose: e.Purpose, Result: e.Result}
	if r.Result == "" {
		r.Result = OK
	}
	a := e.Actor
	if a == nil {
		a = room.ActorOf(ctx)
	}
	if a != nil {
		r.Person, r.Account, r.Name, r.Admin, r.Unit, r.Post, r.Session = a.Person, a.Account, a.Name, string(a.Admin), a.Unit, a.Post, a.Session
	}
	r.Detail.V = e.Detail
	if r.Detail.V == nil {
		r.Detail.V = map[string]any{}
	}
	text, err := r.Canonical()
	if err != nil {
		return r, err
	}
	r.MAC = l.ring.MACHex(secret.Audit, text)
	return r, nil
}

// Canonical is the text that is marked and chained: a JSON array of every kept field in this order.
// It never changes; a new field is appended for rows that have it.
func (r Row) Canonical() (string, error) {
	detail := r.Detail.V
	if detail == nil {
		detail = map[string]any{}
	}
	b, err := json.Marshal([]any{r.ID, r.At.UnixMicro(), r.Person, r.Account, r.Name, r.Admin, r.Unit, r.Post, r.Session, r.IP, r.Agent, r.Trace,
		r.Action, r.Object, r.ObjectID, r.Title, r.Personal, r.Subjects, r.Purpose, string(r.Result), detail})
	if err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	return string(b), nil
}
