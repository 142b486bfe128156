package defenses

import (
	"slices"
	"time"

	"veilbench/datasets"
)

// dummy is a cover packet to be: when, in which stream and direction.
type dummy struct {
	at     time.Duration
	stream int32
	dir    datasets.Dir
}

// dress turns dummies into cover packets that an observer cannot tell from the
// stream's own: on the flow that the stream used last, and of the given size
// (IP layer) or, if that is 0, of the size of the last packet with payload in
// that direction. A dummy before its stream's first packet, or after End, is
// left out.
func dress(in datasets.Trace, s streams, size int32, dummies []dummy) Defended {
	slices.SortStableFunc(dummies, func(a, b dummy) int { return compareTimes(a.at, b.at) })
	flow := make([]int32, len(s.first))
	like := make([][2]datasets.Packet, len(s.first))
	for k := range flow {
		flow[k] = own
	}
	cover := make([]datasets.Packet, 0, len(dummies))
	next := 0
	for _, d := range dummies {
		for ; next < len(in.Packets) && in.Packets[next].Time <= d.at; next++ {
			p := in.Packets[next]
			if k := s.of[p.Flow]; k != own {
				flow[k] = p.Flow
				if p.Payload > 0 {
					like[k][p.Dir] = p
				}
			}
		}
		if flow[d.stream] == own || d.at > in.End {
			continue
		}
		p := like[d.stream][d.dir]
		if p.Payload == 0 || size > 0 {
			n := max(size, 100)
			header := int32(ip4Header + tcpHeader)
			if in.Flows[flow[d.stream]].Proto == protoUDP {
				header = udp4
			}
			p = datasets.Packet{Size: n + datasets.EthernetHeader, Payload: max(n-header, 0)}
		}
		if p.Size > MaxFrame {
			p.Payload = max(p.Payload-(p.Size-MaxFrame), 0)
			p.Size = MaxFrame
		}
		p.Time, p.Flow, p.Dir = d.at, flow[d.stream], d.dir
		cover = append(cover, p)
	}
	return insert(in, in.Flows, cover)
}
