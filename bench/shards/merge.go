package shards

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"veilbench/bench/outside"
	"veilbench/bench/pack"
	"veilbench/bench/results"
)

// Missing names a unit of which cells are nowhere, or nowhere without a failure.
type Missing struct {
	Dataset string `json:"dataset"`
	Defense string `json:"defense"`
	Shard   int    `json:"shard"`
	// Cells of the unit, and how many of them are missing and failed.
	Cells   int `json:"cells"`
	Missing int `json:"missing"`
	Failed  int `json:"failed"`
}

// common reads the plans in dirs, which must be one but for whose share each is. That
// two plan otherwise is an error that names the first difference, for what they hold
// cannot be one run.
func common(dirs []string) ([]Plan, error) {
	if len(dirs) == 0 {
		return nil, errors.New("no folders of runs")
	}
	plans := make([]Plan, len(dirs))
	var first []byte
	for i, dir := range dirs {
		units, err := plans[i].read(dir, first, plans[0].Units)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = units
		}
		if why := plans[0].same(plans[i]); why != "" {
			return nil, fmt.Errorf("%s and %s are not shards of one run: %s", dirs[0], dir, why)
		}
	}
	return plans, nil
}

// Merge puts the results of the runs in dirs together in out and returns the units
// that are not complete there. Nothing is computed and nothing is overwritten by
// something else: two folders that hold different results of one cell are an error
// that names the cell and the first thing in it that differs, and so are folders of
// different plans, or computed with different kernels. What was merged before such
// an error stays, whole. out is none of dirs, whose plans say which shard they are.
// own are files that the caller keeps beside results.
func Merge(ctx context.Context, dirs []string, out string, own ...string) ([]Missing, error) {
	plans, err := common(dirs)
	if err != nil {
		return nil, err
	}
	plan := plans[0]
	m, err := sameKernel(dirs)
	if err != nil {
		return nil, err
	}
	if err := adopt(&m, append(slices.Clone(dirs), out)); err != nil {
		return nil, err
	}
	if _, err := results.OpenStore(out); err != nil {
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

	// What an earlier merge put there is held against the shards as well.
	from := append(slices.Clone(dirs), out)
	var missing []Missing
	for _, u := range plan.Units {
		gap := Missing{Dataset: u.Dataset, Defense: u.Defense, Shard: u.Shard, Cells: len(u.Cells)}
		if err := ctx.Err(); err != nil {
			return missing, err
		}
		have, err := gather(from, u)
		if err != nil {
			return missing, err
		}
		for _, name := range u.Cells {
			switch r, ok := have[name]; {
			case !ok:
				gap.Missing++
			case r.Failed:
				gap.Failed++
			}
		}
		if err := put(out, u, have, m); err != nil {
			return missing, err
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

// gather returns the cells of a unit by name from wherever they are done, else from
// where they failed.
func gather(dirs []string, u Unit) (map[string]pack.Record, error) {
	have, at := map[string]pack.Record{}, map[string]string{}
	for _, dir := range dirs {
		unit, err := results.Cells(dir).Unit(u.Dataset, u.Defense)
		if err != nil {
			return nil, err
		}

		// Failures may differ, by what a machine lacked; what was computed may not.
		for _, r := range unit.Each() {
			switch was, ok := have[r.Name]; {
			case !ok, was.Failed && !r.Failed:
				have[r.Name], at[r.Name] = r, dir
			case !r.Failed && !bytes.Equal(was.Line, r.Line):
				return nil, fmt.Errorf("%s and %s computed cell %s differently: %s", at[r.Name], dir, r.Name, firstDifference(was.Line, r.Line))
			}
		}
	}
	return have, nil
}

// adopt takes into m what the manifests in dirs say of attacks that were made elsewhere:
// predictions are imported into one shard, and no plan knows of them. A folder without a
// manifest is one to merge into.
func adopt(m *results.Manifest, dirs []string) error {
	at := map[string]string{}
	for _, dir := range dirs {
		n, err := results.ReadManifest(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, id := range n.Attacks {
			was, ok := at[id]
			switch {
			case !strings.HasPrefix(id, outside.Prefix):
				continue
			case ok && m.Builds[id] != n.Builds[id]:
				return fmt.Errorf("%s and %s have different predictions as %s: leave them out of one, and import them into what is merged", was, dir, id)
			case ok:
				continue
			}
			at[id] = dir
			if !slices.Contains(m.Attacks, id) {
				m.Attacks = append(m.Attacks, id)
			}
			for _, x := range []struct {
				to   *map[string]string
				from map[string]string
			}{{&m.Builds, n.Builds}, {&m.Labels, n.Labels}} {
				if *x.to == nil {
					*x.to = map[string]string{}
				}
				(*x.to)[id] = x.from[id]
			}

			// What was said on undefended traffic counts where no other attack is asked so.
			for _, k := range n.Knowledge {
				if !slices.Contains(m.Knowledge, k) {
					m.Knowledge = append(m.Knowledge, k)
				}
			}
		}
	}
	return nil
}

// imported are the cells of m that are of no plan: those of attacks made elsewhere.
func imported(u Unit, have map[string]pack.Record, m results.Manifest) ([]string, error) {
	planned := map[string]bool{}
	for _, name := range u.Cells {
		planned[name] = true
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if planned[name] {
			continue
		}
		var r results.Result
		object, err := pack.Open(have[name].Line)
		if err == nil {
			err = json.Unmarshal(object, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("cell %s of %s on %s: %w", name, u.Defense, u.Dataset, err)
		}

		// One of an earlier import has another digest in its name, and counts no more.
		if strings.HasPrefix(r.Cell.Attack, outside.Prefix) && m.Name(r.Cell) == name {
			out = append(out, name)
		}
	}
	return out, nil
}

// put packs the cells of a unit that are of its plan, and those that were imported, into
// the folder out.
func put(out string, u Unit, have map[string]pack.Record, m results.Manifest) error {
	unit, err := results.Cells(out).Unit(u.Dataset, u.Defense)
	if err != nil {
		return err
	}
	more, err := imported(u, have, m)
	if err != nil {
		return err
	}
	for _, name := range append(slices.Clone(u.Cells), more...) {
		if r, ok := have[name]; ok {
			if was, ok := unit.Get(name); !ok || was.Failed {
				unit.Add(r)
			}
		}
	}
	return unit.Close()
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
