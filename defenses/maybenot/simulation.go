package maybenot

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Side is an end of the tunnel.
type Side uint8

// The ends: where packets were recorded, and the far one.
const (
	Client Side = iota
	Server
)

// Packet is a recorded packet, as the client saw it.
type Packet struct {
	Time time.Duration
	// From is who sent it. What the server sent left it one Delay earlier.
	From Side
}

// Latency is what it takes a program to do what machines ask for: Action until padding
// or blocking is there, Reporting until a packet is reported, Trigger until a command
// is heard. All are 0 where machines run in the tunnel itself.
type Latency struct{ Action, Reporting, Trigger time.Duration }

// Config is what a Simulation runs. The machines must not be changed any more.
type Config struct {
	// Machines are what runs from the first packet on, Limits those of each Side.
	Machines Pair
	Limits   [2]Limits
	// Delay is the time from one end to the other.
	Delay time.Duration
	// PacketsPerSecond is what an end sends without delay; more comes later. 0 is ten
	// times the busiest 100 ms of the packets.
	PacketsPerSecond int
	// Independent packets come when they were recorded and cross the tunnel in Delay,
	// however many they are and whatever became of those before them. Otherwise, as in
	// Maybenot's simulator, what machines delay delays all later packets, and the ends
	// are bottlenecks.
	Independent bool
	Latency     [2]Latency
	// Sources are what the machines of each side draw from.
	Sources [2]rand.Source
	// Restarts replace machines, in order of time.
	Restarts []Restart
}

// Restart is a new connection: at a time the machines of a side are gone, with what
// they had scheduled and blocked, and others start. Packets under way arrive. What
// happens at that very time happens to the new ones.
type Restart struct {
	At       time.Duration
	Side     Side
	Machines []*Machine
}

// Happened is an event of a simulation. Time is the recording's.
type Happened struct {
	Event
	Side Side
	Time time.Duration
	// Padding tells what a packet on its way is.
	Padding bool
}

// NetworkActivity tells whether the event is a packet that leaves an end or reaches
// one, which is what an observer sees.
func (h Happened) NetworkActivity() bool { return h.Kind == TunnelSent || h.Kind == TunnelRecv }

// Simulation plays packets through both ends of a tunnel: one event after the other,
// each reported to the framework of its end, whose commands become events. See Next.
type Simulation struct {
	cfg   Config
	now   time.Duration
	ends  [2]end
	late  heap[lateness] // what will delay packets
	limit int            // packets a second that are no bottleneck
	step  time.Duration  // what each beyond them waits
	again []Restart      // those to come
}

// end is one side.
type end struct {
	framework *Framework
	rng       random
	delay     Latency

	// The queues. All base events are packets to be sent, in order of time: what is
	// left of them. blocking holds packets that wait to leave, bypassable those of
	// them that may pass a blocking that lets them, internal everything else.
	base                           []time.Duration
	blocking, bypassable, internal heap[queued]
	// later is added to the times of base.
	later time.Duration
	// alive counts packets that internal holds.
	alive int

	scheduled []appointment // by machine
	timers    []time.Duration
	until     time.Duration // when blocking ends, never for none
	bypass    bool          // of the last blocking, also when it is over
	recent    window
}

// appointment is an action that waits for its time, never for none.
type appointment struct {
	at time.Duration
	do Command
}

// never is later than everything.
const never = time.Duration(math.MaxInt64)

// queued is an event that waits.
type queued struct {
	time time.Duration
	// added is the part of time that latency put in, which what is recorded is
	// corrected for.
	added                    time.Duration
	machine                  int32
	rank                     rank
	padding, bypass, replace bool
}

// rank orders events of one time.
type rank uint8

const (
	rankTunnelSent rank = iota
	rankNormalSent
	rankPaddingSent
	rankTunnelRecv
	rankNormalRecv
	rankPaddingRecv
	rankBlockingBegin
	rankBlockingEnd
	rankTimerBegin
	rankTimerEnd
)

// kinds are the events by rank.
func (r rank) kind() EventKind {
	return [...]EventKind{
		TunnelSent, NormalSent, PaddingSent, TunnelRecv, NormalRecv, PaddingRecv, BlockingBegin, BlockingEnd, TimerBegin, TimerEnd,
	}[r]
}

func (q queued) before(o queued) bool {
	return q.time < o.time || q.time == o.time && q.rank < o.rank
}

