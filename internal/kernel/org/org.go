// Package org keeps the tree of units, the people and their posts, the relations beside the line of
// command and the groups across units; every change is dated, so that the chart of any earlier day can
// be asked for.
//
// Other packages hold an *Org and ask it: Person, Posts, Unit, Below, SearchPeople and so on. All of
// them take a store.Queryer, so that they run inside the caller's transaction when there is one.
package org

import (
	"embed"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/find"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Kind is what sort of unit it is.
type Kind string

// The kinds of unit.
const (
	District    Kind = "district"    // 区
	Department  Kind = "department"  // 部门
	Street      Kind = "street"      // 街道, 乡, 镇
	Community   Kind = "community"   // 社区, 村
	Institution Kind = "institution" // 事业单位
	Enterprise  Kind = "enterprise"  // 企业
	Section     Kind = "section"     // 内设机构
	Cluster     Kind = "group"       // 系统, 口: a heading that holds units
)

// Kinds lists them in the order a person picks from; the text key of a name is "org.kind_<kind>".
var Kinds = [...]Kind{District, Department, Street, Community, Institution, Enterprise, Section, Cluster}

// Unit is one unit as it stands today.
type Unit struct {
	ID        string     `json:"id"`
	Code      string     `json:"code" doc:"unified social credit code (GB 32100) or division code, empty for none"`
	Name      string     `json:"name"`
	Short     string     `json:"short"`
	Aliases   []string   `json:"aliases" nullable:"false"`
	Pinyin    string     `json:"pinyin"`
	Initials  string     `json:"initials"`
	Kind      Kind       `json:"kind"`
	Parent    string     `json:"parent" doc:"empty at the top"`
	Rank      int        `json:"rank" doc:"order among its siblings"`
	StreetOwn string     `json:"streetOwn" doc:"9-digit division code set on the unit itself"`
	Street    string     `json:"street" doc:"9-digit division code the unit answers for, its own or inherited"`
	Since     store.Time `json:"since"`
	Closed    store.Time `json:"closedAt"`
	Version   int64      `json:"version"`

	path string
}

// Label is the short name where there is one, else the name.
func (u Unit) Label() string {
	if u.Short != "" {
		return u.Short
	}
	return u.Name
}

// Person is somebody who works or worked in the district.
type Person struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Pinyin      string     `json:"pinyin"`
	Initials    string     `json:"initials"`
	Sex         string     `json:"sex" enum:",male,female"`
	StaffNo     string     `json:"staffNo"`
	OfficePhone string     `json:"officePhone"`
	Unit        string     `json:"unit" doc:"id of the unit of the main post, empty without one"`
	UnitName    string     `json:"unitName"`
	Title       string     `json:"title" doc:"of the main post"`
	Leader      bool       `json:"leader"`
	Left        store.Time `json:"leftAt"`
	Version     int64      `json:"version"`

	street string // of the main post's unit
	sealed string // mobile
	sort   string
}

// Active reports whether the person has not left.
func (p Person) Active() bool { return p.Left.IsZero() }

// Post is a person's place in a unit. A post never changes its person or its unit: who moves gets a
// new one.
type Post struct {
	ID       string     `json:"id"`
	Person   string     `json:"person"`
	Unit     string     `json:"unit"`
	UnitName string     `json:"unitName"`
	Home     string     `json:"home" doc:"id of the body that answers: the nearest unit at or above that is no section"`
	HomeName string     `json:"homeName"`
	Street   string     `json:"street" doc:"9-digit division code its unit answers for, empty for none"`
	Title    string     `json:"title"`
	Rank     int        `json:"rank" doc:"order within the unit, leaders first"`
	Leader   bool       `json:"leader"`
	Main     bool       `json:"main"`
	From     store.Time `json:"from"`
	Until    store.Time `json:"until" doc:"null while it lasts"`
	Version  int64      `json:"version"`
}

// Current reports whether the post lasts.
func (p Post) Current() bool { return p.Until.IsZero() }

// Holder is the post as authz asks for it.
func (p Post) Holder() authz.Holder {
	return authz.Holder{Person: p.Person, Post: p.ID, Unit: p.Unit, Home: p.Home, Street: p.Street}
}

// Org serves the package.
type Org struct {
	db    *store.DB
	audit *audit.Log
	bus   *bus.Bus
	ring  *secret.Ring
	authz *authz.Authz
	find  *find.Find // nil where nothing is found
	now   func() time.Time
}

// New makes the service and makes it the keeper of posts for zz.
func New(db *store.DB, log *audit.Log, b *bus.Bus, ring *secret.Ring, zz *authz.Authz, now func() time.Time) *Org {
	o := &Org{db: db, audit: log, bus: b, ring: ring, authz: zz, now: now}
	zz.Serve(o)
	return o
}
