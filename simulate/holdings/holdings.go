// Package holdings makes the tables a district holds beside its population table: what they are called, who provides them,
// what stands in them. Persons are those of the population table, firms are made by number, so that a person or a firm of one
// table is found in others; some values are wrong in the ways of real departments. All of it is fictional.
package holdings

import (
	"bufio"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"qushu/internal/kernel/codes"
	"qushu/simulate/district"
)

//go:embed data/tables.txt
var data embed.FS

// Table is one table of a district.
type Table struct {
	Domain   string // 人口, 法人, 城运 …
	Key      string // what programs call it: letters, digits, underscores
	Title    string
	Provider string // in words
	Cycle    string // 实时, 每日 …
	Weight   int    // its share of the rows
	Columns  []string
}

// providers are the bodies that provide the tables, by the short keys of the list.
var providers = map[string]string{"GA": "区公安分局", "WJ": "区卫生健康局", "MZ": "区民政局", "CL": "区残疾人联合会", "RS": "区人力资源和社会保障局", "YB": "区医疗保障局", "JY": "区教育局",
	"TY": "区退役军人事务局", "FG": "区住房保障和房屋管理局", "SC": "区市场监督管理局", "SW": "区税务局", "BB": "区委编办", "TZ": "区委统战部", "ZZ": "区委组织部", "ZG": "区总工会", "JS": "区城乡建设局",
	"YJ": "区应急管理局", "XF": "区消防救援大队", "HB": "区生态环境分局", "SL": "区水务和湖泊局", "JT": "区交通运输局", "WL": "区文化和旅游局", "KJ": "区科学技术和经济信息化局", "TJ": "区统计局",
	"SW2": "区商务局", "CZ": "区财政局", "FY": "区人民法院", "DSJ": "区大数据中心", "CG": "区城市管理执法局", "ZF": "区委政法委", "YL": "区园林和林业局", "SP": "区行政审批局", "ZR": "区自然资源和规划分局",
	"FGW": "区发展和改革局", "ZS": "区投资促进中心", "XY": "区信用建设办公室", "BG": "区政府办公室", "SF": "区司法局", "TW": "团区委"}

// Tables lists them: 252, which with the population table are the 253 of the seed (seed: 三、(二)).
func Tables() ([]Table, error) {
	f, err := data.Open("data/tables.txt")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Table
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		p := strings.Split(s.Text(), "|")
		if len(p) != 7 {
			return nil, fmt.Errorf("holdings: line %d has %d parts", n, len(p))
		}
		w, err := strconv.Atoi(p[5])
		if err != nil || providers[p[3]] == "" {
			return nil, fmt.Errorf("holdings: line %d: weight %q, provider %q", n, p[5], p[3])
		}
		out = append(out, Table{Domain: p[0], Key: p[1], Title: p[2], Provider: providers[p[3]], Cycle: p[4], Weight: w, Columns: strings.Fields(p[6])})
	}
	return out, s.Err()
}

// Share gives each table its part of rows by weight, ten at least.
func Share(all []Table, rows int) []int {
	sum := 0
	for _, t := range all {
		sum += t.Weight
	}
	out := make([]int, len(all))
	for i, t := range all {
		out[i] = max(10, rows*t.Weight/sum)
	}
	return out
}

// Personal reports whether a table is about persons of the population table.
func (t Table) Personal() bool {
	return t.Columns[0] == "公民身份号码" || t.Columns[0] == "男方身份号码"
}

// Write writes rows of a table as CSV with a header. People are taken from residents in their order, again and again.
func (t Table) Write(w io.Writer, rows int, seed uint64, residents func() iter.Seq[district.Resident]) error {
	m := &maker{r: rand.New(rand.NewPCG(seed, hash(t.Key)))}
	if next, stop := iter.Pull(residents()); residents != nil {
		m.next, m.stop, m.again = next, stop, residents
		defer func() { m.stop() }()
	}
	c := csv.NewWriter(w)
	if err := c.Write(t.Columns); err != nil {
		return err
	}
	row := make([]string, len(t.Columns))
	for i := range rows {
		m.begin(t, i)
		for j, title := range t.Columns {
			row[j] = m.spoil(j, m.value(title))
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// maker makes the values of one table.
type maker struct {
	r     *rand.Rand
	next  func() (district.Resident, bool)
	stop  func()
	again func() iter.Seq[district.Resident]
	who   district.Resident
	firm  int
	at    int
	from  time.Time
}

// begin takes the person, the firm and the day of a row.
func (m *maker) begin(t Table, i int) {
	m.at = i
	if t.Personal() || i%4 == 0 {
		m.who = m.resident()
	}
	m.firm = int(m.r.ExpFloat64()*9000) % firms
	if t.Key == "fr_001" { // the register itself has each firm once
		m.firm = i % firms
	}
	m.from = time.Date(2019, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(m.r.IntN(5*365*24*60)) * time.Minute)
}

func (m *maker) resident() district.Resident {
	r, ok := m.next()
	if !ok {
		m.stop()
		m.next, m.stop = iter.Pull(m.again())
		r, _ = m.next()
	}
	return r
}

// spoil makes a value wrong now and then, in the ways of departments. The first column, the key, stays.
func (m *maker) spoil(column int, v string) string {
	if column == 0 || m.r.IntN(900) > 0 {
		return v
	}
	switch m.r.IntN(5) {
	case 0:
		return ""
	case 1:
		return "无"
	case 2:
		return " " + v + "　"
	case 3:
		return wide(v)
	}
	return strings.ReplaceAll(v, "-", "/")
}

// wide writes ASCII digits as full-width ones.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '０'
		}
		return r
	}, s)
}

const firms = 120_000

// creditCode is the code of a firm by its number. Area 420199 is nobody's, as with persons.
func creditCode(n int) string {
	c, err := codes.MakeCreditCode("91", codes.FictionalArea, fmt.Sprintf("MA%06d", n))
	if err != nil {
		panic("holdings: " + err.Error()) // only digits come here
	}
	return c
}
