package secret

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"qushu/internal/base/errs"
)

// cheap keeps the tests quick; DefaultParams is measured by BenchmarkPassword.
func cheap() Params { return Params{MemoryKiB: 64, Time: 1, Threads: 1} }

func TestPassword(t *testing.T) {
	ctx := t.Context()
	h := NewHasher(cheap(), 2)
	hash, err := h.Hash(ctx, "区枢 Abc12345")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(hash) {
		t.Error(hash)
	}
	if again, err := h.Hash(ctx, "区枢 Abc12345"); err != nil || again == hash {
		t.Error("each hash has its own salt:", err)
	}
	costlier := NewHasher(Params{MemoryKiB: 64, Time: 2, Threads: 1}, 1)
	long := strings.Repeat("x", passwordMax)
	longHash, err := h.Hash(ctx, long)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		by         *Hasher
		hash, pw   string
		ok, rehash bool
	}{
		{"right", h, hash, "区枢 Abc12345", true, false},
		{"wrong", h, hash, "区枢 Abc12346", false, false},
		{"empty", h, hash, "", false, false},
		{"right, costs have risen", costlier, hash, "区枢 Abc12345", true, true},
		{"wrong, costs have risen", costlier, hash, "x", false, false},
		{"no such account", h, "", "区枢 Abc12345", false, false},
		{"no such account, no password", h, "", "", false, false},
		{"longest", h, longHash, long, true, false},
		{"longer than any", h, longHash, long + "y", false, false},
	} {
		ok, rehash, err := c.by.Check(ctx, c.hash, c.pw)
		if err != nil || ok != c.ok || rehash != c.rehash {
			t.Errorf("%s: %v %v %v", c.name, ok, rehash, err)
		}
	}
	if _, err := h.Hash(ctx, long+"y"); errs.KeyOf(err) != "secret.password_too_long" {
		t.Error(err)
	}
}

// The vector of RFC 9106 needs a secret and associated data, which x/crypto does not offer; this one was made by the
// reference program: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 (its own test suite).
func TestArgon2idVector(t *testing.T) {
	h := NewHasher(DefaultParams(), 1)
	ok, rehash, err := h.Check(t.Context(), "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password")
	if err != nil || !ok || !rehash {
		t.Error(ok, rehash, err)
	}
}

func TestBadHashes(t *testing.T) {
	h := NewHasher(cheap(), 1)
	const salt, sum = "c29tZXNhbHRzb21lc2FsdA", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, bad := range []string{
		"x", "$", "$$$$$", "$2a$10$abc",
		"$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + sum,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=1$" + salt + "$" + sum,
		"$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + sum,
		"$argon2id$v=19$m=4,t=1,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=99999,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=-1,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=64,t=1,p=1$$" + sum,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$!!!",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + sum + "\n",
	} {
		if ok, _, err := h.Check(t.Context(), bad, "password"); ok || errs.KeyOf(err) != "secret.bad_hash" {
			t.Errorf("%q: %v %v", bad, ok, err)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		again, err := parsePHC(p.String())
		if err != nil || again.Params != p.Params || !bytes.Equal(again.salt, p.salt) || !bytes.Equal(again.sum, p.sum) {
			t.Fatalf("%q read as %q: %v", s, p, err)
		}
	})
}

func TestHashingWaitsForASlotAndForTheContext(t *testing.T) {
	h := NewHasher(cheap(), 1)
	h.slots <- struct{}{} // somebody hashes
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := h.Hash(ctx, "x")
		got <- err
	}()
	cancel()
	if err := <-got; !errs.Is(err, errs.Busy) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, _, err := h.Check(ctx, "", "x"); !errs.Is(err, errs.Busy) {
		t.Error("an ended context starts nothing:", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := h.Hash(t.Context(), "x")
		done <- err
	}()
	<-h.slots // finished
	if err := <-done; err != nil {
		t.Error(err)
	}

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if hash, err := h.Hash(t.Context(), "y"); err != nil {
				t.Error(err)
			} else if ok, _, err := h.Check(t.Context(), hash, "y"); err != nil || !ok {
				t.Error(ok, err)
			}
		})
	}
	wg.Wait()
	if cap(NewHasher(cheap(), 0).slots) < 1 {
		t.Error("at least one at a time")
	}
}

