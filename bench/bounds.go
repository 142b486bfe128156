package bench

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"veilbench/attacks"
	"veilbench/bench/draws"
	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/stats"
	"veilbench/bench/truth"
	"veilbench/datasets"
)

// Limits of the vectors that a fold compares: of more, some are drawn by seed.
const (
	boundTrain = 1500
	boundTests = 300
)

// informationBins is how many bins, of about equally many training vectors,
// the values of a feature fall into for its mutual information.
const informationBins = 8

// bounds computes those of an adaptive cell whose attack has vectors, for the
// first draw of the defense; nil for other cells. It has none either where a
// defense learns anew for each of several parts of a fold: no two of their
// vectors can be compared.
func (r *runner) bounds(u unit, j job) ([]results.Bound, error) {
	f, ok := j.attack.(attacks.Featurer)
	if !ok || j.cell.Knowledge != results.Adaptive || j.cell.Draw > 0 || len(j.fold) > 1 && Fitted(u.defense) {
		return nil, nil
	}

	b := bounder{r: r, u: u, j: j, f: f, merge: score.NewClasses(u.ds.Same), class: map[string]int32{}}
	var train, tests itemPool

	for p := range j.fold {
		if err := b.gather(&train, p, TrainRole, part{u, j, p}.recordings().Train); err != nil {
			return nil, err
		}
		if err := b.gather(&tests, p, TestRole, j.fold[p].Test); err != nil {
			return nil, err
		}
	}
	if b.sets == 0 || len(train.items) == 0 || len(tests.items) == 0 {
		return nil, nil
	}

	// The attack has no part in the draw, so that bounds of attacks with the same
	// vectors are the same.
	g := draws.New(j.cell.Seed, "bounds", j.cell.Dataset, string(j.cell.Task), strconv.Itoa(j.cell.Fold))
	of, testOf := len(train.items), len(tests.items)
	b.thin(g, &train, boundTrain)
	b.thin(g, &tests, boundTests)

	var out []results.Bound
	for set := range b.sets {
		o := b.boundOf(set, train, tests, draws.New(j.cell.Seed, "bounds", "shuffle"))
		o.TrainOf, o.TestOf = of, testOf
		out = append(out, o)
	}
	return out, nil
}

// bounder gathers the vectors of a cell.
type bounder struct {
	r     *runner
	u     unit
	j     job
	f     attacks.Featurer
	merge score.Classes
	class map[string]int32 // numbers in order of appearance
	sets  int
}

// itemPool is the items of some recordings, each recording once.
type itemPool struct {
	from  []recordingFeatures
	items []boundItem
}

// recordingFeatures are those of recording rec, which part was the first to ask
// for.
type recordingFeatures struct {
	attacks.Features
	rec, part int
}

// boundItem is item number item of from[at].
type boundItem struct{ at, item, class int32 }

// gather adds the recordings of part n to a pool.
func (b *bounder) gather(pool *itemPool, n int, ro Role, recs []int) error {
	task, ds := b.j.cell.Task, b.u.ds
	for _, i := range recs {
		if slices.ContainsFunc(pool.from, func(p recordingFeatures) bool { return p.rec == i }) {
			continue
		}

		// Always draw 0 of the defense, in its role: training and test vectors are of
		// different draws, as those of an adaptive attacker are.
		o := b.r.view(part{b.u, b.j, n}, b.j.cell.Defense, viewOf{ro, i, 0})
		if o.err != nil {
			return o.err
		}

		l := o.truthOf(task, ds).labeled(task)
		if ro == TrainRole && task == datasets.TaskEvent {
			l = truth.WithoutUnmonitored(o.labeled(task), ds.Unmonitored)
		}
		f, err := oath.Vectors(b.f, task, l)
		if err != nil {
			return fmt.Errorf("attack %s: %w", b.j.cell.Attack, err)
		}

		if len(f.Sets) == 0 {
			continue
		}

		b.sets = len(f.Sets)
		pool.from = append(pool.from, recordingFeatures{f, i, n})
		pool.items = slices.Grow(pool.items, f.Items) // a device task has an item for each packet
		for k := range f.Items {
			pool.items = append(pool.items, boundItem{int32(len(pool.from) - 1), int32(k), b.classOf(f.Class(k))})
		}
	}
	return nil
}

