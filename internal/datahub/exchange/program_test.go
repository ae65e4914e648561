package exchange

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store/storetest"
	"qushu/internal/datahub/exchange/internal/sign"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// program is a program with a key.
type program struct {
	w           *town
	key, secret string
	n           int
}

func (w *town) program(g GrantBody, addresses ...string) *program {
	w.t.Helper()
	var out struct{ ID, Secret string }
	w.Get(w.t, w.who["申请"], "POST /api/exchange/grants/"+g.ID+"/keys", said(map[string]any{"program": "救助系统", "addresses": addresses}), &out)
	return &program{w: w, key: out.ID, secret: out.Secret}
}

// request signs a call; change may spoil it afterwards.
func (p *program) request(call, body string, change ...func(*http.Request)) *http.Request {
	p.w.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	q, err := http.NewRequestWithContext(p.w.t.Context(), method, p.w.URL+"/api/exchange/v1/resources/"+path, strings.NewReader(body))
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.n++
	r := sign.Request{Method: method, Path: q.URL.EscapedPath(), Query: q.URL.RawQuery, Time: fmt.Sprint(p.w.Kit.Now().Unix()), Nonce: fmt.Sprintf("nonce-%020d", p.n), Body: []byte(body)}
	s, err := r.Sign(p.secret)
	if err != nil {
		p.w.t.Fatal(err)
	}
	for name, value := range map[string]string{sign.Key: p.key, sign.Time: r.Time, sign.Nonce: r.Nonce, sign.Signature: s} {
		q.Header.Set(name, value)
	}
	for _, c := range change {
		c(q)
	}
	return q
}

