// Package artifact holds the commands that hand a run to others: artifact, the
// folder that artifact committees ask for, and dossier, one document for a
// technical file.
//
// An artifact holds claims (claims.go), the experiments that they come from
// (experiment.go), the source of the program as it was (source.go), and a script
// that makes of them a verdict on any machine with Go and git.
package artifact

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/runs"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
	"veilbench/reports"
)

//go:embed files
var files embed.FS

// Commands are those of this package.
func Commands(a *command.App) []*cobra.Command {
	return []*cobra.Command{artifactCommand(a), dossierCommand(a)}
}

// flags are those of "veilbench artifact".
type flags struct {
	out, source string
	tolerance   float64
	show        command.Show
}

// noSource is the word for an artifact without the program's source.
const noSource = "none"

func artifactCommand(a *command.App) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "artifact DIR",
		Short: "write what artifact committees ask: appendix, claims, container file, a script that reproduces",
		Long: `Artifact writes a folder that reproduces the claims of the run in DIR on a machine with Go and git
and no network. It holds the appendix (README.md, with the minutes, memory and disk that the run took),
claims.yaml (one claim for each defense, task and data set, with its tolerance), the whole experiment
and a short one for each data set and task (the attacks that set the claims), the source of the program
with all it depends on as a git bundle, a container file, and reproduce.sh. Before it writes, the data
are made or read again from what it will write: data that differ are an error.

Data that were read from files are not copied: the appendix names them with their digests.`,
		Example: `  veilbench artifact runs/camera-ready --out artifact
  cd artifact && ./reproduce.sh          # short; ./reproduce.sh long for the whole experiment`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return write(cmd.Context(), a, args[0], f) },
	}

	// A share of the figure: committees of the field take 5 % for reproduced.
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "artifact", "folder to write")
	fl.StringVar(&f.source, "source", "", `folder of the program's source (default: where the program's module is found from here), or "none"`)
	fl.Float64Var(&f.tolerance, "tolerance", 0.05, "how far a figure may be off, as a share of it")
	f.show.AddJSON(fl)
	cmd.AddCommand(checkCommand(a))
	return cmd
}

// appendix is what the templates of the files see.
type appendix struct {
	Program, Go, GoTag, Main, Commit string
	Results                          string // their fingerprint
	Modified                         bool
	Manifest                         results.Manifest
	Claims                           []claim
	NoEvidence                       []string
	Experiments                      []experiment
	Long                             experiment
	Files                            []results.DataEntry // data that are not generated
	SourceMB, TreeMB                 int
	Tolerance                        string
	Memory, AboutMemory              string // head of the column, and what it is
	Alarms, Stamps                   []string
}

