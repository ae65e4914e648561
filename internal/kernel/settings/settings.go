// Package settings keeps the values an administrator edits at run time. A room declares them
// (room.Setting); until somebody changes one, its declared default holds.
//
// Reading costs no query: the table is kept in memory for two seconds. A change made on this replica
// is seen by the next read here, on another replica within two seconds. When the database is away the
// last known values stand, at the very start the declared defaults, which are the strict ones.
package settings

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// ttl is how long values from the table are believed before they are read again.
const ttl = 2 * time.Second

// Changed is the payload of the event settings.changed.
type Changed struct {
	Name string `json:"name"` // "<room>.<setting>"
}

// declared is one setting with the room it belongs to.
type declared struct {
	room.Setting
	Room    string
	Options []string // of a string: what it may be, nil for anything
}

// snapshot is what the table held at one moment.
type snapshot struct {
	values map[string]any
	file   string // the years that were entered
	days   *when.Calendar
	epoch  int64 // of those years: the sum of their versions, which only grow
	at     time.Time
	gen    int64
}

// Settings reads and changes the values. It is safe for concurrent use once the rooms are added.
type Settings struct {
	db  *store.DB
	log *audit.Log
	bus *bus.Bus
	now func() time.Time

	all   map[string]*declared
	order []string // as declared
	words *errs.Catalog

	held atomic.Pointer[snapshot]
	gen  atomic.Int64 // grows with every change made here
	load sync.Mutex
}

// New returns settings over db without any declared.
func New(db *store.DB, log *audit.Log, b *bus.Bus, now func() time.Time) *Settings {
	return &Settings{db: db, log: log, bus: b, now: now, all: map[string]*declared{}}
}

// Furnish takes the settings of every installed room, and the words for their titles. The house calls
// it once, before requests are served.
func (s *Settings) Furnish(rooms []*room.Room, words *errs.Catalog) {
	s.words = words
	for _, r := range rooms {
		s.Add(r)
	}
}

// Add takes the settings of one room; a second time it changes nothing.
func (s *Settings) Add(r *room.Room) {
	for _, d := range r.Settings {
		name := r.Name + "." + d.Name
		if s.all[name] == nil {
			s.order = append(s.order, name)
			s.all[name] = &declared{}
		}
		s.all[name].Setting, s.all[name].Room = d, r.Name
	}
}

// Options restricts a text setting, named "<room>.<setting>", to some values. It comes before requests are served.
func (s *Settings) Options(name string, values ...string) {
	if s.all[name] == nil {
		s.order = append(s.order, name)
		s.all[name] = &declared{}
	}
	s.all[name].Options = values
}

// Int returns the whole number called "<room>.<setting>". Reading an undeclared one panics: it is a slip of the program.
func (s *Settings) Int(ctx context.Context, name string) int { return value[int](ctx, s, name) }

// Bool is Int for a yes or no.
func (s *Settings) Bool(ctx context.Context, name string) bool { return value[bool](ctx, s, name) }

// String is Int for a text.
func (s *Settings) String(ctx context.Context, name string) string {
	return value[string](ctx, s, name)
}

// Strings is Int for a list of texts.
func (s *Settings) Strings(ctx context.Context, name string) []string {
	return slices.Clone(value[[]string](ctx, s, name))
}

// Public returns the values that may be shown before anybody has signed in, by full name.
func (s *Settings) Public(ctx context.Context) map[string]any {
	out := map[string]any{}
	for _, name := range s.order {
		if d := s.all[name]; d.Public {
			out[name] = s.current(ctx, name, d)
		}
	}
	return out
}

func value[T any](ctx context.Context, s *Settings, name string) T {
	d := s.all[name]
	if d == nil || d.Default == nil {
		panic("settings: nobody declares " + name)
	}
	v, ok := s.current(ctx, name, d).(T)
	if !ok {
		panic(fmt.Sprintf("settings: %s is a %T", name, d.Default))
	}
	return v
}

// current returns the value that holds; one in the table that no longer fits its declaration gives way to the default.
func (s *Settings) current(ctx context.Context, name string, d *declared) any {
	if raw, ok := s.values(ctx)[name]; ok {
		if v, bad := d.read(raw); bad == nil {
			return v
		}
		slog.WarnContext(ctx, "a kept setting does not fit its declaration, the default holds", "setting", name)
	}
	return d.Default
}

// values returns the kept values, read anew when they are old. Only one caller reads; the others go
// on with what is known unless a change was made here, which everybody after it must see.
func (s *Settings) values(ctx context.Context) map[string]any {
	h := s.held.Load()
	switch {
	case h == nil || h.gen != s.gen.Load():
		s.load.Lock()
	case s.fresh(h) || !s.load.TryLock():
		return h.values
	}
	defer s.load.Unlock()
	if h = s.held.Load(); s.fresh(h) {
		return h.values
	}
	return s.reload(ctx, h)
}

func (s *Settings) fresh(h *snapshot) bool {
	if h == nil || h.gen != s.gen.Load() {
		return false
	}
	age := s.now().Sub(h.at)
	return age >= 0 && age < ttl
}

// reload reads the table. It does so outside the caller's transaction, if he has one, and whether or
// not he goes away: the values are everybody's.
func (s *Settings) reload(ctx context.Context, old *snapshot) map[string]any {
	gen := s.gen.Load()
	alone, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rows, err := list(alone, s.db.Aside())
	var years []entered
	if err == nil {
		years, err = enteredYears(alone, s.db.Aside())
	}
	if err != nil {
		slog.ErrorContext(ctx, "settings cannot be read, the last known values hold", "error", err)
		if old == nil {
			return nil
		}
		return old.values
	}
	h := &snapshot{values: make(map[string]any, len(rows)), at: s.now(), gen: gen}
	h.file, h.days = s.calendar(ctx, years, old)
	for _, y := range years {
		h.epoch += y.version
	}
	for _, r := range rows {
		h.values[r.Name] = r.Value.V.V
	}
	s.held.Store(h)
	return h.values
}

const (
	maxText = 500 // characters of a text
	maxList = 100 // entries of a list
)

// read turns a decoded JSON value into the setting's type and checks it; what is wrong comes back as a reason.
func (d *declared) read(raw any) (any, *errs.Field) {
	bad := func(key string, args ...any) (any, *errs.Field) {
		return nil, &errs.Field{Name: "value", Key: "settings." + key, Args: args}
	}
	switch d.Default.(type) {
	case bool:
		if v, ok := raw.(bool); ok {
			return v, nil
		}
		return bad("not_bool")
	case int:
		f, ok := raw.(float64)
		if !ok || f != float64(int(f)) {
			return bad("not_int")
		}
		if n := int(f); n >= d.Min && n <= d.Max {
			return n, nil
		}
		return bad("out_of_range", d.Min, d.Max)
	case string:
		v, ok := raw.(string)
		switch {
		case !ok:
			return bad("not_string")
		case len([]rune(v)) > maxText:
			return bad("too_long", maxText, maxList)
		case d.Options != nil && !slices.Contains(d.Options, v):
			return bad("not_option", strings.Join(d.Options, ", "))
		}
		return v, nil
	}
	list, ok := raw.([]any)
	if !ok {
		return bad("not_strings")
	}
	out := make([]string, 0, len(list))
	for _, x := range list {
		v, ok := x.(string)
		if !ok {
			return bad("not_strings")
		}
		if out = append(out, v); len([]rune(v)) > maxText || len(out) > maxList {
			return bad("too_long", maxText, maxList)
		}
	}
	return out, nil
}
