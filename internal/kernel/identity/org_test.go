package identity_test

import (
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/kernel/identity"
)

// The real org and authz behind the ports: a person gets a post, an account and a way in, moves, and leaves.
func TestWithOrgAndAuthz(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			e := startReal(t, engine)
			sys, _, _ := e.administrators(t)
			unit := sys.call("POST /api/org/units", obj{"name": "区数据局", "kind": "department"}).want(t, "unit", 200, "").str("id")
			street := sys.call("POST /api/org/units", obj{"name": "狮子山街道", "kind": "street"}).want(t, "street", 200, "").str("id")
			person := sys.call("POST /api/org/people", obj{"name": "张三丰", "unit": unit, "title": "科员", "mobile": "13800005678"}).want(t, "person", 200, "").str("id")
			id := sys.call("POST /api/identity/accounts", obj{"login": "zsf", "person": person}).want(t, "account", 200, "").str("id")
			code := sys.call("POST /api/identity/accounts/"+id+"/activation", nil).want(t, "code", 200, "").str("code")
			b := e.browser(t)
			b.call("POST /api/identity/activate", obj{"account": "zsf", "code": code, "password": "Zhangsanfeng#1"}).want(t, "his pinyin", 422, "identity.bad_password")
			b.call("POST /api/identity/activate", obj{"account": "zsf", "code": code, "password": "Ab#13800005678"}).want(t, "his phone", 422, "identity.bad_password")
			if a := b.call("POST /api/identity/activate", obj{"account": "zsf", "code": code, "password": pw1}).want(t, "activated", 200, ""); a.next() != "done" {
				t.Fatal(a.body)
			}
			var me identity.Me
			decode(t, b.call("GET /api/identity/me", nil).want(t, "me", 200, ""), &me)
			if me.Post == nil || me.Post.Unit.Name != "区数据局" || me.Post.Title != "科员" || len(me.Perms) == 0 {
				t.Fatalf("%+v", me)
			}
			section := sys.call("POST /api/org/units", obj{"name": "办公室", "kind": "section", "parent": unit}).want(t, "section", 200, "").str("id")
			sys.call("POST /api/org/people", obj{"name": "王小二", "unit": section, "title": "科员", "staffNo": "HS00007"}).want(t, "in the section", 200, "")
			sys.call("POST /api/org/people", obj{"name": "赵无号", "unit": unit, "title": "科员"}).want(t, "no number", 200, "")
			if a := sys.call("POST /api/identity/accounts/bulk", obj{"unit": unit}).want(t, "bulk", 200, ""); a.json["made"] != 1.0 || !strings.Contains(a.body, "赵无号") {
				t.Error(a.body)
			}
			if me.Post.Home.Name != "区数据局" {
				t.Errorf("%+v", me.Post)
			}
			post := sys.call("POST /api/org/people/"+person+"/posts", obj{"unit": street, "title": "挂职"}).want(t, "a second post", 200, "").str("id")
			decode(t, b.call("GET /api/identity/me", nil), &me)
			if len(me.Posts) != 2 {
				t.Fatalf("the new post is not seen at once: %+v", me.Posts)
			}
			b.call("POST /api/identity/post", obj{"postId": post}).want(t, "acts in it", 204, "")
			var page store.Listed[identity.AccountRow]
			decode(t, sys.call("GET /api/identity/accounts?q=zhangsan", nil).want(t, "list", 200, ""), &page)
			if len(page.Items) != 1 || page.Items[0].UnitName != "区数据局" {
				t.Fatalf("%+v", page.Items)
			}
			shown := sys.call("GET /api/org/people/"+person, nil).want(t, "person", 200, "")
			sys.call("POST /api/org/people/"+person+"/leave", obj{"reason": "调离", "version": shown.json["version"]}).want(t, "leaves", 200, "")
			deadline := time.Now().Add(20 * time.Second)
			for b.call("GET /api/probe/any", nil).key() != "identity.session_disabled" {
				if time.Now().After(deadline) {
					t.Fatal("a leaver's account stays open")
				}
			}
			b.signIn("zsf", pw1).want(t, "shut", 403, "identity.disabled")
		})
	}
}
