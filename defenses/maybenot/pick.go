package maybenot

import "time"

// place is where an event waits.
type place uint8

const (
	inBase place = iota
	inBlocking
	inBypassable
	inInternal
)

// head is the first event of some queues.
type head struct {
	wait time.Duration // until then; 0 if its time is past
	rank rank
	at   place
	side Side
	ok   bool
}

// pick takes the next event from where it waits. Of one time, what delays packets
// comes first, then the end of blocking, packets and other events, timers, and last
// the actions that are due.
func (s *Simulation) pick() (Side, queued, bool) {
	for {
		action, timer, end, late := s.nextAction(), s.nextTimer(), s.nextUnblocking(), never
		if len(s.late) > 0 {
			late = s.until(s.late[0].at)
		}
		first := min(action, timer, end, late)
		h := s.nextQueued(first)
		if s.restart(min(first, h.wait)) {
			continue
		}

		switch {
		case first == never && !h.ok:
			return 0, queued{}, false
		case late <= min(first, h.wait):
			d := s.late.pop()
			s.ends[d.side].later += d.by
		case end <= min(action, timer, h.wait):
			if side, q, ok := s.unblock(end); ok {
				return side, q, true
			}
		case h.wait <= min(action, timer):
			return h.side, s.take(h), true
		case timer <= action:
			s.ring(s.now + timer)
		default:
			s.act(s.now + action)
		}
	}
}

// until is how long it is to a time, 0 if it is past.
func (s *Simulation) until(t time.Duration) time.Duration { return max(0, t-s.now) }

// restart does the next restart if that is not after wait from now.
func (s *Simulation) restart(wait time.Duration) bool {
	if len(s.again) == 0 || wait == never || s.until(s.again[0].At) > wait {
		return false
	}
	r := s.again[0]
	s.again = s.again[1:]
	s.start(r.Side, r.Machines, r.At)
	return true
}

func (s *Simulation) nextAction() time.Duration {
	wait := never
	for i := range s.ends {
		for k := range s.ends[i].scheduled {
			if at := s.ends[i].scheduled[k].at; at != never && at >= s.now {
				wait = min(wait, at-s.now)
			}
		}
	}
	return wait
}

func (s *Simulation) nextTimer() time.Duration {
	wait := never
	for i := range s.ends {
		for _, at := range s.ends[i].timers {
			if at != never && at >= s.now {
				wait = min(wait, at-s.now)
			}
		}
	}
	return wait
}

func (s *Simulation) nextUnblocking() time.Duration {
	at := min(s.ends[Client].until, s.ends[Server].until)
	if at == never {
		return never
	}
	return s.until(at)
}

// unblock ends the blocking that ends after wait, the server's if both do. ok tells
// whether the event for it is the next one; else it waits like others.
func (s *Simulation) unblock(wait time.Duration) (side Side, q queued, ok bool) {
	side = Server
	if s.ends[Client].until < s.ends[Server].until {
		side = Client
	}
	e := &s.ends[side]
	e.until = never
	t := s.now + wait
	if from, ok := e.blocked(false); ok && (*from)[0].time < t {
		if late := s.expiryDelay(e, (*from)[0], t); late > 0 {
			s.delayAll(side, late, t)
		}
	}
	q = queued{time: t + e.delay.Reporting, machine: noMachine, rank: rankBlockingEnd}
	if e.delay.Reporting == 0 {
		return side, q, true
	}
	e.push(q)
	return side, q, false
}

// ring is the first timer that ends at t: the client's before the server's.
func (s *Simulation) ring(t time.Duration) {
	for i := range s.ends {
		e := &s.ends[i]
		for k := range e.timers {
			if e.timers[k] == t {
				e.timers[k] = never
				e.push(queued{time: t, machine: int32(k), rank: rankTimerEnd})
				return
			}
		}
	}
}

// act does the first action that is due at t: the client's before the server's.
func (s *Simulation) act(t time.Duration) {
	for i := range s.ends {
		e := &s.ends[i]
		for k := range e.scheduled {
			if e.scheduled[k].at != t {
				continue
			}
			e.scheduled[k].at = never
			c := &e.scheduled[k].do
			if c.Kind == SendPadding {
				e.push(queued{
					time: t, added: e.delay.Action, machine: int32(k), rank: rankPaddingSent,
					padding: true, bypass: c.Bypass, replace: c.Replace,
				})
				return
			}

			// A shorter blocking does not end a longer one early, but for replace. The
			// machine hears of it either way.
			current := e.until
			if current == never {
				current = t
			}
			if end := t + c.Duration; c.Replace || end > current {
				e.until, e.bypass = end, c.Bypass
			}
			added := e.delay.Action + e.delay.Reporting
			e.push(queued{time: t + added, added: added, machine: int32(k), rank: rankBlockingBegin})
			return
		}
	}
}

