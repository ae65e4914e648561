package errs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"
)

// Languages of the interface, the first is the default.
var Languages = [...]string{"zh", "en"}

// Catalog holds the texts of all packages in all languages.
type Catalog struct{ texts map[string]map[string]string }

// NewCatalog reads text/zh.json and text/en.json of every fsys: flat objects from key to text.
// A key in one language only, or in two packages, is an error that names it.
func NewCatalog(all ...fs.FS) (*Catalog, error) {
	c := &Catalog{texts: map[string]map[string]string{}}
	var bad []error
	for _, fsys := range all {
		keys := map[string]int{}
		for _, lang := range Languages {
			b, err := fs.ReadFile(fsys, "text/"+lang+".json")
			if err != nil {
				return nil, fmt.Errorf("errs: %w", err)
			}
			var m map[string]string
			if err := json.Unmarshal(b, &m); err != nil {
				return nil, fmt.Errorf("errs: text/%s.json: %w", lang, err)
			}
			if c.texts[lang] == nil {
				c.texts[lang] = map[string]string{}
			}
			for k, v := range m {
				if _, twice := c.texts[lang][k]; twice {
					bad = append(bad, fmt.Errorf("errs: text %q stands in two packages", k))
				}
				c.texts[lang][k] = v
				keys[k]++
			}
		}
		for k, n := range keys {
			if n != len(Languages) {
				bad = append(bad, fmt.Errorf("errs: text %q is missing in one language", k))
			}
		}
	}
	return c, errors.Join(bad...)
}

// Has reports whether key has a text.
func (c *Catalog) Has(key string) bool { return c.texts[Languages[0]][key] != "" }

// Keys returns every key, sorted.
func (c *Catalog) Keys() []string {
	var out []string
	for k := range c.texts[Languages[0]] {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Text returns the text named key in lang with {0}, {1} … replaced by args; the key itself when there is none.
func (c *Catalog) Text(lang, key string, args ...any) string {
	s, ok := c.texts[lang][key]
	if !ok {
		if s, ok = c.texts[Languages[0]][key]; !ok {
			return key
		}
	}
	if len(args) == 0 {
		return s
	}
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}
