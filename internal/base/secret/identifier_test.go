package secret

import (
	"bytes"
	"crypto/cipher"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm4"

	"qushu/internal/base/errs"
)

// fixed is a ring with one identifier key that never changes.
func fixed(t testing.TB) *Ring {
	k, err := loadKey("0123abcd", Identifier, time.Unix(0, 0), bytes.Repeat([]byte{7}, macKeySize))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newKeyset([]*key{k})
	if err != nil {
		t.Fatal(err)
	}
	r := &Ring{}
	r.keys.Store(s)
	return r
}

func identifiers(t testing.TB, r *Ring, id, realm string) *Identifiers {
	x, err := r.Identifiers(id, realm)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// What is stored must open for ever: a change of these texts loses every sealed table.
func TestIdentifiersGolden(t *testing.T) {
	r := fixed(t)
	for _, c := range []struct{ realm, value, sealed, hashed string }{
		{"id", "420199199506150017", "0123abcdLC6quyOce4cEfOoo1W7k_A", "#0123abcd63fp0gjn400szt97h7jqvecvq4"},
		{"mobile", "13812345678", "0123abcdJulceNZV3cS-EEpBJCAGbQ", "#0123abcdden5h8h65cyhkg992npbb7jsec"},
		{"other", strings.Repeat("护照", 20), "0123abcddRn6JWd5iUcE5VLPm-W9f3F_hNxMVJzdZfT-AgQ_FCUumBhPPO9RFtn5Epf6k8JxjAt5RPqX-GIexJr1LGAkjcLbmYucEymo8GO1io7bKBGZZ16fvqq1oF9TG7nJ2852I-ZQipEm3LOggUx4ux6Ulr5-OhsTYknz1jmoAgbliOfkCM0owR_6lQ", "#0123abcd0hpd61nj08qmqmbt3z9j3sj6fw"},
		{"id", "", "", ""},
	} {
		x := identifiers(t, r, "", c.realm)
		if got := x.Seal(c.value); got != c.sealed {
			t.Errorf("%s %q sealed: %s", c.realm, c.value, got)
		}
		if got := x.Hash(c.value); got != c.hashed {
			t.Errorf("%s %q hashed: %s", c.realm, c.value, got)
		}
		if got, err := x.Open(c.sealed); err != nil || got != c.value {
			t.Errorf("%s: %q, %v", c.sealed, got, err)
		}
	}
}

// The cipher is SM4 in counter mode as the library has it, under the hash of the value.
func TestIdentifiersAreSIV(t *testing.T) {
	r := fixed(t)
	k := r.keys.Load().current(Identifier)
	value := strings.Repeat("0123456789", 7) // too long for a block
	h := newHMAC(k.sum(derivation, "tag", "id"))
	h.Write([]byte(value))
	iv := h.Sum(nil)[:identifierTag]
	block, err := sm4.NewCipher(k.sum(derivation, "stream", "id")[:fieldKeySize])
	if err != nil {
		t.Fatal(err)
	}
	block = onlyBlock{block}
	out := []byte(value)
	cipher.NewCTR(block, iv).XORKeyStream(out, out)
	if want := k.id + identifierText.EncodeToString(append(iv, out...)); identifiers(t, r, "", "id").Seal(value) != want {
		t.Error("not SIV over the library's counter mode")
	}
	// a counter that runs over
	x := identifiers(t, r, "", "id")
	data, want := make([]byte, 100), make([]byte, 100)
	x.counter(bytes.Repeat([]byte{255}, 16), data)
	cipher.NewCTR(block, bytes.Repeat([]byte{255}, 16)).XORKeyStream(want, want)
	if !bytes.Equal(data, want) {
		t.Error("the counter does not carry")
	}
}

// onlyBlock keeps the standard library from asking the cipher for a mode of its own.
type onlyBlock struct{ cipher.Block }

func TestIdentifiersOfRealmsAndKeys(t *testing.T) {
	r := openRing(t, t.TempDir())
	x := identifiers(t, r, "", "id")
	one := x.Seal("420199199506150017")
	if one != x.Seal("420199199506150017") || one == x.Seal("420199199506150018") {
		t.Error("equal values, and only those, are sealed alike")
	}
	if other := identifiers(t, r, "", "mobile").Seal("420199199506150017"); other == one || x.Hash("420199199506150017") == one {
		t.Error("realms and ways have nothing in common")
	}
	old := x.Key()
	if _, err := r.Rotate(Identifier); err != nil {
		t.Fatal(err)
	}
	y := identifiers(t, r, "", "id")
	if y.Key() == old || y.Seal("420199199506150017")[identifierID:] == one[identifierID:] || SealedUnder(one) != old {
		t.Error("a new key seals anew")
	}
	if _, err := y.Open(one); errs.KeyOf(err) != "secret.unreadable" {
		t.Error("another key does not open:", err)
	}
	if got, err := identifiers(t, r, old, "id").Open(one); err != nil || got != "420199199506150017" {
		t.Error("the old key opens:", got, err)
	}
	if err := r.Retire(old); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Identifiers(old, "id"); errs.KeyOf(err) != "secret.key_unknown" {
		t.Error("a retired key is unknown:", err)
	}
	if _, err := r.Identifiers(r.Current(Field), "id"); errs.KeyOf(err) != "secret.key_unknown" {
		t.Error("a key of another purpose seals no identifiers:", err)
	}
}

// Another program may have rotated: its key is found in the file.
func TestIdentifiersOfAKeyMadeElsewhere(t *testing.T) {
	dir := t.TempDir()
	a, b := openRing(t, dir), openRing(t, dir)
	id, err := a.Rotate(Identifier)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := identifiers(t, b, id, "id").Open(identifiers(t, a, "", "id").Seal("甲")); err != nil || got != "甲" {
		t.Error(got, err)
	}
}

func TestHashStaysWhatItIs(t *testing.T) {
	x := identifiers(t, fixed(t), "", "id")
	h := x.Hash("420199199506150017")
	if x.Hash(h) != h || HashedBy(h) != x.Key() || HashedBy("420199199506150017") != "" || HashedBy("#") != "" {
		t.Error(h)
	}
}

func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"", "420199199506150017", "13812345678", "6222021234567890128", "027-87654321", "4201991995061500171", "12345678901234567890", "123456789012345678901", "42019919950615001X", "x", "\x00", "汉字", strings.Repeat("a", 100), "0123abcdAAAA"} {
		f.Add(s, uint(3))
	}
	r := fixed(f)
	f.Fuzz(func(t *testing.T, value string, at uint) {
		x := identifiers(t, r, "", "id")
		sealed := x.Seal(value)
		if got, err := x.Open(sealed); err != nil || got != value {
			t.Fatalf("%q became %q, %v", value, got, err)
		}
		if len(value) > 3 && strings.Contains(sealed, value) && !strings.Contains(x.Key(), value) {
			t.Fatalf("%q stands in %q", value, sealed)
		}
		// what is no sealed text does not open, and nothing panics
		if got, err := x.Open(value); err == nil && value != "" && x.Seal(got) != value {
			t.Fatalf("%q opened to %q", value, got)
		}
		if sealed == "" {
			return
		}
		bad := []byte(sealed)
		bad[at%uint(len(bad))] ^= 1
		if got, err := x.Open(string(bad)); err == nil {
			t.Fatalf("altered %q opened to %q", bad, got)
		}
	})
}

func BenchmarkIdentifiers(b *testing.B) {
	x := identifiers(b, fixed(b), "", "id")
	sealed := x.Seal("420199198506150017")
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			x.Seal("420199198506150017")
		}
	})
	name := x.Seal("鄂A·12345 张三丰")
	b.Run("sealText", func(b *testing.B) {
		for b.Loop() {
			x.Seal("鄂A·12345 张三丰")
		}
	})
	b.Run("openText", func(b *testing.B) {
		for b.Loop() {
			if _, err := x.Open(name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := x.Open(sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hash", func(b *testing.B) {
		for b.Loop() {
			x.Hash("420199198506150017")
		}
	})
}
