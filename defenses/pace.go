package defenses

import (
	"fmt"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
)

// maxPaced bounds what pace makes in one Apply, about 100 bytes each at worst
// while streams are joined.
const maxPaced = 50_000_000

// part is what one stream sends, in order of time.
type part struct {
	out  []datasets.Packet
	b    *Builder
	flow int32
	size int32 // of every packet, at the IP layer
	// hard is the time after which nothing may wait any more; limit is when
	// observing stops as long as nothing waits.
	hard, limit time.Duration
	drained     time.Duration // when the last original left
	flood       bool          // made more than room packets
	room        int
}

// send sends a packet with what waits in q, nothing if that is nil.
func (p *part) send(q *queue, dir datasets.Dir, now time.Duration) {
	p.sendSized(q, dir, now, p.size)
}

func (p *part) sendSized(q *queue, dir datasets.Dir, now time.Duration, size int32) {
	if q != nil && q.fill(p.b, now, size-udp4) > 0 {
		p.drained = now
	}
	p.b.Next()
	p.out = append(p.out, datasets.Packet{
		Time: now, Size: size + datasets.EthernetHeader,
		Payload: size - udp4, Flow: p.flow, Dir: dir,
	})
}

// over tells whether the stream's work at now is beyond what is observed.
func (p *part) over(now time.Duration, qs *[2]queue) bool {
	p.flood = len(p.out) > p.room
	return p.flood || now > p.hard || now > p.limit && qs[0].empty() && qs[1].empty()
}

// next is when the next original is there, also the one that waits already.
func next(qs *[2]queue) (at time.Duration, ok bool) {
	for i := range qs {
		if q := &qs[i]; !q.empty() {
			if t := q.packets[q.wait[0]].Time; !ok || t < at {
				at, ok = t, true
			}
		}
	}
	return at, ok
}

// pacer sends the originals of a stream, up in qs[0] and down in qs[1], and
// stops when p.over says so or nothing is left to do.
type pacer func(rng *rand.Rand, qs *[2]queue, p *part)

// pace shapes every stream of in by run, in packets of size bytes over a flow
// of its own. One stream per device, or a single one when shared. Packets of
// flows that stay in the home pass. The result ends at in's End or when the
// last original has left; cover goes on until then on every stream.
func pace(rng *rand.Rand, in datasets.Trace, shared bool, size int32, run pacer) (Defended, error) {
	s := devices(in, shared)
	flows := withFlows(in)
	seeds := make([][2]uint64, len(s.first))
	for k := range s.first {
		flows = append(flows, s.tunnel(k, shared))
		seeds[k] = [2]uint64{rng.Uint64(), rng.Uint64()}
	}
	limit := in.End
	for {
		qs, pass := queues(in, s)
		parts := make([]part, len(s.first))
		end, room := limit, maxPaced
		for k := range parts {
			p := &parts[k]
			*p = part{
				b: NewBuilder(0), flow: int32(len(in.Flows) + k), size: size,
				hard: in.End + MaxBacklog, limit: limit, room: room,
			}
			pair := [2]queue{qs[2*k], qs[2*k+1]}
			run(rand.New(rand.NewPCG(seeds[k][0], seeds[k][1])), &pair, p)
			if p.flood {
				return Defended{}, fmt.Errorf("makes more than %d packets: use a lower rate or a shorter trace", maxPaced)
			}
			for dir, q := range pair {
				if !q.empty() {
					return Defended{}, fmt.Errorf("%w: packet %d (%v) has not left %v after the end",
						ErrSaturated, q.wait[0], datasets.Dir(dir), MaxBacklog)
				}
			}
			end = max(end, p.drained)
			room -= len(p.out)
		}
		if end == limit {
			return join(in, flows, parts, pass, end), nil
		}
		limit = end
	}
}

// join merges the streams and the packets that pass in order of time; of equal
// times those that pass are first, then streams in their order.
func join(in datasets.Trace, flows []datasets.Flow, parts []part, pass []int32, end time.Duration) Defended {
	n := len(pass)
	for _, p := range parts {
		n += len(p.out)
	}
	out := Defended{Trace: in}
	out.Trace.Flows, out.Trace.End = flows, end
	out.Trace.Packets = make([]datasets.Packet, 0, n)
	b := NewBuilder(n)
	at := make([]int, len(parts))
	for range n {
		best := -1
		for k, p := range parts {
			if at[k] < len(p.out) && (best < 0 || p.out[at[k]].Time < parts[best].out[at[best]].Time) {
				best = k
			}
		}
		if len(pass) > 0 && (best < 0 || in.Packets[pass[0]].Time <= parts[best].out[at[best]].Time) {
			p := in.Packets[pass[0]]
			b.Carry(pass[0], p.Payload)
			out.Trace.Packets = append(out.Trace.Packets, p)
			pass = pass[1:]
		} else {
			orig, bytes := parts[best].b.c.Entries(at[best])
			for j := range orig {
				b.Carry(orig[j], bytes[j])
			}
			out.Trace.Packets = append(out.Trace.Packets, parts[best].out[at[best]])
			at[best]++
		}
		b.Next()
	}
	out.Carried = b.Carried()
	return out
}
