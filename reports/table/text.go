package table

import (
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Layout is how tables are set for a terminal, or for a file that looks like one. The
// zero value is that of files: a line a row, plain, with every note.
type Layout struct {
	// Width is how many columns there are, 0 for as many as it takes.
	Width int
	// Style sets headings in bold and failures in red, by escape sequences.
	Style bool
	// Brief leaves out the notes that begin with InFull.
	Brief bool
}

const (
	// fixedWidth is that of text that no terminal is known for: programs that read it
	// want a line a row, and nothing in it may hang on the machine.
	fixedWidth = 1 << 16
	// noteWidth is how wide notes are set at most: longer lines are hard to read.
	noteWidth = 118
)

// Escape sequences of a terminal.
const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	reset = "\x1b[0m"
)

func writeText(w io.Writer, ts []Table) error { return WriteText(w, ts, Layout{}) }

// WriteText writes tables one below another: no frames, an empty line between them.
// None is wider than l asks, as long as no word is: first heads and then cells take
// several lines, each broken at blanks, then the columns that are left stand in
// further blocks below. Errors are those of w.
func WriteText(w io.Writer, ts []Table, l Layout) error {
	if l.Width <= 0 {
		l.Width = fixedWidth
	}
	for i, t := range ts {
		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		// A style ends with its line: a pager shows lines apart.
		if t.Title != "" {
			for line := range strings.Lines(wrap(Plain(t.Title), l.Width, "")) {
				b.WriteString(l.set(strings.TrimSuffix(line, "\n"), bold) + "\n")
			}
			b.WriteByte('\n')
		}

		for k, bl := range l.blocks(t) {
			if k > 0 {
				b.WriteByte('\n')
			}
			bl.write(&b, t, l)
		}
		for _, n := range t.Notes {
			if !l.Brief || !strings.HasPrefix(n, InFull) {
				b.WriteString(wrap(Plain(n), min(l.Width, noteWidth), "  ") + "\n")
			}
		}
		if t.Stamp != "" {
			b.WriteString(wrap(Plain(t.Stamp), min(l.Width, noteWidth), "  ") + "\n")
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// set gives s a style where l has any.
func (l Layout) set(s, style string) string {
	if !l.Style || s == "" || style == "" {
		return s
	}
	return style + s + reset
}

// block is some columns of a table with the widths that they are set in.
type block struct{ columns, widths []int }

// gap is the room between two columns.
const gap = 2

// blocks divides the columns of t so that each block is as wide as l at most. The
// columns of words that a table begins with stand in every block: they say what a row
// is about.
func (l Layout) blocks(t Table) []block {
	all := make([]int, len(t.Columns))
	least, natural := make([]int, len(all)), make([]int, len(all))
	for k := range all {
		all[k] = k
		least[k], natural[k] = t.room(k)
	}
	if bl, ok := t.fit(all, least, natural, l.Width); ok {
		return []block{bl}
	}

	// Rows are named in at most half of the width, or no room is left for figures.
	keys, used := 1, least[0]
	for keys < len(all)-1 && !t.Columns[keys].Num && used+gap+least[keys] <= l.Width/2 {
		used += gap + least[keys]
		keys++
	}
	var out []block
	of, sum := slices.Clone(all[:keys]), used
	flush := func() {
		bl, _ := t.fit(of, least, natural, l.Width)
		out = append(out, bl)
		of, sum = slices.Clone(all[:keys]), used
	}
	for _, k := range all[keys:] {
		need := gap + min(natural[k], max(least[k], l.Width-used-gap))
		if len(of) > keys && sum+need > l.Width {
			flush()
		}
		of, sum = append(of, k), sum+need
	}
	flush()
	return out
}

// fit finds widths for some columns, each between the longest of its words and the
// longest of its cells, that are no more than room together. Where that cannot be,
// they are as narrow as words allow.
func (t Table) fit(of, least, natural []int, room int) (block, bool) {
	bl := block{columns: of}
	sum := gap * (len(of) - 1)
	for _, k := range of {
		bl.widths = append(bl.widths, natural[k])
		sum += natural[k]
	}
	if sum <= room {
		return bl, true
	}
	shrinks := func() int {
		widest := -1
		for i, k := range of {
			if bl.widths[i] > least[k] && (widest < 0 || bl.widths[i] > bl.widths[widest]) {
				widest = i
			}
		}
		return widest
	}
	for sum > room {
		i := shrinks()
		if i < 0 {
			return bl, false
		}
		bl.widths[i]--
		sum--
	}

	// A column that is broken at all is rarely as wide as it may be. What that leaves
	// goes to those that need no break with it.
	for i, k := range of {
		took := t.took(k, bl.widths[i])
		sum -= bl.widths[i] - took
		bl.widths[i] = took
	}
	for i, k := range of {
		if more := natural[k] - bl.widths[i]; sum+more <= room {
			bl.widths[i], sum = natural[k], sum+more
		}
	}
	return bl, true
}

// room is how wide column k is at least and at most: its longest piece that is not
// broken, and its longest cell.
func (t Table) room(k int) (least, natural int) {
	head := Plain(t.Columns[k].Head)
	natural = columns(head)
	for _, p := range pieces(head, false, 0) {
		least = max(least, columns(p.text))
	}
	for _, row := range t.Rows {
		text := Plain(row[k].Text)
		n := columns(text)
		natural = max(natural, n)
		if n <= least { // nearly all cells, and breaking takes long
			continue
		}
		for _, p := range pieces(text, row[k].OK, longWord) {
			least = max(least, columns(p.text))
		}
	}
	return least, natural
}

// took is how wide column k stands where n columns are there for it.
func (t Table) took(k, n int) int {
	out := 0
	for _, line := range lines(Plain(t.Columns[k].Head), false, 0, n) {
		out = max(out, columns(line))
	}
	for _, row := range t.Rows {
		for _, line := range lines(Plain(row[k].Text), row[k].OK, longWord, n) {
			out = max(out, columns(line))
		}
	}
	return out
}

// write writes the heads, at the bottom of their lines, and the rows.
func (bl block) write(b *strings.Builder, t Table, l Layout) {
	heads := make([][]string, len(bl.columns))
	high := 0
	for i, k := range bl.columns {
		heads[i] = lines(Plain(t.Columns[k].Head), false, 0, bl.widths[i])
		high = max(high, len(heads[i]))
	}
	// Heads stand on their columns, however many lines others take.
	for i := range heads {
		heads[i] = append(make([]string, high-len(heads[i])), heads[i]...)
	}
	bl.row(b, t, l, heads, func(int, int) string { return bold })

	for _, row := range t.Rows {
		cells := make([][]string, len(bl.columns))
		broken := false
		for i, k := range bl.columns {
			cells[i] = lines(Plain(row[k].Text), row[k].OK, longWord, bl.widths[i])
			broken = broken || len(cells[i]) > 1
		}
		bl.row(b, t, l, cells, func(i, line int) string {
			switch {
			case row[bl.columns[i]].Bad:
				return red
			case row[bl.columns[i]].Strong:
				return bold
			case i == 0 && line == 0 && broken: // where a row begins
				return bold
			}
			return ""
		})
	}
}

// row writes cells of several lines beside each other.
func (bl block) row(b *strings.Builder, t Table, l Layout, cells [][]string, style func(column, line int) string) {
	high := 1
	for _, c := range cells {
		high = max(high, len(c))
	}
	for n := range high {
		blank := 0 // columns to skip before the next word: no line ends in blanks
		for i, c := range cells {
			text := ""
			if n < len(c) {
				text = c[n]
			}
			pad := max(bl.widths[i]-columns(text), 0)
			if t.Columns[bl.columns[i]].Num {
				blank, pad = blank+pad, 0
			}
			if text != "" {
				b.WriteString(strings.Repeat(" ", blank) + l.set(text, style(i, n)))
				blank = 0
			}
			blank += pad + gap
		}
		b.WriteByte('\n')
	}
}

// piece is a part of a text that stays on one line.
type piece struct {
	text  string
	apart bool // a blank stands before it
}

// longWord is from how many letters on a word is an ID, which may be broken after
// signs that divide it.
const longWord = 16

// pieces are the parts of s between which it may be broken. Of a number they are the
// figure with its unit and its notes, and its interval: each says nothing without its
// other half. Words of more than long letters end after signs such as a colon too.
func pieces(s string, number bool, long int) []piece {
	var out []piece
	open := false
	for _, word := range strings.Fields(s) {
		starts := strings.HasPrefix(word, "[") || strings.HasPrefix(word, "(")
		switch mark := strings.Trim(word, "⁰¹²³⁴⁵⁶⁷⁸⁹") == ""; {
		case len(out) == 0:
			out = divided(out, word, long)
		case mark && number && !open:
			out[0].text += " " + word // stands behind the figure, not behind its interval
		case mark || open || number && !starts:
			out[len(out)-1].text += " " + word
		default:
			out = divided(out, word, long)
		}
		open = number && (open || starts) && !strings.ContainsAny(word, ")]")
	}
	return out
}

// divided adds a word to pieces, in several of them where it is longer than long.
func divided(out []piece, word string, long int) []piece {
	apart := true
	if columns(word) > long {
		for {
			i := strings.IndexAny(word, ",:+;/")
			if i < 1 || i == len(word)-1 {
				break
			}
			out = append(out, piece{word[:i+1], apart})
			word, apart = word[i+1:], false
		}
	}
	return append(out, piece{word, apart})
}

// lines breaks s into lines of at most n columns, as far as its pieces are no longer.
func lines(s string, number bool, long, n int) []string {
	if columns(s) <= n {
		return []string{s}
	}
	return fill(pieces(s, number, long), n, "")
}

// fill sets pieces in lines of at most n columns; indent begins all but the first.
func fill(ps []piece, n int, indent string) []string {
	var out []string
	line, col := "", 0
	for i, p := range ps {
		size := columns(p.text)
		blank := 0
		if p.apart && i > 0 {
			blank = 1
		}
		if i > 0 && col+blank+size > n {
			out = append(out, line)
			line, col, blank = indent, len(indent), 0
		}
		line += strings.Repeat(" ", blank) + p.text
		col += blank + size
	}
	return append(out, line)
}

// wrap breaks s into lines of at most n columns where it has blanks, or after the
// signs in an ID that is longer than a line. indent begins lines after the first, so
// that notes can be told apart.
func wrap(s string, n int, indent string) string {
	var ps []piece
	for _, word := range strings.Fields(s) {
		ps = divided(ps, word, max(n-len(indent), longWord))
	}
	return strings.Join(fill(ps, n, indent), "\n")
}

// columns is how wide s stands on a terminal: letters of East Asia take two columns,
// and marks above others none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		if r < 0x300 { // below all of these
			n++
			continue
		}
		switch k := width.LookupRune(r).Kind(); {
		case unicode.Is(unicode.Mn, r):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// Plain drops what could steer a terminal: control characters and marks that
// turn the direction of writing. Names of defenses come from configurations.
func Plain(s string) string {
	// Nearly all there is to print is letters of this kind, and a table of all cells
	// has a million of such texts.
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
