package doubt

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/activity"
	"veilbench/datasets/labels"
)

// Labels are held against traffic device by device: one whose labels follow a
// timetable has traffic near them under many a shift, and must not outvote one
// whose clock is plainly wrong.

const (
	// farthest is how far labels are moved at most, in seconds: the largest
	// difference of two clocks on Earth is 26 h, of two zones that people live in
	// and mix up 14 h.
	farthest = 14 * 3600
	// nearby is the width of the belts on both sides of a shift, in seconds, that
	// a shift is compared with: a busy hour has traffic all over, labels that fit
	// have it where they are.
	nearby = 600
	// fewPoints and mostPoints bound how many labels of a device are looked at.
	fewPoints, mostPoints = 4, 400
)

// point is a label of a device: its second and how many it may last.
type point struct{ at, lasts int64 }

// lane is the recordings that follow each other on one clock: the days of a home.
// Homes recorded at the same time are lanes of their own.
type lane struct {
	end     int64 // second at which the last one ends
	all     activity.Track
	devices map[string]*activity.Track
	spans   []activity.Span
	points  map[string][]point
	behind  string // the real device that all of it was recorded behind
}

// lanesOf puts recordings that an observer sees into lanes, with labels of events
// and commands but for devices that are to be passed over.
func lanesOf(ds *datasets.Dataset, rs []datasets.Recording, without map[string]bool) []*lane {
	order := slices.Clone(rs)
	slices.SortStableFunc(order, func(a, b datasets.Recording) int { return a.Trace.Start.Compare(b.Trace.Start) })

	var lanes []*lane
	for i := range order {
		r := &order[i]
		// Without a start nothing is known of how recordings follow each other.
		start := int64(0)
		var l *lane
		if !r.Trace.Start.IsZero() {
			start = r.Trace.Start.Unix()
			if k := slices.IndexFunc(lanes, func(l *lane) bool { return l.end <= start && l.behind == r.Behind }); k >= 0 {
				l = lanes[k]
			}
		}
		if l == nil {
			// Behind a device nobody may know whose traffic is whose, where it is known
			// without.
			l = &lane{devices: map[string]*activity.Track{}, points: map[string][]point{}, behind: r.Behind}
			lanes = append(lanes, l)
		}
		l.add(ds, r, start, without)
		if r.Trace.Start.IsZero() {
			l.end = math.MaxInt64
		}
	}
	for _, l := range lanes {
		l.all.Done()
		for _, t := range l.devices {
			t.Done()
		}
	}
	return lanes
}

// add puts a recording that starts at a second behind those of the lane.
func (l *lane) add(ds *datasets.Dataset, r *datasets.Recording, start int64, without map[string]bool) {
	own := make([]*activity.Track, len(r.Labels.Devices))
	for i, d := range r.Labels.Devices {
		if own[i] = l.devices[d]; own[i] == nil {
			own[i] = &activity.Track{}
			l.devices[d] = own[i]
		}
	}
	for i, p := range r.Trace.Packets {
		s := start + int64(p.Time/time.Second)
		l.all.Add(s, int64(p.Size))
		if r.Labels.Owners != nil && r.Labels.Owners[i] >= 0 {
			own[r.Labels.Owners[i]].Add(s, int64(p.Size))
		}
	}
	l.end = start + int64(math.Ceil(r.Trace.End.Seconds()))
	l.spans = append(l.spans, activity.Span{From: start, To: l.end})

	add := func(device int, at, lasts time.Duration) {
		name := r.Labels.Devices[device]
		if !without[name] && !slices.Contains(ds.Unmonitored, name) {
			l.points[name] = append(l.points[name], point{start + int64(at/time.Second), int64(lasts / time.Second)})
		}
	}
	for _, e := range r.Labels.Events {
		// A state is asked for its beginning, an event of a minute for all of it.
		lasts := time.Duration(0)
		if ds.Vague {
			lasts = max(e.End-e.Start, 0)
		}
		add(e.Device, e.Start, lasts)
	}
	for _, c := range r.Labels.Commands {
		add(c.Device, c.Time, 0)
	}
}

