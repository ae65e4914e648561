package org_test

import (
	"fmt"
	"strings"
	"testing"

	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/kernel/org"
	"qushu/internal/room"
)

var houses = &kerneltest.Houses{}

// town is a house with a small district: the district, a department and two streets, one with a community.
type town struct {
	*kerneltest.Env
	t                                                *testing.T
	sys, boss, reader                                *room.Actor // system administrator, administrator of the first street, anybody
	district, department, street, street2, community string
}

func newTown(t *testing.T, e *kerneltest.Env) *town {
	w := &town{Env: e, t: t, sys: e.Administrator(room.System)}
	w.sys.Grants = e.Kit.Authz.AdminGrants(room.System)
	w.district = w.unit("", "洪山区", "district", "")
	w.department = w.unit(w.district, "区行政审批局", "department", "")
	w.street = w.unit(w.district, "狮子山街道", "street", "420111001")
	w.street2 = w.unit(w.district, "关山街道", "street", "420111002")
	w.community = w.unit(w.street, "珞珈社区", "community", "")
	w.reader = everybody(kerneltest.Actor("reader", w.department, room.All, "org.read"))
	w.boss = everybody(kerneltest.Actor("boss", w.street, room.Below, "org.unit_manage", "org.export"))
	return w
}

// everybody adds what everybody holds.
func everybody(a *room.Actor) *room.Actor {
	a.Grants["org.read"] = []room.Grant{{Scope: room.All, Person: a.Person}}
	a.Grants["org.phone_full"] = append(a.Grants["org.phone_full"], room.Grant{Scope: room.Self, Person: a.Person})
	return a
}

func (w *town) made(as *room.Actor, call, body string) string {
	w.t.Helper()
	var out struct{ ID string }
	w.Get(w.t, as, call, body, &out)
	return out.ID
}

func (w *town) unit(parent, name, kind, street string) string {
	w.t.Helper()
	return w.made(w.sys, "POST /api/org/units", fmt.Sprintf(`{"name":%q,"kind":%q,"parent":%q,"street":%q}`, name, kind, parent, street))
}

// person makes somebody; more is further JSON fields, `"mobile":"…"`.
func (w *town) person(unit, name, more string) string {
	w.t.Helper()
	if more != "" {
		more = "," + more
	}
	return w.made(w.sys, "POST /api/org/people", fmt.Sprintf(`{"name":%q,"unit":%q%s}`, name, unit, more))
}

func (w *town) posts(person string) []org.Post {
	w.t.Helper()
	all, err := w.Kit.Org.Posts(w.t.Context(), w.Kit.DB, person)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *town) show(person string) (p org.Person) {
	w.t.Helper()
	p, err := w.Kit.Org.Person(w.t.Context(), w.Kit.DB, person)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// tree writes the chart as one line: 洪山区(区行政审批局 狮子山街道(珞珈社区)), with head counts after a colon.
func (w *town) tree(asOf string) string {
	w.t.Helper()
	var walk func(parent string) string
	walk = func(parent string) string {
		var out struct{ Items []org.Branch }
		call := "GET /api/org/units?parent=" + parent
		if asOf != "" {
			call += "&asOf=" + asOf
		}
		w.Get(w.t, w.reader, call, "", &out)
		var parts []string
		for _, b := range out.Items {
			s := b.Name
			if b.People > 0 {
				s += fmt.Sprintf(":%d", b.People)
			}
			below := walk(b.ID)
			if n := strings.Count(below, "") > 1; n != (b.Children > 0) {
				w.t.Errorf("%s says it has %d children: %q", b.Name, b.Children, below)
			}
			if below != "" {
				s += "(" + below + ")"
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, " ")
	}
	return walk("")
}

func TestStrangers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		e.Run(t, []kerneltest.Case{
			{Name: "the palette wants somebody", Call: "GET /api/org/search?q=zw", Status: 401},
			{Name: "but anybody", As: e.Administrator(room.Auditor), Call: "GET /api/org/search?q=zw", Status: 200, Want: []string{`"people":[]`, `"units":[]`}},
		})
	})
}

