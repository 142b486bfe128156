// Package unxz decompresses xz files within a bound of memory.
package unxz

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
)

// Magic begins an xz file.
const Magic = "\xfd7zXZ\x00"

const (
	// maxDictionary bounds what an xz file can make the decoder allocate: the
	// dictionary of the strongest preset, xz -9.
	maxDictionary = 64 << 20
	streamHeader  = 12
	lzma2         = 0x21
)

// New decompresses r. The library allocates the dictionary that the first
// block asks for, up to 4 GiB, so that is looked at first.
func New(r *bufio.Reader) (io.Reader, error) {
	h, err := r.Peek(streamHeader + 32)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(h) > streamHeader && h[streamHeader] != 0 { // 0 begins the index of a file without blocks
		if size := dictionary(h[streamHeader:]); size > maxDictionary {
			return nil, fmt.Errorf("its dictionary is %d MiB; at most %d are read (xz -9 makes as many)", size>>20, maxDictionary>>20)
		}
	}
	return xz.NewReader(r)
}

// dictionary is the size of the dictionary in a block header: behind a size
// and flags, which say whether two numbers of seven bits a byte follow, comes
// the filter with one byte for the size. 0 if it is not there; then the library
// says what is wrong.
func dictionary(block []byte) int64 {
	at := 2
	for _, flag := range []byte{0x40, 0x80} {
		if len(block) < 2 || block[1]&flag == 0 {
			continue
		}
		for at < len(block) && block[at]&0x80 != 0 {
			at++
		}
		at++
	}
	if at+3 > len(block) || block[at] != lzma2 {
		return 0
	}

	// Two bits of mantissa, the rest exponent: 4096, 6144, 8192 and so on.
	bits := block[at+2]
	return int64(2|bits&1) << (bits/2 + 11)
}
