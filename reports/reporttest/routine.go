package reporttest

import (
	"fmt"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// diaries are those of six homes without a defense, where presence is known after a
// day and sleep after seven, and behind a constant rate, where nothing is. Several
// people are never known.
func diaries() []results.Result {
	var out []results.Result
	for _, d := range []string{results.NoDefense, "constant-rate"} {
		for _, attack := range []string{"guess-hour", "guess-packets", "routine-rates"} {
			for g := range 6 {
				out = append(out, diaryOf(d, attack, g))
			}
		}
	}
	return out
}

// diaryOf is one home: the clock is right in .6 of its hours about everything, and an
// attack that works in .9.
func diaryOf(d, attack string, g int) results.Result {
	const clock = 0.6
	wobble := float64(g) / 100
	gain := map[string]float64{"guess-hour": 0, "guess-packets": 0.05 + wobble, "routine-rates": 0.3 + wobble}[attack]
	if d != results.NoDefense {
		gain = (wobble - 0.025) / 10
	}
	r := results.Result{
		Cell: results.Cell{
			Dataset: "home:routine", Task: datasets.TaskRoutine, Vantage: datasets.WAN, Defense: d, Attack: attack, Knowledge: results.Adaptive,
			TrainDefense: d, Split: "group-kfold:k=6", Fold: g, TrainDraws: 1, Seed: 1,
		},
		Data: "d", Method: 1, Generated: true, Control: attack != "routine-rates", Headline: results.HoursRight, Floor: clock,
		Metrics: []results.Metric{{Name: results.HoursRight, Value: clock + gain}, {Name: results.Tested, Value: 96}},
		Cost:    results.Cost{InBytes: [2]int64{10, 10}, OutBytes: [2]int64{10, 10}, Seconds: 60},
	}
	group := results.GroupScore{Group: fmt.Sprintf("home-%d", g), Value: clock + gain, Floor: clock, N: 96}
	part := func(name string, value, floor float64) {
		group.Parts = append(group.Parts, results.Part{Name: name, Value: value, Floor: floor})
	}
	part(results.ActivityCorrelation, 3*gain, 0)
	part(results.BedError, 60-100*gain, 60)
	part(results.PresenceRight, clock+gain, clock)
	part(results.OfClass(results.PresenceRight, "1"), clock+gain, clock)
	part(results.OfClass(results.PresenceRight, "7"), clock+gain, clock)
	part(results.SeveralRight, clock, clock)
	part(results.OfClass(results.SeveralRight, "1"), clock, clock)
	part(results.OfClass(results.SeveralRight, "7"), clock, clock)
	part(results.SleepRight, clock+gain, clock)
	part(results.OfClass(results.SleepRight, "1"), clock+gain/6, clock)
	part(results.OfClass(results.SleepRight, "7"), clock+gain, clock)
	part(results.WakeError, 30-50*gain, 30)
	r.Groups = []results.GroupScore{group}

	// Two days from six in the evening on, in slots of an hour.
	truth := "HHhhsssssssshhaaaaaaaaHH"
	said := truth
	if gain < 0.1 {
		said = strings.Repeat("s", len(truth))
	}
	r.Strips = []results.Strip{{Recording: group.Group, Group: group.Group, FirstSlot: 18, SlotsPerDay: 24, Truth: truth + truth, Said: said + said}}
	return r
}
