package capture

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/labels"
)

// DatasetOptions says how a capture with label files becomes a data set.
type DatasetOptions struct {
	Options
	// Labels are CSV files (see labels.Read) of any kinds.
	Labels []string
	// Times says how the times in them are meant.
	Times labels.Options
	// SharedLabels says that the same files are laid over other captures too.
	SharedLabels bool
	// Blocks is into how many groups a capture is cut that is not cut by day.
	// 0 means 5, 1 not to cut.
	Blocks int
}

const (
	defaultBlocks = 5
	daysForGroups = 3
)

// Dataset reads the capture at path and its labels as a data set, named
// "capture=" and the path.
//
// One capture is one long session, yet an across split needs groups. So it is
// cut in time, never inside an event: into days (UTC) if there are labels on
// at least three days, else into blocks with about equally many labels (with
// about equal time if ownership is all there is). Each piece is a recording
// and a group of its own; a warning says what was done. With two or three
// labels the pieces form one group, which only a split within it can use, and
// a capture with fewer is one recording. Without labels it serves no task, but
// can be defended and priced.
func Dataset(ctx context.Context, path string, o DatasetOptions) (datasets.Dataset, error) {
	t, rep, err := Open(ctx, path, o.Options)
	if err != nil {
		return datasets.Dataset{}, err
	}

	if err := rep.Empty(); err != nil {
		return datasets.Dataset{}, err
	}
	if rep.Recorded == datasets.WAN {
		// The hardware addresses there are those of the line: with them a view
		// would translate once more what the router has translated.
		t.Flows = slices.Clone(t.Flows)
		for i := range t.Flows {
			t.Flows[i].MAC = datasets.MAC{}
		}
	}

	ds := datasets.Dataset{
		Name:     "capture=" + path,
		Source:   "capture " + filepath.Base(path),
		Recorded: rep.Recorded,
		Doubts:   slices.Clone(rep.Doubts),
		Warnings: rep.Warnings,
		Split:    "group-kfold:k=5",
	}

	laid, err := readLabels(t, o)
	if err != nil {
		return datasets.Dataset{}, err
	}
	ds.Doubts = append(ds.Doubts, laid.Doubts...)
	ds.Warnings = append(ds.Warnings, laid.Warnings...)
	ds.Vague, ds.LabelZone = laid.Vague, laid.Zone
	if n := len(laid.Events) + len(laid.Commands) + len(laid.Stays); laid.Since && o.SharedLabels {
		// Times of the wall clock find their capture; these fit any.
		ds.Doubts = append(ds.Doubts, datasets.Doubt{
			Code: datasets.DoubtShared, Count: int64(n), Of: int64(n), Spoils: []datasets.Task{datasets.TaskEvent, datasets.TaskCommand, datasets.TaskRoutine},
			Detail: fmt.Sprintf("%d labels count from the start of a capture, and the same files are laid over several", n),
			Remedy: "give each capture files of its own (--dataset capture=FILE:labels=LABELS.csv)",
		})
	}

	// A folder in the path would make the recording's ID, and with it every
	// random draw, depend on where the file lies.
	whole := datasets.Recording{ID: filepath.Base(path), Group: filepath.Base(path), Trace: t, Labels: laid.Labels}
	ds.Tasks = tasksOf(laid.Labels)
	segments := []datasets.Recording{whole}
	if o.SplitAtJumps {
		segments = SplitAtJumps(whole, rep.Jumps)
	}
	cutIntoGroups(&ds, segments, cmp.Or(o.Blocks, defaultBlocks))
	return ds, nil
}

// SplitAtJumps cuts r where the clock of its capture jumped, and leaves out the
// silences there, with the labels in them: nobody observed at those times. The
// pieces have ID and Group of r, for the caller to rename.
func SplitAtJumps(r datasets.Recording, jumps []Jump) []datasets.Recording {
	var at []time.Duration
	for _, j := range jumps {
		at = append(at, j.Before+1, max(j.After, j.Before+1)) // the last packet before is in the piece before
	}

	var out []datasets.Recording
	for i, piece := range r.Cut(at) {
		if i%2 == 0 {
			out = append(out, piece)
		}
	}
	return out
}

