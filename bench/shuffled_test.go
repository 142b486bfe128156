package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/defenses"
)

// TestShuffledLabelsAreNoLeak: where labels say nothing of the traffic, a defense or
// its absence is called significantly above the floor in at most 5 % of grids. With
// VEILBENCH_FULL=1 there are 200 grids, else 12, of which none or one may err.
func TestShuffledLabelsAreNoLeak(t *testing.T) {
	grids, most := 12, 1
	if os.Getenv("VEILBENCH_FULL") != "" {
		grids, most = 200, 10
	}
	called, looked := 0, 0
	for i := range grids {
		// Labels change places among all clips, so a group need not hold as many of
		// each class.
		ds := planted.Clips(true)
		r := rand.New(rand.NewPCG(uint64(i), 77))
		r.Shuffle(len(ds.Recordings), func(a, b int) {
			x, y := &ds.Recordings[a].Labels.Events[0], &ds.Recordings[b].Labels.Events[0]
			x.Activity, y.Activity = y.Activity, x.Activity
		})
		rs, err := Run(context.Background(), Grid{
			Datasets: []datasets.Dataset{ds}, Defenses: []defenses.Defense{defenses.None{}, defense(t, "pad-random")},
			Attacks: []attacks.Attack{attack(t, "event-knn:k=3"), attack(t, "event-forest:features=hist,trees=20"), attack(t, "event-align:k=1")},
			Seed:    uint64(i), NoCanaries: true,
		}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		above := false
		for _, s := range results.Summaries(rs) {
			looked++
			above = above || s.Evidence.OK() && s.Lo > 0
		}
		if above {
			called++
		}
	}
	lo, hi := stats.ClopperPearson(called, grids, 0.95)
	msg := fmt.Sprintf("%d of %d grids (95 %% interval %.3f to %.3f), %d summaries, call something above its floor", called, grids, lo, hi, looked)
	t.Log(msg)
	if called > most {
		t.Error(msg)
	}
}
