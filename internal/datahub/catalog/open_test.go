package catalog

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"qushu/internal/base/warehouse"
	"qushu/internal/datahub/catalog/internal/dcat"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
)

// opened publishes an open entry bound to three rows, and one that is not open.
func opened(w *town) (open, shut EntryBody) {
	w.t.Helper()
	cols := []dataset.Column{firms[0], firms[1], {Name: "staff", Title: "从业人数", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L1}, {Name: "boss", Title: "负责人", Type: text, Level: dataset.L2}}
	ds := w.gather("firms", "就业登记表", "人社局", cols, []any{"A1", "制造", int64(120), "张三"}, []any{"A2", "教育", int64(45), "李四"}, []any{"A3", "制造", int64(18), "王五"})
	open = w.publish(w.create("编目人社局", w.body("洪山区就业登记信息", `{"open":true,"keywords":["就业","登记"],"contact":"信息科","phone":"027-87670001","space":"洪山区","since":"2023-01-01",
		"items":[{"name":"登记号","field":"no","type":"C","length":20,"key":true,"level":"L1"},{"name":"行业","field":"industry","type":"C","length":40,"level":"L1"},{"name":"从业人数","field":"staff","type":"I","level":"L1","closed":true}]}`)))
	shut = w.publish(w.create("编目人社局", w.body("洪山区内部名册信息")))
	w.Get(w.t, w.who["中心"], "POST /api/catalog/entries/"+open.ID+"/mounts", fmt.Sprintf(`{"kind":"table","dataset":%q}`, ds.ID), &open)
	return open, shut
}

