package lookahead

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// A Reader says what a bufio.Reader of the same size says.
func TestReaderIsBufio(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(rng.IntN(256))
	}
	sources := []func() io.Reader{
		func() io.Reader { return bytes.NewReader(data) },
		func() io.Reader { return iotest.HalfReader(bytes.NewReader(data)) },
		func() io.Reader { return iotest.DataErrReader(bytes.NewReader(data)) },
		func() io.Reader { return io.MultiReader(bytes.NewReader(data), iotest.ErrReader(io.ErrClosedPipe)) },
	}
	for round := range 200 {
		size := 16 << rng.IntN(14)
		src := sources[round%len(sources)]
		got, want := New(src(), size), bufio.NewReaderSize(src(), size)
		for range 2000 {
			n := rng.IntN(size + size/8)
			if rng.IntN(2) == 0 {
				a, errA := got.Peek(n)
				b, errB := want.Peek(n)
				if !bytes.Equal(a, b) || !errors.Is(errA, errB) {
					t.Fatalf("round %d, peek %d of %d: %d bytes, %v; want %d, %v", round, n, size, len(a), errA, len(b), errB)
				}
				continue
			}
			a, errA := got.Discard(n)
			b, errB := want.Discard(n)
			if a != b || !errors.Is(errA, errB) {
				t.Fatalf("round %d, discard %d: %d, %v; want %d, %v", round, n, a, errA, b, errB)
			}
		}
	}
}
