package secret

import (
	"bytes"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/errs"
)

func TestSeal(t *testing.T) {
	r := openRing(t, t.TempDir())
	for _, plain := range []string{"", "420199199001011234", strings.Repeat("长文本", 5000)} {
		sealed := r.Seal("person.idno/1", []byte(plain))
		if !IsSealed(sealed) || strings.ContainsAny(sealed, "+/= \n") || plain != "" && strings.Contains(sealed, plain) {
			t.Errorf("shape: %.60s", sealed)
		}
		got, err := r.Unseal("person.idno/1", sealed)
		if err != nil || string(got) != plain {
			t.Errorf("%.20s: %v", plain, err)
		}
		if _, err := r.Unseal("person.idno/2", sealed); errs.KeyOf(err) != "secret.unreadable" {
			t.Error("a text moved to another row must not open:", err)
		}
		if r.Seal("person.idno/1", []byte(plain)) == sealed {
			t.Error("equal values must not give equal texts")
		}
	}
}

func TestUnsealRefusesEveryAlteredByte(t *testing.T) {
	r := openRing(t, t.TempDir())
	sealed := r.Seal("a", []byte("13800138000"))
	for i := range sealed {
		for _, c := range []byte{'A', 'z', ':', '\n', 0x80} {
			if sealed[i] == c {
				continue
			}
			bad := sealed[:i] + string([]byte{c}) + sealed[i+1:]
			if plain, err := r.Unseal("a", bad); err == nil {
				t.Errorf("byte %d as %q opened to %q", i, c, plain)
			}
		}
		if _, err := r.Unseal("a", sealed[:i]); err == nil {
			t.Errorf("cut at %d opened", i)
		}
	}
	if _, err := r.Unseal("a", sealed+"A"); err == nil {
		t.Error("longer text opened")
	}
	mac := r.Keys()[1].ID
	if _, err := r.Unseal("a", strings.Replace(sealed, r.Keys()[0].ID, mac, 1)); errs.KeyOf(err) != "secret.key_unknown" {
		t.Error("a key of another purpose does not open fields:", err)
	}
	if _, err := openRing(t, t.TempDir()).Unseal("a", sealed); errs.KeyOf(err) != "secret.key_unknown" {
		t.Error("another ring:", err)
	}
}

func FuzzUnseal(f *testing.F) {
	r := openRing(f, f.TempDir())
	sealed := r.Seal("a", []byte("x"))
	for _, s := range []string{sealed, "", "s4:", "s4::", "s4:" + r.Keys()[0].ID + ":", "s4:x:AAAA", sealed[:len(sealed)-1], sealed + "=", sealed + "\n"} {
		f.Add("a", s)
	}
	f.Fuzz(func(t *testing.T, aad, s string) {
		if _, err := r.Unseal(aad, s); err == nil && (s != sealed || aad != "a") {
			t.Fatalf("%q opened under %q", s, aad)
		}
		r.NeedsReseal(s)
	})
}

func TestMAC(t *testing.T) {
	r := openRing(t, t.TempDir())
	mac := r.MACHex(Audit, "ab", "c")
	if id, hexes, ok := strings.Cut(mac, ":"); !ok || id == "" || len(hexes) != 64 {
		t.Error("shape:", mac)
	}
	if mac != r.MACHex(Audit, "ab", "c") || !r.VerifyMAC(Audit, mac, "ab", "c") {
		t.Error("the same parts give the same mark")
	}
	for name, ok := range map[string]bool{
		"parts run together": r.VerifyMAC(Audit, mac, "abc"),
		"shifted":            r.VerifyMAC(Audit, mac, "a", "bc"),
		"one more":           r.VerifyMAC(Audit, mac, "ab", "c", ""),
		"another purpose":    r.VerifyMAC(Cookie, mac, "ab", "c"),
		"upper case":         r.VerifyMAC(Audit, strings.ToUpper(mac), "ab", "c"),
		"cut":                r.VerifyMAC(Audit, mac[:len(mac)-2], "ab", "c"),
		"no key id":          r.VerifyMAC(Audit, mac[strings.Index(mac, ":"):], "ab", "c"),
		"empty":              r.VerifyMAC(Audit, "", "ab", "c"),
	} {
		if ok {
			t.Error(name, "verified")
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a field key makes no marks")
		}
	}()
	r.MACHex(Field, "x")
}

func TestIndex(t *testing.T) {
	r := openRing(t, t.TempDir())
	a := r.Index("person.phone", "13800138000")
	if len(a) != 26 || a != r.Index("person.phone", "13800138000") {
		t.Error(a)
	}
	if a == r.Index("person.mobile", "13800138000") || a == r.Index("person.phone", "13800138001") {
		t.Error("another column or value gives another index")
	}
	if a == openRing(t, t.TempDir()).Index("person.phone", "13800138000") {
		t.Error("another ring gives another index")
	}
	if all := r.Indexes("person.phone", "13800138000"); len(all) != 1 || all[0] != a {
		t.Error(all)
	}
}

