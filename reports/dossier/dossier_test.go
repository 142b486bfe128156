package dossier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/gate"
	"veilbench/reports/internal/golden"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

const print = "results sha256:0123456789abcdef (170 cells, plain kernels)"

// known is a small store of which every figure follows from what reporttest.Unearned
// says of it, with a manifest.
func known() *reports.Set {
	return reports.NewSet(reporttest.Unearned(), reports.Options{
		Program: "veilbench 1.2.3", Fingerprint: print,
		SelfCheck: []results.Verdict{{Name: "planted leak", OK: true}, {Name: "shuffled labels", Detail: "0.4 above its floor"}},
		Manifest: &results.Manifest{
			Version: "1.2.3", Go: "go1.26", Arch: "amd64", Kernel: "plain", Method: 6,
			Data: []results.DataEntry{
				{Name: "home:made_up", Digest: "d0d1d2d3d4d5d6d7", Source: "a generator (of homes)", Size: &results.DataSize{Seconds: 7200, Packets: 1234}},
				{Name: "home:deaf", Digest: "feedfacefeedface", Source: "another"},
			},
		},
	})
}

// of makes the document, or fails.
func document(t *testing.T, s *reports.Set, o Options) Document {
	t.Helper()
	d, err := Of(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// section is the one of a title, without its number.
func section(t *testing.T, d Document, title string) Section {
	t.Helper()
	for _, s := range d.Sections {
		if _, name, _ := strings.Cut(s.Title, ". "); name == title {
			return s
		}
	}
	t.Fatalf("no section %s", title)
	return Section{}
}

// cell is the text at the row and the column of these names, of the table that begins
// with title.
func cell(t *testing.T, s Section, title, row, column string) string {
	t.Helper()
	for _, x := range s.Tables {
		k := slices.IndexFunc(x.Columns, func(c table.Column) bool { return c.Head == column })
		i := slices.IndexFunc(x.Rows, func(r []table.Value) bool { return r[0].Text == row })
		if strings.HasPrefix(x.Title, title) && i >= 0 && k >= 0 {
			return x.Rows[i][k].Text
		}
	}
	t.Fatalf("%s: no %s of %s in %s", s.Title, column, row, title)
	return ""
}

// wants holds lines of a section against what must stand in some of them.
func wants(t *testing.T, s Section, want ...string) {
	t.Helper()
	all := strings.Join(slices.Concat(s.Text, s.List), "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("%s: no %q in\n%s", s.Title, w, all)
		}
	}
}

// Every section that a technical file asks for is there, with what the store holds.
func TestSections(t *testing.T) {
	d := document(t, known(), Options{Run: "out"})
	if want := "veilbench 1.2.3. 170 cells, 0 of them failed, and 15 that look for canaries;"; !strings.HasPrefix(d.Under, want) || !strings.Contains(d.Under, print[1:]) {
		t.Errorf("under the title: %s", d.Under)
	}
	if d := document(t, reports.NewSet(reporttest.Unearned(), reports.Options{}), Options{}); !strings.HasPrefix(d.Under, "170 cells") {
		t.Errorf("without a program: %s", d.Under)
	}

	scope := section(t, d, "Scope")
	wants(t, scope, "outside the home", "inside the home", "learns of events", "Not tested: attacks on encryption")
	if got := cell(t, scope, "Defenses and attacks", "event-forest", "stands for"); got != "event-forest:trees=10" {
		t.Errorf("event-forest stands for %s", got)
	}
	wants(t, section(t, d, "Threat model"), "The observer is passive", "Place: outside the home (wan).", "Place: inside the home (lan).",
		"Knowledge unaware: the attacker does not know", "Knowledge adaptive: the attacker knows the defense")
	for _, l := range section(t, d, "Threat model").List {
		if strings.Contains(l, "transfer") {
			t.Errorf("no attacker was trained on another defense: %s", l)
		}
	}

	card := section(t, d, "Data card")
	for column, want := range map[string]string{"name": "home:made_up", "tasks": "event", "split": "group-kfold:k=5", "hours": "2.00", "packets": "1,234", "digest": "d0d1d2d3d4d5", "source": "a generator"} {
		if got := cell(t, card, "Data", "made_up", column); got != want {
			t.Errorf("%s of the data: %s, want %s", column, got, want)
		}
	}
	if got := cell(t, card, "Data", "deaf", "packets"); got != "–" {
		t.Errorf("packets that nobody counted: %s", got)
	}

	// Ten bytes up and fifteen down for ten each way.
	costs := section(t, d, "Costs")
	if got := cell(t, costs, "Cost of each defense: home:made_up, wan", "earned", "bytes"); got != "+25 %" {
		t.Errorf("bytes: %s", got)
	}
	if got := cell(t, costs, "Cost of each defense: home:made_up, wan", "earned", "GB/month"); got != "n/a" {
		t.Errorf("a month of a minute: %s", got)
	}

	wants(t, section(t, d, "Limits"), "A better one may exist", "no proof of privacy", "SELF-CHECK FAILED: shuffled labels: 0.4 above its floor", "self-check: 1 of 2 passed",
		"event-forest finds 3 of 40 canaries behind blind", "worse, events: event-forest trained worse: it scores 0.10 trained on the defense and 0.50 without")
}

// Titles are numbered from 1 on, and the table of rules names sections that there are
// and that are about it.
func TestRulesNameSections(t *testing.T) {
	d := document(t, known(), Options{Run: "out"})
	for i, s := range d.Sections {
		if !strings.HasPrefix(s.Title, fmt.Sprintf("%d. ", i+1)) {
			t.Errorf("section %d is %s", i+1, s.Title)
		}
	}
	rules := section(t, d, "Rules and sections")
	if !rules.Edit || !section(t, d, "Product and responsibility").Edit || section(t, d, "Costs").Edit {
		t.Error("what is to be filled in can be edited, and nothing else")
	}
	named := map[int]bool{}
	for _, r := range rules.Tables[0].Rows {
		for _, word := range regexp.MustCompile(`\d+`).FindAllString(r[2].Text, -1) {
			n, err := strconv.Atoi(word)
			if err != nil || n < 2 || n > len(d.Sections)-1 {
				t.Errorf("%s: no section %s", r[0].Text, word)
			}
			named[n] = true
		}
		if r[3].Text != "" {
			t.Errorf("%s: a remark that nobody made: %s", r[0].Text, r[3].Text)
		}
	}
	for n, title := range map[int]string{3: "Threat model", 4: "Data card", 5: "Verdict for each task", 6: "Verdict for each class of events", 8: "Limits"} {
		if !named[n] || !strings.HasSuffix(d.Sections[n-1].Title, ". "+title) {
			t.Errorf("rules mean %s by section %d, which is %s", title, n, d.Sections[n-1].Title)
		}
	}

	// It claims nothing: whoever reads a verdict must not read one of a law.
	var b bytes.Buffer
	if err := d.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	claim := regexp.MustCompile(`(?i)\b(compl(y|ies|iant|iance)|conforms|certif\w+|fulfil\w*|satisf(y|ies)|guarantee\w*|legal\w*|is met\b)`)
	for _, found := range claim.FindAllString(strings.ReplaceAll(b.String(), "not that a rule applies or is met", ""), -1) {
		t.Errorf("a claim: %s", found)
	}
	wants(t, rules, "and not that a rule applies or is met")
	wants(t, section(t, d, "Limits"), "a verdict is no statement on conformity with any rule")
}

// A class is found as often as the best attack names it: of the known store always
// lamp/on and never lamp/off, in one event of each of five homes. Nothing is told of
// classes behind a defense of which nothing is known, neither 0 nor a verdict.
func TestClassesHeldAgainstALimit(t *testing.T) {
	limit := 0.3
	sec := section(t, document(t, known(), Options{Run: "out", ClassLimit: &limit}), "Verdict for each class of events")
	const made = "home:made_up, events, seen outside the home"
	for defense, want := range map[string]map[string]*regexp.Regexp{
		"none": {
			"lamp/on": regexp.MustCompile(`^1\.00 \[\.\d\d 1\] above$`), "lamp/off": regexp.MustCompile(`^0\.00 \[0 \.\d\d\] open$`),
		},
		"earned": {
			"lamp/on": regexp.MustCompile(`^1\.00 \[\.\d\d 1\] above$`), "lamp/off": regexp.MustCompile(`^0\.00 \[0 \.\d\d\] open$`),
		},
	} {
		for class, re := range want {
			if got := cell(t, sec, made, class, defense); !re.MatchString(got) {
				t.Errorf("%s behind %s: %s", class, defense, got)
			}
		}
	}
	for _, defense := range []string{"blind", "empty", "mislabeled", "plain"} {
		for _, class := range []string{"lamp/on", "lamp/off"} {
			if got := cell(t, sec, made, class, defense); got != reports.NoEvidence {
				t.Errorf("%s behind %s: %s", class, defense, got)
			}
		}
	}
	if got := cell(t, sec, made, "lamp/off", "tells"); got != "presence, sleep" {
		t.Errorf("lamp/off tells %s", got)
	}
	if got := cell(t, sec, made, "lamp/on", "tested"); got != "5" {
		t.Errorf("%s tested", got)
	}

	// A limit that the upper end keeps, and none at all.
	limit = 0.99
	sec = section(t, document(t, known(), Options{Run: "out", ClassLimit: &limit}), "Verdict for each class of events")
	if got := cell(t, sec, made, "lamp/off", "earned"); !strings.HasSuffix(got, " within") {
		t.Errorf("lamp/off against .99: %s", got)
	}
	sec = section(t, document(t, known(), Options{Run: "out"}), "Verdict for each class of events")
	wants(t, sec, "No limit for a class was stated")
	if got := cell(t, sec, made, "lamp/on", "none"); strings.ContainsAny(got, "aboven") {
		t.Errorf("a verdict without a limit: %s", got)
	}
}

// What was never tested is missing, not 0.
func TestNothingTestedIsNoZero(t *testing.T) {
	var rs []results.Result
	for _, r := range reporttest.Unearned() {
		if r.Cell.Defense == "worse" && r.Cell.Knowledge != results.Planted {
			r.Items = r.Items[:1] // lamp/on alone
		}
		rs = append(rs, r)
	}
	sec := section(t, document(t, reports.NewSet(rs, reports.Options{}), Options{}), "Verdict for each class of events")
	if got := cell(t, sec, "home:made_up, events, seen outside the home", "lamp/off", "worse"); got != "–" {
		t.Errorf("lamp/off behind worse: %s", got)
	}
	var b bytes.Buffer
	d := document(t, reports.NewSet(nil, reports.Options{}), Options{})
	if err := d.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "0.00") || strings.Contains(b.String(), "NaN") {
		t.Error("a figure of no results")
	}
}

