package reports

import (
	"bytes"
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
)

var (
	//go:embed page.tmpl
	pageTemplate string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// pageData is what the template sees.
type pageData struct {
	CSS             template.CSS
	JS              template.JS
	CSSHash, JSHash string
	Provenance      string
	Alarms          []string
	Trust           string
	Questions       []pageLink
	Sections        []pageSection
}

// pageLink leads to a section.
type pageLink struct{ ID, Title string }

// pageSection is a part of the page with its own heading.
type pageSection struct {
	ID, Title, Lead string
	Figures         []pageFigure
	Tables          []pageTable
	Pre             string
}

type pageFigure struct {
	Source         template.URL
	Title, Caption string
	Names          string // that the caption uses, in full
	Width, Height  int    // so that nothing moves once the picture is there
}

// pageTable is a Table whose cells are markup already: a template per cell
// would be slow for ten thousand rows.
type pageTable struct {
	ID, Title string
	Columns   []Column
	Rows      [][]template.HTML
	Notes     []string
	Names     string // that the table uses, in full
	Filter    bool
}

// filterFrom is from how many rows on a table gets a field to filter by;
// shownRows is how many of them are shown before all are asked for.
const (
	filterFrom = 12
	shownRows  = 500
)

// Shown is how many rows are shown at first.
func (pageTable) Shown() int { return shownRows }

// Most is Shown where there are more rows, else 0.
func (t pageTable) Most() int {
	if len(t.Rows) > shownRows {
		return shownRows
	}
	return 0
}

// WritePage writes one self-contained HTML page: the headline first, then
// figures, every pair of defense and attack, costs, warnings, the self-check
// and the manifest. It loads nothing and sends nothing.
func (s *Set) WritePage(w io.Writer) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	d := pageData{
		CSS: template.CSS(pageStyle), JS: template.JS(pageScript), CSSHash: hash(pageStyle), JSHash: hash(pageScript),
		Provenance: s.provenance(),
	}
	for _, v := range s.opt.SelfCheck {
		if !v.OK {
			d.Alarms = append(d.Alarms, "SELF-CHECK FAILED: "+v.Name+": "+v.Detail)
		}
	}
	d.Alarms = append(d.Alarms, s.probeAlarms()...)
	if s.failed > 0 {
		d.Alarms = append(d.Alarms, fmt.Sprintf("%d of %d cells failed; they are shown as failed and are in no mean.", s.failed, len(s.results)))
	}
	d.Trust = s.trust()
	if d.Sections, err = s.sections(); err != nil {
		return err
	}
	for _, q := range []pageLink{
		{"headline", "Which defense is best for what it costs?"},
		{"tests", "Is one better than another?"},
		{"per-activity", "What leaks of each activity?"},
		{"per-device", "What leaks of each device?"},
		{"costs", "What does it cost a month?"},
		{"self-check", "Can it be trusted?"},
	} {
		if slices.ContainsFunc(d.Sections, func(p pageSection) bool { return p.ID == q.ID }) {
			d.Questions = append(d.Questions, q)
		}
	}
	return t.Execute(w, d)
}

