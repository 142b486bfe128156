package folder

import (
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
	all    *watched
	device map[string]*watched
}

// newWatcher goes over all packets once.
func newWatcher(rs []datasets.Recording) watcher {
	w := watcher{&watched{}, map[string]*watched{}}
	var spans []activity.Span
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
		spans = append(spans, activity.Span{From: start / 1e9, To: (start + int64(r.Trace.End)) / 1e9})
	}

	// A device without traffic of its own is watched by that of all.
	w.all.done(spans)
	for d, a := range w.device {
		if a.Empty() {
			delete(w.device, d)
		} else {
			a.done(spans)
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

// likeliestZone tries all zones.
func (l *loader) likeliestZone(w watcher, open []events.Event) (*time.Location, error) {
	type tried struct {
		zone  *time.Location
		share float64
		times []int64
	}
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
		if name == "UTC" {
			utc = t.share
		}

		// Places whose clocks agree on these days are one answer.
		if !slices.ContainsFunc(all, func(o tried) bool { return slices.Equal(o.times, t.times) }) {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b tried) int {
		switch {
		case a.share > b.share:
			return -1
		case a.share < b.share:
			return 1
		}
		return 0
	})
	if len(all) == 0 {
		return time.UTC, nil
	}

	best := all[0]
	second := 0.0
	if len(all) > 1 {
		second = all[1].share
	}
	if best.share < zoneShare || best.share-second < zoneLead {
		return nil, fmt.Errorf("the times of %s name no zone, and the traffic does not tell it (as %v %.0f %% of %d labels have traffic near them, as %v %.0f %%): say it with labels: {zone: Europe/Berlin} in %s or with --label-zone",
			l.truth.files[0].name, best.zone, 100*best.share, len(open), all[min(1, len(all)-1)].zone, 100*second, specFile)
	}
	l.f.clock = fmt.Sprintf("times have no zone: as %v %.0f %% of %d labels have traffic near them, as UTC %.0f %%; taken as %v",
		best.zone, 100*best.share, len(open), 100*utc, best.zone)
	return best.zone, nil
}
