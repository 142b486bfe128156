// Package reports draws what people read: tables, figures and a page, from
// stored results alone, so that all of it can be drawn again without running
// anything. This file holds the options and the one call that writes
// everything; set.go the results in the order of reading, table.go and
// figure.go the two kinds of things that are drawn.
//
// Every number in a table is made by a Set method that records how it follows
// from the rows of results.csv, so a test can hold each printed digit against
// that file.
package reports

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
)

// Options of a report. The zero value is usable.
type Options struct {
	// Order lists IDs or names of defenses and attacks in the order of rows and
	// columns; those not listed follow by name. "none" always comes first.
	Order []string
	// Timing tells what a cell took on this machine; nil when not known. Only
	// the table of the cost of attacks reads it: it differs between machines.
	Timing func(results.Result) (results.Timing, bool)
	// SelfCheck is the verdict of the run's self-check, nil if none was made.
	SelfCheck []results.Verdict
	// Probes is what the run's probes found, nil if none were made.
	Probes *results.Probes
	// Manifest is that of the run, nil if none is stored.
	Manifest *results.Manifest
	// Published are figures of papers to print beside ours; nil for none.
	Published []results.Published
	// Samples are what the run keeps of the traffic, for figures of packets and
	// rates; nil for none.
	Samples []results.Sample
	// Activity narrows those figures down to one "device/activity" or to those
	// of one device; empty for the most telling ones.
	Activity string
	// Program is the version of the program that draws, printed in the
	// manifest; empty for none.
	Program string
}

// WriteAll draws everything from rs into the folder dir: results.csv,
// groups.csv and classes.csv, report.md, table.txt, table.tex, report.html, and
// the main figures as SVG, PNG and PDF. It returns the text for a terminal:
// the headline table and where the rest lies. rs is not modified. Errors name
// the file that could not be written.
func WriteAll(dir string, rs []results.Result, o Options) (string, error) {
	s := NewSet(rs, o)
	text := s.text()
	w := writer{dir: dir}
	w.buffer("results.csv", func(b *bytes.Buffer) error { return s.WriteResults(b) })
	w.buffer("groups.csv", func(b *bytes.Buffer) error { return s.WriteGroups(b) })
	w.buffer("classes.csv", func(b *bytes.Buffer) error { return s.WriteClasses(b) })
	w.buffer("table.txt", func(b *bytes.Buffer) error { b.WriteString(text); return nil })
	w.buffer("report.md", func(b *bytes.Buffer) error { b.WriteString(s.markdown()); return nil })
	w.buffer("table.tex", func(b *bytes.Buffer) error { return WriteTables(b, LaTeX, s.mainTables()) })
	w.figures(s)
	w.buffer("report.html", func(b *bytes.Buffer) error { return s.WritePage(b) })
	if w.err != nil {
		return text, w.err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	return text + fmt.Sprintf("\ntables  %s  %s  %s      pictures  %s  page  %s\n",
		at("report.md"), at("table.tex"), at("results.csv"), at("*.svg *.pdf *.png"), at("report.html")), nil
}

// writer writes files into a folder and keeps the first error.
type writer struct {
	dir string
	err error
}

func (w *writer) buffer(name string, draw func(*bytes.Buffer) error) {
	if w.err != nil {
		return
	}
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		w.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	w.err = atomicfile.Write(filepath.Join(w.dir, name), b.Bytes())
}

// mainFigures are those that are written as files and stand in report.md, the
// first of each, where the results have something for them.
func mainFigures() []string {
	return []string{"scores", "tradeoff", "study", "shares", "packets", "rates"}
}

// figures writes the main figures in every format that a paper or a page may
// want.
func (w *writer) figures(s *Set) {
	for _, name := range mainFigures() {
		figs := s.Figures(name)
		if len(figs) == 0 {
			continue
		}
		for _, f := range []Format{SVG, PNG, PDF} {
			w.buffer(name+"."+string(f), func(b *bytes.Buffer) error { return figs[0].Write(b, f, 0) })
		}
	}
}

// text is what a terminal shows at the end of a run.
func (s *Set) text() string {
	var b bytes.Buffer
	if err := WriteTables(&b, Text, slices.Concat(s.Tables("headline"), s.Tables("published"), s.Tables("study"))); err != nil {
		return err.Error() // the buffer cannot fail
	}
	return b.String()
}

// mainTables are those that stand in report.md and table.tex.
func (s *Set) mainTables() []Table {
	var out []Table
	for _, name := range []string{"headline", "published", "study", "defense-by-attack", "bounds", "accounts", "spread", "probes", "costs", "failed", "warnings"} {
		out = append(out, s.Tables(name)...)
	}
	return out
}

func (s *Set) markdown() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What an observer still learns, and what hiding it costs\n\n%s\n\n", escapeMarkdown(s.provenance()))
	for _, name := range mainFigures() {
		if figs := s.Figures(name); len(figs) > 0 {
			fmt.Fprintf(&b, "![%s](%s.svg)\n\n%s\n\n", escapeMarkdown(figs[0].Title), name, escapeMarkdown(figs[0].Caption))
		}
	}
	if err := WriteTables(&b, Markdown, s.mainTables()); err != nil {
		return err.Error() // the buffer cannot fail
	}
	return b.String()
}

// provenance is one sentence on where the numbers come from.
func (s *Set) provenance() string {
	var seeds, splits, sets []string
	made := map[bool]string{true: " (generated)", false: ""}
	for _, r := range s.results {
		seeds = append(seeds, fmt.Sprint(r.Cell.Seed))
		splits = append(splits, string(r.Cell.Split))
		sets = append(sets, r.Cell.Dataset+made[s.generated[r.Cell.Dataset]])
	}
	return fmt.Sprintf("%d cells, %d of them failed; data %s; split %s; seed %s.",
		len(s.results), s.failed, list(sets), list(splits), list(seeds))
}

// list joins the distinct values of v in order.
func list(v []string) string {
	v = distinct(v)
	if len(v) > 8 {
		return fmt.Sprintf("%s and %d more", strings.Join(v[:8], ", "), len(v)-8)
	}
	return strings.Join(v, ", ")
}

// distinct returns the sorted values of v, each once.
func distinct(v []string) []string {
	v = slices.Clone(v)
	slices.Sort(v)
	return slices.Compact(v)
}