func TestUnits(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		if got := w.tree(""); got != "洪山区(区行政审批局 狮子山街道(珞珈社区) 关山街道)" {
			t.Error(got)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "one", As: w.reader, Call: "GET /api/org/units/" + w.community, Status: 200, Want: []string{`"street":"420111001"`, `"pinyin":"luojiashequ"`, `"initials":"ljsq"`, `"mayEdit":false`, `"name":"洪山区"`}},
			{Name: "its administrator", As: w.boss, Call: "GET /api/org/units/" + w.community, Status: 200, Want: []string{`"mayEdit":true`}},
			{Name: "none", As: w.reader, Call: "GET /api/org/units/none", Status: 404, Want: []string{"单位"}},
			{Name: "a reader changes nothing", As: w.reader, Call: "POST /api/org/units", Body: `{"name":"新单位","kind":"section"}`, Status: 403},
			{Name: "name taken", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"区行政审批局","kind":"department","parent":"` + w.district + `"}`, Status: 409, Want: []string{"区行政审批局"}},
			{Name: "same name elsewhere", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"珞珈社区","kind":"community","parent":"` + w.street2 + `"}`, Status: 200},
			{Name: "no such kind", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"新单位","kind":"castle"}`, Status: 422},
			{Name: "slash", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"甲/乙","kind":"section"}`, Status: 422, Want: []string{"“/”"}},
			{Name: "bad credit code", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"新单位","kind":"section","code":"12420111MB1K000000"}`, Status: 422},
			{Name: "bad street", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"新单位","kind":"section","street":"420111"}`, Status: 422, Want: []string{"9 位"}},
			{Name: "below its own, by its administrator", As: w.boss, Call: "POST /api/org/units", Body: `{"name":"党政办公室","kind":"section","parent":"` + w.street + `","rank":1}`, Status: 200},
			{Name: "elsewhere", As: w.boss, Call: "POST /api/org/units", Body: `{"name":"党政办公室","kind":"section","parent":"` + w.street2 + `"}`, Status: 403},
			{Name: "at the top", As: w.boss, Call: "POST /api/org/units", Body: `{"name":"新区","kind":"district"}`, Status: 403, Want: []string{"全区"}},
			{Name: "with another street's reach", As: w.boss, Call: "POST /api/org/units", Body: `{"name":"飞地","kind":"section","parent":"` + w.street + `","street":"420111002"}`, Status: 403},
			{Name: "he renames his own", As: w.boss, Call: "PUT /api/org/units/" + w.street, Body: `{"name":"狮子山街道","short":"狮子山","aliases":["狮子山街","狮子山街"],"kind":"street","street":"420111001","version":1}`, Status: 200, Want: []string{`"version":2`}},
			{Name: "but does not widen it", As: w.boss, Call: "PUT /api/org/units/" + w.street, Body: `{"name":"狮子山街道","kind":"street","street":"420111002","version":2}`, Status: 403},
			{Name: "an old version", As: w.sys, Call: "PUT /api/org/units/" + w.street, Body: `{"name":"狮子山街","kind":"street","street":"420111001","version":1}`, Status: 409, Want: []string{"其他人"}},
			{Name: "into itself", As: w.sys, Call: "POST /api/org/units/" + w.street + "/move", Body: `{"parent":"` + w.community + `","version":2}`, Status: 422, Want: []string{"下级"}},
			{Name: "he cannot take it out of the district", As: w.boss, Call: "POST /api/org/units/" + w.street + "/move", Body: `{"parent":"` + w.community + `","version":2}`, Status: 422},
			{Name: "nor to where he has no right", As: w.boss, Call: "POST /api/org/units/" + w.community + "/move", Body: `{"parent":"` + w.street2 + `","version":1}`, Status: 403},
			{Name: "closing what holds units", As: w.sys, Call: "POST /api/org/units/" + w.street + "/close", Body: `{"version":2}`, Status: 409, Want: []string{"2 个下级单位"}},
		})
		if got := w.tree(""); got != "洪山区(区行政审批局 狮子山街道(党政办公室 珞珈社区) 关山街道(珞珈社区))" {
			t.Error(got)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "moved", As: w.sys, Call: "POST /api/org/units/" + w.street2 + "/move", Body: `{"parent":"` + w.street + `","rank":5,"version":1}`, Status: 200},
			{Name: "its community answers for the new street no more than before", As: w.reader, Call: "GET /api/org/units/" + w.street2, Status: 200, Want: []string{`"street":"420111002"`}},
			{Name: "two of one name under one parent", As: w.sys, Call: "POST /api/org/units/" + w.community + "/move", Body: `{"parent":"` + w.street2 + `","version":1}`, Status: 409},
			{Name: "closed", As: w.sys, Call: "POST /api/org/units/" + w.community + "/close", Body: `{"version":1}`, Status: 200},
			{Name: "nothing goes below it", As: w.sys, Call: "POST /api/org/units", Body: `{"name":"网格一","kind":"section","parent":"` + w.community + `"}`, Status: 422, Want: []string{"撤销"}},
			{Name: "closed twice", As: w.sys, Call: "POST /api/org/units/" + w.community + "/close", Body: `{"version":2}`, Status: 409},
			{Name: "closed ones on demand", As: w.reader, Call: "GET /api/org/units?closed=true&parent=" + w.street, Status: 200, Want: []string{"珞珈社区", `"closed":true`}},
			{Name: "opened again", As: w.sys, Call: "POST /api/org/units/" + w.community + "/reopen", Body: `{"version":2}`, Status: 200},
		})
		if got := w.tree(""); got != "洪山区(区行政审批局 狮子山街道(党政办公室 关山街道(珞珈社区) 珞珈社区))" {
			t.Error(got)
		}
	})
}

