// Package dossier writes one document about a run for a technical file: what was
// tried, against whom, on which data, with which outcome, at what cost, and how
// anybody makes it again. It says nothing of any law: a table that its reader edits
// maps its sections to the rules that the reader answers to.
//
// Of makes the sections, WriteHTML and WriteMarkdown write them.
package dossier

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/gate"
	"veilbench/reports/table"
	"veilbench/reports/tables"
	"veilbench/reports/tex"
)

// Options are what a run does not know of itself.
type Options struct {
	// Run is the name of its folder, for commands; a shell reads it as one word. Budget the file of the limits and
	// Lines the verdicts on them, nil without one.
	Run, Budget string
	Lines       []gate.Line
	// ClassLimit is the largest share of the events of one class that the best attack
	// may name right, nil for none.
	ClassLimit *float64
	// Whole is the run where the document is about one defense of it, for its digest;
	// nil where it is about all.
	Whole *reports.Set
}

// Document is sections in the order of reading.
type Document struct {
	Title, Under string
	Sections     []Section
}

// Section is a heading with what stands below it.
type Section struct {
	Title  string
	Text   []string
	List   []string
	Tables []table.Table
	// Edit lets the reader fill in the cells.
	Edit bool
}

// Of makes the document of a run.
func Of(s *reports.Set, o Options) (Document, error) {
	d := Document{
		Title: "Traffic analysis of a smart home: what was tested and found",
		Under: strings.TrimPrefix(s.Options.Program+". "+s.Provenance(), ". "),
	}
	hashes, err := hashes(cmp.Or(o.Whole, s))
	if err != nil {
		return d, err
	}
	d.Sections = []Section{
		about(), scope(s), threat(s), card(s), verdicts(s, o), classes(s, o), costs(s), limits(s), hashes, again(s, o), mapping(),
	}
	for i := range d.Sections {
		d.Sections[i].Title = fmt.Sprintf("%d. %s", i+1, d.Sections[i].Title)
	}
	return d, nil
}

// fields are rows of two cells, the second for the reader to fill in.
func fields(names ...string) [][]table.Value {
	var out [][]table.Value
	for _, n := range names {
		out = append(out, []table.Value{table.Word(n), table.Word("")})
	}
	return out
}

func about() Section {
	return Section{
		Title: "Product and responsibility", Edit: true,
		Text:   []string{"To be filled in by whoever keeps this file."},
		Tables: []table.Table{{Columns: table.Columns("field", "value"), Rows: fields("product and version", "firmware or build", "responsible person", "date of the assessment", "kept until")}},
	}
}

func scope(s *reports.Set) Section {
	var tasks, places []string
	for _, p := range s.Panels {
		tasks, places = append(tasks, reports.TaskName(p.Task)), append(places, reports.WhereName(p.Vantage))
	}
	return Section{
		Title: "Scope",
		Text: []string{
			fmt.Sprintf("Tested is what an observer %s of encrypted traffic learns of %s, without a defense and behind each defense listed here. Content of packets is not looked at.", reports.List(places), reports.List(tasks)),
			"Not tested: attacks on encryption, on devices, on apps or clouds, and observers at other places than those named.",
		},
		Tables: tex.Parameters.Tables(s),
	}
}

// threat says who the observer is, from what the results say of each attacker.
func threat(s *reports.Set) Section {
	sec := Section{Title: "Threat model", Text: []string{"The observer is passive: it sees when packets pass, how large they are and in which direction, and the headers that are visible at its place. It has trained on labeled traffic of the same kinds of devices."}}
	for _, v := range s.Vantages() {
		sec.List = append(sec.List, "Place: "+reports.WhereName(v)+" ("+string(v)+").")
	}
	meaning := map[results.Knowledge]string{
		results.Unaware:  "does not know of the defense: it is trained on traffic without it",
		results.Adaptive: "knows the defense and is trained on traffic behind it",
		results.Transfer: "is trained on traffic behind another defense",
	}
	for _, k := range []results.Knowledge{results.Unaware, results.Adaptive, results.Transfer} {
		if slices.ContainsFunc(s.Results, func(r results.Result) bool { return r.Cell.Knowledge == k }) {
			sec.List = append(sec.List, fmt.Sprintf("Knowledge %s: the attacker %s.", k, meaning[k]))
		}
	}
	sec.List = append(sec.List, "What counts is the best attack of those listed in the scope, whatever it knows.")
	return sec
}

func card(s *reports.Set) Section {
	sec := Section{Title: "Data card", Tables: slices.Concat(tex.Data.Tables(s), tables.Doubts.Tables(s))}
	sec.Text = s.Stamps(s.Panels...)
	sec.List = []string{"Splits keep all recordings of a group (a home, a session, a day) on one side: training never sees the group that is tested, unless a split says within."}
	return sec
}

// verdicts are those of each limit, or without a budget the headline alone.
func verdicts(s *reports.Set, o Options) Section {
	sec := Section{
		Title: "Verdict for each task",
		Text:  []string{"An advantage is how far the best attack is above what needs no look at the traffic: 0 is nothing learned, 1 everything. Where nothing shows that an attack works at all behind a defense, the word is no evidence, and that is no pass."},
	}
	if o.Lines != nil {
		t := table.Table{Title: "Limits of " + o.Budget, Columns: table.Columns("limit", "verdict", "of", "found")}
		for _, l := range o.Lines {
			t.Rows = append(t.Rows, []table.Value{table.Word(l.Rule), {Text: string(l.State), Bad: l.State.Missed()}, table.Word(l.Name), table.Word(l.Detail)})
		}
		sec.Tables = append(sec.Tables, t)
	} else {
		sec.Text = append(sec.Text, "No budget was stated, so figures have no verdict (--budget names one).")
	}
	sec.Tables = append(sec.Tables, tex.Paper.Tables(s)...)
	return sec
}

