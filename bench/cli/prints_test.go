package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"

	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/table"
)

// rule is how a kind of file says which results it is of. A kind that does not has a
// reason in place of a check.
type rule struct {
	name   string // glob of the path in the folder of all outputs
	check  func(t *testing.T, text, print string)
	exempt string
}

// saysOnce wants the fingerprint in a text, however it is broken into lines.
func saysOnce(t *testing.T, text, print string) {
	t.Helper()
	if !strings.Contains(oneLine(text), print) {
		t.Errorf("no %q in %.300s", print, oneLine(text))
	}
}

// saysEach wants it as often as a sign comes that every table begins with.
func saysEach(sign string) func(*testing.T, string, string) {
	begins := regexp.MustCompile("(?m)" + sign)
	return func(t *testing.T, text, print string) {
		t.Helper()
		tables := len(begins.FindAllString(text, -1))
		if got := strings.Count(oneLine(text), print); tables == 0 || got < tables {
			t.Errorf("%d tables and %d times %q", tables, got, print)
		}
	}
}

// oneLine takes line breaks, and the places where TeX may break, out of a text.
func oneLine(text string) string {
	text = strings.ReplaceAll(text, "Results sha", "results sha") // a sentence of a caption
	return strings.Join(strings.Fields(strings.NewReplacer(`\allowbreak{}`, "", "&#34;", `"`, "&#43;", "+").Replace(text)), " ")
}

