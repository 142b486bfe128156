package forest

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// plainCut is the search for the best cut as the definition has it: every cut
// between bins that occur, class counts made anew for each.
func plainCut(rows []drawn, col []uint8, classes int) (score float64, bin int) {
	score, bin = -1, -1
	for cut := range maxBins {
		l, r := make([]float64, classes), make([]float64, classes)
		var nl, nr, l2, r2 float64
		next, here := maxBins, false
		for _, d := range rows {
			switch b := int(col[d.row()]); {
			case b <= cut:
				l[d.class()] += float64(d.weight())
				nl += float64(d.weight())
				here = here || b == cut
			default:
				r[d.class()] += float64(d.weight())
				nr += float64(d.weight())
				next = min(next, b)
			}
		}
		if !here || nr == 0 {
			continue
		}
		for c := range classes {
			l2 += l[c] * l[c]
			r2 += r[c] * r[c]
		}
		if s := l2/nl + r2/nr; s > score {
			score, bin = s, (cut+next)/2
		}
	}
	return score, bin
}

// TestForestCuts compares the searches with the plain one on random nodes of
// all sizes, that of two bins where there are no more.
func TestForestCuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for trial := range 300 {
		n, classes, spread := 1+rng.IntN(60), 1+rng.IntN(20), 1+rng.IntN(256)
		if trial%3 == 0 {
			spread = 2
		}
		if trial%10 == 1 {
			n = sortedNode - rng.IntN(sortedNode-60)
		}
		col, y := make([]uint8, n), make([]int32, n)
		rows := make([]drawn, n)
		for i := range rows {
			col[i], y[i] = uint8(rng.IntN(spread)), int32(rng.IntN(classes))
			rows[i] = newDrawn(i, y[i], uint8(1+rng.IntN(4)))
		}
		g := newGrower(&binned{rows: n, cols: []column{{col, int(slices.Max(col)) + 1}}, y: y}, classes, 0)
		all := node{rows: rows, counts: g.countClasses(rows, make([]int32, classes))}
		for _, c := range all.counts {
			all.total += int64(c)
			all.squares += int64(c) * int64(c)
		}
		want, wantBin := plainCut(rows, col, classes)

		plain := *g
		plain.vectors = false
		searches := map[string]func(node, *column, float64) (float64, int){
			"sorted": g.cutSorted, "sorted without vectors": plain.cutSorted, "histogram": g.cutHistogram,
		}
		if spread <= 2 {
			searches["binary"] = g.cutBinary
		}
		for name, search := range searches {
			for _, beat := range []float64{-1, want * rng.Float64(), math.Nextafter(want, 0)} {
				if got, bin := search(all, &g.d.cols[0], beat); wantBin >= 0 && (bin != wantBin || got != want) {
					t.Fatalf("trial %d, %s: cut at %d scores %v, want %d and %v", trial, name, bin, got, wantBin, want)
				}
			}
			for _, beat := range []float64{want, want + rng.Float64()} {
				if got, bin := search(all, &g.d.cols[0], beat); bin != -1 {
					t.Fatalf("trial %d, %s: cut at %d scores %v, and %v was to beat", trial, name, bin, got, beat)
				}
			}
		}
	}
}

