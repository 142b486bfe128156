package audit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/bench/audit"
	"veilbench/bench/draws"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/rate"
)

// auditOf audits what promises claims of what does.
func auditOf(t *testing.T, seed uint64, claims defenses.Promiser, does func(*rand.Rand, datasets.Trace) (defenses.Defended, error), trials int) []results.Audit {
	t.Helper()
	out, err := audit.Losses(context.Background(), func(purpose string) *rand.Rand { return draws.New(seed, purpose) },
		[]audit.Stage{{Name: "stage", Promises: claims.Promises(), Apply: does}}, trials)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out {
		if a.Why != "" {
			t.Fatal(a.Why)
		}
	}
	return out
}

// tenth is d with a tenth of its noise. The noise falls as sqrt(epsilon + l) -
// sqrt(l) grows, with l = log(1/delta).
func tenth(d rate.DPShape) rate.DPShape {
	l := math.Log(1 / d.Delta)
	root := 10*(math.Sqrt(d.Epsilon+l)-math.Sqrt(l)) + math.Sqrt(l)
	d.Epsilon = root*root - l
	return d
}

// quick releases once in a window, which takes little to try.
func quick() rate.DPShape {
	d := rate.NewDPShape()
	d.IntervalS, d.IntervalUpS, d.WindowS = 1, 1, 1
	return d
}

// A shaper with a tenth of the noise that it claims is refuted in both directions,
// with its usual settings too.
func TestTooLittleNoiseIsRefuted(t *testing.T) {
	for name, d := range map[string]rate.DPShape{"quick": quick(), "usual": rate.NewDPShape()} {
		for _, a := range auditOf(t, 1, d, tenth(d).Apply, 0) {
			t.Logf("%s: %s: claimed %.2f, at least %.2f by %s: %d of %d, %d of %d", name, a.Claim, a.Claimed, a.Limit, a.Attack, a.Hits, a.With, a.Alarms, a.Without)
			if !a.Refuted() {
				t.Errorf("%s: %s: claimed %.2f with a tenth of the noise, only %.2f refuted", name, a.Claim, a.Claimed, a.Limit)
			}
			// As reports/docs/detect.md says.
			if want := map[string]string{"epsilon up": "1.69", "epsilon down": "1.88"}[a.Claim]; name == "usual" && fmt.Sprintf("%.2f", a.Limit) != want {
				t.Errorf("%s: at least %.2f, the page says %q", a.Claim, a.Limit, want)
			}
		}
	}
}

// respond is randomized response, whose loss is epsilon and not a bit less: it sends a
// packet in each second, up with the larger probability if something was sent in it.
type respond struct{ epsilon float64 }

func (r respond) Claims() []defenses.Claim {
	return []defenses.Claim{{Name: "epsilon", Value: r.epsilon}}
}

func (r respond) Promises() []defenses.Promise {
	return []defenses.Promise{{Claim: "epsilon", Loss: &defenses.Loss{Epsilon: r.epsilon, Window: time.Second, Bytes: 100, Both: true}}}
}

func (r respond) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := datasets.Trace{Flows: in.Flows, End: in.End}
	for s := range int(in.End / time.Second) {
		p := 1 / (1 + math.Exp(r.epsilon))
		for len(in.Packets) > 0 && in.Packets[0].Time < time.Duration(s+1)*time.Second {
			p, in.Packets = 1-1/(1+math.Exp(r.epsilon)), in.Packets[1:]
		}
		packet := datasets.Packet{Time: time.Duration(s) * time.Second, Size: 100, Dir: datasets.Down}
		if rng.Float64() < p {
			packet.Dir = datasets.Up
		}
		out.Packets = append(out.Packets, packet)
	}
	return defenses.Defended{Trace: out}, nil
}

