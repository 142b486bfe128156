package features

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// Every feature of every set must have a name, and no two the same.
func TestFeatureNames(t *testing.T) {
	trace := featurerTrace()
	for _, set := range append(Sets(), SequenceSet()) {
		names := set.names()
		if len(names) != set.Width {
			t.Errorf("%s has %d names for %d features", set.Name, len(names), set.Width)
		}
		slices.Sort(names)
		if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
			t.Errorf("%s names %d features alike", set.Name, len(names)-n)
		}
		if v := set.Extract(nil, trace, bursts.AllPackets(trace)); len(v) != set.Width {
			t.Errorf("%s gives %d numbers, want %d", set.Name, len(v), set.Width)
		}
	}
}

// Names of k-fingerprinting at the right places, by hand: a trace of three
// packets, up 100, down 200 after 1 s, up 300 after 2 s more.
func TestKFPNamesStandAtTheirFeatures(t *testing.T) {
	trace := featurerTrace()
	v := kfpFeatures(nil, trace, bursts.AllPackets(trace))
	names := kfpNames()
	for name, want := range map[string]float32{
		"packets": 3, "packets_up": 2, "share_down": 1. / 3, "last30_down": 1, "place_up_mean": 1,
		"chunk_up_01": 2, "second_01": 1, "second_02": 1, "second_04": 1, "gap_both_most": 2, "time_both_most": 3,
		"size_up_sum": 400, "size_down_q50": 200, "size_both_most": 300, "size_02": -200, "down_0200_bytes": logCount(1), "bytes": logCount(600),
	} {
		if got := v[slices.Index(names, name)]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func featurerTrace() datasets.Trace {
	return datasets.Trace{
		Packets: []datasets.Packet{
			{Time: 0, Size: 100, Dir: datasets.Up},
			{Time: time.Second, Size: 200, Dir: datasets.Down},
			{Time: 3 * time.Second, Size: 300, Dir: datasets.Up},
		},
		Flows: []datasets.Flow{{Proto: 6}}, End: time.Minute,
	}
}

// BenchmarkExtract makes a vector of every set out of a thousand packets, which is a
// long clip; the packets of real bursts are fewer.
func BenchmarkExtract(b *testing.B) {
	const n = 1000
	rng := rand.New(rand.NewPCG(1, 1))
	trace := datasets.Trace{Flows: []datasets.Flow{{Proto: 6}}, End: time.Minute}
	for i := range n {
		trace.Packets = append(trace.Packets, datasets.Packet{
			Time: trace.End / n * time.Duration(i), Size: int32(60 + rng.IntN(1455)), Dir: datasets.Dir(rng.IntN(2)),
		})
	}

	all := bursts.AllPackets(trace)
	for _, set := range append(Sets(), SequenceSet()) {
		b.Run("set="+set.Name+"/n=1e3", func(b *testing.B) {
			b.ReportAllocs()
			var v []float32
			for b.Loop() {
				v = set.Extract(v[:0], trace, all)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
