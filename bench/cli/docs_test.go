package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/reports/figures"
	"veilbench/reports/tables"
)

// pages are the texts whose commands and figures are held to the program.
func pages(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("../../reports/docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatal("no pages", err)
	}
	return append(docs, "../../README.md", "../../.github/CONTRIBUTING.md")
}

// block is a piece of a page that is set in type: by a fence, or by four blanks.
type block struct {
	line  int    // where it begins, from 1
	lang  string // of the fence, "" for none
	text  string
	ran   bool   // marked as run and compared by a test
	needs string // the recording that the mark names
	index int    // of its first byte in the page, for writing it anew
}

// runMark stands in the line before a fence whose commands are run, in one folder for
// the page, and whose output is compared. A line "..." stands for any lines. Where it names
// a recording that may not be passed on, the block is run where there is one.
var runMark = regexp.MustCompile(`^<!-- run by a test(?: where there is (\S+ = \S+))? -->$`)

// blocksOf finds the blocks of a page.
func blocksOf(page string) []block {
	var out []block
	var now *block
	fence, at, before := false, 0, ""
	end := func() {
		if now != nil {
			out, now = append(out, *now), nil
		}
	}
	n := 0
	for l := range strings.Lines(page) {
		n++
		switch {
		case strings.HasPrefix(l, "```") && !fence:
			end()
			fence = true
			now = &block{line: n + 1, lang: strings.TrimSpace(l[3:]), index: at + len(l)}
			if m := runMark.FindStringSubmatch(strings.TrimSpace(before)); m != nil {
				now.ran, now.needs = true, m[1]
			}
		case strings.HasPrefix(l, "```"):
			fence = false
			end()
		case fence:
			now.text += l
		case strings.HasPrefix(l, "    ") && (now != nil || strings.TrimSpace(before) == ""):
			if now == nil {
				now = &block{line: n, index: at}
			}
			now.text += l[4:]
		default:
			end()
		}
		at, before = at+len(l), l
	}
	end()
	return out
}

// commandsOf are the commands of a block, without comments, each as its words: lines
// are joined where one ends in a backslash, and divided where a shell would.
func commandsOf(b block) [][]string {
	if b.lang != "" && !slices.Contains([]string{"sh", "bash", "console", "shell"}, b.lang) {
		return nil
	}
	console := b.lang == "console" || strings.Contains("\n"+b.text, "\n$ ")
	var out [][]string
	for l := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
		l, typed := strings.CutPrefix(strings.TrimSpace(l), "$ ")
		if l == "" || console && !typed {
			continue
		}
		out = append(out, shellWords(l)...)
	}
	return out
}

