package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/kernel/audit"
)

func TestPrune(t *testing.T) {
	words := catalog(t)
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		dir := filepath.Join(t.TempDir(), "audit-archive")
		prune := func(days int) (audit.Archive, error) { return b.Prune(t.Context(), days, dir) }
		b.write(1200)
		b.seal()
		b.move(100 * 24 * time.Hour)
		b.write(30)
		b.seal()
		b.move(100 * 24 * time.Hour)
		b.write(5)
		b.chain()
		if a, err := prune(365); err != nil || a.ID != 0 {
			t.Fatalf("nothing is a year old: %+v %v", a, err)
		}
		a, err := prune(1) // less than the law allows means what the law allows
		if err != nil || a.From != 1 || a.To != 1200 {
			t.Fatalf("%+v %v", a, err)
		}
		if n, err := store.Value[int](t.Context(), db, `SELECT count(*) FROM audit`); err != nil || n != 36 {
			t.Error(n, err)
		}
		b.chain()
		r := b.verify()
		if !r.OK || r.From != 1201 || r.To != 1236 || r.Archived != 1200 {
			t.Errorf("%+v", r)
		}
		raw, err := os.ReadFile(filepath.Join(dir, a.File))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := audit.VerifyPack(bytes.NewReader(raw), audit.PackOptions{Trusted: [][]byte{b.pem()}, Ring: b.ring}); err != nil || !r.OK || r.Rows != 1200 || r.Head != a.Head {
			t.Errorf("%+v %v", r, err)
		}
		if err := b.Export(t.Context(), &bytes.Buffer{}, 1, 0); errs.KeyOf(err) != "audit.no_records" {
			t.Error(err)
		}
		if r, err := audit.VerifyPack(bytes.NewReader(b.pack(0, 0)), audit.PackOptions{}); err != nil || !r.OK || r.From != 1201 {
			t.Errorf("%+v %v", r, err)
		}

		b.tamper(`UPDATE audit SET title = 'x' WHERE ` + at("seq = 1210")) // a broken range stays where it is
		b.move(200 * 24 * time.Hour)
		if _, err := prune(183); errs.KeyOf(err) != "audit.archive_broken" {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
			t.Error("a refused archive left a file:", left)
		}
		b.tamper(`UPDATE audit_archive SET to_seq = 1210, head = (SELECT hash FROM audit_link WHERE seq = 1210)`)
		if r := b.verify(); r.OK || !r.Has(audit.ArchiveForged) || !strings.Contains(strings.Join(r.Words(words, "zh"), ""), "冒充归档") {
			t.Errorf("%+v", r)
		}
	})
}
