package canary

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestHours: ten slots of a day are three whole hours, each quarter of which has as many
// bursts, in order and apart; of a day of four hours half is left.
func TestHours(t *testing.T) {
	const slot = 15 * time.Minute
	for _, c := range []struct {
		end   time.Duration
		hours int
	}{{24 * time.Hour, 3}, {4 * time.Hour, 2}} {
		times := Hours(rand.New(rand.NewPCG(1, 1)), c.end, slot, 10)
		slots := map[int]int{}
		for i, at := range times {
			slots[int(at/slot)]++
			if at >= c.end || i > 0 && at-times[i-1] < 5*time.Second {
				t.Fatalf("moment %d at %v", i, at)
			}
		}
		if len(slots) != 4*c.hours {
			t.Errorf("%d slots, want %d hours", len(slots), c.hours)
		}
		for s, n := range slots {
			if n != burstsPerSlot || slots[s/4*4+3] == 0 {
				t.Errorf("slot %d has %d bursts, want %d and its whole hour", s, n, burstsPerSlot)
			}
		}
	}
}
