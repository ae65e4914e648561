package table

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/errs"
)

func merge(t *testing.T, ranges ...string) func(f *excelize.File, sheet string) {
	return func(f *excelize.File, sheet string) {
		for _, r := range ranges {
			a, b, _ := strings.Cut(r, ":")
			if err := f.MergeCell(sheet, a, b); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestHead(t *testing.T) {
	for name, c := range map[string]struct {
		data     []byte
		rows     string
		names    string
		problems string
		notes    string
		samples  int
	}{
		"plain":       {data: []byte("姓名,电话\n张三,1\n"), rows: "1-1", names: "姓名|电话", samples: 1},
		"header only": {data: []byte("姓名,电话\n"), rows: "1-1", names: "姓名|电话"},
		"title above": {data: []byte("花名册,,\n制表日期：2024年1月5日,,\n序号,姓名,电话\n1,张三,027\n2,李四,\n"),
			rows: "3-3", names: "序号|姓名|电话", notes: "[{3  table.rows_skipped [2]}]", samples: 2},
		"blank trailing columns": {data: []byte("姓名,电话,,\n张三,1,,\n"), rows: "1-1", names: "姓名|电话", samples: 1},
		"space and line breaks":  {data: []byte("\" 姓\n名\",\u200b电话\u3000\n张三,1\n"), rows: "1-1", names: "姓 名|电话", samples: 1},
		"duplicate": {data: []byte("姓名,电话,姓名\n张三,1,2\n"), rows: "1-1", names: "姓名|电话|姓名",
			problems: "[{1 姓名 table.header_duplicate [姓名 A, C]}]", samples: 1},
		"empty inside": {data: []byte("姓名,,电话\n张三,1,2\n"), rows: "1-1", names: "姓名||电话",
			problems: "[{1 B table.header_empty [B]}]", samples: 1},
		"data without name": {data: []byte("姓名,电话\n张三,1,x\n李四,2,y\n"), rows: "1-1", names: "姓名|电话|",
			problems: "[{1 C table.header_empty [C]}]", samples: 2},
		"sentence for a name": {data: []byte("姓名," + strings.Repeat("长", 101) + "\n张三,1\n"), rows: "1-1", names: "姓名|" + strings.Repeat("长", 101),
			problems: "[{1 B table.header_long [B 100]} {1  table.header_data [1]}]", samples: 1},
		"no header":             {data: []byte("张三,027\n李四,028\n"), rows: "1-1", names: "张三|027", problems: "[{1  table.header_data [1]}]", samples: 1},
		"no header, words only": {data: []byte("张三,男,汉族\n李四,女,汉族\n王五,男,回族\n"), rows: "1-1", names: "张三|男|汉族", problems: "[{1  table.header_data [1]}]", samples: 2},
		"header again below":    {data: []byte("姓名,性别\n张三,男\n姓名,性别\n李四,女\n"), rows: "1-1", names: "姓名|性别", samples: 3},
		"gaps and repeats over data": {data: []byte("姓名,,电话,,电话\n张三,1,2,3,4\n李四,5,6,7,8\n"), rows: "1-1", names: "姓名||电话||电话",
			problems: "[{1 B table.header_empty [B]} {1 D table.header_empty [D]} {1 电话 table.header_duplicate [电话 C, E]}]", samples: 2},
		"two rows in a CSV": {data: []byte("序号,姓名,联系方式,\n,,电话,地址\n1,张三,027,武汉\n"),
			rows: "1-2", names: "序号|姓名|电话|地址", notes: "[{1  table.header_two [1 2]}]", samples: 1},
		"two rows, merged": {data: workbook(t, [][]any{{"序号", "2022年", nil, "2023年"}, {nil, "金额", "数量", "金额", "数量"}, {1, 2, 3, 4, 5}}, merge(t, "A1:A2", "B1:C1", "D1:E1")),
			rows: "1-2", names: "序号|2022年/金额|2022年/数量|2023年/金额|2023年/数量", notes: "[{1  table.header_two [1 2]}]", samples: 1},
		"two rows under a title": {data: workbook(t, [][]any{{"统计表"}, {"甲", nil, nil, nil, "乙"}, {"金额", "数量", "比例", "备注", "金额"}, {1, 2, 3, 4, 5}}, merge(t, "A1:E1", "A2:D2")),
			rows: "2-3", names: "甲/金额|数量|比例|备注|乙/金额", notes: "[{2  table.rows_skipped [1]} {2  table.header_two [2 3]}]", samples: 1},
		"merged header": {data: workbook(t, [][]any{{"姓名", "联系方式", nil}, {"张三", 1, 2}, {"李四", 3, 4}}, merge(t, "B1:C1")),
			rows: "1-1", names: "姓名|联系方式|", problems: "[{1  table.header_merged [B1:C1]}]", samples: 2},
		"merged data": {data: workbook(t, [][]any{{"街道", "社区"}, {"珞南", "甲"}, {nil, "乙"}}, merge(t, "A2:A3")),
			rows: "1-1", names: "街道|社区", notes: "[{0  table.merged [1 A2:A3]}]", samples: 2},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := open(t, c.data, Limits{}).Head(10)
			if err != nil {
				t.Fatal(err)
			}
			show := func(f []errs.Field) string {
				if len(f) == 0 {
					return ""
				}
				return fmt.Sprint(f)
			}
			if got := fmt.Sprintf("%d-%d", h.First, h.Last); got != c.rows {
				t.Error("rows", got)
			}
			if got := strings.Join(h.Names, "|"); got != c.names {
				t.Error("names", got)
			}
			if got := show(h.Problems); got != c.problems {
				t.Error("problems", got)
			}
			if (h.Err() != nil) != (c.problems != "") {
				t.Error(h.Err())
			}
			if got := show(h.Notes); got != c.notes {
				t.Error("notes", got)
			}
			if len(h.Samples) != c.samples {
				t.Error("samples", h.Samples)
			}
		})
	}
}

func TestHeadAt(t *testing.T) {
	// What looks like data is a header when somebody says so.
	chosen, err := open(t, []byte("2021,2022\n1,2\n"), Limits{}).HeadAt(1, 1, 5)
	if err != nil || chosen.Err() != nil || len(chosen.Notes) != 1 {
		t.Error(chosen, err)
	}
	r := open(t, []byte("甲,乙\n丙,丁\n1,2\n"), Limits{})
	h, err := r.HeadAt(2, 2, 5)
	if err != nil || strings.Join(h.Names, "|") != "丙|丁" || len(h.Samples) != 1 || h.Samples[0].Number != 3 {
		t.Error(h, err)
	}
	for _, rows := range [][2]int{{3, 2}, {1, 3}, {9, 9}} {
		if _, err := r.HeadAt(rows[0], rows[1], 5); err == nil {
			t.Error(rows, "accepted")
		}
	}
}

// A reason inside a row carries the column's name, not its letter.
func TestReasonsNameColumns(t *testing.T) {
	r := open(t, []byte("姓名,身份证号\n张三,4.20106E+17\n"), Limits{})
	h, err := r.Head(5)
	if err != nil {
		t.Fatal(err)
	}
	if w := h.Samples[0].Reasons; len(w) != 1 || w[0].Name != "身份证号" || w[0].Row != 2 {
		t.Error(w)
	}
}
