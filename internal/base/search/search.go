// Package search finds things by words, pinyin and pinyin initials, the same on SQLite (FTS5) and
// PostgreSQL (tsvector).
//
// Chinese text is indexed by pairs of neighbouring characters and searched by phrase: every name,
// address and new word is found by any two or more of its characters, and nothing is loaded into
// memory (docs/adr/0003). What the caller may see is part of the match: an entry carries access
// tokens, a query the caller's. The owning room re-checks each hit.
package search

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// Entry is one thing that can be found.
type Entry struct {
	Room   string // who owns it
	Object string // what kind, "<room>" or "<room>_<noun>"
	ID     string
	Title  string   // shown; also found by pinyin
	Extra  string   // shown under the title
	Text   string   // found, not shown
	Link   string   // page in the portal
	Access []string // tokens of who may see it: "all", "unit:<id>", "person:<id>"; none is nobody
	Weight int      // higher comes first
	At     store.Time
}

// Hit is one thing found.
type Hit struct {
	Room   string     `json:"room"`
	Object string     `json:"object"`
	ID     string     `json:"id"`
	Title  string     `json:"title"`
	Extra  string     `json:"extra"`
	Link   string     `json:"link"`
	At     store.Time `json:"at"`
}

// Index is the one index of an installation.
type Index struct{ db *store.DB }

// New returns the index in db.
func New(db *store.DB) *Index { return &Index{db} }

