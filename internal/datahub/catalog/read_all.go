package catalog

import (
	"context"
	"fmt"
	"strconv"

	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
)

// Held is a published entry with what its items are, for rooms that look for what the district already holds.
type Held struct {
	ID, Code, Name, Unit, Share, Condition, Basis string
	Items                                         []HeldItem
}

// HeldItem is one item of it: Field is what its source calls it, Type the letter of 1272号, Kind the sort of identifier or personal data.
type HeldItem struct{ Name, Field, Type, Kind, Share string }

// Published lists every published entry. The mark it gives changes when any of them does; nothing is listed while it is the one given.
func (c *Catalog) Published(ctx context.Context, q store.Queryer, mark string) ([]Held, string, error) {
	type sums struct{ n, versions, newest int64 }
	s, err := store.One(ctx, q, func(s *sums) []any { return []any{&s.n, &s.versions, &s.newest} },
		`SELECT count(*), CAST(coalesce(sum(c.serving), 0) AS BIGINT), coalesce(max(c.published_at), 0) FROM catalog c WHERE c.state = 'published'`)
	now := fmt.Sprintf("%d/%d/%d", s.n, s.versions, s.newest)
	if err != nil || now == mark {
		return nil, now, err
	}
	type row struct {
		Held
		body store.JSON[entry.Body]
	}
	all, err := store.All(ctx, q, func(r *row) []any { return []any{&r.ID, &r.Code, &r.Name, &r.Unit, &r.Share, &r.body} },
		`SELECT c.id, c.code, c.name, c.unit_id, c.share, v.body FROM catalog c JOIN catalog_version v ON v.entry = c.id AND v.number = c.serving WHERE c.state = 'published' ORDER BY c.published_at, c.id`)
	out := make([]Held, len(all))
	for i := range all {
		h, b := all[i].Held, &all[i].body.V
		h.Condition, h.Basis = b.Condition, b.Basis
		for _, it := range b.Items {
			h.Items = append(h.Items, HeldItem{it.Name, it.Field, it.Type, string(it.Kind), it.ShareIn(b)})
		}
		out[i] = h
	}
	return out, now, err
}

// PublishedAfter returns the ids of published entries after one, in order, at most n.
func (c *Catalog) PublishedAfter(ctx context.Context, q store.Queryer, id string, n int) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT c.id FROM catalog c WHERE c.state = 'published' AND c.id > $1 ORDER BY c.id LIMIT `+strconv.Itoa(n), id)
}

// PublishedCount returns how many entries are published.
func (c *Catalog) PublishedCount(ctx context.Context, q store.Queryer) (int64, error) {
	return store.Value[int64](ctx, q, `SELECT count(*) FROM catalog c WHERE c.state = 'published'`)
}
