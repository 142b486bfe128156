// Package reporttest holds made-up results for tests of reports.
package reporttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/internal/golden"
)

// A Fixture is results that show something, with a name for golden files.
type Fixture struct {
	Name string
	Set  *reports.Set
}

// Fixtures lists sets that together have something for every kind of table and
// figure. Tests of a kind take the first that has.
func Fixtures() []Fixture {
	return []Fixture{
		{"small", reports.NewSet(Small(), reports.Options{Samples: Samples()})},
		{"study", reports.NewSet(WithCanaries(Study(5), 40), reports.Options{})},
		{"shares", reports.NewSet(WithCanaries(Shares(), 40), reports.Options{})},
		{"whole", Whole()},
		{"doubted", reports.NewSet(WithCanaries(Study(5)[:10], 40), reports.Options{Manifest: doubted()})},
		{"unearned", reports.NewSet(Unearned(), reports.Options{})},
		{"routine", reports.NewSet(WithCanaries(diaries(), 40), reports.Options{})},
		{"packets", Devices()},
		{"detect", reports.NewSet(Hours(), reports.Options{})},
		{"captured", reports.NewSet(WithCanaries(captured(), 40), reports.Options{})},
	}
}

// doubted is the manifest of a run that went on despite a doubt.
func doubted() *results.Manifest {
	return &results.Manifest{DespiteDoubts: true, Doubts: []results.DataDoubts{{Dataset: "d", Vantage: datasets.WAN, Doubts: []datasets.Doubt{
		{Code: datasets.DoubtShifted, Where: "lamp", Count: 9, Of: 10, Detail: "1 of 10 labels have traffic near them; moved by +1h0m0s 9 have", Remedy: "move the labels", Spoils: []datasets.Task{datasets.TaskEvent}},
		{Code: datasets.DoubtCopies, Count: 1200, Of: 2400, Detail: "1,200 packets are copies"},
	}}}}
}

// Whole is a set of a run that made all that a run can make beside cells: two
// draws, transfer attackers, probes, published figures, and times.
func Whole() *reports.Set {
	var rs []results.Result
	for _, r := range Study(5)[:50] { // all but the last, of which there are two values
		if r.Cell.Attack != knn(1) && r.Cell.Attack != knn(3) {
			continue
		}
		again := r
		again.Cell.Draw = 1
		again.Groups = []results.GroupScore{r.Groups[0]}
		again.Groups[0].Value *= 0.9
		other := r
		other.Cell.Knowledge, other.Cell.TrainDefense = results.Transfer, "none"
		other.Metrics = []results.Metric{{Name: "f1", Value: r.Groups[0].Value / 2}}
		other.Groups = []results.GroupScore{r.Groups[0]}
		other.Groups[0].Value /= 2
		rs = append(rs, r, again, other)
	}

	return reports.NewSet(WithCanaries(rs, 40), reports.Options{
		Published: []results.Published{
			{Task: datasets.TaskEvent, Defense: "none", Attack: knn(1), Metric: "recall", Value: 0.9, Source: "A, table 1"},
			{Task: datasets.TaskEvent, Defense: "none", Attack: knn(1), Metric: "recall", Class: "lamp", Value: 0.25, Source: "A, table 2", Calibrated: "the lamp's packets"},
			{Task: datasets.TaskDevice, Defense: "none", Attack: "window-forest", Metric: "accuracy", Value: 0.845, Source: "B"},
		},
		Probes: &results.Probes{
			Verdicts: []results.Verdict{{Name: "leaks of d", Detail: "nothing found", OK: true}, {Name: "labels shifted", Detail: "higher at 20 s"}},
			Shifts: []results.ShiftCurve{{
				Cell: rs[0].Cell, Unit: "s", Floor: 0.1,
				Points: []results.ShiftPoint{{By: -20, Score: 0.1}, {By: 0, Score: 0.4}, {By: 20, Score: 0.9}},
			}},
		},
		Timing: func(results.Result) (results.Timing, bool) {
			return results.Timing{TrainSeconds: 1.5, GuessSeconds: 0.25, GuessPackets: 1000, ModelBytes: 2500}, true
		},
	})
}

