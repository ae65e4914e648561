package lookup_test

import (
	"strings"
	"testing"

	"qushu/internal/datahub/lookup"
	"qushu/internal/kernel/dataset"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// A pack proves itself, and whoever changes, cuts or adds a word is found out.
func TestPack(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		ds := people(t, e)
		grant(t, e, ds, dataset.Grant{Unit: "u2", Columns: []string{"sfzh", "xm"}})
		for range 3 {
			e.Run(t, []kerneltest.Case{{Name: "a look", As: reader("li", "u2"), Call: "POST /api/lookup/find", Body: ask(ds.ID, zhangID, why), Status: 200}})
		}
		root := enter(t, e, ds, "wu", zhangID, liID)
		boss := kerneltest.Actor("zhang", "u1", room.Unit, "lookup.ledger")
		status, pack := e.Call(t, kerneltest.Case{As: boss, Call: "GET /api/lookup/pack"})
		if status != 200 || !strings.Contains(pack, root) || strings.Contains(pack, zhangID) || strings.Contains(pack, "张三") {
			t.Fatal(status, pack)
		}
		keys, err := e.Kit.Audit.PublicKeys()
		if err != nil {
			t.Fatal(err)
		}
		var trusted [][]byte
		for _, k := range keys {
			trusted = append(trusted, []byte(k.PEM))
		}
		lines := strings.SplitAfter(pack, "\n")
		for _, c := range []struct {
			name, pack, broken string
			entries            int64
		}{
			{"as it came", pack, "", 4},
			{"another purpose", strings.Replace(pack, "张家湾", "关山湾", 1), "chain breaks at entry 1", 1},
			{"an entry left out", lines[0] + strings.Join(lines[2:], ""), "chain breaks at entry 1", 1},
			{"the last left out", strings.Join(lines[:4], "") + strings.Join(lines[5:], ""), "4 entries and holds 3", 3},
			{"cut", strings.Join(lines[:5], ""), "cut", 4},
			{"more behind", pack + "{}\n", "behind the end", 4},
			{"another head", strings.Replace(pack, `"unit":"u1"`, `"unit":"u9"`, 1), "chain breaks", 1},
			{"no pack", "hello\n", "no qushu-ledger-pack", 0},
		} {
			r, err := lookup.VerifyPack(strings.NewReader(c.pack), trusted)
			if err != nil || !r.Trusted || r.Entries != c.entries || (c.broken == "") != (r.Broken == "") || !strings.Contains(r.Broken, c.broken) {
				t.Errorf("%s: %+v %v", c.name, r, err)
			}
		}
		if r, err := lookup.VerifyPack(strings.NewReader(pack), nil); err != nil || r.Trusted || r.Broken != "" {
			t.Error("by its own keys:", r, err)
		}
		if r, _ := lookup.VerifyPack(strings.NewReader(pack), [][]byte{[]byte("no key")}); !strings.Contains(r.Broken, "signature") {
			t.Error("by another key:", r)
		}
	})
}