// NewSimulation prepares a run over packets, in any order of time. It fails for
// limits or machines that are not valid, and where a source is missing.
func NewSimulation(cfg Config, packets []Packet) (*Simulation, error) {
	s := &Simulation{cfg: cfg, again: cfg.Restarts}
	for _, p := range packets {
		at := p.Time + cfg.Latency[p.From].Reporting
		if p.From == Server {
			at -= cfg.Delay // it arrives when it was recorded
		}
		s.ends[p.From].base = append(s.ends[p.From].base, at)
	}

	s.now = never
	for i := range s.ends {
		slices.Sort(s.ends[i].base)
		if b := s.ends[i].base; len(b) > 0 {
			s.now = min(s.now, b[0])
		}
	}
	if s.now == never {
		s.now = 0
	}
	if !cfg.Independent {
		s.limit = cmp.Or(cfg.PacketsPerSecond, 10*max(busiest(packets, Client), busiest(packets, Server)))
	}
	s.step = time.Second / time.Duration(max(s.limit, 1))

	for i := range s.ends {
		e := &s.ends[i]
		if cfg.Sources[i] == nil {
			return nil, errors.New("maybenot: a simulation needs a source of randomness for each side")
		}
		e.rng, e.delay = newRandom(cfg.Sources[i]), cfg.Latency[i]
		if err := cfg.Limits[i].check(); err != nil {
			return nil, err
		}
	}
	if err := cfg.checkMachines(); err != nil {
		return nil, err
	}
	for i, machines := range cfg.Machines {
		s.start(Side(i), machines, s.now)
	}
	return s, nil
}

// checkMachines validates each machine once, however often it starts, and the order
// of restarts.
func (c *Config) checkMachines() error {
	known := map[*Machine]bool{}
	check := func(machines []*Machine) error {
		for _, m := range machines {
			if known[m] {
				continue
			}
			if err := m.Validate(); err != nil {
				return err
			}
			known[m] = true
		}
		return nil
	}
	for _, machines := range c.Machines {
		if err := check(machines); err != nil {
			return err
		}
	}

	// A run takes the first of those to come, and would wait for ever for one in front
	// of it that is later.
	for i, r := range c.Restarts {
		if i > 0 && r.At < c.Restarts[i-1].At {
			return errors.New("maybenot: restarts are not in order of time")
		}
		if err := check(r.Machines); err != nil {
			return err
		}
	}
	return nil
}

// start gives a side new machines at a time and forgets what the old ones had going.
func (s *Simulation) start(side Side, machines []*Machine, at time.Duration) {
	e := &s.ends[side]
	e.framework = newFramework(machines, s.cfg.Limits[side], at, e.rng)
	e.scheduled = make([]appointment, len(machines))
	e.timers = make([]time.Duration, len(machines))
	for i := range machines {
		e.scheduled[i].at, e.timers[i] = never, never
	}
	e.until = never
}

// busiest is the most packets of a side within 100 ms, both ends included.
func busiest(packets []Packet, side Side) int {
	most, n, oldest := 0, 0, 0
	for _, p := range packets {
		if p.From != side {
			continue
		}

		// oldest is the first packet, of whichever side, that the window may hold.
		for n++; packets[oldest].From != side || p.Time-packets[oldest].Time > 100*time.Millisecond; oldest++ {
			if packets[oldest].From == side {
				n--
			}
		}
		most = max(most, n)
	}
	return most
}

// Now is the simulation's clock: the time of the last event, without the correction
// for latency that its Time has.
func (s *Simulation) Now() time.Duration { return s.now }

// Next runs the next event and returns it, false if nothing is left to happen: no
// packet, and nothing that a machine has scheduled. It allocates nothing but room for
// queues that grow.
func (s *Simulation) Next() (Happened, bool) {
	side, q, ok := s.pick()
	if !ok {
		return Happened{}, false
	}
	s.now = q.time

	// What follows for packets is queued before the machines hear of it: what they
	// command at the same time comes later.
	s.network(side, q)
	e := Event{q.rank.kind(), int(q.machine)}
	for _, c := range s.ends[side].framework.Trigger(s.now, e) {
		s.apply(side, c)
	}

	h := Happened{Event: e, Side: side, Time: q.time, Padding: q.padding}
	switch q.rank {
	case rankPaddingSent:
		h.Time += q.added
	case rankTunnelSent:
		if q.padding {
			h.Time += q.added
		} else {
			h.Time -= q.added
		}
	case rankNormalSent, rankNormalRecv, rankPaddingRecv, rankTunnelRecv:
		h.Time -= q.added
	}
	return h, true
}

// Waits tells whether packets are still to come, to leave or on their way, padding
// under way included. What machines have scheduled does not count.
func (s *Simulation) Waits() bool {
	for i := range s.ends {
		e := &s.ends[i]
		if len(e.base) > 0 || len(e.blocking) > 0 || len(e.bypassable) > 0 || e.alive > 0 {
			return true
		}
	}
	return false
}

// push puts an event into the queue that is its.
func (e *end) push(q queued) {
	switch {
	case q.rank == rankTunnelSent && q.bypass:
		e.bypassable.push(q)
	case q.rank == rankTunnelSent:
		e.blocking.push(q)
	default:
		if q.alive() {
			e.alive++
		}
		e.internal.push(q)
	}
}

