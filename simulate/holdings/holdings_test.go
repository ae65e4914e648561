package holdings

import (
	"bytes"
	"encoding/csv"
	"iter"
	"regexp"
	"slices"
	"testing"

	"qushu/internal/kernel/codes"
	"qushu/simulate/district"
)

// 253 tables, of them persons' with 159 items and firms' with 737. seed: 三、(二).
func TestTables(t *testing.T) {
	all, err := Tables()
	if err != nil {
		t.Fatal(err)
	}
	items := map[string]int{}
	keys := map[string]bool{}
	shape := regexp.MustCompile(`^[a-z][a-z0-9_]{1,49}$`)
	for _, x := range all {
		items[x.Domain] += len(x.Columns)
		if keys[x.Key] || keys[x.Title] || !shape.MatchString(x.Key) || len(x.Columns) < 2 {
			t.Errorf("%+v", x)
		}
		keys[x.Key], keys[x.Title] = true, true
		if c := slices.Clone(x.Columns); len(slices.Compact(slices.Sorted(slices.Values(c)))) != len(x.Columns) {
			t.Errorf("%s has a column twice", x.Title)
		}
	}
	if len(all)+1 != 253 || items["人口"]+len(district.Columns()) != 159 || items["法人"] != 737 {
		t.Error(len(all)+1, items["人口"]+len(district.Columns()), items["法人"])
	}
	sum := 0
	for _, n := range Share(all, 1_000_000) {
		sum += n
	}
	if sum < 990_000 || sum > 1_005_000 {
		t.Error("shares:", sum)
	}
}

func TestWrite(t *testing.T) {
	all, err := Tables()
	if err != nil {
		t.Fatal(err)
	}
	p, err := district.NewPopulation(district.Options{Rows: 300, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	residents := func() iter.Seq[district.Resident] { return p.All() }
	known := map[string]bool{}
	for r := range p.All() {
		known[r.ID] = true
	}
	for _, x := range all {
		var a, b bytes.Buffer
		if err := x.Write(&a, 40, 7, residents); err != nil {
			t.Fatal(x.Title, err)
		}
		if err := x.Write(&b, 40, 7, residents); err != nil || a.String() != b.String() {
			t.Fatal(x.Title, "the same seed tells another table", err)
		}
		rows, err := csv.NewReader(&a).ReadAll()
		if err != nil || len(rows) != 41 {
			t.Fatal(x.Title, len(rows), err)
		}
		for _, r := range rows[1:] {
			if r[0] == "" {
				t.Errorf("%s: a row without a key: %v", x.Title, r)
			}
			if x.Personal() && !known[r[0]] {
				t.Errorf("%s: %s is nobody of the population", x.Title, r[0])
			}
			if x.Columns[0] == "统一社会信用代码" {
				if _, err := codes.ParseCreditCode(r[0]); err != nil {
					t.Errorf("%s: %s: %v", x.Title, r[0], err)
				}
			}
		}
	}
}
