// Package folder makes one data set of a folder of recordings, and says what it
// understood of it: which files are captures, labels and lists of devices, which
// captures are one recording, what their names say, which were recorded
// together.
//
// Read this file first, then follow a folder:
//
//  1. files.go lists it and tells the kinds of file apart;
//  2. spec.go reads dataset.yaml; without one layout.go proposes what it would
//     say, from the names in pattern.go's terms and from the traffic;
//  3. rotate.go finds the files that are one recording and joins them;
//  4. read.go opens the captures in parallel, cells.go traces of cells;
//  5. devices.go, events.go and json.go read the truth, clock.go finds the
//     zone of times that name none, truth.go lays it over the recordings;
//  6. groups.go finds what was recorded together;
//  7. describe.go says all of it to people.
//
// What cannot be told is said, with the key of dataset.yaml that would tell it.
// Nothing here depends on where the folder lies.
package folder

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/labels"
)

// Options says how a folder is opened. What is set here wins over dataset.yaml.
type Options struct {
	// Capture says how each capture is read.
	Capture capture.Options
	// Labels are label files and lists of devices, in place of those in the
	// folder. Relative names count from the working directory.
	Labels []string
	// Times says how times in label files are meant.
	Times labels.Options
	// Workers is how many captures are read at once, 0 for 1.
	Workers int
	// MemoryBytes bounds the packets of all captures, at 50 bytes each. 0 is no
	// bound.
	MemoryBytes int64
	// Progress is told how many captures of how many are read, by one goroutine
	// at a time. Nil: nobody is told.
	Progress func(done, total int)
}

// Folder is what was understood of a folder.
type Folder struct {
	path string // as it was given
	// spec is what its dataset.yaml says, or would say.
	spec spec
	// layout says in words which layout was recognized, "" if dataset.yaml said
	// it.
	layout string
	// recordings are in order of their IDs, each as long as it was recorded.
	recordings []datasets.Recording
	broken     []problem // captures that could not be read
	left       []problem // files that were passed over
	pairs      []pair
	// clock says which zone the labels' times were taken for and why, "" where
	// they say it themselves.
	clock    string
	doubts   []datasets.Doubt
	warnings []string // other things that were done or are odd
	tasks    []datasets.Task
	recorded datasets.Vantage
	captures int // files read, rotated ones each
	empty    int // recordings without packets
	zone     string
	vague    bool // ends of events say when they happened at the latest
	segments int  // packets that frames above the MTU were cut into, but the first
}

// problem is a file, by its path in the folder, and what is wrong with it.
type problem struct{ file, reason string }

// pair is the same traffic before and after a gateway: files by their paths.
type pair struct{ before, after string }

// loader is one run of Open.
type loader struct {
	ctx   context.Context
	root  string
	o     Options
	files listing
	f     *Folder
	units []*unit
	truth truth

	index   index                      // of units, by their names
	reports map[string]*capture.Report // of captures, by their recordings' IDs
}

// unit is one recording in the making: the files it consists of, in order of
// time, and what their name says.
type unit struct {
	stem  string // path in the folder without capture endings
	files []string
	parts map[string]string // named parts of the pattern
	trace datasets.Trace
	rep   *capture.Report
	err   error
	named datasets.Labels // of a file that holds its own truth
	mac   datasets.MAC    // that most packets of the home side have
}

