package command

import (
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"veilbench/reports/table"
)

// Output is a stream of text for a terminal. What could steer one is replaced,
// for names come from captures, label files and configurations. It remembers that
// something could not be written, so that no command must look after each line.
type Output struct {
	mu   sync.Mutex
	w    io.Writer
	rest []byte // of a character whose other bytes are yet to come
	err  error
}

// NewOutput writes to w.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

// Write passes on what table.Plain leaves of each line. Where a name must not
// begin a line of its own, Plain is for whoever prints it.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()

	// Buffers in front of us cut where they are full, and half a character is no
	// fault of the text.
	text := append(o.rest, b...)
	end := len(text)
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				end = i
			}
			break
		}
	}
	o.rest = append([]byte(nil), text[end:]...)

	lines := strings.Split(string(text[:end]), "\n")
	for i, l := range lines {
		lines[i] = table.Plain(l)
	}
	if _, err := io.WriteString(o.w, strings.Join(lines, "\n")); err != nil {
		o.err = err
		return 0, err
	}
	return len(b), nil
}

// Err is the last fault of writing, nil when all was written.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// Raw is the stream below w where that is an Output, for pictures and for lines
// that rewrite themselves.
func Raw(w io.Writer) io.Writer {
	if o, ok := w.(*Output); ok {
		return o.w
	}
	return w
}
