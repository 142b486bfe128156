// Package sheet reads tables as the programs of people write them: with commas,
// semicolons or tabs, in UTF-8 or UTF-16, with a byte order mark, with remarks
// between the rows and empty rows behind them. Read does all of it.
package sheet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Row is a row of a table. Cells are trimmed.
type Row struct {
	// Line is its line in the file, from 1.
	Line  int
	Cells []string
}

// Table is what a file holds.
type Table struct {
	// Rows are those with something in them, the header among them.
	Rows []Row
	// Remarks are the lines that begin with #, each a row of one cell without
	// that sign.
	Remarks []Row
}

// maxSize bounds a file of labels or names, in bytes.
const maxSize = 256 << 20

// Read reads a table. What separates cells is found by the first row: a tab, a
// semicolon, a bar or a comma, whichever is there most often. An error names
// file and line; one of what is not UTF-8 or UTF-16 says how to convert it.
func Read(r io.Reader, name string) (Table, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err == nil && len(raw) > maxSize {
		err = fmt.Errorf("more than %d MB; this is no table of labels", maxSize>>20)
	}
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", name, err)
	}
	text, line := Text(raw)
	if line > 0 {
		return Table{}, NoText(name, line)
	}

	t, text := takeRemarks(text)
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.FieldsPerRecord, c.TrimLeadingSpace = separator(text), -1, true
	if c.Comma == '\t' {
		c.TrimLeadingSpace = false // a tab is a space, and would be taken for one
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return Table{}, fmt.Errorf("%s: %w", name, err)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		// The line below the head of a table in Markdown is drawn, not written.
		if line, _ := c.FieldPos(0); slices.ContainsFunc(cells, func(s string) bool { return s != "" && !(c.Comma == '|' && strings.Trim(s, "-:") == "") }) {
			t.Rows = append(t.Rows, Row{line, cells})
		}
	}
}

// NoText is the error of a file whose line is no text.
func NoText(name string, line int) error {
	return fmt.Errorf("%s:%d: %w; convert the file, such as by: iconv -f latin1 -t utf-8", name, line, ErrNoText)
}

// ErrNoText is in the error of NoText.
var ErrNoText = errors.New("not UTF-8")

// Text makes UTF-8 with plain line ends and without a mark of raw, which may be
// UTF-16. line is the first one that is no text, 0 if there is none.
func Text(raw []byte) (text string, line int) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		raw, order = raw[2:], binary.LittleEndian
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		raw, order = raw[2:], binary.BigEndian
	// Without a mark, a table that begins in ASCII has a zero in every other
	// byte.
	case len(raw) >= 4 && raw[1] == 0 && raw[3] == 0 && raw[0] != 0:
		order = binary.LittleEndian
	case len(raw) >= 4 && raw[0] == 0 && raw[2] == 0 && raw[1] != 0:
		order = binary.BigEndian
	}
	if order != nil {
		words := make([]uint16, len(raw)/2)
		for i := range words {
			words[i] = order.Uint16(raw[2*i:])
		}
		raw = []byte(string(utf16.Decode(words)))
	}

	text = strings.TrimPrefix(string(raw), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n") // old Macintosh
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return text, 0
	}
	line = 1
	for l := range strings.Lines(text) {
		if !utf8.ValidString(l) || strings.Contains(l, "\x00") {
			break
		}
		line++
	}
	return text, line
}

// takeRemarks cuts the remarks out of text. Their lines stay, empty, so that
// those behind them keep their numbers. Spreadsheets quote a remark, and put
// separators behind it up to the last column.
func takeRemarks(text string) (Table, string) {
	var t Table
	var out strings.Builder
	line, begun := 0, false
	for l := range strings.Lines(text) {
		line++
		s := strings.TrimSpace(l)
		if !begun { // a quoted name may begin with #, too, but not in the header
			s = strings.TrimLeft(s, "\"")
		}
		rest, ok := strings.CutPrefix(s, "#")
		switch {
		case ok:
			rest = strings.Trim(strings.TrimRight(rest, ",;\t|\" "), " \t")
			t.Remarks = append(t.Remarks, Row{line, []string{rest}})
			out.WriteByte('\n')
		case !begun && strings.HasPrefix(strings.ToLower(s), "sep=") && len(s) == 5:
			out.WriteByte('\n') // what spreadsheets tell each other
		default:
			begun = begun || s != ""
			out.WriteString(l)
		}
	}
	return t, out.String()
}

// separator finds what stands most often between the cells of the first row,
// outside of quotes. Of equals the rarer sign in names wins.
func separator(text string) rune {
	first := ""
	for l := range strings.Lines(text) {
		if strings.TrimSpace(l) != "" {
			first = l
			break
		}
	}
	counts, quoted := map[rune]int{}, false
	for _, c := range first {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted {
			counts[c]++
		}
	}
	return slices.MaxFunc([]rune{'\t', ';', '|', ','}, func(a, b rune) int { return cmp.Compare(counts[a], counts[b]) })
}
