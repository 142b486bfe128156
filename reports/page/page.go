// Package page writes report.html: one page that holds everything, loads
// nothing and sends nothing.
package page

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/table"
	"veilbench/reports/tables"
	"veilbench/reports/tex"
)

var (
	//go:embed page.tmpl
	pageSource string
	//go:embed page.css
	style string
	//go:embed page.js
	script string

	pageTemplate = template.Must(template.New("page").Parse(pageSource))
)

// content is what the template sees.
type content struct {
	CSS             template.CSS
	JS              template.JS
	CSSHash, JSHash string
	Provenance      string
	Results         string // their fingerprint, for the files that the page makes
	Answers         []string
	Alarms          []string
	Trust           string
	Questions       []link
	Sections        []section
	// Pictures are all figures of the sections and their font, Events the lists of
	// what the best attacks made of each event, both JSON as gzip in base64: they are
	// much alike, and ten times as long by themselves.
	Pictures, Events template.HTML
}

// link leads to a section.
type link struct{ ID, Title string }

// section is a part of the page with its own heading.
type section struct {
	ID, Title, Lead string
	Figures         []picture
	Panels, Hidden  []string // what the figures are of, to choose from
	Paper           bool     // is printed
	Tables          []template.HTML
	Screen          []template.HTML // tables for which there is no room on paper
	Pre             string
	// Events, Mine and Earlier have fields: to choose a list of events, to say how much
	// a home of one's own sends, and to choose the page of an earlier run.
	Events, Mine, Earlier bool
}

// Count is how many tables a section has.
func (x section) Count() int { return len(x.Tables) + len(x.Screen) }

// picture is a figure as part of the page.
type picture struct {
	Title          string
	Panel, Defense string // what it is of; empty where it is of all
	Paper          bool   // is printed
}

// packedPicture is what page.js puts into the place of a picture: its SVG, its
// caption and the names that this uses in full. Captions are packed too, for
// most of their words are the same.
type packedPicture struct {
	SVG     string `json:"svg"`
	Caption string `json:"caption"`
	Names   string `json:"names,omitempty"`
}

// Write writes one self-contained HTML page: the answer and the headline first,
// then every kind of table, figures, the self-check and the manifest.
func Write(w io.Writer, s *reports.Set) error {
	return write(w, s, tables.All(), figures.All())
}

// write is Write of the given kinds. The first kind of tables is the headline.
func write(w io.Writer, s *reports.Set, ts []reports.TableKind, fs []reports.FigureKind) error {
	all, svgs, err := sections(s, ts, fs)
	if err != nil {
		return err
	}
	pictures, err := packed(svgs)
	if err != nil {
		return err
	}
	events, err := packJSON(eventsOf(s))
	if err != nil {
		return err
	}
	c := content{
		Events: events,
		CSS:    template.CSS(style), JS: template.JS(script), CSSHash: hash(style), JSHash: hash(script),
		Provenance: s.Provenance(), Results: s.Options.Fingerprint, Answers: reports.PerPanel(answers)(s), Alarms: s.Alarms(), Trust: trust(s), Sections: all, Pictures: pictures,
	}
	if s.Failed > 0 {
		c.Alarms = append(c.Alarms, fmt.Sprintf("%d of %d cells failed; they are shown as failed and are in no mean.", s.Failed, len(s.Results)))
	}

	// A page holds more than anyone reads on paper: the answer and what carries it is
	// printed.
	for i := range all {
		all[i].Paper = slices.Contains([]string{tables.Headline.Name, rankingID, tables.HeadlineAttacks.Name, tables.Costs.Name, tables.People.Name, tables.FailedCells.Name, tables.Warnings.Name, figuresID, selfCheckID}, all[i].ID)
	}

	// What people come with, as links to what answers it here.
	for _, q := range []link{
		{tables.Headline.Name, "Which defense is best for what it costs?"},
		{rankingID, "Which ones are as good?"},
		{acrossID, "Does it hold across data sets?"},
		{tables.Tests.Name, "Is one better than another?"},
		{tables.PerActivity.Name, "What leaks of each activity?"},
		{tables.People.Name, "What does it say about people?"},
		{tables.PerDevice.Name, "What leaks of each device?"},
		{tables.Costs.Name, "What does it cost a month?"},
		{tables.Evidence.Name, "Is a low score earned?"},
		{figuresID, "What does it look like?"},
		{eventsID, "Which event was found?"},
		{tables.HeadlineAttacks.Name, "Whose floor is it?"},
		{tex.Data.Name, "Which data are these?"},
		{assumedID, "What was assumed?"},
		{selfCheckID, "Can it be trusted?"},
		{citeID, "How do I cite it?"},
		{reproduceID, "How do I reproduce it?"},
		{changedID, "What changed since?"},
	} {
		if slices.ContainsFunc(all, func(p section) bool { return p.ID == q.ID }) {
			c.Questions = append(c.Questions, q)
		}
	}
	return pageTemplate.Execute(w, c)
}

