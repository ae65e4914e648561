package org

import (
	"strings"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/org/internal/spell"
)

// GroupRole is what somebody is in a group across units (领导小组).
type GroupRole string

// The roles, in the order they are listed.
const (
	Head       GroupRole = "head"        // 组长
	Deputy     GroupRole = "deputy"      // 副组长
	OfficeHead GroupRole = "office_head" // 办公室主任
	Member     GroupRole = "member"      // 成员
)

// GroupRoles lists them; the text key of a name is "org.group_<role>".
var GroupRoles = [...]GroupRole{Head, Deputy, OfficeHead, Member}

// MaxHeads is how many heads a group may have: many have two, the secretary and the district's mayor (双组长).
const MaxHeads = 2

// Group is a group across units.
type Group struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Duty       string     `json:"duty"`
	Office     string     `json:"office" doc:"id of the unit that is its office, empty for none"`
	OfficeName string     `json:"officeName"`
	Members    int        `json:"members" doc:"who is in it now"`
	From       store.Time `json:"from"`
	Until      store.Time `json:"until" doc:"null while it lasts"`
	Version    int64      `json:"version"`

	pinyin, initials string
}

// GroupMember is somebody's place in a group.
type GroupMember struct {
	ID       string     `json:"id"`
	Person   string     `json:"person"`
	Name     string     `json:"name"`
	Unit     string     `json:"unit" doc:"of the main post today"`
	UnitName string     `json:"unitName"`
	Title    string     `json:"title"`
	Role     GroupRole  `json:"role"`
	Rank     int        `json:"rank"`
	From     store.Time `json:"from"`
	Until    store.Time `json:"until" doc:"null while it lasts"`
}

// Membership is a place in a group as the person's page shows it.
type Membership struct {
	Group string     `json:"group"`
	Name  string     `json:"name"`
	Role  GroupRole  `json:"role"`
	From  store.Time `json:"from"`
}

// GroupForm is what an editor of a group fills in.
type GroupForm struct {
	Name   string `json:"name" minLength:"2" maxLength:"80"`
	Duty   string `json:"duty" required:"false" maxLength:"2000"`
	Office string `json:"office" required:"false" maxLength:"40"`
}

// apply checks f and writes it into g.
func (f GroupForm) apply(g *Group) error {
	g.Name, g.Duty, g.Office = clean(f.Name), strings.TrimSpace(f.Duty), f.Office
	if utf8.RuneCountInString(g.Name) < 2 {
		return errs.New(errs.Invalid, "org.group_name")
	}
	g.pinyin, g.initials = spell.Text(g.Name)
	return nil
}

// roleOrder sorts members: heads first.
const roleOrder = `CASE m.role WHEN 'head' THEN 0 WHEN 'deputy' THEN 1 WHEN 'office_head' THEN 2 ELSE 3 END`
