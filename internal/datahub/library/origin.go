package library

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Origin is where the rows of a version came from.
type Origin struct {
	File   string // name of the file; of a feed the name of its source with what is collected
	Feed   string // id of the feed, "" for an upload
	Object string // what the feed collects of its source
	Source string // name of the source
}

// OriginOf tells what a version of a dataset was loaded from; false when no load made it, or it is no longer known.
func OriginOf(ctx context.Context, q store.Queryer, dataset string, number int64) (Origin, bool, error) {
	o, err := store.One(ctx, q, func(o *Origin) []any { return []any{&o.File, &o.Feed, &o.Object, &o.Source} },
		`SELECT l.file_name, l.feed, coalesce(f.object, ''), coalesce(s.name, '') FROM library_load l LEFT JOIN library_feed f ON f.id = l.feed
		LEFT JOIN library_source s ON s.id = f.source WHERE l.dataset = $1 AND l.number = $2 AND l.state = 'done' ORDER BY l.ended_at LIMIT 1`, dataset, number)
	if errs.Is(err, errs.Missing) {
		return o, false, nil
	}
	return o, err == nil, err
}
