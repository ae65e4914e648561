package district

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/kernel/codes"
)

// Ranks of the district's children: departments, the centre, streets.
const (
	rankDepartments = 10
	rankCentre      = 90
	rankStreets     = 200
)

// add appends a unit.
func (b *builder) add(u Unit) {
	u.Since = founded()
	b.d.unit[u.Key] = len(b.d.Units)
	b.d.Units = append(b.d.Units, u)
}

// buildUnits makes the tree: the district, its 26 departments with sections and institutions, the big data centre,
// and all 17 streets with their 327 communities.
func (b *builder) buildUnits() error {
	b.add(Unit{Key: Code, Name: "洪山区", Aliases: []string{"武汉市洪山区"}, Kind: KindDistrict, Code: Code, Rank: 1})
	for i, p := range b.plan.Departments {
		full := p.Full
		if full == "" {
			full = "武汉市洪山区" + strings.TrimPrefix(p.Name, "区")
		}
		code, err := credit("11", i+1)
		if err != nil {
			return err
		}
		b.add(Unit{Key: p.Key, Parent: Code, Name: p.Name, Short: p.Short, Aliases: []string{full}, Kind: KindDepartment, Code: code, Rank: rankDepartments + i, Cloud: true})
		for k, s := range p.Sections {
			b.add(Unit{Key: child(p.Key, k), Parent: p.Key, Name: s, Kind: KindSection, Rank: 10 + k})
		}
		for k, s := range p.Institutions {
			b.add(Unit{Key: child(p.Key, 50+k), Parent: p.Key, Name: s.Name, Kind: KindInstitution, Rank: 60 + k})
		}
	}
	c := b.plan.Centre
	code, err := credit("12", 1)
	if err != nil {
		return err
	}
	b.add(Unit{Key: c.Key, Parent: Code, Name: c.Name, Short: c.Short, Aliases: []string{"大数据中心"}, Kind: KindInstitution, Code: code, Rank: rankCentre})
	for k, s := range c.Sections {
		b.add(Unit{Key: child(c.Key, k), Parent: c.Key, Name: s.Name, Kind: KindSection, Rank: 10 + k})
	}
	for i, s := range b.divs.Children(Code) {
		b.addStreet(i, s)
	}
	return nil
}

// addStreet makes a street with its communities; one the district runs itself has sections and is served by its cloud.
func (b *builder) addStreet(i int, s codes.Division) {
	own := s.ManagedBy == ""
	u := Unit{Key: s.Code, Parent: Code, Name: s.Name, Kind: KindStreet, Code: s.Code, Street: s.Code, Rank: rankStreets + i, ManagedBy: s.ManagedBy, Cloud: own}
	if short, ok := strings.CutSuffix(s.Name, "街道"); ok { // 狮子山街道 is spoken of as 狮子山街, 洪山街街道 as 洪山街
		u.Short = strings.TrimSuffix(short, "街") + "街"
		u.Aliases = []string{s.Name + "办事处"}
	}
	b.add(u)
	if own {
		for k, x := range b.plan.Street.Sections {
			b.add(Unit{Key: child(s.Code, k), Parent: s.Code, Name: x.Name, Kind: KindSection, Rank: 10 + k})
		}
	}
	for k, c := range b.divs.Children(s.Code) {
		b.add(Unit{Key: c.Code, Parent: s.Code, Name: c.Name, Short: spoken(c), Kind: KindCommunity, Code: c.Code, Rank: 100 + k})
	}
}

// child is the key of the i-th unit below key.
func child(key string, i int) string { return key + "-" + strconv.Itoa(i+1) }

// credit is a fictional credit code: valid, of the area no organisation has.
func credit(category string, n int) (string, error) {
	return codes.MakeCreditCode(category, codes.FictionalArea, fmt.Sprintf("%08d", n))
}

// spoken is how people call a community: 石牌园社区, 江心村.
func spoken(c codes.Division) string {
	name := c.Name
	for _, end := range []string{"居民委员会", "居民居委会", "居委会", "村民委员会", "村委会"} {
		if short, ok := strings.CutSuffix(name, end); ok {
			name = short
			break
		}
	}
	if street, rest, ok := strings.Cut(name, "街道"); ok && street != "" { // 关东街道创业社区, but 街道口社区
		name = rest
	}
	end := "社区"
	if codes.FormOf(c.Code) == "village" {
		end = "村"
	}
	if strings.HasSuffix(name, end) {
		return name
	}
	return name + end
}

// below returns the units right below key of that kind.
func (d *District) below(key, kind string) []Unit {
	return slices.DeleteFunc(slices.Clone(d.Units), func(u Unit) bool { return u.Parent != key || u.Kind != kind })
}
