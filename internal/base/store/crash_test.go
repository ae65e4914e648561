package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

// A process that is killed while 16 writers commit has on disk every transaction it reported as done,
// and nothing of the others but whole ones.
func TestAcknowledgedIsOnDiskAfterKill(t *testing.T) {
	if file := os.Getenv("QUSHU_TEST_CRASH_FILE"); file != "" {
		writeUntilKilled(t, file)
		return
	}
	_, file := tpl.Clone(t, store.SQLite)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestAcknowledgedIsOnDiskAfterKill$")
	cmd.Env = append(os.Environ(), "QUSHU_TEST_CRASH_FILE="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "done "); ok {
			said = append(said, id)
		}
		if len(said) == 400 {
			cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	db, err := store.Open(t.Context(), "", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ids, err := store.Column[string](t.Context(), db, `SELECT id FROM thing`)
	if err != nil || len(said) < 400 {
		t.Fatal(len(said), err)
	}
	have := map[string]bool{}
	for _, id := range ids {
		have[id] = true
	}
	for _, id := range said {
		if !have[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	parts, err := store.Value[int](t.Context(), db, `SELECT count(*) FROM thing_part`)
	if err != nil || parts != len(ids) {
		t.Errorf("%d things but %d parts: half a transaction is on disk (%v)", len(ids), parts, err)
	}
}

func writeUntilKilled(t *testing.T, file string) {
	db, err := store.Open(context.Background(), "", file)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 100000 {
				id := fmt.Sprintf("w%d-%d", w, i)
				err := db.Tx(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					if err := insert(ctx, tx, id, 1); err != nil {
						return err
					}
					return store.Exec(ctx, tx, `INSERT INTO thing_part (id, thing) VALUES ($1, $2)`, id, id)
				})
				if err != nil {
					panic(err)
				}
				mu.Lock()
				fmt.Println("done " + id)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// A full disk is one sentence; what was acknowledged before stays, and writing goes on when there is room again.
func TestDiskFull(t *testing.T) {
	db := tpl.Open(t, store.SQLite)
	pragma := func(q string) {
		t.Helper()
		if _, err := db.Writer().Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	pragma("PRAGMA max_page_count = 40")
	big := strings.Repeat("满", 20000)
	done := 0
	var failed error
	var wg sync.WaitGroup
	var mu sync.Mutex
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				err := store.Exec(t.Context(), db, `INSERT INTO thing (id, unit_id, at, body) VALUES ($1, $2, $3, $4)`, fmt.Sprint(w, "-", i), big, 1, "{}")
				mu.Lock()
				if err == nil {
					done++
				} else {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if errs.KeyOf(failed) != "store.disk_full" || !errs.Is(failed, errs.Busy) {
		t.Fatal(failed)
	}
	if n, err := store.Value[int](t.Context(), db, `SELECT count(*) FROM thing`); err != nil || n != done {
		t.Errorf("%d acknowledged, %d there, %v", done, n, err)
	}
	pragma("PRAGMA max_page_count = 4000000")
	if err := insert(t.Context(), db, "after", 1); err != nil {
		t.Error("writing does not go on:", err)
	}
}

// Connections that die are one sentence at worst, and the next request works.
func TestDatabaseComesBack(t *testing.T) {
	for _, e := range storetest.Engines() {
		if e != store.Postgres {
			continue
		}
		db := tpl.Open(t, e)
		var wg sync.WaitGroup
		done := make([]bool, 200)
		for i := range done {
			wg.Go(func() {
				if i%50 == 25 {
					_ = store.Exec(t.Context(), db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
				}
				err := insert(t.Context(), db, fmt.Sprint("x", i), 1)
				if err != nil && !errs.Is(err, errs.Busy) {
					t.Errorf("%d: %v", i, err)
				}
				done[i] = err == nil
			})
		}
		wg.Wait()
		var last error
		for range 20 { // the pool may hold dead connections until it has tried them
			if last = insert(t.Context(), db, "again", 1); last == nil {
				break
			}
		}
		if last != nil {
			t.Error("the database is back, writing is not:", last)
		}
		for i, ok := range done {
			if n, err := store.Value[int](t.Context(), db, `SELECT count(*) FROM thing WHERE id = $1`, fmt.Sprint("x", i)); err != nil || (ok && n != 1) {
				t.Errorf("x%d acknowledged %v, there %d, %v", i, ok, n, err)
			}
		}
	}
}
