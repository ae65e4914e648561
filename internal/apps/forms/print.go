package forms

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/paper"
	"qushu/internal/base/store"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
)

// What stands on paper of pictures: how many of a field, how many bytes of one, how high in millimetres.
const (
	mostPictures = 4
	mostPicture  = 4 << 20
	signHigh     = 16
	photoHigh    = 52
)

// printSheet is the printed form of an entry before it is set.
type printSheet struct {
	Lang, Title, Note string
	Head              [][2]string // names and values
	Parts             []printPart
	Signs             []printSign

	foot string
	page func(n int, of string) string
	at   store.Time
}

// printPart is what stands under one heading.
type printPart struct {
	Title string
	Lines []printLine
}

// printLine is a row of cells beside each other, or a table, or a picture.
type printLine struct {
	Cells []printCell
	Table printRow // when it has a head
	Image []byte
	High  float64 // of the image, millimetres
}

// printCell is a name and a value; Share is how many sixths of the paper both have.
type printCell struct {
	Name, Text string
	Share      int
}

type printRow struct {
	Title, Text string
	Head        []string
	Lines       [][]string
}

type printSign struct {
	Title string
	Said  []said
}

// said is an opinion given at a step.
type said struct{ Text, Name, At string }

// print writes the printed form of an entry, personal data masked.
func (f *Forms) print(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	e, c, t, err := f.seen(ctx, f.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	data, err := f.open(c, &e)
	if err != nil {
		return err
	}
	c.Strip(data, t.rights)
	c.Mask(data)
	p, err := f.sheet(ctx, f.db, c, &e, data, false)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := p.write(&b); err != nil {
		return err
	}
	if err := f.audit.Note(ctx, audit.Entry{Action: "forms.export", Object: "forms_entry", ID: e.ID, Title: title(c.App, &e), Subjects: 1, Detail: map[string]any{"print": true}}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", "inline; filename*=UTF-8''"+url.PathEscape(e.Number+".pdf"))
	w.Header().Set("Cache-Control", "private, no-store")
	_, err = b.WriteTo(w)
	return err
}

// sheet puts an entry's values, which its reader may see, where the declaration wants them. With blank what was not filled
// in stands there too.
func (f *Forms) sheet(ctx context.Context, q store.Queryer, c *app.Compiled, e *Entry, data app.Data, blank bool) (*printSheet, error) {
	lang := web.From(ctx).Lang
	word := func(key string, args ...any) string { return f.words.Text(lang, key, args...) }
	p := &printSheet{Lang: lang, Title: c.Title.In(lang), at: store.At(f.now()),
		Head: [][2]string{{word("forms.col_number"), e.Number}, {word("forms.col_owner"), e.OwnerName}, {word("forms.col_at"), dated(e.At)}},
		page: func(n int, of string) string { return word("forms.print_page", n, of) }}
	p.foot = word("forms.print_by", authz.From(ctx).Name, dated(p.at))
	if c.Print.Title != nil {
		p.Title = c.Print.Title.In(lang)
	}
	if c.Print.Note != nil {
		p.Note = c.Print.Note.In(lang)
	}
	cells, chosen := c.Print.Cells, len(c.Print.Cells) > 0
	if !chosen {
		for i := range c.Fields {
			cells = append(cells, app.PrintCell{Field: c.Fields[i].Key})
		}
	}
	part := &printPart{}
	for _, cell := range cells {
		fd := c.Field(cell.Field)
		if fd == nil {
			continue
		}
		if fd.Section != nil && !chosen {
			p.Parts, part = append(p.Parts, *part), &printPart{Title: fd.Section.In(lang)}
		}
		if data[fd.Key] == nil && !chosen && !blank {
			continue
		}
		lines, err := f.cell(ctx, q, fd, cell, data[fd.Key], lang)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			part.add(l)
		}
	}
	p.Parts = slices.DeleteFunc(append(p.Parts, *part), func(p printPart) bool { return len(p.Lines) == 0 })
	var err error
	p.Signs, err = f.signs(ctx, c, e, lang)
	return p, err
}

// add puts a line below the others, or beside the last one where both fit.
func (p *printPart) add(l printLine) {
	if n := len(p.Lines) - 1; n >= 0 && len(l.Cells) == 1 && len(p.Lines[n].Cells) > 0 && p.Lines[n].share()+l.Cells[0].Share <= 6 {
		p.Lines[n].Cells = append(p.Lines[n].Cells, l.Cells[0])
		return
	}
	p.Lines = append(p.Lines, l)
}

func (l printLine) share() (n int) {
	for _, c := range l.Cells {
		n += c.Share
	}
	return n
}

// cell is one field on paper: a name and a value, a table, pictures.
func (f *Forms) cell(ctx context.Context, q store.Queryer, fd *app.Field, cell app.PrintCell, v any, lang string) ([]printLine, error) {
	if fd.Type == app.Table {
		return []printLine{{Table: printedTable(fd, cell.Columns, v, lang)}}, nil
	}
	row := printedRow(fd, v, lang)
	one := printCell{row.Title, row.Text, map[string]int{"": 6, "full": 6, "half": 3, "third": 2}[cell.Width]}
	m, _ := v.(map[string]any)
	switch {
	case fd.Type == app.Signature && m != nil:
		return f.pictures(ctx, q, one, []any{m}, row.Text, signHigh)
	case fd.Type == app.Photo:
		all, _ := v.([]any)
		if len(all) > 0 {
			return f.pictures(ctx, q, one, all, "", photoHigh)
		}
	case fd.Type == app.File:
		all, _ := v.([]any)
		var names []string
		for _, it := range all {
			m, _ := it.(map[string]any)
			names = append(names, wordOf(m, "name"))
		}
		one.Text = strings.Join(names, "\n")
	}
	return []printLine{{Cells: []printCell{one}}}, nil
}

// wordOf is a text within a value, "" for none.
func wordOf(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// pictures sets photos or a signature one below the other, each with its time and place; those beyond the most stand by name.
func (f *Forms) pictures(ctx context.Context, q store.Queryer, one printCell, all []any, name string, high float64) ([]printLine, error) {
	var out []printLine
	one.Share = 6
	for i, it := range all {
		m, _ := it.(map[string]any)
		one.Text = cmp.Or(name, wordOf(m, "name"))
		if at := wordOf(m, "at"); at != "" {
			one.Text += "  " + app.Show(&app.Field{Type: app.DateTime}, at, "")
		}
		if lon, ok := m["lon"].(float64); ok {
			one.Text += fmt.Sprintf("  %.5f, %.5f", lon, m["lat"])
		}
		l := printLine{Cells: []printCell{one}, High: high}
		if i < mostPictures {
			var err error
			if l.Image, err = f.picture(ctx, q, cmp.Or(wordOf(m, "file"), wordOf(m, "id"))); err != nil {
				return nil, err
			}
		}
		out, one.Name = append(out, l), ""
	}
	return out, nil
}

// picture is the bytes of a small file, nil where there is none.
func (f *Forms) picture(ctx context.Context, q store.Queryer, id string) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	_, r, err := f.files.Open(ctx, q, id)
	if errs.Is(err, errs.Missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, mostPicture+1))
	if len(b) > mostPicture {
		return nil, err
	}
	return b, err
}

