package reports

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/parallel"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// Options of a report. The zero value is usable.
type Options struct {
	// Order lists IDs or names of defenses and attacks in the order of rows and
	// columns; those not listed follow by name. "none" always comes first.
	Order []string
	// Show selects the results to draw, nil for all. The others are not seen but
	// may be evidence: an attack's canaries, and how it does without a defense.
	Show func(results.Result) bool
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
	// Fingerprint is the line that says which results these are: it stands on every
	// table, page and caption. Empty for none.
	Fingerprint string
	// Program is the version of the program that draws, printed in the
	// manifest; empty for none.
	Program string
	// Bibliography is what the results rest on, as BibTeX; empty for none.
	Bibliography string
}

// Contents are the kinds that WriteAll draws, each list in the order of
// reading.
type Contents struct {
	// Text stands on the terminal and in table.txt, Tables in report.md and
	// table.tex.
	Text, Tables []TableKind
	// Figures stand in report.md and are written as files, the first of each
	// kind, where the results have something for them.
	Figures []FigureKind
	// Page writes report.html.
	Page func(io.Writer, *Set) error
	// Plain writes the tables of all cells as text; else they are gzip files, a
	// thirtieth as large.
	Plain bool
}

// cellTables are the tables of all cells, by the names of their files.
func (s *Set) cellTables() []file {
	return []file{
		{"results.csv", false, s.WriteResults},
		{"groups.csv", false, s.writeGroups},
		{"classes.csv", false, s.writeClasses},
		{"devices.csv", false, s.writeDevices},
		{"canaries.csv", false, s.writeCanaries},
	}
}

// file is one of a report.
type file struct {
	name    string
	picture bool
	draw    func(io.Writer) error
}

const zipped = ".gz"

// zip makes of a table of all cells a gzip file without name and time, so that equal
// results are equal bytes. The comment, which says which results these are, stands in
// the file's head: in the table it would be in the way of who reads it.
func (f file) zip(comment string) file {
	return file{f.name + zipped, f.picture, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		z.Comment = comment
		return errors.Join(f.draw(z), z.Close())
	}}
}

