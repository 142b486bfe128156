// Package draws makes generators of chance, each for one purpose.
package draws

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// New makes the generator for one purpose. Equal arguments give equal draws
// and nothing else does, so no result depends on what ran before it or beside
// it. The parts are length-prefixed: ("ab", "c") and ("a", "bc") differ.
func New(seed uint64, parts ...string) *rand.Rand {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	for _, p := range parts {
		binary.LittleEndian.PutUint64(b[:], uint64(len(p)))
		h.Write(b[:])
		io.WriteString(h, p)
	}
	sum := h.Sum(nil)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))
}
