package cite

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// hostile tries to be markup of BibTeX and of TeX in every field.
func hostile() Work {
	const evil = "a{b}} @misc{x,\\input{y} 50% #1 $z_1^2$ ~ & <i>|\"q\" “é” 中 ł\nnext"
	return Work{
		Key: "evil key,{}%\\" + evil, Authors: []string{"O'" + evil, "Plain Name", "Last, First " + evil}, Title: evil, Venue: evil, Kind: Journal,
		Volume: evil, Number: evil, Pages: evil, Year: 2020, DOI: "10.1/" + evil, URL: "https://e.org/" + evil, ArXiv: evil, Note: evil, Missing: evil,
	}
}

// everyWork returns the works of works.bib.
func everyWork() []Work {
	var keys []string
	for _, m := range regexp.MustCompile(`(?m)^@[a-z]+{(.+),$`).FindAllStringSubmatch(bibliography, -1) {
		keys = append(keys, m[1])
	}
	return Of(keys...)
}

// find reads less than BibTeX allows: what it would pass over must not be in
// the file.
func TestBibliographyHasItsForm(t *testing.T) {
	var author, year string
	fields := new(Work).fields(&author, &year)
	head, field := regexp.MustCompile(`^@(inproceedings|article|misc){([^{},]+),$`), regexp.MustCompile(`^  ([a-z]+) = {(.+)},$`)
	last := ""
	for i, line := range strings.Split(bibliography, "\n") {
		if m := head.FindStringSubmatch(line); m != nil {
			if m[2] <= last {
				t.Errorf("line %d: %s is not behind %s", i+1, m[2], last)
			}
			last = m[2]
			continue
		}
		m := field.FindStringSubmatch(line)
		if line != "" && line != "}" && line[0] != '%' && (m == nil || fields[m[1]] == nil) {
			t.Errorf("line %d: %q is neither an entry's first line, a known field nor }", i+1, line)
		}
	}
	for _, w := range everyWork() {
		if w.Title == "" {
			t.Errorf("%s has no title", w.Key)
		}
	}
}

// An entry has authors, title, year and where it appeared, or says what is missing; it
// names what it was held against, and what nobody looked up is marked above the entry.
func TestEntriesAreCompleteOrSayWhatIsMissing(t *testing.T) {
	unchecked := 0
	for _, w := range everyWork() {
		complete := len(w.Authors) > 0 && w.Title != "" && w.Year > 0 && (w.Venue != "" || w.ArXiv != "")
		if complete == (w.Missing != "") && w.Key != "campos2021labeling" { // whose first names are missing alone
			t.Errorf("%s: complete: %v, missing: %q", w.Key, complete, w.Missing)
		}
		if w.Checked == "" && w.Missing == "" && w.Key != "veilbench" && w.Unchecked != "any field" {
			t.Errorf("%s was checked against nothing, and says of %q alone that nobody did", w.Key, w.Unchecked)
		}
		if w.Unchecked != "" {
			unchecked++
			if !strings.Contains(w.BibTeX(), "% Not checked against the work: "+w.Unchecked+".\n") {
				t.Errorf("%s does not say what nobody checked:\n%s", w.Key, w.BibTeX())
			}
		}
	}
	if unchecked == 0 {
		t.Error("nothing is marked")
	}
}