// Verdicts are those of the budget's lines, the headline stands below them, and where
// no evidence is it says so.
func TestVerdicts(t *testing.T) {
	s := known()
	lines := []gate.Line{
		{Rule: "advantage", State: "pass", Name: "events under earned", Detail: "0.00 [0 0.26], limit 0.30"},
		{Rule: "advantage", State: gate.State(reports.NoEvidence), Name: "events under blind", Detail: "3 of 40 canaries"},
	}
	sec := section(t, document(t, s, Options{Run: "out", Budget: "b.yaml", Lines: lines}), "Verdict for each task")
	if len(sec.Tables) < 2 || sec.Tables[0].Title != "Limits of b.yaml" || len(sec.Tables[0].Rows) != 2 {
		t.Fatalf("tables %+v", sec.Tables)
	}
	if row := sec.Tables[0].Rows[1]; row[1].Text != reports.NoEvidence || !row[1].Bad || row[3].Text != "3 of 40 canaries" {
		t.Errorf("the line without evidence: %+v", row)
	}
	if sec.Tables[0].Rows[0][1].Bad {
		t.Error("a pass stands out")
	}
	at := reports.Subject{Panel: s.Panels[slices.IndexFunc(s.Panels, func(p reports.Panel) bool { return p.Dataset == "home:made_up" && p.Vantage == datasets.WAN })], Defense: results.NoDefense}
	if got := cell(t, sec, "What the worst attack learns", "none", "events, wan: made_up"); !strings.HasPrefix(got, table.Score(s.Summaries[at].Advantage)+" ") || !strings.HasSuffix(got, reports.BoundsOf(s.Summaries[at])) {
		t.Errorf("none: %s", got)
	}
	if got := cell(t, sec, "What the worst attack learns", "blind", "events, wan: made_up"); !strings.HasPrefix(got, "n/e ") {
		t.Errorf("blind: %s", got)
	}
	wants(t, section(t, document(t, s, Options{Run: "out"}), "Verdict for each task"), "No budget was stated, so figures have no verdict")
}

