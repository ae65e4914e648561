package catalog

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/datahub/catalog/internal/entry"
	"qushu/internal/kernel/codes"
	"qushu/internal/kernel/dataset"
)

// column is one column of a sheet of the workbook: its key, how a cell is written, and how one is read.
type column[T any] struct {
	key   string
	write func(w *wording, t *T) string
	read  func(w *wording, t *T, s string) (key string, args []string) // a text key when the cell cannot be read
}

// wording turns values into words of a language and back.
type wording struct {
	text  func(key string, args ...any) string
	units map[string]string // id → name
	ids   map[string]string // name, short name or code → id
}

// enum is a column whose values are worded by the texts "catalog.<key>_<value>".
func (w *wording) enum(key, value string) string {
	if value == "" {
		return ""
	}
	if key == "kind" {
		return w.text("codes.kind_" + value)
	}
	return w.text("catalog." + key + "_" + value)
}

// pick reads an enumerated cell: the words of the language, or the value itself.
func (w *wording) pick(key, s string, of []string) (string, bool) {
	s = strings.TrimSpace(s)
	for _, v := range of {
		if s == v || strings.EqualFold(s, w.enum(key, v)) {
			return v, true
		}
	}
	return "", s == ""
}

func (w *wording) yes(b bool) string {
	if b {
		return w.text("catalog.yes")
	}
	return w.text("catalog.no")
}

func plain[T any](key string, at func(*T) *string, most int) column[T] {
	return column[T]{key, func(_ *wording, t *T) string { return *at(t) }, func(_ *wording, t *T, s string) (string, []string) {
		if len([]rune(s)) > most {
			return "catalog.cell_long", []string{strconv.Itoa(most)}
		}
		*at(t) = s
		return "", nil
	}}
}

func chosen[T any](key string, at func(*T) *string, of []string) column[T] {
	return column[T]{key, func(w *wording, t *T) string { return w.enum(key, *at(t)) }, func(w *wording, t *T, s string) (string, []string) {
		v, ok := w.pick(key, s, of)
		if !ok {
			return "catalog.cell_choice", []string{s, w.choices(key, of)}
		}
		*at(t) = v
		return "", nil
	}}
}

func (w *wording) choices(key string, of []string) string {
	out := make([]string, len(of))
	for i, v := range of {
		out[i] = w.enum(key, v)
	}
	return strings.Join(out, "、")
}

func flag[T any](key string, at func(*T) *bool) column[T] {
	return column[T]{key, func(w *wording, t *T) string { return w.yes(*at(t)) }, func(w *wording, t *T, s string) (string, []string) {
		switch strings.ToLower(s) {
		case "", w.text("catalog.no"), "no", "n", "0", "false", "否":
			*at(t) = false
		case w.text("catalog.yes"), "yes", "y", "1", "true", "是":
			*at(t) = true
		default:
			return "catalog.cell_yes", []string{s}
		}
		return "", nil
	}}
}

func words[T any](key string, at func(*T) *[]string) column[T] {
	return column[T]{key, func(_ *wording, t *T) string { return strings.Join(*at(t), "、") }, func(_ *wording, t *T, s string) (string, []string) {
		*at(t) = strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("、，,；;", r) })
		return "", nil
	}}
}

// row is an entry on its way in or out of a workbook.
type row struct {
	Number string // which links the two sheets
	Code   string
	Body   entry.Body

	at    int   // row of the sheet
	items []int // rows of its items
}

