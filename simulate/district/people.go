package district

import (
	"fmt"
	"strings"
)

// kindOf says who does a job: how old, and how often a woman.
type kindOf struct{ from, to, women int }

var (
	leaders   = kindOf{42, 59, 25}
	heads     = kindOf{33, 55, 38}
	officials = kindOf{23, 58, 45}
	workers   = kindOf{22, 57, 48}
	community = kindOf{24, 54, 66}
	grid      = kindOf{24, 52, 58}
	outdoors  = kindOf{22, 58, 18}
)

// hire makes a person with his main post.
func (b *builder) hire(unit, title string, rank int, leader bool, k kindOf) {
	sex := Male
	if b.rng.IntN(100) < k.women {
		sex = Female
	}
	age := k.from + b.rng.IntN(k.to-k.from+1)
	birth := today().AddDate(-age, 0, -b.rng.IntN(365))
	n := len(b.d.People)
	p := Person{StaffNo: fmt.Sprintf("HS%05d", n+1), Name: b.names.full(b.rng, sex == Female, birth.Year()), Sex: sex, Birth: birth, Mobile: staffMobile(n)}
	b.d.People = append(b.d.People, p)
	b.appoint(n, unit, title, rank, leader)
}

// appoint gives person i a post, the main one if it is his first.
func (b *builder) appoint(i int, unit, title string, rank int, leader bool) {
	p := &b.d.People[i]
	since := founded().AddDate(0, 0, b.rng.IntN(1700)) // to October 2023
	p.Posts = append(p.Posts, Post{Unit: unit, Title: title, Rank: rank, Leader: leader, Main: len(p.Posts) == 0, Since: since})
	b.d.inUnit[unit] = append(b.d.inUnit[unit], i)
	if leader {
		b.d.leader[unit] = i
	}
}

// staffMobile is the number of the n-th member of staff, n < 1 000 000, different for each and never that of a resident:
// the MIIT has given the prefix 154 to no carrier, and residents' go on with 1 to 9.
func staffMobile(n int) string { return fmt.Sprintf("15400%06d", n*618_033%1_000_000) }

// staffAll fills the posts of every unit the district runs.
func (b *builder) staffAll() {
	for i, title := range b.plan.District {
		b.hire(Code, title, i+1, i == 0, leaders)
	}
	for _, p := range b.plan.Departments {
		b.staffDepartment(p)
	}
	c := b.plan.Centre
	b.hire(c.Key, "党支部书记、"+c.Head, 1, true, leaders)
	b.hire(c.Key, c.Deputy, 2, false, leaders)
	b.hire(c.Key, c.Deputy, 3, false, leaders)
	for k, s := range c.Sections {
		b.staffSection(child(c.Key, k), s.Name, s.Size, []string{"工程师", "助理工程师", "管理岗位", "工作人员"}, workers)
	}
	for _, s := range b.d.below(Code, KindStreet) {
		if s.ManagedBy == "" {
			b.staffStreet(s)
		}
	}
}

// staffDepartment fills a department: its leading group, or a member of the district's as its head, its sections and
// institutions.
func (b *builder) staffDepartment(p department) {
	party := !strings.HasSuffix(p.Name, "局")
	prefix := map[bool]string{false: "党组"}[party]
	if lead := b.districtLeader(p.From); lead >= 0 {
		b.appoint(lead, p.Key, p.Head, 1, true)
	} else if prefix != "" {
		b.hire(p.Key, prefix+"书记、"+p.Head, 1, true, leaders)
	} else {
		b.hire(p.Key, p.Head, 1, true, leaders)
	}
	for i := range 3 + b.rng.IntN(2) {
		title := p.Deputy
		switch {
		case prefix != "":
			title = prefix + "成员、" + p.Deputy
		case i == 0 && p.From != "":
			title = "常务" + p.Deputy
		}
		b.hire(p.Key, title, 2+i, false, leaders)
	}
	for k, s := range p.Sections {
		b.staffSection(child(p.Key, k), s, 5+b.rng.IntN(4), []string{"一级主任科员", "二级主任科员", "三级主任科员", "四级主任科员", "一级科员", "二级科员"}, officials)
	}
	for k, s := range p.Institutions {
		staff, who := []string{"专业技术岗位", "管理岗位", "工作人员"}, workers
		switch {
		case strings.HasSuffix(s.Name, "大队"):
			staff, who = []string{"执法人员", "执法人员", "管理岗位"}, outdoors
		case strings.HasSuffix(s.Name, "所"):
			staff, who = []string{"管理岗位", "技术工人", "工作人员"}, outdoors
		case strings.Contains(s.Name, "值班") || strings.Contains(s.Name, "指挥"):
			staff = []string{"值班员", "调度员"}
		}
		b.staffSection(child(p.Key, 50+k), s.Name, s.Size, staff, who)
	}
}

// districtLeader returns the member of the district's leadership of that title, -1 for none.
func (b *builder) districtLeader(title string) int {
	for i, t := range b.plan.District {
		if title != "" && t == title {
			return i
		}
	}
	return -1
}

