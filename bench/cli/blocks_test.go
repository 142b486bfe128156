package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/store/s3/s3test"
)

// Every block of commands is run, page by page in a folder of its own, from the first to
// the last. Those that are marked print what the page says, and UPDATE_GOLDEN=1 writes
// what they print into the page; of the others each must succeed.
func TestOutputsOfPages(t *testing.T) {
	for _, name := range pages(t) {
		page := filepath.Base(name)
		t.Run(page, func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text := string(b)
			blocks := blocksOf(text)
			if slices.Contains(ownTests(), page) || !slices.ContainsFunc(blocks, isRun) {
				return
			}

			f := newFolder(t, page, text)
			var fresh strings.Builder
			at := 0
			for _, b := range blocks {
				switch {
				case !isRun(b) || !f.has(b.needs):
				case !b.ran:
					f.succeed(b)
				default:
					got, now := f.output(b), b.text
					if !fits(now, got) {
						now = got
						if os.Getenv("UPDATE_GOLDEN") == "" {
							t.Errorf("line %d: the page says\n%s\nand the program\n%s", b.line, b.text, got)
						}
					}
					fresh.WriteString(text[at:b.index] + now)
					at = b.index + len(b.text)
				}
			}
			f.allUsed()
			if os.Getenv("UPDATE_GOLDEN") != "" && at > 0 {
				if err := os.WriteFile(name, []byte(fresh.String()+text[at:]), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// ownTests are the pages that have a test of their own which runs all of their blocks.
func ownTests() []string {
	return []string{"exchange.md", "own-module.md", "protocol.md", "tune.md"}
}

// isRun says whether a block is one of commands, and no drawing, table or file.
func isRun(b block) bool {
	c := commandsOf(b)
	return b.ran || len(c) > 0 && (b.lang != "" || isProgram(c[0][0]))
}

// lesser is a command of a page, or one that a target of make calls for it, that takes
// more than a test may, or more than the machine has.
type lesser struct {
	page    string
	command string // with its program; * stands for anything
	instead string // what is done in its place, by sh; "" for nothing at all
	why     string
}

// lesserForms are all of them. The same words stand in both wherever that is possible.
func lesserForms() []lesser {
	const (
		build  = "go build -o bin/veilbench ./bench/cmd/veilbench"
		apart  = `go build -o "$BUILT" ./bench/cmd/veilbench`
		where  = "built, and put apart from the program that is tested"
		listed = "tests of minutes to an hour: that they are there; at small size they are among all tests"
	)
	return []lesser{
		{"README.md", "go build -trimpath -o bin/veilbench ./bench/cmd/veilbench", `go build -trimpath -n -o "$BUILT" ./bench/cmd/veilbench`, "without its paths every package would be built once more: what would be done is listed"},
		{"README.md", "veilbench run quick --out out --force", "veilbench run quick --out out --force --dry-run", "a minute or two: .ci/run does it"},
		{"README.md", "go test ./...", "go test ./datasets/cite", "one package, for this test is among them"},

		{"grids.md", "veilbench run routine-small --out runs/diary", "veilbench run routine-small --dataset home:routine:homes=5,hours=26 --defense none --attack guess-majority --attack routine-events --canaries off --out runs/diary", "a day of five homes"},

		{"grids.md", "veilbench artifact runs/camera-ready --out artifact", "veilbench artifact runs/camera-ready --out artifact --source none", "a page's folder is no place where the source is"},

		{"traces.md", build, apart, where},
		{"traces.md", "veilbench rates --dataset home:rates --defense vpn --device nest_cam", "veilbench rates --dataset home:rates:homes=5,hours=1 --defense vpn --device nest_cam", "an hour of five homes"},
		{"traces.md", "veilbench run --dataset capture=plug.pcap --labels events.csv --defense all --attack all --out runs/plug", "veilbench run --dataset capture=plug.pcap --labels events.csv --defense all --attack all --out runs/plug --dry-run && veilbench run --dataset capture=plug.pcap --labels events.csv --defense pad-random --attack event-knn --out runs/plug", "all would be half a minute"},
		{"traces.md", "veilbench run lab --defense none --defense vpn --attack all --out runs/lab", "veilbench run lab --defense none --defense vpn --attack all --out runs/lab --dry-run && veilbench run lab --defense none --defense vpn --attack event-knn --out runs/lab", "networks learn for a minute"},
		{"traces.md", "veilbench run homes --out runs/homes", "veilbench run homes --out runs/homes --dry-run", "all defenses and attacks of two homes, minutes"},
		{"traces.md", "veilbench gate runs/plug --budget budget.yaml", "veilbench gate runs/plug --budget budget.yaml; test $? = 3", "with the exit code that stands beside it"},
		{"traces.md", "veilbench run routine-small", "veilbench run routine-small --dataset home:routine:homes=5,hours=26 --dry-run", "on another page it is run"},
		{"traces.md", "veilbench report out --table people", "veilbench report runs/lab --table people", "the run of the second block"},

		{"tracking.md", "make bench BENCH=Forest COUNT=6", "make bench BENCH=Forest COUNT=1", "of a tree that has one small benchmark, once"},
		{"tracking.md", "go run ./.tools/peaks", "go build -o \"$BUILT\" ./.tools/peaks", "built, for measuring takes seconds"},
		{"tracking.md", "make bench-compare BASE=HEAD~1 BENCH=Forest", "make bench-compare BASE=HEAD~1 BENCH=Forest COUNT=2 BENCHTIME=1ms", "of a tree that has one small benchmark"},
		{"tracking.md", "make peers", "", "compares with five programs that most machines lack, for minutes"},
		{"tracking.md", "go tool -modfile=* benchstat *", `go tool -modfile=.tools/tools.mod benchstat "$@"`, "the small tree has no tools of its own"},

		{"routine.md", "veilbench run routine --out DIR", "veilbench run routine --dataset home:routine:homes=5,hours=26 --defense none --defense constant-rate:per=home,interval_s=1,size_bytes=1500 --attack guess-majority --attack routine-events --canaries off --out DIR", "a day of five homes behind one defense, for 45 minutes and 7 GiB"},
		{"routine.md", "go build -trimpath -o bin/veilbench ./bench/cmd/veilbench", "true", "built elsewhere in this test"},

		{"statistics.md", "go test ./bench/stats -run Simulation -v -timeout 60m", "grep '^func Test.*Simulation' bench/stats/*_test.go", listed},
		{"statistics.md", "go test ./bench -run Week -v -timeout 30m", "grep '^func Test.*Week' bench/*_test.go", listed},
		{"statistics.md", "go test -timeout 120m -count=1 ./bench/cli -run Killed", "grep '^func Test.*Killed' bench/cli/*_test.go", listed},
	}
}

// What is not run at all stays a short list.
func TestFewCommandsAreLeftOut(t *testing.T) {
	left := 0
	for _, l := range lesserForms() {
		if l.instead == "" {
			left++
		}
		if l.why == "" {
			t.Errorf("%s: no reason", l.command)
		}
	}
	if left > 3 {
		t.Errorf("%d commands of pages are not run at all, want 3 at most", left)
	}
}

// prepared is what a reader has before the first block of a page, by sh. Files that a
// page shows, with their names in the first line, are there before that.
func prepared() map[string]string {
	return map[string]string{
		// Ten homes of three hours are a minute; a cluster of one node does its jobs at once.
		"grids.md": `
sed -i 's/homes: 10/homes: 5, hours: 0.3/' paper.yaml
cat >instead/sbatch <<'END'
#!/bin/sh
for word; do
	case $word in
	--wrap=*) sh -c "${word#--wrap=}" >merge.log 2>&1; echo 2; exit ;;
	esac
done
cat >job
for i in $(seq 0 $(sed -n 's/^#SBATCH --array=0-//p' job)); do
	SLURM_ARRAY_TASK_ID=$i sh job >job.log 2>&1 || exit
done
echo 1
END
chmod +x instead/sbatch
`,
		// The machine of the page at both ends, and one that does nothing.
		"maybenot.md": `
printf 'states:\n- transitions: {}\n' >noop.yaml
both() { m=$(veilbench maybenot build "$1"); printf 'client %s\nserver %s\n' "$m" "$m"; }
both mine.yaml >pair.txt
both noop.yaml >noop.txt
`,
		"traces.md": `
veilbench datasets generate home:small --homes 5 --hours 0.1 --out lab
for to in plug evening; do cp lab/home-01.pcap $to.pcap; done
{
	printf '# clock: epoch\ntime,device,activity\n'
	sed 1,2d lab/home-01.events.csv | awk -F, '{ printf "%.6f,%s,%s\n", $1 + 1740960000, $3, $4 }'
} >events.csv
cp lab/home-01.events.csv plug.csv
printf 'advantage: {events: 0.2}\noverhead: 50 %%\n' >budget.yaml
`,
		"tracking.md": `
git init -q
git config user.name a
git config user.email a@example.org
printf 'module small\n\ngo 1.26\n' >go.mod
printf 'package small\n\nimport "testing"\n\nfunc BenchmarkForest(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n' >small_test.go
git add go.mod small_test.go
git commit -q -m one
git commit -q --allow-empty -m two
`,
	}
}

// folder is where the blocks of a page are run: with the program as bin/veilbench and
// in the path, the Makefile, and programs that stand in for those of lesser forms.
type folder struct {
	t         *testing.T
	page, dir string
	env       []string
}

func newFolder(t *testing.T, page, text string) *folder {
	t.Helper()
	f := &folder{t: t, page: page, dir: t.TempDir()}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "instead", "reports/docs"} {
		if err := os.MkdirAll(filepath.Join(f.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", ".tools"} {
		if err := os.Symlink(filepath.Join(top, name), filepath.Join(f.dir, name)); err != nil {
			t.Skip("no links on this system")
		}
	}
	f.write("reports/docs/"+page, text, 0o644)
	for _, m := range fileRE.FindAllStringSubmatch(text, -1) {
		f.write(m[2], m[1], 0o644)
	}

	// Another cache of the program must not mean another one of what Go has built.
	built, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := s3test.New()
	t.Cleanup(s.Close)
	f.env = append(os.Environ(), s.Env()...)
	f.env = append(f.env, "XDG_CACHE_HOME="+filepath.Join(f.dir, "cache"), "GOCACHE="+strings.TrimSpace(string(built)), "TOP="+top,
		"BUILT="+filepath.Join(f.dir, "built"), "PATH="+filepath.Join(f.dir, "instead")+":"+os.Getenv("PATH"))
	for _, program := range []string{"veilbench", "go", "make"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		f.write("instead/"+program, f.standIn(program, path), 0o755)
	}
	if err := os.Symlink("../instead/veilbench", filepath.Join(f.dir, "bin/veilbench")); err != nil {
		t.Fatal(err)
	}
	if said, err := f.sh("set -eu\n" + prepared()[page]); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return f
}

func (f *folder) write(name, text string, mode os.FileMode) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), mode); err != nil {
		f.t.Fatal(err)
	}
}

// standIn is a script that does the lesser form of what it is called for, and else what
// the program does that it stands for. Go is asked about this module, where it is asked
// for a lesser form.
func (f *folder) standIn(program, path string) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	if set, ok := os.LookupEnv("CGO_ENABLED"); program == "go" && !ok {
		b.WriteString("unset CGO_ENABLED\n") // which make sets: all would be built once more
	} else if program == "go" {
		fmt.Fprintf(&b, "export CGO_ENABLED=%s\n", set)
	}
	fmt.Fprintf(&b, "%s() { command %s \"$@\"; }\ncase \"$*\" in\n", program, path)
	for i, l := range lesserForms() {
		args, ok := strings.CutPrefix(l.command, program+" ")
		if !ok || l.page != f.page {
			continue
		}
		pattern := "'" + strings.ReplaceAll(args, "*", "'*'") + "'"
		do := l.instead
		if program == "go" {
			do = `cd "$TOP" && ` + do
		}
		fmt.Fprintf(&b, "%s)\n\ttouch '%s'\n\t%s\n\texit\n\t;;\n", pattern, f.used(i), do)
	}
	fmt.Fprintf(&b, "esac\nexec %s \"$@\"\n", path)
	return b.String()
}

// used is the file that says that a lesser form was asked for.
func (f *folder) used(i int) string { return filepath.Join(f.dir, fmt.Sprintf("instead/used-%d", i)) }

// allUsed fails where a lesser form is of an older page.
func (f *folder) allUsed() {
	f.t.Helper()
	for i, l := range lesserForms() {
		if l.page != f.page {
			continue
		}
		if _, err := os.Stat(f.used(i)); err != nil {
			f.t.Errorf("nothing calls %q", l.command)
		}
	}
}

// has says whether the recording is there that a block needs, and copies it to where it is
// needed: "NAME = PATH/OF/RECORDING".
func (f *folder) has(needs string) bool {
	name, path, ok := strings.Cut(needs, " = ")
	if !ok {
		return true
	}
	b, err := os.ReadFile(filepath.Join("../../../shared/data", path))
	if err != nil {
		f.t.Logf("a block is not run: no %s", path)
		return false
	}
	f.write(name, string(b), 0o644)
	return true
}

// sh runs a line of a page and returns what it prints.
func (f *folder) sh(line string) (string, error) {
	cmd := exec.CommandContext(f.t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = f.dir, f.env
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	f.t.Logf("%.1f CPU s: %s", (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), strings.TrimSpace(line))
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		f.t.Fatal(err)
	}
	return said.String(), err
}

// succeed runs each line of a block that shows no output.
func (f *folder) succeed(b block) {
	f.t.Helper()
	for l := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
		if said, err := f.sh(strings.TrimPrefix(l, "$ ")); err != nil {
			f.t.Errorf("line %d: %s: %v\n%s", b.line, strings.TrimSpace(l), err, said)
		}
	}
}

// output runs the commands behind "$ " and returns the block with what they print.
func (f *folder) output(b block) string {
	f.t.Helper()
	var out strings.Builder
	for l := range strings.Lines(b.text) {
		if typed, ok := strings.CutPrefix(l, "$ "); ok {
			said, _ := f.sh(typed) // a page may show what fails
			out.WriteString(l + said)
		}
	}
	return out.String()
}

// fits says whether a page shows what was printed: line by line, where a line "..."
// stands for any number of lines.
func fits(page, printed string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for l := range strings.Lines(page) {
		if strings.TrimSpace(l) == "..." {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(regexp.QuoteMeta(l))
	}
	pattern.WriteString(`\z`)
	return regexp.MustCompile(pattern.String()).MatchString(printed)
}
