package forms

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// bids is drawn as a browser draws it: the reviewers must not see who bids.
const bids = `{"app":{"key":"bids","title":{"zh":"比选"},"summary":{"zh":"匿名评审"},"group":{"zh":"采购"},"subject":"about","number":{"prefix":"BX"},
	"fields":[{"key":"about","title":{"zh":"事项"},"type":"text","required":true},{"key":"firm","title":{"zh":"单位"},"type":"text"},{"key":"price","title":{"zh":"报价"},"type":"money"},
		{"key":"paper","title":{"zh":"标书"},"type":"file"},{"key":"double","title":{"zh":"加倍"},"type":"computed","gives":"money","expr":"price * 2"},{"key":"mark","title":{"zh":"评分"},"type":"number"}],
	"list":{"columns":["about"]},
	"steps":[{"key":"ask","title":{"zh":"提交"}},{"key":"review","title":{"zh":"评审"},"who":[{"kind":"role","id":"judge"}],"need":["mark"],"hide":["firm","double","paper"]}],
	"roles":[{"key":"judge","title":{"zh":"评委"}}]}}`

// What a step hides does not leave the server: not in the entry, not by a rule, not as a file, not in print.
func TestHiddenNeverLeaves(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		designer := kerneltest.Actor("designer", "u1", room.All, "forms.use", "forms.design")
		zhang := w.who["clerk"]
		e.Run(t, []kerneltest.Case{
			{Name: "a drawing that is wrong", As: designer, Call: "POST /api/forms/apps/check", Body: strings.Replace(bids, `"need":["mark"]`, `"need":["marks"]`, 1), Status: 200, Want: []string{`"path":"steps[1].need[0]"`}},
			{Name: "one of the wrong shape is not kept", As: designer, Call: "POST /api/forms/apps", Body: strings.Replace(bids, `"type":"money"`, `"type":"gold"`, 1), Status: 422, Want: []string{"fields[2].type"}},
			{Name: "drawn", As: designer, Call: "POST /api/forms/apps", Body: bids, Status: 200, Want: []string{`"findings":[]`, "zh: 比选"}},
			{Name: "twice", As: designer, Call: "POST /api/forms/apps", Body: bids, Status: 409},
			{Name: "saved over", As: designer, Call: "PUT /api/forms/apps/bids/draft", Body: strings.Replace(bids, `{"app"`, `{"version":1,"app"`, 1), Status: 200, Want: []string{`"version":2`}},
			{Name: "not over another's", As: designer, Call: "PUT /api/forms/apps/bids/draft", Body: strings.Replace(bids, `{"app"`, `{"version":1,"app"`, 1), Status: 409},
			{Name: "published", As: designer, Call: "POST /api/forms/apps/bids/publish", Body: `{"version":2}`, Status: 200},
		})
		w.person("judge", "区机关事务中心", false, "bids_judge")
		judge := w.who["judge"]
		paper := w.upload(zhang)
		l := filed(t, e, zhang, "bids", fmt.Sprintf(`{"about":"保洁服务","firm":"甲公司","price":100,"paper":[{"id":%q}]}`, paper))
		if paper := printed(t, e, judge, l.ID); strings.Contains(paper, "甲公司") || !strings.Contains(paper, "保洁服务") {
			t.Error("in print:", paper)
		}
		hidden := []string{"甲公司", `"double":200`, `"paper":[`, "现场.jpg"}
		e.Run(t, []kerneltest.Case{
			{Name: "who filed it sees all", As: zhang, Call: "GET /api/forms/entries/" + l.ID, Status: 200, Want: []string{"甲公司", `"double":200`, "现场.jpg"}},
			{Name: "the judge does not", As: judge, Call: "GET /api/forms/entries/" + l.ID, Status: 200, Want: []string{"保洁服务", `"price":100`, `"firm":"hide"`}, Not: hidden},
			{Name: "nor by a rule", As: judge, Call: "POST /api/forms/apps/bids/evaluate", Body: fmt.Sprintf(`{"entry":%q,"data":{"mark":5}}`, l.ID), Status: 200, Want: []string{`"needed":["mark"]`}, Not: hidden},
			{Name: "nor as a file", As: judge, Call: "GET /api/file/content/" + paper, Status: 404},
			{Name: "which its owner has", As: zhang, Call: "GET /api/file/content/" + paper, Status: 200},
			{Name: "he writes it as little", As: judge, Call: "PUT /api/forms/entries/" + l.ID + "/data", Body: fmt.Sprintf(`{"data":{"firm":"乙公司","mark":90},"version":%d}`, l.Version), Status: 200},
			{Name: "so that it stays", As: zhang, Call: "GET /api/forms/entries/" + l.ID, Status: 200, Want: []string{"甲公司", `"mark":90`}, Not: []string{"乙公司"}},
			{Name: "a field that is not there", As: judge, Call: "PUT /api/forms/entries/" + l.ID + "/data", Body: fmt.Sprintf(`{"data":{"frm":"乙"},"version":%d}`, l.Version+1), Status: 422, Want: []string{`"name":"frm"`}},
		})
	})
}

