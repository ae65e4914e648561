package id

import "testing"

func TestNew(t *testing.T) {
	last := ""
	for range 10000 {
		n := New()
		if !Valid(n) || n <= last {
			t.Fatalf("%q after %q", n, last)
		}
		last = n
	}
	for _, bad := range []string{"", "x", "../../etc/passwd", last + "0"} {
		if Valid(bad) {
			t.Error(bad)
		}
	}
}