// plainGrow appends the subtree of rows to t as growNode does, by the plain search.
func plainGrow(g *grower, rows []drawn, t *tree) {
	me := len(t.nodes)
	t.nodes = append(t.nodes, forestNode{})
	counts := make([]float32, g.classes)
	var total float32
	for _, r := range rows {
		counts[r.class()] += float32(r.weight())
		total += float32(r.weight())
	}
	pure := slices.Index(counts, total)

	best, feature, bin := -1.0, -1, 0
	for k := 0; pure < 0 && k < len(g.perm) && (k < g.tries || feature < 0); k++ {
		j := k + int(g.below(uint64(len(g.perm)-k)))
		g.perm[k], g.perm[j] = g.perm[j], g.perm[k]
		if s, b := plainCut(rows, g.d.cols[g.perm[k]].of, g.classes); b >= 0 && s > best {
			best, feature, bin = s, int(g.perm[k]), b
		}
	}
	if feature < 0 {
		t.nodes[me] = forestNode{feature: leafFeature, right: int32(pure)}
		if pure < 0 {
			t.nodes[me].right = int32(-1 - len(t.mixed)/g.classes)
			for _, n := range counts {
				t.mixed = append(t.mixed, n/total)
			}
		}
		return
	}

	var left, right []drawn
	for _, r := range rows {
		if int(g.d.cols[feature].of[r.row()]) <= bin {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	plainGrow(g, left, t)
	t.nodes[me] = forestNode{feature: uint16(feature), bin: uint8(bin), right: int32(len(t.nodes))}
	plainGrow(g, right, t)
}

// TestForestTrees compares trees with those of the plain search, over columns of one
// bin, of two and of many, with vectors and without.
func TestForestTrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	for trial := range 40 {
		rows, classes := 1+rng.IntN(600), 1+rng.IntN(20)
		b := &binned{rows: rows, y: make([]int32, rows)}
		for i := range b.y {
			b.y[i] = int32(rng.IntN(classes))
		}
		for range 1 + rng.IntN(12) {
			bins := []int{1, 2, 2 + rng.IntN(20), 256}[rng.IntN(4)]
			col := make([]uint8, rows)
			for i := range col {
				col[i] = uint8((rng.IntN(bins) + int(b.y[i])*rng.IntN(bins)) % bins)
			}
			b.cols = append(b.cols, column{col, bins})
		}

		g, plain := newGrower(b, classes, 5), newGrower(b, classes, 5)
		g.vectors = g.vectors && trial%2 == 0
		var want tree
		plainGrow(plain, plain.bootstrap(trial), &want)
		if got := g.grow(trial); !slices.Equal(got.nodes, want.nodes) || !slices.Equal(got.mixed, want.mixed) {
			t.Fatalf("trial %d: %d nodes over %d rows differ from the plain %d", trial, len(got.nodes), rows, len(want.nodes))
		}
	}
}

// blobs are rows around one center per class, with columns that say nothing.
func blobs(rng *rand.Rand, rows, columns, classes int) (cols [][]float32, y []int32) {
	y = make([]int32, rows)
	for i := range y {
		y[i] = int32(rng.IntN(classes))
	}
	cols = make([][]float32, columns)
	for j := range cols {
		center := make([]float32, classes)
		for c := range center {
			if j%2 == 0 {
				center[c] = float32(rng.NormFloat64())
			}
		}
		cols[j] = make([]float32, rows)
		for i := range cols[j] {
			cols[j][i] = center[y[i]] + float32(rng.NormFloat64())
		}
	}
	return cols, y
}

func trainForest(t testing.TB, cols [][]float32, y []int32, classes int, o Options) *Forest {
	t.Helper()
	f, err := Train(context.Background(), cols, y, classes, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func forestAccuracy(t testing.TB, f *Forest, cols [][]float32, y []int32) float64 {
	t.Helper()
	p, err := f.PredictAll(context.Background(), cols, 0)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, c := range y {
		row := p[i*f.classes : (i+1)*f.classes]
		best := 0
		for k, v := range row {
			if v > row[best] {
				best = k
			}
		}
		if int32(best) == c {
			right++
		}
	}
	return float64(right) / float64(len(y))
}

// TestForestWorkers: the forest and its predictions are the same for any
// number of workers.
func TestForestWorkers(t *testing.T) {
	cols, y := blobs(rand.New(rand.NewPCG(3, 3)), 3000, 12, 5)
	one := trainForest(t, cols, y, 5, Options{Trees: 12, Seed: 4, Workers: 1})
	if three := trainForest(t, cols, y, 5, Options{Trees: 12, Seed: 4, Workers: 3}); !reflect.DeepEqual(one, three) {
		t.Error("one worker and three grow different forests")
	}
	if other := trainForest(t, cols, y, 5, Options{Trees: 12, Seed: 5}); reflect.DeepEqual(one, other) {
		t.Error("another seed grows the same forest")
	}
	all, err := one.PredictAll(context.Background(), cols, 2)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := one.PredictAll(context.Background(), cols, 3); !reflect.DeepEqual(all, again) {
		t.Error("predictions depend on the number of workers")
	}
}

// TestForestPredictAll compares it with Predict, on forests of every shape:
// one column and many, all bins, classes that a walkNode cannot hold, mixed
// leaves, trees that are a single leaf, and any number of rows.
func TestForestPredictAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		rows, columns, classes int
		coarse                 float32 // values are multiples of it, so that rows are alike; 0: all differ
		mixed                  bool    // there are leaves of several classes
	}{
		{3000, 12, 5, 0, false},
		{600, 1, 3, 0, true}, // more values than bins
		{900, 90, 300, 0, false},
		{2000, 7, 4, 2, true},
		{700, 5, 260, 3, true},
		{50, 3, 2, 1000, true}, // every tree is a single leaf
		{1, 2, 2, 0, false},
	} {
		cols, y := blobs(rng, c.rows, c.columns, c.classes)
		for _, col := range cols {
			for i := range col {
				if c.coarse > 0 {
					col[i] -= float32(math.Mod(float64(col[i]), float64(c.coarse)))
				}
			}
		}
		f := trainForest(t, cols, y, c.classes, Options{Trees: 12})
		if mixed := slices.ContainsFunc(f.trees, func(t tree) bool { return len(t.mixed) > 0 }); mixed != c.mixed {
			t.Errorf("%+v: mixed leaves %v", c, mixed)
		}
		for _, n := range []int{0, 1, walkRows - 1, walkRows + 1, c.rows} {
			comparePredictions(t, f, cols, min(n, c.rows))
		}
	}
}

func comparePredictions(t *testing.T, f *Forest, cols [][]float32, rows int) {
	t.Helper()
	head := make([][]float32, len(cols))
	for j := range head {
		head[j] = cols[j][:rows]
	}
	all, err := f.PredictAll(context.Background(), head, 2)
	if err != nil || len(all) != rows*f.classes {
		t.Fatalf("%d values for %d rows of %d classes, %v", len(all), rows, f.classes, err)
	}
	row, probs := make([]float32, len(cols)), make([]float64, f.classes)
	for i := range rows {
		for j := range cols {
			row[j] = cols[j][i]
		}
		f.Predict(row, probs)
		for c, p := range probs {
			if got := all[i*f.classes+c]; math.Abs(p-float64(got)) > 1e-5 {
				t.Fatalf("row %d class %d: Predict %v, PredictAll %v", i, c, p, got)
			}
		}
	}
}

// raggedTree is a random tree over the given columns whose depths differ
// widely.
func raggedTree(rng *rand.Rand, columns, classes, depth int) []forestNode {
	if depth == 0 || rng.IntN(6) == 0 {
		return []forestNode{{feature: leafFeature, right: int32(rng.IntN(classes))}}
	}
	left := raggedTree(rng, columns, classes, depth-1)
	right := raggedTree(rng, columns, classes, depth-1)
	here := forestNode{feature: uint16(rng.IntN(columns)), bin: uint8(rng.IntN(maxBins)), right: int32(1 + len(left))}
	all := []forestNode{here}
	for k, sub := range [][]forestNode{left, right} {
		by := []int32{1, here.right}[k]
		for _, n := range sub {
			if n.feature != leafFeature {
				n.right += by
			}
			all = append(all, n)
		}
	}
	return all
}

// TestForestStep compares the kernel with the plain one, pass by pass.
func TestForestStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		columns, rows := 1+rng.IntN(40), 1+rng.IntN(walkRows)
		w := newWalk(tree{nodes: raggedTree(rng, columns, 5, rng.IntN(13))})
		bins := make([]uint8, rows*columns)
		for i := range bins {
			bins[i] = uint8(rng.IntN(maxBins))
		}
		var fast, plain struct{ at, list [walkRows]uint32 }
		for i := range rows {
			fast.list[i], plain.list[i] = uint32(i), uint32(i)
		}
		for left := rows; left > 0; {
			a := stepRows(w.nodes, bins, columns, &fast.at, fast.list[:left])
			b := plainStepRows(w.nodes, bins, columns, &plain.at, plain.list[:left])
			if a != b || fast.at != plain.at || !slices.Equal(fast.list[:a], plain.list[:a]) {
				t.Fatalf("%d columns, %d nodes, %d rows: the kernel leaves %d rows, the plain one %d", columns, len(w.nodes), rows, a, b)
			}
			left = a
		}
	}
}

