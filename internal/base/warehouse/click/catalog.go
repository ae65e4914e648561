package click

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/warehouse"
)

const (
	// fresh is how long what was read of the catalogue is believed: another process may have dropped a version since.
	fresh = time.Second
	// abandoned is the age at which a table nobody has registered is not being filled any more.
	abandoned = 24 * time.Hour
)

// finder returns a look into the catalogue that knows every one of ids there is.
func (s *Store) finder(ctx context.Context, ids ...string) (func(id string) (warehouse.Version, bool), error) {
	now := time.Now()
	known, err := s.catalog(ctx, now.Add(-fresh))
	if err != nil {
		return nil, err
	}
	for _, one := range ids {
		if _, ok := known[one]; !ok && id.Valid(one) { // another process may have made it a moment ago
			if known, err = s.catalog(ctx, now); err != nil {
				return nil, err
			}
			break
		}
	}
	return func(id string) (warehouse.Version, bool) { v, ok := known[id]; return v, ok }, nil
}

// catalog returns the versions there are, as of since or later. The map is not to be changed.
func (s *Store) catalog(ctx context.Context, since time.Time) (map[string]warehouse.Version, error) {
	if known, ok := s.asKnown(since); ok {
		return known, nil
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if known, ok := s.asKnown(since); ok { // whoever was before us has read it
		return known, nil
	}
	began := time.Now()
	known, err := s.readCatalog(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.asOf = known, began
	return known, nil
}

func (s *Store) asKnown(since time.Time) (map[string]warehouse.Version, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known, s.known != nil && !s.closed.Load() && s.asOf.After(since)
}

// readCatalog reads which versions there are, and the descriptions of those that are new.
func (s *Store) readCatalog(ctx context.Context) (map[string]warehouse.Version, error) {
	s.mu.RLock()
	before := s.known
	s.mu.RUnlock()
	known := map[string]warehouse.Version{}
	var unknown []string
	var one string
	err := s.each(ctx, "SELECT id FROM version", nil, []any{&one}, func() error {
		if v, ok := before[one]; ok {
			known[one] = v
		} else if id.Valid(one) {
			unknown = append(unknown, "'"+one+"'")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for len(unknown) > 0 {
		some := unknown[:min(len(unknown), few)]
		unknown = unknown[len(some):]
		var meta string
		err := s.each(ctx, "SELECT meta FROM version WHERE id IN ("+strings.Join(some, ", ")+")", nil, []any{&meta}, func() error {
			var v warehouse.Version
			if err := json.Unmarshal([]byte(meta), &v); err != nil || !id.Valid(v.ID) {
				return errs.Wrap(err, errs.Internal, "warehouse.newer", s.addr)
			}
			known[v.ID] = v
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// register makes the filled table of v a version.
func (s *Store) register(ctx context.Context, v warehouse.Version) error {
	meta, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b, err := s.db.PrepareBatch(with(ctx), "INSERT INTO version (id, meta)")
	if err == nil {
		if err = b.Append(v.ID, string(meta)); err == nil {
			err = b.Send()
		}
	}
	if err != nil {
		return s.explain(err)
	}
	s.learn(func(known map[string]warehouse.Version) { known[v.ID] = v })
	return nil
}

// learn changes what is known of the catalogue, in a copy: others hold the map.
func (s *Store) learn(change func(known map[string]warehouse.Version)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(s.known)
	change(next)
	s.known = next
}

// collect drops tables that are no version and that nobody reads: those of versions dropped by this process, and what a
// process that died has left. A drop waits for those who read, and whoever asks for the server's tables waits for the
// drop, so it is not begun before the last of them is done. Failing is no error: the next one tries again.
func (s *Store) collect(ctx context.Context) {
	tables, err := s.names(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase()")
	if err != nil {
		return
	}
	known, err := s.catalog(ctx, time.Now())
	if err != nil {
		return
	}
	busy, _ := s.names(ctx, "SELECT query FROM system.processes")
	running := strings.Join(busy, "\n")
	for _, name := range tables {
		_, of, _ := strings.Cut(name, "_")
		if !id.Valid(of) || strings.Contains(running, of) {
			continue
		}
		if _, ok := known[of]; ok && name == table(of) || !s.unclaimed(of) {
			continue
		}
		if s.exec(ctx, "DROP TABLE IF EXISTS "+name) != nil {
			return
		}
		s.mu.Lock()
		delete(s.waiting, of)
		s.mu.Unlock()
	}
}

// unclaimed reports whether a table of id that is no version may go: this process dropped it, or nobody can be filling it any more.
func (s *Store) unclaimed(of string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !s.loading[of] && (s.waiting[of] || time.Since(id.Time(of)) > abandoned)
}

// read ends a question: what was dropped under it goes with the last of its readers.
func (s *Store) read(ctx context.Context) {
	s.mu.RLock()
	n := len(s.waiting)
	s.mu.RUnlock()
	if n > 0 && !s.closed.Load() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		s.collect(ctx)
	}
}

func (s *Store) names(ctx context.Context, text string) ([]string, error) {
	var out []string
	var one string
	err := s.each(ctx, text, nil, []any{&one}, func() error { out = append(out, one); return nil })
	return out, err
}
