// Package cover adds packets that nobody sent, and leaves the traffic as it is:
// Decoy replays events, Noise makes up a host, Front and AdaptivePadding send
// dummy packets in the streams of devices.
package cover

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// poisson is the time to the next of perHour events in an hour, never 0.
func poisson(rng *rand.Rand, perHour float64) time.Duration {
	return time.Duration(rng.ExpFloat64()/perHour*float64(time.Hour)) + 1
}

// sortByTime sorts packets by time; those of one instant keep their order.
func sortByTime(packets []datasets.Packet) {
	slices.SortStableFunc(packets, func(a, b datasets.Packet) int { return cmp.Compare(a.Time, b.Time) })
}

// dummy is a dummy packet to be: when, in which stream and direction.
type dummy struct {
	at     time.Duration
	stream int32
	dir    datasets.Dir
}

// blend adds dummies as packets that an observer cannot tell from their
// stream's: on the flow that the stream used last, and of the given size (IP
// layer) or, if that is 0, of the size of the last packet with payload in that
// direction. A dummy before its stream's first packet, or after End, is left
// out. dummies are sorted in place.
func blend(in datasets.Trace, s shaping.Streams, size int32, dummies []dummy) defenses.Defended {
	slices.SortStableFunc(dummies, func(a, b dummy) int { return cmp.Compare(a.at, b.at) })

	// What each stream used last, as of the dummy at hand: its flow, and its last
	// packet with payload in each direction.
	const unseen = -1
	flow := make([]int32, len(s.First))
	like := make([][2]datasets.Packet, len(s.First))
	for k := range flow {
		flow[k] = unseen
	}

	packets := make([]datasets.Packet, 0, len(dummies))
	next := 0
	for _, d := range dummies {
		for ; next < len(in.Packets) && in.Packets[next].Time <= d.at; next++ {
			p := in.Packets[next]
			if k := s.Of[p.Flow]; k != shaping.NoStream {
				flow[k] = p.Flow
				if p.Payload > 0 {
					like[k][p.Dir] = p
				}
			}
		}

		if flow[d.stream] == unseen || d.at > in.End {
			continue
		}

		// Before the first payload in this direction there is nothing to be like:
		// 100 bytes.
		p := like[d.stream][d.dir]
		if p.Payload == 0 || size > 0 {
			n := max(size, 100)
			header := int32(shaping.TCP4Headers)
			if in.Flows[flow[d.stream]].Proto == shaping.UDP {
				header = shaping.UDP4Headers
			}
			p = datasets.Packet{Size: n + datasets.EthernetHeader, Payload: max(n-header, 0)}
		}
		if p.Size > defenses.MaxFrame {
			p.Payload = max(p.Payload-(p.Size-defenses.MaxFrame), 0)
			p.Size = defenses.MaxFrame
		}

		p.Time, p.Flow, p.Dir = d.at, flow[d.stream], d.dir
		packets = append(packets, p)
	}
	return shaping.Insert(in, in.Flows, packets)
}
