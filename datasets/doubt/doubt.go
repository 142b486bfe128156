// Package doubt looks at data before anything is scored: whether there is
// something to be seen, whether the labels are about what is seen, whether there
// is enough of it to learn. Read Of first; near.go holds labels against traffic.
//
// What loaders found while they read (copies, jumps of the clock, wrappers) is in
// the data set already; Of puts both together.
package doubt

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"veilbench/datasets"
)

// fewLabels is the number of labels below which a class can hardly be learned.
const fewLabels = 5

// leastSeen is the share of packets that a view must leave, of all and of each
// device that labels are about.
const leastSeen = 0.05

// Of lists what is doubtful about ds for an observer at v, who must be able to
// see where it was recorded: those that spoil a task first, then in order of
// code and place. It is the same for the same data whatever the order of
// recordings. ds is not modified. seed is that of the view's address translation,
// which decides nothing here.
func Of(ds *datasets.Dataset, v datasets.Vantage, seed uint64) []datasets.Doubt {
	// In order of ID: where two places are equally good the first counts.
	rs := slices.SortedFunc(slices.Values(ds.Recordings), func(a, b datasets.Recording) int { return strings.Compare(a.ID, b.ID) })
	total, before := int64(0), map[string]int64{}
	for i := range rs {
		total += count(&rs[i], before)
	}

	// Without labels nothing is asked of the packets of a view but their number.
	counted := len(ds.Tasks) == 0 && !slices.ContainsFunc(rs, func(r datasets.Recording) bool { return len(r.Labels.Devices) > 0 })
	rng := rand.New(rand.NewPCG(seed, 0))
	seen, after := int64(0), map[string]int64{}
	filled, empty := 0, 0
	for i := range rs {
		r := &rs[i]
		had, left := len(r.Trace.Packets), 0
		if counted {
			left = shown(v, r.Trace)
		} else {
			var kept []int32
			r.Trace, kept = v.View(rng, r.Trace)
			r.Labels = r.Labels.Keep(kept)
			left = int(count(r, after))
		}
		seen += int64(left)
		if had > 0 {
			filled++
			if left == 0 {
				empty++
			}
		}
	}

	out := gather(ds.Doubts)
	if few(seen, total) {
		out = append(out, unseen(v, seen, total, ds.Tasks))
	} else {
		// One device of many that stays in the home costs its own events, and says
		// nothing of its labels; one recording of many costs itself.
		d, hidden := hiddenDevices(ds, rs, v, before, after)
		out = append(append(out, d...), emptied(v, empty, filled, ds.Tasks)...)
		out = append(out, labelDoubts(ds, rs, hidden)...)
	}
	out = append(out, rare(ds)...)
	out = append(out, untrained(ds)...)
	out = append(out, stays(ds)...)
	return datasets.SortDoubts(out)
}

// gather puts doubts of one kind from more than a few places into one, unless
// they spoil something: a folder of a thousand captures has them a hundredfold.
func gather(ds []datasets.Doubt) []datasets.Doubt {
	type kind struct{ code, remedy string }
	places := map[kind][]datasets.Doubt{}
	for _, d := range datasets.SortDoubts(ds) {
		k := kind{d.Code, d.Remedy}
		places[k] = append(places[k], d)
	}

	// The order of kinds does not matter: all of it is sorted in the end.
	const shown = 3
	var out []datasets.Doubt
	for _, of := range places {
		d := of[0]
		if len(of) <= shown || len(d.Spoils) > 0 {
			out = append(out, of...)
			continue
		}
		d.Detail = fmt.Sprintf("in %d places, as %s: %s", len(of), d.Where, d.Detail)
		for _, other := range of[1:] {
			d.Count, d.Of = d.Count+other.Count, d.Of+other.Of
		}
		d.Where = ""
		out = append(out, d)
	}
	return out
}

// shown is how many packets of t a view at v leaves, without making it.
func shown(v datasets.Vantage, t datasets.Trace) int {
	flows := make([]bool, len(t.Flows))
	for i, f := range t.Flows {
		flows[i] = v.Shows(f)
	}
	n := 0
	for i := range t.Packets {
		if flows[t.Packets[i].Flow] {
			n++
		}
	}
	return n
}

