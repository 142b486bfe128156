package lstm

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
)

// TestMemoryIsBounded: a data set that is too large is refused with the number
// of windows that fits, and that number is accepted.
func TestMemoryIsBounded(t *testing.T) {
	c := small(1, true)
	fixed, per := memory(c, 5, 8, true)
	limit := fixed + 50*per
	err := Fits(c, 5, 8, true, 51, limit)
	var large *tooLarge
	if !errors.As(err, &large) || large.Fit != 50 || large.Windows != 51 || large.PerWindow != per {
		t.Fatalf("51 windows: error %v", err)
	}
	if want := " 54 bytes of it per window,"; !strings.Contains(err.Error(), want) { // 5 steps of 3 features, label and answer, and 4
		t.Errorf("error %q does not say %q", err, want)
	}
	if err := Fits(c, 5, 8, true, 50, limit); err != nil {
		t.Errorf("50 windows: %v", err)
	}
}

// inUse is the most bytes that the garbage collector found in use while f ran.
// It collects without pause, so it sees also what is needed but for a moment.
func inUse(f func()) int64 {
	live := func() int64 {
		runtime.GC()
		s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	before, most := live(), int64(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for {
		most = max(most, live())
		select {
		case <-done:
			return most - before
		default:
		}
	}
}

// TestMemoryCoversTraining compares what memory states with what Train has in
// use at most, data, validation and checkpoints included. Each case is one
// where another part is the largest.
func TestMemoryCoversTraining(t *testing.T) {
	wide := peerConfig(64, true)
	wide.Layers = 2
	names := small(1, false)
	names.Classes, names.Vocab, names.Dim = 700, []int{5, 3, 2000}, []int{6, 2, 64}
	tests := []struct {
		name           string
		c              Config
		train, valid   int
		steps, batch   int
		dropout, least float64
	}{
		{"batch", wide, 64, 32, 100, 64, 0.2, 0.5},
		{"validation", wide, 16, 600, 100, 4, 0, 0.4},
		{"tables", names, 16, 8, 11, 4, 0, 0.4},
		{"data", small(1, true), 20000, 4000, 40, 4, 0.1, 0.5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Epochs: 2, MaxSteps: 12, Batch: tt.batch, Rate: 1e-3, Dropout: tt.dropout, Clip: 5, Workers: 8, Checkpoint: forgets{}}
			used := inUse(func() {
				rng := rand.New(rand.NewPCG(1, 1))
				d, v := reserved(rng, tt.c, tt.train, tt.steps), reserved(rng, tt.c, tt.valid, tt.steps)
				if _, err := Train(context.Background(), rng, tt.c, d, v, o); err != nil {
					t.Error(err)
				}
				runtime.KeepAlive(d)
				runtime.KeepAlive(v)
			})
			fixed, per := memory(tt.c, tt.steps, tt.batch, tt.dropout > 0)
			stated := fixed + per*int64(tt.train+tt.valid)
			t.Logf("in use %d bytes, stated %d", used, stated)
			if used > stated || float64(used) < tt.least*float64(stated) {
				t.Errorf("training has %d bytes in use, stated are %d", used, stated)
			}
		})
	}
}

// forgets is a checkpoint that keeps nothing and waits for the collector, so
// that nothing of an epoch is counted with the next.
type forgets struct{}

func (forgets) Read(string) ([]byte, error) { return nil, nil }
func (forgets) Write(_ string, state []byte) error {
	runtime.GC()
	runtime.KeepAlive(state)
	return nil
}

// reserved is random data in arrays of just its size.
func reserved(rng *rand.Rand, c Config, windows, steps int) Data {
	d := Data{Steps: steps, Features: len(c.Vocab), X: make([]uint16, windows*steps*len(c.Vocab)), Y: make([]int16, windows*steps)}
	for i := range d.X {
		d.X[i] = uint16(rng.IntN(c.Vocab[i%d.Features]))
	}
	for i := range d.Y {
		d.Y[i] = int16(rng.IntN(c.Classes))
	}
	return d
}
