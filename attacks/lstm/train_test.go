package lstm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// task is a small problem: the class of a step depends on this step's
// features and on the ones before and after. Every tenth step is unlabeled.
func task(rng *rand.Rand, c Config, windows, steps int) Data {
	d := Data{Steps: steps, Features: len(c.Vocab)}
	for range windows * steps {
		for _, v := range c.Vocab {
			d.X = append(d.X, uint16(rng.IntN(v)))
		}
	}
	for i := range windows * steps {
		y := int(d.X[i*d.Features])
		if t := i % steps; t > 0 {
			y += int(d.X[(i-1)*d.Features])
		} else {
			y += int(d.X[(i+1)*d.Features])
		}
		y %= c.Classes
		if i%10 == 9 {
			y = -1
		}
		d.Y = append(d.Y, int16(y))
	}
	return d
}

func small(layers int, both bool) Config {
	return Config{Vocab: []int{5, 3, 40}, Dim: []int{6, 2, 9}, Hidden: 16, Layers: layers, Bidirectional: both, Classes: 4}
}

// numbers is small with a third feature that is a number.
func numbers(layers int, both bool) Config {
	c := small(layers, both)
	c.Dim[2], c.Unit = 1, []float32{2: 0.05}
	return c
}

func all(d Data) []int32 {
	w := make([]int32, d.Len())
	for i := range w {
		w[i] = int32(i)
	}
	return w
}

func options() Options {
	return Options{Epochs: 12, Batch: 8, Rate: 0.02, Decay: true, Dropout: 0.1, Clip: 5}
}

func train(t *testing.T, c Config, o Options) (*Net, []byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	d, v := task(rng, c, 60, 11), task(rng, c, 20, 11)
	n, err := Train(context.Background(), rng, c, d, v, o)
	if err != nil {
		t.Fatal(err)
	}
	return n, parameters(n)
}

// parameters are the bytes of all parameters of n.
func parameters(n *Net) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, n.w)
	return b
}

func TestTrainLearns(t *testing.T) {
	for _, both := range []bool{false, true} {
		c := small(2, both)
		o := options()
		o.Epochs = 60
		n, _ := train(t, c, o)
		rng := rand.New(rand.NewPCG(9, 9))
		d := task(rng, c, 50, 11)
		if got := n.recall(d, make([]*part, 2)); got < 0.85 {
			t.Errorf("both=%v: recall %.3f of a task it can learn", both, got)
		}
	}
}

func TestSameBytesForAnyWorkers(t *testing.T) {
	c := small(2, true)
	o := options()
	o.Epochs = 3
	var first []byte
	for _, o.Workers = range []int{1, 2, 5} {
		_, b := train(t, c, o)
		if first == nil {
			first = b
		}
		if !bytes.Equal(b, first) {
			t.Errorf("%d workers: another model than 1 worker", o.Workers)
		}
	}
}

// TestGuessIgnoresNeighbors says that a window's answer depends neither on
// the windows around it nor on the number of workers.
func TestGuessIgnoresNeighbors(t *testing.T) {
	c := small(2, true)
	rng := rand.New(rand.NewPCG(8, 8))
	n, err := newRandom(rng, c)
	if err != nil {
		t.Fatal(err)
	}
	d := task(rng, c, 75, 6)
	want := n.Guess(d, 1)
	if got := n.Guess(d, 3); !slices.Equal(got, want) {
		t.Error("3 workers: other answers than 1 worker")
	}
	size := d.Steps * d.Features
	for i := 0; i < d.Len(); i += 13 {
		one := Data{Steps: d.Steps, Features: d.Features, X: d.X[i*size : (i+1)*size]}
		if !slices.Equal(n.Guess(one, 1), want[i*d.Steps*c.Classes:(i+1)*d.Steps*c.Classes]) {
			t.Errorf("window %d alone: another answer", i)
		}
	}
}

// memo is a checkpoint in memory.
type memo map[string][]byte

func (m memo) Read(key string) ([]byte, error)  { return m[key], nil }
func (m memo) Write(key string, s []byte) error { m[key] = s; return nil }

