package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// may says which floors a floor may import besides its own package: cmd → rooms → kernel → room → base.
// A room that could import another room would drag it along into every installation and every change.
var may = map[string][]string{
	"base":    {"base"},
	"room":    {"base"},
	"kernel":  {"base", "room", "kernel"},
	"cloud":   {"base", "room", "kernel"},
	"network": {"base", "room", "kernel"},
	"portal":  {"base", "room", "kernel"},
	"datahub": {"base", "room", "kernel"},
	"apps":    {"base", "room", "kernel"},
}

// foreign are the tables a package may name although another owns them, each with its reason.
var foreign = map[string]map[string]string{
	"kernel/authz": {"org_below": "the predicate “unit and below” is a sub-select over org's closure, run inside a room's own list"},
	"base/jobs":    {"river_job": "River's own table, which River made"},
}

const module = "qushu/"

// home returns the package tree a file lives in: base/store, or apps/visit.
func home(dir string) string {
	p := strings.Split(filepath.ToSlash(dir), "/")
	return strings.Join(p[:min(2, len(p))], "/")
}

func walk(t *testing.T, fn func(path, home string, src []byte)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Dir(path) == "." || (!strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".sql")) {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		fn(path, home(filepath.Dir(path)), b)
		return nil
	})
	if err != nil || n < 50 {
		t.Fatalf("walked %d files: %v", n, err)
	}
}

