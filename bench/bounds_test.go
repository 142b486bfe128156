package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// boundsOf runs event-knn and event-forest on planted clips and returns the
// bounds of the cells that have any, by feature set, folds summed.
func boundsOf(t *testing.T, leak bool, d defenses.Defense) map[string]results.Bound {
	t.Helper()
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{planted.Clips(leak)}, Defenses: []defenses.Defense{defenses.None{}, d},
		Attacks: []attacks.Attack{attack(t, "event-knn:k=1"), attack(t, "event-forest:trees=5,features=hist")}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]results.Bound{}
	for _, r := range rs {
		if has := r.Cell.Knowledge == results.Adaptive; has != (len(r.Bounds) > 0) {
			t.Errorf("%s, %s, %s has %d bounds %s", r.Cell.Attack, r.Cell.Defense, r.Cell.Knowledge, len(r.Bounds), r.Err)
		}
		if r.Cell.Defense == results.NoDefense && d.Info().Name != results.NoDefense {
			continue
		}
		for _, b := range r.Bounds {
			sum := out[b.Set]
			sum.Wrong, sum.Tested, sum.Classes = sum.Wrong+b.Wrong, sum.Tested+b.Tested, b.Classes
			sum.ClassBits, sum.ChanceBits = b.ClassBits, max(sum.ChanceBits, b.ChanceBits)
			sum.Features = b.Features
			out[b.Set] = sum
		}
	}
	return out
}

// A planted leak (the parity of a size codes one of two classes, in about equal
// numbers) must give a nearest neighbor that never errs and a feature that
// tells the class whole; without it nothing may tell more than chance does.
func TestBoundsOfPlantedLeak(t *testing.T) {
	b, ok := boundsOf(t, true, defenses.None{})["sequence"]
	if !ok || b.Wrong != 0 || b.Classes != 2 || b.Tested < 20 {
		t.Errorf("with the leak: %+v", b)
	}
	if math.Abs(b.ClassBits-1) > 0.1 || mostBits(b) < 0.8*b.ClassBits {
		t.Errorf("the class has %.2f bits, the best feature tells %.2f", b.ClassBits, mostBits(b))
	}
	b = boundsOf(t, false, defenses.None{})["sequence"]
	if share := float64(b.Wrong) / float64(b.Tested); share < 0.25 || share > 0.75 {
		t.Errorf("without a leak the nearest neighbor errs for %.2f of the clips", share)
	}
}

func mostBits(b results.Bound) float64 {
	best := 0.0
	for _, f := range b.Features {
		best = max(best, f.Bits)
	}
	return best
}

// By hand: eight values fall into eight bins, equal ones together; the cut
// belongs to the bin above it.
func TestBinned(t *testing.T) {
	for _, c := range []struct {
		in   []float32
		want []int
		bins int
	}{
		{[]float32{8, 7, 6, 5, 4, 3, 2, 1}, []int{7, 6, 5, 4, 3, 2, 1, 0}, 8},
		{[]float32{1, 1, 1, 1}, []int{0, 0, 0, 0}, 1},
		{[]float32{0, 0, 0, 0, 0, 0, 0, 9}, []int{0, 0, 0, 0, 0, 0, 0, 1}, 2},
		{[]float32{5, 1, 5, 1}, []int{1, 0, 1, 0}, 2},
	} {
		got, n := binned(c.in)
		if !slices.Equal(got, c.want) || n != c.bins {
			t.Errorf("%v: bins %v of %d, want %v of %d", c.in, got, n, c.want, c.bins)
		}
	}
}

// Every draw has different numbers in range, and each number comes equally
// often: 20,000 draws of 3 of 10 give each 6,000 times, with a deviation of 65.
func TestSomeOf(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	var count [10]int
	for range 20000 {
		d := someOf(g, 10, 3)
		slices.Sort(d)
		if len(slices.Compact(slices.Clone(d))) != 3 || d[0] < 0 || d[2] > 9 {
			t.Fatalf("drew %v", d)
		}
		for _, k := range d {
			count[k]++
		}
	}
	for k, n := range count {
		if n < 5700 || n > 6300 {
			t.Errorf("%d was drawn %d times, want about 6000", k, n)
		}
	}
	if all := someOf(g, 3, 5); !slices.Equal(all, []int{0, 1, 2}) {
		t.Errorf("5 of 3 are %v", all)
	}
}

