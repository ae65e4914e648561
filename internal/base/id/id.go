// Package id makes identifiers that sort by the time they were made.
package id

import (
	"encoding/base32"
	"time"

	"github.com/google/uuid"
)

var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New returns a 26-character identifier: a UUIDv7 (RFC 9562 §5.7) in Crockford's base 32, lower case.
// Two made by one process sort in the order they were made.
func New() string {
	u := uuid.Must(uuid.NewV7())
	return alphabet.EncodeToString(u[:])
}

// Valid reports whether s has the shape of an identifier.
func Valid(s string) bool {
	b, err := alphabet.DecodeString(s)
	return err == nil && len(b) == 16
}

// Time returns when s was made, to the millisecond; the zero time when s is no identifier.
func Time(s string) time.Time {
	b, err := alphabet.DecodeString(s)
	if err != nil || len(b) != 16 {
		return time.Time{}
	}
	ms := int64(0)
	for _, c := range b[:6] {
		ms = ms<<8 | int64(c)
	}
	return time.UnixMilli(ms)
}