// count adds the packets of r to those of each device, and returns how many there
// are in all.
func count(r *datasets.Recording, devices map[string]int64) int64 {
	own := make([]int64, len(r.Labels.Devices))
	for _, o := range r.Labels.Owners {
		if o >= 0 {
			own[o]++
		}
	}
	for i, n := range own {
		devices[r.Labels.Devices[i]] += n
	}
	return int64(len(r.Trace.Packets))
}

// only are those of the tasks that data serves which are among some.
func only(serves []datasets.Task, some ...datasets.Task) []datasets.Task {
	var out []datasets.Task
	for _, t := range serves {
		if slices.Contains(some, t) {
			out = append(out, t)
		}
	}
	return out
}

// few says whether a view leaves next to nothing of what there was.
func few(seen, of int64) bool { return of > 0 && float64(seen) < leastSeen*float64(of) }

// look is what to do where there is nothing to be seen.
const look = "look from where the traffic is (--vantage lan or wifi), or say which addresses are inside the home (--home)"

// unseen is the doubt that a view leaves next to nothing of the data.
func unseen(v datasets.Vantage, seen, of int64, spoils []datasets.Task) datasets.Doubt {
	return datasets.Doubt{
		Code: datasets.DoubtUnseen, Count: of - seen, Of: of, Spoils: spoils, Remedy: look,
		Detail: fmt.Sprintf("of %d packets an observer at %s sees %d (%.1f %%): what is hidden there no defense has hidden", of, v, seen, 100*float64(seen)/float64(of)),
	}
}

// emptied is the doubt that a view leaves recordings without a packet. They have
// no score, so a mean over the rest looks like one over all.
func emptied(v datasets.Vantage, empty, of int, spoils []datasets.Task) []datasets.Doubt {
	if empty == 0 || float64(empty) < leastSeen*float64(of) {
		return nil
	}
	d := datasets.Doubt{
		Code: datasets.DoubtEmpty, Count: int64(empty), Of: int64(of), Remedy: look,
		Detail: fmt.Sprintf("%d of %d recordings have no packet that an observer at %s sees: they are left out of scores", empty, of, v),
	}
	if 2*empty > of {
		d.Spoils = spoils
	}
	return []datasets.Doubt{d}
}

// hiddenDevices is the doubt that a view leaves next to nothing of devices that
// labels are about, and which those are. It spoils what rests on labels where
// that is most of the devices.
func hiddenDevices(ds *datasets.Dataset, rs []datasets.Recording, v datasets.Vantage, before, after map[string]int64) ([]datasets.Doubt, map[string]bool) {
	about := map[string]bool{}
	for i := range rs {
		l := &rs[i].Labels
		for _, e := range l.Events {
			about[l.Devices[e.Device]] = true
		}
		for _, c := range l.Commands {
			about[l.Devices[c.Device]] = true
		}
	}

	// A device without any packet is another doubt, of the loader.
	hidden := map[string]bool{}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(about)) {
		if few(after[name], before[name]) {
			hidden[name] = true
			names = append(names, fmt.Sprintf("%s %d of %d", name, after[name], before[name]))
		}
	}
	if len(names) == 0 {
		return nil, hidden
	}
	d := datasets.Doubt{
		Code: datasets.DoubtUnseenDevices, Count: int64(len(names)), Of: int64(len(about)), Remedy: look,
		Detail: fmt.Sprintf("of %d of %d labeled devices an observer at %s sees less than %.0f %% of packets: %s", len(names), len(about), v, 100*leastSeen, some(names)),
	}
	if 2*len(names) > len(about) {
		d.Spoils = only(ds.Tasks, datasets.TaskEvent, datasets.TaskCommand, datasets.TaskClip)
	}
	return []datasets.Doubt{d}, hidden
}

