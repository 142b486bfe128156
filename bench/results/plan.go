package results

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"veilbench/datasets"
)

// Setup is a digest of all that can change the bytes of a cell and is named
// neither by the cell nor by the digest of its data: the link, and the labels and
// builds of the plug-ins.
func (m Manifest) Setup(c Cell) string {
	ids := []string{c.Defense, c.TrainDefense, c.Attack}
	var labels, builds []string
	for _, id := range ids {
		labels, builds = append(labels, m.Labels[id]), append(builds, m.Builds[id])
	}

	// Which defense it is an attacker tells among all of the grid.
	var among []string
	if c.Task == datasets.TaskDetect {
		among = slices.Sorted(slices.Values(m.Defenses))
	}

	b, _ := json.Marshal(struct {
		Link           LinkSettings
		Labels, Builds []string
		Among          []string `json:",omitempty"`
	}{m.Link, labels, builds, among}) // strings and numbers that were validated cannot fail
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// SampleSetup is Setup for a sample, in which no attack has a part.
func (m Manifest) SampleSetup(k SampleKey) string { return m.Setup(k.cell()) }

// DataDigest is that of the data set with this name, "" if m has none.
func (m Manifest) DataDigest(name string) string {
	for _, d := range m.Data {
		if d.Name == name {
			return d.Digest
		}
	}
	return ""
}

// stray says why what a folder holds is not of the plan of m, "" if it is.
func (m Manifest) stray(c Cell, data, setup string, method int) string {
	i := slices.IndexFunc(m.Data, func(d DataEntry) bool { return d.Name == c.Dataset })
	switch {
	case i < 0:
		return "data set " + c.Dataset
	case m.Data[i].Digest != data:
		return "other content of data set " + c.Dataset
	case method != m.Method:
		return fmt.Sprintf("method %d", method)
	case c.Seed != m.Seed:
		return fmt.Sprintf("seed %d", c.Seed)
	case !slices.Contains(m.Data[i].Tasks, c.Task):
		return "task " + string(c.Task)
	case m.Vantages != nil && !slices.Contains(m.Vantages, c.Vantage):
		return "vantage " + string(c.Vantage)
	case m.Data[i].Split != "" && c.Split != m.Data[i].Split:
		return "split " + string(c.Split)
	case !slices.Contains(m.Defenses, c.Defense):
		return "defense " + c.Defense
	// What was trained on is another defense of the grid, or none at all.
	case c.TrainDefense != NoDefense && !slices.Contains(m.Defenses, c.TrainDefense):
		return "training on " + c.TrainDefense
	// Manifests of method 1 tell neither labels nor builds.
	case m.Method >= 2 && setup != m.Setup(c):
		return "another link, label or build of a plug-in"
	}
	return ""
}

// strayCell is stray for what a cell has beyond a sample.
func (m Manifest) strayCell(r Result) string {
	c := r.Cell
	why := m.stray(c, r.Data, r.Setup, r.Method)
	switch {
	case why != "":
		return why
	case !slices.Contains(m.Attacks, c.Attack):
		return "attack " + c.Attack
	case m.Knowledge != nil && c.Knowledge != Planted && !slices.Contains(m.Knowledge, c.Knowledge):
		return "knowledge " + string(c.Knowledge)
	case c.Knowledge == Planted && !m.Canaries:
		return "canaries"
	case c.TrainDraws != m.TrainDraw:
		return fmt.Sprintf("train_draws %d", c.TrainDraws)
	case c.Draw >= m.Draws:
		return fmt.Sprintf("draw %d", c.Draw)
	}
	return ""
}

// Run is what the folder of a run holds.
type Run struct {
	Results []Result
	Samples []Sample
	// Manifest is nil where the folder has none.
	Manifest *Manifest
	// Notes say, a sentence each, what of the folder was left out and why, and what
	// could not be checked.
	Notes []string
}

// ReadRun reads the folder of a run: the results and samples that its manifest
// plans, whatever else older runs left there. Without a manifest it is all of
// them. A sample that cannot be read is a note, for it is no figure.
func ReadRun(dir string) (Run, error) {
	return readRun(dir, func() ([]Result, error) { return ReadResults(dir) })
}

// ReadRunOf is ReadRun for those who have just computed rs in dir: results are read
// again only where there are others beside them.
func ReadRunOf(dir string, rs []Result) (Run, error) {
	return readRun(dir, func() ([]Result, error) {
		there, err := Cells(dir).List()
		if err != nil {
			return nil, err
		}
		mine := map[string]bool{}
		for _, r := range rs {
			mine[cellName(r.Cell, r.Data, r.Setup)] = true
		}
		for _, n := range there {
			if !mine[n.Name] {
				return ReadResults(dir)
			}
		}
		return slices.Clone(rs), nil
	})
}

// readRun is ReadRun with the results that read gives.
func readRun(dir string, read func() ([]Result, error)) (Run, error) {
	var run Run

	// The manifest first: a run that starts meanwhile adds cells, and those of an
	// older plan stay what they are.
	m, err := ReadManifest(dir)
	switch {
	case err == nil:
		run.Manifest = &m
	case !errors.Is(err, fs.ErrNotExist):
		return run, err
	}
	if run.Results, err = read(); err != nil {
		return run, err
	}
	if run.Samples, err = ReadSamples(dir); err != nil {
		run.Notes = append(run.Notes, fmt.Sprintf("no figures of packets and rates: %v", err))
	}

	if run.Manifest == nil {
		run.Notes = append(run.Notes, fmt.Sprintf("%s has no %s: every result below it counts, whichever run left it", dir, manifestFile))
	} else {
		run.keepPlanned(dir)
	}
	return run, nil
}

// keepPlanned leaves out what the manifest does not plan.
func (r *Run) keepPlanned(dir string) {
	out := map[string]int{}
	r.Results = slices.DeleteFunc(r.Results, func(x Result) bool {
		why := r.Manifest.strayCell(x)
		if why != "" {
			out[why]++
		}
		return why != ""
	})
	r.Samples = slices.DeleteFunc(r.Samples, func(s Sample) bool {
		return r.Manifest.stray(s.cell(), s.Data, s.Setup, s.Method) != ""
	})

	var parts []string
	for _, why := range slices.Sorted(maps.Keys(out)) {
		parts = append(parts, fmt.Sprintf("%d of %s", out[why], why))
	}
	if parts != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("%s also holds results that its %s does not plan; left out: %s", dir, manifestFile, strings.Join(parts, ", ")))
	}
}

