package maybenot

import (
	"math"
	"math/rand/v2"
	"time"
)

// Event is something that happened at this end of the tunnel. Machine counts only
// for PaddingSent, BlockingBegin, TimerBegin and TimerEnd: whose it was. A number
// that no machine has is legal.
type Event struct {
	Kind    EventKind
	Machine int
}

// Command is what a machine wants to be done. Which fields count depends on Kind, as
// for Action.
type Command struct {
	Machine           int
	Kind              ActionKind
	Timer             Timer
	Bypass, Replace   bool
	Timeout, Duration time.Duration
}

// Limits bound what all machines of a framework do together, as shares of packets
// sent and of time; 0 sets none.
type Limits struct {
	MaxPaddingFrac, MaxBlockingFrac float64
}

func (l Limits) check() error {
	within := func(x float64) bool { return x >= 0 && x <= 1 } // NaN is not
	if !within(l.MaxPaddingFrac) {
		return fault(BadPaddingFrac, "%v, want 0 to 1", l.MaxPaddingFrac)
	}
	if !within(l.MaxBlockingFrac) {
		return fault(BadBlockingFrac, "%v, want 0 to 1", l.MaxBlockingFrac)
	}
	return nil
}

// Framework is a set of machines that run at one end of one tunnel. It keeps no
// clock: whoever calls says what time it is, and times never fall.
type Framework struct {
	machines []*Machine
	limits   Limits
	rng      random
	run      []running
	out      []Command

	now, start time.Duration
	total      traffic
	blocking   bool
	since      time.Duration // when blocking began

	// zeroed tells for each counter letter whether one of any machine has raised
	// CounterZero in this call: a letter does so once.
	zeroed [2]bool
	// signal is who has signalled, and not been heard yet: nobody, one machine, which
	// does not hear itself, or all.
	signal int
}

// What signal is if it is no machine's number.
const (
	silent    = -1
	everybody = -2
)

// running is the state of one machine.
type running struct {
	state    uint32
	limit    uint64 // how often the action may still be taken
	counters [2]uint64
	sum      traffic
	slot     Command // what is to be returned, if filled
	filled   bool
}

// traffic is what limits are worked out from.
type traffic struct {
	padding, normal uint64
	blocked         time.Duration
}

// NewFramework starts machines at a time with draws from src. It fails for limits
// outside 0 to 1 and machines that are not valid; the machines must not be changed
// any more.
func NewFramework(machines []*Machine, limits Limits, start time.Duration, src rand.Source) (*Framework, error) {
	if err := limits.check(); err != nil {
		return nil, err
	}
	for _, m := range machines {
		if err := m.Validate(); err != nil {
			return nil, err
		}
	}
	return newFramework(machines, limits, start, newRandom(src)), nil
}

// newFramework is NewFramework for what is known to be valid.
func newFramework(machines []*Machine, limits Limits, start time.Duration, rng random) *Framework {
	f := &Framework{
		machines: machines, limits: limits, rng: rng, now: start, start: start, signal: silent,
		run: make([]running, len(machines)), out: make([]Command, 0, len(machines)),
	}
	for i, m := range machines {
		// A start without action has no limit, and unlike a state that is entered
		// later that means 0.
		if a := m.States[0].Action; a != nil {
			f.run[i].limit = f.sampleLimit(a)
		}
	}
	return f
}

// AllEnded tells whether every machine has reached EndState.
func (f *Framework) AllEnded() bool {
	for i := range f.run {
		if f.run[i].state != EndState {
			return false
		}
	}
	return true
}

// Trigger reports events that happened at now, in their order, and returns what the
// machines want done: at most one command of each, in the order of machines. The
// slice is valid until the next call.
//
// Events reported together are not the same as one by one, since commands, signals
// and CounterZero are counted by call.
func (f *Framework) Trigger(now time.Duration, events ...Event) []Command {
	f.now, f.zeroed = now, [2]bool{}
	for i := range f.run {
		f.run[i].filled = false
	}
	for _, e := range events {
		f.process(e)
	}
	if f.signal != silent {
		f.deliver()
	}

	f.out = f.out[:0]
	for i := range f.run {
		if f.run[i].filled {
			f.out = append(f.out, f.run[i].slot)
		}
	}
	return f.out
}

