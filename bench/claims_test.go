package bench

import (
	"context"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/defenses"
)

// oneDevice keeps the clips of one device.
func oneDevice(ds datasets.Dataset, device string) datasets.Dataset {
	ds.Recordings = slices.DeleteFunc(slices.Clone(ds.Recordings), func(r datasets.Recording) bool {
		return r.Labels.Devices[r.Labels.Events[0].Device] != device
	})
	return ds
}

// sumOver adds a metric over the cells of a defense and attack.
func sumOver(t *testing.T, rs []Result, defense, attack, metric string) float64 {
	t.Helper()
	var sum float64
	n := 0
	for _, r := range rs {
		if r.Cell.Defense != defense || r.Cell.Attack != attack {
			continue
		}
		if r.Err != "" {
			t.Fatalf("%s against %s: %s", attack, defense, r.Err)
		}
		v, _ := r.Metric(metric)
		sum += v
		n++
	}
	if n == 0 {
		t.Fatalf("no cell of %s against %s", attack, defense)
	}
	return sum
}

// An OpenVPN tunnel in AEAD mode adds the same to every size. With one device,
// a constant delay and no frame to split it hides nothing from a retrained
// attack that compares sizes.
func TestTunnelThatKeepsSizesApartHidesNothing(t *testing.T) {
	vpn := defense(t, "vpn:kind=openvpn-udp,delay=constant,control=false")
	exact, knn := attack(t, "guess-exact"), attack(t, "event-knn:k=1")
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{oneDevice(small(t, "home:event_clips"), "huawei_bulb")},
		Defenses: []defenses.Defense{defenses.None{}, vpn},
		Attacks:  []attacks.Attack{exact, knn}, Knowledge: []Knowledge{Adaptive}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tested := sumOver(t, rs, NoDefense, attacks.ID(exact), "tested")
	before, after := sumOver(t, rs, NoDefense, attacks.ID(exact), "correct"), sumOver(t, rs, defenses.ID(vpn), attacks.ID(exact), "correct")
	t.Logf("guess-exact: %.0f of %.0f clips before, %.0f behind the tunnel", before, tested, after)
	if before != after || before < tested/2 {
		t.Errorf("guess-exact names %.0f of %.0f clips before and %.0f behind the tunnel", before, tested, after)
	}
	before, after = sumOver(t, rs, NoDefense, attacks.ID(knn), "correct"), sumOver(t, rs, defenses.ID(vpn), attacks.ID(knn), "correct")
	t.Logf("event-knn: %.0f of %.0f clips before, %.0f behind the tunnel", before, tested, after)
	if before-after > 0.02*tested {
		t.Errorf("event-knn names %.0f of %.0f clips before and %.0f behind the tunnel", before, tested, after)
	}
}

// A constant rate up to a common end hides everything: no attack is above its
// floor, on clips or events.
func TestConstantRateHidesEverything(t *testing.T) {
	for _, c := range []struct{ data, defense string }{
		{"home:event_clips:hours=1", "constant-rate:per=device"},
		{"home:event_signatures:hours=1", "constant-rate:per=home"},
	} {
		ds := small(t, c.data)
		as := slices.DeleteFunc(attacks.All(), func(a attacks.Attack) bool {
			return !slices.ContainsFunc(ds.Tasks, func(task datasets.Task) bool {
				return task != datasets.Device && slices.Contains(a.Info().Tasks, task)
			})
		})
		rs, err := Run(context.Background(), Grid{
			Datasets: []datasets.Dataset{ds}, Tasks: []datasets.Task{datasets.Clip, datasets.Events},
			Defenses: []defenses.Defense{defense(t, c.defense)}, Attacks: as, Knowledge: []Knowledge{Adaptive}, Seed: 1, Link: DefaultLink(),
		}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range Summaries(rs) {
			t.Logf("%s, %s: best %s with %.3f, floor %.3f, interval [%.3f %.3f]", s.Dataset, s.Task, s.Attack, s.Score, s.Floor, s.Lo, s.Hi)
			if s.Failed > 0 || s.Lo > 0 || !s.HasInterval {
				t.Errorf("%s, %s: advantage %.3f [%.3f %.3f], %d failed", s.Dataset, s.Task, s.Advantage, s.Lo, s.Hi, s.Failed)
			}
		}
	}
}
