package config

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

const hidden = "***"

var (
	// userinfo is the password of an address. It goes to the last @, for people forget to escape theirs; an @ in a
	// path is then hidden too, which harms nobody.
	userinfo = regexp.MustCompile(`(?s)(://[^/?#:@]*:).*@`)
	// secretQuery is a parameter that carries a secret.
	secretQuery = regexp.MustCompile(`(?i)([?&][^=&#]*(?:pass|secret|token|key|credential)[^=&#]*=)[^&#]*`)
	// secretName is a setting of a room that is a secret; "…_file" only names a place.
	secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|credential|(api|access|private)_?key)s?$`)
	plainName  = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
)

// Print writes the effective settings as YAML that Load reads, each with its origin as a comment. With hideSecrets
// the passwords in addresses and the secrets of rooms are "***".
func (c *Config) Print(w io.Writer, hideSecrets bool) error {
	p := printer{origin: c.Origin, hide: hideSecrets}
	section := ""
	for _, l := range leavesOf(c) {
		name, rest, nested := strings.Cut(l.key, ".")
		if !nested {
			p.line(0, name, l.key, l.value.Interface())
			continue
		}
		if name != section {
			fmt.Fprintf(&p.out, "%s:\n", name)
			section = name
		}
		p.line(1, rest, l.key, l.value.Interface())
	}
	if len(c.Rooms) > 0 {
		rooms := make(map[string]any, len(c.Rooms))
		for name, section := range c.Rooms {
			rooms[name] = section
		}
		p.tree(0, roomsKey, roomsKey, rooms)
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

type printer struct {
	out    bytes.Buffer
	origin func(key string) string
	hide   bool
}

func (p *printer) line(depth int, name, key string, value any) {
	fmt.Fprintf(&p.out, "%s%s: %s  # %s\n", strings.Repeat("  ", depth), yamlName(name), p.value(key, value), oneLine(p.origin(key)))
}

// tree writes a section of any shape.
func (p *printer) tree(depth int, name, key string, value any) {
	m, ok := value.(map[string]any)
	if !ok || len(m) == 0 || p.secret(key) {
		p.line(depth, name, key, value)
		return
	}
	fmt.Fprintf(&p.out, "%s%s:\n", strings.Repeat("  ", depth), yamlName(name))
	for _, k := range sortedKeys(m) {
		p.tree(depth+1, k, key+"."+k, m[k])
	}
}

func (p *printer) secret(key string) bool {
	return p.hide && strings.HasPrefix(key, roomsKey+".") && secretName.MatchString(key)
}

// value writes v on one line.
func (p *printer) value(key string, v any) string {
	if p.secret(key) && v != nil && v != "" {
		return strconv.Quote(hidden)
	}
	switch v := v.(type) {
	case nil:
		return "null"
	case bool, int, int64, uint64:
		return fmt.Sprint(v)
	case string:
		if p.hide {
			v = mask(v)
		}
		return strconv.Quote(v)
	case []string:
		items := make([]any, len(v))
		for i, s := range v {
			items[i] = s
		}
		return p.value(key, items)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = p.value(key, item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var items []string
		for _, k := range sortedKeys(v) {
			items = append(items, strconv.Quote(k)+": "+p.value(key+"."+k, v[k]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case float64:
		if text, _ := scalarText(v); strings.ContainsAny(text, ".e") {
			return text
		} else if !strings.ContainsAny(text, "NI") {
			return text + ".0" // stays a float when read again
		}
	}
	return strconv.Quote(fmt.Sprint(v)) // a date or another rarity of YAML
}

// yamlName quotes a name YAML would read as something else than a text.
func yamlName(s string) string {
	switch s {
	case "true", "false", "null", "y", "n", "yes", "no", "on", "off":
		return strconv.Quote(s)
	}
	if plainName.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// mask hides the secrets inside an address.
func mask(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}"+hidden+"@")
	return secretQuery.ReplaceAllString(s, "${1}"+hidden)
}

// shown is a value in an error message: quoted, without secrets, not endless.
func shown(key string, v any) string {
	p := printer{hide: true}
	s := []rune(p.value(key, v))
	if len(s) > 120 {
		return string(s[:120]) + "…"
	}
	return string(s)
}
