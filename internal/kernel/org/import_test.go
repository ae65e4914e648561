package org_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// upload posts a file and returns the answer.
func (w *town) upload(as *room.Actor, what, file string) (int, string) {
	w.t.Helper()
	return w.Call(w.t, kerneltest.Case{As: as, Call: "POST /api/org/import/" + what, Body: file})
}

func TestImportUnits(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		before := w.tree("")
		status, body := w.upload(w.sys, "units", `单位名称,上级单位,类型,简称,代码,排序,辖区代码,成立日期
区数据局,洪山区,部门,数据局,12420111MB1K88888X,1,,2024-01-01
区统计局,没有的单位,部门,,,,,
,洪山区,部门,,,,,
甲科,乙科,科室,,,,,
乙科,甲科,科室,,,,,
丙科,甲科,科室,,,,,
大科,洪山区,城堡,,,,,
小科,洪山区,科室,,,千,,
区行政审批局,洪山区,部门,,,,,
关山街道,洪山区,街道,,,,420111,
同名科,狮子山街道,科室,,,,,
同名科,洪山区/狮子山街道,科室,,,,,
代码一,洪山区,部门,,420111001,,,
代码二,洪山区,部门,,420111001,,,
`)
		if status != 422 {
			t.Fatal(status, body)
		}
		for _, want := range []string{
			`"row":2,"name":"代码"`, `"row":3,"name":"上级单位","message":"没有找到单位“没有的单位”`, `"row":4,"name":"单位名称","message":"没有填写单位名称"`, `绕了一圈`,
			`"row":7,"name":"上级单位","message":"上级单位“甲科”所在的行有问题`, `没有“城堡”这种单位类型`, `排序“千”`, `“区行政审批局”重复了`, `9 位街道区划代码`, `“同名科”重复了`, `代码 420111001 已由“代码一”使用`,
			"都没有写入",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s is not in %s", want, body)
			}
		}
		if after := w.tree(""); after != before {
			t.Error("a refused file changed the tree:", after)
		}

		good := `单位名称*,上级,类型,简称,别名,代码,排序,成立日期
网格二,珞珈社区,科室,,,,2,
综治中心,洪山区/狮子山街道/党政综合办,事业单位,,,,,2020-05-01
党政综合办,狮子山街道,科室,,综合办、办公室,,1,
网格一,珞珈社区,科室,,,,1,
东湖新区,,区,东湖,,420112,50,
`
		if status, body := w.upload(w.sys, "units/check", good); status != 200 || !strings.Contains(body, `"written":false`) || w.tree("") != before {
			t.Error("checked:", status, body, w.tree(""))
		}
		if status, body := w.upload(w.boss, "units", good); status != 422 || !strings.Contains(body, `"row":6,"name":"上级单位","message":"这项改动涉及全区`) {
			t.Error("beyond his unit:", status, body)
		}
		if status, body := w.upload(w.reader, "units", good); status != 403 {
			t.Error(status, body)
		}
		if status, body := w.upload(w.sys, "units", good); status != 200 || !strings.Contains(body, `"units":5`) {
			t.Fatal(status, body)
		}
		if got := w.tree(""); got != "东湖新区 洪山区(区行政审批局 狮子山街道(党政综合办(综治中心) 珞珈社区(网格一 网格二)) 关山街道)" {
			t.Error(got)
		}
		checkTree(t, e)
		if got := w.tree("2023-06-01"); got != w.tree("") {
			t.Error("the dated chart of today:", got)
		}
		if found, err := e.Kit.Org.SearchUnits(t.Context(), e.Kit.DB, "办公室", 5); err != nil || len(found) != 1 || found[0].Street != "420111001" {
			t.Error("by alias:", found, err)
		}
	})
}

