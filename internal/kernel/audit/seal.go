package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"qushu/internal/base/errs"
	"qushu/internal/base/store"
	"qushu/internal/base/when"
)

// sealDue signs a root on the first turn of a civil day, and of an hour in which the chain has grown. There is nothing to
// sign before quiet: the hour has its root.
func (l *Log) sealDue(ctx context.Context) (quiet time.Time, err error) {
	last, err := newestRoot(ctx, l.db, "")
	if err != nil {
		return quiet, err
	}
	day, err := newestRoot(ctx, l.db, rootDay)
	if err != nil {
		return quiet, err
	}
	end, ok, err := readHead(ctx, l.db)
	if err != nil || !ok {
		return quiet, err // nothing has happened yet
	}
	now := l.now()
	if kind := due(last, day, end.Seq, now); kind != "" {
		_, err = l.seal(ctx, kind)
		return quiet, err
	}
	if hour := now.Truncate(time.Hour); !last.At.Before(hour) { // a civil day begins with an hour
		quiet = hour.Add(time.Hour)
	}
	return quiet, nil
}

// due says which kind of root is to be signed now, "" for none. A day without records gets one too:
// it proves that nothing happened, not that nobody looked.
func due(last, day Root, end int64, now time.Time) string {
	civil := now.In(when.Zone).Format(time.DateOnly)
	switch {
	case day.ID == 0 || day.At.In(when.Zone).Format(time.DateOnly) < civil:
		return rootDay
	case end > last.To && last.At.Before(now.Truncate(time.Hour)):
		return rootHour
	}
	return ""
}

// Seal chains what is committed and signs a root over it now, before a backup or an archive for instance.
func (l *Log) Seal(ctx context.Context) (Root, error) {
	if _, err := l.Chain(ctx); err != nil {
		return Root{}, err
	}
	return l.seal(ctx, rootAsked)
}

func (l *Log) seal(ctx context.Context, kind string) (Root, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	last, err := newestRoot(ctx, l.db, "")
	if err != nil {
		return last, err
	}
	end, ok, err := readHead(ctx, l.db)
	if err != nil {
		return last, err
	}
	if !ok {
		end.head = head{0, genesis()}
	} else if !l.genuine(end) {
		return last, errs.New(errs.Conflict, "audit.head_untrue")
	}
	r := Root{ID: last.ID + 1, Kind: kind, From: last.To + 1, To: end.Seq, Count: end.Seq - last.To, Head: end.Hash, At: store.At(l.now())}
	key, sig, err := l.ring.Sign([]byte(r.Canonical()))
	if err != nil {
		return last, err
	}
	r.Key, r.Sig = key, base64.StdEncoding.EncodeToString(sig)
	err = l.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return insertRoot(ctx, tx, r) })
	if store.IsDuplicate(err) {
		return newestRoot(ctx, l.db, "") // another replica signed at the same moment
	}
	if err != nil {
		return last, err
	}
	return r, l.files.catchUp(ctx, l.db)
}

// RootsIn keeps a copy of every signed root in files of dir, one JSON line each, appended and never
// rewritten. Copy the folder to another machine: it is what shows that the tail of the table was cut.
func (l *Log) RootsIn(dir string) { l.files.set(dir) }

// rootFiles are the exported roots, one file a civil month.
type rootFiles struct {
	mu    sync.Mutex
	dir   string
	known bool
	upTo  int64 // greatest number written, once known
}

func (f *rootFiles) set(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dir, f.known, f.upTo = dir, false, 0
}

// catchUp appends the roots that are not in the files yet. What a file lost in the middle is not put
// back: Verify tells of it.
func (f *rootFiles) catchUp(ctx context.Context, db *store.DB) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir == "" {
		return nil
	}
	if !f.known {
		all, err := readRoots(f.dir)
		if err != nil {
			return err
		}
		for _, r := range all.roots {
			f.upTo = max(f.upTo, r.ID)
		}
		f.known = true
	}
	for {
		roots, err := rootsAfter(ctx, db, f.upTo, 200)
		if err != nil || len(roots) == 0 {
			return err
		}
		for _, r := range roots {
			if err := appendRoot(f.dir, r); err != nil {
				return fmt.Errorf("audit: a signed root cannot be written to its file: %w", err)
			}
			f.upTo = r.ID
		}
	}
}

func appendRoot(dir string, r Root) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, r.At.In(when.Zone).Format("2006-01")+".jsonl"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if st, err := f.Stat(); err != nil {
		return err
	} else if n := st.Size(); n > 0 {
		end := make([]byte, 1)
		if _, err := f.ReadAt(end, n-1); err != nil {
			return err
		}
		if end[0] != '\n' { // a crash cut the last line
			line = append([]byte{'\n'}, line...)
		}
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

// exported is what the files of roots say.
type exported struct {
	roots []Root
	bad   []string // files with lines that are no roots
}

// readRoots reads every file of dir. A line that is the beginning of a whole one was cut by a crash and is forgiven.
func readRoots(dir string) (exported, error) {
	var out exported
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return out, fmt.Errorf("audit: %w", err)
	}
	slices.Sort(files)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("audit: %w", err)
		}
		roots, ok := parseRoots(b)
		out.roots = append(out.roots, roots...)
		if !ok {
			out.bad = append(out.bad, filepath.Base(name))
		}
	}
	return out, nil
}

func parseRoots(b []byte) (roots []Root, ok bool) {
	var whole, broken []string
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		var r Root
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.ID <= 0 {
			if line != "" {
				broken = append(broken, line)
			}
			continue
		}
		roots, whole = append(roots, r), append(whole, line)
	}
	for _, line := range broken {
		if !slices.ContainsFunc(whole, func(w string) bool { return strings.HasPrefix(w, line) }) {
			return roots, false
		}
	}
	return roots, s.Err() == nil
}
