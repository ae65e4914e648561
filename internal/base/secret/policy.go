package secret

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"qushu/internal/base/errs"
)

// Policy is what a password must be (GB/T 22239-2019 8.1.4.1 a). History, age and first change need the account's
// rows and are the caller's.
type Policy struct {
	MinLen       int  // characters
	AdminMinLen  int  // characters, for administrators
	Classes      int  // how many of upper case, lower case, digit, symbol
	WeakList     bool // refuse the passwords everybody tries first
	DenyContains bool // refuse the person's login, name, phone and unit inside
}

// DefaultPolicy is what an assessor of MLPS level 3 expects.
func DefaultPolicy() Policy {
	return Policy{MinLen: 8, AdminMinLen: 12, Classes: 3, WeakList: true, DenyContains: true}
}

// Person is what a password must not contain; empty members are ignored.
type Person struct {
	Admin        bool
	Login, Phone string
	Names        []string // the name, its pinyin, aliases
	Units        []string // full and short names
}

// policyMax is the longest password a person may set, in characters.
const policyMax = 128

// Faults lists what is wrong with pw for who, as reasons of the form field "password"; empty when pw will do. Keys:
// secret.password_short {0 least}, _long {0 most}, _simple {0 classes}, _has_login, _has_name, _has_phone, _has_unit, _weak.
func (p Policy) Faults(pw string, who Person) []errs.Field {
	var out []errs.Field
	fault := func(when bool, key string, args ...any) {
		if when {
			out = append(out, errs.Field{Name: "password", Key: "secret.password_" + key, Args: args})
		}
	}
	least := p.MinLen
	if who.Admin {
		least = max(least, p.AdminMinLen)
	}
	n := utf8.RuneCountInString(pw)
	fault(n < least, "short", least)
	fault(n > policyMax, "long", policyMax)
	fault(classes(pw) < p.Classes, "simple", p.Classes)
	if p.DenyContains {
		fault(has(pw, who.Login), "has_login")
		fault(has(pw, who.Names...), "has_name")
		fault(hasPhone(pw, who.Phone), "has_phone")
		fault(has(pw, who.Units...), "has_unit")
	}
	fault(p.WeakList && weak()[strings.ToLower(pw)], "weak")
	return out
}

// classes counts how many of upper case, lower case, digit and symbol occur; everything outside ASCII is a symbol.
func classes(pw string) int {
	var upper, lower, digit, symbol int
	for _, c := range pw {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = 1
		case c >= 'a' && c <= 'z':
			lower = 1
		case c >= '0' && c <= '9':
			digit = 1
		default:
			symbol = 1
		}
	}
	return upper + lower + digit + symbol
}

// has reports whether pw contains one of the words, whatever the case. One or two Latin letters, or one Chinese
// character, are in too many good passwords to count.
func has(pw string, words ...string) bool {
	pw = strings.ToLower(pw)
	for _, w := range words {
		w = strings.ToLower(strings.TrimSpace(w))
		n, ascii := utf8.RuneCountInString(w), !strings.ContainsFunc(w, func(c rune) bool { return c > unicode.MaxASCII })
		if n >= 3 || n == 2 && !ascii {
			if strings.Contains(pw, w) {
				return true
			}
		}
	}
	return false
}

// hasPhone compares digits only, without a country code; an extension of under six digits does not count.
func hasPhone(pw, phone string) bool {
	digits := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c < '0' || c > '9' {
				return -1
			}
			return c
		}, s)
	}
	phone = digits(phone)
	if len(phone) > 11 {
		phone = phone[len(phone)-11:]
	}
	return len(phone) >= 6 && strings.Contains(digits(pw), phone)
}

//go:embed weak.txt
var weakText string

// weak is the set of weak.txt, in lower case.
var weak = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(weakText) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			set[strings.ToLower(line)] = true
		}
	}
	return set
})
