package table

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// latexStart lets one file both compile by itself and be read by \input into a
// paper: \@classoptionslist is \relax only before \documentclass.
const latexStart = `% Tables for \input into a paper that loads booktabs and graphicx; this file
% also compiles by itself.
\makeatletter
\ifx\@classoptionslist\relax
  \documentclass[10pt]{article}
  \usepackage[margin=2cm]{geometry}
  \usepackage{booktabs,graphicx}
  \let\tablesend\enddocument
  \let\tablesflush\clearpage
  \expandafter\document
\else
  \let\tablesend\relax
  \let\tablesflush\relax
\fi
\makeatother
`

// spanFrom is from how many columns on a table spans both columns of a paper
// that has two: else it would be too small to read.
const spanFrom = 7

// Widths in points of 10-point LaTeX set small, roughly: an average character,
// the room between two columns, and the text of a page with two columns.
const (
	charWidth = 4.2
	colGap    = 12
	textWidth = 530
)

// tooWide says whether a table with upright heads would be wider than both
// columns of a paper, by what a character and the room between columns take,
// and heads at an angle would help by more than a few points.
func tooWide(t Table) bool {
	upright, turned := 0.0, 0.0
	for k, c := range t.Columns {
		n := longest(t, k)
		turned += charWidth*float64(n) + colGap
		upright += charWidth*float64(max(n, utf8.RuneCountInString(c.Head))) + colGap
	}
	return upright > textWidth && turned < 0.94*upright
}

