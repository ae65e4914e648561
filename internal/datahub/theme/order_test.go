package theme

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/base/when"
	"qushu/internal/kernel/dataset"
)

// Every step comes after what it reads, or a circle is named that is one.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	circles := 0
	for range 2000 {
		n := 1 + r.IntN(8)
		steps, reads := make([]Step, n), map[string][]string{}
		for i := range steps {
			steps[i].Name = fmt.Sprint("s", i)
			for range r.IntN(3) {
				reads[steps[i].Name] = append(reads[steps[i].Name], fmt.Sprint("s", r.IntN(n+2)))
			}
		}
		places, chain := order(steps, reads)
		if chain != nil {
			circles++
			if chain[0] != chain[len(chain)-1] || len(chain) < 2 {
				t.Fatal(chain)
			}
			for i := range len(chain) - 1 {
				if !slices.Contains(reads[chain[i]], chain[i+1]) {
					t.Fatalf("%v is no circle of %v", chain, reads)
				}
			}
			continue
		}
		if len(places) != n {
			t.Fatal(places)
		}
		for at, p := range places {
			for _, name := range reads[steps[p].Name] {
				i := slices.IndexFunc(steps, func(s Step) bool { return s.Name == name })
				if i >= 0 && slices.Index(places, i) >= at {
					t.Fatalf("%v: %s comes before %s", places, steps[p].Name, name)
				}
			}
		}
	}
	if circles == 0 || circles == 2000 {
		t.Error(circles, "circles")
	}
}

// A column is classified lower only with a reason; at a run a reason holds for the level it was given at.
func TestSettle(t *testing.T) {
	source := func(level dataset.Level) Column {
		return Column{Column: dataset.Column{Name: "x", Title: "来源", Level: level, Masked: level >= dataset.L3}, Floor: level, How: warehouse.Derived}
	}
	given := func(level dataset.Level, floor dataset.Level, reason string) *Column {
		return &Column{Column: dataset.Column{Name: "x", Title: "甲", Level: level, Masked: level >= dataset.L3}, Floor: floor, Reason: reason}
	}
	for _, c := range []struct {
		given  *Column
		source dataset.Level
		run    bool
		want   dataset.Level
		faults int
	}{
		{nil, dataset.L3, false, dataset.L3, 0},
		{given("L3", "L3", ""), dataset.L3, false, dataset.L3, 0},
		{given("L4", "L3", ""), dataset.L3, false, dataset.L4, 0},
		{given("L2", "L3", ""), dataset.L3, false, dataset.L2, 1},
		{given("L2", "L3", "太短"), dataset.L3, false, dataset.L2, 1},
		{given("L2", "L3", "不能识别个人"), dataset.L3, false, dataset.L2, 0},
		{given("L2", "L3", "不能识别个人"), dataset.L3, true, dataset.L2, 0},
		{given("L2", "L3", "不能识别个人"), dataset.L4, true, dataset.L4, 0}, // more sensitive since
		{given("L2", "L2", ""), dataset.L3, true, dataset.L3, 0},
		{given("L2", "L2", ""), dataset.L1, true, dataset.L2, 0},
	} {
		got, faults := settle(c.given, source(c.source), c.run)
		if got.Level != c.want || len(faults) != c.faults || got.Masked != (got.Level >= dataset.L3) {
			t.Errorf("%+v of %s, run %t: %s masked %t, %v", c.given, c.source, c.run, got.Level, got.Masked, faults)
		}
	}
}

func TestNext(t *testing.T) {
	at := func(s string) time.Time {
		out, err := time.ParseInLocation("2006-01-02 15:04", s, when.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	daily := Schedule{Every: "daily", At: "02:30"}
	for now, want := range map[string]string{"2023-06-01 01:00": "2023-06-01 02:30", "2023-06-01 02:30": "2023-06-02 02:30", "2023-12-31 23:59": "2024-01-01 02:30"} {
		if got := daily.next(at(now)); !got.Equal(at(want)) {
			t.Errorf("after %s: %s", now, got)
		}
	}
	for _, s := range []Schedule{{}, {Every: "input"}, {Every: "daily", At: "25:00"}} {
		if !s.next(at("2023-06-01 01:00")).IsZero() {
			t.Error(s)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		rows, before, percent int64
		want                  bool
	}{{100, 100, 1, true}, {101, 100, 1, true}, {102, 100, 1, false}, {98, 100, 1, false}, {0, 0, 10, true}, {1, 0, 10, false}, {150, 100, 50, true}} {
		if within(c.rows, c.before, c.percent) != c.want {
			t.Errorf("%+v", c)
		}
	}
}
