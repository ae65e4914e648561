package forms

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// words are all that stands on a sheet.
func (p *printSheet) words() string {
	var out strings.Builder
	fmt.Fprintln(&out, p.Title, p.Head)
	for _, part := range p.Parts {
		fmt.Fprintln(&out, part.Title)
		for _, l := range part.Lines {
			fmt.Fprintln(&out, l.Cells, l.Table)
		}
	}
	fmt.Fprintln(&out, p.Signs, p.Note)
	return out.String()
}

// printed is the sheet of an entry as an actor has it.
func printed(t *testing.T, e *kerneltest.Env, as *room.Actor, id string) string {
	t.Helper()
	f := roomOf(t, e)
	ctx := room.Acting(t.Context(), as)
	entry, c, turn, err := f.seen(ctx, f.db, id)
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.open(c, &entry)
	if err != nil {
		t.Fatal(err)
	}
	c.Strip(data, turn.rights)
	c.Mask(data)
	p, err := f.sheet(ctx, f.db, c, &entry, data, false)
	if err != nil {
		t.Fatal(err)
	}
	return p.words()
}

// roomOf makes the room anew over the house's stores: its own is behind its routes.
func roomOf(t *testing.T, e *kerneltest.Env) *Forms {
	t.Helper()
	return &Forms{db: e.Kit.DB, ring: e.Kit.Ring, audit: e.Kit.Audit, authz: e.Kit.Authz, org: e.Kit.Org, files: e.Kit.Files, flow: e.Kit.Flow, notify: e.Kit.Notify,
		words: e.Kit.Words, now: e.Kit.Now, schema: app.NewSchema(), compiled: map[ref]*app.Compiled{}, days: e.Kit.Settings.Days, jobs: e.Kit.Jobs}
}

// The fields of a printed form stand where the declaration puts them: order, widths, the columns of a table.
func TestPrintLayout(t *testing.T) {
	a, _, bad := app.NewSchema().Parse([]byte(`key: visits
title: 走访
summary: 走访
group: 试
subject: name
number: {prefix: ZF}
fields:
  - {key: name, title: 姓名, type: text, section: 一、基本}
  - {key: day, title: 日期, type: date}
  - {key: people, title: 人数, type: number, unit: 人}
  - {key: story, title: 情况, type: longtext}
  - {key: secret, title: 内部, type: text}
  - key: rows
    title: 明细
    type: table
    fields: [{key: what, title: 物品, type: text}, {key: n, title: 数量, type: number}, {key: note, title: 备注, type: text}]
list: {columns: [name]}
steps: [{key: go, title: 填}]
print:
  title: 走访登记表
  note: 一式两份
  cells:
    - {field: day, width: half}
    - {field: people, width: half}
    - {field: name, width: third}
    - {field: story}
    - {field: rows, columns: [n, what]}
`))
	if bad != nil {
		t.Fatal(bad)
	}
	c, bad := app.Compile(a, nil, nil)
	if bad != nil {
		t.Fatal(bad)
	}
	f := &Forms{}
	data := app.Data{"name": "张三", "day": "2023-06-01", "people": 3.0, "story": "无", "secret": "不印", "rows": []any{map[string]any{"what": "纸", "n": 2.0, "note": "不印"}}}
	part := &printPart{}
	for _, cell := range c.Print.Cells {
		lines, err := f.cell(context.Background(), nil, c.Field(cell.Field), cell, data[cell.Field], "zh")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			part.add(l)
		}
	}
	var got []string
	for _, l := range part.Lines {
		if l.Table.Head != nil {
			got = append(got, fmt.Sprint(l.Table.Head, l.Table.Lines))
			continue
		}
		widths, cells := l.row()
		got = append(got, fmt.Sprint(widths, cells))
	}
	want := "[1 2 1 2] [日期 2023-06-01 人数 3 人] / [1 5] [姓名 张三] / [1 5] [情况 无] / [数量 物品] [[2 纸]]"
	if s := strings.ReplaceAll(strings.Join(got, " / "), "][", "] ["); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}
