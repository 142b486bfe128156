package tune

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/datasets"
	"veilbench/reports"
)

// Parts of a data set's name, which tell its groups apart in tables and in digests.
const (
	sweepPart   = "/sweep"
	confirmPart = "/held-back"
)

// fewGroups is up to how many groups each is tested on by itself: so the costs have
// intervals over groups too.
const fewGroups = 10

// divide holds back a share of the groups of each data set of g. sweep has the others,
// split among themselves; in confirm these train and those held back are tested on. own
// says that the split of g was asked for.
func divide(g bench.Grid, share float64, own bool) (sweep, confirm bench.Grid, err error) {
	if !(share > 0 && share < 1) {
		return g, g, fmt.Errorf("--hold-back %v: want more than 0 and less than 1", share)
	}
	sweep, confirm = g, g
	sweep.Datasets, confirm.Datasets = nil, nil
	confirm.Split = ""
	for _, ds := range g.Datasets {
		back, err := heldBack(&ds, g.Seed, share)
		if err != nil {
			return g, g, err
		}

		// Names tell the parts apart in results: draws and folds are by recording.
		a, b := ds, ds
		a.Name, b.Name = ds.Name+sweepPart, ds.Name+confirmPart
		a.Recordings, b.Recordings = nil, nil
		groups := map[string]bool{}
		for _, r := range ds.Recordings {
			if back[r.Group] {
				b.Recordings = append(b.Recordings, r)
			} else {
				a.Recordings = append(a.Recordings, r)
				groups[r.Group] = true
			}
		}
		if a.Split = "leave-one-group-out"; len(groups) > fewGroups {
			a.Split = "group-kfold:k=5"
		}
		joined, err := datasets.TrainTest(a, b)
		if err != nil {
			return g, g, err
		}
		sweep.Datasets, confirm.Datasets = append(sweep.Datasets, a), append(confirm.Datasets, joined)
	}
	if !own {
		sweep.Split = ""
	}
	return sweep, confirm, nil
}

// heldBack draws the groups of a data set that are held back. At least two stay for the
// sweep, or there would be nothing to train on.
func heldBack(ds *datasets.Dataset, seed uint64, share float64) (map[string]bool, error) {
	var groups []string
	for i := range ds.Recordings {
		groups = append(groups, ds.Recordings[i].Group)
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) < 3 {
		return nil, fmt.Errorf("data set %s has %s: want two to sweep on and one to hold back; cut long recordings into days, or name data of more homes", ds.Name, reports.Plural(len(groups), "group"))
	}
	key := func(g string) uint64 { return datasets.ShuffleKey(fmt.Sprint(seed, " held back ", g)) }
	slices.SortFunc(groups, func(a, b string) int { return cmp.Or(cmp.Compare(key(a), key(b)), strings.Compare(a, b)) })
	n := min(max(int(math.Round(share*float64(len(groups)))), 1), len(groups)-2)
	out := map[string]bool{}
	for _, g := range groups[:n] {
		out[g] = true
	}
	return out, nil
}

// sayPlan writes which groups and settings there are.
func sayPlan(a *command.App, sweep, confirm bench.Grid, settings []setting) {
	count := func(ds datasets.Dataset, of string) string {
		groups := map[string]bool{}
		for _, r := range ds.Recordings {
			if strings.HasPrefix(r.Group, of) {
				groups[r.Group] = true
			}
		}
		return reports.Plural(len(groups), "group")
	}

	// Groups held back have test/ in front, those that train them are the sweep's.
	for i, ds := range sweep.Datasets {
		fmt.Fprintf(a.Stderr, "%s: %s of the sweep (%s), %s held back\n", strings.TrimSuffix(ds.Name, sweepPart), count(ds, ""), cmp.Or(sweep.Split, ds.Split), count(confirm.Datasets[i], "test/"))
	}
	fmt.Fprintf(a.Stderr, "%s:", reports.Plural(len(settings), "setting"))
	for i, s := range settings {
		sep := ";"
		if i == 0 {
			sep = ""
		}
		fmt.Fprintf(a.Stderr, "%s %s", sep, s.label)
	}
	fmt.Fprintln(a.Stderr)
}
