package people

import (
	"math/rand/v2"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// interval is a stretch of time, the end left out.
type interval struct{ from, to int64 }

// day is one day of a household; bed may be after midnight.
type day struct {
	start, wake, bed int64
	away             []interval // apart, in order of time
}

// planDay draws day number n of a recording, which begins on a Monday.
func planDay(p *profile.Household, n int, r *rand.Rand) day {
	d := day{start: int64(n) * 24 * hour}
	weekend := n%7 >= 5
	d.wake, d.bed = d.start+p.Wake.Draw(r), d.start+p.Bed.Draw(r)
	if weekend {
		d.wake += int64(p.WeekendShift*3600) * second
	}

	absences := 1
	if draw.Chance(r, p.SecondAbsenceP) {
		absences++
	}
	if weekend && draw.Chance(r, 0.3) {
		absences--
	}

	// People are up for half an hour before they leave, stay for ten minutes at
	// least, and come home an hour before they go to bed: an absence for which
	// that leaves no time does not happen.
	from := d.wake + 30*minute
	for range absences {
		leave := max(d.start+p.Leave.Draw(r), from)
		back := min(leave+max(p.Away.Draw(r), 10*minute), d.bed-hour)
		if back > leave+10*minute {
			d.away = append(d.away, interval{leave, back})
			from = back + 30*minute
		}
	}
	return d
}

// moments are when a routine happens on a day: once, or with each absence.
func (d day) moments(at string, dinner int64) []int64 {
	switch at {
	case "wake":
		return []int64{d.wake}
	case "bed":
		return []int64{d.bed - 10*minute}
	case "dinner":
		return []int64{d.start + dinner}
	}

	var out []int64
	for _, a := range d.away {
		switch at {
		case "leave":
			out = append(out, a.from-2*minute)
		case "return":
			out = append(out, a.to)
		}
	}
	return out
}

// occupied says whether somebody is there and awake.
func (d day) occupied(t int64) bool {
	if t < d.wake || t > d.bed {
		return false
	}
	for _, a := range d.away {
		if a.from <= t && t < a.to {
			return false
		}
	}
	return true
}

// activeMoment draws a moment by the hours' weights, mostly when somebody is
// there: after eight moments without anybody it takes the last, so that now and
// then something happens in an empty home.
func (d day) activeMoment(p *profile.Household, r *rand.Rand) int64 {
	at := int64(0)
	for range 8 {
		at = d.start + hourOfDay(p.HourWeights, r)
		if d.occupied(at) {
			return at
		}
	}
	return at
}

// hourOfDay draws a time of day by the hours' weights.
func hourOfDay(weights []float64, r *rand.Rand) int64 {
	var total int64
	for _, w := range weights {
		total += draw.PPM(w)
	}
	n := r.Int64N(total)
	for i, w := range weights {
		if n -= draw.PPM(w); n < 0 {
			return int64(i)*hour + draw.Between(r, 0, hour-1)
		}
	}
	return 0
}
