package morph

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"
)

// The monotone coupling costs what the linear program of traffic morphing
// finds to be least: minimize the sum of x_ij |s_i - t_j| over couplings of the
// two size distributions. Four source sizes and three target sizes.
func TestCouplingIsLeastCost(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 20 {
		var source, target []int32
		sizes := func(k int) (all []int32, values []int32, share []float64) {
			for len(values) < k {
				if v := 60 + rng.Int32N(1400); !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
			slices.Sort(values)
			for _, v := range values {
				n := 1 + rng.IntN(9)
				share = append(share, float64(n))
				for range n {
					all = append(all, v)
				}
			}
			for i := range share {
				share[i] /= float64(len(all))
			}
			return all, values, share
		}
		source, sv, sp := sizes(4)
		target, tv, tp := sizes(3)
		// Variables x_ij in rows; all row sums and all but one column sum.
		c, a, b := make([]float64, 12), mat.NewDense(6, 12, nil), make([]float64, 6)
		for i := range 4 {
			for j := range 3 {
				c[3*i+j] = math.Abs(float64(sv[i] - tv[j]))
				a.Set(i, 3*i+j, 1)
				if j < 2 {
					a.Set(4+j, 3*i+j, 1)
				}
			}
			b[i] = sp[i]
		}
		b[4], b[5] = tp[0], tp[1]
		want, _, err := lp.Simplex(c, a, b, 1e-12, nil)
		if err != nil {
			t.Fatal(err)
		}
		// The coupling's cost, by a fine sweep of u for every source size.
		got := 0.0
		const fine = 2000
		for i, s := range sv {
			for k := range fine {
				to := couple((float64(k)+0.5)/fine, source, target, s)
				got += sp[i] / fine * math.Abs(float64(s-to))
			}
		}
		if math.Abs(got-want) > 2 {
			t.Errorf("monotone coupling costs %v bytes a packet, the linear program %v", got, want)
		}
	}
}
