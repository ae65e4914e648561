// Package district makes the demonstration district: Hongshan's real streets and communities, and people,
// notices and a population who do not exist. Everything follows from a seed: the same seed gives the same
// district, byte for byte. Nothing here knows a database; `qushu demo` brings what is made in by the doors
// through which real data comes.
//
// What is fictional is so by construction: resident IDs and credit codes bear the area 420199, which no
// real person or organisation has, and mobile numbers begin with 154, which no carrier has been given.
package district

import (
	"embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
)

//go:embed data/*.json
var data embed.FS

// Code is the division of Hongshan.
const Code = "420111"

// Sexes as org writes them.
const (
	Male   = "male"
	Female = "female"
)

// Kinds of units as org writes them.
const (
	KindDistrict    = "district"
	KindDepartment  = "department"
	KindStreet      = "street"
	KindCommunity   = "community"
	KindInstitution = "institution"
	KindSection     = "section"
)

// Unit is an org unit.
type Unit struct {
	Key       string // stable: "420111", "CZ", "CZ-2", "420111001", "420111001-2", "420111001001"
	Parent    string // key, "" at the top
	Name      string // unique among its siblings
	Short     string // "" when nobody shortens it
	Aliases   []string
	Kind      string
	Code      string // fictional credit code, real division code, or ""
	Street    string // of a street: its 9-digit division code
	Rank      int    // order among its siblings
	ManagedBy string // of a street that another body runs (代管), "" otherwise
	Since     time.Time
	Cloud     bool // one of the 36 departments and streets the district's cloud serves
}

// Post is what a person does in a unit.
type Post struct {
	Unit   string // key
	Title  string
	Rank   int // order within the unit; 1 to 9 are its leading group
	Leader bool
	Main   bool
	Since  time.Time
}

// Person is somebody with one or two posts, the main one first.
type Person struct {
	StaffNo string
	Name    string
	Sex     string
	Birth   time.Time
	Mobile  string
	Posts   []Post
}

// Relation stands beside the line of command; Kind is org's: "guidance" (业务指导).
type Relation struct{ Kind, From, To string }

// Group is a leading group across units (领导小组). Heads, Deputies, OfficeHead and Members are staff numbers.
type Group struct {
	Name       string
	Duty       string
	Office     string // key of the unit that is its office
	Heads      []string
	Deputies   []string
	OfficeHead string
	Members    []string
}

// District is the whole of it.
type District struct {
	Units     []Unit // parents before children
	People    []Person
	Relations []Relation
	Groups    []Group

	unit   map[string]int // key → index
	leader map[string]int // unit → index of its leader
	inUnit map[string][]int
}

// People the portal has (2023: more than ten thousand registered).
const People = 10_000

// today is the day the district stands at: the end of the year the final accounts tell of.
func today() time.Time { return time.Date(2023, 12, 31, 0, 0, 0, 0, when.Zone) }

// founded is the day of the last reform of the district's organs; the units are as old.
func founded() time.Time { return time.Date(2019, 3, 1, 0, 0, 0, 0, when.Zone) }

// Build makes the district with that many people. Errors: too few people to fill the posts, or a fault of the build.
func Build(seed uint64, people int) (*District, error) {
	b, err := newBuilder(seed)
	if err != nil {
		return nil, err
	}
	if err := b.buildUnits(); err != nil {
		return nil, err
	}
	b.staffAll()
	if len(b.d.People) > people {
		return nil, fmt.Errorf("district: %d people are too few, the posts alone take %d", people, len(b.d.People))
	}
	b.fill(people)
	b.lend()
	b.relate()
	return b.d, nil
}

// Unit returns the unit of that key.
func (d *District) Unit(key string) (Unit, bool) {
	i, ok := d.unit[key]
	if !ok {
		return Unit{}, false
	}
	return d.Units[i], true
}

// Path returns the names from the district down to the unit.
func (d *District) Path(key string) []string {
	u, ok := d.Unit(key)
	if !ok {
		return nil
	}
	return append(d.Path(u.Parent), u.Name)
}

// Leader returns who leads the unit.
func (d *District) Leader(unit string) (Person, bool) {
	i, ok := d.leader[unit]
	if !ok {
		return Person{}, false
	}
	return d.People[i], true
}

// In returns the people with a post in the unit itself, in the order they were made.
func (d *District) In(unit string) []Person {
	out := make([]Person, 0, len(d.inUnit[unit]))
	for _, i := range d.inUnit[unit] {
		out = append(out, d.People[i])
	}
	return out
}

// builder holds what making a district needs.
type builder struct {
	d     *District
	rng   *rand.Rand
	names *names
	divs  *codes.Divisions
	plan  plan
}

// plan is data/departments.json.
type plan struct {
	District    []string
	Departments []department
	Centre      centre
	Street      struct{ Sections []sized }
}

type department struct {
	Key, Name, Short, Full, Head, Deputy, From string
	Sections                                   []string
	Institutions                               []sized
}

type centre struct {
	Key, Name, Short, Guided, Head, Deputy string
	Sections                               []sized
}

// sized is a unit's name with how many people it has, written "区档案馆 18".
type sized struct {
	Name string
	Size int
}

// UnmarshalText reads it.
func (s *sized) UnmarshalText(b []byte) error {
	name, size, _ := strings.Cut(string(b), " ")
	n, err := strconv.Atoi(size)
	if err != nil {
		return fmt.Errorf("district: %q has no size", b)
	}
	s.Name, s.Size = name, n
	return nil
}

func newBuilder(seed uint64) (*builder, error) {
	b := &builder{d: &District{unit: map[string]int{}, leader: map[string]int{}, inUnit: map[string][]int{}}, rng: rand.New(rand.NewPCG(seed, 1))}
	raw, err := data.ReadFile("data/departments.json")
	if err == nil {
		err = json.Unmarshal(raw, &b.plan)
	}
	if err != nil {
		return nil, fmt.Errorf("district: %w", err)
	}
	if b.names, err = loadNames(); err != nil {
		return nil, err
	}
	b.divs, err = codes.LoadDivisions()
	return b, err
}
