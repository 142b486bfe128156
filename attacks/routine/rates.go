package routine

import (
	"context"
	"slices"
	"strconv"
	"time"

	"veilbench/attacks/diary"
	"veilbench/datasets"
)

// packetReader sees the number of packets in each slot.
type packetReader struct{}

func (packetReader) read(ctx context.Context, t datasets.Trace) (sheet, error) {
	n := make([]float64, diary.Slots(t.End))
	for _, p := range t.Packets {
		if i := int(p.Time / diary.Slot); i < len(n) && !t.Flows[p.Flow].LAN {
			n[i]++
		}
	}
	out := sheet{rows: make([][]float32, len(n))}
	for i, v := range n {
		out.rows[i] = []float32{log1p(v)}
	}
	center(out.rows, 0)
	for _, r := range out.rows {
		out.busy = append(out.busy, r[0] > busyFactor)
	}
	return out, ctx.Err()
}

// busyFactor is by how much, as a logarithm, the packets of a slot exceed those of the
// median slot where somebody seems to do something: half as many again.
const busyFactor = 0.4

// rateReader reads rates in one pass over the packets. Nothing that stays inside of
// the home is counted.
type rateReader struct{}

// busyMinutes is in how many minutes of a slot more than usual is sent where somebody
// seems to do something: devices do by themselves in one or two.
const busyMinutes = 3

// sizes is how many sizes are told apart; larger packets count as the largest.
const sizes = 2048

// slotCounts are sums over the packets of one slot, made anew for each.
type slotCounts struct {
	packets, bytes [2]float64
	minutes        [int(diary.Slot / time.Minute)]int32 // packets
	fresh          int                                  // flows never seen before
	size           [2][sizes]int32                      // packets by direction and size
	seen           []int32                              // which of size are not 0: direction * sizes + size
	flow           []int32                              // packets by flow
	flows          []int32                              // which of flow are not 0
}

func (rateReader) read(ctx context.Context, t datasets.Trace) (sheet, error) {
	n := diary.Slots(t.End)
	out := sheet{rows: make([][]float32, n)}
	names := tally{map[string][]count{}}
	known := make([]bool, len(t.Flows))
	minutes := make([][int(diary.Slot / time.Minute)]int32, n)
	distinct := make([]int, n)

	// Slot by slot, so that a month needs the counts of one at a time.
	at := 0
	c := slotCounts{flow: make([]int32, len(t.Flows))}
	for i := range n {
		c.reset()
		end := time.Duration(i+1) * diary.Slot
		for ; at < len(t.Packets) && t.Packets[at].Time < end; at++ {
			p := t.Packets[at]
			if !t.Flows[p.Flow].LAN {
				c.add(p, i, known)
			}
		}
		minutes[i], distinct[i] = c.minutes, len(c.seen)
		c.name(t, int32(i), &names)
		out.rows[i] = []float32{
			log1p(c.packets[0]), log1p(c.packets[1]), log1p(c.bytes[0]), log1p(c.bytes[1]),
			log1p(float64(len(c.flows))), log1p(float64(c.fresh)), log1p(float64(distinct[i])),
			log1p(float64(slices.Max(c.minutes[:]))), 0, 0, 0,
		}
	}

	out.raised = names.raised(n)
	addRaised(out, minutes)
	for _, r := range out.rows {
		out.busy = append(out.busy, r[8] >= busyMinutes)
	}
	center(out.rows, 0, 1, 2, 3, 4, 5, 6, 7)
	return out, ctx.Err()
}

// addRaised fills the last three numbers of each row: in how many minutes more than
// twice as many packets were sent as in the median minute, and how many services and
// sizes are raised.
func addRaised(s sheet, minutes [][int(diary.Slot / time.Minute)]int32) {
	var all []int32
	for _, m := range minutes {
		all = append(all, m[:]...)
	}
	if len(all) == 0 {
		return
	}

	// Minutes with more than twice the median are those in which somebody did something,
	// or a device did by itself; many of them in a slot are somebody.
	slices.Sort(all)
	median := all[(len(all)-1)/2]
	for i, m := range minutes {
		for _, v := range m {
			if v > 2*median {
				s.rows[i][8]++
			}
		}
	}

	for name, on := range s.raised {
		column := 9
		if name[0] == sizeMark {
			column = 10
		}
		for _, i := range on {
			s.rows[i][column]++
		}
	}
	for _, r := range s.rows {
		r[9], r[10] = log1p(float64(r[9])), log1p(float64(r[10]))
	}
}

// reset empties c; what size and flow hold is found by seen and flows.
func (c *slotCounts) reset() {
	for _, k := range c.seen {
		c.size[k/sizes][k%sizes] = 0
	}
	for _, f := range c.flows {
		c.flow[f] = 0
	}
	c.packets, c.bytes, c.fresh, c.seen, c.flows = [2]float64{}, [2]float64{}, 0, c.seen[:0], c.flows[:0]
	clear(c.minutes[:])
}

// add counts a packet of slot i.
func (c *slotCounts) add(p datasets.Packet, i int, known []bool) {
	c.packets[p.Dir]++
	c.bytes[p.Dir] += float64(p.Size)
	c.minutes[min(int((p.Time-time.Duration(i)*diary.Slot)/time.Minute), len(c.minutes)-1)]++
	if c.flow[p.Flow]++; c.flow[p.Flow] == 1 {
		c.flows = append(c.flows, p.Flow)
	}
	if !known[p.Flow] {
		known[p.Flow] = true
		c.fresh++
	}
	size := min(max(p.Size, 0), sizes-1)
	if c.size[p.Dir][size]++; c.size[p.Dir][size] == 1 {
		c.seen = append(c.seen, int32(p.Dir)*sizes+size)
	}
}

// The first letter of what is raised: a service that has a name, or a size.
const (
	hostMark = 'h'
	sizeMark = 's'
)

// name adds what was counted in a slot under names that mean the same in other homes.
// Services without a name have addresses that other homes need not share.
func (c *slotCounts) name(t datasets.Trace, slot int32, names *tally) {
	for _, f := range c.flows {
		if host := t.Flows[f].Host; host != "" {
			names.add(string(hostMark)+host, slot, c.flow[f])
		}
	}
	for _, k := range c.seen {
		names.add(string(sizeMark)+strconv.Itoa(int(k)), slot, c.size[k/sizes][k%sizes])
	}
}
