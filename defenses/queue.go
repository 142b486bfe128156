package defenses

import (
	"time"

	"veilbench/datasets"
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

// ready tells whether something waits at now.
func (q *queue) ready(now time.Duration) bool {
	return len(q.wait) > 0 && q.packets[q.wait[0]].Time <= now
}

// empty tells whether everything has left, now and in future.
func (q *queue) empty() bool { return len(q.wait) == 0 }

// fill puts what exists at now into a packet with the given room, and returns
// how many bytes of it are used. The caller ends the packet.
func (q *queue) fill(b *Builder, now time.Duration, room int32) int32 {
	used := int32(0)
	for used < room && q.ready(now) {
		i := q.wait[0]
		if !q.begun {
			p := q.packets[i]
			q.payload = p.Payload
			q.header = max(p.Size-datasets.EthernetHeader, 1) - p.Payload
			q.begun = true
			q.last = p.Time
		}
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
			n += int64(max(p.Size-datasets.EthernetHeader, 1))
		}
	}
	return n
}

// queues sorts the packets of in into one queue per stream and direction; that
// of stream k is at 2*k + direction. pass holds the packets of flows that
// belong to no stream.
func queues(in datasets.Trace, s streams) (qs []queue, pass []int32) {
	qs = make([]queue, 2*len(s.first))
	counts := make([]int32, len(qs))
	for _, p := range in.Packets {
		if k := s.of[p.Flow]; k != own {
			counts[2*k+int32(p.Dir)]++
		}
	}
	for i := range qs {
		qs[i] = queue{packets: in.Packets, wait: make([]int32, 0, counts[i])}
	}
	for i, p := range in.Packets {
		if k := s.of[p.Flow]; k != own {
			q := &qs[2*k+int32(p.Dir)]
			q.wait = append(q.wait, int32(i))
		} else {
			pass = append(pass, int32(i))
		}
	}
	return qs, pass
}