func TestPeople(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		zeng := w.person(w.street, "曾伟", `"staffNo":"hs001","title":"主任","rank":1,"mobile":"138 0000 5678","officePhone":"027-87654321","sex":"male"`)
		li := w.person(w.community, "李 明", `"title":"网格员"`)
		e.Run(t, []kerneltest.Case{
			{Name: "pinyin of a surname", As: w.reader, Call: "GET /api/org/people?q=zengw", Status: 200, Want: []string{"曾伟", `"staffNo":"HS001"`, "狮子山街道", "主任", "027-87654321"}},
			{Name: "initials", As: w.reader, Call: "GET /api/org/people?q=lm", Status: 200, Want: []string{"李明"}, Not: []string{"曾伟"}},
			{Name: "part of a name", As: w.reader, Call: "GET /api/org/people?q=" + "%E4%BC%9F", Status: 200, Want: []string{"曾伟"}, Not: []string{"李明"}},
			{Name: "staff number", As: w.reader, Call: "GET /api/org/people?q=hs001", Status: 200, Want: []string{"曾伟"}},
			{Name: "a unit alone", As: w.reader, Call: "GET /api/org/people?unit=" + w.street, Status: 200, Want: []string{"曾伟"}, Not: []string{"李明"}},
			{Name: "and below", As: w.reader, Call: "GET /api/org/people?below=true&unit=" + w.street, Status: 200, Want: []string{"曾伟", "李明"}},
			{Name: "another unit", As: w.reader, Call: "GET /api/org/people?below=true&unit=" + w.street2, Status: 200, Want: []string{`"items":[]`}},
			{Name: "none", As: w.reader, Call: "GET /api/org/people/none", Status: 404, Want: []string{"人员"}},
			{Name: "a reader changes nobody", As: w.reader, Call: "PUT /api/org/people/" + li, Body: `{"name":"李明","version":1}`, Status: 403},
			{Name: "digits in a name", As: w.sys, Call: "POST /api/org/people", Body: `{"name":"李4","unit":"` + w.street + `"}`, Status: 422, Want: []string{"“4”"}},
			{Name: "short mobile", As: w.sys, Call: "POST /api/org/people", Body: `{"name":"李四","unit":"` + w.street + `","mobile":"1380000567"}`, Status: 422, Want: []string{"11 位"}, Not: []string{"1380000567"}},
			{Name: "staff number taken", As: w.sys, Call: "POST /api/org/people", Body: `{"name":"李四","unit":"` + w.street + `","staffNo":"HS001"}`, Status: 409, Want: []string{"曾伟"}},
			{Name: "no unit", As: w.sys, Call: "POST /api/org/people", Body: `{"name":"李四","unit":"none"}`, Status: 404},
			{Name: "future", As: w.sys, Call: "POST /api/org/people", Body: `{"name":"李四","unit":"` + w.street + `","since":"2023-06-02"}`, Status: 422, Want: []string{"今天"}},
			{Name: "by the unit's administrator", As: w.boss, Call: "POST /api/org/people", Body: `{"name":"王五","unit":"` + w.community + `"}`, Status: 200},
			{Name: "not elsewhere", As: w.boss, Call: "POST /api/org/people", Body: `{"name":"王五","unit":"` + w.street2 + `"}`, Status: 403},
			{Name: "changed", As: w.boss, Call: "PUT /api/org/people/" + li, Body: `{"name":"黎明","version":1}`, Status: 200},
			{Name: "changed by two", As: w.boss, Call: "PUT /api/org/people/" + li, Body: `{"name":"黎民","version":1}`, Status: 409},
			{Name: "found by the new name", As: w.reader, Call: "GET /api/org/search?q=%E9%BB%8E", Status: 200, Want: []string{"黎明", `"title":"网格员"`, `"unit":"珞珈社区"`}},
			{Name: "units by initials", As: w.reader, Call: "GET /api/org/search?q=ljsq", Status: 200, Want: []string{`"path":"洪山区/狮子山街道/珞珈社区"`}},
			{Name: "nothing typed", As: w.reader, Call: "GET /api/org/search?q=", Status: 200, Want: []string{`"people":[]`}},
		})
		if got := w.tree(""); got != "洪山区:3(区行政审批局 狮子山街道:3(珞珈社区:2) 关山街道)" {
			t.Error(got)
		}
		var one struct{ MayEdit bool }
		w.Get(t, w.boss, "GET /api/org/people/"+zeng, "", &one)
		if !one.MayEdit {
			t.Error("the unit's administrator may not edit")
		}
		// the list goes by the tree, then by rank, then by pinyin, page after page
		w.person(w.district, "郑重", `"rank":1`)
		w.person(w.district, "安全", `"rank":2`)
		w.person(w.street, "白云", `"rank":1`)
		var names []string
		for after := ""; ; {
			var page store.Listed[org.PersonItem]
			w.Get(t, w.reader, "GET /api/org/people?limit=2&after="+after, "", &page)
			for _, p := range page.Items {
				names = append(names, p.Name)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if got := strings.Join(names, " "); got != "郑重 安全 白云 曾伟 黎明 王五" {
			t.Error(got)
		}
	})
}