// trust says in a few words what the figures rest on.
func (s *Set) trust() string {
	var out []string
	passed := 0
	for _, v := range s.opt.SelfCheck {
		if v.OK {
			passed++
		}
	}
	if n := len(s.opt.SelfCheck); n > 0 {
		out = append(out, fmt.Sprintf("The self-check of the harness passed %d of %d tests.", passed, n))
	}
	made, recorded := 0, 0
	for _, generated := range s.generated {
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

const generatedMeans = "the generator rests on the same published figures of devices as the attacks, so such results test defenses against each other but are no evidence of what real homes leak."

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// sections are the parts of the page in order; empty ones are left out.
func (s *Set) sections() ([]pageSection, error) {
	all := []pageSection{
		{ID: "headline", Title: "Headline", Lead: "For each defense, how much better than guessing the best attack is that may know everything about it (0: nothing is learned, 1: everything), between which bounds that lies, and what the defense costs: bytes added, delay p95 (19 of 20 packets are delayed by no more) and what it adds to the line in 30 days. Select a heading to sort.", Tables: s.pageTables("headline")},
		{ID: "figures", Title: "Figures"},
		{ID: "every-pair", Title: "Every defense and attack", Lead: "One row for each attacker and defense. Select a heading to sort; type words to filter.", Tables: []pageTable{pageTableOf("pairs", s.pairsTable())}},
	}
	for _, k := range tableKinds() {
		if k.name != "headline" {
			all = append(all, pageSection{ID: k.name, Title: firstUpper(k.doc), Tables: s.pageTables(k.name)})
		}
	}
	check := pageSection{ID: "self-check", Title: "Self-check of the harness", Lead: "No self-check is stored with these results."}
	if len(s.opt.SelfCheck) > 0 {
		check.Lead = ""
		check.Tables = []pageTable{pageTableOf("checks", s.checksTable())}
	}
	all = append(all, check, pageSection{ID: "manifest", Title: "Manifest", Lead: "What is needed to compute the same results again.", Pre: s.manifest()})
	var err error
	if all[1].Figures, all[1].Lead, err = s.pageFigures(); err != nil {
		return nil, err
	}
	var out []pageSection
	for _, p := range all {
		if len(p.Figures)+len(p.Tables) > 0 || p.Lead+p.Pre != "" && len(p.Tables) == 0 && p.ID != "figures" {
			out = append(out, p)
		}
	}
	return out, nil
}

// figuresShown is how many figures of a kind a page holds.
const figuresShown = 40

// pageFigures draws the figures, and says what there is no room for.
func (s *Set) pageFigures() (out []pageFigure, left string, err error) {
	for _, k := range figureKinds() {
		fs := s.Figures(k.name)
		if n := len(fs) - figuresShown; n > 0 {
			left += fmt.Sprintf("%d more of the kind %s are not on this page: veilbench report DIR --figure %s --task TASK --defense ID. ", n, k.name, k.name)
			fs = fs[:figuresShown]
		}
		for _, f := range fs {
			var b bytes.Buffer
			if err := f.Write(&b, SVG, 0); err != nil {
				return nil, "", err
			}
			src := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
			caption, names, _ := strings.Cut(f.Caption, " "+inFull)
			out = append(out, pageFigure{template.URL(src), f.Title, caption, names, int(f.Width()), int(f.height(f.Width()))})
		}
	}
	return out, strings.TrimSpace(left), nil
}

func (s *Set) pageTables(name string) []pageTable {
	var out []pageTable
	for i, t := range s.Tables(name) {
		out = append(out, pageTableOf(fmt.Sprintf("t-%s-%d", name, i+1), t))
	}
	return out
}

func pageTableOf(id string, t Table) pageTable {
	p := pageTable{ID: id, Title: t.Title, Columns: t.Columns, Filter: len(t.Rows) >= filterFrom}
	for _, n := range t.Notes {
		if names, ok := strings.CutPrefix(n, inFull); ok {
			p.Names = names
		} else {
			p.Notes = append(p.Notes, n)
		}
	}
	var b strings.Builder
	for _, row := range t.Rows {
		cells := make([]template.HTML, len(row))
		for i, v := range row {
			b.Reset()
			tag := "td"
			if i == 0 {
				tag = `th scope="row"`
			}
			b.WriteString("<" + tag)
			class := ""
			if t.Columns[i].Num {
				class = "n"
				num := ""
				if v.OK {
					num = full(v.Num)
				}
				fmt.Fprintf(&b, ` data-v="%s"`, num)
			}
			if strings.HasPrefix(v.Text, "failed") || v.Text == "FAIL" {
				class = strings.TrimSpace(class + " bad")
			}
			if class != "" {
				fmt.Fprintf(&b, ` class="%s"`, class)
			}
			b.WriteString(">" + template.HTMLEscapeString(plain(v.Text)) + "</" + tag[:2] + ">")
			cells[i] = template.HTML(b.String())
		}
		p.Rows = append(p.Rows, cells)
	}
	return p
}

// pairsTable has a row for each attacker on each defense of each panel.
func (s *Set) pairsTable() Table {
	t := Table{Name: "pairs", Title: "Every defense and attack", Columns: []Column{
		{Head: "defense"},
		{Head: "attack"},
		{Head: "knows"},
		{Head: "task"},
		{Head: "data"},
		{Head: "seen from"},
		{Head: "metric"},
		{Head: "score", Num: true},
		{Head: "floor", Num: true},
		{Head: "advantage", Num: true},
		{Head: "bytes", Num: true},
		{Head: "delay p95", Num: true},
		{Head: "cells", Num: true},
	}}
	for _, p := range s.panels {
		metric, _ := s.headlineOf(p)
		for _, d := range s.defenses[p] {
			over, delay := s.overhead(p, d), s.delay(p, d)
			for _, a := range s.attackers[p] {
				n := len(s.byPair[pair{p, d, a}])
				if n == 0 {
					continue
				}
				knows := string(a.Knowledge)
				if a.Knowledge == results.Transfer {
					knows += " from " + s.names.of(a.TrainDefense)
				}
				attack := s.names.of(a.Attack)
				if s.control[a.Attack] {
					attack += " (control)"
				}
				o := Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: a}
				floor, gain := o, o
				floor.Metric, gain.Op, gain.Metric = "floor", Gain, "advantage"
				cells := o
				cells.Op = Cells
				data := p.Dataset
				if p.Split.Within() {
					data += " (within)"
				}
				t.Rows = append(t.Rows, []Value{
					s.defenseLabel(d), word(attack), word(knows), word(taskName(p.Task)), word(data), word(string(p.Vantage)), word(metricName(metric)),
					s.value(o, score), s.value(floor, score), s.value(gain, score), over, delay, number(float64(n), amount).of(cells),
				})
			}
		}
	}
	t.Notes = s.stamps(s.panels...)
	return t
}

func (s *Set) checksTable() Table {
	t := Table{Name: "checks", Title: "Self-check", Columns: []Column{{Head: "check"}, {Head: "verdict"}, {Head: "found"}}}
	for _, v := range s.opt.SelfCheck {
		verdict := "pass"
		if !v.OK {
			verdict = "FAIL"
		}
		t.Rows = append(t.Rows, []Value{word(v.Name), word(verdict), word(v.Detail)})
	}
	return t
}

// manifest is what the results themselves say of how they were made.
func (s *Set) manifest() string {
	data := map[string]string{}
	var methods, ids []string
	for i := range s.results {
		r := &s.results[i]
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
	}{s.opt.Program, len(s.results), s.failed, list(methods), s.seeds(), data, distinct(ids), s.opt.Manifest}
	b, err := json.MarshalIndent(m, "", "  ") // keys of maps are sorted
	if err != nil {
		return err.Error()
	}
	return string(b)
}