// WriteAll draws everything into the folder dir: results.csv.gz, groups.csv.gz,
// classes.csv.gz, devices.csv.gz and canaries.csv.gz, report.md, table.txt, table.tex, report.html, and figures as
// SVG, PNG and PDF. It returns what stands on a terminal: the main tables, and lines
// that say where the rest lies. Errors name the first file of that order that could not
// be written; the others but the page are whole. Figures that cannot be drawn are left
// out, and are the error when all else is written.
func WriteAll(dir string, s *Set, c Contents) (shown []table.Table, where string, err error) {
	shown = TablesOf(s, c.Text)
	tables := TablesOf(s, c.Tables)
	figures, undrawn := firstFigures(s, c.Figures)

	files := []file{
		{"table.txt", false, func(w io.Writer) error { return table.Write(w, table.Text, shown) }},
		{"report.md", false, func(w io.Writer) error { return writeMarkdown(w, s, figures, tables) }},
		{"table.tex", false, func(w io.Writer) error { return table.Write(w, table.LaTeX, tables) }},
	}
	for _, f := range figures {
		for _, format := range []figure.Format{figure.SVG, figure.PNG, figure.PDF} {
			files = append(files, file{f.Name + "." + string(format), true, func(w io.Writer) error { return Draw(w, f, format, 0) }})
		}
	}
	// What an earlier report wrote in the other form would be of other results.
	results := ""
	for i, f := range s.cellTables() {
		old := f.name + zipped
		if !c.Plain {
			f, old = f.zip(s.Options.Fingerprint), f.name
		}
		if err := os.Remove(filepath.Join(dir, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return shown, "", err
		}
		files = slices.Insert(files, i, f)
		results = cmp.Or(results, f.name)
	}

	// The page is drawn first, since it takes longest, and written last: whoever waits
	// for it finds the rest beside it.
	var page bytes.Buffer
	const pageFile = "report.html"
	var pageErr error
	write := func(f file) error {
		if err := atomicfile.WriteTo(filepath.Join(dir, f.name), f.draw); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		return nil
	}

	lost := make([]error, len(files)) // pictures that cannot be drawn
	err = parallel.For(context.Background(), runtime.GOMAXPROCS(0), 1+len(files), func(_, i int) error {
		if i--; i < 0 {
			pageErr = c.Page(&page, s)
			return nil
		}
		err := write(files[i])
		if files[i].picture {
			lost[i], err = err, nil
		}
		return err
	})
	if err == nil {
		err = write(file{pageFile, false, func(w io.Writer) error {
			_, err := page.WriteTo(w)
			return cmp.Or(pageErr, err)
		}})
	}
	if err != nil {
		return shown, "", err
	}
	undrawn = errors.Join(append([]error{undrawn}, lost...)...)
	at := func(name string) string { return filepath.Join(dir, name) }
	return shown, fmt.Sprintf("\ntables    %s  %s  %s\npictures  %s\npage      %s\n",
		at("report.md"), at("table.tex"), at(results), at("*.svg *.pdf *.png"), at(pageFile)), undrawn
}

// firstFigures draws the first figure of each kind, named by it. The error is of
// those that cannot be drawn.
func firstFigures(s *Set, ks []FigureKind) ([]figure.Figure, error) {
	var out []figure.Figure
	var errs []error
	for _, k := range ks {
		fs, err := k.Figures(s)
		errs = append(errs, err)
		if len(fs) > 0 {
			fs[0].Name = k.Name
			out = append(out, fs[0])
		}
	}
	return out, errors.Join(errs...)
}

// writeMarkdown writes report.md: figures by the names of their files, then
// tables.
func writeMarkdown(w io.Writer, s *Set, figures []figure.Figure, tables []table.Table) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# What an observer still learns, and what hiding it costs\n\n%s\n\n", table.EscapeMarkdown(s.Provenance()))
	for _, f := range figures {
		fmt.Fprintf(&b, "![%s](%s.svg)\n\n%s\n\n", table.EscapeMarkdown(f.Title), f.Name, table.EscapeMarkdown(f.Caption))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return table.Write(w, table.Markdown, tables)
}

// Provenance is one sentence on where the numbers come from.
func (s *Set) Provenance() string {
	var splits, sets []string
	for _, r := range s.Results {
		splits = append(splits, string(r.Cell.Split))
		name := s.DataName(r.Cell.Dataset)
		if s.Generated[r.Cell.Dataset] {
			name += " (generated)"
		}
		sets = append(sets, name)
	}
	text := fmt.Sprintf("%d cells, %d of them failed", len(s.Results), s.Failed)
	if n := len(s.Planted); n > 0 { // the fingerprint counts them too
		text += fmt.Sprintf(", and %d that look for canaries", n)
	}
	text += fmt.Sprintf("; data %s; split %s; seed %s.", List(sets), List(splits), s.Seeds())
	if s.Options.Fingerprint != "" {
		text += " " + FirstUpper(s.Options.Fingerprint) + "."
	}
	return text
}

// Seeds lists the seeds of the results.
func (s *Set) Seeds() string {
	// Every caption asks, and there is hardly ever more than one.
	seeds := map[uint64]bool{}
	for i := range s.Results {
		seeds[s.Results[i].Cell.Seed] = true
	}
	var out []string
	for seed := range seeds {
		out = append(out, fmt.Sprint(seed))
	}
	return List(out)
}

// List joins the distinct values of v in order, the first eight of many.
func List(v []string) string {
	v = Distinct(v)
	if len(v) > 8 {
		return fmt.Sprintf("%s and %d more", strings.Join(v[:8], ", "), len(v)-8)
	}
	return strings.Join(v, ", ")
}

// Distinct returns the sorted values of v, each once. v is not modified.
func Distinct(v []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(v)))
}
