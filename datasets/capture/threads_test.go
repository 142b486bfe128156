package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"testing"
)

// A second thread changes neither the trace nor the report nor an error, wherever
// the file ends.
func TestTwoThreadsReadAlike(t *testing.T) {
	// Packets of one identification may be copies, by what a hash that differs from
	// run to run puts into one place.
	whole := benchFile(3 * alone)
	for i, at := 0, fileHeader; at < len(whole); i++ {
		binary.BigEndian.PutUint16(whole[at+recordHeader+14+4:], uint16(i+1))
		at += recordHeader + int(binary.LittleEndian.Uint32(whole[at+8:]))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, data := range [][]byte{whole, toPcapng(whole), whole[:len(whole)-7], whole[:len(whole)/2], append(bytes.Clone(whole), whole[:24]...)} {
		for _, o := range []Options{{}, {AllowTruncated: true, DropCopies: true}, {MemoryBytes: 600_000}} {
			read := func(threads int) []any {
				runtime.GOMAXPROCS(threads)
				trace, rep, err := Read(t.Context(), bytes.NewReader(data), "x", o)
				return []any{trace, rep, fmt.Sprint(err)}
			}
			if one, two := read(1), read(2); !reflect.DeepEqual(one, two) {
				t.Fatalf("%d bytes: %v with one thread, %v with two", len(data), one[2], two[2])
			}
		}
	}
}
