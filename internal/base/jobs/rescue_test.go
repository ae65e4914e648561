package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"qushu/internal/base/jobs"
	"qushu/internal/base/store"
	"qushu/internal/base/store/storetest"
)

var tpl = &storetest.Templates{Migrate: func(ctx context.Context, db *store.DB) error { return jobs.Migrate(ctx, db) }}

type load struct{ N int }

func open(t *testing.T, dbURL, file string, run func(context.Context, load) error) (*store.DB, *jobs.Client) {
	t.Helper()
	db, err := store.Open(context.Background(), dbURL, file)
	if err != nil {
		t.Fatal(err)
	}
	c := jobs.New(db)
	if err := c.Add(jobs.Handle("test.work", run)); err != nil {
		t.Fatal(err)
	}
	if err := c.Open(true); err != nil {
		t.Fatal(err)
	}
	return db, c
}

// A job whose process was killed is taken over by the next, or by another replica, at once: not after the longest time a job may take.
func TestKilledInTheMiddle(t *testing.T) {
	if at := os.Getenv("QUSHU_TEST_JOBS"); at != "" {
		dbURL, file, _ := strings.Cut(at, "|")
		_, c := open(t, dbURL, file, func(context.Context, load) error {
			fmt.Println("begun")
			select {} // until it is killed
		})
		if err := c.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			dbURL, file := tpl.Clone(t, e)
			done := make(chan int, 1)
			db, c := open(t, dbURL, file, func(_ context.Context, l load) error { done <- l.N; return nil })
			defer db.Close()
			if err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return c.Enqueue(ctx, tx, "test.work", load{7}) }); err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0], "-test.run", "^TestKilledInTheMiddle$")
			child.Env = append(os.Environ(), "QUSHU_TEST_JOBS="+dbURL+"|"+file)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "begun"; {
			}
			child.Process.Kill()
			_ = child.Wait()
			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer c.Stop(context.Background())
			if n := <-done; n != 7 {
				t.Error(n)
			}
		})
	}
}
