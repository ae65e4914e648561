package flow_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
)

// told is a case with a step done, an opinion with a character no font here has, and a file.
func told(t *testing.T, e *kerneltest.Env) (*office, flow.Case) {
	t.Helper()
	o := newOffice(t, e, plain(), flow.Limit{N: 5, Unit: when.WorkDay})
	c := o.begin("zhang", "m1", `{"amount":5000}`)
	o.must("li", c.ID, `{"verb":"submit","task":"$task","outcome":"agree","opinion":"情况属实，同意。𠮷先生来办"}`, 200, "签批")
	if _, err := e.Kit.Files.Keep(t.Context(), "flow", c.ID, "现场照片.txt", strings.NewReader("是照片的字节")); err != nil {
		t.Fatal(err)
	}
	return o, c
}

func TestPaper(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o, c := told(t, e)
		e.Run(t, []kerneltest.Case{
			{Name: "a stranger", As: o.people["wang"], Call: "GET /api/flow/cases/" + c.ID + "/paper.pdf", Status: 404},
			{Name: "nobody", Call: "GET /api/flow/cases/" + c.ID + "/paper.pdf", Status: 401},
			{Name: "who did a step", As: o.people["li"], Call: "GET /api/flow/cases/" + c.ID + "/paper.pdf", Lang: "en", Status: 200, Want: []string{"%PDF-1", "%%EOF"}},
		})
		_, pdf := o.Call(t, kerneltest.Case{As: o.people["li"], Call: "GET /api/flow/cases/" + c.ID + "/paper.pdf", Lang: "zh"})
		text := strings.ReplaceAll(selected(t, pdf), "\n", "")
		for _, want := range []string{"武汉市洪山区", "便函办理单", c.Number, "买一台打印机", "采购龘靐牌打印机", "zhang", "办公室", "意见：情况属实，同意。〓(U+20BB7)先生来办", "结果：同意", "5.0 个工作日", "现场照片.txt", "li 打印于 20", "第 1 页 共 1 页"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %s", want, text)
			}
		}
	})
}

