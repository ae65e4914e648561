package notify

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
)

// recipient is one person with the id of his notice.
type recipient struct{ ID, Person string }

// Row is one notice as kept.
type Row struct {
	ID       string               `json:"id"`
	At       store.Time           `json:"at"`
	Kind     Kind                 `json:"kind" enum:"info,task,alarm"`
	Room     string               `json:"room" doc:"who says it"`
	Object   string               `json:"object" doc:"what kind of thing it is about"`
	ObjectID string               `json:"objectId"`
	Key      string               `json:"-"`
	Args     store.JSON[[]string] `json:"-"`
	Title    string               `json:"title" doc:"in the caller's language"`
	Link     string               `json:"link" doc:"path in the portal, empty for none"`
	Must     bool                 `json:"must" doc:"must be opened by itself"`
	ReadAt   store.Time           `json:"readAt"`
}

const selectRow = `SELECT id, at, kind, room, object, object_id, key, args, body, link, must, read_at FROM notify`

func scan(r *Row) []any {
	return []any{&r.ID, &r.At, &r.Kind, &r.Room, &r.Object, &r.ObjectID, &r.Key, &r.Args, &r.Title, &r.Link, &r.Must, &r.ReadAt}
}

// chunks are how many rows one statement inserts: few sizes, so that PostgreSQL keeps few prepared
// statements, and small ones, since SQLite looks up a repeated placeholder by name.
var chunks = [...]int{64, 8, 1}

// insert writes x for all rows; everything but id and person is sent once a statement.
func insert(ctx context.Context, tx *store.Tx, x Notice, at store.Time, rows []recipient) error {
	shared := []any{at, string(x.Kind), roomOf(x), x.Object, x.ID, x.Key, store.JSON[[]string]{V: spoken(x.Args)}, x.Text, x.Link, x.Must}
	for _, size := range chunks {
		for len(rows) >= size {
			args := append([]any{rows[0].ID, rows[0].Person}, shared...)
			for _, r := range rows[1:size] {
				args = append(args, r.ID, r.Person)
			}
			if err := store.Exec(ctx, tx, inserting(size, len(shared)), args...); err != nil {
				return err
			}
			rows = rows[size:]
		}
	}
	return nil
}

// inserting is the statement for size rows: $1, $2 and $3… of the first, then two new ones for each.
func inserting(size, shared int) string {
	var same strings.Builder
	for i := range shared {
		same.WriteString(", $" + strconv.Itoa(3+i))
	}
	var b strings.Builder
	b.WriteString(`INSERT INTO notify (id, person, at, kind, room, object, object_id, key, args, body, link, must) VALUES ($1, $2` + same.String() + `)`)
	for i := 1; i < size; i++ {
		fmt.Fprintf(&b, ", ($%d, $%d%s)", shared+1+2*i, shared+2+2*i, same.String())
	}
	return b.String()
}

// spoken are the arguments as they are said: a JSON column would give a number back as a float.
func spoken(args []any) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = tidy(fmt.Sprint(a))
	}
	return out
}

// tidy takes out what PostgreSQL refuses in a text: NUL and broken UTF-8.
func tidy(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// roomOf is the room that speaks: the first word of the key, or of the object when a person wrote the text.
func roomOf(x Notice) string {
	if name, _, ok := strings.Cut(x.Key, "."); ok {
		return name
	}
	name, _, _ := strings.Cut(x.Object, "_")
	return name
}

// Unread is how much one has not read; at most 1000 are counted.
type Unread struct {
	Count int `json:"count" doc:"unread notices, 1000 for that many or more"`
	Must  int `json:"must" doc:"of them such that must be opened"`
}

func unread(ctx context.Context, q store.Queryer, person string) (Unread, error) {
	return store.One(ctx, q, func(u *Unread) []any { return []any{&u.Count, &u.Must} }, `SELECT count(*), count(*) FILTER (WHERE must)
		FROM (SELECT must FROM notify WHERE person = $1 AND read_at = 0 LIMIT 1000) AS u`, person)
}

// markRead marks a notice of person; one that is read stays as it is, one that is not his is missing.
func markRead(ctx context.Context, tx *store.Tx, person, id string, at store.Time) error {
	err := store.ExecOne(ctx, tx, `UPDATE notify SET read_at = $1 WHERE id = $2 AND person = $3 AND read_at = 0`, at, id, person)
	if !errs.Is(err, errs.Conflict) {
		return err
	}
	_, err = store.Value[string](ctx, tx, `SELECT id FROM notify WHERE id = $1 AND person = $2`, id, person)
	return err
}

// markAll marks what person has not read, up to a notice when upTo is given, except what must be opened.
func markAll(ctx context.Context, tx *store.Tx, person, upTo string, at store.Time) error {
	return store.Exec(ctx, tx, `UPDATE notify SET read_at = $1 WHERE person = $2 AND read_at = 0 AND NOT must AND ($3 = '' OR id <= $3)`, at, person, upTo)
}
