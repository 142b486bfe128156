package audit

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// trial tries one bound.
type trial struct {
	Stage
	loss  loss
	draws func(purpose string) *rand.Rand
}

// run makes the trials, chooses the attack in the first half of them, counts in the
// second, and fills in what it decided by. Both halves are of one trace: when a clock
// of the defense ticks is no secret, for everybody sees it, and the draws of one
// window are not those of another.
func (t trial) run(ctx context.Context, most int, a *results.Audit) (odds, error) {
	// A few trials say what many take.
	few, err := t.windows("pilot", pilot)
	if err != nil {
		return odds{}, err
	}
	n := min(max(int(mostPackets*pilot/max(few.packets, 1)), leastTrials), most)

	all, err := t.windows("trials", n)
	if err != nil {
		return odds{}, err
	}
	attack, err := t.choose(ctx, all.part(0, n/2))
	if err != nil {
		return odds{}, err
	}
	o, err := attack.count(all.part(n/2, n), t.loss)
	a.Attack, a.Hits, a.With, a.Alarms, a.Without = attack.name, o.hits, o.with, o.alarms, o.without
	return o, err
}

// windows are trials: windows of one trace behind the defense, half of which, drawn
// by coin, hold the difference.
func (t trial) windows(purpose string, n int) (seen, error) {
	in, with := t.trace(t.draws(purpose), n)
	out, err := t.Apply(t.draws(purpose+" defense"), in)
	if err != nil {
		return seen{}, err
	}
	return t.see(out.Trace, with), nil
}

// every is how long after one window the next trial begins. What begins at any moment
// of a window reaches into the one behind it, which is left to rest, and another for
// what that begins.
func (t trial) every() time.Duration {
	if t.loss.Random {
		return 3 * t.loss.Window
	}
	return t.loss.Window
}

// trace is n windows of a home in which nothing happens but the difference. What is
// left of one window is the same for the next, whether that holds the difference or
// not, so the claim bounds each by itself.
func (t trial) trace(rng *rand.Rand, n int) (datasets.Trace, []bool) {
	const mtu = 1500
	flow := t.loss.Flow
	if flow == (datasets.Flow{}) {
		flow = datasets.Flow{
			Proto: 17, Local: netip.MustParseAddrPort("192.168.1.2:5000"), Remote: netip.MustParseAddrPort("203.0.113.1:443"),
			MAC: datasets.MAC{2, 0, 0, 0, 0, 1}, Host: "audit.example",
		}
	}
	in := datasets.Trace{End: time.Duration(n) * t.every(), Flows: []datasets.Flow{flow}}
	with := make([]bool, n)
	for i := range with {
		// Both are drawn always, so that a claim about another moment has the same coins.
		coin, moment := rng.IntN(2) == 1, time.Duration(rng.Int64N(int64(t.loss.Window)))
		if with[i] = coin; !coin {
			continue
		}
		at := time.Duration(i) * t.every()
		if t.loss.Random {
			at += moment
		}
		for left := t.loss.Bytes; left > 0; left -= mtu {
			ip := int32(min(left, mtu))
			in.Packets = append(in.Packets, datasets.Packet{Time: at, Size: ip + datasets.EthernetHeader, Payload: max(ip-28, 0), Dir: t.loss.Dir})
		}
	}
	return in, with
}

// seen is what there is to see of windows, in columns: a figure of each.
type seen struct {
	names   []string
	columns [][]float32
	with    []bool
	packets int // of all windows, and between them
}

// bins is into how many pieces a window is cut.
const bins = 16

// see makes figures of each window. A claim about whether
// anything is sent has that one.
func (t trial) see(out datasets.Trace, with []bool) seen {
	s := seen{with: with, packets: len(out.Packets)}
	if s.names = []string{"anything sent"}; !t.loss.Any {
		s.names = windowNames()
	}
	s.columns = make([][]float32, len(s.names))
	for j := range s.columns {
		s.columns[j] = make([]float32, len(with))
	}

	at := 0
	for i := range with {
		from := time.Duration(i) * t.every()
		to := from + t.loss.Window

		// What leaves between two trials is no trial's.
		for at < len(out.Packets) && out.Packets[at].Time < from {
			at++
		}
		lo := at
		for at < len(out.Packets) && out.Packets[at].Time < to {
			at++
		}
		window := out.Packets[lo:at]
		if t.loss.Any {
			s.columns[0][i] = float32(min(len(window), 1))
			continue
		}
		for j, x := range figures(window, from, t.loss.Window, t.loss.Dir) {
			s.columns[j][i] = x
		}
	}
	return s
}

// windowNames are those of figures, in order.
func windowNames() []string {
	var out []string
	for i := range bins {
		out = append(out, "bytes of piece "+string(rune('a'+i)))
	}
	for _, n := range []string{"1/16", "1/8", "1/4", "1/2", "all"} {
		out = append(out, "bytes of the first "+n)
	}
	return append(out, "packets", "packets the other way", "bytes the other way", "largest piece", "smallest packet", "largest packet", "sizes", "odd sizes", "time of the first packet")
}

// figures are those of one window: bytes piece by piece the way of the difference and
// from its beginning on, and what else a shaper may betray.
func figures(window []datasets.Packet, from, length time.Duration, dir datasets.Dir) []float32 {
	var piece [bins]float32
	var there, back, bytesBack, odd, smallest, largest, first float32
	first = float32(length.Seconds())
	sizes := map[int32]bool{}
	for _, p := range window {
		sizes[p.Size] = true
		if p.Dir != dir {
			back++
			bytesBack += float32(p.Size)
			continue
		}
		if there++; there == 1 {
			first = float32((p.Time - from).Seconds())
		}
		piece[min(int(bins*(p.Time-from)/length), bins-1)] += float32(p.Size)
		odd += float32(p.Size & 1)
	}
	if all := slices.Sorted(maps.Keys(sizes)); len(all) > 0 {
		smallest, largest = float32(all[0]), float32(all[len(all)-1])
	}

	out := append([]float32{}, piece[:]...)
	sum := float32(0)
	for i, x := range piece {
		sum += x
		if n := i + 1; n&(n-1) == 0 { // the first 1, 2, 4, 8 and 16
			out = append(out, sum)
		}
	}
	return append(out, there, back, bytesBack, slices.Max(piece[:]), smallest, largest, float32(len(sizes)), odd, first)
}
