package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"qushu/internal/base/errs"
)

// What a container may hold before it is taken for an attack: directory bytes per allowed entry, and the size
// below which an entry's compression ratio is of no interest because it is streamed anyway.
const (
	dirBytesPerEntry = 256
	ratioFloor       = 16 << 20
)

// openZip checks the container's directory before anything is unpacked and returns its entries by lower-case name.
// The directory's size is checked before archive/zip reads it, because that reader trusts it.
func openZip(r io.ReaderAt, size int64, lim Limits) (map[string]*zip.File, error) {
	if err := checkDirectory(r, size, lim.Entries); err != nil {
		return nil, err
	}
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "table.truncated")
	}
	if len(zr.File) > lim.Entries {
		return nil, errs.New(errs.TooLarge, "table.bomb_entries", lim.Entries)
	}
	files := make(map[string]*zip.File, len(zr.File))
	var total uint64
	for _, f := range zr.File {
		if f.Flags&1 != 0 {
			return nil, errs.New(errs.Invalid, "table.password")
		}
		if f.UncompressedSize64 > uint64(lim.Unzip) {
			return nil, errs.New(errs.TooLarge, "table.bomb_size", lim.Unzip>>20)
		}
		if total += f.UncompressedSize64; total > uint64(lim.Unzip) {
			return nil, errs.New(errs.TooLarge, "table.bomb_size", lim.Unzip>>20)
		}
		if f.UncompressedSize64 > ratioFloor && f.UncompressedSize64/max(f.CompressedSize64, 1) > uint64(lim.Ratio) {
			return nil, errs.New(errs.TooLarge, "table.bomb_ratio", lim.Ratio)
		}
		name := strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
		if files[name] != nil { // two readers would see two different tables
			return nil, errs.New(errs.Invalid, "table.broken", f.Name)
		}
		files[name] = f
	}
	return files, nil
}

// checkDirectory reads the end-of-directory record (APPNOTE.TXT §4.3.16) and refuses a directory that is missing,
// out of place or too long for the entries allowed.
func checkDirectory(r io.ReaderAt, size int64, entries int) error {
	const endLen = 22
	n := min(size, endLen+1<<16-1)
	b := make([]byte, n)
	if _, err := r.ReadAt(b, size-n); err != nil && !errors.Is(err, io.EOF) {
		return errs.Wrap(err, errs.Internal, "table.read_failed")
	}
	for i := len(b) - endLen; i >= 0; i-- {
		if !bytes.Equal(b[i:i+4], []byte("PK\x05\x06")) {
			continue
		}
		if i+endLen+int(binary.LittleEndian.Uint16(b[i+20:])) > len(b) {
			break
		}
		dir, at := int64(binary.LittleEndian.Uint32(b[i+12:])), int64(binary.LittleEndian.Uint32(b[i+16:]))
		if dir > int64(entries)*dirBytesPerEntry {
			return errs.New(errs.TooLarge, "table.bomb_entries", entries)
		}
		if at+dir != size-n+int64(i) {
			break
		}
		return nil
	}
	return errs.New(errs.Invalid, "table.truncated")
}

// unpackFailed tells a damaged container from a failing disk.
func unpackFailed(err error, part string) error {
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	return errs.Wrap(err, errs.Invalid, "table.broken", part)
}
