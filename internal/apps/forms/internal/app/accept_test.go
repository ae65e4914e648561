package app_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/when"
)

const rules = `key: probe
title: 试
summary: 试
group: 试
subject: name
number: {prefix: T}
fields:
  - {key: name, title: 名称, type: text, required: true, longest: 5}
  - {key: kind, title: 类别, type: choice, options: [{key: a, title: 甲}, {key: b, title: 乙}]}
  - {key: marks, title: 标记, type: choice, many: true, options: [{key: x, title: 一}, {key: y, title: 二}]}
  - {key: why, title: 原因, type: longtext, show: 'kind == "b"', need: 'kind == "b"'}
  - {key: count, title: 数量, type: number, min: 0, digits: 1}
  - {key: price, title: 单价, type: money, min: 0}
  - {key: per, title: 每件, type: computed, gives: money, expr: price / count}
  - {key: day, title: 日期, type: date}
  - {key: slot, title: 时段, type: period}
  - {key: who, title: 人, type: person}
  - {key: place, title: 地点, type: place}
  - {key: id, title: 证件, type: idcard}
  - {key: tel, title: 电话, type: phone}
  - {key: nick, title: 姓名, type: text, personal: name}
  - {key: secret, title: 内部, type: text, default: '"x"'}
  - key: rows
    title: 明细
    type: table
    most: 3
    fields:
      - {key: what, title: 物品, type: text, required: true}
      - {key: n, title: 数量, type: number, valid: [{when: n < 100, message: {zh: 太多, en: too many}}]}
      - {key: worth, title: 金额, type: computed, expr: n * 2}
      - {key: phone, title: 电话, type: phone}
  - {key: total, title: 合计, type: computed, expr: 'sum(rows, "worth")'}
list: {columns: [name], filters: [kind, count, day, slot, who, place, tel, marks]}
steps: [{key: go, title: 填, need: [name], write: [kind, marks, why, count, price, day, slot, who, place, id, tel, nick, rows], hide: [secret]}]
stats:
  - {key: all, title: 全部, kind: count}
  - {key: rate, title: 率, kind: rate, of: kind == "a", over: kind != ""}
  - {key: sum, title: 和, kind: sum, of: count}
`

func probe(t *testing.T) *app.Compiled {
	t.Helper()
	_, c, bad := findings(t, rules)
	if bad != nil {
		t.Fatal(bad)
	}
	return c
}

func world() *app.World {
	known := func(id string) (string, bool, error) { return "张三", id == "p1", nil }
	return &app.World{Now: time.Date(2023, 6, 1, 9, 0, 0, 0, when.Zone), Lang: "zh", Person: known, Unit: known,
		Resource: func(_, id string) (string, bool, error) { return known(id) }, File: func(_, id string) (string, bool, error) { return "a.png", id == "f1", nil }}
}

// faults are the places an input is refused at, with their text keys.
func faults(err error) string {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return ""
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Name+" "+f.Key)
	}
	return strings.Join(out, "; ")
}

