package id

import (
	"testing"
	"time"
)

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

func TestTime(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	if at := Time(New()); at.Before(before) || at.After(time.Now()) {
		t.Error(at)
	}
	if !Time("x").IsZero() {
		t.Error("no identifier has a time")
	}
}
