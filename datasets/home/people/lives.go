package people

import (
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// resident is one person of a home: when asleep in it, and when away. Both are
// in order of time.
type resident struct{ asleep, away []interval }

// visit is some guests, who are there while somebody is at home and awake.
type visit struct {
	interval
	guests int
}

// occupants are all people of a home over the whole recording, and a day more
// at either end.
type occupants struct {
	residents []resident
	gone      []interval // all of them: weekends away, vacations
	visits    []visit
}

// in says whether t is in one of the intervals.
func in(list []interval, t int64) bool {
	return slices.ContainsFunc(list, func(x interval) bool { return x.from <= t && t < x.to })
}

// newOccupants draws the people of a home and what they do on the days given.
// kind, in millionths, says what kind of person the first one is.
func newOccupants(l *profile.Lives, kind int64, days int, r *rand.Rand) occupants {
	var h occupants
	for range l.Residents.Draw(r) {
		h.residents = append(h.residents, live(l, kind, days, r))
		kind = r.Int64N(draw.Million)
	}

	for n := 0; n < days; n++ {
		midnight := int64(n) * 24 * hour
		switch {
		case n%7 == 4 && draw.Chance(r, l.TripP): // from a Friday to a Sunday
			h.gone = append(h.gone, interval{midnight + draw.Between(r, 14*hour, 20*hour), midnight + 48*hour + draw.Between(r, 15*hour, 21*hour)})
		case n%28 == 0 && draw.Chance(r, l.VacationP):
			from := midnight + draw.Between(r, 0, 27)*24*hour + draw.Between(r, 6*hour, 18*hour)
			h.gone = append(h.gone, interval{from, from + l.VacationDays.Draw(r)*24*hour + draw.Between(r, 0, 6*hour)})
		}
		if draw.Chance(r, l.GuestsP) {
			at := midnight + l.GuestsAt.Draw(r)
			h.visits = append(h.visits, visit{interval{at, at + l.GuestsFor.Draw(r)}, int(l.Guests.Draw(r))})
		}
	}
	return h
}

// live draws the life of one person, from the day before the recording on, so
// that it begins in the middle of one.
func live(l *profile.Lives, kind int64, days int, r *rand.Rand) resident {
	plan := lifePlan(l, kind)
	phase := 0
	if len(plan) != 7 {
		phase = r.IntN(len(plan))
	}

	p := person{l: l, r: r, habit: l.Habit.Draw(r), bed: -25 * hour}
	for n := -1; n <= days; n++ {
		p.day(l.Day(plan[(n+phase+len(plan))%len(plan)]), int64(n)*24*hour)
	}
	return p.resident
}

// lifePlan is the plan of the kind of person who is in a share of all people, in
// millionths: the weights sum to 1.
func lifePlan(l *profile.Lives, share int64) []string {
	for _, s := range l.People {
		if share -= draw.PPM(s.Weight); share < 0 {
			return s.Plan
		}
	}
	return l.People[len(l.People)-1].Plan
}

// person is a resident in the making.
type person struct {
	resident
	l     *profile.Lives
	r     *rand.Rand
	habit int64 // moves bed and wake times
	bed   int64 // when the last day ended in bed
	out   bool  // it ended elsewhere
	free  int64 // from when on the person may do the next thing
}

// leave is an absence.
func (p *person) leave(at, length int64) {
	p.away = append(p.away, interval{at, at + length})
	p.free = at + length + 20*minute
}

// day draws a day of the given kind: the end of the night before, work or
// errands, a nap, an evening out, and when it ends in bed.
func (p *person) day(k *profile.DayKind, midnight int64) {
	l, r := p.l, p.r
	works := k.Away.P50 > 0
	wake, work := midnight+k.Wake.Draw(r)+p.habit, midnight+k.Leave.Draw(r)
	if works {
		wake = min(wake, work-45*minute)
	}

	// Who went to bed late sleeps on into the day, as after a night at work; nobody
	// stays in bed for half of it.
	if !p.out {
		if wake < p.bed+4*hour {
			wake = p.bed + l.ShortSleep.Draw(r)
		}
		wake = min(wake, p.bed+9*hour+30*minute)
		p.asleep = append(p.asleep, interval{p.bed, wake})
		p.free = wake + 30*minute
	}
	up := p.free

	if works {
		at := max(work, p.free)
		p.leave(at, max(work+k.Away.Draw(r)-at, 2*hour))
	}
	for range k.Errands.Draw(r) {
		if at := max(midnight+l.Errand.Draw(r), p.free); at < midnight+20*hour {
			p.leave(at, l.ErrandFor.Draw(r))
		}
	}
	if at := max(midnight+l.Nap.Draw(r), p.free); draw.Chance(r, l.NapP) && at > up+4*hour && at < midnight+19*hour {
		to := at + l.NapFor.Draw(r)
		p.asleep = append(p.asleep, interval{at, to})
		p.free = to + 15*minute
	}
	p.evening(k, midnight)
}

// evening ends a day: out or at home, then to bed, here or elsewhere.
func (p *person) evening(k *profile.DayKind, midnight int64) {
	l, r := p.l, p.r
	at := max(midnight+l.Out.Draw(r), p.free)
	if draw.Chance(r, k.OutP) && at < midnight+22*hour+30*minute {
		// Of a night elsewhere nothing is seen: the next day begins with coming home.
		if draw.Chance(r, l.OvernightP) {
			p.leave(at, midnight+l.OvernightBack.Draw(r)-at)
			p.out = true
			return
		}
		p.leave(at, l.OutFor.Draw(r))
	}
	p.out = false
	p.bed = max(midnight+k.Bed.Draw(r)+p.habit, p.free+draw.Between(r, 0, hour))
}

// at is how many people are at home at time t, guests included, and how many of
// the residents are awake there.
func (h *occupants) at(t int64) (home, awake int) {
	if in(h.gone, t) {
		return 0, 0
	}
	for _, p := range h.residents {
		if !in(p.away, t) {
			home++
			if !in(p.asleep, t) {
				awake++
			}
		}
	}
	for _, v := range h.visits {
		if awake > 0 && v.from <= t && t < v.to {
			home += v.guests
		}
	}
	return home, awake
}

// moments are the times up to end at which somebody comes, goes, wakes or falls
// asleep, in order, 0 and end included.
func (h *occupants) moments(end int64) []int64 {
	lists := [][]interval{h.gone}
	for _, p := range h.residents {
		lists = append(lists, p.asleep, p.away)
	}
	for _, v := range h.visits {
		lists = append(lists, []interval{v.interval})
	}

	out := []int64{0, end}
	for _, x := range slices.Concat(lists...) {
		for _, t := range []int64{x.from, x.to} {
			if t > 0 && t < end {
				out = append(out, t)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// stays are the states of the home up to end.
func (h *occupants) stays(end int64) []datasets.Stay {
	var out []datasets.Stay
	times := h.moments(end)
	for i, t := range times[:len(times)-1] {
		home, awake := h.at(t)
		s := datasets.Stay{Start: time.Duration(t), End: time.Duration(times[i+1]), Home: home, Asleep: home > 0 && awake == 0}

		// Not every moment changes what the home as a whole is like.
		if n := len(out); n > 0 && out[n-1].Home == s.Home && out[n-1].Asleep == s.Asleep {
			out[n-1].End = s.End
			continue
		}
		out = append(out, s)
	}
	return out
}