// hash is how a content security policy names what may run.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const generatedMeans = "the generator rests on the same published figures of devices as the attacks, so such results test defenses against each other but are no evidence of what real homes leak."

// trust says in a few words what the figures rest on.
func trust(s *reports.Set) string {
	var out []string
	passed := 0
	for _, v := range s.Options.SelfCheck {
		if v.OK {
			passed++
		}
	}
	if n := len(s.Options.SelfCheck); n > 0 {
		out = append(out, fmt.Sprintf("The self-check of the harness passed %d of %d tests.", passed, n))
	}

	// Who reads one number of a generated home should not take it for a finding
	// on real ones.
	made, recorded := 0, 0
	for _, generated := range s.Generated {
		if generated {
			made++
		} else {
			recorded++
		}
	}
	switch {
	case made > 0 && recorded > 0:
		out = append(out, "Part of the data is generated: "+generatedMeans)
	case made > 0:
		out = append(out, "All data are generated: "+generatedMeans)
	}
	return strings.Join(out, " ")
}

const (
	selfCheckID = "self-check"
	figuresID   = "figures"
)

// How many rows are printed: of a table, which page.css cuts off, and of a section, but
// for its first table.
const (
	tablePrinted   = 25
	sectionPrinted = 40
)

// builder collects sections and keeps the first error.
type builder struct {
	s   *reports.Set
	out []section
	err error
}

// kind adds a section of what k draws, if that is anything.
func (b *builder) kind(x section, k reports.TableKind) {
	b.tables(x, k, func(i int) string { return fmt.Sprintf("t-%s-%d", k.Name, i+1) })
}

// tables is kind with other IDs.
func (b *builder) tables(x section, k reports.TableKind, id func(int) string) {
	rows := 0
	for i, t := range k.Tables(b.s) {
		// What short names stand for is a section of its own: below each of two hundred
		// tables it was a twelfth of a page.
		notes := slices.DeleteFunc(slices.Clone(t.Notes), func(n string) bool { return strings.HasPrefix(n, table.InFull) })
		short := len(notes) < len(t.Notes)
		t.Notes = notes
		var html strings.Builder
		b.err = cmp.Or(b.err, table.Fragment(&html, id(i), t))
		if short {
			html.WriteString(`<p class="data"><a href="#` + tex.Parameters.Name + `">Names in full</a></p>`)
		}

		// With many data sets and places the same table comes a dozen times, and would fill
		// more sheets than anyone prints.
		to := &x.Tables
		if rows += min(len(t.Rows), tablePrinted); i > 0 && rows > sectionPrinted {
			to = &x.Screen
		}
		*to = append(*to, template.HTML(html.String())) // Fragment escapes
	}
	if len(x.Tables) > 0 {
		b.out = append(b.out, x)
	}
}