// track is what the labels of a device are held against: its own traffic, or all
// where nobody knows whose is whose.
func (l *lane) track(device string) *activity.Track {
	if t := l.devices[device]; t != nil && !t.Empty() {
		return t
	}
	return &l.all
}

// fit is how labels suit the traffic under every shift.
type fit struct {
	hits    []int32 // labels with traffic near them, by shift in seconds from -reach
	n       int     // labels
	lasts   int64   // the longest of them
	silent  int     // labels, as they are, without any packet near them
	watched []watched
}

// watched is the labels of one lane and when labels of their length are near
// traffic.
type watched struct {
	points []point
	busy   []activity.Span
}

// reach is how far hits go: the belts of the farthest shift lie within.
const reach = farthest + 3*nearby

// fitOf holds the labels of a device against its traffic in all lanes.
func fitOf(lanes []*lane, device string) *fit {
	f := &fit{hits: make([]int32, 2*reach+2)}
	for _, l := range lanes {
		points := spread(l.points[device])
		if len(points) == 0 {
			continue
		}
		t := l.track(device)
		lengths := map[int64][]point{}
		for _, p := range points {
			lengths[p.lasts] = append(lengths[p.lasts], p)
			if t.Near(p.at, p.lasts) == 0 {
				f.silent++
			}
		}
		for lasts, ps := range lengths {
			// What is unusual is rarer than labels are: with many labels nine of ten
			// places would count their own traffic among the usual.
			time := int64(0)
			for _, s := range l.spans {
				time += s.To - s.From
			}
			taken := 1.5 * float64(len(points)) * float64(activity.Before+activity.After+lasts) / float64(max(time, 1))
			usual := t.Usual(lasts, min(max(1-taken, 0.5), 0.9), l.spans)
			f.add(watched{ps, t.Busy(lasts, usual)})
			f.lasts = max(f.lasts, lasts)
		}
	}

	// So far hits are differences: one more from here on, one less from there.
	for i := 1; i < len(f.hits); i++ {
		f.hits[i] += f.hits[i-1]
	}
	return f
}

// add counts labels that are near traffic by the shift that brings them there.
func (f *fit) add(w watched) {
	f.n += len(w.points)
	f.watched = append(f.watched, w)
	for _, p := range w.points {
		i, _ := slices.BinarySearchFunc(w.busy, p.at-reach, func(s activity.Span, at int64) int { return cmp.Compare(s.To, at) })
		for ; i < len(w.busy) && w.busy[i].From <= p.at+reach; i++ {
			f.hits[max(w.busy[i].From-p.at, -reach)+reach]++
			f.hits[min(w.busy[i].To-p.at, reach)+reach+1]--
		}
	}
}

// spread leaves out labels that share their traffic with the one before, and of
// very many takes some, evenly: each is to be a trial of its own.
func spread(ps []point) []point {
	ps = slices.SortedFunc(slices.Values(ps), func(a, b point) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.lasts, b.lasts)) })
	var out []point
	for _, p := range ps {
		if n := len(out); n == 0 || p.at-out[n-1].at >= activity.Before+activity.After {
			out = append(out, p)
		}
	}
	if len(out) <= mostPoints {
		return out
	}
	some := make([]point, mostPoints)
	for i := range some {
		some[i] = out[i*len(out)/mostPoints]
	}
	return some
}

// plus adds the labels of another device.
func (f *fit) plus(g *fit) {
	for i, h := range g.hits {
		f.hits[i] += h
	}
	f.n, f.lasts, f.silent = f.n+g.n, max(f.lasts, g.lasts), f.silent+g.silent
	f.watched = append(f.watched, g.watched...)
}

// share is that of the labels with traffic near them, all moved by so many
// seconds.
func (f *fit) share(by int) float64 { return float64(f.hits[by+reach]) / float64(max(f.n, 1)) }

// around is the mean share in the belts on both sides of a shift, near enough to
// be of the same hour and too far to be of the same labels.
func (f *fit) around(by int) float64 {
	gap := int(f.lasts) + 2*(activity.Before+activity.After)
	sum := 0
	for i := gap; i < gap+nearby; i++ {
		sum += int(f.hits[min(by+i+reach, 2*reach)]) + int(f.hits[max(by-i+reach, 0)])
	}
	return float64(sum) / float64(2*nearby*max(f.n, 1))
}

