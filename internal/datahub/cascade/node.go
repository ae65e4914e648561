package cascade

import (
	"encoding/pem"
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/datahub/cascade/internal/batch"
)

// Role is what a peer is to this node.
type Role string

// The roles.
const (
	Upper Role = "upper" // the city, seen from the district
	Lower Role = "lower"
)

// Fault is a reason as kept: words are made of it when somebody reads.
type Fault struct {
	Key  string   `json:"key"`
	Args []string `json:"args"`
}

// faultOf is the reason an error gives.
func faultOf(err error) Fault {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return Fault{Key: "cascade.broken", Args: []string{}}
	}
	f := Fault{Key: e.Key, Args: []string{}}
	for _, a := range e.Args {
		f.Args = append(f.Args, text(a))
	}
	return f
}

// Self is this node.
type Self struct {
	Code    string `json:"code" doc:"division code, empty until it is set"`
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// Node is a peer.
type Node struct {
	ID          string
	Code        string
	Name        string
	Role        Role
	PublicKey   string
	Fingerprint string
	Transport   string
	URL         string
	CA          string
	Pin         string // SHA-256 of the peer's certificate, "" where its authority is believed
	Token       string // sealed
	Out         string
	In          string
	Unit        string
	State       string
	SentSeq     int64
	SentHash    string
	RecvSeq     int64
	RecvHash    string
	Want        int64
	EntrySeq    int64
	Heard       store.Time
	Tried       store.Time
	Next        store.Time
	Failures    int64
	Fault       Fault
	Damage      Fault
	At          store.Time
	Version     int64
}

// How a peer is reached.
const (
	overHTTPS  = "https"  // both sides call
	overPull   = "pull"   // this side calls for both
	overWait   = "wait"   // the peer calls for both
	overFolder = "folder" // two folders between
)

const (
	active = "active"
	paused = "paused"
)

func tokenPlace(id string) string { return "cascade_node.token:" + id }

// Fingerprint is the SM3 of a public key (PEM SubjectPublicKeyInfo), what two people compare over the telephone.
func Fingerprint(publicPEM string) (string, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(publicPEM)))
	// A signature that cannot be right tells a key that cannot be read from one that can.
	if err := secret.VerifyWith([]byte(publicPEM), []byte("x"), []byte("x")); block == nil || errs.KeyOf(err) != "secret.bad_signature" {
		return "", errs.New(errs.Invalid, "secret.bad_public_key")
	}
	return batch.Hash(block.Bytes), nil
}

// check says what is wrong with a node, field by field.
func (n *Node) check(self Self) error {
	var bad []errs.Field
	fail := func(name, key string) { bad = append(bad, errs.Field{Name: name, Key: key}) }
	if !batch.ValidCode(n.Code) || n.Code == self.Code {
		fail("code", "cascade.bad_code")
	}
	if strings.TrimSpace(n.Name) == "" {
		fail("name", "cascade.no_name")
	}
	var err error
	if n.Fingerprint, err = Fingerprint(n.PublicKey); err != nil {
		fail("publicKey", "secret.bad_public_key")
	}
	switch n.Transport {
	case overHTTPS, overPull:
		if !goodURL(n.URL) {
			fail("url", "cascade.bad_url")
		}
		if n.CA != "" {
			if _, ok := authorities(n.CA); !ok {
				fail("ca", "cascade.bad_ca")
			}
		}
		var ok bool
		if n.Pin, ok = pinOf(n.Pin); !ok {
			fail("pin", "cascade.bad_pin")
		}
	case overFolder:
		if !filepath.IsAbs(n.Out) {
			fail("out", "cascade.bad_folder")
		}
		if !filepath.IsAbs(n.In) || filepath.Clean(n.In) == filepath.Clean(n.Out) {
			fail("in", "cascade.bad_folder")
		}
	}
	if n.Role == Upper && n.Unit == "" {
		fail("unit", "cascade.no_unit")
	}
	if bad != nil {
		return errs.New(errs.Invalid, "cascade.node").With(bad...)
	}
	return nil
}

// goodURL reports whether a peer may be called there: https, or http to this machine for trials.
func goodURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// wait is how long a peer that failed some times in a row is left alone: a minute, doubled up to half an hour, for as long as it takes.
func wait(failures int64) time.Duration {
	return min(30*time.Minute, time.Minute<<min(failures-1, 6))
}
