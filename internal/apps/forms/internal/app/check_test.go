package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"qushu/internal/apps/forms/internal/app"
)

// sound is a small declaration; each case of TestBadDeclarations spoils one thing of it.
const sound = `key: bikes
title: 共享单车淤积上报
summary: {zh: 上报淤积点, en: Report a heap}
group: 城管
subject: spot_text
number: {prefix: DC}
fields:
  - {key: spot, title: 地点, type: place, required: true}
  - {key: spot_text, title: 说明, type: text, required: true}
  - {key: bikes, title: 辆数, type: number, min: 1}
  - {key: fee, title: 费用, type: money}
  - {key: per, title: 每辆, type: computed, expr: fee / bikes}
  - {key: slot, title: 时间, type: period}
  - {key: van, title: 车, type: resource, resource: vans, period: slot}
list: {columns: [spot_text, bikes], filters: [bikes]}
place: spot
resources: [{key: vans, title: 清运车, items: [{key: v1, title: 一号车}]}]
steps:
  - {key: report, title: 上报, write: [spot, spot_text, bikes, fee, slot, van]}
  - key: clear
    title: 清运
    who: [{kind: role, id: cleaner, of: place}]
    outcomes: [{key: done, title: 完成, to: end}, {key: again, title: 退, to: report}]
roles: [{key: cleaner, title: 清运员, read: street}]
`

func findings(t *testing.T, text string) (*app.App, *app.Compiled, []app.Finding) {
	t.Helper()
	a, src, bad := app.NewSchema().Parse([]byte(text))
	if bad != nil {
		return a, nil, bad
	}
	c, bad := app.Compile(a, src, nil)
	return a, c, bad
}

func TestBadDeclarations(t *testing.T) {
	if _, _, bad := findings(t, sound); bad != nil {
		t.Fatal("the sound one:", bad)
	}
	for _, c := range []struct {
		name, from, to string
		key            string
		line           int
	}{
		{"no YAML", "key: bikes", "key: [", "forms.f_yaml", 0},
		{"unknown key", "min: 1}", "min: 1, mni: 2}", "web.v.unexpected", 10},
		{"unknown type", "type: money}", "type: monney}", "web.v.one_of", 11},
		{"no number", "number: {prefix: DC}", "number: {}", "web.v.required", 6},
		{"no columns", "columns: [spot_text, bikes]", "columns: null", "web.v.required", 15},
		{"a number where a text is", "subject: spot_text", "subject: 5", "web.v.string", 5},
		{"key twice", "key: fee,", "key: bikes,", "forms.f_twice", 11},
		{"mapping key twice", "place: spot", "place: spot\nplace: spot", "forms.f_twice", 17},
		{"anchor", "group: 城管", "group: &g 城管\nicon: *g", "forms.f_anchor", 5},
		{"reserved", "key: fee,", "key: outcome,", "forms.f_reserved", 11},
		{"unknown field in a list", "filters: [bikes]", "filters: [bykes]", "forms.f_field", 15},
		{"unknown field in a rule", "expr: fee / bikes", "expr: fee / bykes", "rule.", 12},
		{"broken expression", "expr: fee / bikes", "expr: fee / (", "rule.", 12},
		{"loop", "expr: fee / bikes}", "expr: per + 1}", "forms.f_loop", 12},
		{"longer loop", "expr: fee / bikes}", "expr: two + 1}\n  - {key: two, title: 二, type: computed, expr: per * 2}", "forms.f_loop", 12},
		{"a text where a number is", "expr: fee / bikes", "expr: spot_text", "forms.f_number", 12},
		{"a number where yes or no is", "type: money}", "type: money, show: bikes + 1}", "forms.f_bool", 11},
		{"resource that is not there", "resource: vans", "resource: cars", "forms.f_resource", 14},
		{"resource without a period", "period: slot", "period: bikes", "forms.f_period", 14},
		{"step without people", "    who: [{kind: role, id: cleaner, of: place}]\n", "", "forms.f_nobody", 20},
		{"outcome to nowhere", "to: report}", "to: nowhere}", "forms.f_step", 23},
		{"endless", "to: end}", "to: clear}", "forms.f_endless", 18},
		{"step nobody reaches", "roles:", "  - {key: lost, title: 迷, who: [{kind: starter}]}\nroles:", "forms.f_unreached", 24},
		{"choice without options", "type: money}", "type: choice}", "forms.f_options", 11},
		{"table without columns", "type: money}", "type: table}", "forms.f_table", 11},
		{"an outcome needs what its step does not write", "to: report}", "to: report, need: [fee]}", "forms.f_need_write", 23},
		{"right twice", "write: [spot, ", "need: [spot], write: [spot, ", "forms.f_right_twice", 19},
		{"role without a unit", "kind: role, id: cleaner, of: place", "kind: leader", "forms.f_who_of", 22},
		{"unit by a field that is none", "of: place", "of: \"field:bikes\"", "forms.f_type", 22},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sound, c.from, c.to, 1)
			if text == sound {
				t.Fatal("nothing is spoilt")
			}
			_, _, bad := findings(t, text)
			i := slices.IndexFunc(bad, func(f app.Finding) bool { return strings.HasPrefix(f.Key, c.key) })
			if i < 0 {
				t.Fatalf("%v", bad)
			}
			if c.line > 0 && bad[i].Line != c.line {
				t.Errorf("line %d, want %d: %v", bad[i].Line, c.line, bad[i])
			}
		})
	}
}