// write sets the sheet as PDF.
func (p *printSheet) write(w io.Writer) error {
	d, err := paper.New(p.Title, p.Lang, p.foot, p.page, p.at.Time)
	if err != nil {
		return err
	}
	d.Heading("", p.Title)
	first := func(i int) bool { return i == 0 }
	evens := func(i int) bool { return i%2 == 0 }
	d.Row([]float64{1, 2, 1, 1, 1, 1.6}, evens, p.Head[0][0], p.Head[0][1], p.Head[1][0], p.Head[1][1], p.Head[2][0], p.Head[2][1])
	for _, part := range p.Parts {
		if part.Title != "" {
			d.Section(part.Title)
		}
		for _, l := range part.Lines {
			switch {
			case l.Table.Head != nil:
				l.Table.set(d)
			case l.Image != nil:
				d.Picture(l.Cells[0].Name, l.Image, l.Cells[0].Text, l.High)
			default:
				widths, cells := l.row()
				d.Row(widths, evens, cells...)
			}
		}
	}
	for _, s := range p.Signs {
		var text []string
		for _, o := range s.Said {
			text = append(text, strings.TrimSpace(o.Text+"\n"+o.Name+"  "+o.At))
		}
		if len(text) == 0 {
			text = []string{"\u3000\n\u3000\n\u3000"} // room for a pen
		}
		d.Row([]float64{1, 5}, first, s.Title, strings.Join(text, "\n"))
	}
	if p.Note != "" {
		d.Note(p.Note)
	}
	_, err = d.WriteTo(w)
	return err
}

// row is the cells of a line with their widths: each name has a sixth, the last value what is left.
func (l printLine) row() (widths []float64, cells []string) {
	left := 6 - l.share()
	for i, c := range l.Cells {
		share := c.Share
		if i == len(l.Cells)-1 {
			share += left
		}
		widths, cells = append(widths, 1, float64(share-1)), append(cells, c.Name, c.Text)
	}
	return widths, cells
}

// set sets a table: its name, its head, its rows.
func (r printRow) set(d *paper.Doc) {
	named := func(int) bool { return true }
	d.Row([]float64{1}, named, r.Title)
	widths := make([]float64, len(r.Head))
	for i := range widths {
		widths[i] = 1
	}
	d.Row(widths, named, r.Head...)
	for _, line := range r.Lines {
		d.Row(widths, func(int) bool { return false }, line...)
	}
}

// printedTable is a table with the columns that were chosen, all when none were.
func printedTable(fd *app.Field, columns []string, v any, lang string) printRow {
	if len(columns) == 0 {
		return printedRow(fd, v, lang)
	}
	some := *fd
	some.Fields = nil
	for _, key := range columns {
		if i := slices.IndexFunc(fd.Fields, func(f app.Field) bool { return f.Key == key }); i >= 0 {
			some.Fields = append(some.Fields, fd.Fields[i])
		}
	}
	return printedRow(&some, v, lang)
}

func printedRow(fd *app.Field, v any, lang string) printRow {
	row := printRow{Title: fd.Title.In(lang), Text: app.Show(fd, v, lang)}
	if fd.Type == app.Money && row.Text != "" {
		row.Text += " 元"
	}
	if fd.Unit != nil && row.Text != "" {
		row.Text += " " + fd.Unit.In(lang)
	}
	if fd.Type != app.Table {
		return row
	}
	all, _ := v.([]any)
	for i := range fd.Fields {
		row.Head = append(row.Head, fd.Fields[i].Title.In(lang))
	}
	for _, r := range all {
		m, _ := r.(map[string]any)
		var cells []string
		for i := range fd.Fields {
			cells = append(cells, app.Show(&fd.Fields[i], m[fd.Fields[i].Key], lang))
		}
		row.Lines = append(row.Lines, cells)
	}
	return row
}

func (f *Forms) signs(ctx context.Context, c *app.Compiled, e *Entry, lang string) ([]printSign, error) {
	var out []printSign
	for _, s := range c.Print.Signs {
		all, err := f.opinions(ctx, e, s.Step)
		if err != nil {
			return nil, err
		}
		out = append(out, printSign{s.Title.In(lang), all})
	}
	return out, nil
}