// knn is the ID of the attack of Study with k neighbors.
func knn(k int) string { return fmt.Sprintf("event-knn:gap_s=0,k=%d,private=", k) }

// Grid are made-up results that hold every shape a report must draw: four
// tasks, two vantages, a long chain, an oracle, golden.Hostile names, controls, failed
// cells and a warning. Each dataset has groups groups, one for each fold.
func Grid(groups int, defenses, attacks []string) []results.Result {
	rng := rand.New(rand.NewPCG(1, 2))
	var out []results.Result

	// The order is that of the random draws, so it is part of the golden files.
	for _, task := range []datasets.Task{datasets.TaskEvent, datasets.TaskDevice, datasets.TaskCommand, datasets.TaskClip} {
		for _, v := range []datasets.Vantage{datasets.WAN, datasets.LAN} {
			if v == datasets.LAN && task != datasets.TaskDevice {
				continue
			}
			for di, d := range defenses {
				for ai, a := range attacks {
					for _, k := range []results.Knowledge{results.Unaware, results.Adaptive} {
						for fold := range groups {
							train := results.NoDefense
							if k == results.Adaptive {
								train = d
							}
							c := results.Cell{
								Dataset: "home:made_up", Task: task, Vantage: v, Defense: d, Attack: a, Knowledge: k,
								TrainDefense: train, Split: "group-kfold:k=5", Fold: fold, TrainDraws: 1, Seed: 7,
							}
							out = append(out, Result(rng, c, di, ai))
						}
					}
				}
			}
		}
	}
	return out
}

