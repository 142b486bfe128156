package rate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// maxPaced bounds what pace makes in one Apply, about 100 bytes each at worst
// while streams are joined.
const maxPaced = 50_000_000

// part is one stream while it is paced: what waits and what it has sent.
type part struct {
	qs   [2]queue // up and down
	out  []datasets.Packet
	b    *defenses.Builder
	flow int32
	size int32 // of every packet, at the IP layer
	// hard is the time after which nothing may wait any more; limit is when
	// observing stops as long as nothing waits.
	hard, limit time.Duration
	drained     time.Duration // when the last original left
	flood       bool          // made more than room packets
	room        int
}

// send sends a packet of the stream's size with what waits in that direction, or
// a dummy if nothing does.
func (p *part) send(dir datasets.Dir, now time.Duration) { p.sendSized(dir, now, p.size) }

// sendSized is send with a size at the IP layer of its own. What does not fit
// waits for the next packet.
func (p *part) sendSized(dir datasets.Dir, now time.Duration, size int32) {
	if p.qs[dir].fill(p.b, now, size-shaping.UDP4Headers) > 0 {
		p.drained = now
	}
	p.b.Next()
	p.out = append(p.out, datasets.Packet{
		Time: now, Size: size + datasets.EthernetHeader,
		Payload: size - shaping.UDP4Headers, Flow: p.flow, Dir: dir,
	})
}

// waits tells whether something is left of what was there at now, either way.
func (p *part) waits(now time.Duration) bool { return p.qs[0].waits(now) || p.qs[1].waits(now) }

// last is the time of the newest original that has begun to leave.
func (p *part) last() time.Duration { return max(p.qs[0].last, p.qs[1].last) }

// after is start, or just after the last packet if that is later: a session never
// begins before the one before it is over.
func (p *part) after(start time.Duration) time.Duration {
	if n := len(p.out); n > 0 {
		start = max(start, p.out[n-1].Time+1)
	}
	return start
}

// over tells whether the stream's work at now is beyond what is observed, or more
// than there is room for.
func (p *part) over(now time.Duration) bool {
	p.flood = len(p.out) > p.room
	return p.flood || now > p.hard || now > p.limit && p.qs[0].empty() && p.qs[1].empty()
}

// next is when the next original is there, also the one that waits already.
func (p *part) next() (at time.Duration, ok bool) {
	for i := range p.qs {
		if q := &p.qs[i]; !q.empty() {
			if t := q.packets[q.wait[0]].Time; !ok || t < at {
				at, ok = t, true
			}
		}
	}
	return at, ok
}

// pacer sends the originals of a stream, and stops when p.over says so or nothing
// is left to do.
type pacer func(rng *rand.Rand, p *part)

// pace shapes every stream of in by run, in packets of size bytes over a flow
// of its own. One stream per device, or a single one when shared. Packets of
// flows that stay in the home pass. The result ends at in's End or when the
// last original has left; dummies go on until then on every stream.
func pace(rng *rand.Rand, in datasets.Trace, shared bool, size int32, run pacer) (defenses.Defended, error) {
	s := shaping.FindStreams(in, shared)
	flows := tunnels(in, s, shared)
	seeds := make([][2]uint64, len(s.First))
	for k := range seeds {
		seeds[k] = [2]uint64{rng.Uint64(), rng.Uint64()}
	}

	// A stream that is late moves the end for all, and then the others must send
	// dummies until there too. So all are run again with the end that was found,
	// from the same seeds; what they send before it does not change.
	limit := in.End
	for {
		qs, pass := queues(in, s)
		parts := make([]part, len(s.First))
		end, room := limit, maxPaced
		for k := range parts {
			p := &parts[k]
			*p = part{
				qs: [2]queue{qs[2*k], qs[2*k+1]}, b: defenses.NewBuilder(0), flow: int32(len(in.Flows) + k), size: size,
				hard: in.End + defenses.MaxBacklog, limit: limit, room: room,
			}

			run(rand.New(rand.NewPCG(seeds[k][0], seeds[k][1])), p)
			if p.flood {
				return defenses.Defended{}, fmt.Errorf("makes more than %d packets: use a lower rate or a shorter trace", maxPaced)
			}
			for dir, q := range p.qs {
				if !q.empty() {
					return defenses.Defended{}, fmt.Errorf("%w: packet %d (%v) has not left %v after the end",
						defenses.ErrSaturated, q.wait[0], datasets.Dir(dir), defenses.MaxBacklog)
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
func join(in datasets.Trace, flows []datasets.Flow, parts []part, pass []int32, end time.Duration) defenses.Defended {
	n := len(pass)
	for _, p := range parts {
		n += len(p.out)
	}
	out := defenses.Defended{Trace: in}
	out.Trace.Flows, out.Trace.End = flows, end
	out.Trace.Packets = make([]datasets.Packet, 0, n)
	b := defenses.NewBuilder(n)

	at := make([]int, len(parts))
	for range n {
		// The stream whose next packet is first. There are few, so a scan is as
		// good as a heap.
		best := -1
		for k := range parts {
			if p := &parts[k]; at[k] < len(p.out) && (best < 0 || p.out[at[k]].Time < parts[best].out[at[best]].Time) {
				best = k
			}
		}

		if len(pass) > 0 && (best < 0 || in.Packets[pass[0]].Time <= parts[best].out[at[best]].Time) {
			p := in.Packets[pass[0]]
			b.Carry(pass[0], p.Payload)
			out.Trace.Packets = append(out.Trace.Packets, p)
			pass = pass[1:]
		} else {
			orig, bytes := parts[best].b.Carried().Entries(at[best])
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