func writeLaTeX(w io.Writer, ts []Table) error {
	var b strings.Builder
	b.WriteString(latexStart)

	// Short names have parameters of a hundred letters. Under each table they were
	// three quarters of a paper's page, so a table at the end says them once.
	var full []string
	for i, t := range ts {
		t.Notes = slices.Clone(t.Notes)
		t.Notes = slices.DeleteFunc(t.Notes, func(n string) bool {
			names, ok := strings.CutPrefix(n, InFull)
			if ok {
				full = append(full, strings.Split(strings.TrimSuffix(names, "."), InFullSep)...)
			}
			return ok
		})
		latexTable(&b, t, i)
	}
	latexNames(&b, full, len(ts))
	b.WriteString("\\tablesend\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// latexNames writes what the short names of all tables stand for, each once, as the
// float behind the last of them. It breaks lines, which tabular does only in columns
// of a given width.
func latexNames(b *strings.Builder, full []string, i int) {
	if len(full) == 0 {
		return
	}
	slices.Sort(full)
	b.WriteString("\n\\begin{table*}[tbp]\n\\centering\\footnotesize\n\\caption{Parameters of what the tables name in short}\n")
	fmt.Fprintf(b, "\\label{tab:parameters-%d}\n\\par\\smallskip\n\\begin{tabular}{@{}p{0.32\\linewidth}p{0.64\\linewidth}@{}}\n\\toprule\nname & stands for \\\\\n\\midrule\n", i+1)
	for _, line := range slices.Compact(full) {
		short, id, _ := strings.Cut(line, " = ")
		fmt.Fprintf(b, "\\raggedright %s & \\raggedright %s \\tabularnewline\n", EscapeTeX(short), EscapeTeX(id))
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n\\end{table*}\n\\tablesflush\n")
}

// latexTable writes one float; i counts those of the file, for its label.
func latexTable(b *strings.Builder, t Table, i int) {
	// \caption stands above the table, as papers want it, and \resizebox only
	// shrinks: a narrow table keeps its size of type.
	float := "table"
	if len(t.Columns) >= spanFrom {
		float = "table*"
	}
	size := `\small`
	if t.Stacked {
		size = `\footnotesize\setlength{\tabcolsep}{3pt}` + stackMacro
	}
	fmt.Fprintf(b, "\n\\begin{%s}[tbp]\n\\centering%s\n\\caption{%s}\n\\label{tab:%s-%d}\n\\par\\smallskip\n", float, size, EscapeTeX(t.Title), t.Name, i+1)
	latexHead(b, t)

	for i, row := range t.Rows {
		if t.Stacked && i > 0 {
			b.WriteString("\\addlinespace[0.4ex]\n")
		}
		cells := make([]string, len(row))
		for k, v := range row {
			cells[k] = v.latex(t.Stacked)
		}
		if t.Stacked {
			cells[0] = `\raggedright ` + cells[0]
		}
		fmt.Fprintf(b, "%s \\\\\n", strings.Join(cells, " & "))
	}

	b.WriteString("\\bottomrule\n\\end{tabular}}\n")
	if notes := t.stamped(); len(notes) > 0 {
		for k, n := range notes {
			notes[k] = EscapeTeX(n)
		}
		fmt.Fprintf(b, "\\par\\smallskip\\parbox{\\linewidth}{\\footnotesize\\raggedright %s}\n", strings.Join(notes, "\\par\n"))
	}
	fmt.Fprintf(b, "\\end{%s}\n\\tablesflush\n", float)
}

// stackMacro sets two lines in a cell, the second smaller.
const stackMacro = `\def\vbstack#1#2{\begin{tabular}[t]{@{}l@{}}#1\\[-0.3ex]\scriptsize#2\end{tabular}}`

// latex is the cell of v.
func (v Value) latex(stacked bool) string {
	text, interval := v.Text, ""
	if i := strings.LastIndex(text, " ["); stacked && v.HasInterval && i > 0 {
		text, interval = text[:i], text[i+1:]
	}
	text = EscapeTeX(text)
	if v.Strong {
		text = `\textbf{` + text + `}`
	}
	if interval != "" {
		text = `\vbstack{` + text + `}{` + EscapeTeX(interval) + `}`
	}
	return text
}

// Of a stacked table: how wide the names of its rows are where they are broken, which
// are those of more letters, and how many letters a head has that is no wider than the
// cells.
const (
	nameWidth   = `3.4cm`
	nameLetters = 22
	uprightHead = 9
)

// longest is how many letters the longest cell of a column has.
func longest(t Table, k int) int {
	n := 0
	for _, row := range t.Rows {
		n = max(n, utf8.RuneCountInString(row[k].Text))
	}
	return n
}

// latexHead begins the tabular and writes the heads, those that columns share over
// them.
func latexHead(b *strings.Builder, t Table) {
	spec, heads := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	rotate := len(t.Columns) >= spanFrom && tooWide(t)
	for k, c := range t.Columns {
		heads[k] = strings.TrimPrefix(c.Head, c.Over+": ")
		rotate = rotate || t.Stacked && k > 0 && utf8.RuneCountInString(heads[k]) > uprightHead
		if spec[k] = "l"; c.Num && !t.Stacked { // figures with marks behind them stand left
			spec[k] = "r"
		}
	}
	if t.Stacked && longest(t, 0) > nameLetters {
		spec[0] = `p{` + nameWidth + `}`
	}
	fmt.Fprintf(b, "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%%\n\\begin{tabular}{@{}%s@{}}\n\\toprule\n", strings.Join(spec, ""))

	var over, rules string
	for k := 0; k < len(heads); {
		n := 1
		for k+n < len(heads) && t.Columns[k+n].Over == t.Columns[k].Over {
			n++
		}
		if name := t.Columns[k].Over; name != "" {
			over += fmt.Sprintf(` & \multicolumn{%d}{c}{%s}`, n, EscapeTeX(name))
			rules += fmt.Sprintf(`\cmidrule(lr){%d-%d}`, k+1, k+n)
		}
		k += n
	}
	if over != "" {
		fmt.Fprintf(b, "%s \\\\\n%s\n", strings.TrimPrefix(over, " "), rules)
	}

	for k, c := range t.Columns {
		if heads[k] = EscapeTeX(heads[k]); c.Num && rotate {
			heads[k] = `\rotatebox{60}{` + heads[k] + `}`
		}
	}
	fmt.Fprintf(b, "%s \\\\\n\\midrule\n", strings.Join(heads, " & "))
}

// EscapeTeX writes s so that pdflatex sets it as it stands. Characters that
// its fonts lack are written by code point. Long words, such as the ID of a
// chain, may be broken after signs.
func EscapeTeX(s string) string {
	var b strings.Builder
	for i, word := range strings.Split(Plain(s), " ") {
		if i > 0 {
			b.WriteByte(' ')
		}
		escapeTeXWord(&b, word)
	}
	return b.String()
}

// escapeTeXWord writes a word without blanks.
func escapeTeXWord(b *strings.Builder, s string) {
	const long = 16 // characters that fit even a narrow line
	for i, r := range s {
		if r == '-' && negative(s, i) {
			b.WriteString("$-$")
			continue
		}

		// Latin-1 letters are in the fonts of pdflatex but for these five.
		if t, ok := texSigns[r]; ok {
			b.WriteString(t)
		} else if r < 0x80 || r >= 0xc0 && r <= 0xff && !strings.ContainsRune("ÐÞðþ÷", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(b, `{\ttfamily U+%04X}`, r)
		}

		// TeX itself breaks words at hyphens only, and an ID has none.
		switch {
		case len(s) <= long || i == len(s)-1:
		case strings.ContainsRune(",:+;/", r):
			b.WriteString(`\allowbreak{}`)
		case strings.HasPrefix(s, digest) && i%8 == len(digest)%8:
			b.WriteString(`\allowbreak{}`)
		case r == '=' || r == '_':
			b.WriteString(`\penalty500{}`) // only where nothing else helps
		}
	}
}

// digest begins the hexadecimal words of fingerprints, which have no place to break.
const digest = "sha256:"

// negative says whether the hyphen at s[i] is the minus of a number.
func negative(s string, i int) bool {
	rest := s[i+1:]
	return (i == 0 || s[i-1] == '[') && rest != "" && strings.Trim(rest, "0123456789.,]") == ""
}

// texSigns is how TeX sets signs that it would read as commands, or that its
// fonts have under another name. Brackets are in braces, for after \\ one would
// begin an optional argument.
var texSigns = map[rune]string{
	'\\': `\textbackslash{}`, '~': `\textasciitilde{}`, '^': `\textasciicircum{}`,
	'&': `\&`, '%': `\%`, '$': `\$`, '#': `\#`, '_': `\_`, '{': `\{`, '}': `\}`, '[': `{[}`, ']': `{]}`,
	'<': `$<$`, '>': `$>$`, '|': `$\vert$`, '≤': `$\le$`, '≥': `$\ge$`, '→': `$\to$`, '±': `$\pm$`, '×': `$\times$`,
	'"': `''`, '–': `--`, '—': `---`, '…': `\ldots{}`, '†': `$\dagger$`, '‡': `$\ddagger$`,
	'⁰': `$^{0}$`, '¹': `$^{1}$`, '²': `$^{2}$`, '³': `$^{3}$`, '⁴': `$^{4}$`, '⁵': `$^{5}$`, '⁶': `$^{6}$`, '⁷': `$^{7}$`, '⁸': `$^{8}$`, '⁹': `$^{9}$`,
	'\u00a0': "~", '\u202f': "~", '\u2009': "~",
}