// TestForestLearns: separable blobs are learned, shuffled labels are not, and
// rows that nothing tells apart get the share of their classes.
func TestForestLearns(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	cols, y := blobs(rng, 4000, 16, 4)
	cut := func(lo, hi int) [][]float32 {
		out := make([][]float32, len(cols))
		for j := range cols {
			out[j] = cols[j][lo:hi]
		}
		return out
	}
	if a := forestAccuracy(t, trainForest(t, cut(0, 3000), y[:3000], 4, Options{Trees: 50}), cut(3000, 4000), y[3000:]); a < 0.85 {
		t.Errorf("accuracy %.3f on blobs, want 0.85 or more", a)
	}
	noise := make([]int32, len(y))
	for i := range noise {
		noise[i] = int32(rng.IntN(4))
	}
	if a := forestAccuracy(t, trainForest(t, cut(0, 3000), noise[:3000], 4, Options{Trees: 50}), cut(3000, 4000), noise[3000:]); a > 0.30 {
		t.Errorf("accuracy %.3f on labels that mean nothing", a)
	}
	same := [][]float32{make([]float32, 1000)}
	half := make([]int32, 1000)
	for i := range half {
		half[i] = int32(i % 4 / 3) // one in four is class 1
	}
	probs := make([]float64, 2)
	trainForest(t, same, half, 2, Options{}).Predict([]float32{0}, probs)
	if math.Abs(probs[1]-0.25) > 0.02 {
		t.Errorf("probability of class 1 is %.3f, want about 0.25", probs[1])
	}
}