// A number is masked for everybody, whole within org.phone_full, and a leader's nobody sees without org.phone_leader.
func TestMobile(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		staff := w.person(w.street, "李明", `"mobile":"13800005678"`)
		leader := w.person(w.street, "曾伟", `"rank":1,"mobile":"13900001234"`)
		flagged := w.person(w.street2, "赵强", `"leader":true,"mobile":"13700009999"`)
		full := everybody(kerneltest.Actor("full", w.street, room.Below, "org.phone_full"))
		both := everybody(kerneltest.Actor("both", w.street, room.Below, "org.phone_full", "org.phone_leader"))
		self := everybody(&room.Actor{Person: leader, Account: leader, Grants: map[string][]room.Grant{}})
		e.Run(t, []kerneltest.Case{
			{Name: "masked in the list, leaders hidden", As: w.reader, Call: "GET /api/org/people", Status: 200, Want: []string{"138****5678", `"mobileHidden":true`}, Not: []string{"13800005678", "139****", "137****", "1234"}},
			{Name: "masked even for the administrator", As: w.sys, Call: "GET /api/org/people/" + staff, Status: 200, Want: []string{"138****5678"}, Not: []string{"13800005678"}},
			{Name: "whole refused", As: w.reader, Call: "GET /api/org/people/" + staff + "/mobile", Status: 403, Want: []string{"李明"}},
			{Name: "whole within reach", As: full, Call: "GET /api/org/people/" + staff + "/mobile", Status: 200, Want: []string{"13800005678"}},
			{Name: "a leader's not", As: full, Call: "GET /api/org/people/" + leader + "/mobile", Status: 403},
			{Name: "with both", As: both, Call: "GET /api/org/people/" + leader + "/mobile", Status: 200, Want: []string{"13900001234"}},
			{Name: "but not another street's", As: both, Call: "GET /api/org/people/" + flagged + "/mobile", Status: 403},
			{Name: "one's own", As: self, Call: "GET /api/org/people/" + leader + "/mobile", Status: 200, Want: []string{"13900001234"}},
			{Name: "one's own in the list", As: self, Call: "GET /api/org/people/" + leader, Status: 200, Want: []string{"139****1234", `"mobileWhole":true`}},
			{Name: "taken away", As: w.sys, Call: "PUT /api/org/people/" + staff, Body: `{"name":"李明","mobile":"","version":1}`, Status: 200},
			{Name: "gone", As: full, Call: "GET /api/org/people/" + staff, Status: 200, Want: []string{`"mobile":""`}},
		})
		n, err := store.Value[int](t.Context(), e.Kit.DB, `SELECT count(*) FROM audit WHERE action = 'org.see_mobile' AND personal AND result = 'ok'`)
		if err != nil || n != 3 {
			t.Error("looks recorded:", n, err)
		}
		kept, err := store.Column[string](t.Context(), e.Kit.DB, `SELECT mobile FROM org_person WHERE mobile <> ''`)
		if err != nil || len(kept) != 2 || !secret.IsSealed(kept[0]) || !secret.IsSealed(kept[1]) {
			t.Error("numbers as kept:", kept, err)
		}
	})
}