// Differs says in what m is another experiment than that of was, in whose folder it
// is to be kept: in data, seed or anything else that every cell hangs on. Lists
// that may grow are no difference (Grows), nor is the program's version: cells that
// it changes have other names.
func (m Manifest) Differs(was Manifest) []string {
	var out []string
	other := func(what string, is, was any) {
		if is != was {
			out = append(out, fmt.Sprintf("%s is %v there, %v here", what, was, is))
		}
	}
	other("seed", m.Seed, was.Seed)
	other("split", cmp.Or(m.Split, "the data's own"), cmp.Or(was.Split, "the data's own"))
	other("train_draws", m.TrainDraw, was.TrainDraw)
	other("link", m.Link, was.Link)
	if kind := m.Arch + " " + m.Kernel; was.Kernel != "" && kind != was.Arch+" "+was.Kernel {
		// Networks of both would be of two runs.
		out = append(out, fmt.Sprintf("it was computed with %s kernels of %s there, would be with %s of %s here (--kernel %s)", was.Kernel, was.Arch, m.Kernel, m.Arch, was.Kernel))
	}

	// Content is compared by name: the order of data sets is that of a report.
	find := func(in Manifest, name string) int {
		return slices.IndexFunc(in.Data, func(d DataEntry) bool { return d.Name == name })
	}
	for _, d := range was.Data {
		if find(m, d.Name) < 0 {
			out = append(out, fmt.Sprintf("data set %s is not in this run", d.Name))
		}
	}
	for _, d := range m.Data {
		switch i := find(was, d.Name); {
		case i < 0:
			out = append(out, fmt.Sprintf("data set %s is not there", d.Name))
		case was.Data[i].Digest != d.Digest:
			out = append(out, fmt.Sprintf("data set %s has other content", d.Name))
		case m.Split == was.Split && was.Data[i].Split != d.Split:
			other("split of "+d.Name, d.Split, was.Data[i].Split)
		}
	}
	return out
}

// Grows says what m asks for beyond what was asked for, such as "2 defenses".
func (m Manifest) Grows(was Manifest) []string {
	var out []string
	count := func(n int, one string) {
		switch {
		case n == 1:
			out = append(out, "1 "+one)
		case n > 1:
			out = append(out, fmt.Sprintf("%d %ss", n, one))
		}
	}
	count(added(m.Defenses, was.Defenses), "defense")
	count(added(m.Attacks, was.Attacks), "attack")
	count(added(m.Knowledge, was.Knowledge), "knowledge")
	count(added(m.Vantages, was.Vantages), "vantage")
	count(added(m.tasks(), was.tasks()), "task")
	count(max(0, m.Draws-was.Draws), "draw")
	return out
}

// tasks are those of any data set.
func (m Manifest) tasks() []datasets.Task {
	var out []datasets.Task
	for _, d := range m.Data {
		out = append(out, d.Tasks...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// added counts what is in a and not in b.
func added[T comparable](a, b []T) int {
	n := 0
	for _, x := range a {
		if !slices.Contains(b, x) {
			n++
		}
	}
	return n
}
