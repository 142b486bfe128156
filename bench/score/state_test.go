package score

import (
	"math"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// lasting is a span in whole seconds.
func lasting(from, to int) match.Span {
	return match.Span{From: time.Duration(from) * time.Second, To: time.Duration(to) * time.Second}
}

func TestDisagree(t *testing.T) {
	for _, c := range []struct {
		truth, found []match.Span
		want         int // of 100 seconds
	}{
		{nil, nil, 0},
		{[]match.Span{lasting(10, 20)}, []match.Span{lasting(10, 20)}, 0},
		{[]match.Span{lasting(10, 20)}, nil, 10},
		{[]match.Span{lasting(10, 20)}, []match.Span{lasting(15, 30), lasting(16, 25)}, 15}, // from 10 to 15 and from 20 to 30
		{[]match.Span{lasting(10, 20), lasting(20, 30)}, []match.Span{lasting(10, 30)}, 0},
		{nil, []match.Span{lasting(-5, 200)}, 100},
	} {
		if got := disagreement(c.truth, c.found, 100*time.Second); got != time.Duration(c.want)*time.Second {
			t.Errorf("truth %v found %v: %v, want %d s", c.truth, c.found, got, c.want)
		}
	}
}

// TestStateSeconds scores two recordings of 100 s in which a camera streams for
// 40 and 0 s, is named from 10 s late to 20 s late in the first (30 s wrong)
// and for 30 s in the second (30 s wrong): 60 of 200 s are wrong, and silence
// would be wrong for 40. A point event and a detection under the threshold do
// not count.
func TestStateSeconds(t *testing.T) {
	s := func(n int) time.Duration { return time.Duration(n) * time.Second }
	labels := datasets.Labels{Devices: []string{"camera", "plug"}, Events: []datasets.Event{
		{Start: s(20), End: s(60), Activity: "stream"}, {Start: s(70), End: s(70), Device: 1, Activity: "on"},
	}}
	ds := datasets.Dataset{Recordings: []datasets.Recording{
		{ID: "a", Trace: datasets.Trace{End: s(100)}, Labels: labels},
		{ID: "b", Trace: datasets.Trace{End: s(100)}, Labels: datasets.Labels{Devices: labels.Devices}},
	}}
	burst := func(from, to int, class string, score float64) attacks.Burst {
		return attacks.Burst{Start: s(from), End: s(to), Ranked: []attacks.Ranked{{Class: class, P: 1}}, Score: score}
	}
	answers := []attacks.Answer{
		{Threshold: 0.5, Events: []attacks.Burst{burst(30, 80, "camera/stream", 1), burst(70, 99, "plug/on", 1)}},
		{Threshold: 0.5, Events: []attacks.Burst{burst(0, 30, "camera/stream", 0.5), burst(50, 90, "camera/stream", 0.4)}},
	}
	score := func() map[string]float64 {
		var tests []Test
		for i := range ds.Recordings {
			r := &ds.Recordings[i]
			tests = append(tests, Test{Recording: r, Trace: r.Trace, Labels: r.Labels, Answer: answers[i]})
		}
		got := map[string]float64{}
		for _, m := range scoreEvents(&ds, tests).Metrics {
			got[m.Name] = m.Value
		}
		return got
	}
	got := score()
	if math.Abs(got["state_seconds_right"]-0.7) > 1e-9 || math.Abs(got["state_seconds_off"]-0.8) > 1e-9 {
		t.Errorf("right %v, off %v: want 0.7 and 0.8", got["state_seconds_right"], got["state_seconds_off"])
	}
	for name, change := range map[string]func(){
		"vague times":         func() { ds.Vague = true },
		"nobody labels it":    func() { ds.Vague, ds.Unmonitored = false, []string{"camera"} },
		"nothing ever lasted": func() { ds.Unmonitored, labels.Events[0].End = nil, s(20) },
	} {
		change()
		if _, ok := score()["state_seconds_right"]; ok {
			t.Errorf("%s: there is a score of states", name)
		}
	}
}
