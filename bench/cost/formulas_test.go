package cost

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// quiet is hours of a home whose one device sends a request of 100 bytes of
// payload every minute, answered at once.
func quiet(hours int) *datasets.Recording {
	t := datasets.Trace{End: time.Duration(hours) * time.Hour, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")}}
	for i := range hours * 60 {
		at := time.Duration(i) * time.Minute
		t.Packets = append(t.Packets, datasets.Packet{Time: at, Size: 154, Payload: 100},
			datasets.Packet{Time: at + ms, Size: 154, Payload: 100, Dir: datasets.Down})
	}
	return &datasets.Recording{Trace: t}
}

// ledgerOf is the ledger of a defense on one recording, without a line.
func ledgerOf(t *testing.T, id string, rec *datasets.Recording) (results.Cost, map[string]float64) {
	t.Helper()
	d, err := defenses.Parse(builtin.All(), id)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Apply(rand.New(rand.NewPCG(11, 12)), rec.Trace)
	if err != nil {
		t.Fatal(id, err)
	}
	c := NewLedger(rec, baseOf(rec, defenses.Defended{Trace: rec.Trace}), out).Cost()
	more := map[string]float64{}
	for _, m := range c.More {
		more[m.Name] = m.Value
	}
	return c, more
}

// The cost of a defense as its publication's formula and parameters give it,
// against the ledger. in is what quiet sends: 2 packets of 140 bytes at the IP
// layer a minute.
func TestPublishedFormulas(t *testing.T) {
	const in = 2 * 140 / 60.0 // bytes/s
	const perMinute = 60.0
	// The mean of what is left of Gaussian noise after cutting below 0, in
	// bytes a second, both ways; 28 bytes of headers for each 1472 or rest are
	// not in it. Renyi account of methods: 5 releases in a window.
	r := math.Pow(math.Sqrt(1+math.Log(1e6))-math.Sqrt(math.Log(1e6)), 2)
	sigma := 1000 * math.Sqrt(5/(2*r))
	dp := 2 * sigma / math.Sqrt(2*math.Pi)
	for _, tt := range []struct {
		name, id   string
		want       float64 // bytes/s of the defended traffic
		tolerance  float64
		multiplier float64
	}{
		// BuFLO's 2 d / rho while it runs; constant rate runs always.
		{"constant rate", "constant-rate:size_bytes=1000,interval_s=0.5", 2 * 1000 / 0.5, 0.001, 1},
		// A session a minute: 10 s and the 2 s of silence, which are within
		// them; 501 ticks each way, the last at 10 s or one before.
		{"BuFLO", "buflo", 2 * 1500 * 501 / perMinute, 0.003, 1},
		// A session lasts until 2 s after the reply at 1 ms: at 40 ms up 51
		// ticks, at 12 ms down 167; multiples of 100 are 100 and 200.
		{"Tamaraw", "tamaraw", 750 * (100 + 200) / perMinute, 0.001, 1},
		// The extra blocks of 50 are 1 on average each way: 100 + 50, 200 + 50.
		{"Tamaraw of the FRONT repository", "tamaraw-front", 750 * (100 + 200 + 100) / perMinute, 0.03, 1},
		// Shares of periods covered: a moment is free if neither the cover of
		// its own nor that of the period before reaches it, 1 - q + q^2/6, and
		// one second a minute is active; 100 packets of 1000 bytes a second each way.
		{"STP", "stp", 2 * 100 * 1000 * (1 - (1-0.1+0.01/6)*59/60), 0.03, 1},
		// Mean padding 128 for Dyer's set {8..248} and for U{1..255}.
		{"Dyer packet random", "pad-random:set=dyer", in + 2*128/perMinute, 0.03, 1},
		{"uniform padding", "pad-random:max_bytes=255", in + 2*128/perMinute, 0.03, 1},
		{"Dyer linear", "pad-level:to=linear", 2 * 256 / perMinute, 0.001, 1},
		{"Dyer exponential", "pad-level:to=exponential", 2 * 256 / perMinute, 0.001, 1},
		{"MTU", "pad-level:to=mtu", 2 * 1500 / perMinute, 0.001, 1},
		// (N + 1) / 2 packets on average each way in each session, of 140 bytes.
		{"FRONT T1", "front-t1", in + 140*(601+1401)/2/perMinute, 0.05, 1},
		{"WireGuard", "vpn:control=false", 2 * (144 + 60) / perMinute, 0.001, 1},
		{"OpenVPN", "vpn:kind=openvpn-udp,control=false", 2 * (140 + 52) / perMinute, 0.001, 1},
		{"NetShaper", "dp-shape", dp, 0.03, 1472.0 / 1500},
	} {
		rec := quiet(10)
		c, more := ledgerOf(t, tt.id, rec)
		got := float64(c.OutBytes[0]+c.OutBytes[1]) / c.Seconds * tt.multiplier
		if math.Abs(got-tt.want) > tt.tolerance*tt.want {
			t.Errorf("%s: %.2f bytes/s, the formula gives %.2f", tt.name, got, tt.want)
		}
		added := float64(c.OutBytes[0]+c.OutBytes[1])/c.Seconds - in
		if gb := more["gb_per_month"]; math.Abs(gb-added*30*86400/1e9) > 1e-9 {
			t.Errorf("%s: %v GB/month for %v bytes/s added", tt.name, gb, added)
		}
	}
}