// cutIntoGroups fills in the recordings of ds and the split, by ds.Tasks.
// Segments are parts of one capture, in order.
func cutIntoGroups(ds *datasets.Dataset, segments []datasets.Recording, blocks int) {
	rule := ""
	for _, s := range segments {
		cuts, how := groupCuts(s, blocks)
		rule = cmp.Or(rule, how)
		ds.Recordings = append(ds.Recordings, cutRecording(s, cuts, len(ds.Recordings))...)
	}
	if len(segments) > 1 {
		rule = cmp.Or(rule, "at the jumps of its clock")
	}
	n := len(ds.Recordings)

	// Every cut that a reader of results must know of is a warning. Without a
	// task nothing is trained or tested, so nothing is to be said.
	switch {
	case len(ds.Tasks) == 0:
	case n == 1:
		ds.Warnings = append(ds.Warnings, "too few labels to cut the capture into training and test")
	case rule == "":
		for i := range ds.Recordings {
			ds.Recordings[i].Group = segments[0].Group
		}
		ds.Split = datasets.Split(fmt.Sprintf("kfold:k=%d", n))
		ds.Warnings = append(ds.Warnings, fmt.Sprintf("only %d labels: the capture is one group and the split is within it", n))
	default:
		ds.Split = datasets.Split(fmt.Sprintf("group-kfold:k=%d", min(n, 5)))
		ds.Warnings = append(ds.Warnings, fmt.Sprintf("one capture was cut into %d groups, %s: "+datasets.OneHome, n, rule))
	}
}

// readLabels reads the label files and lays them over t.
func readLabels(t datasets.Trace, o DatasetOptions) (labels.Laid, error) {
	var files []*labels.File
	for _, path := range o.Labels {
		f, err := os.Open(path)
		if err != nil {
			return labels.Laid{}, err
		}
		lf, err := labels.Read(f, filepath.Base(path), o.Times)
		f.Close()
		if err != nil {
			return labels.Laid{}, err
		}
		files = append(files, lf)
	}
	return labels.Apply(t, files...)
}

// tasksOf lists what labels can serve.
func tasksOf(l datasets.Labels) []datasets.Task {
	var ts []datasets.Task
	if len(l.Events) > 0 {
		ts = append(ts, datasets.TaskEvent)
	}
	if l.Owners != nil && len(l.Devices) > 1 {
		ts = append(ts, datasets.TaskDevice)
	}
	if len(l.Commands) > 0 {
		ts = append(ts, datasets.TaskCommand)
	}
	if len(l.Stays) > 0 {
		ts = append(ts, datasets.TaskRoutine)
	}
	return ts
}

// span is the time of a label.
type span struct{ start, end time.Duration }

// groupCuts decides where a recording is cut into groups, and in which words
// to say so. Nil cuts mean not at all, no words that the labels are too few
// for groups.
func groupCuts(r datasets.Recording, blocks int) ([]time.Duration, string) {
	spans := labelSpans(r.Labels)
	if len(spans) == 0 {
		if r.Labels.Owners == nil || r.Trace.End == 0 {
			return nil, ""
		}
		var cuts []time.Duration
		for i := 1; i < blocks; i++ {
			cuts = append(cuts, r.Trace.End/time.Duration(blocks)*time.Duration(i))
		}
		return cuts, "of equal time"
	}

	// Days before blocks: they differ as the days of a home do, which blocks of
	// one afternoon do not.
	if cuts := dayCuts(r.Trace.Start, spans); len(cuts) >= daysForGroups-1 {
		return cuts, "one a day (UTC)"
	}

	// Two labels a block at least, so that each group has something to test;
	// with fewer than four in all a block is a single label, and no group.
	rule := "with about equally many labels each"
	blocks = min(blocks, len(spans)/2)
	if len(spans) < 4 {
		blocks, rule = len(spans), ""
	}
	var cuts []time.Duration
	for i := 1; i < blocks; i++ {
		if at, ok := middleOfGap(spans, i*len(spans)/blocks); ok && (len(cuts) == 0 || at > cuts[len(cuts)-1]) {
			cuts = append(cuts, at)
		}
	}
	return cuts, rule
}

