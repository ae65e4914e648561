// Package find is the one search over everything: packages say what of theirs can be found, touch it in the
// transaction that changes it, and say for each hit whether the person may open it. The index only proposes; what
// is shown is read anew from its owner, so that neither a stale entry nor a lost right reveals anything.
package find

import (
	"context"
	"embed"
	"slices"
	"strings"
	"time"

	"qushu/internal/base/jobs"
	"qushu/internal/base/search"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Doc is what one thing is found by.
type Doc struct {
	ID      string
	Title   string // also found by pinyin and initials
	Text    string
	Parties []string // persons it concerns: to them it is proposed before all others
	Weight  int
	At      store.Time
}

// Shown is a hit as the person may see it.
type Shown struct{ Title, Where, Link string }

// Source is one kind of thing that can be found.
type Source struct {
	Kind string // "<room>" or "<room>_<noun>"
	// IDs returns up to n ids behind after, in their order.
	IDs func(ctx context.Context, q store.Queryer, after string, n int) ([]string, error)
	// Docs returns what those of ids that can be found are found by; the others are taken out.
	Docs func(ctx context.Context, q store.Queryer, ids []string) ([]Doc, error)
	// Show returns those of ids that stand and that the actor may open.
	Show func(ctx context.Context, q store.Queryer, ids []string) (map[string]Shown, error)
	// Exact returns the ids of what text names whole, such as a number; nil where nothing is named so. The index is not asked then.
	Exact func(ctx context.Context, q store.Queryer, text string) ([]string, error)
	// Personal says that its docs have parties.
	Personal bool
}

// Find serves the package.
type Find struct {
	db      *store.DB
	index   *search.Index
	jobs    *jobs.Client
	audit   *audit.Log
	now     func() time.Time
	sources []Source
}

// New makes the service over an index.
func New(db *store.DB, index *search.Index, j *jobs.Client, log *audit.Log, now func() time.Time) *Find {
	return &Find{db: db, index: index, jobs: j, audit: log, now: now}
}

// Add declares kinds, once each, before serving.
func (f *Find) Add(all ...Source) { f.sources = append(f.sources, all...) }

func (f *Find) source(kind string) (Source, bool) {
	i := slices.IndexFunc(f.sources, func(s Source) bool { return s.Kind == kind })
	if i < 0 {
		return Source{}, false
	}
	return f.sources[i], true
}

// Touch brings the entries of ids in line with their rows as tx sees them: made, changed or gone. A kind that no
// installed room shows is not entered.
func (f *Find) Touch(ctx context.Context, tx *store.Tx, kind string, ids ...string) error {
	if f == nil {
		return nil
	}
	s, ok := f.source(kind)
	if !ok {
		return nil
	}
	for part := range slices.Chunk(ids, batch) {
		docs, err := s.Docs(ctx, tx, part)
		if err != nil {
			return err
		}
		stand := make(map[string]bool, len(docs))
		for _, d := range docs {
			stand[d.ID] = true
			if err := f.index.Put(ctx, tx, entry(kind, d)); err != nil {
				return err
			}
		}
		for _, id := range part {
			if !stand[id] {
				if err := f.index.Delete(ctx, tx, roomOf(kind), kind, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func roomOf(kind string) string {
	name, _, _ := strings.Cut(kind, "_")
	return name
}

func entry(kind string, d Doc) search.Entry {
	e := search.Entry{Room: roomOf(kind), Object: kind, ID: d.ID, Title: d.Title, Text: d.Text, Access: []string{"all"}, Weight: d.Weight, At: d.At}
	for _, p := range d.Parties {
		e.Access = append(e.Access, "person:"+p)
	}
	return e
}

// How many proposals of one kind are looked at for one question.
const (
	page = 50
	most = 300
)

// hits returns up to limit things of a kind that the actor may open, the best first.
func (f *Find) hits(ctx context.Context, s Source, text string, limit int) ([]Hit, error) {
	out := []Hit{}
	if s.Exact != nil {
		ids, err := s.Exact(ctx, f.db, text)
		if err != nil {
			return nil, err
		}
		if len(ids) > 0 {
			shown, err := s.Show(ctx, f.db, ids)
			for _, id := range ids {
				if h, ok := shown[id]; ok {
					out = append(out, Hit{id, h.Title, h.Where, h.Link})
				}
			}
			return out, err
		}
	}
	seen := map[string]bool{}
	tokens := []string{"all"}
	if s.Personal {
		tokens = []string{"person:" + authz.From(ctx).Person, "all"}
	}
	for _, token := range tokens {
		for from := 0; from < most; from += page {
			found, err := f.index.Find(ctx, search.Query{Text: text, Access: []string{token}, Objects: []string{s.Kind}, Limit: page, Skip: from})
			if err != nil {
				return nil, err
			}
			var ids []string
			for _, h := range found {
				if !seen[h.ID] {
					seen[h.ID] = true
					ids = append(ids, h.ID)
				}
			}
			for part := range slices.Chunk(ids, 10) { // enough as a rule, and not more is asked for than that
				shown, err := s.Show(ctx, f.db, part)
				if err != nil {
					return nil, err
				}
				for _, id := range part {
					if h, ok := shown[id]; ok {
						out = append(out, Hit{id, h.Title, h.Where, h.Link})
					}
					if len(out) == limit {
						return out, nil
					}
				}
			}
			if len(found) < page {
				break
			}
		}
	}
	return out, nil
}

// Room declares the package.
func (f *Find) Room() *room.Room {
	build := jobs.Handle("find.build", f.build)
	build.Timeout = time.Hour
	return &room.Room{Name: "find", Pillar: room.Kernel, Schema: schema, Text: Text,
		Perms: []room.Perm{{Name: "find.rebuild", Admin: room.System}},
		Routes: []room.Route{
			room.Get("", room.Signed, f.find),
			room.Post("/rebuild", "find.rebuild", f.rebuild),
		},
		Jobs:     []jobs.Handler{build},
		Services: []room.Service{{Name: "begin", Once: true, Run: f.begin}},
		Actions:  []string{"find.rebuild"},
	}
}