func TestCKAN(t *testing.T) {
	each(t, func(w *town) {
		open, shut := opened(w)
		mount := open.Mounts[0].ID
		const at = "GET /api/3/action/"
		w.Run(t, []kerneltest.Case{
			{Name: "what is open, and no more", Call: at + "package_list", Status: 200, Want: []string{`"success":true`, open.ID}, Not: []string{shut.ID}},
			{Name: "with a right, all that is published, marked", As: w.who["路人"], Call: at + "package_search", Status: 200, Want: []string{`"count":2`, `"private":true`}},
			{Name: "a package", Call: at + "package_show?id=" + open.ID, Status: 200, Want: []string{`"title":"洪山区就业登记信息"`, `"key":"resource_code","value":"301001420111/000001"`, `"datastore_active":true`, `"name":"就业"`, "洪山区人社局"}},
			{Name: "by its code", Call: at + "package_show?id=301001420111/000001", Status: 200, Want: []string{open.ID}},
			{Name: "not one that is not open", Call: at + "package_show?id=" + shut.ID, Status: 404, Want: []string{`"success":false`, `"__type":"Not Found Error"`}},
			{Name: "searched by POST", Call: "POST /api/3/action/package_search", Body: `{"q":"就业","fq":"share_type:unconditional","facet.field":["organization","groups"]}`, Status: 200, Want: []string{`"count":1`, `"display_name":"洪山区人社局","name":`, `"search_facets"`}},
			{Name: "narrowed to nothing", Call: at + "package_search?fq=level:L4", Status: 200, Want: []string{`"count":0`, `"results":[]`}},
			{Name: "asked as ckanapi asks, without a version", Call: "POST /api/action/package_show", Body: fmt.Sprintf(`{"id":%q}`, open.ID), Status: 200, Want: []string{`"title":"洪山区就业登记信息"`}},
			{Name: "as harvesters page: what changed since, of some units, by id", Call: at + "package_search?rows=100&start=0&sort=id+asc&fq=" + url.QueryEscape(`-organization:nobody metadata_modified:[2020-01-01T00:00:00Z TO *] organization:("`+w.units["人社局"]+`" OR other)`), Status: 200, Want: []string{`"count":1`}},
			{Name: "of other units", Call: at + "package_search?fq=" + url.QueryEscape("organization:a OR organization:b"), Status: 200, Want: []string{`"count":0`}},
			{Name: "not those", Call: at + "package_search?fq=" + url.QueryEscape(`-organization:"`+w.units["人社局"]+`"`), Status: 200, Want: []string{`"count":0`}},
			{Name: "nothing changed since tomorrow", Call: at + "package_search?fq=" + url.QueryEscape("metadata_modified:[2099-01-01T00:00:00Z TO *]"), Status: 200, Want: []string{`"count":0`}},
			{Name: "a tag, a state, a type", Call: at + "package_search?q=*:*&fq=" + url.QueryEscape(`tags:"就业" +state:active +dataset_type:dataset`), Status: 200, Want: []string{`"count":1`}},
			{Name: "what does not close", Call: at + "package_search?fq=" + url.QueryEscape(`organization:(a OR b`), Status: 409, Want: []string{"Validation Error"}},
			{Name: "facets as both writings have them", Call: at + "package_search?rows=0&facet.field=" + url.QueryEscape(`['organization']`), Status: 200, Want: []string{`"facets":{"organization":{"` + w.units["人社局"] + `":1}}`, `"results":[]`}},
			{Name: "all of them with their resources", Call: at + "current_package_list_with_resources?limit=5", Status: 200, Want: []string{open.ID, mount}},
			{Name: "what an action is", Call: at + "help_show?name=package_search", Status: 200, Want: []string{"Action API"}},
			{Name: "one theme", Call: at + "group_show?id=301", Status: 200, Want: []string{`"package_count":1`}},
			{Name: "columns of a table", Call: at + "datastore_info?id=" + mount, Status: 200, Want: []string{`"count":3`, `"type":"text"`}, Not: []string{"boss", "staff"}},
			{Name: "is anybody there", Call: at + "site_read", Status: 200, Want: []string{`"result":true`}},
			{Name: "licences", Call: at + "license_list", Status: 200, Want: []string{"notspecified"}},
			{Name: "a filter there is not", Call: at + "package_search?fq=secret:1", Status: 409, Want: []string{"Validation Error"}},
			{Name: "units", Call: at + "organization_list?all_fields=true", Status: 200, Want: []string{`"package_count":1`, "洪山区人社局"}},
			{Name: "one unit", Call: at + "organization_show?id=" + w.units["人社局"], Status: 200, Want: []string{"洪山区人社局"}},
			{Name: "themes", Call: at + "group_list", Status: 200, Want: []string{`["301"]`}},
			{Name: "tags", Call: at + "tag_list", Status: 200, Want: []string{"就业", "登记"}},
			{Name: "status", Call: at + "status_show", Status: 200, Want: []string{"ckan_version"}},
			{Name: "a resource", Call: at + "resource_show?id=" + mount, Status: 200, Want: []string{`"format":"CSV"`, mount + ".csv"}},
			{Name: "rows, only the items that are open", Call: at + "datastore_search?resource_id=" + mount, Status: 200, Want: []string{`"total":3`, `"industry":"制造"`, `"label":"行业"`}, Not: []string{"张三", "staff", "120"}},
			{Name: "filtered, sorted, a page", Call: "POST /api/3/action/datastore_search", Body: fmt.Sprintf(`{"resource_id":%q,"filters":{"industry":["制造"]},"sort":"no desc","limit":1,"fields":"no"}`, mount), Status: 200, Want: []string{`"total":2`, `"records":[{"no":"A3"}]`}},
			{Name: "words", Call: at + "datastore_search?resource_id=" + mount + "&q=" + "%E6%95%99%E8%82%B2", Status: 200, Want: []string{`"total":1`, "A2"}},
			{Name: "what is kept back cannot be asked about", Call: at + `datastore_search?resource_id=` + mount + `&filters={"staff":"120"}`, Status: 409},
			{Name: "nor sorted by", Call: at + `datastore_search?resource_id=` + mount + `&sort=boss`, Status: 409},
			{Name: "no such table", Call: at + "datastore_search?resource_id=nothing", Status: 404},
			{Name: "no such action", Call: at + "package_delete?id=" + open.ID, Status: 404, Want: []string{"package_delete"}},
			{Name: "as CSV", Call: "GET /api/catalog/open/" + mount + ".csv", Status: 200, Want: []string{"登记号,行业\n", "A2,教育"}, Not: []string{"张三"}},
		})
		e := w.show("编目人社局", open.ID)
		e = w.post("编目人社局", e.ID, "offline", `"reason":"停办",`, e)
		w.agree(e.Case, [2]string{"审核人社局", "agree"}, [2]string{"主管", "agree"})
		w.Run(t, []kerneltest.Case{
			{Name: "offline, it is shut at once", Call: at + "datastore_search?resource_id=" + mount, Status: 404},
			{Name: "and its CSV", Call: "GET /api/catalog/open/" + mount + ".csv", Status: 404},
			{Name: "and gone", Call: at + "package_list", Status: 200, Not: []string{open.ID}},
		})
	})
}

// A class of the data that became stricter shuts the column, whatever the catalogue says.
func TestOpenColumnsAreOpenThemselves(t *testing.T) {
	each(t, func(w *town) {
		open, _ := opened(w)
		closed := []dataset.Column{firms[0], {Name: "industry", Title: "行业", Type: text, Level: dataset.L2}, {Name: "staff", Title: "从业人数", Type: warehouse.Type{Kind: warehouse.KindInteger}, Level: dataset.L1}}
		w.gather("firms", "就业登记表", "人社局", closed, []any{"A1", "制造", int64(120)})
		w.Run(t, []kerneltest.Case{{Name: "before anything was refreshed", Call: "GET /api/3/action/datastore_search?resource_id=" + open.Mounts[0].ID, Status: 200, Want: []string{`"no":"A1"`}, Not: []string{"制造"}}})
	})
}

