package maybenot

import "time"

// Machines of our own, for the tests.

// to are transitions with certainty, and where to by event.
func to(pairs map[EventKind]uint32) (t [NumEvents][]Transition) {
	for k, s := range pairs {
		t[k] = []Transition{{s, 1}}
	}
	return t
}

// unlimited is a machine without limits on padding and blocking.
func unlimited(states ...State) *Machine {
	return &Machine{AllowedPaddingPackets: 1<<64 - 1, AllowedBlockedMicrosec: 1<<64 - 1, States: states}
}

// us is a time as machines count it.
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// reply pads after every n packets received, a little later.
func reply(n float64) *Machine {
	count := Constant(n)
	return unlimited(
		State{CounterA: &Counter{Operation: Set, Dist: &count}, Transitions: to(map[EventKind]uint32{TunnelRecv: 1})},
		State{CounterA: &Counter{Operation: Decrement}, Transitions: to(map[EventKind]uint32{TunnelRecv: 1, CounterZero: 2})},
		State{
			Action:      &Action{Kind: SendPadding, Timeout: Dist{Kind: Uniform, Params: [3]float64{100, 900}}},
			CounterA:    &Counter{Operation: Set, Dist: &count},
			Transitions: to(map[EventKind]uint32{PaddingSent: 1, TunnelRecv: 1}),
		},
	)
}

// steady pads when a side has sent nothing for some time.
func steady(every time.Duration) *Machine {
	return unlimited(
		State{Transitions: to(map[EventKind]uint32{NormalSent: 1, TunnelRecv: 1})},
		State{
			Action:      &Action{Kind: SendPadding, Timeout: Dist{Kind: Uniform, Params: [3]float64{us(every) / 2, us(every)}}},
			Transitions: to(map[EventKind]uint32{TunnelSent: 1, PaddingSent: 1}),
		},
	)
}

// constantRate lets one packet go at a time: blocking that only padding passes, which
// real packets stand for, until none has come for quiet.
func constantRate(every, quiet time.Duration) []*Machine {
	forever := Constant(us(24 * time.Hour))
	return []*Machine{
		unlimited(
			State{Transitions: to(map[EventKind]uint32{NormalSent: 1})},
			State{
				Action:      &Action{Kind: BlockOutgoing, Bypass: true, Replace: true, Duration: forever},
				Transitions: to(map[EventKind]uint32{BlockingBegin: 2}),
			},
			State{
				Action:      &Action{Kind: SendPadding, Bypass: true, Replace: true, Timeout: Constant(us(every))},
				Transitions: to(map[EventKind]uint32{PaddingSent: 2, BlockingEnd: 0}),
			},
		),
		unlimited(
			State{Transitions: to(map[EventKind]uint32{BlockingBegin: 1})},
			State{
				Action:      &Action{Kind: UpdateTimer, Replace: true, Duration: Constant(us(quiet))},
				Transitions: to(map[EventKind]uint32{NormalSent: 1, TimerEnd: 2}),
			},
			State{
				Action:      &Action{Kind: BlockOutgoing, Bypass: true, Replace: true},
				Transitions: to(map[EventKind]uint32{BlockingEnd: 0}),
			},
		),
	}
}

// front spends a budget of padding over stages that get longer.
func front(budget float64, window time.Duration, stages int) *Machine {
	m := unlimited(State{Transitions: to(map[EventKind]uint32{NormalSent: 1, NormalRecv: 1})})
	each := Dist{Kind: Uniform, Params: [3]float64{1, 2 * budget / float64(stages)}}
	for i := range stages {
		wait := us(window) / budget * 2 * float64(i+1) / float64(stages)
		next := uint32(i + 2)
		if i == stages-1 {
			next = EndState
		}
		m.States = append(m.States, State{
			Action:      &Action{Kind: SendPadding, Timeout: Dist{Kind: Normal, Params: [3]float64{wait, wait / 10}}, Limit: &each},
			Transitions: to(map[EventKind]uint32{PaddingSent: uint32(i + 1), LimitReached: next}),
		})
	}
	return m
}
