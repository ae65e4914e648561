package district

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/table"
	"qushu/internal/kernel/codes"
)

func populate(t *testing.T, o Options) *Population {
	t.Helper()
	p, err := NewPopulation(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPopulationIsSound(t *testing.T) {
	divs, err := codes.LoadDivisions()
	if err != nil {
		t.Fatal(err)
	}
	dicts, err := codes.LoadDictionaries()
	if err != nil {
		t.Fatal(err)
	}
	seen, homes, streets := map[string]bool{}, map[string]string{}, map[string]bool{}
	n := 0
	for r := range populate(t, Options{Rows: 30_000, Seed: 1}).All() {
		n++
		h, err := codes.ParseResidentID(r.ID, today())
		if err != nil || !codes.IsFictional(r.ID) || h.Birth.Format("2006-01-02") != r.Birth || map[string]string{codes.Male: "男", codes.Female: "女"}[h.Sex] != r.Sex {
			t.Fatalf("%+v: %v", r, err)
		}
		if r.Mobile != "" && (codes.CheckMobile(r.Mobile) != nil || !strings.HasPrefix(r.Mobile, "154") || strings.HasPrefix(r.Mobile, "1540")) {
			t.Fatalf("%+v", r)
		}
		if seen[r.ID] || r.Mobile != "" && seen[r.Mobile] {
			t.Fatalf("%s or %s stands twice", r.ID, r.Mobile)
		}
		seen[r.ID], seen[r.Mobile] = true, true
		for name, value := range map[string]string{"sex": r.Sex, "nation": r.Nation, "education": r.Education, "marital": r.Marital} {
			d, _ := dicts.Get(name)
			if x, ok := d.Find(value); !ok || x.Name != value {
				t.Fatalf("%s: %q is not in the dictionary", name, value)
			}
		}
		c, ok := divs.Get(r.Community)
		if !ok || codes.Parent(r.Community) != r.Street || !strings.Contains(r.Address, spoken(c)) {
			t.Fatalf("%+v", r)
		}
		if at, ok := homes[r.Household]; ok && at != r.Address || r.Flaw != None || r.Updated < r.Birth || r.Updated > "2023-12-31" {
			t.Fatalf("%+v", r)
		}
		homes[r.Household], streets[r.Street] = r.Address, true
	}
	if n != 30_000 || len(streets) != 17 {
		t.Error(n, len(streets))
	}
}

// The shape is that of a district of universities and new housing.
func TestPopulationShape(t *testing.T) {
	count := map[string]int{}
	const rows = 100_000
	for r := range populate(t, Options{Rows: rows, Seed: 7}).All() {
		age := 2023 - int(r.Birth[0]-'0')*1000 - int(r.Birth[1]-'0')*100 - int(r.Birth[2]-'0')*10 - int(r.Birth[3]-'0')
		switch {
		case age < 15:
			count["children"]++
		case age >= 18 && age < 30:
			count["young"]++
		case age >= 60:
			count["old"]++
		}
		if r.Sex == "女" {
			count["women"]++
		}
		if r.Nation != "汉族" {
			count["minorities"]++
		}
		if age < 20 && r.Marital != "未婚" {
			count["married children"]++
		}
		if strings.HasPrefix(r.Education, "大学") || strings.HasPrefix(r.Education, "研究生") {
			count["graduates"]++
		}
		count[r.Kind]++
	}
	for name, share := range map[string][2]int{"children": {7, 17}, "young": {20, 38}, "old": {12, 25}, "women": {45, 54}, "minorities": {2, 7}, "graduates": {30, 52},
		"户籍人口": {40, 65}, "流动人口": {20, 40}, "人户分离人口": {4, 12}, "寄住人口": {3, 20}, "married children": {0, 0}} {
		if got := count[name]; got < share[0]*rows/100 || got > share[1]*rows/100 {
			t.Errorf("%s: %d of %d, want %d to %d in a hundred", name, got, rows, share[0], share[1])
		}
	}
}

func TestPopulationIsItsSeed(t *testing.T) {
	p := populate(t, Options{Rows: 5000, Seed: 3, Flaws: 0.1})
	a := slices.Collect(p.All())
	if !slices.Equal(a, slices.Collect(p.All())) {
		t.Error("the second run differs from the first")
	}
	if !slices.Equal(a[:1000], slices.Collect(populate(t, Options{Rows: 1000, Seed: 3, Flaws: 0.1}).All())) {
		t.Error("fewer rows are the beginning of more")
	}
	if slices.Equal(a, slices.Collect(populate(t, Options{Rows: 5000, Seed: 4, Flaws: 0.1}).All())) {
		t.Error("another seed gave the same people")
	}
	for range p.All() { // stopping early is fine
		break
	}
	for _, o := range []Options{{Rows: -1}, {Rows: MaxRows + 1}, {Flaws: 1.1}, {Flaws: -0.1}} {
		if _, err := NewPopulation(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestFlaws(t *testing.T) {
	rows := slices.Collect(populate(t, Options{Rows: 50_000, Seed: 5, Flaws: 0.06}).All())
	count := map[Flaw]int{}
	for i, r := range rows {
		count[r.Flaw]++
		_, bad := codes.ParseResidentID(r.ID, today())
		ok := false
		switch r.Flaw {
		case None:
			ok = bad == nil
		case NoMobile:
			ok = r.Mobile == "" && bad == nil
		case WordNone:
			ok = r.Mobile == "无"
		case FullWidth:
			ok = len(r.ID) == 54 || len(r.Mobile) == 33
		case Spaces:
			ok = strings.TrimSpace(r.Name) != r.Name && bad != nil
		case BadCheck:
			ok = len(r.ID) == 18 && bad != nil
		case Duplicate:
			before := rows[i-1]
			before.Flaw = Duplicate
			ok = before == r
		}
		if !ok {
			t.Fatalf("%+v: %v", r, bad)
		}
	}
	for _, f := range []Flaw{NoMobile, WordNone, FullWidth, Spaces, BadCheck, Duplicate} {
		if n := count[f]; n < 300 || n > 900 {
			t.Errorf("%s: %d", f, n)
		}
	}
}

// When a day has no number left, the next day gives one, and none is given twice.
func TestNumbersRunOut(t *testing.T) {
	p := populate(t, Options{Rows: 1})
	const days = 80 // a short century
	p.dates = p.dates[:days]
	s := &stream{Population: p, r: rand.New(rand.NewPCG(1, 1))}
	s.taken = [2][]uint16{make([]uint16, days), make([]uint16, days)}
	seen := map[string]bool{}
	for i := range 2 * days * perDay {
		day, seq := s.number(i%2, 1)
		key := fmt.Sprint(i%2, day, seq)
		if seen[key] || seq < 0 || seq > 999 || seq%2 == i%2 {
			t.Fatalf("number %d: day %d, sequence %d", i, day, seq)
		}
		seen[key] = true
	}
}

func TestFilesReadBack(t *testing.T) {
	p := populate(t, Options{Rows: 2000, Seed: 2, Flaws: 0.05})
	for _, c := range []struct {
		name, encoding string
		write          func(*bytes.Buffer, iter.Seq[Resident]) error
	}{
		{"utf8.csv", "UTF-8", func(b *bytes.Buffer, s iter.Seq[Resident]) error { return WriteCSV(b, s, UTF8) }},
		{"gb.csv", "GB18030", func(b *bytes.Buffer, s iter.Seq[Resident]) error { return WriteCSV(b, s, GB18030) }},
		{"book.xlsx", "", func(b *bytes.Buffer, s iter.Seq[Resident]) error { return WriteXLSX(b, s) }},
	} {
		var b bytes.Buffer
		if err := c.write(&b, p.All()); err != nil {
			t.Fatal(c.name, err)
		}
		r, err := table.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), c.name, table.Limits{})
		if err != nil {
			t.Fatal(c.name, err)
		}
		head, err := r.Head(10)
		if err != nil || r.Encoding() != c.encoding || !slices.Equal(head.Names, Columns()) {
			t.Fatal(c.name, r.Encoding(), head.Names, err)
		}
		want := slices.Collect(p.All())
		i := 0
		for row, err := range r.Rows(head) {
			if err != nil || len(row.Reasons) > 0 {
				t.Fatal(c.name, row, err)
			}
			for k, cell := range want[i].Row() {
				if strings.TrimSpace(row.Cells[k]) != strings.TrimSpace(cell) {
					t.Fatalf("%s row %d: %q, want %q", c.name, row.Number, row.Cells[k], cell)
				}
			}
			i++
		}
		if i != 2000 || r.Close() != nil {
			t.Error(c.name, i)
		}
	}
}

// The workbooks of units and people hold every unit and every post, under the heads the import knows.
func TestOrgWorkbooks(t *testing.T) {
	d := build(t)
	posts := 0
	for _, p := range d.People {
		posts += len(p.Posts)
	}
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
		rows  int
		first []string
	}{
		{"units", d.WriteUnits, len(d.Units), []string{"洪山区", "", "区", "", "武汉市洪山区", "420111", "1", "", "2019-03-01"}},
		{"people", d.WritePeople, posts, []string{d.People[0].Name, "HS00001", "洪山区", "区委书记", "主职", "1", "是"}},
	} {
		var b bytes.Buffer
		if err := c.write(&b); err != nil {
			t.Fatal(err)
		}
		r, err := table.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), c.name+".xlsx", table.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		head, err := r.Head(1)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for row, err := range r.Rows(head) {
			if err != nil || len(row.Reasons) > 0 || n == 0 && !slices.Equal(row.Cells[:len(c.first)], c.first) {
				t.Fatal(row, err)
			}
			n++
		}
		if n != c.rows || r.Close() != nil {
			t.Error(c.name, n, "rows, want", c.rows)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }

func TestWriteTellsOfFailure(t *testing.T) {
	p := populate(t, Options{Rows: 5000})
	if WriteCSV(broken{}, p.All(), UTF8) == nil || WriteCSV(broken{}, p.All(), GB18030) == nil || WriteXLSX(broken{}, p.All()) == nil {
		t.Error("written to nowhere")
	}
}
