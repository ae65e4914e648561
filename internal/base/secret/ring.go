package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// FileName is the key file's name in the data directory.
const FileName = "keys.json"

// Ring holds the keys of one installation. It is safe for concurrent use. One program at a time may open a file for
// rotation (serve locks its data directory).
type Ring struct {
	file string
	keys atomic.Pointer[keyset]

	mu  sync.Mutex // one Rotate, Rewrap or Reload at a time
	kek KEK        // nil when the keys stand in the clear
}

// Options say where the keys are.
type Options struct {
	File   string // the key file, mode 0600
	KEK    KEK    // wraps the keys in the file; nil leaves them in the clear. A file in the clear is wrapped on open
	NoMake bool   // refuse when there is no file: for a data directory that already holds sealed data
}

// Open opens keys.json in dir and makes it, mode 0600, when there is none.
func Open(dir string) (*Ring, error) { return OpenWith(Options{File: filepath.Join(dir, FileName)}) }

// OpenWith opens or makes the key file of o. Errors are meant for the terminal: they name the file, what is wrong
// and what to do (wider permissions than 0600, damage, a missing or wrong KEK).
func OpenWith(o Options) (*Ring, error) {
	r := &Ring{file: o.File, kek: o.KEK}
	s, wrapped, err := r.read()
	if errors.Is(err, fs.ErrNotExist) {
		if o.NoMake {
			return nil, fmt.Errorf("secret: %s is missing, and the data here was sealed with its keys; restore it from its copy", o.File)
		}
		if err := r.make(); err != nil {
			return nil, err
		}
		s, wrapped, err = r.read()
	}
	if err != nil {
		return nil, err
	}
	s, added, err := s.complete(time.Now())
	if err != nil {
		return nil, err
	}
	if added || wrapped != (r.kek != nil) {
		if err := r.save(s); err != nil {
			return nil, err
		}
	}
	r.keys.Store(s)
	return r, nil
}

// make writes a new file. When another process was faster its file stands, and is read next.
func (r *Ring) make() error {
	empty, err := newKeyset(nil)
	if err != nil {
		return err
	}
	s, _, err := empty.complete(time.Now())
	if err != nil {
		return err
	}
	b, err := renderKeys(s, r.kek)
	if err != nil {
		return err
	}
	if err := writePrivate(r.file, b, true); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("secret: the key file cannot be made: %w", err)
	}
	return nil
}

func (r *Ring) read() (*keyset, bool, error) {
	b, err := readPrivate(r.file, 0o077, "chmod 600")
	if err != nil {
		return nil, false, fmt.Errorf("secret: key file: %w", err)
	}
	s, wrapped, err := parseKeys(b, r.kek)
	clear(b)
	if err != nil {
		return nil, false, fmt.Errorf("secret: %s: %w", r.file, err)
	}
	return s, wrapped, nil
}

// save makes s the ring, first on disk and then in memory.
func (r *Ring) save(s *keyset) error {
	b, err := renderKeys(s, r.kek)
	if err != nil {
		return err
	}
	if err := writePrivate(r.file, b, false); err != nil {
		return fmt.Errorf("secret: the key file cannot be written, the keys stay as they were: %w", err)
	}
	r.keys.Store(s)
	return nil
}

// Rotate makes a new current key for p and returns its id. Older keys stay for reading; callers then walk their
// rows, re-sealing where NeedsReseal. Copy the key file again afterwards.
func (r *Ring) Rotate(p Purpose) (id string, err error) {
	if len(r.keys.Load().of[p]) == 0 {
		return "", fmt.Errorf("secret: no purpose %q", p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, _, err := r.read() // not from memory: another program may have rotated since
	if err != nil {
		return "", err
	}
	k, err := newKey(p, time.Now())
	if err != nil {
		return "", err
	}
	if s, err = s.with(k); err != nil {
		return "", err
	}
	return k.id, r.save(s)
}

// Retire takes a field or an identifier key out of the ring: what it sealed can never be opened again, so the caller makes
// sure that nothing is left. The current key stays, and so do keys of other purposes: old signatures, marks and blind
// indexes are checked with them.
func (r *Ring) Retire(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, _, err := r.read()
	if err != nil {
		return err
	}
	k := s.byID[id]
	switch {
	case k == nil:
		return fmt.Errorf("there is no key %s", id)
	case k.purpose != Field && k.purpose != Identifier:
		return fmt.Errorf("key %s is for %q: what it made is checked with it, so it stays", id, k.purpose)
	case s.current(k.purpose) == k:
		return fmt.Errorf("key %s is the current one: rotate first", id)
	}
	rest := make([]*key, 0, len(s.list))
	for _, one := range s.list {
		if one != k {
			rest = append(rest, one)
		}
	}
	if s, err = newKeyset(rest); err != nil {
		return err
	}
	return r.save(s)
}

// Rewrap writes the file anew under another KEK; nil puts the keys in the clear.
func (r *Ring) Rewrap(kek KEK) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, _, err := r.read()
	if err != nil {
		return err
	}
	old := r.kek
	r.kek = kek
	if err := r.save(s); err != nil {
		r.kek = old
		return err
	}
	return nil
}

// Reload reads the file again, after a replica rotated a key. On an error the ring stays as it was.
func (r *Ring) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, _, err := r.read()
	if err != nil {
		return err
	}
	s, added, err := s.complete(time.Now())
	if err != nil {
		return err
	}
	if added {
		return r.save(s)
	}
	r.keys.Store(s)
	return nil
}

// Current returns the id of the newest key of a purpose.
func (r *Ring) Current(p Purpose) string { return r.keys.Load().current(p).id }

// KeyInfo describes a key without showing it.
type KeyInfo struct {
	ID      string
	Purpose Purpose
	Made    time.Time
	Current bool
}

// Keys lists the keys, in the order they were made.
func (r *Ring) Keys() []KeyInfo {
	s := r.keys.Load()
	out := make([]KeyInfo, len(s.list))
	for i, k := range s.list {
		of := s.of[k.purpose]
		out[i] = KeyInfo{ID: k.id, Purpose: k.purpose, Made: k.made, Current: of[len(of)-1] == k}
	}
	return out
}
