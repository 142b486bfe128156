package memory

import "testing"

// Known answers by hand, on a machine of 64 bits: a slice header is 24 bytes, a
// string's 16, a pointer 8, an interface 16.
func TestMemoryOf(t *testing.T) {
	type node struct {
		next *node
		v    int64
	}
	type model struct {
		flat  []float64
		rows  [][]int32
		names map[string]int64
		any   any
	}
	ring := &node{v: 1}
	ring.next = &node{ring, 2}
	shared := make([]int32, 10)
	for _, c := range []struct {
		name string
		v    any
		want int64
	}{
		{"nothing", nil, 0},
		{"number", int64(1), 8},
		{"string", "four", 16 + 4},
		{"slice with room", make([]float64, 2, 8), 24 + 64},
		{"ring", ring, 8 + 16 + 16},
		{"shared rows once", [][]int32{shared, shared}, 24 + 2*24 + 40},
		{
			"model",
			model{flat: make([]float64, 3), rows: [][]int32{{1, 2}}, names: map[string]int64{"ab": 1}, any: int32(7)},
			24 + 24 + 8 + 16 + 24 + (24 + 8) + (16 + 8 + 2) + 4,
		},
	} {
		if got := Of(c.v); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}
