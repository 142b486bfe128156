package cost

import (
	"context"
	"math/rand/v2"
	"testing"

	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
)

// BenchmarkLedger enters an hour of controlled sessions into the ledger.
func BenchmarkLedger(b *testing.B) {
	ds, err := home.Generate(context.Background(), "home:event_signatures:hours=1,homes=1", 1)
	if err != nil {
		b.Fatal(err)
	}
	rec := &ds.Recordings[0]
	for _, id := range []string{"none", "pad-random", "vpn", "constant-rate:per=home"} {
		base, err := NewBase(rec, Link{})
		if err != nil {
			b.Fatal(err)
		}
		d, err := defenses.Parse(builtin.All(), id)
		if err != nil {
			b.Fatal(err)
		}
		out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), rec.Trace)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("defense="+id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewLedger(rec, base, out)
			}
			b.ReportMetric(float64(b.N)*float64(len(out.Trace.Packets))/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
