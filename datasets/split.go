package datasets

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"veilbench/datasets/params"
)

// Split says how recordings are divided into training and test, such as
// "group-kfold:k=5". ParseSplit makes the canonical form: the name and all
// parameters, so equal splits are equal strings.
//
//	group-kfold:k=5          k folds of whole groups
//	leave-one-group-out      one fold per group
//	chronological:purge_s=0,share=0.7
//	                         earlier groups train, later ones test, and
//	                         nothing within purge_s before the cut trains
//	fixed-even-odd           groups at even positions of their folder train,
//	                         at odd ones test
//	train-test               a data set trains, another tests: see TrainTest
//	kfold:k=5                k folds of recordings (within)
//	trial-kfold:k=5          the i-th recording of each class and group tests in
//	                         fold i mod k (within)
//	leave-one-out            one fold, one part per recording (within)
//	fixed-80-20              per class the first max(1, floor(0.8 n)) train (within)
//
// Positions are those of the recordings sorted by ID, never those of the
// slice, so permuting recordings changes nothing; loaders choose IDs that sort
// in file order.
type Split string

// Part is one training set and the test set that goes with it: indexes of
// recordings, ascending.
type Part struct{ Train, Test []int }

// Fold is one cell of the experiment. Most splits have one part per fold;
// leave-one-out is a single fold with one part per recording.
type Fold []Part

// splitter is one kind of split; its exported fields are its parameters.
type splitter interface {
	// folds divides the recordings of v.
	folds(v splitView) ([]Fold, error)
}

// splitKind names a splitter with its default parameters.
type splitKind struct {
	name   string
	within bool
	s      splitter
}

// splitKinds lists all splits in the order of help texts.
func splitKinds() []splitKind {
	return []splitKind{
		{"group-kfold", false, groupKFold{K: 5}},
		{"leave-one-group-out", false, leaveOneGroupOut{}},
		{"chronological", false, chronological{Share: 0.7}},
		{"fixed-even-odd", false, fixedEvenOdd{}},
		{string(TrainTestSplit), false, trainTest{}},
		{"kfold", true, kFold{K: 5}},
		{"trial-kfold", true, trialKFold{K: 5}},
		{"leave-one-out", true, leaveOneOut{}},
		{"fixed-80-20", true, fixed8020{}},
	}
}

// Splits lists every split with its default parameters, in canonical form.
func Splits() []Split {
	var out []Split
	for _, k := range splitKinds() {
		out = append(out, Split(params.ID(k.name, k.s)))
	}
	return out
}

// ParseSplit reads "name" or "name:key=value,key=value" and returns the
// canonical form. An unknown name, an unknown key or a value out of range is an
// error that says what is allowed.
func ParseSplit(id string) (Split, error) {
	k, err := parseSplit(id)
	if err != nil {
		return "", err
	}
	return Split(params.ID(k.name, k.s)), nil
}

