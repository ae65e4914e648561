package org

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/org/internal/spell"
)

// LeaderRank is the last rank that makes a post a leader's without the flag: ranks 1 to 9 are the
// leading group of a unit. Leaders' numbers are hidden from whoever does not hold org.phone_leader.
const LeaderRank = 9

// PersonForm is what an editor of a person fills in.
type PersonForm struct {
	Name        string `json:"name" minLength:"2" maxLength:"40"`
	Sex         string `json:"sex" required:"false" enum:",male,female"`
	StaffNo     string `json:"staffNo" required:"false" maxLength:"20"`
	OfficePhone string `json:"officePhone" required:"false" maxLength:"20"`
}

// PostForm is what an editor of a post fills in.
type PostForm struct {
	Title  string `json:"title" required:"false" maxLength:"40"`
	Rank   int    `json:"rank" required:"false" minimum:"0" maximum:"9999" doc:"order within the unit, 1 to 9 for its leaders, 100 when 0"`
	Leader bool   `json:"leader" required:"false"`
}

// apply checks f and writes it into p.
func (f PersonForm) apply(p *Person) error {
	var err error
	if p.Name, err = personName(f.Name); err != nil {
		return err
	}
	if f.Sex != "" && f.Sex != "male" && f.Sex != "female" {
		return errs.New(errs.Invalid, "org.sex")
	}
	if p.StaffNo, err = staffNo(f.StaffNo); err != nil {
		return err
	}
	if p.OfficePhone, err = officePhone(f.OfficePhone); err != nil {
		return err
	}
	p.Sex = f.Sex
	p.Pinyin, p.Initials = spell.Person(p.Name)
	return nil
}

// apply checks f and writes it into p.
func (f PostForm) apply(p *Post) error {
	p.Title, p.Rank, p.Leader = clean(f.Title), f.Rank, f.Leader
	if utf8.RuneCountInString(p.Title) > 40 {
		return errs.New(errs.Invalid, "org.title_long")
	}
	if p.Rank <= 0 {
		p.Rank = DefaultRank
	}
	if p.Rank > 9999 {
		return errs.New(errs.Invalid, "org.rank")
	}
	return nil
}

// personName brings a name to the form kept (codes.Normalise): 2 to 40 characters, letters and the
// middle dot of minority names (阿依古丽·买买提).
func personName(s string) (string, error) {
	s = codes.Normalise(codes.KindName, s)
	if n := utf8.RuneCountInString(s); n < 2 || n > 40 {
		return "", errs.New(errs.Invalid, "org.name_length")
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !strings.ContainsRune("·.-' ", r) {
			return "", errs.New(errs.Invalid, "org.name_chars", string(r))
		}
	}
	return s, nil
}

// staffNo brings a staff number to the form kept: letters, digits and hyphens, upper case; "" is none.
func staffNo(s string) (string, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) > 20 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return "", errs.New(errs.Invalid, "org.staff_no")
	}
	return s, nil
}

// mobileNo brings a mobile number to 11 digits; "" is none.
func mobileNo(s string) (string, error) {
	s = codes.Normalise(codes.KindMobile, s)
	if s == "" {
		return "", nil
	}
	return s, codes.CheckMobile(s)
}

// officePhone brings an office's number to the form kept; "" is none.
func officePhone(s string) (string, error) {
	s = codes.Normalise(codes.KindPhone, s)
	if s == "" {
		return "", nil
	}
	return s, codes.CheckPhone(s)
}