// Result is the cell of the di-th defense and ai-th attack.
func Result(rng *rand.Rand, c results.Cell, di, ai int) results.Result {
	r := results.Result{
		Cell: c, Data: "d1", Method: 1, Generated: true, Oracle: di == 3, Control: ai == 0,
		Headline: results.Headline(c.Task), Floor: 0.1,
	}
	// Every panel has one failed cell, of an attack that would be the best.
	if di == 2 && ai == 1 && c.Fold == 1 {
		r.Err = "check: packet 7 leaves before its bytes existed"
		return r
	}

	// Each defense leaks less than the one before.
	v := 0.9 / float64(1+di) * (0.8 + 0.2*rng.Float64())
	if ai == 0 {
		v = 0.1
	}
	r.Metrics = []results.Metric{{Name: r.Headline, Value: v}, {Name: "tested", Value: 40}}
	switch c.Task {
	case datasets.TaskEvent:
		r.Metrics = append(r.Metrics, results.Metric{Name: "precision", Value: v}, results.Metric{Name: "recall", Value: 0.9 * v},
			results.Metric{Name: "recall_1s", Value: 0.7 * v}, results.Metric{Name: "recall_15s", Value: 0.95 * v},
			results.Metric{Name: "false_alarms", Value: float64(di)}, results.Metric{Name: "observed_days", Value: 0.25}, results.Metric{Name: "observed_packets", Value: 4000})
		if ai == 2 {
			r.Metrics = append(r.Metrics, results.Metric{Name: "alerts", Value: 4}, results.Metric{Name: "alerts_right", Value: float64(4 - min(di, 4))})
		}
	case datasets.TaskClip:
		r.Metrics = append(r.Metrics, results.Metric{Name: "accuracy", Value: v})
	case datasets.TaskCommand:
		r.Metrics = append(r.Metrics, results.Metric{Name: "in_candidates", Value: min(1, 1.5*v)}, results.Metric{Name: "candidates_mean", Value: 4.5},
			results.Metric{Name: "in_candidates_bounded", Value: v}, results.Metric{Name: "candidates_bounded_mean", Value: 1.25},
			results.Metric{Name: "unique", Value: v / 2}, results.Metric{Name: "named_right", Value: v})
	}

	g := fmt.Sprintf("home-%02d", c.Fold)
	r.Groups = []results.GroupScore{{Group: g, Value: v, Floor: 0.1, N: 40}}
	classes := []string{"plug/on", "plug/off", "<b>bulb</b>/50%_on"}
	if c.Task == datasets.TaskDevice {
		r.Confusion = []results.Confusion{{Group: g, Classes: classes, Counts: [][]int64{{9, 1, 0}, {2, 8, 0}, {0, 3, 7}}}}
	} else {
		for i := range 12 {
			it := results.Item{Recording: g, Group: g, TimeS: float64(i), Truth: classes[i%3], Answer: classes[i%3]}
			if rng.Float64() > v {
				it.Answer = classes[(i+1)%3]
			}
			r.Items = append(r.Items, it)
		}
	}
	if c.Task == datasets.TaskEvent {
		for i := range 6 {
			r.Curve = append(r.Curve, results.Point{Threshold: float64(6 - i), Recall: v * float64(i) / 5, Precision: 0.5, FalsePerDay: float64(i * i)})
		}
	}

	// What only some cells have: warnings, bounds, accounts.
	if di == 1 {
		r.Warnings = []string{"times ran backwards 3 times"}
	}
	if ai == 1 && c.Knowledge == results.Adaptive && di != 4 && c.Task != datasets.TaskCommand {
		r.Bounds = []results.Bound{
			{Set: "sequence", Train: 90, TrainOf: 160, Tested: 40, TestOf: 40, Wrong: []int{10, 36, 12, 30, 0, 40}[di%6], Classes: 3, ClassBits: 1.58, ChanceBits: 0.05, Features: []results.FeatureBits{{Name: "packets", Bits: 0.5}, {Name: "size_01", Bits: 1.2}, {Name: "size_02", Bits: 0.01}}},
			{Set: "hist", Train: 90, TrainOf: 160, Tested: 40, TestOf: 40, Wrong: 30, Classes: 3, ClassBits: 1.58, ChanceBits: 0.04},
		}
	}
	if di == 3 {
		r.Claims = []results.Claim{claim("constant-rate", "epsilon", 1, ""), claim("constant-rate", "delta", 1e-6, "a window")}
		r.Audits = []results.Audit{{Stage: "constant-rate", Claim: "epsilon", Claimed: 1, Limit: 0.25, Attack: "forest", Hits: 300, With: 1000, Alarms: 200, Without: 1010}}
	}

	// The di-th defense sends di times three quarters more; see docs/questions.md.
	in := int64(1000 + c.Fold)
	r.Cost = results.Cost{
		InBytes: [2]int64{in, in}, OutBytes: [2]int64{in, in + int64(di)*in*3/2}, InPackets: [2]int64{5, 5}, OutPackets: [2]int64{5, 5 + int64(di)},
		Seconds: 3600, DelayMean: 0.001 * float64(di), DelayP95: 0.0123 * float64(di), DelayMax: 0.1 * float64(di), More: []results.Metric{{Name: "gb_per_month", Value: 1.5 * float64(di)}},
	}
	for _, o := range reports.PublishedOverheads() {
		for i, m := range o.Of {
			r.Cost.More = append(r.Cost.More, results.Metric{Name: m.Metric, Value: float64(di) * (float64(i)/3 + float64(c.Fold)/1000)})
		}
	}
	for k := range results.DelayParts {
		if di > 0 {
			r.Cost.Delays = append(r.Cost.Delays, 0.1*float64(di)*math.Pow(float64(k+1)/results.DelayParts, float64(di)))
		}
	}
	return r
}

// Small is a Grid of six defenses and four attacks that find every canary.
func Small() []results.Result {
	return WithCanaries(Grid(5,
		[]string{"none", "pad-random:max_bytes=255", "vpn:kind=wireguard", "constant-rate:interval_s=0.1,size_bytes=1000", "pad-random:max_bytes=64+vpn:kind=openvpn-udp+constant-rate:interval_s=0.05,size_bytes=500", golden.Hostile},
		[]string{"guess-majority", "event-knn:k=1", "event-forest:trees=100", "window-lstm:<img src=x>"}), 40)
}

func claim(stage, name string, value float64, unit string) results.Claim {
	c := results.Claim{Stage: stage}
	c.Name, c.Value, c.Unit = name, value, unit
	return c
}

