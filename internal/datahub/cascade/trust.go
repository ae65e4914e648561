package cascade

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"

	"qushu/internal/base/errs"
)

// How the certificate of a peer is believed: by an authority the machine trusts, by one the administrator gives (a local CA
// as a rule), or because it is the very one whose SHA-256 he was told. With both an authority and a fingerprint both must fit.

// pinOf reads a SHA-256 of a certificate as openssl, browsers or people write it; "" is none.
func pinOf(s string) (string, bool) {
	s = strings.ToLower(strings.Map(func(r rune) rune {
		if r == ':' || r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.TrimSpace(s)))
	b, err := hex.DecodeString(s)
	return s, s == "" || err == nil && len(b) == sha256.Size
}

// authorities reads certificates in PEM; false when there is none in it or one cannot be read.
func authorities(text string) (*x509.CertPool, bool) {
	pool, n := x509.NewCertPool(), 0
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return pool, n > 0 && strings.TrimSpace(string(rest)) == ""
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, false
		}
		pool.AddCert(c)
		n++
	}
}

func printOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// errPin says that another certificate came than was agreed.
type errPin struct{ got string }

func (e errPin) Error() string { return "cascade: another certificate: " + e.got }

// tlsOf is what a peer's certificate is checked by; nil for what the machine trusts.
func tlsOf(n *Node) *tls.Config {
	if n.CA == "" && n.Pin == "" {
		return nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if n.CA != "" {
		conf.RootCAs, _ = authorities(n.CA)
	}
	if n.Pin != "" {
		conf.InsecureSkipVerify = n.CA == "" // the fingerprint names the one certificate that is believed
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			if got := printOf(s.PeerCertificates[0]); subtle.ConstantTimeCompare([]byte(got), []byte(n.Pin)) != 1 {
				return errPin{got}
			}
			return nil
		}
	}
	return conf
}

// unreachable says why a peer could not be called: what is wrong with its certificate, or that nothing answers there.
func unreachable(err error, host string) error {
	say := func(key string, args ...any) error {
		return errs.Wrap(err, errs.Busy, "cascade."+key, append([]any{host}, args...)...)
	}
	if p, ok := errors.AsType[errPin](err); ok {
		return say("cert_pin", p.got)
	}
	seen := ""
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(v.UnverifiedCertificates) > 0 {
		seen = printOf(v.UnverifiedCertificates[0])
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return say("cert_unknown", seen)
	}
	if h, ok := errors.AsType[x509.HostnameError](err); ok {
		return say("cert_name", strings.Join(append(h.Certificate.DNSNames, addresses(h.Certificate)...), "、"))
	}
	if i, ok := errors.AsType[x509.CertificateInvalidError](err); ok && i.Reason == x509.Expired {
		return say("cert_expired", i.Cert.NotBefore.Format("2006-01-02"), i.Cert.NotAfter.Format("2006-01-02"))
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return say("cert_bad", seen)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return say("no_tls")
	}
	return say("unreachable")
}

func addresses(c *x509.Certificate) []string {
	var out []string
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}
