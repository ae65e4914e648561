// Package notify tells persons that something concerns them: one notice for each person, in a
// transaction of the room that has something to say, read in the portal and pushed to whoever is there.
// A notice belongs to its reader alone; nobody else sees it, whatever his rights.
package notify

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Kind says how a notice is shown.
type Kind string

// The kinds.
const (
	Info  Kind = "info"  // for knowledge; the default
	Task  Kind = "task"  // something waits for the reader
	Alarm Kind = "alarm" // something is wrong
)

// Notice is what a room says to persons.
type Notice struct {
	To     []string // persons; empty and repeated ones are left out
	Kind   Kind     // Info when empty
	Key    string   // text key of the title, shown in the reader's language
	Args   []any    // of the key: texts and numbers
	Text   string   // the title as somebody wrote it, instead of Key
	Link   string   // path in the portal that opens what it is about, "/desk/notices/…"; "" for none
	Object string   // what kind of thing it is about, "<room>" or "<room>_<noun>"
	ID     string   // which one
	Must   bool     // stays unread until it is opened by itself: “read all” leaves it
}

// Notes sends and shows notices.
type Notes struct {
	db    *store.DB
	now   func() time.Time
	words *errs.Catalog

	// Push reaches a person who is there, right after the commit. It may not block; nil while there is no
	// realtime. The payload is a Pushed.
	Push func(person string, payload any)
}

// Pushed is what a present reader is told: that the topic is to be asked for again.
type Pushed struct {
	Topic string `json:"topic"`        // "notify.unread"
	ID    string `json:"id,omitempty"` // of a new notice
	Kind  Kind   `json:"kind,omitempty"`
	Must  bool   `json:"must,omitempty"`
}

const topic = "notify.unread"

// New returns notices over db, worded by the texts of every installed room.
func New(db *store.DB, words *errs.Catalog, now func() time.Time) *Notes {
	return &Notes{db: db, words: words, now: now}
}

// maxTitle bounds a title a person wrote, in bytes.
const maxTitle = 1000

// Send writes x for every person of x.To in tx and pushes it once tx is on disk. Errors are slips of the
// calling room: no words, an unknown key, a link that leaves the portal.
func (n *Notes) Send(ctx context.Context, tx *store.Tx, x Notice) error {
	if err := n.check(&x); err != nil {
		return err
	}
	people := distinct(x.To)
	if len(people) == 0 {
		return nil
	}
	rows := make([]recipient, len(people))
	for i, p := range people {
		rows[i] = recipient{id.New(), p}
	}
	if err := insert(ctx, tx, x, store.At(n.now()), rows); err != nil {
		return err
	}
	tx.After(func() {
		for _, r := range rows {
			n.push(r.Person, Pushed{Topic: topic, ID: r.ID, Kind: x.Kind, Must: x.Must})
		}
	})
	return nil
}

func (n *Notes) push(person string, p Pushed) {
	if n.Push != nil {
		n.Push(person, p)
	}
}

func (n *Notes) check(x *Notice) error {
	if x.Kind == "" {
		x.Kind = Info
	}
	x.Text = strings.TrimSpace(tidy(x.Text))
	switch {
	case x.Kind != Info && x.Kind != Task && x.Kind != Alarm:
		return fmt.Errorf("notify: unknown kind %q", x.Kind)
	case (x.Key == "") == (x.Text == ""):
		return fmt.Errorf("notify: a notice about %q needs a key or a text, and not both", x.Object)
	case x.Key != "" && !n.words.Has(x.Key):
		return fmt.Errorf("notify: there is no text %q", x.Key)
	case len(x.Text) > maxTitle:
		return errs.New(errs.Invalid, "notify.too_long", maxTitle/3)
	case x.Link != "" && (!strings.HasPrefix(x.Link, "/") || strings.HasPrefix(x.Link, "//") || strings.ContainsAny(x.Link, "\\\x00")):
		return fmt.Errorf("notify: the link %q does not stay in the portal", x.Link)
	}
	return nil
}

func distinct(people []string) []string {
	out := slices.DeleteFunc(slices.Clone(people), func(p string) bool { return p == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// Room declares the package.
func (n *Notes) Room() *room.Room {
	const own = "reading one's own notice"
	return &room.Room{Name: "notify", Pillar: room.Kernel, Schema: schema, Text: Text,
		Menu: []room.Menu{{Name: "list", Path: "/notify", Perm: room.Signed, Rank: 20}},
		Routes: []room.Route{
			room.Get("", room.Signed, n.list),
			room.Get("/count", room.Signed, n.count),
			room.Post("/{id}/read", room.Signed, n.read).NoAudit(own),
			room.Post("/read-all", room.Signed, n.readAll).NoAudit(own),
		},
	}
}
