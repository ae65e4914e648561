package entry

import (
	"fmt"
	"strconv"
	"strings"
)

// Change is one difference between two versions of an entry.
type Change struct {
	Field  string `json:"field" doc:"element, as in the body; of an item its own element"`
	Item   string `json:"item" doc:"name of the item, empty for the resource itself"`
	What   string `json:"what" enum:"added,removed,changed"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Diff lists what differs from a to b: the elements in the order of the guide, then the items by name.
func Diff(a, b *Body) []Change {
	out := []Change{}
	before, after := a.elements(), b.elements()
	for i, e := range before {
		if e[1] != after[i][1] {
			out = append(out, Change{Field: e[0], What: "changed", Before: e[1], After: after[i][1]})
		}
	}
	old := map[string]Item{}
	for _, i := range a.Items {
		old[i.Name] = i
	}
	for _, i := range b.Items {
		o, ok := old[i.Name]
		delete(old, i.Name)
		if !ok {
			out = append(out, Change{Item: i.Name, What: "added", After: i.said()})
			continue
		}
		was, is := o.elements(), i.elements()
		for n, e := range was {
			if e[1] != is[n][1] {
				out = append(out, Change{Field: e[0], Item: i.Name, What: "changed", Before: e[1], After: is[n][1]})
			}
		}
	}
	for _, i := range a.Items {
		if _, gone := old[i.Name]; gone {
			out = append(out, Change{Item: i.Name, What: "removed", Before: i.said()})
		}
	}
	return out
}

// Narrowed reports what became narrower from a to b, of which those who use the resource must know: a stricter share type,
// a closed resource, items that went.
func Narrowed(a, b *Body) bool {
	rank := map[string]int{Unconditional: 0, Conditional: 1, Refused: 2}
	if rank[b.Share] > rank[a.Share] || a.Open && !b.Open {
		return true
	}
	for _, c := range Diff(a, b) {
		if c.Item != "" && c.What == "removed" {
			return true
		}
	}
	return false
}

func (b *Body) elements() [][2]string {
	return [][2]string{{"classification", b.Classification()}, {"name", b.Name}, {"unit", b.Unit}, {"unitCode", b.UnitCode}, {"summary", b.Summary},
		{"keywords", strings.Join(b.Keywords, "、")}, {"format", b.Format}, {"sub", b.Sub}, {"share", b.Share}, {"condition", b.Condition}, {"basis", b.Basis},
		{"mode", b.Mode}, {"open", strconv.FormatBool(b.Open)}, {"openCondition", b.OpenCondition}, {"cycle", b.Cycle}, {"related", strings.Join(b.Related, "、")},
		{"level", string(b.Highest())}, {"system", b.System}, {"duty", b.Duty}, {"space", b.Space}, {"since", b.Since}, {"until", b.Until},
		{"contact", b.Contact}, {"phone", b.Phone}}
}

func (i Item) elements() [][2]string {
	return [][2]string{{"field", i.Field}, {"type", i.Type}, {"length", strconv.Itoa(i.Length)}, {"key", strconv.FormatBool(i.Key)}, {"empty", strconv.FormatBool(i.Empty)},
		{"dict", i.Dict}, {"share", i.Share}, {"closed", strconv.FormatBool(i.Closed)}, {"level", string(i.Level)}, {"kind", string(i.Kind)}, {"note", i.Note}}
}

// said is an item in one line: C(18) L3.
func (i Item) said() string {
	if i.Length > 0 {
		return fmt.Sprintf("%s(%d) %s", i.Type, i.Length, i.Level)
	}
	return i.Type + " " + string(i.Level)
}
