package canary

import (
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
)

// burstsPerSlot is how many bursts make a slot of a diary a canary: more than any
// device is used in a quarter of an hour.
const burstsPerSlot = 60

// Hours chooses the moments of canaries of a routine task in a trace of that length:
// n of its slots (every other one where there are fewer than 2 n), drawn at random, are
// filled with bursts.
func Hours(rng *rand.Rand, end, slot time.Duration, n int) []time.Duration {
	slots := int(end / slot)
	var out []time.Duration
	for _, i := range rng.Perm(slots)[:min(n, slots/2)] {
		gap := slot / burstsPerSlot
		for k := range burstsPerSlot {
			// Within the first half of its piece, so that no two run into each other.
			out = append(out, time.Duration(i)*slot+time.Duration(k)*gap+time.Duration(rng.Int64N(int64(gap/2))))
		}
	}
	slices.Sort(out)
	return out
}

// FirstDays cuts the first days out of rec, which is not modified.
func FirstDays(rec datasets.Recording, days int) datasets.Recording {
	if end := time.Duration(days) * 24 * time.Hour; end < rec.Trace.End {
		return rec.Cut([]time.Duration{end})[0]
	}
	return rec
}
