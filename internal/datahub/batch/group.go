package batch

import (
	"cmp"
	"slices"
)

// Group is how many of the list are in one group.
type Group struct {
	Name   string `json:"name" doc:"empty when hidden: the name of a group of one tells of that one"`
	Count  int64  `json:"count" doc:"0 when hidden"`
	Hidden bool   `json:"hidden" doc:"stands for all groups that are too small to be told, or hidden so that the sum does not tell them"`
}

// whole is how many small groups a list must hold that may be told to be of one group altogether.
const whole = 10

// suppress hides groups of fewer than least, so that no group can be told from its size, and then, while what is hidden
// could still be reckoned from the sum of all, the smallest of the others (complementary suppression). What is hidden
// together stands for at least least persons in at least two groups; where that cannot be had, all is hidden. Hidden groups
// become one without a name: that somebody of a list is in a group at all is what a list of one asks for.
func suppress(counts map[string]int64, least int64) []Group {
	out := make([]Group, 0, len(counts))
	for name, n := range counts {
		out = append(out, Group{Name: name, Count: n, Hidden: n < least})
	}
	slices.SortFunc(out, func(a, b Group) int {
		if n := cmp.Compare(b.Count, a.Count); n != 0 {
			return n
		}
		return cmp.Compare(a.Name, b.Name)
	})
	if len(out) == 1 && out[0].Count < whole*least {
		out[0].Hidden = true // all of a short list in one group: it would be told of each of them
	}
	for {
		var groups, persons int64
		next := -1 // the smallest that is still shown
		for i, g := range out {
			if g.Hidden {
				groups++
				persons += g.Count
			} else {
				next = i
			}
		}
		if groups == 0 || groups >= 2 && persons >= least || next < 0 {
			break
		}
		out[next].Hidden = true
	}
	shown := slices.DeleteFunc(out, func(g Group) bool { return g.Hidden })
	if len(shown) < len(counts) {
		shown = append(shown, Group{Hidden: true})
	}
	return shown
}
