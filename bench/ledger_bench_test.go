package bench

import (
	"math/rand/v2"
	"testing"

	"veilbench/bench/cost"
)

// BenchmarkLedger enters an hour of controlled sessions into the ledger.
func BenchmarkLedger(b *testing.B) {
	ds := small(b, "home:event_signatures:hours=1,homes=1")
	rec := &ds.Recordings[0]
	for _, id := range []string{"none", "pad-random", "vpn", "constant-rate:per=home"} {
		base, err := cost.NewBase(rec, cost.Link{})
		if err != nil {
			b.Fatal(err)
		}
		out, err := defense(b, id).Apply(rand.New(rand.NewPCG(1, 1)), rec.Trace)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("defense="+id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cost.NewLedger(rec, base, out)
			}
			b.ReportMetric(float64(b.N)*float64(len(out.Trace.Packets))/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
