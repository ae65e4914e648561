package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/config"
	"qushu/internal/base/errs"
	"qushu/internal/kernel"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// everything is every room of the program as it is put together here.
var everything = &kerneltest.Houses{Warehouse: dataHouses.Warehouse, Rooms: func(kit *kernel.Kit) []*room.Room {
	return rooms(kit, &config.Config{})
}}

// Every route is called as nobody, as somebody without rights, as the holder of its permission alone and as the holder of every
// other one, those of the three administrators among them: a route answers its permission and no other.
func TestEveryRouteAnswersItsPermissionOnly(t *testing.T) {
	everything.Each(t, func(t *testing.T, e *kerneltest.Env) {
		e.Strangers(t)
		var perms []string
		for _, r := range e.Rooms {
			for _, p := range r.Perms {
				perms = append(perms, p.Name)
			}
		}
		if len(perms) < 25 {
			t.Fatal("permissions:", len(perms))
		}
		calls := 0
		for _, p := range perms {
			one := kerneltest.Actor("holder-of-"+p, "u1", room.All, p)
			others := kerneltest.Actor("all-but-"+p, "u1", room.All, slices.DeleteFunc(slices.Clone(perms), func(o string) bool { return o == p })...)
			for _, r := range e.Rooms {
				for _, route := range r.Routes {
					if route.Perm != p {
						continue
					}
					call := route.Method + " /api/" + r.Name + strings.NewReplacer("{", "", "}", "").Replace(route.Path)
					body := ""
					if route.Method != "GET" && route.Method != "DELETE" {
						body = `{"no":"such field"}` // refused before anything changes
					}
					for as, may := range map[*room.Actor]bool{one: true, others: false} {
						calls++
						status, text := e.Call(t, kerneltest.Case{As: as, Call: call, Body: body, Lang: "zh"})
						refused := status == 403 && strings.Contains(text, `"key":"web.denied"`)
						if refused == may || status == 401 || status >= 500 {
							t.Errorf("%s as %s: %d %s", call, as.Person, status, text)
						}
					}
				}
			}
		}
		t.Logf("%d permissions, %d calls", len(perms), calls)
	})
}

// The glossary has an entry for every room and permission, in both languages.
func TestGlossaryIsWhole(t *testing.T) {
	page, err := os.ReadFile("../../docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []*room.Room
	var words *errs.Catalog
	everything.Each(t, func(t *testing.T, e *kerneltest.Env) { all, words = e.Rooms, e.Catalog })
	var want bytes.Buffer
	writeGlossary(&want, all, words)
	for line := range strings.Lines(want.String()) {
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/glossary.md lacks %q: run make gen", line)
		}
	}
}
