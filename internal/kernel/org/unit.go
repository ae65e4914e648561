package org

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/org/internal/spell"
)

// RelationKind is how two units stand to each other beside the line of command.
type RelationKind string

// The relations; from stands over to.
const (
	Guidance RelationKind = "guidance" // 业务指导
	Dual     RelationKind = "dual"     // 双重领导
	Custody  RelationKind = "custody"  // 代管
)

// Relation is one relation between units, dated.
type Relation struct {
	ID       string       `json:"id"`
	Kind     RelationKind `json:"kind"`
	From     string       `json:"from" doc:"the unit that guides"`
	FromName string       `json:"fromName"`
	To       string       `json:"to" doc:"the unit that is guided"`
	ToName   string       `json:"toName"`
	Since    store.Time   `json:"since"`
	Until    store.Time   `json:"until" doc:"null while it lasts"`
}

// UnitForm is what an editor of a unit fills in.
type UnitForm struct {
	Name    string   `json:"name" minLength:"2" maxLength:"80"`
	Short   string   `json:"short" required:"false" maxLength:"40"`
	Aliases []string `json:"aliases" required:"false" maxItems:"10"`
	Code    string   `json:"code" required:"false" maxLength:"18" doc:"unified social credit code or division code"`
	Kind    Kind     `json:"kind" enum:"district,department,street,community,institution,enterprise,section,group"`
	Rank    int      `json:"rank" required:"false" minimum:"0" maximum:"9999" doc:"order among its siblings, 100 when 0"`
	Street  string   `json:"street" required:"false" maxLength:"12" doc:"9-digit division code it answers for; empty inherits"`
}

// MaxDepth is how many levels the tree may have; real ones have five. It bounds the closure.
const MaxDepth = 20

// DefaultRank is the order of what nobody ordered, after all that has one.
const DefaultRank = 100

// apply checks f and writes it into u.
func (f UnitForm) apply(u *Unit) error {
	u.Name, u.Short = clean(f.Name), clean(f.Short)
	if utf8.RuneCountInString(u.Name) < 2 || utf8.RuneCountInString(u.Name) > 80 || strings.ContainsRune(u.Name, '/') {
		return errs.New(errs.Invalid, "org.unit_name")
	}
	u.Aliases = []string{}
	for _, a := range f.Aliases {
		if a = clean(a); a != "" && a != u.Name && !slices.Contains(u.Aliases, a) && utf8.RuneCountInString(a) <= 80 {
			u.Aliases = append(u.Aliases, a)
		}
	}
	if !slices.Contains(Kinds[:], f.Kind) {
		return errs.New(errs.Invalid, "org.unit_kind", string(f.Kind))
	}
	var err error
	if u.Code, err = unitCode(f.Code); err != nil {
		return err
	}
	if u.StreetOwn, err = streetCode(f.Street, f.Kind, u.Code); err != nil {
		return err
	}
	u.Kind, u.Rank = f.Kind, f.Rank
	if u.Rank <= 0 {
		u.Rank = DefaultRank
	}
	u.Pinyin, u.Initials = spell.Text(u.Name)
	return nil
}

// clean takes white space off both ends and makes that inside one space.
func clean(s string) string { return strings.Join(strings.Fields(s), " ") }

// unitCode brings a credit code (GB 32100) or a division code to the form kept.
func unitCode(s string) (string, error) {
	s = codes.Normalise(codes.KindUSCC, s)
	if s == "" {
		return "", nil
	}
	if code, _, err := codes.ParseDivision(s); err == nil {
		return code, nil
	}
	c, err := codes.ParseCreditCode(s)
	if err != nil {
		return "", err
	}
	return c.Code, nil
}

// streetCode brings the street to nine digits; a street unit whose code is a street's division answers for it.
func streetCode(s string, kind Kind, unitCode string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		if _, level, err := codes.ParseDivision(unitCode); err == nil && level == codes.Street && kind == Street {
			return unitCode, nil
		}
		return "", nil
	}
	code, level, err := codes.ParseDivision(s)
	if err != nil || level != codes.Street {
		return "", errs.New(errs.Invalid, "org.street_code")
	}
	return code, nil
}

// reachChanges reports whether turning a into b changes which rows rights reach: only an administrator
// of everything may.
func reachChanges(a, b Unit) bool {
	return a.StreetOwn != b.StreetOwn || (a.Kind == Section) != (b.Kind == Section) // a section's people reach the body above
}

// asOf reads a civil date as the last instant of that day (+08:00); "" is no date.
func asOf(date string) (store.Time, error) {
	if date == "" {
		return store.Time{}, nil
	}
	d, err := when.ParseDate(date)
	if err != nil {
		return store.Time{}, errs.New(errs.Invalid, "org.date", date)
	}
	return store.At(d.AddDate(0, 0, 1).Add(-time.Microsecond)), nil
}

// since reads the day something began, at its first instant; "" is now. A day to come is refused.
func since(date string, now time.Time) (store.Time, error) {
	if date == "" {
		return store.At(now), nil
	}
	d, err := when.ParseDate(date)
	if err != nil {
		return store.Time{}, errs.New(errs.Invalid, "org.date", date)
	}
	if d.After(now) {
		return store.Time{}, errs.New(errs.Invalid, "org.date_future")
	}
	return store.At(d), nil
}
