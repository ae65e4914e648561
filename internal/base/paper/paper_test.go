package paper

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func first(i int) bool { return i == 0 }

func page(n int, of string) string { return fmt.Sprintf("第 %d 页 共 %s 页", n, of) }

func newDoc(t testing.TB) *Doc {
	t.Helper()
	d, err := New("办理单", "zh-CN", "张三 打印", page, time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWrap(t *testing.T) {
	d := newDoc(t)
	ten := d.width(strings.Repeat("字", 10), size) + 0.01
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"一二三四五六七八九十", "一二三四五六七八九十"},
		{"一二三四五六七八九十甲", "一二三四五六七八九十|甲"},
		{"一二三四五六七八九十，甲", "一二三四五六七八九|十，甲"},
		{"一二三四五六七八九（甲乙）", "一二三四五六七八九|（甲乙）"},
		{"一二三四五六七八 document", "一二三四五六七八|document"},
		{"一\n\n二\r\n", "一|二"},
		{"𠮷田", "〓(U+20BB7)田"},
		{"龘靐㐂", "龘靐〓(U+3402)"},
		{"a\x00b\x1b[31m", "ab[31m"},
	} {
		if got := strings.Join(d.wrap(c.text, size, ten), "|"); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// A value longer than a page goes on on the next, and nothing of it is lost; the text is text.
func TestLongRow(t *testing.T) {
	d := newDoc(t)
	d.Heading("武汉市洪山区", "事项办理单")
	d.Section("表单")
	var long strings.Builder
	for i := range 900 {
		fmt.Fprintf(&long, "第%d件，王小明在珞狮路。", i)
	}
	d.Row([]float64{1, 3}, first, "内容", long.String())
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got := text(t, b.Bytes())
	for _, want := range []string{"事项办理单", "第0件", "第899件", "第 2 页 共 "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
	if strings.Contains(got, "{n}") {
		t.Error("the count of pages is not filled in")
	}
}

// text is what a reader selects.
func text(t *testing.T, pdf []byte) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext (poppler-utils) is not installed")
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "-raw", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func BenchmarkPaper(b *testing.B) {
	for b.Loop() {
		d := newDoc(b)
		d.Row([]float64{1, 3}, first, "内容", strings.Repeat("甲乙丙丁。", 200))
		if _, err := d.WriteTo(&bytes.Buffer{}); err != nil {
			b.Fatal(err)
		}
	}
}

// A picture stands in its row with its words; what is no picture leaves its words alone, and nothing breaks the paper.
func TestPicture(t *testing.T) {
	d := newDoc(t)
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 100))); err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // over pages
		d.Picture("签名", b.Bytes(), fmt.Sprintf("第%d个", i), 16)
	}
	d.Picture("坏的", []byte("no picture"), "只有文字", 16)
	d.Picture("截断", b.Bytes()[:40], "还是文字", 16)
	var out bytes.Buffer
	if _, err := d.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	got := text(t, out.Bytes())
	for _, want := range []string{"第0个", "第19个", "只有文字", "还是文字", "第 2 页"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
}
