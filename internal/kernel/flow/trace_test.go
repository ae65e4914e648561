package flow

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The trace is only ever inserted: no text of this package changes or removes a row of it.
func TestTraceOnlyGrows(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	bad := regexp.MustCompile(`(?i)(update|delete\s+from)\s+flow_step\b`)
	inserts := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := bad.Find(b); m != nil {
			t.Errorf("%s: %s", f, m)
		}
		inserts += strings.Count(string(b), "INSERT INTO flow_step")
	}
	if inserts != 1 {
		t.Errorf("the trace is written in %d places", inserts)
	}
}
