package shards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"veilbench/bench/results"
)

// Missing names a unit of which cells are nowhere, or nowhere without a failure.
type Missing struct {
	Dataset, Defense string
	Shard            int
	// Cells of the unit, and how many of them are missing and failed.
	Cells, Missing, Failed int
}

// common reads the plan that all of dirs share. That two plan otherwise is an error
// that names the first difference, for what they hold cannot be one run.
func common(dirs []string) (Plan, error) {
	if len(dirs) == 0 {
		return Plan{}, errors.New("no folders of runs")
	}
	plan, err := read(dirs[0])
	if err != nil {
		return plan, err
	}
	for _, dir := range dirs[1:] {
		p, err := read(dir)
		if err != nil {
			return plan, err
		}
		if why := plan.same(p); why != "" {
			return plan, fmt.Errorf("%s and %s are not shards of one run: %s", dirs[0], dir, why)
		}
	}
	return plan, nil
}

// Merge puts the results of the runs in dirs together in out and returns the units
// that are not complete there. Nothing is computed and nothing is overwritten by
// something else: two folders that hold different results of one cell are an error
// that names the cell and the first thing in it that differs, and so are folders of
// different plans, or computed with different kernels. What was merged before such
// an error stays, whole. out is none of dirs, whose plans say which shard they are.
// own are files that the caller keeps beside results.
func Merge(ctx context.Context, dirs []string, out string, own ...string) ([]Missing, error) {
	plan, err := common(dirs)
	if err != nil {
		return nil, err
	}
	m, err := sameKernel(dirs)
	if err != nil {
		return nil, err
	}
	to, err := results.OpenStore(out)
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if same(dir, out) {
			return nil, fmt.Errorf("%s is a shard itself, which a merge into it would make a whole run: name another folder", out)
		}
	}

	// The manifest comes first, as in a run: what lies in a folder says what it is.
	if err := m.Write(out); err != nil {
		return nil, err
	}
	whole := Plan{Shards: 1, Units: slices.Clone(plan.Units)}
	for i := range whole.Units {
		whole.Units[i].Shard = 0
	}
	if err := whole.Write(out); err != nil {
		return nil, err
	}
	if err := results.CopyRunFiles(dirs, out, own...); err != nil {
		return nil, err
	}

	from := make([]*results.Store, len(dirs))
	for i, dir := range dirs {
		from[i] = results.StoreAt(dir)
	}
	var missing []Missing
	for _, u := range plan.Units {
		gap := Missing{Dataset: u.Dataset, Defense: u.Defense, Shard: u.Shard, Cells: len(u.Cells)}
		for _, name := range u.Cells {
			if err := ctx.Err(); err != nil {
				return missing, err
			}
			found, failed, err := gather(from, dirs, to, name)
			switch {
			case err != nil:
				return missing, err
			case !found:
				gap.Missing++
			case failed:
				gap.Failed++
			}
		}
		if gap.Missing+gap.Failed > 0 {
			missing = append(missing, gap)
		}
	}
	return missing, nil
}

// same says whether two names are of one folder.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// gather copies one cell from wherever it is done, else from where it failed.
func gather(from []*results.Store, dirs []string, to *results.Store, name string) (found, failed bool, err error) {
	var first []byte
	at := -1
	for i, s := range from {
		b, bad, err := s.Raw(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, false, err
		}

		// Failures may differ, by what a machine lacked; what was computed may not.
		switch {
		case at < 0, failed && !bad:
			first, at, failed = b, i, bad
		case !bad && !bytes.Equal(first, b):
			return true, false, fmt.Errorf("%s and %s computed cell %s differently: %s", dirs[at], dirs[i], name, firstDifference(first, b))
		}
	}
	if at < 0 {
		return false, false, nil
	}
	return true, failed, from[at].CopyTo(to, name)
}

// firstDifference is where two results begin to differ, with some of what stands
// there in both, behind their checksums.
func firstDifference(a, b []byte) string {
	const around, skip = 40, 80 // a checksum comes first, and always differs
	i := min(skip, len(a), len(b))
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	show := func(x []byte) string {
		return strings.TrimSpace(string(x[max(0, i-around):min(len(x), i+around)]))
	}
	return fmt.Sprintf("…%s… against …%s…", show(a), show(b))
}

// sameKernel reads the manifests of dirs, which must be of one kind of processor:
// figures of networks from two would be of two runs.
func sameKernel(dirs []string) (results.Manifest, error) {
	m, err := results.ReadManifest(dirs[0])
	if err != nil {
		return m, err
	}
	for _, dir := range dirs[1:] {
		n, err := results.ReadManifest(dir)
		if err != nil {
			return m, err
		}
		if m.Arch != n.Arch || m.Kernel != n.Kernel || m.Version != n.Version || m.Go != n.Go {
			return m, fmt.Errorf("%s was computed by %s, and %s by %s: equal cells would not be equal bytes; compute one of them again on a machine like the other, with --kernel %s",
				dirs[0], maker(m), dir, maker(n), m.Kernel)
		}
	}
	return m, nil
}

func maker(m results.Manifest) string {
	return fmt.Sprintf("version %s, %s, %s with %s kernels", m.Version, m.Go, m.Arch, m.Kernel)
}