func TestImportPeople(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		w.unit(w.street2, "珞珈社区", "community", "")
		w.person(w.street, "曾伟", `"staffNo":"A001"`)
		count := func() int {
			n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM org_person`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		status, body := w.upload(w.sys, "people", `姓名,工号,单位,职务,任职类型,排序,领导,性别,手机号,办公电话,任职日期
张三,A001,狮子山街道,,,,,,,,
李四,A002,没有的单位,,,,,,,,
,A003,狮子山街道,,,,,,,,
王五,A004,珞珈社区,,,,,,,,
赵六,A005,狮子山街道,,,,,,1380000567,,
钱七,A006,狮子山街道,,,,,妖,,,
孙八,A007,狮子山街道,,,,也许,,,,
周九,A008,狮子山街道,,临时,,,,,,
吴十,A009,狮子山街道,,,,,,,不是电话,
郑一,A010,狮子山街道,,,,,,,,昨天
冯二,A011,狮子山街道,,,,,,,,2030-01-01
陈三,A 12,狮子山街道,,,,,,,,
褚四,A013,狮子山街道,,,,,,,,
卫五,A013,狮子山街道,,,,,,,,
蒋六,A014,狮子山街道,科长,,,,,,,
蒋六,A014,关山街道,科长,,,,,,,
沈七,A015,狮子山街道,,兼职,,,,,,
韩八,,狮子山街道,,兼职,,,,,,
杨9,A016,狮子山街道,,,,,,,,
朱十,A017,,,,,,,,,
秦一,A018,狮子山街道,科员,,,,,,,
秦一,A018,狮子山街道,科员,兼职,,,,,,
尤二,A019,狮子山街道,,,0,,,,,
`)
		if status != 422 {
			t.Fatal(status, body)
		}
		for row, want := range map[int]string{
			2: "工号 A001 已由“曾伟”使用", 3: "没有找到单位“没有的单位”", 4: "没有填写姓名", 5: "有多个单位叫“珞珈社区”", 6: "手机号应为 11 位", 7: "性别请填", 8: "“也许”不是",
			9: "任职类型“临时”", 10: "", 11: "“昨天”不是日期", 12: "不能晚于今天", 13: "工号只能用", 15: "与第 14 行的“褚四”重复", 17: "在第 16 行已有主职",
			18: "“沈七”只有兼职", 19: "必须填写与主职相同的工号", 20: "不能有“9”", 21: "没有填写单位", 23: "与第 22 行是同一人", 24: "排序“0”",
		} {
			i := strings.Index(body, fmt.Sprintf(`"row":%d,`, row))
			if i < 0 || !strings.Contains(body[i:min(len(body), i+300)], want) {
				t.Errorf("row %d: %q is not said: %s", row, want, body[max(i, 0):min(len(body), max(i, 0)+300)])
			}
		}
		for _, fine := range []int{14, 16, 22} {
			if strings.Contains(body, fmt.Sprintf(`"row":%d,`, fine)) {
				t.Errorf("row %d is good", fine)
			}
		}
		if strings.Contains(body, "1380000567") {
			t.Error("a number stands in the answer")
		}
		if count() != 1 {
			t.Error("a refused file wrote people")
		}

		good := `洪山区人员名册,,,,,,,,,,
姓名*,工号,所在单位,职务,任职类型,排序号,是否领导,性别,手机,电话,任职时间
张 三,b001,狮子山街道,主任,,1,,男,138-0000-1111,027-87654321,2022/3/1
张三,B001,区行政审批局,兼职委员,兼职,30,,,,,
李四,B002,洪山区/关山街道/珞珈社区,网格员,主职,,,女,,,
阿依古丽·买买提,,420111003,科员,,,,,,,
`
		if status, body := w.upload(w.boss, "people", good); status != 422 || !strings.Contains(body, "您无权在“区行政审批局”") {
			t.Error("beyond his unit:", status, body)
		}
		w.Get(t, w.sys, "PUT /api/org/units/"+w.department, `{"name":"区行政审批局","code":"420111003","kind":"department","version":1}`, nil)
		if status, body := w.upload(w.sys, "people/check", good); status != 200 || !strings.Contains(body, `"people":3,"posts":4,"written":false`) || count() != 1 {
			t.Error("checked:", status, body)
		}
		if status, body := w.upload(w.sys, "people", good); status != 200 || !strings.Contains(body, `"rows":4`) {
			t.Fatal(status, body)
		}
		zhang, err := e.Kit.Org.PersonByStaffNo(t.Context(), e.Kit.DB, "B001")
		if err != nil || zhang.Name != "张三" || zhang.Unit != w.street || !zhang.Leader || zhang.Sex != "male" || zhang.OfficePhone != "027-87654321" {
			t.Errorf("%+v %v", zhang, err)
		}
		if p := w.posts(zhang.ID); len(p) != 2 || !p[0].Main || p[0].Title != "主任" || p[1].Unit != w.department || p[0].From.UTC().Format("2006-01-02T15") != "2022-02-28T16" {
			t.Errorf("%+v", p)
		}
		if m, err := e.Kit.Org.Mobile(t.Context(), e.Kit.DB, zhang.ID); err != nil || m != "13800001111" {
			t.Error(m, err)
		}
		checkTree(t, e)
		if status, body := w.upload(w.sys, "people", good); status != 422 || count() != 4 {
			t.Error("the same file twice:", status, body, count())
		}
	})
}

func TestImportRefusesFiles(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		_, template := e.Call(t, kerneltest.Case{As: w.sys, Call: "GET /api/org/import/people/template"})
		for _, c := range []struct {
			name, file string
			status     int
			want       string
		}{
			{"nothing", "", 422, ""},
			{"no table", "%PDF-1.7\n%âãÏÓ\n1 0 obj\n<<>>\nendobj\n", 422, "不是表格"},
			{"other headings", "名字,机构\n张三,甲\n", 422, "姓名、单位"},
			{"only a header", "姓名,单位\n", 422, ""},
			{"the template as it is", template, 422, "没有可导入的数据"},
			{"the template cut", template[:len(template)/2], 422, ""},
		} {
			if status, body := w.upload(w.sys, "people", c.file); status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s: %d %s", c.name, status, body)
			}
		}
	})
}

// What is exported can be imported elsewhere and gives the same district.
func TestExportImportsAgain(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		zeng := w.person(w.street, "曾伟", `"staffNo":"A001","title":"主任","rank":1,"mobile":"13800005678","sex":"male","since":"2022-03-01"`)
		w.made(w.sys, "POST /api/org/people/"+zeng+"/posts", `{"unit":"`+w.department+`","title":"委员"}`)
		w.person(w.community, "李明", "")
		clerk := everybody(kerneltest.Actor("clerk", w.district, room.All, "org.export", "org.phone_full", "org.phone_leader"))
		_, units := e.Call(t, kerneltest.Case{As: clerk, Call: "GET /api/org/export/units"})
		_, people := e.Call(t, kerneltest.Case{As: clerk, Call: "GET /api/org/export/people"})
		_, masked := e.Call(t, kerneltest.Case{As: w.boss, Call: "GET /api/org/export/people"})
		if got := cells(t, masked); !strings.Contains(got, "李明") || !strings.Contains(got, "曾伟") || strings.Contains(got, "5678") {
			t.Error("the street's administrator exports", got)
		}
		other := everybody(kerneltest.Actor("boss2", w.street2, room.Below, "org.export"))
		if _, none := e.Call(t, kerneltest.Case{As: other, Call: "GET /api/org/export/people"}); strings.Contains(cells(t, none), "曾伟") {
			t.Error("another street's people are exported")
		}
		e.Run(t, []kerneltest.Case{{Name: "a reader exports nothing", As: w.reader, Call: "GET /api/org/export/people", Status: 403}})
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT sum(subjects) FROM audit WHERE action = 'org.export_people' AND result = 'ok'`)
		if err != nil || n != 4 {
			t.Error("people counted in the audit:", n, err)
		}

		want, chart := cells(t, people), w.tree("")
		t.Run("elsewhere", func(t *testing.T) {
			f := houses.Start(t, e.Kit.DB.Engine())
			v := &town{Env: f, t: t, sys: f.Administrator(room.System), reader: everybody(kerneltest.Actor("reader", "", room.All))}
			v.sys.Grants = f.Kit.Authz.AdminGrants(room.System)
			for _, file := range []struct{ what, body string }{{"units", units}, {"people", people}} {
				if status, body := v.upload(v.sys, file.what, file.body); status != 200 {
					t.Fatal(file.what, status, body)
				}
			}
			_, again := f.Call(t, kerneltest.Case{As: clerk, Call: "GET /api/org/export/people"})
			if got := cells(t, again); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
			if got := v.tree(""); got != chart {
				t.Error(got)
			}
		})
	})
}

// cells reads a workbook as text.
func cells(t *testing.T, file string) string {
	t.Helper()
	r, err := table.Open(bytes.NewReader([]byte(file)), int64(len(file)), "x.xlsx", table.Limits{})
	if err != nil {
		t.Fatal(err, file)
	}
	defer r.Close()
	h, err := r.Head(0)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{strings.Join(h.Names, "|")}
	for row, err := range r.Rows(h) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Join(row.Cells, "|"))
	}
	return strings.Join(out, "\n")
}
