package sheet

import (
	"bytes"
	"strings"
	"testing"

	"qushu/internal/base/errs"
)

func columns() []Column {
	return []Column{{Key: "name", Names: []string{"姓名"}, Need: true, Hint: "张示例"}, {Key: "unit", Names: []string{"单位", "部门"}, Need: true, Hint: "示例局"}, {Key: "note", Names: []string{"备注"}}}
}

func TestRead(t *testing.T) {
	for _, c := range []struct{ name, file, rows, bad, err string }{
		{"any order, other headings, marks", "备注,部门（必填）,姓 名*\n甲,一局,张三\n", "2:张三:一局:甲", "", ""},
		{"unknown columns are passed over", "姓名,爱好,单位\n张三,棋,一局\n", "2:张三:一局:", "", ""},
		{"a heading twice", "姓名,单位,部门\n张三,一局,二局\n", "2:张三:一局:", "", ""},
		{"a title above", "人员名册,,\n姓名,单位,备注\n张三,一局,\n", "3:张三:一局:", "", ""},
		{"blank rows", "姓名,单位\n\n张三,一局\n,\n李四,二局\n", "3:张三:一局: 5:李四:二局:", "", ""},
		{"a cell missing", "姓名,单位\n张三,\n", "2:张三::", "2:单位:org.cell_needed", ""},
		{"a narrow row", "姓名,单位,备注\n张三,一局,甲\n李四,二局\n", "2:张三:一局:甲", "3::table.row_narrow", ""},
		{"a column missing", "姓名\n张三\n", "", "", "org.columns_missing"},
		{"the example row", "姓名,单位\n张示例,示例局\n", "", "", "org.import_empty"},
		{"empty", "", "", "", "table.empty"},
	} {
		why := NewReasons(columns())
		rows, err := Read([]byte(c.file), "a.csv", columns(), why)
		var got, bad []string
		for _, r := range rows {
			got = append(got, itoa(r.Number)+":"+r.Get("name")+":"+r.Get("unit")+":"+r.Get("note"))
		}
		if e, ok := why.Err("x").(*errs.Error); ok {
			for _, f := range e.Fields {
				bad = append(bad, itoa(f.Row)+":"+f.Name+":"+f.Key)
			}
		}
		if strings.Join(got, " ") != c.rows || strings.Join(bad, " ") != c.bad || errs.KeyOf(err) != c.err {
			t.Errorf("%s: rows %v, reasons %v, error %v", c.name, got, bad, err)
		}
	}
}

func itoa(n int) string { return string(rune('0' + n)) }

func TestTemplateIsReadBack(t *testing.T) {
	var out bytes.Buffer
	if err := Template(&out, "人员", columns()); err != nil {
		t.Fatal(err)
	}
	_, err := Read(out.Bytes(), "模板.xlsx", columns(), NewReasons(columns()))
	if errs.KeyOf(err) != "org.import_empty" {
		t.Error(err)
	}
}

// A file of nothing but faults gives the first of them and counts all.
func TestManyReasons(t *testing.T) {
	why := NewReasons(columns())
	for row := 2; row < 5000; row++ {
		why.Add(row, "unit", "org.cell_needed", "单位")
	}
	e := why.Err("org.import_refused").(*errs.Error)
	if len(e.Fields) != maxReasons || e.Args[0] != 4998 || e.Fields[0].Row != 2 {
		t.Error(len(e.Fields), e.Args, e.Fields[0])
	}
}