// classOf numbers a class, those that nobody can tell apart as one; devices can
// always be told apart.
func (b *bounder) classOf(name string) int32 {
	if b.j.cell.Task != datasets.TaskDevice {
		name = b.merge.Class(name)
	}
	c, ok := b.class[name]
	if !ok {
		c = int32(len(b.class))
		b.class[name] = c
	}
	return c
}

// thin keeps at most n items of a pool, in their order. Packets are drawn in
// equal numbers of each class as far as it has them: the headline of the device
// task weighs classes alike, and most packets may be a defense's own.
func (b *bounder) thin(g *rand.Rand, pool *itemPool, n int) {
	var keep []int

	// Sorted, for of equally near neighbors the first of the pool counts, not the
	// first that was drawn.
	if b.j.cell.Task != datasets.TaskDevice {
		keep = someOf(g, len(pool.items), n)
	} else {
		byClass := make([][]int32, len(b.class))
		for i, it := range pool.items {
			byClass[it.class] = append(byClass[it.class], int32(i))
		}
		for _, of := range byClass {
			for _, k := range someOf(g, len(of), n/len(byClass)) {
				keep = append(keep, int(of[k]))
			}
		}
	}

	slices.Sort(keep)
	items := make([]boundItem, len(keep))
	for k, i := range keep {
		items[k] = pool.items[i]
	}
	pool.items = items
}

// someOf lists n different numbers below of, all of them when there are no more
// (Floyd's method).
func someOf(g *rand.Rand, of, n int) []int {
	var out []int
	seen := map[int]bool{}

	for j := max(of-n, 0); j < of; j++ {
		k := j
		if of > n {
			k = g.IntN(j + 1)
		}
		if seen[k] {
			k = j
		}
		seen[k] = true
		out = append(out, k)
	}
	return out
}

// boundOf computes the bound of one feature set.
func (b *bounder) boundOf(set int, train, tests itemPool, g *rand.Rand) results.Bound {
	s := train.from[0].Sets[set]
	o := results.Bound{Set: s.Name, Train: len(train.items), Tested: len(tests.items)}

	x, y := train.vectors(set), tests.vectors(set)
	occurs := make([]bool, len(b.class))
	for _, it := range slices.Concat(train.items, tests.items) {
		occurs[it.class] = true
	}
	for _, c := range occurs {
		if c {
			o.Classes++
		}
	}

	// Before standardize, which works in place: bins are cut of the attack's own
	// values, not of rounded ones.
	addInformation(&o, s.Names, x, train.items, len(b.class), g)
	standardize(x, y)

	for i, it := range tests.items {
		part := b.j.fold[tests.from[it.at].part].Train

		// Training vectors of all parts lie in one pool, but a test item may be compared
		// only with what its own part trains on.
		if near := nearest(x, &train, y[i], part, len(b.j.fold) > 1); near < 0 || train.items[near].class != it.class {
			o.Wrong++
		}
	}
	return o
}

func (p *itemPool) vectors(set int) [][]float32 {
	out := make([][]float32, len(p.items))
	for i, it := range p.items {
		out[i] = p.from[it.at].Sets[set].Vector(int(it.item))
	}
	return out
}

// nearest is the training item nearest to v, the first of equally near ones,
// among those whose recordings are in part if that is asked; -1 for none.
func nearest(x [][]float32, train *itemPool, v []float32, part []int, only bool) int {
	best, at := float32(math.Inf(1)), -1
	for k, t := range train.items {
		if only {
			if _, ok := slices.BinarySearch(part, train.from[t.at].rec); !ok {
				continue
			}
		}
		if d := distanceBelow(x[k], v, best); d < best {
			best, at = d, k
		}
	}
	return at
}

