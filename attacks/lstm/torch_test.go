package lstm

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// mix is the integer hash of testdata/reference.py.
func mix(i, salt uint32) uint32 {
	x := i*2654435761 + salt*40503 + 12345
	x ^= x >> 15
	x *= 2246822519
	return x ^ x>>13
}

// referenceData is data() of testdata/reference.py.
func referenceData(rounds, batch, steps int, c Config) Data {
	d := Data{Steps: steps, Features: len(c.Vocab)}
	for i := range rounds * batch * steps {
		for f, v := range c.Vocab {
			d.X = append(d.X, uint16(mix(uint32(i*3+f), 777)%uint32(v)))
		}
		y := int(d.X[i*3] + d.X[i*3+2])
		if i%steps > 0 {
			y += int(d.X[i*3-2])
		}
		if y %= c.Classes; i%9 == 8 {
			y = -1
		}
		d.Y = append(d.Y, int16(y))
	}
	return d
}

// TestTrainingEqualsPyTorch trains from the same parameters on the same
// batches as testdata/reference.py did with PyTorch, whose losses are in
// testdata/reference.json, and compares the loss of each of 20 steps.
func TestTrainingEqualsPyTorch(t *testing.T) {
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var refs []struct {
		Layers  int
		Both    bool
		Clip    float64
		Weights []float32
		Losses  []float64
	}
	if err := json.Unmarshal(raw, &refs); err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		for _, kr := range kernels() {
			t.Run(fmt.Sprintf("layers=%d/both=%v/%v", ref.Layers, ref.Both, kr), func(t *testing.T) {
				c := Config{Vocab: []int{7, 3, 20}, Dim: []int{4, 2, 6}, Hidden: 32, Layers: ref.Layers, Bidirectional: ref.Both, Classes: 5}
				n, err := newRandom(rand.New(rand.NewPCG(1, 1)), c)
				if err != nil {
					t.Fatal(err)
				}
				for salt, p := range n.ts {
					for i := range p.W {
						p.W[i] = float32((float64(mix(uint32(i), uint32(salt))>>8)/(1<<24)*2 - 1) * 0.4)
					}
				}
				n.refresh(kr)
				const batch, batches = 16, 2
				d := referenceData(batches, batch, 12, c)
				o := Options{Workers: 2, Clip: ref.Clip}
				if len(ref.Weights) > 0 {
					o.ClassWeights = ref.Weights
				}
				s := newStepper(n, d.Steps, batch, o, [2]uint64{})
				worst := 0.0
				for i, want := range ref.Losses {
					got := s.takeStep(d, all(d)[i%batches*batch:][:batch], 3e-2)
					worst = max(worst, math.Abs(got-want))
					if math.Abs(got-want) > 1e-3 {
						t.Errorf("step %d: loss %.6f, PyTorch %.6f", i+1, got, want)
					}
				}
				t.Logf("largest difference %.2g", worst)
			})
		}
	}
}