func TestAccept(t *testing.T) {
	c := probe(t)
	ok := func(more string) string { return `{"name":"好","count":2,"price":300` + more + `}` }
	for _, x := range []struct {
		name, in string
		want     string // faults
		key      string
		value    any
	}{
		{"as it should be", ok(``), "", "per", 150.0},
		{"missing", `{"count":1}`, "name web.v.required", "", nil},
		{"too long", `{"name":"一二三四五六","count":1}`, "name web.v.max_length", "", nil},
		{"not a text", `{"name":5,"count":1}`, "name web.v.string", "", nil},
		{"blanks are nothing", `{"name":"   ","count":1}`, "name web.v.required", "", nil},
		{"no such field", ok(`,"nmae":1`), "nmae forms.v_unknown", "", nil},
		{"option", ok(`,"kind":"c"`), "kind forms.v_choice", "", nil},
		{"options come in their order", ok(`,"marks":["y","x","y"]`), "", "marks", []any{"x", "y"}},
		{"needed when", ok(`,"kind":"b"`), "why web.v.required", "", nil},
		{"what is not visible is not kept", ok(`,"kind":"a","why":"因为"`), "", "why", nil},
		{"decimals", ok(`,"count":2.55`), "count forms.v_digits", "", nil},
		{"bound", ok(`,"count":-1`), "count web.v.min", "", nil},
		{"huge", ok(`,"count":1e300`), "count web.v.number", "", nil},
		{"date", ok(`,"day":"2023-02-30"`), "day web.v.date", "", nil},
		{"period that ends before it begins", ok(`,"slot":{"from":"2023-06-01T10:00:00+08:00","until":"2023-06-01T01:00:00Z"}`), "slot forms.v_period", "", nil},
		{"period in UTC", ok(`,"slot":{"from":"2023-06-01T10:00:00+08:00","until":"2023-06-01T11:00:00+08:00"}`), "", "slot",
			map[string]any{"from": "2023-06-01T02:00:00Z", "until": "2023-06-01T03:00:00Z"}},
		{"person by his name of then", ok(`,"who":{"id":"p1","name":"谎称"}`), "", "who", map[string]any{"id": "p1", "name": "张三"}},
		{"nobody", ok(`,"who":"p2"`), "who forms.v_party", "", nil},
		{"place gives its street", ok(`,"place":{"lon":114.3,"lat":30.5,"text":"路口","community":"420111001002"}`), "", "place",
			map[string]any{"lon": 114.3, "lat": 30.5, "text": "路口", "community": "420111001002", "street": "420111001"}},
		{"half a point", ok(`,"place":{"lon":114.3}`), "place forms.v_point", "", nil},
		{"identity number", ok(`,"id":"420111199001011234"`), "id codes.id_check", "", nil},
		{"table", ok(`,"rows":[{"what":"笔","n":3},{"what":"纸","n":4},{}]`), "", "total", 14.0},
		{"row without what it needs", ok(`,"rows":[{"n":3}]`), "rows[0].what web.v.required", "", nil},
		{"row against its rule", ok(`,"rows":[{"what":"笔","n":100}]`), "rows[0].n forms.v_said", "", nil},
		{"too many rows", ok(`,"rows":[{"n":1},{"n":1},{"n":1},{"n":1}]`), "rows web.v.max_items", "", nil},
		{"a computed value is not taken from outside", ok(`,"per":1`), "", "per", 150.0},
		{"nor a hidden one", ok(`,"secret":"y"`), "", "secret", "x"},
		{"division by zero is named", `{"name":"好","count":0,"price":300}`, "per rule.", "", nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			var in app.Data
			unmarshal(t, x.in, &in)
			got, err := c.Accept(c.Begin(app.Facts{}), in, c.Rights("go"), app.Facts{}, world(), true)
			if f := faults(err); !strings.HasPrefix(f, x.want) || (x.want == "") != (err == nil) {
				t.Fatalf("%q, want %q: %v", f, x.want, err)
			}
			if x.key != "" && !reflect.DeepEqual(got[x.key], x.value) {
				t.Errorf("%s is %#v", x.key, got[x.key])
			}
		})
	}
}

// What a person gets back masked and sends again as it was stays what it is.
func TestMaskedComesBack(t *testing.T) {
	c := probe(t)
	old := app.Data{"name": "好", "count": 1.0, "tel": "13800005678", "nick": "欧阳小三", "rows": []any{map[string]any{"what": "笔", "phone": "13900001111"}}}
	seen := app.Clone(old)
	c.Mask(seen)
	if seen["tel"] != "138****5678" || seen["nick"] != "欧**三" || seen["rows"].([]any)[0].(map[string]any)["phone"] != "139****1111" {
		t.Fatal(seen)
	}
	got, err := c.Accept(old, seen, c.Rights("go"), app.Facts{}, world(), true)
	if err != nil || got["tel"] != "13800005678" || got["nick"] != "欧阳小三" || got["rows"].([]any)[0].(map[string]any)["phone"] != "13900001111" {
		t.Fatal(got, err)
	}
	if _, err := c.Accept(old, app.Data{"tel": "138****9999"}, c.Rights("go"), app.Facts{}, world(), true); err == nil {
		t.Error("another masked number is none")
	}
}

func TestDraftMayBeIncomplete(t *testing.T) {
	c := probe(t)
	got, err := c.Accept(app.Data{}, app.Data{"kind": "b", "price": 5.0}, c.Rights("go"), app.Facts{}, world(), false)
	if err != nil || got["kind"] != "b" || got["per"] != nil {
		t.Error(got, err)
	}
	if _, err := c.Accept(app.Data{}, app.Data{"kind": "c"}, c.Rights("go"), app.Facts{}, world(), false); err == nil {
		t.Error("what is wrong is wrong in a draft too")
	}
}

func TestIndex(t *testing.T) {
	c := probe(t)
	data := app.Data{"name": "好", "kind": "a", "marks": []any{"x", "y"}, "count": 2.5, "day": "2023-06-01", "tel": "13800005678", "id": "42019919900101003X", "who": map[string]any{"id": "p1", "name": "张三"}}
	rows, err := c.Index(data, app.Facts{}, func(field, v string) string { return field + "!" + v })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.Field+"="+r.Text)
		if r.Field == "count" && r.Num != 25000 || r.Field == "=sum" && r.Num != 25000 || r.Field == "day" && r.Num != 1685548800000000 {
			t.Errorf("%+v", r)
		}
	}
	text := strings.Join(got, " ")
	for _, want := range []string{"kind=a", "marks=x", "marks=y", "tel=tel!13800005678", "who=p1", "#id=#id!42019919900101003X", "=all=", "=rate=", "=rate/="} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}
