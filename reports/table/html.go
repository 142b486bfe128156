package table

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

//go:embed table.tmpl
var htmlSource string

var htmlTemplate = template.Must(template.New("table").Funcs(template.FuncMap{"unbroken": unbroken}).Parse(htmlSource))

const (
	filterFrom = 12  // rows from which on a table gets a field to filter by
	shownRows  = 500 // rows that are shown before all are asked for: a browser lays out more slowly
)

// fragment is what the template sees of a table. Its cells are markup already:
// a template per cell would be slow for ten thousand rows.
type fragment struct {
	ID, Title string
	Columns   []Column
	Rows      [][]template.HTML
	Notes     []string
	Names     string // that the table uses, in full
	Filter    bool
}

// Shown is how many rows are shown at first.
func (fragment) Shown() int { return shownRows }

// Most is Shown where there are more rows, else 0.
func (f fragment) Most() int {
	if len(f.Rows) > shownRows {
		return shownRows
	}
	return 0
}

// Fragment writes t as the HTML of a table with its notes. id must be unique on
// the page; cells of numbers have the number as data-v, for scripts that sort.
// Text is escaped whatever it holds.
func Fragment(w io.Writer, id string, t Table) error {
	f := fragment{ID: id, Title: t.Title, Columns: t.Columns, Filter: len(t.Rows) >= filterFrom}
	for _, n := range t.Notes {
		if names, ok := strings.CutPrefix(n, InFull); ok {
			f.Names = names
		} else {
			f.Notes = append(f.Notes, n)
		}
	}
	for _, row := range t.Rows {
		cells := make([]template.HTML, len(row))
		for i, v := range row {
			cells[i] = v.html(i == 0, t.Columns[i].Num)
		}
		f.Rows = append(f.Rows, cells)
	}
	return htmlTemplate.Execute(w, f)
}

// html is the cell of v: the first of a row heads it. A page has ten thousand cells,
// so it has no more letters than HTML asks for: a cell ends where the next begins.
func (v Value) html(first, num bool) template.HTML {
	open := "<td"
	if first {
		open = "<th scope=row"
	}

	// Text such as "+38 %" does not sort, so the number goes along, to as many digits
	// as tell scores apart; it is empty for cells that sort last.
	switch {
	case num && v.OK:
		open += " data-v=" + strconv.FormatFloat(v.Num, 'g', 6, 64)
	case num:
		open += " data-v"
	}
	long := utf8.RuneCountInString(v.Text) > nameLetters
	switch {
	case v.Bad && long:
		open += ` class="bad long"`
	case v.Bad:
		open += " class=bad"
	case long:
		open += " class=long"
	}
	if v.Tip != "" {
		open += ` title="` + template.HTMLEscapeString(Plain(v.Tip)) + `"`
	}
	text := template.HTMLEscapeString(Plain(v.Text))
	if long { // the others break nowhere
		text = string(unbroken(v.Text))
	}
	if v.Under != "" {
		text += "<small>" + string(unbroken(v.Under)) + "</small>"
	}
	return template.HTML(open + ">" + text)
}

// unbroken is text whose names stay whole: browsers break lines behind hyphens, and
// "event-" is no name. What is longer than a name may break. Hyphens of another kind
// would be other text to who searches or copies.
func unbroken(text string) template.HTML {
	words := strings.Split(Plain(text), " ")
	for i, w := range words {
		words[i] = template.HTMLEscapeString(w)
		if at := strings.IndexByte(w, '-'); at >= 0 && at < len(w)-1 && utf8.RuneCountInString(w) <= nameLetters {
			words[i] = "<span class=w>" + words[i] + "</span>"
		}
	}
	return template.HTML(strings.Join(words, " "))
}

func writeHTML(w io.Writer, ts []Table) error {
	for i, t := range ts {
		if err := Fragment(w, fmt.Sprintf("t-%s-%d", t.Name, i+1), t); err != nil {
			return err
		}
		if t.Stamp == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "<p class=stamp>%s</p>\n", template.HTMLEscapeString(Plain(t.Stamp))); err != nil {
			return err
		}
	}
	return nil
}
