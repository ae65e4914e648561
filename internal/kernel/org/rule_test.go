package org

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/kernel/org/internal/sheet"
)

func TestPersonName(t *testing.T) {
	for _, c := range []struct{ in, out, bad string }{
		{"张伟", "张伟", ""},
		{" 张  伟 ", "张伟", ""},
		{"阿依古丽•买买提", "阿依古丽·买买提", ""},
		{"John  Smith", "John Smith", ""},
		{"张", "", "org.name_length"},
		{"", "", "org.name_length"},
		{"张3", "", "org.name_chars"},
		{"张<script>", "", "org.name_chars"},
		{strings.Repeat("长", 41), "", "org.name_length"},
	} {
		got, err := personName(c.in)
		if got != c.out || errs.KeyOf(err) != c.bad {
			t.Errorf("%q: %q %v", c.in, got, err)
		}
	}
}

func TestStaffNo(t *testing.T) {
	for _, c := range []struct {
		in, out string
		ok      bool
	}{
		{"", "", true}, {" hs-001 ", "HS-001", true}, {"A 1", "", false}, {"工1", "", false}, {strings.Repeat("1", 21), "", false},
	} {
		got, err := staffNo(c.in)
		if got != c.out || (err == nil) != c.ok {
			t.Errorf("%q: %q %v", c.in, got, err)
		}
	}
}

func TestUnitCodes(t *testing.T) {
	for _, c := range []struct {
		code, street string
		kind         Kind
		out, own     string
		bad          string
	}{
		{"", "", Department, "", "", ""},
		{"420111001", "", Street, "420111001", "420111001", ""}, // a street answers for the division it is
		{"420111001000", "", Street, "420111001", "420111001", ""},
		{"420111001", "", Department, "420111001", "", ""},
		{"420111001003", "", Community, "420111001003", "", ""},
		{"", "420111001", Department, "", "420111001", ""},
		{"", "420111001003", Department, "", "", "org.street_code"},
		{"", "420111", Department, "", "", "org.street_code"},
		{"91350100M000100Y43", "", Enterprise, "91350100M000100Y43", "", ""},
		{"91350100m000100y43", "", Enterprise, "91350100M000100Y43", "", ""},
		{"91350100M000100Y44", "", Enterprise, "", "", "codes.uscc_check"},
		{"12", "", Enterprise, "", "", "codes.uscc_length"},
	} {
		var u Unit
		err := UnitForm{Name: "某单位", Kind: c.kind, Code: c.code, Street: c.street}.apply(&u)
		if errs.KeyOf(err) != c.bad || err == nil && (u.Code != c.out || u.StreetOwn != c.own) {
			t.Errorf("%+v: %q %q %v", c, u.Code, u.StreetOwn, err)
		}
	}
}

func TestDates(t *testing.T) {
	at, err := asOf("2022-12-31")
	if err != nil || !at.Equal(time.Date(2022, 12, 31, 15, 59, 59, 999_999_000, time.UTC)) {
		t.Error(at, err)
	}
	if at, err := asOf(""); err != nil || !at.IsZero() {
		t.Error(at, err)
	}
	now := time.Date(2023, 6, 1, 1, 0, 0, 0, time.UTC) // 09:00 in the district
	for _, c := range []struct{ in, want, bad string }{
		{"2023-06-01", "2023-05-31T16:00:00Z", ""}, {"", "2023-06-01T01:00:00Z", ""}, {"2023-06-02", "", "org.date_future"}, {"01/06/2023", "", "org.date"},
	} {
		got, err := since(c.in, now)
		if errs.KeyOf(err) != c.bad || err == nil && got.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%q: %v %v", c.in, got, err)
		}
	}
}

func TestFindUnit(t *testing.T) {
	d := newDirectory([]Unit{
		{ID: "1", Name: "洪山区", Kind: District},
		{ID: "2", Name: "狮子山街道", Short: "狮子山", Parent: "1", Code: "420111001"},
		{ID: "3", Name: "关山街道", Parent: "1"},
		{ID: "4", Name: "办公室", Parent: "2"},
		{ID: "5", Name: "办公室", Parent: "3"},
		{ID: "6", Name: "狮子山", Parent: "3"},
		{ID: "7", Name: "信访局", Aliases: []string{"信访办"}, Parent: "1"},
	})
	for ref, want := range map[string]string{
		"洪山区": "1", "狮子山街道": "2", "420111001": "2", "420111001000": "2", "办公室": "4 5", "关山街道/办公室": "5", "洪山区／关山街道／办公室": "5", "洪山区 / 关山街道 / 办公室": "5",
		"狮子山": "6", "狮子山/办公室": "4", "信访办": "7", "没有": "", "": "", "/": "", "洪山区/办公室": "",
	} {
		var got []string
		for _, n := range d.find(ref) {
			got = append(got, n.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", ref, got, want)
		}
	}
}

// Whatever parents a file writes, each new unit is placed once with its parent before it, or has a reason.
func FuzzPlant(f *testing.F) {
	for _, s := range []string{"a>", "a>b b>a", "a>顶 b>a c>a/b", "a>a", "x>y y>z z>x w>x", "a>顶 a>顶", "b>a/b a>顶", "c>b/a a>顶 b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		why := sheet.NewReasons(unitSheet())
		d := newDirectory([]Unit{{ID: "top", Name: "顶", path: "0"}})
		var fresh []*node
		for i, line := range strings.Fields(s) {
			name, parent, _ := strings.Cut(line, ">")
			fresh = append(fresh, &node{Unit: Unit{ID: fmt.Sprintf("%026d", i), Name: name, Rank: 1}, row: i + 2, parent: parent})
		}
		placed := plant(d, fresh, why)
		for i, n := range placed {
			if n.up != nil && n.up.row > 0 && slices.Index(placed, n.up) >= i {
				t.Errorf("%s stands before its parent", n.Name)
			}
			if n.up != nil && (n.Parent != n.up.ID || !strings.HasPrefix(n.path, n.up.path)) {
				t.Errorf("%s: parent %s path %s", n.Name, n.Parent, n.path)
			}
			if slices.Contains(placed[i+1:], n) {
				t.Errorf("%s is placed twice", n.Name)
			}
		}
		for _, n := range fresh {
			if deep := len(n.path) > MaxDepth*len(segment(0, n.ID)); slices.Contains(placed, n) == why.Bad(n.row) && !deep {
				t.Errorf("row %d: placed %v, reasons %v", n.row, slices.Contains(placed, n), why.Err("x"))
			}
		}
	})
}
