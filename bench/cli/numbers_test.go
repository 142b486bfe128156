package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// source is a place that figures of running text come from: the file must have the
// words. Where these are of a test, that test holds the figure to the program.
type source struct{ page, figures, file, words string }

// sources are those of figures that no block of their page has, made or run.
func sources() []source {
	const statements = "bench/stats/page_test.go"
	return []source{
		{"architecture.md", "15", "bench/house/rules_test.go", "maxFiles     = 15"},
		{"architecture.md", "500", "bench/house/rules_test.go", "maxFileLines = 500"},
		{"architecture.md", "100", "bench/house/rules_test.go", "maxFuncLines = 100"},
		{"architecture.md", "20", "bench/house/rules_test.go", "whyLines     = 20"},
		{"before-after.md", "10 s", "bench/cost/sessions.go", "eventWindow = 10 * time.Second"},
		{"cheats.md", "13", "bench/programs_test.go", "len(cheats) != 13"},
		{"cheats.md", "200,000", "bench/look.go", "lookBudget     = 200_000"},
		{"cheats.md", "3.5", "bench/look.go", "average 3.5 times the work"},
		{"cheats.md", "60 s", "datasets/process/process.go", "Silence: time.Minute"},
		{"detect.md", "12 hours", "bench/sample.go", "sampleStretch   = 12 * time.Hour"},
		{"detect.md", "48", "bench/views.go", "detectTrain = 48"},
		{"detect.md", "24 hours", "bench/detect_test.go", "9.0/24"},
		{"detect.md", "1.69 1.88", "bench/audit/audit_test.go", `{"epsilon up": "1.69", "epsilon down": "1.88"}`},
		{"detect.md", ".79", "bench/audit/audit_test.go", `page := "0.79"`},
		{"detect.md", "200", "bench/audit/audit_test.go", "range uint64(200)"},
		{"maybenot.md", "2.94 4.7 ms 36.64 99 ms 51.66 100 ms 716.61 75 ms 1334.73 0.064 ms 0.09", "bench/cli/machines/machines_test.go", "rows != 7"},
		{"maybenot.md", "50 2 kB", "defenses/tunnel/nym.go", "MessageMs: 20, LoopMs: 200"},
		{"maybenot.md", "17.5 MB", "defenses/tunnel/windscribe.go", `"low":    {100e3, 175,`},
		{"maybenot.md", "2.95 3.95", "defenses/tunnel/compare_test.go", "{3.95, 2.95}"},
		{"maybenot.md", "2 s", "defenses/tunnel/compare_test.go", "quiet = 0.1, 2.0"},
		{"maybenot.md", "5 ms", "defenses/reference_test.go", "delay=uniform,delay_s=0.005,kind=wireguard"},
		{"maybenot.md", "95 %", "bench/results/summary.go", "const Level = 0.95"},
		{"own-module.md", "30", "bench/cli/example_module_test.go", `{"defense.go": 30, "attack.go": 30`},
		{"protocol.md", "512 MiB", "datasets/process/process.go", "LineBytes: 512 << 20"},
		{"protocol.md", "60 s", "datasets/process/process.go", "Silence: time.Minute"},
		{"protocol.md", "5 s", "datasets/process/process.go", "patience = 5 * time.Second"},
		{"protocol.md", "14", "datasets/datasets.go", "EthernetHeader = 14"},
		{"protocol.md", "1 MiB", "defenses/external/mirror.py", "1 << 20"},
		{"questions.md", "1200", "reports/page/browser_test.go", "WindowSize(1200, 1400)"},
		{"questions.md", "1400", "reports/page/browser_test.go", "WindowSize(1200, 1400)"},
		{"questions.md", "19 20", "bench/cost/ledger.go", "quantile(0.95)"}, // 19 of 20
		{"questions.md", "30", "bench/cost/formulas_test.go", "added*30*86400/1e9"},
		{"reading.md", "20 100", "bench/cost/link.go", "Link{UpMbitS: 20, DownMbitS: 100}"},
		{"reading.md", ".3 15 20", "reports/docs/statistics.md", "a table of ten defenses (45 rows), 15 to 20"},
		{"statistics.md", ".03 .07", statements, "5 groups of 20 give [0 %s]"},
		{"statistics.md", "120", statements, "want %d groups"},
		{"statistics.md", "16,384", statements, "else %d,%03d drawn with a fixed seed"},
		{"statistics.md", "4 %", statements, "without it at most %.0f %% of them err"},
		{"statistics.md", "19 % 6 % 5.5 %", statements, "%.0f %% at .9 with 10 groups of 200 items, %.1f %% with 30 groups of 20"},
		{"statistics.md", "5 %", statements, "The upper end errs in about %.0f %% there at most"},
		{"statistics.md", "4.5 %", statements, "in up to %.1f %% with at most 11 attackers"},
		{"statistics.md", "3 %", "bench/stats/simulation_test.go", "allowed = 0.03"},
		{"statistics.md", "2.5 % 95", "bench/stats/simulation_test.go", "Best(x, 0.95)"}, // half of it at each end
		{"terminal.md", "80", "bench/cli/progress/progress.go", "n = 80"},
		{"tracking.md", "10 %", ".tools/bench-compare.sh", "MARGIN=10 "},
	}
}

