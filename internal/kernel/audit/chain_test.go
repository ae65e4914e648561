package audit

import (
	"math"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/store"
)

// security-mlps.md §11.
func TestChainVectors(t *testing.T) {
	h0 := genesis()
	if h0 != "6cea0e5f62fd5f4cf6fe53369a849137b7b4c0ea8530291ad8b6ec02d0102f00" {
		t.Error("h0", h0)
	}
	h1 := link(h0, "1|2023-06-01T09:00:00.000+08:00|zhangsan|login|ok")
	if h1 != "3c32d6a72f100e4c370e250ddc39da6d78eeceafe7c9505903dc65522a8eef45" {
		t.Error("h1", h1)
	}
	if h2 := link(h1, record(2, "2023-06-01T09:01:00.000+08:00|zhangsan|query|1")); h2 != "7c13b8da781a8ca7c48d7d830daddd13f206987956c654399e3fd1db1c3ccf6d" {
		t.Error("h2", h2)
	}
}

// The canonical text is what every mark and hash in the world was made over: it may not drift.
func TestCanonicalIsFixed(t *testing.T) {
	r := Row{ID: "i", At: store.At(time.UnixMicro(1685581200000001)), Person: "p", Account: "a", Name: "张三", Admin: "audit", Unit: "u", Post: "o", Session: "s",
		IP: "10.0.0.1", Agent: "<b>", Trace: "t", Action: "x.y", Object: "x", ObjectID: "1", Title: "题", Personal: true, Subjects: 3, Purpose: "办案", Result: OK,
		Detail: store.JSON[map[string]any]{V: map[string]any{"b": 1.5, "a": []any{"x", nil, true}}}}
	got, err := r.Canonical()
	want := `["i",1685581200000001,"p","a","张三","audit","u","o","s","10.0.0.1","\u003cb\u003e","t","x.y","x","1","题",true,3,"办案","ok",{"a":["x",null,true],"b":1.5}]`
	if err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	root := Root{ID: 2, Kind: "day", From: 1, To: 9, Count: 9, Head: "ab", At: r.At, Key: "k", Sig: "s"}
	if got := root.Canonical(); got != `["qushu-audit-root/1",2,"day",1,9,9,"ab",1685581200000001]` {
		t.Error(got)
	}
}

func TestSettle(t *testing.T) {
	in := map[string]any{"n": 3, "big": int64(math.MaxInt64), "f": math.Copysign(0, -1), "tiny": 1e-7, "s": "a\x00b\xff", "in": map[string]any{"k\x00": uint64(math.MaxUint64)}, "list": []string{"x"}}
	out, err := settle(in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := settle(out)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := Row{Detail: store.JSON[map[string]any]{V: out}}.Canonical()
	b, _ := Row{Detail: store.JSON[map[string]any]{V: again}}.Canonical()
	if a != b {
		t.Errorf("not settled:\n%s\n%s", a, b)
	}
	for _, want := range []string{`"big":"9223372036854775807"`, `"n":3`, `"s":"ab\ufffd"`, `"k":"18446744073709551615"`, `"tiny":1e-7`} {
		if !strings.Contains(a, strings.ReplaceAll(want, `\ufffd`, "\ufffd")) {
			t.Errorf("%s is not in %s", want, a)
		}
	}
	long, err := settle(map[string]any{"x": strings.Repeat("字", maxDetail)})
	if err != nil || long["sm3"] == nil || len(long) != 2 {
		t.Error(long, err)
	}
	r := Row{Title: strings.Repeat("长", maxText), Agent: "a\x00\xff"}
	if r.clean(); len(r.Title) > maxText || r.Agent != "a" || strings.Trim(r.Title, "长") != "" {
		t.Error(len(r.Title), r.Agent)
	}
}

func TestDue(t *testing.T) {
	zone := time.FixedZone("+08:00", 8*3600)
	at := func(day, hour, minute int) store.Time {
		return store.At(time.Date(2023, 6, day, hour, minute, 0, 0, zone))
	}
	for _, c := range []struct {
		name      string
		last, day Root
		end       int64
		now       store.Time
		want      string
	}{
		{"the first ever", Root{}, Root{}, 1, at(1, 9, 0), rootDay},
		{"same hour", Root{ID: 1, To: 5, At: at(1, 9, 1)}, Root{ID: 1, At: at(1, 9, 1)}, 9, at(1, 9, 59), ""},
		{"next hour with records", Root{ID: 1, To: 5, At: at(1, 9, 1)}, Root{ID: 1, At: at(1, 9, 1)}, 9, at(1, 10, 0), rootHour},
		{"next hour without", Root{ID: 1, To: 9, At: at(1, 9, 1)}, Root{ID: 1, At: at(1, 9, 1)}, 9, at(1, 10, 0), ""},
		{"next day without records", Root{ID: 1, To: 9, At: at(1, 23, 1)}, Root{ID: 1, At: at(1, 9, 1)}, 9, at(2, 0, 0), rootDay},
		{"the civil day, not the one of Greenwich", Root{ID: 1, To: 9, At: at(2, 7, 59)}, Root{ID: 1, At: at(2, 0, 0)}, 9, at(2, 8, 1), ""},
	} {
		if got := due(c.last, c.day, c.end, c.now.Time); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRootLines(t *testing.T) {
	const whole = `{"id":1,"kind":"day","from":1,"to":2,"count":2,"head":"a","at":"2023-06-01T01:00:00Z","key":"k","sig":"s"}`
	for _, c := range []struct {
		name, text string
		n          int
		ok         bool
	}{
		{"one", whole + "\n", 1, true},
		{"none", "", 0, true},
		{"cut by a crash, written again", whole[:40] + "\n" + whole + "\n", 1, true},
		{"cut at the end", whole + "\n" + whole[:40], 1, true},
		{"changed", whole + "\n" + strings.Replace(whole, `"id":1`, `"id":"x"`, 1) + "\n", 1, false},
		{"noise", "hello\n", 0, false},
	} {
		if roots, ok := parseRoots([]byte(c.text)); len(roots) != c.n || ok != c.ok {
			t.Errorf("%s: %d roots, %v", c.name, len(roots), ok)
		}
	}
}
