package file

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"qushu/internal/base/blob"
	"qushu/internal/base/errs"
	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/room"
)

// Room declares the package.
func (f *Files) Room() *room.Room {
	const half = "an upload that is not attached to anything changes nothing; claiming the file is recorded by its room"
	return &room.Room{Name: "file", Pillar: room.Kernel, Schema: schema, Text: Text,
		Routes: []room.Route{
			room.Post("/uploads", room.Signed, f.begin).NoAudit(half),
			room.Get("/uploads/{id}", room.Signed, f.progress),
			room.Post("/uploads/{id}/done", room.Signed, f.finish),
			room.Delete("/uploads/{id}", room.Signed, f.cancel).NoAudit(half),
		},
		Raws: []room.Raw{
			{Method: "PUT", Path: "/uploads/{id}", Perm: room.Signed, Doc: "one chunk of an upload: the bytes from ?offset= on", Unaudited: half, Serve: f.chunk},
			{Method: "GET", Path: "/content/{id}", Perm: room.Signed, Doc: "the bytes of a file its room lets the caller read", Serve: f.content},
		},
		Jobs:    []jobs.Handler{jobs.Periodic("file.sweep", jobs.Daily{Hour: 3, Minute: 20}, f.Sweep)},
		Actions: []string{"file.upload", "file.download"},
	}
}

// maxPending bounds what one person may have uploaded without attaching it to anything, in largest files.
const maxPending = 2

