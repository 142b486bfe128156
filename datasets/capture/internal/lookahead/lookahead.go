// Package lookahead shows the next bytes of a stream before they are taken off it,
// as bufio does, for readers that ask for a few bytes millions of times.
package lookahead

import (
	"bufio"
	"io"
)

// portion is how much is read at once: what the processor's nearest caches still
// hold when it is decoded and hashed.
const portion = 64 << 10

// Reader is what a bufio.Reader does for records, with calls that cost nothing
// where what they ask for is there.
type Reader struct {
	src  io.Reader
	b    []byte
	r, w int   // b[r:w] is read from src and not discarded
	err  error // of src, to be returned when all before it is used up
	keep bool  // b[:r] is in use, see Renew
}

// New looks up to size bytes ahead of src.
func New(src io.Reader, size int) *Reader { return &Reader{src: src, b: make([]byte, size)} }

// Buffered is how many bytes are there.
func (l *Reader) Buffered() int { return l.w - l.r }

// Ahead is all that is there, valid as what Peek returns.
func (l *Reader) Ahead() []byte { return l.b[l.r:l.w] }

// Skip discards n bytes that are there.
func (l *Reader) Skip(n int) { l.r += n }

// Peek returns the next n bytes, which are valid until what is not there yet is
// asked for. Fewer come with an error, bufio.ErrBufferFull if n is more than the
// buffer holds.
func (l *Reader) Peek(n int) ([]byte, error) {
	if l.w-l.r >= n {
		return l.b[l.r : l.r+n], nil
	}
	return l.peekMore(n)
}

func (l *Reader) peekMore(n int) ([]byte, error) {
	for l.w-l.r < min(n, len(l.b)) && l.err == nil {
		l.fill()
	}
	if l.w-l.r >= n {
		return l.b[l.r : l.r+n], nil
	}
	if n > len(l.b) {
		return l.b[l.r:l.w], bufio.ErrBufferFull
	}
	return l.b[l.r:l.w], l.failed()
}

// Discard skips n bytes and says how many it did: fewer come with an error.
func (l *Reader) Discard(n int) (int, error) {
	for rest := n; ; {
		skip := min(rest, l.w-l.r)
		l.r += skip
		if rest -= skip; rest == 0 {
			return n, nil
		}
		if l.err != nil {
			return n - rest, l.failed()
		}
		l.fill()
	}
}

// Renew goes on in b, which must be as long as the buffer before it and which nobody
// else uses; nil is the buffer itself. What Peek returned from there, and returns from
// b, stays valid until its buffer is given to Renew again: so another thread may work
// on one while the next is read.
func (l *Reader) Renew(b []byte) {
	if b == nil {
		b = l.b
	}
	l.w = copy(b, l.b[l.r:l.w])
	l.b, l.r, l.keep = b, 0, true
}

// Size is how long the buffer is.
func (l *Reader) Size() int { return len(l.b) }

// fill reads once, behind what is there.
func (l *Reader) fill() {
	switch {
	case !l.keep:
		l.w = copy(l.b, l.b[l.r:l.w])
		l.r = 0
	case l.w == len(l.b):
		l.Renew(make([]byte, len(l.b))) // more was asked for than one buffer takes
	}
	for range 100 {
		n, err := l.src.Read(l.b[l.w:min(l.w+portion, len(l.b))])
		l.w += n
		if l.err = err; n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// failed is the error of the source, once: behind it src is asked again.
func (l *Reader) failed() error {
	err := l.err
	l.err = nil
	return err
}