// What is drawn as JSON and written as YAML is the same application.
func TestYAMLRoundTrip(t *testing.T) {
	s := app.NewSchema()
	for name, b := range shipped(t) {
		a, _, bad := s.Parse(b)
		if bad != nil {
			t.Fatal(name, bad)
		}
		text, err := app.YAML(a)
		if err != nil {
			t.Fatal(err)
		}
		again, _, bad := s.Parse(text)
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(again)
		if bad != nil || string(x) != string(y) {
			t.Errorf("%s: %v\n%s", name, bad, text[:500])
		}
		if drawn, bad := s.ParseJSON(x); bad != nil || drawn.Key != a.Key {
			t.Errorf("%s as JSON: %v", name, bad)
		}
	}
}

// The published schema is one that other tools can read: every $ref has its definition.
func TestSchemaIsWhole(t *testing.T) {
	b, err := json.Marshal(app.NewSchema())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Ref  string                     `json:"$ref"`
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.Ref != "#/$defs/App" || len(doc.Defs) < 15 {
		t.Fatal(err, doc.Ref, len(doc.Defs))
	}
	for _, part := range strings.Split(string(b), `"$ref":"`)[1:] {
		name := strings.TrimPrefix(part[:strings.IndexByte(part, '"')], "#/$defs/")
		if doc.Defs[name] == nil {
			t.Error("no definition of", name)
		}
	}
}

// The example in the manual is one that works.
func TestManualExample(t *testing.T) {
	page, err := os.ReadFile("../../../../../docs/applications.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	if _, c, bad := findings(t, text); bad != nil || c.Key != "bikes" {
		t.Error(bad)
	}
}

var update = flag.Bool("update", false, "write docs/forms.schema.json anew")

// The schema in docs is the one the program reads declarations by: go test -run TestSchemaInDocs -update writes it.
func TestSchemaInDocs(t *testing.T) {
	const file = "../../../../../docs/forms.schema.json"
	want, err := json.MarshalIndent(app.NewSchema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Error("docs/forms.schema.json is not what the program reads by; run the test with -update", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("key: .nan\nfields: [{key: ? }]"))
	f.Add([]byte(fmt.Sprintf("key: %s", strings.Repeat("[", 200))))
	s := app.NewSchema()
	f.Fuzz(func(t *testing.T, b []byte) {
		a, src, bad := s.Parse(b)
		if (a == nil) == (bad == nil) {
			t.Fatal("neither an application nor a reason, or both")
		}
		if a == nil {
			return
		}
		if _, bad := app.Compile(a, src, nil); bad == nil {
			if _, err := app.YAML(a); err != nil {
				t.Fatal(err)
			}
		}
	})
}
