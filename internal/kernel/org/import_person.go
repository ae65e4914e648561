package org

import (
	"time"

	"qushu/internal/base/id"
	"qushu/internal/base/store"
	"qushu/internal/base/table"
	"qushu/internal/kernel/org/internal/sheet"
)

// personSheet is the columns of the file people are imported from. Somebody with several posts has a
// row for each, with the same staff number.
func personSheet() []sheet.Column {
	return []sheet.Column{
		{Key: "name", Names: []string{"姓名"}, Need: true, Hint: "张示例"},
		{Key: "staffNo", Names: []string{"工号", "人员编号", "员工号"}, Hint: "A0000"},
		{Key: "unit", Names: []string{"单位", "所在单位", "工作单位", "部门"}, Need: true, Hint: "洪山区/示例街道办事处"},
		{Key: "title", Names: []string{"职务", "岗位"}, Hint: "科员"},
		{Key: "main", Names: []string{"任职类型", "任职方式"}, Hint: "主职"},
		{Key: "rank", Names: []string{"排序", "序号", "排序号"}, Hint: "100"},
		{Key: "leader", Names: []string{"领导", "是否领导"}, Hint: "否"},
		{Key: "sex", Names: []string{"性别"}, Hint: "女"},
		{Key: "mobile", Names: []string{"手机号", "手机", "移动电话", "手机号码"}, Hint: "13800000000"},
		{Key: "officePhone", Names: []string{"办公电话", "座机", "固定电话", "电话"}, Hint: "027-87654321"},
		{Key: "since", Names: []string{"任职日期", "任职时间"}, Hint: "2020-01-01"},
	}
}

// draft is one row of the file: a person with a post, or a further post of a person above.
type draft struct {
	row    int
	person Person
	post   Post
	mobile string
	unit   string // as the file writes it
	index  string
}

