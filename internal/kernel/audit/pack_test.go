package audit_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

// pack exports the whole chain.
func (b *bench) pack(from, to int64) []byte {
	b.t.Helper()
	var out bytes.Buffer
	if err := b.Export(b.t.Context(), &out, from, to); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

func (b *bench) pem() []byte {
	b.t.Helper()
	pem, err := b.ring.PublicKeyPEM("")
	if err != nil {
		b.t.Fatal(err)
	}
	return pem
}

// lines edits a pack by its lines; line 0 is the head, line n record n until a root follows.
func lines(pack []byte, edit func(l []string) []string) []byte {
	l := strings.Split(strings.TrimSuffix(string(pack), "\n"), "\n")
	return []byte(strings.Join(edit(l), "\n") + "\n")
}

func TestPack(t *testing.T) {
	words := catalog(t)
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(20)
		b.seal() // a root behind line 20
		b.write(10)
		b.chain()
		whole := b.pack(0, 0)
		mine := audit.PackOptions{Trusted: [][]byte{b.pem()}}
		stranger, err := secret.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		strangersPEM, err := stranger.PublicKeyPEM("")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name  string
			edit  func(l []string) []string
			o     audit.PackOptions
			fault audit.Fault // "" for whole
			first int64
			says  string
		}{
			{"whole", func(l []string) []string { return l }, mine, "", 0, "完整：第 1 至 30 条共 30 条记录逐条校验通过，1 个签名根全部有效。"},
			{"whole, marks too", func(l []string) []string { return l }, audit.PackOptions{Trusted: mine.Trusted, Ring: b.ring}, "", 0, "完整"},
			{"whole, the key among others", func(l []string) []string { return l }, audit.PackOptions{Trusted: [][]byte{append(append([]byte("keys:\n"), strangersPEM...), b.pem()...)}}, "", 0, "完整"},
			{"whole by its own word", func(l []string) []string { return l }, audit.PackOptions{}, "", 0, "完整"},
			{"empty lines", func(l []string) []string { return append(l, "", "  ") }, mine, "", 0, "完整"},
			{"a byte", func(l []string) []string { l[10] = strings.Replace(l[10], "张三", "张二", 1); return l }, mine, audit.Changed, 10, "第 10 条记录与链值不符"},
			{"a byte, with the keys", func(l []string) []string { l[10] = strings.Replace(l[10], "张三", "张二", 1); return l }, audit.PackOptions{Trusted: mine.Trusted, Ring: b.ring}, audit.Altered, 10, "第 10 条记录（编号 "},
			{"a hash", func(l []string) []string { l[10] = strings.Replace(l[10], `"hash":"`, `"hash":"0`, 1); return l }, mine, audit.Changed, 10, "与链值不符"},
			{"a row removed", func(l []string) []string { return append(l[:10:10], l[11:]...) }, mine, audit.Missing, 10, "第 10 条记录不见了。"},
			{"two rows swapped", func(l []string) []string { l[10], l[11] = l[11], l[10]; return l }, mine, audit.Disordered, 10, "第 10 条记录排在了后面的记录之后：顺序被调换"},
			{"a row twice", func(l []string) []string { return append(l[:11:11], l[10:]...) }, mine, audit.Disordered, 10, "顺序被调换"},
			{"the tail cut", func(l []string) []string { return l[:27] }, mine, audit.PackCut, 26, "没有签名的结尾，第 26 条之后（应到第 30 条）被截掉"},
			{"rows cut before the end", func(l []string) []string { return append(l[:27:27], l[len(l)-1]) }, mine, audit.Cut, 26, "共缺 5 条"},
			{"cut, and the head shortened", func(l []string) []string {
				l[0] = strings.Replace(l[0], `"to":30`, `"to":25`, 1)
				return append(l[:27:27], l[len(l)-1])
			}, mine, audit.PackForged, 0, "结尾签名无效"},
			{"a root forged", func(l []string) []string { l[21] = strings.Replace(l[21], `"count":20`, `"count":19`, 1); return l }, mine, audit.RootForged, 0, "第 1 号签名根是伪造的"},
			{"a root in another place", func(l []string) []string { l[20], l[21] = l[21], l[20]; return l }, mine, "", 0, "完整"},
			{"signed by a stranger", func(l []string) []string { return l }, audit.PackOptions{Trusted: [][]byte{strangersPEM}}, audit.PackForged, 0, "不是由可信的密钥签发"},
			{"a line of noise", func(l []string) []string { l[10] = "x" + l[10]; return l }, mine, audit.PackUnread, 10, "导出包第 11 行无法识别"},
			{"a hidden field", func(l []string) []string { l[10] = strings.Replace(l[10], `{"seq"`, `{"note":"x","seq"`, 1); return l }, mine, audit.PackUnread, 10, "无法识别"},
			{"two in one line", func(l []string) []string { l[10] = l[10][:len(l[10])-1] + `,"root":{}}`; return l }, mine, audit.PackUnread, 10, "无法识别"},
			{"something behind the end", func(l []string) []string { return append(l, l[30]) }, mine, audit.PackUnread, 0, "无法识别"},
			{"a huge line", func(l []string) []string {
				return append(l[:11:11], append([]string{strings.Repeat("x", 3<<20)}, l[11:]...)...)
			}, mine, audit.PackUnread, 0, "导出包第 12 行"},
			{"a record from beyond", func(l []string) []string { l[30] = strings.Replace(l[30], `"seq":29`, `"seq":99`, 1); return l }, mine, audit.Outside, 29, "不在链上"},
		} {
			t.Run(c.name, func(t *testing.T) {
				r, err := audit.VerifyPack(bytes.NewReader(lines(whole, c.edit)), c.o)
				if err != nil {
					t.Fatal(err)
				}
				all := strings.Join(r.Words(words, "zh"), "\n")
				if r.OK != (c.fault == "") || c.fault != "" && !r.Has(c.fault) || r.FirstBroken != c.first || !strings.Contains(all, c.says) {
					t.Errorf("%+v\n%s", r, all)
				}
				if r.Trusted != (len(c.o.Trusted) > 0) || r.Marks != (c.o.Ring != nil) {
					t.Errorf("%+v", r)
				}
			})
		}
	})
}