// Hashes are those of what they name, commands can be typed as they stand, also where
// a folder's name has blanks.
func TestHashesAndCommands(t *testing.T) {
	s := known()
	d := document(t, s, Options{Run: "my run", Budget: "it's.yaml", Lines: []gate.Line{}})
	h := sha256.New()
	if err := s.WriteResults(h); err != nil {
		t.Fatal(err)
	}
	hashes := section(t, d, "Versions and hashes")
	for of, want := range map[string]string{
		"results, in one line": print, "results.csv, every figure of every cell": hex.EncodeToString(h.Sum(nil)),
		"data home:made_up": "d0d1d2d3d4d5d6d7", "data home:deaf": "feedfacefeedface",
	} {
		if got := cell(t, hashes, "SHA-256", of, "digest"); got != want {
			t.Errorf("%s: %s, want %s", of, got, want)
		}
	}
	if n := strings.Join(hashes.Tables[0].Notes, " "); !strings.Contains(n, "Program 1.2.3 built by go1.26, methods version 6, amd64, kernel class plain") {
		t.Errorf("the program: %s", n)
	}
	wants(t, section(t, d, "How to reproduce"), "veilbench verify 'my run' --sample 20", "veilbench report 'my run' --format csv | sha256sum", "veilbench artifact 'my run' --out artifact",
		`veilbench gate 'my run' --budget 'it'\''s.yaml'`, "veilbench verify 'my run' --against '"+print+"'")
	for _, l := range section(t, document(t, reports.NewSet(reporttest.Unearned(), reports.Options{}), Options{Run: "out"}), "How to reproduce").List {
		if strings.Contains(l, "gate") || strings.Contains(l, "against") {
			t.Errorf("nothing to be held against: %s", l)
		}
	}

	// Of one defense the digest is that of the whole run, which is what a command gives.
	var few []results.Result
	for _, r := range reporttest.Unearned() {
		if r.Cell.Defense == results.NoDefense {
			few = append(few, r)
		}
	}
	part := document(t, reports.NewSet(few, s.Options), Options{Run: "out", Whole: s})
	const whole = "results.csv, every figure of every cell"
	if got, want := cell(t, section(t, part, "Versions and hashes"), "SHA-256", whole, "digest"), cell(t, hashes, "SHA-256", whole, "digest"); got != want {
		t.Errorf("digest of a part %s, want %s", got, want)
	}
}

