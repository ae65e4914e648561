// Package config reads the settings the program starts with: defaults, then a YAML file, then environment variables
// QUSHU_*, then command line flags; the later one wins. Settings an administrator changes at run time live in
// kernel/settings, not here.
//
// Errors are plain English sentences for the terminal: they name the key, the value, where it came from and what is
// expected.
package config

import (
	"net/netip"
	"slices"
)

// Config is everything that can be configured. The key of a field is the path of its tags, for example
// "limits.upload_mb", in the environment QUSHU_LIMITS__UPLOAD_MB.
type Config struct {
	// Data is the data directory: rows, files, warehouse and keys of a single machine.
	Data string `koanf:"data"`
	// Listen is the address served, host:port; an empty host means every address, port 0 any free port.
	Listen string `koanf:"listen"`
	// PublicURL is how browsers reach the program, https://host[:port] without a path; "" means as the request says.
	PublicURL string `koanf:"public_url"`
	// Roles are what this replica does: web, jobs, mqtt.
	Roles []string `koanf:"roles"`
	// TrustProxy lists the addresses or CIDR blocks of proxies whose X-Forwarded-* headers are believed.
	TrustProxy []string `koanf:"trust_proxy"`

	TLS       TLS       `koanf:"tls"`
	MQTT      MQTT      `koanf:"mqtt"`
	Log       Log       `koanf:"log"`
	Keys      Keys      `koanf:"keys"`
	Database  Database  `koanf:"database"`
	Redis     Redis     `koanf:"redis"`
	Blob      Blob      `koanf:"blob"`
	Warehouse Warehouse `koanf:"warehouse"`
	Limits    Limits    `koanf:"limits"`
	Otel      Otel      `koanf:"otel"`

	// Rooms holds a section per room, read by the room through Room; values from the environment are strings.
	Rooms map[string]map[string]any

	origin map[string]string // where each key was set, absent for a default
}

// TLS names the files of a certificate chain and its private key, PEM; both or neither.
type TLS struct {
	Cert string `koanf:"cert"`
	Key  string `koanf:"key"`
}

// MQTT says where devices connect.
type MQTT struct {
	// Listen is the address of the broker, host:port; an empty text is none. Off this machine it needs tls.cert.
	Listen string `koanf:"listen"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `koanf:"level"`  // debug, info, warn or error
	Format string `koanf:"format"` // text or json
}

// Keys says where the key ring is (base/secret).
type Keys struct {
	File    string `koanf:"file"`     // "" is keys.json in the data directory
	KEKFile string `koanf:"kek_file"` // file of the key-encryption key; "" leaves the keys in the clear
}

// Database says where rows are.
type Database struct {
	URL string `koanf:"url"` // "" is SQLite in the data directory; postgres://user:password@host:5432/name
}

// Redis carries realtime messages between replicas.
type Redis struct {
	URL string `koanf:"url"` // "" keeps them in the process; redis:// or rediss://user:password@host:6379/0
}

// Blob says where files are.
type Blob struct {
	// URL is "" for a folder in the data directory, file:///folder for another, or s3://bucket?endpoint=…&region=…;
	// credentials come from the environment.
	URL string `koanf:"url"`
}

// Warehouse says where data sets are.
type Warehouse struct {
	URL         string `koanf:"url"`          // "" is DuckDB in the data directory; clickhouse://user:password@host:9000/name
	MemoryLimit string `koanf:"memory_limit"` // of DuckDB, for example 1GB or 512MiB
	Threads     int    `koanf:"threads"`      // of DuckDB; 0 means one per processor
}

// Limits bound what a client may ask for.
type Limits struct {
	BodyMB        int `koanf:"body_mb"`         // MiB of a request body that is not an upload
	UploadMB      int `koanf:"upload_mb"`       // MiB of an uploaded file
	RatePerSecond int `koanf:"rate_per_second"` // requests a second of one client; 0 means no limit
	Burst         int `koanf:"burst"`           // requests one client may send at once
}

// Otel says where traces go.
type Otel struct {
	Endpoint string `koanf:"endpoint"` // "" sends none; http:// or https:// of an OTLP/HTTP collector
}

// The roles of a replica.
const (
	RoleWeb  = "web"  // serves HTTP
	RoleJobs = "jobs" // works off jobs and schedules
	RoleMQTT = "mqtt" // binds the device ports
)

// Default returns the settings of a program started without any.
func Default() *Config {
	return &Config{
		Data:      "data",
		Listen:    "127.0.0.1:8080",
		Roles:     []string{RoleWeb, RoleJobs, RoleMQTT},
		MQTT:      MQTT{Listen: "127.0.0.1:1883"},
		Log:       Log{Level: "info", Format: "text"},
		Warehouse: Warehouse{MemoryLimit: "1GB"},
		Limits:    Limits{BodyMB: 8, UploadMB: 4096, RatePerSecond: 100, Burst: 200},
		Rooms:     map[string]map[string]any{},
	}
}

// Has reports whether this replica plays role.
func (c *Config) Has(role string) bool { return slices.Contains(c.Roles, role) }

// Proxies returns TrustProxy as address blocks; a single address is a block of one.
func (c *Config) Proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range c.TrustProxy {
		if p, err := parseBlock(s); err == nil { // Load has refused the others
			out = append(out, p)
		}
	}
	return out
}

func parseBlock(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// Origin says where key was set: "default", "file qushu.yaml", "environment QUSHU_LISTEN" or "flag --listen".
func (c *Config) Origin(key string) string {
	if o := c.origin[key]; o != "" {
		return o
	}
	return "default"
}
