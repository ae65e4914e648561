package history

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/when"
	"qushu/simulate/district"
)

func tell(t *testing.T, n int, seed uint64) (*district.District, Year) {
	t.Helper()
	d, err := district.Build(seed, district.People)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2025, 11, 28, 9, 0, 0, 0, when.Zone)
	y, err := Tell(d, Options{Matters: n, From: until.AddDate(0, 0, -360), Until: until, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return d, y
}

var named = regexp.MustCompile(`\$(unit|person|res)\(([^)]*)\)`)

// Every application has its share, in order of time and in office hours, filed by somebody who plays, about units and people there are.
func TestYear(t *testing.T) {
	d, y := tell(t, 1000, 420111)
	days, err := when.Load()
	if err != nil {
		t.Fatal(err)
	}
	plays := map[string]bool{}
	for _, p := range y.Players {
		plays[p.StaffNo] = true
	}
	apps, last := map[string]int{}, time.Time{}
	for _, m := range y.Matters {
		apps[m.App]++
		at := m.At.In(when.Zone)
		if at.Before(last) || !days.IsWorkday(at) || at.Hour() < 8 || at.Hour() > 17 || !plays[m.Who] {
			t.Fatalf("%s at %s by %s", m.App, at, m.Who)
		}
		last = at
		text := m.Data.JSON()
		if !json.Valid([]byte(text)) {
			t.Fatal(text)
		}
		for _, n := range named.FindAllStringSubmatch(text, -1) {
			switch n[1] {
			case "unit":
				if _, ok := d.Unit(n[2]); !ok {
					t.Fatal(text)
				}
			case "person":
				if !plays[n[2]] {
					t.Fatal(text)
				}
			}
		}
	}
	if len(apps) != 12 || apps["dispute"] < 200 || len(y.Matters) < 990 {
		t.Errorf("%v", apps)
	}
}

// The same seed tells the same year; another tells another.
func TestSameYear(t *testing.T) {
	show := func(seed uint64) string {
		_, y := tell(t, 60, seed)
		var out []string
		for _, m := range y.Matters {
			out = append(out, m.At.String()+m.App+m.Who+m.Data.JSON())
		}
		for _, p := range y.Players {
			out = append(out, p.StaffNo+strings.Join(p.Roles, " "))
		}
		return strings.Join(out, "\n")
	}
	first, second := show(1), show(1)
	if first != second {
		t.Error("the same seed tells two years")
	}
	if first == show(2) {
		t.Error("two seeds tell one year")
	}
}

// No resource is taken twice at a time.
func TestBooked(t *testing.T) {
	_, y := tell(t, 2000, 3)
	type slot struct{ from, until string }
	taken := map[string][]slot{}
	for _, m := range y.Matters {
		if m.App != "meetingroom" {
			continue
		}
		p := m.Data["slot"].(Form)
		s := slot{p["from"].(string), p["until"].(string)}
		room := m.Data["room"].(string)
		if slices.ContainsFunc(taken[room], func(o slot) bool { return o.from < s.until && s.from < o.until }) {
			t.Errorf("%s is taken twice at %s", room, s.from)
		}
		taken[room] = append(taken[room], s)
	}
	if len(taken) < 5 {
		t.Error(len(taken), "rooms are used")
	}
}

func TestPhoto(t *testing.T) {
	if b := Photo(1); len(b) < 10_000 || string(b[:3]) != "\xff\xd8\xff" {
		t.Error(len(b))
	}
}
