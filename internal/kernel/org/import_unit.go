package org

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/kernel/org/internal/sheet"
)

// unitSheet is the columns of the file units are imported from.
func unitSheet() []sheet.Column {
	return []sheet.Column{
		{Key: "name", Names: []string{"单位名称", "名称", "机构名称", "全称"}, Need: true, Hint: "示例街道办事处"},
		{Key: "parent", Names: []string{"上级单位", "上级", "主管单位", "上级机构"}, Hint: "洪山区"},
		{Key: "kind", Names: []string{"类型", "单位类型", "机构类型"}, Need: true, Hint: "街道"},
		{Key: "short", Names: []string{"简称"}, Hint: "示例街道"},
		{Key: "aliases", Names: []string{"别名", "曾用名"}, Hint: "示例街办、示例街"},
		{Key: "code", Names: []string{"代码", "统一社会信用代码", "信用代码", "区划代码"}, Hint: "420111999"},
		{Key: "rank", Names: []string{"排序", "序号", "顺序"}, Hint: "10"},
		{Key: "street", Names: []string{"辖区代码", "街道代码", "所属街道代码"}, Hint: ""},
		{Key: "since", Names: []string{"成立日期", "设立日期"}, Hint: "2020-01-01"},
	}
}

// kindNames are the kinds as people write them.
var kindNames = map[string]Kind{
	"区": District, "区级": District, "部门": Department, "区直部门": Department, "机关": Department, "街道": Street, "街道办事处": Street, "乡": Street, "镇": Street, "乡镇": Street,
	"社区": Community, "村": Community, "居委会": Community, "事业单位": Institution, "事业": Institution, "企业": Enterprise, "国企": Enterprise, "国有企业": Enterprise,
	"内设机构": Section, "科室": Section, "科": Section, "系统": Cluster, "口": Cluster, "分组": Cluster,
}

// kindTitles are the kinds as exports write them.
var kindTitles = map[Kind]string{District: "区", Department: "部门", Street: "街道", Community: "社区", Institution: "事业单位", Enterprise: "企业", Section: "内设机构", Cluster: "系统"}

// joined writes aliases into one cell.
func joined(aliases []string) string { return strings.Join(aliases, "、") }

// node is a unit an import speaks of: one that is there, or one the file makes.
type node struct {
	Unit
	row    int // of the file, 0 for one that is there
	up     *node
	parent string // as the file writes it
	day    string
}

// names are what a node is known by.
func (n *node) names() []string { return append([]string{n.Name, n.Short}, n.Aliases...) }

// directory finds units by code, name or path.
type directory struct {
	all    []*node
	byID   map[string]*node
	byCode map[string][]*node
	byName map[string][]*node
}

func newDirectory(have []Unit) *directory {
	d := &directory{byID: map[string]*node{}, byCode: map[string][]*node{}, byName: map[string][]*node{}}
	for _, u := range have {
		d.add(&node{Unit: u})
	}
	for _, n := range d.all {
		n.up = d.byID[n.Parent]
	}
	return d
}

func (d *directory) add(n *node) {
	d.all = append(d.all, n)
	d.byID[n.ID] = n
	if n.Code != "" {
		d.byCode[n.Code] = append(d.byCode[n.Code], n)
	}
	for _, name := range n.names() {
		if name != "" && !slices.Contains(d.byName[name], n) {
			d.byName[name] = append(d.byName[name], n)
		}
	}
}

// find returns the units that ref may mean: a code, a name, or names from above joined by / or ＞.
func (d *directory) find(ref string) []*node {
	ref = clean(ref)
	if code, err := unitCode(ref); err == nil && code != "" && len(d.byCode[code]) > 0 {
		return d.byCode[code]
	}
	parts := strings.FieldsFunc(ref, func(r rune) bool { return strings.ContainsRune("/／>＞→\\", r) })
	if len(parts) == 0 {
		return nil
	}
	for i := range parts {
		parts[i] = clean(parts[i])
	}
	var out []*node
	for _, n := range d.byName[parts[len(parts)-1]] {
		if n.stands(parts) {
			out = append(out, n)
		}
	}
	if exact := slices.DeleteFunc(slices.Clone(out), func(n *node) bool { return n.Name != parts[len(parts)-1] }); len(exact) > 0 {
		return exact // a full name goes before another unit's short name
	}
	return out
}

// stands reports whether n and the units over it are named as parts says, from the bottom up.
func (n *node) stands(parts []string) bool {
	for i := len(parts) - 1; i >= 0; i-- {
		if n == nil || !slices.Contains(n.names(), parts[i]) {
			return false
		}
		n = n.up
	}
	return true
}

// parseUnits turns rows into nodes. What is wrong in a row by itself goes to why.
func parseUnits(rows []sheet.Row, why *sheet.Reasons, now time.Time) ([]*node, error) {
	var out []*node
	for _, r := range rows {
		n := &node{Unit: Unit{ID: id.New(), Version: 1}, row: r.Number, parent: r.Get("parent")}
		f := UnitForm{Name: r.Get("name"), Short: r.Get("short"), Code: r.Get("code"), Street: r.Get("street"), Kind: kindNames[r.Get("kind")],
			Aliases: strings.FieldsFunc(r.Get("aliases"), func(c rune) bool { return strings.ContainsRune("、,，;；|", c) })}
		if f.Kind == "" && r.Get("kind") != "" {
			why.Add(r.Number, "kind", "org.unit_kind", r.Get("kind"))
		}
		f.Rank = whole(r, "rank", why)
		n.day = day(r, "since", why)
		if why.Bad(r.Number) {
			continue
		}
		if err := f.apply(&n.Unit); err != nil {
			if err := why.AddError(r.Number, unitColumn(err), err); err != nil {
				return nil, err
			}
			continue
		}
		var err error
		if n.Since, err = since(n.day, now); err != nil {
			if err := why.AddError(r.Number, "since", err); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, n)
	}
	return out, nil
}

