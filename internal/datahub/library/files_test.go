package library_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qushu/internal/base/store"
	"qushu/internal/kernel/kerneltest"
)

// workbook makes an XLSX of cells by name.
func workbook(t *testing.T, cells map[string]any, change func(f *excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for at, v := range cells {
		if err := f.SetCellValue("Sheet1", at, v); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"[Content_Types].xml":        `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels":                `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c t="inlineStr"><is><t>` + strings.Repeat("a", 30<<20) + `</t></is></c></row></sheetData></worksheet>`,
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A file that is no good is refused with a sentence, and makes no draft.
func TestRefusedFiles(t *testing.T) {
	whole := workbook(t, map[string]any{"A1": "姓名", "A2": "张三"}, nil)
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		for _, c := range []struct{ name, file, content, want string }{
			{"truncated", "a.xlsx", whole[:len(whole)*2/3], "不完整"},
			{"zip bomb", "a.xlsx", bomb(e.t), "压缩比"},
			{"old Excel", "a.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 600), "另存为"},
			{"password", "a.xlsx", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00", 1), "密码"},
			{"a picture", "aa.csv", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 100), "不是表格"},
			{"PDF", "aa.csv", "%PDF-1.7 ...", "不是表格"},
			{"blanks", "aa.csv", " \n \n", "空的"},
			{"web page", "a.xls", "<html><table></table></html>", "另存为"},
		} {
			id := e.upload(zhang, c.file, c.content)
			status, body := e.Call(e.t, kerneltest.Case{As: zhang, Call: "POST /api/library/loads", Body: fmt.Sprintf(`{"fileId":%q}`, id)})
			if status != 422 && status != 413 || !strings.Contains(body, c.want) {
				e.t.Errorf("%s: %d %s", c.name, status, body)
			}
		}
		e.Run(e.t, []kerneltest.Case{
			{Name: "no drafts", As: zhang, Call: "GET /api/library/loads", Status: 200, Want: []string{`"items":[]`}},
			{Name: "0 bytes", As: zhang, Call: "POST /api/file/uploads", Body: `{"name":"aa.csv","size":0}`, Status: 422, Want: []string{"空的"}},
			{Name: "over the size", As: zhang, Call: "POST /api/file/uploads", Body: `{"name":"aa.csv","size":99999999999}`, Status: 413},
			{Name: "another's upload", As: officer("li", "u2"), Call: "POST /api/library/loads", Body: fmt.Sprintf(`{"fileId":%q}`, e.upload(zhang, "aa.csv", small)), Status: 404},
		})
	})
}

// What is wrong with a header is shown, stops the load, and may be settled by naming another row.
func TestProblems(t *testing.T) {
	merged := func(f *excelize.File) { f.MergeCell("Sheet1", "B2", "C2") }
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		for _, c := range []struct{ name, content, want string }{
			{"duplicate header", "姓名,姓名\n张三,李四\n", "重复"},
			{"empty header", "姓名,,电话\n张三,a,1\n李四,b,2\n", "没有列名"},
			{"merged header", workbook(e.t, map[string]any{"A2": "编号", "B2": "联系", "D2": "电话", "A3": 1, "B3": "x", "C3": "y", "D3": "2"}, merged), "合并"},
		} {
			ld := e.draft(zhang, "aa.csv", c.content, "")
			if len(ld.Problems) == 0 || !strings.Contains(ld.Problems[0].Message, c.want) {
				e.t.Errorf("%s: %+v", c.name, ld.Problems)
			}
			if status, body := e.start(zhang, ld, false); status != 422 || !strings.Contains(body, "先解决") {
				e.t.Errorf("%s: started: %d %s", c.name, status, body)
			}
		}
		// A file without a header does not lose its first person: the officer says that the row is one, or mends the file.
		bare := e.draft(zhang, "aa.csv", "张三,13800005678,男\n李四,13800005679,男\n", "")
		if len(bare.Problems) != 1 || !strings.Contains(bare.Problems[0].Message, "像是数据") {
			e.t.Errorf("%+v", bare)
		}
		if status, body := e.start(zhang, bare, false); status != 422 {
			e.t.Error("the first person was taken for names:", status, body)
		}
		var chosen load
		e.Get(e.t, zhang, "POST /api/library/loads/"+bare.ID+"/inspect", fmt.Sprintf(`{"first":1,"version":%d}`, bare.Version), &chosen)
		if len(chosen.Problems) != 0 || len(chosen.Notes) != 1 {
			e.t.Errorf("%+v", chosen)
		}
		ld := e.draft(zhang, "aa.csv", "统计表,统计表\n姓名,电话\n张三,13800005678\n", "")
		var again load
		e.Get(e.t, zhang, "POST /api/library/loads/"+ld.ID+"/inspect", fmt.Sprintf(`{"first":2,"version":%d}`, ld.Version), &again)
		if len(again.Problems) != 0 || again.First != 2 || again.Columns[0]["header"] != "姓名" {
			e.t.Errorf("%+v", again)
		}
		if status, body := e.Call(e.t, kerneltest.Case{As: zhang, Call: "POST /api/library/loads/" + ld.ID + "/inspect", Body: fmt.Sprintf(`{"first":2,"version":%d}`, ld.Version)}); status != 409 {
			e.t.Error("a look from an old page:", status, body)
		}
		if status, body := e.Call(e.t, kerneltest.Case{As: zhang, Call: "POST /api/library/loads/" + ld.ID + "/inspect", Body: fmt.Sprintf(`{"first":90,"version":%d}`, again.Version)}); status != 422 {
			e.t.Error("a header beyond the end:", status, body)
		}
	})
}

func TestWorkbook(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		content := workbook(e.t, map[string]any{"A1": "说明"}, func(f *excelize.File) {
			f.NewSheet("名单")
			f.SetSheetRow("名单", "A1", &[]any{"编号", "姓名", "入住", "金额"})
			f.SetSheetRow("名单", "A2", &[]any{1, "张三", time.Date(2023, 5, 1, 0, 0, 0, 0, time.UTC), 12.5})
			f.SetSheetRow("名单", "A3", &[]any{2, "李四", "2023-05-02"})
			f.SetCellFormula("名单", "D3", "D2*2")
		})
		ld := e.draft(zhang, "名单.xlsx", content, "")
		e.Get(e.t, zhang, "POST /api/library/loads/"+ld.ID+"/inspect", fmt.Sprintf(`{"sheet":"名单","version":%d}`, ld.Version), &ld)
		if ld.Sheet != "名单" || ld.Format != "xlsx" || len(ld.Columns) != 4 || len(ld.Faults) != 1 || !strings.Contains(ld.Faults[0].Message, "公式") {
			e.t.Fatalf("%+v", ld)
		}
		ld = e.choose(zhang, ld, "", func(m map[string]any) { column(m, "编号")["key"] = true })
		if status, body := e.start(zhang, ld, false); status != 200 {
			e.t.Fatal(status, body)
		}
		done := e.until(zhang, ld.ID, ended)
		if done.State != "done" || done.Rows != 1 || done.Rejected != 1 {
			e.t.Fatalf("%+v", done)
		}
		if rows := e.rowsOf(done.MadeDataset); len(rows) != 1 || rows[0][0] != int64(1) || fmt.Sprint(rows[0][2]) != "2023-05-01" {
			e.t.Error(rows)
		}
	})
}

// Every row that cannot be loaded is listed with its number and the reason, to be downloaded and mended.
func TestRejectedRows(t *testing.T) {
	content := "身份证号,姓名,金额,登记日期\n" +
		"420199198506150017,张三,1.5,2023-05-01\n" + // 2
		"420199198506150016,李四,1.5,2023-05-01\n" + // 3 check digit
		",王五,1,2023-05-01\n" + // 4 key empty
		"42019919900101003X,赵六,abc,2023-13-01\n" + // 5 two reasons
		"４２０１９９１９８５０６１５００１７,张三,2,2023-05-02\n" + // 6 the key of row 2 in full width
		"420199197001010030,\"=cmd|' /C calc'!A0\",3,2023-05-03,多\n" + // 7 a cell too many
		"420199197001010030,孙七,3,2023-05-03\n" // 8
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		strict := func(m map[string]any) {
			column(m, "身份证号")["strict"], column(m, "身份证号")["key"] = true, true
			column(m, "登记日期")["type"] = "date"
			column(m, "金额")["type"] = "decimal(18,2)"
		}
		ld := e.gather(zhang, "aa.csv", content, "", strict)
		if ld.State != "done" || ld.Rows != 2 || ld.Rejected != 5 {
			e.t.Fatalf("%+v", ld)
		}
		var list struct {
			Header []string
			Total  int
			Rows   []struct {
				Row   int
				Why   []string
				Cells []string
			}
		}
		e.Get(e.t, zhang, "GET /api/library/loads/"+ld.ID+"/rejected", "", &list)
		want := []string{"3 校验不通过", "4 不能为空", "5 不是数字", "6 与第 2 行重复", "7 比表头的 4 列多"}
		if list.Total != 5 || len(list.Rows) != 5 || strings.Join(list.Header, ",") != "身份证号,姓名,金额,登记日期" {
			e.t.Fatalf("%+v", list)
		}
		for i, w := range want {
			got := fmt.Sprint(list.Rows[i].Row, " ", strings.Join(list.Rows[i].Why, "；"))
			n, why, _ := strings.Cut(w, " ")
			if !strings.HasPrefix(got, n+" ") || !strings.Contains(got, why) {
				e.t.Errorf("row %d: %q, want %q", i, got, w)
			}
		}
		if len(list.Rows[2].Why) != 2 || list.Rows[0].Cells[1] != "李四" {
			e.t.Errorf("%+v", list.Rows)
		}
		status, file := e.Call(e.t, kerneltest.Case{As: zhang, Call: "GET /api/file/content/" + ld.RejectedFile})
		if status != 200 || !strings.Contains(file, "未导入原因") || !strings.Contains(file, "李四") || strings.Contains(file, ",=cmd") || strings.Contains(file, `"=cmd`) {
			e.t.Error(status, file)
		}
		e.Run(e.t, []kerneltest.Case{
			{Name: "a colleague sees no cells", As: officer("wang", "u1"), Call: "GET /api/library/loads/" + ld.ID + "/rejected", Status: 403, Not: []string{"李四"}},
			{Name: "nor the file", As: officer("wang", "u1"), Call: "GET /api/file/content/" + ld.RejectedFile, Status: 404},
			{Name: "nor its id", As: officer("wang", "u1"), Call: "GET /api/library/loads/" + ld.ID, Status: 200, Want: []string{`"hasList":true`, `"rejectedFile":""`}, Not: []string{ld.RejectedFile}},
		})
		all := e.gather(zhang, "bb.csv", content, "", func(m map[string]any) { strict(m); m["onBad"] = "fail"; m["name"] = "other" })
		if all.State != "failed" || all.Rows != 0 || all.Rejected != 4 || !strings.Contains(all.Error, "有 4 行") {
			e.t.Errorf("%+v", all)
		}
		twice := e.gather(zhang, "cc.csv", small+"420199198506150017,张三\n", "", func(m map[string]any) {
			m["onBad"] = "fail"
			m["name"] = "other"
			column(m, "身份证号")["key"] = true
		})
		if twice.State != "failed" || twice.Rejected != 1 {
			e.t.Errorf("%+v", twice)
		}
		e.Get(e.t, zhang, "GET /api/library/loads/"+twice.ID+"/rejected", "", &list)
		if len(list.Rows) != 1 || list.Rows[0].Row != 4 || !strings.Contains(list.Rows[0].Why[0], "第 2 行") {
			e.t.Errorf("%+v", list)
		}
		none := e.gather(zhang, "dd.csv", "编号,金额\n1,x\n2,y\n", "", func(m map[string]any) { column(m, "金额")["type"] = "integer"; m["name"] = "other" })
		if none.State != "failed" || none.Rejected != 2 || !strings.Contains(none.Error, "没有一行") || e.versions() != 1 {
			e.t.Errorf("%+v %d", none, e.versions())
		}
		many := e.gather(zhang, "ee.csv", small+"420199198506150017,张三丰\n", "", func(m map[string]any) {
			m["repeats"] = true
			m["name"] = "other"
			column(m, "身份证号")["key"] = true
		})
		if many.State != "done" || many.Rows != 3 {
			e.t.Errorf("%+v", many)
		}
	})
}

