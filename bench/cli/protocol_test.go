package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
	"veilbench/reports/docs"
)

// The commands of the page about the protocol work as they stand there.
func TestProtocolPageCommands(t *testing.T) {
	python := datatest.Python(t)
	dir := t.TempDir()
	if err := os.Symlink(python, filepath.Join(dir, "python3")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Chdir(t.TempDir())

	commands := regexp.MustCompile(`(?m)^    veilbench (.*)$`).FindAllStringSubmatch(docs.Protocol, -1)
	if len(commands) < 4 {
		t.Fatalf("%d commands", len(commands))
	}
	for _, c := range commands {
		line, to, redirected := strings.Cut(c[1], " > ")
		var args []string
		for _, w := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
			args = append(args, strings.Trim(w, `"`))
		}
		var out, log bytes.Buffer
		if code := Run(t.Context(), Builtin(), args, nil, &out, &log); code != ExitOK {
			t.Fatalf("%s: exit code %d\n%s%s", c[1], code, &out, &log)
		}
		if redirected {
			if err := os.WriteFile(to, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if args[0] == "run" && !strings.Contains(out.String(), "exec:pad-level to=linear") {
			t.Errorf("%s:\n%s", c[1], &out)
		}
	}
}
