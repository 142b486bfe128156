package cite

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// kind is the type of entry: one whose required fields are there, so that no
// style of BibTeX warns.
func (w Work) kind() Kind {
	if len(w.Authors) == 0 || w.Year == 0 || w.Venue == "" {
		return Other
	}
	return cmp.Or(w.Kind, Proceedings)
}

// BibTeX returns the entry, ending in a line break.
func (w Work) BibTeX() string {
	var b strings.Builder
	if w.Missing != "" {
		fmt.Fprintf(&b, "%% To be added: %s.\n", Comment(w.Missing))
	}
	if w.Unchecked != "" {
		fmt.Fprintf(&b, "%% Not checked against the work: %s.\n", Comment(w.Unchecked))
	}
	kind := w.kind()
	fmt.Fprintf(&b, "@%s{%s", kind, plainKey(w.Key))
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, ",\n  %-13s = {%s}", name, value)
		}
	}

	// Styles sort by author, by key without one.
	if len(w.Authors) > 0 {
		field("author", authorList(w.Authors))
	} else {
		field("key", escape(w.Key))
	}
	field("title", titleField(w.Title))

	// A preprint has no venue; its number stands there, for only some styles
	// print eprint.
	venue := map[Kind]string{Other: "howpublished", Journal: "journal", Proceedings: "booktitle"}[kind]
	if w.Venue == "" && w.ArXiv != "" {
		field(venue, "arXiv:"+escape(w.ArXiv))
	} else {
		field(venue, escape(w.Venue))
	}
	field("volume", escape(w.Volume))
	field("number", escape(w.Number))
	field("pages", escape(w.Pages))

	// Some styles warn without a year.
	if w.Year != 0 {
		field("year", strconv.Itoa(w.Year))
	} else {
		field("year", "n.d.") // no date
	}

	field("doi", escapeURL(w.DOI))
	field("url", escapeURL(w.URL))
	if w.ArXiv != "" {
		field("eprint", escape(w.ArXiv))
		field("archiveprefix", "arXiv")
	}
	field("note", escape(w.Note))
	b.WriteString("\n}\n")
	return b.String()
}

// plainKey keeps what BibTeX allows in keys.
func plainKey(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, s)
}

// authorList joins names as BibTeX splits them: a last name of several words
// without a comma would be cut into first and last name, so it gets braces.
func authorList(names []string) string {
	var out []string
	for _, n := range names {
		n = escape(n)
		if !strings.Contains(n, ",") && strings.Contains(n, " ") {
			n = "{" + n + "}"
		}
		out = append(out, n)
	}
	return strings.Join(out, " and ")
}

// titleField escapes s and protects words with capitals after their first
// letter, which styles would set small. Braces stay if they are balanced.
func titleField(s string) string {
	// Unbalanced braces would end the field early: then all are escaped.
	depth := 0
	for _, r := range s {
		if r == '{' {
			depth++
		}
		if r == '}' {
			depth--
		}
		if depth < 0 {
			break
		}
	}

	words := strings.Fields(s)
	for i, w := range words {
		// A word that has braces already says itself what is kept.
		if depth == 0 && strings.ContainsAny(w, "{}") {
			parts := strings.FieldsFunc(w, func(r rune) bool { return r == '{' || r == '}' })
			for _, p := range parts {
				w = strings.Replace(w, p, escape(p), 1)
			}
			words[i] = w
			continue
		}
		words[i] = escape(w)
		if slices.ContainsFunc(strings.Split(w, "-"), capitalInside) {
			words[i] = "{" + words[i] + "}"
		}
	}
	return strings.Join(words, " ")
}

func capitalInside(s string) bool {
	return len(s) > 1 && strings.ToLower(s[1:]) != s[1:]
}

// escape writes s on one line so that TeX sets it as it stands.
func escape(s string) string {
	var b strings.Builder

	// Blanks are joined first, so that a field stays on its line.
	for _, r := range strings.Join(strings.Fields(s), " ") {
		switch r {
		case '\\':
			b.WriteString(`{\textbackslash}`)
		case '~':
			b.WriteString(`{\textasciitilde}`)
		case '^':
			b.WriteString(`{\textasciicircum}`)
		case '{':
			b.WriteString(`{\textbraceleft}`) // \{ would not count as a brace in TeX, but does in BibTeX
		case '}':
			b.WriteString(`{\textbraceright}`)
		case '<':
			b.WriteString(`{\textless}`)
		case '>':
			b.WriteString(`{\textgreater}`)
		case '|':
			b.WriteString(`{\textbar}`)
		case '"':
			b.WriteString(`{''}`)
		case '&', '%', '#', '_', '$':
			b.WriteString(`\` + string(r))
		case '–':
			b.WriteString("--")
		default:
			b.WriteString(asciiLetter(r))
		}
	}
	return b.String()
}

// asciiLetter writes a rune in ASCII: BibTeX sorts and cuts by bytes. What has
// no such form is written by its code point.
func asciiLetter(r rune) string {
	if r >= ' ' && r < 0x7f {
		return string(r)
	}

	// Each row: the accent's command, the letters with it, the same without.
	for _, a := range [][3]string{
		{`\'`, "áéíóúýćńśźÁÉÍÓÚÝĆŃŚŹ", "aeiouycnszAEIOUYCNSZ"},
		{"\\`", "àèìòùÀÈÌÒÙ", "aeiouAEIOU"},
		{`\^`, "âêîôûÂÊÎÔÛ", "aeiouAEIOU"},
		{`\"`, "äëïöüÿÄËÏÖÜ", "aeiouyAEIOU"},
		{`\~`, "ãñõÃÑÕ", "anoANO"},
		{`\v `, "čďěňřšťžČĎĚŇŘŠŤŽ", "cdenrstzCDENRSTZ"},
		{`\c `, "çşÇŞ", "csCS"},
		{`\`, "øØłŁ", "oOlL"},
	} {
		if i := strings.IndexRune(a[1], r); i >= 0 {
			return "{" + a[0] + string(a[2][len([]rune(a[1][:i]))]) + "}"
		}
	}

	switch r {
	case 'å', 'Å':
		return map[rune]string{'å': `{\aa}`, 'Å': `{\AA}`}[r]
	case 'ß':
		return `{\ss}`
	case 'ı':
		return `{\i}`
	case '’', '‘':
		return "'"
	}
	return fmt.Sprintf("[U+%04X]", r)
}

// escapeURL percent-encodes what would end a field or a URL.
func escapeURL(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`{}\^"<>|`+"`", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
