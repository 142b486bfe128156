// Package sigfile is the form of signature files, which attacks that can be
// saved share: text, one item a line, so that a person can read a file and
// compare two of them. Each begins and ends alike:
//
//	veilbench-signatures 2
//	attack "event-knn"            whose file it is
//	note vantage "wan"            what is known of the making, any number
//	...                           what the attack writes, a word and more a line
//	end 17 1a2b3c4d               lines before this one, CRC-32 of them
//
// The last line tells a file that was cut at the end of a line from a whole one:
// without it the rest would be a model of fewer signatures.
package sigfile

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

// first is the first line. Its number changes when an older program would take
// a file for something else.
const first = "veilbench-signatures 2"

// Writer collects the lines of a file.
type Writer struct{ b bytes.Buffer }

// New begins the file of the named attack.
func New(attack string) *Writer {
	w := &Writer{}
	w.Line("%s", first)
	w.Line("attack %q", attack)
	return w
}

// Line adds a line, which must not hold a line's end but quoted.
func (w *Writer) Line(format string, args ...any) {
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

// Save writes all lines and the last one to out, once.
func (w *Writer) Save(out io.Writer) error {
	_, err := out.Write(ended(w.b.Bytes()))
	return err
}

// ended is a body with its last line.
func ended(body []byte) []byte {
	return fmt.Appendf(bytes.Clone(body), "end %d %08x\n", bytes.Count(body, []byte("\n")), crc32.ChecksumIEEE(body))
}

// Note is something that is known of how a file was made, such as the vantage
// point. Models do not need it.
type Note struct{ Key, Value string }

// Head is what stands in every file, whatever the attack.
type Head struct {
	Attack string
	Notes  []Note
}

// Note returns the value of the first note with a key, "" for none.
func (h Head) Note(key string) string {
	for _, n := range h.Notes {
		if n.Key == key {
			return n.Value
		}
	}
	return ""
}

// Annotate adds notes to a file, behind the attack's name.
func Annotate(raw []byte, notes ...Note) ([]byte, error) {
	body, err := checked(raw)
	if err != nil {
		return nil, err
	}
	lines := bytes.SplitAfterN(body, []byte("\n"), 3)
	if len(lines) < 3 {
		return nil, fmt.Errorf("signature file line 2: want the attack's name")
	}
	out := append(bytes.Clone(lines[0]), lines[1]...)
	for _, n := range notes {
		out = fmt.Appendf(out, "note %s %q\n", n.Key, n.Value)
	}
	return ended(append(out, lines[2]...)), nil
}

// ReadHead reads what the file says of itself, and refuses one that is cut
// short or changed.
func ReadHead(raw []byte) (Head, error) {
	var h Head
	err := each(raw, &h, func(string, string) error { return nil })
	return h, err
}

// Read passes each line of the named attack's file to f, as its first word and
// what follows it; the lines that all files have it reads itself. It refuses a
// file that is cut short, changed or of another attack. Errors name the line.
func Read(r io.Reader, attack string, f func(word, rest string) error) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("signature file: %w", err)
	}
	var h Head
	return each(raw, &h, func(word, rest string) error {
		if h.Attack != attack {
			return fmt.Errorf("signatures of attack %q, want those of %q", h.Attack, attack)
		}
		return f(word, rest)
	})
}

// each reads the head into h and passes on all other lines.
func each(raw []byte, h *Head, f func(word, rest string) error) error {
	body, err := checked(raw)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(string(body)) {
		if n++; n == 1 {
			continue // checked has seen it
		}
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")

		// The attack's name comes before all that only it can read.
		var err error
		switch {
		case n == 2 && word != "attack":
			err = fmt.Errorf("%q: want the attack's name", line)
		case n == 2:
			h.Attack, err = Unquote(word, rest)
		case word == "note":
			key, value, _ := strings.Cut(rest, " ")
			if value, err = Unquote(word+" "+key, value); err == nil {
				h.Notes = append(h.Notes, Note{key, value})
			}
		default:
			err = f(word, rest)
		}
		if err != nil {
			return fmt.Errorf("signature file line %d: %w", n, err)
		}
	}
	if n < 2 {
		return fmt.Errorf("signature file line 2: want the attack's name")
	}
	return nil
}

// checked returns what stands before the last line, which must hold its number
// of lines and checksum.
func checked(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte(first+"\n")) {
		line, _, _ := bytes.Cut(raw[:min(len(raw), 60)], []byte("\n"))
		return nil, fmt.Errorf("signature file line 1: %q: want %q", line, first)
	}
	at := bytes.LastIndex(raw, []byte("\nend ")) + 1
	if at == 0 {
		return nil, fmt.Errorf("signature file line %d: no line \"end\": the file is cut short", bytes.Count(raw, []byte("\n")))
	}
	body := raw[:at]
	want := ended(body)[at:]
	if got := raw[at:]; !bytes.Equal(got, want) {
		return nil, fmt.Errorf("signature file line %d: %q, want %q: the file is cut short, or somebody changed it", bytes.Count(body, []byte("\n"))+1, got[:min(len(got), 60)], want)
	}
	return body, nil
}

// Unquote reads the quoted text behind a word.
func Unquote(word, rest string) (string, error) {
	s, err := strconv.Unquote(rest)
	if err != nil {
		return "", fmt.Errorf("%s %s: want text in quotes", word, rest)
	}
	return s, nil
}
