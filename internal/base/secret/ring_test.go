package secret

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"qushu/internal/base/errs"
)

func openRing(t testing.TB, dir string) *Ring {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, file string, b []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, b, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

func kekFile(t testing.TB, content string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kek")
	writeFile(t, file, []byte(content), mode)
	return file
}

func fileKEKOf(t testing.TB, content string) KEK {
	t.Helper()
	k, err := FileKEK(kekFile(t, content, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestFirstStartMakesAPrivateFile(t *testing.T) {
	dir := t.TempDir()
	r := openRing(t, dir)
	st, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o", st.Mode().Perm())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("only the key file may be left: %v %v", left, err)
	}
	if keys := r.Keys(); len(keys) != len(purposes) {
		t.Errorf("%d keys", len(keys))
	}
	sealed := r.Seal("a", []byte("十"))
	again := openRing(t, dir)
	if plain, err := again.Unseal("a", sealed); err != nil || string(plain) != "十" {
		t.Errorf("after a restart: %q %v", plain, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := func(t *testing.T) (string, []byte) {
		dir := t.TempDir()
		openRing(t, dir)
		file := filepath.Join(dir, FileName)
		return file, readFile(t, file)
	}
	edit := func(b []byte, change func(*fileDoc)) []byte {
		var d fileDoc
		if err := json.Unmarshal(b, &d); err != nil {
			t.Fatal(err)
		}
		change(&d)
		d.Sum = d.sum()
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	cases := []struct {
		name   string
		mode   os.FileMode
		change func([]byte) []byte
		words  string
	}{
		{"readable by others", 0o644, nil, "chmod 600"},
		{"readable by the group", 0o640, nil, "mode 0640"},
		{"cut", 0o600, func(b []byte) []byte { return b[:len(b)/2] }, "damaged"},
		{"empty", 0o600, func([]byte) []byte { return nil }, "damaged"},
		{"one letter of a key", 0o600, func(b []byte) []byte { return bytes.Replace(b, []byte(`"made": "20`), []byte(`"made": "21`), 1) }, "checksum"},
		{"a second document", 0o600, func(b []byte) []byte { return append(b, b...) }, "checksum"},
		{"too large", 0o600, func(b []byte) []byte { return bytes.Repeat(b, 2000) }, "larger than"},
		{"newer version", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.Version = 2 }) }, "newer program"},
		{"short key", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.Keys[0].Key = "AAAA" }) }, "not an SM4 key"},
		{"short MAC key", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.Keys[1].Key = "AAAA" }) }, "3 bytes instead of 32"},
		{"bad key pair", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.Keys[5].Key = "AAAA" }) }, "not an SM2 private key"},
		{"same id twice", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.Keys[1].ID = d.Keys[2].ID }) }, "twice"},
		{"no id", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.Keys[1].ID = "" }) }, "damaged"},
		{"wrapped, no KEK", 0o600, func(b []byte) []byte { return edit(b, func(d *fileDoc) { d.KEK = "sdf" }) }, `kind "sdf"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.change == nil && runtime.GOOS == "windows" {
				t.Skip("no mode bits")
			}
			file, b := good(t)
			if c.change != nil {
				b = c.change(b)
			}
			writeFile(t, file, b, c.mode)
			_, err := Open(filepath.Dir(file))
			if err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), file) {
				t.Errorf("want %q and the file's name in: %v", c.words, err)
			}
			if !bytes.Equal(readFile(t, file), b) {
				t.Error("a refused file must stay as it is")
			}
		})
	}
	if _, err := OpenWith(Options{File: filepath.Join(t.TempDir(), "k"), NoMake: true}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Error("NoMake:", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "such")); err == nil {
		t.Error("no folder")
	}
	if _, err := OpenWith(Options{File: t.TempDir()}); err == nil {
		t.Error("a folder is not a key file")
	}
}

func TestAnOlderFileGetsTheKeysItLacks(t *testing.T) {
	dir := t.TempDir()
	r := openRing(t, dir)
	sealed := r.Seal("a", []byte("x"))
	// The file of a program that knew no cookies, but a purpose this one does not know.
	s := r.keys.Load()
	var list []*key
	for _, k := range s.list {
		if k.purpose == Cookie {
			k = &key{id: k.id, purpose: "hologram", made: k.made, raw: []byte{7}}
		}
		list = append(list, k)
	}
	older, err := newKeyset(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.save(older); err != nil {
		t.Fatal(err)
	}
	r = openRing(t, dir)
	if !r.VerifyMAC(Cookie, r.MACHex(Cookie, "v"), "v") {
		t.Error("a cookie key must have been made")
	}
	if plain, err := r.Unseal("a", sealed); err != nil || string(plain) != "x" {
		t.Error("the other keys stay:", err)
	}
	if again := openRing(t, dir); len(again.Keys()) != len(purposes)+1 {
		t.Error("the unknown key must be kept and the new one saved:", again.Keys())
	}
}

func TestManyFirstStartsAgree(t *testing.T) {
	dir := t.TempDir()
	rings := make([]*Ring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			r, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			rings[i] = r
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sealed := rings[0].Seal("a", []byte("x"))
	for _, r := range rings {
		if _, err := r.Unseal("a", sealed); err != nil {
			t.Error(err)
		}
	}
}

func TestRotate(t *testing.T) {
	dir := t.TempDir()
	r := openRing(t, dir)
	replica := openRing(t, dir)
	sealed, mac, index := r.Seal("a", []byte("x")), r.MACHex(Audit, "m"), r.Index("person.phone", "1")
	token, hash := r.NewToken("pat")
	codes, hashes := r.NewRecoveryCodes("u1")
	keyID, sig, err := r.Sign([]byte("root"))
	if err != nil {
		t.Fatal(err)
	}
	if r.NeedsReseal(sealed) || r.NeedsReseal("plain") {
		t.Error("nothing to re-seal yet")
	}
	for _, p := range purposes {
		if _, err := r.Rotate(p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Rotate("nonsense"); err == nil {
		t.Error("unknown purpose")
	}

	if !r.NeedsReseal(sealed) || r.NeedsReseal(r.Seal("a", nil)) {
		t.Error("old texts need re-sealing, new ones do not")
	}
	check := func(r *Ring) {
		t.Helper()
		if plain, err := r.Unseal("a", sealed); err != nil || string(plain) != "x" {
			t.Error("an old text must open:", err)
		}
		if !r.VerifyMAC(Audit, mac, "m") || r.MACHex(Audit, "m") == mac {
			t.Error("an old mark verifies, new ones are made with the new key")
		}
		if all := r.Indexes("person.phone", "1"); len(all) != 2 || all[0] != r.Index("person.phone", "1") || all[1] != index {
			t.Error("indexes:", all, index)
		}
		if all := r.TokenHashes(token); len(all) != 2 || all[1] != hash {
			t.Error("token hashes:", all)
		}
		if r.MatchRecoveryCode("u1", codes[3], hashes) != 3 {
			t.Error("old recovery code")
		}
		if err := r.Verify(keyID, []byte("root"), sig); err != nil {
			t.Error("old signature:", err)
		}
	}
	check(r)
	check(openRing(t, dir))

	fresh := r.Seal("a", []byte("y"))
	if _, err := replica.Unseal("a", fresh); errs.KeyOf(err) != "secret.key_unknown" {
		t.Error("a replica that has not reloaded says which key it lacks:", err)
	}
	if err := replica.Reload(); err != nil {
		t.Fatal(err)
	}
	check(replica)
	if _, err := replica.Unseal("a", fresh); err != nil {
		t.Error(err)
	}
	var current int
	for _, k := range r.Keys() {
		if k.Current {
			current++
		}
	}
	if current != len(purposes) || len(r.Keys()) != 2*len(purposes) {
		t.Error(r.Keys())
	}
}

func TestRotateKeepsKeysAnotherProgramMade(t *testing.T) {
	dir := t.TempDir()
	one, two := openRing(t, dir), openRing(t, dir)
	if _, err := one.Rotate(Field); err != nil {
		t.Fatal(err)
	}
	sealed := one.Seal("a", []byte("x"))
	if _, err := two.Rotate(Field); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Unseal("a", sealed); err != nil {
		t.Error(err)
	}
}

func TestUseWhileRotating(t *testing.T) {
	r := openRing(t, t.TempDir())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				sealed := r.Seal("a", []byte("x"))
				if plain, err := r.Unseal("a", sealed); err != nil || string(plain) != "x" {
					t.Error(err)
				}
				if !r.VerifyMAC(Audit, r.MACHex(Audit, "m"), "m") {
					t.Error("mark")
				}
			}
		})
	}
	for range 5 {
		for _, p := range []Purpose{Field, Audit} {
			if _, err := r.Rotate(p); err != nil {
				t.Error(err)
			}
		}
	}
	wg.Wait()
}

func TestAFailedRotationChangesNothing(t *testing.T) {
	dir := t.TempDir()
	r := openRing(t, dir)
	sealed := r.Seal("a", nil)
	if err := os.Remove(filepath.Join(dir, FileName)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rotate(Field); err == nil {
		t.Error("the file is gone")
	}
	if err := r.Reload(); err == nil {
		t.Error("the file is gone")
	}
	if r.NeedsReseal(sealed) {
		t.Error("the ring must stay as it was")
	}
}

func TestKEK(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, FileName)
	kek := fileKEKOf(t, "correct horse battery staple\n")
	r := openRing(t, dir) // in the clear at first
	sealed := r.Seal("a", []byte("x"))
	plainKey := func(id string) bool {
		var d fileDoc
		if err := json.Unmarshal(readFile(t, file), &d); err != nil {
			t.Fatal(err)
		}
		return d.KEK == "" && d.Keys[0].ID == id
	}
	id := r.Keys()[0].ID
	if !plainKey(id) {
		t.Error("no KEK, keys in the clear")
	}
	r, err := OpenWith(Options{File: file, KEK: kek})
	if err != nil {
		t.Fatal(err)
	}
	if plainKey(id) {
		t.Error("opening with a KEK must wrap")
	}
	if _, err := r.Rotate(Field); err != nil {
		t.Fatal(err)
	}
	r, err = OpenWith(Options{File: file, KEK: fileKEKOf(t, " correct horse battery staple ")})
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := r.Unseal("a", sealed); err != nil || string(plain) != "x" {
		t.Error(err)
	}

	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "keys.kek_file") {
		t.Error("without the KEK:", err)
	}
	if _, err := OpenWith(Options{File: file, KEK: fileKEKOf(t, "incorrect horse battery")}); err == nil || !strings.Contains(err.Error(), "does not unwrap") {
		t.Error("with another KEK:", err)
	}

	if err := r.Rewrap(nil); err != nil {
		t.Fatal(err)
	}
	if plain, err := openRing(t, dir).Unseal("a", sealed); err != nil || string(plain) != "x" {
		t.Error("after taking the KEK away:", err)
	}
}

// Under a KEK, whoever can write the file but not unwrap it can neither drop, swap nor re-date a key.
func TestKEKFindsAltering(t *testing.T) {
	kek := fileKEKOf(t, "correct horse battery staple")
	file := filepath.Join(t.TempDir(), FileName)
	if _, err := OpenWith(Options{File: file, KEK: kek}); err != nil {
		t.Fatal(err)
	}
	good := readFile(t, file)
	for name, change := range map[string]func(*fileDoc){
		"drop":    func(d *fileDoc) { d.Keys = d.Keys[:len(d.Keys)-1] },
		"swap":    func(d *fileDoc) { d.Keys[1], d.Keys[2] = d.Keys[2], d.Keys[1] },
		"purpose": func(d *fileDoc) { d.Keys[1].Purpose = Token },
		"id":      func(d *fileDoc) { d.Keys[1].ID = "other" },
		"cut":     func(d *fileDoc) { d.Keys[1].Key = d.Keys[1].Key[:8] },
	} {
		var d fileDoc
		if err := json.Unmarshal(good, &d); err != nil {
			t.Fatal(err)
		}
		change(&d)
		d.Sum = d.sum()
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := parseKeys(b, kek); err == nil {
			t.Error(name, "was not found")
		}
	}
}

func TestFileKEKRefuses(t *testing.T) {
	if _, err := FileKEK(kekFile(t, "short", 0o600)); err == nil || !strings.Contains(err.Error(), "at least 16") {
		t.Error(err)
	}
	if _, err := FileKEK(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file")
	}
	if runtime.GOOS == "windows" {
		return
	}
	if _, err := FileKEK(kekFile(t, "correct horse battery staple", 0o644)); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Error(err)
	}
	if _, err := FileKEK(kekFile(t, "correct horse battery staple", 0o440)); err != nil {
		t.Error("a mounted secret readable by the group is usual:", err)
	}
}

// otherKEK stands for a module of another kind.
type otherKEK struct{ KEK }

func (otherKEK) Name() string { return "sdf" }

func TestTheKindOfKEKMustFit(t *testing.T) {
	kek := fileKEKOf(t, "correct horse battery staple")
	file := filepath.Join(t.TempDir(), FileName)
	if _, err := OpenWith(Options{File: file, KEK: kek}); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWith(Options{File: file, KEK: otherKEK{kek}}); err == nil || !strings.Contains(err.Error(), `kind "sdf"`) {
		t.Error(err)
	}
}

func FuzzParseKeys(f *testing.F) {
	dir := f.TempDir()
	openRing(f, dir)
	f.Add(readFile(f, filepath.Join(dir, FileName)))
	f.Add([]byte(`{"version":1,"keys":[{"id":"a","purpose":"field","made":"0000-01-01T00:00:00Z","key":"AAAA"}],"sum":""}`))
	f.Add([]byte(`{"version":1,"keys":null,"sum":"x"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d fileDoc
		if json.Unmarshal(b, &d) == nil { // give it the right sum, or nothing behind the sum is ever reached
			d.Sum = d.sum()
			if summed, err := json.Marshal(d); err == nil {
				b = summed
			}
		}
		s, _, err := parseKeys(b, nil)
		if err != nil {
			return
		}
		out, err := renderKeys(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := parseKeys(out, nil)
		if err != nil || len(again.list) != len(s.list) {
			t.Fatal("what was read must be writable and readable again:", err)
		}
	})
}