func TestPolicy(t *testing.T) {
	zhang := Person{Login: "zhangsan", Names: []string{"张三", "Zhang San"}, Phone: "+86 138-0013-8000", Units: []string{"洪山区大数据中心", "大数据中心"}}
	admin := Person{Login: "sysadmin", Admin: true}
	for _, c := range []struct {
		pw   string
		who  Person
		want string
	}{
		// security-mlps §11
		{"Abc12345", zhang, ""},
		{"Hs@2023x", zhang, ""},
		{"abc12345", zhang, "simple"},
		{"Zhangsan#1", zhang, "has_login"},
		{"Aa1!aa", zhang, "short"},
		// and more
		{"", zhang, "short simple"},
		{"密码Abc密码密码", zhang, ""},
		{"密码密码密码密码", zhang, "simple"},
		{"ÀÉÎabc12", zhang, ""},
		{"我是张三Abc123", zhang, "has_name"},
		{"zhang san-A1", zhang, "has_name"},
		{"-13800138000-", zhang, "simple has_phone"},
		{"Aa138-0013-8000", zhang, "has_phone"},
		{"Aa大数据中心123", zhang, "has_unit"},
		{"P@ssw0rd", zhang, "weak"},
		{"ADMIN@123", zhang, "weak"},
		{"Abc12345", admin, "short"},
		{"Abc123456789", admin, ""},
		{"SysAdmin#2023", admin, "has_login"},
		{strings.Repeat("Aa1!", 32), zhang, ""},
		{strings.Repeat("Aa1!", 32) + "x", zhang, "long"},
		{"Al12345678", Person{Login: "al", Names: []string{"李"}, Phone: "345"}, ""},
		{"密王伟Abc123", Person{Names: []string{"王伟"}}, "has_name"},
		{"Abc12345", Person{}, ""},
	} {
		var got []string
		for _, f := range DefaultPolicy().Faults(c.pw, c.who) {
			if f.Name != "password" {
				t.Error("field:", f)
			}
			got = append(got, strings.TrimPrefix(f.Key, "secret.password_"))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q for %s: %q, want %q", c.pw, c.who.Login, s, c.want)
		}
	}
	lax := Policy{MinLen: 4}
	if f := lax.Faults("zhangsan", zhang); len(f) != 0 {
		t.Error("what is switched off is not checked:", f)
	}
	if n := len(weak()); n < 200 || n > 600 {
		t.Error("weak list:", n)
	}
}

