package folder

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/folder/events"
)

// index finds units by their names: a folder of 100,000 has as many label files.
type index struct {
	byStem map[string]*unit // by their path without endings
	byBase map[string]*unit // by the last part of it, where that is theirs alone
	dirs   map[string]bool  // all folders with a unit in or below them
	named  map[string][]int // the numbers of units by path, last part, session and file
}

func newIndex(units []*unit) index {
	x := index{map[string]*unit{}, map[string]*unit{}, map[string]bool{"": true}, map[string][]int{}}
	for i, u := range units {
		base := path.Base(u.stem)
		x.byStem[u.stem] = u
		for dir := dirOf(u.stem); !x.dirs[dir]; dir = dirOf(dir) {
			x.dirs[dir] = true
		}
		keys := append([]string{u.stem, base, u.parts["session"]}, u.files...)
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			if k == "" {
				continue // a recording that is no session
			}
			x.named[k] = append(x.named[k], i)
		}
		if x.byBase[base] = u; len(x.named[base]) > 1 {
			x.byBase[base] = nil
		}
	}
	return x
}

// find lists the units that a label file means by a capture's name: with or
// without folders and endings, by what the pattern calls it, or by its path on the
// machine where the labels were made.
func (x index) find(name string, units []*unit) []int {
	plain := strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "./")
	stem := stemOf(plain)
	at := slices.Concat(x.named[plain], x.named[stem])
	slices.Sort(at)
	if at = slices.Compact(at); len(at) > 0 || name == "" {
		return at
	}

	// The last part of a path alone only where one capture is called so.
	alike := x.named[path.Base(stem)]
	for _, i := range alike {
		if own := units[i].stem; strings.HasSuffix("/"+stem, "/"+own) || strings.HasSuffix("/"+own, "/"+stem) {
			at = append(at, i)
		}
	}
	if len(at) == 0 && len(alike) == 1 {
		return alike
	}
	return at
}

// place lays the events over the recordings that they fall into.
func (l *loader) place(scopes []scope) error {
	// In order of start, with the longest duration known, the recordings at a
	// time are near each other.
	order := make([]int, 0, len(l.units))
	longest := time.Duration(0)
	for i, u := range l.units {
		if !u.trace.Start.IsZero() {
			order = append(order, i)
			longest = max(longest, u.trace.End)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return l.units[a].trace.Start.Compare(l.units[b].trace.Start) })
	number := map[*unit]int{}
	for i, u := range l.units {
		number[u] = i
	}

	for k, f := range l.truth.files {
		outside, shared, unknown := 0, 0, map[string]bool{}
		var scoped []int
		if u := scopes[k].beside; u != nil {
			scoped = []int{number[u]}
		} else {
			for i, u := range l.units {
				if within(u, scopes[k].dir) {
					scoped = append(scoped, i)
				}
			}
		}
		for _, e := range f.events {
			at := scoped
			if e.Capture != "" {
				if at = l.index.find(e.Capture, l.units); len(at) == 0 {
					unknown[e.Capture] = true
					continue
				}
			}
			if e.Since && len(at) > 1 {
				return fmt.Errorf("%s: its times count from the start of a capture, and nothing says of which of %d; call the file as the capture, add a column capture, or state clock: epoch under labels in %s",
					f.name, len(at), specFile)
			}
			if !e.Since && len(at) == len(l.units) && e.Capture == "" {
				lo, _ := slices.BinarySearchFunc(order, e.Start.Add(-longest), func(i int, t time.Time) int { return l.units[i].trace.Start.Compare(t) })
				hi := lo
				latest := e.Start
				if e.Vague {
					latest = e.End // it may have happened after a capture began
				}
				for hi < len(order) && !l.units[order[hi]].trace.Start.After(latest) {
					hi++
				}
				at = order[lo:hi]
			}
			switch l.placeOne(e, at) {
			case 0:
				outside++
			case 1:
			default:
				shared++
			}
		}
		l.doubtPlaces(f, outside, shared, unknown)
	}
	for i := range l.f.recordings {
		evs := l.f.recordings[i].Labels.Events
		slices.SortStableFunc(evs, func(a, b datasets.Event) int { return cmp.Compare(a.Start, b.Start) })
		cs := l.f.recordings[i].Labels.Commands
		slices.SortStableFunc(cs, func(a, b datasets.Command) int { return cmp.Compare(a.Time, b.Time) })
	}
	return nil
}

// doubtPlaces says which events of a file found no recording.
func (l *loader) doubtPlaces(f *truthFile, outside, shared int, unknown map[string]bool) {
	if shared > 0 {
		l.doubt(datasets.DoubtShared, f.name, shared, len(f.events), "say which capture each label is of, in a column capture, or give the devices' addresses",
			"%d of %d events lie in several captures at once and are laid over all of them", shared, len(f.events))
	}
	if outside > 0 {
		l.doubt(datasets.DoubtOutside, f.name, outside, len(f.events), "", "%d of %d events lie outside of every capture", outside, len(f.events))
	}
	if len(unknown) > 0 {
		names := slices.Sorted(maps.Keys(unknown))
		l.doubt(datasets.DoubtOutside, f.name, len(names), 0, "", "names %d captures that are not there: %s", len(names), someOf(names))
	}
}

// logSlack is how much before the first packet of its capture an event may be.
const logSlack = time.Second

// placeOne adds an event to the recordings that it falls into, of those in which
// its device has packets if there are such. It returns how many those are.
func (l *loader) placeOne(e events.Event, at []int) int {
	type spot struct {
		i          int
		start, end time.Duration
		device     int
		own        bool
	}
	var spots []spot
	owned := false
	for _, i := range at {
		r := &l.f.recordings[i]
		start, end := e.Start.Sub(time.Unix(0, 0)), e.End.Sub(time.Unix(0, 0))
		if !e.Since {
			if r.Trace.Start.IsZero() {
				continue
			}
			start, end = e.Start.Sub(r.Trace.Start), e.End.Sub(r.Trace.Start)
		}

		// Logs have whole seconds, or fewer digits than captures: of a capture that is
		// named, a point just before the first packet is at its beginning.
		if e.Capture != "" && start == end && start < 0 && start > -logSlack {
			start, end = 0, 0
		}

		// A state that outlasts the recording is cut; one that began before it
		// is left out, for its beginning is what an attack has to find.
		if e.Vague && start < 0 && end >= 0 {
			start = 0 // it began within the minute in which the event happened
		}
		if start < 0 || start > r.Trace.End {
			continue
		}
		d := slices.Index(r.Labels.Devices, e.Device)
		if d < 0 {
			continue // devicesOf knows the devices of every file in scope
		}
		own := slices.Contains(r.Labels.Owners, int32(d))
		owned = owned || own
		spots = append(spots, spot{i, start, min(end, r.Trace.End), d, own})
	}
	n := 0
	for _, s := range spots {
		if owned && !s.own {
			continue
		}
		n++
		ls := &l.f.recordings[s.i].Labels
		if e.Actions != nil {
			ls.Commands = append(ls.Commands, datasets.Command{Time: s.start, Device: s.device, Actions: e.Actions})
			continue
		}
		ls.Events = append(ls.Events, datasets.Event{Start: s.start, End: s.end, Device: s.device, Activity: e.Activity})
	}
	return n
}
