// Package talk keeps what people say about an object of a room: one thread for each (room, object), made at
// the first word. Who may read the object may read and write its thread; the room says who that is. Messages
// are numbered without gaps and never edited; their author may recall one for a short while.
package talk

import (
	"context"
	"embed"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/notify"
	"qushu/internal/kernel/org"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// CanRead says whether the actor of ctx may read and write about object; nil means yes.
type CanRead func(ctx context.Context, object string) error

// Mentions says whether another person may be mentioned about object; q is the transaction of the message.
type Mentions func(ctx context.Context, q store.Queryer, object, person string) (bool, error)

// host is what a room said about its threads.
type host struct {
	can      CanRead
	mentions Mentions
	link     func(object string) string
}

// Deps are the parts talk is made of.
type Deps struct {
	DB       *store.DB
	Audit    *audit.Log
	Org      *org.Org
	Files    *file.Files
	Notify   *notify.Notes
	Settings *settings.Settings
	Now      func() time.Time
}

// Talk keeps threads.
type Talk struct {
	Deps
	hosts map[string]host

	// Push tells a person's open pages that a thread changed; nil where there is no realtime. It may not block.
	Push func(person string, payload any)
}

// New makes the service.
func New(d Deps) *Talk { return &Talk{Deps: d, hosts: map[string]host{}} }

// Readers says who may read and write about the objects of a room, and where such an object is read; the room
// calls it once when it is made. A nil mentions lets everybody be mentioned who is still there.
func (t *Talk) Readers(room string, can CanRead, mentions Mentions, link func(object string) string) {
	t.hosts[room] = host{can, mentions, link}
}

// may says why the actor may not talk about an object; what the room denies is not there.
func (t *Talk) may(ctx context.Context, room, object string) error {
	h, ok := t.hosts[room]
	if !ok {
		return errs.New(errs.Missing, "store.missing")
	}
	return h.can(ctx, object)
}

// tell pushes to everybody who takes part, once tx is on disk.
func (t *Talk) tell(ctx context.Context, tx *store.Tx, th thread) error {
	if t.Push == nil {
		return nil
	}
	people, err := store.Column[string](ctx, tx, `SELECT person FROM talk_mark WHERE thread = $1 ORDER BY person`, th.ID)
	if err != nil {
		return err
	}
	tx.After(func() {
		for _, p := range people {
			t.Push(p, notify.Pushed{Topic: "talk:" + th.Room + "/" + th.Object})
		}
	})
	return nil
}

// Room declares the package.
func (t *Talk) Room() *room.Room {
	return &room.Room{Name: "talk", Pillar: room.Kernel, Schema: schema, Text: Text,
		Routes: []room.Route{
			room.Get("/threads", room.Signed, t.thread),
			room.Post("/messages", room.Signed, t.send),
			room.Post("/messages/{id}/recall", room.Signed, t.recall),
			room.Get("/messages/{id}/readers", room.Signed, t.readers),
			room.Post("/read", room.Signed, t.read).NoAudit("how far one has read oneself"),
		},
		Settings: []room.Setting{{Name: "recall_seconds", Default: 120, Min: 0, Max: 86_400, Admin: room.System}},
		Actions:  []string{"talk.send", "talk.recall"},
	}
}
