package entry

import (
	"fmt"
	"strings"

	"qushu/internal/base/errs"
)

// Shape is how long the parts of a code are. The guide fixes the class at one digit; provinces put area and unit codes
// into the detail, so the rest is set by the district.
type Shape struct {
	Item, Subject int // digits of 项 and 目
	Detail        int // most digits of 细目
	Sequence      int // digits of the serial
}

// Classification joins the parts of a code before the "/".
func (b *Body) Classification() string { return b.Class + b.Item + b.Subject + b.Detail }

// Node is the class and its item (类+项), by which the catalogue is browsed.
func (b *Body) Node() string { return b.Class + b.Item }

// Code is the resource code (信息资源代码): classification "/" serial, 1272号 §2.
func (s Shape) Code(b *Body, serial int64) string {
	return fmt.Sprintf("%s/%0*d", b.Classification(), s.Sequence, serial)
}

// check says what is wrong with the parts of the code.
func (s Shape) check(b *Body) (bad []errs.Field) {
	fail := func(name, key string, args ...any) { bad = append(bad, fault(name, key, args...)) }
	if b.Class != Base && b.Class != Theme && b.Class != Department {
		fail("class", "bad_class")
	}
	if !digits(b.Item, s.Item, s.Item) {
		fail("item", "bad_segment_item", s.Item)
	}
	if !digits(b.Subject, s.Subject, s.Subject) {
		fail("subject", "bad_segment_subject", s.Subject)
	}
	if !digits(b.Detail, 0, s.Detail) {
		fail("detail", "bad_segment_detail", s.Detail)
	}
	return bad
}

// Split takes the parts of a classification apart; false when it is none of this shape.
func (s Shape) Split(classification string) (b Body, ok bool) {
	if len(classification) < 1+s.Item+s.Subject || !digits(classification, 1, 1+s.Item+s.Subject+s.Detail) {
		return b, false
	}
	b.Class, classification = classification[:1], classification[1:]
	b.Item, classification = classification[:s.Item], classification[s.Item:]
	b.Subject, b.Detail = classification[:s.Subject], classification[s.Subject:]
	return b, len(s.check(&b)) == 0
}

func digits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

func fault(name, key string, args ...any) errs.Field {
	return errs.Field{Name: name, Key: "catalog." + key, Args: args}
}