// distanceBelow is the squared distance of a and b, or something not below
// limit when it is not below limit.
func distanceBelow(a, b []float32, limit float32) float32 {
	var d float32

	// The sum only grows, so that a look at limit after every fourth term tells as
	// much as one after each, and its terms still add up in the same order.
	for len(a) >= 4 && len(b) >= 4 {
		e, f, g, h := a[0]-b[0], a[1]-b[1], a[2]-b[2], a[3]-b[3]
		d += e * e
		d += f * f
		d += g * g
		d += h * h
		if d >= limit {
			return d
		}
		a, b = a[4:], b[4:]
	}
	for i, x := range a {
		e := x - b[i]
		d += e * e
	}
	return d
}

// standardize divides every feature by its standard deviation in training, so
// that bytes do not drown seconds. One that is constant there says nothing and
// becomes 0.
func standardize(train, tests [][]float32) {
	for j := range train[0] {
		var sum, square float64

		for _, v := range train {
			sum += float64(v[j])
		}

		// A second pass: the mean of squares less the square of the mean would cancel for
		// values as large and close as times of a day.
		mean := sum / float64(len(train))
		for _, v := range train {
			square += (float64(v[j]) - mean) * (float64(v[j]) - mean)
		}

		scale := 0.0
		if square > 0 {
			scale = 1 / math.Sqrt(square/float64(len(train)))
		}

		for _, vs := range [2][][]float32{train, tests} {
			for _, v := range vs {
				v[j] = float32((float64(v[j]) - mean) * scale)
			}
		}
	}
}

// addInformation fills in what features tell of the class: over training
// vectors, each feature cut into informationBins bins.
func addInformation(o *results.Bound, names []string, x [][]float32, items []boundItem, classes int, g *rand.Rand) {
	of, count := make([]int, len(items)), make([]int, classes)
	for i, it := range items {
		of[i] = int(it.class)
		count[of[i]]++
	}
	o.ClassBits = round4(entropy(count))

	// Classes of a shuffled row share nothing with features: what is found there is
	// what so few vectors show by chance.
	shuffled := slices.Clone(of)
	g.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })

	column := make([]float32, len(x))
	for j, name := range names {
		for i, v := range x {
			column[i] = v[j]
		}

		bin, bins := binned(column)
		if bins < 2 {
			continue
		}

		if bits := round4(information(bin, bins, of, classes)); bits > 0 {
			o.Features = append(o.Features, results.FeatureBits{Name: name, Bits: bits})
		}
		o.ChanceBits = max(o.ChanceBits, round4(information(bin, bins, shuffled, classes)))
	}
}

// information is the mutual information of bins and classes in bits.
func information(bin []int, bins int, class []int, classes int) float64 {
	counts := make([][]int, bins)
	for i := range counts {
		counts[i] = make([]int, classes)
	}
	for i, b := range bin {
		counts[b][class[i]]++
	}
	return stats.MutualInformation(counts)
}

// binned cuts values at their quantiles; equal values share a bin.
func binned(v []float32) (bin []int, bins int) {
	sorted := slices.Sorted(slices.Values(v))
	var cuts []float32 // the least value of each bin but the first
	for k := 1; k < informationBins; k++ {
		c := sorted[k*len(sorted)/informationBins]
		if c > sorted[0] && (len(cuts) == 0 || c > cuts[len(cuts)-1]) {
			cuts = append(cuts, c)
		}
	}

	bin = make([]int, len(v))
	for i, x := range v {
		bin[i], _ = slices.BinarySearchFunc(cuts, x, func(c, x float32) int {
			return cmp.Or(cmp.Compare(c, x), -1) // a cut belongs to the bin it opens
		})
	}
	return bin, len(cuts) + 1
}

// entropy of counts in bits.
func entropy(counts []int) float64 {
	total, sum := 0, 0.0
	for _, c := range counts {
		total += c
	}
	for _, c := range counts {
		if c > 0 {
			p := float64(c) / float64(total)
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// round4 keeps four digits after the point: more is noise in a file.
func round4(v float64) float64 { return math.Round(v*1e4) / 1e4 }