// take removes the event that h is the head of. One that was held back happens now.
func (s *Simulation) take(h head) queued {
	e := &s.ends[h.side]
	var q queued
	switch h.at {
	case inBase:
		q = queued{time: e.base[0] + e.later, added: e.delay.Reporting, machine: noMachine, rank: rankNormalSent}
		e.base = e.base[1:]
	case inBlocking:
		q = e.blocking.pop()
	case inBypassable:
		q = e.bypassable.pop()
	default:
		q = e.internal.pop()
		if q.alive() {
			e.alive--
		}
	}
	q.time = max(q.time, s.now+h.wait)
	return q
}

// nextQueued is the event of the queues that may happen next, with never for one that
// is later than first or for none.
func (s *Simulation) nextQueued(first time.Duration) head {
	c, v := s.first(Client), s.first(Server)
	h := c
	if !c.ok || v.ok && (v.wait < c.wait || v.wait == c.wait && v.rank < c.rank) {
		h = v
	}
	e := &s.ends[h.side]
	switch {
	case !h.ok || h.wait > first:
		return head{wait: never}
	case h.rank != rankTunnelSent || e.until == never || e.bypass && h.at == inBypassable:
		return h
	}

	// The head is held back: something behind it, or at the other end, comes first.
	c, v = s.passable(Client), s.passable(Server)
	if v.wait < c.wait {
		return v
	}
	return c
}

// first is the head of all queues of a side.
func (s *Simulation) first(side Side) head {
	e := &s.ends[side]
	h := head{side: side, wait: never}
	var at time.Duration
	consider := func(q heap[queued], p place) {
		if len(q) > 0 && (!h.ok || q[0].time < at || q[0].time == at && q[0].rank < h.rank) {
			h.ok, h.at, h.rank, at = true, p, q[0].rank, q[0].time
		}
	}
	consider(e.bypassable, inBypassable)
	consider(e.blocking, inBlocking)
	consider(e.internal, inInternal)

	// Base wins where it is equal, the others only where they are earlier.
	if len(e.base) > 0 {
		if t := e.base[0] + e.later; !h.ok || t < at || t == at && rankNormalSent <= h.rank {
			h.ok, h.at, h.rank, at = true, inBase, rankNormalSent, t
		}
	}
	if h.ok {
		h.wait = s.until(at)
	}
	return h
}

// passable is what happens next at a side of which the head may be held back: the
// first packet held back, when blocking ends, or what else is first.
func (s *Simulation) passable(side Side) head {
	e := &s.ends[side]
	none := head{side: side, wait: never}

	// The rest: base or internal, and where packets may pass those that may.
	free, freeAt := none, never
	var raw queued // with base as it was recorded
	if len(e.base) > 0 {
		free = head{side: side, at: inBase, rank: rankNormalSent, ok: true}
		freeAt = e.base[0] + e.later
		raw = queued{time: e.base[0], rank: rankNormalSent}
	}
	if len(e.internal) > 0 {
		if q := e.internal[0]; !free.ok || q.time < freeAt || q.time == freeAt && q.rank < rankNormalSent {
			free, freeAt, raw = head{side: side, at: inInternal, rank: q.rank, ok: true}, q.time, q
		}
	}
	if e.bypass && len(e.bypassable) > 0 {
		if q := e.bypassable[0]; !free.ok || q.before(raw) {
			free, freeAt = head{side: side, at: inBypassable, rank: q.rank, ok: true}, q.time
		}
	}

	from, held := e.blocked(e.bypass)
	if !held {
		if free.ok {
			free.wait = s.until(freeAt)
		}
		return free
	}
	end := e.until
	if end == never {
		end = s.now
	}
	at := max((*from)[0].time, end)
	if free.ok && (freeAt < at || freeAt == at && free.at == inBase) {
		free.wait = s.until(freeAt)
		return free
	}
	h := head{wait: s.until(at), rank: (*from)[0].rank, at: inBlocking, side: side, ok: true}
	if from == &e.bypassable {
		h.at = inBypassable
	}
	return h
}
