package published

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
)

// lines reads lines and counts them. It takes LF, CRLF and a file without an
// end of line at its end.
type lines struct {
	*bufio.Scanner
	n int
}

// maxLine bounds a line, so that a binary file is refused and not stored.
const maxLine = 1 << 20

func newLines(r io.Reader) *lines {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	return &lines{Scanner: sc}
}

// Scan moves to the next line.
func (l *lines) Scan() bool {
	if !l.Scanner.Scan() {
		return false
	}
	l.n++
	return true
}

// fail puts the current line's number in front of an error.
func (l *lines) fail(err error) error { return fmt.Errorf("%d: %w", l.n, err) }

// Err says why reading ended, with the line number in front; nil at the end
// of the file.
func (l *lines) Err() error {
	err := l.Scanner.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("line of more than %d bytes: this is no text file", maxLine)
	}
	if err != nil {
		return fmt.Errorf("%d: %w", l.n+1, err)
	}
	return nil
}

// stoppable is a reader that ends with an error when ctx does.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

// Read reads from r unless ctx has ended.
func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// readText opens a text file and hands it to parse, whose errors begin with a
// line number.
func readText[T any](ctx context.Context, name string, parse func(io.Reader) (T, error)) (T, error) {
	r, err := os.Open(name)
	if err != nil {
		var zero T
		return zero, err
	}
	defer r.Close()
	out, err := parse(stoppable{ctx, r})
	if ctx.Err() != nil {
		return out, ctx.Err() // parsers take the end of reading for what they miss then
	}
	if err != nil {
		return out, fmt.Errorf("%s:%w", name, err)
	}
	return out, nil
}

// parseEpoch reads decimal seconds since 1970 exactly.
func parseEpoch(s string) (time.Time, error) {
	d, err := parseSeconds(s)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, int64(d)).UTC(), nil
}

// parseSeconds reads decimal seconds, 0 to 2^33, exactly.
func parseSeconds(s string) (time.Duration, error) {
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseUint(whole, 10, 34)
	ns := uint64(0)
	if err == nil && frac != "" && len(frac) <= 9 {
		ns, err = strconv.ParseUint((frac + "000000000")[:9], 10, 32)
	}
	if err != nil || sec > 1<<33 || len(frac) > 9 {
		return 0, fmt.Errorf("time %q, want seconds with at most 9 decimals", quote(s))
	}
	return time.Duration(sec)*time.Second + time.Duration(ns), nil
}

// quote shortens what a message quotes from a file.
func quote(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// glob lists the files of a folder that match pattern, by name in natural
// order: x-2 before x-10.
func glob(folder string, pattern ...string) ([]string, error) {
	safe := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(folder)
	names, err := filepath.Glob(filepath.Join(append([]string{safe}, pattern...)...))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, naturally)
	return names, nil
}

// naturally compares names with numbers in them as people would.
func naturally(a, b string) int {
	for a != "" && b != "" {
		// Numbers compare by value however long they are, then by their zeros,
		// so that different names never compare as equal.
		na, nb := leadingDigits(a), leadingDigits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(na, nb)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// leadingDigits is the length of the number that s begins with.
func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// padded writes n so that the names of count things sort in their order.
func padded(n, count int) string {
	return fmt.Sprintf("%0*d", len(strconv.Itoa(count)), n)
}

// roundUp is the common end of clips of which the longest takes d: the next
// whole second.
func roundUp(d time.Duration) time.Duration {
	return d.Truncate(time.Second) + time.Second
}

// row is one line of a label file.
type row struct {
	line   int
	fields []string // in the order of the columns asked for
}

// readTable reads a CSV file with a header and returns the columns asked for.
// A missing column is an error that names the line.
func readTable(ctx context.Context, name string, columns ...string) ([]row, error) {
	return readText(ctx, name, func(r io.Reader) ([]row, error) { return parseTable(r, columns) })
}

// parseTable reads a table. Errors begin with the line, 0 if it is unknown.
func parseTable(r io.Reader, columns []string) ([]row, error) {
	cr := csv.NewReader(r)
	head, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("1: no header line (want the columns %s)", strings.Join(columns, ","))
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(head, c); at[i] < 0 {
			return nil, fmt.Errorf("1: no column %q (the header is %s)", c, quote(strings.Join(head, ",")))
		}
	}

	// Errors carry the line alone: readText puts the file in front.
	var out []row
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var pe *csv.ParseError
		if errors.As(err, &pe) {
			return nil, fmt.Errorf("%d: %w", pe.Line, pe.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("0: %w", err)
		}
		line, _ := cr.FieldPos(0)
		x := row{line: line}
		for _, c := range at {
			x.fields = append(x.fields, rec[c])
		}
		out = append(out, x)
	}
}

// readOptionalTable is readTable for a label file that the publisher does not
// have: if it is absent the table is empty and missing is set.
func readOptionalTable(ctx context.Context, name string, columns ...string) (rows []row, missing bool, err error) {
	rows, err = readTable(ctx, name, columns...)
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil
	}
	return rows, false, err
}

// parseMAC reads a hardware address such as 20:f8:5e:ca:91:52.
func parseMAC(s string) (datasets.MAC, error) {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) != 6 {
		return datasets.MAC{}, fmt.Errorf("hardware address %q, want six bytes such as 20:f8:5e:ca:91:52", quote(s))
	}
	return datasets.MAC(m), nil
}
