// Package activity says how much traffic went by when, second by second, and
// when that was more than usual: what labels are held against to see whether
// their clock is that of the traffic. Read Track first.
package activity

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// A label has traffic near it if more bytes than usual go by from Before seconds
// before its start to After seconds behind its end.
const (
	Before = 5
	After  = 15
)

// Track is how many bytes went by when. Add what was seen, call Done, then ask.
type Track struct {
	seconds []int64 // with traffic; ascending once Done was called
	bytes   []int64 // in each of them; afterwards in it and all before it
	mixed   bool    // seconds came in another order
}

// Add counts bytes in a second. Seconds may come in any order, but ascending ones
// cost less.
func (t *Track) Add(second, bytes int64) {
	n := len(t.seconds)
	if n > 0 && t.seconds[n-1] == second {
		t.bytes[n-1] += bytes
		return
	}
	t.mixed = t.mixed || n > 0 && second < t.seconds[n-1]
	t.seconds, t.bytes = append(t.seconds, second), append(t.bytes, bytes)
}

// Done makes t ready for questions; nothing may be added afterwards.
func (t *Track) Done() {
	if t.mixed {
		order := make([]int, len(t.seconds))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(t.seconds[a], t.seconds[b]) })
		sorted := Track{}
		for _, i := range order {
			sorted.Add(t.seconds[i], t.bytes[i])
		}
		*t = sorted
	}
	for i := 1; i < len(t.bytes); i++ {
		t.bytes[i] += t.bytes[i-1]
	}
}

// Empty says that no traffic was seen at all.
func (t *Track) Empty() bool { return len(t.seconds) == 0 }

// Between is the number of bytes from a second up to another, which is left out.
func (t *Track) Between(from, to int64) int64 { return t.upTo(to) - t.upTo(from) }

func (t *Track) upTo(second int64) int64 {
	i := sort.Search(len(t.seconds), func(i int) bool { return t.seconds[i] >= second })
	if i == 0 {
		return 0
	}
	return t.bytes[i-1]
}

// Near is the number of bytes near a label that starts at a second and lasts so
// many.
func (t *Track) Near(start, lasts int64) int64 { return t.Between(start-Before, start+lasts+After) }

// Span is a time from one second to another, both ends included.
type Span struct{ From, To int64 }

// samples is at how many places of a span what is usual is looked up: a prime,
// so that few periods of traffic go into it.
const samples = 1999

// Usual is how many bytes are near a label of a length, wherever it may lie in
// the spans, in a share of the places at most. What is usual is sampled at equal
// distances, so that the cost hangs on no clock that jumps.
func (t *Track) Usual(lasts int64, share float64, spans []Span) int64 {
	var near []int64
	for _, s := range spans {
		n := max(samples/int64(len(spans)), 3)
		for k := range n {
			near = append(near, t.Near(s.From+(s.To-s.From)*k/n, lasts))
		}
	}
	if len(near) == 0 {
		return 0
	}
	slices.Sort(near)
	return near[int(share*float64(len(near)-1))]
}

// Busy lists when a label of a length would have more than so many bytes near
// it, in order.
func (t *Track) Busy(lasts, usual int64) []Span {
	var out []Span
	add := func(from, to int64) {
		if n := len(out); n > 0 && out[n-1].To+1 == from {
			out[n-1].To = to
		} else {
			out = append(out, Span{from, to})
		}
	}

	// A second of traffic is near the labels that start from After and their
	// length before it to Before behind it. So a sum that follows the start
	// changes only where a second comes in or goes out, and in between it is
	// known. Second i comes in at seconds[i]-in and goes out at seconds[i]+gone.
	in, gone := lasts+After-1, int64(Before+1)
	lo, hi := 0, 0
	for hi < len(t.seconds) || lo < hi {
		at := int64(0)
		if hi < len(t.seconds) && (lo == hi || t.seconds[hi]-in <= t.seconds[lo]+gone) {
			at = t.seconds[hi] - in
		} else {
			at = t.seconds[lo] + gone
		}
		for hi < len(t.seconds) && t.seconds[hi]-in <= at {
			hi++
		}
		for lo < hi && t.seconds[lo]+gone <= at {
			lo++
		}
		if lo == hi {
			continue // nothing near until the next second comes in
		}

		sum := t.bytes[hi-1]
		if lo > 0 {
			sum -= t.bytes[lo-1]
		}
		if sum <= usual {
			continue
		}
		next := t.seconds[lo] + gone
		if hi < len(t.seconds) {
			next = min(next, t.seconds[hi]-in)
		}
		add(at, next-1)
	}
	return out
}

// How sure it must be that times were rounded, in standard deviations, and from
// how many labels on that is asked.
const (
	roundedBy    = 2.5
	leastRounded = 8
)

// RoundedDevices says of which devices the labels known to the minute, given by
// their first seconds, were rounded, not cut. Each device is judged by its own
// traffic, for a table may be put together from several logs; one with too few
// labels to tell goes as most others.
func RoundedDevices(minutes map[string][]int64, of func(device string) (t *Track, usual int64)) map[string]bool {
	judged, sum := map[string]int{}, 0
	for d, at := range minutes {
		t, usual := of(d)
		judged[d] = t.rounded(at, usual)
		sum += judged[d]
	}
	out := map[string]bool{}
	for d, at := range minutes {
		out[d] = judged[d] > 0 || len(at) < leastRounded && sum > 0
	}
	return out
}

// rounded is 1 where labels known to the minute, given by its first second, were
// rounded to it, -1 where they were cut, 0 where the traffic does not tell. More
// traffic than usual begins in the half minute before a label if it was rounded
// up, in the second half of its minute if it was cut; in the first half it may
// begin either way. What has nothing to do with labels begins anywhere.
func (t *Track) rounded(minutes []int64, usual int64) int {
	var begins []int64
	for _, s := range t.Busy(0, usual) {
		begins = append(begins, s.From+After-1) // the second that made it more
	}
	within := func(from, to int64) bool {
		i, _ := slices.BinarySearch(begins, from)
		return i < len(begins) && begins[i] < to
	}

	before, behind := 0, 0
	for _, at := range minutes {
		if within(at-30, at) {
			before++
		}
		if within(at+30, at+60) {
			behind++
		}
	}
	n := before + behind
	if n < leastRounded || math.Abs(float64(before-behind)) < roundedBy*math.Sqrt(float64(n)) {
		return 0
	}
	return cmp.Compare(before, behind)
}
