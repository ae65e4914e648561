package secret

import (
	"crypto/subtle"
	"strings"
	"unicode"
)

// NewToken makes an opaque token "<prefix>_<32 characters>" of 160 random bits (a session, a personal access token,
// an activation link) and the hash that stands in the table in its place. The prefix tells people and scanners what
// they found; it is lower-case letters.
func (r *Ring) NewToken(prefix string) (plain, hash string) {
	plain = prefix + "_" + randomText(20)
	return plain, r.TokenHashes(plain)[0]
}

// TokenHashes returns what may stand in the table for a presented token: HMAC-SM3 under every token key, the current
// one first. Look the row up with store.In; a token of any shape gives hashes, none of which is found.
func (r *Ring) TokenHashes(plain string) []string { return r.hashes("token", plain) }

func (r *Ring) hashes(parts ...string) []string {
	keys := r.macKeys(Token)
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = letters.EncodeToString(k.sum(parts...))
	}
	return out
}

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 bits, four groups of four characters
	recoveryGroup = 4
)

// NewRecoveryCodes makes ten one-time codes for a lost second factor ("7k2m-9xqd-4t0f-h3we", 80 bits each), to be
// shown once, and their hashes for the table. owner is the account's id: a code works for no other account.
func (r *Ring) NewRecoveryCodes(owner string) (plain, hashes []string) {
	for range recoveryCodes {
		code := randomText(recoveryBytes)
		hashes = append(hashes, r.hashes("recovery", owner, code)[0])
		var groups []string
		for ; code != ""; code = code[recoveryGroup:] {
			groups = append(groups, code[:recoveryGroup])
		}
		plain = append(plain, strings.Join(groups, "-"))
	}
	return plain, hashes
}

// MatchRecoveryCode reports which of owner's hashes the typed code belongs to, -1 when none. Case, spaces, dashes
// and the look-alikes o/0, i/l/1 do not matter. The caller then deletes that hash: a code works once.
func (r *Ring) MatchRecoveryCode(owner, typed string, hashes []string) int {
	code := strings.Map(func(c rune) rune {
		switch c = unicode.ToLower(c); {
		case c == 'o':
			return '0'
		case c == 'i', c == 'l':
			return '1'
		case c == '-', unicode.IsSpace(c):
			return -1
		}
		return c
	}, typed)
	found := -1
	for _, mine := range r.hashes("recovery", owner, code) {
		for i, h := range hashes { // all of them, so that time tells nothing
			if subtle.ConstantTimeCompare([]byte(mine), []byte(h)) == 1 {
				found = i
			}
		}
	}
	return found
}