// Names that try to be markup stay text, in both forms; the page asks for nothing and
// can be typed into where that is meant, and each section stands in both.
func TestHostileNames(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{Fingerprint: print})
	d := document(t, s, Options{Run: golden.Hostile, Budget: golden.Hostile, Lines: []gate.Line{{Rule: golden.Hostile, Name: golden.Hostile, Detail: golden.Hostile}}})
	var page, text bytes.Buffer
	if err := d.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<img", "<b>", "src=", "href="} {
		if strings.Contains(strings.NewReplacer("&lt;img src=x&gt;", "").Replace(page.String()), bad) {
			t.Errorf("the page has %s", bad)
		}
		if bad[0] == '<' && strings.Contains(text.String(), bad) {
			t.Errorf("the Markdown has %s", bad)
		}
	}
	if !strings.Contains(page.String(), "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the name is not there at all")
	}
	for _, x := range d.Sections {
		if !strings.Contains(page.String(), "<h2>"+x.Title+"</h2>") || !strings.Contains(text.String(), "\n# "+table.EscapeMarkdown(x.Title)+"\n") {
			t.Errorf("section %s is missing", x.Title)
		}
	}
	if got, want := strings.Count(page.String(), "<td contenteditable>"), 5*2+8*4; got != want {
		t.Errorf("%d cells can be edited, want %d", got, want)
	}

	// Tags are in pairs, so nothing of a name ended one.
	dec := xml.NewDecoder(strings.NewReader(regexp.MustCompile(`<(!doctype|meta)[^>]*>| contenteditable|(?s:<style>.*</style>)`).ReplaceAllString(page.String(), "")))
	for {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
