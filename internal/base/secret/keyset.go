package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
)

// Purpose says what a key is for; no key serves two purposes.
type Purpose string

// The purposes. A ring made by an older program gets the keys it lacks when it is opened.
const (
	Field   Purpose = "field"   // SM4-128: sealed columns and files
	Audit   Purpose = "audit"   // HMAC-SM3: marks of audit rows
	Index   Purpose = "index"   // HMAC-SM3: blind indexes of sealed columns
	Token   Purpose = "token"   // HMAC-SM3: tokens and recovery codes at rest
	Cookie  Purpose = "cookie"  // HMAC-SM3: values the browser carries and must not alter
	Signing Purpose = "signing" // SM2 key pair: audit roots, exported documents

	Identifier Purpose = "identifier" // HMAC-SM3 and SM4, derived for each kind of identifier: see Identifiers
)

var purposes = [...]Purpose{Field, Audit, Index, Token, Cookie, Signing, Identifier}

const (
	fieldKeySize = 16 // SM4
	macKeySize   = 32 // the output of SM3
	gcmNonceSize = 12
	gcmTagSize   = 16
)

// letters is Crockford's base 32: no i, l, o, u, so that ids and codes can be read aloud.
var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// randomText returns n random bytes in base 32; n is a multiple of five.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return letters.EncodeToString(b)
}

// key is one key ready for use; only the member its purpose needs is set.
type key struct {
	id      string
	purpose Purpose
	made    time.Time
	raw     []byte // as written to the file, before wrapping
	aead    cipher.AEAD
	pair    *sm2.PrivateKey
}

// newKey makes a key of purpose p with a random id: a ring that was lost and made anew never mistakes its own key
// for the lost one.
func newKey(p Purpose, now time.Time) (*key, error) {
	var raw []byte
	switch p {
	case Field:
		raw = make([]byte, fieldKeySize)
		rand.Read(raw)
	case Signing:
		pair, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("secret: make an SM2 key pair: %w", err)
		}
		if raw, err = smx509.MarshalSM2PrivateKey(pair); err != nil {
			return nil, fmt.Errorf("secret: encode an SM2 key pair: %w", err)
		}
	default:
		raw = make([]byte, macKeySize)
		rand.Read(raw)
	}
	return loadKey(randomText(5), p, now.UTC().Truncate(time.Second), raw)
}

// loadKey makes a usable key of its raw form. A purpose this program does not know (a newer one wrote it) is kept
// as it is, so that saving the ring does not lose it.
func loadKey(id string, p Purpose, made time.Time, raw []byte) (*key, error) {
	k := &key{id: id, purpose: p, made: made, raw: raw}
	switch p {
	case Field:
		block, err := sm4.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("key %s is not an SM4 key", id)
		}
		if k.aead, err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
	case Signing:
		pair, err := smx509.ParseSM2PrivateKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %s is not an SM2 private key", id)
		}
		k.pair = pair
	case Audit, Index, Token, Cookie, Identifier:
		if len(raw) != macKeySize {
			return nil, fmt.Errorf("key %s has %d bytes instead of %d", id, len(raw), macKeySize)
		}
	}
	return k, nil
}

// keyset is what a ring holds at one moment; it is never changed, only replaced.
type keyset struct {
	list []*key // in the order of the file, oldest first within a purpose
	byID map[string]*key
	of   map[Purpose][]*key // oldest first; the last is current
}

func newKeyset(list []*key) (*keyset, error) {
	s := &keyset{list: list, byID: map[string]*key{}, of: map[Purpose][]*key{}}
	for _, k := range list {
		if s.byID[k.id] != nil {
			return nil, fmt.Errorf("key %s stands twice", k.id)
		}
		s.byID[k.id] = k
		s.of[k.purpose] = append(s.of[k.purpose], k)
	}
	return s, nil
}

// current returns the newest key of p. An opened ring has one for every known purpose, so an absent one is a
// mistake of the caller.
func (s *keyset) current(p Purpose) *key {
	all := s.of[p]
	if len(all) == 0 {
		panic(fmt.Sprintf("secret: no key for purpose %q", p))
	}
	return all[len(all)-1]
}

// with returns a keyset with more keys at the end.
func (s *keyset) with(more ...*key) (*keyset, error) {
	list := make([]*key, 0, len(s.list)+len(more))
	return newKeyset(append(append(list, s.list...), more...))
}

// complete returns s with a new key for every known purpose that has none, and whether there was such a one.
func (s *keyset) complete(now time.Time) (*keyset, bool, error) {
	var more []*key
	for _, p := range purposes {
		if len(s.of[p]) > 0 {
			continue
		}
		k, err := newKey(p, now)
		if err != nil {
			return nil, false, err
		}
		more = append(more, k)
	}
	if len(more) == 0 {
		return s, false, nil
	}
	full, err := s.with(more...)
	return full, true, err
}
