package talk

import (
	"context"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
)

// thread is what hangs on one object.
type thread struct {
	ID, Room, Object string
	Seq              int64 // of the newest message
}

func scanThread(t *thread) []any { return []any{&t.ID, &t.Room, &t.Object, &t.Seq} }

// threadOf finds the thread of an object; one nobody has begun has no id.
func threadOf(ctx context.Context, q store.Queryer, room, object string) (thread, error) {
	t, err := store.One(ctx, q, scanThread, `SELECT id, room, object, seq FROM talk WHERE room = $1 AND object = $2`, room, object)
	if errs.Is(err, errs.Missing) {
		return thread{Room: room, Object: object}, nil
	}
	return t, err
}

func threadByID(ctx context.Context, q store.Queryer, id string) (thread, error) {
	return store.One(ctx, q, scanThread, `SELECT id, room, object, seq FROM talk WHERE id = $1`, id)
}

// begin makes the thread as it stands; the caller holds its lock.
func (t *thread) begin(ctx context.Context, tx *store.Tx, at store.Time) error {
	t.ID = id.New()
	return store.Exec(ctx, tx, `INSERT INTO talk (id, room, object, seq, at) VALUES ($1, $2, $3, $4, $5)`, t.ID, t.Room, t.Object, t.Seq, at)
}

// next begins the thread if need be and gives the number of its next message; the caller holds its lock.
func (t *thread) next(ctx context.Context, tx *store.Tx, at store.Time) error {
	t.Seq++
	if t.ID == "" {
		return t.begin(ctx, tx, at)
	}
	return store.ExecOne(ctx, tx, `UPDATE talk SET seq = $1 WHERE id = $2`, t.Seq, t.ID)
}

// Message is one that somebody wrote. A recalled one keeps its place and loses what it said.
type Message struct {
	ID       string               `json:"id"`
	Thread   string               `json:"thread"`
	Seq      int64                `json:"seq" doc:"number within the thread, without gaps"`
	Client   string               `json:"client" doc:"id its sender gave it"`
	Author   string               `json:"author"`
	Name     string               `json:"name" doc:"of the author"`
	Text     string               `json:"text"`
	Mentions store.JSON[[]string] `json:"-"`
	Files    store.JSON[[]string] `json:"-"`
	Named    []Named              `json:"mentions" nullable:"false"`
	Claimed  store.JSON[[]string] `json:"-"` // of the files those that came with this message
	Attached []Attached           `json:"files" nullable:"false"`
	At       store.Time           `json:"at"`
	Recalled store.Time           `json:"recalledAt"`
}

// Named is a person with his name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Attached is a file of a message. Who may read the thread may read it, at /api/file/content/{id}.
type Attached struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Size  int64  `json:"size" doc:"bytes"`
	Media string `json:"media" doc:"image/png and the like"`
}

const selectMessage = `SELECT id, thread, seq, client, author, body, mentions, files, claimed, at, recalled_at FROM talk_message`

func scan(m *Message) []any {
	return []any{&m.ID, &m.Thread, &m.Seq, &m.Client, &m.Author, &m.Text, &m.Mentions, &m.Files, &m.Claimed, &m.At, &m.Recalled}
}

func insert(ctx context.Context, tx *store.Tx, m *Message) error {
	return store.Exec(ctx, tx, `INSERT INTO talk_message (id, thread, seq, client, author, body, mentions, files, claimed, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		m.ID, m.Thread, m.Seq, m.Client, m.Author, m.Text, m.Mentions, m.Files, m.Claimed, m.At)
}

// mark notes how far a person has read; a mark never goes back.
func mark(ctx context.Context, tx *store.Tx, thread, person string, seq int64, at store.Time) error {
	return store.Exec(ctx, tx, `INSERT INTO talk_mark (thread, person, seq, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (thread, person) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE talk_mark.seq < excluded.seq`, thread, person, seq, at)
}

// marked is how far a person has read, 0 without a mark.
func marked(ctx context.Context, q store.Queryer, thread, person string) (int64, error) {
	return store.Value[int64](ctx, q, `SELECT coalesce(max(seq), 0) FROM talk_mark WHERE thread = $1 AND person = $2`, thread, person)
}

func unread(ctx context.Context, q store.Queryer, thread, person string, read int64) (int, error) {
	return store.Value[int](ctx, q, `SELECT count(*) FROM talk_message WHERE thread = $1 AND seq > $2 AND author <> $3 AND recalled_at = 0`, thread, read, person)
}
