package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/results"
	"veilbench/bench/shards"
	"veilbench/datasets/atomicfile"
	"veilbench/defenses"
	"veilbench/reports"
)

// Files of a run beside its cells.
const (
	orderFile     = "order.json"     // IDs in the order of rows and columns
	selfcheckFile = "selfcheck.json" // verdicts of the self-check
	checkpoints   = "checkpoints"    // folder of trainings that were stopped
	// memoryFile is what the largest process of the run took, beside the times of cells:
	// it is of a machine, as they are, and differs from run to run.
	memoryFile = "timing/memory.json"
)

// ownPlace refuses, without force, to put a run into a folder that holds files of
// something else: reports would lie between them, and over them.
func ownPlace(dir string, force bool) error {
	foreign, err := results.Foreign(dir, orderFile, selfcheckFile, checkpoints, shards.PlanFile)
	if err != nil || len(foreign) == 0 || force {
		return err
	}
	const shown = 3
	what := strings.Join(foreign[:min(shown, len(foreign))], ", ")
	if n := len(foreign) - shown; n > 0 {
		what += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("%s holds files of no run (%s); --out %s is free, --force goes on there", dir, what, freeName(dir))
}

// ownExperiment refuses, without force, to put m into the folder of another
// experiment. The same one goes on there, and may grow, which is said.
func ownExperiment(a *command.App, dir string, m results.Manifest, force bool) error {
	was, err := results.ReadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil && !force {
		return fmt.Errorf("%w; --out %s is free, --force goes on there", err, freeName(dir))
	}
	if diff := m.Differs(was); len(diff) > 0 && !force {
		// Data that nobody touched have other content where another build makes or reads
		// them in another way.
		if was.Version != m.Version {
			diff = append(diff, fmt.Sprintf("it was made by another build (%s, this is %s), which may make or read the same data differently", was.Version, m.Version))
		}
		return fmt.Errorf("%s holds another experiment: %s; --out %s is free, --force goes on there (reports show what was asked for last)", dir, strings.Join(diff, "; "), freeName(dir))
	}
	if more := m.Grows(was); len(more) > 0 && err == nil {
		fmt.Fprintf(a.Stderr, "%s holds results of the same data: it grows by %s\n", dir, strings.Join(more, ", "))
	}
	return nil
}

// freeName is dir with the least number behind it that nothing has as a name.
func freeName(dir string) string {
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s-%d", filepath.Clean(dir), n)
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) || n == 1000 {
			return name
		}
	}
}

// openRun reads the folder of a run and says what of it does not count.
func openRun(a *command.App, dir string) (results.Run, error) {
	r, err := results.ReadRun(dir)
	sayNotes(a, r)
	return r, err
}

// sayNotes says what of a folder does not count.
func sayNotes(a *command.App, r results.Run) {
	for _, n := range r.Notes {
		fmt.Fprintln(a.Stderr, "note:", n)
	}
}

// OpenSet reads the results of the run in dir for a report, and says on Stderr what
// of them does not count. An error names the folder.
func OpenSet(a *command.App, dir string) (*reports.Set, error) {
	r, err := openRun(a, dir)
	if err != nil {
		return nil, err
	}
	return reports.NewSet(r.Results, reportOptions(a, dir, r)), nil
}

// fingerprint is the line that says which results a run's folder holds, those of the
// flags of a report or not. Results that are no JSON have none; they cannot have been
// read from one.
func fingerprint(r results.Run) string {
	f, err := results.FingerprintOf(r.Results, r.Manifest)
	if err != nil {
		return ""
	}
	return f.String()
}

// writeOrder keeps the order of defenses and attacks of a run, so that a report
// that is drawn again is the same.
func writeOrder(dir string, g bench.Grid) error {
	var order []string
	for _, d := range g.Defenses {
		order = append(order, defenses.ID(d))
	}
	for _, at := range g.Attacks {
		order = append(order, attacks.ID(at))
	}
	b, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, orderFile), append(b, '\n'))
}

// Memory is what a process of a run held at most, drawing included, and its workers.
type Memory struct {
	PeakBytes int64 `json:"peak_bytes"`
	Jobs      int   `json:"jobs"`
}

// MemoryOf is that of the largest process of the run in dir; 0 bytes where nobody
// measured it.
func MemoryOf(dir string) Memory {
	var m Memory
	if b, err := os.ReadFile(filepath.Join(dir, memoryFile)); err != nil || json.Unmarshal(b, &m) != nil {
		return Memory{}
	}
	return m
}

// keep writes m into the folder of a run, unless a process held more there before.
func (m Memory) keep(dir string) error {
	if m.PeakBytes <= MemoryOf(dir).PeakBytes {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, memoryFile)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { // all cells may be another's
		return err
	}
	return atomicfile.Write(file, append(b, '\n'))
}

// reportOptions are what a report needs to know beside results: the order of
// rows and columns, and what the run's folder keeps beside its cells. Files
// that are missing there are no error: folders merged from shards lack them.
func reportOptions(a *command.App, dir string, r results.Run) reports.Options {
	opt := reports.Options{Fingerprint: fingerprint(r), Program: "veilbench " + command.Version(), Samples: r.Samples, Manifest: r.Manifest}
	if b, err := os.ReadFile(filepath.Join(dir, orderFile)); err != nil || json.Unmarshal(b, &opt.Order) != nil {
		for _, d := range a.Defenses {
			opt.Order = append(opt.Order, d.Info().Name)
		}
		for _, at := range a.Attacks {
			opt.Order = append(opt.Order, at.Info().Name)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, selfcheckFile)); err != nil || json.Unmarshal(b, &opt.SelfCheck) != nil {
		opt.SelfCheck = nil
	}

	// A file that is there and cannot be read is another matter: a report without
	// it would look whole.
	if timings, err := results.ReadTimings(dir); err != nil {
		fmt.Fprintln(a.Stderr, "no times of attacks:", err)
	} else {
		opt.Timing = timings.Of
	}
	var bib strings.Builder
	if err := bibliographyOf(a, r).write(&bib); err != nil {
		fmt.Fprintln(a.Stderr, "no bibliography:", err)
	}
	opt.Bibliography = bib.String()
	var err error
	if opt.Probes, err = results.ReadProbes(dir); err != nil {
		fmt.Fprintln(a.Stderr, "no probes:", err)
	}
	if opt.Published, err = results.ReadPublished(dir); err != nil {
		fmt.Fprintln(a.Stderr, "no published figures:", err)
		opt.Published = nil // not the part before the fault
	}
	return opt
}