// sections are the parts of the page in order; empty ones are left out, but for
// the self-check: that there was none is worth knowing.
// What their figures show is apart, in the order of reading.
func sections(s *reports.Set, ts []reports.TableKind, fs []reports.FigureKind) ([]section, []packedPicture, error) {
	b := builder{s: s}
	b.kind(section{ID: ts[0].Name, Title: "Headline", Lead: "For each defense, how much better than guessing the best attack is that may know everything about it (0: nothing is learned, 1: everything; no evidence: nothing is known, for the attacks may be to blame), between which bounds that lies, and what the defense costs: bytes added, delay p95 (19 of 20 packets are delayed by no more) and what it adds to the line in 30 days. Select a heading to sort."}, ts[0])
	b.kind(section{ID: rankingID, Title: "Ranks", Lead: "Which defenses leak least, with the attack that each figure is of and what it rests on. No test tells those of overlapping ranks apart here; the table tests compares two by their groups."}, reports.TableKind{Name: rankingID, Draw: reports.PerPanel(rankings)})

	// The two tables that no kind of a report stands for have plain IDs.
	plain := func(k reports.TableKind) func(int) string { return func(int) string { return k.Name } }
	b.tables(section{ID: "every-pair", Title: "Every defense and attack", Lead: "One row for each attacker and defense. The column evidence says what a low score rests on. Select a heading to sort; type words to filter."}, tables.Pairs, plain(tables.Pairs))
	b.kind(section{ID: acrossID, Title: "Across data sets"}, reports.TableKind{Name: acrossID, Draw: across})
	for _, k := range ts[1:] {
		if k.Name == tex.Paper.Name || k.Name == tables.WorstAttack.Name {
			continue // the headline and the ranks say the same
		}
		b.kind(section{ID: k.Name, Title: reports.FirstUpper(k.Doc), Mine: k.Name == tables.Costs.Name}, k)
	}
	if len(eventsOf(s).Lists) > 0 {
		b.out = append(b.out, section{ID: eventsID, Title: "Events one by one", Events: true, Lead: "What happened, when, and what the best attack on the chosen defense made of it, with its own score. Of many events every so many are listed, and of false alarms those that the attack was surest of."})
	}

	pictures, svgs, left := drawFigures(s, fs)
	if len(pictures) > 0 || left != "" {
		x := section{ID: figuresID, Title: "Figures", Lead: left, Figures: pictures}
		for _, p := range pictures {
			if p.Panel != "" && !slices.Contains(x.Panels, p.Panel) {
				x.Panels = append(x.Panels, p.Panel)
			}
			if p.Defense != "" && !slices.Contains(x.Hidden, p.Defense) {
				x.Hidden = append(x.Hidden, p.Defense)
			}
		}
		b.out = append(b.out, x)
	}
	check := section{ID: selfCheckID, Title: "Self-check of the harness"}
	if len(s.Options.SelfCheck) == 0 {
		check.Lead = "No self-check is stored with these results."
		b.out = append(b.out, check)
	}
	b.tables(check, tables.SelfCheck, plain(tables.SelfCheck))
	b.kind(section{ID: assumedID, Title: "What was assumed"}, reports.TableKind{Name: assumedID, Draw: assumed})
	b.kind(section{ID: reproduceID, Title: "How to reproduce it"}, reports.TableKind{Name: reproduceID, Draw: reproduce})
	b.out = append(b.out, section{ID: changedID, Title: "What changed since an earlier run", Earlier: true, Lead: "Choose the report.html of the earlier run: the cells of both headlines are compared here, and nothing leaves this page. \u201cveilbench compare BEFORE AFTER\u201d adds a paired test to each."})
	if text := s.Options.Bibliography; text != "" {
		b.out = append(b.out, section{ID: citeID, Title: "How to cite it", Lead: "BibTeX of the program, the defenses, the attacks and the data of these results.", Pre: text})
	}
	return append(b.out, section{ID: "manifest", Title: "Manifest", Lead: "What is needed to compute the same results again.", Pre: manifest(s)}), svgs, b.err
}

