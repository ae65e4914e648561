package warehouse

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
)

// Every key the code uses has words in both languages, and no words are left over.
func TestTexts(t *testing.T) {
	texts, err := errs.NewCatalog(Text)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	key := regexp.MustCompile(`"(warehouse\.[a-z_]+)"`)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "warehousetest") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(used, "warehouse.duckdb") // a file
	for k := range used {
		if !texts.Has(k) {
			t.Errorf("%s has no words", k)
		}
	}
	for _, k := range texts.Keys() {
		if !used[k] {
			t.Errorf("%s is used nowhere", k)
		}
	}
}

func TestTypeText(t *testing.T) {
	for _, c := range []struct {
		text string
		want Type
		ok   bool
	}{
		{"text", Type{Kind: KindText}, true},
		{"integer", Type{Kind: KindInteger}, true},
		{"decimal(18,2)", DecimalType(18, 2), true},
		{"decimal(38,38)", DecimalType(38, 38), true},
		{"decimal(1,0)", DecimalType(1, 0), true},
		{"date", Type{Kind: KindDate}, true},
		{"datetime", Type{Kind: KindDatetime}, true},
		{"boolean", Type{Kind: KindBoolean}, true},
		{"", Type{}, false},
		{"TEXT", Type{}, false},
		{"decimal", Type{}, false},
		{"decimal(0,0)", Type{}, false},
		{"decimal(39,2)", Type{}, false},
		{"decimal(2,3)", Type{}, false},
		{"decimal(9,-1)", Type{}, false},
		{"decimal(18,2) ", Type{}, false},
		{"decimal(18,2)x", Type{}, false},
		{"decimal(018,2)", Type{}, false},
		{"text(9)", Type{}, false},
	} {
		var got Type
		err := got.UnmarshalText([]byte(c.text))
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v is not for people", c.text, err)
		}
	}
}

