package signatures

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/datasets/privacy"
)

// plainParts are the parts of the combination c that found[last] ends, nil if it
// ends none, by a look at all detections.
func plainParts(c privacy.Combination, found []detection, ids []string, last int, within time.Duration) []string {
	at := func(i int) time.Duration { return found[i].at }
	id := func(i int) string { return ids[i] }
	near := func(i int) bool { return found[i].recording == found[last].recording }
	if !slices.Contains(c.Needs, id(last)) {
		return nil
	}
	first, parts := at(last), []string{}
	for _, need := range c.Needs {
		k := last
		for k >= 0 && (!near(k) || id(k) != need || at(last)-at(k) > within) {
			k--
		}
		if k < 0 {
			return nil
		}
		parts = append(parts, found[k].class)
		first = min(first, at(k))
	}
	for i := range found {
		if near(i) && at(i) >= first && at(i) <= at(last)+within && slices.Contains(c.Without, id(i)) {
			return nil
		}
	}
	return parts
}

func randomDetections(rng *rand.Rand, n int) []detection {
	classes := []string{"lamp/off", "door-lock/lock", "hall/motion", "lamp/on", "door-lock/unlock", "camera/on", "camera/off", "tv/on", "kettle/on", "bed/sleep"}
	var found []detection
	for r := range 3 {
		now := time.Duration(0)
		for range n / 3 {
			now += time.Duration(rng.IntN(4)) * time.Minute
			found = append(found, detection{recording: fmt.Sprint(r), at: now, class: classes[rng.IntN(len(classes))]})
		}
	}
	return found
}

func TestCombineIsALookAtAllDetections(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	total := 0
	for range 20 {
		found, within := randomDetections(rng, 90), time.Duration(rng.IntN(12))*time.Minute
		want, ids := map[string]int{}, []string{}
		for _, d := range found {
			ids = append(ids, privacy.OfClass(d.class).ID)
		}
		for _, c := range privacy.Combinations() {
			for i := range found {
				if parts := plainParts(c, found, ids, i, within); parts != nil {
					want[fmt.Sprint(c.ID, found[i], parts)]++
				}
			}
		}
		got := map[string]int{}
		for _, x := range combine(found, within) {
			got[fmt.Sprint(x.Combination.ID, x.detection, x.parts)]++
			total++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	}
	if total == 0 {
		t.Error("nothing was found")
	}
}

// BenchmarkCombine puts the detections of a month together.
func BenchmarkCombine(b *testing.B) {
	found := randomDetections(rand.New(rand.NewPCG(9, 9)), 30_000)
	for b.Loop() {
		combine(found, 10*time.Minute)
	}
	b.ReportMetric(float64(b.N*len(found))/b.Elapsed().Seconds(), "detections/s")
}
