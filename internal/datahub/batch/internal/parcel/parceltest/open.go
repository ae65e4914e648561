// Package parceltest opens encrypted archives in tests, by the letter of WinZip's paper and without the code that writes
// them.
package parceltest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrPassword is what a wrong password gives.
var ErrPassword = errors.New("parceltest: wrong password")

// Open returns name and content of the one file in an archive.
func Open(b []byte, password string) (name string, plain []byte, err error) {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return "", nil, err
	}
	if len(r.File) != 1 {
		return "", nil, fmt.Errorf("parceltest: %d files", len(r.File))
	}
	f := r.File[0]
	if f.Method != 99 || f.Flags&1 == 0 || f.CRC32 != 0 {
		return "", nil, fmt.Errorf("parceltest: not encrypted by AE-2: %+v", f.FileHeader)
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return "", nil, err
	}
	all, err := io.ReadAll(raw)
	if err != nil || len(all) < 28 {
		return "", nil, fmt.Errorf("parceltest: %d bytes, %w", len(all), err)
	}
	salt, check, body, auth := all[:16], all[16:18], all[18:len(all)-10], all[len(all)-10:]
	keys, err := pbkdf2.Key(sha1.New, password, salt, 1000, 66)
	if err != nil {
		return "", nil, err
	}
	if !bytes.Equal(check, keys[64:]) {
		return "", nil, ErrPassword
	}
	mac := hmac.New(sha1.New, keys[32:64])
	mac.Write(body)
	if !bytes.Equal(mac.Sum(nil)[:10], auth) {
		return "", nil, errors.New("parceltest: the archive's own check fails")
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return "", nil, err
	}
	out := make([]byte, len(body))
	var ctr, stream [16]byte
	for i := range body {
		if i%16 == 0 {
			binary.LittleEndian.PutUint64(ctr[:], uint64(i/16)+1)
			block.Encrypt(stream[:], ctr[:])
		}
		out[i] = body[i] ^ stream[i%16]
	}
	plain, err = io.ReadAll(flate.NewReader(bytes.NewReader(out)))
	if err == nil && uint64(len(plain)) != f.UncompressedSize64 {
		err = fmt.Errorf("parceltest: %d bytes, said to be %d", len(plain), f.UncompressedSize64)
	}
	return f.Name, plain, err
}