const (
	// Labels are believed where half of them have traffic near them. Another
	// place is believed where enough of them have it, far more than now and than
	// in its surroundings.
	believed = 0.5
	enough   = 0.6
	farMore  = 0.3
	// chance is how likely a place so good may be, of all that were tried, where
	// labels and traffic have nothing to do with each other.
	chance = 1e-3
)

// explains says whether a shift explains why labels have no traffic near them;
// so many shifts were tried.
func (f *fit) explains(by, tries int) bool {
	s, rest := f.share(by), f.around(by)
	if s < enough || s < f.share(0)+farMore || s < rest+farMore {
		return false
	}

	// The chance that of n labels a share of s and more has traffic near it where
	// a share of p has anywhere is at most exp(-n KL(s, p)) (Chernoff).
	p := max(rest, 0.02)
	kl := s * math.Log(s/p)
	if s < 1 {
		kl += (1 - s) * math.Log((1-s)/(1-p))
	}
	return float64(f.n)*kl > math.Log(float64(tries)/chance)
}

// bestShift finds the shift that explains labels without traffic: whole hours
// before half hours before any other, for clocks are wrong by those, unless
// another fits more than a tenth better. ok is false if none does.
func (f *fit) bestShift() (by int, ok bool) {
	if f.n < fewPoints || f.share(0) >= believed {
		return 0, false
	}

	// Many shifts may be equally good: of those the least, and for the traffic to
	// begin at the label the last one of its run less what may come before.
	best := 0
	for s := -farthest; s <= farthest; s++ {
		if h := f.hits[s+reach]; h > f.hits[best+reach] || h == f.hits[best+reach] && max(s, -s) < max(best, -best) {
			best = s
		}
	}
	for _, step := range []int{3600, 1800} {
		round := 0
		for s := -farthest; s <= farthest; s += step {
			if f.hits[s+reach] > f.hits[round+reach] {
				round = s
			}
		}
		if round != 0 && f.share(round) >= f.share(best)-0.1 && f.explains(round, 2*farthest/step+1) {
			return round, true
		}
	}

	const independent = 2 * farthest / (activity.Before + activity.After)
	if !f.explains(best, independent) {
		return 0, false
	}
	last := best
	for last < farthest && f.hits[last+1+reach] == f.hits[best+reach] {
		last++
	}
	if on := last - activity.Before; on > best {
		best = on
	}
	return best, true
}

// labelDoubts says which labels have no traffic near them, and what explains it.
func labelDoubts(ds *datasets.Dataset, rs []datasets.Recording, without map[string]bool) []datasets.Doubt {
	spoils := only(ds.Tasks, datasets.TaskEvent, datasets.TaskCommand)
	if len(spoils) == 0 {
		return nil
	}
	lanes := lanesOf(ds, rs, without)
	names := map[string]bool{}
	for _, l := range lanes {
		for d := range l.points {
			names[d] = true
		}
	}

	var out []datasets.Doubt
	pool := &fit{hits: make([]int32, 2*reach+2)}
	lost, all := 0, 0
	var quiet []datasets.Doubt
	for _, d := range slices.Sorted(maps.Keys(names)) {
		f := fitOf(lanes, d)
		all += f.n
		if f.share(0) < believed {
			pool.plus(f)
		}
		if by, ok := f.bestShift(); ok {
			out = append(out, shifted(ds, d, f, by, spoils))
		} else if f.n >= fewPoints && 2*f.silent >= f.n {
			lost += f.n
			quiet = append(quiet, silentDoubt(d, f))
		} else if f.unrelated() {
			// Bytes alone do not show it, as beside a stream; sizes may all the same,
			// so it is no reason to refuse.
			out = append(out, silentDoubt(d, f))
		}
	}

	// Devices with a few labels each tell it together.
	told := slices.ContainsFunc(out, func(d datasets.Doubt) bool { return d.Code == datasets.DoubtShifted })
	if by, ok := pool.bestShift(); ok && !told {
		return []datasets.Doubt{shifted(ds, "", pool, by, spoils)}
	}
	for i := range quiet {
		// A device whose events leave no trace costs its own score; where that is
		// true of most labels, no score is about the traffic.
		if 2*lost >= all {
			quiet[i].Spoils = spoils
		}
	}
	return append(out, quiet...)
}

