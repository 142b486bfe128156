package attacks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"veilbench/datasets/atomicfile"
)

// Progress says how far the training of an attack has come. It is for people
// to look at: no result depends on it.
type Progress struct {
	// Attack is the name of the attack.
	Attack string
	// Defense and Fold tell an attack's trainings apart: the ID of the defense
	// whose traffic is learned, empty unless WithTraining says it.
	Defense string
	Fold    int
	// Warning, if not empty, is what went wrong without ending the training;
	// then nothing below is set.
	Warning string
	// Epoch of Epochs is done; training may stop earlier.
	Epoch, Epochs int
	// Loss is the mean training loss of the epoch.
	Loss float64
	// Score is the score on the validation part of the training data, or NaN
	// where there is none.
	Score float64
	// Left is an estimate of the time to come.
	Left time.Duration
}

type progressKey struct{}

type checkpointKey struct{}

// WithProgress returns a context under which training that takes long calls f
// now and then. Trainings may run at once, so f must be safe for concurrent
// use.
func WithProgress(ctx context.Context, f func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, f)
}

// WithTraining returns a context under which progress has the given Defense
// and Fold.
func WithTraining(ctx context.Context, defense string, fold int) context.Context {
	f := ProgressOf(ctx)
	if f == nil {
		return ctx
	}
	return WithProgress(ctx, func(p Progress) {
		p.Defense, p.Fold = defense, fold
		f(p)
	})
}

// ProgressOf returns the function of WithProgress, or nil.
func ProgressOf(ctx context.Context) func(Progress) {
	f, _ := ctx.Value(progressKey{}).(func(Progress))
	return f
}

// WithCheckpoints returns a context under which training that takes long keeps
// its state in files of folder dir, one per run, and goes on from there when
// the same training is started again. Files of finished trainings are removed.
// A damaged file is replaced by what training from the start gives; progress
// has a warning that names it.
func WithCheckpoints(ctx context.Context, dir string) context.Context {
	return context.WithValue(ctx, checkpointKey{}, checkpoints(dir))
}

// CheckpointsOf returns the store of WithCheckpoints, and whether there is one.
func CheckpointsOf(ctx context.Context) (checkpoints, bool) {
	c, ok := ctx.Value(checkpointKey{}).(checkpoints)
	return c, ok
}

// checkpoints keeps the states of trainings as files of a folder. It is the
// Checkpoint of package lstm.
type checkpoints string

// Path is the file of a key, which lstm makes of hexadecimal digits.
func (c checkpoints) Path(key string) string {
	return filepath.Join(string(c), key+".checkpoint")
}

// Read returns the state kept under key, or nil.
func (c checkpoints) Read(key string) ([]byte, error) {
	b, err := os.ReadFile(c.Path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Write replaces the state kept under key, all or nothing; nil removes it.
func (c checkpoints) Write(key string, state []byte) error {
	var err error
	if state != nil {
		err = atomicfile.Write(c.Path(key), state)
	} else if err = os.Remove(c.Path(key)); errors.Is(err, fs.ErrNotExist) {
		err = nil // that none is left is all that was asked for
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}
