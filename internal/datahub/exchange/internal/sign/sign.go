// Package sign is how a program proves who it is: what of a request is signed, and with what. It is the same for whoever
// asks and whoever answers, and says nothing of rights.
package sign

import (
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
)

// The headers of a signed request.
const (
	Key       = "X-Qushu-Key"
	Time      = "X-Qushu-Time"  // seconds since 1970-01-01T00:00:00Z
	Nonce     = "X-Qushu-Nonce" // 16 to 64 letters, digits, - and _
	Signature = "X-Qushu-Signature"
)

// Request is what is signed of a request.
type Request struct {
	Method string
	Path   string // as sent, without query
	Query  string // as sent, without the question mark
	Time   string
	Nonce  string
	Body   []byte
}

// Message is the text that is signed: METHOD, PATH, SORTED QUERY, TIME, NONCE and SM3HEX(BODY), each on a line of its own,
// no line feed at the end. Invalid when the query cannot be read.
func (r Request) Message() (string, error) {
	q, err := Query(r.Query)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{r.Method, r.Path, q, r.Time, r.Nonce, secret.SM3Hex(r.Body)}, "\n"), nil
}

// Sign is HMAC-SM3 of the message under a secret (GB/T 15852.2-2012, SM3 by GB/T 32905-2016), in hexadecimal.
func (r Request) Sign(key string) (string, error) {
	m, err := r.Message()
	return hex.EncodeToString(secret.HMACSM3([]byte(key), []byte(m))), err
}

// Verify reports whether signature is that of the request under a secret, in time that does not depend on where they differ.
func (r Request) Verify(key, signature string) bool {
	want, err := r.Sign(key)
	return err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(signature))) == 1
}

// Query sorts a query: names and values are percent-encoded (RFC 3986: all but letters, digits and -._~), pairs are sorted
// by name, then by value, and joined by &.
func Query(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	type pair struct{ name, value string }
	var all []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return "", errs.New(errs.Invalid, "exchange.bad_query")
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return "", errs.New(errs.Invalid, "exchange.bad_query")
		}
		all = append(all, pair{escape(n), escape(v)})
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].name != all[j].name {
			return all[i].name < all[j].name
		}
		return all[i].value < all[j].value
	})
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String(), nil
}

func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// Fresh says whether a request is of now, and its nonce one. Errors are Unsigned.
func (r Request) Fresh(now time.Time, window time.Duration) error {
	n, err := strconv.ParseInt(r.Time, 10, 64)
	if err != nil || len(r.Time) > 12 {
		return errs.New(errs.Unsigned, "exchange.bad_time")
	}
	if off := now.Sub(time.Unix(n, 0)); off > window || off < -window {
		return errs.New(errs.Unsigned, "exchange.old_time", int(window/time.Minute), now.Unix())
	}
	if len(r.Nonce) < 16 || len(r.Nonce) > 64 || strings.Trim(r.Nonce, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return errs.New(errs.Unsigned, "exchange.bad_nonce")
	}
	return nil
}
