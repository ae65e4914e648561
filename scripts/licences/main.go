// Command licences names every dependency whose licence is not among the allowed ones, and every
// module that its author has retracted or deprecated, from what the module cache and node_modules
// hold. It needs no network.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// known recognises a licence by a sentence of its text; the one that stands first in a file is the file's (MPL names others).
var known = []struct {
	name    string
	allowed bool
	re      *regexp.Regexp
}{
	{"AGPL", false, regexp.MustCompile(`(?i)GNU\s+AFFERO\s+GENERAL\s+PUBLIC\s+LICENSE`)},
	{"LGPL", false, regexp.MustCompile(`(?i)GNU\s+(LESSER|LIBRARY)\s+GENERAL\s+PUBLIC\s+LICENSE`)},
	{"GPL", false, regexp.MustCompile(`(?i)GNU\s+GENERAL\s+PUBLIC\s+LICENSE\s+Version`)},
	{"Apache-2.0", true, regexp.MustCompile(`(?i)Apache\s+License,?\s+Version\s+2\.0|apache\.org/licenses/LICENSE-2\.0`)},
	{"MPL-2.0", true, regexp.MustCompile(`(?i)Mozilla\s+Public\s+License,?\s+(Version|v\.)\s*2\.0`)},
	{"EPL-2.0 or BSD-3-Clause", true, regexp.MustCompile(`(?i)Eclipse\s+Public\s+License\s+v2\.0\s+and\s+Eclipse\s+Distribution\s+License`)}, // the second is BSD's; either may be chosen
	{"MIT", true, regexp.MustCompile(`(?i)Permission\s+is\s+hereby\s+granted,\s+free\s+of\s+charge`)},
	{"BSD", true, regexp.MustCompile(`(?i)Redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms`)},
	{"ISC", true, regexp.MustCompile(`(?i)Permission\s+to\s+use,\s+copy,\s+modify,\s+and(/or)?\s+distribute\s+this\s+software`)},
	{"Unlicense/CC0", true, regexp.MustCompile(`(?i)CC0 1\.0|free\s+and\s+unencumbered\s+software|public\s+domain`)},
	{"Zlib", true, regexp.MustCompile(`(?i)This\s+software\s+is\s+provided\s+'as-is'`)},
}

// npmAllowed are the SPDX names that a package.json may give.
var npmAllowed = regexp.MustCompile(`^\(?((MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|MPL-2\.0|CC0-1\.0|CC-BY-4\.0|Python-2\.0|BlueOak-1\.0\.0|Unlicense|WTFPL)( (OR|AND) )?)+.*\)?$`)

func main() {
	bad, n, err := golang()
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	more, m, err := npm("web/node_modules")
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	bad = append(bad, more...)
	sort.Strings(bad)
	for _, b := range bad {
		fmt.Fprintln(os.Stderr, b)
	}
	if len(bad) > 0 {
		os.Exit(1)
	}
	fmt.Printf("licences: %d Go modules, %d npm packages, all allowed\n", n, m)
}

// golang checks the modules that are linked into the program or its tests.
func golang() (bad []string, n int, err error) {
	out, err := exec.Command("go", "list", "-deps", "-test", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}\t{{.Deprecated}}\t{{.Retracted}}{{end}}{{end}}", "./...").Output()
	if err != nil {
		return nil, 0, fmt.Errorf("go list: %w", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) < 5 || seen[f[0]] {
			continue
		}
		seen[f[0]] = true
		n++
		name, ok := licenceIn(f[2])
		if !ok {
			bad = append(bad, fmt.Sprintf("%s %s: licence %s", f[0], f[1], name))
		}
		if f[3] != "" || f[4] != "[]" {
			bad = append(bad, fmt.Sprintf("%s %s: deprecated or retracted: %s %s", f[0], f[1], f[3], f[4]))
		}
	}
	return bad, n, nil
}

func licenceIn(dir string) (name string, allowed bool) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		base := strings.ToUpper(filepath.Base(f))
		if !strings.HasPrefix(base, "LICEN") && !strings.HasPrefix(base, "COPYING") && !strings.HasPrefix(base, "UNLICENSE") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		at := len(b)
		for _, k := range known {
			if loc := k.re.FindIndex(b); loc != nil && loc[0] < at {
				at, name, allowed = loc[0], k.name, k.allowed
			}
		}
		if name != "" {
			return name, allowed
		}
	}
	return "unknown", false
}

// npm checks what is installed for the front end, its build tools included.
func npm(dir string) (bad []string, n int, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "package.json" || !strings.HasSuffix(filepath.Dir(filepath.Dir(path)), "node_modules") && !strings.HasPrefix(filepath.Base(filepath.Dir(filepath.Dir(path))), "@") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		var p struct {
			Name, Version string
			License       json.RawMessage
		}
		if json.Unmarshal(b, &p) != nil || p.Name == "" || p.Version == "" {
			return nil
		}
		n++
		lic := string(bytes.Trim(p.License, `"`))
		if !npmAllowed.MatchString(lic) {
			if name, ok := licenceIn(filepath.Dir(path)); !ok {
				bad = append(bad, fmt.Sprintf("npm %s %s: licence %q (%s)", p.Name, p.Version, lic, name))
			}
		}
		return nil
	})
	return bad, n, err
}
