package maybenot

import "time"

// lateness is a delay that packets of a side will have from a time on: whoever waits
// for what came late sends late.
type lateness struct {
	at, by time.Duration
	side   Side
}

func (l lateness) before(o lateness) bool { return l.at < o.at }

// delayAll lets packets of both sides come later, since one at side came late by so
// much at t. Each hears of it after some crossings of the tunnel.
func (s *Simulation) delayAll(side Side, by, t time.Duration) {
	d := s.cfg.Delay
	client, server := d, 4*d
	if side == Client {
		client, server = 4*d, 3*d
	}
	s.late.push(lateness{t + max(0, client-by), by, Client})
	s.late.push(lateness{t + max(0, server-by), by, Server})
}

const (
	// near packets belong to one burst, and soon ones to one exchange: none of them
	// makes the others late.
	near = time.Millisecond
	soon = 100 * time.Millisecond
)

// baseNear tells whether the side's next packet comes with x, with the lateness given.
func (e *end) baseNear(x queued, later time.Duration) bool {
	return len(e.base) > 0 && e.base[0]+later-x.time <= near
}

// expiryDelay is how late the burst of x, held back first, has become when blocking
// ends at t; 0 if that delays nobody.
func (s *Simulation) expiryDelay(e *end, x queued, t time.Duration) time.Duration {
	if s.cfg.Independent {
		return 0
	}
	tail := x.time
	if len(e.blocking)+len(e.bypassable) > 2 {
		for _, q := range [2]heap[queued]{e.blocking, e.bypassable} {
			for i := range q {
				if q[i].time-x.time <= near {
					tail = max(tail, q[i].time)
				}
			}
		}
	}
	if t == tail || e.baseNear(x, e.later) {
		return 0
	}
	return max(0, t-tail)
}

// bypassDelay is how late x is, which leaves in the place of padding; 0 if that
// delays nobody.
func (s *Simulation) bypassDelay(e *end, x queued) time.Duration {
	if s.cfg.Independent || e.waitsSoon(x) || e.baseNear(x, e.later) {
		return 0
	}
	return max(0, s.now-x.time)
}

// waitsSoon tells whether another packet waits that came soon after x, or before.
func (e *end) waitsSoon(x queued) bool {
	for _, q := range [2]heap[queued]{e.blocking, e.bypassable} {
		for i := range q {
			if q[i].time-x.time <= soon {
				return true
			}
		}
	}
	return false
}

// spreads tells whether what the bottleneck does to packet x delays others. The
// client's lateness counts for both sides there, as it does in Maybenot.
func (s *Simulation) spreads(side Side, x queued) bool {
	e := &s.ends[side]
	return !e.waitsSoon(x) && !e.baseNear(x, s.ends[Client].later)
}

// cross is how long a packet that leaves a side now is on its way, and how much of
// that is because of those before it.
func (s *Simulation) cross(side Side) (delay, extra time.Duration) {
	delay = s.cfg.Delay
	if s.limit == 0 {
		return delay, 0
	}
	if n := s.ends[side].recent.add(s.now); n > s.limit {
		extra = s.step * time.Duration(n-s.limit)
	}
	return delay + extra, extra
}

// window counts what happened within a second, in a ring that grows.
type window struct {
	times    []time.Duration
	first, n int
}

// add notes t and returns how many were noted from a second before it on.
func (w *window) add(t time.Duration) int {
	for w.n > 0 && t-w.times[w.first] > time.Second {
		w.first = (w.first + 1) % len(w.times)
		w.n--
	}
	if w.n == len(w.times) {
		grown := make([]time.Duration, max(64, 2*w.n))
		k := copy(grown, w.times[w.first:])
		copy(grown[k:], w.times[:w.first])
		w.times, w.first = grown, 0
	}
	w.times[(w.first+w.n)%len(w.times)] = t
	w.n++
	return w.n
}
