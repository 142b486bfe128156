package datasets

import (
	"fmt"
	"slices"
)

// WithDevice joins to ds what was recorded at other times behind a real device,
// after. The result has the recordings of both: those of ds, which train an attacker
// who does not know of the device and show what is seen without it, and those of
// after, whose Behind is name and whose IDs begin with it. It serves the tasks that
// both serve, and is seen from where both can be seen. Groups keep their names: where
// both have one, it is one home or day, and never on both sides of a split across
// groups. Neither is modified.
//
// It is an error if no task or no vantage point is common to both, or a recording is
// in both. The longer clips are cut to the length of the shorter ones, with a
// warning.
func WithDevice(ds Dataset, name string, after Dataset) (Dataset, error) {
	joined, err := TrainTest(ds, after) // what both have in common
	if err != nil {
		return ds, err
	}
	out := ds
	out.Tasks, out.Recorded = joined.Tasks, joined.Recorded
	out.Warnings, out.Vague = joined.Warnings, joined.Vague
	out.Same, out.Unmonitored = joined.Same, joined.Unmonitored
	out.Generated = joined.Generated
	out.Source = fmt.Sprintf("before: %s; after %s: %s", ds.Source, name, after.Source)

	// Recordings of the joined set are those of ds, then those of after, perhaps cut.
	out.Recordings = nil
	groups, veiled := map[string]bool{}, 0
	for i, r := range joined.Recordings {
		if i < len(ds.Recordings) {
			r.ID, r.Group, r.Behind = ds.Recordings[i].ID, ds.Recordings[i].Group, ds.Recordings[i].Behind
		} else {
			was := after.Recordings[i-len(ds.Recordings)]
			r.ID, r.Group, r.Behind = name+"/"+was.ID, was.Group, name
			if hidden(r) {
				r.Labels.Owners = nil
				veiled++
			}
		}
		groups[r.Group] = true
		out.Recordings = append(out.Recordings, r)
	}

	// That a list of devices names addresses that are hidden is no doubt about it.
	out.Doubts = slices.Concat(ds.Doubts, slices.DeleteFunc(slices.Clone(after.Doubts), func(d Doubt) bool { return veiled > 0 && d.Code == DoubtAbsent }))
	if veiled > 0 {
		out.Tasks = slices.DeleteFunc(slices.Clone(out.Tasks), func(t Task) bool { return t == TaskDevice })
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d of %d recordings after %s show no address of a device, so nobody knows whose their packets are", veiled, len(after.Recordings), name))
	}
	if n := len(groups); n > 1 {
		out.Split = Split(fmt.Sprintf("group-kfold:k=%d", min(n, 5)))
	}
	return out, nil
}

// hidden says whether of all that leaves the home in r no packet has an owner, though
// a list of devices was laid over it: the addresses in it are gone.
func hidden(r Recording) bool {
	if r.Labels.Owners == nil {
		return false
	}
	for i, p := range r.Trace.Packets {
		if leavesHome(r.Trace.Flows[p.Flow]) && r.Labels.Owners[i] >= 0 {
			return false
		}
	}
	return true
}

// Behind returns those of list, indexes of recordings, that stand for the defense
// named: what was recorded behind it, if anything was, else what was recorded
// without a device, for a defense that is computed. It may be list itself.
func (d *Dataset) Behind(list []int, defense string) []int {
	if !slices.ContainsFunc(d.Recordings, func(r Recording) bool { return r.Behind != "" }) {
		return list
	}
	if !slices.ContainsFunc(d.Recordings, func(r Recording) bool { return r.Behind == defense }) {
		defense = ""
	}
	var out []int
	for _, i := range list {
		if d.Recordings[i].Behind == defense {
			out = append(out, i)
		}
	}
	return out
}
