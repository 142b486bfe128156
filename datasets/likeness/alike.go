package likeness

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// lengthStep is the width of a class of lengths in bytes: firmware moves lengths by
// the blocks of a cipher.
const lengthStep = 16

// Lengths is how alike two devices are in the lengths of their packets, up and
// down apart: 1 less the Jensen-Shannon divergence in bits of the two
// distributions. It is 1 for equal ones and 0 for those without a common length.
func Lengths(a, b Device) (like float64, ok bool) {
	if a.Packets == 0 || b.Packets == 0 {
		return 0, false
	}
	classes := map[int32]bool{}
	for _, d := range []Device{a, b} {
		for c := range d.lengths {
			classes[c] = true
		}
	}

	// In order, for sums of floats depend on it.
	var divergence float64
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		p, q := a.lengths[c]/float64(a.Packets), b.lengths[c]/float64(b.Packets)
		for _, x := range []float64{p, q} {
			if x > 0 {
				divergence += x / 2 * math.Log2(2*x/(p+q))
			}
		}
	}
	return 1 - divergence, true
}

// fewestEvents is how many events a mean course needs.
const fewestEvents = 5

// Courses is how alike two devices are in the course of their traffic after an
// event: the correlation of the logarithms of their mean bytes by second, up and
// down, for 20 s. ok is false for devices with fewer than five events, and for those
// whose traffic has no course.
func Courses(a, b Device) (like float64, ok bool) {
	if a.Events < fewestEvents || b.Events < fewestEvents {
		return 0, false
	}
	x, y := a.shape(), b.shape()
	var xx, yy, xy float64
	for i := range x {
		xx, yy, xy = xx+x[i]*x[i], yy+y[i]*y[i], xy+x[i]*y[i]
	}
	if xx == 0 || yy == 0 {
		return 0, false
	}
	return xy / math.Sqrt(xx*yy), true
}

// shape is the course of d in logarithms, less its mean: how much more or less than
// usual goes by, so many times.
func (d Device) shape() []float64 {
	out := make([]float64, len(d.course))
	var mean float64
	for i, bytes := range d.course {
		out[i] = math.Log1p(bytes / float64(d.Events))
		mean += out[i] / float64(len(out))
	}
	for i := range out {
		out[i] -= mean
	}
	return out
}

// Comparison holds how alike devices of one category are against those of two.
type Comparison struct {
	// Within and Across are means over pairs of devices, of which there are so many.
	Within, Across           float64
	WithinPairs, AcrossPairs int
	// P is how often the difference is as large when categories are dealt out among
	// the devices anew: small where categories say something.
	P float64
}

// deals is how often categories are dealt out anew.
const deals = 9999

// Compare compares devices that have a category other than computer. ok is false
// where there is no pair of one category, or none of two.
func Compare(devices []Device, like func(a, b Device) (float64, bool)) (c Comparison, ok bool) {
	devices = slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Category == "" || d.Category == computer })
	type pair struct {
		a, b int
		like float64
	}
	var pairs []pair
	for a := range devices {
		for b := range a {
			if v, ok := like(devices[a], devices[b]); ok {
				pairs = append(pairs, pair{a, b, v})
			}
		}
	}

	difference := func(category []string) (c Comparison) {
		for _, p := range pairs {
			if category[p.a] == category[p.b] {
				c.Within, c.WithinPairs = c.Within+p.like, c.WithinPairs+1
			} else {
				c.Across, c.AcrossPairs = c.Across+p.like, c.AcrossPairs+1
			}
		}
		c.Within, c.Across = c.Within/float64(max(c.WithinPairs, 1)), c.Across/float64(max(c.AcrossPairs, 1))
		return c
	}
	category := make([]string, len(devices))
	for i, d := range devices {
		category[i] = d.Category
	}
	c = difference(category)
	if c.WithinPairs == 0 || c.AcrossPairs == 0 {
		return c, false
	}

	// The categories as they are count as one of the deals, so p is never 0. The
	// generator is a fixed one: the same data give the same p.
	rng := rand.New(rand.NewPCG(1, 1))
	as := 1
	for range deals {
		rng.Shuffle(len(category), func(i, j int) { category[i], category[j] = category[j], category[i] })
		if d := difference(category); d.Within-d.Across >= c.Within-c.Across-1e-12 {
			as++
		}
	}
	c.P = float64(as) / (deals + 1)
	return c, true
}
