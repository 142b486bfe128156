package rate

import (
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// queue holds originals of one stream and direction that wait to leave in
// packets of another size. An original takes its whole IP packet there, its
// payload before its headers: a tunnel has to carry the headers too.
type queue struct {
	packets []datasets.Packet // of the input
	wait    []int32           // originals in order, left to leave
	payload int32             // rest of the first of wait
	header  int32
	begun   bool          // the first of wait is in payload and header
	last    time.Duration // of the newest original that has begun to leave
}

// ipSize is the size of p at the IP layer, at least 1: a runt of 14 bytes or less
// has to leave in some packet, too.
func ipSize(p datasets.Packet) int64 { return int64(max(p.Size-datasets.EthernetHeader, 1)) }

// ready tells whether the first of wait is there at now. After fill at now that
// is the next original, or the one that fill could not finish.
func (q *queue) ready(now time.Duration) bool {
	return len(q.wait) > 0 && q.packets[q.wait[0]].Time <= now
}

// waits tells whether something is left of what was there at now.
func (q *queue) waits(now time.Duration) bool { return q.begun || q.ready(now) }

// empty tells whether everything has left, now and in future.
func (q *queue) empty() bool { return len(q.wait) == 0 }

// fill puts what exists at now into a packet with the given room, and returns
// how many bytes of it are used. The caller ends the packet.
func (q *queue) fill(b *defenses.Builder, now time.Duration, room int32) int32 {
	used := int32(0)
	for used < room && q.ready(now) {
		i := q.wait[0]
		if !q.begun {
			p := q.packets[i]
			q.payload = p.Payload
			q.header = int32(ipSize(p)) - p.Payload
			q.begun = true
			q.last = p.Time
		}

		// Payload goes before headers, so that Carried's rule holds that the
		// original bytes of a packet come first. An entry of 0 bytes is a piece
		// of headers alone.
		n := min(q.payload, room-used)
		h := min(q.header, room-used-n)
		b.Carry(i, n)
		q.payload -= n
		q.header -= h
		used += n + h

		if q.payload+q.header > 0 {
			break
		}
		q.begun = false
		q.wait = q.wait[1:]
	}
	return used
}

// bytes is how much waits at now, at the IP layer. It looks at every waiting
// packet.
func (q *queue) bytes(now time.Duration) int64 {
	var n int64
	for k, i := range q.wait {
		p := q.packets[i]
		if p.Time > now {
			break
		}
		if k == 0 && q.begun {
			n += int64(q.payload + q.header)
		} else {
			n += ipSize(p)
		}
	}
	return n
}

// queues sorts the packets of in into one queue per stream and direction; that
// of stream k is at 2*k + direction. pass holds the packets of flows that
// belong to no stream.
func queues(in datasets.Trace, s shaping.Streams) (qs []queue, pass []int32) {
	qs = make([]queue, 2*len(s.First))

	// Counted first, as a queue that grows would be copied again and again for
	// the days of a busy home.
	counts := make([]int32, len(qs))
	for _, p := range in.Packets {
		if k := s.Of[p.Flow]; k != shaping.NoStream {
			counts[2*k+int32(p.Dir)]++
		}
	}
	for i := range qs {
		qs[i] = queue{packets: in.Packets, wait: make([]int32, 0, counts[i])}
	}

	for i, p := range in.Packets {
		if k := s.Of[p.Flow]; k != shaping.NoStream {
			q := &qs[2*k+int32(p.Dir)]
			q.wait = append(q.wait, int32(i))
		} else {
			pass = append(pass, int32(i))
		}
	}
	return qs, pass
}
