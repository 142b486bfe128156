package tables

import (
	"fmt"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
)

// TestWhatAnybodyReadsIsNotHidden: behind the defense the attack that reads most states
// reads nothing of presence and sleep; a count of packets knows one after a day, and the
// other attack a little of the other.
func TestWhatAnybodyReadsIsNotHidden(t *testing.T) {
	var rs []results.Result
	for _, d := range []string{results.NoDefense, "jitter"} {
		for attack, gain := range map[string]struct{ states, presence, sleep float64 }{
			"guess-hour": {}, "guess-packets": {presence: 0.2}, "routine-events": {0.1, 0, 0.05}, "routine-rates": {states: 0.3},
		} {
			if d == results.NoDefense && attack == "routine-rates" {
				gain.presence, gain.sleep = 0.3, 0.3
			}
			for g := range 12 {
				const clock = 0.6
				group := results.GroupScore{Group: fmt.Sprintf("home-%02d", g), Value: clock + gain.states, Floor: clock, N: 4000}
				for name, more := range map[string]float64{results.PresenceRight: gain.presence, results.SleepRight: gain.sleep} {
					// What is 0 is so in the mean, and else the same in nearly all homes.
					v := clock + more + float64(g%3-1)/100
					group.Parts = append(group.Parts, results.Part{Name: name, Value: v, Floor: clock}, results.Part{Name: results.OfDays(name, 1), Value: v, Floor: clock})
				}
				rs = append(rs, results.Result{
					Cell: results.Cell{
						Dataset: "home:routine", Task: datasets.TaskRoutine, Vantage: datasets.WAN, Defense: d, Attack: attack, Knowledge: results.Adaptive,
						TrainDefense: d, Split: "group-kfold:k=12", Fold: g, TrainDraws: 1, Seed: 1,
					},
					Control: attack[:5] == "guess", Headline: results.HoursRight, Floor: clock, Groups: []results.GroupScore{group},
					Metrics: []results.Metric{{Name: results.HoursRight, Value: group.Value}},
				})
			}
		}
	}

	s := reports.NewSet(rs, reports.Options{})
	at := reports.Subject{Panel: s.Panels[0], Defense: "jitter"}
	if k, _ := s.Best(at); k.Attack != "routine-rates" {
		t.Fatalf("%s reads most states", k.Attack)
	}
	for metric, want := range map[string]string{
		results.PresenceRight: "known after 1 day, by guess-packets", results.SleepRight: "read in part, by routine-events",
	} {
		if got := hides(s, at, metric, []int{1}); got != want {
			t.Errorf("%s: %q, want %q", metric, got, want)
		}
	}
}
