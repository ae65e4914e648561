package district

import (
	"strconv"
	"strings"
)

// form is how the members of a household belong together.
type form int

const (
	family form = iota
	alone
	widowed
	shared    // tenants
	dormitory // students
)

// member is one of a household before he has a name.
type member struct {
	age    int
	female bool
	family bool // bears the household's surname
	couple bool
}

// compose fills s.members. The shares give Hongshan's shape: many students and tenants in their twenties, few children,
// a sixth over sixty.
func (s *stream) compose(at *place) form {
	r := s.r
	s.members = s.members[:0]
	add := func(age int, female, kin, couple bool) {
		s.members = append(s.members, member{min(age, 99), female, kin, couple})
	}
	pair := func(from, to int) int {
		age := from + r.IntN(to-from+1)
		add(age, false, true, true)
		add(age-3+r.IntN(6), true, false, true)
		return age
	}
	children := func(age int) {
		for range 1 + r.IntN(10)/7 {
			if child := age - 24 - r.IntN(9); child >= 0 {
				add(child, r.IntN(100) < 47, true, false)
			}
		}
	}
	if at.campus && r.IntN(100) < 55 {
		female := r.IntN(2) == 0
		for range 4 {
			add(18+min(r.IntN(9), r.IntN(9)), female, false, false)
		}
		return dormitory
	}
	switch x := r.IntN(100); {
	case x < 30:
		children(pair(26, 54))
	case x < 46:
		pair(24, 64)
	case x < 62:
		add(20+min(r.IntN(35), r.IntN(35)), r.IntN(2) == 0, true, false)
		return alone
	case x < 75:
		pair(60, 84)
	case x < 81:
		add(62+r.IntN(32), r.IntN(100) < 68, true, false)
		return widowed
	case x < 91:
		age := pair(28, 45)
		children(age)
		add(age+23+r.IntN(8), r.IntN(100) < 60, true, false)
	default:
		for range 2 + r.IntN(2) {
			add(20+r.IntN(14), r.IntN(2) == 0, false, false)
		}
		return shared
	}
	return family
}

// address is where the household lives and its number.
func (s *stream) address(at *place, f form) (address, number string) {
	r := s.r
	var b strings.Builder
	b.Grow(len(at.address) + 40)
	b.WriteString(at.address)
	num := func(n int, after string) { b.WriteString(strconv.Itoa(n)); b.WriteString(after) }
	room := func() { num((1+r.IntN(28))*100+1+r.IntN(6), "室") }
	switch {
	case f == dormitory:
		b.WriteString("学生公寓")
		num(1+r.IntN(20), "栋")
		num((1+r.IntN(7))*100+1+r.IntN(40), "室")
	case at.village:
		num(1+r.IntN(9), "组")
		num(1+r.IntN(120), "号")
	default:
		num(1+r.IntN(40), "栋")
		num(1+r.IntN(4), "单元")
		room()
	}
	n := strconv.Itoa(10_000_000 + s.households)
	return b.String(), at.code[6:] + n[1:]
}

// kind is 人口类别.
func (s *stream) kind(f form) string {
	x := s.r.IntN(100)
	switch {
	case f == dormitory:
		return "寄住人口"
	case f == shared || x < 24:
		return "流动人口"
	case x < 33:
		return "人户分离人口"
	}
	return "户籍人口"
}

// nation draws 民族: Han but for about four in a hundred, a third at the university for the nationalities.
func (s *stream) nation(at *place) string {
	few := 36
	if at.minorities {
		few = 340
	}
	if s.r.IntN(1000) >= few {
		return "汉族"
	}
	return pick(s.r, []string{"土家族", "土家族", "土家族", "土家族", "回族", "回族", "苗族", "苗族", "壮族", "满族", "蒙古族", "侗族", "维吾尔族", "藏族", "彝族"})
}

// schooling is the share of each level among the grown-up, of a hundred, by the last birth year.
type schooling struct {
	until  int
	shares [7]int
}

// education draws 文化程度 by age, or by generation for the grown-up.
func (s *stream) education(year int, m member) string {
	switch age := m.age; {
	case age < 6:
		return "其他"
	case age < 12:
		return "小学教育"
	case age < 15:
		return "初级中学教育"
	case age < 18 && s.r.IntN(100) < 75:
		return "普通高级中学教育"
	case age < 18:
		return "中等职业教育"
	}
	x := s.r.IntN(100)
	for _, g := range [...]schooling{{1944, [7]int{52, 26, 10, 2, 5, 5, 0}}, {1964, [7]int{20, 38, 22, 5, 8, 6, 1}}, {1984, [7]int{5, 28, 16, 8, 18, 20, 5}}, {9999, [7]int{1, 9, 10, 7, 23, 38, 12}}} {
		if year > g.until {
			continue
		}
		for i, share := range g.shares {
			if x -= share; x < 0 {
				return [...]string{"小学教育", "初级中学教育", "普通高级中学教育", "中等职业教育", "大学专科教育", "大学本科教育", "研究生教育"}[i]
			}
		}
	}
	return "其他"
}

// marital draws 婚姻状况.
func (s *stream) marital(m member, f form) string {
	x := s.r.IntN(100)
	switch {
	case m.couple:
		return "已婚"
	case m.age < 24 || f == dormitory:
		return "未婚"
	case m.age >= 60 && x < 82:
		return "丧偶"
	case m.age >= 35 && x < 55:
		return "离婚"
	case m.age >= 35 && x < 75:
		return "已婚" // lives apart
	case x < 12:
		return "离婚"
	}
	return "未婚"
}

// reachable reports whether somebody of that age has a mobile number.
func (s *stream) reachable(age int) bool {
	x := s.r.IntN(100)
	return age >= 14 && age < 80 || age >= 8 && age < 14 && x < 45 || age >= 80 && x < 65
}