// costs are of each data set once: no attack changes them.
func costs(s *reports.Set) Section {
	return Section{
		Title: "Costs",
		Text:  []string{"Worked out by the harness from an account of every byte, behind the home's access line."},
		// The further definitions of overhead are for papers.
		Tables: tables.Costs.Tables(s),
	}
}

// limits are all that makes the figures say less than they seem to.
func limits(s *reports.Set) Section {
	sec := Section{Title: "Limits", List: []string{
		"Figures are of the attacks that were tried. A better one may exist, and then more is learned than is said here.",
		"Figures are of these devices, homes and days. " + reports.AboutTraining,
		"A figure below a limit is no proof of privacy, and a verdict is no statement on conformity with any rule.",
	}}
	sec.List = append(sec.List, s.Alarms()...)
	sec.List = append(sec.List, s.CheckNotes()...)
	if s.Failed > 0 {
		sec.List = append(sec.List, fmt.Sprintf("%d of %d cells failed.", s.Failed, len(s.Results)))
	}
	for _, p := range s.Panels {
		sec.List = append(sec.List, s.Stamps(p)...)
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			if why, ok := s.Why(at); ok {
				sec.List = append(sec.List, reports.NoEvidence+" on "+s.About(p)+": "+why.String())
			}
			general, weak := s.Doubts(at)
			for _, w := range slices.Concat(general, weak) {
				sec.List = append(sec.List, s.Label(d)+", "+w)
			}
		}
	}

	// Panels of one run share most of their doubts.
	var once []string
	for _, l := range sec.List {
		if !slices.Contains(once, l) {
			once = append(once, l)
		}
	}
	sec.List = once
	return sec
}

// hashes name the bytes that the document is about.
func hashes(s *reports.Set) (Section, error) {
	h := sha256.New()
	if err := s.WriteResults(h); err != nil {
		return Section{}, err
	}
	t := table.Table{Title: "SHA-256", Columns: table.Columns("of", "digest")}
	if print := s.Options.Fingerprint; print != "" {
		t.Rows = append(t.Rows, []table.Value{table.Word("results, in one line"), table.Word(print)})
	}
	t.Rows = append(t.Rows, []table.Value{table.Word("results.csv, every figure of every cell"), table.Word(hex.EncodeToString(h.Sum(nil)))})
	if m := s.Options.Manifest; m != nil {
		for _, d := range m.Data {
			t.Rows = append(t.Rows, []table.Value{table.Word("data " + s.DataName(d.Name)), table.Word(d.Digest)})
		}
		t.Notes = append(t.Notes, fmt.Sprintf("Program %s built by %s, methods version %d, %s, kernel class %s. Figures of neural networks are the same bytes within one kernel class.", m.Version, m.Go, m.Method, m.Arch, m.Kernel))
	}
	return Section{Title: "Versions and hashes", Tables: []table.Table{t}}, nil
}

func again(s *reports.Set, o Options) Section {
	run := word(o.Run)
	sec := Section{
		Title: "How to reproduce", Text: []string{"With the program named above:"},
		List: []string{
			"veilbench verify " + run + " --sample 20 (computes 20 cells again and compares bytes)",
			"veilbench report " + run + " --format csv | sha256sum (gives the digest of the results above)",
			"veilbench artifact " + run + " --out artifact (a folder that makes everything again on a machine with Go and git)",
		},
	}
	if o.Budget != "" {
		sec.List = append(sec.List, "veilbench gate "+run+" --budget "+word(o.Budget)+" (the verdicts)")
	}
	if print := s.Options.Fingerprint; print != "" {
		sec.List = append(sec.List, "veilbench verify "+run+" --against "+word(print)+" (compares one line, computes nothing)")
	}
	return sec
}

// word is a name as a shell reads it.
func word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_=./:,+@%", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// mapping is for the reader to edit: what it begins with names hooks that vendors
// are asked about, and claims nothing.
func mapping() Section {
	t := table.Table{Columns: table.Columns("rule", "what it asks for", "sections here", "remarks of the reader")}
	for _, r := range [][3]string{
		{"(EU) 2024/2847, Annex I, Part I (2)(e)", "confidentiality of transmitted data", "3, 5, 6"},
		{"(EU) 2024/2847, Annex VII", "risk assessment, test reports", "2 to 10"},
		{"EN 18031-2", "privacy assets and their protection", "2, 3, 6"},
		{"ETSI EN 303 645, 5.8; TS 103 701", "personal data in transit", "4, 5, 6"},
		{"NIST IR 8425", "data protection", "5, 6, 8"},
		{"(EU) 2016/679, Article 35", "likelihood that activity is inferred", "5, 6, 8"},
		{"", "", ""},
		{"", "", ""},
	} {
		t.Rows = append(t.Rows, []table.Value{table.Word(r[0]), table.Word(r[1]), table.Word(r[2]), table.Word("")})
	}
	return Section{
		Title: "Rules and sections", Edit: true,
		Text:   []string{"A start to be edited: click into a cell, or change the Markdown. It says where a question may find material, and not that a rule applies or is met."},
		Tables: []table.Table{t},
	}
}
