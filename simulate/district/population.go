package district

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"qushu/internal/kernel/codes"
)

// Resident is one row of the population table, as its departments would write it. Names of nation, education and marital
// status are those of codes' dictionaries.
type Resident struct {
	ID        string // area 420199: nobody's
	Name      string
	Sex       string // 男, 女
	Birth     string // 2006-01-02
	Nation    string
	Education string
	Marital   string
	Mobile    string // "" for small children and some of the very old
	Address   string // in a real community
	Street    string // 9-digit code
	Community string // 12-digit code
	Household string
	Kind      string // 户籍人口, 流动人口, 人户分离人口, 寄住人口
	Updated   string // 2006-01-02
	Flaw      Flaw   // what is wrong with the row; not a column
}

// Columns are the headers of the table, in the order of Row.
func Columns() []string {
	return []string{"公民身份号码", "姓名", "性别", "出生日期", "民族", "文化程度", "婚姻状况", "联系电话", "居住地址", "街道代码", "社区代码", "户号", "人口类别", "更新日期"}
}

// Row returns the cells in the order of Columns.
func (r *Resident) Row() [14]string {
	return [...]string{r.ID, r.Name, r.Sex, r.Birth, r.Nation, r.Education, r.Marital, r.Mobile, r.Address, r.Street, r.Community, r.Household, r.Kind, r.Updated}
}

// Options of a population. Flaws is the share of rows with something wrong, 0 to 1.
type Options struct {
	Rows  int
	Seed  uint64
	Flaws float64
}

// MaxRows is how many people there can be: the numbers of one fictional area do not last for more.
const MaxRows = 30_000_000

// perDay is how many numbers one area has for one day and sex (GB 11643-1999: 000 to 999, odd for men).
const perDay = 500

// Population makes rows one by one; a hundred million would take no more memory than one.
type Population struct {
	Options
	names  *names
	places []place
	often  []uint16 // places, each as often as it is large
	dates  []string // 1923-01-01 to today, 2006-01-02
}

// place is a community.
type place struct {
	street, code string
	address      string // down to the community
	village      bool
	campus       bool // a university's
	minorities   bool // the university for the nationalities'
}

