package routine

import (
	"math"
	"testing"
	"time"

	"veilbench/attacks/hmm"
)

// TestHabits: two states, equally likely at every hour in training homes, and nearly
// nothing seen but a faint sign of the second one from nine to ten each day, which by
// itself is worth e to 1 a quarter hour. Over thirty days it becomes a habit; one
// day of it stays what it is, and other hours are left alone.
func TestHabits(t *testing.T) {
	seen := hmm.NewCounts(2, phases)
	for p := range phases {
		seen.Add([]int{0, 1, 1, 0, 0}, []int{p, p, p, p, p})
	}
	q := &question{chain: seen.Chain(20), prior: []float64{0.5, 0.5}}

	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	at := func(days int) (nine, noon float64) {
		n := days * 96
		emit, phase := make([][]float64, n), make([]int, n)
		for i := range emit {
			emit[i], phase[i] = make([]float64, 2), phaseOf(monday, i)
			if h := i / 4 % 24; h == 9 {
				emit[i][1] = 1
			}
		}
		p := q.chain.Posterior(q.habits(emit, phase), phase)
		return p[37][1], p[48][1]
	}

	one, noon := at(1)
	month, monthNoon := at(30)
	if month < one+0.01 {
		t.Errorf("at nine %.3f after a day and %.3f after thirty: want it to grow", one, month)
	}
	if math.Abs(noon-0.5) > 0.03 || math.Abs(monthNoon-0.5) > 0.03 {
		t.Errorf("at noon %.3f and %.3f: want .5", noon, monthNoon)
	}
}

// TestRaised: what occurs in most slots is raised where it occurs more than twice as
// often as in the median slot, what is rare wherever it occurs.
func TestRaised(t *testing.T) {
	c := tally{map[string][]count{}}
	for slot, n := range []int32{3, 3, 9, 3, 6} {
		c.add("heartbeat", int32(slot), n)
	}
	c.add("rare", 2, 1)
	c.add("rare", 2, 1)
	got := c.raised(5)
	if len(got["heartbeat"]) != 1 || got["heartbeat"][0] != 2 {
		t.Errorf("heartbeat is raised in %v, want 2: 9 is more than twice 3", got["heartbeat"])
	}
	if len(got["rare"]) != 1 || got["rare"][0] != 2 {
		t.Errorf("rare is raised in %v, want 2", got["rare"])
	}
}

// TestQuiet: for how long before and after a slot nobody seems to do anything.
func TestQuiet(t *testing.T) {
	got := sheet{busy: []bool{false, true, false, false, true}}.quiet()
	for i, want := range [][2]float64{{1, 1}, {0, 0}, {1, 2}, {2, 1}, {0, 0}} {
		if got[0][i] != log1p(want[0]) || got[1][i] != log1p(want[1]) {
			t.Errorf("slot %d: %v and %v, want logarithms of %v", i, got[0][i], got[1][i], want)
		}
	}
}