// process is one event: what it counts as, and whom it moves.
func (f *Framework) process(e Event) {
	known := e.Machine >= 0 && e.Machine < len(f.run)
	switch e.Kind {
	case NormalSent:
		f.total.normal = plus(f.total.normal, 1)
		for i := range f.run {
			f.run[i].sum.normal = plus(f.run[i].sum.normal, 1)
			f.transition(i, e.Kind)
		}

	case PaddingSent:
		f.total.padding = plus(f.total.padding, 1) // whoever's it was
		if known {
			f.run[e.Machine].sum.padding = plus(f.run[e.Machine].sum.padding, 1)
			f.spend(e.Machine, f.transition(e.Machine, e.Kind))
		}

	case BlockingBegin:
		if !f.blocking {
			f.blocking, f.since = true, f.now
		}
		for i := range f.run {
			changed := f.transition(i, e.Kind)
			if i == e.Machine {
				f.spend(i, changed)
			}
		}

	case BlockingEnd:
		var blocked time.Duration
		if f.blocking {
			blocked = max(0, f.now-f.since)
			f.blocking = false
		}
		f.total.blocked += blocked
		for i := range f.run {
			f.run[i].sum.blocked += blocked
			f.transition(i, e.Kind)
		}

	case TimerBegin:
		if known {
			f.spend(e.Machine, f.transition(e.Machine, e.Kind))
		}
	case TimerEnd:
		if known {
			f.transition(e.Machine, e.Kind)
		}
	case NormalRecv, PaddingRecv, TunnelRecv, TunnelSent:
		for i := range f.run {
			f.transition(i, e.Kind)
		}
	}
}

// transition moves machine i, if its state has somewhere to go on the event, and
// tells whether its state or, by CounterZero, that of its counters moved it on.
func (f *Framework) transition(i int, k EventKind) (changed bool) {
	r, m := &f.run[i], f.machines[i]
	if r.state == EndState {
		return false
	}
	target, ok := f.next(m.States[r.state].Transitions[k])
	switch {
	case !ok:
		return false
	case target == EndState:
		r.state = EndState // what is in the slot stays there
		return true
	case target == SignalState:
		if f.signal == silent {
			f.signal = i
		} else {
			f.signal = everybody // this one included, if it was the first as well
		}
		return false
	}

	s := &m.States[target]
	old := r.state
	if target != old {
		r.state = target
		r.limit = math.MaxUint64
		if s.Action != nil {
			r.limit = f.sampleLimit(s.Action)
		}
	}

	// The order matters: limits are looked at before counters change, and the action
	// is that of the state that was entered, even if a counter has led on from it.
	allowed := s.Action != nil && f.allowed(i, s.Action)
	free, moved := true, false
	if s.CounterA != nil || s.CounterB != nil {
		free, moved = f.count(i, s)
	}
	if free && allowed {
		f.schedule(i, s.Action)
	}
	return r.state != old || moved
}

// next draws where a list of transitions leads, false for nowhere. A list with one
// certain entry draws too; one that is absent does not.
func (f *Framework) next(list []Transition) (state uint32, ok bool) {
	if list == nil {
		return 0, false
	}
	r := f.rng.share()
	var sum float32
	for _, t := range list {
		if sum += t.Probability; r < sum {
			return t.State, true
		}
	}
	return 0, false
}

// count changes the counters of machine i, which has entered s. free tells whether
// the action of s may go into the slot: after CounterZero only if nothing is there.
// moved tells whether that moved the machine on.
func (f *Framework) count(i int, s *State) (free, moved bool) {
	r := &f.run[i]
	old := r.counters // a copy takes the other's value from before
	zero := false
	for letter, c := range [2]*Counter{s.CounterA, s.CounterB} {
		if c == nil {
			continue
		}
		amount := uint64(1)
		switch {
		case c.Copy:
			amount = old[1-letter]
		case c.Dist != nil:
			amount = whole(math.Trunc(c.Dist.sample(&f.rng)))
		}
		v := &r.counters[letter]
		switch c.Operation {
		case Increment:
			*v = plus(*v, amount)
		case Decrement:
			*v -= min(*v, amount)
		case Set:
			*v = amount
		}
		if old[letter] != 0 && *v == 0 && !f.zeroed[letter] {
			f.zeroed[letter] = true
			zero = true
		}
	}
	if !zero {
		return true, false
	}
	moved = f.transition(i, CounterZero)
	return !r.filled, moved
}

