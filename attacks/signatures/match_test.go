package signatures

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/attacks/attacktest"
)

// plainMatch is the definition of a match written out: each next element is the
// first later packet in time that fits.
func plainMatch(s signature, f flowPackets, i int) (time.Duration, bool) {
	at := i
	for _, e := range s.elements[1:] {
		found := -1
		for j := len(f.size) - 1; j > at; j-- {
			if f.time[j]-f.time[i] <= s.duration && f.size[j] >= e.lo && f.size[j] <= e.hi {
				found = j
			}
		}
		if found < 0 {
			return 0, false
		}
		at = found
	}
	return f.time[at], true
}

func TestFindIsThePlainMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 300 {
		var m signatureModel
		for range 1 + rng.IntN(3) {
			s := signature{class: "d/x", duration: time.Duration(rng.IntN(12)), trust: 1}
			for range 1 + rng.IntN(3) {
				lo := int32(1 + rng.IntN(4))
				s.elements = append(s.elements, newRange(lo, lo+int32(rng.IntN(2))))
			}
			m.signatures = append(m.signatures, s)
		}
		m.index()
		var f flowPackets
		for i := range rng.IntN(30) {
			f.size = append(f.size, int32(1+rng.IntN(6)))
			f.time = append(f.time, time.Duration(i+rng.IntN(2)))
		}
		want := 0
		for _, s := range m.signatures {
			last := time.Duration(-1)
			for i, size := range f.size {
				if size < s.elements[0].lo || size > s.elements[0].hi || f.time[i] <= last {
					continue
				}
				if end, ok := plainMatch(s, f, i); ok {
					want, last = want+1, end
				}
			}
		}
		if got := m.matches(f); len(got) != want {
			t.Fatalf("%d matches, want %d", len(got), want)
		}
	}
}

// Where all packets have one size, a class is known by how many pairs it has.
func TestRepeats(t *testing.T) {
	tr := attacktest.ToyEvents(4)
	for _, e := range tr.Examples {
		for i := range e.Trace.Packets {
			e.Trace.Packets[i].Size, e.Trace.Packets[i].Payload = 1514, 1460
		}
	}
	m, err := New().Train(context.Background(), nil, tr)
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]int{}
	for _, s := range m.(*signatureModel).signatures {
		pairs[s.class] = len(s.elements)
	}
	if pairs["lamp/off"] != 6 || pairs["lock/unlock"] != 4 || pairs["lamp/on"] != 4 {
		t.Errorf("packets by class %v: want three pairs of one class and two of the others", pairs)
	}
}
