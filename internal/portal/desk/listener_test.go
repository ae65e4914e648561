package desk_test

import (
	"context"
	"testing/fstest"

	"qushu/internal/base/bus"
	"qushu/internal/portal/desk"
	"qushu/internal/room"
)

// listener is a room that hears of notices.
func listener(heard chan desk.Published) *room.Room {
	words := &fstest.MapFile{Data: []byte(`{"room.ear":"ear"}`)}
	return &room.Room{Name: "ear", Pillar: room.Portal, Text: fstest.MapFS{"text/zh.json": words, "text/en.json": words},
		Hears: []bus.Listener{bus.On("desk.published", func(_ context.Context, p desk.Published) error { heard <- p; return nil })}}
}
