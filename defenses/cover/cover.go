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
// stream's: on the flow that the stream used last, with the headers of that
// flow's last packet, and of the given size (IP layer) or, if that is 0, of the
// size of the stream's last packet with payload in that direction. A dummy before
// its stream's first packet, or after End, is left out. dummies are sorted in
// place.
func blend(in datasets.Trace, s shaping.Streams, size int32, dummies []dummy) defenses.Defended {
	slices.SortStableFunc(dummies, func(a, b dummy) int { return cmp.Compare(a.at, b.at) })

	// What each stream used last, as of the dummy at hand: its flow, that flow's
	// headers, and its last packet with payload in each direction.
	const unseen = -1
	flow := make([]int32, len(s.First))
	header := make([]int32, len(s.First))
	like := make([][2]datasets.Packet, len(s.First))
	for k := range flow {
		flow[k] = unseen
	}

	packets := make([]datasets.Packet, 0, len(dummies))
	next := 0
	for _, d := range dummies {
		for ; next < len(in.Packets) && in.Packets[next].Time <= d.at; next++ {
			p := in.Packets[next]
			// A frame shorter than its headers, or headers as long as a frame,
			// cannot be followed.
			n := p.Size - p.Payload
			if k := s.Of[p.Flow]; k != shaping.NoStream && n >= datasets.EthernetHeader && n <= defenses.MaxFrame {
				flow[k], header[k] = p.Flow, n
				if p.Payload > 0 {
					like[k][p.Dir] = p
				}
			}
		}

		if flow[d.stream] == unseen || d.at > in.End {
			continue
		}

		// The size may be that of a packet on another flow, whose headers are
		// impossible on this one where one is TCP and the other UDP.
		p, h := like[d.stream][d.dir], header[d.stream]
		switch {
		case size > 0 || p.Payload == 0:
			// Before the first payload in this direction there is nothing to be
			// like: 100 bytes.
			p.Size = max(size, 100) + datasets.EthernetHeader
		case p.Flow == flow[d.stream]:
			h = p.Size - p.Payload
		}
		p.Payload = max(min(p.Size, defenses.Limit(in.Flows[flow[d.stream]]))-h, 0)
		p.Size = h + p.Payload

		p.Time, p.Flow, p.Dir = d.at, flow[d.stream], d.dir
		packets = append(packets, p)
	}
	return shaping.Insert(in, in.Flows, packets)
}
