package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	fileVersion = 1
	fileMax     = 1 << 20 // a ring rotated daily for ten years stays below this
	fileAbout   = "The keys of this Qushu. Without this file sealed data is lost; with it, it is open. Keep a copy apart from the data."
)

// fileDoc is keys.json. Sum is the SM3 of the document with an empty Sum: it finds damage. Altering is found only
// under a KEK, where each key is sealed with its place in the list.
type fileDoc struct {
	About   string    `json:"about"`
	Version int       `json:"version"`
	KEK     string    `json:"kek,omitempty"` // KEK.Name, "" when the keys stand in the clear
	Keys    []fileKey `json:"keys"`
	Sum     string    `json:"sum"`
}

type fileKey struct {
	ID      string    `json:"id"`
	Purpose Purpose   `json:"purpose"`
	Made    time.Time `json:"made"`
	Key     string    `json:"key"` // base64
}

// context binds a wrapped key to its place: moved, swapped or dropped keys do not unwrap.
func (k fileKey) context(i, n int) string {
	return fmt.Sprintf("qushu keys %d|%d of %d|%s|%s|%s", fileVersion, i+1, n, k.ID, k.Purpose, k.Made.UTC().Format(time.RFC3339))
}

func (d fileDoc) sum() string {
	d.Sum = ""
	b, err := json.Marshal(d)
	if err != nil { // a time outside the years 0–9999
		return "unsummable"
	}
	return SM3Hex(b)
}

// renderKeys writes s as keys.json, wrapped by kek when there is one.
func renderKeys(s *keyset, kek KEK) ([]byte, error) {
	d := fileDoc{About: fileAbout, Version: fileVersion, Keys: make([]fileKey, len(s.list))}
	if kek != nil {
		d.KEK = kek.Name()
	}
	for i, k := range s.list {
		f := fileKey{ID: k.id, Purpose: k.purpose, Made: k.made}
		raw := k.raw
		if kek != nil {
			var err error
			if raw, err = kek.Wrap(f.context(i, len(s.list)), k.raw); err != nil {
				return nil, fmt.Errorf("secret: wrap key %s: %w", k.id, err)
			}
		}
		f.Key = base64.StdEncoding.EncodeToString(raw)
		d.Keys[i] = f
	}
	d.Sum = d.sum()
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return append(b, '\n'), nil
}

// parseKeys reads keys.json. wrapped tells whether its keys were wrapped; a file in the clear is readable with a KEK
// too, so that one can be introduced later.
func parseKeys(b []byte, kek KEK) (s *keyset, wrapped bool, err error) {
	var d fileDoc
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&d); err != nil {
		return nil, false, fmt.Errorf("the file is damaged (%w); restore it from its copy", err)
	}
	switch {
	case d.Version > fileVersion:
		return nil, false, fmt.Errorf("the file has version %d, this program reads %d; use the newer program", d.Version, fileVersion)
	case dec.More() || d.Version < 1 || d.Sum != d.sum():
		return nil, false, errors.New("the file is damaged (its checksum does not fit); restore it from its copy")
	case d.KEK != "" && kek == nil:
		return nil, false, fmt.Errorf("the keys are wrapped by a key-encryption key of kind %q; give it (keys.kek_file)", d.KEK)
	case d.KEK != "" && kek.Name() != d.KEK:
		return nil, false, fmt.Errorf("the keys are wrapped by a key-encryption key of kind %q, given is one of kind %q", d.KEK, kek.Name())
	}
	list := make([]*key, len(d.Keys))
	for i, f := range d.Keys {
		if list[i], err = f.load(i, len(d.Keys), d.KEK != "", kek); err != nil {
			return nil, false, err
		}
	}
	s, err = newKeyset(list)
	return s, d.KEK != "", err
}

func (k fileKey) load(i, n int, wrapped bool, kek KEK) (*key, error) {
	raw, err := base64.StdEncoding.DecodeString(k.Key)
	if err != nil || k.ID == "" || len(k.ID) > 64 {
		return nil, fmt.Errorf("the file is damaged (key %d of %d); restore it from its copy", i+1, n)
	}
	if wrapped {
		if raw, err = kek.Unwrap(k.context(i, n), raw); err != nil {
			return nil, fmt.Errorf("key %s does not unwrap: this is not the key-encryption key it was wrapped with, or the file was altered: %w", k.ID, err)
		}
	}
	return loadKey(k.ID, k.Purpose, k.Made, raw)
}

// readPrivate reads a small file that nobody with one of the forbidden permission bits may see.
func readPrivate(file string, forbidden fs.FileMode, remedy string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", file)
	}
	// Windows keeps rights in access lists, its mode bits say nothing.
	if mode := st.Mode().Perm(); runtime.GOOS != "windows" && mode&forbidden != 0 {
		return nil, fmt.Errorf("%s can be reached by other accounts (mode %04o); run: %s %s", file, mode, remedy, file)
	}
	b, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(b) > fileMax {
		err = fmt.Errorf("%s is larger than %d bytes", file, fileMax)
	}
	return b, err
}

// writePrivate puts b in the place of file with mode 0600, on disk before it returns: after a power cut there is
// either the old file or the new one. With onlyNew an existing file stays and fs.ErrExist is returned.
func writePrivate(file string, b []byte, onlyNew bool) (err error) {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if rm := os.Remove(f.Name()); err == nil && rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = rm
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if onlyNew {
		err = os.Link(f.Name(), file)
		if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
			err = os.Rename(f.Name(), file)
		}
	} else {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // a folder cannot be synced there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
