package exchange

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/secret"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// How a run stands.
const (
	queued  = "queued"
	running = "running"
	done    = "done"
	failed  = "failed"
)

func (w *town) set(name, value string) {
	w.t.Helper()
	admin := w.Administrator(room.System)
	if name == "targets" {
		admin = w.Administrator(room.Security)
	}
	w.Get(w.t, admin, "PUT /api/settings/exchange."+name, fmt.Sprintf(`{"value":%s,"reason":"试验投递","version":0}`, value), nil)
}

func (w *town) delivery(g GrantBody, plan string) DeliveryLine {
	w.t.Helper()
	var d DeliveryLine
	w.Get(w.t, w.who["申请"], "POST /api/exchange/grants/"+g.ID+"/deliveries", fmt.Sprintf(`{"title":"每日投递","plan":%s,"secret":"p"}`, plan), &d)
	return d
}

// ran waits for the last run of a delivery to end.
func (w *town) ran(d DeliveryLine) RunLine {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		var out struct{ Items []RunLine }
		w.Get(w.t, w.who["申请"], "GET /api/exchange/deliveries/"+d.ID+"/runs", "", &out)
		if len(out.Items) > 0 && out.Items[0].State != queued && out.Items[0].State != running {
			return out.Items[0]
		}
		<-tick.C
	}
	w.t.Fatal("the delivery does not end")
	return RunLine{}
}