// staffSection fills a section or institution of size people: a head, a deputy for every eight, the others by titles.
func (b *builder) staffSection(key, name string, size int, titles []string, who kindOf) {
	head := "主任"
	for _, end := range []struct{ of, head string }{{"科", "科长"}, {"部", "部长"}, {"大队", "大队长"}, {"所", "所长"}, {"站", "站长"}, {"局", "局长"}, {"馆", "馆长"}, {"院", "院长"}, {"处", "处长"}, {"秘书处", "秘书长"}} {
		if strings.HasSuffix(name, end.of) {
			head = end.head
		}
	}
	b.hire(key, head, 1, true, heads)
	deputies := (size + 3) / 8
	for i := range deputies {
		b.hire(key, "副"+head, 2+min(i, 7), false, heads)
	}
	for i := range size - 1 - deputies {
		b.hire(key, pick(b.rng, titles), 20+i, false, who)
	}
}

// staffStreet fills a street the district runs, and the posts every community has.
func (b *builder) staffStreet(s Unit) {
	party, chief, vice := partyOf(s), "办事处主任", "办事处副主任"
	if party == "乡党委" {
		chief, vice = "乡长", "副乡长"
	}
	b.hire(s.Key, party+"书记", 1, true, leaders)
	b.hire(s.Key, party+"副书记、"+chief, 2, false, leaders)
	for i, title := range []string{party + "副书记", "人大工委主任", "纪工委书记", party + "委员、组织委员", party + "委员、宣传委员", party + "委员、政法委员", vice, vice} {
		b.hire(s.Key, title, 3+min(i, 6), false, leaders)
	}
	for k, x := range b.plan.Street.Sections {
		staff, who := []string{"一级科员", "四级主任科员", "工作人员", "工作人员"}, workers
		switch {
		case strings.Contains(x.Name, "执法"):
			staff, who = []string{"执法队员", "执法队员", "协管员"}, outdoors
		case strings.Contains(x.Name, "网格化"):
			staff = []string{"网格调度员", "值班员", "工作人员"}
		}
		b.staffSection(child(s.Key, k), x.Name, x.Size, staff, who)
	}
	for _, c := range b.d.below(s.Key, KindCommunity) {
		place, council := "社区", "居委会"
		if strings.HasSuffix(c.Short, "村") {
			place, council = "村", "村委会"
		}
		b.hire(c.Key, place+"党组织书记、"+council+"主任", 1, true, community)
		b.hire(c.Key, place+"党组织副书记", 2, false, community)
		b.hire(c.Key, council+"副主任", 3, false, community)
		for i := range 4 {
			b.hire(c.Key, council+"委员", 20+i, false, community)
		}
	}
}

// partyOf names the party's committee of a street or township.
func partyOf(s Unit) string {
	if strings.HasSuffix(s.Name, "街道") {
		return "党工委"
	}
	return "乡党委"
}

// fill makes grid and community workers, a round at a time, until the district has that many people.
func (b *builder) fill(people int) {
	var where []string
	for _, s := range b.d.below(Code, KindStreet) {
		if s.ManagedBy == "" {
			for _, c := range b.d.below(s.Key, KindCommunity) {
				where = append(where, c.Key)
			}
		}
	}
	for i := 0; len(b.d.People) < people; i++ {
		key, round := where[i%len(where)], i/len(where)
		if round%5 < 3 {
			b.hire(key, "网格员", 40+round, false, grid)
		} else {
			b.hire(key, "社区工作者", 70+round, false, community)
		}
	}
}

// lend gives some people a second post: department section heads sent to streets (挂职), street leaders who are first
// secretaries of communities, and the big data centre's head at the bureau that guides it.
func (b *builder) lend() {
	streets := b.d.below(Code, KindStreet)
	own := streets[:0:0]
	for _, s := range streets {
		if s.ManagedBy == "" {
			own = append(own, s)
		}
	}
	for i, p := range b.plan.Departments {
		if lead, ok := b.d.leader[child(p.Key, 1)]; ok {
			s := own[i%len(own)]
			b.appoint(lead, s.Key, partyOf(s)+"副书记（挂职）", 9, false)
		}
	}
	for _, s := range own {
		communities := b.d.below(s.Key, KindCommunity)
		for k, i := range b.d.inUnit[s.Key][2:8] {
			if k < len(communities) {
				b.appoint(i, communities[k].Key, "第一书记（兼）", 9, false)
			}
		}
	}
	if guide, ok := b.byName(b.plan.Centre.Guided); ok {
		b.appoint(b.d.leader[b.plan.Centre.Key], guide, "副局长（兼）", 8, false)
	}
}

// byName returns the key of the department of that name.
func (b *builder) byName(name string) (string, bool) {
	for _, p := range b.plan.Departments {
		if p.Name == name {
			return p.Key, true
		}
	}
	return "", false
}

// relate writes the relations and the one leading group the seed tells of: two heads, its office at the centre.
func (b *builder) relate() {
	c := b.plan.Centre
	if guide, ok := b.byName(c.Guided); ok {
		b.d.Relations = append(b.d.Relations, Relation{"guidance", guide, c.Key})
	}
	staff := func(i int) string { return b.d.People[i].StaffNo }
	at := b.d.inUnit[Code]
	g := Group{Name: "区数字政府和智慧城市建设工作领导小组", Duty: "统筹推进全区数字政府和智慧城市建设，研究重大事项，督促检查落实。", Office: c.Key,
		Heads: []string{staff(at[0]), staff(at[1])}, Deputies: []string{staff(at[5])}, OfficeHead: staff(b.d.leader[c.Key])}
	for _, p := range b.plan.Departments {
		if strings.HasSuffix(p.Name, "局") {
			g.Members = append(g.Members, staff(b.d.leader[p.Key]))
		}
	}
	b.d.Groups = append(b.d.Groups, g)
}
