package maybenot

import (
	"math"
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