// spend lowers the limit of machine i by one, unless an event changed its state, and
// raises LimitReached when the limit is used up. What was done need not be what the
// state's action is.
func (f *Framework) spend(i int, changed bool) {
	r := &f.run[i]
	if changed || r.state == EndState {
		return
	}
	r.limit -= min(r.limit, 1)
	a := f.machines[i].States[r.state].Action
	if a != nil && a.Kind != Cancel && a.Limit != nil && r.limit == 0 {
		r.filled = false
		f.transition(i, LimitReached)
	}
}

// deliver hands the pending signal to the machines. One that is raised meanwhile is
// for the machine alone that had been left out, and one raised by that waits for the
// next call.
func (f *Framework) deliver() {
	from := f.signal
	f.signal = silent
	for i := range f.run {
		if i != from {
			f.transition(i, Signal)
		}
	}
	if f.signal != silent {
		f.signal = silent
		if from != everybody {
			f.transition(from, Signal)
		}
	}
}

// sampleLimit draws how often an action may be taken in one visit of its state.
func (f *Framework) sampleLimit(a *Action) uint64 {
	if a.Kind == Cancel || a.Limit == nil {
		return math.MaxUint64
	}
	return whole(math.Round(a.Limit.sample(&f.rng)))
}

// allowed tells whether machine i may schedule a, the action of its state.
func (f *Framework) allowed(i int, a *Action) bool {
	switch a.Kind {
	case Cancel:
		return true
	case SendPadding:
		return f.mayPad(i)
	case BlockOutgoing:
		return f.mayBlock(i, a.Replace)
	default:
		return f.run[i].limit > 0
	}
}

// mayPad tells whether the shares of padding allow another. Before anything was sent
// they do, whatever the state's limit says: so does Maybenot.
func (f *Framework) mayPad(i int) bool {
	r, m := &f.run[i], f.machines[i]
	if r.sum.padding < m.AllowedPaddingPackets {
		return r.limit > 0
	}
	for _, c := range [2]struct {
		sum  *traffic
		most float64
	}{{&r.sum, m.MaxPaddingFrac}, {&f.total, f.limits.MaxPaddingFrac}} {
		if c.most > 0 {
			sent := plus(c.sum.normal, c.sum.padding)
			if sent == 0 {
				return true
			}
			if float64(c.sum.padding)/float64(sent) >= c.most {
				return false
			}
		}
	}
	return r.limit > 0
}

// mayBlock tells whether the shares of blocked time allow more of it. A blocking that
// replaces the running one adds none.
func (f *Framework) mayBlock(i int, replace bool) bool {
	r, m := &f.run[i], f.machines[i]
	if replace && f.blocking {
		return r.limit > 0
	}
	own, total := r.sum.blocked, f.total.blocked
	if f.blocking {
		own += max(0, f.now-f.since)
		total += max(0, f.now-f.since)
	}
	if uint64(own) < microseconds(m.AllowedBlockedMicrosec) {
		return r.limit > 0
	}

	// Of no time at all the share is NaN, which is not above any.
	lived := float64(max(0, f.now-f.start))
	if m.MaxBlockingFrac > 0 && float64(own)/lived >= m.MaxBlockingFrac ||
		f.limits.MaxBlockingFrac > 0 && float64(total)/lived >= f.limits.MaxBlockingFrac {
		return false
	}
	return r.limit > 0
}

// schedule puts a into the slot of machine i.
func (f *Framework) schedule(i int, a *Action) {
	c := Command{Machine: i, Kind: a.Kind, Timer: a.Timer, Bypass: a.Bypass, Replace: a.Replace}
	if a.Kind == SendPadding || a.Kind == BlockOutgoing {
		c.Timeout = f.wait(&a.Timeout)
	}
	if a.Kind == BlockOutgoing || a.Kind == UpdateTimer {
		c.Duration = f.wait(&a.Duration)
	}
	f.run[i].slot, f.run[i].filled = c, true
}

// day is the longest that a machine may wait, in microseconds.
const day = 86_400_000_000

// wait draws a time, rounded to whole microseconds.
func (f *Framework) wait(d *Dist) time.Duration {
	return time.Duration(math.Round(min(d.sample(&f.rng), day))) * time.Microsecond
}

// plus adds without passing the end.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// whole is x, which is whole or too large.
func whole(x float64) uint64 {
	if x >= 1<<64 {
		return math.MaxUint64
	}
	return uint64(x)
}

// microseconds is so many of them in nanoseconds, or as many as there are.
func microseconds(n uint64) uint64 {
	if n > math.MaxUint64/1000 {
		return math.MaxUint64
	}
	return n * 1000
}
