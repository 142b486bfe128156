package process

import (
	"fmt"
	"slices"
	"strconv"

	"veilbench/datasets/wire"
)

// Question is a request to a program.
type Question struct {
	// Kind is the member that holds the number of the question, in it and in the
	// answer: "apply".
	Kind string
	// Body appends the members behind that, without braces.
	Body func(dst []byte) []byte
	// State, if not nil, is what a training gave, which every process needs once.
	State *State
	// Progress, if not nil, is called with the share that is done.
	Progress func(share float64)
	// New makes what an answer is read into. Same, if not nil, says whether two answers
	// that were read say the same.
	New  func() Answer
	Same func(a, b Answer) bool
}

// Answer takes the members of an answer. What it does not know it must skip.
type Answer interface {
	Member(key string, r *wire.Reader) error
	// Whole says what is missing once all members were taken.
	Whole() error
}

// State is what a program has learned, in its own words or in a file.
type State struct {
	Training uint64
	Text     string
	File     string
}

// Refusal is the error of an answer that says why there is none. It is no fault of
// the process.
type Refusal string

// Error is what the program said.
func (r Refusal) Error() string { return string(r) }

// StateFile names a file that a program may write the state of a training into, ""
// if it does not ask for files.
func (p *Pool) StateFile() (string, error) {
	if !p.greeting.Files {
		return "", nil
	}
	p.mu.Lock()
	n := p.number
	p.mu.Unlock()
	return p.set.stateFile(n)
}

// mostStates is how many states a process must keep.
const mostStates = 8

// appendState names the state of a question, and gives it to a process that lacks it.
func (c *child) appendState(b []byte, s State) []byte {
	b = strconv.AppendUint(append(b, `,"state_of":`...), s.Training, 10)
	if s.File != "" {
		return wire.AppendString(append(b, `,"state_file":`...), s.File)
	}
	if slices.Contains(c.states, s.Training) {
		return b
	}
	b = wire.AppendString(append(b, `,"state":`...), s.Text)
	if c.states = append(c.states, s.Training); len(c.states) > mostStates {
		b = strconv.AppendUint(append(b, `,"forget":`...), c.states[0], 10)
		c.states = c.states[1:]
	}
	return b
}

// read reads a line into a. progress is the share that is done where the line is no
// answer, else below 0.
func read(line []byte, kind string, n uint64, a Answer) (progress float64, err error) {
	progress = -1
	r := wire.NewReader(line)

	// Members come in any order, so what kind of line it is shows at its end.
	var refusal string
	numbered := false
	err = r.Object(func(key string) (err error) {
		switch key {
		case kind:
			var m int64
			if m, err = r.Int(); err == nil && m != int64(n) {
				err = fmt.Errorf("answers %s %d, which is not what it was asked (%d)", kind, m, n)
			}
			numbered = true
		case "progress":
			if progress, err = r.Float(); err == nil && (progress < 0 || progress > 1) {
				err = fmt.Errorf("progress %v: want 0 to 1", progress)
			}
		case "error":
			refusal, err = r.String()
		default:
			err = a.Member(key, r)
		}
		return err
	})
	if err == nil {
		err = r.End()
	}
	switch {
	case err != nil:
		return progress, fmt.Errorf("answer to %s %d: %w", kind, n, err)
	case progress >= 0 && !numbered:
		return progress, nil
	case !numbered:
		return -1, fmt.Errorf("answer to %s %d: a line without the number of what was asked: %s", kind, n, quoted(line))
	case refusal != "":
		return -1, Refusal(refusal)
	}
	if err := a.Whole(); err != nil {
		return -1, fmt.Errorf("answer to %s %d: %w", kind, n, err)
	}
	return -1, nil
}
