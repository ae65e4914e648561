package codes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Level is how deep a division lies.
type Level int

// The levels, as the digits of a code cut them: 2 + 2 + 2 + 3 + 3 (GB/T 2260, statistical division code).
const (
	Province  Level = iota + 1 // 省
	City                       // 市
	County                     // 区, 县
	Street                     // 街道, 镇, 乡
	Community                  // 社区, 村
)

// Key is the text key of the level's name.
func (l Level) Key() string {
	return "codes.level_" + [...]string{"", "province", "city", "county", "street", "community"}[l]
}

// ParseDivision brings a division code of 6, 9 or 12 digits to its shortest form: 6 digits down to the county, 9 for a
// street, 12 for a community; zeros only fill (420111000000 is 420111). The error is Invalid, codes.division.
func ParseDivision(s string) (code string, level Level, err error) {
	if !allDigits(s) || s[0] == '0' || s[0] == '9' || len(s) != 6 && len(s) != 9 && len(s) != 12 {
		return "", 0, invalid("division")
	}
	for len(s) > 6 && s[len(s)-3:] == "000" {
		s = s[:len(s)-3]
	}
	switch {
	case len(s) == 12 && s[6:9] == "000" || s[2:4] == "00" && (s[4:6] != "00" || len(s) > 6):
		return "", 0, invalid("division") // a community of no street, a county of no city
	case len(s) == 12:
		return s, Community, nil
	case len(s) == 9:
		return s, Street, nil
	case s[2:] == "0000":
		return s, Province, nil
	case s[4:] == "00":
		return s, City, nil
	}
	return s, County, nil
}

// Parent returns the code one level up in its shortest form, "" for a province and for what is no code.
func Parent(code string) string {
	code, level, err := ParseDivision(code)
	if err != nil {
		return ""
	}
	switch level {
	case Community:
		return code[:9]
	case Street:
		return code[:6]
	case County:
		return code[:4] + "00"
	case City:
		return code[:2] + "0000"
	}
	return ""
}

// Within reports whether the division code lies in area or is area itself.
func Within(code, area string) bool {
	area, level, err := ParseDivision(area)
	if err != nil {
		return false
	}
	if code, _, err = ParseDivision(code); err != nil {
		return false
	}
	return strings.HasPrefix(code, area[:[...]int{0, 2, 4, 6, 9, 12}[level]])
}

// FormOf returns what sort of street or community the last three digits of a 9- or 12-digit code stand for: street,
// town, township or special; committee, village or special. "" for other levels. Its name has the text key
// codes.form_<form>.
func FormOf(code string) string {
	code, level, err := ParseDivision(code)
	if err != nil || level < Street {
		return ""
	}
	first := code[len(code)-3]
	switch {
	case first >= '4':
		return "special" // 类似乡级单位, 类似居委会
	case level == Street:
		return [...]string{"street", "town", "township", "township"}[first-'0']
	}
	return [...]string{"committee", "committee", "village", "village"}[first-'0']
}

// Division is one place of the tree.
type Division struct {
	Code      string `json:"code"` // shortest form
	Name      string `json:"name"` // as the statistics list writes it: 狮子山街道, 石牌园社区居民委员会
	ManagedBy string `json:"managedBy,omitempty"`
	Level     Level  `json:"-"`
	Short     string `json:"-"` // without what every sibling's name ends in: 狮子山, 石牌园
}

// Divisions are Hubei, Wuhan, its 13 districts and their streets, and the 327 communities of Hongshan.
type Divisions struct {
	byCode   map[string]Division
	children map[string][]string
	byName   map[string][]string // every form of a name to codes
}

// LoadDivisions reads the tree the program carries. An error is a fault of the build.
func LoadDivisions() (*Divisions, error) {
	b, err := data.ReadFile("data/divisions.json")
	if err != nil {
		return nil, err
	}
	var file struct{ Divisions []Division }
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("codes: divisions: %w", err)
	}
	d := &Divisions{byCode: map[string]Division{}, children: map[string][]string{}, byName: map[string][]string{}}
	for _, x := range file.Divisions {
		if x.Code, x.Level, err = ParseDivision(x.Code); err != nil {
			return nil, fmt.Errorf("codes: divisions: %s: %w", x.Name, err)
		}
		forms := nameForms(x.Name, suffixesOf(x))
		x.Short = forms[len(forms)-1]
		d.byCode[x.Code] = x
		d.children[Parent(x.Code)] = append(d.children[Parent(x.Code)], x.Code)
		for _, f := range forms {
			d.byName[f] = append(d.byName[f], x.Code)
		}
	}
	for _, codes := range d.children {
		slices.Sort(codes)
	}
	return d, nil
}