// silentDoubt is that labels have no packet near them, or no more of them than any
// other moment.
func silentDoubt(device string, f *fit) datasets.Doubt {
	d := datasets.Doubt{
		Code: datasets.DoubtSilent, Where: device, Count: int64(f.silent), Of: int64(f.n),
		Detail: fmt.Sprintf("%d of %d labels have no packet from %d s before to %d s behind them, and no shift within 14 h explains it", f.silent, f.n, activity.Before, activity.After),
		Remedy: "look at their clock and at whether the device's traffic is in the capture",
	}
	if 2*f.silent < f.n {
		d.Count = int64(f.n) - int64(f.hits[reach])
		d.Detail = fmt.Sprintf("%d of %d labels have more traffic near them than usual, as other moments have (%.0f %%), and no shift within 14 h explains it", f.hits[reach], f.n, 100*f.around(0))
	}
	return d
}

// leastUnrelated is from how many labels on it is asked whether they have
// anything to do with the traffic.
const leastUnrelated = 20

// unrelated says that labels have no more traffic near them than the moments
// around them have.
func (f *fit) unrelated() bool {
	return f.n >= leastUnrelated && f.share(0) < believed/2 && f.share(0) < f.around(0)+0.1
}

// shifted is the doubt that labels are of another clock.
func shifted(ds *datasets.Dataset, device string, f *fit, by int, spoils []datasets.Task) datasets.Doubt {
	now, then := int64(f.hits[reach]), int64(f.hits[by+reach])
	shift := time.Duration(by) * time.Second
	d := datasets.Doubt{
		Code: datasets.DoubtShifted, Where: device, Count: int64(f.n) - now, Of: int64(f.n), Spoils: spoils,
		Detail: fmt.Sprintf("%d of %d labels have traffic near them; moved by %s %d have", now, f.n, signed(shift), then),
		Remedy: fmt.Sprintf("move the labels by %s (--label-offset, on top of what is set)", signed(shift)),
	}
	if by%1800 != 0 {
		return d
	}

	// A zone counts where it suits at least as well as the shift: in one that
	// changes its clock in between it does better.
	was := cmp.Or(ds.LabelZone, "UTC")
	zone, found := f.bestZone(was, then)
	switch {
	case zone == "":
	case ds.LabelZone != "":
		d.Detail += fmt.Sprintf(", as %s in place of %s %d have: is the zone right?", zone, was, found)
		d.Remedy = fmt.Sprintf("say --label-zone %s (or # zone: %s in the file)", zone, zone)
	default:
		d.Detail += fmt.Sprintf(", as if times of %s had been taken for UTC %d have: is their zone right?", zone, found)
	}
	return d
}

// signed writes a shift with its sign.
func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

// bestZone is the zone in which most labels have traffic near them, if their
// times, which were taken for those of another, are read in it. "" if none has
// as many as asked.
func (f *fit) bestZone(was string, least int64) (string, int64) {
	from, err := time.LoadLocation(was)
	if err != nil {
		return "", 0
	}
	best, most := "", least-1
	for _, name := range labels.Zones() {
		to, err := time.LoadLocation(name)
		if err != nil {
			continue // a system without this zone
		}
		n := int64(0)
		for _, w := range f.watched {
			for _, p := range w.points {
				t := time.Unix(p.at, 0).In(from)
				at := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, to).Unix()
				i, _ := slices.BinarySearchFunc(w.busy, at, func(s activity.Span, at int64) int { return cmp.Compare(s.To, at) })
				if i < len(w.busy) && w.busy[i].From <= at {
					n++
				}
			}
		}
		if n > most {
			best, most = name, n
		}
	}
	return best, most
}
