package cost

import (
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/rate"
	"veilbench/defenses/timing"
	"veilbench/defenses/tunnel"
)

// A conversation of four packets, each delayed by 50 ms: by hand, the second
// exists 50 ms later, the third 100 ms, the fourth 150 ms, and a second packet
// in the same direction as late as the first.
func TestCloseLoopByHand(t *testing.T) {
	in := datasets.Trace{End: 2 * time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 6, ""), defensetest.Flow(2, 6, "")}}
	for i, dir := range []datasets.Dir{0, 1, 0, 1, 1} {
		in.Packets = append(in.Packets, datasets.Packet{Time: time.Duration(i) * 100 * ms, Size: 154, Payload: 100, Dir: dir})
	}
	in.Packets = append(in.Packets, datasets.Packet{Time: 500 * ms, Size: 154, Payload: 100, Flow: 1, Dir: datasets.Down})
	d := timing.Jitter{MinS: 0.05, MaxS: 0.05}
	stage := func(t datasets.Trace) (defenses.Defended, error) { return d.Apply(rand.New(rand.NewPCG(1, 1)), t) }
	l, err := closeLoop(in, stage)
	if err != nil {
		t.Fatal(err)
	}
	// The packet of the other flow is not moved, and so comes before the last.
	for k, want := range []time.Duration{0, 150 * ms, 300 * ms, 450 * ms, 500 * ms, 550 * ms} {
		if got := l.Trace.Packets[k].Time; got != want {
			t.Errorf("packet %d exists at %v, want %v", k, got, want)
		}
	}
	out, err := stage(l.Trace)
	if err != nil {
		t.Fatal(err)
	}
	if err := defenses.Check(in, l.back(out)); err != nil {
		t.Error(err)
	}
}

// Random homes behind a tunnel and the line: what settles is honest, and
// nothing exists before it was recorded.
func TestCloseLoopChecks(t *testing.T) {
	d := tunnel.VPN{Kind: "wireguard", Outer: "ipv4", Delay: "constant", DelayS: 0.01}
	for seed := range uint64(10) {
		in := defensetest.Busy(seed)
		stage := func(t datasets.Trace) (defenses.Defended, error) {
			out, err := d.Apply(rand.New(rand.NewPCG(seed, 1)), t)
			if err != nil {
				return out, err
			}
			return DefaultLink().Pass(t, out)
		}
		l, err := closeLoop(in, stage)
		if err != nil {
			t.Fatal(err)
		}
		out, err := stage(l.Trace)
		if err != nil {
			t.Fatal(err)
		}
		if err := defenses.Check(in, l.back(out)); err != nil {
			t.Error(err)
		}
	}
}

// A line that never catches up does not settle, and says so.
func TestCloseLoopFails(t *testing.T) {
	in := datasets.Trace{End: time.Minute, Flows: []datasets.Flow{defensetest.Flow(1, 6, "")}}
	for i := range 40 {
		in.Packets = append(in.Packets, datasets.Packet{Time: time.Duration(i) * 10 * ms, Size: 1514, Payload: 1460, Dir: datasets.Dir(i % 2)})
	}
	d := rate.Constant{SizeBytes: 1000, IntervalS: 0.37, Multiple: 1, Per: "home"}
	_, err := closeLoop(in, func(t datasets.Trace) (defenses.Defended, error) { return d.Apply(rand.New(rand.NewPCG(1, 1)), t) })
	if err == nil {
		t.Error("settled")
	}
}
