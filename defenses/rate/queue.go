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
	wait    []int32           // originals in order
	at      int               // the first of wait that has not left
	payload int32             // rest of that
	header  int32
	begun   bool          // it is in payload and header
	last    time.Duration // of the newest original that has begun to leave
	entries int           // of the account, so far

	// come is the first of wait that was not there yet when it was last asked. in
	// and out are bytes at the IP layer: of all before it, and that have left.
	come    int
	in, out int64
}

// ipSize is the size of p at the IP layer, at least 1: a runt of 14 bytes or less
// has to leave in some packet, too.
func ipSize(p datasets.Packet) int64 { return int64(max(p.Size-datasets.EthernetHeader, 1)) }

// ready tells whether the first of wait is there at now. After fill at now that
// is the next original, or the one that fill could not finish.
func (q *queue) ready(now time.Duration) bool {
	return q.at < len(q.wait) && q.first() <= now
}

// waits tells whether something is left of what was there at now.
func (q *queue) waits(now time.Duration) bool { return q.begun || q.ready(now) }

// empty tells whether everything has left, now and in future.
func (q *queue) empty() bool { return q.at == len(q.wait) }

// first is when the first original was there that has not left. There must be one.
func (q *queue) first() time.Duration { return q.packets[q.wait[q.at]].Time }

// fill puts what exists at now into a packet with the given room, and returns
// how many bytes of it are used. The caller ends the packet. Without a builder what
// leaves is only counted.
func (q *queue) fill(b *defenses.Builder, now time.Duration, room int32) int32 {
	used := int32(0)
	for used < room && q.ready(now) {
		i := q.wait[q.at]
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
		if q.entries++; b != nil {
			b.Carry(i, n)
		}
		q.payload -= n
		q.header -= h
		used += n + h

		if q.payload+q.header > 0 {
			break
		}
		q.begun = false
		q.at++
	}
	q.out += int64(used)
	return used
}

// arrive counts what is there at now, which never runs backwards.
func (q *queue) arrive(now time.Duration) {
	for ; q.come < len(q.wait) && q.packets[q.wait[q.come]].Time <= now; q.come++ {
		q.in += ipSize(q.packets[q.wait[q.come]])
	}
}

// bytes is how much waits at now, at the IP layer.
func (q *queue) bytes(now time.Duration) int64 {
	q.arrive(now)
	return q.in - q.out
}

// count is how many originals wait at now, one that has left in part among them.
func (q *queue) count(now time.Duration) int {
	q.arrive(now)
	return q.come - q.at
}

// queues sorts the packets of in into one queue per stream and direction; that
// of stream k is at 2*k + direction. pass holds the packets of flows that
// belong to no stream.
func queues(in datasets.Trace, s shaping.Streams) (qs []queue, pass []int32) {
	qs = make([]queue, 2*len(s.First))

	// Counted first, as a queue that grows would be copied again and again for
	// the days of a busy home.
	counts, n := make([]int32, len(qs)), 0
	for i := range in.Packets {
		p := &in.Packets[i]
		if k := s.Of[p.Flow]; k != shaping.NoStream {
			counts[2*k+int32(p.Dir)]++
			n++
		}
	}
	for i := range qs {
		qs[i] = queue{packets: in.Packets, wait: make([]int32, 0, counts[i])}
	}
	pass = make([]int32, 0, len(in.Packets)-n)

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
