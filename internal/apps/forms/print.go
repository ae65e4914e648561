package forms

import (
	"context"
	"html/template"
	"net/http"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
)

// page is the printed form: sections of values, boxes of opinions, a note.
const page = `<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Title}} {{.Number}}</title>
<style>
@page{size:A4;margin:18mm 16mm}body{font:14px/1.6 "Noto Serif CJK SC","SimSun",serif;color:#000;max-width:178mm;margin:0 auto}
h1{font-size:22px;text-align:center;letter-spacing:.1em}h2{font-size:15px;margin:1em 0 .3em}.head{display:flex;justify-content:space-between}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #333;padding:5px 8px;vertical-align:top;text-align:left;font-weight:normal}
th{width:26%;background:#f4f4f4}td.long{white-space:pre-wrap}.box{border:1px solid #333;min-height:22mm;padding:6px 8px;margin-top:8px}.note{margin-top:1em;font-size:12px}
</style></head><body>
<h1>{{.Title}}</h1><div class="head"><span>{{.NumberWord}} {{.Number}}</span><span>{{.OwnerWord}} {{.Owner}}</span><span>{{.AtWord}} {{.At}}</span></div>
{{range .Sections}}{{if .Title}}<h2>{{.Title}}</h2>{{end}}<table>{{range .Rows}}<tr><th scope="row">{{.Title}}</th><td class="long">{{if .Head}}<table><tr>{{range .Head}}<th scope="col">{{.}}</th>{{end}}</tr>{{range .Lines}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}</table>{{else}}{{.Text}}{{end}}</td></tr>{{end}}</table>{{end}}
{{range .Signs}}<div class="box"><strong>{{.Title}}</strong>{{range .Said}}<p>{{.Text}}</p><p>{{.Name}} {{.At}}</p>{{end}}</div>{{end}}
{{if .Note}}<p class="note">{{.Note}}</p>{{end}}
</body></html>
`

type printed struct {
	Lang, Title, Number, Owner, At, Note string
	NumberWord, OwnerWord, AtWord        string
	Sections                             []printSection
	Signs                                []printSign
}

type printSection struct {
	Title string
	Rows  []printRow
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
	lang := web.From(ctx).Lang
	p := printed{Lang: lang, Title: c.Title.In(lang), Number: e.Number, Owner: e.OwnerName, At: clock(e.At), Sections: sections(c.App, data, lang),
		NumberWord: f.words.Text(lang, "forms.col_number"), OwnerWord: f.words.Text(lang, "forms.col_owner"), AtWord: f.words.Text(lang, "forms.col_at")}
	if c.Print.Title != nil {
		p.Title = c.Print.Title.In(lang)
	}
	if c.Print.Note != nil {
		p.Note = c.Print.Note.In(lang)
	}
	if p.Signs, err = f.signs(ctx, c, &e, lang); err != nil {
		return err
	}
	tpl, err := template.New("print").Parse(page)
	if err != nil {
		return err
	}
	if err := f.audit.Note(ctx, audit.Entry{Action: "forms.export", Object: "forms_entry", ID: e.ID, Title: title(c.App, &e), Subjects: 1, Detail: map[string]any{"print": true}}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	return tpl.Execute(w, p)
}

func sections(a *app.App, data app.Data, lang string) []printSection {
	out := []printSection{{}}
	for i := range a.Fields {
		fd := &a.Fields[i]
		if fd.Section != nil {
			out = append(out, printSection{Title: fd.Section.In(lang)})
		}
		if data[fd.Key] == nil {
			continue
		}
		s := &out[len(out)-1]
		s.Rows = append(s.Rows, printedRow(fd, data[fd.Key], lang))
	}
	return out
}

func printedRow(fd *app.Field, v any, lang string) printRow {
	row := printRow{Title: fd.Title.In(lang), Text: app.Show(fd, v, lang)}
	if fd.Type == app.Money {
		row.Text += " 元"
	}
	if fd.Unit != nil {
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
