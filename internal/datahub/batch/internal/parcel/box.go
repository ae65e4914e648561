// Package parcel wraps results: a box keeps one encrypted where the program stores it, a ZIP carries a copy of it to a
// person.
package parcel

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
)

// KeySize is the length of a box's key in bytes.
const KeySize = 32

const chunk = 64 << 10

// ErrAltered is what a box that was cut, altered or opened with another key gives.
var ErrAltered = errors.New("parcel: the box was altered, cut, or belongs to another key")

// NewKey returns a key for one box. It must never be used for a second one: nonces count from 0.
func NewKey() []byte {
	k := make([]byte, KeySize)
	rand.Read(k)
	return k
}

// seal is AES-256-GCM over chunks of 64 KiB (the STREAM construction): the nonce counts them and marks the last, so that
// chunks cannot be dropped, moved or left off.
type seal struct {
	aead  cipher.AEAD
	count uint64
}

func newSeal(key []byte) (*seal, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &seal{aead: aead}, err
}

func (s *seal) nonce(last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:11], s.count)
	if last {
		n[11] = 1
	}
	s.count++
	return n
}

type boxWriter struct {
	*seal
	w   io.Writer
	buf []byte
	out []byte
}

// NewBox returns a writer whose bytes reach w sealed under key. Close ends the box; it does not close w.
func NewBox(w io.Writer, key []byte) (io.WriteCloser, error) {
	s, err := newSeal(key)
	return &boxWriter{seal: s, w: w, buf: make([]byte, 0, chunk)}, err
}

func (b *boxWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if len(b.buf) == chunk { // only when more follows: the last chunk is marked
			if err := b.flush(false); err != nil {
				return 0, err
			}
		}
		k := copy(b.buf[len(b.buf):chunk], p)
		b.buf, p = b.buf[:len(b.buf)+k], p[k:]
	}
	return n, nil
}

func (b *boxWriter) flush(last bool) error {
	b.out = b.aead.Seal(b.out[:0], b.nonce(last), b.buf, nil)
	b.buf = b.buf[:0]
	_, err := b.w.Write(b.out)
	return err
}

func (b *boxWriter) Close() error { return b.flush(true) }

type boxReader struct {
	*seal
	r    *bufio.Reader
	in   []byte
	left []byte
	done bool
}

// OpenBox reads what NewBox wrote. Nothing of a chunk is given before it has been proved; a box without its end is
// ErrAltered.
func OpenBox(r io.Reader, key []byte) (io.Reader, error) {
	s, err := newSeal(key)
	return &boxReader{seal: s, r: bufio.NewReaderSize(r, 2*chunk), in: make([]byte, chunk+16)}, err
}

func (b *boxReader) Read(p []byte) (int, error) {
	for len(b.left) == 0 {
		if b.done {
			return 0, io.EOF
		}
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *boxReader) next() error {
	n, err := io.ReadFull(b.r, b.in)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		if errors.Is(err, io.EOF) {
			err = ErrAltered
		}
		return err
	}
	last := err != nil
	if !last {
		_, err := b.r.Peek(1)
		last = errors.Is(err, io.EOF)
	}
	if b.left, err = b.aead.Open(b.in[:0], b.nonce(last), b.in[:n], nil); err != nil {
		return ErrAltered
	}
	b.done = last
	return nil
}
