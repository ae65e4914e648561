package file_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// album is a room that owns files: whoever made an album reads what is in it.
func album(kit *kernel.Kit) []*room.Room {
	kit.Files.Readers("album", func(ctx context.Context, object string) error {
		if authz.From(ctx).Person != object {
			return errs.New(errs.Missing, "store.missing")
		}
		return nil
	})
	return nil
}

var houses = &kerneltest.Houses{Rooms: album}

type env struct {
	*kerneltest.Env
	t *testing.T
}

// put sends one chunk and returns the status and the answer.
func (e env) put(who *room.Actor, id string, offset int64, body io.Reader) (int, string) {
	e.t.Helper()
	e.Call(e.t, kerneltest.Case{As: who, Call: "GET /api/file/uploads/" + id}) // makes the actor known to the test server
	q, err := http.NewRequestWithContext(e.t.Context(), "PUT", fmt.Sprintf("%s/api/file/uploads/%s?offset=%d", e.URL, id, offset), body)
	if err != nil {
		e.t.Fatal(err)
	}
	q.Header.Set("X-Test-Actor", who.Person)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

func (e env) begin(who *room.Actor, name string, size int) string {
	e.t.Helper()
	var out struct{ ID string }
	e.Get(e.t, who, "POST /api/file/uploads", fmt.Sprintf(`{"name":%q,"size":%d}`, name, size), &out)
	return out.ID
}

// breaking gives some bytes and then fails, as a network that is pulled.
type breaking struct{ r io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = fmt.Errorf("cable pulled")
	}
	return n, err
}

func TestUploadGoesOnAfterACut(t *testing.T) {
	houses.Each(t, func(t *testing.T, ke *kerneltest.Env) {
		e := env{ke, t}
		zhang, li := kerneltest.Actor("zhang", "u1", room.Unit), kerneltest.Actor("li", "u1", room.Unit)
		content := bytes.Repeat([]byte("身份证号,姓名\n"), 700_000) // 14 MB, two chunks
		id := e.begin(zhang, `..\..\etc/人口 "表".csv`, len(content))
		if s, b := e.put(zhang, id, 0, bytes.NewReader(content[:file.ChunkSize])); s != 200 {
			t.Fatal(s, b)
		}
		e.put(zhang, id, file.ChunkSize, breaking{bytes.NewReader(content[file.ChunkSize : file.ChunkSize+1000])})
		var p struct{ Received int64 }
		e.Get(t, zhang, "GET /api/file/uploads/"+id, "", &p)
		if p.Received != file.ChunkSize {
			t.Fatal("half a chunk was kept:", p.Received)
		}
		if s, b := e.put(zhang, id, 0, bytes.NewReader(content[:file.ChunkSize])); s != 200 || !strings.Contains(b, fmt.Sprint(file.ChunkSize)) {
			t.Error("a chunk sent twice:", s, b)
		}
		if s, _ := e.put(zhang, id, 999_999_999, strings.NewReader("x")); s != 409 {
			t.Error("a gap:", s)
		}
		if s, _ := e.put(li, id, file.ChunkSize, strings.NewReader("x")); s != 404 {
			t.Error("another person's upload:", s)
		}
		if s, b := e.Call(t, kerneltest.Case{As: zhang, Call: "POST /api/file/uploads/" + id + "/done", Body: "{}"}); s != 409 || !strings.Contains(b, "还没有传完") {
			t.Error("done too early:", s, b)
		}
		if s, b := e.put(zhang, id, file.ChunkSize, bytes.NewReader(append(content[file.ChunkSize:], 'x'))); s != 422 {
			t.Error("longer than announced:", s, b)
		}
		if s, b := e.put(zhang, id, file.ChunkSize, bytes.NewReader(content[file.ChunkSize:])); s != 200 {
			t.Fatal(s, b)
		}
		var f file.File
		e.Get(t, zhang, "POST /api/file/uploads/"+id+"/done", "", &f)
		if f.Name != "人口 表.csv" || f.Media != "text/csv" || f.Size != int64(len(content)) {
			t.Errorf("%+v", f)
		}
		e.claimAndRead(zhang, li, f, content)
	})
}

func (e env) claimAndRead(zhang, li *room.Actor, f file.File, content []byte) {
	t := e.t
	if s, _ := e.Call(t, kerneltest.Case{As: li, Call: "GET /api/file/content/" + f.ID}); s != 404 {
		t.Error("an unclaimed file is its uploader's only:", s)
	}
	claim := func(who *room.Actor) error {
		return e.Kit.DB.Tx(room.Acting(t.Context(), who), func(ctx context.Context, tx *store.Tx) error {
			_, err := e.Kit.Files.Claim(ctx, tx, f.ID, "album", "zhang")
			return err
		})
	}
	if err := claim(li); !errs.Is(err, errs.Missing) {
		t.Error("another claims it:", err)
	}
	if err := claim(zhang); err != nil {
		t.Fatal(err)
	}
	if err := claim(zhang); err == nil {
		t.Error("claimed twice")
	}
	if s, b := e.Call(t, kerneltest.Case{As: zhang, Call: "GET /api/file/content/" + f.ID}); s != 200 || b != string(content) {
		t.Error("content:", s, len(b))
	}
	if s, _ := e.Call(t, kerneltest.Case{As: li, Call: "GET /api/file/content/" + f.ID}); s != 404 {
		t.Error("the room says no:", s)
	}
	n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action IN ('file.upload', 'file.download')`)
	if err != nil || n != 2 {
		t.Error("records:", n, err)
	}
}

func TestRefusals(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		who := kerneltest.Actor("zhang", "u1", room.Unit)
		e.Run(t, []kerneltest.Case{
			{"empty", who, "POST /api/file/uploads", `{"name":"a.csv","size":0}`, "", "", 422, []string{"空的"}, nil},
			{"too large", who, "POST /api/file/uploads", `{"name":"a.csv","size":99999999999}`, "", "", 413, []string{"上限"}, nil},
			{"no such upload", who, "GET /api/file/uploads/x", "", "", "", 404, nil, nil},
			{"no such file", who, "GET /api/file/content/x", "", "", "", 404, nil, nil},
		})
	})
}

// What a room keeps stays; what nobody claims, and what no row names, is gone after a day.
func TestSweep(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ctx := room.Acting(t.Context(), kerneltest.Actor("zhang", "u1", room.Unit))
		kept, err := e.Kit.Files.Keep(ctx, "album", "zhang", "kept.txt", strings.NewReader("kept"))
		if err != nil {
			t.Fatal(err)
		}
		left, err := e.Kit.Files.Keep(ctx, "file", "", "left.txt", strings.NewReader("left"))
		if err != nil {
			t.Fatal(err)
		}
		e.Move(25 * time.Hour)
		if err := e.Kit.Files.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if _, r, err := e.Kit.Files.Open(ctx, e.Kit.DB, kept.ID); err != nil {
			t.Error(err)
		} else {
			r.Close()
		}
		if _, _, err := e.Kit.Files.Open(ctx, e.Kit.DB, left.ID); !errs.Is(err, errs.Missing) {
			t.Error("left behind:", err)
		}
	})
}
