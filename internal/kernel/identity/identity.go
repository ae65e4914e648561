// Package identity knows who is calling: accounts, passwords, second factors, sessions and tokens,
// after GB/T 22239-2019 8.1.4.1 (level 3). Every limit is a setting of the security administrator whose
// default is what an assessor expects; see rules.go.
//
// An account belongs to a person of the org, to one of the three administrators, or to a program. A
// person's rights come from the post he acts in, an administrator's from his kind; nobody has both.
// Signing in goes by steps: password, second factor, forced change, binding a second factor. Until the
// last is done the session is nobody to every route but those that complete it.
package identity

import (
	"context"
	"embed"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"qushu/internal/base/bus"
	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
	"qushu/internal/kernel/authz"
	"qushu/internal/kernel/settings"
	"qushu/internal/room"
)

//go:embed schema/*.sql
var schema embed.FS

// Text holds the words of this package.
//
//go:embed text/*.json
var Text embed.FS

// Post is a capacity in which a person acts.
type Post struct {
	ID, Title      string
	Unit, UnitName string
	Home, HomeName string // the body that answers for the unit: the unit itself, or the one it is a section of
	Street         string // 9-digit division code the unit answers for, "" for none
	Main           bool
}

// Person is what a password must not contain and what an account is called by.
type Person struct {
	ID, Name string
	Words    []string // pinyin and aliases
	Phone    string
	Units    []string // names of his units
}

// People is what identity asks of the org.
type People interface {
	// Posts returns the posts a person holds now, none when he has left.
	Posts(ctx context.Context, q store.Queryer, person string) ([]Post, error)
	// Person returns who somebody is, Missing when there is no such person.
	Person(ctx context.Context, q store.Queryer, id string) (Person, error)
	// UnitNames returns the names of units by id; unknown ones are left out.
	UnitNames(ctx context.Context, q store.Queryer, ids []string) (map[string]string, error)
	// Members returns everybody whose main post stands in a unit or below, in any unit for "".
	Members(ctx context.Context, q store.Queryer, unit string) ([]Member, error)
}

// Member is somebody who may be given an account.
type Member struct {
	ID, Name string
	StaffNo  string // "" for none
	Unit     string // of the main post
	Words    []string
}

// Rights is what identity asks of authz.
type Rights interface {
	Epoch(ctx context.Context, q store.Queryer) (int64, error)
	GrantsAt(ctx context.Context, q store.Queryer, h authz.Holder, epoch int64) (map[string][]room.Grant, error)
	AdminGrants(kind room.Admin) map[string][]room.Grant
}

// Hasher hashes and checks passwords; secret.Hasher is the usual one. Check with hash "" costs the same and is never ok.
type Hasher interface {
	Hash(ctx context.Context, pw string) (string, error)
	Check(ctx context.Context, hash, pw string) (ok, rehash bool, err error)
}

// Options say how this installation shows itself.
type Options struct {
	Secure   bool   // the portal is reached by https: cookies carry Secure
	Demo     bool   // it is a demonstration
	District string // "洪山区"
	Issuer   string // what an authenticator app shows, "区枢" when empty
}

// Deps are the parts identity is made of.
type Deps struct {
	DB       *store.DB
	Ring     *secret.Ring
	Log      *audit.Log
	Bus      *bus.Bus
	Settings *settings.Settings
	Now      func() time.Time
	People   People
	Rights   Rights
	Hasher   Hasher
}

// Identity is the package's one service. It is safe for concurrent use once furnished.
type Identity struct {
	Deps
	opts Options

	rooms []*room.Room
	words *errs.Catalog
	open  *http.ServeMux // the routes everybody may call

	// Tell leaves a message for a person in tx, worded by a text key; nil where nobody can be told.
	Tell func(ctx context.Context, tx *store.Tx, person, key string, args ...any) error

	checks  []func(context.Context) ([]Check, error)
	holders postCache
	marks   marks
	ready   atomic.Bool // administrators exist: set-up is over
	onceMux sync.Once
}

// New returns identity over its parts.
func New(d Deps, o Options) *Identity {
	if o.Issuer == "" {
		o.Issuer = "区枢"
	}
	d.Settings.Options(totpRequired, "admins", "all", "none")
	return &Identity{Deps: d, opts: o}
}

// Furnish takes the installed rooms, whose menus and permissions /me shows, and the words for their titles. The house
// calls it once, before requests are served.
func (i *Identity) Furnish(rooms []*room.Room, words *errs.Catalog) { i.rooms, i.words = rooms, words }

// SessionEnded is the payload of the event identity.session_ended: whatever is open for that session closes.
type SessionEnded struct {
	Session string `json:"session"`
	Person  string `json:"person"` // Actor.Person of the session
	Reason  string `json:"reason"`
}
