package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

const (
	envPrefix = "QUSHU_"
	roomsKey  = "rooms"
	fileMax   = 1 << 20
)

// notSettings are variables with our prefix that are no settings: the file's own name, the keys of an S3 bucket (which
// base/blob reads, so that they stand in no file), what tests are told, and what Kubernetes sets in every container
// beside a service called "qushu".
var notSettings = regexp.MustCompile(`^QUSHU_(CONFIG$|S3_ACCESS_KEY$|S3_SECRET_KEY$|TEST_|SERVICE_|PORT$|PORT_\d)`)

// layer is one source of settings.
type layer struct {
	flat  map[string]any            // dotted key to value
	where func(key string) string   // for people: "file qushu.yaml"
	spell func(known string) string // how a known key is written in this source
}

// Load reads the settings. file is a YAML file, "" when there is none (then QUSHU_CONFIG may name one); environ is
// os.Environ(); flags are the command line flags that were given, by dotted key. An environment variable that is
// empty counts as not set. Every unknown key and every bad value is reported, one sentence a line.
func Load(file string, environ []string, flags map[string]string) (*Config, error) {
	if file == "" {
		for _, e := range environ {
			if name, ok := strings.CutPrefix(e, envPrefix+"CONFIG="); ok {
				file = name
			}
		}
	}
	var layers []layer
	if file != "" {
		b, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
		l, err := fileLayer(file, b)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	e, err := envLayer(environ)
	if err != nil {
		return nil, err
	}
	return build(append(layers, e, flagLayer(flags)))
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(b) > fileMax {
		err = fmt.Errorf("file %s is larger than %d bytes", file, fileMax)
	}
	return b, err
}

func fileLayer(file string, b []byte) (layer, error) {
	tree, err := yaml.Parser().Unmarshal(b)
	if err != nil {
		words := strings.Join(strings.Fields(err.Error()), " ") // yaml's lists run over lines
		return layer{}, fmt.Errorf("config: file %s is not a YAML file of settings: %s", file, words)
	}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(tree, ""), nil); err != nil {
		return layer{}, fmt.Errorf("config: file %s: %w", file, err)
	}
	return layer{
		flat:  k.All(),
		where: func(string) string { return "file " + file },
		spell: func(key string) string { return key },
	}, nil
}

func envLayer(environ []string) (layer, error) {
	name := func(key string) string {
		return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "__"))
	}
	flat, err := env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(k, v string) (string, any) {
			if v == "" || notSettings.MatchString(k) {
				return "", nil
			}
			return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(k, envPrefix)), "__", "."), v
		},
	}).Read()
	if err != nil {
		return layer{}, fmt.Errorf("config: environment: %w", err)
	}
	return layer{flat: flat, where: func(key string) string { return "environment " + name(key) }, spell: name}, nil
}

func flagLayer(flags map[string]string) layer {
	name := func(key string) string { return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(key) }
	flat := make(map[string]any, len(flags))
	for k, v := range flags {
		flat[k] = v
	}
	return layer{flat: flat, where: func(key string) string { return "flag " + name(key) }, spell: name}
}

