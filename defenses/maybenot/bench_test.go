package maybenot

import (
	"math/rand/v2"
	"testing"
	"time"
)

// webTraffic is n packets of requests and replies, in bursts.
func webTraffic(n int) []Packet {
	rng := rand.New(rand.NewPCG(1, 2))
	var out []Packet
	at := time.Duration(0)
	for len(out) < n {
		at += time.Duration(rng.ExpFloat64() * float64(40*time.Millisecond))
		out = append(out, Packet{at, Client})
		for range rng.IntN(8) {
			at += time.Duration(rng.IntN(int(2 * time.Millisecond)))
			out = append(out, Packet{at, Server})
		}
	}
	return out[:n]
}

// BenchmarkSimulation runs both ends with padding and with blocking machines of our
// own. events/s counts all events, sent to a framework each.
func BenchmarkSimulation(b *testing.B) {
	packets := webTraffic(50_000)
	for _, c := range []struct {
		name     string
		machines [2][]*Machine
	}{
		{"none", [2][]*Machine{}},
		{"padding", [2][]*Machine{{reply(2)}, {reply(3), steady(20 * time.Millisecond)}}},
		{"blocking", [2][]*Machine{ConstantRate(5*time.Millisecond, time.Second), ConstantRate(2*time.Millisecond, time.Second)}},
	} {
		for _, independent := range []bool{false, true} {
			name := "machines=" + c.name
			if independent {
				name += "/independent"
			}
			b.Run(name, func(b *testing.B) {
				cfg := Config{
					Machines: c.machines, Delay: 10 * time.Millisecond, Independent: independent,
					Sources: [2]rand.Source{rand.NewPCG(1, 1), rand.NewPCG(2, 2)},
				}
				b.ReportAllocs()
				events := 0
				for b.Loop() {
					s, err := NewSimulation(cfg, packets)
					if err != nil {
						b.Fatal(err)
					}
					for s.Waits() {
						if _, ok := s.Next(); !ok {
							break
						}
						events++
					}
				}
				b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64(events)/float64(b.N), "events/op")
			})
		}
	}
}

// BenchmarkParse reads a machine of thirty states.
func BenchmarkParse(b *testing.B) {
	s := Front(1000, time.Second, 30).String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(s); err != nil {
			b.Fatal(err)
		}
	}
}