func TestPosts(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		li := w.person(w.street, "李明", `"title":"科员"`)
		first := w.posts(li)[0]
		e.Run(t, []kerneltest.Case{
			{Name: "a further post elsewhere is not his to give", As: w.boss, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street2 + `","title":"挂职副主任"}`, Status: 403},
			{Name: "given", As: w.sys, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street2 + `","title":"挂职副主任","rank":3}`, Status: 200},
			{Name: "twice", As: w.sys, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street2 + `","title":"挂职副主任"}`, Status: 409},
			{Name: "nobody", As: w.sys, Call: "POST /api/org/people/none/posts", Body: `{"unit":"` + w.street2 + `"}`, Status: 404},
		})
		second := w.posts(li)[1]
		if p := w.show(li); p.Unit != w.street || !p.Leader || second.Main || second.Street != "420111002" {
			t.Errorf("%+v %+v", p, second)
		}
		// the other street's administrator may not make the person his own
		boss2 := everybody(kerneltest.Actor("boss2", w.street2, room.Below, "org.unit_manage"))
		e.Run(t, []kerneltest.Case{
			{Name: "not taken over", As: boss2, Call: "POST /api/org/posts/" + second.ID + "/main", Status: 403},
			{Name: "nor by a new main post", As: boss2, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street2 + `","title":"科长","main":true}`, Status: 403},
			{Name: "nor edited", As: boss2, Call: "PUT /api/org/people/" + li, Body: `{"name":"李暗","version":1}`, Status: 403},
			{Name: "but his post is", As: boss2, Call: "PUT /api/org/posts/" + second.ID, Body: `{"title":"副主任","rank":20,"version":1}`, Status: 200},
			{Name: "an old version", As: boss2, Call: "PUT /api/org/posts/" + second.ID, Body: `{"title":"主任","version":1}`, Status: 409},
			{Name: "made main", As: w.sys, Call: "POST /api/org/posts/" + second.ID + "/main", Status: 204},
		})
		if p := w.show(li); p.Unit != w.street2 || p.Title != "副主任" || p.Leader {
			t.Errorf("%+v", p)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "ended", As: w.sys, Call: "POST /api/org/posts/" + second.ID + "/end", Status: 204},
			{Name: "ended twice", As: w.sys, Call: "POST /api/org/posts/" + second.ID + "/end", Status: 409},
			{Name: "its past", As: w.reader, Call: "GET /api/org/people/" + li, Status: 200, Want: []string{`"past":[{"id":"` + second.ID}},
		})
		if p := w.show(li); p.Unit != w.street {
			t.Error("the other post did not become the main one:", p.Unit)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "the last one", As: w.boss, Call: "POST /api/org/posts/" + first.ID + "/end", Status: 204},
			{Name: "nobody's now", As: w.boss, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street + `"}`, Status: 403},
			{Name: "the system administrator places him", As: w.sys, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street + `"}`, Status: 200},
		})
		if got := w.posts(li); len(got) != 1 || !got[0].Main {
			t.Error(got)
		}
	})
}

