package builtin_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// traffic is n packets of five devices spread over some hours, mostly small.
func traffic(hours, n int) datasets.Trace {
	rng := rand.New(rand.NewPCG(5, 5))
	t := datasets.Trace{End: time.Duration(hours) * time.Hour, Packets: make([]datasets.Packet, 0, n)}
	for i := range byte(5) {
		t.Flows = append(t.Flows, defensetest.Flow(i, 6, string('a'+rune(i))+".example"))
	}
	now := time.Duration(0)
	for range n {
		now += time.Duration(rng.ExpFloat64() * float64(t.End) / float64(n) * 0.99)
		p := datasets.Packet{Time: min(now, t.End), Flow: rng.Int32N(5), Dir: datasets.Dir(rng.IntN(2)), Size: 54}
		if rng.IntN(3) > 0 {
			p.Payload = 1 + rng.Int32N(400)
			p.Size += p.Payload
		}
		t.Packets = append(t.Packets, p)
	}
	return t
}

// BenchmarkApply puts six hours of a home through every defense. packets/s counts
// the packets that come in, outpackets/s those that leave. It leaves out none, whose
// Apply hands back what it got: BenchmarkNone of package cost times what a cell
// without a defense takes.
func BenchmarkApply(b *testing.B) {
	in := traffic(6, 50_000)
	for _, d := range builtin.All() {
		if d.Info().Name == (defenses.None{}).Info().Name {
			continue
		}
		b.Run("defense="+d.Info().Name+"/n=5e4", func(b *testing.B) {
			if f, ok := d.(defenses.Fitter); ok {
				var err error
				if d, err = f.Fit(b.Context(), rand.New(rand.NewPCG(1, 1)), defensetest.Recordings()); err != nil {
					b.Fatal(err)
				}
			}
			benchmarkApply(b, d, in)
		})
	}
}

func benchmarkApply(b *testing.B, d defenses.Defense, in datasets.Trace) {
	b.ReportAllocs()
	sent := 0
	for b.Loop() {
		out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil {
			b.Fatal(err)
		}
		sent += len(out.Trace.Packets)
	}
	s := b.Elapsed().Seconds()
	b.ReportMetric(float64(b.N)*float64(len(in.Packets))/s, "packets/s")
	b.ReportMetric(float64(sent)/s, "outpackets/s")
}

// BenchmarkCheck checks defended days; account bytes are per packet that
// leaves.
func BenchmarkCheck(b *testing.B) {
	in := traffic(24, 1_000_000)
	for _, id := range []string{"pad-random", "fragment", "vpn", "constant-rate:interval_s=1"} {
		d, err := defenses.Parse(builtin.All(), id)
		if err != nil {
			b.Fatal(err)
		}
		out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil {
			b.Fatal(err)
		}
		n := len(out.Trace.Packets)
		b.Run("defense="+d.Info().Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := defenses.Check(in, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(max(n, len(in.Packets))), "ns/packet")
			if c := out.Carried; c != nil {
				b.ReportMetric(float64(4*len(c.First)+4*len(c.Orig)+4*len(c.Bytes))/float64(n), "accountB/packet")
			}
		})
	}
}
