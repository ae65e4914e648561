package duck

import (
	"testing"
	"time"

	"qushu/internal/base/warehouse"
	"qushu/internal/base/warehouse/warehousetest"
)

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Threads == 0 {
		o.Threads = 2
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSuite(t *testing.T) {
	warehousetest.Suite(t, func(t *testing.T, now func() time.Time) warehouse.Store { return open(t, Options{Now: now}) })
}