// selected is the text a reader selects in a PDF.
func selected(t *testing.T, pdf string) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext (poppler-utils) is not installed")
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if dir := os.Getenv("QUSHU_KEEP_PAPER"); dir != "" {
		name = filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+".pdf")
	}
	if err := os.WriteFile(name, []byte(pdf), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "-raw", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestEvidence(t *testing.T) {
	words, err := errs.NewCatalog(flow.Text)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := secret.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	strange, err := stranger.PublicKeyPEM("")
	if err != nil {
		t.Fatal(err)
	}
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		o, c := told(t, e)
		call := "GET /api/flow/cases/" + c.ID + "/evidence.zip"
		if _, err := e.Kit.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s, b := o.Call(t, kerneltest.Case{As: o.people["wang"], Call: call}); s != 404 {
			t.Fatal("a stranger has it", s, b)
		}
		s, pack := o.Call(t, kerneltest.Case{As: o.people["li"], Call: call})
		if s != 200 {
			t.Fatal(s, pack)
		}
		if n, err := noted(t.Context(), e, c.ID); err != nil || n != 1 {
			t.Error("the export is not recorded once", n, err)
		}
		mine, err := e.Kit.Audit.PublicKeys()
		if err != nil {
			t.Fatal(err)
		}
		key := []byte(mine[0].PEM)
		for _, k := range []struct {
			name string
			edit func(name string, b []byte) []byte // nil removes
			more string                             // an entry put in
			keys [][]byte
			says []string
		}{
			{name: "whole", keys: [][]byte{key}, says: []string{"完整：" + c.Number + "“买一台打印机”，3 个文件与签名的清单一致；li 于 20"}},
			{name: "by its own word", says: []string{"没有给出可信的公钥", "完整"}},
			{name: "another's key", keys: [][]byte{strange}, says: []string{"2 处不符", "清单 manifest.json 的签名无效"}},
			{name: "an opinion", keys: [][]byte{key}, edit: on("case.json", func(b []byte) []byte { return bytes.Replace(b, []byte("同意。"), []byte("不同意"), 1) }), says: []string{"1 处不符", "“case.json”的内容与清单不符"}},
			{name: "a byte of the paper", keys: [][]byte{key}, edit: on("办理单.pdf", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), says: []string{"“办理单.pdf”的内容与清单不符"}},
			{name: "a longer file", keys: [][]byte{key}, edit: on("files/001-现场照片.txt", func(b []byte) []byte { return append(b, '!') }), says: []string{"“files/001-现场照片.txt”的内容与清单不符"}},
			{name: "a file gone", keys: [][]byte{key}, edit: on("files/001-现场照片.txt", func([]byte) []byte { return nil }), says: []string{"“files/001-现场照片.txt”不见了"}},
			{name: "a file put in", keys: [][]byte{key}, more: "files/002-x.txt", says: []string{"“files/002-x.txt”不在清单里"}},
			{name: "a file twice", keys: [][]byte{key}, more: "case.json", says: []string{"“case.json”有两份"}},
			{name: "the manifest", keys: [][]byte{key}, edit: on("manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte("买一台"), []byte("买两台"), 1) }), says: []string{"1 处不符", "清单 manifest.json 的签名无效"}},
			{name: "the root", keys: [][]byte{key}, edit: on("manifest.json", func(b []byte) []byte { return otherKind(b) }), says: []string{"2 处不符", "审计签名根无效"}},
			{name: "no signature", keys: [][]byte{key}, edit: on("manifest.sig", func([]byte) []byte { return nil }), says: []string{"清单 manifest.json 的签名无效"}},
		} {
			t.Run(k.name, func(t *testing.T) {
				b := repack(t, pack, k.edit, k.more)
				found, err := flow.VerifyEvidence(bytes.NewReader(b), int64(len(b)), k.keys...)
				if err != nil {
					t.Fatal(err)
				}
				all := strings.Join(found.Words(words, "zh"), "\n")
				for _, want := range k.says {
					if !strings.Contains(all, want) {
						t.Errorf("%q is not in %s", want, all)
					}
				}
			})
		}
		for _, b := range []string{"", "hello", string(repack(t, pack, on("manifest.json", func([]byte) []byte { return nil }), "")), pack[:len(pack)-100]} {
			if _, err := flow.VerifyEvidence(strings.NewReader(b), int64(len(b)), key); !errs.Is(err, errs.Invalid) {
				t.Errorf("%.10q… is taken for a pack: %v", b, err)
			}
		}
		told := inside(t, pack, "manifest.json")
		for _, want := range []string{`"action": "memo.begin"`, `"action": "flow.submit"`, `"action": "flow.evidence"`, `"sm3"`} {
			if !strings.Contains(told, want) {
				t.Errorf("%s is not in %s", want, told)
			}
		}
		if data := inside(t, pack, "case.json"); !json.Valid([]byte(data)) || !strings.Contains(data, "采购龘靐牌打印机") || !strings.Contains(data, "情况属实") {
			t.Error(data)
		}
	})
}

func on(name string, edit func([]byte) []byte) func(string, []byte) []byte {
	return func(n string, b []byte) []byte {
		if n == name {
			return edit(b)
		}
		return b
	}
}

// repack writes a pack anew with its entries edited.
func repack(t *testing.T, pack string, edit func(string, []byte) []byte, more string) []byte {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	put := func(name string, b []byte) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range z.File {
		b := []byte(inside(t, pack, f.Name))
		if edit != nil {
			if b = edit(f.Name, slices.Clone(b)); b == nil {
				continue
			}
		}
		put(f.Name, b)
	}
	if more != "" {
		put(more, []byte("x"))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func inside(t *testing.T, pack, name string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(name, err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(name, err)
	}
	return string(b)
}

// noted counts the records of exports of a case.
func noted(ctx context.Context, e *kerneltest.Env, id string) (int, error) {
	return store.Value[int](ctx, e.Kit.DB, `SELECT count(*) FROM audit WHERE action = 'flow.evidence' AND object_id = $1`, id)
}

// otherKind tells another reason for which the root of a manifest was signed: the day's may have come before the one that is asked for.
func otherKind(b []byte) []byte {
	asked, day := []byte(`"kind": "asked"`), []byte(`"kind": "day"`)
	if bytes.Contains(b, asked) {
		return bytes.Replace(b, asked, day, 1)
	}
	return bytes.Replace(b, day, asked, 1)
}