// parseSplit is ParseSplit, with the splitter set as id says.
func parseSplit(id string) (splitKind, error) {
	name, set, err := params.Split(id)
	if err != nil {
		return splitKind{}, fmt.Errorf("split %w", err)
	}
	var names []string
	for _, k := range splitKinds() {
		if names = append(names, k.name); k.name != name {
			continue
		}
		if k.s, err = params.With(k.s, set); err != nil {
			return splitKind{}, fmt.Errorf("split %s: %w", name, err)
		}
		return k, nil
	}
	return splitKind{}, fmt.Errorf("unknown split %q%s (there are %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}

// Within says whether the split may put one group on both sides: such a result
// reprints a paper's protocol or stands for the want of groups, and is never a
// headline. It is true for a split that cannot be parsed.
func (s Split) Within() bool {
	k, err := parseSplit(string(s))
	return err != nil || k.within
}

// Folds divides the recordings of ds that can serve task: for TaskClip those that
// have a class, for TaskCommand those that have commands, for TaskRoutine those
// that have stays, for TaskDetect those of an hour or more, else all. The result is
// the caller's, the same for every order of ds.Recordings up to their indexes,
// and every part has training and test recordings. An empty s stands for
// ds.Split. It is an error when the data has too few groups or recordings for
// the split, and when an across split would put a group on both sides.
func (s Split) Folds(ds *Dataset, task Task) ([]Fold, error) {
	if s == "" {
		s = ds.Split
	}
	k, err := parseSplit(string(s))
	if err != nil {
		return nil, err
	}

	v := newSplitView(ds, task)
	folds, err := k.s.folds(v)
	if err != nil {
		return nil, fmt.Errorf("split %s of %s: %w", s, ds.Name, err)
	}

	// Checked here once and not by each kind, so that a new kind cannot forget.
	for _, fold := range folds {
		for _, p := range fold {
			slices.Sort(p.Train)
			slices.Sort(p.Test)
			if err := v.check(p, k.within); err != nil {
				return nil, fmt.Errorf("split %s of %s: %w", s, ds.Name, err)
			}
		}
	}
	return folds, nil
}

// splitView is what a splitter sees: recordings in the order of their IDs.
type splitView struct {
	rec   []Recording
	task  Task
	order []int // indexes of usable recordings, sorted by ID
}

// newSplitView leaves out the recordings that cannot serve task.
func newSplitView(ds *Dataset, task Task) splitView {
	v := splitView{rec: ds.Recordings, task: task}
	for i := range v.rec {
		r := &v.rec[i]
		if task == TaskClip && r.ClipClass() == "" || task == TaskCommand && len(r.Labels.Commands) == 0 ||
			task == TaskRoutine && len(r.Labels.Stays) == 0 || task == TaskDetect && r.Trace.End < DetectItem {
			continue
		}
		v.order = append(v.order, i)
	}
	slices.SortFunc(v.order, func(a, b int) int { return strings.Compare(v.rec[a].ID, v.rec[b].ID) })
	return v
}

// check is the guard behind every split: a part with an empty side, or a group
// on both sides of one that is not within groups, is an error.
func (v splitView) check(p Part, within bool) error {
	if len(p.Train) == 0 || len(p.Test) == 0 {
		return fmt.Errorf("%d recordings train and %d test: both sides need at least one", len(p.Train), len(p.Test))
	}
	train := map[string]bool{}
	for _, i := range p.Train {
		train[v.rec[i].Group] = true
	}
	for _, i := range p.Test {
		if g := v.rec[i].Group; !within && train[g] {
			return fmt.Errorf("group %q is on both sides (recording %q)", g, v.rec[i].ID)
		}
	}
	return nil
}

// complement returns the part whose test set is test.
func (v splitView) complement(test []int) Part {
	in := map[int]bool{}
	for _, i := range test {
		in[i] = true
	}
	p := Part{Test: test}
	for _, i := range v.order {
		if !in[i] {
			p.Train = append(p.Train, i)
		}
	}
	return p
}

// group is a group with its recordings.
type group struct {
	name       string
	rec        []int
	start, end time.Time
}

// groups returns the groups sorted by name, each with its recordings by ID and
// the time they span.
func (v splitView) groups() []group {
	index := map[string]int{}
	var gs []group
	for _, i := range v.order {
		// v.order is by ID, so each group's recordings come in that order too.
		r := &v.rec[i]
		g, ok := index[r.Group]
		if !ok {
			g = len(gs)
			index[r.Group] = g
			gs = append(gs, group{name: r.Group, start: r.Trace.Start})
		}
		gs[g].rec = append(gs[g].rec, i)

		if r.Trace.Start.Before(gs[g].start) {
			gs[g].start = r.Trace.Start
		}
		if end := r.Trace.Start.Add(r.Trace.End); end.After(gs[g].end) {
			gs[g].end = end
		}
	}
	slices.SortFunc(gs, func(a, b group) int { return strings.Compare(a.name, b.name) })
	return gs
}

// foldsOf makes a fold of each test set, with all other recordings to train.
func (v splitView) foldsOf(tests [][]int) []Fold {
	folds := make([]Fold, len(tests))
	for j, t := range tests {
		folds[j] = Fold{v.complement(t)}
	}
	return folds
}

// byClass cuts order by clip class (one list for the other tasks), keeping the
// order; classes are in order of appearance.
func (v splitView) byClass(order []int) [][]int {
	index := map[string]int{}
	var out [][]int
	for _, i := range order {
		class := ""
		if v.task == TaskClip {
			class = v.rec[i].ClipClass()
		}
		c, ok := index[class]
		if !ok {
			c = len(out)
			index[class] = c
			out = append(out, nil)
		}
		out[c] = append(out[c], i)
	}
	return out
}

// maxFolds bounds k; more folds than that are a slip.
const maxFolds = 1000

// ShuffleKey orders names as if shuffled, yet the same on every machine and
// for every order of the data.
func ShuffleKey(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := h.Sum64()

	// FNV's high bits depend little on the last letters; the finalizer of
	// SplitMix64 mixes them.
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
