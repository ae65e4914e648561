package file

import (
	"context"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
)

func newID() string { return id.New() }

const columns = `id, room, object, name, size, media, hash, person, at`

func scan(f *File) []any {
	return []any{&f.ID, &f.Room, &f.Object, &f.Name, &f.Size, &f.Media, &f.Hash, &f.By, &f.At}
}

func find(ctx context.Context, q store.Queryer, id string) (File, error) {
	return store.One(ctx, q, scan, `SELECT `+columns+` FROM file WHERE id = $1`, id)
}

func insert(ctx context.Context, q store.Queryer, f File) error {
	return store.Exec(ctx, q, `INSERT INTO file (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		f.ID, f.Room, f.Object, f.Name, f.Size, f.Media, f.Hash, f.By, f.At)
}

// upload is one that is under way.
type upload struct {
	ID, Person, Name string
	Size, Received   int64
	At               store.Time
}

func scanUpload(u *upload) []any {
	return []any{&u.ID, &u.Person, &u.Name, &u.Size, &u.Received, &u.At}
}

func findUpload(ctx context.Context, q store.Queryer, id, person string) (upload, error) {
	return store.One(ctx, q, scanUpload, `SELECT id, person, name, size, received, at FROM file_upload WHERE id = $1 AND person = $2`, id, person)
}

// pending is how many bytes of a person's wait: uploads under way and files nobody has claimed.
func pending(ctx context.Context, q store.Queryer, person string) (int64, error) {
	return store.Value[int64](ctx, q, `SELECT CAST(coalesce((SELECT sum(size) FROM file_upload WHERE person = $1), 0) + coalesce((SELECT sum(size) FROM file WHERE room = 'file' AND person = $1), 0) AS BIGINT)`, person)
}

func insertUpload(ctx context.Context, q store.Queryer, u upload) error {
	return store.Exec(ctx, q, `INSERT INTO file_upload (id, person, name, size, received, at) VALUES ($1, $2, $3, $4, $5, $6)`, u.ID, u.Person, u.Name, u.Size, u.Received, u.At)
}

// addPart notes a chunk; the upload must have received exactly what lies before it.
func addPart(ctx context.Context, q store.Queryer, u upload, size int64, hash string, at store.Time) error {
	if err := store.ExecOne(ctx, q, `UPDATE file_upload SET received = received + $1, at = $2 WHERE id = $3 AND received = $4`, size, at, u.ID, u.Received); err != nil {
		return err
	}
	return store.Exec(ctx, q, `INSERT INTO file_part (upload, start, hash) VALUES ($1, $2, $3)`, u.ID, u.Received, hash)
}

func parts(ctx context.Context, q store.Queryer, id string) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT hash FROM file_part WHERE upload = $1 ORDER BY start`, id)
}

func dropUpload(ctx context.Context, q store.Queryer, id string) error {
	if err := store.Exec(ctx, q, `DELETE FROM file_part WHERE upload = $1`, id); err != nil {
		return err
	}
	return store.Exec(ctx, q, `DELETE FROM file_upload WHERE id = $1`, id)
}

func dropOld(ctx context.Context, q store.Queryer, before store.Time) error {
	for _, sql := range []string{
		`DELETE FROM file_part WHERE upload IN (SELECT id FROM file_upload WHERE at < $1)`,
		`DELETE FROM file_upload WHERE at < $1`,
		`DELETE FROM file WHERE room = 'file' AND at < $1`,
	} {
		if err := store.Exec(ctx, q, sql, before); err != nil {
			return err
		}
	}
	return nil
}

func named(ctx context.Context, q store.Queryer, hash string) (bool, error) {
	n, err := store.Value[int](ctx, q, `SELECT (SELECT count(*) FROM file WHERE hash = $1) + (SELECT count(*) FROM file_part WHERE hash = $1)`, hash)
	return n > 0, err
}

// Hashes returns every hash a row names, for a backup.
func (f *Files) Hashes(ctx context.Context, q store.Queryer) ([]string, error) {
	return store.Column[string](ctx, q, `SELECT hash FROM file UNION SELECT hash FROM file_part ORDER BY hash`)
}
