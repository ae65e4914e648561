package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func yamlFile(t testing.TB, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "qushu.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func printed(t testing.TB, c *Config, hide bool) string {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b, hide); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDefaults(t *testing.T) {
	c, err := Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.origin = map[string]string{}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v", c)
	}
	if c.Data != "data" || c.Listen != "127.0.0.1:8080" || c.Limits.UploadMB != 4096 || !c.Has(RoleMQTT) || c.Has("x") {
		t.Errorf("%+v", c)
	}
	if c.Origin("listen") != "default" {
		t.Error(c.Origin("listen"))
	}
}

func TestTheLaterSourceWins(t *testing.T) {
	file := yamlFile(t, `
data: /srv/qushu
listen: 0.0.0.0:80
tls: {cert: a.pem, key: b.pem}
limits:
  body_mb: 2
  upload_mb: 100
trust_proxy: [10.0.0.0/8, "192.168.1.7"]
roles: [web]
otel:
log:
  level: debug
  format:
rooms:
  iot: {port: 1883, tls: true, hosts: [a, b]}
  video: {}
  desk:
`)
	environ := []string{"HOME=/root", "QUSHU_LISTEN=0.0.0.0:81", "QUSHU_LIMITS__BODY_MB=3", "QUSHU_ROLES=web, jobs", "QUSHU_LOG__LEVEL=",
		"QUSHU_ROOMS__IOT__PORT=1884", "QUSHU_ROOMS__SCREEN__TITLE=区枢", "QUSHU_CONFIG=/nowhere", "QUSHU_TEST_POSTGRES=x",
		"QUSHU_S3_ACCESS_KEY=a", "QUSHU_S3_SECRET_KEY=b",
		"QUSHU_SERVICE_HOST=10.0.0.1", "QUSHU_PORT=tcp://10.0.0.1:80", "QUSHU_PORT_80_TCP=x"}
	c, err := Load(file, environ, map[string]string{"listen": ":82", "database.url": "postgres://u:p@db/qushu"})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data, want.Listen = "/srv/qushu", ":82"
	want.TLS = TLS{Cert: "a.pem", Key: "b.pem"}
	want.Limits.BodyMB, want.Limits.UploadMB = 3, 100
	want.TrustProxy = []string{"10.0.0.0/8", "192.168.1.7"}
	want.Roles = []string{"web", "jobs"}
	want.Log.Level = "debug"
	want.Database.URL = "postgres://u:p@db/qushu"
	want.Rooms = map[string]map[string]any{
		"iot":    {"port": "1884", "tls": true, "hosts": []any{"a", "b"}},
		"video":  {},
		"screen": {"title": "区枢"},
	}
	want.origin = c.origin
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant\n%+v", c, want)
	}
	for key, origin := range map[string]string{
		"data":            "file " + file,
		"listen":          "flag --listen",
		"database.url":    "flag --database-url",
		"limits.body_mb":  "environment QUSHU_LIMITS__BODY_MB",
		"log.level":       "file " + file,
		"log.format":      "default",
		"limits.burst":    "default",
		"rooms.iot.port":  "environment QUSHU_ROOMS__IOT__PORT",
		"rooms.iot.hosts": "file " + file,
	} {
		if c.Origin(key) != origin {
			t.Errorf("%s: %s, want %s", key, c.Origin(key), origin)
		}
	}
	var blocks []string
	for _, p := range c.Proxies() {
		blocks = append(blocks, p.String())
	}
	if got := strings.Join(blocks, " "); got != "10.0.0.0/8 192.168.1.7/32" {
		t.Error(got)
	}
}

