package match

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
)

// largest is the size of the largest one-to-one pairing of n events with m
// detections that may allows, by trying every pairing.
func largest(n, m int, may func(event, detection int) bool) int {
	used := make([]bool, m)
	var from func(e int) int
	from = func(e int) int {
		if e == n {
			return 0
		}
		best := from(e + 1) // this event stays alone
		for d := range m {
			if !used[d] && may(e, d) {
				used[d] = true
				best = max(best, 1+from(e+1))
				used[d] = false
			}
		}
		return best
	}
	return from(0)
}

// randomSpans makes up to six spans of three classes within 20 s, lasting up to
// the given number of seconds.
func randomSpans(rng *rand.Rand, lasting int64) []Span {
	out := make([]Span, rng.IntN(7))
	for i := range out {
		from := time.Duration(rng.Int64N(20)) * time.Second
		out[i] = Span{from, from + time.Duration(rng.Int64N(lasting+1))*time.Second, []string{"a/on", "a/off", "b/on"}[rng.IntN(3)], 0}
	}
	return out
}

func byFrom(a, b Span) int { return int(a.From - b.From) }

// TestWindowsIsLargest holds Windows to the rule that its comment states and
// to the largest number of pairs under every key.
func TestWindowsIsLargest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		events, found := randomSpans(rng, 12), randomSpans(rng, 3)
		slices.SortStableFunc(events, byFrom)
		tol := time.Duration(rng.Int64N(4)) * time.Second
		for _, key := range []func(string) string{ByClass, ByTime, ByDevice} {
			may := func(e, d int) bool {
				at := found[d].From
				return at >= events[e].From-tol && at <= events[e].To+tol && key(events[e].Class) == key(found[d].Class)
			}
			pair := Windows(events, found, tol, key)
			taken := map[int]bool{}
			for e, d := range pair {
				if d >= 0 && (taken[d] || !may(e, d)) {
					t.Fatalf("%v with %v: event %d got detection %d, which is taken or too far", events, found, e, d)
				}
				taken[d] = true
			}
			if got, want := Hits(pair), largest(len(events), len(found), may); got != want {
				t.Fatalf("%v with %v: %d pairs, want %d", events, found, got, want)
			}
		}
	}
}

// TestStateIsFoundInItsMiddle: what begins anywhere in a state that lasts is a
// detection of it.
func TestStateIsFoundInItsMiddle(t *testing.T) {
	state := []Span{{From: 0, To: time.Minute, Class: "a/on"}}
	late := []Span{{From: 20 * time.Second, To: 21 * time.Second, Class: "a/on"}}
	if got := Hits(Windows(state, late, Tolerance, ByClass)); got != 1 {
		t.Errorf("%d detections, want 1", got)
	}
}

// TestRest: an event found under a wrong class is told what it was taken for,
// one that is paired is not asked again.
func TestRest(t *testing.T) {
	events := []Span{{From: 10 * time.Second, To: 10 * time.Second, Class: "a/on"}, {From: 30 * time.Second, To: 30 * time.Second, Class: "a/off"}}
	found := []Span{{From: 9 * time.Second, Class: "a/on"}, {From: 11 * time.Second, Class: "b/on"}, {From: 31 * time.Second, Class: "b/on"}}
	pair := Windows(events, found, Tolerance, ByClass)
	if want := []int{0, -1}; !slices.Equal(pair, want) {
		t.Fatalf("pairs %v, want %v", pair, want)
	}
	if rest, want := Rest(events, found, pair), []int{-1, 2}; !slices.Equal(rest, want) {
		t.Errorf("rest %v, want %v", rest, want)
	}
}

func TestTruth(t *testing.T) {
	l := datasets.Labels{
		Devices: []string{"plug"},
		Events:  []datasets.Event{{Start: 2 * time.Second, End: time.Second, Activity: "on"}, {Start: 4 * time.Second, End: 6 * time.Second, Activity: "off"}},
	}
	want := []Span{{2 * time.Second, 2 * time.Second, "plug/on", 0}, {4 * time.Second, 6 * time.Second, "plug/off", 0}}
	if got := Truth(l); !slices.Equal(got, want) {
		t.Errorf("truth %v, want %v", got, want)
	}
}

func TestF1(t *testing.T) {
	if got := F1(0, 0, 0); got != 0 {
		t.Errorf("F1 of nothing is %v, want 0", got)
	}
	if got := F1(3, 4, 8); got != 0.5 {
		t.Errorf("F1 of 3 hits among 4 guesses and 8 truths is %v, want 0.5", got)
	}
}

// TestCounterIsWindows: counting marks gives what Windows pairs, the classes
// numbered, whatever a counter counted before.
func TestCounterIsWindows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	var counter Counter
	for range 3000 {
		events, found := randomSpans(rng, 12), randomSpans(rng, 3)
		slices.SortStableFunc(events, byFrom)
		slices.SortStableFunc(found, byFrom)
		tol := time.Duration(rng.Int64N(4)) * time.Second
		marks := func(spans []Span) []Mark {
			var out []Mark
			for _, s := range spans {
				out = append(out, Mark{s.From, s.To, int32(slices.Index([]string{"a/on", "a/off", "b/on"}, s.Class))})
			}
			return out
		}
		for _, byTime := range []bool{false, true} {
			key := ByClass
			if byTime {
				key = ByTime
			}
			if got, want := counter.Hits(marks(events), marks(found), tol, byTime), Hits(Windows(events, found, tol, key)); got != want {
				t.Fatalf("%v with %v, by time %v: %d hits, want %d", events, found, byTime, got, want)
			}
		}
	}
}

// BenchmarkMatch pairs 12,000 detections, a third of them false, with 8,000 events
// of ten classes, by spans as scoring does and by marks as tuning does.
func BenchmarkMatch(b *testing.B) {
	const n = 12000
	rng := rand.New(rand.NewPCG(1, 1))
	var events, found []Span
	var marks, foundMarks []Mark
	for i := range n {
		at := time.Duration(i) * 7 * time.Second
		class := rng.IntN(10)
		s := Span{From: at, To: at + time.Second, Class: string(rune('a' + class))}
		if i%3 != 0 {
			events = append(events, s)
			marks = append(marks, Mark{s.From, s.To, int32(class)})
		}
		s.From += time.Duration(rng.Int64N(int64(3 * time.Second)))
		found = append(found, s)
		foundMarks = append(foundMarks, Mark{s.From, s.To, int32(class)})
	}

	run := func(name string, hits func() int) {
		b.Run("form="+name+"/n=12e3", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if hits() == 0 {
					b.Fatal("no detection is right")
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "detections/s")
		})
	}
	run("spans", func() int { return Hits(Windows(events, found, Tolerance, ByClass)) })
	var c Counter
	run("marks", func() int { return c.Hits(marks, foundMarks, Tolerance, false) })
}
