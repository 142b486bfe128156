package bursts

import (
	"math"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
)

// TestChoiceKeepsTheFirst: what is offered first wins a tie, and neither a score
// that is no number nor one below the start is ever taken.
func TestChoiceKeepsTheFirst(t *testing.T) {
	best := Choice[string]{Score: -1}
	for _, c := range []struct {
		value string
		score float64
		taken bool
	}{{"below", -1, false}, {"none", math.NaN(), false}, {"first", 0, true}, {"equal", 0, false}, {"better", 0.5, true}, {"worse", 0.25, false}} {
		if got := best.Offer(c.value, c.score); got != c.taken {
			t.Errorf("%s with %v: taken %v, want %v", c.value, c.score, got, c.taken)
		}
	}
	if best.Value != "better" || best.Score != 0.5 {
		t.Errorf("chose %s with %v, want better with 0.5", best.Value, best.Score)
	}
}

// TestBestThresholdIsTheLowestOfEquals: two right detections above a wrong one,
// so every threshold between them has the best F1.
func TestBestThresholdIsTheLowestOfEquals(t *testing.T) {
	burst := func(at time.Duration, class string, score float64) attacks.Burst {
		return attacks.Burst{Start: at, End: at, Ranked: []attacks.Ranked{{Class: class, P: 1}}, Score: score}
	}
	truth := [][]match.Span{{{From: time.Minute, To: time.Minute, Class: "a/on"}}, {{From: time.Hour, To: time.Hour, Class: "a/off"}}}
	found := [][]attacks.Burst{{burst(time.Minute, "a/on", 0.9), burst(time.Hour, "a/on", 0.31)}, {burst(time.Hour, "a/off", 0.8)}}
	if score, th := BestThreshold(truth, found); score != 1 || th != 0.35 {
		t.Errorf("F1 %v from %v on, want 1 from 0.35 on", score, th)
	}
	if score, th := BestThreshold(truth, make([][]attacks.Burst, 2)); score != 0 || th != 0 {
		t.Errorf("F1 %v from %v on with nothing found, want 0 from 0 on", score, th)
	}
}