// shellWords divides a line into commands and these into words, as a shell does as far
// as docs go: quotes, comments, pipes, lists and redirections.
func shellWords(l string) [][]string {
	var out [][]string
	var words []string
	word, has := "", false
	quote := byte(0)
	flush := func() {
		if has {
			words = append(words, word)
		}
		word, has = "", false
	}
	next := func() {
		flush()
		if len(words) > 0 {
			out = append(out, words)
		}
		words = nil
	}
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word += string(c)
		case c == '\'' || c == '"':
			quote, has = c, true
		case c == ' ' || c == '\t':
			flush()
		case c == '#' && !has:
			i = len(l)
		case c == '&' && i > 0 && l[i-1] == '>': // 2>&1 names a stream
		case c == '|' || c == '&' || c == ';' || c == '(' || c == ')':
			next()
		case c == '>' || c == '<':
			// A file, which is no word of the command, nor is the number of a stream.
			if strings.Trim(word, "0123456789") == "" {
				word, has = "", false
			}
			flush()
			words = append(words, string(c))
		default:
			word, has = word+string(c), true
		}
	}
	next()

	// A sign of redirection goes with the word behind it, and settings of the
	// environment stand before the program.
	for i, c := range out {
		for {
			at := slices.IndexFunc(c, func(w string) bool { return w == ">" || w == "<" })
			if at < 0 {
				break
			}
			c = slices.Delete(c, at, min(at+2, len(c)))
		}
		for len(c) > 0 && regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`).MatchString(c[0]) {
			c = c[1:]
		}
		out[i] = c
	}
	return slices.DeleteFunc(out, func(c []string) bool { return len(c) == 0 })
}

// Every command that a page shows is one that the program, make or Go knows, with its
// flags, arguments and the names that they have.
func TestCommandsOfPagesAreKnown(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range pages(t) {
		if slices.Contains(ownTests(), filepath.Base(name)) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		check := func(line int, c []string) {
			seen++
			if err := known(c, string(makefile)); err != "" {
				t.Errorf("%s:%d: %s: %s", filepath.Base(name), line, strings.Join(c, " "), err)
			}
		}
		for _, b := range blocksOf(string(text)) {
			if b.ran || !isRun(b) {
				continue
			}
			for _, c := range commandsOf(b) {
				check(b.line, c)
			}
		}

		// In running text too, where it is more than the program's name.
		for n, l := range strings.Split(string(text), "\n") {
			for _, m := range regexp.MustCompile("`(?:bin/)?veilbench ([a-z][^`]*)`").FindAllStringSubmatch(l, -1) {
				for _, c := range shellWords("veilbench " + m[1]) {
					check(n+1, c)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d commands were found", seen)
	}
}

// isProgram says whether a word begins a command in docs.
func isProgram(w string) bool {
	if foreign(w) { // a program of the reader's own
		return true
	}
	w = strings.TrimPrefix(w, "/usr/bin/")
	return slices.Contains([]string{"make", "go", "git", "cd", "veilbench", "bin/veilbench", "./bin/veilbench", "sh", "man", "kubectl", "benchstat", "tshark", "zcat", "cat", "jq", "docker", "podman", "cp", "mkdir", "echo", "export", "source", "head", "tail", "python3", "grep", "cut", "sed", "diff"}, w)
}

// known says what is wrong with a command, "" for nothing.
func known(c []string, makefile string) string {
	switch {
	case !isProgram(c[0]):
		return "no program that docs may name"
	case c[0] == "make":
		for _, w := range c[1:] {
			if !strings.Contains(w, "=") && !strings.HasPrefix(w, "-") && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(w)+`:`).MatchString(makefile) {
				return "the Makefile has no target " + w
			}
		}
	case c[0] == "go":
		for _, w := range c[1:] {
			if dir, ok := strings.CutPrefix(w, "./"); ok && dir != "..." {
				if _, err := os.Stat(filepath.Join("../..", strings.TrimSuffix(dir, "/..."))); err != nil {
					return "there is no " + w
				}
			}
		}
	case strings.HasSuffix(c[0], "veilbench"):
		return knownCommand(c[1:])
	}
	return ""
}

// knownCommand parses the arguments of the program as it does itself, and looks up the
// names in them.
func knownCommand(args []string) string {
	p := Builtin()
	root := rootCommand(&command.App{Plugins: p, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err.Error()
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	rest = cmd.Flags().Args()
	switch help, err := cmd.Flags().GetBool("help"); {
	case err == nil && help:
		return ""
	case cmd == root && len(rest) > 0:
		return "unknown command " + rest[0]
	case cmd == root || strings.Contains(strings.Join(rest, " "), "*"): // as many as there are
		return ""
	}

	// A command that is only named, in running text, has no arguments yet.
	if len(args) > 1 || len(rest) > 0 {
		if err := cmd.ValidateArgs(rest); err != nil && len(rest) > 0 {
			return err.Error()
		}
	}
	if cmd.Name() == "run" && len(rest) == 1 && !strings.ContainsAny(rest[0], "./") && !foreign(rest[0]) {
		if !slices.ContainsFunc(gridfile.Presets(), func(p gridfile.Preset) bool { return p.Name == rest[0] }) {
			return "no preset " + rest[0]
		}
	}
	return knownValues(cmd, p)
}

// foreign says whether a name is one of the reader's own things.
func foreign(name string) bool {
	return strings.Contains(name, "acme") || strings.HasPrefix(name, "exec:") || strings.ToUpper(name) == name || slices.Contains([]string{"lab", "homes"}, name)
}

// knownValues says which value of a flag names nothing.
func knownValues(cmd *cobra.Command, p command.Plugins) string {
	list := func(name string) []string {
		if v, err := cmd.Flags().GetStringArray(name); err == nil {
			return v
		}
		v, err := cmd.Flags().GetString(name)
		if err != nil || v == "" {
			return nil
		}
		return []string{v}
	}
	for _, id := range list("defense") {
		if _, err := defenses.Parse(p.Defenses, id); err != nil && id != "all" && !foreign(id) && !errors.Is(err, fs.ErrNotExist) {
			return err.Error()
		}
	}
	for _, id := range list("attack") {
		if _, err := attacks.Parse(p.Attacks, id); err != nil && id != "all" && !foreign(id) {
			return err.Error()
		}
	}
	for _, id := range list("dataset") {
		name, ok := strings.CutPrefix(id, "home:")
		name, _, _ = strings.Cut(name, ":")
		if ok && !slices.ContainsFunc(home.Presets(), func(p home.Preset) bool { return p.Name == name }) {
			return "no homes " + id
		}
	}
	for _, name := range list("table") {
		if i := slices.Index(namesOfTables(), name); i < 0 && name != "all" && !foreign(name) {
			return "no table " + name
		}
	}
	for _, name := range list("figure") {
		if i := slices.Index(namesOfFigures(), name); i < 0 && !foreign(name) {
			return "no figure " + name
		}
	}
	return ""
}

func namesOfTables() (out []string) {
	for _, k := range tables.All() {
		out = append(out, k.Name)
	}
	return out
}

func namesOfFigures() (out []string) {
	for _, k := range figures.All() {
		out = append(out, k.Name)
	}
	return out
}

// Mistakes in a page are found, or the test above says nothing.
func TestMistakesOfPagesAreFound(t *testing.T) {
	makefile := "run: build\n"
	for text, want := range map[string]string{
		"make run":                                       "",
		"make runn":                                      "no target runn",
		"bin/veilbench run quick --out x > y":            "",
		"veilbench run quikc":                            "no preset quikc",
		"veilbench run --defense pad-randon":             `unknown defense "pad-randon"`,
		"veilbench run --dataset home:smal":              "no homes home:smal",
		"veilbench report out --table wrost":             "no table wrost",
		"veilbench rprot out":                            "unknown command",
		"veilbench report out --tabel x":                 "unknown flag",
		"veilbench compare a":                            "accepts 2 arg",
		"go test ./bench/nothing":                        "there is no ./bench/nothing",
		"frobnicate x":                                   "no program",
		"veilbench inspect 'a b' 2>x | jq . # a comment": "",
		"A=1 veilbench version && veilbench doctor":      "",
	} {
		got := ""
		for _, c := range shellWords(text) {
			got += known(c, makefile)
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
