package knn

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestNearest compares the index with a plain sort over all training bursts,
// for rows that repeat a lot and a little, folds left out, and values that the
// index must refuse.
func TestNearest(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for trial := range 60 {
		d, values, scale := 1+rng.IntN(40), 1+rng.IntN(40), int32(1)
		if trial%10 == 9 {
			scale = 5000 // beyond 16 bits
		}
		vs := newVectors()
		ix := newLengthIndex(vs)
		type row struct {
			v []int32
			e entry
		}
		var rows []row
		for i := range 500 {
			v := make([]int32, d)
			for j := range v {
				v[j] = int32(rng.IntN(values)-values/2) * scale
			}
			id, _ := vs.id(v, nil)
			e := entry{order: int32(i), fold: int16(rng.IntN(4)), class: [2]int16{int16(rng.IntN(5)), 0}}
			ix.add(id, e, 9)
			rows = append(rows, row{v, e})
		}
		ix.ready()
		for range 40 {
			q := make([]int32, d)
			for j := range q {
				q[j] = int32(rng.IntN(2*values)-values) * scale
			}
			switch rng.IntN(20) {
			case 0:
				q[0] = 100000
			case 1:
				q[0] = 17000 // no difference of 16 bits
			}
			k, skip := 1+rng.IntN(9), int16(rng.IntN(5)-1)
			var want []neighbor
			for _, r := range rows {
				if r.e.fold == skip {
					continue
				}
				dist := int64(0)
				for j := range q {
					dist += int64(q[j]-r.v[j]) * int64(q[j]-r.v[j])
				}
				want = append(want, neighbor{dist, r.e})
			}
			slices.SortFunc(want, func(a, b neighbor) int {
				if a.before(b) {
					return -1
				}
				return 1
			})
			for _, ix := range []*lengthIndex{ix, ix.plain()} {
				if got := ix.nearest(q, k, skip, nil); !slices.Equal(got, want[:k]) {
					t.Fatalf("trial %d, vectors %v: %d neighbors without fold %d of %v:\n%v, want\n%v", trial, ix.tree != nil && ix.tree.vectors != nil, k, skip, q, got, want[:k])
				}
			}
		}
	}
}

// plain is ix without vectors.
func (ix *lengthIndex) plain() *lengthIndex {
	if ix.tree == nil {
		return ix
	}
	p, t := *ix, *ix.tree
	t.vectors, p.tree = nil, &t
	return &p
}

// knnInput is training rows, queries and labels.
type knnInput struct {
	rows, queries [][]int32
	labels        []int16
}

// clusteredInput draws rows like the peers' inputs: 50 classes, each with
// lengths of its own and a little noise on some of them.
func clusteredInput(n, d int) knnInput {
	rng := rand.New(rand.NewPCG(1, uint64(n+d)))
	center := make([][]int32, 50)
	for c := range center {
		center[c] = make([]int32, d)
		for j := range center[c] {
			center[c][j] = int32(54+rng.IntN(1461)) * int32(1-2*rng.IntN(2))
		}
	}
	draw := func() ([]int32, int16) {
		c := rng.IntN(len(center))
		v := slices.Clone(center[c])
		for j := range v {
			v[j] += int32(rng.NormFloat64() * 20)
		}
		return v, int16(c)
	}
	var in knnInput
	for range n {
		v, c := draw()
		in.rows, in.labels = append(in.rows, v), append(in.labels, c)
	}
	for range 1000 {
		v, _ := draw()
		in.queries = append(in.queries, v)
	}
	return in
}

func (in knnInput) index() *lengthIndex {
	vs := newVectors()
	ix := newLengthIndex(vs)
	for i, v := range in.rows {
		id, _ := vs.id(v, nil)
		ix.add(id, entry{order: int32(i), class: [2]int16{in.labels[i], 0}}, 9)
	}
	ix.ready()
	return ix
}

// BenchmarkNearest asks for five neighbors, by vectors where there are.
func BenchmarkNearest(b *testing.B) { benchNearest(b, (*lengthIndex).itself) }

// BenchmarkNearestPlain is the same without vectors.
func BenchmarkNearestPlain(b *testing.B) { benchNearest(b, (*lengthIndex).plain) }

func (ix *lengthIndex) itself() *lengthIndex { return ix }

func benchNearest(b *testing.B, as func(*lengthIndex) *lengthIndex) {
	for _, n := range []string{"1e3", "1e4", "1e5"} {
		for _, d := range []int{6, 14} {
			b.Run(fmt.Sprintf("n=%s/d=%d", n, d), func(b *testing.B) {
				rows, _ := strconv.ParseFloat(n, 64)
				in := clusteredInput(int(rows), d)
				ix := as(in.index())
				var near []neighbor
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					near = ix.nearest(in.queries[i%len(in.queries)], 5, noFold, near)
					i++
				}
				b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "queries/s")
			})
		}
	}
}

// TestPeerNearest sets the index beside the figures of scikit-learn's best one:
// same inputs (PEER_DATA), sums of squared distances compared by eye with
// knn_py.py's check_sumsq. Run the two in turn.
func TestPeerNearest(t *testing.T) {
	dir := os.Getenv("PEER_DATA")
	if dir == "" {
		t.Skip("PEER_DATA does not name the folder of the peers' inputs")
	}
	for _, d := range []int{2, 6, 14, 30} {
		for _, n := range []int{1000, 10000, 100000} {
			in := peerKNN(t, dir, n, d)
			ix := in.index()
			m := &knnModel{}
			var near []neighbor
			var best time.Duration
			var sum, labels int64
			for range 9 {
				sum, labels = 0, 0
				start := time.Now()
				for _, q := range in.queries {
					near = ix.nearest(q, 5, noFold, near)
					labels += int64(m.winner(near, 5, 0))
					for _, x := range near {
						sum += x.dist
					}
				}
				if e := time.Since(start); best == 0 || e < best {
					best = e
				}
			}
			t.Logf("n=%d d=%d: %.0f queries/s, check_sumsq %d, check_labels %d", n, d,
				float64(len(in.queries))/best.Seconds(), sum, labels)
		}
	}
}

func peerKNN(t *testing.T, dir string, n, d int) knnInput {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("knn_%d_%d.bin", n, d)))
	if err != nil {
		t.Fatal(err)
	}
	at := func(i int) int16 { return int16(binary.LittleEndian.Uint16(raw[2*i:])) }
	var in knnInput
	for i := range n + 1000 {
		v := make([]int32, d)
		for j := range v {
			v[j] = int32(at(i*d + j))
		}
		if i < n {
			in.rows, in.labels = append(in.rows, v), append(in.labels, at((n+1000)*d+i))
		} else {
			in.queries = append(in.queries, v)
		}
	}
	return in
}
