// Package cite writes bibliographies. A Work is one publication or data set;
// plug-ins and data sets name those they come from (works.go has the ones that
// several share), and Write prints them as BibTeX. Fields that the sources of
// this project do not state are left out, never guessed.
package cite

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Work is one publication, program, standard or data set. Strings are plain
// text: what TeX reads as markup is escaped.
type Work struct {
	// Key names the work in \cite, unique and stable: letters, digits, "-".
	Key string
	// Authors are "Last, First", "Last" or "others", in order. A last name of
	// several words without a comma is kept together.
	Authors []string
	// Title is that of the work, or its short name where only that is known.
	// Braces keep capitals as they are; words with capitals inside need none.
	Title string
	// Venue is the proceedings or the journal, for other things where they
	// were published; Kind says which of them.
	Venue string
	Kind  Kind
	// Volume, Number and Pages place it there; "" where unknown.
	Volume, Number, Pages string
	Year                  int
	// DOI is without "https://doi.org/", ArXiv a number such as 1705.06805.
	DOI, ArXiv, URL string
	// Note is printed with the entry.
	Note string
	// Missing lists what an author has to add, "" for nothing: it becomes a
	// comment above the entry.
	Missing string
}

// Kind is a type of entry.
type Kind string

// The kinds.
const (
	Proceedings Kind = "inproceedings" // if none is named
	Journal     Kind = "article"
	Other       Kind = "misc"
)

// kind is the type of entry: one whose required fields are there, so that no
// style of BibTeX warns.
func (w Work) kind() Kind {
	if len(w.Authors) == 0 || w.Year == 0 || w.Venue == "" {
		return Other
	}
	return cmp.Or(w.Kind, Proceedings)
}

// ID is Key as BibTeX allows it.
func (w Work) ID() string { return key(w.Key) }

// BibTeX returns the entry, ending in a line break.
func (w Work) BibTeX() string {
	var b strings.Builder
	if w.Missing != "" {
		fmt.Fprintf(&b, "%% To be added: %s.\n", Comment(w.Missing))
	}
	kind := w.kind()
	fmt.Fprintf(&b, "@%s{%s", kind, key(w.Key))
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, ",\n  %-13s = {%s}", name, value)
		}
	}
	if len(w.Authors) > 0 {
		field("author", authors(w.Authors))
	} else {
		field("key", escape(w.Key)) // to sort by
	}
	field("title", title(w.Title))
	venue := map[Kind]string{Other: "howpublished", Journal: "journal", Proceedings: "booktitle"}[kind]
	if w.Venue == "" && w.ArXiv != "" {
		field(venue, "arXiv:"+escape(w.ArXiv))
	} else {
		field(venue, escape(w.Venue))
	}
	field("volume", escape(w.Volume))
	field("number", escape(w.Number))
	field("pages", strings.ReplaceAll(escape(w.Pages), "–", "--"))
	if w.Year != 0 {
		field("year", strconv.Itoa(w.Year))
	} else {
		field("year", "n.d.") // no date; some styles warn without a year
	}
	field("doi", address(w.DOI))
	field("url", address(w.URL))
	if w.ArXiv != "" {
		field("eprint", escape(w.ArXiv))
		field("archiveprefix", "arXiv")
	}
	field("note", escape(w.Note))
	b.WriteString("\n}\n")
	return b.String()
}

// String writes the work in one line for people.
func (w Work) String() string {
	var last []string
	for _, a := range w.Authors {
		l, _, _ := strings.Cut(a, ",")
		if l == "others" {
			l = "and others"
		}
		last = append(last, l)
	}
	s := strings.NewReplacer("{", "", "}", "").Replace(w.Title)
	if len(last) > 0 {
		s = strings.ReplaceAll(strings.Join(last, ", "), ", and others", " and others") + ": " + s
	}
	if w.Venue != "" {
		s += ". " + w.Venue
	}
	if w.Year != 0 && !strings.HasSuffix(s, strconv.Itoa(w.Year)) {
		s += " " + strconv.Itoa(w.Year)
	}
	return s
}

// Write prints every work once, sorted by key. Of several with one key the
// first stands.
func Write(out io.Writer, ws []Work) error {
	ws = slices.Clone(ws)
	slices.SortStableFunc(ws, func(a, b Work) int { return cmp.Compare(key(a.Key), key(b.Key)) })
	ws = slices.CompactFunc(ws, func(a, b Work) bool { return key(a.Key) == key(b.Key) })
	for _, w := range ws {
		if _, err := io.WriteString(out, "\n"+w.BibTeX()); err != nil {
			return err
		}
	}
	return nil
}

// Comment keeps s on one line and free of the sign that starts an entry, so
// that it can stand between entries.
func Comment(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "@", "(at)")
}

// key keeps what BibTeX allows in keys.
func key(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, s)
}

func authors(names []string) string {
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

// title escapes s and protects words with capitals after their first letter,
// which styles would set small. Braces stay if they are balanced.
func title(s string) string {
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
			b.WriteString(letter(r))
		}
	}
	return b.String()
}

// letter writes a rune in ASCII: BibTeX sorts and cuts by bytes. What has no
// such form is written by its code point.
func letter(r rune) string {
	if r >= ' ' && r < 0x7f {
		return string(r)
	}
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

// address percent-encodes what would end a field or a URL.
func address(s string) string {
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
