package entry

import (
	"strings"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

var shape = Shape{Item: 2, Subject: 3, Detail: 18, Sequence: 6}

func TestCode(t *testing.T) {
	b := Body{Class: "3", Item: "06", Subject: "420", Detail: "111001"}
	if got := shape.Code(&b, 17); got != "306420111001/000017" { // the example of the guide
		t.Error(got)
	}
	if got, ok := shape.Split("306420111001"); !ok || got.Class != "3" || got.Item != "06" || got.Subject != "420" || got.Detail != "111001" {
		t.Errorf("%+v %v", got, ok)
	}
	for _, bad := range []string{"", "3", "406420", "30a420", "30642", strings.Repeat("3", 40)} {
		if _, ok := shape.Split(bad); ok {
			t.Error(bad)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"306420111001", "1", "", "２０１", "301001420111"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, ok := shape.Split(s); ok && b.Classification() != s {
			t.Errorf("%q became %q", s, b.Classification())
		}
	})
}

func TestStaleAt(t *testing.T) {
	grace := map[string]time.Duration{"realtime": time.Hour, "monthly": 5 * 24 * time.Hour}
	at := time.Date(2023, 1, 31, 9, 0, 0, 0, time.UTC)
	for cycle, want := range map[string]time.Time{"realtime": at.Add(time.Hour), "daily": at.AddDate(0, 0, 1), "monthly": at.AddDate(0, 1, 5), "yearly": at.AddDate(1, 0, 0), "irregular": {}, "once": {}} {
		if got := StaleAt(cycle, at, grace); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", cycle, got, want)
		}
	}
	if !StaleAt("daily", time.Time{}, grace).IsZero() {
		t.Error("what was never updated is overdue")
	}
}

func TestDiff(t *testing.T) {
	a := Body{Name: "甲", Share: Unconditional, Items: []Item{{Name: "一", Type: "C", Length: 10, Level: "L1"}, {Name: "二", Type: "I", Level: "L2"}}}
	b := Body{Name: "乙", Share: Unconditional, Items: []Item{{Name: "一", Type: "C", Length: 20, Level: "L1"}, {Name: "三", Type: "D", Level: "L2"}}}
	var said []string
	for _, c := range Diff(&a, &b) {
		said = append(said, c.Field+c.Item+" "+c.What)
	}
	if got := strings.Join(said, ", "); got != "name changed, length一 changed, 三 added, 二 removed" {
		t.Error(got)
	}
	if !Narrowed(&a, &b) || Narrowed(&a, &a) || !Narrowed(&Body{Open: true}, &Body{}) || Narrowed(&Body{Share: Refused}, &Body{Share: Unconditional}) {
		t.Error("what is narrower")
	}
	if len(Diff(&a, &a)) != 0 {
		t.Error("a body differs from itself")
	}
}

func TestDraftFollowsLevels(t *testing.T) {
	text := warehouse.Type{Kind: warehouse.KindText}
	ds := dataset.Dataset{Title: "人口", Unit: "u1", Columns: []dataset.Column{
		{Name: "id", Title: "证号", Type: text, Kind: codes.KindID, Level: dataset.L3, Masked: true}, {Name: "a", Title: "街道", Type: text, Level: dataset.L2}, {Name: "b", Title: "街道", Type: warehouse.Type{Kind: warehouse.KindDate}, Level: dataset.L2}}}
	b := Draft(ds, Body{Class: Base, Item: "01", Subject: "001", Cycle: "daily", Share: Unconditional})
	if b.Share != Unconditional || b.Items[0].Share != Conditional || b.Level != dataset.L3 || b.Items[2].Name != "街道（b）" || b.Items[2].Type != "D" {
		t.Errorf("%+v", b)
	}
	if bad := Fit(b.Items, ds.Columns, Match(b.Items, ds.Columns)); len(bad) != 0 {
		t.Errorf("a draft does not fit what it was drafted from: %+v", bad)
	}
	b.Summary, b.UnitCode = "区人口基础信息", "11420111MB00001313"
	if bad := Check(&b, Rules{Shape: shape, Basic: []string{"101"}}); len(bad) != 0 {
		t.Errorf("%+v", bad)
	}
}
