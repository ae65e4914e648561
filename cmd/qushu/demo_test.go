//go:build !race

// The demonstration takes minutes under the race detector and seconds without: scripts/test runs it by itself.

package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/config"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
)

// A whole district is sealed anew: no column of any room is forgotten, and everything still opens.
func TestKeysOfADistrict(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole district takes its time; make test makes it")
	}
	dir := filepath.Join(t.TempDir(), "demo")
	if code, out := cmd(t, "demo", "-d", dir, "--rows", "500", "--cases", "24"); code != 0 {
		t.Fatal(out)
	}
	cfg, err := config.Load("", nil, map[string]string{"data": dir})
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(t.Context(), cfg, opening{demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	// Its year is there: each application has cases, most of them are at their end, and nothing stands still unseen.
	ended, err := store.Column[string](t.Context(), a.kit.DB, `SELECT DISTINCT kind FROM flow_case WHERE room = 'forms' AND state = 'closed' ORDER BY kind`)
	if err != nil || len(ended) < 8 {
		t.Error("the year has few endings:", ended, err)
	}
	all, err := store.Column[string](t.Context(), a.kit.DB, `SELECT DISTINCT kind FROM flow_case WHERE room = 'forms' ORDER BY kind`)
	if err != nil || len(all) != 12 {
		t.Error("an application has no case:", all, err)
	}
	if n, err := a.kit.Flow.Stuck(t.Context()); err != nil || n.Lost+n.Nobody+n.Failed > 0 {
		t.Error(n, err)
	}
	old := current(a, secret.Field)
	person, err := store.Value[string](t.Context(), a.kit.DB, `SELECT id FROM org_person WHERE mobile <> '' ORDER BY id LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	mobile, err := a.kit.Org.Mobile(t.Context(), a.kit.DB, person)
	if err != nil || mobile == "" {
		t.Fatal(mobile, err)
	}
	ctx := terminal(t.Context())
	for _, p := range []string{"field", "index", "signing", "audit"} {
		if err := keysRotate(ctx, a, []string{p}, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	// The public half of the new signing key stands in the chain.
	if n, err := store.Value[int](t.Context(), a.kit.DB, "SELECT count(*) FROM audit WHERE action = 'system.key_rotate' AND instr(CAST(detail AS TEXT), 'PUBLIC KEY') > 0"); err != nil || n != 1 {
		t.Error("the new signing key is not announced", n, err)
	}
	if err := keysRetire(ctx, a, []string{old}, io.Discard); err == nil || !strings.Contains(err.Error(), "still sealed") {
		t.Fatal("a key in use was retired:", err)
	}
	if len(under(t, a.kit.DB, old)) == 0 {
		t.Fatal("nothing was sealed at all")
	}
	if err := keysReseal(ctx, a, nil, t.Output()); err != nil {
		t.Fatal(err)
	}
	if left := under(t, a.kit.DB, old); len(left) > 0 {
		t.Fatal("forgotten by room.Sealed:", left)
	}
	if err := keysRetire(ctx, a, []string{old}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got, err := a.kit.Org.Mobile(t.Context(), a.kit.DB, person); err != nil || got != mobile {
		t.Error(got, err)
	}
	if found, err := a.kit.Org.PeopleByMobile(t.Context(), a.kit.DB, mobile); err != nil || len(found) == 0 {
		t.Error("not found by the new index:", found, err)
	}
	var code strings.Builder
	if err := adminCode(ctx, a, []string{"minzheng.reader"}, &code); err != nil {
		t.Error("the second factor does not open:", err)
	}
	if err := auditVerify(ctx, a, nil, t.Output()); err != nil {
		t.Error("marks and roots of the old keys:", err)
	}
}
