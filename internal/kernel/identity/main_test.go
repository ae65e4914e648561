package identity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// keys is where the template's key file stands while the tests run.
var keys string

func tempKeys() string { return filepath.Join(keys, "keys.json") }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "qushu-keys-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	keys = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}