func TestLeaving(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		li := w.person(w.street, "李明", `"staffNo":"A1"`)
		w.made(w.sys, "POST /api/org/people/"+li+"/posts", `{"unit":"`+w.department+`","title":"兼职"}`)
		group := w.made(w.sys, "POST /api/org/groups", `{"name":"防汛领导小组"}`)
		w.made(w.sys, "POST /api/org/groups/"+group+"/members", `{"person":"`+li+`","role":"member"}`)
		if held, err := e.Kit.Org.Holdings(t.Context(), e.Kit.DB, []string{w.posts(li)[0].ID}); err != nil || len(held) != 1 {
			t.Fatal(held, err)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "not by a stranger unit", As: everybody(kerneltest.Actor("boss2", w.street2, room.Below, "org.unit_manage")), Call: "POST /api/org/people/" + li + "/leave", Body: `{"version":1}`, Status: 403},
			{Name: "left", As: w.boss, Call: "POST /api/org/people/" + li + "/leave", Body: `{"version":1,"reason":"调出"}`, Status: 200},
			{Name: "twice", As: w.sys, Call: "POST /api/org/people/" + li + "/leave", Body: `{"version":2}`, Status: 409, Want: []string{"李明"}},
			{Name: "not in the list", As: w.reader, Call: "GET /api/org/people", Status: 200, Not: []string{"李明"}},
			{Name: "in the list of who left", As: w.reader, Call: "GET /api/org/people?active=no", Status: 200, Want: []string{"李明"}},
			{Name: "not in the palette", As: w.reader, Call: "GET /api/org/search?q=lm", Status: 200, Not: []string{"李明"}},
			{Name: "not in the group", As: w.reader, Call: "GET /api/org/groups/" + group, Status: 200, Want: []string{`"people":[]`}},
			{Name: "but once was", As: w.reader, Call: "GET /api/org/groups/" + group + "?past=true", Status: 200, Want: []string{"李明"}},
			{Name: "gets no post", As: w.sys, Call: "POST /api/org/people/" + li + "/posts", Body: `{"unit":"` + w.street + `"}`, Status: 422, Want: []string{"离职"}},
			{Name: "his number stays his", As: w.sys, Call: "POST /api/org/people", Body: `{"name":"王五","unit":"` + w.street + `","staffNo":"A1"}`, Status: 409},
			{Name: "returns", As: w.sys, Call: "POST /api/org/people/" + li + "/return", Body: `{"unit":"` + w.street2 + `","title":"科长","version":2}`, Status: 200},
			{Name: "twice", As: w.sys, Call: "POST /api/org/people/" + li + "/return", Body: `{"unit":"` + w.street2 + `","version":3}`, Status: 409},
		})
		if p := w.show(li); !p.Active() || p.Unit != w.street2 || len(w.posts(li)) != 1 {
			t.Errorf("%+v", p)
		}
	})
}

