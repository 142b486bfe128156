package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// constants are the figures in running text of README that no run measures: what they
// are is said here, with the place that they come from.
func constants() map[string]string {
	return map[string]string{
		"2 s":  "the longest that a benchmark takes, .tools/bench.sh",
		"10 %": "from when on a slowdown fails bench-compare, .tools/verdict.awk",
	}
}

var (
	// measured is a figure with a unit, or a score; 0.00 is a score too.
	measuredRE = regexp.MustCompile(`(?:^|[^\w.,])((?:\d[\d,]*)(?:\.\d+)? ?(?:%|s|ms|min|minutes?|seconds?|hours?|h|GB|MB|kB|GiB|MiB)|[<>]?0?\.\d+)(?:[^\w]|$)`)
	blockRE    = regexp.MustCompile(`(?s)<!-- [\w-]+: written by make .*?<!-- end of [\w-]+ -->`)
	codeRE     = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|\n    [^\n]*")
)

// figuresOf are the figures with units, and the scores, in the running text of a page.
func figuresOf(page string) []string {
	text := codeRE.ReplaceAllString(blockRE.ReplaceAllString(page, ""), "\n")
	text = strings.Join(strings.Fields(text), " ")
	var out []string
	for _, m := range measuredRE.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.TrimSpace(m[1]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Every figure in the running text of README stands in a block that make writes from
// results, here or on a page of docs, or among the times that the Makefile gives; what
// is a constant is listed with its place.
func TestFiguresOfReadme(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	made := strings.Join(blockRE.FindAllString(string(page), -1), "\n")
	for _, name := range pages(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// Pages that are written whole say so in their first lines.
		if regexp.MustCompile(`<!-- written by (make|a test)`).Match(text[:min(len(text), 600)]) || strings.Contains(string(text), "<!-- run by a test") {
			made += string(text)
		} else {
			made += strings.Join(blockRE.FindAllString(string(text), -1), "\n")
		}
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figuresOf(string(page)) {
		short := strings.NewReplacer("minutes", "min", "minute", "min").Replace(f)
		number, _, _ := strings.Cut(f, " ")
		switch {
		case constants()[f] != "":
		case strings.Contains(string(makefile), short):
		case holds(made, f), strings.HasPrefix(number, "0.") && holds(made, strings.TrimPrefix(number, "0")), strings.HasPrefix(number, ".") && holds(made, "0"+number):
		default:
			t.Errorf("README.md says %q: no block that make writes has it; let make docs write it, or say in constants where it comes from", f)
		}
	}
}

// holds says whether a figure stands in a text as a whole.
func holds(text, figure string) bool {
	return regexp.MustCompile(`(^|[^\d.])` + regexp.QuoteMeta(figure) + `($|[^\d])`).MatchString(text)
}

func TestFiguresAreFound(t *testing.T) {
	const page = "It takes 8 minutes and 20 GB (0.52 behind it, +14 %).\n\n    run 5 s\n\n`3 h`\n<!-- table: written by make docs -->\n7 %\n<!-- end of table -->\nVersion 1.2 has 64 figures, .3 apart.\n"
	want := []string{".3", "0.52", "14 %", "20 GB", "8 minutes"}
	if got := figuresOf(page); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