func TestVersionJSON(t *testing.T) {
	v := Version{ID: "06h0jtbccdy4zegjqz1wwd80rr", Table: "人口", Rows: 3, Bytes: 9, Hash: "ab", Made: time.Date(2023, 5, 1, 0, 30, 0, 1000, time.UTC),
		Columns: []Column{{Name: "额", Type: DecimalType(18, 2), Title: "金额（元）", Key: true}, {Name: "b", Type: Type{Kind: KindBoolean}}}}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"06h0jtbccdy4zegjqz1wwd80rr","table":"人口","columns":[{"name":"额","type":"decimal(18,2)","title":"金额（元）","key":true},` +
		`{"name":"b","type":"boolean"}],"rows":3,"bytes":9,"hash":"ab","made":"2023-05-01T00:30:00.000001Z"}`
	if string(b) != want {
		t.Errorf("it is stored, so it may only gain fields:\n got %s\nwant %s", b, want)
	}
	var back Version
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("%+v, %v", back, err)
	}
}

// Tables are clustered by these numbers: change one and every stored table loses its look-ups.
func TestKeyHash(t *testing.T) {
	for _, c := range []struct {
		key  []any
		want int64
	}{
		{[]any{"420199195001010012"}, -5933488457025706079},
		{[]any{"关山街道", Date("2023-01-01")}, -7137448449644179693},
		{[]any{int64(-1), Decimal("1.50"), true, time.UnixMicro(-1)}, -6242011339420434257},
	} {
		if got := KeyHash(c.key); got != c.want {
			t.Errorf("%v: %d", c.key, got)
		}
	}
	for _, pair := range [][2][]any{
		{{"a", "b"}, {"ab", ""}},
		{{"1:a"}, {"a", ""}},
		{{nil, "a"}, {"", "a"}},
		{{int64(1), int64(2)}, {int64(12)}},
	} {
		if KeyHash(pair[0]) == KeyHash(pair[1]) {
			t.Errorf("%v and %v must differ", pair[0], pair[1])
		}
	}
}

func TestParse(t *testing.T) {
	at := func(h, m, s, ns int) time.Time { return time.Date(2023, 5, 1, h, m, s, ns, Zone()) }
	for _, c := range []struct {
		typ, text string
		want      any // nil: refused
	}{
		{"text", " 甲 ", " 甲 "},
		{"integer", "-7", int64(-7)},
		{"integer", "7.0", nil},
		{"integer", "9223372036854775808", nil},
		{"integer", "", nil},
		{"decimal(5,2)", "007.1", Decimal("7.10")},
		{"decimal(5,2)", "-.5", nil},
		{"decimal(5,2)", "1.", nil},
		{"decimal(5,2)", "1e2", nil},
		{"decimal(5,2)", "+1", nil},
		{"decimal(5,2)", "1.230000", Decimal("1.23")},
		{"decimal(5,2)", "1000", nil},
		{"decimal(2,2)", "0.99", Decimal("0.99")},
		{"date", "2023-05-01", Date("2023-05-01")},
		{"date", "2023-5-1", nil},
		{"date", "2023-02-30", nil},
		{"datetime", "2023-05-01 08:30:00", at(8, 30, 0, 0)},
		{"datetime", "2023-05-01 08:30:00.25", at(8, 30, 0, 250_000_000)},
		{"datetime", "2023-05-01T00:30:00Z", at(8, 30, 0, 0)},
		{"datetime", "2023-05-01", nil},
		{"boolean", "true", true},
		{"boolean", "是", nil},
	} {
		var typ Type
		if err := typ.UnmarshalText([]byte(c.typ)); err != nil {
			t.Fatal(err)
		}
		got, err := typ.Parse(c.text)
		if at, ok := c.want.(time.Time); ok && err == nil && at.Equal(got.(time.Time)) {
			continue
		}
		if got != c.want || (err == nil) != (c.want != nil) {
			t.Errorf("%s %q: %v, %v", c.typ, c.text, got, err)
		}
	}
}

func TestLongValuesAreCutInErrors(t *testing.T) {
	_, err := Type{Kind: KindInteger}.Parse(strings.Repeat("长", 10_000))
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("%.400v", err)
	}
}

// Whatever Parse accepts, Format writes back, and Parse reads that as the same value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"decimal(18,2)\x00-0.50", "decimal(38,38)\x000.1", "integer\x00-9223372036854775808", "date\x001949-10-01",
		"datetime\x001911-10-10 23:59:59.999999", "datetime\x002023-05-01T00:00:00+14:00", "boolean\x00false", "text\x00汉字", "decimal(9,0)\x00-000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name, text, _ := strings.Cut(in, "\x00")
		var typ Type
		if typ.UnmarshalText([]byte(name)) != nil {
			return
		}
		if typ.String() != name {
			t.Fatalf("%q became %s", name, typ)
		}
		v, err := typ.Parse(text)
		if err != nil {
			return
		}
		again, err := typ.Parse(Format(v))
		if err != nil || Format(again) != Format(v) {
			t.Fatalf("%s %q: %v, then %v, %v", typ, text, v, again, err)
		}
		if d, ok := v.(Decimal); ok {
			n, ok := d.Unscaled()
			if !ok || FromUnscaled(n, typ.Scale) != d {
				t.Fatalf("%s has no integer", d)
			}
		}
	})
}

// A name that passes can stand in any file, header or query without quotes.
func FuzzValidName(f *testing.F) {
	for _, s := range []string{"姓名", "a_1", "", "1", "a.b", "a'b", "\xff", "ｆｕｌｌ", "名̄", strings.Repeat("a", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ValidName(s) && (s == "" || strings.ContainsAny(s, " .,;:'\"`()[]{}<>*%$&|\\/-+=?!#@~^\x00\n\r\t") || len([]rune(s)) > MaxName) {
			t.Errorf("%q passed", s)
		}
	})
}
