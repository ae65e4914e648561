package burden

import (
	"context"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/table"
	"qushu/internal/base/web"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/codes"
)

// maxForm bounds a form's file, in bytes: it has a heading and perhaps some rows.
const maxForm = 16 << 20

// ReadHead is what a form's file tells.
type ReadHead struct {
	File    string   `json:"file"`
	Title   string   `json:"title" doc:"what stands above the heading, else the name of the file"`
	Sheet   string   `json:"sheet"`
	Sheets  []string `json:"sheets" nullable:"false"`
	First   int      `json:"first" doc:"rows of the heading as Excel shows them"`
	Last    int      `json:"last"`
	Fields  []Field  `json:"fields" nullable:"false"`
	Skipped []string `json:"skipped" nullable:"false" doc:"columns that are no question: serial numbers"`
	Notes   []string `json:"notes" nullable:"false" doc:"what should be looked at: two rows of heading, merged cells, names that stand twice"`
}

type readIn struct {
	Body struct {
		File  string `json:"fileId" minLength:"1" maxLength:"40" doc:"of an upload that is finished"`
		Sheet string `json:"sheet" required:"false" maxLength:"60"`
		First int    `json:"first" required:"false" minimum:"0" maximum:"1000" doc:"rows of the heading, guessed when 0"`
		Last  int    `json:"last" required:"false" minimum:"0" maximum:"1000"`
	}
}
type readOut struct{ Body ReadHead }

// readHead reads the questions of a form from the heading of a workbook.
func (b *Burden) readHead(ctx context.Context, in *readIn) (*readOut, error) {
	r, name, err := b.opened(ctx, in.Body.File)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if in.Body.Sheet != "" {
		if err := r.Use(in.Body.Sheet); err != nil {
			return nil, err
		}
	}
	var h table.Head
	if in.Body.First > 0 {
		h, err = r.HeadAt(in.Body.First, max(in.Body.First, in.Body.Last), 20)
	} else {
		h, err = r.Head(20)
	}
	if err != nil {
		return nil, err
	}
	out := &readOut{ReadHead{File: name, Title: strings.TrimSuffix(name, path.Ext(name)), Sheet: r.Sheet(), Sheets: []string{}, First: h.First, Last: h.Last, Fields: []Field{}, Skipped: []string{}, Notes: []string{}}}
	for _, s := range r.Sheets() {
		if !s.Hidden {
			out.Body.Sheets = append(out.Body.Sheets, s.Name)
		}
	}
	lang := web.From(ctx).Lang
	for _, f := range append(slices.Clone(h.Problems), h.Notes...) {
		if f.Key != "table.header_data" && f.Key != "table.rows_skipped" {
			out.Body.Notes = append(out.Body.Notes, b.words.Text(lang, f.Key, f.Args...))
		}
	}
	out.Body.Fields, out.Body.Skipped = questions(h)
	return out, nil
}

// opened opens an uploaded table; the caller closes it. Its bytes lie in a file without a name.
func (b *Burden) opened(ctx context.Context, id string) (*table.Reader, string, error) {
	f, content, err := b.files.Open(ctx, b.db, id)
	if err != nil {
		return nil, "", err
	}
	defer content.Close()
	if f.Room != "file" || f.By != authz.From(ctx).Person { // only one's own upload, which nobody has attached to anything
		return nil, "", errs.New(errs.Missing, "store.missing")
	}
	if f.Size > maxForm {
		return nil, "", errs.New(errs.TooLarge, "burden.file_big", maxForm>>20)
	}
	spool, err := os.CreateTemp("", "qushu-form-*")
	if err != nil {
		return nil, "", err
	}
	defer os.Remove(spool.Name())
	if _, err := io.Copy(spool, content); err != nil {
		spool.Close()
		return nil, "", err
	}
	if err := spool.Close(); err != nil {
		return nil, "", err
	}
	r, err := table.OpenFile(spool.Name(), f.Name, table.Limits{MaxBytes: maxForm, MaxRows: 10_000, MaxColumns: 300, MaxUnzip: 256 << 20})
	return r, f.Name, err
}

