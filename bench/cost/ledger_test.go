package cost

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/rate"
)

const ms = time.Millisecond

// pair is a request and a reply 100 ms later, then a pure ACK.
func pair() *datasets.Recording {
	return &datasets.Recording{
		ID: "pair",
		Trace: datasets.Trace{
			End: 2 * time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")},
			Packets: []datasets.Packet{
				{Time: 0, Size: 314, Payload: 260},
				{Time: 100 * ms, Size: 1014, Payload: 960, Dir: datasets.Down},
				{Time: 110 * ms, Size: 54},
			},
		},
		Labels: datasets.Labels{
			Devices: []string{"a"}, Cause: []int32{0, 0, -1},
			Events: []datasets.Event{{Start: 0, End: 0, Activity: "on"}},
		},
	}
}

func TestLinkQueue(t *testing.T) {
	// 8 Mbit/s are 1 us a byte up; down 4 Mbit/s are 2 us.
	l := Link{UpMbitS: 8, DownMbitS: 4}
	f := defensetest.Flow(1, 6, "")
	lan := f
	lan.LAN = true
	in := datasets.Trace{End: time.Second, Flows: []datasets.Flow{f, lan}, Packets: []datasets.Packet{
		{Time: 0, Size: 1000, Payload: 1},
		{Time: 0, Size: 500, Payload: 2},                      // waits for the first
		{Time: 1 * ms, Size: 100, Payload: 3, Dir: 1},         // out at 1.2 ms, before the second
		{Time: 1 * ms, Size: 800, Payload: 4, Flow: 1},        // does not pass the line
		{Time: 3 * ms, Size: 1000, Payload: 5},                // the line is free again
		{Time: 999999 * time.Microsecond, Size: 1000, Dir: 1}, // ends after End
	}}
	out, err := l.Pass(in, defenses.Defended{Trace: in})
	if err != nil {
		t.Fatal(err)
	}
	if err := defenses.Check(in, out); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{1000, 1000, 1200, 1500, 4000, 1001999}
	payload := []int32{1, 4, 3, 2, 5, 0} // the first two leave at one instant, in their order
	for i, p := range out.Trace.Packets {
		if p.Time != want[i]*time.Microsecond || p.Payload != payload[i] {
			t.Errorf("packet %d: %v with payload %d, want %dus with %d", i, p.Time, p.Payload, want[i], payload[i])
		}
	}
	if got := out.Trace.End; got != 1001999*time.Microsecond {
		t.Errorf("end %v", got)
	}
}

func TestLinkSaturated(t *testing.T) {
	in := pair().Trace
	in.Packets[0].Size = 100_000_000
	if _, err := (Link{UpMbitS: 1}).Pass(in, defenses.Defended{Trace: in}); err == nil {
		t.Error("800 s of backlog were let through")
	}
}

func TestNoneCostsNothing(t *testing.T) {
	for seed := range uint64(5) {
		rec := &datasets.Recording{Trace: defensetest.Busy(seed)}
		base, err := DefaultLink().Pass(rec.Trace, defenses.Defended{Trace: rec.Trace})
		if err != nil {
			t.Fatal(err)
		}
		c := NewLedger(rec, baseOf(rec, base), base).Cost()
		if c.Overhead() != 0 || c.DelayMax != 0 || c.CoverBytes != 0 || c.InPackets != c.OutPackets {
			t.Errorf("none costs %+v", c)
		}
	}
}