// Get returns the division of a code of 6, 9 or 12 digits.
func (d *Divisions) Get(code string) (Division, bool) {
	code, _, err := ParseDivision(code)
	if err != nil {
		return Division{}, false
	}
	x, ok := d.byCode[code]
	return x, ok
}

// Children returns the divisions right below code, by code; the top of the tree for "".
func (d *Divisions) Children(code string) []Division {
	if short, _, err := ParseDivision(code); err == nil {
		code = short
	}
	out := make([]Division, 0, len(d.children[code]))
	for _, c := range d.children[code] {
		out = append(out, d.byCode[c])
	}
	return out
}

// Path returns the divisions from the top of the tree down to code; empty when code is unknown.
func (d *Divisions) Path(code string) []Division {
	var out []Division
	for x, ok := d.Get(code); ok; x, ok = d.Get(Parent(x.Code)) {
		out = append(out, x)
	}
	slices.Reverse(out)
	return out
}

// FullName joins the names of the path: 湖北省武汉市洪山区狮子山街道; "" when code is unknown.
func (d *Divisions) FullName(code string) string {
	var b strings.Builder
	for _, x := range d.Path(code) {
		b.WriteString(x.Name)
	}
	return b.String()
}

// Find returns the divisions in area ("" for everywhere) that name may mean, the likeliest first: those of exactly
// that name if there are any, else by level and code. 洪山街, 洪山街道 and 洪山街街道办事处 all find 洪山街街道; 洪山 alone
// finds the district, the street and a community.
func (d *Divisions) Find(area, name string) []Division {
	name = foldName(name)
	var out []Division
	for i, suffixes := range allSuffixes {
		for _, form := range nameForms(name, suffixes)[1:] {
			for _, code := range d.byName[form] {
				if x := d.byCode[code]; suffixClass(x) == i {
					out = append(out, x)
				}
			}
		}
	}
	for _, code := range d.byName[name] {
		out = append(out, d.byCode[code])
	}
	out = slices.DeleteFunc(out, func(x Division) bool { return area != "" && !Within(x.Code, area) })
	slices.SortFunc(out, func(a, b Division) int {
		if a.Level != b.Level {
			return int(a.Level - b.Level)
		}
		return strings.Compare(a.Code, b.Code)
	})
	out = slices.Compact(out)
	if exact := slices.DeleteFunc(slices.Clone(out), func(x Division) bool { return foldName(x.Name) != name }); len(exact) > 0 {
		return exact
	}
	return out
}

// allSuffixes are what the names of a class of divisions end in, the longer first; cut repeatedly.
var allSuffixes = [...][]string{
	{"省"},
	{"市"},
	{"区", "县"},
	{"街道办事处", "办事处", "街道办", "街道", "街办", "街", "镇", "乡"},
	{"社区居民委员会", "社区居民居委会", "社区居委会", "社区", "居民委员会", "居委会"},
	{"村民委员会", "村委会", "村"},
}

// suffixClass is the index in allSuffixes for x.
func suffixClass(x Division) int {
	if x.Level == Community && FormOf(x.Code) == "village" {
		return int(Community)
	}
	return int(x.Level) - 1
}

func suffixesOf(x Division) []string { return allSuffixes[suffixClass(x)] }

// nameForms returns name and what is left each time one of suffixes is cut from its end, never nothing.
func nameForms(name string, suffixes []string) []string {
	name = foldName(name)
	forms := []string{name}
	if i := strings.IndexByte(name, '('); i > 0 { // 东湖风景区街道（洪山）
		name = name[:i]
		forms = append(forms, name)
	}
	for {
		i := slices.IndexFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) && len(name) > len(s) })
		if i < 0 {
			return forms
		}
		name = strings.TrimSuffix(name, suffixes[i])
		forms = append(forms, name)
	}
}

func foldName(s string) string { return without(fold(s), " ") }