// classesOf counts the labels of each class by group, for the task that names
// things by classes.
func classesOf(ds *datasets.Dataset) (task datasets.Task, count map[string]map[string]int) {
	count = map[string]map[string]int{}
	switch {
	case slices.Contains(ds.Tasks, datasets.TaskEvent):
		task = datasets.TaskEvent
	case slices.Contains(ds.Tasks, datasets.TaskClip):
		task = datasets.TaskClip
	default:
		return "", count
	}

	// An event counts for the clip that it is once, however many follow it.
	add := func(class, group string) {
		if count[class] == nil {
			count[class] = map[string]int{}
		}
		count[class][group]++
	}
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		if c := r.ClipClass(); task == datasets.TaskClip && c != "" {
			add(c, r.Group)
			continue
		}
		for _, e := range r.Labels.Events {
			if !slices.Contains(ds.Unmonitored, r.Labels.Devices[e.Device]) {
				add(r.Labels.Class(e), r.Group)
			}
		}
	}
	return task, count
}

// rare is the doubt that classes have too few labels to be learned. Of generated
// data the number of labels is what was asked for.
func rare(ds *datasets.Dataset) []datasets.Doubt {
	if ds.Generated {
		return nil
	}
	_, count := classesOf(ds)
	var rare []string
	for _, c := range slices.Sorted(maps.Keys(count)) {
		if n := total(count[c]); n < fewLabels {
			rare = append(rare, fmt.Sprintf("%s %d", c, n))
		}
	}
	if len(rare) == 0 {
		return nil
	}
	return []datasets.Doubt{{
		Code: datasets.DoubtRare, Count: int64(len(rare)), Of: int64(len(count)),
		Detail: fmt.Sprintf("%d of %d classes have fewer than %d labels, too few to learn: %s", len(rare), len(count), fewLabels, some(rare)),
		Remedy: "record more of them, or leave them out",
	}}
}

// untrained is the doubt that classes are in one group only where the split is
// across groups: what is tested there was never in training. Where that is true
// of half of all labels and more, a score says nothing.
func untrained(ds *datasets.Dataset) []datasets.Doubt {
	groups := map[string]bool{}
	for i := range ds.Recordings {
		groups[ds.Recordings[i].Group] = true
	}
	if ds.Split.Within() || len(groups) < 2 {
		return nil
	}

	task, count := classesOf(ds)
	var alone []string
	lost, all := 0, 0
	for _, c := range slices.Sorted(maps.Keys(count)) {
		// Of a rare class it is no wonder, and said elsewhere.
		n := total(count[c])
		if all += n; len(count[c]) == 1 && n >= fewLabels && !elsewhere(ds, count, c) {
			lost += n
			alone = append(alone, fmt.Sprintf("%s %d", c, n))
		}
	}
	if len(alone) == 0 {
		return nil
	}
	d := datasets.Doubt{
		Code: datasets.DoubtUntrained, Count: int64(lost), Of: int64(all),
		Detail: fmt.Sprintf("%d of %d labels are of classes that are in one group only, so that the split %s never has them in training and test: %s", lost, all, ds.Split, some(alone)),
		Remedy: fmt.Sprintf("split inside the groups (--split %s)", map[bool]string{true: "trial-kfold:k=5", false: "kfold:k=5"}[task == datasets.TaskClip]),
	}
	if 2*lost >= all {
		d.Spoils = []datasets.Task{task}
	}
	return []datasets.Doubt{d}
}

// elsewhere says whether a class that is in one group only is scored as one with
// another that is in a second: then it is learned from that.
func elsewhere(ds *datasets.Dataset, count map[string]map[string]int, class string) bool {
	for _, same := range ds.Same {
		if !slices.Contains(same, class) {
			continue
		}
		in := map[string]bool{}
		for _, c := range same {
			for g := range count[c] {
				in[g] = true
			}
		}
		return len(in) > 1
	}
	return false
}

func total(groups map[string]int) int {
	n := 0
	for _, k := range groups {
		n += k
	}
	return n
}

// some lists the first of many.
func some(names []string) string {
	const first = 5
	if len(names) <= first {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:first], ", "), len(names)-first)
}
