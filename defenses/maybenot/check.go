package maybenot

import "fmt"

// Class is the kind of a fault of a machine or its string. The first check that
// fails decides, in the order of Maybenot.
type Class string

// The classes: of the string, then of the machine that it holds, then of what a
// framework is given.
const (
	TooShort         Class = "too_short"
	NotASCII         Class = "not_ascii"
	BadVersion       Class = "version"
	BadBase64        Class = "base64"
	BadZlib          Class = "zlib"
	BadLayout        Class = "bincode"
	BadFraction      Class = "frac"
	NoStates         Class = "no_states"
	TooManyStates    Class = "too_many_states"
	BadState         Class = "state_index"
	DuplicateState   Class = "duplicate_state"
	BadProbability   Class = "probability"
	TotalProbability Class = "total_probability"
	BadDist          Class = "dist"
	BadPaddingFrac   Class = "framework_padding_frac"
	BadBlockingFrac  Class = "framework_blocking_frac"
)

// Error is what is wrong with a machine or its string.
type Error struct {
	Class  Class
	Detail string
}

// Error is the class and what was found.
func (e *Error) Error() string { return "machine: " + string(e.Class) + ": " + e.Detail }

func fault(c Class, format string, args ...any) error {
	return &Error{c, fmt.Sprintf(format, args...)}
}

// maxStates is how many states a machine may have.
const maxStates = 100_000

// Validate holds the machine to the rules of Maybenot 2.2.2: fractions within 0 and
// 1, transitions to states that are there, each at most once in a list, with
// probabilities that add up to at most 1 as float32, and distributions that can be
// drawn from. A fraction or probability that is NaN passes, as it does there. The
// error is an *Error.
func (m *Machine) Validate() error {
	if m.MaxPaddingFrac < 0 || m.MaxPaddingFrac > 1 {
		return fault(BadFraction, "max_padding_frac is %v, want 0 to 1", m.MaxPaddingFrac)
	}
	if m.MaxBlockingFrac < 0 || m.MaxBlockingFrac > 1 {
		return fault(BadFraction, "max_blocking_frac is %v, want 0 to 1", m.MaxBlockingFrac)
	}
	if len(m.States) == 0 {
		return fault(NoStates, "there is none")
	}
	if len(m.States) > maxStates {
		return fault(TooManyStates, "%d, want at most %d", len(m.States), maxStates)
	}
	for i := range m.States {
		if err := m.States[i].check(i, len(m.States)); err != nil {
			return err
		}
	}
	return nil
}

// check looks at state i of n.
func (s *State) check(i, n int) error {
	for k, list := range s.Transitions {
		if list == nil {
			continue
		}
		if err := checkTransitions(list, n); err != nil {
			err.Detail = fmt.Sprintf("state %d, %v: %s", i, EventKind(k), err.Detail)
			return err
		}
	}

	for _, d := range s.dists() {
		if err := d.check(); err != nil {
			return fault(BadDist, "state %d: %v", i, err)
		}
	}
	return nil
}

// dists are the distributions of s in the order in which they are checked: those of
// the action, then those of the counters.
func (s *State) dists() []*Dist {
	var out []*Dist
	if a := s.Action; a != nil {
		if a.Kind == SendPadding || a.Kind == BlockOutgoing {
			out = append(out, &a.Timeout)
		}
		if a.Kind == BlockOutgoing || a.Kind == UpdateTimer {
			out = append(out, &a.Duration)
		}
		if a.Kind != Cancel && a.Limit != nil {
			out = append(out, a.Limit)
		}
	}
	for _, c := range []*Counter{s.CounterA, s.CounterB} {
		if c != nil && c.Dist != nil {
			out = append(out, c.Dist)
		}
	}
	return out
}

// checkTransitions looks at a list that is present, of a machine of n states.
func checkTransitions(list []Transition, n int) *Error {
	seen := make(map[uint32]bool, len(list))
	var sum float32
	for _, t := range list {
		switch {
		case int64(t.State) >= int64(n) && t.State != EndState && t.State != SignalState:
			return &Error{BadState, fmt.Sprintf("to state %d of %d", t.State, n)}
		case seen[t.State]:
			return &Error{DuplicateState, fmt.Sprintf("twice to state %d", t.State)}
		case t.Probability <= 0 || t.Probability > 1:
			return &Error{BadProbability, fmt.Sprintf("%v to state %d", t.Probability, t.State)}
		}
		seen[t.State] = true
		sum += t.Probability
	}

	// Summed as float32: ten times 0.1 is above 1 then, and is refused. An empty list
	// sums to 0.
	if sum <= 0 || sum > 1 {
		return &Error{TotalProbability, fmt.Sprintf("the sum is %v", sum)}
	}
	return nil
}
