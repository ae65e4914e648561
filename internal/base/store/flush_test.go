package store_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"qushu/internal/base/store"
)

// What PostgreSQL acknowledged is there after it was killed with its memory, and what it counted without gaps has none.
// The test kills the server, so it needs one that no other test uses: QUSHU_TEST_POSTGRES_ALONE says that it has.
func TestAcknowledgedAfterServerDies(t *testing.T) {
	if os.Getenv("QUSHU_TEST_POSTGRES_ALONE") == "" {
		t.Skip("QUSHU_TEST_POSTGRES_ALONE does not say that the server is this test's own")
	}
	dbURL, _ := tpl.Clone(t, store.Postgres)
	db, err := store.Open(t.Context(), dbURL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := store.Exec(t.Context(), db, `CREATE TABLE thing_number (one BIGINT PRIMARY KEY, last BIGINT NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	if err := store.Exec(t.Context(), db, `INSERT INTO thing_number (one, last) VALUES (1, 0)`); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []int64
	enough := make(chan struct{})
	var writers sync.WaitGroup
	for range 16 {
		writers.Go(func() {
			for {
				var n int64
				err := db.Tx(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
					if n, err = store.Value[int64](ctx, tx, `UPDATE thing_number SET last = last + 1 WHERE one = 1 RETURNING last`); err != nil {
						return err
					}
					return insert(ctx, tx, fmt.Sprintf("n%09d", n), n)
				})
				if err != nil {
					return // the server is gone
				}
				mu.Lock()
				said = append(said, n)
				if len(said) == 500 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	// One process killed, and the server throws all memory of its processes away.
	if err := store.Exec(context.Background(), db, `COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'`); err == nil {
		t.Fatal("the server lives")
	}
	writers.Wait()
	for end := time.Now().Add(time.Minute); db.Ping(t.Context()) != nil; {
		if time.Now().After(end) {
			t.Fatal("the server does not come back")
		}
	}
	have, err := store.Column[int64](t.Context(), db, `SELECT at FROM thing ORDER BY at`)
	if err != nil || len(have) < 500 {
		t.Fatal(len(have), err)
	}
	for i, n := range have {
		if n != int64(i+1) {
			t.Fatalf("%d stands where %d should: a gap", n, i+1)
		}
	}
	if last := slices.Max(said); last > int64(len(have)) {
		t.Errorf("%d was acknowledged, %d are there", last, len(have))
	}
}
