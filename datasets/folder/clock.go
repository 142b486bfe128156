package folder

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/activity"
	"veilbench/datasets/folder/events"
	"veilbench/datasets/labels"
)

// usualShare of all places have no more traffic than one that is not worth a label.
const usualShare = 0.9

// watched is the traffic of the folder or of a device, by seconds since 1970, and
// how much of it is usual.
type watched struct {
	activity.Track
	usual int64
}

// done ends adding.
func (a *watched) done(spans []activity.Span) *watched {
	a.Done()
	a.usual = a.Usual(0, usualShare, spans)
	return a
}

// share is how many of the events have traffic near them, each moved by move.
func (w watcher) share(evs []events.Event, move func(time.Time) time.Time) float64 {
	if len(evs) == 0 {
		return 0
	}
	n := 0
	for _, e := range evs {
		a := w.of(e.Device)
		if a.Near(move(e.Start).Unix(), 0) > a.usual {
			n++
		}
	}
	return float64(n) / float64(len(evs))
}

// watcher knows the traffic of the folder and of each device that owns some.
type watcher struct {
	spans  []activity.Span // of the captures
	all    *watched
	device map[string]*watched
}

// inside is how many of the times, in seconds since 1970, lie in some capture.
func (w watcher) inside(times []int64) float64 {
	n := 0
	for _, t := range times {
		if slices.ContainsFunc(w.spans, func(s activity.Span) bool { return t >= s.From && t <= s.To }) {
			n++
		}
	}
	return float64(n) / float64(max(len(times), 1))
}

// newWatcher goes over all packets once.
func newWatcher(rs []datasets.Recording) watcher {
	w := watcher{all: &watched{}, device: map[string]*watched{}}
	for i := range rs {
		r := &rs[i]
		if r.Trace.Start.IsZero() {
			continue
		}
		start := r.Trace.Start.UnixNano()
		own := make([]*watched, len(r.Labels.Devices))
		for k, d := range r.Labels.Devices {
			if w.device[d] == nil {
				w.device[d] = &watched{}
			}
			own[k] = w.device[d]
		}
		for j, p := range r.Trace.Packets {
			s := (start + int64(p.Time)) / int64(time.Second)
			w.all.Add(s, int64(p.Size))
			if r.Labels.Owners != nil && r.Labels.Owners[j] >= 0 {
				own[r.Labels.Owners[j]].Add(s, int64(p.Size))
			}
		}
		w.spans = append(w.spans, activity.Span{From: start / 1e9, To: (start + int64(r.Trace.End)) / 1e9})
	}

	// A device without traffic of its own is watched by that of all.
	w.all.done(w.spans)
	for d, a := range w.device {
		if a.Empty() {
			delete(w.device, d)
		} else {
			a.done(w.spans)
		}
	}
	return w
}

// of is the traffic that a device's labels are held against.
func (w watcher) of(device string) *watched {
	if own := w.device[device]; own != nil {
		return own
	}
	return w.all
}

// round moves labels known to a minute where the traffic says that their times
// were rounded, as package labels does for a single capture.
func (l *loader) round(w watcher) {
	minute := func(e *events.Event) bool {
		return e.Vague && !e.Since && e.End.Sub(e.Start).Round(time.Second) == time.Minute
	}
	starts, count := map[string][]int64{}, 0
	for _, f := range l.truth.files {
		for i := range f.events {
			if e := &f.events[i]; minute(e) {
				starts[e.Device], count = append(starts[e.Device], e.Start.Unix()), count+1
			}
		}
	}

	rounded := activity.RoundedDevices(starts, func(device string) (*activity.Track, int64) { return &w.of(device).Track, w.of(device).usual })

	// Events of another resolution stay: they were no part of the question.
	n := 0
	for _, f := range l.truth.files {
		for i := range f.events {
			if e := &f.events[i]; minute(e) && rounded[e.Device] {
				e.Start, e.End = e.Start.Add(-time.Minute/2), e.End.Add(-time.Minute/2)
				n++
			}
		}
	}
	if n > 0 {
		l.f.doubts = append(l.f.doubts, labels.Rounded(n, count))
	}
}

