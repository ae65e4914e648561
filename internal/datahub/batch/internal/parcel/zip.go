package parcel

import (
	"archive/zip"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"io"
	"time"
)

// WinZip's AES encryption of ZIP files, version AE-2 with 256 bits (https://www.winzip.com/en/support/aes-encryption/):
// 7-Zip, WinZip, WinRAR and Bandizip open it; the Explorer of Windows does not.
const (
	aesMethod  = 99
	aesExtra   = 0x9901
	aesSalt    = 16
	aesRounds  = 1000
	aesAuth    = 10
	aesDeflate = 8
)

// Zip is an archive of one file, encrypted with a password.
type Zip struct {
	zip  *zip.Writer
	head *zip.FileHeader
	raw  *counter
	mac  hash.Hash
	pack *flate.Writer
	n    uint64
}

// NewZip begins an archive on w that holds a file called name. Close ends it; it does not close w.
func NewZip(w io.Writer, name, password string, at time.Time) (*Zip, error) {
	salt := make([]byte, aesSalt)
	rand.Read(salt)
	keys, err := pbkdf2.Key(sha1.New, password, salt, aesRounds, 2*32+2)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, err
	}
	extra := binary.LittleEndian.AppendUint16(nil, aesExtra)
	extra = append(extra, 7, 0, 2, 0, 'A', 'E', 3) // size, version 2, vendor, 256 bits
	extra = binary.LittleEndian.AppendUint16(extra, aesDeflate)
	z := &Zip{zip: zip.NewWriter(w), mac: hmac.New(sha1.New, keys[32:64]),
		head: &zip.FileHeader{Name: name, Method: aesMethod, Flags: 1 | 8 | 0x800, Extra: extra, Modified: at, ReaderVersion: 51, CreatorVersion: 51}}
	out, err := z.zip.CreateRaw(z.head)
	if err != nil {
		return nil, err
	}
	z.raw = &counter{w: out}
	if _, err := z.raw.Write(append(salt, keys[64:]...)); err != nil {
		return nil, err
	}
	z.pack, err = flate.NewWriter(&coded{w: io.MultiWriter(z.raw, z.mac), block: block}, flate.BestSpeed)
	return z, err
}

// Write adds to the file.
func (z *Zip) Write(p []byte) (int, error) {
	z.n += uint64(len(p))
	return z.pack.Write(p)
}

// Close ends the archive. Sizes stand behind the file, as it was not known how long it would be; AE-2 leaves the
// checksum of the plain text out, which would tell of it.
func (z *Zip) Close() error {
	if err := z.pack.Close(); err != nil {
		return err
	}
	if _, err := z.raw.Write(z.mac.Sum(nil)[:aesAuth]); err != nil {
		return err
	}
	h := z.head
	h.CompressedSize64, h.UncompressedSize64 = z.raw.n, z.n
	h.CompressedSize, h.UncompressedSize = uint32(min(z.raw.n, 1<<32-1)), uint32(min(z.n, 1<<32-1))
	return z.zip.Close()
}

type counter struct {
	w io.Writer
	n uint64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += uint64(n)
	return n, err
}

// coded encrypts in counter mode as WinZip counts: little-endian, from 1. The standard library counts the other way, so
// blocks of the key stream are made here, many at once.
type coded struct {
	w     io.Writer
	block cipher.Block
	count uint64
	keys  []byte
	left  []byte
	buf   []byte
}

func (c *coded) Write(p []byte) (int, error) {
	c.buf = append(c.buf[:0], p...)
	rest := c.buf
	for len(rest) > 0 {
		if len(c.left) == 0 {
			c.refill()
		}
		n := min(len(rest), len(c.left))
		for i := range n {
			rest[i] ^= c.left[i]
		}
		rest, c.left = rest[n:], c.left[n:]
	}
	if _, err := c.w.Write(c.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *coded) refill() {
	if c.keys == nil {
		c.keys = make([]byte, 4096)
	}
	for i := 0; i < len(c.keys); i += aes.BlockSize {
		c.count++
		clear(c.keys[i : i+aes.BlockSize])
		binary.LittleEndian.PutUint64(c.keys[i:], c.count)
		c.block.Encrypt(c.keys[i:i+aes.BlockSize], c.keys[i:i+aes.BlockSize])
	}
	c.left = c.keys
}
