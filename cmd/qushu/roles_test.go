package main

import (
	"path/filepath"
	"testing"

	"qushu/internal/base/config"
	"qushu/internal/kernel/authz"
	"qushu/simulate/district"
)

// Every kind of user of the demonstration is a built-in role under the same name, with something to do.
func TestBuiltinRoles(t *testing.T) {
	roles := map[string]authz.Role{}
	for _, r := range builtinRoles() {
		if r.Key == "" || r.Name == "" || r.NameEN == "" || len(r.Perms) == 0 || roles[r.Key].Key != "" {
			t.Errorf("%+v", r)
		}
		roles[r.Key] = r
	}
	for _, k := range district.Roles() {
		if r := roles[k.Key]; r.Name != k.Name || r.NameEN != k.NameEN {
			t.Errorf("%s is %q, %q in the program and %q, %q in the district", k.Key, r.Name, r.NameEN, k.Name, k.NameEN)
		}
	}
	if len(roles) != len(district.Roles()) {
		t.Errorf("%d built-in roles, %d kinds of users", len(roles), len(district.Roles()))
	}
}

// Opening an installation again leaves its roles as they are, and no permission of theirs is unknown.
func TestRolesAtOpen(t *testing.T) {
	cfg, err := config.Load("", nil, map[string]string{"data": filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a, err := open(t.Context(), cfg, opening{})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range builtinRoles() {
			r, err := a.kit.Authz.RoleByKey(t.Context(), a.kit.DB, want.Key)
			if err != nil || len(r.Perms) != len(want.Perms) || r.Version != 1 {
				t.Errorf("%s: %+v %v", want.Key, r, err)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
