// Package audit is the record of who did what: every state change and every look at personal data,
// written in the transaction of the change itself. GB/T 22239-2019 §8.1.4.3.
//
// A row is inserted unchained with an HMAC-SM3; one replica chains committed rows in batches within
// a second (service.go), their places in a narrow table beside them. So a write costs one insert, and an
// altered, missing or reordered row is still found. Signed roots of the chain (root.go) are kept in files besides the table, so a cut tail
// is found too. Verify walks it here, VerifyPack on a machine that has neither database nor keys.
package audit

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/jobs"
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
	// Detail is shown to the auditor, who may not see business data: field names, counts, digests,
	// rights granted; never personal data. Over 32 KiB it is replaced by its SM3.
	Detail map[string]any
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

	unreadable bool // a column held what its type does not allow: somebody wrote past this program
}

// Log writes entries, chains them and proves them.
type Log struct {
	db   *store.DB
	ring *secret.Ring
	jobs *jobs.Client
	now  func() time.Time

	wake  chan struct{} // told of every commit with an entry
	fresh fresh
	turn  sync.Mutex // one Chain or Seal of this process at a time
	last  head       // the newest end of the chain this process has seen; guarded by turn
	// looked: this process has once looked for waiting rows everywhere; guarded by turn
	looked bool
	files  rootFiles
	reads  reads

	atOnce int64 // records a caller waits for
	atLook int   // waiting rows looked up at a time

	declared []Action      // of all rooms; set before the first request
	words    *errs.Catalog // likewise
	units    Units         // likewise, nil where nobody knows them
}

// NewLog returns a log over db whose marks and signatures are made with ring. Long verifications run as jobs of c.
func NewLog(db *store.DB, ring *secret.Ring, c *jobs.Client, now func() time.Time) *Log {
	return &Log{db: db, ring: ring, jobs: c, now: now, wake: make(chan struct{}, 1), atOnce: atOnce, atLook: reading}
}

// Record writes e in tx, with who acts, where and when taken from ctx.
func (l *Log) Record(ctx context.Context, tx *store.Tx, e Entry) error {
	r, text, err := l.row(ctx, e)
	if err != nil {
		return err
	}
	if err := insert(ctx, tx, r); err != nil {
		return err
	}
	room.MarkAudited(ctx)
	tx.After(func() { l.fresh.add(r.ID, text); l.nudge() })
	return nil
}

// nudge wakes the chaining service of this process, if it runs here.
func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Note writes e in a transaction of its own, for what has no change to stand with: a look, a refused call.
func (l *Log) Note(ctx context.Context, e Entry) error {
	return l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return l.Record(ctx, tx, e) })
}

// row makes the row of e with its canonical text.
func (l *Log) row(ctx context.Context, e Entry) (r Row, text string, err error) {
	q := web.From(ctx)
	r = Row{ID: id.New(), At: store.At(l.now()), IP: q.IP, Agent: q.Agent, Trace: q.Trace, Action: e.Action, Object: e.Object, ObjectID: e.ID,
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
	if r.Detail.V, err = settle(e.Detail); err != nil {
		return r, "", err
	}
	r.clean()
	if text, err = r.Canonical(); err != nil {
		return r, "", err
	}
	r.MAC = l.ring.MACHex(secret.Audit, text)
	return r, text, nil
}

// Canonical is the text that is marked and chained: a JSON array of every kept field in this order.
// It never changes; a new field is appended for rows that have it.
func (r Row) Canonical() (string, error) {
	detail := r.Detail.V
	if detail == nil {
		detail = map[string]any{}
	}
	at := int64(0) // a row somebody emptied has no time
	if !r.At.IsZero() {
		at = r.At.UnixMicro()
	}
	b, err := json.Marshal([]any{r.ID, at, r.Person, r.Account, r.Name, r.Admin, r.Unit, r.Post, r.Session, r.IP, r.Agent, r.Trace,
		r.Action, r.Object, r.ObjectID, r.Title, r.Personal, r.Subjects, r.Purpose, string(r.Result), detail})
	if err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	return string(b), nil
}
