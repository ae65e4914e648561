// Package secret keeps what must not be read or forged: the key ring (SM4-GCM fields, HMAC-SM3 marks and blind
// indexes, SM2 signatures), passwords, second factors and opaque tokens. Algorithms are those GB/T 39786-2021 asks
// for at level 3: SM2 (GB/T 32918), SM3 (GB/T 32905), SM4 (GB/T 32907).
//
// The arithmetic runs in this process. A certified module (SDF, GM/T 0018) can stand behind two small seams without
// a caller noticing: KEK, which guards the keys at rest, and Ring.Sign, which already returns an error.
package secret

import (
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// Text holds the words of this package's errors, zh and en.
//
//go:embed text/*.json
var Text embed.FS

// SM3 returns the 32-byte SM3 hash of b (GB/T 32905).
func SM3(b []byte) []byte {
	h := sm3.Sum(b)
	return h[:]
}

// decodeText decodes one spelling only: the decoder itself, even a strict one, skips line ends.
func decodeText(e *base64.Encoding, s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line end in base64")
	}
	return e.Strict().DecodeString(s)
}

// SM3Hex returns the SM3 hash of b as 64 lower-case hexadecimal digits.
func SM3Hex(b []byte) string { return hex.EncodeToString(SM3(b)) }