// Open reads the folder at path. A capture that cannot be read costs itself: it
// is listed in Broken. It is an error when no capture is left, when dataset.yaml
// or a label file is wrong (the message names file, line and column), when the
// layout leaves open what the labels mean (it names the key that says it), and
// when the packets do not fit the memory bound.
func Open(ctx context.Context, path string, o Options) (*Folder, error) {
	l := &loader{ctx: ctx, root: path, o: o, f: &Folder{path: path}}

	// Each step leaves in l what the next needs. Names come before traffic
	// where they can, so that a slip in dataset.yaml costs no time.
	for _, step := range []func() error{
		l.list, l.readSpec, l.readTruth, l.plan, l.read, l.propose, l.nameUnits, l.layTruth, l.group, l.finish,
	} {
		if err := step(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return l.f, nil
}

// finish makes the recordings of the units and says what is doubtful.
func (l *loader) finish() error {
	f := l.f
	slices.SortFunc(f.recordings, func(a, b datasets.Recording) int { return strings.Compare(a.ID, b.ID) })
	f.spec.Task = l.chosenTask()
	l.findDoubts()
	l.splitAtJumps()
	return nil
}

// splitAtJumps makes a recording of each part of a capture between two jumps of
// its clock, if that was asked. They stay one group: what was recorded together.
func (l *loader) splitAtJumps() {
	if !l.o.Capture.SplitAtJumps {
		return
	}
	var out []datasets.Recording
	for i, r := range l.f.recordings {
		rep := l.reports[r.ID]
		if rep == nil || len(rep.Jumps) == 0 {
			out = append(out, l.f.recordings[i])
			continue
		}
		for k, piece := range capture.SplitAtJumps(r, rep.Jumps) {
			piece.ID = fmt.Sprintf("%s~%d", r.ID, k+1)
			out = append(out, piece)
		}
	}
	l.f.recordings = out
}

// chosenTask restricts the tasks to the one that dataset.yaml names.
func (l *loader) chosenTask() datasets.Task {
	want := l.f.spec.Task
	if want == "" {
		return ""
	}
	if !slices.Contains(l.f.tasks, want) {
		l.warn("task %s is asked for, but the labels serve %s", want, joinOr(l.f.tasks, "none"))
	}
	l.f.tasks = slices.DeleteFunc(l.f.tasks, func(t datasets.Task) bool { return t != want })
	return want
}

// doubt notes what a result may not rest on; warn, what else people should know.
func (l *loader) doubt(code, where string, count, of int, remedy, format string, args ...any) {
	l.f.doubts = append(l.f.doubts, datasets.Doubt{Code: code, Where: where, Count: int64(count), Of: int64(of), Remedy: remedy, Detail: fmt.Sprintf(format, args...)})
}

func (l *loader) warn(format string, args ...any) {
	l.f.warnings = append(l.f.warnings, fmt.Sprintf(format, args...))
}

// Dataset is the folder as a data set, named "folder=" and the path. A folder
// with one recording is cut in time, for nothing can be learned and tested on
// one: into days if its labels lie on three, else into blocks; a warning says
// so. The recordings are shared with f.
func (f *Folder) Dataset() datasets.Dataset {
	ds := datasets.Dataset{
		Name:       "folder=" + f.path,
		Source:     "recordings in " + filepath.Base(f.path),
		Recordings: f.recordings,
		Recorded:   f.recorded,
		Tasks:      slices.Clone(f.tasks),
		Same:       f.spec.Same,
		Vague:      f.vague,
		LabelZone:  f.zone,
		Doubts:     slices.Clone(f.doubts),
		Warnings:   slices.Clone(f.warnings),
	}

	// Whoever reads results must know what they are not about.
	for _, b := range f.broken {
		ds.Doubts = append(ds.Doubts, datasets.Doubt{Code: datasets.DoubtCut, Where: b.file, Count: 1, Of: int64(f.captures), Detail: "not read: " + b.reason})
	}
	if len(f.recordings) == 1 && len(f.tasks) > 0 {
		f.cutAlone(&ds)
		return ds
	}

	groups := map[string]bool{}
	for _, r := range f.recordings {
		groups[r.Group] = true
	}
	n := len(groups)
	switch {
	case n > 1:
		ds.Split = datasets.Split(fmt.Sprintf("group-kfold:k=%d", min(n, 5)))
	case slices.Contains(f.tasks, datasets.TaskClip):
		ds.Split = datasets.Split(fmt.Sprintf("trial-kfold:k=%d", max(min(len(f.recordings), 5), 2)))
	default:
		ds.Split = datasets.Split(fmt.Sprintf("kfold:k=%d", max(min(len(f.recordings), 5), 2)))
	}
	return ds
}

const (
	// blocks is into how many pieces a recording is cut that stands alone.
	blocks = 5
	// daysForGroups is from how many days with labels on it is cut into days.
	daysForGroups = 3
)

// cutAlone cuts the one recording of ds where no event is under way.
func (f *Folder) cutAlone(ds *datasets.Dataset) {
	whole := ds.Recordings[0]
	var at []time.Duration
	for _, e := range whole.Labels.Events {
		at = append(at, e.Start)
	}
	for _, c := range whole.Labels.Commands {
		at = append(at, c.Time)
	}
	slices.Sort(at)

	// Days before blocks: they differ as the days of a home do, which blocks of
	// one afternoon do not.
	rule := "one a day"
	cuts := f.dayCuts(whole.Trace.Start, at)
	if len(cuts) < daysForGroups-1 {
		cuts, rule = blockCuts(at, whole.Trace.End), "of about equally many labels"
	}
	ds.Recordings = whole.Cut(cuts)
	for i := range ds.Recordings {
		id := fmt.Sprintf("%s#%02d", whole.ID, i+1)
		ds.Recordings[i].ID, ds.Recordings[i].Group = id, id
	}
	if len(ds.Recordings) == 1 {
		ds.Split = "kfold:k=2"
		ds.Warnings = append(ds.Warnings, "too few labels to cut the recording into training and test")
		return
	}
	ds.Split = datasets.Split(fmt.Sprintf("group-kfold:k=%d", min(len(ds.Recordings), 5)))
	ds.Warnings = append(ds.Warnings, fmt.Sprintf("one recording was cut into %d groups, %s: "+datasets.OneHome, len(ds.Recordings), rule))
}

// dayCuts cuts at the midnight before the first label of each further day, in
// the labels' zone.
func (f *Folder) dayCuts(start time.Time, at []time.Duration) []time.Duration {
	zone, err := time.LoadLocation(f.spec.Labels.Zone) // "" is UTC
	if err != nil || start.IsZero() {
		return nil
	}
	var cuts []time.Duration
	for i := 1; i < len(at); i++ {
		a, b := start.Add(at[i-1]).In(zone), start.Add(at[i]).In(zone)
		if a.Format(time.DateOnly) != b.Format(time.DateOnly) {
			midnight := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, zone)
			cuts = append(cuts, max(midnight.Sub(start), at[i-1]+1))
		}
	}
	return cuts
}

// blockCuts cuts into blocks with about equally many labels, of at least two; of
// equal time where only owners are known.
func blockCuts(at []time.Duration, end time.Duration) []time.Duration {
	var cuts []time.Duration
	if len(at) == 0 {
		for i := 1; i < blocks; i++ {
			cuts = append(cuts, end/blocks*time.Duration(i))
		}
		return slices.Compact(cuts)
	}

	// Of the gaps near the right place the widest is taken, so that what a label
	// causes stays with it.
	n := min(blocks, len(at)/2)
	for i := 1; i < n; i++ {
		k := i * len(at) / n
		reach := len(at) / (4 * n)
		best := k
		for j := k - reach; j <= k+reach; j++ {
			if at[j]-at[j-1] > at[best]-at[best-1] {
				best = j
			}
		}
		cuts = append(cuts, at[best-1]+(at[best]-at[best-1])/2)
	}
	return slices.Compact(cuts)
}

// joinOr lists words, or says other if there are none.
func joinOr[T ~string](words []T, other string) string {
	var s []string
	for _, w := range words {
		s = append(s, string(w))
	}
	if len(s) == 0 {
		return other
	}
	return strings.Join(s, ", ")
}
