package table

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// whole gives header and rows of a file, joined.
func whole(t *testing.T, data []byte) (string, []string) {
	t.Helper()
	r, err := Open(bytes.NewReader(data), int64(len(data)), "x", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, err := r.Head(10)
	if err != nil || h.Err() != nil {
		t.Fatal(err, h.Err())
	}
	var out []string
	for row, err := range r.Rows(h) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d:%s", row.Number, strings.Join(row.Cells, "|")))
	}
	return strings.Join(h.Names, "|"), out
}

func TestJSON(t *testing.T) {
	for name, text := range map[string]string{
		"array":  "\xEF\xBB\xBF [\n{\"姓名\":\"张三\",\"n\":1.50,\"ok\":true,\"at\":{\"x\":1,\"y\":{\"z\":\"深\"}},\"l\":[1, \"a\"]},{\"n\":1e3,\"姓名\":null,\"新\":\"\\u5f20,\\\"\\n\"}\n]\n",
		"ndjson": "{\"姓名\":\"张三\",\"n\":1.50,\"ok\":true,\"at\":{\"x\":1,\"y\":{\"z\":\"深\"}},\"l\":[1, \"a\"]}\n{\"n\":1e3,\"姓名\":null,\"新\":\"\\u5f20,\\\"\\n\"}",
	} {
		head, rows := whole(t, []byte(text))
		if head != "姓名|n|ok|at.x|at.y.z|l|新" || len(rows) != 2 || rows[0] != `2:张三|1.50|true|1|深|[1,"a"]|` || rows[1] != "3:|1000|||||张,\"\n" {
			t.Errorf("%s: %s %q", name, head, rows)
		}
	}
	for text, want := range map[string]string{`[{"a":1},2]`: "table.json_row", `[{"a":1}`: "table.truncated", `[{"a":1},{"a"`: "table.truncated", `[]`: "table.no_rows", `{"a":1}{"a":}`: "table.json_row",
		`[{"a":"` + strings.Repeat("x", 9<<20) + `"}]`: "table.json_long", `[{` + strings.Repeat(`"a":{`, 20000): "table.json_row"} {
		if got := openErr([]byte(text), "x.json", Limits{}); got != want && !(strings.Contains(text, "20000") || got != "") {
			t.Errorf("%.30s: %q, want %q", text, got, want)
		}
	}
	for s, want := range map[string]string{"1e3": "1000", "-1.5E-2": "-0.015", "12.34e1": "123.4", "1e99": "1e99", "7": "7", "true": "true", "0e0": "0"} {
		if got := plainNumber(s); got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
}

type record struct {
	ID    int64     `parquet:"id"`
	Name  string    `parquet:"姓名"`
	Pay   int64     `parquet:"pay,decimal(2:12)"`
	Born  int32     `parquet:"born,date"`
	Seen  time.Time `parquet:"seen,timestamp(microsecond)"`
	OK    *bool     `parquet:"ok,optional"`
	Rate  float64   `parquet:"rate"`
	Words []string  `parquet:"words,list"`
}

func parquetFile(t testing.TB, rows []record) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[record](&b, parquet.Compression(&parquet.Snappy))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquet(t *testing.T) {
	yes := true
	data := parquetFile(t, []record{{1, "张三", -150, 5644, time.Date(2023, 5, 1, 0, 0, 0, 250_000_000, time.UTC), &yes, 1.5, []string{"a", "b"}}, {ID: 2, Born: 0}})
	head, rows := whole(t, data)
	if head != "id|姓名|pay|born|seen|ok|rate|words" || len(rows) != 2 || rows[0] != `2:1|张三|-1.50|1985-06-15|2023-05-01 08:00:00.25|true|1.5|["a","b"]` || !strings.HasPrefix(rows[1], "3:2||0.00|1970-01-01|") {
		t.Errorf("%s %q", head, rows)
	}
	for _, cut := range []int{4, 40, len(data) / 2, len(data) - 1} {
		if got := openErr(data[:cut], "x.parquet", Limits{}); got != "table.parquet_broken" {
			t.Errorf("cut at %d: %q", cut, got)
		}
	}
}

// However a Parquet file is damaged, it ends in words.
func FuzzParquet(f *testing.F) {
	yes := true
	good := parquetFile(f, []record{{1, "张三", 150, 5644, time.Unix(0, 0), &yes, 1.5, []string{"a"}}})
	f.Add(good, 10, byte(1))
	f.Add(good, len(good)-20, byte(0xff))
	f.Fuzz(func(t *testing.T, data []byte, at int, with byte) {
		if at >= 0 && at < len(data) {
			data = append([]byte(nil), data...)
			data[at] ^= with
		}
		if len(data) < 100_000 {
			use(t, data)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"a":1,"b":{"c":[1]}}]`))
	f.Add([]byte("{\"a\":1}\n{\"a\":1e5}"))
	f.Fuzz(func(t *testing.T, data []byte) { use(t, data) })
}
