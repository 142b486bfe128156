package activity

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBusyIsWhatNearSays holds Busy against the sum at every second.
func TestBusyIsWhatNearSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var a Track
		for range rng.IntN(12) {
			a.Add(rng.Int64N(120), 1+rng.Int64N(4))
		}
		a.Done()
		lasts, usual := rng.Int64N(3)*20, rng.Int64N(5)
		var want []Span
		for s := int64(-200); s < 400; s++ {
			if a.Near(s, lasts) <= usual {
				continue
			}
			if n := len(want); n > 0 && want[n-1].To == s-1 {
				want[n-1].To = s
			} else {
				want = append(want, Span{s, s})
			}
		}
		if got := a.Busy(lasts, usual); !slices.Equal(got, want) {
			t.Fatalf("busy %v, want %v for %+v, length %d, usual %d", got, want, a, lasts, usual)
		}
	}
}

// TestUsual: a beat every 30 s is usual where nothing else happens, and one burst
// is not.
func TestUsual(t *testing.T) {
	var a Track
	for s := int64(0); s < 3600; s += 30 {
		a.Add(s, 100)
	}
	a.Add(1000, 5000)
	a.Done()
	usual := a.Usual(0, 0.9, []Span{{0, 3600}})
	if usual != 100 {
		t.Errorf("usual is %d bytes, want 100", usual)
	}
	if busy := a.Busy(0, usual); len(busy) != 1 || busy[0] != (Span{986, 1005}) {
		t.Errorf("busy %v", busy)
	}
}