// labelSpans are the times of events and commands, by their start.
func labelSpans(l datasets.Labels) []span {
	var ss []span
	for _, e := range l.Events {
		ss = append(ss, span{e.Start, e.End})
	}
	for _, c := range l.Commands {
		ss = append(ss, span{c.Time, c.Time})
	}
	slices.SortFunc(ss, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return ss
}

// middleOfGap is the middle of the gap before label i. It reports false where an
// earlier label reaches over it.
func middleOfGap(spans []span, i int) (time.Duration, bool) {
	end := time.Duration(math.MinInt64)
	for _, s := range spans[:i] {
		end = max(end, s.end)
	}
	return end + (spans[i].start-end)/2, end < spans[i].start
}

// dayCuts cuts between the last label of a day and the first of the next.
func dayCuts(start time.Time, spans []span) []time.Duration {
	if start.IsZero() {
		return nil
	}

	day := func(d time.Duration) string { return start.Add(d).UTC().Format(time.DateOnly) }
	var cuts []time.Duration
	for i := 1; i < len(spans); i++ {
		if day(spans[i].start) == day(spans[i-1].start) {
			continue
		}

		// Midnight itself where the label before is over by then: so pieces are
		// whole days.
		midnight := start.Add(spans[i].start).UTC().Truncate(24 * time.Hour).Sub(start)
		at, ok := middleOfGap(spans, i)
		if !ok {
			continue
		}
		if midnight > spans[i-1].end && midnight <= spans[i].start {
			at = midnight
		}
		cuts = append(cuts, at)
	}
	return cuts
}

// cutRecording cuts r at ascending times into recordings that each begin at
// Time 0. So many came before them.
func cutRecording(r datasets.Recording, cuts []time.Duration, before int) []datasets.Recording {
	var out []datasets.Recording
	from := time.Duration(0)
	for i, to := range append(slices.Clone(cuts), math.MaxInt64) {
		id := fmt.Sprintf("%s#%02d", r.ID, before+i+1)
		part := cutPiece(r, from, to)
		part.ID, part.Group = id, id
		out = append(out, part)
		from = to
	}
	return out
}

// cutPiece is the part of r from one time up to another, which is left out. Its
// packets are copies; its owners are shared with r.
func cutPiece(r datasets.Recording, from, to time.Duration) datasets.Recording {
	t := r.Trace
	at := func(p datasets.Packet, d time.Duration) int { return cmp.Compare(p.Time, d) }
	lo, _ := slices.BinarySearchFunc(t.Packets, from, at)
	hi, _ := slices.BinarySearchFunc(t.Packets, to, at)

	// Flows of the piece alone: one that another piece uses would tell an
	// attack what happens elsewhere.
	ps := slices.Clone(t.Packets[lo:hi])
	flows := renumberFlows(ps, t.Flows)
	for i := range ps {
		ps[i].Time -= from
	}

	out := datasets.Recording{
		Trace:  datasets.Trace{Packets: ps, Flows: flows, End: min(to, t.End) - from},
		Labels: datasets.Labels{Devices: r.Labels.Devices},
	}
	if !t.Start.IsZero() {
		out.Trace.Start = t.Start.Add(from)
	}

	// A label belongs to the piece that it starts in. Cuts are in gaps, so it
	// ends there as well.
	if r.Labels.Owners != nil {
		out.Labels.Owners = r.Labels.Owners[lo:hi:hi]
	}
	for _, e := range r.Labels.Events {
		if e.Start >= from && e.Start < to {
			e.Start, e.End = e.Start-from, e.End-from
			out.Labels.Events = append(out.Labels.Events, e)
		}
	}
	for _, c := range r.Labels.Commands {
		if c.Time >= from && c.Time < to {
			c.Time -= from
			out.Labels.Commands = append(out.Labels.Commands, c)
		}
	}
	out.Labels.Stays = datasets.CutStays(r.Labels.Stays, from, to)
	return out
}