func entryColumnsOf() []column[row] {
	level := func(r *row) *string { return (*string)(&r.Body.Level) }
	return []column[row]{
		plain("number", func(r *row) *string { return &r.Number }, 20), plain("code", func(r *row) *string { return &r.Code }, 64),
		plain("name", func(r *row) *string { return &r.Body.Name }, 128),
		chosen("class", func(r *row) *string { return &r.Body.Class }, entry.Classes), plain("item", func(r *row) *string { return &r.Body.Item }, 8),
		plain("subject", func(r *row) *string { return &r.Body.Subject }, 8), plain("detail", func(r *row) *string { return &r.Body.Detail }, 24),
		{"unit", func(w *wording, r *row) string { return w.units[r.Body.Unit] }, func(w *wording, r *row, s string) (string, []string) {
			if r.Body.Unit = w.ids[strings.TrimSpace(s)]; r.Body.Unit == "" {
				return "catalog.cell_unit", []string{s}
			}
			return "", nil
		}},
		plain("unitCode", func(r *row) *string { return &r.Body.UnitCode }, 18), plain("summary", func(r *row) *string { return &r.Body.Summary }, 512),
		words("keywords", func(r *row) *[]string { return &r.Body.Keywords }),
		chosen("format", func(r *row) *string { return &r.Body.Format }, entry.Formats), plain("sub", func(r *row) *string { return &r.Body.Sub }, 40),
		chosen("share", func(r *row) *string { return &r.Body.Share }, entry.Shares), plain("condition", func(r *row) *string { return &r.Body.Condition }, 500),
		plain("basis", func(r *row) *string { return &r.Body.Basis }, 500), chosen("mode", func(r *row) *string { return &r.Body.Mode }, entry.Modes),
		flag("open", func(r *row) *bool { return &r.Body.Open }), plain("openCondition", func(r *row) *string { return &r.Body.OpenCondition }, 500),
		chosen("cycle", func(r *row) *string { return &r.Body.Cycle }, entry.Cycles), words("related", func(r *row) *[]string { return &r.Body.Related }),
		chosen("level", level, levels()), plain("system", func(r *row) *string { return &r.Body.System }, 100), plain("duty", func(r *row) *string { return &r.Body.Duty }, 200),
		plain("space", func(r *row) *string { return &r.Body.Space }, 100), plain("since", func(r *row) *string { return &r.Body.Since }, 10),
		plain("until", func(r *row) *string { return &r.Body.Until }, 10), plain("contact", func(r *row) *string { return &r.Body.Contact }, 60), plain("phone", func(r *row) *string { return &r.Body.Phone }, 30),
	}
}

// itemRow is an item on its way in or out of a workbook.
type itemRow struct {
	Number string
	Item   entry.Item
}

func itemColumnsOf() []column[itemRow] {
	return []column[itemRow]{
		plain("number", func(r *itemRow) *string { return &r.Number }, 20), plain("itemName", func(r *itemRow) *string { return &r.Item.Name }, 128),
		plain("field", func(r *itemRow) *string { return &r.Item.Field }, 64), chosen("type", func(r *itemRow) *string { return &r.Item.Type }, entry.Types),
		{"length", func(_ *wording, r *itemRow) string {
			if r.Item.Length == 0 {
				return ""
			}
			return strconv.Itoa(r.Item.Length)
		}, func(_ *wording, r *itemRow, s string) (string, []string) {
			if s == "" {
				return "", nil
			}
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 || n > 1_000_000 {
				return "catalog.cell_number", []string{s}
			}
			r.Item.Length = n
			return "", nil
		}},
		flag("key", func(r *itemRow) *bool { return &r.Item.Key }), flag("empty", func(r *itemRow) *bool { return &r.Item.Empty }),
		plain("dict", func(r *itemRow) *string { return &r.Item.Dict }, 64), chosen("share", func(r *itemRow) *string { return &r.Item.Share }, entry.Shares),
		flag("closed", func(r *itemRow) *bool { return &r.Item.Closed }), chosen("level", func(r *itemRow) *string { return (*string)(&r.Item.Level) }, levels()),
		chosen("kind", func(r *itemRow) *string { return (*string)(&r.Item.Kind) }, kinds()), plain("note", func(r *itemRow) *string { return &r.Item.Note }, 200),
	}
}

func levels() []string {
	out := make([]string, len(dataset.Levels))
	for i, l := range dataset.Levels {
		out[i] = string(l)
	}
	return out
}

func kinds() []string {
	var out []string
	for _, k := range codes.Kinds() {
		out = append(out, string(k))
	}
	return out
}

// wording is the words of a language and the units there are.
func (c *Catalog) wording(ctx context.Context, q store.Queryer, lang string, units []string) (*wording, error) {
	w := &wording{text: func(key string, args ...any) string { return c.words.Text(lang, key, args...) }, ids: map[string]string{}}
	var err error
	w.units, err = c.org.UnitNames(ctx, q, units)
	return w, err
}

// knowUnits finds the units named in cells, by code or by name.
func (c *Catalog) knowUnits(ctx context.Context, q store.Queryer, w *wording, named []string) error {
	slices.Sort(named)
	for _, name := range slices.Compact(named) {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		u, err := c.org.UnitByCode(ctx, q, name)
		if err == nil {
			w.ids[name] = u.ID
			continue
		}
		if !errs.Is(err, errs.Missing) {
			return err
		}
		all, err := c.org.SearchUnits(ctx, q, name, 10)
		if err != nil {
			return err
		}
		for _, u := range all {
			if u.Name == name || u.Short == name || slices.Contains(u.Aliases, name) {
				w.ids[name] = u.ID
			}
		}
	}
	return nil
}
