// Package iot is 物联感知: the register of the district's sensors and the broker they report to. A device shows a key of its own, may
// publish below its own topic alone, and what it sends becomes samples of its signals (kernel/signal), on disk before it is
// acknowledged. HTTP takes the same payloads from devices that do not speak MQTT.
//
// Seven kinds of device come with the program (data/kinds.json), each with what it measures and the usual lines.
//
// MQTT 3.1.1 (ISO/IEC 20922:2016), MQTT 5.0 (OASIS 2019).
package iot

import (
	"context"
	"embed"
	"slices"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/settings"
	"qushu/internal/kernel/signal"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Names tells what units are called. Ids it does not know are left out.
type Names interface {
	Units(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
}

// IoT is the room.
type IoT struct {
	db       *store.DB
	audit    *audit.Log
	ring     *secret.Ring
	files    *file.Files
	settings *settings.Settings
	signals  *signal.Signals
	now      func() time.Time
	names    Names
	options  Options
	kinds    []Kind
	words    *errs.Catalog

	mu     sync.Mutex
	lines  map[string]*line // by code
	server *mqtt.Server     // nil where no broker runs
}

// New declares the room.
func New(kit *kernel.Kit, names Names, o Options) (*room.Room, error) {
	kinds, err := readKinds()
	if err != nil {
		return nil, err
	}
	x := &IoT{db: kit.DB, audit: kit.Audit, ring: kit.Ring, files: kit.Files, settings: kit.Settings, signals: kit.Signals, now: kit.Now, names: names, options: o, kinds: kinds, words: kit.Words, lines: map[string]*line{}}
	kit.Files.Readers("iot", x.mayReadFile)
	const own = "a device says what it measures; that it may is in its register, and a record for each number would bury the others"
	return &room.Room{
		Name: "iot", Pillar: room.Apps, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "iot.read"}, {Name: "iot.manage"}},
		Menu:  []room.Menu{{Name: "devices", Path: "/iot", Perm: "iot.read", Rank: 410}},
		Routes: []room.Route{
			room.Get("/kinds", "iot.read", x.listKinds),
			room.Get("/devices", "iot.read", x.list),
			room.Post("/devices", "iot.manage", x.create).Secrets(),
			room.Get("/devices/{id}", "iot.read", x.get),
			room.Put("/devices/{id}", "iot.manage", x.put),
			room.Post("/devices/{id}/key", "iot.manage", x.newKey).Secrets(),
			room.Post("/devices/{id}/turn", "iot.manage", x.turn),
			room.Post("/devices/{id}/services", "iot.manage", x.service),
			room.Post("/devices/{id}/photos", "iot.manage", x.photo),
			room.Delete("/devices/{id}/photos/{photo}", "iot.manage", x.dropPhoto),
		},
		Raws:     []room.Raw{{Method: "POST", Path: "/ingest", Perm: room.Open, Doc: "messages of a device that does not speak MQTT: its code in X-Device, its key in X-Device-Key, the payload of MQTT as the body", Unaudited: own, Serve: x.ingest}},
		Services: []room.Service{{Name: "broker", Devices: true, Once: true, Run: x.serve}, {Name: "flush", Anywhere: true, Run: x.flushing}},
		Hears:    []bus.Listener{bus.On("signal.alarm.raised", x.alarmed), bus.On("signal.alarm.worse", x.alarmed), bus.On("signal.alarm.cleared", x.alarmed)},
		Settings: []room.Setting{{Name: "rate", Default: 200, Min: 1, Max: 100_000, Admin: room.System}},
		Actions:  []string{"iot.register", "iot.change", "iot.key", "iot.turn", "iot.service", "iot.photo", "iot.drop_photo"},
	}, nil
}

// heard is what the room reads of an alarm.
type heard struct {
	Room   string `json:"room"`
	Object string `json:"object"`
}

// alarmed brings a device's gravest level up to date, so that lists can be filtered by it.
func (x *IoT) alarmed(ctx context.Context, h heard) error {
	if h.Room != "iot" {
		return nil
	}
	all, err := x.signals.Of(ctx, x.db, "iot", []string{h.Object})
	if err != nil {
		return err
	}
	worst := signal.Normal
	for _, s := range all[h.Object] {
		worst = max(worst, s.State.Worst())
	}
	return store.Exec(ctx, x.db, `UPDATE iot_device SET level = $1 WHERE id = $2`, int64(worst), h.Object)
}

func (x *IoT) kind(key string) (Kind, bool) {
	i := slices.IndexFunc(x.kinds, func(k Kind) bool { return k.Key == key })
	if i < 0 {
		return Kind{}, false
	}
	return x.kinds[i], true
}
