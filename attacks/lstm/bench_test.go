package lstm

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// peerConfig is the tagger that the PyTorch program of the comparison runs:
// port, protocol, direction, frame length and interval, windows of 100 steps,
// 11 classes.
func peerConfig(hidden int, both bool) Config {
	return Config{
		Vocab: []int{64, 8, 2, 1501, 256}, Dim: []int{16, 4, 2, 32, 16},
		Hidden: hidden, Layers: 1, Bidirectional: both, Classes: 11,
	}
}

// peerData draws features evenly, as the comparison's input does.
func peerData(c Config, windows int) Data {
	rng := rand.New(rand.NewPCG(5, 5))
	d := Data{Steps: 100, Features: len(c.Vocab)}
	for range windows * d.Steps {
		var x [5]int
		for f, v := range c.Vocab {
			x[f] = rng.IntN(v)
			d.X = append(d.X, uint16(x[f]))
		}
		d.Y = append(d.Y, int16((x[0]+x[1]+3*x[2]+x[3]/137)%c.Classes))
	}
	return d
}

func benchNet(b *testing.B, kr Kernel, hidden int, both bool) *Net {
	n, err := newRandom(rand.New(rand.NewPCG(1, 1)), peerConfig(hidden, both))
	if err != nil {
		b.Fatal(err)
	}
	n.refresh(kr)
	return n
}

func benchEach(b *testing.B, f func(b *testing.B, kr Kernel, hidden int, both bool)) {
	for _, kr := range kernels() {
		for _, both := range []bool{true, false} {
			if both && kr == kernelPlain {
				continue // a step of it takes plain Go seconds; the smaller network tells as much
			}
			hidden := 64
			if both {
				hidden = 128
			}
			b.Run(fmt.Sprintf("kernel=%v/hidden=%d/both=%v", kr, hidden, both), func(b *testing.B) { f(b, kr, hidden, both) })
		}
	}
}

// report gives the median, as the comparison does: it bears other work on the
// machine better than the mean.
func report(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	m := times[len(times)/2].Seconds()
	b.ReportMetric(m*1e3, "ms-median")
	b.ReportMetric(6400/m, "packets/s")
}

// BenchmarkStep is one training step with a batch of 64 windows.
func BenchmarkStep(b *testing.B) {
	benchEach(b, func(b *testing.B, kr Kernel, hidden int, both bool) {
		n := benchNet(b, kr, hidden, both)
		d := peerData(n.cfg, 512)
		s := newStepper(n, d.Steps, 64, Options{Workers: runtime.GOMAXPROCS(0)}, [2]uint64{})
		w := all(d)
		i := 0
		var times []time.Duration
		for b.Loop() {
			at := time.Now()
			s.takeStep(d, w[i%8*64:][:64], 1e-3)
			times = append(times, time.Since(at))
			i++
		}
		report(b, times)
	})
}

// BenchmarkGuess is the answer for a batch of 64 windows.
func BenchmarkGuess(b *testing.B) {
	benchEach(b, func(b *testing.B, kr Kernel, hidden int, both bool) {
		n := benchNet(b, kr, hidden, both)
		d := peerData(n.cfg, 64)
		var times []time.Duration
		for b.Loop() {
			at := time.Now()
			n.Guess(d, runtime.GOMAXPROCS(0))
			times = append(times, time.Since(at))
		}
		report(b, times)
	})
}

// homeData is like the traffic of a few homes: of every feature few values make up
// most packets.
func homeData(c Config, windows int) Data {
	rng := rand.New(rand.NewPCG(5, 6))
	d := Data{Steps: 50, Features: len(c.Vocab)}
	for range windows * d.Steps {
		class := rng.IntN(c.Classes)
		for _, v := range c.Vocab {
			d.X = append(d.X, uint16((class+int(rng.ExpFloat64()*float64(v)/16))%v))
		}
		d.Y = append(d.Y, int16(class))
	}
	return d
}

// BenchmarkTrain is a small training from end to end, of 120 steps with a validation
// after every epoch: many of them make up a run.
func BenchmarkTrain(b *testing.B) {
	for _, both := range []bool{false, true} {
		b.Run(fmt.Sprintf("hidden=32/both=%v", both), func(b *testing.B) {
			c := Config{Vocab: []int{40, 9, 3, 300, 68}, Dim: []int{30, 4, 2, 32, 16}, Hidden: 32, Layers: 1, Bidirectional: both, Classes: 11}
			data, valid := homeData(c, 400), homeData(c, 50)
			o := Options{Epochs: 10, MaxSteps: 120, Batch: 32, Rate: 1e-2, Decay: true, Dropout: 0.2, Clip: 5, Patience: 10}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Train(b.Context(), rand.New(rand.NewPCG(1, 2)), c, data, valid, o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(120*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