// NewPopulation prepares a population. The error is a wrong option or a fault of the build.
func NewPopulation(o Options) (*Population, error) {
	if o.Rows < 0 || o.Rows > MaxRows || o.Flaws < 0 || o.Flaws > 1 {
		return nil, fmt.Errorf("district: a population has 0 to %d rows and a share of flaws from 0 to 1", MaxRows)
	}
	p := &Population{Options: o}
	var err error
	if p.names, err = loadNames(); err != nil {
		return nil, err
	}
	divs, err := codes.LoadDivisions()
	if err != nil {
		return nil, err
	}
	p.settle(divs)
	for d := time.Date(1923, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2024; d = d.AddDate(0, 0, 1) {
		p.dates = append(p.dates, d.Format(time.DateOnly))
	}
	return p, nil
}

// settle lists the communities; villages are small, others of very different size.
func (p *Population) settle(divs *codes.Divisions) {
	r := rand.New(rand.NewPCG(p.Seed, 2))
	for _, s := range divs.Children(Code) {
		street, _, _ := strings.Cut(s.Name, "（") // 东湖风景区街道（洪山）
		for _, c := range divs.Children(s.Code) {
			x := place{street: s.Code, code: c.Code, address: "湖北省武汉市洪山区" + street + spoken(c), village: codes.FormOf(c.Code) == "village", minorities: strings.HasPrefix(c.Name, "民大")}
			for _, school := range []string{"大学", "武汉理工", "华农", "湖工", "民大", "武大", "华师大", "体院", "工程大", "长职"} {
				x.campus = x.campus || strings.HasPrefix(c.Name, school) || strings.Contains(c.Name, "大学")
			}
			size := 6 + r.IntN(14)
			if x.village {
				size = 2 + r.IntN(3)
			}
			for range size {
				p.often = append(p.often, uint16(len(p.places)))
			}
			p.places = append(p.places, x)
		}
	}
}

// All yields the rows, the same ones each time.
func (p *Population) All() iter.Seq[Resident] {
	return func(yield func(Resident) bool) {
		s := &stream{Population: p, r: rand.New(rand.NewPCG(p.Seed, 3))}
		for i := range s.taken {
			s.taken[i] = make([]uint16, len(p.dates))
		}
		for s.rows < p.Rows {
			if !s.household(yield) {
				return
			}
		}
	}
}

// stream is one run over a population.
type stream struct {
	*Population
	r          *rand.Rand
	taken      [2][]uint16 // numbers given out, by sex and day of birth
	rows       int
	people     int
	households int
	members    []member
	home       home
	buf        []byte
}

// home is what the members of a household share.
type home struct {
	*place
	surname, address, number, kind, nation string
}

// household makes one household and yields its members.
func (s *stream) household(yield func(Resident) bool) bool {
	s.households++
	at := &s.places[s.often[s.r.IntN(len(s.often))]]
	form := s.compose(at)
	s.home = home{place: at, surname: pick(s.r, s.names.surnames), nation: s.nation(at), kind: s.kind(form)}
	s.home.address, s.home.number = s.address(at, form)
	for _, m := range s.members {
		if s.rows == s.Rows {
			return false
		}
		res := s.resident(m, form)
		twice := s.Flaws > 0 && s.r.Float64() < s.Flaws && s.spoil(&res)
		s.rows++
		if !yield(res) {
			return false
		}
		if twice && s.rows < s.Rows {
			res.Flaw = Duplicate
			s.rows++
			if !yield(res) {
				return false
			}
		}
	}
	return true
}

// resident makes the row of a member.
func (s *stream) resident(m member, form form) Resident {
	s.people++
	sex := 0
	if m.female {
		sex = 1
	}
	day, seq := s.number(sex, m.age)
	birth := s.dates[day]
	year, _ := strconv.Atoi(birth[:4])
	b := append(s.buf[:0], codes.FictionalArea...)
	b = append(append(append(b, birth[:4]...), birth[5:7]...), birth[8:]...)
	b = append(b, byte('0'+seq/100), byte('0'+seq/10%10), byte('0'+seq%10))
	b = append(b, check(b))
	if m.family {
		b = append(b, s.home.surname...)
	} else {
		b = append(b, pick(s.r, s.names.surnames)...)
	}
	b = append(b, s.names.given(s.r, m.female, year)...)
	name := len(b)
	if s.reachable(m.age) {
		b = strconv.AppendInt(append(b, "154"...), int64(10_000_000+s.people*73_939_133%90_000_000), 10)
	}
	s.buf = b
	all := string(b)
	r := Resident{ID: all[:18], Name: all[18:name], Mobile: all[name:], Sex: "男", Birth: birth, Nation: s.home.nation, Education: s.education(year, m), Marital: s.marital(m, form),
		Address: s.home.address, Street: s.home.street, Community: s.home.code, Household: s.home.number, Kind: s.home.kind}
	if m.female {
		r.Sex = "女"
	}
	if form == dormitory {
		r.Nation = s.nation(s.home.place)
	}
	last := len(s.dates) - 1
	r.Updated = s.dates[max(day, last-min(s.r.IntN(730), s.r.IntN(730)))]
	return r
}

// number takes a free number for somebody of that sex and age: the day of birth and the sequence. When a day has none
// left, in a population of many millions, the next free day is taken.
func (s *stream) number(sex, age int) (day, seq int) {
	day = max(0, len(s.dates)-1-age*1461/4-s.r.IntN(365))
	for s.taken[sex][day] == perDay {
		day = (day + 1) % len(s.dates)
	}
	k := int(s.taken[sex][day])
	s.taken[sex][day]++
	return day, (k*7+day)%perDay*2 + 1 - sex
}

// check is the check character of 17 digits, ISO 7064 MOD 11-2 (GB 11643-1999). codes has it too, behind a slower door.
func check(digits []byte) byte {
	sum := 0
	for i, w := range [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(digits[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}
