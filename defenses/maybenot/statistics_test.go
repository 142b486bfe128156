package maybenot

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// summary is what the vectors say of many draws of one figure.
type summary struct {
	N                       float64
	Mean, SD                float64
	Min, Max                float64
	Q05, Q25, Q50, Q75, Q95 float64
	meanCounts              bool
}

// differs says where xs are other draws than those of s: in the mean by more than four
// standard errors, or in a quantile by more than 0.05 and 3.5 standard errors.
func (s summary) differs(xs []float64) string {
	slices.Sort(xs)
	n := float64(len(xs))
	var mean, sd float64
	for _, x := range xs {
		mean += x / n
	}
	for _, x := range xs {
		sd += (x - mean) * (x - mean) / n
	}
	sd = math.Sqrt(sd)
	if s.SD == 0 {
		// Rounded to 9 digits in the file, and rare runs may be others.
		other := 0
		for _, x := range xs {
			if math.Abs(x-s.Mean) > 1e-8*math.Abs(s.Mean) {
				other++
			}
		}
		if float64(other) > 0.01*n {
			return fmt.Sprintf("%d of %v differ from %v", other, n, s.Mean)
		}
		return ""
	}
	if d, most := math.Abs(mean-s.Mean), 4*math.Sqrt(s.SD*s.SD/s.N+sd*sd/n); s.meanCounts && d > most {
		return fmt.Sprintf("mean %v, want %v within %v", mean, s.Mean, most)
	}
	for _, q := range [][2]float64{{0.05, s.Q05}, {0.25, s.Q25}, {0.5, s.Q50}, {0.75, s.Q75}, {0.95, s.Q95}} {
		below, upTo := around(xs, q[1])
		tolerance := 0.05 + 3.5*math.Sqrt(q[0]*(1-q[0])/n)
		if below > q[0]+tolerance || upTo < q[0]-tolerance {
			return fmt.Sprintf("%v to %v of the draws are up to %v, want %v", below, upTo, q[1], q[0])
		}
	}
	return ""
}

// around is the share of sorted xs that is below q, and of that not above it. The
// files round to 8 or 9 digits.
func around(xs []float64, q float64) (below, upTo float64) {
	slack := math.Abs(q) * 1e-7
	b, _ := slices.BinarySearch(xs, q-slack)
	u, _ := slices.BinarySearch(xs, math.Nextafter(q+slack, math.Inf(1)))
	return float64(b) / float64(len(xs)), float64(u) / float64(len(xs))
}

type statCase struct {
	Name           string
	Client, Server []string
	Delay          int64 `json:"delay_ns"`
	PPS            *int
	MaxEvents      int  `json:"max_trace_length"`
	Continue       bool `json:"continue_after_all_normal_packets_processed"`

	PaddingClient  float64 `json:"max_padding_frac_client"`
	BlockingClient float64 `json:"max_blocking_frac_client"`
	PaddingServer  float64 `json:"max_padding_frac_server"`
	BlockingServer float64 `json:"max_blocking_frac_server"`

	Trace     string
	Metrics   map[string]summary
	Exact     bool        `json:"exact_if_rng_ported"`
	FirstRows [][]float64 `json:"first_rows"`
}

// columns are the figures in the order of first_rows.
var columns = []string{
	"padding_sent_client", "padding_sent_server", "normal_sent_client", "normal_sent_server",
	"blocked_ns_client", "blocked_ns_server", "completion_ns", "last_event_ns", "recorded_events", "padding_overhead",
}

// measure runs the case with a seed and returns its figures.
func (c *statCase) measure(t *testing.T, machines [2][]*Machine, packets []Packet, seed uint64) map[string]float64 {
	cfg := Config{
		Machines: machines, Delay: time.Duration(c.Delay),
		Limits:  [2]Limits{{c.PaddingClient, c.BlockingClient}, {c.PaddingServer, c.BlockingServer}},
		Sources: [2]rand.Source{NewXoshiro(seed), NewXoshiro(seed + 1)},
	}
	if c.PPS != nil {
		cfg.PacketsPerSecond = *c.PPS
	}
	s, err := NewSimulation(cfg, packets)
	if err != nil {
		t.Fatal(err)
	}
	events := s.Record(Run{MaxEvents: c.MaxEvents, UntilSilent: c.Continue})

	out := map[string]float64{}
	for _, name := range columns {
		out[name] = 0
	}
	since := [2]time.Duration{never, never}
	for _, h := range events {
		side := []string{"client", "server"}[h.Side]
		switch {
		case h.Kind == TunnelSent && h.Padding:
			out["padding_sent_"+side]++
		case h.Kind == TunnelSent:
			out["normal_sent_"+side]++
		case h.Kind == TunnelRecv && !h.Padding:
			out["completion_ns"] = float64(h.Time)
		case h.Kind == BlockingBegin && since[h.Side] == never:
			since[h.Side] = h.Time
		case h.Kind == BlockingEnd && since[h.Side] != never:
			out["blocked_ns_"+side] += float64(h.Time - since[h.Side])
			since[h.Side] = never
		}
		out["last_event_ns"] = float64(h.Time)
	}
	for i, side := range []string{"client", "server"} {
		if since[i] != never {
			out["blocked_ns_"+side] += out["last_event_ns"] - float64(since[i])
		}
	}
	out["recorded_events"] = float64(len(events))
	out["padding_overhead"] = (out["padding_sent_client"] + out["padding_sent_server"]) / (out["normal_sent_client"] + out["normal_sent_server"])
	return out
}