func TestResumeGivesTheSameModel(t *testing.T) {
	c := small(1, true)
	o := options()
	o.Epochs = 4
	_, want := train(t, c, o)
	ctx, stop := context.WithCancel(context.Background())
	o.Checkpoint = memo{}
	o.Progress = func(p Progress) {
		if p.Epoch == 2 {
			stop()
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	d, v := task(rng, c, 60, 11), task(rng, c, 20, 11)
	if _, err := Train(ctx, rng, c, d, v, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: error %v", err)
	}
	first := 0
	o.Progress = func(p Progress) {
		if first == 0 {
			first = p.Epoch
		}
	}
	_, got := train(t, c, o)
	if first != 3 {
		t.Errorf("went on with epoch %d, want 3", first)
	}
	if !bytes.Equal(got, want) {
		t.Error("stopped and resumed: another model")
	}
}

// TestDamagedCheckpoint: a state that is cut, too long or of other numbers than
// the run's is refused.
func TestDamagedCheckpoint(t *testing.T) {
	c := small(1, false)
	n, err := newRandom(rand.New(rand.NewPCG(1, 1)), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, best := range [][]float32{nil, slices.Clone(n.w)} {
		tr := &trainer{stepper: newStepper(n, 5, 4, Options{Workers: 1}, [2]uint64{}), best: best}
		good := tr.state()
		if err := tr.restore(good); err != nil {
			t.Fatal(err)
		}
		body := good[:len(good)-sha256.Size]
		for name, bad := range map[string][]byte{
			"empty": {}, "cut": good[:len(good)-4], "longer": append(slices.Clone(good), 0), "a weight": flip(good, 80),
			"head cut": sealed(body[:20]), "arrays cut": sealed(body[:len(body)-4]), "negative steps": sealed(flip(body, 7)),
			"negative epoch": sealed(flip(body, 15)), "parameters": sealed(flip(body, 24)), "arrays": sealed(flip(body, 32)),
		} {
			if err := tr.restore(bad); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	}
}

// sealed is b with its checksum.
func sealed(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(slices.Clone(b), sum[:]...)
}

// flip is b with all bits of a byte turned.
func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 0xff
	return b
}

func TestRefusals(t *testing.T) {
	c := small(1, false)
	rng := rand.New(rand.NewPCG(1, 1))
	d := task(rng, c, 4, 5)
	o := options()
	tests := []struct {
		name string
		edit func(c *Config, d *Data, o *Options)
		want string
	}{
		{"hidden", func(c *Config, d *Data, o *Options) { c.Hidden = 17 }, "hidden 17"},
		{"table", func(c *Config, d *Data, o *Options) { c.Vocab, c.Hidden = []int{5, 3, 1 << 16}, 2048 }, "too large"},
		{"units", func(c *Config, d *Data, o *Options) { c.Unit = []float32{1} }, "1 units for 3 features"},
		{"width", func(c *Config, d *Data, o *Options) { c.Unit = []float32{0, 0, 1} }, "feature 2 is a number"},
		{"epochs", func(c *Config, d *Data, o *Options) { o.Epochs = 0 }, "epochs 0"},
		{"rate", func(c *Config, d *Data, o *Options) { o.Rate = math.NaN() }, "rate NaN"},
		{"dropout", func(c *Config, d *Data, o *Options) { o.Dropout = 1 }, "dropout 1"},
		{"value", func(c *Config, d *Data, o *Options) { d.X = slices.Clone(d.X); d.X[4] = 3 }, "value 3 of feature 1"},
		{"class", func(c *Config, d *Data, o *Options) { d.Y = slices.Clone(d.Y); d.Y[2] = 4 }, "class 4 of 4"},
		{"labels", func(c *Config, d *Data, o *Options) { d.Y = d.Y[1:] }, "do not fit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, d, o := c, d, o
			tt.edit(&c, &d, &o)
			_, err := Train(context.Background(), rng, c, d, Data{Steps: 1, Features: 1}, o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestKernelsLearnAlike states how far scores of models from different kernels
// may be apart: 0.02 in recall on this task, which all learn well.
func TestKernelsLearnAlike(t *testing.T) {
	const batch, steps = 40, 500
	c := small(1, true)
	c.Vocab[2] = 4 // noise with few values is soon ignored
	rng := rand.New(rand.NewPCG(5, 6))
	d, test := task(rng, c, 20*batch, 11), task(rng, c, 200, 11)
	var scores []float64
	for _, kr := range kernels() {
		n, err := newRandom(rand.New(rand.NewPCG(1, 1)), c)
		if err != nil {
			t.Fatal(err)
		}
		n.refresh(kr)
		s := newStepper(n, d.Steps, batch, Options{Workers: 2, Clip: 5}, [2]uint64{})
		order := all(d)
		for i := range steps {
			s.takeStep(d, order[i%20*batch:][:batch], 0.03*(1-float64(i)/steps))
		}
		n.repack(2)
		scores = append(scores, n.recall(test, make([]*part, 2)))
	}
	t.Logf("recall by kernel %v: %.4f", kernels(), scores)
	for i, s := range scores {
		if s < 0.95 {
			t.Errorf("%v: recall %.4f, want at least 0.95", kernels()[i], s)
		}
		if math.Abs(s-scores[0]) > 0.02 {
			t.Errorf("%v: recall %.4f, %v has %.4f", kernels()[i], s, kernels()[0], scores[0])
		}
	}
}
