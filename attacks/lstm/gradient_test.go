package lstm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGradients compares the gradient of every parameter tensor with central
// differences: its three largest entries, and the slope along the gradient.
// With dropout the masks stay the same, as they do between steps.
func TestGradients(t *testing.T) {
	for _, kr := range kernels() {
		for _, layers := range []int{1, 2} {
			for _, both := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/layers=%d/both=%v", kr, layers, both), func(t *testing.T) {
					checkGradients(t, kr, small(layers, both), 0)
					checkGradients(t, kr, numbers(layers, both), 0)
					checkGradients(t, kr, small(layers, both), 0.3)
				})
			}
		}
	}
}

// gradients is the gradient of a random network on random windows, and the
// loss as a function of the network's parameters.
func gradients(t *testing.T, kr Kernel, c Config, windows, steps int, dropout float64) (n *Net, g []float32, loss func() float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	n, err := newRandom(rng, c)
	if err != nil {
		t.Fatal(err)
	}
	n.refresh(kr)
	d := task(rng, c, windows, steps)
	s := newStepper(n, d.Steps, d.Len(), Options{Workers: 2, Dropout: dropout, ClassWeights: []float32{1, 2, 0.5, 1}}, [2]uint64{})
	_, g = s.gradient(d, all(d))
	return n, slices.Clone(g), func() float64 {
		n.refresh(kr)
		l, _ := s.gradient(d, all(d))
		return l
	}
}

func checkGradients(t *testing.T, kr Kernel, c Config, dropout float64) {
	t.Helper()
	n, g, loss := gradients(t, kr, c, 7, 9, dropout)
	for _, p := range n.ts {
		gp := p.view(g)
		if p.Name == "embed2" && c.isNumber(2) {
			if m := slices.Max(gp) - slices.Min(gp); m != 0 {
				t.Errorf("the values of a number are learned: gradients %g apart", m)
			}
			continue
		}
		order := make([]int, len(gp))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			return -compareAbs(gp[a], gp[b])
		})
		for _, i := range order[:min(3, len(order))] {
			const e = 1e-2
			w := p.W[i]
			p.W[i] = w + e
			up := loss()
			p.W[i] = w - e
			down := loss()
			p.W[i] = w
			if want, got := (up-down)/(2*e), float64(gp[i]); math.Abs(want-got) > 2e-3*math.Abs(want)+2e-5 {
				t.Errorf("dropout %v: %s[%d]: gradient %g, difference %g", dropout, p.Name, i, got, want)
			}
		}
		checkSlope(t, p, gp, loss)
	}
}

// checkSlope compares the slope of the loss along the gradient of a tensor
// with the gradient's norm.
func checkSlope(t *testing.T, p tensor, gp []float32, loss func() float64) {
	t.Helper()
	var norm float64
	for _, x := range gp {
		norm += float64(x) * float64(x)
	}
	norm = math.Sqrt(norm)
	const e = 3e-2
	was := slices.Clone(p.W)
	slope := 0.0
	for _, sign := range []float64{1, -1} {
		for i := range p.W {
			p.W[i] = was[i] + float32(sign*e*float64(gp[i])/norm)
		}
		slope += sign * loss() / (2 * e)
	}
	copy(p.W, was)
	if math.Abs(slope-norm) > 3e-3*norm {
		t.Errorf("%s: slope along the gradient %g, norm %g", p.Name, slope, norm)
	}
}

// TestGradientsOfManyWindows takes so many windows and steps that the backward
// pass adds up the gradients of a layer in three groups of steps, the last one
// shorter, and those of the last layer in three chunks of rows.
func TestGradientsOfManyWindows(t *testing.T) {
	const windows, steps = 41, 31
	if each := (windows + 1) / batchParts; steps <= 2*(chunkK/each) || steps*each <= 2*chunkK {
		t.Fatalf("%d windows of %d steps are too few for three groups and chunks", windows, steps)
	}
	for _, kr := range kernels() {
		n, g, loss := gradients(t, kr, small(2, true), windows, steps, 0)
		for _, p := range n.ts {
			checkSlope(t, p, p.view(g), loss)
		}
	}
}

// TestTablesOfABatchAreEnough: the gradient with rows for the values of the batch
// alone is, to the byte, that with rows for all, of which most stay zero.
func TestTablesOfABatchAreEnough(t *testing.T) {
	for _, kr := range kernels() {
		for _, c := range []Config{small(1, true), small(2, false), numbers(2, true)} {
			rng := rand.New(rand.NewPCG(3, 5))
			n, err := newRandom(rng, c)
			if err != nil {
				t.Fatal(err)
			}
			n.refresh(kr)
			d := task(rng, c, 12, 3)
			s := newStepper(n, d.Steps, d.Len(), Options{Workers: 2, Dropout: 0.2}, [2]uint64{})
			for range 5 {
				windows := all(d)[:1+rng.IntN(d.Len())]
				loss, got := s.gradient(d, windows)
				got = slices.Clone(got)
				few := len(s.used.value)
				s.used.useAll(n)
				wantLoss, want := s.gradientBy(d, windows)
				if loss != wantLoss || !slices.Equal(got, want) {
					t.Fatalf("%v, %d windows, %d of %d rows: another gradient", kr, len(windows), few, len(s.used.value))
				}
			}
		}
	}
}

func compareAbs(a, b float32) int {
	x, y := math.Abs(float64(a)), math.Abs(float64(b))
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
