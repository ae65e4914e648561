package library

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/source"
	"qushu/internal/base/store"
	"qushu/internal/datahub/library/internal/intake"
	"qushu/internal/kernel"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/dataset"
)

// Sources shows what stands in other systems' databases and folders, for a catalogue that is drafted from them. Nothing is
// brought in: a table is looked at as when a feed is drafted, its columns and a sample that tells their kinds.
type Sources struct{ l *Library }

// NewSources makes it over the room's tables.
func NewSources(kit *kernel.Kit) *Sources {
	return &Sources{&Library{db: kit.DB, settings: kit.Settings, ring: kit.Ring, words: kit.Words, now: kit.Now}}
}

// List returns the sources the actor collects from.
func (s *Sources) List(ctx context.Context, q store.Queryer) ([]Source, error) {
	var out []Source
	page := store.Page{Limit: 200}
	for {
		all, err := listSources(ctx, q, authz.Where(ctx, "library.load"), page)
		if err != nil {
			return nil, err
		}
		if out, page.After = append(out, all.Items...), all.Next; all.Next == "" {
			return out, nil
		}
	}
}

// Collected returns the datasets that what stands in a source is collected into, by what it is called there.
func (s *Sources) Collected(ctx context.Context, q store.Queryer, id string) (map[string]string, error) {
	type line struct{ object, dataset string }
	all, err := store.All(ctx, q, func(l *line) []any { return []any{&l.object, &l.dataset} },
		`SELECT object, CAST(plan ->> 'dataset' AS TEXT) FROM library_feed WHERE source = $1 AND CAST(plan ->> 'dataset' AS TEXT) <> '' ORDER BY at, id`, id)
	out := make(map[string]string, len(all))
	for _, l := range all {
		out[l.object] = l.dataset
	}
	return out, err
}

// Looker is an open source.
type Looker struct {
	Source Source
	conn   source.Conn
}

// Open opens a source the actor collects from.
func (s *Sources) Open(ctx context.Context, id string) (*Looker, error) {
	src, err := findSource(ctx, s.l.db, id, authz.Where(ctx, "library.load").Cond())
	if err != nil {
		return nil, err
	}
	conn, err := s.l.connect(ctx, src)
	return &Looker{src, conn}, err
}

// Close lets go of the source.
func (k *Looker) Close() error { return k.conn.Close() }

// Tables lists what stands there, at most n.
func (k *Looker) Tables(ctx context.Context, n int) ([]source.Table, error) {
	return k.conn.Tables(ctx, "", n)
}

// glanced is how many rows of a table tell what its columns hold, for a catalogue; a feed looks at more before it collects.
const glanced = 200

// Look proposes the columns of one table or file, classified by a sample of its rows.
func (k *Looker) Look(ctx context.Context, object string) ([]dataset.Column, error) {
	cols, err := k.conn.Columns(ctx, object)
	if err != nil {
		return nil, err
	}
	samples, err := sample(ctx, k.conn, object, cols, glanced)
	if err != nil {
		return nil, err
	}
	out := intake.Kept(intake.FromSource(cols, samples))
	if len(out) == 0 {
		return nil, errs.New(errs.Invalid, "library.no_columns", object)
	}
	return out, nil
}

// TitleOf is what a table or file is called when nothing there says it better.
func TitleOf(object string) string { return titleOf(object) }
