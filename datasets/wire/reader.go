package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Reader walks one JSON text from its begin to its end. Each method takes the next
// value; what it does not find is an error that names the byte. A Reader that has
// given an error is of no more use.
type Reader struct {
	b     []byte
	at    int
	depth int
}

// NewReader walks b, which must not change meanwhile.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// maxDepth is how deep values may lie in each other: no message needs more than
// six, and a walk without a limit would end the process.
const maxDepth = 64

// wrong is an error at the place where r is.
func (r *Reader) wrong(want string) error {
	const shown = 24
	rest := r.b[min(r.at, len(r.b)):]
	switch {
	case len(rest) == 0:
		return fmt.Errorf("byte %d: want %s, but the line ends", r.at, want)
	case len(rest) > shown:
		rest = append(bytes.Clone(rest[:shown]), "..."...)
	}
	return fmt.Errorf("byte %d: want %s, not %q", r.at, want, rest)
}

// next is the byte that the next value or mark begins with, 0 at the end.
func (r *Reader) next() byte {
	for r.at < len(r.b) {
		switch c := r.b[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// Object takes an object: member is called with each key and must take its value.
func (r *Reader) Object(member func(key string) error) error {
	return r.list('{', '}', "an object", func(int) error {
		key, err := r.String()
		if err != nil {
			return err
		}
		if r.next() != ':' {
			return r.wrong("a colon behind a key")
		}
		r.at++
		return member(key)
	})
}

// Array takes a list: entry is called with each index and must take the value.
func (r *Reader) Array(entry func(i int) error) error {
	return r.list('[', ']', "a list", entry)
}

// list takes what stands between two marks, with commas between.
func (r *Reader) list(open, end byte, want string, entry func(i int) error) error {
	if r.next() != open {
		return r.wrong(want)
	}
	if r.depth++; r.depth > maxDepth {
		return fmt.Errorf("byte %d: values lie more than %d deep in each other", r.at, maxDepth)
	}
	r.at++
	for i := 0; ; i++ {
		c := r.next()
		switch {
		case i == 0 && c == end: // empty
		case i == 0:
			if err := entry(i); err != nil {
				return err
			}
			continue
		case c == ',':
			r.at++
			if err := entry(i); err != nil {
				return err
			}
			continue
		case c != end:
			return r.wrong(fmt.Sprintf("a comma or %q", end))
		}
		r.at++
		r.depth--
		return nil
	}
}

// String takes a string.
func (r *Reader) String() (string, error) {
	b, err := r.text()
	return string(b), err
}

// text takes a string; the bytes may be those of the line.
func (r *Reader) text() ([]byte, error) {
	if r.next() != '"' {
		return nil, r.wrong("a string")
	}
	start, plain := r.at, true
	for r.at++; r.at < len(r.b); r.at++ {
		switch c := r.b[r.at]; {
		case c == '"':
			r.at++
			inner := r.b[start+1 : r.at-1]
			if plain || utf8.Valid(inner) && bytes.IndexByte(inner, '\\') < 0 {
				return inner, nil
			}

			// Escapes are rare, and their rules (halves of UTF-16 above all) are not ours.
			var s string
			if err := json.Unmarshal(r.b[start:r.at], &s); err != nil {
				return nil, fmt.Errorf("byte %d: %w", start, err)
			}
			return []byte(s), nil
		case c == '\\':
			plain = false
			r.at++
		case c >= utf8.RuneSelf:
			plain = false
		case c < ' ':
			return nil, r.wrong("no control character in a string")
		}
	}
	r.at = len(r.b)
	return nil, r.wrong("the end of a string")
}

// Bool takes true or false.
func (r *Reader) Bool() (bool, error) {
	switch r.next() {
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	}
	return false, r.wrong("true or false")
}

// word takes a literal.
func (r *Reader) word(w string) error {
	if !bytes.HasPrefix(r.b[r.at:], []byte(w)) {
		return r.wrong(w)
	}
	r.at += len(w)
	return nil
}

// Int takes a whole number, written without a point or an exponent.
func (r *Reader) Int() (int64, error) {
	c := r.next()
	at := r.at
	negative := c == '-'
	if negative {
		at++
	}

	// Eighteen digits fit whatever they are; what is longer takes the slow way.
	n, first := int64(0), at
	for at < len(r.b) && r.b[at]-'0' <= 9 && at-first < 18 {
		n = 10*n + int64(r.b[at]-'0')
		at++
	}
	if at == first || r.b[first] == '0' && at > first+1 || at < len(r.b) && goesOn(r.b[at]) {
		return r.longInt()
	}
	r.at = at
	if negative {
		n = -n
	}
	return n, nil
}

// goesOn says whether a number with c behind it is longer, or no whole number.
func goesOn(c byte) bool { return c-'0' <= 9 || c == '.' || c == 'e' || c == 'E' }

// longInt is Int for what is long or wrong.
func (r *Reader) longInt() (int64, error) {
	tok, err := r.number()
	if err != nil {
		return 0, r.wrong("a whole number")
	}
	n, err := strconv.ParseInt(string(tok), 10, 64)
	if err != nil {
		return 0, r.wrong("a whole number of 64 bits")
	}
	r.at += len(tok)
	return n, nil
}

// number is the number that comes next, by the grammar of JSON; it is not taken.
func (r *Reader) number() ([]byte, error) {
	r.next()
	at := r.at
	digits := func() bool {
		from := at
		for at < len(r.b) && r.b[at]-'0' <= 9 {
			at++
		}
		return at > from
	}
	if at < len(r.b) && r.b[at] == '-' {
		at++
	}

	// JSON has no leading zeros, and wants digits on both sides of a point.
	zero := at < len(r.b) && r.b[at] == '0'
	from := at
	ok := digits() && (!zero || at == from+1)
	if ok && at < len(r.b) && r.b[at] == '.' {
		at++
		ok = digits()
	}
	if ok && at < len(r.b) && (r.b[at] == 'e' || r.b[at] == 'E') {
		at++
		if at < len(r.b) && (r.b[at] == '+' || r.b[at] == '-') {
			at++
		}
		ok = digits()
	}
	if !ok {
		return nil, r.wrong("a number")
	}
	return r.b[r.at:at], nil
}

// Float takes a number. One too large for 64 bits is an error, as are the NaN and
// Infinity that some libraries write: JSON has none.
func (r *Reader) Float() (float64, error) {
	tok, err := r.number()
	if err != nil {
		return 0, err
	}
	x, err := strconv.ParseFloat(string(tok), 64)
	if err != nil || math.IsInf(x, 0) {
		return 0, r.wrong("a number of 64 bits")
	}
	r.at += len(tok)
	return x, nil
}

// Skip takes any value.
func (r *Reader) Skip() error {
	// The first byte tells what it is.
	switch c := r.next(); {
	case c == '{':
		return r.Object(func(string) error { return r.Skip() })
	case c == '[':
		return r.Array(func(int) error { return r.Skip() })
	case c == '"':
		_, err := r.text()
		return err
	case c == 't' || c == 'f':
		_, err := r.Bool()
		return err
	case c == 'n':
		return r.word("null")
	}
	tok, err := r.number()
	if err != nil {
		return r.wrong("a JSON value")
	}
	r.at += len(tok)
	return nil
}

// End refuses what stands behind the text.
func (r *Reader) End() error {
	if r.next() != 0 || r.at < len(r.b) {
		return r.wrong("the end of the line")
	}
	return nil
}

// Ints takes a list of whole numbers of 32 bits and appends them to dst. The error
// names the entry.
func (r *Reader) Ints(dst []int32) ([]int32, error) {
	err := r.numbers("entry", func(i int, n int64) error {
		if n != int64(int32(n)) {
			return fmt.Errorf("%d: want a whole number of 32 bits", n)
		}
		dst = append(dst, int32(n))
		return nil
	})
	return dst, err
}

// numbers takes a list of whole numbers. what says in an error what the list is of.
func (r *Reader) numbers(what string, each func(i int, n int64) error) error {
	if r.next() != '[' {
		return r.wrong("a list of whole numbers")
	}
	r.at++
	for i := 0; ; i++ {
		c := r.next()
		if c == ']' && i == 0 {
			r.at++
			return nil
		}

		// The commas are taken here: Array would call a function for each of millions.
		if i > 0 {
			if c == ']' {
				r.at++
				return nil
			}
			if c != ',' {
				return r.wrong("a comma or ']'")
			}
			r.at++
		}
		n, err := r.Int()
		if err == nil {
			err = each(i, n)
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", what, i, err)
		}
	}
}

// Floats takes a list of numbers and appends them to dst.
func (r *Reader) Floats(dst []float64) ([]float64, error) {
	err := r.Array(func(i int) error {
		x, err := r.Float()
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		dst = append(dst, x)
		return nil
	})
	return dst, err
}
