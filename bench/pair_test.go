package bench

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/fusion"
	"veilbench/attacks/knn"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

const wifiAndWAN = datasets.Vantage("wifi+wan")

// pairGrid looks at homes from the radio, from outside and from both, by an attack
// that sees two places and one that does not.
func pairGrid(t *testing.T) Grid {
	k := knn.EventKNN{PairS: 5, K: 1, GapS: 1}
	return Grid{
		Datasets:  []datasets.Dataset{small(t, "home:event_signatures:homes=5,hours=1")},
		Tasks:     []datasets.Task{datasets.TaskEvent},
		Vantages:  []datasets.Vantage{datasets.WAN, datasets.WiFi, wifiAndWAN},
		Defenses:  []defenses.Defense{defenses.None{}, defense(t, "vpn")},
		Attacks:   []attacks.Attack{k, fusion.Of(k)},
		Knowledge: []results.Knowledge{results.Adaptive},
		Seed:      1, Link: cost.DefaultLink(),
	}
}

// TestTwoPlaces: an observer with two places is a row of its own, by the attacks
// that see both. It keeps what the better place shows behind a tunnel, finds its
// canaries, and is stored under keys of its own.
func TestTwoPlaces(t *testing.T) {
	g, dir := pairGrid(t), t.TempDir()
	rs, err := run(t, context.Background(), g, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	type at struct {
		vantage         datasets.Vantage
		defense, attack string
		planted         bool
	}
	sum, n := map[at]float64{}, map[at]float64{}
	for _, r := range rs {
		c := r.Cell
		if r.Err != "" {
			t.Fatalf("%+v: %s", c, r.Err)
		}
		k := at{c.Vantage, strings.Split(c.Defense, ":")[0], strings.Split(c.Attack, ":")[0], c.Knowledge == results.Planted}
		v, _ := r.Metric(r.Headline)
		sum[k], n[k] = sum[k]+v, n[k]+1
	}
	score := func(v datasets.Vantage, defense, attack string, planted bool) float64 {
		k := at{v, defense, attack, planted}
		return sum[k] / n[k]
	}
	for _, d := range []string{"none", "vpn"} {
		wan, wifi, both := score(datasets.WAN, d, "fusion", false), score(datasets.WiFi, d, "fusion", false), score(wifiAndWAN, d, "fusion", false)
		t.Logf("%s: %.3f at wan, %.3f at wifi, %.3f at both; canaries %.2f", d, wan, wifi, both, score(wifiAndWAN, d, "fusion", true))
		if both < max(wan, wifi)-0.05 {
			t.Errorf("%s: %.3f at both places, %.3f at the better one", d, both, max(wan, wifi))
		}
		if c := score(wifiAndWAN, d, "fusion", true); !(c >= 0.95) {
			t.Errorf("%s: %.2f of the canaries found at both places", d, c)
		}
		if n[at{wifiAndWAN, d, "event-knn", false}]+n[at{wifiAndWAN, d, "event-knn", true}] > 0 {
			t.Error("event-knn, which sees one place, has cells at two")
		}
	}

	// The plan is what was computed, and nothing is computed a second time.
	plan, err := g.Plan()
	if err != nil || len(plan) != len(rs) {
		t.Errorf("%d cells planned, %d computed, %v", len(plan), len(rs), err)
	}
	again, err := run(t, context.Background(), g, dir, Options{Progress: func(_, _ int, stored bool) {
		if !stored {
			t.Error("a stored cell is computed again")
		}
	}})
	if err != nil || !reflect.DeepEqual(rs, again) {
		t.Errorf("read again, other results: %v", err)
	}
}

// TestTwoPlacesAreAskedForInVain: what nobody can show or nobody looks at is an
// error, not a row that is missing.
func TestTwoPlacesAreAskedForInVain(t *testing.T) {
	for want, change := range map[string]func(g *Grid){
		"was recorded at wan: nobody at wifi can be shown from that": func(g *Grid) { g.Datasets[0].Recorded = datasets.WAN },
		"no attack of the grid sees two places at once":              func(g *Grid) { g.Attacks = g.Attacks[:1] },
		"two places are for events alone":                            func(g *Grid) { g.Tasks = []datasets.Task{datasets.TaskDevice} },
	} {
		g := pairGrid(t)
		change(&g)
		if _, err := Run(context.Background(), g, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}

	// Of several data sets those that show both have the row.
	g := pairGrid(t)
	other := g.Datasets[0]
	other.Name, other.Recorded = "other", datasets.WAN
	g.Datasets = append(g.Datasets, other)
	if _, err := g.Plan(); err != nil {
		t.Error(err)
	}
}
