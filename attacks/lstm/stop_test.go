package lstm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDivergenceIsAnError(t *testing.T) {
	c := small(1, false)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tt := range []struct {
		rate  float64
		steps int
		want  string
	}{
		{1e30, 0, "the loss is"},
		{1e300, 1, "a parameter is"}, // no step comes after it whose loss would tell
	} {
		o := options()
		o.Rate, o.Clip, o.MaxSteps = tt.rate, 0, tt.steps
		_, err := Train(context.Background(), rng, c, task(rng, c, 40, 5), Data{}, o)
		if err == nil || !strings.Contains(err.Error(), "diverged") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("rate %g, steps %d: error %v, want %q", tt.rate, tt.steps, err, tt.want)
		}
	}
}

// TestDivergenceIsSeenByEveryKernel plants what is not a number into a tensor
// of each kind.
func TestDivergenceIsSeenByEveryKernel(t *testing.T) {
	c := small(2, true)
	for _, kr := range kernels() {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, name := range []string{"embed0", "layer0.forward.wx", "layer0.backward.wh", "layer0.forward.b", "layer1.backward.wx", "out.w"} {
				t.Run(fmt.Sprintf("%v/%v/%s", kr, bad, name), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(1, 1))
					n, err := newRandom(rng, c)
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range n.ts {
						if p.Name == name {
							p.W[3] = float32(bad)
						}
					}
					n.refresh(kr)
					o := options()
					o.Workers = 1
					tr := &trainer{o: o, train: task(rng, c, 40, 5), total: 1, bestScore: -1}
					tr.stepper = newStepper(n, tr.train.Steps, o.Batch, o, [2]uint64{1, 2})
					if err := tr.run(context.Background()); err == nil || !strings.Contains(err.Error(), "diverged") {
						t.Errorf("error %v, want one about divergence", err)
					}
				})
			}
		}
	}
}

// TestBestEpochIsKept: training ends so many epochs after the best one, and
// gives the parameters that training up to the best one alone ends with.
func TestBestEpochIsKept(t *testing.T) {
	c := small(1, false)
	o := options()
	o.Epochs, o.Patience, o.Decay, o.Rate = 60, 3, false, 0.1
	var scores []float64
	o.Progress = func(p Progress) { scores = append(scores, p.Score) }
	_, got := train(t, c, o)
	best := slices.Index(scores, slices.Max(scores)) // the first of equal ones
	if len(scores) != best+1+o.Patience || len(scores) == o.Epochs || best == 0 {
		t.Fatalf("stopped after epoch %d of %d, the best one was %d", len(scores), o.Epochs, best+1)
	}
	o.Epochs, o.Progress = best+1, nil
	if _, want := train(t, c, o); !slices.Equal(got, want) {
		t.Errorf("not the parameters after epoch %d of %d", best+1, len(scores))
	}
	o.Epochs = len(scores)
	o.Patience = 0
	if _, same := train(t, c, o); !slices.Equal(got, same) {
		t.Error("without patience, the best of the same epochs is another")
	}
}

// TestStopsWhereNothingIsLeft: a task that is learned at once ends early, with the rate
// down at zero, and the same when it is interrupted as the rate falls; without patience
// it goes on.
func TestStopsWhereNothingIsLeft(t *testing.T) {
	c := small(1, false)
	easy := func(rng *rand.Rand, windows int) Data {
		d := task(rng, c, windows, 11)
		for i := range d.Y {
			d.Y[i] = int16(int(d.X[i*d.Features]) % c.Classes)
		}
		return d
	}
	run := func(ctx context.Context, o Options) (*Net, error) {
		rng := rand.New(rand.NewPCG(5, 6))
		return Train(ctx, rng, c, easy(rng, 60), easy(rng, 20), o)
	}

	o := options()
	o.Epochs, o.Patience = 60, 60
	var last Progress
	o.Progress = func(p Progress) { last = p }
	want, err := run(context.Background(), o)
	if err != nil || last.Epoch > o.Epochs/2 || last.Step != last.Steps || last.Score < nearAll {
		t.Fatalf("ended with %+v, error %v", last, err)
	}

	ctx, stop := context.WithCancel(context.Background())
	o.Checkpoint = memo{}
	end := last.Epoch
	o.Progress = func(p Progress) {
		if p.Epoch == end-1 {
			stop()
		}
	}
	if _, err := run(ctx, o); err == nil {
		t.Fatal("not stopped")
	}
	o.Progress = func(p Progress) { last = p }
	if got, err := run(context.Background(), o); err != nil || last.Epoch != end || !slices.Equal(got.w, want.w) {
		t.Errorf("resumed: ended with %+v, error %v, or another model", last, err)
	}

	o.Patience, o.Checkpoint = 0, nil
	if _, err := run(context.Background(), o); err != nil || last.Epoch != o.Epochs {
		t.Errorf("without patience: ended with %+v, error %v", last, err)
	}
}

// TestNoValidation: without validation windows no epoch is the best one, none
// is left out, and the parameters are the last ones.
func TestNoValidation(t *testing.T) {
	c := small(1, false)
	rng := rand.New(rand.NewPCG(1, 1))
	d := task(rng, c, 20, 5)
	o := options()
	o.Epochs, o.Patience = 6, 1
	var first []byte
	for _, valid := range []Data{{}, {Steps: d.Steps, Features: d.Features}, {Steps: d.Steps, Features: d.Features, X: []uint16{}, Y: []int16{}}} {
		epochs := 0
		o.Progress = func(p Progress) {
			if epochs++; !math.IsNaN(p.Score) {
				t.Errorf("epoch %d: score %v of no windows", p.Epoch, p.Score)
			}
		}
		o.Checkpoint = memo{}
		n, err := Train(context.Background(), rand.New(rand.NewPCG(2, 2)), c, d, valid, o)
		if err != nil {
			t.Fatal(err)
		}
		if epochs != o.Epochs {
			t.Errorf("%d epochs, want all %d", epochs, o.Epochs)
		}
		if b := parameters(n); first == nil {
			first = b
		} else if !slices.Equal(first, b) {
			t.Errorf("%+v: another model", valid)
		}
	}
	if n, err := Train(context.Background(), rng, c, Data{}, Data{}, o); err != nil || n == nil {
		t.Errorf("no windows at all: error %v", err)
	}
}
