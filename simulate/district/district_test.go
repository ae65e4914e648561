package district

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"qushu/internal/kernel/codes"
)

func build(t *testing.T) *District {
	t.Helper()
	d, err := Build(1, People)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestUnits(t *testing.T) {
	d := build(t)
	kinds, cloud, elsewhere := map[string]int{}, map[string]int{}, 0
	seen := map[string]bool{}
	for _, u := range d.Units {
		kinds[u.Kind]++
		if u.Cloud {
			cloud[u.Kind]++
		}
		if u.ManagedBy != "" {
			elsewhere++
		}
		if (u.Parent == "") != (u.Kind == KindDistrict) || u.Parent != "" && !seen["key "+u.Parent] {
			t.Errorf("%s stands before its parent", u.Key)
		}
		unique := []string{"key " + u.Key, "name " + u.Parent + "/" + u.Name}
		if u.Code != "" {
			unique = append(unique, "code "+u.Code)
		}
		for _, k := range unique {
			if seen[k] {
				t.Errorf("%s stands twice", k)
			}
			seen[k] = true
		}
		if n := utf8.RuneCountInString(u.Name); n < 2 || n > 80 || strings.ContainsAny(u.Name, "/ ") {
			t.Errorf("name %q", u.Name)
		}
		checkCode(t, u)
	}
	if kinds[KindDistrict] != 1 || kinds[KindDepartment] != 26 || kinds[KindStreet] != 17 || kinds[KindCommunity] != 327 {
		t.Error(kinds)
	}
	if cloud[KindDepartment] != 26 || cloud[KindStreet] != 10 || len(cloud) != 2 || elsewhere != 7 {
		t.Error("the cloud serves 36 departments and streets:", cloud, elsewhere)
	}
}

func checkCode(t *testing.T, u Unit) {
	t.Helper()
	switch u.Kind {
	case KindDepartment:
		if c, err := codes.ParseCreditCode(u.Code); err != nil || c.Area != codes.FictionalArea {
			t.Errorf("%s: %q is no fictional credit code: %v", u.Name, u.Code, err)
		}
	case KindStreet, KindCommunity:
		if code, _, err := codes.ParseDivision(u.Code); err != nil || !codes.Within(code, Code) || u.Kind == KindCommunity && codes.Parent(code) != u.Parent {
			t.Errorf("%s: %q: %v", u.Name, u.Code, err)
		}
	}
}

// What the final accounts name stands in the tree under that name or its short one.
func TestSeedNames(t *testing.T) {
	d := build(t)
	for _, want := range []string{"区水务局", "区民政局", "区国资局", "区财政局", "区行政审批局", "区医保局", "区发改局", "区教育局", "区城管执法局", "区园林局", "区委政法委",
		"区委组织部", "区委机要和保密局", "区网格化中心", "区政府总值班室", "区应急指挥中心", "区大数据中心", "武汉市洪山区大数据中心", "狮子山街", "梨园街", "洪山街", "关山街", "天兴乡"} {
		if !slices.ContainsFunc(d.Units, func(u Unit) bool { return u.Name == want || u.Short == want }) {
			t.Errorf("%s is missing", want)
		}
	}
	if len(d.In("DSJ-5")) != 3 {
		t.Error("the information office has", len(d.In("DSJ-5")), "people")
	}
	if want := []Relation{{"guidance", "SP", "DSJ"}}; !reflect.DeepEqual(d.Relations, want) {
		t.Error(d.Relations)
	}
	if g := d.Groups[0]; len(g.Heads) != 2 || g.Office != "DSJ" || g.Heads[0] != d.People[0].StaffNo || len(g.Members) < 14 {
		t.Errorf("%+v", g)
	}
	if got := strings.Join(d.Path("DSJ-5"), "/"); got != "洪山区/武汉市洪山区大数据中心/信息办公室" {
		t.Error(got)
	}
}

func TestSpoken(t *testing.T) {
	divs, err := codes.LoadDivisions()
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"420111001001": "石牌园社区", "420111001003": "街道口社区", "420111205201": "复兴村"} {
		if c, ok := divs.Get(code); !ok || spoken(c) != want {
			t.Errorf("%s: %q", c.Name, spoken(c))
		}
	}
	for _, s := range divs.Children(Code) {
		for _, c := range divs.Children(s.Code) {
			if x := spoken(c); strings.Contains(x, "委") || strings.Contains(x, "街道") && x != "街道口社区" || utf8.RuneCountInString(x) < 2 {
				t.Errorf("%s is spoken of as %q", c.Name, x)
			}
		}
	}
}

