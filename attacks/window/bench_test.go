package window_test

import (
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/window"
	"veilbench/datasets"
	"veilbench/datasets/home"
)

// benchDevices are the first packets of three generated homes, to learn owners from,
// and of a fourth.
func benchDevices(b *testing.B, n int) (attacks.Training, datasets.Trace) {
	b.Helper()
	ds, err := home.Generate(b.Context(), "event_signatures:homes=4,hours=2", 1)
	if err != nil {
		b.Fatal(err)
	}
	tr := attacks.Training{Task: datasets.TaskDevice, Classes: ds.Recordings[0].Labels.Devices}
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		if len(r.Trace.Packets) < n {
			b.Fatalf("a home has %d packets, want %d", len(r.Trace.Packets), n)
		}
		r.Trace.Packets, r.Labels.Owners = r.Trace.Packets[:n], r.Labels.Owners[:n]
		r.Trace.End = r.Trace.Packets[n-1].Time
		tr.Examples = append(tr.Examples, attacks.Labeled{Trace: r.Trace, Labels: r.Labels, Group: r.Group})
	}
	test := tr.Examples[3].Trace
	tr.Examples = tr.Examples[:3]
	return tr, test
}

// BenchmarkWindow trains the attacks of the device task and asks them. The networks
// are small and take a fixed number of steps, so that two commits do the same work
// and one training is short; BenchmarkStep of package lstm has the full size.
func BenchmarkWindow(b *testing.B) {
	const n = 4000
	tr, test := benchDevices(b, n)
	small := func(a window.Net) window.Net {
		a.Hidden, a.Layers, a.MinSteps, a.MaxSteps, a.Batch, a.Patience = 32, 1, 40, 40, 16, 0
		return a
	}
	trees := window.NewForest()
	trees.Trees = 20

	for _, a := range []attacks.Attack{trees, small(window.NewLSTM()), small(window.NewBLSTM())} {
		b.Run("attack="+a.Info().Name+"/do=train/n=12e3", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Train(b, a, tr)
			}
			b.ReportMetric(float64(3*n*b.N)/b.Elapsed().Seconds(), "packets/s")
		})
		b.Run("attack="+a.Info().Name+"/do=guess/n=4e3", func(b *testing.B) {
			m := attacktest.Train(b, a, tr)
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Ask(b, m, test)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
