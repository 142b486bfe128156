package maybenot

import (
	"sort"
	"time"
)

// plainQueue orders as the heap does, element 1 the first.
type plainQueue []queued

func (q plainQueue) higher(i, j int) bool {
	a, b := q[i-1], q[j-1]
	if a.time != b.time {
		return a.time < b.time
	}
	return a.rank < b.rank
}
func (q plainQueue) swap(i, j int) { q[i-1], q[j-1] = q[j-1], q[i-1] }

func (q plainQueue) rise(i int) {
	for i > 1 && q.higher(i, i/2) {
		q.swap(i, i/2)
		i /= 2
	}
}

func (q *plainQueue) add(e queued) {
	*q = append(*q, e)
	q.rise(len(*q))
}

func (q *plainQueue) take() queued {
	all := *q
	n := len(all)
	first := all[0]
	all.swap(1, n)
	*q = all[:n-1]
	n--

	// The hole goes down to a leaf, always to the higher child, of equal ones to the
	// right; the element that was last rises from there.
	i := 1
	for 2*i <= n {
		c := 2 * i
		if c < n && !q.higher(c, c+1) {
			c++
		}
		q.swap(i, c)
		i = c
	}
	q.rise(i)
	return first
}

// plainEnd is a side; its queues are base, blocking, bypassable, internal.
type plainEnd struct {
	f      *plainFramework
	q      [4]plainQueue
	later  time.Duration
	action []*appointment
	timer  []*time.Duration
	until  *time.Duration
	byp    bool
	sent   []time.Duration
}

type plainSim struct {
	cfg     Config
	now     time.Duration
	end     [2]*plainEnd
	pending []lateness
	pps     int
}

// runPlain is NewSimulation and Record without restarts, or latency.
func runPlain(cfg Config, packets []Packet, r Run) []Happened {
	s := &plainSim{cfg: cfg, now: never, pps: cfg.PacketsPerSecond}
	for side := range s.end {
		s.end[side] = &plainEnd{}
	}
	for _, p := range packets {
		q := queued{time: p.Time, machine: noMachine, rank: rankNormalSent}
		if p.From == Server {
			q.time -= cfg.Delay
		}
		s.end[p.From].q[0].add(q)
		s.now = min(s.now, q.time)

		if cfg.PacketsPerSecond == 0 {
			near := 0
			for _, o := range packets {
				if o.From == p.From && o.Time <= p.Time && p.Time-o.Time <= 100*time.Millisecond {
					near++
				}
			}
			s.pps = max(s.pps, 10*near)
		}
	}
	for side, e := range s.end {
		ms := cfg.Machines[side]
		rng := newRandom(cfg.Sources[side])
		e.f = newPlain(ms, cfg.Limits[side], s.now, &rng)
		e.action, e.timer = make([]*appointment, len(ms)), make([]*time.Duration, len(ms))
	}

	var out []Happened
	for n := 1; ; n++ {
		side, e, ok := s.pick()
		if !ok {
			break
		}
		s.now = e.time
		s.network(side, e)
		ev := Event{e.rank.kind(), int(e.machine)}
		for _, c := range s.end[side].f.trigger(s.now, ev) {
			s.do(side, c)
		}
		h := Happened{Event: ev, Side: Side(side), Time: e.time, Padding: e.padding}
		if !r.OnlyNetwork || h.NetworkActivity() {
			out = append(out, h)
		}
		if r.MaxEvents > 0 && len(out) == r.MaxEvents || r.MaxIterations > 0 && n == r.MaxIterations || !r.UntilSilent && s.idle() {
			break
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Time < out[j].Time })
	return out
}

func (s *plainSim) idle() bool {
	for _, e := range s.end {
		if len(e.q[0])+len(e.q[1])+len(e.q[2]) > 0 {
			return false
		}
		for _, x := range e.q[3] {
			if x.padding || x.rank == rankTunnelRecv {
				return false
			}
		}
	}
	return true
}

func (s *plainSim) wait(t time.Duration) time.Duration { return max(0, t-s.now) }

// soonest is the least of many waits, never for none.
func soonest(waits ...time.Duration) time.Duration {
	out := never
	for _, w := range waits {
		out = min(out, w)
	}
	return out
}

func (s *plainSim) pick() (int, queued, bool) {
	for {
		var sw, iw, bw, nw []time.Duration
		for _, e := range s.end {
			for _, a := range e.action {
				if a != nil && a.at >= s.now {
					sw = append(sw, a.at-s.now)
				}
			}
			for _, t := range e.timer {
				if t != nil && *t >= s.now {
					iw = append(iw, *t-s.now)
				}
			}
			if e.until != nil {
				bw = append(bw, s.wait(*e.until))
			}
		}
		for _, p := range s.pending {
			nw = append(nw, s.wait(p.at))
		}
		sm, im, bm, nm := soonest(sw...), soonest(iw...), soonest(bw...), soonest(nw...)
		side, from, qm := s.peek(soonest(sm, im, bm, nm))
		if soonest(sm, im, bm, nm, qm) == never {
			return 0, queued{}, false
		}
		switch {
		case nm <= sm && nm <= im && nm <= bm && nm <= qm:
			s.lateHappens()
		case bm <= sm && bm <= im && bm <= qm:
			return s.unblocked(bm)
		case qm <= sm && qm <= im:
			e := s.end[side].q[from].take()
			if from == 0 {
				e.time += s.end[side].later
			}
			if s.now+qm > e.time {
				e.time = s.now + qm
			}
			return side, e, true
		case im <= sm:
			s.timers(s.now + im)
		default:
			s.actions(s.now + sm)
		}
	}
}

