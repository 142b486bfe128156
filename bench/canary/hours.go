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

// inHour is how many slots are an hour: a reader of diaries takes a single odd quarter
// hour for noise, and must not be called blind for it.
const inHour = 4

// Hours chooses the moments of canaries of a routine task in a trace of that length:
// n of its slots (half of them where there are fewer than 2 n), whole hours drawn at
// random, are filled with bursts.
func Hours(rng *rand.Rand, end, slot time.Duration, n int) []time.Duration {
	hours := int(end / (inHour * slot))
	var out []time.Duration
	for _, i := range rng.Perm(hours)[:min((n+inHour-1)/inHour, hours/2)] {
		gap := slot / burstsPerSlot
		for k := range inHour * burstsPerSlot {
			// Within the first half of its piece, so that no two run into each other.
			out = append(out, time.Duration(i)*inHour*slot+time.Duration(k)*gap+time.Duration(rng.Int64N(int64(gap/2))))
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
