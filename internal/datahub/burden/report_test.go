package burden

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/store"
	"qushu/internal/base/table"
)

// sheetOf is a workbook as an office makes one: a title over everything, two rows of heading with merged cells, a row of examples.
func sheetOf(t *testing.T, merges [][2]string, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err == nil {
			err = f.SetSheetRow("Sheet1", at, &row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range merges {
		if err := f.MergeCell("Sheet1", m[0], m[1]); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestQuestionsOfAWorkbook(t *testing.T) {
	src := sheetOf(t, [][2]string{{"A1", "H1"}, {"A2", "A3"}, {"B2", "B3"}, {"C2", "D2"}, {"E2", "E3"}, {"F2", "F3"}, {"G2", "G3"}, {"H2", "H3"}},
		[]any{"社区治理力量情况统计表"},
		[]any{"序号", "社区名称*", "网格力量", "", "联系电话", "是否智慧社区", "建成日期", "备注"},
		[]any{"", "", "网格员数（人）", "志愿者数(人)", "", "", "", ""},
		[]any{1, "石牌社区", 6, 30, "027-87654321", "是", "2020-05-01", ""})
	r, err := table.Open(bytes.NewReader(src), int64(len(src)), "表.xlsx", table.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, err := r.Head(20)
	if err != nil {
		t.Fatal(err)
	}
	all, skipped := questions(h)
	got := ""
	for _, f := range all {
		got += f.Group + "|" + f.Name + "|" + f.Kind + "|" + f.Measure + "\n"
	}
	want := "|社区名称|unit|\n|网格员数|number|人\n|志愿者数|number|人\n|联系电话|phone|\n|是否智慧社区|choice|\n|建成日期|date|\n|备注|text|\n"
	if got != want || strings.Join(skipped, ",") != "序号" || !all[0].Required || h.First != 2 || h.Last != 3 {
		t.Errorf("%d–%d\n%s%v", h.First, h.Last, got, skipped)
	}
}

func TestPeriod(t *testing.T) {
	day := time.Date(2023, 8, 31, 17, 0, 0, 0, time.UTC) // the first of September in Wuhan
	for kind, want := range map[string]string{"once": "2023年9月1日", "monthly": "2023年9月", "quarterly": "2023年第3季度", "halfyear": "2023年下半年", "yearly": "2023年"} {
		if got := period(kind, day); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// The time a page was open is never more than what passed on the clock.
func TestSpend(t *testing.T) {
	now := time.Date(2023, 6, 1, 9, 0, 0, 0, time.UTC)
	s := &sheet{}
	s.spend(500, now) // never opened: nothing is known
	if s.Spent != 0 || s.Opened.IsZero() {
		t.Fatalf("%+v", s)
	}
	s.spend(90, now.Add(2*time.Minute))
	s.spend(9000, now.Add(3*time.Minute))
	if s.Spent != 90+60 {
		t.Error(s.Spent)
	}
}

// A row of a list keeps what was filled in for the one it is about, wherever it moves; a row about somebody else does not get it.
func TestTakeList(t *testing.T) {
	r := &report{List: true, Fields: store.JSON[[]Field]{V: []Field{{Key: "id", Name: "身份证号", Kind: "id", RowKey: true, Final: byHand}, {Key: "n", Name: "姓名", Kind: "name", Final: fromData}, {Key: "w", Name: "走访情况", Kind: "text", Final: byHand}}}}
	s := &sheet{}
	s.Body.V = []Row{{"id": {Value: "A"}, "n": {Value: "王某", From: "人口"}, "w": {Value: "好"}}}
	s.take(r, []map[string]string{{"id": "B", "w": "新"}, {"id": "A", "w": "更好", "n": "伪造"}, {}})
	if len(s.Body.V) != 2 || s.Body.V[0]["n"].Value != "" || s.Body.V[1]["n"].Value != "王某" || s.Body.V[1]["w"].Value != "更好" {
		t.Errorf("%+v", s.Body.V)
	}
}