var (
	measure = regexp.MustCompile(`[（(]\s*([^（）()]{1,8})\s*[）)]\s*$`)
	serial  = regexp.MustCompile(`^(序号|编号|No\.?|NO\.?)$`)
	counted = regexp.MustCompile(`(数|数量|人数|户数|金额|面积|总量|比例|率|次数|台数|个数|余额|额|合计|总计)$`)
	yesNo   = regexp.MustCompile(`^是否|^有无`)
)

// measures are what is counted in; another word in brackets belongs to the name.
var measures = []string{"人", "户", "个", "元", "万元", "亿元", "平方米", "㎡", "亩", "公里", "次", "件", "台", "套", "处", "家", "名", "%", "％", "吨", "辆", "栋", "场", "份", "只", "条", "岁", "天"}

// questions makes questions of the columns of a heading.
func questions(h table.Head) (all []Field, skipped []string) {
	all, skipped = []Field{}, []string{}
	guessed := table.Guess(h.Names, h.Samples)
	seen := map[string]int{}
	for i, whole := range h.Names {
		group, name, two := strings.Cut(whole, "/")
		if !two {
			group, name = "", whole
		}
		if name = strings.TrimSpace(strings.Trim(name, "*＊")); name == "" || serial.MatchString(name) {
			if name != "" {
				skipped = append(skipped, name)
			}
			continue
		}
		f := Field{Key: "f" + strconv.Itoa(i+1), Group: strings.TrimSpace(group), Name: name, Choices: []string{}, Required: strings.ContainsAny(whole, "*＊")}
		if m := measure.FindStringSubmatch(name); m != nil && slices.Contains(measures, m[1]) {
			f.Measure, f.Name = m[1], strings.TrimSpace(strings.TrimSuffix(name, m[0]))
		}
		f.Kind = kindOf(&f, guessed[i].Type)
		if f.Kind == "choice" {
			f.Choices = []string{"是", "否"}
		}
		if n := seen[f.Group+"/"+f.Name]; n > 0 { // a name that stands twice is told apart, to be corrected
			f.Name += strconv.Itoa(n + 1)
		}
		seen[f.Group+"/"+f.Name]++
		all = append(all, f)
	}
	return all, skipped
}

// kindOf guesses what sort of field a column is, by its name first.
func kindOf(f *Field, t table.Type) string {
	n := f.Name
	switch kind, sure := codes.Guess(n, nil); {
	case slices.Contains([]string{"社区", "社区名称", "村（社区）", "村社区", "填报单位", "单位", "社区（村）"}, n):
		return "unit"
	case slices.Contains([]string{"街道", "街道名称", "所属街道", "街道（乡）", "所属街道（乡）"}, n):
		return "street"
	case slices.Contains([]string{"社区代码", "社区编码", "单位代码"}, n):
		return "code"
	case yesNo.MatchString(n):
		return "choice"
	case f.Measure != "" || counted.MatchString(n):
		return "number"
	case sure >= 0.8 && (kind == codes.KindID || kind == codes.KindIDStrict):
		return "id"
	case sure >= 0.8 && kind == codes.KindUSCC:
		return "uscc"
	case sure >= 0.5 && (kind == codes.KindMobile || kind == codes.KindPhone):
		return "phone"
	case sure >= 0.5 && kind == codes.KindAddress:
		return "address"
	case sure >= 0.8 && kind == codes.KindName:
		return "name"
	case strings.HasSuffix(n, "日期") || strings.HasSuffix(n, "时间") || strings.HasSuffix(n, "年月日") || t == table.TypeDate:
		return "date"
	case t == table.TypeInteger || t == table.TypeDecimal:
		return "number"
	}
	return "text"
}
