// Package cite writes bibliographies. A Work is one publication or data set;
// plug-ins and data sets name those they come from, by their keys in works.bib
// or as values of their own, and Write prints them as BibTeX. Fields that
// are not known for sure are left out, never guessed.
package cite

import (
	"cmp"
	_ "embed"
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
	// Checked says what the entry was held against, "" for nothing.
	Checked string
	// Unchecked names the fields that nobody held against the work itself or a list that
	// cites it, "" for none: it becomes a comment too.
	Unchecked string
	// Missing lists what an author has to add, "" for nothing: it becomes a
	// comment above the entry.
	Missing string
}

// Kind is a type of entry: which field of BibTeX the venue becomes.
type Kind string

// The kinds.
const (
	Proceedings Kind = "inproceedings" // if none is named
	Journal     Kind = "article"
	Other       Kind = "misc"
)

//go:embed works.bib
var bibliography string

// Of returns the works with the given keys of works.bib. For a key that is not
// there the work's Missing says so, so that a slip shows in print and loses no
// run.
func Of(keys ...string) []Work {
	var ws []Work
	for _, k := range keys {
		ws = append(ws, find(k))
	}
	return ws
}

// find reads one entry. It reads the file's own form only, a field a line (a
// test holds the file to it), and no more than that entry: plug-ins ask anew
// each time they are asked what they are.
func find(key string) Work {
	head, rest, ok := strings.Cut(bibliography, "{"+key+",\n")
	if !ok {
		return Work{Key: key, Title: "{" + key + "}", Missing: "everything, for the bibliography has no such key"}
	}
	body, _, _ := strings.Cut(rest, "\n}")

	w := Work{Key: key, Kind: Kind(head[strings.LastIndexByte(head, '@')+1:])}
	var author, year string
	to := w.fields(&author, &year)
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = {")
		if f := to[name]; f != nil {
			*f = strings.TrimSuffix(value, "},")
		}
	}
	if author != "" {
		w.Authors = strings.Split(author, " and ")
	}
	w.Year, _ = strconv.Atoi(year) // 0 without one
	return w
}

// fields says where the fields of an entry go. The venue has another name in
// each kind of entry.
func (w *Work) fields(author, year *string) map[string]*string {
	return map[string]*string{
		"author": author, "title": &w.Title, "booktitle": &w.Venue, "journal": &w.Venue, "howpublished": &w.Venue,
		"volume": &w.Volume, "number": &w.Number, "pages": &w.Pages, "year": year,
		"doi": &w.DOI, "eprint": &w.ArXiv, "url": &w.URL, "note": &w.Note, "missing": &w.Missing,
		"checked": &w.Checked, "unchecked": &w.Unchecked,
	}
}

// ID is Key as BibTeX allows it.
func (w Work) ID() string { return plainKey(w.Key) }

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

	// Braces are for BibTeX; people read on without them.
	s := strings.NewReplacer("{", "", "}", "").Replace(w.Title)
	if len(last) > 0 {
		s = strings.ReplaceAll(strings.Join(last, ", "), ", and others", " and others") + ": " + s
	}
	if w.Venue != "" {
		s += ". " + w.Venue
	}

	// Short names of conferences and data sets may end in the year already.
	if w.Year != 0 && !strings.HasSuffix(s, strconv.Itoa(w.Year)) {
		s += " " + strconv.Itoa(w.Year)
	}
	return s
}

// Write prints every work once, sorted by key. Of several with one key the
// first stands.
func Write(out io.Writer, ws []Work) error {
	ws = slices.Clone(ws)
	slices.SortStableFunc(ws, func(a, b Work) int { return cmp.Compare(plainKey(a.Key), plainKey(b.Key)) })
	ws = slices.CompactFunc(ws, func(a, b Work) bool { return plainKey(a.Key) == plainKey(b.Key) })
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