func (p *program) send(q *http.Request) (int, string) {
	p.w.t.Helper()
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		p.w.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func (p *program) expect(name, call, body string, status int, want string, change ...func(*http.Request)) string {
	p.w.t.Helper()
	got, text := p.send(p.request(call, body, change...))
	if got != status || !strings.Contains(text, want) {
		p.w.t.Errorf("%s: %d %s, want %d with %q", name, got, text, status, want)
	}
	return text
}

func TestCalls(t *testing.T) {
	each(t, func(w *town) {
		g := w.granted(`{"columns":["id","street","age"],"reveal":[],"filter":[{"column":"street","op":"eq","values":["关山街道"]}],"quota":60}`)
		p := w.program(g)
		set := func(name, value string) func(*http.Request) {
			return func(q *http.Request) { q.Header.Set(name, value) }
		}

		first := p.expect("a page", "GET persons?limit=5&columns=id,age", "", 200, `"id":"420199********00`)
		if strings.Contains(first, "street") || strings.Contains(first, "42019919") || strings.Count(first, `"age":`) != 5 || strings.Contains(first, `"age":21`) {
			t.Error(first)
		}
		p.expect("a wrong signature", "GET persons", "", 401, "签名不对", set(sign.Signature, strings.Repeat("0", 64)))
		p.expect("no signature", "GET persons", "", 401, "缺少签名", func(q *http.Request) { q.Header.Del(sign.Signature) })
		p.expect("an unknown key", "GET persons", "", 401, "签名不对", set(sign.Key, "nobody"))
		p.expect("an old time", "GET persons", "", 401, "相差超过 5 分钟", set(sign.Time, fmt.Sprint(w.Kit.Now().Add(-6*time.Minute).Unix())))
		p.expect("a time that was not signed", "GET persons", "", 401, "签名不对", set(sign.Time, fmt.Sprint(w.Kit.Now().Add(time.Minute).Unix())))
		p.expect("a nonce that was not signed", "GET persons", "", 401, "签名不对", set(sign.Nonce, "another-nonce-000001"))
		p.expect("another path", "GET persons", "", 401, "签名不对", func(q *http.Request) { q.URL.Path = "/api/exchange/v1/resources/others" })
		p.expect("another query", "GET persons?limit=1", "", 401, "签名不对", func(q *http.Request) { q.URL.RawQuery = "limit=1000" })
		p.expect("another body", "POST persons/lookup", `{"column":"id","keys":["1"]}`, 401, "签名不对", func(q *http.Request) {
			other := `{"column":"id","keys":["2"]}`
			q.Body, q.ContentLength = io.NopCloser(strings.NewReader(other)), int64(len(other))
		})
		p.expect("another order of the query is the same", "GET persons?limit=1&columns=age", "", 200, `"items":[{"age"`, func(q *http.Request) { q.URL.RawQuery = "columns=age&limit=1" })
		used := p.request("GET persons?limit=1", "")
		if status, text := p.send(used); status != 200 {
			t.Error(status, text)
		}
		again := used.Clone(t.Context())
		if status, text := p.send(again); status != 401 || !strings.Contains(text, "已经用过一次") {
			t.Error("replayed:", status, text)
		}
		p.expect("no such resource", "GET others", "", 404, "others")
		p.expect("a column that is not granted", "GET persons?columns=name", "", 403, "name")
		p.expect("a filter on one", "GET persons?filter=name:prefix:%E7%8E%8B", "", 403, "name")
		p.expect("a filter on a masked column", "GET persons?filter=id:prefix:4201", "", 403, "id")
		p.expect("a whole key", "GET persons?filter=id:eq:"+idOf(2), "", 200, `"age":22`)
		p.expect("a key of a row that is not granted", "GET persons?filter=id:eq:"+idOf(1), "", 200, `"items":[]`)
		p.expect("a filter wider than the grant", "GET persons?filter=street:ne:x&filter=street:eq:"+url.QueryEscape("狮子山街道"), "", 200, `"items":[]`)
		p.expect("a bad filter", "GET persons?filter=age", "", 422, "列:比较:值")
		p.expect("an unknown parameter", "GET persons?order=age", "", 422, "order")
		p.expect("a bad limit", "GET persons?limit=100000", "", 422, "1000")
		p.expect("a cursor of nobody's", "GET persons?cursor=x", "", 409, "第一页")
		found := p.expect("a look-up", "POST persons/lookup", said(map[string]any{"column": "id", "keys": []string{idOf(4), idOf(5), "123", idOf(0), idOf(999)}, "columns": []string{"age"}}), 200, `"items":[{"key":0,"row":{"age":24}},{"key":3,"row":{"age":20}}]`)
		if !strings.Contains(found, `"missed":[1`) {
			t.Error(found)
		}
		p.expect("a look-up by no key", "POST persons/lookup", `{"column":"street","keys":["x"]}`, 403, "")
		p.expect("too many keys", "POST persons/lookup", `{"column":"id","keys":[`+strings.Repeat(`"1",`, 1000)+`"1"]}`, 422, "1000")
		doc := p.expect("its document", "GET persons/openapi.json", "", 200, `"openapi":"3.1.0"`)
		if strings.Contains(doc, "姓名") || !strings.Contains(doc, "身份证号") {
			t.Error(doc)
		}

		// Every page once, in an order that stays.
		seen, cursor := map[string]bool{}, ""
		for range 10 {
			var page struct {
				Items []map[string]any
				Next  string
			}
			text := p.expect("paging", "GET persons?limit=5&columns=age&cursor="+url.QueryEscape(cursor), "", 200, "")
			if err := json.Unmarshal([]byte(text), &page); err != nil {
				t.Fatal(err)
			}
			for _, i := range page.Items {
				seen[fmt.Sprint(i["age"])] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 13 {
			t.Error("pages gave", seen)
		}
		// 5 + 1 + 1 + 1 + 2 + 13 records so far
		p.expect("up to the quota", "GET persons?limit=100&columns=age", "", 200, "")
		p.expect("and again", "GET persons?limit=100&columns=age", "", 200, "")
		p.expect("over the quota", "GET persons?limit=100&columns=age", "", 429, "每日限额为 60")
		w.Move(24 * time.Hour)
		p.expect("the next day", "GET persons?limit=1", "", 200, "")

		var day struct{ Days []UsedDay }
		w.Get(t, w.who["提供"], "GET /api/exchange/grants/"+g.ID, "", &day)
		if len(day.Days) != 2 || day.Days[0].Records != 49 || day.Days[0].Good < 13 || day.Days[0].Bad < 10 || day.Days[1].Records != 1 {
			t.Errorf("%+v", day)
		}
		auditor := w.Administrator(room.Auditor)
		w.Run(t, []kerneltest.Case{{Name: "calls stand in the audit", As: auditor, Call: "GET /api/audit?action=exchange.call&limit=100", Status: 200, Want: []string{`"name":"救助系统"`, `"personal":true`, `"subjects":5`, "核对社会救助申请人的户籍", `"result":"denied"`}, Not: []string{idOf(2), idOf(4)}}})
	})
}

func TestKeysEnd(t *testing.T) {
	each(t, func(w *town) {
		g := w.granted(`{"columns":["street","age"],"modes":["api"]}`)
		one, two, far := w.program(g), w.program(g), w.program(g, "10.1.0.0/16")
		keys := "GET /api/exchange/grants/" + g.ID + "/keys"
		w.Run(t, []kerneltest.Case{
			{Name: "secrets are shown once", As: w.who["同事"], Call: keys, Status: 200, Want: []string{one.key, two.key}, Not: []string{one.secret, `"secret"`}},
			{Name: "a bad address", As: w.who["申请"], Call: "POST /api/exchange/grants/" + g.ID + "/keys", Body: `{"program":"xx","addresses":["10.1"]}`, Status: 422, Want: []string{"10.1"}},
			{Name: "another unit makes none", As: w.who["旁人"], Call: "POST /api/exchange/grants/" + g.ID + "/keys", Body: `{"program":"xx"}`, Status: 404},
			{Name: "another unit revokes none", As: w.who["旁人"], Call: "DELETE /api/exchange/keys/" + one.key, Status: 404},
			{Name: "tried out", As: w.who["同事"], Call: "POST /api/exchange/grants/" + g.ID + "/try", Body: `{"limit":2,"filter":["age:ge:30"]}`, Status: 200, Want: []string{`"rows":[["`, `"more":true`}},
			{Name: "not by another unit", As: w.who["旁人"], Call: "POST /api/exchange/grants/" + g.ID + "/try", Body: `{"limit":2}`, Status: 404},
			{Name: "the document on the page", As: w.who["同事"], Call: "GET /api/exchange/grants/" + g.ID + "/openapi.json", Status: 200, Want: []string{`"/api/exchange/v1/resources/persons"`}, Not: []string{"/lookup"}},
		})
		far.expect("from elsewhere", "GET persons", "", 403, "127.0.0.1")
		one.expect("works", "GET persons?limit=1", "", 200, "age")
		w.Get(t, w.who["同事"], "DELETE /api/exchange/keys/"+one.key, "", nil)
		one.expect("a revoked key", "GET persons?limit=1", "", 401, "已停用")
		two.expect("another one stays", "GET persons?limit=1", "", 200, "age")
		next := w.gather("persons", "常住人口", "公安分局", persons, []any{idOf(1), "王某", "关山街道", int64(9), "n"})
		if next.Number != 2 {
			t.Fatal(next.Number)
		}
		two.expect("the next version serves", "GET persons?limit=1", "", 200, `"age":9`)
		w.Get(t, w.who["提供"], "POST /api/exchange/grants/"+g.ID+"/revoke", fmt.Sprintf(`{"reason":"用途不符","version":%d}`, g.Version), nil)
		two.expect("a revoked grant", "GET persons?limit=1", "", 403, "已撤销")
		w.Run(t, []kerneltest.Case{{Name: "no more keys", As: w.who["申请"], Call: "POST /api/exchange/grants/" + g.ID + "/keys", Body: `{"program":"xx"}`, Status: 403},
			{Name: "nor trying", As: w.who["申请"], Call: "POST /api/exchange/grants/" + g.ID + "/try", Body: `{"limit":1}`, Status: 403}})

		short := w.granted(`{"days":1}`)
		p := w.program(short)
		p.expect("on its day", "GET persons?limit=1", "", 200, "age")
		w.Move(25 * time.Hour)
		p.expect("an ended grant", "GET persons?limit=1", "", 403, "已到期")
		look := w.granted(`{"modes":["look"]}`)
		w.Run(t, []kerneltest.Case{{Name: "not granted for programs", As: w.who["申请"], Call: "POST /api/exchange/grants/" + look.ID + "/keys", Body: `{"program":"xx"}`, Status: 403, Want: []string{"接口方式"}}})
	})
}

// One request sent by many at once is answered once, whichever replica hears it.
func TestReplayRace(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			w := newTown(t, houses.Start(t, engine))
			p := w.program(w.granted(`{"columns":["age"]}`))
			request := p.request("GET persons?limit=1", "")
			var wg sync.WaitGroup
			status := make([]int, 16)
			for i := range status {
				wg.Go(func() {
					r, err := http.DefaultClient.Do(request.Clone(t.Context()))
					if err != nil {
						t.Error(err)
						return
					}
					r.Body.Close()
					status[i] = r.StatusCode
				})
			}
			wg.Wait()
			good := 0
			for _, s := range status {
				switch s {
				case 200:
					good++
				case 401:
				default:
					t.Error("status", s)
				}
			}
			if good != 1 {
				t.Error("answered", good, "times:", status)
			}
			if g := w.grantOf(w.listGrants()); g.Today != 1 {
				t.Error("records given:", g.Today)
			}
		})
	}
}

func (w *town) listGrants() string {
	w.t.Helper()
	var out struct{ Items []GrantLine }
	w.Get(w.t, w.who["申请"], "GET /api/exchange/grants", "", &out)
	return out.Items[0].ID
}
