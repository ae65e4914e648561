package secret

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"qushu/internal/base/errs"
)

const sealMark = "s4:"

var sealText = base64.RawURLEncoding

// Seal encrypts plain with the current field key: SM4-GCM (GB/T 32907, GB/T 17964) under a random 96-bit nonce, as
// text "s4:<key id>:<base64url of nonce, ciphertext, tag>". aad names the place the text stands in, for example
// "identity.person.phone/<row id>": moved elsewhere it does not open. A key is good for 2^32 texts; rotate before.
func (r *Ring) Seal(aad string, plain []byte) string {
	k := r.keys.Load().current(Field)
	buf := make([]byte, gcmNonceSize, gcmNonceSize+len(plain)+gcmTagSize)
	rand.Read(buf)
	return sealMark + k.id + ":" + sealText.EncodeToString(k.aead.Seal(buf, buf, plain, []byte(aad)))
}

// Unseal opens what Seal made under the same aad. Errors: secret.key_unknown when the key is not in the ring,
// secret.unreadable for anything else (altered, cut, moved); neither gives any of the plaintext.
func (r *Ring) Unseal(aad, sealed string) ([]byte, error) {
	id, body, ok := cutSealed(sealed)
	if !ok {
		return nil, errs.New(errs.Internal, "secret.unreadable")
	}
	k := r.keys.Load().byID[id]
	if k == nil || k.aead == nil {
		return nil, errs.New(errs.Internal, "secret.key_unknown", id)
	}
	b, err := decodeText(sealText, body)
	if err != nil || len(b) < gcmNonceSize+gcmTagSize {
		return nil, errs.New(errs.Internal, "secret.unreadable")
	}
	plain, err := k.aead.Open(nil, b[:gcmNonceSize], b[gcmNonceSize:], []byte(aad))
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "secret.unreadable")
	}
	return plain, nil
}

// IsSealed reports whether s has the shape of a sealed text; it may still fail to open.
func IsSealed(s string) bool {
	_, _, ok := cutSealed(s)
	return ok
}

// NeedsReseal reports whether s was sealed with a key that is no longer the current one. False for what is not
// sealed at all.
func (r *Ring) NeedsReseal(s string) bool {
	id, _, ok := cutSealed(s)
	return ok && id != r.keys.Load().current(Field).id
}

// SealedBy returns the bounds, from and below, between which every text sealed with a key sorts.
func SealedBy(key string) (from, below string) { return sealMark + key + ":", sealMark + key + ";" }

func cutSealed(s string) (id, body string, ok bool) {
	rest, ok := strings.CutPrefix(s, sealMark)
	if !ok {
		return "", "", false
	}
	id, body, ok = strings.Cut(rest, ":")
	return id, body, ok && id != "" && body != ""
}
