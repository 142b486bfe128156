package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// window is the read-ahead in bytes: all of a file that is in memory at
	// once.
	window = 1 << 20
	// maxLength is the largest original length accepted: segmentation
	// offload hands down up to 512 KiB as one frame.
	maxLength = 1 << 20
	// maxZstdWindow bounds what a zstd file can make the decoder allocate.
	maxZstdWindow = 32 << 20
)

// source is the uncompressed stream with a count of what came out of it.
type source struct {
	buf         *bufio.Reader
	read        int64 // bytes taken from the stream below buf
	in          io.Reader
	close       func()
	compression string
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.read += int64(n)
	return n, err
}

// offset is the position of the next unread byte.
func (s *source) offset() int64 { return s.read - int64(s.buf.Buffered()) }

// openSource finds the compression by the first bytes, never by the name.
func openSource(r io.Reader) (*source, error) {
	raw := bufio.NewReaderSize(r, 1<<16)
	m, err := raw.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	s := &source{in: raw, close: func() {}}
	switch {
	case len(m) == 0:
		return nil, errors.New("empty file; want a pcap or pcapng capture")
	case len(m) >= 2 && m[0] == 0x1f && m[1] == 0x8b:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("gzip header: %w", unexpected(err))
		}
		s.in, s.compression, s.close = z, "gzip", func() { z.Close() }
	case len(m) == 4 && m[0] == 0x28 && m[1] == 0xb5 && m[2] == 0x2f && m[3] == 0xfd:
		// The options bound what a few bytes of file can make the decoder
		// allocate.
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("zstd header: %w", err)
		}
		s.in, s.compression, s.close = z, "zstd", z.Close
	}

	s.buf = bufio.NewReaderSize(s, window)
	return s, nil
}

// unexpected makes an end of file where more was needed an error of its own.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// commas writes n with commas between thousands.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