func TestGoldenStatistics(t *testing.T) {
	if testing.Short() {
		t.Skip("runs for some seconds")
	}
	// So many that it takes seconds. MAYBENOT_RUNS=2000 is what the vectors were made
	// with.
	runs, err := strconv.Atoi(cmp.Or(os.Getenv("MAYBENOT_RUNS"), "60"))
	if err != nil {
		t.Fatal(err)
	}
	cases := append(golden[struct{ Cases []statCase }](t, "stat").Cases, golden[struct{ Cases []statCase }](t, "daita").Cases...)
	events, compared := 0.0, 0
	for _, c := range cases {
		machines := [2][]*Machine{machinesOf(t, c.Client), machinesOf(t, c.Server)}
		packets := packetsOf(t, c.Trace)

		// The generator is Maybenot's, so machines with plain draws give the same.
		if c.Exact {
			for seed, row := range c.FirstRows {
				got := c.measure(t, machines, packets, uint64(seed))
				for k, want := range row {
					if got[columns[k]] != want {
						t.Errorf("%s, seed %d: %s is %v, want %v", c.Name, seed, columns[k], got[columns[k]], want)
					}
				}
			}
		}

		draws := map[string][]float64{}
		for seed := range uint64(runs) {
			for name, x := range c.measure(t, machines, packets, 1e6+seed) {
				draws[name] = append(draws[name], x)
			}
		}
		for _, name := range columns {
			s, ok := c.Metrics[name]
			if !ok {
				t.Fatalf("%s has no %s", c.Name, name)
			}
			// Delays of the bottleneck feed back there: the mean is of a heavy tail.
			heavy := name == "completion_ns" && slices.Contains([]string{"interspace_a", "break_pad", "daita_client"}, c.Name)
			s.meanCounts = !heavy
			if d := s.differs(draws[name]); d != "" {
				t.Errorf("%s, %s: %s", c.Name, name, d)
			}
			compared++
		}
		for _, n := range draws["recorded_events"] {
			events += n
		}
	}
	t.Logf("%d cases, %d figures, %v events", len(cases), compared, events)
}

func TestGoldenDistributions(t *testing.T) {
	cases := golden[struct {
		Cases []struct {
			Dist       string
			Params     map[string]any
			Start, Max any
			N          float64
			Mean, SD   float64
			FracZero   float64 `json:"frac_zero"`
			FracAtMax  float64 `json:"frac_at_max"`
			Quantiles  map[string]float64
		}
	}](t, "dists").Cases
	number := func(v any) float64 {
		switch v := v.(type) {
		case float64:
			return v
		case string:
			x, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		return 0
	}
	rng := newRandom(rand.NewPCG(3, 4))
	for i, c := range cases {
		d := Dist{Start: number(c.Start), Max: number(c.Max)}
		for d.Kind.String() != c.Dist {
			d.Kind++
		}
		for k, p := range d.Kind.Params() {
			d.Params[k] = number(c.Params[p])
		}
		if err := d.check(); err != nil {
			t.Errorf("%d: %v", i, err)
		}

		const n = 50_000
		xs := make([]float64, n)
		for k := range xs {
			xs[k] = d.sample(&rng)
		}
		s := summary{N: c.N, Mean: c.Mean, SD: c.SD, meanCounts: true}
		if c.Dist == "Pareto" && d.Params[1] < 2 || c.Dist == "LogNormal" && d.Params[1] >= 1.5 {
			s.meanCounts = false // a heavy tail
		}
		// Of so many draws 0.01 is four standard errors of both.
		slices.Sort(xs)
		for p, q := range c.Quantiles {
			share, _ := strconv.ParseFloat(p, 64)
			if below, upTo := around(xs, q); below > share+0.01 || upTo < share-0.01 {
				t.Errorf("%d, %s %v: %v to %v of the draws are up to %v, want %v", i, c.Dist, c.Params, below, upTo, q, share)
			}
		}
		s.Q05, s.Q25, s.Q50, s.Q75, s.Q95 = c.Quantiles["0.05"], c.Quantiles["0.25"], c.Quantiles["0.5"], c.Quantiles["0.75"], c.Quantiles["0.95"]
		if msg := s.differs(xs); msg != "" {
			t.Errorf("%d, %s %v: %s", i, c.Dist, c.Params, msg)
		}
	}
	t.Logf("%d distributions", len(cases))
}

func TestGoldenRandom(t *testing.T) {
	cases := golden[struct {
		Cases []struct {
			Seed  string
			Words []string `json:"u64"`
			Float []uint32 `json:"f32_0_1_bits"`
			Range []string `json:"f64_1.5e6_9.5e6_bits"`
		}
	}](t, "rng").Cases
	for _, c := range cases {
		seed, _ := strconv.ParseUint(c.Seed, 10, 64)
		x := NewXoshiro(seed)
		for i, w := range c.Words {
			if got := strconv.FormatUint(x.Uint64(), 10); got != w {
				t.Errorf("seed %s: word %d is %s, want %s", c.Seed, i, got, w)
			}
		}
		r := newRandom(NewXoshiro(seed))
		for i, w := range c.Float {
			if got := math.Float32bits(r.share()); got != w {
				t.Errorf("seed %s: float32 %d is %d, want %d", c.Seed, i, got, w)
			}
		}
		r = newRandom(NewXoshiro(seed))
		for i, w := range c.Range {
			if got := strconv.FormatUint(math.Float64bits(r.between(1.5e6, 9.5e6)), 16); got != w {
				t.Errorf("seed %s: float64 %d is %s, want %s", c.Seed, i, got, w)
			}
		}
	}
}
