package maybenot

import (
	"math"
	"sort"
	"time"
)

// A second executor, as plain as can be and written after the specification alone:
// everything in lists that are looked through from the start. It shares with the first
// the types of machines, the drawing of a distribution and the generator.

type plainFramework struct {
	ms     []*Machine
	lim    Limits
	rng    *random
	start  time.Duration
	now    time.Duration
	states []int64
	limits []uint64
	a, b   []uint64
	pad    []uint64 // the last is the framework's own
	normal []uint64
	block  []time.Duration
	begin  *time.Duration
	slots  []*Command
	zero   map[string]bool
	signal []int // who has signalled
}

func newPlain(ms []*Machine, lim Limits, start time.Duration, rng *random) *plainFramework {
	n := len(ms)
	f := &plainFramework{
		ms: ms, lim: lim, rng: rng, start: start, states: make([]int64, n), limits: make([]uint64, n),
		a: make([]uint64, n), b: make([]uint64, n), pad: make([]uint64, n+1), normal: make([]uint64, n+1),
		block: make([]time.Duration, n+1), slots: make([]*Command, n),
	}
	for i, m := range ms {
		if m.States[0].Action != nil {
			f.limits[i] = f.limitOf(m.States[0].Action)
		}
	}
	return f
}

func toUint(x float64) uint64 {
	if x >= math.MaxUint64 {
		return math.MaxUint64
	}
	return uint64(x)
}

func (f *plainFramework) limitOf(a *Action) uint64 {
	if a == nil || a.Kind == Cancel || a.Limit == nil {
		return math.MaxUint64
	}
	return toUint(math.Round(a.Limit.sample(f.rng)))
}

func (f *plainFramework) trigger(now time.Duration, events ...Event) []Command {
	f.slots, f.zero, f.now = make([]*Command, len(f.ms)), map[string]bool{}, now
	for _, e := range events {
		f.event(e)
	}

	// Signals: "all but one" is one entry, more are "all".
	if len(f.signal) > 0 {
		but := -1
		if len(f.signal) == 1 {
			but = f.signal[0]
		}
		f.signal = nil
		for i := range f.ms {
			if i != but {
				f.move(i, Signal)
			}
		}
		if len(f.signal) > 0 {
			f.signal = nil
			if but >= 0 {
				f.move(but, Signal)
			}
		}
	}
	var out []Command
	for _, c := range f.slots {
		if c != nil {
			out = append(out, *c)
		}
	}
	return out
}

func (f *plainFramework) event(e Event) {
	all, n := len(f.ms), len(f.ms)
	var ended time.Duration
	switch e.Kind {
	case NormalSent:
		f.normal[all]++
	case PaddingSent:
		f.pad[all]++
	case BlockingBegin:
		if f.begin == nil {
			f.begin = &[]time.Duration{f.now}[0]
		}
	case BlockingEnd:
		if f.begin != nil {
			ended = max(f.now-*f.begin, 0)
			f.begin = nil
		}
		f.block[all] += ended
	}
	for i := range n {
		switch e.Kind {
		case PaddingSent, TimerBegin, TimerEnd:
			if i != e.Machine {
				continue
			}
		}
		switch e.Kind {
		case NormalSent:
			f.normal[i]++
		case PaddingSent:
			f.pad[i]++
		case BlockingEnd:
			f.block[i] += ended
		}
		moved := f.move(i, e.Kind)
		lowers := e.Kind == PaddingSent || e.Kind == TimerBegin || e.Kind == BlockingBegin && i == e.Machine
		if lowers && !moved && f.states[i] >= 0 {
			f.lower(i)
		}
	}
}

func (f *plainFramework) lower(i int) {
	if f.limits[i] > 0 {
		f.limits[i]--
	}
	a := f.ms[i].States[f.states[i]].Action
	if f.limits[i] == 0 && a != nil && a.Kind != Cancel && a.Limit != nil {
		f.slots[i] = nil
		f.move(i, LimitReached)
	}
}

