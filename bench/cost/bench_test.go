package cost

import (
	"context"
	"math/rand/v2"
	"testing"

	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
)

// session is an hour of a home whose devices are switched on schedule.
func session(b *testing.B) *datasets.Recording {
	b.Helper()
	ds, err := home.Generate(context.Background(), "home:event_signatures:hours=1,homes=1", 1)
	if err != nil {
		b.Fatal(err)
	}
	return &ds.Recordings[0]
}

// BenchmarkNone is what a recording costs that no defense changes: the proof that
// nothing is missing, the ledger's base and the ledger.
func BenchmarkNone(b *testing.B) {
	rec := session(b)
	b.ReportAllocs()
	for b.Loop() {
		out, err := defenses.None{}.Apply(nil, rec.Trace)
		if err != nil {
			b.Fatal(err)
		}
		if err := defenses.Check(rec.Trace, out); err != nil {
			b.Fatal(err)
		}
		base, err := NewBase(rec, Link{})
		if err != nil {
			b.Fatal(err)
		}
		NewLedger(rec, base, out)
	}
	b.ReportMetric(float64(b.N)*float64(len(rec.Trace.Packets))/b.Elapsed().Seconds(), "packets/s")
}

// BenchmarkLedger enters an hour of controlled sessions into the ledger.
func BenchmarkLedger(b *testing.B) {
	rec := session(b)
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