// The vocabulary is that of the mapping: each element of an entry stands where DCAT wants it.
func TestDCAT(t *testing.T) {
	each(t, func(w *town) {
		open, shut := opened(w)
		status, body := w.Call(t, kerneltest.Case{Call: "GET /api/catalog/dcat.jsonld"})
		var doc struct {
			Graph []map[string]any `json:"@graph"`
		}
		if err := json.Unmarshal([]byte(body), &doc); status != 200 || err != nil || len(doc.Graph) != 4 || strings.Contains(body, shut.ID) {
			t.Fatal(status, err, body)
		}
		has := func(node map[string]any, names ...string) {
			t.Helper()
			for _, n := range names {
				if node[n] == nil {
					t.Errorf("%v has no %s", node["@type"], n)
				}
			}
		}
		has(doc.Graph[0], "dct:title", "dct:description", "dct:publisher", "dcat:dataset", "dcat:service")
		has(doc.Graph[1], "dct:title", "dct:description", "dct:identifier", "dct:publisher", "dcat:contactPoint", "dcat:theme", "dcat:keyword", "dct:accrualPeriodicity", "dct:issued", "dct:modified", "dct:spatial",
			"dct:temporal", "dct:accessRights", "dcat:version", "csvw:tableSchema", "dcat:distribution")
		has(doc.Graph[2], "dcat:accessURL", "dcat:downloadURL", "dcat:mediaType", "dct:title")
		has(doc.Graph[3], "dcat:endpointURL", "dcat:servesDataset")
		for _, want := range []string{"authority/frequency/MONTHLY", "authority/access-right/PUBLIC", "301001420111/000001", "tel:027-87670001", `"csvw:name"`} {
			if !strings.Contains(body, want) {
				t.Error(want, "is not in", body)
			}
		}
		if strings.Contains(body, "从业人数") {
			t.Error("an item that is kept back is told")
		}
		w.Run(t, []kerneltest.Case{{Name: "as Turtle", Call: "GET /api/catalog/dcat.ttl", Status: 200,
			Want: []string{"@prefix dcat: <http://www.w3.org/ns/dcat#> .", "a dcat:Catalog", "a dcat:Dataset", `dct:title "洪山区就业登记信息"@zh`, open.ID, `"2023-01-01"^^xsd:date`, "a dcat:DataService"}}})
	})
}

// Every value of the catalogue has its place in the EU authority lists, and only terms that DCAT 3 and its companions define are used.
func TestVocabulary(t *testing.T) {
	for _, cycle := range entry.Cycles {
		if dcat.Frequencies[cycle] == "" {
			t.Error("no frequency for", cycle)
		}
	}
	for _, share := range entry.Shares {
		if dcat.Rights[share] == "" {
			t.Error("no access right for", share)
		}
	}
	known := map[string]bool{}
	for _, term := range strings.Fields(`dct:title dct:description dct:publisher dct:modified dct:identifier dct:accrualPeriodicity dct:accessRights dct:issued dct:spatial dct:temporal dct:relation dct:Location dct:PeriodOfTime
		dcat:Catalog dcat:Dataset dcat:Distribution dcat:DataService dcat:dataset dcat:service dcat:distribution dcat:endpointURL dcat:servesDataset dcat:contactPoint dcat:theme dcat:keyword dcat:version dcat:accessURL dcat:downloadURL
		dcat:mediaType dcat:byteSize dcat:startDate dcat:endDate foaf:Agent foaf:name vcard:Organization vcard:fn vcard:hasTelephone skos:Concept skos:prefLabel skos:notation rdfs:label csvw:Schema csvw:tableSchema csvw:Column csvw:column
		csvw:name csvw:title csvw:datatype xsd:dateTime xsd:date xsd:nonNegativeInteger`) {
		known[term] = true
	}
	whole := dcat.Catalog{IRI: "https://a/b", Title: "目录 \"一\"\n二", Description: "说明", Lang: "zh", Publisher: dcat.Agent{Name: "区"}, Service: "https://a/s", Datasets: []dcat.Dataset{{IRI: "https://a/<d>", Title: "t", Description: "d", Code: "3/1",
		Publisher: dcat.Agent{Name: "局", Code: "1"}, Contact: "科", Phone: "027 8", Theme: "人口", ThemeCode: "101", Keywords: []string{"k"}, Cycle: "daily", Share: "refused", Space: "区", Since: "2023-01-01", Until: "2023-12-31",
		Related: []string{"https://a/r"}, Version: 2, Items: []dcat.Item{{Name: "甲", Field: "a", Type: "D"}}, Distributions: []dcat.Distribution{{IRI: "https://a/x", Title: "x", Access: "https://a/y", Media: "text/csv", Bytes: 5}}}}}
	var out strings.Builder
	if err := whole.Turtle(&out); err != nil {
		t.Fatal(err)
	}
	bare := regexp.MustCompile(`"(?:[^"\\]|\\.)*"|<[^>]*>|@prefix[^\n]*`).ReplaceAllString(out.String(), "")
	for _, term := range regexp.MustCompile(`\b(?:dct|dcat|foaf|vcard|skos|rdfs|csvw|xsd):\w+`).FindAllString(bare, -1) {
		if !known[term] {
			t.Error("nobody defines", term)
		}
	}
	if !strings.Contains(out.String(), `"目录 \"一\"\n二"@zh`) || !strings.Contains(out.String(), "<https://a/%3Cd%3E>") || strings.Count(out.String(), "[") != strings.Count(out.String(), "]") {
		t.Error(out.String())
	}
}
