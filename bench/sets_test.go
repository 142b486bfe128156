package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/audit"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/defenses/rate"
)

// evenClips are clips of as many of each class in every group.
func evenClips(t *testing.T, seed uint64) datasets.Dataset {
	t.Helper()
	ds, err := home.Generate(context.Background(), "home:event_clips:homes=4,hours=2", seed)
	if err != nil {
		t.Fatal(err)
	}
	count, least := map[string]int{}, len(ds.Recordings)
	key := func(r datasets.Recording) string { return r.Group + " " + r.ClipClass() }
	for _, r := range ds.Recordings {
		count[key(r)]++
	}
	for _, n := range count {
		least = min(least, n)
	}
	clear(count)
	ds.Recordings = slices.DeleteFunc(ds.Recordings, func(r datasets.Recording) bool {
		count[key(r)]++
		return count[key(r)] > least
	})
	return ds
}

// setsGrid asks two strong attacks about clips behind d.
func setsGrid(t *testing.T, seed uint64, d defenses.Defense) Grid {
	return Grid{
		Datasets: []datasets.Dataset{evenClips(t, seed)}, Split: "group-kfold:k=2", Defenses: []defenses.Defense{d},
		Attacks:   []attacks.Attack{attack(t, "event-forest:features=kfp,trees=40"), attack(t, "event-knn:k=5,gap_s=1")},
		Knowledge: []results.Knowledge{results.Adaptive}, Seed: seed, NoCanaries: true,
	}
}

// Over 20 seeds no attack is right more often than the sets allow, by the lower limit
// at 99.9 %, in a cell or over all folds.
func TestAnonymitySetsKeepTheirPromise(t *testing.T) {
	best := 0.0
	for seed := range uint64(20) {
		rs, err := Run(context.Background(), setsGrid(t, seed+1, rate.NewAnonymitySets()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		items := map[string][]results.Item{}
		sets := 0
		for _, r := range rs {
			if r.Err != "" || len(r.Audits) != 1 || r.Audits[0].Refuted() {
				t.Fatalf("seed %d, %s: error %q, audits %+v", seed, r.Cell.Attack, r.Err, r.Audits)
			}
			said := map[string]float64{}
			for _, c := range r.Claims {
				said[c.Name] = c.Value
			}
			sets = max(sets, int(said["sets"]))
			if said["activities"] != 16 || said["sets"] < 2 || said["sets"] > 16*said["1/k"] {
				t.Errorf("seed %d claims %v", seed, said)
			}
			items[r.Cell.Attack] = append(items[r.Cell.Attack], r.Items...)
		}
		for id, its := range items {
			a := audit.Recall("sets", "recall", id, sets, its)
			best = max(best, float64(a.Hits)/float64(a.With)/a.Claimed)
			if a.Refuted() { // of classes that can be told apart at all, which are fewer
				t.Errorf("seed %d: %s is right in %d of %d, at least %.3f, of %.3f that %d sets allow", seed, id, a.Hits, a.With, a.Limit, a.Claimed, sets)
			}
		}
	}
	t.Logf("the best attack of all seeds is right in %.2f of what the sets allow", best)
}

// leaky are anonymity sets behind which the size of the first packet tells the
// activity: that of the first packet of the trace, which the tunnel should hide.
type leaky struct{ rate.AnonymitySets }

func (leaky) Info() defenses.Info {
	return defenses.Info{Name: "leaky-sets", Doc: "hostile", Place: defenses.AtGateway}
}

func (d leaky) Fit(ctx context.Context, rng *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	f, err := d.AnonymitySets.Fit(ctx, rng, training)
	if err != nil {
		return nil, err
	}
	return leaky{f.(rate.AnonymitySets)}, nil
}

// Apply makes packets larger by what tells activities apart: it codes the bytes
// that the home sends in all into sizes.
func (d leaky) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out, err := d.AnonymitySets.Apply(rng, in)
	if err != nil {
		return out, err
	}
	var up, down int32
	for _, p := range in.Packets {
		if p.Dir == datasets.Up {
			up += p.Size
		} else {
			down += p.Size
		}
	}
	for i := range out.Trace.Packets {
		p := &out.Trace.Packets[i]
		add := up % 800
		if p.Dir == datasets.Down {
			add = down % 800
		}
		p.Size, p.Payload = p.Size+add, p.Payload+add
	}
	return out, nil
}

// A planted leak makes the audit fail the cell.
func TestLeakOfAnonymitySetsIsRefuted(t *testing.T) {
	rs, err := Run(context.Background(), setsGrid(t, 1, leaky{rate.NewAnonymitySets()}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	refuted := 0
	for _, r := range rs {
		t.Logf("%s: %q, %d audits", r.Cell.Attack, r.Err, len(r.Audits))
		if strings.Contains(r.Err, "which is refuted: at least 0.") && strings.HasPrefix(r.Err, `leaky-sets claims "mean recall`) {
			refuted++
		}
	}
	if refuted == 0 {
		t.Error("no claim was refuted")
	}
}
