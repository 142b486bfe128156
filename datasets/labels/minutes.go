package labels

import (
	"fmt"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/activity"
)

// Many logs know the minute of an event and no more. Where they do not say so
// the times tell: whole minutes, all or nearly all of them. Such a label is an
// interval of its minute, in which an attack may find the event anywhere. Points
// would be trained on whatever went by at the full minute.

const (
	// wholeMinute is how much later than its minute's beginning an event may
	// have happened: so that one minute ends before the next begins.
	wholeMinute = time.Minute - time.Millisecond
	// minuteShare of the times of a file, or of a device in it, make whole
	// minutes a rule, from leastMinutes on: of times known to the second one in
	// sixty is a whole minute by chance.
	minuteShare  = 0.9
	leastMinutes = 5
	// usualShare of all places have no more traffic than one that counts.
	usualShare = 0.9
)

// resolve states how exactly the time of e is known, by its own cell or by what
// is said of the whole file.
func (p *parser) resolve(e *event, cell string) error {
	known := p.resolution
	if cell != "" {
		d, ok := parseSeconds(cell)
		if unit := p.units["resolution"]; ok && unit != 0 {
			d = time.Duration(d.Seconds() * float64(unit))
		}
		if !ok || d <= 0 {
			return fmt.Errorf("resolution %q; want seconds", cell)
		}
		known = d
	}
	if known == 0 {
		return nil
	}

	// To the second is as exact as any label is: pairing allows for more.
	e.stated, e.start.vague = true, 0
	if known > time.Second {
		e.start.vague = known - time.Millisecond
	}
	return nil
}

// tally counts the points of a file or of a device whose resolution is not
// stated, and the whole minutes among them.
type tally struct{ points, whole int }

func (t tally) rule() bool { return MinutesAreRule(t.points, t.whole) }

// MinutesAreRule says whether so many whole minutes among points are no chance,
// so that each of them stands for its minute.
func MinutesAreRule(points, whole int) bool {
	return points >= leastMinutes && float64(whole) >= minuteShare*float64(points)
}

// findMinutes makes intervals of the points that are known to a minute or to
// whatever is stated.
func (f *File) findMinutes() {
	var all tally
	devices := map[string]tally{}
	states, stated, without := 0, 0, 0
	for _, e := range f.events {
		switch {
		case e.lasts:
			states++
		case e.stated:
			stated++
		case e.start.vague > 0:
			without++
		default:
			t := devices[e.device]
			t.points, all.points = t.points+1, all.points+1
			if e.start.whole {
				t.whole, all.whole = t.whole+1, all.whole+1
			}
			devices[e.device] = t
		}
	}

	// Of a device's own times nine of ten may be whole where those of the file,
	// put together from several logs, are not.
	byRule := 0
	for i := range f.events {
		e := &f.events[i]
		if !e.lasts && !e.stated && e.start.vague == 0 && e.start.whole && (all.rule() || devices[e.device].rule() || f.minutes) {
			e.start.vague, e.guessed = wholeMinute, true
			byRule++
		}
	}

	// Where states are among the events an end means something else.
	vague := 0
	for i := range f.events {
		e := &f.events[i]
		if e.start.vague > 0 && states == 0 {
			e.end = e.start.later(e.start.vague)
			vague++
		}
	}
	f.vague = vague > 0
	f.doubtMinutes(byRule, without, all.points, states)
}

// later is m and a time.
func (m moment) later(by time.Duration) moment {
	if m.wall.IsZero() {
		return moment{since: m.since + by}
	}
	return moment{wall: m.wall.Add(by)}
}

// doubtMinutes says which times were taken for minutes though nobody said so.
func (f *File) doubtMinutes(byRule, without, points, states int) {
	d := datasets.Doubt{Code: datasets.DoubtMinutes, Where: f.name, Count: int64(byRule), Of: int64(points)}
	what := fmt.Sprintf("%d of %d event times are whole minutes, and no resolution is stated", byRule, points)
	if byRule == 0 {
		d.Count, d.Of = int64(without), int64(without)
		what = fmt.Sprintf("%d event times are without seconds", without)
	}
	if d.Count == 0 {
		return
	}
	d.Detail = what + ": each event counts anywhere in its minute"
	d.Remedy = "if the times are exact, or known otherwise, say so (# resolution: 1s, or a column resolution_s)"
	if states > 0 {
		d.Detail = what + "; as other events have an end, they stay points all the same"
		d.Remedy = "give them an end, or put what lasts into a file of its own"
	}
	f.doubts = append(f.doubts, d)
}

// round moves the labels known to a minute that nobody stated back by half of it
// where the traffic says that their times were rounded, not cut.
func (a *applier) round() {
	starts := map[string][]int64{}
	for _, i := range a.minutes {
		e := a.l.Events[i]
		d := a.l.Devices[e.Device]
		starts[d] = append(starts[d], int64(e.Start/time.Second))
	}
	all := []activity.Span{{To: int64(a.t.End / time.Second)}}
	rounded := activity.RoundedDevices(starts, func(device string) (*activity.Track, int64) {
		t := a.trackOf(a.index[device])
		return t, t.Usual(0, usualShare, all)
	})

	// Nothing is moved out of the recording: its first minute may be half of one.
	n := 0
	for _, i := range a.minutes {
		if e := &a.l.Events[i]; rounded[a.l.Devices[e.Device]] {
			e.Start, e.End = max(e.Start-time.Minute/2, 0), max(e.End-time.Minute/2, 0)
			n++
		}
	}
	if n > 0 {
		a.doubts = append(a.doubts, Rounded(n, len(a.minutes)))
	}
}

// Rounded is the doubt that so many times of all known to the minute were
// rounded to it.
func Rounded(n, of int) datasets.Doubt {
	return datasets.Doubt{
		Code: datasets.DoubtMinutes, Count: int64(n), Of: int64(of),
		Detail: fmt.Sprintf("%d of %d times known to the minute were rounded, by the traffic before them: their minutes begin half of one earlier", n, of),
	}
}

// trackOf is the traffic of a device, or all of it where owners are unknown.
func (a *applier) trackOf(device int) *activity.Track {
	t := &activity.Track{}
	for i, p := range a.t.Packets {
		if a.l.Owners == nil || a.l.Owners[i] == int32(device) {
			t.Add(int64(p.Time/time.Second), int64(p.Size))
		}
	}
	t.Done()
	return t
}