func TestDelivered(t *testing.T) {
	each(t, func(w *town) {
		g := w.granted(`{"columns":["id","street","age"],"modes":["push"],"filter":[{"column":"street","op":"eq","values":["关山街道"]}]}`)
		folder := `{"target":{"kind":"folder","path":"civil"},"format":"csv","schedule":{"kind":"daily","hour":6}}`
		at := "POST /api/exchange/grants/" + g.ID + "/deliveries"
		body := fmt.Sprintf(`{"title":"每日投递","plan":%s}`, folder)
		w.Run(t, []kerneltest.Case{
			{Name: "no folder is open", As: w.who["申请"], Call: at, Body: body, Status: 403, Want: []string{"本机目录"}},
			{Name: "nor a host", As: w.who["申请"], Call: at, Body: `{"title":"xx","plan":{"target":{"kind":"sftp","host":"10.0.0.1","user":"u","fingerprint":"SHA256:x"},"format":"csv","schedule":{"kind":"manual"}}}`, Status: 403, Want: []string{"10.0.0.1"}},
			{Name: "a bad plan", As: w.who["申请"], Call: at, Body: `{"title":"xx","plan":{"target":{"kind":"folder","path":"../x"},"schedule":{"kind":"hours"}}}`, Status: 422, Want: []string{`"path"`, `"every"`, `"format"`}},
			{Name: "another unit", As: w.who["旁人"], Call: at, Body: body, Status: 404},
		})
		root := t.TempDir()
		w.set("folder", strconv.Quote(root))
		d := w.delivery(g, folder)
		if d.Next.IsZero() || d.State != active {
			t.Fatalf("%+v", d)
		}
		w.Run(t, []kerneltest.Case{
			{Name: "not another unit's to run", As: w.who["旁人"], Call: "POST /api/exchange/deliveries/" + d.ID + "/runs", Status: 404},
			{Name: "nor to drop", As: w.who["旁人"], Call: "DELETE /api/exchange/deliveries/" + d.ID + "?version=1", Status: 404},
			{Name: "started", As: w.who["同事"], Call: "POST /api/exchange/deliveries/" + d.ID + "/runs", Status: 200},
		})
		r := w.ran(d)
		if r.State != done || r.Rows != 13 || r.Number != 1 {
			t.Fatalf("%+v", r)
		}
		data, err := os.ReadFile(filepath.Join(root, "civil", r.File))
		if err != nil || !strings.HasPrefix(string(data), "id,street,age\r\n") || !strings.Contains(string(data), "\r\n420199********0000,关山街道,20\r\n") || strings.Count(string(data), "\r\n") != 14 {
			t.Fatal(string(data), err)
		}
		m, err := os.ReadFile(filepath.Join(root, "civil", r.File+".manifest.json"))
		if err != nil || !strings.Contains(string(m), r.Hash) || !strings.Contains(string(m), `"rows": 13`) {
			t.Fatal(string(m), err)
		}
		var sig struct{ KeyID, Signature string }
		b, err := os.ReadFile(filepath.Join(root, "civil", r.File+".manifest.sig"))
		if err != nil || json.Unmarshal(b, &sig) != nil {
			t.Fatal(string(b), err)
		}
		raw, _ := base64.StdEncoding.DecodeString(sig.Signature)
		_, pem := w.Call(t, kerneltest.Case{As: w.who["申请"], Call: "GET /api/exchange/signing-key.pem?id=" + sig.KeyID})
		if err := secret.VerifyWith([]byte(pem), m, raw); err != nil {
			t.Error(err)
		}
		if err := secret.VerifyWith([]byte(pem), append(m, ' '), raw); err == nil {
			t.Error("a manifest that was changed verifies")
		}
		if now := w.grantOf(g.ID); now.Today != 13 {
			t.Error("given:", now.Today)
		}

		w.Move(24 * time.Hour)
		for range 2 { // the second turn finds the run under way, or done
			if err := w.shelf.room.schedule(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if r := w.ran(d); r.Cause != "schedule" || r.State != done {
			t.Errorf("%+v", r)
		}
		w.Get(t, w.who["提供"], "POST /api/exchange/grants/"+g.ID+"/revoke", fmt.Sprintf(`{"reason":"用途不符","version":%d}`, g.Version), nil)
		w.Run(t, []kerneltest.Case{{Name: "a revoked grant delivers nothing", As: w.who["申请"], Call: "POST /api/exchange/deliveries/" + d.ID + "/runs", Status: 403}})
		w.Move(24 * time.Hour)
		if err := w.shelf.room.schedule(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Run(t, []kerneltest.Case{{Name: "and is paused", As: w.who["申请"], Call: "GET /api/exchange/grants/" + g.ID + "/deliveries", Status: 200, Want: []string{`"state":"paused"`}, Not: []string{"secret"}}})
	})
}

// What a new version brings goes out by itself; over the quota nothing is seen.
func TestDeliveredByVersion(t *testing.T) {
	each(t, func(w *town) {
		root := t.TempDir()
		w.set("folder", strconv.Quote(root))
		g := w.granted(`{"columns":["street","age"],"modes":["push"],"quota":30}`)
		d := w.delivery(g, `{"target":{"kind":"folder"},"format":"xlsx","schedule":{"kind":"version"}}`)
		turn := func() {
			if err := w.shelf.room.schedule(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		turn()
		if r := w.ran(d); r.State != done || r.Cause != "version" || r.Rows != 25 || !strings.HasSuffix(r.File, ".xlsx") {
			t.Fatalf("%+v", r)
		}
		turn()
		var rows [][]any
		for n := range 20 {
			rows = append(rows, []any{idOf(n), "王某", "关山街道", int64(n), "n"})
		}
		w.gather("persons", "常住人口", "公安分局", persons, rows...)
		turn()
		r := w.ran(d)
		if r.State != failed || !strings.Contains(r.Reason, "每日限额为 30") {
			t.Fatalf("%+v", r)
		}
		seen, err := filepath.Glob(filepath.Join(root, "*.xlsx"))
		if err != nil || len(seen) != 1 {
			t.Error("over the quota:", seen, err)
		}
		w.Run(t, []kerneltest.Case{{Name: "who set it up is told", As: w.who["申请"], Call: "GET /api/notify", Status: 200, Want: []string{"每日限额为 30"}}})
	})
}

// Rows go into a table of the receiver, the old ones replaced by key; a refused row leaves all as it was.
func TestDeliveredToTable(t *testing.T) {
	base := os.Getenv("QUSHU_TEST_POSTGRES")
	if base == "" {
		t.Skip("needs PostgreSQL")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(w *town) {
		theirs, err := sql.Open("pgx", base)
		if err != nil {
			t.Fatal(err)
		}
		defer theirs.Close()
		name := fmt.Sprintf("receiver_%d", time.Now().UnixNano())
		exec := func(q string) {
			if _, err := theirs.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		exec(`CREATE TABLE ` + name + ` (age INT PRIMARY KEY, street TEXT CHECK (street <> 'bad'))`)
		exec(`INSERT INTO ` + name + ` VALUES (20, 'old'), (99, 'kept')`)
		w.set("targets", `["`+u.Hostname()+`"]`)
		g := w.granted(`{"columns":["street","age"],"modes":["push"]}`)
		d := w.delivery(g, fmt.Sprintf(`{"target":{"kind":"postgres","host":%q,"port":%s,"user":%q,"database":%q,"table":%q,"keys":["age"]},"schedule":{"kind":"manual"}}`, u.Hostname(), u.Port(), u.User.Username(), strings.Trim(u.Path, "/"), name))
		start := func() RunLine {
			w.Get(t, w.who["申请"], "POST /api/exchange/deliveries/"+d.ID+"/runs", "", nil)
			return w.ran(d)
		}
		if r := start(); r.State != done || r.Rows != 25 {
			t.Fatalf("%+v", r)
		}
		count := func(where string) (n int) {
			if err := theirs.QueryRowContext(t.Context(), `SELECT count(*) FROM `+name+` WHERE `+where).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if count("TRUE") != 26 || count("street = 'old'") != 0 || count("street = 'kept'") != 1 {
			t.Error("the table holds", count("TRUE"))
		}
		w.gather("persons", "常住人口", "公安分局", persons, []any{idOf(1), "王某", "新街道", int64(20), "n"}, []any{idOf(2), "王某", "bad", int64(21), "n"})
		if r := start(); r.State != failed || !strings.Contains(r.Reason, "没有接受") || count("street = '新街道'") != 0 {
			t.Errorf("half went in: %+v", r)
		}
		exec(`DROP TABLE ` + name)
	})
}