func TestPartOfAPack(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(30)
		b.seal()
		r, err := audit.VerifyPack(bytes.NewReader(b.pack(11, 20)), audit.PackOptions{Trusted: [][]byte{b.pem()}})
		if err != nil || !r.OK || r.From != 11 || r.To != 20 || r.Rows != 10 || r.Roots != 0 {
			t.Errorf("%+v %v", r, err)
		}
		for _, from := range []int64{32, 99} {
			if err := b.Export(t.Context(), &bytes.Buffer{}, from, 0); errs.KeyOf(err) != "audit.no_records" {
				t.Error(from, err)
			}
		}
		for _, s := range []string{"", "\n", "hello", "{}", "\x1f\x8b", "\x1f\x8b\x08\x00", `{"head":{"format":"other"}}`, `{"head":{"format":"qushu-audit-pack/1","from":0,"to":-5}}`} {
			if _, err := audit.VerifyPack(strings.NewReader(s), audit.PackOptions{}); errs.KeyOf(err) != "audit.not_a_pack" {
				t.Error(s, err)
			}
		}
	})
}

// A pack of any bytes is answered, and nothing but what was signed is called whole.
func FuzzVerifyPack(f *testing.F) {
	b, err := os.ReadFile("testdata/pack.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	pem, err := os.ReadFile("testdata/pack.pem")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(bytes.ReplaceAll(b, []byte("\n"), []byte("\n\n")))
	f.Add([]byte(`{"head":{"format":"qushu-audit-pack/1","from":1,"to":9223372036854775807}}` + "\n" + `{"record":{"seq":9223372036854775807}}` + "\n" + `{"end":{}}`))
	words := func(r *audit.Report) []string {
		c, err := errs.NewCatalog(audit.Text)
		if err != nil {
			f.Fatal(err)
		}
		return r.Words(c, "zh")
	}
	want := texts(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := audit.VerifyPack(bytes.NewReader(in), audit.PackOptions{Trusted: [][]byte{pem}})
		if err != nil {
			return
		}
		if len(words(r)) == 0 || r.OK && texts(in) != want {
			t.Errorf("%+v", r)
		}
	})
}

// texts are the canonical texts of a pack, one a line.
func texts(pack []byte) string {
	var out strings.Builder
	for line := range bytes.Lines(pack) {
		var l struct{ Record struct{ Text string } }
		if json.Unmarshal(line, &l) == nil && l.Record.Text != "" {
			out.WriteString(l.Record.Text + "\n")
		}
	}
	return out.String()
}

// The pack in testdata was written once and must verify for ever: it is what lies in archives.
func TestGoldenPack(t *testing.T) {
	if os.Getenv("QUSHU_UPDATE") != "" {
		b := newBench(t, templates.Open(t, store.SQLite))
		b.write(3)
		b.seal()
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "pack.jsonl"), b.pack(0, 0), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "pack.pem"), b.pem(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile("testdata/pack.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile("testdata/pack.pem")
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.VerifyPack(bytes.NewReader(b), audit.PackOptions{Trusted: [][]byte{pem}})
	if err != nil || !r.OK || r.Rows != 3 || r.Roots != 1 {
		t.Errorf("%+v %v", r, err)
	}
}