// Every key this package uses has words in both languages, and none is left over.
func TestTexts(t *testing.T) {
	c, err := errs.NewCatalog(Text)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var sources strings.Builder
	for _, file := range []string{"mac.go", "password.go", "policy.go", "seal.go", "sign.go", "token.go", "totp.go"} {
		sources.Write(readFile(t, file))
	}
	for _, m := range regexp.MustCompile(`"(secret\.[a-z_]+[a-z])"`).FindAllStringSubmatch(sources.String(), -1) {
		used[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`fault\(.*"([a-z_]+)"(, [a-zA-Z.]+)?\)`).FindAllStringSubmatch(sources.String(), -1) {
		used["secret.password_"+m[1]] = true
	}
	for key := range used {
		if !c.Has(key) {
			t.Error("no text for", key)
		}
	}
	for _, key := range c.Keys() {
		if !used[key] {
			t.Error("nobody says", key)
		}
	}
	if _, err := fs.Stat(Text, "text/en.json"); err != nil {
		t.Error(err)
	}
}

// RFC 6238 appendix B, SHA1.
func TestTOTPVectors(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // 12345678901234567890
	for _, c := range []struct {
		at   int64
		code string
	}{
		{59, "94287082"}, {1111111109, "07081804"}, {1111111111, "14050471"}, {1234567890, "89005924"},
		{2000000000, "69279037"}, {20000000000, "65353130"},
	} {
		step, ok := verifyTOTP(secret, c.code, time.Unix(c.at, 0), otp.DigitsEight)
		if !ok || step != c.at/30 {
			t.Errorf("%d: %d %v", c.at, step, ok)
		}
	}
	for _, c := range []struct {
		name string
		at   int64
		code string
		step int64 // 0: refused
	}{
		{"in time", 59, "287082", 1},
		{"with blanks", 59, " 287082 ", 1},
		{"one step early", 0, "287082", 1},
		{"one step late", 89, "287082", 1},
		{"two steps late", 90, "287082", 0},
		{"in time", 1111111109, "081804", 37037036},
		{"one step early", 1111111050, "081804", 37037036},
		{"two steps early", 1111111049, "081804", 0},
		{"wrong", 59, "287083", 0},
		{"short", 59, "28708", 0},
		{"empty", 59, "", 0},
		{"full width", 59, "２８７０８２", 0},
	} {
		step, ok := VerifyTOTP(secret, c.code, time.Unix(c.at, 0))
		if ok != (c.step != 0) || step != c.step {
			t.Errorf("%s: step %d, %v", c.name, step, ok)
		}
	}
	if _, ok := VerifyTOTP("not base 32 !", "287082", time.Unix(59, 0)); ok {
		t.Error("a damaged secret matches nothing")
	}
}

func TestNewTOTP(t *testing.T) {
	secret, uri, err := NewTOTP("区枢:洪山", "zhangsan")
	if err != nil {
		t.Fatal(err)
	}
	key, err := otp.NewKeyFromURL(uri)
	if err != nil || key.Secret() != secret || key.Issuer() != "区枢 洪山" || key.AccountName() != "zhangsan" || len(secret) != 32 {
		t.Error(uri, err)
	}
	if _, again, err := NewTOTP("区枢", "zhangsan"); err != nil || again == uri {
		t.Error("each secret is new:", err)
	}
	if _, _, err := NewTOTP("区枢", ""); errs.KeyOf(err) != "secret.totp_not_made" {
		t.Error(err)
	}
	b, err := QRCode(uri, 300)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil || img.Bounds().Dx() != 300 || img.Bounds().Dy() != 300 {
		t.Fatal(err)
	}
	black := 0
	for y := range 300 {
		for x := range 300 {
			r, _, _, _ := img.At(x, y).RGBA()
			if r == 0 {
				black++
				if x < 30 || y < 30 || x >= 270 || y >= 270 {
					t.Fatal("the quiet zone must stay white")
				}
			}
		}
	}
	if black < 5000 {
		t.Error("no code was drawn:", black)
	}
	if _, err := QRCode(strings.Repeat("x", 5000), 300); errs.KeyOf(err) != "secret.qr_too_long" {
		t.Error(err)
	}
}

func TestTokens(t *testing.T) {
	r := openRing(t, t.TempDir())
	plain, hash := r.NewToken("pat")
	if !regexp.MustCompile(`^pat_[0-9a-hjkmnp-tv-z]{32}$`).MatchString(plain) {
		t.Error(plain)
	}
	if strings.Contains(hash, plain) || len(hash) != 52 {
		t.Error(hash)
	}
	if all := r.TokenHashes(plain); len(all) != 1 || all[0] != hash {
		t.Error(all)
	}
	if r.TokenHashes(plain + "x")[0] == hash || openRing(t, t.TempDir()).TokenHashes(plain)[0] == hash {
		t.Error("another token or ring gives another hash")
	}
	if again, _ := r.NewToken("pat"); again == plain {
		t.Error("each token is new")
	}
}

func TestRecoveryCodes(t *testing.T) {
	r := openRing(t, t.TempDir())
	plain, hashes := r.NewRecoveryCodes("u1")
	if len(plain) != 10 || len(hashes) != 10 {
		t.Fatal(len(plain), len(hashes))
	}
	seen := map[string]bool{}
	for i, code := range plain {
		if !regexp.MustCompile(`^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$`).MatchString(code) || seen[code] {
			t.Error(code)
		}
		seen[code] = true
		sloppy := strings.NewReplacer("-", " ", "0", "O", "1", "l").Replace(strings.ToUpper(code))
		for _, typed := range []string{code, sloppy, strings.ReplaceAll(code, "-", "")} {
			if got := r.MatchRecoveryCode("u1", typed, hashes); got != i {
				t.Errorf("%q: %d, want %d", typed, got, i)
			}
		}
		if r.MatchRecoveryCode("u2", code, hashes) != -1 {
			t.Error("another account's code")
		}
	}
	for _, typed := range []string{"", "-", "0000-0000-0000-0000", plain[0][:18]} {
		if r.MatchRecoveryCode("u1", typed, hashes) != -1 {
			t.Error(typed)
		}
	}
	if r.MatchRecoveryCode("u1", plain[2], append(hashes[:2:2], hashes[3:]...)) != -1 {
		t.Error("a used code was taken off the list")
	}
}

func BenchmarkPassword(b *testing.B) {
	h := NewHasher(DefaultParams(), 1)
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "Hs@2023x"); err != nil {
			b.Fatal(err)
		}
	}
}