// Migrate makes the tables. They are the one place where the two engines' texts differ.
func Migrate(ctx context.Context, db *store.DB) error {
	doc := `CREATE TABLE IF NOT EXISTS search_doc (n %s, id TEXT NOT NULL UNIQUE, room TEXT NOT NULL, object TEXT NOT NULL, object_id TEXT NOT NULL,
		title TEXT NOT NULL, extra TEXT NOT NULL, link TEXT NOT NULL, weight BIGINT NOT NULL, at BIGINT NOT NULL%s)`
	steps := []string{fmt.Sprintf(doc, "INTEGER PRIMARY KEY", ""),
		`CREATE VIRTUAL TABLE IF NOT EXISTS search_fts USING fts5(terms, access, content='', contentless_delete=1)`}
	if db.Engine() == store.Postgres {
		steps = []string{fmt.Sprintf(doc, "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", ", terms TSVECTOR NOT NULL DEFAULT ''"),
			`CREATE INDEX IF NOT EXISTS search_doc_terms ON search_doc USING GIN (terms)`}
	}
	steps = append(steps, `CREATE INDEX IF NOT EXISTS search_doc_room ON search_doc (room, object, object_id)`)
	for _, q := range steps {
		if _, err := db.Writer().ExecContext(ctx, q); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	return nil
}

func key(room, object, id string) string { return room + "/" + object + "/" + id }

const insertDoc = `INSERT INTO search_doc (id, room, object, object_id, title, extra, link, weight, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO `

// On PostgreSQL the terms stand in the row, and an entry that is as it was is not written: its index entries are what costs.
const insertWhole = `INSERT INTO search_doc (id, room, object, object_id, title, extra, link, weight, at, terms)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_tsvector('simple', $10) || array_to_tsvector(string_to_array($11, ' '))) ON CONFLICT (id) DO `

// Put inserts or replaces an entry in tx.
func (x *Index) Put(ctx context.Context, tx *store.Tx, e Entry) error {
	const same = `title = excluded.title, extra = excluded.extra, link = excluded.link, weight = excluded.weight, at = excluded.at`
	if x.db.Engine() == store.Postgres {
		return x.whole(ctx, tx, e, insertWhole+`UPDATE SET `+same+`, terms = excluded.terms
			WHERE (search_doc.title, search_doc.extra, search_doc.link, search_doc.weight, search_doc.at, search_doc.terms) IS DISTINCT FROM (excluded.title, excluded.extra, excluded.link, excluded.weight, excluded.at, excluded.terms)`)
	}
	return x.enter(ctx, tx, e, insertDoc+`UPDATE SET `+same+` RETURNING n`)
}

// Add inserts an entry in tx; one that is there stays as it is.
func (x *Index) Add(ctx context.Context, tx *store.Tx, e Entry) error {
	if x.db.Engine() == store.Postgres {
		return x.whole(ctx, tx, e, insertWhole+`NOTHING`)
	}
	err := x.enter(ctx, tx, e, insertDoc+`NOTHING RETURNING n`)
	if errs.Is(err, errs.Missing) {
		return nil
	}
	return err
}

// terms are what an entry is found by, and by whom.
func (e Entry) terms() (words, access string) {
	// The gap keeps a phrase from running over from the title into the text.
	words = strings.Join(textTerms(e.Title), " ") + " wgap " + strings.Join(textTerms(e.Extra), " ") + " wgap " + strings.Join(textTerms(e.Text), " ") + " wgap " + strings.Join(soundTerms(e.Title), " ")
	all := make([]string, len(e.Access))
	for i, a := range e.Access {
		all[i] = accessTerm(a)
	}
	return words, strings.Join(all, " ")
}

func (x *Index) whole(ctx context.Context, tx *store.Tx, e Entry, insert string) error {
	words, access := e.terms()
	return store.Later(ctx, tx, insert, key(e.Room, e.Object, e.ID), e.Room, e.Object, e.ID, e.Title, e.Extra, e.Link, e.Weight, e.At, words, access)
}

func (x *Index) enter(ctx context.Context, tx *store.Tx, e Entry, insert string) error {
	n, err := store.Value[int64](ctx, tx, insert, key(e.Room, e.Object, e.ID), e.Room, e.Object, e.ID, e.Title, e.Extra, e.Link, e.Weight, e.At)
	if err != nil {
		return err
	}
	words, access := e.terms()
	if err := store.Exec(ctx, tx, `DELETE FROM search_fts WHERE rowid = $1`, n); err != nil {
		return err
	}
	return store.Exec(ctx, tx, `INSERT INTO search_fts (rowid, terms, access) VALUES ($1, $2, $3)`, n, words, access)
}

// Delete takes an entry out in tx; one that is not there is fine.
func (x *Index) Delete(ctx context.Context, tx *store.Tx, room, object, id string) error {
	if x.db.Engine() == store.SQLite {
		if err := store.Exec(ctx, tx, `DELETE FROM search_fts WHERE rowid = (SELECT n FROM search_doc WHERE id = $1)`, key(room, object, id)); err != nil {
			return err
		}
	}
	return store.Exec(ctx, tx, `DELETE FROM search_doc WHERE id = $1`, key(room, object, id))
}

// Clear takes out all entries of a kind in tx.
func (x *Index) Clear(ctx context.Context, tx *store.Tx, object string) error {
	if x.db.Engine() == store.SQLite {
		if err := store.Exec(ctx, tx, `DELETE FROM search_fts WHERE rowid IN (SELECT n FROM search_doc WHERE object = $1)`, object); err != nil {
			return err
		}
	}
	return store.Exec(ctx, tx, `DELETE FROM search_doc WHERE object = $1`, object)
}

// Empty reports whether no entry of a kind is there.
func (x *Index) Empty(ctx context.Context, q store.Queryer, object string) (bool, error) {
	n, err := store.Value[int](ctx, q, `SELECT count(*) FROM (SELECT n FROM search_doc WHERE object = $1 LIMIT 1) one`, object)
	return n == 0, err
}

// Query is what a person looks for.
type Query struct {
	Text    string
	Access  []string // what the person may see
	Rooms   []string // none for all
	Objects []string // none for all
	Limit   int      // 20 when 0, 100 at most
	Skip    int      // of the best
}

// Find returns the best hits: by weight, then newest first. An empty text finds nothing.
func (x *Index) Find(ctx context.Context, q Query) ([]Hit, error) {
	groups := queryGroups(q.Text)
	if len(groups) == 0 || len(q.Access) == 0 {
		return []Hit{}, nil
	}
	limit := q.Limit
	if limit <= 0 || limit > 100 {
		limit = 20
	}
	var match store.Cond
	if x.db.Engine() == store.Postgres {
		match = store.C("terms @@ CAST($1 AS tsquery)", tsquery(groups, q.Access))
	} else {
		match = store.C("n IN (SELECT rowid FROM search_fts WHERE search_fts MATCH $1)", ftsquery(groups, q.Access))
	}
	conds := []store.Cond{match}
	if len(q.Rooms) > 0 {
		conds = append(conds, store.In("room", q.Rooms))
	}
	if len(q.Objects) > 0 {
		conds = append(conds, store.In("object", q.Objects))
	}
	where := store.And(conds...)
	hits, err := store.All(ctx, x.db, func(h *Hit) []any { return []any{&h.Room, &h.Object, &h.ID, &h.Title, &h.Extra, &h.Link, &h.At} },
		`SELECT room, object, object_id, title, extra, link, at FROM search_doc WHERE `+where.SQL+` ORDER BY weight DESC, at DESC, id LIMIT `+strconv.Itoa(limit)+` OFFSET `+strconv.Itoa(max(0, q.Skip)), where.Args...)
	if hits == nil {
		hits = []Hit{}
	}
	return hits, err
}

// tsquery writes PostgreSQL's query; terms are a-z0-9, so nothing needs quoting.
func tsquery(groups []group, access []string) string {
	var all []string
	var who []string
	for _, a := range access {
		who = append(who, accessTerm(a))
	}
	all = append(all, "("+strings.Join(who, " | ")+")")
	for _, g := range groups {
		var any []string
		for _, phrase := range g {
			var parts []string
			for _, t := range phrase {
				if t.prefix {
					parts = append(parts, t.text+":*")
				} else {
					parts = append(parts, t.text)
				}
			}
			any = append(any, "("+strings.Join(parts, " <-> ")+")")
		}
		all = append(all, "("+strings.Join(any, " | ")+")")
	}
	return strings.Join(all, " & ")
}

// ftsquery writes FTS5's query.
func ftsquery(groups []group, access []string) string {
	var who []string
	for _, a := range access {
		who = append(who, accessTerm(a))
	}
	all := []string{"access : (" + strings.Join(who, " OR ") + ")"}
	for _, g := range groups {
		var any []string
		for _, phrase := range g {
			var parts []string
			star := ""
			for _, t := range phrase {
				parts = append(parts, t.text)
				if t.prefix {
					star = "*"
				}
			}
			any = append(any, strings.Join(parts, " + ")+star)
		}
		all = append(all, "terms : ("+strings.Join(any, " OR ")+")")
	}
	return strings.Join(all, " AND ")
}
