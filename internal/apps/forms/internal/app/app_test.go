package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"qushu/internal/apps/forms/internal/app"
)

func shipped(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("../../apps/*.yaml")
	if err != nil || len(files) != 12 {
		t.Fatal(len(files), err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

// Every shipped application fits the published schema and has nothing wrong.
func TestShippedAppsAreSound(t *testing.T) {
	s := app.NewSchema()
	for name, b := range shipped(t) {
		a, src, bad := s.Parse(b)
		if bad != nil {
			t.Errorf("%s: %v", name, bad)
			continue
		}
		if _, bad := app.Compile(a, src, nil); bad != nil {
			t.Errorf("%s: %v", name, bad)
		}
		if a.Key+".yaml" != name || a.Title.EN == "" || a.Summary.EN == "" {
			t.Errorf("%s: %+v", name, a.Title)
		}
	}
}

func unmarshal(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}