func TestGroupsAndRelations(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		a, b, c := w.person(w.district, "郑重", ""), w.person(w.district, "安全", ""), w.person(w.street, "曾伟", "")
		group := w.made(w.sys, "POST /api/org/groups", `{"name":"数字政府建设领导小组","office":"`+w.department+`","since":"2022-03-01"}`)
		join := func(name, person, role string, status int, want ...string) kerneltest.Case {
			return kerneltest.Case{Name: name, As: w.sys, Call: "POST /api/org/groups/" + group + "/members", Body: fmt.Sprintf(`{"person":%q,"role":%q}`, person, role), Status: status, Want: want}
		}
		e.Run(t, []kerneltest.Case{
			{Name: "not by a unit's administrator", As: w.boss, Call: "POST /api/org/groups", Body: `{"name":"自建小组"}`, Status: 403},
			{Name: "name taken", As: w.sys, Call: "POST /api/org/groups", Body: `{"name":"数字政府建设领导小组"}`, Status: 409},
			{Name: "no such office", As: w.sys, Call: "POST /api/org/groups", Body: `{"name":"别的小组","office":"none"}`, Status: 404},
			join("member", c, "member", 200), join("head", a, "head", 200), join("second head", b, "head", 200),
			join("in it already", c, "head", 409, "曾伟"),
			join("third head", w.person(w.street2, "赵强", ""), "head", 409, "2 位"),
			join("nobody", "none", "member", 404),
			{Name: "heads first", As: w.reader, Call: "GET /api/org/groups/" + group, Status: 200, Want: []string{`"officeName":"区行政审批局"`, `"members":3`, `"from":"2022-02-28T16:00:00Z"`}},
			{Name: "on the person's page", As: w.reader, Call: "GET /api/org/people/" + a, Status: 200, Want: []string{"数字政府建设领导小组", `"role":"head"`}},
			{Name: "list by initials", As: w.reader, Call: "GET /api/org/groups?q=szzf", Status: 200, Want: []string{"数字政府"}},
			{Name: "changed", As: w.sys, Call: "PUT /api/org/groups/" + group, Body: `{"name":"数字洪山领导小组","version":1}`, Status: 200},
			{Name: "changed by two", As: w.sys, Call: "PUT /api/org/groups/" + group, Body: `{"name":"数字洪山领导小组","version":1}`, Status: 409},
		})
		var one struct{ People []org.GroupMember }
		w.Get(t, w.reader, "GET /api/org/groups/"+group, "", &one)
		if len(one.People) != 3 || one.People[0].Name != "安全" || one.People[2].Name != "曾伟" {
			t.Errorf("%+v", one.People)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "leaves", As: w.sys, Call: "DELETE /api/org/groups/" + group + "/members/" + one.People[0].ID, Status: 204},
			{Name: "left already", As: w.sys, Call: "DELETE /api/org/groups/" + group + "/members/" + one.People[0].ID, Status: 404},
			{Name: "dissolved", As: w.sys, Call: "POST /api/org/groups/" + group + "/dissolve", Body: `{"version":2}`, Status: 200},
			join("too late", b, "member", 409, "撤销"),
			{Name: "out of the list", As: w.reader, Call: "GET /api/org/groups", Status: 200, Want: []string{`"items":[]`}},
			{Name: "kept", As: w.reader, Call: "GET /api/org/groups?past=true", Status: 200, Want: []string{"数字洪山"}},

			{Name: "guidance beside the line of command", As: w.sys, Call: "POST /api/org/units/" + w.department + "/relations", Body: `{"kind":"guidance","to":"` + w.street + `"}`, Status: 200},
			{Name: "twice", As: w.sys, Call: "POST /api/org/units/" + w.department + "/relations", Body: `{"kind":"guidance","to":"` + w.street + `"}`, Status: 409, Want: []string{"区行政审批局", "狮子山街道"}},
			{Name: "with itself", As: w.sys, Call: "POST /api/org/units/" + w.department + "/relations", Body: `{"kind":"guidance","to":"` + w.department + `"}`, Status: 422},
			{Name: "the guide does not take a unit by itself", As: everybody(kerneltest.Actor("dep", w.department, room.Below, "org.unit_manage")), Call: "POST /api/org/units/" + w.department + "/relations", Body: `{"kind":"dual","to":"` + w.street + `"}`, Status: 403},
		})
		guides, err := e.Kit.Org.Guides(t.Context(), e.Kit.DB, w.street, org.Guidance)
		if err != nil || len(guides) != 1 || guides[0].ID != w.department {
			t.Error(guides, err)
		}
		var unit struct{ Relations []org.Relation }
		w.Get(t, w.reader, "GET /api/org/units/"+w.street, "", &unit)
		if len(unit.Relations) != 1 {
			t.Fatal(unit.Relations)
		}
		e.Run(t, []kerneltest.Case{
			{Name: "ended", As: w.boss, Call: "DELETE /api/org/relations/" + unit.Relations[0].ID, Status: 204},
			{Name: "ended already", As: w.boss, Call: "DELETE /api/org/relations/" + unit.Relations[0].ID, Status: 404},
		})
	})
}

