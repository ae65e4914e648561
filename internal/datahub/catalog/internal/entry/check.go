package entry

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qushu/internal/base/errs"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// Rules are what a district sets of the rules.
type Rules struct {
	Shape Shape
	// Basic are the classes (类+项) whose resources are shared unconditionally: 国发〔2016〕51号 asks it of the basic
	// libraries of population and legal persons.
	Basic []string
}

// CheckDraft says what is wrong with a draft that is kept: only what could not be kept or shown at all.
func CheckDraft(b *Body, r Rules) (bad []errs.Field) {
	if n := utf8.RuneCountInString(strings.TrimSpace(b.Name)); n < 2 || n > 128 {
		bad = append(bad, fault("name", "bad_name", 128))
	}
	one := func(name, value string, of []string) {
		if !slices.Contains(of, value) {
			bad = append(bad, fault(name, "bad_"+name))
		}
	}
	one("class", b.Class, Classes)
	one("share", b.Share, Shares)
	one("cycle", b.Cycle, Cycles)
	one("format", b.Format, Formats)
	if b.Unit == "" {
		bad = append(bad, fault("unit", "no_unit"))
	}
	return bad
}

// Check says what is wrong with a body that is to be reviewed, each fault by its element.
func Check(b *Body, r Rules) []errs.Field {
	bad := CheckDraft(b, r)
	fail := func(name, key string, args ...any) { bad = append(bad, fault(name, key, args...)) }
	for _, f := range r.Shape.check(b) {
		if f.Name != "class" {
			bad = append(bad, f)
		}
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(b.Summary)); n < 4 || n > 512 {
		fail("summary", "bad_summary", 512)
	}
	if err := codes.Check(codes.KindUSCC, b.UnitCode, time.Time{}); b.UnitCode == "" || err != nil {
		fail("unitCode", "bad_unit_code")
	}
	if subs, ok := Subs[b.Format]; ok && !slices.Contains(subs, b.Sub) || b.Format == "self" && strings.TrimSpace(b.Sub) == "" {
		fail("sub", "bad_sub")
	}
	if b.Mode != "" && !slices.Contains(Modes, b.Mode) {
		fail("mode", "bad_mode")
	}
	for _, d := range []struct{ name, day string }{{"since", b.Since}, {"until", b.Until}} {
		if _, err := time.Parse(time.DateOnly, d.day); d.day != "" && err != nil {
			fail(d.name, "bad_day")
		}
	}
	if b.Since != "" && b.Until != "" && b.Until < b.Since {
		fail("until", "until_first")
	}
	bad = append(bad, b.sharing(r)...)
	bad = append(bad, b.opening()...)
	return append(bad, b.checkItems(r)...)
}

// sharing are the rules of the share type: 国发〔2016〕51号 and decree 809.
func (b *Body) sharing(r Rules) (bad []errs.Field) {
	blank := func(s string) bool { return utf8.RuneCountInString(strings.TrimSpace(s)) < 4 }
	if b.Share == Conditional && blank(b.Condition) {
		bad = append(bad, fault("condition", "no_condition"))
	}
	if b.Share == Refused && blank(b.Basis) {
		bad = append(bad, fault("basis", "no_basis"))
	}
	if slices.Contains(r.Basic, b.Node()) && b.Share != Unconditional && slices.Contains(Shares, b.Share) {
		bad = append(bad, fault("share", "basic_unconditional"))
	}
	if len(b.Items) == 0 && b.Level != "" && !slices.Contains(dataset.Levels[:], b.Level) {
		bad = append(bad, fault("level", "bad_level"))
	}
	if len(b.Items) == 0 && b.Share == Unconditional && b.Level >= dataset.L3 {
		bad = append(bad, fault("share", "level_share", string(b.Level)))
	}
	return bad
}

// opening are the rules of what the public may see: of every item L1, and nothing that may not be shared.
func (b *Body) opening() (bad []errs.Field) {
	if !b.Open {
		return nil
	}
	if b.Share == Refused {
		bad = append(bad, fault("open", "open_refused"))
	}
	if b.Highest() != dataset.L1 {
		bad = append(bad, fault("open", "open_level", string(b.Highest())))
	}
	if len(b.Items) > 0 && len(b.OpenItems()) == 0 && b.Highest() == dataset.L1 {
		bad = append(bad, fault("open", "open_nothing"))
	}
	return bad
}

func (b *Body) checkItems(r Rules) (bad []errs.Field) {
	if b.Structured() && len(b.Items) == 0 {
		bad = append(bad, fault("items", "no_items"))
	}
	names, fields := map[string]int{}, map[string]int{}
	free := false
	for n, i := range b.Items {
		fail := func(part, key string, args ...any) {
			bad = append(bad, fault(fmt.Sprintf("items[%d].%s", n, part), key, append([]any{n + 1, i.Name}, args...)...))
		}
		name := strings.TrimSpace(i.Name)
		switch {
		case name == "" || utf8.RuneCountInString(name) > 128:
			fail("name", "item_name")
		case names[name] > 0:
			fail("name", "item_twice", names[name])
		}
		names[name] = n + 1
		if f := strings.ToLower(i.Field); f != "" {
			if fields[f] > 0 {
				fail("field", "item_field_twice", fields[f])
			}
			fields[f] = n + 1
		}
		if !slices.Contains(Types, i.Type) {
			fail("type", "item_type")
		}
		if (i.Type == "C" || i.Type == "N") && i.Length <= 0 {
			fail("length", "item_length")
		}
		free = free || i.ShareIn(b) == Unconditional
		b.checkItem(i, fail)
	}
	if b.Share == Unconditional && len(b.Items) > 0 && !free {
		bad = append(bad, fault("share", "nothing_free"))
	}
	return bad
}

// checkItem are the rules between an item's level, its kind and how it is shared.
func (b *Body) checkItem(i Item, fail func(part, key string, args ...any)) {
	share := i.ShareIn(b)
	least, _ := dataset.Classify(i.Kind)
	switch {
	case !slices.Contains(dataset.Levels[:], i.Level):
		fail("level", "item_level")
		return
	case i.Kind != "" && !slices.Contains(codes.Kinds(), i.Kind):
		fail("kind", "item_kind")
		return
	case guarded(i.Kind) && i.Level < least:
		fail("level", "item_guarded", string(least))
	}
	if i.Share != "" && !slices.Contains(Shares, i.Share) {
		fail("share", "item_share")
		return
	}
	rank := func(s string) int { return slices.Index(Shares, s) }
	switch {
	case i.Share != "" && rank(i.Share) < rank(b.Share):
		fail("share", "item_wider")
	case share == Refused && b.Share != Refused && strings.TrimSpace(b.Basis) == "":
		fail("share", "item_basis")
	case i.Level >= dataset.L3 && share == Unconditional:
		fail("share", "item_level_share", string(i.Level))
	}
}

// guarded are the kinds that identify a person or open an account.
func guarded(k codes.Kind) bool {
	return k == codes.KindID || k == codes.KindIDStrict || k == codes.KindMobile || k == codes.KindBank
}
