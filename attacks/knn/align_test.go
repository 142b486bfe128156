package knn

import (
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
