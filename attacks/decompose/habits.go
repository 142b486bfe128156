package decompose

import (
	"time"

	"veilbench/attacks"
)

// Habits says which commands of a home are normal for it: what section V of the
// paper leaves to future work, "normal activity profiles" and deviations from them.
// Its rule is ours. A command is normal if one like it was sent at about this time
// of day on enough of the days before. Commands are alike if some list of actions
// fits both, so a profile needs no right name for them, and no labels of the home.
type Habits struct {
	// Window is how far from the same time of day a command still is at about it.
	Window time.Duration
	// Share is on what part of the days before one like it must have been sent.
	Share float64
	// Warm is how long a home is watched before any command is called unusual.
	Warm time.Duration
}

// day is that of commands, which people send by the clock.
const day = 24 * time.Hour

// Unusual says of each message, in order of time, whether it deviates from those
// before it. Nothing does within the first Warm of the trace.
func (h Habits) Unusual(messages []attacks.Message) []bool {
	out := make([]bool, len(messages))
	for i, m := range messages {
		if m.Time < h.Warm {
			continue
		}

		// By day, not by message: what was sent five times in one evening is no habit.
		days := map[time.Duration]bool{}
		for _, old := range messages[:i] {
			around := (old.Time - m.Time).Abs() % day
			if min(around, day-around) <= h.Window && m.Time-old.Time > h.Window && alike(old, m) {
				days[(m.Time-old.Time+h.Window)/day] = true
			}
		}
		seen := max(float64(m.Time)/float64(day), 1)
		out[i] = float64(len(days)) < h.Share*seen
	}
	return out
}

// alike says whether a list of actions fits both messages; of those that nothing
// fits, whether they have one size.
func alike(a, b attacks.Message) bool {
	if len(a.Candidates) == 0 || len(b.Candidates) == 0 {
		return len(a.Candidates) == len(b.Candidates) && a.Bytes == b.Bytes
	}
	of := map[string]bool{}
	for _, c := range a.Candidates {
		of[string(c)] = true
	}
	for _, c := range b.Candidates {
		if of[string(c)] {
			return true
		}
	}
	return false
}

// LearnHabits chooses window and share by F1 over homes whose deviations are known,
// the first of equals: messages[i] are those of home i, and odd[i] says which
// of them deviate.
func LearnHabits(messages [][]attacks.Message, odd [][]bool, warm time.Duration) Habits {
	best, top := Habits{time.Hour, 0.2, warm}, -1.0
	for _, window := range []time.Duration{time.Hour, 30 * time.Minute, 2 * time.Hour, 3 * time.Hour} {
		for _, share := range []float64{0.2, 0.1, 0.3, 0.05, 0.5} {
			h := Habits{window, share, warm}
			right, named, all := 0, 0, 0
			for k, ms := range messages {
				for i, u := range h.Unusual(ms) {
					switch {
					case ms[i].Time < warm:
						continue // nobody is asked about these
					case u && odd[k][i]:
						right++
					}
					named, all = named+count(u), all+count(odd[k][i])
				}
			}
			if f := 2 * float64(right) / float64(max(named+all, 1)); f > top {
				best, top = h, f
			}
		}
	}
	return best
}

// count is 1 for true.
func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
