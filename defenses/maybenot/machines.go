package maybenot

import (
	"math"
	"time"
)

// The machines of this file are our own: simple ones to begin with, and stand-ins for
// those of publications that a test wants with parameters of its choice. They set no
// limits but in their states.

// Idle sends one padding packet whenever its side has sent nothing for a time drawn
// evenly from least to most, after the first packet either way.
func Idle(least, most time.Duration) *Machine {
	return unlimited(
		State{Transitions: certain(map[EventKind]uint32{NormalSent: 1, TunnelRecv: 1})},
		State{
			Action:      &Action{Kind: SendPadding, Timeout: between(least, most)},
			Transitions: certain(map[EventKind]uint32{TunnelSent: 1}),
		},
	)
}

// Answer sends one padding packet for every n packets that its side receives, of
// whatever kind, after a time drawn evenly from least to most.
func Answer(n int, least, most time.Duration) *Machine {
	count := Constant(float64(n))
	return unlimited(
		State{CounterA: &Counter{Operation: Set, Dist: &count}, Transitions: certain(map[EventKind]uint32{TunnelRecv: 1})},
		State{
			CounterA:    &Counter{Operation: Decrement},
			Transitions: certain(map[EventKind]uint32{TunnelRecv: 1, CounterZero: 2}),
		},

		// Entered when the count is used up: it begins anew at once.
		State{
			Action:      &Action{Kind: SendPadding, Timeout: between(least, most)},
			CounterA:    &Counter{Operation: Set, Dist: &count},
			Transitions: certain(map[EventKind]uint32{TunnelRecv: 1}),
		},
	)
}

// ConstantRate sends one packet at a time, a waiting one or padding, from the first
// packet of its side until none has come for quiet; the next begins anew. The two
// machines run together. It is what Tamaraw does (Cai et al. 2014), without padding
// the number of packets to a multiple.
func ConstantRate(every, quiet time.Duration) []*Machine {
	// Nothing passes the blocking but padding, and a waiting packet stands for it.
	rate := unlimited(
		State{Transitions: certain(map[EventKind]uint32{NormalSent: 1})},
		State{
			Action:      &Action{Kind: BlockOutgoing, Bypass: true, Replace: true, Duration: between(24*time.Hour, 24*time.Hour)},
			Transitions: certain(map[EventKind]uint32{BlockingBegin: 2}),
		},
		State{
			Action:      &Action{Kind: SendPadding, Bypass: true, Replace: true, Timeout: between(every, every)},
			Transitions: certain(map[EventKind]uint32{PaddingSent: 2, BlockingEnd: 0}),
		},
	)

	// A blocking of no length takes the place of the long one and so ends it.
	stop := unlimited(
		State{Transitions: certain(map[EventKind]uint32{BlockingBegin: 1})},
		State{
			Action:      &Action{Kind: UpdateTimer, Replace: true, Duration: between(quiet, quiet)},
			Transitions: certain(map[EventKind]uint32{NormalSent: 1, TimerEnd: 2}),
		},
		State{
			Action:      &Action{Kind: BlockOutgoing, Bypass: true, Replace: true},
			Transitions: certain(map[EventKind]uint32{BlockingEnd: 0}),
		},
	)
	return []*Machine{rate, stop}
}

// Front sends so many padding packets after the first packet either way, at times that
// are about Rayleigh distributed with that width, and then ends (FRONT, Gong and Wang
// 2020). Each stage holds an equal share of them over its part of the distribution.
// FRONT draws number and width anew for each page: make a machine for each draw.
func Front(packets int, width time.Duration, stages int) *Machine {
	stages = max(1, min(stages, packets))
	m := unlimited(State{Transitions: certain(map[EventKind]uint32{NormalSent: 1, NormalRecv: 1})})

	from, sent := 0.0, 0
	for i := range stages {
		// A stage ends with its last packet, and of so many packets the k-th is where
		// k - 1/2 of them are: so the last has a time, too.
		n := (i+1)*packets/stages - sent
		share := (float64(sent+n) - 0.5) / float64(packets)
		to := us(width) * math.Sqrt(-2*math.Log(1-share))
		limit := Constant(float64(n))
		next := uint32(i + 2)
		if i == stages-1 {
			next = EndState
		}

		// Gaps are evenly distributed around what n packets leave of the part.
		m.States = append(m.States, State{
			Action: &Action{
				Kind: SendPadding, Limit: &limit,
				Timeout: Dist{Kind: Uniform, Params: [3]float64{0, 2 * (to - from) / float64(n)}},
			},
			Transitions: certain(map[EventKind]uint32{PaddingSent: uint32(i + 1), LimitReached: next}),
		})
		from, sent = to, sent+n
	}
	return m
}

// certain are transitions without chance: where to by event.
func certain(to map[EventKind]uint32) (t [NumEvents][]Transition) {
	for k, s := range to {
		t[k] = []Transition{{s, 1}}
	}
	return t
}

// unlimited is a machine that may pad and block as much as it will.
func unlimited(states ...State) *Machine {
	return &Machine{AllowedPaddingPackets: math.MaxUint64, AllowedBlockedMicrosec: math.MaxUint64, States: states}
}

// between is a time drawn evenly.
func between(least, most time.Duration) Dist {
	return Dist{Kind: Uniform, Params: [3]float64{us(least), us(most)}}
}

// us is a time as machines count it.
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