func write(ctx context.Context, a *command.App, dir string, f flags) error {
	if f.tolerance < 0 || f.tolerance > 1 {
		return fmt.Errorf("--tolerance %v: want a share from 0 to 1", f.tolerance)
	}
	if there, err := os.ReadDir(f.out); err == nil && len(there) > 0 {
		return fmt.Errorf("--out %s is there and not empty", f.out)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s, err := runs.OpenSet(a, dir)
	if err != nil {
		return err
	}
	m := s.Options.Manifest
	if m == nil {
		return fmt.Errorf("%s has no manifest: what it was computed from is not known", dir)
	}
	if len(m.Programs) > 0 {
		return fmt.Errorf("%s used programs (%s), which an artifact does not hold: run the experiment without them, or hand them in beside it", dir, strings.Join(slices.Sorted(maps.Keys(m.Programs)), ", "))
	}

	elsewhere := slices.DeleteFunc(slices.Clone(m.Attacks), func(id string) bool { return !strings.HasPrefix(id, outside.Prefix) })
	if len(elsewhere) > 0 {
		return fmt.Errorf("%s holds predictions that were made elsewhere (%s), which an artifact cannot make again: hand in what made them, and run the experiment without them", dir, strings.Join(elsewhere, ", "))
	}

	x := appendix{
		Program: s.Options.Program, Results: s.Options.Fingerprint, Go: runtime.Version(), GoTag: strings.TrimPrefix(runtime.Version(), "go"),
		Manifest: *m, Tolerance: fmt.Sprintf("%g %%", 100*f.tolerance),
		Alarms: s.Alarms(), Stamps: s.Stamps(s.Panels...),
	}
	x.Claims, x.NoEvidence = claimsOf(s, f.tolerance)
	if len(x.Claims) == 0 {
		return fmt.Errorf("%s supports no claim: nothing in it has evidence", dir)
	}
	x.Long, x.Experiments = experimentsOf(s, x.Claims)
	if x.Long.DiskMB, err = diskMB(dir); err != nil {
		return err
	}
	for _, d := range m.Data {
		if d.Preset == "" {
			x.Files = append(x.Files, d)
		}
	}
	x.memory(runs.MemoryOf(dir))
	if err := sameAgain(ctx, a, x.Long, *m); err != nil {
		return err
	}

	// All or nothing: half an artifact would be uploaded one day.
	if err := os.MkdirAll(filepath.Join(f.out, "short"), 0o755); err != nil {
		return err
	}
	if err := fill(ctx, a, f, s, &x); err != nil {
		return errors.Join(err, os.RemoveAll(f.out))
	}
	said := map[string]any{"folder": f.out, "claims": len(x.Claims), "short_experiments": len(x.Experiments), "source_mb": x.SourceMB, "no_evidence": x.NoEvidence}
	return f.show.Print(a, said, fmt.Sprintf("%s: %s, %s, source %d MB; try it: cd %s && ./reproduce.sh\n", f.out,
		reports.Plural(len(x.Claims), "claim"), reports.Plural(len(x.Experiments), "short experiment"), x.SourceMB, f.out))
}

// fill writes the files of an artifact into its folder.
func fill(ctx context.Context, a *command.App, f flags, s *reports.Set, x *appendix) error {
	x.Main = mainPackage()
	if f.source != noSource {
		src, err := bundle(ctx, f.source, filepath.Join(f.out, "source.bundle"))
		if err != nil {
			return err
		}
		x.Commit, x.Modified, x.SourceMB, x.TreeMB = src.commit, src.modified, src.mb, src.treeMB
		if src.modified {
			fmt.Fprintln(a.Stderr, "note: the source differs from its last commit; the artifact holds it as it is, and says so")
		}
	}
	for _, e := range append([]experiment{x.Long}, x.Experiments...) {
		if err := atomicfile.Write(filepath.Join(f.out, e.File), []byte(e.YAML)); err != nil {
			return err
		}
	}
	if err := atomicfile.Write(filepath.Join(f.out, "claims.yaml"), writeClaims(x.Claims, x.Results)); err != nil {
		return err
	}
	if err := x.Manifest.Write(f.out); err != nil {
		return err
	}
	zipped := func(w io.Writer) error {
		z := gzip.NewWriter(w)
		z.Comment = s.Options.Fingerprint
		return errors.Join(s.WriteResults(z), z.Close())
	}
	if err := atomicfile.WriteTo(filepath.Join(f.out, "results.csv.gz"), zipped); err != nil {
		return err
	}

	// The script must be one that a shell may start, the others are read.
	t, err := template.New("").Funcs(template.FuncMap{"join": strings.Join}).ParseFS(files, "files/*")
	if err != nil {
		return err
	}
	for _, name := range []string{"README.md", "Containerfile", "reproduce.sh"} {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, name, x); err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Join(f.out, name), b.Bytes()); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(f.out, "reproduce.sh"), 0o755)
}

// memory says what the experiments take: what the process of the run did, and where
// nobody measured that, what their largest models do.
func (x *appendix) memory(m runs.Memory) {
	if mb := (m.PeakBytes + 1<<20 - 1) >> 20; mb > 0 {
		x.Memory = "peak memory (MB)"
		x.AboutMemory = fmt.Sprintf("Memory is the most that the process of the whole experiment held at any time, drawing included, as the system counts it (resident), with %s; the short ones are parts of it.", reports.Plural(m.Jobs, "worker"))
		x.Long.Memory = fmt.Sprint(mb)
		for i := range x.Experiments {
			x.Experiments[i].Memory = fmt.Sprintf("at most %d", mb)
		}
		return
	}
	x.Memory = "largest model (MB)"
	x.AboutMemory = "How much the process held was not measured on that system, or by that version: memory is that of the largest model alone, and a run takes more."
	x.Long.Memory = fmt.Sprintf("%.1f", x.Long.modelMB)
	for i := range x.Experiments {
		x.Experiments[i].Memory = fmt.Sprintf("%.1f", x.Experiments[i].modelMB)
	}
}

// diskMB is what the files of a run take, at least 1.
func diskMB(dir string) (int, error) {
	var n int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return max(1, int(n>>20)), err
}