// What keeps its claims is refuted in none of 200 seeds: the shaper, stochastic
// padding by chance and by activity, and a mechanism that loses exactly what it claims.
func TestTrueClaimsStand(t *testing.T) {
	stp, always := rate.NewSTP(), rate.NewSTP()
	always.Q = 1
	fitted, err := rate.NewActivitySTP().Fit(context.Background(), rand.New(rand.NewPCG(1, 1)), defensetest.Recordings())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		claims defenses.Promiser
		does   func(*rand.Rand, datasets.Trace) (defenses.Defended, error)
	}{
		{"dp-shape", quick(), quick().Apply},
		{"cover-stp", stp, stp.Apply},
		{"cover-stp in every period", always, always.Apply},
		{"activity-stp", fitted.(defenses.Promiser), fitted.Apply},
		{"randomized response", respond{1}, respond{1}.Apply},
	} {
		most := 0.0
		for seed := range uint64(200) {
			for _, a := range auditOf(t, seed, c.claims, c.does, 1000) {
				most = max(most, a.Limit/a.Claimed)
				if a.Refuted() {
					t.Errorf("%s, seed %d: %s claimed %.2f, refuted by %.2f (%+v)", c.name, seed, a.Claim, a.Claimed, a.Limit, a)
				}
			}
		}
		t.Logf("%s: the highest of 200 limits is %.2f of the claim", c.name, most)
		if page := "0.79"; c.name == "randomized response" && fmt.Sprintf("%.2f", most) != page {
			t.Errorf("the highest limit of randomized response is %.2f of its claim, the page says %s", most, page)
		}
	}
}

// Cover in a tenth of the periods that are claimed to have it is too little.
func TestTooLittleCoverIsRefuted(t *testing.T) {
	claims, does := rate.NewSTP(), rate.NewSTP()
	does.Q /= 10
	for _, a := range auditOf(t, 1, claims, does.Apply, 0) {
		t.Logf("claimed %.1f, at least %.1f by %s", a.Claimed, a.Limit, a.Attack)
		if !a.Refuted() {
			t.Errorf("claimed odds of %.1f, only %.1f refuted", a.Claimed, a.Limit)
		}
	}
}

// Every promise of the project's defenses can be tried, but for those whose link
// would have to be faster, and none is refuted.
func TestBuiltinPromises(t *testing.T) {
	for _, d := range builtin.All() {
		list := []defenses.Preset{{Name: d.Info().Name, Defense: d}}
		if p, ok := d.(defenses.Presetter); ok {
			list = append(list, p.Presets()...)
		}
		for _, x := range list {
			if f, ok := x.Defense.(defenses.Fitter); ok {
				var err error
				if x.Defense, err = f.Fit(context.Background(), rand.New(rand.NewPCG(1, 1)), defensetest.Recordings()); err != nil {
					t.Fatal(x.Name, err)
				}
			}
			p, ok := x.Defense.(defenses.Promiser)
			if !ok {
				continue
			}
			claimed := map[string]float64{}
			for _, c := range p.Claims() {
				claimed[c.Name] = c.Value
			}
			for _, a := range auditOf(t, 3, p, x.Defense.Apply, 200) {
				t.Logf("%s: %s: claimed %.3g, at least %.3g", x.Name, a.Claim, a.Claimed, a.Limit)
				if v, ok := claimed[a.Claim]; !ok || math.Abs(v-a.Claimed) > 1e-9*v || a.Refuted() {
					t.Errorf("%s: %+v of claims %v", x.Name, a, claimed)
				}
			}
		}
	}
}

// A mean recall of what 3 kinds leave of 6 classes stands, one of all is refuted, with
// as many items of each class and with more of some.
func TestRecall(t *testing.T) {
	items := func(right func(class, i int) bool, n func(class int) int) []results.Item {
		var out []results.Item
		for c := range 6 {
			for i := range n(c) {
				it := results.Item{Truth: fmt.Sprint(c), Answer: "wrong"}
				if right(c, i) {
					it.Answer = it.Truth
				}
				out = append(out, it)
			}
		}
		return out
	}
	even, uneven := func(int) int { return 40 }, func(c int) int { return 40 + 20*c }
	half := func(c, _ int) bool { return c%2 == 0 }
	all := func(int, int) bool { return true }
	for _, c := range []struct {
		items   []results.Item
		refuted bool
	}{{items(half, even), false}, {items(all, even), true}, {items(half, uneven), false}, {items(all, uneven), true}} {
		if a := audit.Recall("s", "c", "a", 3, c.items); a.Refuted() != c.refuted || a.Claimed != 0.5 || a.Why != "" {
			t.Errorf("%+v, want refuted %v", a, c.refuted)
		}
	}
	if a := audit.Recall("s", "c", "a", 3, nil); a.Refuted() || a.Why == "" {
		t.Errorf("without an item: %+v", a)
	}
}