// Whatever the code cites is in the bibliography, and the bibliography has
// nothing that nobody cites. Keys are taken from the source, for what a plug-in
// cites may hang on its parameters.
func TestCitedKeysExist(t *testing.T) {
	cited := map[string]bool{}
	call := regexp.MustCompile(`cite\.Of\(([^)]*)\)`)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			for _, arg := range strings.FieldsFunc(m[1], func(r rune) bool { return strings.ContainsRune(", \t\n", r) }) {
				key, err := strconv.Unquote(arg)
				if err != nil {
					t.Errorf("%s: %s: want keys as strings", path, m[0])
				}
				cited[key] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range everyWork() {
		if !cited[w.Key] {
			t.Errorf("nobody cites %s", w.Key)
		}
		delete(cited, w.Key)
	}
	for key := range cited {
		t.Errorf("%q is cited and not in works.bib", key)
	}
	if w := Of("nobody1999nothing")[0]; w.Missing == "" || !strings.Contains(w.BibTeX(), "no such key") {
		t.Errorf("an unknown key gives %+v", w)
	}
}

func TestEntries(t *testing.T) {
	for _, c := range []struct {
		name string
		w    Work
		want string
	}{
		{"proceedings", Work{Key: "k", Authors: []string{"Muñoz, Ana", "De Keersmaeker", "others"}, Title: "The IoT of {Alexa}", Venue: "V & W", Pages: "1–2", Year: 2019, DOI: "10.1/a_b"}, `@inproceedings{k,
  author        = {Mu{\~n}oz, Ana and {De Keersmaeker} and others},
  title         = {The {IoT} of {Alexa}},
  booktitle     = {V \& W},
  pages         = {1--2},
  year          = {2019},
  doi           = {10.1/a_b}
}
`},
		{"no authors", Work{Key: "rfc 1", Title: "T", Venue: "RFC 1", Kind: Journal, Year: 2000, Missing: "authors"}, `% To be added: authors.
@misc{rfc-1,
  key           = {rfc 1},
  title         = {T},
  howpublished  = {RFC 1},
  year          = {2000}
}
`},
		{"preprint", Work{Key: "p", Authors: []string{"A"}, Title: "Device-Type", Year: 2017, ArXiv: "1705.06805"}, `@misc{p,
  author        = {A},
  title         = {Device-Type},
  howpublished  = {arXiv:1705.06805},
  year          = {2017},
  eprint        = {1705.06805},
  archiveprefix = {arXiv}
}
`},
	} {
		if got := c.w.BibTeX(); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// Keys are what people write into \cite: each stands for one work, is made of
// what BibTeX allows, and entries come in their order.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range everyWork() {
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(w.Key) || seen[w.Key] {
			t.Errorf("key %q is not plain or occurs twice", w.Key)
		}
		seen[w.Key] = true
	}
	var b bytes.Buffer
	if err := Write(&b, []Work{{Key: "b"}, {Key: "a", Title: "first"}, {Key: "a", Title: "second"}}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Index(s, "{a,") > strings.Index(s, "{b,") || strings.Contains(s, "second") {
		t.Errorf("want a before b, and only the first a:\n%s", s)
	}
}

func TestText(t *testing.T) {
	if got, want := Of("miettinen2017sentinel")[0].String(), "Miettinen, Marchal, Hafeez, Asokan, Sadeghi, Tarkoma: IoT Sentinel: Automated Device-Type Identification for Security Enforcement in IoT. IEEE International Conference on Distributed Computing Systems (ICDCS) 2017"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got, want := Of("gong2020front")[0].String(), "Gong, Wang: Zero-delay Lightweight Defenses against Website Fingerprinting. USENIX Security Symposium 2020"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// BibTeX and pdflatex take every work, and a hostile one, without a warning,
// in a style that ignores addresses and in one that prints them.
func TestBibTeXReadsIt(t *testing.T) {
	latex, bibtex := datatest.Tool(t, "pdflatex"), datatest.Tool(t, "bibtex")
	var b bytes.Buffer
	if err := Write(&b, append(everyWork(), hostile())); err != nil {
		t.Fatal(err)
	}
	for style, load := range map[string]string{"plain": "", "plainnat": `\usepackage{natbib,url}`, "alpha": ""} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"refs.bib":  b.String(),
			"paper.tex": `\documentclass{article}` + load + `\begin{document}\nocite{*}\raggedright\bibliographystyle{` + style + `}\bibliography{refs}\end{document}`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, call := range [][]string{{latex, "-interaction=nonstopmode", "-halt-on-error", "paper"}, {bibtex, "paper"}, {latex, "-interaction=nonstopmode", "-halt-on-error", "paper"}} {
			cmd := exec.CommandContext(t.Context(), call[0], call[1:]...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			bad := bytes.Contains(out, []byte("Warning--")) || bytes.Contains(out, []byte("rror message"))
			if err != nil || bad {
				t.Fatalf("%s, %s: %v\n%s", style, filepath.Base(call[0]), err, out)
			}
		}
		log, err := os.ReadFile(filepath.Join(dir, "paper.log"))
		if err != nil {
			t.Fatal(err)
		}
		if w := regexp.MustCompile(`(?m)^(Overfull|.*Missing character).*$`).Find(log); w != nil {
			t.Errorf("%s: %s", style, w)
		}
		bbl, err := os.ReadFile(filepath.Join(dir, "paper.bbl"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(bbl, []byte(`\bibitem`)); n != len(everyWork())+1 {
			t.Errorf("%s: %d entries, want %d", style, n, len(everyWork())+1)
		}
	}
}
