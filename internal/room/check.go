package room

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"qushu/internal/base/errs"
)

var word = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// foreign are addresses no room has: they begin with a number, or are those of CKAN without one.
var foreign = regexp.MustCompile(`^/api/([0-9]+|action)/`)

// Check refuses a declaration that does not keep the house's rules.
func (r *Room) Check(texts *errs.Catalog) error {
	var bad []error
	fail := func(format string, args ...any) {
		bad = append(bad, fmt.Errorf("room %s: "+format, append([]any{r.Name}, args...)...))
	}
	if !word.MatchString(r.Name) {
		fail("the name is not one lower-case word")
	}
	need := func(key string) {
		if !texts.Has(key) {
			fail("text %q is missing", key)
		}
	}
	own := func(what, name string) {
		if !strings.HasPrefix(name, r.Name+".") || name == r.Name+"." {
			fail("%s %q does not begin with %q", what, name, r.Name+".")
		}
	}
	need("room." + r.Name)
	perms := map[string]bool{Open: true, Signed: true}
	for _, p := range r.Perms {
		own("permission", p.Name)
		need("perm." + p.Name)
		if perms[p.Name] {
			fail("permission %q is declared twice", p.Name)
		}
		perms[p.Name] = true
		if p.Default != "" && !slices.Contains(Scopes[:], p.Default) {
			fail("permission %q has the unknown scope %q", p.Name, p.Default)
		}
		if p.Default != "" && p.Admin != "" {
			fail("permission %q of an administrator cannot be everybody's", p.Name)
		}
	}
	uses := func(what, perm string) {
		if !perms[perm] {
			fail("%s needs the permission %q, which the room does not declare", what, perm)
		}
	}
	for _, m := range r.Menu {
		need("menu." + r.Name + "." + m.Name)
		uses("menu "+m.Name, m.Perm)
		if m.Path != "/"+r.Name && !strings.HasPrefix(m.Path, "/"+r.Name+"/") {
			fail("menu path %q is outside /%s", m.Path, r.Name)
		}
	}
	seen := map[string]bool{}
	for _, t := range r.Routes {
		at := t.Method + " " + t.Path
		uses("route "+at, t.Perm)
		if t.Path != "" && !strings.HasPrefix(t.Path, "/") {
			fail("route path %q does not begin with /", t.Path)
		}
		if seen[at] {
			fail("route %s is declared twice", at)
		}
		seen[at] = true
		if t.Unaudited != "" && !t.Changes() {
			fail("route %s reads, so it needs no reason for leaving no record", at)
		}
	}
	for _, w := range r.Raws {
		uses("raw "+w.Path, w.Perm)
		if w.Doc == "" {
			fail("raw %s has no word on what it is", w.Path)
		}
		if w.At != "" && !foreign.MatchString(w.At) {
			fail("raw %s does not stand at the address of a standard, /api/<number>/…", w.At)
		}
	}
	for _, j := range r.Jobs {
		own("job", j.Name)
	}
	for _, e := range r.Emits {
		own("event", e.Name)
	}
	for _, s := range r.Sealed {
		if s.Table != r.Name && !strings.HasPrefix(s.Table, r.Name+"_") || s.Column == "" || s.ID == "" || s.Place == nil || (s.Index == "") != (s.IndexName == "") {
			fail("the sealed column %s.%s is not wholly described", s.Table, s.Column)
		}
	}
	for _, a := range r.Actions {
		own("action", a)
		need("action." + a)
	}
	for _, s := range r.Settings {
		need("setting." + r.Name + "." + s.Name)
		switch s.Default.(type) {
		case bool, int, string, []string:
		default:
			fail("setting %q is a %s; bool, int, string and []string are possible", s.Name, reflect.TypeOf(s.Default))
		}
		if s.Admin != System && s.Admin != Security {
			fail("setting %q belongs to no administrator who changes things", s.Name)
		}
	}
	return errors.Join(bad...)
}