type beginIn struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"300"`
		Size int64  `json:"size" minimum:"0" doc:"bytes"`
	}
}

// Progress is how far an upload is.
type progressBody struct {
	ID       string `json:"id"`
	Size     int64  `json:"size"`
	Received int64  `json:"received" doc:"the next chunk begins here"`
	Chunk    int64  `json:"chunk" doc:"most bytes of one chunk"`
}

type progressOut struct{ Body progressBody }

func show(u upload) *progressOut {
	return &progressOut{progressBody{u.ID, u.Size, u.Received, ChunkSize}}
}

func (f *Files) begin(ctx context.Context, in *beginIn) (*progressOut, error) {
	if in.Body.Size > f.max {
		return nil, errs.New(errs.TooLarge, "file.too_large", in.Body.Size>>20, f.max>>20)
	}
	if in.Body.Size == 0 {
		return nil, errs.New(errs.Invalid, "file.empty", cleanName(in.Body.Name))
	}
	u := upload{ID: newID(), Person: authz.From(ctx).Person, Name: cleanName(in.Body.Name), Size: in.Body.Size, At: store.At(f.now())}
	return show(u), f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := store.Lock(ctx, tx, "file_upload", u.Person); err != nil {
			return err
		}
		open, err := pending(ctx, tx, u.Person)
		if err != nil {
			return err
		}
		if open+u.Size > maxPending*f.max {
			return errs.New(errs.Limited, "file.pending", open>>20)
		}
		return insertUpload(ctx, tx, u)
	})
}

type uploadIn struct {
	ID string `path:"id" maxLength:"40"`
}

func (f *Files) progress(ctx context.Context, in *uploadIn) (*progressOut, error) {
	u, err := findUpload(ctx, f.db, in.ID, authz.From(ctx).Person)
	return show(u), err
}

func (f *Files) cancel(ctx context.Context, in *uploadIn) (*struct{}, error) {
	u, err := findUpload(ctx, f.db, in.ID, authz.From(ctx).Person)
	if err != nil {
		return nil, err
	}
	return nil, f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return dropUpload(ctx, tx, u.ID) })
}

// chunk takes the bytes from offset on. A chunk that was already received is answered with how far the
// upload is, so that a client that never saw the answer simply goes on.
func (f *Files) chunk(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	u, err := findUpload(ctx, f.db, r.PathValue("id"), authz.From(ctx).Person)
	if err != nil {
		return err
	}
	offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	if err != nil || offset < 0 || offset > u.Received {
		return errs.New(errs.Conflict, "file.offset", u.Received)
	}
	if offset == u.Received {
		body := http.MaxBytesReader(w, r.Body, ChunkSize)
		ref, err := f.blobs.Put(ctx, body, ChunkSize)
		if err != nil {
			return cut(err)
		}
		if ref.Size == 0 || u.Received+ref.Size > u.Size {
			return errs.New(errs.Invalid, "file.longer", u.Size)
		}
		at := store.At(f.now())
		err = f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return addPart(ctx, tx, u, ref.Size, ref.Hash, at) })
		if err == nil {
			u.Received += ref.Size
		} else if !errs.Is(err, errs.Conflict) {
			return err
		} else if u, err = findUpload(ctx, f.db, u.ID, u.Person); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write([]byte(`{"id":"` + u.ID + `","size":` + strconv.FormatInt(u.Size, 10) + `,"received":` + strconv.FormatInt(u.Received, 10) + `,"chunk":` + strconv.Itoa(ChunkSize) + `}`))
	return err
}

// cut gives a broken connection its words; nothing of the chunk was kept.
func cut(err error) error {
	if errs.KindOf(err) == errs.Internal {
		return errs.Wrap(err, errs.Busy, "file.cut")
	}
	return err
}

type fileOut struct{ Body File }

// finish joins the chunks to one file that waits for a room to claim it.
func (f *Files) finish(ctx context.Context, in *uploadIn) (*fileOut, error) {
	u, err := findUpload(ctx, f.db, in.ID, authz.From(ctx).Person)
	if err != nil {
		return nil, err
	}
	if u.Received != u.Size {
		return nil, errs.New(errs.Conflict, "file.incomplete", u.Received, u.Size)
	}
	hashes, err := parts(ctx, f.db, u.ID)
	if err != nil {
		return nil, err
	}
	joined := &joiner{ctx: ctx, blobs: f.blobs, hashes: hashes}
	defer joined.Close()
	ref, err := f.blobs.Put(ctx, joined, f.max)
	if err != nil {
		return nil, err
	}
	it := f.row(ctx, ref, u.Name)
	err = f.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := dropUpload(ctx, tx, u.ID); err != nil {
			return err
		}
		if err := insert(ctx, tx, it); err != nil {
			return err
		}
		return f.audit.Record(ctx, tx, audit.Entry{Action: "file.upload", Object: "file", ID: it.ID, Title: it.Name, Detail: map[string]any{"size": it.Size, "hash": it.Hash}})
	})
	return &fileOut{it}, err
}

func (f *Files) row(ctx context.Context, ref blob.Ref, name string) File {
	return File{ID: newID(), Room: unclaimed, Name: cleanName(name), Size: ref.Size, Media: f.sniff(ctx, ref.Hash, name), Hash: ref.Hash, By: authz.From(ctx).Person, At: store.At(f.now())}
}

// sniff trusts the content, and the name only among kinds the content cannot tell apart.
func (f *Files) sniff(ctx context.Context, hash, name string) string {
	r, _, err := f.blobs.Open(ctx, hash)
	if err != nil {
		return "application/octet-stream"
	}
	defer r.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(r, head)
	found := http.DetectContentType(head[:n])
	lower := strings.ToLower(name)
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) && strings.HasSuffix(lower, ".xlsx"):
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) && strings.HasSuffix(lower, ".docx"):
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case strings.HasSuffix(lower, ".csv") && (strings.HasPrefix(found, "text/plain") || found == "application/octet-stream"):
		return "text/csv"
	}
	return found
}

// joiner reads blobs one after the other.
type joiner struct {
	ctx    context.Context
	blobs  blob.Store
	hashes []string
	cur    io.ReadCloser
}

func (j *joiner) Read(p []byte) (int, error) {
	for {
		if j.cur == nil {
			if len(j.hashes) == 0 {
				return 0, io.EOF
			}
			var err error
			if j.cur, _, err = j.blobs.Open(j.ctx, j.hashes[0]); err != nil {
				return 0, err
			}
			j.hashes = j.hashes[1:]
		}
		n, err := j.cur.Read(p)
		if err == io.EOF {
			j.cur.Close()
			j.cur, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (j *joiner) Close() error {
	if j.cur != nil {
		return j.cur.Close()
	}
	return nil
}

// inline are the kinds a browser may show on its own: none of them can run script here.
var inline = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "application/pdf": true}

func (f *Files) content(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	it, err := find(ctx, f.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := f.may(ctx, it); err != nil {
		return err
	}
	body, size, err := f.blobs.Open(ctx, it.Hash)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := f.audit.Note(ctx, audit.Entry{Action: "file.download", Object: "file", ID: it.ID, Title: it.Name, Detail: map[string]any{"room": it.Room, "object": it.Object}}); err != nil {
		return err
	}
	how := "attachment"
	if inline[it.Media] && r.URL.Query().Get("show") != "" {
		how = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", mime.FormatMediaType(strings.SplitN(it.Media, ";", 2)[0], nil))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Content-Disposition", how+"; filename*=UTF-8''"+url.PathEscape(it.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	_, err = io.Copy(w, body)
	if err != nil { // headers are out: the connection is broken off, so that a half file is not taken for a whole one
		panic(http.ErrAbortHandler)
	}
	return nil
}
