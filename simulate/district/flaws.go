package district

import "strings"

// Flaw is what is wrong with a row, as it is wrong in real spreadsheets.
type Flaw string

// The flaws. A duplicate repeats the row before it.
const (
	None      Flaw = ""
	NoMobile  Flaw = "no mobile"  // blank where a grown-up has one
	WordNone  Flaw = "word none"  // 无
	FullWidth Flaw = "full width" // digits of the mobile or the ID in full width
	Spaces    Flaw = "spaces"     // around the name, behind the ID
	BadCheck  Flaw = "bad check"  // the ID's last character is wrong
	Duplicate Flaw = "duplicate"  // the row before once more
)

// spoil puts one flaw into r; it reports whether the row is to be repeated instead.
func (s *stream) spoil(r *Resident) (twice bool) {
	flaw := pick(s.r, []Flaw{NoMobile, WordNone, FullWidth, Spaces, BadCheck, Duplicate})
	if r.Mobile == "" && (flaw == NoMobile || flaw == WordNone) {
		flaw = Spaces
	}
	if flaw == Duplicate {
		return true
	}
	r.Flaw = flaw
	switch flaw {
	case NoMobile:
		r.Mobile = ""
	case WordNone:
		r.Mobile = "无"
	case FullWidth:
		if r.Mobile != "" && s.r.IntN(2) == 0 {
			r.Mobile = wide(r.Mobile)
		} else {
			r.ID = wide(r.ID)
		}
	case Spaces:
		r.Name = []string{" ", "\u3000"}[s.r.IntN(2)] + r.Name + " "
		r.ID += " "
	case BadCheck:
		right := strings.IndexByte("0123456789X", r.ID[17])
		r.ID = r.ID[:17] + string("0123456789X"[(right+1+s.r.IntN(10))%11])
	}
	return false
}

// wide writes ASCII in full width, as some input methods do.
func wide(s string) string {
	return strings.Map(func(r rune) rune { return r + 0xFEE0 }, s)
}
