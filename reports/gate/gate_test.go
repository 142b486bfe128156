package gate

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// gateResults are one attack on one defense: the scores of the groups are
// given, the floor is 0.
func gateResults(scores ...float64) []results.Result {
	var out []results.Result
	for _, d := range []string{results.NoDefense, "acme:level=2"} {
		for i, v := range scores {
			r := reporttest.Result(rand.New(rand.NewPCG(1, 2)), results.Cell{
				Dataset: "lab", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: d, Attack: "event-knn", Knowledge: results.Adaptive,
				TrainDefense: d, Split: "group-kfold:k=5", Fold: i, TrainDraws: 1, Seed: 1,
			}, 0, 1)
			r.Floor = 0
			r.Metrics = []results.Metric{{Name: r.Headline, Value: v}}
			r.Groups = []results.GroupScore{{Group: r.Groups[0].Group, Value: v, N: 40}}
			r.Cost.OutBytes = [2]int64{r.Cost.InBytes[0], r.Cost.InBytes[1] * 2} // +50 %
			r.Cost.DelayP95 = 0.05
			r.Cost.More = nil
			out = append(out, r)
		}
	}
	return out
}

func limit(v float64) *float64 { return &v }

func TestGate(t *testing.T) {
	// Scores .2 .3 .3 .3 .4: mean .3, standard deviation sqrt(.005), so the
	// upper end by a t table is .3 + 2.776445 * sqrt(.005/5) = .38780. That of
	// Clopper and Pearson is farther: the mean varies by .005/5, and the share of
	// 200 items by .3*.7/200, so groups count .95238 times as much as items,
	// times (2.776445/1.959964)^2; of 200/1.91112 = 104.65 items with a share of
	// .3 the upper end is .39737.
	five := gateResults(0.2, 0.3, 0.3, 0.3, 0.4)
	four := gateResults(0.2, 0.3, 0.3, 0.4)
	broken := gateResults(0.2, 0.3, 0.3, 0.3, 0.4)
	broken[9].Err = "check: packet 7 leaves before its bytes existed"
	controls := slices.Clone(five)
	for i := range controls {
		controls[i].Control = true
	}
	for _, c := range []struct {
		name string
		rs   []results.Result
		opt  reports.Options
		b    Budget
		ok   bool
		want string
	}{
		{"upper end above", five, reports.Options{}, Budget{Advantage: map[datasets.Task]float64{datasets.TaskEvent: 0.39}}, false, "advantage 0.30 (upper 0.40), budget 0.39"},
		{"upper end below", five, reports.Options{}, Budget{AllTasks: limit(0.3974)}, true, "upper 0.3973"},
		{"no interval", four, reports.Options{}, Budget{AllTasks: limit(0.3)}, true, "advantage 0.30 (no interval over 4 groups)"},
		{"just above is no pass", four, reports.Options{}, Budget{AllTasks: limit(0.2999)}, false, "advantage 0.3 (no"},
		{"failed cell", broken, reports.Options{}, Budget{AllTasks: limit(1)}, false, "1 of 5 cells failed"},
		{"controls alone", controls, reports.Options{}, Budget{AllTasks: limit(1)}, false, "only controls"},
		{"not measured", five, reports.Options{}, Budget{Advantage: map[datasets.Task]float64{datasets.TaskClip: 1}}, false, "was not measured"},
		{"overhead kept", five, reports.Options{}, Budget{Overhead: limit(0.5)}, true, "+50 %, budget +50 %"},
		{"overhead just above", five, reports.Options{}, Budget{Overhead: limit(0.4999)}, false, "0.5, budget +50 %"},
		{"delay", five, reports.Options{}, Budget{DelayP95: limit(0.04)}, false, "50 ms, budget 40 ms"},
		{"no month", five, reports.Options{}, Budget{GBPerMonth: limit(9)}, false, "n/a"},
		{"self-check", five, reports.Options{SelfCheck: []results.Verdict{{Name: "none costs 0", Detail: "cost 3"}}}, Budget{AllTasks: limit(1)}, false, "none costs 0: cost 3"},
		{"name without parameters", five, reports.Options{}, Budget{Defense: "acme", AllTasks: limit(1)}, true, "worst attack"},
	} {
		vs, err := Judge(Run{"out", reports.NewSet(c.rs, c.opt)}, c.b, Run{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if vs[0].State.Missed() == c.ok || !strings.Contains(vs[0].Detail, c.want) {
			t.Errorf("%s: %+v, want ok %v and %q", c.name, vs[0], c.ok, c.want)
		}
	}
}

func TestGateRise(t *testing.T) {
	before, after := reports.NewSet(gateResults(0.2, 0.2, 0.2), reports.Options{}), reports.NewSet(gateResults(0.25, 0.25, 0.25), reports.Options{})
	for limit, ok := range map[float64]bool{0.04: false, 0.06: true} {
		vs, err := Judge(Run{"after", after}, Budget{Rise: &limit}, Run{"before", before})
		if err != nil || len(vs) != 1 || vs[0].State.Missed() == ok {
			t.Errorf("rise of 0.05 against %v: %+v, %v", limit, vs, err)
		}
	}
}

func TestGateRefuses(t *testing.T) {
	s := reports.NewSet(gateResults(0.2, 0.3), reports.Options{})
	for _, c := range []struct {
		b    Budget
		want string
	}{
		{Budget{}, "sets no limit"},
		{Budget{Defense: "vpn", AllTasks: limit(1)}, `no defense "vpn" (has acme:level=2)`},
		{Budget{Rise: limit(0)}, "want a baseline"},
	} {
		if _, err := Judge(Run{"out", s}, c.b, Run{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.b, err, c.want)
		}
	}
}

// No limit is kept or missed by rounding.
func TestGateDoesNotRound(t *testing.T) {
	for _, c := range []struct {
		limit float64
		want  string
	}{{0.2, "FAIL 0.2004"}, {0.2004, "pass"}} {
		vs, err := Judge(Run{"out", reports.NewSet(gateResults(0.2004, 0.2004, 0.2004), reports.Options{})}, Budget{AllTasks: limit(c.limit)}, Run{})
		if err != nil {
			t.Fatal(err)
		}
		word, digits, _ := strings.Cut(c.want, " ")
		if (word == "pass") == vs[0].State.Missed() || !strings.Contains(vs[0].Detail, digits) {
			t.Errorf("advantage 0.2004 against %v: %+v, want %s", c.limit, vs[0], c.want)
		}
	}
}
