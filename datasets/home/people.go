package home

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
)

// householdProfile says when the people of a home do things.
type householdProfile struct {
	HourWeights    []float64 `yaml:"hour_weights"`
	Bed            hours     `yaml:"bed_h"`
	Wake           hours     `yaml:"wake_h"`
	Leave          hours     `yaml:"leave_h"`
	Away           hours     `yaml:"away_h"`
	Dinner         hours     `yaml:"dinner_h"`
	SecondAbsenceP float64   `yaml:"second_absence_p"`
	WeekendShift   float64   `yaml:"weekend_wake_shift_h"`
	SameClusterP   float64   `yaml:"same_cluster_p"`
	ClusterGap     span      `yaml:"cluster_gap_s"`
	SameActivityP  float64   `yaml:"same_activity_p"`
	ActivityGap    span      `yaml:"activity_gap_s"`
	Routines       []routine `yaml:"routines"`
}

// hours are quantiles of a time of day or a duration in hours.
type hours struct {
	P10 float64 `yaml:"p10"`
	P50 float64 `yaml:"p50"`
	P90 float64 `yaml:"p90"`
}

// routine is what people do in order at some moment of the day.
type routine struct {
	At    string   `yaml:"at"`
	Order []string `yaml:"order"`
	Gap   span     `yaml:"gap_s"`
}

// draw returns nanoseconds: normal on each side of the median.
func (q hours) draw(r *rand.Rand) int64 {
	z := max(min(normal(r), 2*65536), -2*65536)
	side := q.P90 - q.P50
	if z < 0 {
		side = q.P50 - q.P10
	}
	// 83989 is 1.2816 times 65536: the 90th percentile.
	return int64(q.P50*3600)*second + z*int64(side*3600)/83989*second
}

// interval is a stretch of time.
type interval struct{ from, to int64 }

func (i interval) has(t int64) bool { return i.from <= t && t < i.to }

// day is one day of a household.
type day struct {
	start, wake, bed int64
	away             []interval
}

// planDay draws one day.
func (p *householdProfile) planDay(n int, r *rand.Rand) day {
	d := day{start: int64(n) * 24 * 3600 * second}
	weekend := n%7 >= 5
	d.wake, d.bed = d.start+p.Wake.draw(r), d.start+p.Bed.draw(r)
	if weekend {
		d.wake += int64(p.WeekendShift*3600) * second
	}
	absences := 1
	if chance(r, ppm(p.SecondAbsenceP)) {
		absences++
	}
	if weekend && chance(r, 300_000) {
		absences--
	}
	from := d.wake + 1800*second
	for range absences {
		leave := max(d.start+p.Leave.draw(r), from)
		back := min(leave+max(p.Away.draw(r), 600*second), d.bed-3600*second)
		if back > leave+600*second {
			d.away = append(d.away, interval{leave, back})
			from = back + 1800*second
		}
	}
	return d
}

// moments are when a routine happens on a day.
func (d day) moments(at string, dinner int64) []int64 {
	var out []int64
	switch at {
	case "wake":
		out = append(out, d.wake)
	case "bed":
		out = append(out, d.bed-600*second)
	case "dinner":
		out = append(out, d.start+dinner)
	}
	for _, a := range d.away {
		switch at {
		case "leave":
			out = append(out, a.from-120*second)
		case "return":
			out = append(out, a.to)
		}
	}
	return out
}

// home says whether somebody is there and awake.
func (d day) home(t int64) bool {
	if t < d.wake || t > d.bed {
		return false
	}
	for _, a := range d.away {
		if a.has(t) {
			return false
		}
	}
	return true
}

// livedIn is the schedule of a home with people in it: routines, and the other
// events of each class at its daily rate, in clusters.
func (h *house) livedIn() []trigger {
	var out []trigger
	r := newRand(h.seed, h.name, "household")
	p := h.profile.Household
	habit := map[*eventProfile]int64{}
	for _, d := range h.devices {
		for _, e := range d.Events {
			habit[e] = between(r, 600, 1400)
		}
	}
	for n := 0; int64(n)*24*3600*second < h.end; n++ {
		plan := p.planDay(n, r)
		routine := h.routines(plan, r)
		out = append(out, routine...)
		out = append(out, h.free(plan, routine, habit, r)...)
	}
	out = slices.DeleteFunc(out, func(t trigger) bool { return t.at < 0 || t.at >= h.end })
	slices.SortStableFunc(out, func(a, b trigger) int { return cmp.Compare(a.at, b.at) })
	alternate(out, r)
	return out
}

// routines plays the routines of a day, each step four times out of five.
func (h *house) routines(plan day, r *rand.Rand) []trigger {
	var out []trigger
	p := h.profile.Household
	for i := range p.Routines {
		rt := &p.Routines[i]
		for _, at := range plan.moments(rt.At, p.Dinner.draw(r)) {
			for _, what := range rt.Order {
				at += rt.Gap.draw(r)
				if d, e := h.find(what); e != nil && chance(r, 800_000) {
					out = append(out, trigger{at, d, e})
				}
			}
		}
	}
	return out
}

// find returns the device and event class of "device/activity", nil if the
// home has none.
func (h *house) find(what string) (*device, *eventProfile) {
	id, name, _ := strings.Cut(what, "/")
	for _, d := range h.devices {
		if d.ID == id {
			return d, d.event(name)
		}
	}
	return nil, nil
}

// free places the events of a day that belong to no routine. One event
// follows another within seconds, within minutes, or opens a new activity at
// a time of day when people are active.
func (h *house) free(plan day, done []trigger, habit map[*eventProfile]int64, r *rand.Rand) []trigger {
	var out []trigger
	for _, d := range h.devices {
		for _, e := range d.Events {
			want := ppm(e.RatePerDay) * habit[e] / 1000 * between(r, 700, 1300) / 1000
			for _, t := range done {
				if t.event == e {
					want -= million
				}
			}
			for ; want > 0 && (want >= million || chance(r, want)); want -= million {
				out = append(out, trigger{0, d, e})
			}
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	p := h.profile.Household
	at := int64(-1)
	for i := range out {
		t := &out[i]
		switch {
		case t.device.Type == "sensor": // the bed notices people at night only
			t.at = plan.bed + between(r, 1800*second, 5*3600*second)
			continue
		case at < 0:
			at = plan.active(p, r)
		case chance(r, ppm(p.SameClusterP)):
			at += p.ClusterGap.draw(r)
		case chance(r, ppm(p.SameActivityP)):
			at += p.ActivityGap.draw(r)
		default:
			at = plan.active(p, r)
		}
		t.at = at
	}
	return out
}

// active draws a moment by the hours' weights, mostly when somebody is there.
func (d day) active(p *householdProfile, r *rand.Rand) int64 {
	at := int64(0)
	for range 8 {
		at = d.start + hourOfDay(p.HourWeights, r)
		if d.home(at) {
			return at
		}
	}
	return at
}

// hourOfDay draws a time of day by the hours' weights.
func hourOfDay(weights []float64, r *rand.Rand) int64 {
	var total int64
	for _, w := range weights {
		total += ppm(w)
	}
	n := r.Int64N(total)
	for hour, w := range weights {
		if n -= ppm(w); n < 0 {
			return (int64(hour)*3600)*second + between(r, 0, 3600*second-1)
		}
	}
	return 0
}