func TestForestRefuses(t *testing.T) {
	ok := [][]float32{{1, 2}}
	for name, try := range map[string]func() (*Forest, error){
		"no rows":    func() (*Forest, error) { return Train(context.Background(), ok, nil, 2, Options{}) },
		"no columns": func() (*Forest, error) { return Train(context.Background(), nil, []int32{0}, 2, Options{}) },
		"ragged":     func() (*Forest, error) { return Train(context.Background(), ok, []int32{0}, 2, Options{}) },
		"class too high": func() (*Forest, error) {
			return Train(context.Background(), ok, []int32{0, 2}, 2, Options{})
		},
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Train(ctx, ok, []int32{0, 1}, 2, Options{}); err == nil {
		t.Error("training went on although the context had ended")
	}
}

// TestForestMemory: a bound that holds changes nothing, one byte less refuses.
func TestForestMemory(t *testing.T) {
	cols, y := blobs(rand.New(rand.NewPCG(3, 3)), 2000, 6, 3)
	f := trainForest(t, cols, y, 3, Options{Trees: 10, Seed: 4})
	var bytes int64
	for _, tr := range f.trees {
		bytes += int64(len(tr.nodes)*8 + len(tr.mixed)*4)
	}
	for _, w := range f.walks {
		bytes += int64(len(w.nodes)*8 + len(w.leaf)*4)
	}
	if same := trainForest(t, cols, y, 3, Options{Trees: 10, Seed: 4, Memory: bytes}); !reflect.DeepEqual(f, same) {
		t.Error("a bound that holds changes the forest")
	}
	_, err := Train(context.Background(), cols, y, 3, Options{Trees: 10, Seed: 4, Memory: bytes - 1})
	if err == nil || !strings.Contains(err.Error(), "10 trees over 2000 rows need more than") {
		t.Errorf("one byte less: error %v", err)
	}
}

// TestRadix: few and many keys come out as a plain sort has them, and floats as they
// went in.
func TestRadix(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	var r radix // used again, as a worker does
	for range 60 {
		r.keys = r.keys[:0]
		for range rng.IntN(5000) {
			v := float32(rng.NormFloat64() * math.Exp(20*rng.NormFloat64()))
			if got := floatOf(uint32(orderedBits(v))); got != v {
				t.Fatalf("%v comes back as %v", v, got)
			}
			r.keys = append(r.keys, uint32(orderedBits(v)))
		}
		want := slices.Clone(r.keys)
		slices.Sort(want)
		if got := r.sort(); !slices.Equal(got, want) {
			t.Fatalf("%d keys are not in order", len(want))
		}
	}
}

// TestForestBins: the branch-free search agrees with the plain one.
func TestForestBins(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for trial := range 60 {
		col := make([]float32, 1+rng.IntN(2000))
		for i := range col {
			col[i] = float32(math.Round(rng.NormFloat64() * math.Pow(10, rng.Float64()*4-1)))
			if trial%3 == 0 {
				col[i] = float32(rng.IntN(2)) // two values and, below, sometimes more
			}
		}
		if trial%2 == 0 {
			col[0] = float32(math.NaN())
			col[len(col)/2] = float32(math.Inf(1))
		}
		cuts := new(radix).columnCuts(col)
		if len(cuts) >= maxBins {
			t.Fatalf("%d cuts", len(cuts))
		}
		for i, b := range binColumn(make([]uint8, len(col)), cuts, col) {
			if want := binOf(cuts, col[i]); b != want {
				t.Fatalf("value %v is in bin %d, want %d", col[i], b, want)
			}
		}
		plain := make([]uint8, len(col))
		plainBins(plain, cuts, col)
		for i, b := range plain {
			if want := binOf(cuts, col[i]); b != want {
				t.Fatalf("without vectors: value %v is in bin %d, want %d", col[i], b, want)
			}
		}
	}
}

// TestBelow: draws are those of rand.Rand, which forests of before were grown with.
func TestBelow(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 64, 1000, 1<<31 + 1, 3 << 60} {
		g, want := grower{rng: rand.NewPCG(1, n)}, rand.New(rand.NewPCG(1, n))
		for range 1000 {
			if a, b := g.below(n), want.Uint64N(n); a != b {
				t.Fatalf("below %d: %d, want %d", n, a, b)
			}
			if a, b := g.below(n), want.IntN(int(n)); a != uint64(b) {
				t.Fatalf("int below %d: %d, want %d", n, a, b)
			}
			if n32 := uint32(min(n, math.MaxUint32)); g.below(uint64(n32)) != uint64(want.Uint32N(n32)) {
				t.Fatalf("uint32 below %d: another draw", n32)
			}
		}
	}
}