// The early-abandoning search must find what a plain one does.
func TestNearestIsNearest(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 4))
	var pool itemPool
	var x [][]float32
	draw := func() []float32 { return []float32{float32(g.IntN(6)), float32(g.IntN(6)), float32(g.IntN(6))} }
	for i := range 200 {
		pool.from = append(pool.from, recordingFeatures{rec: i})
		pool.items = append(pool.items, boundItem{at: int32(i)})
		x = append(x, draw())
	}
	for range 300 {
		v := draw()
		part := someOf(g, 200, 20)
		slices.Sort(part)
		best, at := math.Inf(1), -1
		for _, k := range part {
			d := 0.0
			for j := range v {
				d += float64(x[k][j]-v[j]) * float64(x[k][j]-v[j])
			}
			if d < best {
				best, at = d, k
			}
		}
		if got := nearest(x, &pool, v, part, true); got != at {
			t.Fatalf("nearest is %d, want %d", got, at)
		}
	}
}

// Packets are drawn in equal numbers of each class, whatever their share.
func TestPacketsAreDrawnByClass(t *testing.T) {
	b := bounder{class: map[string]int32{"cover": 0, "plug": 1, "rare": 2}}
	b.j.cell.Task = datasets.TaskDevice
	var pool itemPool
	for i := range 10000 {
		class := int32(0)
		if i%100 == 1 {
			class = 1
		}
		if i == 5000 {
			class = 2
		}
		pool.items = append(pool.items, boundItem{item: int32(i), class: class})
	}
	b.thin(rand.New(rand.NewPCG(1, 1)), &pool, 90)
	var n [3]int
	for i, it := range pool.items {
		n[it.class]++
		if i > 0 && it.item <= pool.items[i-1].item {
			t.Fatal("not in order")
		}
	}
	if n != [3]int{30, 30, 1} {
		t.Errorf("drew %v of each class, want 30, 30 and the only one", n)
	}
}

// A chain keeps the account of each stage; a defense without one has none.
func TestClaimsOfStages(t *testing.T) {
	cs, _ := claims(defense(t, "cover-stp:q=0.2+dp-shape-video-1s"))
	want := map[string]float64{"cover-stp q": 0.2, "cover-stp odds of activity in a shaped period, at most times": 5, "dp-shape epsilon down": 1, "dp-shape window": 5, "dp-shape releases in a window down": 5}
	for _, c := range cs {
		if w, ok := want[c.Stage+" "+c.Name]; ok {
			if math.Abs(c.Value-w) > 1e-9 {
				t.Errorf("%s %s is %v, want %v", c.Stage, c.Name, c.Value, w)
			}
			delete(want, c.Stage+" "+c.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not claimed: %v", want)
	}
	if cs, _ := claims(defense(t, "pad-random")); cs != nil {
		t.Errorf("pad-random claims %v", cs)
	}
}

// BenchmarkBounds is the bound of as many vectors as a fold compares at most, of 100
// features of which ten tell something of the class.
func BenchmarkBounds(b *testing.B) {
	const features, classes = 100, 10
	g := rand.New(rand.NewPCG(1, 1))
	names := make([]string, features)
	for j := range names {
		names[j] = strconv.Itoa(j)
	}
	pool := func(n int) itemPool {
		var p itemPool
		rows := make([][]float32, n)
		for i := range rows {
			rows[i] = make([]float32, features)
			class := int32(i % classes)
			for j := range rows[i] {
				rows[i][j] = float32(g.NormFloat64())
				if j < 10 {
					rows[i][j] += float32(class)
				}
			}
			p.items = append(p.items, boundItem{0, int32(i), class})
		}

		// Each call gets rows of its own, for they are standardized in place.
		vector := func(i int) []float32 { return slices.Clone(rows[i]) }
		p.from = []recordingFeatures{{Features: attacks.Features{Sets: []attacks.FeatureSet{{Name: "made", Names: names, Vector: vector}}}}}
		return p
	}

	train, tests := pool(boundTrain), pool(boundTests)
	bound := bounder{class: map[string]int32{}}
	for c := range classes {
		bound.class[strconv.Itoa(c)] = int32(c)
	}
	bound.j.fold = make(datasets.Fold, 1)
	b.ReportAllocs()
	for b.Loop() {
		bound.boundOf(0, train, tests, g)
	}
	b.ReportMetric(boundTests*float64(b.N)/b.Elapsed().Seconds(), "vectors/s")
}
