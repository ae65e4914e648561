package exchange

import (
	"context"
	"strings"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/room"
)

// declared are the values a district sets. The days are those of decree 809 and of the practice of sharing platforms, so
// nothing of them is fixed in the program.
func declared() []room.Setting {
	whole := func(name string, value, least, most int) room.Setting {
		return room.Setting{Name: name, Default: value, Min: least, Max: most, Admin: room.System}
	}
	secure := func(name string, value, least, most int) room.Setting {
		return room.Setting{Name: name, Default: value, Min: least, Max: most, Admin: room.Security}
	}
	return []room.Setting{
		whole("open_days", 1, 1, 60), whole("check_days", 2, 1, 60), whole("provide_days", 10, 1, 60), whole("extend_days", 10, 1, 60), whole("supply_days", 20, 1, 120),
		whole("remind_first", 30, 1, 365), whole("remind_last", 7, 1, 365),
		secure("window_minutes", 5, 1, 60), secure("rate", 20, 1, 10_000), secure("per_call", 1000, 1, 10_000),
		{Name: "folder", Default: "", Admin: room.System}, {Name: "targets", Default: []string{}, Admin: room.Security},
	}
}

func (x *Exchange) number(ctx context.Context, name string) int {
	return x.settings.Int(ctx, "exchange."+name)
}

// window is how far the clock of a program may be off, and so how long a nonce is kept.
func (x *Exchange) window(ctx context.Context) time.Duration {
	return time.Duration(x.number(ctx, "window_minutes")) * time.Minute
}

// settingChanged draws the flow again where a limit of it has changed; what runs keeps its own.
func (x *Exchange) settingChanged(ctx context.Context, e struct {
	Name string `json:"name"`
}) error {
	if !strings.HasPrefix(e.Name, "exchange.") || !strings.HasSuffix(e.Name, "_days") {
		return nil
	}
	return x.db.Tx(room.BySystem(ctx), func(ctx context.Context, tx *store.Tx) error { return x.deploy(ctx, tx) })
}