// rules are tried in order; the first that fits counts.
func rules() []rule {
	const results = "the results themselves, of which the fingerprint is taken"
	return []rule{
		// A run's folder beside what it draws.
		{name: "run/cells/*", exempt: results},
		{name: "run/timing/*", exempt: "times and memory of this machine, of no result"},
		{name: "run/samples/*", exempt: results},
		{name: "run/manifest.json", exempt: "what was asked for, written before there are results"},
		{name: "run/plan.json", exempt: "what was asked for, written before there are results"},
		{name: "run/order.json", exempt: "the order of rows"},
		{name: "run/selfcheck.json", exempt: "verdicts on the harness, which no result changes"},
		{name: "*/*.csv.gz", check: func(t *testing.T, text, print string) {
			t.Helper()
			z, err := gzip.NewReader(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if z.Comment != print {
				t.Errorf("comment %q", z.Comment)
			}
		}},
		{name: "plain/{results,groups,classes,devices,canaries}.csv", exempt: "a row for each cell, for programs that want the names of columns first; as .csv.gz it has the fingerprint in its head"},

		// Tables, each by itself.
		{name: "*/table.txt", check: saysAll},
		{name: "*/report.md", check: saysEach(`^(## |!\[)`)},
		{name: "*/table.tex", check: saysEach(`^\\label\{tab:(?:[a-oq-z]|pa[^r]|p[^a])`)}, // not that of parameters
		{name: "all/tables.txt", check: saysAll},
		{name: "all/tables.md", check: saysEach(`^## `)},
		{name: "all/tables.tex", check: saysEach(`^\\label\{tab:(?:[a-oq-z]|pa[^r]|p[^a]|parameters-\d+\}\n\\par\\smallskip\n\\resizebox)`)},
		{name: "all/tables.csv", check: saysEach(`^# [^r]`)},
		{name: "all/tables.json", check: saysEach(`^ {2}"columns": `)},
		{name: "all/headline.html", check: saysEach(`<table`)},
		{name: "all/terminal.txt", check: saysAll},
		{name: "all/compare.*", check: saysOnce},
		{name: "all/history.*", check: saysOnce},

		// Pages.
		{name: "*/report.html", check: saysInPage},
		{name: "all/page.html", check: saysInPage},
		{name: "all/dossier.html", check: saysOnce},
		{name: "all/dossier.md", check: saysOnce},

		// Figures, which travel alone, and what else a paper takes.
		{name: "*/*.svg", check: saysOnce},
		{name: "*/*.png", check: saysOnce},
		{name: "*/*.pgf", check: saysOnce},
		{name: "*/*.pdf", check: func(t *testing.T, text, print string) {
			t.Helper()
			_, subject, _ := strings.Cut(text, "/Subject <FEFF")
			subject, _, _ = strings.Cut(subject, ">")
			b, err := hex.DecodeString(subject)
			if err != nil {
				t.Fatal(err)
			}
			var units []uint16
			for i := 0; i+1 < len(b); i += 2 {
				units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
			}
			saysOnce(t, string(utf16.Decode(units)), print)
		}},
		{name: "all/numbers.tex", check: saysOnce},
		{name: "all/veilbench.bib", exempt: "what the results rest on, which their figures do not change"},

		// Pipelines.
		{name: "all/gate.text", exempt: "a line for each limit, and no table"},
		{name: "all/gate.github", exempt: "commands to GitHub, one for each limit"},
		{name: "all/gate.badge", exempt: "a picture of two words"},
		{name: "all/gate.*", check: saysOnce},
		{name: "all/bench.txt", check: saysOnce},
		{name: "all/bench.json", check: saysOnce},

		// An artifact.
		{name: "artifact/README.md", check: saysOnce},
		{name: "artifact/claims.yaml", check: saysOnce},
		{name: "artifact/manifest.json", exempt: "what was asked for"},
		{name: "artifact/experiment.yaml", exempt: "what is asked for"},
		{name: "artifact/short/*.yaml", exempt: "what is asked for, of which other results come"},
		{name: "artifact/Containerfile", exempt: "a machine"},
		{name: "artifact/reproduce.sh", exempt: "commands"},
	}
}

// saysAll wants it at the end of every table of a text, which is a title, an empty line,
// and the rest. Behind the last table a command says where files are.
func saysAll(t *testing.T, text, print string) {
	t.Helper()
	text, _, _ = strings.Cut(text, "\n\ntables  ")
	blocks := strings.Split(strings.TrimSpace(text), "\n\n")
	if len(blocks)%2 != 0 {
		t.Errorf("%d parts, want a title and the rest of each table", len(blocks))
	}
	for i := 1; i < len(blocks); i += 2 {
		if !strings.HasSuffix(oneLine(blocks[i]), print) {
			t.Errorf("%s: no %q", blocks[i-1], print)
		}
	}
}

// saysInPage wants the line on the page and in the caption of each of its pictures,
// which are packed.
func saysInPage(t *testing.T, text, print string) {
	t.Helper()
	saysOnce(t, text, print)
	_, packed, _ := strings.Cut(text, `id="pictures">`)
	packed, _, _ = strings.Cut(packed, "<")
	b, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var pictures struct{ All []struct{ Caption string } }
	if err := json.NewDecoder(z).Decode(&pictures); err != nil {
		t.Fatal(err)
	}
	if len(pictures.All) == 0 {
		t.Error("no pictures")
	}
	for _, p := range pictures.All {
		saysOnce(t, p.Caption, print)
	}
}

// Every table, page, caption and picture that a run can be drawn as says which results
// it is of. What is written here and has no rule fails: whoever adds a kind of file
// says by a rule how it tells, or why it does not.
func TestEveryFileSaysWhichResults(t *testing.T) {
	dir := t.TempDir()
	all := filepath.Join(dir, "all")
	if err := os.Mkdir(all, 0o755); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run")
	keep := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(all, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shown, _ := must(t, tinyRun(run)...)
	keep("terminal.txt", shown)
	must(t, "report", run, "--out", filepath.Join(dir, "plain"), "--plain")

	for _, f := range []struct {
		format table.Format
		ext    string
	}{{table.Text, "txt"}, {table.Markdown, "md"}, {table.LaTeX, "tex"}, {table.CSV, "csv"}, {table.JSON, "json"}} {
		for name, args := range map[string][]string{
			"tables": {"report", run, "--table", "all"}, "compare": {"compare", run, run}, "history": {"history", run, run},
		} {
			if name == "tables" || f.format != table.JSON {
				text, _ := must(t, append(args, "--format", string(f.format))...)
				keep(name+"."+f.ext, text)
			}
		}
	}
	for name, args := range map[string][]string{
		"compare.json": {"compare", run, run, "--json"}, "history.json": {"history", run, run, "--json"},
		"headline.html": {"report", run, "--table", "headline", "--format", "html"}, "page.html": {"report", run, "--format", "html"},
		"dossier.html": {"dossier", run}, "dossier.md": {"dossier", run, "--format", "markdown"},
		"numbers.tex": {"report", run, "--format", "macros"}, "veilbench.bib": {"cite", run},
		"bench.txt": {"report", run, "--format", "benchfmt"}, "bench.json": {"report", run, "--format", "github-benchmark"},
	} {
		text, _ := must(t, args...)
		keep(name, text)
	}

	budget := filepath.Join(t.TempDir(), "budget.yaml")
	if err := os.WriteFile(budget, []byte("advantage: {events: 1}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json", "junit", "sarif", "github", "badge", "markdown"} {
		text, _ := must(t, "gate", run, "--budget", budget, "--format", format)
		keep("gate."+format, text)
	}
	must(t, "artifact", run, "--source", "none", "--out", filepath.Join(dir, "artifact"))

	// Of each kind of figure that the run has anything for, all formats.
	drawn := 0
	for _, k := range figures.All() {
		for _, format := range []figure.Format{figure.SVG, figure.PDF, figure.PNG, figure.PGF} {
			code, text, _ := program("report", run, "--figure", k.Name, "--format", string(format))
			if code == 0 {
				keep(k.Name+"."+string(format), text)
				drawn++
			}
		}
	}
	if drawn < 4*5 {
		t.Errorf("%d figures", drawn)
	}

	line, _ := must(t, "report", run, "--table", "headline", "--format", "json")
	var tables []struct{ Stamp string }
	if err := json.Unmarshal([]byte(line), &tables); err != nil || tables[0].Stamp == "" {
		t.Fatal(tables, err)
	}
	holdFiles(t, dir, tables[0].Stamp)
}

// holdFiles holds every file below dir against the rules, and every rule against the
// files: one that fits none is of something that is no longer written.
func holdFiles(t *testing.T, dir, print string) {
	t.Helper()
	rs := rules()
	used := make([]bool, len(rs))
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rs, func(r rule) bool { return named(r.name, filepath.ToSlash(name)) })
		if i < 0 {
			t.Errorf("%s has no rule", name)
			return nil
		}
		if used[i] = true; rs[i].exempt != "" {
			return nil
		}
		text, err := os.ReadFile(path)
		t.Run(name, func(t *testing.T) { rs[i].check(t, string(text), print) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		if !used[i] {
			t.Errorf("no file is %s", r.name)
		}
	}
}

// named says whether a name is of a glob, which may have one list in braces.
func named(glob, name string) bool {
	before, rest, ok := strings.Cut(glob, "{")
	if !ok {
		ok, _ := filepath.Match(glob, name)
		return ok
	}
	list, after, _ := strings.Cut(rest, "}")
	return slices.ContainsFunc(strings.Split(list, ","), func(x string) bool { return named(before+x+after, name) })
}