func TestRoomsKeepToThemselves(t *testing.T) {
	set := token.NewFileSet()
	walk(t, func(path, home string, src []byte) {
		floor, _, _ := strings.Cut(home, "/")
		allowed, ok := may[floor]
		if !ok {
			t.Errorf("%s: unknown floor %q", path, floor)
		}
		if floor != "room" && filepath.Dir(path) == floor && floor != "kernel" {
			t.Errorf("%s: a pillar is a folder without Go files", path)
		}
		if !strings.HasSuffix(path, ".go") {
			return
		}
		f, err := parser.ParseFile(set, path, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Imports {
			name, _ := strconv.Unquote(s.Path.Value)
			to, ours := strings.CutPrefix(name, module+"internal/")
			toFloor, _, _ := strings.Cut(to, "/")
			if ours && homeOf(to) != home && !slices.Contains(allowed, toFloor) {
				t.Errorf("%s: %s may not import %s: say it with an event, a port given in cmd/qushu/rooms.go, or a dataset", set.Position(s.Pos()), home, to)
			}
		}
	})
}

func homeOf(pkg string) string {
	p := strings.Split(pkg, "/")
	return strings.Join(p[:min(2, len(p))], "/")
}

var (
	table = regexp.MustCompile(`(?i)\b(?:from|join|into|update|table|references)\s+(?:if not exists\s+)?([a-z_]\w*)`)
	on    = regexp.MustCompile(`(?i)\bindex\s+(?:if not exists\s+)?\w+\s+on\s+([a-z_]\w*)`)
	isSQL = regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|with|create|alter|drop)\b|\b(from|join|into)\s+[a-z_]+\b.*\b(where|values|set|select|on)\b|\bSELECT\b|\bFROM [a-z_]+`)
	cte   = regexp.MustCompile(`(?i)([a-z_]\w*)\s*(?:\([^)]*\))?\s+as\s*(?:materialized\s*)?\(`)
	strip = regexp.MustCompile(`(?i)\bon\s+(conflict|delete|update)\b(\s+do\s+update)?|\bis (not )?distinct from\b|\bextract\s*\([^)]*\)|--[^\n]*|\bfor update\b`)
)

// owners maps a package to the prefix of its tables: the package's own name.
func owned(home, name string) bool {
	_, own, _ := strings.Cut(home, "/")
	if own == "" {
		own = home
	}
	return name == own || strings.HasPrefix(name, own+"_") || foreign[home][name] != ""
}

func TestTablesStayBehindTheirFence(t *testing.T) {
	seen := 0
	sqlIn(t, func(where, home, text string) {
		if home == "base/store" || home == "base/warehouse" || home == "base/source" { // store speaks of catalogue tables, the others are other engines
			return
		}
		text = strip.ReplaceAllString(text, " ")
		var local []string
		for _, m := range cte.FindAllStringSubmatch(text, -1) {
			local = append(local, strings.ToLower(m[1]))
		}
		for _, m := range append(table.FindAllStringSubmatch(text, -1), on.FindAllStringSubmatch(text, -1)...) {
			name := strings.ToLower(m[1])
			seen++
			if !owned(home, name) && !slices.Contains(local, name) && !slices.Contains([]string{"set", "select", "json_each", "lateral", "values"}, name) {
				t.Errorf("%s: %s may not touch table %s; ask its owner", where, home, name)
			}
		}
	})
	if seen < 15 {
		t.Errorf("only %d tables were seen: the check looks past the SQL", seen)
	}
}

// banned texts mean different things on the two engines, or exist on one only.
var banned = map[string]*regexp.Regexp{
	"bare LIKE (case differs): lower() both sides and ESCAPE, or use search": regexp.MustCompile(`(?is)\blike\b.*`),
	"now() (the transaction's start on PostgreSQL): pass the time":           regexp.MustCompile(`(?i)\bnow\(\)|current_timestamp`),
	"greatest/least are max/min on SQLite: use CASE":                         regexp.MustCompile(`(?i)\b(greatest|least)\s*\(`),
	"= ANY($1): use store.In":                                                regexp.MustCompile(`(?i)=\s*any\s*\(`),
	"DISTINCT ON":                                                            regexp.MustCompile(`(?i)distinct\s+on\b`),
	"LATERAL":                                                                regexp.MustCompile(`(?i)\blateral\b`),
	"IDENTITY or SERIAL: ids are TEXT":                                       regexp.MustCompile(`(?i)\b(identity|serial|bigserial|autoincrement)\b`),
	"ALTER COLUMN TYPE":                                                      regexp.MustCompile(`(?i)alter\s+column\s+\w+\s+(set\s+data\s+)?type`),
	"MERGE":                                                                  regexp.MustCompile(`(?i)^\s*merge\s+into`),
	"string_agg without ORDER BY":                                            regexp.MustCompile(`(?i)string_agg\s*\([^)]*\)`),
	"timestamps: times are BIGINT microseconds":                              regexp.MustCompile(`(?i)\btimestamptz?\b`),
	"ON CONFLICT without a target on an upsert":                              regexp.MustCompile(`(?i)on\s+conflict\s+do\s+update`),
	"ILIKE exists on PostgreSQL only: use search":                            regexp.MustCompile(`(?i)\bilike\b`),
}

func TestOneSQLText(t *testing.T) {
	sqlIn(t, func(where, home, text string) {
		if home == "base/store" || home == "base/warehouse" || home == "base/search" || home == "base/source" { // the places that may know the engine
			return
		}
		for why, re := range banned {
			if m := re.FindString(text); m != "" && !(strings.HasPrefix(why, "string_agg") && strings.Contains(strings.ToUpper(m), "ORDER BY")) && !(strings.HasPrefix(why, "bare LIKE") && strings.Contains(m, "ESCAPE") && strings.Contains(text, "lower(")) {
				t.Errorf("%s: %q: %s", where, strings.TrimSpace(m), why)
			}
		}
	})
}

// sqlIn calls fn with every piece of SQL outside tests: .sql files and the string literals of Go that hold some.
func sqlIn(t *testing.T, fn func(where, home, text string)) {
	t.Helper()
	set := token.NewFileSet()
	walk(t, func(path, home string, src []byte) {
		if strings.HasSuffix(path, ".sql") {
			fn(path, home, string(src))
			return
		}
		if strings.HasSuffix(path, "_test.go") || home == "kernel/kerneltest" || strings.HasSuffix(filepath.Dir(path), "test") {
			return
		}
		f, err := parser.ParseFile(set, path, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec, *ast.Field:
				if fd, ok := n.(*ast.Field); ok && fd.Tag != nil {
					ast.Inspect(fd.Type, func(ast.Node) bool { return true })
					return false // doc tags are prose
				}
				return false
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					if text, _ := strconv.Unquote(n.Value); isSQL.MatchString(text) && strings.ToUpper(text) != strings.ToLower(text) && looksSQL(text) {
						fn(set.Position(n.Pos()).String(), home, text)
					}
				}
			}
			return true
		})
	})
}

// looksSQL tells SQL from prose: SQL here writes its words in capitals.
func looksSQL(s string) bool {
	return regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN|WITH RECURSIVE|CREATE TABLE|ALTER TABLE)\b`).MatchString(s)
}

// Go's init and mutable package state make what a program does depend on what it links.
func TestNoInitNoSleep(t *testing.T) {
	set := token.NewFileSet()
	walk(t, func(path, home string, src []byte) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		f, err := parser.ParseFile(set, path, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: no init()", set.Position(fn.Pos()))
			}
		}
		for _, name := range []string{"common", "types", "utils", "helpers"} {
			if f.Name.Name == name {
				t.Errorf("%s: no package called %s", path, name)
			}
		}
		if strings.HasSuffix(path, "_test.go") && strings.Contains(string(src), "time."+"Sleep(") {
			t.Errorf("%s: tests wait on a condition, not on time", path)
		}
	})
}