// build lays the layers over the defaults.
func build(layers []layer) (*Config, error) {
	c := Default()
	c.origin = map[string]string{}
	rooms := koanf.New(".")
	known := leavesOf(c)
	var bad []error
	for _, l := range layers {
		ofRooms := map[string]any{}
		for _, key := range sortedKeys(l.flat) {
			raw := l.flat[key]
			switch {
			case clash(l.flat, key):
				bad = append(bad, fmt.Errorf("config: %s is set both as a value and as a section (%s)", key, l.where(key)))
			case strings.HasPrefix(key, roomsKey+"."):
				ofRooms[key] = raw
				c.origin[key] = l.where(key)
			default:
				if err := set(known, key, raw, l); err != nil {
					bad = append(bad, err)
				} else if !isEmpty(raw) {
					c.origin[key] = l.where(key)
				}
			}
		}
		if err := rooms.Load(confmap.Provider(ofRooms, "."), nil); err != nil {
			bad = append(bad, fmt.Errorf("config: %w", err))
		}
	}
	for name, section := range rooms.Cut(roomsKey).Raw() {
		switch m := section.(type) {
		case map[string]any:
			c.Rooms[name] = m
		case nil: // "rooms: {iot: }", a section without settings
		default:
			key := roomsKey + "." + name
			bad = append(bad, fmt.Errorf("config: %s is a section, not a value (%s)", key, c.Origin(key)))
		}
	}
	if len(bad) == 0 {
		bad = c.check()
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	return c, nil
}

// clash reports whether flat also sets a parent of key as a value; what would win is anybody's guess.
func clash(flat map[string]any, key string) bool {
	for i, c := range key {
		if c == '.' {
			if _, ok := flat[key[:i]]; ok {
				return true
			}
		}
	}
	return false
}

// isEmpty reports whether raw is what YAML makes of a key without a value, or of {}.
func isEmpty(raw any) bool {
	m, section := raw.(map[string]any)
	return raw == nil || section && len(m) == 0
}

// set puts raw into the leaf named key.
func set(known []leaf, key string, raw any, l layer) error {
	if i := slices.IndexFunc(known, func(k leaf) bool { return k.key == key }); i >= 0 {
		if isEmpty(raw) {
			return nil
		}
		if want := known[i].assign(raw); want != "" {
			return fmt.Errorf("config: %s: %s is not %s (%s)", key, shown(key, raw), want, l.where(key))
		}
		return nil
	}
	if isSection(known, key) {
		if isEmpty(raw) {
			return nil
		}
		return fmt.Errorf("config: %s is a section, not a value (%s)", key, l.where(key))
	}
	if i := slices.IndexFunc(known, func(k leaf) bool { return strings.HasPrefix(key, k.key+".") }); i >= 0 {
		return fmt.Errorf("config: %s is a value, not a section (%s)", known[i].key, l.where(key))
	}
	return fmt.Errorf("config: unknown key %s (%s); %s", key, l.where(key), suggest(known, key, l.spell))
}

// isSection reports whether key is the name of a section.
func isSection(known []leaf, key string) bool {
	return key == roomsKey || slices.ContainsFunc(known, func(k leaf) bool { return strings.HasPrefix(k.key, key+".") })
}

// CheckRooms refuses a section of a room that is not installed.
func (c *Config) CheckRooms(installed []string) error {
	var bad []error
	for _, name := range sortedKeys(c.Rooms) {
		if slices.Contains(installed, name) {
			continue
		}
		known := make([]leaf, len(installed))
		for i, r := range installed {
			known[i].key = roomsKey + "." + r
		}
		key := roomsKey + "." + name
		bad = append(bad, fmt.Errorf("config: %s: there is no such room (%s); %s", key, c.originUnder(key), suggest(known, key, func(k string) string { return k })))
	}
	return errors.Join(bad...)
}

// originUnder is the origin of key or of the first setting below it.
func (c *Config) originUnder(key string) string {
	for _, k := range sortedKeys(c.origin) {
		if k == key || strings.HasPrefix(k, key+".") {
			return c.origin[k]
		}
	}
	return "default"
}

// Room reads the section of a room into the struct into points to, which holds the defaults; its fields are string,
// bool, int, float64, time.Duration, []string or structs of these, named by `koanf` tags. Unknown keys and values of
// the wrong type are refused like the program's own.
func (c *Config) Room(name string, into any) error {
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(c.Rooms[name], ""), nil); err != nil {
		return fmt.Errorf("config: rooms.%s: %w", name, err)
	}
	prefix := roomsKey + "." + name + "."
	known := leavesOf(into)
	for i := range known {
		known[i].key = prefix + known[i].key
	}
	l := layer{where: c.Origin, spell: func(key string) string { return key }}
	var bad []error
	flat := k.All()
	for _, key := range sortedKeys(flat) {
		if err := set(known, prefix+key, flat[key], l); err != nil {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}
