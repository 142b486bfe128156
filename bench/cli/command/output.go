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
	switch o := w.(type) {
	case *Output:
		return o.w
	case folded:
		return Raw(o.w)
	}
	return w
}

// Folded is w for text that people read: lines that are wider than the terminal below w
// are broken at blanks, where a terminal would break words. Elsewhere it is w itself,
// and so must be what is read by programs, such as JSON.
func Folded(w io.Writer) io.Writer {
	width, ok := terminal(w)
	if !ok {
		return w
	}
	return folded{w, width}
}

// folded breaks lines at blanks.
type folded struct {
	w     io.Writer
	width int
}

func (f folded) Write(b []byte) (int, error) {
	// What does not end in a line break is whole all the same: writers write lines, or
	// parts of a table, which is as wide as it must be.
	lines := strings.SplitAfter(string(b), "\n")
	for i, l := range lines {
		lines[i] = fold(l, f.width)
	}
	if _, err := io.WriteString(f.w, strings.Join(lines, "")); err != nil {
		return 0, err
	}
	return len(b), nil
}

// fold breaks a line into several of at most width letters, as far as words allow; all
// but the first stand two blanks further in than it.
func fold(line string, width int) string {
	text, end := strings.CutSuffix(line, "\n")
	if utf8.RuneCountInString(text) <= width {
		return line
	}
	indent := strings.Repeat(" ", min(len(text)-len(strings.TrimLeft(text, " ")), width/2)+2)
	var out []string
	now, words := "", strings.SplitAfter(text, " ")
	for _, w := range words {
		if strings.TrimSpace(now) != "" && utf8.RuneCountInString(now+strings.TrimRight(w, " ")) > width {
			out = append(out, strings.TrimRight(now, " "))
			now = indent
		}
		now += w
	}
	text = strings.Join(append(out, now), "\n")
	if end {
		text += "\n"
	}
	return text
}
