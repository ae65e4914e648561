package forms

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/apps/forms/internal/app"
	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/file"
	"qushu/internal/kernel/flow"
)

// paper lists the values of an entry for its case's paper: what the actor's step hides is not there, and personal data is
// masked whoever asks, for a paper goes from hand to hand. Who may read the case but not the entry has none of them.
func (f *Forms) paper(ctx context.Context, q store.Queryer, k *flow.Case) ([]flow.Printed, error) {
	e, c, t, err := f.seen(ctx, q, k.Object)
	if errs.Is(err, errs.Missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := f.open(c, &e)
	if err != nil {
		return nil, err
	}
	c.Strip(data, t.rights)
	c.Mask(data)
	var out []flow.Printed
	for i := range c.Fields {
		fd := &c.Fields[i]
		if data[fd.Key] == nil {
			continue
		}
		files, err := f.filesIn(ctx, q, object(e.ID, fd.Key), data[fd.Key])
		if err != nil {
			return nil, err
		}
		row := printedRow(fd, data[fd.Key], lang(ctx))
		if fd.Type == app.File || fd.Type == app.Photo || fd.Type == app.Table {
			row.Text = "" // which is how many there are
		}
		out = append(out, onPaper(row, files))
	}
	return out, nil
}

// levelName names the level of a case by the declaration its entry was filed by.
func (f *Forms) levelName(ctx context.Context, q store.Queryer, k *flow.Case) (string, error) {
	e, err := findEntry(ctx, q, store.C("e.id = $1", k.Object))
	if err != nil {
		return "", err
	}
	c, err := f.of(ctx, q, &e)
	if err != nil {
		return "", err
	}
	for _, l := range c.Levels {
		if l.Key == k.Level {
			return l.Title.In(lang(ctx)), nil
		}
	}
	return k.Level, nil
}

// onPaper puts a value into lines: a table has one for each row, files one for each name.
func onPaper(r printRow, files []file.File) flow.Printed {
	var lines []string
	if r.Text != "" {
		lines = append(lines, r.Text)
	}
	for i, row := range r.Lines {
		var cells []string
		for j, v := range row {
			if v != "" {
				cells = append(cells, r.Head[j]+"："+v)
			}
		}
		lines = append(lines, strconv.Itoa(i+1)+". "+strings.Join(cells, "；"))
	}
	for _, it := range files {
		lines = append(lines, it.Name)
	}
	return flow.Printed{Name: r.Title, Value: strings.Join(lines, "\n"), Files: files}
}

// filesIn lists the files a value names; what hangs on the field and is named no more was taken out of it.
func (f *Forms) filesIn(ctx context.Context, q store.Queryer, object string, v any) ([]file.File, error) {
	ids := named(v)
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := f.files.Of(ctx, q, "forms", object)
	return slices.DeleteFunc(all, func(it file.File) bool { return !slices.Contains(ids, it.ID) }), err
}

// named are the ids of files and other things within a value.
func named(v any) (ids []string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			ids = append(ids, named(one)...)
		}
	case map[string]any:
		for key, one := range v {
			if s, ok := one.(string); ok && (key == "id" || key == "file") {
				ids = append(ids, s)
			} else {
				ids = append(ids, named(one)...)
			}
		}
	}
	return ids
}
