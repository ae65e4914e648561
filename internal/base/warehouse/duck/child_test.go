//go:build unix

package duck

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"qushu/internal/base/errs"
	"qushu/internal/base/warehouse"
)

// child runs this test binary again as another process that plays the named part on dir; TestMain sends it to play.
func child(t *testing.T, part, dir string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPart$", "-test.v")
	cmd.Env = append(os.Environ(), "DUCK_PART="+part, "DUCK_DIR="+dir)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // open until the child ends: what it waits for
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewReader(out)
}

// said reads what the child says after "say ", skipping the testing package's own lines.
func said(t *testing.T, out *bufio.Reader) string {
	t.Helper()
	var lines strings.Builder
	for {
		line, err := out.ReadString('\n')
		if word, ok := strings.CutPrefix(line, "say "); ok {
			return strings.TrimSpace(word)
		}
		lines.WriteString(line)
		if err != nil {
			t.Fatalf("the child ended (%v) with\n%s", err, &lines)
		}
	}
}

func say(s string) { fmt.Printf("\nsay %s\n", s) }

func wait() { _, _ = os.Stdin.Read(make([]byte, 1)) }

// TestPart is what the children run.
func TestPart(t *testing.T) {
	dir := os.Getenv("DUCK_DIR")
	switch os.Getenv("DUCK_PART") {
	case "":
		t.Skip("a part of other tests")
	case "hold":
		open(t, Options{Dir: dir})
		say("held")
		wait()
	case "crash":
		s := open(t, Options{Dir: dir})
		l, err := s.Load(t.Context(), texts, heavy(50_000))
		if err != nil {
			t.Fatal(err)
		}
		say(l.ID)
		_, _ = s.Load(t.Context(), texts, func(yield func(warehouse.Row, error) bool) {
			for r, err := range heavy(250_000) {
				if !yield(r, err) {
					return
				}
			}
			say("in the middle")
			wait()
		})
	case "full":
		full(t, dir)
	case "broken":
		broken(t, dir)
	}
}

func TestLockedByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	_, out := child(t, "hold", dir)
	if said(t, out) != "held" {
		t.Fatal("not held")
	}
	_, err := Open(t.Context(), Options{Dir: dir})
	refused(t, "a held file", err, errs.Busy, "warehouse.locked")
}

// A process killed in the middle of a load leaves what it had acknowledged, and nothing else.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	cmd, out := child(t, "crash", dir)
	id := said(t, out)
	if got := said(t, out); got != "in the middle" {
		t.Fatal(got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	s := open(t, Options{Dir: dir})
	all, err := s.Versions(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != id || count(t, s, id) != 50_000 {
		t.Errorf("%v, %v, want %s", all, err, id)
	}
	var tables int
	if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM duckdb_tables()").Scan(&tables); err != nil || tables != 3 {
		t.Errorf("%d tables, %v", tables, err)
	}
	if l, err := s.Load(t.Context(), texts, heavy(1000)); err != nil || count(t, s, l.ID) != 1000 {
		t.Errorf("the next load: %v, %v", l, err)
	}
}

// A full disk is played by the limit on file size, which a process can only set for itself.
func TestDiskFull(t *testing.T) {
	for _, part := range []string{"full", "broken"} {
		cmd, out := child(t, part, t.TempDir())
		if got := said(t, out); got != "done" {
			t.Errorf("%s: the child says %s", part, got)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", part, err)
		}
	}
}

// disk sets how long a file of this process may get, 0 for any length.
func disk(t *testing.T, size uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l)
	if l.Cur = size; size == 0 {
		l.Cur = l.Max
	}
	if err = errors.Join(err, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)); err != nil {
		t.Fatal(err)
	}
}

// full fills the disk at several points of a load.
func full(t *testing.T, dir string) {
	s := open(t, Options{Dir: dir})
	kept, err := s.Load(t.Context(), texts, heavy(1000))
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []uint64{1 << 20, 8 << 20, 20 << 20} {
		disk(t, limit)
		_, err = s.Load(t.Context(), texts, heavy(300_000))
		refused(t, fmt.Sprint("a disk of ", limit), err, errs.Busy, "warehouse.disk_full")
		if n := count(t, s, kept.ID); n != 1000 {
			t.Errorf("%d rows are left of what was there", n)
		}
		disk(t, 0)
		l, err := s.Load(t.Context(), texts, heavy(1000))
		if err != nil || count(t, s, l.ID) != 1000 {
			t.Errorf("with space again: %v, %v", l, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = open(t, Options{Dir: dir})
	if all, err := s.Versions(t.Context()); err != nil || len(all) != 4 || count(t, s, kept.ID) != 1000 {
		t.Errorf("after a restart: %v, %v", all, err)
	}
	if !t.Failed() {
		say("done")
	}
}

// broken has the disk fill up under a checkpoint, which ends the engine; it must come back by itself, but not while
// somebody still reads from the ended one.
func broken(t *testing.T, dir string) {
	s := open(t, Options{Dir: dir})
	l, err := s.Load(t.Context(), texts, heavy(1000))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Query(t.Context(), warehouse.Query{From: l.ID})
	if err != nil {
		t.Fatal(err)
	}
	for range res.Rows {
		disk(t, 1)
		s.checkpoint(t.Context())
		disk(t, 0)
		if !s.broken.Load() {
			t.Fatal("the engine was to end")
		}
		_, err := warehouse.Get(t.Context(), s, l.ID, 1)
		refused(t, "while a reader holds on", err, errs.Busy, "warehouse.broken")
		break
	}
	if n := count(t, s, l.ID); n != 1000 {
		t.Errorf("%d rows after the engine came back", n)
	}
	if _, err := s.Load(t.Context(), texts, heavy(1000)); err != nil {
		t.Error(err)
	}
	if !t.Failed() {
		say("done")
	}
}
