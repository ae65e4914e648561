package audit_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/secret"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
	"qushu/internal/base/web"
	"qushu/internal/kernel/audit"
	"qushu/internal/room"
)

var templates = &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error {
	return db.Migrate(ctx, "audit", audit.NewLog(db, nil, nil, nil).Room().Schema)
}}

// bench is a log over a database of its own, without the service: tests say when it chains.
type bench struct {
	*audit.Log
	t    *testing.T
	db   *store.DB
	ring *secret.Ring
	dir  string // of exported roots

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, db *store.DB) *bench {
	t.Helper()
	ring, err := secret.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, ring: ring, dir: filepath.Join(t.TempDir(), "audit-roots"), now: time.Date(2023, 6, 1, 9, 0, 0, 0, time.FixedZone("+08:00", 8*3600))}
	b.Log = b.again()
	return b
}

// again is the log of a program started anew on the same data.
func (b *bench) again() *audit.Log {
	l := audit.NewLog(b.db, b.ring, nil, func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now })
	l.RootsIn(b.dir)
	return l
}

func (b *bench) move(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.now = b.now.Add(d) }

// write records n entries in one transaction.
func (b *bench) write(n int) {
	b.t.Helper()
	ctx := web.With(b.t.Context(), &web.Request{IP: "10.1.2.3", Agent: "test", Trace: "abc"})
	ctx = room.Acting(ctx, &room.Actor{Person: "zhang", Account: "zhang", Name: "张三", Unit: "u1"})
	err := b.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i := range n {
			e := audit.Entry{Action: "lookup.read", Object: "lookup", ID: fmt.Sprint(i), Title: "人口基础表", Personal: i%2 == 0, Subjects: 1, Purpose: "核对救助资格",
				Detail: map[string]any{"fields": []string{"name", "phone"}, "rows": i, "share": 0.1}}
			if err := b.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// chain chains what is committed.
func (b *bench) chain() {
	b.t.Helper()
	if _, err := b.Chain(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// seal chains and signs a root.
func (b *bench) seal() {
	b.t.Helper()
	if _, err := b.Seal(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// tamper writes past the program.
func (b *bench) tamper(sql ...string) {
	b.t.Helper()
	for _, q := range sql {
		if err := store.Exec(b.t.Context(), b.db, q); err != nil {
			b.t.Fatal(q, err)
		}
	}
}

func (b *bench) verify() *audit.Report {
	b.t.Helper()
	r, err := b.Verify(b.t.Context(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func catalog(t *testing.T) *errs.Catalog {
	t.Helper()
	c, err := errs.NewCatalog(audit.Text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at is the record in a place, or those in some: at("seq > 25").
func at(places string) string { return `id IN (SELECT record FROM audit_link WHERE ` + places + `)` }

// remove deletes records with their places.
func remove(places string) []string {
	return []string{`DELETE FROM audit WHERE ` + at(places), `DELETE FROM audit_link WHERE ` + places}
}

// swapped exchanges the places of records 10 and 11; each keeps its hash.
func swapped() []string {
	return []string{`UPDATE audit_link SET seq = -10 WHERE seq = 10`, `UPDATE audit_link SET seq = 10 WHERE seq = 11`, `UPDATE audit_link SET seq = 11 WHERE seq = -10`}
}

func TestTampering(t *testing.T) {
	words := catalog(t)
	templates.Each(t, func(t *testing.T, db *store.DB) { // the untouched chain
		b := newBench(t, db)
		b.write(20)
		b.seal()
		b.write(10)
		b.seal()
		r := b.verify()
		if !r.OK || r.Rows != 30 || r.To != 30 || r.Roots != 2 || !r.Files || r.FirstBroken != 0 || len(r.Places) != 0 {
			t.Fatalf("%+v", r)
		}
		if s := r.Words(words, "zh"); len(s) != 1 || !strings.Contains(s[0], "完整：第 1 至 30 条共 30 条") {
			t.Error(s)
		}
	})
	for _, c := range []struct {
		name  string
		only  store.Engine // "" for both
		sql   []string
		fault audit.Fault
		first int64
		n     int64 // broken places, 0 for any number
		says  string
	}{
		{"one byte of a title", "", []string{`UPDATE audit SET title = '人口基础裱' WHERE ` + at("seq = 10")}, audit.Altered, 10, 1, "第 10 条记录（编号 "},
		{"the person", "", []string{`UPDATE audit SET person = 'li' WHERE ` + at("seq = 1")}, audit.Altered, 1, 1, "被改动过"},
		{"the time", "", []string{`UPDATE audit SET at = at + 1 WHERE ` + at("seq = 30")}, audit.Altered, 30, 1, "被改动过"},
		{"the detail", "", []string{`UPDATE audit SET detail = '{"rows":7}' WHERE ` + at("seq = 10")}, audit.Altered, 10, 1, "被改动过"},
		{"the mark", "", []string{`UPDATE audit SET mac = 'x:00' WHERE ` + at("seq = 10")}, audit.Altered, 10, 1, "被改动过"},
		{"the hash", "", []string{`UPDATE audit_link SET hash = 'ff' WHERE seq = 10`}, audit.Moved, 10, 1, "链值被改动"},
		{"a row removed", "", remove("seq = 10"), audit.Missing, 10, 1, "第 10 条记录不见了。"},
		{"the first row removed", "", remove("seq = 1"), audit.Missing, 1, 1, "第 1 条记录不见了。"},
		{"a row removed, its place not", "", []string{`DELETE FROM audit WHERE ` + at("seq = 10")}, audit.Missing, 10, 1, "第 10 条记录不见了。"},
		{"a place removed, its row not", "", []string{`DELETE FROM audit_link WHERE seq = 10`}, audit.Missing, 10, 1, "第 10 条记录不见了。"},
		{"the tail cut, its places not", "", []string{`DELETE FROM audit WHERE ` + at("seq > 25")}, audit.Cut, 26, 1, "应有到第 30 条，从第 26 条起不见了，共缺 5 条"},
		{"every row removed, their places not", "", []string{`DELETE FROM audit`}, audit.Cut, 1, 1, "共缺 30 条"},
		{"a place names another row", "", []string{`UPDATE audit_link SET record = 'x' WHERE seq = 10`}, audit.Missing, 10, 1, "第 10 条记录不见了。"},
		{"rows removed", "", remove("seq BETWEEN 5 AND 14"), audit.Missing, 5, 1, "第 5 至 14 条记录不见了，共缺 10 条"},
		{"removed and closed up", "", append(remove("seq = 29"), `UPDATE audit_link SET seq = 29 WHERE seq = 30`), audit.Moved, 29, 0, "接不上"},
		{"two rows swapped", "", swapped(), audit.Moved, 10, 3, "顺序被调换"},
		{"two rows swapped, hashes kept in place", "", append(append([]string{`CREATE TABLE audit_old AS SELECT * FROM audit_link`}, swapped()...), `UPDATE audit_link SET hash = (SELECT o.hash FROM audit_old AS o WHERE o.seq = audit_link.seq) WHERE seq IN (10, 11)`), audit.Moved, 10, 2, "顺序被调换"},
		{"the tail cut", "", remove("seq > 25"), audit.Cut, 26, 1, "应有到第 30 条，从第 26 条起不见了，共缺 5 条"},
		{"the tail cut, the kept end removed", "", append(remove("seq > 25"), `DELETE FROM audit_head`), audit.Cut, 26, 2, "末尾被截掉"},
		{"the kept end moved back", "", []string{`UPDATE audit_head SET seq = 25`}, audit.Headless, 0, 1, "链尾标记"},
		{"everything removed", "", []string{`DELETE FROM audit`, `DELETE FROM audit_link`}, audit.Cut, 1, 1, "共缺 30 条"},
		{"tail, end and roots removed: the files remember", "", append(remove("seq > 15"), `DELETE FROM audit_head`, `DELETE FROM audit_root`), audit.RootWithdrawn, 16, 0, "已导出的第 2 号签名根（到第 30 条记录）在数据库中不见了"},
		{"a root forged", "", []string{`UPDATE audit_root SET head = '00' WHERE id = 1`}, audit.RootForged, 0, 2, "第 1 号签名根是伪造的"},
		{"a root with the signature of another", "", []string{`UPDATE audit_root SET sig = (SELECT sig FROM audit_root WHERE id = 2) WHERE id = 1`}, audit.RootForged, 0, 1, "第 1 号签名根是伪造的"},
		{"a root signed by nobody known", "", []string{`UPDATE audit_root SET signer = 'nobody' WHERE id = 1`}, audit.RootForged, 0, 1, "第 1 号签名根是伪造的"},
		{"a root removed", "", []string{`DELETE FROM audit_root WHERE id = 1`}, audit.RootMissing, 0, 2, "从第 1 号起有 1 个签名根不见了"},
		{"a row slipped in before the chain", "", forged(-5), audit.Outside, 0, 1, "有 1 条记录不在链上"},
		{"a row slipped in behind the chain", "", forged(40), audit.Outside, 0, 1, "有 1 条记录不在链上"},
		{"a row slipped in to be chained", "", forged(0), audit.Altered, 0, 0, "被改动过"},
		{"an archive that never was", "", append(remove("seq <= 10"), `INSERT INTO audit_archive VALUES (1, 1, 10, 'x', 1, 'f', 'd', 'k', 'c2ln')`), audit.ArchiveForged, 1, 2, "冒充归档"},
		{"words in a number", store.SQLite, []string{`UPDATE audit SET subjects = 'many' WHERE ` + at("seq = 10")}, audit.Altered, 10, 1, "被改动过"},
		{"a detail that is no JSON", store.SQLite, []string{`UPDATE audit SET detail = '{' WHERE ` + at("seq = 10")}, audit.Altered, 10, 1, "被改动过"},
		{"a place that is no number", store.SQLite, []string{`UPDATE audit_link SET seq = 'x' WHERE seq = 10`}, audit.Missing, 10, 2, "第 10 条记录不见了"},
		{"a place that is half a number", store.SQLite, []string{`UPDATE audit_link SET seq = 10.5 WHERE seq = 10`}, audit.Missing, 10, 0, "第 10 条记录不见了"},
	} {
		t.Run(c.name, func(t *testing.T) {
			templates.Each(t, func(t *testing.T, db *store.DB) {
				if c.only != "" && c.only != db.Engine() {
					t.Skip("this engine cannot be made to hold it")
				}
				b := newBench(t, db)
				b.write(20)
				b.seal()
				b.write(10)
				b.seal()
				b.tamper(c.sql...)
				r := b.verify()
				all := strings.Join(r.Words(words, "zh"), "\n")
				if r.OK || !r.Has(c.fault) || r.FirstBroken != c.first || c.n != 0 && r.Broken != c.n || !strings.Contains(all, c.says) {
					t.Errorf("%+v\n%s", r, all)
				}
				if strings.Contains(all, "audit.") || strings.Contains(strings.Join(r.Words(words, "en"), ""), "audit.") {
					t.Error("a sentence is missing:", all)
				}
				b.chain() // whatever happened, logging goes on and the damage stays visible
				b.write(3)
				b.chain()
				if left := b.verify(); left.OK && c.fault != audit.Headless || left.FirstBroken != 0 && left.FirstBroken > max(c.first, 31) {
					t.Errorf("after going on: %+v", left)
				}
			})
		})
	}
}

// forged slips in a record in a place, 0 for none.
func forged(seq int) []string {
	out := []string{`INSERT INTO audit SELECT 'forged', at, 'li', account, name, admin, unit, post, session, ip, agent, trace, action, object, object_id, title, personal, subjects, purpose, result, detail, mac, tx FROM audit WHERE ` + at("seq = 3")}
	if seq != 0 {
		out = append(out, fmt.Sprintf(`INSERT INTO audit_link (seq, record, hash) VALUES (%d, 'forged', '')`, seq))
	}
	return out
}

// Somebody with the database but without the keys rewrites the whole chain after removing one row.
func TestRewritten(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(30)
		b.seal()
		b.tamper(append(remove("seq = 10"), `DELETE FROM audit_link`, `DELETE FROM audit_head`, `DELETE FROM audit_root`)...)
		other := b.ring
		var err error
		if b.ring, err = secret.Open(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		thief := b.again() // chains and signs with keys of his own
		b.ring = other
		if _, err := thief.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := b.verify()
		if r.OK || !r.Has(audit.RootForged) || !r.Has(audit.Headless) || !r.Has(audit.Cut) && !r.Has(audit.RootUntrue) {
			t.Errorf("%+v", r)
		}
	})
}

// With the old kept end put back after a cut, only the memory of the running program and the roots know.
func TestOldEndPutBack(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(20)
		b.chain()
		b.tamper(`CREATE TABLE audit_old AS SELECT * FROM audit_head`)
		b.write(10)
		b.chain()
		b.tamper(append(remove("seq > 20"), `DELETE FROM audit_head`, `INSERT INTO audit_head SELECT * FROM audit_old`)...)
		b.write(2)
		b.chain()
		r := b.verify()
		if r.OK || r.FirstBroken != 21 || !r.Has(audit.Missing) || r.Places[0].To != 30 {
			t.Errorf("the gap was closed: %+v", r)
		}
		n, err := store.Value[int](t.Context(), db, `SELECT count(*) FROM audit WHERE action = $1`, "audit.head_lost")
		if err != nil || n != 1 {
			t.Error("the log does not tell of it:", n, err)
		}
	})
}

func TestFilesOfRoots(t *testing.T) {
	words := catalog(t)
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(3)
		b.seal()
		b.move(40 * 24 * time.Hour) // another month, another file
		b.write(3)
		b.seal()
		files, err := filepath.Glob(filepath.Join(b.dir, "*.jsonl"))
		if err != nil || len(files) != 2 || filepath.Base(files[0]) != "2023-06.jsonl" {
			t.Fatal(files, err)
		}
		whole, err := os.ReadFile(files[1])
		if err != nil {
			t.Fatal(err)
		}
		put := func(s string) {
			t.Helper()
			if err := os.WriteFile(files[1], []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		put(string(whole[:50])) // cut by a crash; the next start writes the root again
		if r := b.verify(); r.OK || !r.Has(audit.RootFile) || !strings.Contains(strings.Join(r.Words(words, "zh"), ""), "2023-07.jsonl") {
			t.Errorf("%+v", r)
		}
		b.Log = b.again()
		b.write(1)
		b.seal()
		if r := b.verify(); !r.OK {
			t.Errorf("%+v", r.Words(words, "zh"))
		}
		put(strings.Replace(string(whole), `"to":6`, `"to":5`, 1))
		if r := b.verify(); r.OK || !r.Has(audit.RootForged) {
			t.Errorf("%+v", r)
		}
		if err := os.RemoveAll(b.dir); err != nil {
			t.Fatal(err)
		}
		if r := b.verify(); !r.OK { // a replica's folder need not hold them all
			t.Errorf("%+v", r)
		}
	})
}

func TestHealth(t *testing.T) {
	words := catalog(t)
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(3)
		b.move(59 * time.Second)
		if err := b.Health(t.Context()); err != nil {
			t.Error(err)
		}
		b.move(2 * time.Second)
		if err := b.Health(t.Context()); errs.KeyOf(err) != "audit.stopped" {
			t.Error(err)
		}
		r := b.verify()
		if r.OK || !r.Has(audit.Waiting) || !strings.Contains(strings.Join(r.Words(words, "zh"), ""), "有 3 条记录超过一分钟仍未入链") {
			t.Errorf("%+v", r)
		}
		b.chain()
		if err := b.Health(t.Context()); err != nil {
			t.Error(err)
		}
		if r := b.verify(); !r.OK {
			t.Errorf("%+v", r)
		}
	})
}

// What comes back from either engine has the text that was marked, whatever the detail and the input hold.
func TestOddEntries(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for _, e := range []audit.Entry{
			{Action: "x.y", Title: "a\x00b\xff'\"\\ \u2028<&>", ID: "\x00"},
			{Action: "x.y", Detail: map[string]any{"f": 1e21, "g": 1e-9, "z": math.Copysign(0, -1), "n": int64(1) << 60, "m": 12345678901234, "nil": nil, "s": "\x00\u0000é\xed\xa0\x80"}},
			{Action: "x.y", Detail: map[string]any{"t": time.Unix(0, 0), "nested": map[string]any{"b": []int{1, 2}, "a": 5e-324}, "big": 1.7976931348623157e308}},
			{Action: "x.y", Detail: map[string]any{"long": strings.Repeat("x", 100_000)}, Purpose: strings.Repeat("长", 5000)},
		} {
			if err := b.Note(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		b.chain()
		if r := b.verify(); !r.OK || r.Rows != 4 {
			t.Errorf("%+v", r)
		}
	})
}

// Several programs chain, sign and write at once: one chain without gaps comes of it.
func TestChainTogether(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		var wg sync.WaitGroup
		for range 4 {
			l := b.again()
			wg.Go(func() {
				for range 20 {
					if err := l.Note(t.Context(), audit.Entry{Action: "x.y"}); err != nil {
						t.Error(err)
					}
					if _, err := l.Chain(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if _, err := l.Seal(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		b.chain()
		if r := b.verify(); !r.OK || r.Rows != 80 || r.To != 80 {
			t.Errorf("%+v", r)
		}
	})
}

// A database restored into another server, or one somebody touched, counts its transactions anew: nothing is passed over.
func TestNumbersGoneBack(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.write(3)
		b.chain()
		b.tamper(`UPDATE audit_head SET seen = seen + 1000000`)
		b.write(3)
		b.move(2 * time.Minute)
		if err := b.Health(t.Context()); db.Engine() == store.Postgres && errs.KeyOf(err) != "audit.stopped" {
			t.Error("they wait unseen:", err)
		}
		b.chain()
		if r := b.verify(); !r.OK || r.To != 6 {
			t.Errorf("%+v", r)
		}
		b.write(2)
		b.tamper(`UPDATE audit SET tx = 0 WHERE id NOT IN (SELECT record FROM audit_link)`) // below what was seen
		b.chain()
		if r := b.verify(); !r.Has(audit.Waiting) && r.To != 6 {
			t.Errorf("%+v", r)
		}
		b.Log = b.again() // the first look of a process goes everywhere
		b.chain()
		if r := b.verify(); !r.OK || r.To != 8 {
			t.Errorf("%+v", r)
		}
		b.tamper(`UPDATE audit_head SET flight = 'x'`)
		b.write(1)
		b.chain()
		if r := b.verify(); !r.OK || r.To != 9 {
			t.Errorf("%+v", r)
		}
	})
}

// More rows wait than one look reads.
func TestBacklog(t *testing.T) {
	templates.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.AtLook(20)
		b.write(50) // the first look goes everywhere, the next do not
		b.chain()
		b.write(50)
		if n, err := b.Chain(t.Context()); err != nil || n != 50 {
			t.Fatal(n, err)
		}
		b.write(20)
		b.chain()
		if r := b.verify(); !r.OK || r.To != 120 {
			t.Errorf("%+v", r)
		}
	})
}

// A transaction that began early and commits late gets the later place, even long after and from another program.
func TestLateCommit(t *testing.T) {
	if len(storetest.Engines()) == 1 {
		t.Skip("SQLite has one writer: nobody commits late there")
	}
	db := templates.Open(t, store.Postgres)
	b := newBench(t, db)
	began, goOn := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			err := b.Record(ctx, tx, audit.Entry{Action: "x.late", ID: "late"})
			close(began)
			<-goOn
			return err
		})
	}()
	<-began
	b.write(3)
	b.chain()
	other := b.again()
	if _, err := other.Chain(t.Context()); err != nil { // has looked everywhere once
		t.Fatal(err)
	}
	for range 3 {
		b.write(1)
		b.chain()
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n, err := other.Chain(t.Context()); err != nil || n != 1 {
		t.Error(n, err)
	}
	seq, err := store.Value[int64](t.Context(), db, `SELECT seq FROM audit JOIN audit_link ON record = id WHERE object_id = $1`, "late")
	if err != nil || seq != 7 {
		t.Error(seq, err)
	}
	if r := b.verify(); !r.OK {
		t.Errorf("%+v", r)
	}
}