// What org answers for other packages, inside and outside a transaction.
func TestAnswers(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		li := w.person(w.community, "李明", `"staffNo":"A1","mobile":"13800005678"`)
		o, ctx, db := e.Kit.Org, t.Context(), e.Kit.DB
		if u, err := o.UnitByCode(ctx, db, " 420111001 "); err == nil {
			t.Error("a street's division is not its code unless it is given as such:", u.Name)
		}
		w.Get(t, w.sys, "PUT /api/org/units/"+w.community, `{"name":"珞珈社区","kind":"community","code":"420111001003","version":1}`, nil)
		if u, err := o.UnitByCode(ctx, db, "420111001003"); err != nil || u.ID != w.community {
			t.Error(u, err)
		}
		path, err := o.UnitPath(ctx, db, w.community)
		if err != nil || len(path) != 3 || path[0].ID != w.district || path[2].ID != w.community {
			t.Error(path, err)
		}
		below, err := o.Below(ctx, db, w.street)
		if err != nil || strings.Join(below, " ") != w.street+" "+w.community {
			t.Error(below, err)
		}
		many, err := o.People(ctx, db, []string{li, "none"})
		if err != nil || len(many) != 1 || many[li].UnitName != "珞珈社区" {
			t.Error(many, err)
		}
		if p, err := o.PersonByStaffNo(ctx, db, "A1"); err != nil || p.ID != li {
			t.Error(p, err)
		}
		if _, err := o.PersonByStaffNo(ctx, db, ""); err == nil {
			t.Error("nobody has no number")
		}
		if m, err := o.Mobile(ctx, db, li); err != nil || m != "13800005678" {
			t.Error(m, err)
		}
		if found, err := o.PeopleByMobile(ctx, db, "138 0000 5678"); err != nil || len(found) != 1 || found[0].ID != li {
			t.Error(found, err)
		}
		if found, err := o.PeopleByMobile(ctx, db, "13800005679"); err != nil || len(found) != 0 {
			t.Error(found, err)
		}
		for _, text := range []string{"李", "明", "lim", "LM", "lm "} {
			if found, err := o.SearchPeople(ctx, db, text, 5); err != nil || len(found) != 1 {
				t.Error(text, found, err)
			}
		}
		for _, text := range []string{"", "  ", "zz", "%", "_", "'"} {
			if found, err := o.SearchPeople(ctx, db, text, 5); err != nil || len(found) != 0 {
				t.Error(text, found, err)
			}
		}
		post, err := o.Post(ctx, db, w.posts(li)[0].ID)
		if err != nil || post.Holder() != (authz.Holder{Person: li, Post: post.ID, Unit: w.community, Home: w.community, Street: "420111001"}) {
			t.Error(post, err)
		}
	})
}