// A second version serves new entries; those under way keep theirs.
func TestVersions(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		installed(t, e)
		designer := kerneltest.Actor("designer", "u1", room.All, "forms.use", "forms.design")
		zhang := person(t, e, "zhang")
		put := func(text string, version int) string {
			b, err := json.Marshal(map[string]any{"source": text, "version": version})
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		first, _ := json.Marshal(map[string]any{"source": bikes})
		e.Run(t, []kerneltest.Case{
			{Name: "first", As: designer, Call: "POST /api/forms/apps", Body: string(first), Status: 200},
			{Name: "serves", As: designer, Call: "POST /api/forms/apps/bikes/publish", Body: `{"version":1}`, Status: 200},
		})
		old := filed(t, e, zhang, "bikes", `{"spot":"站口","bikes":30}`)
		more := strings.Replace(bikes, "list:", "  - {key: firm, title: 企业, type: text, required: true}\nlist:", 1)
		more = strings.Replace(more, "write: [spot, bikes]", "write: [spot, bikes, firm]", 1)
		e.Run(t, []kerneltest.Case{
			{Name: "another key in the file", As: designer, Call: "PUT /api/forms/apps/bikes/draft", Body: put(strings.Replace(more, "key: bikes\ntitle", "key: cars\ntitle", 1), 0), Status: 422},
			{Name: "second", As: designer, Call: "PUT /api/forms/apps/bikes/draft", Body: put(more, 0), Status: 200, Want: []string{`"number":2`}},
			{Name: "the first serves on", As: zhang, Call: "GET /api/forms/apps/bikes", Status: 200, Want: []string{`"number":1`}, Not: []string{"企业"}},
			{Name: "thrown away", As: designer, Call: "DELETE /api/forms/apps/bikes/draft?version=1", Status: 204},
			{Name: "again", As: designer, Call: "PUT /api/forms/apps/bikes/draft", Body: put(more, 0), Status: 200},
			{Name: "serves", As: designer, Call: "POST /api/forms/apps/bikes/publish", Body: `{"version":1}`, Status: 200},
			{Name: "new entries need it", As: zhang, Call: "POST /api/forms/apps/bikes/entries", Body: `{"data":{"spot":"站口","bikes":30}}`, Status: 422, Want: []string{`"firm"`}},
			{Name: "old ones are as they were", As: zhang, Call: "GET /api/forms/entries/" + old.ID, Status: 200, Want: []string{`"declarationNumber":1`}, Not: []string{"企业"}},
			{Name: "both are listed", As: designer, Call: "GET /api/forms/versions?key=bikes", Status: 200, Want: []string{`"state":"past"`, `"state":"published"`}},
		})
	})
}
