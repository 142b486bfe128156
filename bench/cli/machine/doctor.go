// Package machine holds the commands that say what the program is, and what the machine
// has that it runs on: version and doctor.
package machine

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/kernel"
	"veilbench/bench/cli/source"
	"veilbench/datasets/published"
	"veilbench/reports/table"
)

// Commands are those of this package.
func Commands(a *command.App) []*cobra.Command {
	return []*cobra.Command{versionCommand(a), doctorCommand(a)}
}

// report is what "veilbench doctor" tells.
type report struct {
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	Cores   int      `json:"cores"`
	Used    int      `json:"cores_used"` // what the system or GOMAXPROCS leaves
	Kernels []string `json:"kernels"`
	// Memory in bytes, 0 where the system does not say.
	Memory    int64 `json:"memory_bytes"`
	Available int64 `json:"memory_available_bytes"`

	Folder string `json:"folder"` // where runs would be written
	Free   int64  `json:"free_bytes"`
	Cache  cache  `json:"cache"`
	Tools  []tool `json:"tools"`
	// Notes say what is missing or short, and what to do.
	Notes []string `json:"notes"`
}

// cache is the folder of fetched data sets.
type cache struct {
	Folder string   `json:"folder"`
	There  bool     `json:"there"`
	Bytes  int64    `json:"bytes"`
	Free   int64    `json:"free_bytes"`
	Sets   []string `json:"data_sets"` // those that have a folder; "datasets verify" looks into it
}

// tool is a program that some command, or somebody who uses its output, needs.
type tool struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // "" where it is missing
	For  string `json:"for"`
	Get  string `json:"get"`

	names []string // that it may have
}

// tools lists the programs. None is needed to run an experiment.
func tools() []tool {
	return []tool{
		{Name: "go", For: "a program with your own defense or attack, artifact's reproduce.sh", Get: "https://go.dev/dl"},
		{Name: "git", For: "artifact: the source that it packs", Get: "apt install git"},
		{Name: "tshark", For: "looking at what apply writes; make peers", Get: "apt install tshark"},
		{Name: "pdflatex", For: "setting report --format latex and --format pgf", Get: "apt install texlive-latex-extra"},
		{Name: "chromium", For: "printing report.html and dossier to PDF without a window; tests of the page", Get: "apt install chromium", names: []string{"chromium", "chromium-browser", "google-chrome", "chrome"}},
		{Name: "python3", For: "make peers; a workflow's own scripts", Get: "apt install python3"},
		{Name: "benchstat", For: "reading report --format benchfmt", Get: "go install golang.org/x/perf/cmd/benchstat@latest"},
		{Name: "sbatch", For: "plan --slurm --submit", Get: "run it on a login node of the cluster"},
		{Name: "kubectl", For: "applying what plan --kubernetes writes", Get: "https://kubernetes.io/docs/tasks/tools"},
		{Name: "parallel", For: "running what plan --parallel writes side by side; sh runs it in turn", Get: "apt install parallel"},
		{Name: "docker", For: "building the container files", Get: "apt install podman", names: []string{"docker", "podman"}},
		{Name: "man", For: "reading what veilbench man writes", Get: "apt install man-db"},
	}
}

func doctorCommand(a *command.App) *cobra.Command {
	var show command.Show
	var flag string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "what this machine has: cores, kernels, memory, disk, cache, tools, and what is missing for which command",
		Long: `Doctor says what this machine has for the program, which commands lack a tool, and how to get it. It
changes nothing and starts no other program. What an experiment takes, "veilbench run --dry-run" says.`,
		Example: "  veilbench doctor\n  veilbench doctor --json",
		Args:    command.Args(command.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// What is missing is no failure: everybody lacks something that he does not need.
			r, err := examine(flag)
			if err != nil {
				return err
			}
			if show.JSON {
				return show.Print(a, r, "")
			}
			return a.Tables(table.Text, show, r.tables()...)
		},
	}
	cmd.Flags().StringVar(&flag, "cache", "", "folder that holds fetched data sets (default: the user's cache folder)")
	show.AddJSON(cmd.Flags())
	return cmd
}