// lateHappens takes the first pending lateness, as the heap orders those of one time.
func (s *plainSim) lateHappens() {
	var q plainQueue
	for k, p := range s.pending {
		q = append(q, queued{time: p.at, machine: int32(k)})
	}
	first := s.pending[q[0].machine]
	q.take()
	var rest []lateness
	for _, x := range q {
		rest = append(rest, s.pending[x.machine])
	}
	s.pending = rest
	s.end[first.side].later += first.by
}

func (s *plainSim) lateComes(at, by time.Duration, side Side) {
	var q plainQueue
	all := append(s.pending, lateness{at, by, side})
	for k, p := range s.pending {
		q = append(q, queued{time: p.at, machine: int32(k)})
	}
	q.add(queued{time: at, machine: int32(len(all) - 1)})
	s.pending = nil
	for _, x := range q {
		s.pending = append(s.pending, all[x.machine])
	}
}

func (s *plainSim) spread(side int, by, t time.Duration) {
	d := s.cfg.Delay
	times := [2][2]time.Duration{{4 * d, 3 * d}, {d, 4 * d}}[side]
	s.lateComes(t+max(0, times[0]-by), by, Client)
	s.lateComes(t+max(0, times[1]-by), by, Server)
}

func (s *plainSim) unblocked(bm time.Duration) (int, queued, bool) {
	side := 1
	c, v := s.end[0].until, s.end[1].until
	if c != nil && (v == nil || *c < *v) {
		side = 0
	}
	e := s.end[side]
	t := s.now + bm
	e.until = nil
	if q := e.held(false); q > 0 && e.q[q][0].time < t && !s.cfg.Independent {
		h := e.q[q][0]
		tail := h.time
		both := append(append(plainQueue{}, e.q[1]...), e.q[2]...)
		for _, x := range both {
			if len(both) > 2 && x.time > tail && x.time-h.time <= time.Millisecond {
				tail = x.time
			}
		}
		close := len(e.q[0]) > 0 && e.q[0][0].time+e.later-h.time <= time.Millisecond
		if t > tail && !close {
			s.spread(side, t-tail, t)
		}
	}
	return side, queued{time: t, machine: noMachine, rank: rankBlockingEnd}, true
}

// held is the queue with the first packet that is held back, 0 for none.
func (e *plainEnd) held(byp bool) int {
	one, two := e.q[1], e.q[2]
	switch {
	case byp || len(two) == 0:
		if len(one) == 0 {
			return 0
		}
		return 1
	case len(one) > 0 && one[0].before(two[0]):
		return 1
	}
	return 2
}

func (s *plainSim) timers(t time.Duration) {
	for _, e := range s.end {
		for m := range e.timer {
			if e.timer[m] != nil && *e.timer[m] == t {
				e.timer[m] = nil
				e.q[3].add(queued{time: t, machine: int32(m), rank: rankTimerEnd})
				return
			}
		}
	}
}

func (s *plainSim) actions(t time.Duration) {
	for _, e := range s.end {
		for m, a := range e.action {
			if a == nil || a.at != t {
				continue
			}
			e.action[m] = nil
			if a.do.Kind == SendPadding {
				e.q[3].add(queued{time: t, machine: int32(m), rank: rankPaddingSent, padding: true, bypass: a.do.Bypass, replace: a.do.Replace})
				return
			}
			end := t + a.do.Duration
			if a.do.Replace || e.until == nil && end > t || e.until != nil && end > *e.until {
				e.until, e.byp = &end, a.do.Bypass
			}
			e.q[3].add(queued{time: t, machine: int32(m), rank: rankBlockingBegin})
			return
		}
	}
}

// peek is the queue whose first event may happen, and how long until then.
func (s *plainSim) peek(earliest time.Duration) (side, from int, wait time.Duration) {
	type first struct {
		side, from int
		wait       time.Duration
		rank       rank
		found      bool
	}
	var firsts [2]first
	for side, e := range s.end {
		var f first
		var best queued
		for _, from := range []int{2, 1, 3} {
			if len(e.q[from]) > 0 && (!f.found || e.q[from][0].before(best)) {
				best, f = e.q[from][0], first{side, from, 0, e.q[from][0].rank, true}
			}
		}
		if len(e.q[0]) > 0 {
			x := e.q[0][0]
			x.time += e.later
			if !f.found || !best.before(x) {
				best, f = x, first{side, 0, 0, x.rank, true}
			}
		}
		f.wait = s.wait(best.time)
		firsts[side] = f
	}
	h := firsts[0]
	if v := firsts[1]; !h.found || v.found && (v.wait < h.wait || v.wait == h.wait && v.rank < h.rank) {
		h = v
	}
	e := s.end[h.side]
	switch {
	case !h.found || h.wait > earliest:
		return 0, 0, never
	case h.rank != rankTunnelSent || e.until == nil || e.byp && e.q[h.from][0].bypass:
		return h.side, h.from, h.wait
	}

	cf, cw := s.best(0)
	vf, vw := s.best(1)
	if cw <= vw {
		return 0, cf, cw
	}
	return 1, vf, vw
}

