package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/emmansun/gmsm/sm4"
	"golang.org/x/crypto/argon2"
)

// KEK wraps the keys of a ring at rest (envelope keys, GB/T 22239-2019 8.1.4.8). FileKEK is the one shipped; an SDF
// module (GM/T 0018) or a KMS needs only these three methods.
type KEK interface {
	// Name is the kind of KEK, written to keys.json so that a reader knows what it lacks.
	Name() string
	// Wrap seals key, bound to context: Unwrap under another context must fail.
	Wrap(context string, key []byte) ([]byte, error)
	// Unwrap opens what Wrap made.
	Unwrap(context string, wrapped []byte) ([]byte, error)
}

const (
	kekMin  = 16 // characters of a KEK file
	kekSalt = 16
	// A KEK may be a sentence somebody chose, so it is stretched; once per start, so it may cost more than a password.
	kekTime, kekMemoryKiB = 3, 64 << 10
)

// fileKEK derives an SM4 key from the content of a file by argon2id. Wrapped: salt, nonce, sealed key.
type fileKEK struct {
	secret []byte
	salt   [kekSalt]byte // of what this process wraps

	mu      sync.Mutex
	derived map[[kekSalt]byte]cipher.AEAD
}

// FileKEK reads a key-encryption key from file: at least 16 bytes of anything, best `head -c 32 /dev/urandom |
// base64`, mode 0600, 0400 or 0440, kept apart from the data directory. White space around the content is ignored.
func FileKEK(file string) (KEK, error) {
	b, err := readPrivate(file, 0o027, "chmod 600")
	if err != nil {
		return nil, fmt.Errorf("secret: key-encryption key: %w", err)
	}
	if b = bytes.TrimSpace(b); len(b) < kekMin {
		return nil, fmt.Errorf("secret: key-encryption key: %s holds %d bytes, at least %d are needed; make one with: head -c 32 /dev/urandom | base64", file, len(b), kekMin)
	}
	k := &fileKEK{secret: b, derived: map[[kekSalt]byte]cipher.AEAD{}}
	rand.Read(k.salt[:])
	return k, nil
}

func (k *fileKEK) Name() string { return "file" }

func (k *fileKEK) aead(salt [kekSalt]byte) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.derived[salt]; a != nil {
		return a, nil
	}
	block, err := sm4.NewCipher(argon2.IDKey(k.secret, salt[:], kekTime, kekMemoryKiB, 1, fieldKeySize))
	if err != nil {
		return nil, err
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	// All keys of a file share a salt; a hostile file with a salt for each must not fill memory.
	if len(k.derived) >= 4 {
		clear(k.derived)
	}
	k.derived[salt] = a
	return a, nil
}

func (k *fileKEK) Wrap(context string, key []byte) ([]byte, error) {
	a, err := k.aead(k.salt)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, kekSalt+gcmNonceSize+len(key)+gcmTagSize), k.salt[:]...)
	nonce := make([]byte, gcmNonceSize)
	rand.Read(nonce)
	return a.Seal(append(out, nonce...), nonce, key, []byte(context)), nil
}

func (k *fileKEK) Unwrap(context string, wrapped []byte) ([]byte, error) {
	if len(wrapped) < kekSalt+gcmNonceSize+gcmTagSize {
		return nil, errors.New("too short")
	}
	a, err := k.aead([kekSalt]byte(wrapped))
	if err != nil {
		return nil, err
	}
	rest := wrapped[kekSalt:]
	return a.Open(nil, rest[:gcmNonceSize], rest[gcmNonceSize:], []byte(context))
}
