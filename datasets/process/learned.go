package process

import (
	"fmt"
	"os"

	"veilbench/datasets/wire"
)

// Learned is the answer to a training: a state, in the answer or in a file.
type Learned struct {
	// File is where the program may write the state, "" if it must answer with it.
	File string
	text string
	have bool
}

// Member takes the state.
func (l *Learned) Member(key string, r *wire.Reader) (err error) {
	if key != "state" {
		return r.Skip()
	}
	l.have = true
	if l.text, err = r.String(); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// Whole wants a state: any string, or the file.
func (l *Learned) Whole() error {
	if l.have {
		return nil
	}
	if l.File == "" {
		return fmt.Errorf("there is no state in it")
	}
	if _, err := os.Stat(l.File); err != nil {
		return fmt.Errorf("there is no state in it, nor in the file: %w", err)
	}
	return nil
}

// State is what was learned in the training of that number.
func (l *Learned) State(training uint64) *State {
	s := &State{Training: training, Text: l.text}
	if !l.have {
		s.File = l.File
	}
	return s
}
