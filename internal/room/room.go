// Package room is the form every room and kernel package with routes, tables or events fills in.
// It is data: the menu, the permission matrix, OpenAPI, the audit labels and the docs are read from
// it, and nothing runs before Check passes.
package room

import (
	"context"
	"io/fs"
	"net/http"
	"reflect"

	"qushu/internal/base/bus"
	"qushu/internal/base/jobs"
)

// Pillar is where the room stands in 1+1+2+N. It never appears in a table, URL or permission.
type Pillar string

// The pillars.
const (
	Kernel  Pillar = "kernel"
	Cloud   Pillar = "cloud"   // 一朵云
	Network Pillar = "network" // 一张网
	Portal  Pillar = "portal"  // 平台一
	Datahub Pillar = "datahub" // 平台二
	Apps    Pillar = "apps"    // N
)

// Open is the permission of a route that everybody may call, signed in or not.
const Open = "-"

// Signed is the permission of a route that everybody signed in may call.
const Signed = "+"

// Perm is one permission; its title is the text "perm.<Name>".
type Perm struct {
	Name string
	// Admin reserves it for one of the three administrators; "" is a business permission granted by roles.
	Admin Admin
	// Default is what every person holds without a role, "" for nothing.
	Default Scope
}

// Menu is one entry; its title is the text "menu.<room>.<Name>".
type Menu struct {
	Name string // a word, unique in the room
	Path string // "/visit" or below
	Perm string
	Rank int // entries sort by it
}

// Service runs beside the requests until ctx ends.
type Service struct {
	Name string
	Once bool // on one replica at a time
	// Devices says that it binds a port devices reach: it runs where the replica's roles say mqtt, not where they say jobs.
	Devices bool
	// Anywhere says that it runs on every replica, whatever its roles.
	Anywhere bool
	Run      func(ctx context.Context) error
}

// Raw is a plain handler below one of the room's prefixes, for what huma cannot say: uploads, streams, WebDAV.
type Raw struct {
	Method string // "" for every method
	Path   string // below /api/<room>, "{x...}" allowed
	Perm   string
	Doc    string // what it is, for the docs
	// At is the whole address where a foreign standard fixes it, "/api/3/action/{name}"; "" is below /api/<room>.
	At string
	// Unaudited says why a changing handler leaves no audit record; "" means it must.
	Unaudited string
	Serve     func(http.ResponseWriter, *http.Request) error
}

// Address is the path a raw handler of a room answers at.
func (w Raw) Address(room string) string {
	if w.At != "" {
		return w.At
	}
	return "/api/" + room + w.Path
}

// Setting is one value an administrator edits at run time; its title is the text "setting.<room>.<Name>".
type Setting struct {
	Name    string
	Default any // bool, int, string or []string; the type is the setting's type
	Min     int // of an int
	Max     int
	Admin   Admin // who may edit it: System or Security
	Public  bool  // shown on the sign-in page
}

// Room is what a room declares.
type Room struct {
	Name     string // stands in folder, package, URL, tables, permissions, events, jobs, blobs, config, metrics, Vue folder, glossary
	Pillar   Pillar
	Schema   fs.FS // schema/*.sql, nil for no tables
	Text     fs.FS // text/zh.json, text/en.json
	Perms    []Perm
	Menu     []Menu
	Routes   []Route
	Raws     []Raw
	Services []Service
	Jobs     []jobs.Handler
	Emits    []bus.Event
	Hears    []bus.Listener
	Settings []Setting
	Sealed   []Sealed
	// Actions are the audit actions the room writes, "<room>.<verb>"; each has the text "action.<name>".
	Actions []string
}

// Route is one endpoint below /api/<room>. Get, Post, Put, Patch and Delete make it.
type Route struct {
	Method, Path, Perm string
	In, Out            reflect.Type
	// Unaudited says why a changing route leaves no audit record; "" means it must.
	Unaudited string
	// Secret says that the answer shows a secret and may not be stored for an idempotent repeat.
	Secret bool
	// MaxBody is the body's limit in bytes, 1 MiB when 0.
	MaxBody int64

	mount func(*mounting, Route)
}

// Get declares a reading endpoint.
func Get[In, Out any](path, perm string, fn func(context.Context, *In) (*Out, error)) Route {
	return route("GET", path, perm, fn)
}

// Post declares a changing endpoint.
func Post[In, Out any](path, perm string, fn func(context.Context, *In) (*Out, error)) Route {
	return route("POST", path, perm, fn)
}

// Put declares a changing endpoint that replaces.
func Put[In, Out any](path, perm string, fn func(context.Context, *In) (*Out, error)) Route {
	return route("PUT", path, perm, fn)
}

// Patch declares a changing endpoint that changes some fields.
func Patch[In, Out any](path, perm string, fn func(context.Context, *In) (*Out, error)) Route {
	return route("PATCH", path, perm, fn)
}

// Delete declares a changing endpoint that removes.
func Delete[In, Out any](path, perm string, fn func(context.Context, *In) (*Out, error)) Route {
	return route("DELETE", path, perm, fn)
}

// NoAudit says why a changing route leaves no audit record.
func (r Route) NoAudit(why string) Route { r.Unaudited = why; return r }

// Secrets says that the answer shows a secret.
func (r Route) Secrets() Route { r.Secret = true; return r }

// Body sets the body's limit in bytes.
func (r Route) Body(max int64) Route { r.MaxBody = max; return r }

func route[In, Out any](method, path, perm string, fn func(context.Context, *In) (*Out, error)) Route {
	return Route{Method: method, Path: path, Perm: perm, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
		mount: func(m *mounting, r Route) { register(m, r, fn) }}
}

// Changes reports whether the route changes state.
func (r Route) Changes() bool { return r.Method != "GET" }