// Made by OpenSSL 3.0: openssl dgst -sm3 -sign key.pem -sigopt distid:1234567812345678 -out sig m
const (
	opensslPEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEqWTS0NKnN7lviXhmcIrlchFabbgX
UHc368LJ0lHbp2hKRy1ufwq+FZ6XInfSUfxW+dhUHVcr7FttixAoxuZtmw==
-----END PUBLIC KEY-----
`
	opensslMsg = "审计根 2023-06-01"
	opensslSig = "3044022018f07c0fd644a6f5feb38829d68574cef74d14e96557f1db49320a9352d8e4b002207921dbad30ea5bdf84ceb818e496b1ea815a2bc6ac7ce65e4c033dde007be0c8"
)

func TestSign(t *testing.T) {
	r := openRing(t, t.TempDir())
	id, sig, err := r.Sign([]byte("root"))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := r.PublicKeyPEM("")
	if err != nil {
		t.Fatal(err)
	}
	if named, err := r.PublicKeyPEM(id); err != nil || !bytes.Equal(named, pub) {
		t.Error("the current key is the one that signed:", err)
	}
	if err := r.Verify(id, []byte("root"), sig); err != nil {
		t.Error(err)
	}
	if err := VerifyWith(pub, []byte("root"), sig); err != nil {
		t.Error(err)
	}
	other := openRing(t, t.TempDir())
	otherPub, err := other.PublicKeyPEM("")
	if err != nil {
		t.Fatal(err)
	}
	p256 := `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----`
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"another text", "secret.bad_signature", r.Verify(id, []byte("boot"), sig)},
		{"another text offline", "secret.bad_signature", VerifyWith(pub, []byte("boot"), sig)},
		{"cut signature", "secret.bad_signature", VerifyWith(pub, []byte("root"), sig[:len(sig)-1])},
		{"empty signature", "secret.bad_signature", VerifyWith(pub, []byte("root"), nil)},
		{"another key", "secret.bad_signature", VerifyWith(otherPub, []byte("root"), sig)},
		{"unknown key", "secret.key_unknown", other.Verify(id, []byte("root"), sig)},
		{"a key that does not sign", "secret.key_unknown", r.Verify(r.Keys()[0].ID, []byte("root"), sig)},
		{"not PEM", "secret.bad_public_key", VerifyWith([]byte("x"), []byte("root"), sig)},
		{"a private key", "secret.bad_public_key", VerifyWith([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), []byte("root"), sig)},
		{"broken DER", "secret.bad_public_key", VerifyWith([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), []byte("root"), sig)},
		{"not SM2", "secret.bad_public_key", VerifyWith([]byte(p256), []byte("root"), sig)},
	} {
		if errs.KeyOf(c.err) != c.want {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	if _, err := r.PublicKeyPEM("none"); errs.KeyOf(err) != "secret.key_unknown" {
		t.Error(err)
	}
	if err := VerifyWith([]byte(opensslPEM), []byte(opensslMsg), unhex(t, opensslSig)); err != nil {
		t.Error("what OpenSSL signed must verify:", err)
	}
}

// An auditor without this program verifies with OpenSSL.
func TestOpenSSLVerifiesOurs(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed; the other direction is proved by TestSign")
	}
	r, dir := openRing(t, t.TempDir()), t.TempDir()
	_, sig, err := r.Sign([]byte(opensslMsg))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := r.PublicKeyPEM("")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		writeFile(t, filepath.Join(dir, name), b, 0o600)
		return filepath.Join(dir, name)
	}
	out, err := exec.Command(openssl, "dgst", "-sm3", "-verify", file("pub", pub), "-sigopt", "distid:"+signer,
		"-signature", file("sig", sig), file("m", []byte(opensslMsg))).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func FuzzVerifyWith(f *testing.F) {
	sig, err := hex.DecodeString(opensslSig)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(opensslPEM), []byte(opensslMsg), sig)
	f.Add([]byte(""), []byte(""), []byte{0x30, 0})
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n"), []byte("m"), []byte{0x30, 6, 2, 1, 0, 2, 1, 0})
	f.Fuzz(func(t *testing.T, pub, data, s []byte) {
		if VerifyWith(pub, data, s) == nil && !bytes.Equal(s, sig) {
			t.Fatalf("forged: %x", s)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	r := openRing(b, b.TempDir())
	plain := []byte("420199199001011234")
	for b.Loop() {
		r.Seal("person.idno/0198f0c2", plain)
	}
}

func BenchmarkUnseal(b *testing.B) {
	r := openRing(b, b.TempDir())
	sealed := r.Seal("person.idno/0198f0c2", []byte("420199199001011234"))
	for b.Loop() {
		if _, err := r.Unseal("person.idno/0198f0c2", sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	r := openRing(b, b.TempDir())
	row := strings.Repeat("x", 400)
	for b.Loop() {
		r.MACHex(Audit, row)
	}
}

func BenchmarkSign(b *testing.B) {
	r := openRing(b, b.TempDir())
	for b.Loop() {
		if _, _, err := r.Sign([]byte("root")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r := openRing(b, b.TempDir())
	id, sig, err := r.Sign([]byte("root"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := r.Verify(id, []byte("root"), sig); err != nil {
			b.Fatal(err)
		}
	}
}
