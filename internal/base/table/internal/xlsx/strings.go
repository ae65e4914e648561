package xlsx

import (
	"bufio"
	"encoding/binary"
	"errors"
	"os"

	"qushu/internal/base/errs"
)

// A string table up to this many bytes of text stays in memory; a larger one is spilled to two temporary files.
const (
	memoryText  = 8 << 20
	memoryCount = 250_000
)

// stringTable holds the shared strings (§18.4.9). Spilled, texts lie one after the other in data and ends holds
// the offset after each, 8 bytes big-endian, so a lookup is two reads.
type stringTable struct {
	list       []string
	bytes      int
	count      int
	data, ends *os.File
	dataW      *bufio.Writer
	endsW      *bufio.Writer
	at         int64
	tempDir    string
}

func (t *stringTable) add(s string) error {
	t.count++
	if t.data == nil && t.bytes+len(s) <= memoryText && len(t.list) < memoryCount {
		t.list, t.bytes = append(t.list, s), t.bytes+len(s)
		return nil
	}
	if t.data == nil {
		if err := t.spill(); err != nil {
			return err
		}
	}
	return t.write(s)
}

// spill moves what is in memory to disk.
func (t *stringTable) spill() error {
	var err error
	if t.data, err = os.CreateTemp(t.tempDir, "table-strings-*"); err != nil {
		return tempFailed(err)
	}
	if t.ends, err = os.CreateTemp(t.tempDir, "table-ends-*"); err != nil {
		return tempFailed(errors.Join(err, t.close()))
	}
	t.dataW, t.endsW = bufio.NewWriterSize(t.data, 64<<10), bufio.NewWriterSize(t.ends, 64<<10)
	for _, s := range t.list {
		if err := t.write(s); err != nil {
			return err
		}
	}
	t.list = nil
	return nil
}

func (t *stringTable) write(s string) error {
	t.at += int64(len(s))
	_, err := t.dataW.WriteString(s)
	if err == nil {
		_, err = t.endsW.Write(binary.BigEndian.AppendUint64(nil, uint64(t.at)))
	}
	return tempFailed(err)
}

// flush makes the spilled strings readable.
func (t *stringTable) flush() error {
	if t.data == nil {
		return nil
	}
	return tempFailed(errors.Join(t.dataW.Flush(), t.endsW.Flush()))
}

// get returns string i; false when there is none.
func (t *stringTable) get(i int) (string, bool, error) {
	if i < 0 || i >= t.count {
		return "", false, nil
	}
	if t.data == nil {
		return t.list[i], true, nil
	}
	var b [16]byte
	from := b[8:]
	if i > 0 {
		from = b[:]
	}
	if _, err := t.ends.ReadAt(from, int64(max(i-1, 0))*8); err != nil {
		return "", false, tempFailed(err)
	}
	lo, hi := int64(binary.BigEndian.Uint64(b[:8])), int64(binary.BigEndian.Uint64(b[8:]))
	text := make([]byte, hi-lo)
	if _, err := t.data.ReadAt(text, lo); err != nil && len(text) > 0 {
		return "", false, tempFailed(err)
	}
	return string(text), true, nil
}

func (t *stringTable) close() error {
	var err error
	for _, f := range []*os.File{t.data, t.ends} {
		if f != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}
	*t = stringTable{tempDir: t.tempDir}
	return err
}

// tempFailed makes a failure of the temporary files one to try again later, when there is room.
func tempFailed(err error) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(err, errs.Busy, "table.temp_failed")
}

// loadStrings reads the shared strings once.
func (b *Book) loadStrings() error {
	if b.loaded {
		return nil
	}
	b.loaded, b.shared.tempDir = true, b.lim.TempDir
	err := b.part(b.sstPath, b.rawCell(), func(s *scanner, t token) error {
		if t != start || string(s.name) != "si" {
			return nil
		}
		text, err := s.richText(b.lim.Cell)
		if err != nil {
			return err
		}
		return b.shared.add(text)
	})
	if err == nil {
		err = b.shared.flush()
	}
	return err
}