// parsePeople turns rows into drafts. What is wrong in the file by itself goes to why.
func parsePeople(rows []sheet.Row, why *sheet.Reasons, now time.Time) ([]*draft, error) {
	var out []*draft
	for _, r := range rows {
		d, err := parsePerson(r, why, now)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	several(out, why)
	return out, nil
}

func parsePerson(r sheet.Row, why *sheet.Reasons, now time.Time) (*draft, error) {
	d := &draft{row: r.Number, unit: r.Get("unit"), person: Person{ID: id.New()}, post: Post{ID: id.New(), Main: true}}
	note := func(column string, err error) error {
		if err == nil {
			return nil
		}
		return why.AddError(r.Number, column, err)
	}
	sex := map[string]string{"": "", "男": "male", "女": "female", "M": "male", "F": "female"}
	f := PersonForm{Name: r.Get("name")}
	var ok bool
	if f.Sex, ok = sex[r.Get("sex")]; !ok {
		why.Add(r.Number, "sex", "org.sex")
	}
	if f.Name != "" {
		if err := note("name", f.apply(&d.person)); err != nil {
			return nil, err
		}
	}
	var err error
	if d.person.StaffNo, err = staffNo(r.Get("staffNo")); err != nil {
		if err := note("staffNo", err); err != nil {
			return nil, err
		}
	}
	if d.person.OfficePhone, err = officePhone(r.Get("officePhone")); err != nil {
		if err := note("officePhone", err); err != nil {
			return nil, err
		}
	}
	if d.mobile, err = mobileNo(r.Get("mobile")); err != nil {
		if err := note("mobile", err); err != nil {
			return nil, err
		}
	}
	return d, parsePost(r, d, why, now)
}

func parsePost(r sheet.Row, d *draft, why *sheet.Reasons, now time.Time) error {
	switch r.Get("main") {
	case "", "主职", "专职", "任职":
	case "兼职", "挂职", "兼任":
		d.post.Main = false
	default:
		why.Add(r.Number, "main", "org.cell_main", r.Get("main"))
	}
	leader, bad := table.Parse(table.TypeBoolean, r.Get("leader"))
	if bad != "" {
		why.Add(r.Number, "leader", bad, r.Get("leader"))
	}
	yes, _ := leader.(bool)
	if err := (PostForm{Title: r.Get("title"), Rank: whole(r, "rank", why), Leader: yes}).apply(&d.post); err != nil && !why.Bad(r.Number) {
		if err := why.AddError(r.Number, "title", err); err != nil {
			return err
		}
	}
	var err error
	if d.post.From, err = since(day(r, "since", why), now); err != nil {
		return why.AddError(r.Number, "since", err)
	}
	return nil
}

// several joins the rows of one staff number into one person and finds numbers given to two.
func several(all []*draft, why *sheet.Reasons) {
	first := map[string]*draft{}
	mains := map[string]int{} // row of the main post
	for _, d := range all {
		no := d.person.StaffNo
		if no == "" {
			if !d.post.Main {
				why.Add(d.row, "staffNo", "org.import_side_alone")
			}
			continue
		}
		if f := first[no]; f == nil {
			first[no] = d
		} else if f.person.Name != d.person.Name {
			why.Add(d.row, "staffNo", "org.import_staff_twice", no, f.row, f.person.Name)
			continue
		} else {
			d.person.ID = f.person.ID
		}
		if row, ok := mains[no]; ok && d.post.Main {
			why.Add(d.row, "staffNo", "org.import_main_twice", no, row)
		} else if d.post.Main {
			mains[no] = d.row
		}
	}
	for no, f := range first {
		if _, ok := mains[no]; !ok {
			why.Add(f.row, "main", "org.import_no_main", f.person.Name)
		}
	}
}

// join finds the unit of each draft. reached says whether the caller may put people there.
func join(d *directory, all []*draft, reached func(Unit) bool, why *sheet.Reasons) {
	type place struct{ person, unit, title string }
	taken := map[place]int{}
	for _, x := range all {
		if x.unit == "" {
			continue
		}
		found := d.find(x.unit)
		switch {
		case len(found) == 0:
			why.Add(x.row, "unit", "org.import_no_unit", x.unit)
		case len(found) > 1:
			why.Add(x.row, "unit", "org.import_which", x.unit)
		case !reached(found[0].Unit):
			why.Add(x.row, "unit", "org.import_denied", found[0].Name)
		default:
			x.post.Person, x.post.Unit = x.person.ID, found[0].ID
			k := place{x.person.ID, x.post.Unit, x.post.Title}
			if row, ok := taken[k]; ok {
				why.Add(x.row, "unit", "org.import_post_twice", row)
			}
			taken[k] = x.row
		}
	}
}

// personRows are what a bulk insert writes: the people, their posts, the posts' spans.
func personRows(d *directory, all []*draft, now store.Time) (people, posts, spans [][]any, ids []string) {
	leader := map[string]bool{}
	for _, x := range all {
		leader[x.person.ID] = leader[x.person.ID] || x.post.Leader || x.post.Rank <= LeaderRank
	}
	for _, x := range all {
		p, t := x.person, x.post
		if t.Main {
			ids = append(ids, p.ID)
			people = append(people, []any{p.ID, p.Name, p.Pinyin, p.Initials, p.Sex, p.StaffNo, p.sealed, x.index, p.OfficePhone, t.Unit, t.Title, leader[p.ID],
				sortKey(d.byID[t.Unit].path, t.Rank, p.Pinyin, p.ID), now, int64(1)})
		}
		posts = append(posts, []any{t.ID, t.Person, t.Unit, t.Title, t.Rank, t.Leader, t.Main, t.From, int64(1)})
		spans = append(spans, []any{t.ID, t.From, t.Person, t.Unit, t.Title, t.Rank, t.Leader, t.Main})
	}
	return people, posts, spans, ids
}

// staffNos are the staff numbers of drafts with their rows.
func staffNos(all []*draft) map[string]int {
	out := map[string]int{}
	for _, d := range all {
		if no := d.person.StaffNo; no != "" && out[no] == 0 {
			out[no] = d.row
		}
	}
	return out
}
