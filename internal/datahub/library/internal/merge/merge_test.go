package merge

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"
)

func rowsOf(all [][]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

type deed struct {
	del    bool
	values []any
}

func run(t testing.TB, old [][]any, deeds []deed) ([][]any, Counts) {
	d := New([]int{0})
	changes := func(yield func(Row, error) bool) {
		for i, x := range deeds {
			if !yield(Row{int64(i + 1), x.values}, nil) {
				return
			}
		}
	}
	for i, x := range deeds {
		if err := d.Put(int64(i+1), x.values, x.del); err != nil {
			t.Fatal(err)
		}
	}
	n, err := d.Against(rowsOf(old))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]any
	for r, err := range d.Merged(rowsOf(old), changes) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Values)
	}
	return out, n
}

func TestMerge(t *testing.T) {
	old := [][]any{{int64(1), "a"}, {int64(2), "b"}, {int64(3), nil}}
	got, n := run(t, old, []deed{
		{false, []any{int64(2), "x"}}, {false, []any{int64(2), "B"}}, // the last holds
		{false, []any{int64(3), nil}}, // comes again as it is
		{true, []any{int64(1), nil}},
		{true, []any{int64(9), nil}}, // never was
		{false, []any{int64(4), ""}},
	})
	if want := [][]any{{int64(3), nil}, {int64(2), "B"}, {int64(4), ""}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if n != (Counts{Inserted: 1, Updated: 1, Deleted: 1, Same: 1}) {
		t.Errorf("%+v", n)
	}
	if _, n := run(t, old, []deed{{false, []any{int64(1), "a"}}, {true, []any{int64(8), nil}}}); !n.None() {
		t.Errorf("nothing changed, but %+v", n)
	}
	// Put away and put back in one delta: it is as it was.
	if got, n := run(t, old, []deed{{true, []any{int64(1), nil}}, {false, []any{int64(1), "a"}}}); !n.None() || len(got) != 3 {
		t.Errorf("%v %+v", got, n)
	}
}

// Whatever the changes, the merge holds what a map would.
func TestAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var old [][]any
		want := map[int64]string{}
		for k := range int64(20) {
			if r.IntN(2) == 0 {
				want[k] = fmt.Sprint(r.IntN(3))
				old = append(old, []any{k, want[k]})
			}
		}
		var deeds []deed
		for range r.IntN(30) {
			k, v := r.Int64N(25), fmt.Sprint(r.IntN(3))
			deeds = append(deeds, deed{r.IntN(3) == 0, []any{k, v}})
			if deeds[len(deeds)-1].del {
				delete(want, k)
			} else {
				want[k] = v
			}
		}
		got, n := run(t, old, deeds)
		have := map[int64]string{}
		for _, row := range got {
			if _, twice := have[row[0].(int64)]; twice {
				t.Fatal("a key twice")
			}
			have[row[0].(int64)] = row[1].(string)
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("%v, want %v", have, want)
		}
		if int64(len(old))+n.Inserted-n.Deleted != int64(len(got)) {
			t.Fatalf("counts %+v do not add up: %d to %d", n, len(old), len(got))
		}
	}
}
