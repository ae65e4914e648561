package notify

import (
	"context"

	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/room"
)

// me is the person who calls, "" for a token of no person: it then has no notices.
func me(ctx context.Context) string {
	if a := room.ActorOf(ctx); a != nil {
		return a.Person
	}
	return ""
}

type listIn struct {
	store.Page
	Unread bool `query:"unread" doc:"only what is not read"`
}

type listOut struct{ Body store.Listed[Row] }

func (n *Notes) list(ctx context.Context, in *listIn) (*listOut, error) {
	q := store.Query[Row]{Select: selectRow, Scope: store.Scoped(store.C("person = $1 AND person <> ''", me(ctx))),
		Keys: []string{"id"}, Desc: true, Page: in.Page, Scan: scan, Cursor: func(r *Row) []any { return []any{r.ID} }}
	if in.Unread {
		q.Where = []store.Cond{store.C("read_at = 0")}
	}
	rows, err := store.List(ctx, n.db, q)
	if err != nil {
		return nil, err
	}
	for i := range rows.Items {
		if r := &rows.Items[i]; r.Key != "" {
			args := make([]any, len(r.Args.V))
			for j, a := range r.Args.V {
				args[j] = a
			}
			r.Title = n.words.Text(web.From(ctx).Lang, r.Key, args...)
		}
	}
	return &listOut{rows}, nil
}

type countOut struct{ Body Unread }

func (n *Notes) count(ctx context.Context, _ *struct{}) (*countOut, error) {
	u, err := unread(ctx, n.db, me(ctx))
	return &countOut{u}, err
}

type readIn struct {
	ID string `path:"id" maxLength:"60"`
}

func (n *Notes) read(ctx context.Context, in *readIn) (*countOut, error) {
	return n.change(ctx, func(ctx context.Context, tx *store.Tx) error {
		return markRead(ctx, tx, me(ctx), in.ID, store.At(n.now()))
	})
}

type readAllIn struct {
	UpTo string `query:"upTo" maxLength:"60" doc:"id of the newest notice the reader has before him, so that one that came meanwhile stays unread"`
}

func (n *Notes) readAll(ctx context.Context, in *readAllIn) (*countOut, error) {
	return n.change(ctx, func(ctx context.Context, tx *store.Tx) error {
		return markAll(ctx, tx, me(ctx), in.UpTo, store.At(n.now()))
	})
}

// change marks notices, tells the reader's other windows, and answers what is left.
func (n *Notes) change(ctx context.Context, fn func(context.Context, *store.Tx) error) (*countOut, error) {
	out := &countOut{}
	err := n.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		who := me(ctx)
		tx.After(func() { n.push(who, Pushed{Topic: topic}) })
		var err error
		out.Body, err = unread(ctx, tx, who)
		return err
	})
	return out, err
}
