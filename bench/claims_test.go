package bench

import (
	"context"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/builtin"
	"veilbench/bench/cost"
	"veilbench/bench/results"
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
func sumOver(t *testing.T, rs []results.Result, defense, attack, metric string) float64 {
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
		Attacks:  []attacks.Attack{exact, knn}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tested := sumOver(t, rs, results.NoDefense, attacks.ID(exact), "tested")
	before, after := sumOver(t, rs, results.NoDefense, attacks.ID(exact), "correct"), sumOver(t, rs, defenses.ID(vpn), attacks.ID(exact), "correct")
	t.Logf("guess-exact: %.0f of %.0f clips before, %.0f behind the tunnel", before, tested, after)
	if before != after || before < tested/2 {
		t.Errorf("guess-exact names %.0f of %.0f clips before and %.0f behind the tunnel", before, tested, after)
	}
	before, after = sumOver(t, rs, results.NoDefense, attacks.ID(knn), "correct"), sumOver(t, rs, defenses.ID(vpn), attacks.ID(knn), "correct")
	t.Logf("event-knn: %.0f of %.0f clips before, %.0f behind the tunnel", before, tested, after)
	if before-after > 0.02*tested {
		t.Errorf("event-knn names %.0f of %.0f clips before and %.0f behind the tunnel", before, tested, after)
	}
}

// A constant rate up to a common end hides everything: no attack is above its
// floor, on clips and events, and on devices and commands too when all devices
// share one tunnel.
func TestConstantRateHidesEverything(t *testing.T) {
	for _, c := range []struct {
		data, defense string
		task          datasets.Task
	}{
		{"home:event_clips:hours=1", "constant-rate:per=device", datasets.TaskClip},
		{"home:event_signatures:hours=1", "constant-rate:per=home", datasets.TaskEvent},
		{"home:event_signatures:hours=0.2", "constant-rate:per=home", datasets.TaskDevice},
		{"home:gateway:hours=0.2", "constant-rate:per=home", datasets.TaskCommand},
	} {
		t.Run(string(c.task), func(t *testing.T) {
			t.Parallel()
			rs, err := Run(context.Background(), Grid{
				Datasets: []datasets.Dataset{small(t, c.data)}, Tasks: []datasets.Task{c.task},
				Defenses: []defenses.Defense{defenses.None{}, defense(t, c.defense)}, Attacks: quickAttacks(t, c.task),
				Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, Link: cost.DefaultLink(),
			}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range results.Summaries(rs) {
				if s.Defense == results.NoDefense {
					continue
				}
				t.Logf("%s, %s: best %s with %.3f, floor %.3f, interval [%.3f %.3f]", s.Dataset, s.Task, s.Attack, s.Score, s.Floor, s.Lo, s.Hi)
				if s.Failed > 0 || s.Lo > 0 || !s.HasInterval || s.NoEvidence != "" {
					t.Errorf("%s, %s: advantage %.3f [%.3f %.3f], %d failed, no evidence %q", s.Dataset, s.Task, s.Advantage, s.Lo, s.Hi, s.Failed, s.NoEvidence)
				}
			}
			for _, r := range rs {
				if r.Err != "" {
					t.Errorf("%s: %s", r.Cell.Attack, r.Err)
				}
			}
		})
	}
}

// quickAttacks are the attacks that answer a task, window attacks in their
// smallest form.
func quickAttacks(t *testing.T, task datasets.Task) []attacks.Attack {
	var out []attacks.Attack
	for _, a := range builtin.All() {
		switch name := a.Info().Name; {
		case !slices.Contains(a.Info().Tasks, task):
		case name == "window-forest":
			out = append(out, attack(t, name+":trees=10,max_rows=20000"))
		case name == "window-lstm" || name == "window-blstm":
			out = append(out, attack(t, name+":hidden=16,layers=1,batch=16,min_steps=30,max_steps=30"))
		default:
			out = append(out, a)
		}
	}
	return out
}

// deviceRecalls is the recall of each class, groups together, of the one result of a
// defense: the diagonal of its confusion matrix by rows.
func deviceRecalls(t *testing.T, rs []results.Result, defense string) map[string]float64 {
	t.Helper()
	i := slices.IndexFunc(rs, func(r results.Result) bool { return r.Cell.Defense == defense })
	if i < 0 || rs[i].Err != "" {
		t.Fatalf("no result of %s", defense)
	}
	right, all := map[string]float64{}, map[string]float64{}
	for _, c := range rs[i].Confusion {
		for truth, row := range c.Counts {
			for named, n := range row {
				all[c.Classes[truth]] += float64(n)
				if named == truth {
					right[c.Classes[truth]] += float64(n)
				}
			}
		}
	}
	for class, n := range all {
		if n > 0 {
			right[class] /= n
		}
	}
	return right
}

// HomeMole's forest, figures 13 and 14: in a tunnel that makes sizes equal
// plugs lose 0.43 of their recall, cameras 0.15, others 0.22, all together
// 0.26. The generated homes are calibrated to these two figures (plugs.yaml,
// people.yaml), which this test holds: the same order, and a mean fall of 0.15
// to 0.4. It is no evidence about real homes.
func TestTunnelHidesPlugsMostAndCamerasLeast(t *testing.T) {
	vpn := defense(t, "vpn:kind=openvpn-udp-cbc")
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{small(t, "home:homemole-noise:homes=3,hours=0.75")},
		Defenses: []defenses.Defense{defenses.None{}, vpn},
		Attacks:  []attacks.Attack{attack(t, "window-forest:trees=30,max_rows=100000")}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, after := deviceRecalls(t, rs, results.NoDefense), deviceRecalls(t, rs, defenses.ID(vpn))
	fall := func(devices ...string) float64 {
		var sum float64
		for _, d := range devices {
			t.Logf("%s: %.3f, in the tunnel %.3f", d, before[d], after[d])
			sum += before[d] - after[d]
		}
		return sum / float64(len(devices))
	}
	plugs := fall("tplink_plug", "orvibo_plug", "broadlink_plug")
	cameras := fall("camera_360", "xiaobai_camera")
	others := fall("echo_dot", "google_home", "tmall_genie", "mitu_storyteller", "xiaomi_hub", "non_iot")
	if plugs <= others || others <= cameras {
		t.Errorf("plugs lose %.3f, cameras %.3f, others %.3f", plugs, cameras, others)
	}
	if mean := (3*plugs + 2*cameras + 6*others) / 11; !(mean >= 0.15 && mean <= 0.4) {
		t.Errorf("recall falls by %.3f in the mean, want 0.15 to 0.4", mean)
	}
}
