package forms

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qushu/internal/base/store"
	"qushu/internal/kernel/flow"
	"qushu/internal/kernel/kerneltest"
	"qushu/internal/room"
)

// On paper and in an evidence pack is what its reader may see: hidden fields and their files never, personal data masked.
func TestPaperOfReader(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		designer := kerneltest.Actor("designer", "u1", room.All, "forms.use", "forms.design")
		zhang := w.who["clerk"]
		drawn := strings.Replace(bids, `{"key":"double"`, `{"key":"tel","title":{"zh":"电话"},"type":"phone"},{"key":"double"`, 1)
		e.Run(t, []kerneltest.Case{
			{Name: "drawn", As: designer, Call: "POST /api/forms/apps", Body: drawn, Status: 200, Want: []string{`"findings":[]`}},
			{Name: "published", As: designer, Call: "POST /api/forms/apps/bids/publish", Body: `{"version":1}`, Status: 200},
		})
		w.person("judge", "区机关事务中心", false, "bids_judge")
		l := filed(t, e, zhang, "bids", fmt.Sprintf(`{"about":"保洁服务","firm":"甲公司","tel":"13800138000","price":100,"paper":[{"id":%q}]}`, w.upload(zhang)))
		for _, c := range []struct {
			who       string
			has, lack []string
		}{
			{"clerk", []string{"保洁服务", "甲公司", "现场.jpg"}, []string{"13800138000"}},
			{"judge", []string{"保洁服务"}, []string{"甲公司", "现场.jpg", "13800138000", "加倍"}},
		} {
			base := "GET /api/flow/cases/" + l.Case
			_, pack := e.Call(t, kerneltest.Case{As: w.who[c.who], Call: base + "/evidence.zip"})
			_, pdf := e.Call(t, kerneltest.Case{As: w.who[c.who], Call: base + "/paper.pdf", Lang: "zh"})
			all := unpacked(t, pack)
			for kind, text := range map[string]string{"the pack": all, "the paper": read(t, pdf)} {
				if text == "" {
					continue
				}
				for _, want := range c.has {
					if !strings.Contains(text, want) {
						t.Errorf("%s: %q is not in %s: %s", c.who, want, kind, text)
					}
				}
				for _, not := range c.lack {
					if strings.Contains(text, not) {
						t.Errorf("%s: %q must not be in %s", c.who, not, kind)
					}
				}
			}
		}
		if s, b := e.Call(t, kerneltest.Case{As: w.who["mediator1"], Call: "GET /api/flow/cases/" + l.Case + "/evidence.zip"}); s != 404 {
			t.Error("a stranger has it", s, b)
		}
	})
}

// unpacked is every entry of a pack behind its name, but the PDF.
func unpacked(t *testing.T, pack string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err, pack)
	}
	var out strings.Builder
	for _, f := range z.File {
		fmt.Fprintln(&out, f.Name)
		if strings.HasSuffix(f.Name, ".pdf") {
			continue
		}
		r, err := f.Open()
		if err == nil {
			_, err = io.Copy(&out, r)
		}
		if err != nil {
			t.Fatal(f.Name, err)
		}
	}
	return out.String()
}

// read is the text of a PDF, "" where pdftotext is not installed.
func read(t *testing.T, pdf string) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		return ""
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, []byte(pdf), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "-raw", name, "-").Output()
	if err != nil {
		t.Fatal(err, pdf[:min(len(pdf), 200)])
	}
	return string(out)
}

// A dispute with tables, places, photos and nine steps on paper; its parties' numbers are masked there.
func TestPaperOfDispute(t *testing.T) {
	houses.Each(t, func(t *testing.T, e *kerneltest.Env) {
		w := newTown(t, e)
		w.live(t, lives()[0])
		id, err := store.Value[string](t.Context(), e.Kit.DB, `SELECT case_id FROM forms_entry WHERE app = 'dispute'`)
		if err != nil {
			t.Fatal(err)
		}
		_, pdf := e.Call(t, kerneltest.Case{As: w.who["grid"], Call: "GET /api/flow/cases/" + id + "/paper.pdf", Lang: "zh"})
		_, pack := e.Call(t, kerneltest.Case{As: w.who["grid"], Call: "GET /api/flow/cases/" + id + "/evidence.zip", Lang: "zh"})
		found, err := flow.VerifyEvidence(strings.NewReader(pack), int64(len(pack)))
		if err != nil || !found.OK() || found.Files != 2+5 {
			t.Errorf("%+v %v", found, err)
		}
		text := strings.ReplaceAll(read(t, pdf), "\n", "")
		if text == "" {
			t.Skip("pdftotext (poppler-utils) is not installed")
		}
		for _, want := range []string{"矛盾纠纷排查化解办理单", "已办结", "较大", "欧**三", "幸福小区3栋", "双方同意清理", "意见：同意"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %s", want, text)
			}
		}
		for _, not := range []string{"42019919900101003X", "13800005678", "欧阳小三"} {
			if strings.Contains(text, not) || strings.Contains(unpacked(t, pack), not) {
				t.Errorf("%s is not masked", not)
			}
		}
	})
}