func (s *plainSim) best(side int) (from int, wait time.Duration) {
	e := s.end[side]
	free, freeAt := -1, time.Duration(0)
	var raw queued
	if len(e.q[0]) > 0 {
		free, freeAt, raw = 0, e.q[0][0].time+e.later, e.q[0][0]
	}
	if len(e.q[3]) > 0 {
		x, base := e.q[3][0], queued{time: freeAt, rank: rankNormalSent}
		if free < 0 || x.before(base) {
			free, freeAt, raw = 3, x.time, x
		}
	}
	if e.byp && len(e.q[2]) > 0 && (free < 0 || e.q[2][0].before(raw)) {
		free, freeAt = 2, e.q[2][0].time
	}
	held := e.held(e.byp)
	if held == 0 && free < 0 {
		return 0, never
	}
	if held == 0 {
		return free, s.wait(freeAt)
	}
	u := s.now
	if e.until != nil {
		u = *e.until
	}
	at := max(u, e.q[held][0].time)
	if free < 0 || at < freeAt || at == freeAt && free != 0 {
		return held, s.wait(at)
	}
	return free, s.wait(freeAt)
}

func (s *plainSim) network(side int, q queued) {
	e := s.end[side]
	switch q.rank {
	case rankNormalSent:
		e.q[1].add(queued{time: q.time, machine: noMachine, rank: rankTunnelSent})
	case rankPaddingSent:
		h := e.held(e.byp)
		if q.replace && h > 0 && !e.q[h][0].padding {
			if !q.bypass {
				return
			}
			x := e.q[h].take()
			if !s.cfg.Independent && !s.soon(e, x) && !(len(e.q[0]) > 0 && e.q[0][0].time+e.later-x.time <= time.Millisecond) && s.now > x.time {
				s.spread(side, s.now-x.time, s.now)
			}
			x.bypass, x.replace = true, false
			e.q[2].add(x)
			return
		}
		x := queued{time: q.time, machine: noMachine, rank: rankTunnelSent, padding: true, bypass: q.bypass, replace: q.replace}
		if q.bypass {
			e.q[2].add(x)
		} else {
			e.q[1].add(x)
		}
	case rankTunnelSent:
		extra := time.Duration(0)
		e.sent = append(e.sent, s.now)
		for s.now-e.sent[0] > time.Second {
			e.sent = e.sent[1:]
		}
		if !s.cfg.Independent && len(e.sent) > s.pps {
			extra = time.Duration(1_000_000_000/s.pps) * time.Duration(len(e.sent)-s.pps)
			if !s.soon(e, q) && !(len(e.q[0]) > 0 && e.q[0][0].time+s.end[0].later-q.time <= time.Millisecond) {
				s.spread(side, extra, s.now)
			}
		}
		at := q.time + s.cfg.Delay + extra
		if !q.padding {
			at = max(at, s.now)
		}
		s.end[1-side].q[3].add(queued{time: at, machine: noMachine, rank: rankTunnelRecv, padding: q.padding})
	case rankTunnelRecv:
		x := queued{time: q.time, machine: noMachine, rank: rankNormalRecv, padding: q.padding}
		if q.padding {
			x.rank = rankPaddingRecv
		}
		e.q[3].add(x)
	}
}

func (s *plainSim) soon(e *plainEnd, x queued) bool {
	for _, q := range [][]queued{e.q[1], e.q[2]} {
		for _, o := range q {
			if o.time-x.time <= 100*time.Millisecond {
				return true
			}
		}
	}
	return false
}

func (s *plainSim) do(side int, c Command) {
	e := s.end[side]
	switch c.Kind {
	case Cancel:
		if c.Timer == ActionTimer || c.Timer == AllTimers {
			e.action[c.Machine] = nil
		}
		if c.Timer == InternalTimer || c.Timer == AllTimers {
			e.timer[c.Machine] = nil
		}
	case UpdateTimer:
		end, running := s.now+c.Duration, s.now
		if e.timer[c.Machine] != nil {
			running = *e.timer[c.Machine]
		}
		if c.Replace || running < end {
			e.timer[c.Machine] = &end
			e.q[3].add(queued{time: s.now, machine: int32(c.Machine), rank: rankTimerBegin})
		}
	default:
		e.action[c.Machine] = &appointment{s.now + c.Timeout, c}
	}
}