// A defense that adds 40 bytes to the request, 10 ms to the reply, merges
// nothing and sends one packet of 500 bytes at 1.5 s. All figures by hand, at
// the IP layer: in 300 up, 1000 down, 40 up (the ACK).
func TestLedgerByHand(t *testing.T) {
	rec := pair()
	out := defenses.Defended{Trace: rec.Trace}
	out.Trace.Packets = slices.Clone(rec.Trace.Packets)
	out.Trace.Packets[0].Size += 40
	out.Trace.Packets[0].Payload += 40
	out.Trace.Packets[1].Time += 10 * ms
	out.Trace.Packets = append(out.Trace.Packets, datasets.Packet{Time: 1500 * ms, Size: 514, Payload: 460})
	b := defenses.NewBuilder(4)
	for i, p := range rec.Trace.Packets {
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	b.Next()
	out.Carried = b.Carried()
	if err := defenses.Check(rec.Trace, out); err != nil {
		t.Fatal(err)
	}
	c := NewLedger(rec, baseOf(rec, defenses.Defended{Trace: rec.Trace}), out).Cost()
	near := func(name string, got, want float64) {
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	near("overhead", c.Overhead(), 540.0/1340)
	near("delay mean", c.DelayMean, 0.010/3)
	near("delay median", c.DelayMedian, 0)
	near("delay p95", c.DelayP95, 0.010)
	near("delay max", c.DelayMax, 0.010)
	near("cover", float64(c.CoverBytes), 500)
	want := map[string]float64{
		"cover_share":           500.0 / 1880,
		"peak_in_bytes_per_s":   1340,
		"peak_out_bytes_per_s":  1380,
		"merged_acks":           0,
		"event_done_in_mean_s":  0.100,
		"event_done_mean_s":     0.110,
		"event_delay_max_s":     0.010,
		"dyer_bandwidth":        540.0 / 1300,               // the ACK does not count
		"front_data":            1.0 / 3,                    // packets
		"front_latency":         0,                          // last original at 0.11 s both ways
		"wtfpad_bandwidth":      1880 / 1.5 / (1340 / 0.11), // rates
		"wtfpad_latency":        1.5 / 0.11,                 // durations
		"maybenot_load":         0,                          // nothing added before the last original
		"maybenot_delay":        0,                          // it leaves when it did
		"netshaper_overhead":    540.0 / 1340,               // of one recording
		"qcsd_bandwidth":        540.0 / 1340,               //
		"qcsd_latency":          0,                          //
		"regulator_bandwidth":   1.0 / 3,                    // packets
		"regulator_latency":     0.010 / 0.11,               // last download, no upload late
		"netshaper_overhead_sd": 0,                          // of one
		"lan_in_bytes":          0,
	}
	for _, m := range c.More {
		if w, ok := want[m.Name]; ok {
			near(m.Name, m.Value, w)
			delete(want, m.Name)
		}
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
	if !slices.IsSortedFunc(c.More, func(a, b results.Metric) int { return compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// Ledgers of many recordings give the same figures in any order.
func TestLedgerMergesInAnyOrder(t *testing.T) {
	var parts []*Ledger
	for seed := range uint64(12) {
		in := defensetest.Busy(seed)
		rec := &datasets.Recording{Trace: in}
		d := rate.Constant{SizeBytes: 1000, IntervalS: 0.05, Multiple: 1, Per: "device"}
		out, err := d.Apply(rand.New(rand.NewPCG(seed, 0)), in)
		if err != nil {
			t.Fatal(err)
		}
		base, _ := DefaultLink().Pass(in, defenses.Defended{Trace: in})
		if out, err = DefaultLink().Pass(in, out); err != nil {
			t.Fatal(err)
		}
		if err := defenses.Check(in, out); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, NewLedger(rec, baseOf(rec, base), out))
	}
	sum := func(order []int) results.Cost {
		l := &Ledger{}
		for _, i := range order {
			l.Add(parts[i])
		}
		return l.Cost()
	}
	want := sum([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10 {
		if got := sum(rng.Perm(12)); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order gave %+v, not %+v", got, want)
		}
	}
}

// Quantiles against sorted values: within a thousandth, exact when equal.
func TestHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for n := 1; n < 3000; n = n*3 + 1 {
		times := make([]time.Duration, n)
		var h histogram
		for i := range times {
			times[i] = time.Duration(math.Exp(rng.Float64() * 25))
			h.add(newHistogram([]time.Duration{times[i]}))
		}
		if whole := newHistogram(slices.Clone(times)); !reflect.DeepEqual(whole, h) {
			t.Fatal("merging one by one is not counting at once")
		}
		slices.Sort(times)
		for _, q := range []float64{0.5, 0.95, 0.99, 1} {
			want := times[max(0, int(math.Ceil(q*float64(n)-1e-9))-1)].Seconds()
			if got := h.quantile(q); math.Abs(got-want) > want/1024 {
				t.Errorf("n=%d: quantile %v = %v, want %v", n, q, got, want)
			}
		}
	}
	h := newHistogram([]time.Duration{5 * ms, 5 * ms, 5 * ms, -ms})
	if h.quantile(0.95) != 0.005 || h.quantile(0.25) != 0 || h.mean() != 0.00375 {
		t.Errorf("%+v", h)
	}
	if (histogram{}).quantile(0.95) != 0 || (histogram{}).mean() != 0 {
		t.Error("figures of nothing")
	}
}

// The short form of the delays agrees with quantiles of the sorted times.
func TestDelayParts(t *testing.T) {
	if got := newHistogram(make([]time.Duration, 9)).parts(4); got != nil {
		t.Errorf("parts of nothing but 0: %v, want nil", got)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 3, 63, 64, 65, 1000} {
		times := make([]time.Duration, n)
		for i := range times {
			times[i] = time.Duration(rng.ExpFloat64() * 1e7)
		}
		got := newHistogram(slices.Clone(times)).parts(results.DelayParts)
		if len(got) != results.DelayParts {
			t.Fatalf("%d parts of %d times, want %d", len(got), n, results.DelayParts)
		}
		slices.Sort(times)
		for k, v := range got {
			rank := ((k+1)*n + results.DelayParts - 1) / results.DelayParts
			if want := times[rank-1].Seconds(); math.Abs(v-want) > 0.0015*want {
				t.Errorf("%d times, part %d: %v, want %v", n, k, v, want)
			}
		}
	}
	for v, want := range map[float64]float64{0.0123456: 0.01235, 12345.6: 12350, 0.001: 0.001, 3: 3} {
		if got := fourDigits(v); got != want {
			t.Errorf("fourDigits(%v) = %v, want %v", v, got, want)
		}
	}
}