// figuresShown is how many figures of a kind a page holds.
const figuresShown = 40

// drawFigures draws the figures, and says what there is no room for.
func drawFigures(s *reports.Set, kinds []reports.FigureKind) (out []picture, packed []packedPicture, left string) {
	for _, k := range kinds {
		// What cannot be drawn is said in the place of the picture: the page has more
		// to tell.
		fs, err := k.Figures(s)
		if err != nil {
			left += err.Error() + ". "
		}
		if n := len(fs) - figuresShown; n > 0 {
			left += fmt.Sprintf("%d more of the kind %s are not on this page: veilbench report DIR --figure %s --task TASK --defense ID. ", n, k.Name, k.Name)
			fs = fs[:figuresShown]
		}

		// Of each data set and task the main kinds are printed, one picture of each.
		before, main := len(out), slices.ContainsFunc(figures.Main(), func(m reports.FigureKind) bool { return m.Name == k.Name })
		for _, f := range fs {
			// Title and caption stand beside the picture, and need not be in it as well.
			title := f.Title
			caption, names, _ := strings.Cut(f.Caption, " "+table.InFull)
			f.Title, f.Caption = "", ""
			var b strings.Builder
			if err := reports.Draw(&b, f, figure.Inline, 0); err != nil {
				left += err.Error() + ". "
				continue
			}
			packed = append(packed, packedPicture{b.String(), caption, names})
			panel := panelOf(s, title)
			first := !slices.ContainsFunc(out[before:], func(x picture) bool { return x.Panel == panel })
			out = append(out, picture{title, panel, f.Defense, first && main})
		}
	}
	return out, packed, strings.TrimSpace(left)
}

// panelOf is the panel that a figure's title names, none where it is of several.
func panelOf(s *reports.Set, title string) string {
	for _, p := range s.Panels {
		if about := s.About(p); strings.Contains(title, about) {
			return about
		}
	}
	return ""
}

// packed is what page.js unpacks into the pictures of the page, in order, with
// the font of their letters.
func packed(pictures []packedPicture) (template.HTML, error) {
	if len(pictures) == 0 {
		return "", nil
	}

	// Titles and captions are set in the page's own type: the font needs only what
	// stands in the pictures.
	var letters strings.Builder
	for _, p := range pictures {
		letters.WriteString(p.SVG)
	}
	font, err := figure.Font(letters.String())
	if err != nil {
		return "", err
	}
	all := struct {
		Name string          `json:"name"`
		Font []byte          `json:"font"`
		All  []packedPicture `json:"all"`
	}{figure.FontName, font, pictures}
	return packJSON(all)
}

// manifest is what the results themselves say of how they were made.
func manifest(s *reports.Set) string {
	data := map[string]string{}
	var methods, ids []string

	// Merged folders have no manifest of a run, so this one is made of the cells.
	for _, r := range s.Results {
		data[r.Cell.Dataset] = r.Data
		methods = append(methods, fmt.Sprint(r.Method))
		ids = append(ids, r.Cell.Defense, r.Cell.Attack)
	}

	m := struct {
		Program string            `json:"drawn_by,omitempty"`
		Cells   int               `json:"cells"`
		Failed  int               `json:"failed"`
		Method  string            `json:"method"`
		Seeds   string            `json:"seeds"`
		Data    map[string]string `json:"data_digests"`
		Names   []string          `json:"defenses_and_attacks"`
		Run     *results.Manifest `json:"run,omitempty"`
	}{s.Options.Program, len(s.Results), s.Failed, reports.List(methods), s.Seeds(), data, reports.Distinct(ids), s.Options.Manifest}
	b, err := json.MarshalIndent(m, "", "  ") // keys of maps are sorted
	if err != nil {
		return err.Error()
	}
	return string(b)
}