// defined are figures that are what a word means: no place could hold them.
func defined() map[string]string {
	return map[string]string{
		"README.md":    "2.0",       // of the license
		"protocol.md":  "802.15",    // a standard
		"questions.md": "1.00 50 %", // all, and the reader's own limit
		"reading.md":   "0.00",      // a figure
		"traces.md":    "1970 16",   // when clocks begin, UTF-16
	}
}

var (
	// numberRE is a figure with a unit, or a score, or whatever has two digits; .3 is a
	// score too.
	numberRE  = regexp.MustCompile(`(?:^|[^\w.,-])((?:\d[\d,]*)(?:\.\d+)? ?(?:%|s|ms|min|minutes?|seconds?|hours?|h|GB|MB|kB|GiB|MiB)|[<>]?\d*\.\d+|\d[\d,]*\d)(?:[^\w]|$)`)
	blockRE   = regexp.MustCompile(`(?s)<!-- [\w-]+: written by make .*?<!-- end of [\w-]+ -->`)
	writtenRE = regexp.MustCompile(`(?s)<!-- written by (?:make|a test).*`)
	codeRE    = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|\n    [^\n]*|\\]\\([^)]*\\)")
)

// figuresOf are the figures in the running text of a page.
func figuresOf(page string) []string {
	text := codeRE.ReplaceAllString(blockRE.ReplaceAllString(writtenRE.ReplaceAllString(page, ""), ""), "\n")
	text = strings.Join(strings.Fields(text), " ")
	var out []string
	for _, m := range numberRE.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.TrimSpace(m[1]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// madeOf is what make writes into a page, or a test runs and compares.
func madeOf(name, page string) string {
	made := strings.Join(append(blockRE.FindAllString(page, -1), writtenRE.FindString(page)), "\n")
	for _, b := range blocksOf(page) {
		if b.ran || b.lang == "console" && slices.Contains(ownTests(), name) {
			made += "\n" + b.text
		}
	}
	return made
}

// Every figure in the running text of README and of docs stands in a block of its page
// that make writes from results, or that a test runs; or among the times that the Makefile
// gives; or is listed with the place that it comes from. README has figures of docs.
func TestFiguresOfPages(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	makefile, all := read("../../Makefile"), ""
	for _, name := range pages(t) {
		all += madeOf(filepath.Base(name), read(name))
	}
	used := map[source]bool{}
	for _, path := range pages(t) {
		name, page := filepath.Base(path), read(path)
		made := madeOf(name, page)
		switch {
		case name == "README.md":
			made = all
		case name == "CONTRIBUTING.md", regexp.MustCompile("(?i)\\bwritten by `?make (bench-sizes|speed-doc)\\b").MatchString(page):
			continue // about the source itself; written whole
		}
		for _, f := range figuresOf(page) {
			at := slices.IndexFunc(sources(), func(s source) bool { return s.page == name && holds(s.figures, f) })
			number, unit, _ := strings.Cut(f, " ")
			switch {
			case holds(made, f), strings.HasPrefix(number, "0.") && holds(made, number[1:]), strings.HasPrefix(number, ".") && holds(made, "0"+number):
			case unit != "" && strings.Contains(makefile, strings.NewReplacer("minutes", "min", "minute", "min").Replace(f)):
			case holds(defined()[name], f):
			case at < 0:
				t.Errorf("%s says %q: no block has it that is made or run; let make write it, or say in sources where it comes from", name, f)
			default:
				s := sources()[at]
				used[s] = true
				if !strings.Contains(read("../../"+s.file), s.words) {
					t.Errorf("%s says %q for %s has %q, which it has not", name, f, s.file, s.words)
				}
			}
		}
	}
	for _, s := range sources() {
		if !used[s] {
			t.Errorf("%s does not need %q from %s", s.page, s.figures, s.file)
		}
	}
}

// holds says whether a figure stands in a text as a whole.
func holds(text, figure string) bool {
	return regexp.MustCompile(`(^|[^\d.])` + regexp.QuoteMeta(figure) + `($|[^\d])`).MatchString(text)
}

func TestFiguresAreFound(t *testing.T) {
	const page = "It takes 8 minutes and 20 GB (0.52 behind it, +14 %).\n\n    run 5 s\n\n`3 h`\n<!-- table: written by make docs -->\n7 %\n<!-- end of table -->\nThe 5 have 64 figures, .3 apart, of SHA-256 ([here](x-12.md)).\n"
	want := []string{".3", "0.52", "14 %", "20 GB", "64", "8 minutes"}
	if got := figuresOf(page); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