// unitColumn is the column that an error of UnitForm.apply speaks of.
func unitColumn(err error) string {
	switch errs.KeyOf(err) {
	case "org.unit_name":
		return "name"
	case "org.street_code":
		return "street"
	}
	return "code"
}

// whole reads a cell as a whole number from 1 to 9999; 0 for a blank one.
func whole(r sheet.Row, key string, why *sheet.Reasons) int {
	s := r.Get(key)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(s, ".0"))
	if err != nil || n < 1 || n > 9999 {
		why.Add(r.Number, key, "org.cell_rank", s)
	}
	return n
}

// day reads a cell as a date and returns it as 2006-01-02, "" for a blank one.
func day(r sheet.Row, key string, why *sheet.Reasons) string {
	v, bad := table.Parse(table.TypeDate, r.Get(key))
	if bad != "" {
		why.Add(r.Number, key, bad, r.Get(key))
		return ""
	}
	if d, ok := v.(time.Time); ok {
		return d.Format("2006-01-02")
	}
	return ""
}

// plant finds the parent of each new node among those that are there and the other new ones, and gives
// each its path and street. The result has parents before their children.
func plant(d *directory, fresh []*node, why *sheet.Reasons) []*node {
	for _, n := range fresh {
		d.add(n)
	}
	for range MaxDepth { // a path may go through a unit further down in the file: once more as long as that helps
		more := false
		for _, n := range fresh {
			if n.up == nil && n.parent != "" {
				if found := d.find(n.parent); len(found) == 1 && found[0] != n {
					n.up, more = found[0], true
				}
			}
		}
		if !more {
			break
		}
	}
	var out []*node
	placed := map[*node]int{} // 1 on the way up, 2 placed
	for _, n := range fresh {
		lodge(d, n, placed, why, &out)
	}
	for _, n := range out {
		if depth := len(n.path) / len(segment(0, n.ID)); depth > MaxDepth {
			why.Add(n.row, "parent", "org.too_deep", MaxDepth)
		}
	}
	return out
}

// lodge places n after the units over it; false when one of them cannot be placed.
func lodge(d *directory, n *node, placed map[*node]int, why *sheet.Reasons, out *[]*node) bool {
	switch {
	case n == nil || n.row == 0 || placed[n] == 2:
		return n == nil || !why.Bad(n.row) || n.row == 0
	case placed[n] == 1:
		why.Add(n.row, "parent", "org.import_cycle", n.Name)
		return false
	}
	placed[n] = 1
	defer func() { placed[n] = 2 }()
	if n.up == nil && n.parent != "" {
		if len(d.find(n.parent)) > 1 {
			why.Add(n.row, "parent", "org.import_which", n.parent)
		} else {
			why.Add(n.row, "parent", "org.import_no_unit", n.parent)
		}
		return false
	}
	if !lodge(d, n.up, placed, why, out) {
		if !why.Bad(n.row) {
			why.Add(n.row, "parent", "org.import_parent_bad", n.parent)
		}
		return false
	}
	over := Unit{}
	if n.up != nil {
		over = n.up.Unit
	}
	n.Parent = over.ID
	n.path, n.Street = place(over.path, over.Street, n.Unit)
	*out = append(*out, n)
	return true
}

// clashes finds names used twice under one parent and codes used twice.
func clashes(d *directory, why *sheet.Reasons) {
	type key struct{ parent, name string }
	names := map[key]*node{}
	codes := map[string]*node{}
	for _, n := range d.all {
		if !n.Closed.IsZero() {
			continue
		}
		k := key{n.Parent, n.Name}
		if other := names[k]; other != nil && n.row > 0 {
			why.Add(n.row, "name", "org.import_name_twice", n.Name)
		} else {
			names[k] = n
		}
		if other := codes[n.Code]; n.Code != "" && other != nil && n.row > 0 {
			why.Add(n.row, "code", "org.unit_code_taken", n.Code, other.Name)
		} else {
			codes[n.Code] = n
		}
	}
}

// home is the nearest unit at or above n that is no section, n itself when there is none.
func (n *node) home() *node {
	for over := n; over != nil; over = over.up {
		if over.Kind != Section {
			return over
		}
	}
	return n
}

// unitRows are what a bulk insert writes: the units, their closure, their spans.
func unitRows(fresh []*node) (units, below, spans [][]any) {
	for _, n := range fresh {
		u := n.Unit
		units = append(units, []any{u.ID, u.Code, u.Name, u.Short, store.JSON[[]string]{V: u.Aliases}, u.Pinyin, u.Initials, string(u.Kind), u.Parent, u.Rank, u.path, u.StreetOwn, u.Street, u.Since, store.Time{}, int64(1)})
		spans = append(spans, []any{u.ID, u.Since, u.Code, u.Name, u.Short, string(u.Kind), u.Parent, u.Rank, u.Street})
		depth, home := 0, n.home()
		for over := n; over != nil; over = over.up {
			below = append(below, []any{over.ID, u.ID, depth, over == home})
			depth++
		}
	}
	return units, below, spans
}
