package knn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainEdit is the edit distance by its definition, without rows or bounds.
func plainEdit(a, b []int32) int64 {
	switch {
	case len(a) == 0 && len(b) == 0:
		return 0
	case len(a) == 0:
		return plainEdit(a, b[1:]) + abs64(int64(b[0]))
	case len(b) == 0:
		return plainEdit(a[1:], b) + abs64(int64(a[0]))
	}
	d := min(plainEdit(a[1:], b)+abs64(int64(a[0])), plainEdit(a, b[1:])+abs64(int64(b[0])))
	if (a[0] < 0) == (b[0] < 0) {
		d = min(d, plainEdit(a[1:], b[1:])+abs64(int64(a[0]-b[0])))
	}
	return d
}

func randomSizes(rng *rand.Rand, n int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(54 + rng.IntN(4)*17)
		if rng.IntN(2) == 0 {
			v[i] = -v[i]
		}
	}
	return v
}

func TestEditDistance(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for _, c := range []struct {
		a, b []int32
		want int64
	}{
		{nil, nil, 0},
		{[]int32{100}, []int32{101}, 1},
		{[]int32{100}, []int32{-100}, 200},
		{[]int32{100, 54, -200}, []int32{100, -200}, 54},
		{[]int32{1514, 600}, []int32{1500}, 614},
	} {
		if d, _ := editWithin(c.a, c.b, -1, make([]int64, 2*len(c.a)+2)); d != c.want {
			t.Errorf("distance of %v and %v is %d, want %d", c.a, c.b, d, c.want)
		}
	}
	for range 300 {
		a, b := randomSizes(rng, rng.IntN(6)), randomSizes(rng, rng.IntN(6))
		want := plainEdit(a, b)
		scratch := make([]int64, 2*len(a)+2)
		if d, ok := editWithin(a, b, -1, scratch); d != want || !ok {
			t.Fatalf("distance of %v and %v is %d, want %d", a, b, d, want)
		}
		worst := int64(rng.IntN(300))
		if d, ok := editWithin(a, b, worst, scratch); ok != (want <= worst) || ok && d != want {
			t.Fatalf("distance of %v and %v within %d is %d %v, want %d", a, b, worst, d, ok, want)
		}
	}
}

// plainRows is the edit distance with every row in full.
func plainRows(a, b []int32) int64 {
	row := make([]int64, len(a)+1)
	for i, x := range a {
		row[i+1] = row[i] + abs64(int64(x))
	}
	for _, y := range b {
		next := []int64{row[0] + abs64(int64(y))}
		for i, x := range a {
			best := min(row[i+1]+abs64(int64(y)), next[i]+abs64(int64(x)))
			if (x < 0) == (y < 0) {
				best = min(best, row[i]+abs64(int64(x)-int64(y)))
			}
			next = append(next, best)
		}
		row = next
	}
	return row[len(a)]
}

// TestEditStretch: sequences that are alike but for a few packets, whose common ends
// are cut off and of whose rows a stretch is looked at.
func TestEditStretch(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 4))
	for range 3000 {
		a := randomSizes(rng, rng.IntN(40))
		b := slices.Clone(a)
		for range rng.IntN(6) {
			at := rng.IntN(len(b) + 1)
			switch {
			case rng.IntN(2) == 0:
				b = slices.Insert(b, at, randomSizes(rng, 1+rng.IntN(3))...)
			case at < len(b):
				b = slices.Delete(b, at, min(len(b), at+1+rng.IntN(3)))
			}
		}
		want := plainRows(a, b)
		scratch := make([]int64, 2*len(a)+2)
		for _, worst := range []int64{-1, 0, want - 1, want, want + 1, int64(rng.IntN(3000))} {
			if worst == -1 && want == 0 {
				continue
			}
			d, ok := editWithin(a, b, worst, scratch)
			if ok != (worst < 0 || want <= worst) || ok && d != want {
				t.Fatalf("distance of %v and %v within %d is %d %v, want %d", a, b, worst, d, ok, want)
			}
		}
	}
}

// BenchmarkEdit compares bursts of 100 packets that differ in three.
func BenchmarkEdit(b *testing.B) {
	rng := rand.New(rand.NewPCG(2, 5))
	x := randomSizes(rng, 100)
	y := slices.Delete(slices.Clone(x), 30, 31)
	y = slices.Insert(y, 60, 71, -105)
	scratch := make([]int64, 2*len(x)+2)
	for _, worst := range []int64{-1, 1000} {
		b.Run(fmt.Sprintf("packets=100/worst=%d", worst), func(b *testing.B) {
			for b.Loop() {
				editWithin(x, y, worst, scratch)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
		})
	}
	b.Run("packets=100/plain", func(b *testing.B) {
		for b.Loop() {
			plainRows(x, y)
		}
	})
}

// TestAlignSearch compares the bounded search with a plain scan over all rows.
func TestAlignSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	vs := newVectors()
	ix := newAlignIndex(vs)
	type row struct {
		v []int32
		e entry
	}
	var rows []row
	for i := range 400 {
		v := randomSizes(rng, 1+rng.IntN(7))
		e := entry{order: int32(i), fold: int16(rng.IntN(3))}
		id, _ := vs.id(v, nil)
		ix.add(id, e, 9)
		rows = append(rows, row{v, e})
	}
	ix.ready()
	for range 200 {
		q, k, skip := randomSizes(rng, 1+rng.IntN(7)), 1+rng.IntN(9), int16(rng.IntN(4)-1)
		var want []neighbor
		for _, r := range rows {
			if r.e.fold != skip {
				want = append(want, neighbor{plainEdit(q, r.v), r.e})
			}
		}
		slices.SortFunc(want, func(a, b neighbor) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		if got := ix.nearest(q, k, skip, nil); !slices.Equal(got, want[:k]) {
			t.Fatalf("k=%d without fold %d: got %v, want %v", k, skip, got, want[:k])
		}
	}
}