func TestTheFileMayBeNamedInTheEnvironment(t *testing.T) {
	file := yamlFile(t, "data: here\n")
	c, err := Load("", []string{"QUSHU_CONFIG=" + file}, nil)
	if err != nil || c.Data != "here" {
		t.Error(c, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		environ    []string
		flags      map[string]string
		want       []string // all in the error
	}{
		{name: "misspelt key", yaml: "lisen: x", want: []string{"unknown key lisen (file ", "qushu.yaml)", "did you mean listen?"}},
		{name: "swapped letters", yaml: "limits: {bruts: 1}", want: []string{"unknown key limits.bruts", "did you mean limits.burst?"}},
		{name: "misspelt section", yaml: "limit: {body_mb: 1}", want: []string{"unknown key limit.body_mb", "did you mean limits.body_mb?"}},
		{name: "section left out", yaml: "upload_mb: 1", want: []string{"did you mean limits.upload_mb?"}},
		{name: "section left out, four candidates", yaml: "url: x", want: []string{"unknown key url", "known here: blob, data"}},
		{name: "devices off this machine without TLS", yaml: "mqtt: {listen: '0.0.0.0:1883'}", want: []string{"mqtt.listen", "tls.cert is not set"}},
		{name: "nothing near", yaml: "tls: {ciphers: x}", want: []string{"unknown key tls.ciphers", "known here: tls.cert, tls.key"}},
		{name: "nothing near, no section", yaml: "kubernetes: {x: 1}", want: []string{"unknown key kubernetes.x", "known here: ", "warehouse"}},
		{name: "empty unknown section", yaml: "kubernetes:", want: []string{"unknown key kubernetes"}},
		{name: "environment, one underscore", environ: []string{"QUSHU_DATABASE_URL=x"}, want: []string{"unknown key database_url (environment QUSHU_DATABASE_URL)", "did you mean QUSHU_DATABASE__URL?"}},
		{name: "flag", flags: map[string]string{"dta": "x"}, want: []string{"unknown key dta (flag --dta)", "did you mean --data?"}},
		{name: "two at once", yaml: "lisen: x\ndat: y", want: []string{"did you mean listen?", "did you mean data?"}},
		{name: "value for a section", yaml: "tls: yes", want: []string{"tls is a section, not a value"}},
		{name: "list for a section", yaml: "rooms: [a]", want: []string{"rooms is a section, not a value"}},
		{name: "value for a room", yaml: "rooms: {iot: 5}", want: []string{"rooms.iot is a section, not a value (file "}},
		{name: "section for a value", yaml: "listen: {host: a}", want: []string{"listen is a value, not a section (file "}},
		{name: "both", environ: []string{"QUSHU_ROOMS__IOT__A=1", "QUSHU_ROOMS__IOT__A__B=1"}, want: []string{"rooms.iot.a.b is set both as a value and as a section (environment QUSHU_ROOMS__IOT__A__B)"}},
		{name: "not YAML", yaml: "a: [", want: []string{"qushu.yaml is not a YAML file of settings"}},
		{name: "a list", yaml: "- a", want: []string{"is not a YAML file of settings"}},
		{name: "same key twice", yaml: "data: a\ndata: b", want: []string{"already defined"}},
		{name: "large", yaml: strings.Repeat("# long\n", 200_000), want: []string{"larger than 1048576 bytes"}},

		{name: "word for a number", yaml: "limits: {body_mb: many}", want: []string{`limits.body_mb: "many" is not a whole number (file `}},
		{name: "fraction", yaml: "limits: {body_mb: 1.5}", want: []string{"limits.body_mb: 1.5 is not a whole number"}},
		{name: "list for a text", yaml: "data: [a]", want: []string{`data: ["a"] is not a text`}},
		{name: "map in a list", yaml: "roles: [{a: 1}]", want: []string{"roles:", "is not a list of texts"}},
		{name: "port alone", yaml: "listen: 8080", want: []string{`listen: "8080" is not an address to listen on; write host:port`}},
		{name: "high port", flags: map[string]string{"listen": "a:70000"}, want: []string{`listen: "a:70000"`, "(flag --listen)"}},
		{name: "named port", yaml: "listen: a:http", want: []string{"listen:"}},
		{name: "URL for an address", yaml: "listen: http://a:80", want: []string{"listen:"}},
		{name: "no data", yaml: `data: ""`, want: []string{"data:", "the name of a folder"}},
		{name: "path in public URL", yaml: "public_url: https://a/b", want: []string{"public_url:", "without a path"}},
		{name: "no scheme", yaml: "public_url: hs.gov.cn", want: []string{"public_url:"}},
		{name: "unknown role", yaml: "roles: [web, worker]", want: []string{"roles:", "web, jobs, mqtt"}},
		{name: "role twice", yaml: "roles: [web, web]", want: []string{"roles:"}},
		{name: "no role", yaml: "roles: []", want: []string{"roles: []"}},
		{name: "block", yaml: "trust_proxy: [10.0.0.0/33]", want: []string{`trust_proxy: "10.0.0.0/33"`, "10.0.0.0/8"}},
		{name: "key without certificate", yaml: "tls: {key: k}", want: []string{"tls.cert", "both or neither"}},
		{name: "certificate without key", yaml: "tls: {cert: k}", want: []string{"tls.key", "both or neither"}},
		{name: "log level", yaml: "log: {level: loud}", want: []string{`log.level: "loud" is not one of debug, info, warn, error`}},
		{name: "log format", yaml: "log: {format: xml}", want: []string{"log.format"}},
		{name: "other database", yaml: "database: {url: 'mysql://u:geheim@h/d'}", want: []string{`database.url: "mysql://u:***@h/d" is not a PostgreSQL address`}},
		{name: "URL port", yaml: "database: {url: 'postgres://u:geheim@h:99999/d'}", want: []string{"database.url"}},
		{name: "unescaped password", yaml: "database: {url: 'postgres://u:geheim/4@h/d'}", want: []string{`"postgres://u:***@h/d"`}},
		{name: "redis", yaml: "redis: {url: 'http://h'}", want: []string{"redis.url"}},
		{name: "redis without host", yaml: "redis: {url: 'redis:///0'}", want: []string{"redis.url"}},
		{name: "bucket", yaml: "blob: {url: 's3://?endpoint=x'}", want: []string{"blob.url"}},
		{name: "bucket with credentials", yaml: "blob: {url: 's3://id:geheim@b'}", want: []string{"blob.url", "without credentials"}},
		{name: "warehouse", yaml: "warehouse: {url: 'duckdb:x'}", want: []string{"warehouse.url"}},
		{name: "size", yaml: "warehouse: {memory_limit: 80%}", want: []string{`warehouse.memory_limit: "80%" is not a size`}},
		{name: "size without unit", yaml: "warehouse: {memory_limit: 1024}", want: []string{"memory_limit"}},
		{name: "size nought", yaml: "warehouse: {memory_limit: 0GB}", want: []string{"memory_limit"}},
		{name: "threads", yaml: "warehouse: {threads: -1}", want: []string{"warehouse.threads: -1 is not a number from 0 to 1024"}},
		{name: "body", yaml: "limits: {body_mb: 0}", want: []string{"limits.body_mb"}},
		{name: "upload", yaml: "limits: {upload_mb: 99999999}", want: []string{"limits.upload_mb"}},
		{name: "rate", yaml: "limits: {rate_per_second: -1}", want: []string{"limits.rate_per_second"}},
		{name: "burst", yaml: "limits: {burst: 0}", want: []string{"limits.burst"}},
		{name: "collector", yaml: "otel: {endpoint: 'collector:4318'}", want: []string{"otel.endpoint"}},
		{name: "two bad values", yaml: "limits: {burst: 0}\nlog: {level: x}", want: []string{"limits.burst", "log.level"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(yamlFile(t, c.yaml), c.environ, c.flags)
			if err == nil {
				t.Fatal("was accepted")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("want %q in: %v", w, err)
				}
			}
			if strings.Contains(err.Error(), "geheim") {
				t.Error("an error shows no password:", err)
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "config: ") {
					t.Errorf("not a sentence of its own: %q", line)
				}
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nil); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Error(err)
	}
}

func TestAccepted(t *testing.T) {
	for _, y := range []string{
		"listen: ':0'", "listen: '[::1]:8080'", "public_url: https://hs.gov.cn/", "public_url: http://10.0.0.1:8080",
		"database: {url: 'postgres:///qushu?host=/run/postgresql'}", "database: {url: 'postgresql://u:p%40@h:5432/d?sslmode=disable'}",
		"redis: {url: 'redis://:p@h:6379/0'}", "redis: {url: 'rediss://h'}", "blob: {url: 's3://b?endpoint=http://m:9000&region=cn'}",
		"warehouse: {url: 'clickhouse://u:p@h:9000/d', memory_limit: 1.5GiB, threads: 4}", "warehouse: {memory_limit: '512 mb'}",
		"trust_proxy: ['::1', 'fd00::/8']", "limits: {rate_per_second: 0}", "otel: {endpoint: 'https://c:4318'}", "", "# nothing\n", "{}", "rooms:", "rooms: {}",
	} {
		if _, err := Load(yamlFile(t, y), nil, nil); err != nil {
			t.Errorf("%s: %v", y, err)
		}
	}
}

type iot struct {
	Port    int           `koanf:"port"`
	TLS     bool          `koanf:"tls"`
	Rate    float64       `koanf:"rate"`
	Timeout time.Duration `koanf:"timeout"`
	Hosts   []string      `koanf:"hosts"`
	Auth    struct {
		User string `koanf:"user"`
	} `koanf:"auth"`
}

func TestRoom(t *testing.T) {
	c, err := Load(yamlFile(t, "rooms: {iot: {rate: 2, timeout: 90s, auth: {user: a}, hosts: [x, 7]}}"), []string{"QUSHU_ROOMS__IOT__TLS=true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := iot{Port: 1883}
	if err := c.Room("iot", &got); err != nil {
		t.Fatal(err)
	}
	want := iot{Port: 1883, TLS: true, Rate: 2, Timeout: 90 * time.Second, Hosts: []string{"x", "7"}}
	want.Auth.User = "a"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if err := c.Room("absent", &iot{}); err != nil {
		t.Error("a room without a section keeps its defaults:", err)
	}

	c, err = Load(yamlFile(t, "rooms: {iot: {prot: 1, tls: perhaps, timeout: 90, rate: .nan, hosts: {a: 1}, auth: x}}"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Room("iot", &iot{})
	for _, w := range []string{"unknown key rooms.iot.prot (file ", "did you mean rooms.iot.port?", `rooms.iot.tls: "perhaps" is not true or false (file `,
		"rooms.iot.timeout: 90 is not a duration", "rooms.iot.rate:", "rooms.iot.hosts is a value, not a section", "rooms.iot.auth is a section"} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("want %q in: %v", w, err)
		}
	}
	if err := c.Room("iot", &struct{}{}); err == nil || !strings.Contains(err.Error(), "nothing can be set here") {
		t.Error(err)
	}
}

func TestCheckRooms(t *testing.T) {
	c, err := Load(yamlFile(t, "rooms: {iott: {port: 1}, desk: {a: 1}}"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.CheckRooms([]string{"iot", "desk"})
	if err == nil || !strings.Contains(err.Error(), "rooms.iott: there is no such room (file ") || !strings.Contains(err.Error(), "did you mean rooms.iot?") || strings.Contains(err.Error(), "desk") {
		t.Error(err)
	}
	if err := c.CheckRooms([]string{"iott", "desk"}); err != nil {
		t.Error(err)
	}
}

func TestPrint(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("qushu.yaml", []byte(`
blob: {url: "s3://b?endpoint=https://m&secret_key=geheim&region=cn"}
rooms:
  iot:
    password: geheim
    api_keys: [geheim, "geheim2"]
    password_file: /run/pw
    rate: 2.0
    upstream: "mqtt://u:geheim@h:1883"
    list: [{token: geheim, name: 甲}, [1, true, null]]
    "on": {"odd name": 1e30, since: 2023-06-01}
    none:
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load("qushu.yaml", []string{"QUSHU_DATABASE__URL=postgres://qushu:ge@heim@db:5432/qushu", "QUSHU_REDIS__URL=redis://:geheim@r"}, map[string]string{"listen": ":80"})
	if err != nil {
		t.Fatal(err)
	}
	const want = `data: "data"  # default
listen: ":80"  # flag --listen
public_url: ""  # default
roles: ["web", "jobs", "mqtt"]  # default
trust_proxy: []  # default
tls:
  cert: ""  # default
  key: ""  # default
mqtt:
  listen: "127.0.0.1:1883"  # default
log:
  level: "info"  # default
  format: "text"  # default
keys:
  file: ""  # default
  kek_file: ""  # default
database:
  url: "postgres://qushu:***@db:5432/qushu"  # environment QUSHU_DATABASE__URL
redis:
  url: "redis://:***@r"  # environment QUSHU_REDIS__URL
blob:
  url: "s3://b?endpoint=https://m&secret_key=***&region=cn"  # file qushu.yaml
warehouse:
  url: ""  # default
  memory_limit: "1GB"  # default
  threads: 0  # default
limits:
  body_mb: 8  # default
  upload_mb: 4096  # default
  rate_per_second: 100  # default
  burst: 200  # default
otel:
  endpoint: ""  # default
rooms:
  iot:
    api_keys: "***"  # file qushu.yaml
    list: [{"name": "甲", "token": "***"}, [1, true, null]]  # file qushu.yaml
    none: null  # file qushu.yaml
    "on":
      "odd name": 1e+30  # file qushu.yaml
      since: "2023-06-01 00:00:00 +0000 UTC"  # file qushu.yaml
    password: "***"  # file qushu.yaml
    password_file: "/run/pw"  # file qushu.yaml
    rate: 2.0  # file qushu.yaml
    upstream: "mqtt://u:***@h:1883"  # file qushu.yaml
`
	if got := printed(t, c, true); got != want {
		t.Errorf("got\n%s", got)
	}
	open := printed(t, c, false)
	if !strings.Contains(open, "ge@heim") || strings.Contains(open, "***") {
		t.Error("secrets shown when asked for:\n", open)
	}
	again, err := Load(yamlFile(t, open), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Database != c.Database || !reflect.DeepEqual(again.Rooms["iot"]["list"], c.Rooms["iot"]["list"]) {
		t.Errorf("what is printed can be loaded: %+v", again)
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"/var/lib":                           "/var/lib",
		"http://h:80/a":                      "http://h:80/a",
		"postgres://u@h/d":                   "postgres://u@h/d",
		"postgres://u:p@h/d":                 "postgres://u:***@h/d",
		"postgres://u:p/1@h/d":               "postgres://u:***@h/d",
		"postgres://u:p@1@h/d":               "postgres://u:***@h/d",
		"postgres:///d?user=u&password=p":    "postgres:///d?user=u&password=***",
		"s3://b?access_key=a&secret_token=b": "s3://b?access_key=***&secret_token=***",
		"redis://:p\n@h":                     "redis://:***@h",
	} {
		if got := mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{"", "data: x", "listen: :80\nroles: [web]", "rooms: {iot: {a: 1, b: [1, {c: d}], e: .inf, f: 2023-01-01, g: !!binary aGk=}}",
		"rooms: {'': {'': {}}}", "rooms: {a: {b.c: 1, 7: x, ~: y}}", "a: &a {b: *a}", "? [x]\n: y", "rooms: {a: {x: \"\\u0080\\uFFFE\\x07\"}}", "rooms: {a: {x: 1e400, y: 0x1F, z: 0o7, w: 18446744073709551615}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := fileLayer("f.yaml", []byte(s))
		if err != nil {
			return
		}
		c, err := build([]layer{l})
		if err != nil {
			return
		}
		first := printed(t, c, false)
		l, err = fileLayer("f.yaml", []byte(first))
		if err != nil {
			t.Fatalf("%v in\n%s", err, first)
		}
		c, err = build([]layer{l})
		if err != nil {
			t.Fatalf("%v in\n%s", err, first)
		}
		drop := func(s string) string { return strings.ReplaceAll(s, "# default", "# file f.yaml") }
		if second := printed(t, c, false); drop(second) != drop(first) {
			t.Fatalf("printed\n%s\nthen\n%s", first, second)
		}
	})
}
