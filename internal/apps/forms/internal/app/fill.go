package app

import (
	"regexp"
	"strings"
)

var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// entryNames are what a text may say of the entry itself.
func entryNames() []string { return []string{"number", "title", "step", "due"} }

// Placeholders lists the names a text leaves room for.
func Placeholders(text string) []string {
	var out []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// Fill puts values into a text. Data is as its reader may see it: personal data masked by the caller; of are the values
// of number, title, step and due. What is not filled in is a dash.
func (a *App) Fill(text string, data Data, of map[string]string, lang string) string {
	return placeholder.ReplaceAllStringFunc(text, func(hole string) string {
		name := strings.Trim(hole, "{}")
		v := of[name]
		if f := a.Field(name); f != nil {
			v = Show(f, data[name], lang)
			if v != "" && f.Unit != nil {
				v += f.Unit.In(lang)
			}
		}
		if v == "" {
			return "—"
		}
		return v
	})
}