// examine looks at the machine.
func examine(flag string) (report, error) {
	r := report{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Used: runtime.GOMAXPROCS(0), Kernels: kernel.Classes(), Notes: []string{}}
	r.Memory, r.Available = memory()
	var err error
	if r.Folder, err = os.Getwd(); err != nil {
		return r, err
	}
	r.Free = free(r.Folder)

	dir, err := source.Cache(flag)
	if err != nil {
		r.Notes = append(r.Notes, err.Error())
	}
	r.Cache = cacheIn(dir)

	// A tool of several names is there by any of them.
	for _, t := range tools() {
		for _, name := range append(t.names, t.Name) {
			if p, err := exec.LookPath(name); err == nil {
				t.Path = p
				break
			}
		}
		r.Tools = append(r.Tools, t)
	}
	r.judge()
	return r, nil
}

// cacheIn looks at a folder of fetched data sets. Of one that is not there, what counts
// is the disk that it would be made on.
func cacheIn(dir string) cache {
	c := cache{Folder: dir, Sets: []string{}}
	if dir == "" {
		return c
	}
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		c.There = true
	}
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what cannot be read takes no room that anyone here could free
		}
		if info, err := d.Info(); err == nil {
			c.Bytes += info.Size()
		}
		return nil
	})
	all, err := published.Sources()
	if err != nil {
		return c // a damaged list of checksums: "datasets list" says so
	}
	for _, s := range all {
		if info, err := os.Stat(s.Folder(dir)); err == nil && info.IsDir() {
			c.Sets = append(c.Sets, s.Name)
		}
	}
	at := dir
	for c.Free == 0 && filepath.Dir(at) != at {
		c.Free, at = free(at), filepath.Dir(at)
	}
	return c
}

// What is little: the main job takes about a gigabyte of memory and leaves megabytes.
const (
	littleMemory = 2 << 30
	littleDisk   = 1 << 30
)

// judge notes what is missing or short.
func (r *report) judge() {
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if r.Kernels[0] == "plain" {
		note("this processor, or this build, has no vector kernels: networks train slowly; attacks without them (--attack event-forest and the like) do not mind")
	}
	if r.Used < r.Cores {
		note("%d of %d cores are used, as the system or GOMAXPROCS says", r.Used, r.Cores)
	}
	if r.Available > 0 && r.Available < littleMemory {
		note("%s of memory are free: run with --jobs 1, and look at run --dry-run first", size(r.Available))
	}

	// Where the system does not say what is free, nothing is said.
	for _, d := range []struct {
		folder string
		free   int64
	}{{r.Folder, r.Free}, {r.Cache.Folder, r.Cache.Free}} {
		if d.free > 0 && d.free < littleDisk {
			note("%s are free where %s lies: --out and --cache name other places", size(d.free), d.folder)
		}
	}
	var missing []string
	for _, t := range r.Tools {
		if t.Path == "" {
			missing = append(missing, t.Name)
		}
	}
	if len(missing) > 0 {
		note("missing: %s. No experiment needs them; the table says what does, and how to get them", strings.Join(missing, ", "))
	}
}

// tables are the report for people.
func (r report) tables() []table.Table {
	word := func(s ...string) []table.Value {
		out := make([]table.Value, len(s))
		for i := range s {
			out[i] = table.Word(s[i])
		}
		return out
	}
	cached := "nothing is fetched yet (veilbench datasets list)"
	if len(r.Cache.Sets) > 0 {
		cached = fmt.Sprintf("%s: %s", size(r.Cache.Bytes), strings.Join(r.Cache.Sets, ", "))
	}
	has := table.Table{Columns: table.Columns("machine", r.OS+"/"+r.Arch), Rows: [][]table.Value{
		word("cores", fmt.Sprintf("%d, %d used", r.Cores, r.Used)),
		word("kernels", strings.Join(r.Kernels, ", ")),
		word("memory", size(r.Memory)+", "+size(r.Available)+" free"),
		word("disk", size(r.Free)+" free in "+r.Folder),
		word("cache", r.Cache.Folder),
		word("", cached),
		word("", size(r.Cache.Free)+" free there"),
	}}

	// What is missing stands out, with the way to get it in place of where it lies.
	needs := table.Table{Columns: table.Columns("tool", "where", "for")}
	for _, t := range r.Tools {
		where := table.Word(t.Path)
		if t.Path == "" {
			where = table.Failed("missing: " + t.Get)
		}
		needs.Rows = append(needs.Rows, []table.Value{table.Word(t.Name), where, table.Word(t.For)})
	}
	needs.Notes = r.Notes
	return []table.Table{has, needs}
}

// size writes bytes for people, "not known" for none.
func size(n int64) string {
	switch {
	case n <= 0:
		return "not known"
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
