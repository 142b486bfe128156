package anchors

import (
	"sort"
	"time"

	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// index lists the packets of a trace by signed size, and by stream where streams
// are taken apart: 12 bytes a packet.
type index struct {
	trace  datasets.Trace
	step   int32
	stream []int32 // of each flow; all 0 where streams are one
	lists  []sized
	of     map[sizeIn]int32  // place in lists
	bySize map[int32][]int32 // lists of a size, of all streams in order of appearance
}

// sizeIn is a size in a stream.
type sizeIn struct{ stream, size int32 }

// sized is the packets of one size in one stream, in order of time.
type sized struct {
	sizeIn
	at     []time.Duration
	packet []int32 // place in the trace
}

// sizeOf is the size by which p is known, up positive and down negative: rounded
// up to a multiple of step.
func sizeOf(p datasets.Packet, step int32) int32 {
	s := (p.Size + step - 1) / step * step
	if p.Dir == datasets.Down {
		return -s
	}
	return s
}

// newIndex makes the index of t.
func newIndex(t datasets.Trace, w way) *index {
	x := &index{trace: t, step: w.step, stream: make([]int32, len(t.Flows)), of: map[sizeIn]int32{}, bySize: map[int32][]int32{}}
	if w.apart {
		number := map[bursts.StreamKey]int32{}
		for i, f := range t.Flows {
			k := bursts.StreamOf(f)
			if _, ok := number[k]; !ok {
				number[k] = int32(len(number))
			}
			x.stream[i] = number[k]
		}
	}

	// Lists are counted first and filled then, from one array each for times and
	// places: growing thousands of slices would hold the packets twice.
	list := make([]int32, len(t.Packets))
	var count []int
	for i, p := range t.Packets {
		k := sizeIn{x.stream[p.Flow], sizeOf(p, w.step)}
		n, ok := x.of[k]
		if !ok {
			n = int32(len(x.lists))
			x.of[k] = n
			x.bySize[k.size] = append(x.bySize[k.size], n)
			x.lists = append(x.lists, sized{sizeIn: k})
			count = append(count, 0)
		}
		list[i] = n
		count[n]++
	}

	times, places := make([]time.Duration, len(t.Packets)), make([]int32, len(t.Packets))
	for n, c := range count {
		x.lists[n].at, times = times[:0:c], times[c:]
		x.lists[n].packet, places = places[:0:c], places[c:]
	}
	for i, n := range list {
		l := &x.lists[n]
		l.at = append(l.at, t.Packets[i].Time)
		l.packet = append(l.packet, int32(i))
	}
	return x
}

// times are those of the packets of a size in a stream, nil if there are none.
func (x *index) times(k sizeIn) []time.Duration {
	if n, ok := x.of[k]; ok {
		return x.lists[n].at
	}
	return nil
}

// size is that of packet i.
func (x *index) size(i int32) int32 { return sizeOf(x.trace.Packets[i], x.step) }

// seconds is how long the trace was observed; never 0, for rates.
func (x *index) seconds() float64 { return max(x.trace.End.Seconds(), 1) }

// cursor counts the times before a moment that only moves on.
type cursor struct {
	at []time.Duration
	i  int
}

// before is the number of times before t; t must not be less than it was in the
// last call. It doubles its step until it has passed t and then halves: moments
// are often near the last one and sometimes far.
func (c *cursor) before(t time.Duration) int {
	step := 1
	lo, hi := c.i, c.i
	for hi < len(c.at) && c.at[hi] < t {
		lo, hi = hi+1, hi+step
		step *= 2
	}

	// All times before lo are before t, and that at hi, if there is one, is not.
	hi = min(hi, len(c.at))
	c.i = lo + sort.Search(hi-lo, func(k int) bool { return c.at[lo+k] >= t })
	return c.i
}

// nearest is the distance from t to the time next to it, positive for a later one,
// and far if none is nearer than that. Of two as near it is the later. Calls must
// come in order of t.
func (c *cursor) nearest(t, far time.Duration) time.Duration {
	i := c.before(t)
	best := far
	if i < len(c.at) {
		best = min(best, c.at[i]-t)
	}
	if i > 0 && t-c.at[i-1] < best {
		best = c.at[i-1] - t
	}
	return best
}
