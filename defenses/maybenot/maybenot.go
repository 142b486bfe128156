// Package maybenot runs Maybenot machines of version 2: small probabilistic state
// machines that decide when a tunnel sends padding and when it holds packets back.
// It reads and writes their strings (Parse, Machine.String), runs a set of them at
// one end of a tunnel (Framework), and plays recorded packets through both ends in
// one event loop (Simulation).
//
// It is a port of the semantics of maybenot 2.2.2 and maybenot-simulator 2.2.1, the
// order of equal events and the traps included, and knows nothing of the project
// around it: only the standard library is imported. It was written from a
// specification, not from the source of Maybenot, which is MIT OR Apache-2.0,
// copyright Tobias Pulls and Ethan Witwer.
//
// A machine counts time in whole microseconds, an event loop in nanoseconds
// (time.Duration). Machines are immutable once they run, and may be shared by any
// number of frameworks; a Framework or Simulation belongs to one goroutine.
//
// There are two ways to use it. Who has a tunnel reports what happens in it to a
// Framework (Trigger) and does what that commands. Who has a recording plays it:
//
//	sim, err := maybenot.NewSimulation(maybenot.Config{...}, packets)
//	for {
//		event, ok := sim.Next()
//		...
//	}
package maybenot

import "fmt"

// Machine is one machine, as its string holds it. Fractions of 0 set no limit.
type Machine struct {
	// AllowedPaddingPackets may be sent before MaxPaddingFrac, or the framework's,
	// limits the share of padding in what is sent.
	AllowedPaddingPackets uint64
	MaxPaddingFrac        float64
	// AllowedBlockedMicrosec may be blocked before MaxBlockingFrac, or the
	// framework's, limits the share of time.
	AllowedBlockedMicrosec uint64
	MaxBlockingFrac        float64
	// States holds at least one; a machine starts in the first, whose action is not
	// taken then.
	States []State
}

// State is what is done on entering it, also from itself, and where events lead.
type State struct {
	// Action is what is scheduled, nil for nothing.
	Action *Action
	// CounterA and CounterB change on entering, nil for not.
	CounterA, CounterB *Counter
	// Transitions are by event. A list that is nil has no transition; one that is
	// empty but not nil is not valid, as in a string.
	Transitions [NumEvents][]Transition
}

// Transition leads to a state with a probability. What the probabilities of a list
// leave to 1 is the chance that the event does nothing.
type Transition struct {
	State       uint32
	Probability float32
}

// Pseudo states to which a transition may lead.
const (
	// EndState is left never: the machine does nothing more.
	EndState uint32 = 1<<32 - 1
	// SignalState signals to all other machines of the framework, and changes no state.
	SignalState uint32 = 1<<32 - 2
)

// EventKind is what a framework hears of. The first ten are reported to it, the
// last three are its own.
type EventKind uint8

// The events, in the order of a machine's transitions.
const (
	NormalRecv EventKind = iota
	PaddingRecv
	TunnelRecv
	NormalSent
	PaddingSent
	TunnelSent
	BlockingBegin
	BlockingEnd
	LimitReached
	CounterZero
	TimerBegin
	TimerEnd
	Signal
	// NumEvents is how many there are.
	NumEvents = 13
)

// String is the name of the event, as Maybenot has it.
func (k EventKind) String() string {
	return name(int(k), "NormalRecv", "PaddingRecv", "TunnelRecv", "NormalSent", "PaddingSent", "TunnelSent",
		"BlockingBegin", "BlockingEnd", "LimitReached", "CounterZero", "TimerBegin", "TimerEnd", "Signal")
}

// ActionKind is what a machine can ask for.
type ActionKind uint8

// The actions, in the order of their numbers in a string.
const (
	Cancel ActionKind = iota
	SendPadding
	BlockOutgoing
	UpdateTimer
)

// String is the name of the action, as Maybenot has it.
func (k ActionKind) String() string {
	return name(int(k), "Cancel", "SendPadding", "BlockOutgoing", "UpdateTimer")
}

// Timer is which timers of a machine a Cancel stops.
type Timer uint8

// The timers: that of the scheduled action, the machine's own, both.
const (
	ActionTimer Timer = iota
	InternalTimer
	AllTimers
)

// String is the name of the timer, as Maybenot has it.
func (t Timer) String() string { return name(int(t), "Action", "Internal", "All") }

// Action is what a state schedules. Which fields count depends on Kind: Timer is
// Cancel's; Bypass and Timeout are those of SendPadding and BlockOutgoing; Duration
// is that of BlockOutgoing and UpdateTimer; Replace and Limit are for all but Cancel.
type Action struct {
	Kind  ActionKind
	Timer Timer
	// Bypass lets padding pass a blocking that has it too.
	Bypass bool
	// Replace lets a waiting packet stand for padding, a blocking or timer take the
	// place of the running one even if that ends later.
	Replace bool
	// Timeout is how long the action waits, Duration how long its effect lasts, in
	// microseconds.
	Timeout, Duration Dist
	// Limit is how often the action may be taken in one visit of the state, nil for
	// any number.
	Limit *Dist
}

// Operation is how a counter changes.
type Operation uint8

// The operations, in the order of their numbers in a string.
const (
	Increment Operation = iota
	Decrement
	Set
)

// String is the name of the operation, as Maybenot has it.
func (o Operation) String() string { return name(int(o), "Increment", "Decrement", "Set") }

// Counter changes one of a machine's two counters, by the value of the other if
// Copy, else by a draw from Dist, else, where that is nil, by 1.
type Counter struct {
	Operation Operation
	Dist      *Dist
	Copy      bool
}

// name is the i-th of names, or a number where there is none.
func name(i int, names ...string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}
