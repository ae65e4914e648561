package desk_test

import (
	"context"
	"slices"
	"testing"
	"testing/fstest"

	"qushu/internal/base/bus"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/portal/desk"
	"qushu/internal/room"
)

// listener is a room that hears of notices.
func listener(heard chan desk.Published) *room.Room {
	words := &fstest.MapFile{Data: []byte(`{"room.ear":"ear"}`)}
	return &room.Room{Name: "ear", Pillar: room.Portal, Text: fstest.MapFS{"text/zh.json": words, "text/en.json": words},
		Hears: []bus.Listener{bus.On("desk.published", func(_ context.Context, p desk.Published) error { heard <- p; return nil })}}
}

// inbox keeps what people were told.
type inbox struct{ got chan []string }

func (i inbox) Tell(_ context.Context, _ *store.Tx, to []string, key string, args []any, link, id string, must bool) error {
	i.got <- append([]string{key, link}, to...)
	return nil
}

// Everybody addressed is told of a notice, and of an edit only when its readers are asked once more.
func TestReadersAreTold(t *testing.T) {
	got := make(chan []string, 10)
	told := &kerneltest.Houses{Rooms: func(kit *kernel.Kit) []*room.Room {
		p := ports()
		p.Teller = inbox{got}
		return []*room.Room{desk.New(kit, p)}
	}}
	for _, engine := range storetest.Engines() {
		e := told.Start(t, engine)
		all := kerneltest.Actor("boss", "d", room.All, "desk.read", "desk.publish")
		var n struct {
			ID      string
			Version int64
		}
		e.Get(t, all, "POST /api/desk/notices", `{"title":"防汛值守","body":"即日起","must":true,"all":true}`, &n)
		if x := <-got; !slices.Equal(x, []string{"desk.told_must", "/desk/notices/" + n.ID, "p1", "p2", "p3", "p4"}) {
			t.Error(x)
		}
		e.Get(t, all, "PUT /api/desk/notices/"+n.ID, `{"title":"防汛值守","body":"改了一个字","must":true,"all":true,"version":1}`, nil)
		e.Get(t, all, "PUT /api/desk/notices/"+n.ID, `{"title":"防汛值守","body":"请再读","must":true,"all":true,"again":true,"version":2}`, nil)
		if x := <-got; len(x) != 6 {
			t.Error(x)
		}
		if len(got) != 0 {
			t.Error("told of an edit that asks nobody again")
		}
	}
}
