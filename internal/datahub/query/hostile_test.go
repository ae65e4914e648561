package query_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/mirror"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

type hostile struct{ key, sql string }

// hostiles reads the list: each question stands after the line "--! key".
func hostiles(t testing.TB) []hostile {
	t.Helper()
	b, err := os.ReadFile("testdata/hostile.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out []hostile
	for i, block := range strings.Split(string(b), "\n--! ") {
		if i == 0 {
			continue
		}
		key, text, _ := strings.Cut(block, "\n")
		if at := strings.Index(text, "\n\n--"); at >= 0 { // the next heading
			text = text[:at]
		}
		out = append(out, hostile{key, text})
	}
	return out
}

// reader is who asks them: granted two columns of a third of the rows.
func hostileReader(t testing.TB, e *kerneltest.Env) *room.Actor {
	ds := people(t, e)
	publish(t, e, "secrets", "机密名单", "u1", []dataset.Column{{Name: "jd", Title: "街道", Type: text, Key: true, Level: dataset.L2}, {Name: "nr", Title: "内容", Type: text, Level: dataset.L2}},
		feed([][]any{{"关山街道", "绝密甲"}}))
	grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"jd", "nl", "xm"}, Filter: dataset.Filter{{Column: "jd", Op: warehouse.OpEq, Values: []string{"关山街道"}}}})
	return analyst("li", "u2")
}

func TestHostile(t *testing.T) {
	all := hostiles(t)
	if len(all) < 100 {
		t.Fatalf("%d hostile questions, want 100", len(all))
	}
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) { hostileRun(t, e, all) })
}

// The list is refused as well where the warehouse is another engine's and questions go over copies.
func TestHostileCopies(t *testing.T) {
	copied := &kerneltest.Houses{Rooms: houses.Rooms, Warehouse: func(t *testing.T) warehouse.Store {
		far := houses.Warehouse(t).(warehouse.Archive)
		s, err := mirror.Open(t.Context(), far, mirror.Options{Dir: t.TempDir(), Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}}
	hostileRun(t, copied.Start(t, store.SQLite), hostiles(t))
}

func hostileRun(t *testing.T, e *kerneltest.Env, all []hostile) {
	li := hostileReader(t, e)
	ask(t, e, li, "SELECT * FROM population") // where questions go over copies, it is made before the second that each of them has
	e.Get(t, e.Administrator(room.System), "PUT /api/settings/query.seconds", `{"value":1,"reason":"试验限时","version":0}`, nil)
	for _, h := range all {
		status, body := e.Call(t, kerneltest.Case{As: li, Call: "POST /api/query/run", Body: sql(h.sql)})
		var got struct {
			Key  string
			Rows [][]string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := h.key
		if want == "ok" {
			want = ""
		}
		if got.Key != want || status >= 500 && got.Key != "warehouse.sql_time" {
			t.Errorf("%s\n  %d %s, want %s", h.sql, status, got.Key, h.key)
		}
		said := body
		if status == 200 { // the question itself is echoed
			rows, _ := json.Marshal(got.Rows)
			said = string(rows)
			for _, shut := range []string{"珞南", "洪山"} {
				if strings.Contains(said, shut) {
					t.Errorf("%s\n  shows %s: %s", h.sql, shut, said)
				}
			}
		}
		for _, shut := range []string{"王1", "4201998", "绝密", "root:", "warehouse.duckdb\"", "t_06"} {
			if strings.Contains(said, shut) && !strings.Contains(h.sql, strings.TrimSuffix(shut, `"`)) {
				t.Errorf("%s\n  tells %s: %s", h.sql, shut, said)
			}
		}
	}
	n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM query_run WHERE person = 'li'`)
	if err != nil || n != len(all)+1 {
		t.Errorf("%d of %d runs in the history, %v", n, len(all), err)
	}
}