// Study are events under two defenses, guessed by nearest neighbors
// with five values of k and, beside them, by an attack that only occurs twice.
// The score of k neighbors in group g is 0.9 - k/20 + g/100, half of that
// behind the pad.
func Study(groups int) []results.Result {
	var out []results.Result
	for di, d := range []string{"none", "pad"} {
		for _, k := range []int{15, 1, 3, 5, 9} {
			for g := range groups {
				c := results.Cell{
					Dataset: "home:made_up", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: d,
					Attack: knn(k), Knowledge: results.Adaptive, TrainDefense: d,
					Split: "group-kfold:k=5", Fold: g, TrainDraws: 1, Seed: 1,
				}
				v := (0.9 - float64(k)/20 + float64(g)/100) / float64(1+di)
				r := results.Result{
					Cell: c, Data: "d", Method: 1, Generated: true, Headline: "f1", Floor: 0.1,
					Groups: []results.GroupScore{{Group: fmt.Sprintf("home-%d", g), Value: v, Floor: 0.1, N: 4}},
					Metrics: []results.Metric{
						{Name: "f1", Value: v},
						{Name: "recall", Value: v},
						{Name: "recall_15s", Value: min(1, v+0.1)},
						{Name: "recall_1s", Value: v / 2},
						{Name: "tested", Value: 4},
					},
					Items: []results.Item{
						{Recording: "r", Truth: "lamp/on", Answer: "lamp/on"},
						{Recording: "r", Truth: "lamp/off", Answer: "lamp/on"},
						{Recording: "r", Truth: "lamp2/on", Answer: "missed"},
						{Recording: "r", Truth: "", Answer: "lamp/on"},
					},
					Cost: results.Cost{InBytes: [2]int64{10, 10}, OutBytes: [2]int64{10, 10 + int64(di)}, Seconds: 60},
				}
				out = append(out, r)
			}
		}
	}

	for _, trees := range []int{10, 100} { // two values are no study
		r := out[0]
		r.Cell.Attack = fmt.Sprintf("event-forest:trees=%d", trees)
		out = append(out, r)
	}
	return out
}

// Chosen is Study with a sixth attacker whose k of 0 stands for a choice made in
// training: it scores 0.95 without a defense and half of it behind the pad.
func Chosen() *reports.Set {
	rs := Study(5)
	for _, r := range rs[:50] {
		if r.Cell.Attack != knn(1) {
			continue
		}
		v := 0.95
		if r.Cell.Defense != "none" {
			v /= 2
		}
		r.Cell.Attack = knn(0)
		r.Metrics = []results.Metric{{Name: results.F1, Value: v}}
		rs = append(rs, r)
	}
	return reports.NewSet(rs, reports.Options{Manifest: &results.Manifest{Zeros: map[string]string{results.ZeroKey("event-knn", "k"): "chosen inside training"}}})
}

// Controlled is the part of Study without a defense whose cells say of bursts,
// too, and beside it three controls: two that are blind and guess-exact.
func Controlled() []results.Result {
	var out []results.Result
	for _, r := range Study(5) {
		if r.Cell.Attack != knn(1) || r.Cell.Defense != "none" {
			continue
		}
		for _, c := range []struct {
			attack string
			recall float64
		}{{r.Cell.Attack, r.Groups[0].Value}, {"guess-majority", 0.25}, {"guess-clock", 0.125}, {"guess-exact", 0.75}} {
			x := r
			x.Cell.Attack, x.Control = c.attack, c.attack != r.Cell.Attack
			x.Metrics = []results.Metric{{Name: results.F1, Value: c.recall}, {Name: results.Recall, Value: c.recall}}
			if !x.Control {
				x.Metrics = append(x.Metrics,
					results.Metric{Name: results.Bursts, Value: 100}, results.Metric{Name: results.BurstsAtEvents, Value: 5},
					results.Metric{Name: results.BurstsLeftOut, Value: 2}, results.Metric{Name: results.EventsLeftOut, Value: 1},
					results.Metric{Name: results.EventsWithoutBurst, Value: 1},
					results.Metric{Name: results.BurstAccuracy, Value: 0.96}, results.Metric{Name: results.BurstFloor, Value: 0.95})
			}
			switch c.attack {
			case "guess-majority": // one right of five
				wrong := results.Item{Recording: "r", Truth: "other", Answer: "lamp/on"}
				x.Items = append(slices.Clone(r.Items), wrong, wrong)
			case "guess-clock":
				x.Items = nil
			}
			out = append(out, x)
		}
	}
	return out
}

