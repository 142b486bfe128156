package canary

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// ClipOf is rec with a class of its own for the whole of it.
func ClipOf(rec datasets.Recording, class string) datasets.Recording {
	device, activity, _ := strings.Cut(class, "/")
	rec.Labels = datasets.Labels{Devices: []string{device}, Events: []datasets.Event{{Activity: activity, End: rec.Trace.End}}}
	return rec
}

// Tenths cuts each recording into ten clips of one class, among which those that are
// canaries stand out.
func Tenths(recs []datasets.Recording) []datasets.Recording {
	var out []datasets.Recording
	for _, rec := range recs {
		var at []time.Duration
		for k := range 9 {
			at = append(at, rec.Trace.End/10*time.Duration(k+1))
		}
		for k, piece := range rec.Cut(at) {
			piece.ID += fmt.Sprintf("/%d", k)
			out = append(out, ClipOf(piece, "home/quiet"))
		}
	}
	return out
}
