package secret

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// HMACSM3 returns the HMAC-SM3 of data under key (GB/T 15852.2), for protocols that bring their own key.
func HMACSM3(key, data []byte) []byte {
	h := newHMAC(key)
	h.Write(data)
	return h.Sum(nil)
}

func newHMAC(key []byte) hash.Hash { return hmac.New(sm3.New, key) }

// sum is HMAC-SM3 over the parts, each behind its length in eight bytes: ("ab", "c") and ("a", "bc") differ.
func (k *key) sum(parts ...string) []byte {
	h := newHMAC(k.raw)
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// MACHex returns "<key id>:<64 hex digits>", the HMAC-SM3 of the parts under the current key of p (Audit, Index,
// Token or Cookie; anything else panics). Parts do not run into one another.
func (r *Ring) MACHex(p Purpose, parts ...string) string {
	k := r.macKeys(p)[0]
	return k.id + ":" + hex.EncodeToString(k.sum(parts...))
}

// VerifyMAC reports whether mac is what MACHex gave for the same parts, under any key of p that the ring holds. It
// compares in constant time.
func (r *Ring) VerifyMAC(p Purpose, mac string, parts ...string) bool {
	id, want, ok := strings.Cut(mac, ":")
	if !ok {
		return false
	}
	for _, k := range r.macKeys(p) {
		if k.id == id {
			got := hex.EncodeToString(k.sum(parts...))
			return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
		}
	}
	return false
}

// Index returns the blind index of value in column (named "<table>.<column>"): equal values give equal texts in one
// column and unrelated ones in two, so a sealed column can be searched for an exact value. 26 characters; it tells
// nothing without the key. Callers normalise value first (trim, upper case, digits only).
func (r *Ring) Index(column, value string) string {
	return indexText(r.macKeys(Index)[0], column, value)
}

// Indexes returns Index under every key, the current one first: what a lookup asks for (store.In) until all rows
// carry the current one.
func (r *Ring) Indexes(column, value string) []string {
	keys := r.macKeys(Index)
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = indexText(k, column, value)
	}
	return out
}

// indexText keeps 128 of 256 bits: two of 10^9 values meet with a chance of 10^-21.
func indexText(k *key, column, value string) string {
	return letters.EncodeToString(k.sum(column, value)[:16])
}

// macKeys returns the keys of p, newest first.
func (r *Ring) macKeys(p Purpose) []*key {
	s := r.keys.Load()
	switch p {
	case Audit, Index, Token, Cookie:
	default:
		panic("secret: " + string(p) + " is not a purpose for HMAC-SM3")
	}
	s.current(p)
	all := s.of[p]
	out := make([]*key, len(all))
	for i, k := range all {
		out[len(all)-1-i] = k
	}
	return out
}