// alive tells whether an event of internal keeps a run going that ends with its
// packets: one of a packet under way, or of padding.
func (q queued) alive() bool { return q.rank == rankTunnelRecv || q.padding }

// network is what an event means for packets.
func (s *Simulation) network(side Side, q queued) {
	e := &s.ends[side]
	switch q.rank {
	case rankNormalSent:
		e.push(queued{time: q.time, added: q.added, machine: noMachine, rank: rankTunnelSent})

	case rankPaddingSent:
		if q.replace && s.replaced(side, q) {
			return
		}
		e.push(queued{
			time: q.time, added: q.added, machine: noMachine, rank: rankTunnelSent,
			padding: true, bypass: q.bypass, replace: q.replace,
		})

	case rankTunnelSent:
		delay, extra := s.cross(side)
		if extra > 0 && s.spreads(side, q) {
			s.delayAll(side, extra, s.now)
		}
		to := &s.ends[1-side]
		r := queued{added: to.delay.Reporting, machine: noMachine, rank: rankTunnelRecv, padding: q.padding}

		// The program that was late to make padding sends it late, while a packet was
		// reported late and left in time.
		if q.padding {
			r.time = q.time + q.added + delay + r.added
		} else {
			r.time = max(q.time-q.added+delay+r.added, s.now)
		}
		to.push(r)

	case rankTunnelRecv:
		r := queued{time: q.time, added: q.added, machine: noMachine, rank: rankNormalRecv, padding: q.padding}
		if q.padding {
			r.rank = rankPaddingRecv
		}
		e.push(r)
	}
}

// noMachine is the machine of events that have none.
const noMachine = -1

// replaced tells whether a waiting packet takes the place of padding q. It does even
// if nothing is blocked, when it has come at the very same time.
func (s *Simulation) replaced(side Side, q queued) bool {
	e := &s.ends[side]
	from, ok := e.blocked(e.bypass)
	if !ok || (*from)[0].padding {
		return false
	}
	if q.bypass {
		x := from.pop()
		if late := s.bypassDelay(e, x); late > 0 {
			s.delayAll(side, late, s.now)
		}
		x.bypass, x.replace = true, false
		e.push(x)
	}
	return true
}

// blocked is the queue with the packet that a blocking holds back first; where it can
// be passed those that may pass are not held back. ok is false for none.
func (e *end) blocked(bypass bool) (q *heap[queued], ok bool) {
	switch {
	case bypass || len(e.bypassable) == 0:
		q = &e.blocking
	case len(e.blocking) > 0 && e.blocking[0].before(e.bypassable[0]):
		q = &e.blocking
	default:
		q = &e.bypassable
	}
	return q, len(*q) > 0
}

// apply does what a command asks for.
func (s *Simulation) apply(side Side, c Command) {
	e := &s.ends[side]
	switch c.Kind {
	case Cancel:
		if c.Timer != InternalTimer {
			e.scheduled[c.Machine].at = never
		}
		if c.Timer != ActionTimer {
			e.timers[c.Machine] = never
		}
	case SendPadding, BlockOutgoing:
		e.scheduled[c.Machine] = appointment{s.now + c.Timeout + e.delay.Trigger, c}
	case UpdateTimer:
		// A timer that does not run counts as ending now, so one that would end now
		// is not begun.
		current := e.timers[c.Machine]
		if current == never {
			current = s.now
		}
		if end := s.now + c.Duration; c.Replace || current < end {
			e.timers[c.Machine] = end
			e.push(queued{time: s.now, machine: int32(c.Machine), rank: rankTimerBegin})
		}
	}
}

// Run is how much of a simulation to record.
type Run struct {
	// MaxEvents and MaxIterations end it after so many events recorded or run; 0 is
	// any number.
	MaxEvents, MaxIterations int
	// UntilSilent goes on when all packets have arrived, until machines do nothing.
	UntilSilent bool
	// OnlyClient and OnlyNetwork record only what happens at the client, and only
	// what an observer sees.
	OnlyClient, OnlyNetwork bool
}

// Record runs the simulation as Maybenot's simulator does, and returns what happened
// in order of time. A run that ends with its packets leaves the last one's NormalRecv
// out, as it does there.
func (s *Simulation) Record(r Run) []Happened {
	var out []Happened
	for n := 1; ; n++ {
		h, ok := s.Next()
		if !ok {
			break
		}
		if (!r.OnlyNetwork || h.NetworkActivity()) && (!r.OnlyClient || h.Side == Client) {
			out = append(out, h)
		}
		if r.MaxEvents > 0 && len(out) >= r.MaxEvents || r.MaxIterations > 0 && n >= r.MaxIterations ||
			!r.UntilSilent && !s.Waits() {
			break
		}
	}

	// Correcting for latency put some out of order.
	slices.SortStableFunc(out, func(a, b Happened) int { return cmp.Compare(a.Time, b.Time) })
	return out
}