// A file whose lines change their encoding is loaded as far as it can be read.
func TestMixedEncodings(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		ld := e.gather(zhang, "aa.csv", gbk("编号,姓名\n1,张三\n")+"2,李四在此\n"+gbk("3,王五\n"), "", nil)
		if ld.State != "done" || ld.Rows != 2 || ld.Rejected != 1 {
			e.t.Errorf("%+v", ld)
		}
	})
}

// Files are kept for their time and no longer.
func TestPurge(t *testing.T) {
	each(t, func(e env) {
		zhang := officer("zhang", "u1")
		ld := e.gather(zhang, "aa.csv", small+"x\n", "", nil)
		draft := e.draft(zhang, "bb.csv", small, "")
		count := func() int {
			n, err := store.Value[int](e.t.Context(), e.Kit.DB, `SELECT count(*) FROM file WHERE room = 'library'`)
			if err != nil {
				e.t.Fatal(err)
			}
			return n
		}
		e.Move(29 * 24 * time.Hour)
		if e.run("library.purge"); count() != 3 {
			e.t.Error("too early:", count())
		}
		e.Move(2 * 24 * time.Hour)
		if e.run("library.purge"); count() != 0 {
			e.t.Error("kept:", count())
		}
		e.Run(e.t, []kerneltest.Case{
			{Name: "the load is still told of", As: zhang, Call: "GET /api/library/loads/" + ld.ID, Status: 200, Want: []string{`"state":"done"`, `"hasList":false`}},
			{Name: "a draft without a file", As: zhang, Call: "POST /api/library/loads/" + draft.ID + "/start", Body: fmt.Sprintf(`{"version":%d}`, draft.Version+1), Status: 409, Want: []string{"清理"}},
			{Name: "goes away", As: zhang, Call: "DELETE /api/library/loads/" + draft.ID, Status: 204},
			{Name: "and is gone", As: zhang, Call: "GET /api/library/loads/" + draft.ID, Status: 404},
		})
	})
}