// Shares is a device task of two defenses: a plug that vanishes in a
// tunnel, and no packets at all in one of the ranges there.
func Shares() []results.Result {
	var out []results.Result
	for _, c := range []struct {
		defense string
		recall  []float64
	}{{"none", []float64{0.9, 0.92, 0.95, 0.99}}, {"vpn", []float64{0.1, 0.5, -1, 0.97}}} {
		r := results.Result{
			Cell: results.Cell{
				Dataset: "home:made_up", Task: datasets.TaskDevice, Vantage: datasets.WAN, Defense: c.defense, TrainDefense: c.defense,
				Attack: "window-blstm", Knowledge: results.Adaptive, Split: "fixed-even-odd", TrainDraws: 1, Seed: 1,
			},
			Data: "d", Method: 1, Generated: true, Headline: "macro_recall", Floor: 0.1,
			Groups:  []results.GroupScore{{Group: "home-02", Value: c.recall[3], Floor: 0.1, N: 100}},
			Metrics: []results.Metric{{Name: "macro_recall", Value: c.recall[3]}, {Name: "tested", Value: 100}},
			Cost:    results.Cost{InBytes: [2]int64{10, 10}, OutBytes: [2]int64{10, 10}, Seconds: 60},
		}

		// Below 0: no packet of the class lies in that range.
		for i, name := range []string{"recall_share_00_03_pct", "recall_share_03_10_pct", "recall_share_10_30_pct", "recall_share_30_100_pct"} {
			if c.recall[i] >= 0 {
				r.Metrics = append(r.Metrics, results.Metric{Name: name, Value: c.recall[i]})
			}
		}
		out = append(out, r)
	}
	return out
}

// Samples is what a run of Small could keep of events: a plug's
// click, six packets in half a second, plain, padded, and among cover; its
// rates in a quarter of an hour with two events; its names, which the tunnel
// hides.
func Samples() []results.Sample {
	var out []results.Sample
	for i, d := range []string{results.NoDefense, "pad-random:max_bytes=255", "vpn:kind=wireguard", golden.Hostile} {
		x := results.Sample{SampleKey: results.SampleKey{
			Dataset: "home:made_up", Task: datasets.TaskEvent, Vantage: datasets.WAN, Split: "group-kfold:k=5", Defense: d, Seed: 7,
		}}
		for _, class := range []string{"<b>bulb</b>/50%_on", "plug/off", "plug/on"} {
			q := results.Sequence{Recording: "home-00", Class: class, AtS: 30, Whose: "eeeeee", TimesUS: []int64{0, 20000, 90000, 150000, 300000, 450000}}
			for k, n := range []int32{-170, 106, 1514, -54, 90, -138} {
				if n > 0 {
					n += int32(40 * i)
				}
				q.Sizes = append(q.Sizes, n+int32(k%2))
			}
			if i == 2 {
				q.Whose, q.Cut = "eocoec", 7
			}
			x.Sequences = append(x.Sequences, q)
		}

		r := results.RateSample{Device: "plug", Recording: "home-00", FromS: 0, BinS: 2, Shared: i > 1, Events: []results.EventSample{{StartS: 2, EndS: 4, Class: "plug/on"}, {StartS: 600, EndS: 600, Class: "plug/off"}}}
		for b := range int64(450) {
			r.Up = append(r.Up, b%7*int64(10+i))
			r.Down = append(r.Down, b%60/58*4000)
			r.AllUp, r.AllDown = append(r.AllUp, r.Up[b]+b%11*50), append(r.AllDown, r.Down[b]+b%90/88*9000)
		}
		x.Rates = []results.RateSample{r}
		x.Names = []results.DeviceNames{{Device: "bulb", Recording: "home-00"}, {Device: "plug", Recording: "home-00", Hosts: []string{"a.example", "b.example"}}}
		if i == 2 { // a tunnel, which hides names
			x.Names[1].Hosts = []string{}
		}
		out = append(out, x)
	}
	return out
}
