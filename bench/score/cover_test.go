package score

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// owners are answers by class.
func owners(classes ...int32) attacks.Answer {
	var a attacks.Answer
	for _, c := range classes {
		a.Devices = append(a.Devices, attacks.Owner{Class: c, P: 1})
	}
	return a
}

func metrics(s Scores) map[string]float64 {
	out := map[string]float64{}
	for _, m := range s.Metrics {
		out[m.Name] = m.Value
	}
	return out
}

func wantMetrics(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || math.Abs(g-v) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, g, v)
		}
	}
}

// The truth is cover, plug, alarm, alarm, nobody, cover. An attack that knows
// of cover finds both of these and one of two of the alarm; one that does not
// finds one of the alarm and the plug, and calls cover a plug.
func TestCoverInTheScores(t *testing.T) {
	rec := datasets.Recording{ID: "r", Group: "home"}
	truth := datasets.Labels{Devices: []string{"alarm", "plug", datasets.Cover}, Owners: []int32{2, 1, 0, 0, -1, 2}}
	for _, c := range []struct {
		name           string
		classes, names []string
		answer         attacks.Answer
		counts         [][]int64
		metrics        map[string]float64
	}{
		{
			"aware",
			[]string{"alarm", "cover", "nobody", "plug"},
			[]string{"alarm", "cover", "nobody", "plug", "unknown"},
			owners(1, 0, 0, -1, 0, 1),
			[][]int64{{1, 0, 0, 0, 1}, {0, 2, 0, 0, 0}, {1, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {0, 0, 0, 0, 0}},
			map[string]float64{
				"macro_recall": (0.5 + 1 + 0 + 0) / 4, "accuracy": 3. / 6, "packets": 6,
				"real_recall": (0.5 + 0 + 0) / 3, "real_accuracy": 1. / 4, "real_packets": 4, "hamming_loss": 3. / 6,
			},
		},
		{
			"unaware",
			[]string{"alarm", "nobody", "plug"},
			[]string{"alarm", "nobody", "plug", "cover", "unknown"},
			owners(2, 2, 0, 1, 0, 2),
			[][]int64{{1, 1, 0, 0, 0}, {1, 0, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 2, 0, 0}, {0, 0, 0, 0, 0}},
			map[string]float64{
				"macro_recall": (0.5 + 0 + 1 + 0) / 4, "accuracy": 2. / 6, "packets": 6,
				"real_recall": (0.5 + 0 + 1) / 3, "real_accuracy": 2. / 4, "real_packets": 4, "hamming_loss": 4. / 6,
			},
		},
	} {
		s := Of(&datasets.Dataset{}, datasets.TaskDevice, c.classes, []Test{{Recording: &rec, Labels: truth, Answer: c.answer, Classes: c.classes}})
		if d := cmp.Diff([]results.Confusion{{Group: "home", Classes: c.names, Counts: c.counts}}, s.Confusion); d != "" {
			t.Errorf("%s: confusion (-want +got)\n%s", c.name, d)
		}
		got := metrics(s)
		wantMetrics(t, got, c.metrics)
		if g := s.Groups[0]; g.Value != got["macro_recall"] || g.N != 6 {
			t.Errorf("%s: group %+v", c.name, g)
		}
		// Alarm is 2 of the window's 6 packets, plug 1, cover and nobody none's.
		right := map[string]float64{"aware": 1. / 2, "unaware": 1. / 2}[c.name]
		plug := map[string]float64{"aware": 0, "unaware": 1}[c.name]
		wantMetrics(t, got, map[string]float64{"recall_share_30_100_pct": right, "recall_share_10_30_pct": plug})
	}
}