const (
	// zoneShare is the share of labels with traffic near them from which a zone
	// is believed, zoneLead how far the next one must be behind.
	zoneShare = 0.6
	zoneLead  = 0.2
	// leastInside is how many labels must lie in captures for that to tell a zone.
	leastInside = 4
)

// findZone gives the events that name no zone one: the stated, or that in which
// most of them have traffic near them.
func (l *loader) findZone(w watcher) error {
	// All files together: they are of one household, and more labels tell more.
	var open []events.Event
	for _, f := range l.truth.files {
		for _, e := range f.events {
			if e.Zoneless {
				open = append(open, e)
			}
		}
	}
	if len(open) == 0 {
		return nil
	}

	zone := l.o.Times.Zone
	if zone == nil {
		var err error
		if zone, err = l.likeliestZone(w, open); err != nil {
			return err
		}
		l.f.spec.Labels.Zone = zone.String()
	}
	l.f.zone = zone.String()

	for _, f := range l.truth.files {
		for i := range f.events {
			if e := &f.events[i]; e.Zoneless {
				e.Start, e.End, e.Zoneless = events.InZone(e.Start, zone), events.InZone(e.End, zone), false
			}
		}
	}
	return nil
}

// tried is one zone that times may be of: how many of them have traffic near them in
// it, and how many lie in some capture.
type tried struct {
	zone          *time.Location
	share, inside float64
	times         []int64
}

// likeliestZone tries all zones.
func (l *loader) likeliestZone(w watcher, open []events.Event) (*time.Location, error) {
	var all []tried
	utc := 0.0
	for _, name := range labels.Zones() {
		z, err := time.LoadLocation(name)
		if err != nil {
			continue // a system without this zone
		}
		t := tried{zone: z, share: w.share(open, func(t time.Time) time.Time { return events.InZone(t, z) })}
		for _, e := range open {
			t.times = append(t.times, events.InZone(e.Start, z).Unix())
		}
		t.inside = w.inside(t.times)
		if name == "UTC" {
			utc = t.share
		}

		// Places whose clocks agree on these days are one answer.
		if !slices.ContainsFunc(all, func(o tried) bool { return slices.Equal(o.times, t.times) }) {
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return time.UTC, nil
	}

	// Traffic near the labels tells it best. Where events are too small to stand out,
	// captures that are short do: in the wrong zone no label lies in any.
	best, second := leaders(all, func(t tried) float64 { return t.share })
	if best.share >= zoneShare && best.share-second.share >= zoneLead {
		l.f.clock = fmt.Sprintf("times have no zone: as %v %.0f %% of %d labels have traffic near them, as UTC %.0f %%; taken as %v",
			best.zone, 100*best.share, len(open), 100*utc, best.zone)
		return best.zone, nil
	}
	in, next := leaders(all, func(t tried) float64 { return t.inside })
	if len(open) >= leastInside && in.inside >= zoneShare && in.inside-next.inside >= zoneLead && in.share > best.share-zoneLead {
		l.f.clock = fmt.Sprintf("times have no zone: as %v %.0f %% of %d labels lie in a capture, as %v %.0f %%; taken as %v",
			in.zone, 100*in.inside, len(open), next.zone, 100*next.inside, in.zone)
		return in.zone, nil
	}
	return nil, fmt.Errorf("the times of %s name no zone, and the traffic does not tell it (as %v %.0f %% of %d labels have traffic near them, as %v %.0f %%): say it with labels: {zone: Europe/Berlin} in %s or with --label-zone",
		l.truth.files[0].name, best.zone, 100*best.share, len(open), second.zone, 100*second.share, specFile)
}

// leaders are the two zones with the most of something, the first of equals first.
func leaders(all []tried, of func(tried) float64) (best, second tried) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b tried) int { return cmp.Compare(of(b), of(a)) })
	second = tried{zone: all[0].zone}
	if len(all) > 1 {
		second = all[1]
	}
	return all[0], second
}
