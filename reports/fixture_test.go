package reports

import (
	"fmt"
	"math"
	"math/rand/v2"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// hostile is a name that tries to be markup in every format.
const hostile = `evil:x=<script>alert(1)</script>|50%_$#{}\~^&é中`

// fixture are made-up results that hold every shape a report must draw: four
// tasks, two vantages, a long chain, an oracle, hostile names, controls, failed
// cells and a warning. Each dataset has groups groups, one for each fold.
func fixture(groups int, defenses, attacks []string) []results.Result {
	rng := rand.New(rand.NewPCG(1, 2))
	var out []results.Result
	for _, task := range datasets.Tasks() {
		for _, v := range []datasets.Vantage{datasets.WAN, datasets.LAN} {
			if v == datasets.LAN && task != datasets.Device {
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
							out = append(out, fixtureResult(rng, c, di, ai))
						}
					}
				}
			}
		}
	}
	return out
}

func fixtureResult(rng *rand.Rand, c results.Cell, di, ai int) results.Result {
	r := results.Result{
		Cell: c, Data: "d1", Method: 1, Generated: true, Oracle: di == 3, Control: ai == 0,
		Headline: results.Headline(c.Task), Floor: 0.1,
	}
	if di == 2 && ai == 1 && c.Fold == 1 {
		r.Err = "check: packet 7 leaves before its bytes existed"
		return r
	}
	v := 0.9 / float64(1+di) * (0.8 + 0.2*rng.Float64())
	if ai == 0 {
		v = 0.1
	}
	r.Metrics = []results.Metric{{Name: r.Headline, Value: v}, {Name: "tested", Value: 40}}
	switch c.Task {
	case datasets.Events:
		r.Metrics = append(r.Metrics, results.Metric{Name: "precision", Value: v}, results.Metric{Name: "recall", Value: 0.9 * v},
			results.Metric{Name: "recall_1s", Value: 0.7 * v}, results.Metric{Name: "recall_15s", Value: 0.95 * v},
			results.Metric{Name: "false_alarms", Value: float64(di)}, results.Metric{Name: "observed_days", Value: 0.25}, results.Metric{Name: "observed_packets", Value: 4000})
		if ai == 2 {
			r.Metrics = append(r.Metrics, results.Metric{Name: "alerts", Value: 4}, results.Metric{Name: "alerts_right", Value: float64(4 - min(di, 4))})
		}
	case datasets.Clip:
		r.Metrics = append(r.Metrics, results.Metric{Name: "accuracy", Value: v})
	}
	g := fmt.Sprintf("home-%02d", c.Fold)
	r.Groups = []results.GroupScore{{Group: g, Value: v, Floor: 0.1, N: 40}}
	classes := []string{"plug/on", "plug/off", "<b>bulb</b>/50%_on"}
	if c.Task == datasets.Device {
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
	if c.Task == datasets.Events {
		for i := range 6 {
			r.Curve = append(r.Curve, results.Point{Threshold: float64(6 - i), Recall: v * float64(i) / 5, Precision: 0.5, FalsePerDay: float64(i * i)})
		}
	}
	if di == 1 {
		r.Warnings = []string{"times ran backwards 3 times"}
	}
	if ai == 1 && c.Knowledge == results.Adaptive && di != 4 && c.Task != datasets.Gateway {
		r.Bounds = []results.Bound{
			{Set: "sequence", Train: 90, TrainOf: 160, Tested: 40, TestOf: 40, Wrong: []int{10, 36, 12, 30, 0, 40}[di%6], Classes: 3, ClassBits: 1.58, ChanceBits: 0.05, Features: []results.FeatureBits{{Name: "packets", Bits: 0.5}, {Name: "size_01", Bits: 1.2}, {Name: "size_02", Bits: 0.01}}},
			{Set: "hist", Train: 90, TrainOf: 160, Tested: 40, TestOf: 40, Wrong: 30, Classes: 3, ClassBits: 1.58, ChanceBits: 0.04},
		}
	}
	if di == 3 {
		r.Claims = []results.Claim{{Stage: "constant-rate", Name: "epsilon", Value: 1}, {Stage: "constant-rate", Name: "delta", Value: 1e-6, Unit: "a window"}}
	}
	in := int64(1000 + c.Fold)
	r.Cost = results.Cost{
		InBytes: [2]int64{in, in}, OutBytes: [2]int64{in, in + int64(di)*in*3/2}, InPackets: [2]int64{5, 5}, OutPackets: [2]int64{5, 5 + int64(di)},
		Seconds: 3600, DelayMean: 0.001 * float64(di), DelayP95: 0.0123 * float64(di), DelayMax: 0.1 * float64(di), More: []results.Metric{{Name: "gb_per_month", Value: 1.5 * float64(di)}},
	}
	for _, kind := range dialectKinds() {
		for i, m := range kind.of {
			r.Cost.More = append(r.Cost.More, results.Metric{Name: m[0], Value: float64(di) * (float64(i)/3 + float64(c.Fold)/1000)})
		}
	}
	for k := range results.DelayParts {
		if di > 0 {
			r.Cost.Delays = append(r.Cost.Delays, 0.1*float64(di)*math.Pow(float64(k+1)/results.DelayParts, float64(di)))
		}
	}
	return r
}

func smallFixture() []results.Result {
	return fixture(5,
		[]string{"none", "pad-random:max_bytes=255", "vpn:kind=wireguard", "constant-rate:interval_s=0.1,size_bytes=1000", "pad-random:max_bytes=64+vpn:kind=openvpn-udp+constant-rate:interval_s=0.05,size_bytes=500", hostile},
		[]string{"guess-majority", "event-knn:k=1", "event-forest:trees=100", "window-lstm:<img src=x>"})
}
