package bursts

import (
	"math"
	"math/rand/v2"
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

// plainThreshold tries every threshold anew.
func plainThreshold(truth [][]match.Span, found [][]attacks.Burst) (score, threshold float64) {
	for step := range 20 {
		th := float64(step) / 20
		hits, guesses, truths := 0, 0, 0
		for i, bs := range found {
			var g []match.Span
			for _, b := range bs {
				if b.Score >= th {
					g = append(g, match.Span{Class: b.Ranked[0].Class, From: b.Start})
				}
			}
			hits += match.Hits(match.Windows(truth[i], g, match.Tolerance, match.ByClass))
			guesses, truths = guesses+len(g), truths+len(truth[i])
		}
		if f := match.F1(hits, guesses, truths); f > score {
			score, threshold = f, th
		}
	}
	return score, threshold
}

// TestBestThresholdIsThePlainOne compares the two on random detections, of few and of
// many scores, in order of time and not.
func TestBestThresholdIsThePlainOne(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		levels := 1 + r.IntN(30)
		truth, found := make([][]match.Span, 1+r.IntN(3)), [][]attacks.Burst(nil)
		for i := range truth {
			at := time.Duration(0)
			for range r.IntN(8) {
				at += time.Duration(r.Int64N(int64(20 * time.Second)))
				truth[i] = append(truth[i], match.Span{Class: string(rune('a' + r.IntN(2))), From: at, To: at})
			}
			var bs []attacks.Burst
			at = 0
			for range r.IntN(12) {
				at += time.Duration(r.Int64N(int64(15 * time.Second)))
				if r.IntN(8) == 0 {
					at = 0
				}
				bs = append(bs, attacks.Burst{Start: at, End: at, Ranked: []attacks.Ranked{{Class: string(rune('a' + r.IntN(2)))}}, Score: float64(r.IntN(levels+1)) / float64(levels)})
			}
			found = append(found, bs)
		}
		gotF, gotT := BestThreshold(truth, found)
		if wantF, wantT := plainThreshold(truth, found); gotF != wantF || gotT != wantT {
			t.Fatalf("%v at %v, want %v at %v", gotF, gotT, wantF, wantT)
		}
	}
}

// BenchmarkBestThreshold chooses among 3,000 detections of five homes.
func BenchmarkBestThreshold(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	truth, found := make([][]match.Span, 5), make([][]attacks.Burst, 5)
	for i := range truth {
		for k := range 600 {
			at := time.Duration(k)*20*time.Second + time.Duration(r.Int64N(int64(10*time.Second)))
			class := string(rune('a' + r.IntN(12)))
			if k%3 == 0 {
				truth[i] = append(truth[i], match.Span{From: at, To: at, Class: class})
			}
			found[i] = append(found[i], attacks.Burst{Start: at, Ranked: []attacks.Ranked{{Class: class}}, Score: r.Float64()})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		BestThreshold(truth, found)
	}
	b.ReportMetric(3000*float64(b.N)/b.Elapsed().Seconds(), "detections/s")
}
