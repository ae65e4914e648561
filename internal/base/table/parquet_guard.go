package table

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"qushu/internal/base/errs"
)

// The library trusts what a file says of its own sizes and would take that much memory at once. So sizes are looked at
// first: what does not fit into the file, or would unpack to more than a page sensibly holds, is refused.
const (
	maxFooter     = 64 << 20
	maxPage       = 128 << 20 // bytes of one page, unpacked
	maxPageValues = 8 << 20
	maxPageRatio  = 2000 // unpacked : packed of a page above a mebibyte
)

func parquetBroken() error { return errs.New(errs.Invalid, "table.parquet_broken") }

// checkFooter looks whether the footer lies within the file: its length and the mark are the last eight bytes.
func checkFooter(src io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return parquetBroken()
	}
	if _, err := src.ReadAt(end[:], size-8); err != nil && err != io.EOF {
		return readFailed(err)
	}
	length := int64(binary.LittleEndian.Uint32(end[:4]))
	if string(end[4:]) != "PAR1" || length > size-12 || length > maxFooter {
		return parquetBroken()
	}
	return nil
}

// checkPages walks the headers of a column's pages.
func checkPages(src io.ReaderAt, size int64, c *format.ColumnMetaData) error {
	at := c.DataPageOffset
	if c.DictionaryPageOffset > 0 && c.DictionaryPageOffset < at {
		at = c.DictionaryPageOffset
	}
	end := at + c.TotalCompressedSize
	if at < 4 || end > size || end < at || c.NumValues < 0 {
		return parquetBroken()
	}
	for at < end {
		counted := &counting{r: bufio.NewReader(io.NewSectionReader(src, at, min(end-at, 1<<20)))}
		var h format.PageHeader
		var protocol thrift.CompactProtocol
		if err := thrift.NewDecoder(protocol.NewReader(counted)).Decode(&h); err != nil {
			return parquetBroken()
		}
		packed, unpacked := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
		values := valuesOf(&h)
		switch {
		case packed < 0 || unpacked < 0 || values < 0 || at+counted.n+packed > end, counted.n == 0:
			return parquetBroken()
		case unpacked > maxPage || values > maxPageValues || unpacked > 1<<20 && unpacked/max(packed, 1) > maxPageRatio:
			return errs.New(errs.TooLarge, "table.bomb")
		}
		if err := checkPacked(src, at+counted.n, packed, c.Codec, &h); err != nil {
			return err
		}
		at += counted.n + packed
	}
	return nil
}

// checkPacked looks whether a page unpacks to no more than a page may hold, whatever its header says.
func checkPacked(src io.ReaderAt, at, packed int64, codec format.CompressionCodec, h *format.PageHeader) error {
	if v := h.DataPageHeaderV2; v.Valid { // its levels stand in front, not packed
		levels := int64(v.V.RepetitionLevelsByteLength) + int64(v.V.DefinitionLevelsByteLength)
		if v.V.RepetitionLevelsByteLength < 0 || v.V.DefinitionLevelsByteLength < 0 || levels > packed {
			return parquetBroken()
		}
		at, packed = at+levels, packed-levels
	}
	if packed == 0 {
		return nil
	}
	in := io.NewSectionReader(src, at, packed)
	var out io.Reader
	switch codec {
	case format.Uncompressed:
		return nil
	case format.Snappy: // the block begins with its length unpacked
		n, err := binary.ReadUvarint(bufio.NewReaderSize(in, 16))
		if err != nil || n > maxPage {
			return parquetBroken()
		}
		return nil
	case format.Gzip:
		z, err := gzip.NewReader(in)
		if err != nil {
			return parquetBroken()
		}
		out = z
	case format.Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage), zstd.WithDecoderMaxWindow(32<<20))
		if err != nil {
			return parquetBroken()
		}
		defer z.Close()
		out = z
	default:
		return errs.New(errs.Invalid, "table.parquet_codec", codec.String())
	}
	n, err := io.Copy(io.Discard, io.LimitReader(out, maxPage+1))
	switch {
	case n > maxPage:
		return errs.New(errs.TooLarge, "table.bomb")
	case err != nil:
		return parquetBroken()
	}
	return nil
}

func valuesOf(h *format.PageHeader) int64 {
	n := int64(0)
	if h.DataPageHeader.Valid {
		n = int64(h.DataPageHeader.V.NumValues)
	}
	if h.DataPageHeaderV2.Valid {
		n = int64(h.DataPageHeaderV2.V.NumValues)
	}
	if h.DictionaryPageHeader.Valid {
		n = int64(h.DictionaryPageHeader.V.NumValues)
	}
	return n
}

// counting counts the bytes a decoder takes.
type counting struct {
	r *bufio.Reader
	n int64
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader.
func (c *counting) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}
