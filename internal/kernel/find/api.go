package find

import (
	"context"
	"slices"

	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// Hit is one thing found.
type Hit struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Where string `json:"where" doc:"what tells it from others of its name"`
	Link  string `json:"link" doc:"page in the portal"`
}

// Group is what was found of one kind, the best first.
type Group struct {
	Kind string `json:"kind"`
	Hits []Hit  `json:"hits" nullable:"false"`
}

type findIn struct {
	Text  string   `query:"text" maxLength:"100" doc:"words, pinyin or initials"`
	Kinds []string `query:"kinds" maxItems:"20" doc:"none for all"`
	Limit int      `query:"limit" minimum:"1" maximum:"20" default:"5" doc:"of one kind"`
}

type findOut struct {
	Body struct {
		Groups []Group `json:"groups" nullable:"false"`
	}
}

func (f *Find) find(ctx context.Context, in *findIn) (*findOut, error) {
	out := &findOut{}
	out.Body.Groups = []Group{}
	for _, s := range f.sources {
		if len(in.Kinds) > 0 && !slices.Contains(in.Kinds, s.Kind) {
			continue
		}
		hits, err := f.hits(ctx, s, in.Text, in.Limit)
		if err != nil {
			return nil, err
		}
		if len(hits) > 0 {
			out.Body.Groups = append(out.Body.Groups, Group{s.Kind, hits})
		}
	}
	return out, nil
}

// rebuild empties the index and fills it again; until that is done less is found.
func (f *Find) rebuild(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, s := range f.sources {
			if err := f.index.Clear(ctx, tx, s.Kind); err != nil {
				return err
			}
			if err := f.start(ctx, tx, s); err != nil {
				return err
			}
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "find.rebuild", Object: "find"})
	})
}