func TestPeople(t *testing.T) {
	d := build(t)
	if len(d.People) != People {
		t.Fatal(len(d.People))
	}
	seen, leaders, two := map[string]bool{}, map[string]int{}, 0
	for _, p := range d.People {
		if seen[p.StaffNo] || seen[p.Mobile] {
			t.Errorf("%s or %s stands twice", p.StaffNo, p.Mobile)
		}
		seen[p.StaffNo], seen[p.Mobile] = true, true
		if err := codes.CheckMobile(p.Mobile); err != nil || !strings.HasPrefix(p.Mobile, "15400") {
			t.Error(p.Mobile, err)
		}
		if n := utf8.RuneCountInString(p.Name); n < 2 || n > 4 || p.Sex != Male && p.Sex != Female {
			t.Errorf("%+v", p)
		}
		if age := today().Year() - p.Birth.Year(); age < 20 || age > 61 {
			t.Errorf("%s is %d", p.Name, age)
		}
		two += len(p.Posts) - 1
		checkPosts(t, d, p, leaders)
	}
	if two < 80 || two > 300 {
		t.Error(two, "second posts")
	}
	for _, u := range d.Units {
		run := u.ManagedBy == ""
		if s, ok := d.Unit(u.Parent); ok && s.ManagedBy != "" {
			run = false
		}
		if want := map[bool]int{true: 1}[run]; leaders[u.Key] != want {
			t.Errorf("%s has %d leaders, want %d", u.Name, leaders[u.Key], want)
		}
	}
}

func checkPosts(t *testing.T, d *District, p Person, leaders map[string]int) {
	t.Helper()
	if len(p.Posts) < 1 || len(p.Posts) > 2 {
		t.Errorf("%s has %d posts", p.Name, len(p.Posts))
	}
	for i, post := range p.Posts {
		if _, ok := d.Unit(post.Unit); !ok || post.Main != (i == 0) || post.Title == "" || utf8.RuneCountInString(post.Title) > 40 || post.Rank < 1 || post.Leader && post.Rank != 1 {
			t.Errorf("%s: %+v", p.Name, post)
		}
		if post.Leader {
			leaders[post.Unit]++
			if who, ok := d.Leader(post.Unit); !ok || who.StaffNo != p.StaffNo {
				t.Errorf("the leader of %s is %s, not %s", post.Unit, who.Name, p.Name)
			}
		}
	}
}

func TestBuildIsItsSeed(t *testing.T) {
	a, b := build(t), build(t)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gave two districts")
	}
	c, err := Build(2, People)
	if err != nil || reflect.DeepEqual(a.People, c.People) || !reflect.DeepEqual(a.Units, c.Units) {
		t.Error("another seed gives other people in the same units:", err)
	}
	if _, err := Build(1, 100); err == nil {
		t.Error("a hundred people filled ten thousand posts")
	}
	if d, err := Build(1, 12_345); err != nil || len(d.People) != 12_345 {
		t.Error(err)
	}
}

func TestCast(t *testing.T) {
	for seed := range uint64(5) {
		d, err := Build(seed, People)
		if err != nil {
			t.Fatal(err)
		}
		cast, err := d.Cast()
		if err != nil {
			t.Fatal(err)
		}
		seen, roles := map[string]bool{}, map[string]int{}
		for _, a := range cast {
			if seen[a.Login] || a.Login == "" || a.Name == "" || a.Note == "" || a.Admin == "" && (seen[a.StaffNo] || a.StaffNo == "") {
				t.Errorf("%+v", a)
			}
			seen[a.Login], seen[a.StaffNo] = true, true
			roles[a.Role]++
		}
		for _, r := range Roles() {
			if roles[r.Key] == 0 || r.Name == "" || r.NameEN == "" {
				t.Errorf("nobody is %s", r.Key)
			}
			delete(roles, r.Key)
		}
		if len(roles) != 1 || roles[""] == 0 {
			t.Error("roles nobody declares:", roles)
		}
		for login, title := range map[string]string{"zhuodaoquan.grid": "网格员", "shizishan.leader": "党工委书记", "quwei.leader": "常务副区长"} {
			i := slices.IndexFunc(cast, func(a Account) bool { return a.Login == login })
			if i < 0 || !strings.Contains(cast[i].Title, title) {
				t.Errorf("seed %d: %s is %+v", seed, login, cast[max(i, 0)])
			}
		}
	}
}

func TestNotices(t *testing.T) {
	d := build(t)
	all := Notices()
	if len(all) != 12 || !slices.IsSortedFunc(all, func(a, b Notice) int { return b.DaysAgo - a.DaysAgo }) {
		t.Error(len(all), "notices, the oldest first")
	}
	must := 0
	for _, n := range all {
		if utf8.RuneCountInString(n.Title) < 5 || utf8.RuneCountInString(n.Title) > 100 || len(n.Body) < 100 || strings.Contains(n.Body, "\t") {
			t.Errorf("%s", n.Title)
		}
		for _, u := range append([]string{n.Unit}, n.Units...) {
			if _, ok := d.Unit(u); !ok {
				t.Errorf("%s: no unit %s", n.Title, u)
			}
		}
		if n.Must {
			must++
		}
	}
	if must < 3 || must == len(all) {
		t.Error(must, "ask for a receipt")
	}
}
