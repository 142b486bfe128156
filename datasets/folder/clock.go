package folder

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/folder/events"
)

// An event has traffic near it if there are more bytes from nearBefore before to
// nearAfter after its start than in nine of ten such windows anywhere.
const (
	nearBefore = 5 * time.Second
	nearAfter  = 15 * time.Second
	usualShare = 0.9
	samples    = 2000
)

// activity is how many bytes went by when: whole seconds since 1970 with
// traffic, ascending, and the bytes up to and with each.
type activity struct {
	seconds []int64
	sum     []int64
	usual   int64 // bytes in nine of ten windows at most
}

// newActivity finishes what was added up: bytes by second.
func newActivity(bytes map[int64]int64, spans [][2]int64) *activity {
	a := &activity{}
	for s := range bytes {
		a.seconds = append(a.seconds, s)
	}
	slices.Sort(a.seconds)
	total := int64(0)
	for _, s := range a.seconds {
		total += bytes[s]
		a.sum = append(a.sum, total)
	}

	// What is usual is sampled at equal distances, so that the cost hangs on no
	// clock that jumps.
	var windows []int64
	for _, s := range spans {
		n := max(samples/int64(len(spans)), 3)
		for k := range n {
			windows = append(windows, a.near(time.Unix(s[0]+(s[1]-s[0])*k/n, 0)))
		}
	}
	if len(windows) > 0 {
		slices.Sort(windows)
		a.usual = windows[int(usualShare*float64(len(windows)-1))]
	}
	return a
}

// near is the number of bytes near a time.
func (a *activity) near(t time.Time) int64 {
	upTo := func(sec int64) int64 {
		i := sort.Search(len(a.seconds), func(i int) bool { return a.seconds[i] >= sec })
		if i == 0 {
			return 0
		}
		return a.sum[i-1]
	}
	return upTo(t.Add(nearAfter).Unix()) - upTo(t.Add(-nearBefore).Unix())
}

// share is how many of the events have traffic near them, each moved by move.
func (w watcher) share(evs []events.Event, move func(time.Time) time.Time) float64 {
	if len(evs) == 0 {
		return 0
	}
	n := 0
	for _, e := range evs {
		a := w.all
		if own := w.device[e.Device]; own != nil {
			a = own
		}
		if b := a.near(move(e.Start)); b > a.usual {
			n++
		}
	}
	return float64(n) / float64(len(evs))
}

// watcher knows the traffic of the folder and of each device that owns some.
type watcher struct {
	all    *activity
	device map[string]*activity
}

// newWatcher goes over all packets once.
func newWatcher(rs []datasets.Recording) watcher {
	all, byDevice := map[int64]int64{}, map[string]map[int64]int64{}
	var spans [][2]int64
	for i := range rs {
		r := &rs[i]
		if r.Trace.Start.IsZero() {
			continue
		}
		start := r.Trace.Start.UnixNano()
		own := make([]map[int64]int64, len(r.Labels.Devices))
		for k, d := range r.Labels.Devices {
			if byDevice[d] == nil {
				byDevice[d] = map[int64]int64{}
			}
			own[k] = byDevice[d]
		}
		for j, p := range r.Trace.Packets {
			s := (start + int64(p.Time)) / int64(time.Second)
			all[s] += int64(p.Size)
			if r.Labels.Owners != nil && r.Labels.Owners[j] >= 0 {
				own[r.Labels.Owners[j]][s] += int64(p.Size)
			}
		}
		spans = append(spans, [2]int64{start / 1e9, (start + int64(r.Trace.End)) / 1e9})
	}

	// A device without traffic of its own is watched by that of all.
	w := watcher{newActivity(all, spans), map[string]*activity{}}
	for d, bytes := range byDevice {
		if len(bytes) > 0 {
			w.device[d] = newActivity(bytes, spans)
		}
	}
	return w
}

// zones are places of which no two have the same clock all year; of those that
// share one, the largest.
func zones() []string {
	return []string{
		"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver",
		"America/Los_Angeles", "America/Phoenix", "America/Anchorage", "America/Halifax", "America/St_Johns",
		"America/Sao_Paulo", "America/Bogota", "America/Caracas", "America/Mexico_City", "America/Santiago",
		"Pacific/Honolulu", "Europe/Helsinki", "Europe/Moscow", "Africa/Cairo", "Africa/Lagos", "Africa/Johannesburg",
		"Asia/Jerusalem", "Asia/Tehran", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
		"Asia/Yangon", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide", "Australia/Brisbane",
		"Australia/Sydney", "Pacific/Noumea", "Pacific/Auckland",
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
	for _, name := range zones() {
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

// doubtClock proposes a shift where labels match little.
func (l *loader) doubtClock(w watcher) {
	var evs []events.Event
	for _, f := range l.truth.files {
		for _, e := range f.events {
			if !e.Since {
				evs = append(evs, e)
			}
		}
	}

	// Half of the labels without traffic may be a quiet device; that another
	// hour suits them far better is no accident.
	shift := func(d time.Duration) float64 {
		return w.share(evs, func(t time.Time) time.Time { return t.Add(d) })
	}
	now := shift(0)
	if len(evs) == 0 || now >= 0.5 {
		return
	}

	best, at := now, time.Duration(0)
	for h := -14; h <= 14; h++ {
		if s := shift(time.Duration(h) * time.Hour); s > best {
			best, at = s, time.Duration(h)*time.Hour
		}
	}
	if best >= zoneShare && best >= now+0.3 {
		l.doubt("%.0f %% of %d labels have traffic near them; shifted by %+.0f h %.0f %% have: is the zone right? (labels: {offset: %s} in %s, or --label-offset %s)",
			100*now, len(evs), at.Hours(), 100*best, hours(at), specFile, hours(at))
	}
}

// hours writes whole hours as a duration: -2h.
func hours(d time.Duration) string { return fmt.Sprintf("%dh", int(d.Hours())) }