// move is a transition; a state of -1 is the end.
func (f *plainFramework) move(i int, k EventKind) bool {
	if f.states[i] < 0 || f.ms[i].States[f.states[i]].Transitions[k] == nil {
		return false
	}
	r, sum, target := f.rng.share(), float32(0), int64(-2)
	for _, t := range f.ms[i].States[f.states[i]].Transitions[k] {
		sum += t.Probability
		if r < sum {
			target = int64(t.State)
			break
		}
	}
	switch target {
	case -2:
		return false
	case int64(EndState):
		f.states[i] = -1
		return true
	case int64(SignalState):
		f.signal = append(f.signal, i)
		return false
	}

	old := f.states[i]
	s := f.ms[i].States[target]
	if target != old {
		f.states[i] = target
		f.limits[i] = f.limitOf(s.Action)
	}
	below := f.below(i, s.Action)
	free, further := f.counters(i, s)
	if free && below {
		f.put(i, s.Action)
	}
	return f.states[i] != old || further
}

func (f *plainFramework) counters(i int, s State) (free, further bool) {
	oldA, oldB := f.a[i], f.b[i]
	change := func(v *uint64, c *Counter, old, other uint64, letter string) bool {
		if c == nil {
			return false
		}
		by := uint64(1)
		if c.Copy {
			by = other
		} else if c.Dist != nil {
			by = toUint(c.Dist.sample(f.rng))
		}
		switch c.Operation {
		case Set:
			*v = by
		case Increment:
			if *v += by; *v < by {
				*v = math.MaxUint64
			}
		case Decrement:
			if *v < by {
				by = *v
			}
			*v -= by
		}
		if old != 0 && *v == 0 && !f.zero[letter] {
			f.zero[letter] = true
			return true
		}
		return false
	}
	zeroA := change(&f.a[i], s.CounterA, oldA, oldB, "a")
	zeroB := change(&f.b[i], s.CounterB, oldB, oldA, "b")
	if !zeroA && !zeroB {
		return true, false
	}
	further = f.move(i, CounterZero)
	return f.slots[i] == nil, further
}

func (f *plainFramework) below(i int, a *Action) bool {
	if a == nil {
		return false
	}
	m, all, left := f.ms[i], len(f.ms), f.limits[i] > 0
	switch a.Kind {
	case Cancel:
		return true
	case SendPadding:
		if f.pad[i] < m.AllowedPaddingPackets {
			return left
		}
		if m.MaxPaddingFrac > 0 {
			if f.normal[i]+f.pad[i] == 0 {
				return true
			}
			if float64(f.pad[i])/float64(f.normal[i]+f.pad[i]) >= m.MaxPaddingFrac {
				return false
			}
		}
		if f.lim.MaxPaddingFrac > 0 {
			if f.normal[all]+f.pad[all] == 0 {
				return true
			}
			if float64(f.pad[all])/float64(f.normal[all]+f.pad[all]) >= f.lim.MaxPaddingFrac {
				return false
			}
		}
	case BlockOutgoing:
		if a.Replace && f.begin != nil {
			return left
		}
		own, total := f.block[i], f.block[all]
		if f.begin != nil {
			own += max(f.now-*f.begin, 0)
			total += max(f.now-*f.begin, 0)
		}
		lived := float64(max(f.now-f.start, 0))
		if float64(own) < float64(m.AllowedBlockedMicrosec)*1000 {
			return left
		}
		if m.MaxBlockingFrac > 0 && float64(own)/lived >= m.MaxBlockingFrac {
			return false
		}
		if f.lim.MaxBlockingFrac > 0 && float64(total)/lived >= f.lim.MaxBlockingFrac {
			return false
		}
	}
	return left
}

func (f *plainFramework) put(i int, a *Action) {
	draw := func(d Dist) time.Duration {
		return 1000 * time.Duration(math.Round(math.Min(d.sample(f.rng), 24*3600*1e6)))
	}
	c := &Command{Machine: i, Kind: a.Kind}
	f.slots[i] = c
	if a.Kind == Cancel {
		c.Timer = a.Timer
		return
	}
	c.Replace = a.Replace
	if a.Kind != UpdateTimer {
		c.Bypass, c.Timeout = a.Bypass, draw(a.Timeout)
	}
	if a.Kind != SendPadding {
		c.Duration = draw(a.Duration)
	}
}

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
