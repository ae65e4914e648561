package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sizePattern is a size as DuckDB reads it.
var sizePattern = regexp.MustCompile(`(?i)^[0-9]*[1-9][0-9]*(\.[0-9]+)? ?([KMGT]i?B)$`)

// check returns a sentence for every value that cannot be right.
func (c *Config) check() []error {
	var bad []error
	expect := func(ok bool, key string, value any, want string) {
		if !ok {
			bad = append(bad, fmt.Errorf("config: %s: %s is not %s (%s)", key, shown(key, value), want, c.Origin(key)))
		}
	}
	expect(c.Data != "", "data", c.Data, "the name of a folder")
	expect(isListen(c.Listen), "listen", c.Listen, "an address to listen on; write host:port with a port from 0 to 65535, for example 127.0.0.1:8080")
	expect(c.PublicURL == "" || isBase(c.PublicURL), "public_url", c.PublicURL, "an address browsers use; write https://host without a path")
	checkRoles(c.Roles, expect)
	for _, s := range c.TrustProxy {
		_, err := parseBlock(s)
		expect(err == nil, "trust_proxy", s, "an address or CIDR block; write for example 10.0.0.0/8")
	}
	expect(c.TLS.Cert != "" || c.TLS.Key == "", "tls.cert", c.TLS.Cert, "a certificate file, and tls.key is set; set both or neither")
	expect(c.TLS.Key != "" || c.TLS.Cert == "", "tls.key", c.TLS.Key, "a private key file, and tls.cert is set; set both or neither")
	expect(c.MQTT.Listen == "" || isListen(c.MQTT.Listen), "mqtt.listen", c.MQTT.Listen, "an address devices connect to; write host:port, for example 0.0.0.0:8883, or nothing for none")
	expect(c.MQTT.Listen == "" || c.TLS.Cert != "" || isLocal(c.MQTT.Listen), "mqtt.listen", c.MQTT.Listen, "an address of this machine alone, and tls.cert is not set; set tls.cert and tls.key, or write 127.0.0.1:1883")
	expect(slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level), "log.level", c.Log.Level, "one of debug, info, warn, error")
	expect(slices.Contains([]string{"text", "json"}, c.Log.Format), "log.format", c.Log.Format, "one of text, json")

	expect(c.Database.URL == "" || isURL(c.Database.URL, false, "postgres", "postgresql"), "database.url", c.Database.URL,
		"a PostgreSQL address; write postgres://user:password@host:5432/name, or nothing for the built-in SQLite")
	expect(c.Redis.URL == "" || isURL(c.Redis.URL, true, "redis", "rediss"), "redis.url", c.Redis.URL,
		"a Redis address; write redis://user:password@host:6379/0")
	expect(c.Blob.URL == "" || isBucket(c.Blob.URL), "blob.url", c.Blob.URL,
		"a bucket; write s3://bucket?endpoint=host:9000&tls=true&region=name without credentials (they come from the environment), file:///folder for one that replicas share, or nothing for a folder in the data directory")
	expect(c.Warehouse.URL == "" || isURL(c.Warehouse.URL, true, "clickhouse"), "warehouse.url", c.Warehouse.URL,
		"a warehouse address; write clickhouse://user:password@host:9000/name, or nothing for the built-in DuckDB")
	expect(sizePattern.MatchString(c.Warehouse.MemoryLimit), "warehouse.memory_limit", c.Warehouse.MemoryLimit, "a size; write for example 512MB or 2GB")
	expect(c.Otel.Endpoint == "" || isURL(c.Otel.Endpoint, true, "http", "https"), "otel.endpoint", c.Otel.Endpoint, "an address; write for example http://collector:4318")

	between := func(key string, n, low, high int) {
		expect(n >= low && n <= high, key, n, fmt.Sprintf("a number from %d to %d", low, high))
	}
	between("warehouse.threads", c.Warehouse.Threads, 0, 1024)
	between("limits.body_mb", c.Limits.BodyMB, 1, 1024)
	between("limits.upload_mb", c.Limits.UploadMB, 1, 1<<20)
	between("limits.rate_per_second", c.Limits.RatePerSecond, 0, 1_000_000)
	between("limits.burst", c.Limits.Burst, 1, 1_000_000)
	return bad
}

func checkRoles(roles []string, expect func(bool, string, any, string)) {
	const want = "a list of different roles; write one or more of web, jobs, mqtt"
	known := []string{RoleWeb, RoleJobs, RoleMQTT}
	ok := len(roles) > 0
	for i, r := range roles {
		ok = ok && slices.Contains(known, r) && !slices.Contains(roles[:i], r)
	}
	expect(ok, "roles", roles, want)
}

func isListen(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /\t\n") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

// isLocal reports whether an address is reached from this machine alone.
func isLocal(s string) bool {
	host, _, _ := net.SplitHostPort(s)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isURL reports whether s has one of the schemes and, if so wanted, a host, and no odd port.
func isURL(s string, host bool, schemes ...string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || !slices.Contains(schemes, u.Scheme) || host && u.Hostname() == "" {
		return false
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		return err == nil && n > 0
	}
	return true
}

func isBase(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isURL(s, true, "http", "https") && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
}

// isBucket reports whether s is a bucket or a folder that files go to.
func isBucket(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		return false
	}
	return isURL(s, true, "s3") || u.Scheme == "file" && u.Host == "" && strings.HasPrefix(u.Path, "/") && u.RawQuery == ""
}
