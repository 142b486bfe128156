package people

import (
	"fmt"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// residentHomes are homes of the given number of days without devices.
func residentHomes(t *testing.T, homes int, days int64, seed uint64) []*traffic.Home {
	t.Helper()
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	var out []*traffic.Home
	for i := range homes {
		h := &traffic.Home{Seed: seed, Name: fmt.Sprintf("home-%02d", i+1), Profile: p, End: days * 24 * hour}
		Residents(h, i)
		out = append(out, h)
	}
	return out
}

// hourly is the state of each hour, a number below 3: that of its larger part.
func hourly(stays []datasets.Stay, hours int, state func(datasets.Stay) int) []int {
	out := make([]int, hours)
	for i := range out {
		from := time.Duration(i) * time.Hour
		var held [3]time.Duration
		for _, s := range stays {
			held[state(s)] += max(min(s.End, from+time.Hour)-max(s.Start, from), 0)
		}
		out[i] = largest(held)
	}
	return out
}

// largest is the index of the largest element, the first of several.
func largest[N int | time.Duration](x [3]N) int {
	best := 0
	for i, n := range x {
		if n > x[best] {
			best = i
		}
	}
	return best
}

func presence(s datasets.Stay) int { return min(s.Home, 1) }

func joint(s datasets.Stay) int {
	if s.Asleep {
		return 2
	}
	return presence(s)
}

func sleep(s datasets.Stay) int { return joint(s) / 2 }

// clockRight is the share of hours whose state is the most frequent one of that
// hour of the day in the other homes, apart for weekends.
func clockRight(hours [][]int) float64 {
	slot := func(k int) (weekend, hour int) { return k / 24 % 7 / 5, k % 24 }
	right, all := 0, 0
	for out := range hours {
		var seen [2][24][3]int
		for i := range hours {
			for k, s := range hours[i] {
				if w, o := slot(k); i != out {
					seen[w][o][s]++
				}
			}
		}
		for k, s := range hours[out] {
			w, o := slot(k)
			if all++; largest(seen[w][o]) == s {
				right++
			}
		}
	}
	return float64(right) / float64(all)
}

// TestClockAlone: the most frequent state of an hour of the day, learned on the
// other homes, is right in at most 80 % of hours: a diary that is better has
// been read off the traffic.
func TestClockAlone(t *testing.T) {
	const homes, days = 12, 30
	for seed := uint64(1); seed <= 10; seed++ {
		list := residentHomes(t, homes, days, seed)
		for _, what := range []struct {
			name  string
			state func(datasets.Stay) int
		}{{"presence", presence}, {"sleep", sleep}, {"both", joint}} {
			var hours [][]int
			for _, h := range list {
				hours = append(hours, hourly(h.Stays, 24*days, what.state))
			}
			got := clockRight(hours)
			t.Logf("seed %d, %s: %.3f of hours", seed, what.name, got)
			if got > 0.8 {
				t.Errorf("seed %d, %s: the clock alone is right in %.3f of hours, want at most 0.8", seed, what.name, got)
			}
		}
	}
}

// TestClockRight: homes that all live alike are known by the clock, and an hour
// that is like no other home's is not.
func TestClockRight(t *testing.T) {
	same := [][]int{make([]int, 48), make([]int, 48)}
	for _, h := range same {
		h[3], h[27] = 2, 2
	}
	if got := clockRight(same); got != 1 {
		t.Errorf("two homes with the same days: %v, want 1", got)
	}
	// The two days of home 1 tie at 5 o'clock, and the lower state is taken.
	same[1][5] = 1
	if got := clockRight(same); got != 95./96 {
		t.Errorf("one hour of 96 differs: %v, want %v", got, 95./96)
	}
}

// TestStays: they cover the recording without a gap or an overlap, neighbors
// differ, nobody sleeps in an empty home, and people do all that the data is for:
// nights, naps, days away and company.
func TestStays(t *testing.T) {
	naps, long, company, several := 0, 0, 0, 0
	for _, h := range residentHomes(t, 12, 30, 1) {
		at, most := time.Duration(0), 0
		for i, s := range h.Stays {
			if s.Start != at || s.End <= s.Start || s.Home < 0 || s.Asleep && s.Home == 0 {
				t.Fatalf("%s: stay %+v after %v", h.Name, s, at)
			}
			if i > 0 && h.Stays[i-1].Home == s.Home && h.Stays[i-1].Asleep == s.Asleep {
				t.Errorf("%s: stay %+v is like the one before", h.Name, s)
			}
			at, most = s.End, max(most, s.Home)
			from := s.Start % (24 * time.Hour)
			if s.Asleep && from > 11*time.Hour && from < 19*time.Hour && s.End-s.Start < 3*time.Hour {
				naps++
			}
			if s.Home == 0 && s.End-s.Start > 40*time.Hour {
				long++
			}
		}
		if at != time.Duration(h.End) {
			t.Errorf("%s: stays end at %v", h.Name, at)
		}
		if most > 1 {
			company++
		}
		if most > 3 {
			several++
		}
	}
	t.Logf("%d naps, %d long absences, %d homes with company, %d with more than three people", naps, long, company, several)
	if naps < 20 || long < 4 || company < 10 || several < 2 {
		t.Error("too few naps, long absences or guests")
	}
}

// TestOccupants holds the states of a day worked out by hand: two people, one at
// work from 8 to 17, asleep until 7, the other asleep until 9, out from 12 to 13;
// a guest from 18 to 24, when the first of them has gone to bed at 22 and the
// other at 23.
func TestOccupants(t *testing.T) {
	h := occupants{
		residents: []resident{
			{asleep: []interval{{0, 7 * hour}, {22 * hour, 30 * hour}}, away: []interval{{8 * hour, 17 * hour}}},
			{asleep: []interval{{0, 9 * hour}, {23 * hour, 31 * hour}}, away: []interval{{12 * hour, 13 * hour}}},
		},
		visits: []visit{{interval{18 * hour, 24 * hour}, 1}},
	}
	var got string
	for _, s := range h.stays(24 * hour) {
		got += fmt.Sprintf("%.0f:%d", s.Start.Hours(), s.Home)
		if s.Asleep {
			got += "z"
		}
		got += " "
	}
	// Guests stay as long as somebody is up, and the one who sleeps at 8 is alone.
	if want := "0:2z 7:2 8:1z 9:1 12:0 13:1 17:2 18:3 23:2z "; got != want {
		t.Errorf("stays %q, want %q", got, want)
	}
}

// TestEventsFollowPeople: while nobody is awake at home next to nothing happens,
// and homes differ by what time people have.
func TestEventsFollowPeople(t *testing.T) {
	const days = 30
	for i := range 4 {
		h, _ := household(t, 1, days)
		idle, awake := 0., 0.
		list := Residents(h, i)
		for _, x := range list {
			if !awakeAt(h.Stays, x.At) {
				idle += 1. / days
			}
		}
		for _, s := range h.Stays {
			if s.Home > 0 && !s.Asleep {
				awake += (s.End - s.Start).Hours() / days
			}
		}

		busy := (float64(len(list))/days - idle) / awake
		quiet := idle / (24 - awake)
		t.Logf("home %d: awake at home %.1f h a day with %.1f events an hour, otherwise %.2f", i, awake, busy, quiet)
		if busy < 12 || busy > 40 || quiet > 1 {
			t.Errorf("home %d: %.1f events in an hour with somebody awake, %.2f in others", i, busy, quiet)
		}
	}
}
