package reporttest

import (
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// WithCanaries adds a planted cell for each attack of rs on each defense that is
// no control: it finds found of 40 canaries behind the defense, and half of the 20
// that passed through it.
func WithCanaries(rs []results.Result, found int) []results.Result {
	seen := map[results.Cell]bool{}
	out := slices.Clone(rs)
	for _, r := range rs {
		// One planted cell stands for all knowledges, folds and draws.
		c := r.Cell
		c.Knowledge, c.TrainDefense, c.Fold, c.Draw = results.Planted, c.Defense, 0, 0
		if r.Control || seen[c] {
			continue
		}
		seen[c] = true
		out = append(out, results.Result{
			Cell: c, Data: r.Data, Method: r.Method, Generated: r.Generated, Headline: results.CanaryRecall,
			DefenseLabel: r.DefenseLabel, AttackLabel: r.AttackLabel,
			Metrics: []results.Metric{
				{Name: results.CanaryRecall, Value: float64(found) / 40},
				{Name: results.CanaryThroughRecall, Value: 0.5},
				{Name: results.Canaries, Value: 40},
				{Name: results.CanariesThrough, Value: 20},
			},
		})
	}
	return out
}

// Unearned are events of five homes under defenses that are called what becomes of
// their scores, by two attacks. event-deaf is at its floor everywhere; event-forest
// scores .8 without a defense and is at its floor of .1 behind all others:
//   - "earned": it finds its canary there;
//   - "blind": it misses it;
//   - "plain": no canary was planted;
//   - "empty" and "mislabeled": the cells are doubted;
//   - "worse": it finds .1 trained on the defense and .5 without.
//
// At the LAN nothing was run without a defense, and of "home:deaf" only event-deaf.
func Unearned() []results.Result {
	var rs, planted []results.Result
	add := func(dataset string, v datasets.Vantage, d, attack string, value float64) {
		for _, k := range []results.Knowledge{results.Unaware, results.Adaptive} {
			for g := range 5 {
				rs = append(rs, unearned(dataset, v, d, attack, k, g, value))
			}
		}

		// What one attacker finds of the canaries stands for all knowledges.
		found := 40
		if d == "blind" && attack != "event-deaf" {
			found = 3
		}
		if d != "plain" {
			planted = append(planted, WithCanaries([]results.Result{rs[len(rs)-1]}, found)[1])
		}
	}

	const forest, deaf = "event-forest:trees=10", "event-deaf"
	add("home:made_up", datasets.WAN, results.NoDefense, forest, 0.8)
	add("home:made_up", datasets.WAN, results.NoDefense, deaf, 0.1)
	for _, d := range []string{"earned", "blind", "plain", "empty", "mislabeled", "worse"} {
		add("home:made_up", datasets.WAN, d, forest, 0.1)
		add("home:made_up", datasets.WAN, d, deaf, 0.1)
	}
	add("home:made_up", datasets.LAN, "blind", forest, 0.1)
	add("home:deaf", datasets.WAN, results.NoDefense, deaf, 0.1)
	add("home:deaf", datasets.WAN, "earned", deaf, 0.1)
	return append(rs, planted...)
}

// unearned is one cell of Unearned.
func unearned(dataset string, v datasets.Vantage, d, attack string, k results.Knowledge, g int, value float64) results.Result {
	train := results.NoDefense
	if k == results.Adaptive {
		train = d
	}
	if d == "worse" && k == results.Unaware && attack != "event-deaf" {
		value = 0.5
	}

	// One device, so that the mean over devices is the pooled score too.
	group := fmt.Sprintf("home-%d", g)
	device := results.DeviceScore{Device: "lamp", Value: value, Floor: 0.1, N: 4}
	r := results.Result{
		Cell: results.Cell{
			Dataset: dataset, Task: datasets.TaskEvent, Vantage: v, Defense: d, Attack: attack, Knowledge: k,
			TrainDefense: train, Split: "group-kfold:k=5", Fold: g, TrainDraws: 1, Seed: 1,
		},
		Data: "d", Method: results.Method, Headline: results.F1DeviceMean, Floor: 0.1, FloorBy: "guess-clock",
		Groups: []results.GroupScore{{Group: group, Value: value, Floor: 0.1, N: 4, Pooled: value, PooledFloor: 0.1, Devices: []results.DeviceScore{device}}},
		Metrics: []results.Metric{
			{Name: results.F1DeviceMean, Value: value},
			{Name: results.Precision, Value: value},
			{Name: results.Recall, Value: value},
			{Name: results.RecallIn15S, Value: value},
			{Name: results.RecallIn1S, Value: value},
		},
		Devices: []results.DeviceScore{device},
		Items:   []results.Item{{Recording: group, Group: group, Truth: "lamp/on", Answer: "lamp/on"}, {Recording: group, Group: group, Truth: "lamp/off", Answer: "lamp/on"}},
		Curve:   []results.Point{{Threshold: 1, Recall: value / 2, Precision: 1}, {Threshold: 0, Recall: value, Precision: 0.5, FalsePerDay: 4}},
		Cost:    results.Cost{InBytes: [2]int64{10, 10}, OutBytes: [2]int64{10, 15}, Seconds: 60},
	}
	switch d {
	case "empty":
		r.Doubted = []results.Reason{results.EmptyView}
	case "mislabeled":
		r.Doubted = []results.Reason{results.BadLabels}
	}
	return r
}
