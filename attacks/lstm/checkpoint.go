package lstm

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Checkpoint keeps the state of training between epochs. It must give back
// what it was given last; with anything else training begins from the start
// (see Options.Damaged).
type Checkpoint interface {
	// Read returns the state kept under key, or nil if there is none.
	Read(key string) ([]byte, error)
	// Write keeps state under key in place of what was there; nil, when
	// training has ended, removes it.
	Write(key string, state []byte) error
}

// key names the run: the shape, the options that matter, the seed and the
// data. Another run has another key and so does not go on from this one.
func (t *trainer) key() string {
	h := sha256.New()
	o := t.o
	fmt.Fprintln(h, "4", t.n.cfg, t.n.kr, o.Epochs, o.MaxSteps, o.Batch, o.Rate, o.Decay, o.Dropout, o.Clip, o.Patience, o.ClassWeights, t.seed)

	// The data may be as large as memory: it goes through a buffer and not
	// through a copy of its own.
	for _, d := range []Data{t.train, t.valid} {
		fmt.Fprintln(h, d.Steps, d.Features, len(d.X), len(d.Y))
		for x := range slices.Chunk(d.X, 1<<15) {
			binary.Write(h, binary.LittleEndian, x)
		}
		for y := range slices.Chunk(d.Y, 1<<15) {
			binary.Write(h, binary.LittleEndian, y)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// resume takes over the state of a run that was stopped. What cannot be read
// is an error, for it may be there the next time; what is damaged is not, for it
// would be damaged for good: training begins from the start.
func (t *trainer) resume() error {
	if t.o.Checkpoint == nil {
		return nil
	}
	t.name = t.key()
	raw, err := t.o.Checkpoint.Read(t.name)
	if err != nil || raw == nil {
		return err
	}
	t.kept = true
	if err := t.restore(raw); err != nil && t.o.Damaged != nil {
		t.o.Damaged(t.name, err)
	}
	return nil
}

// save keeps the state after an epoch where it is time to, or where training is about
// to stop: a training that is over sooner than it would be begun anew needs none.
func (t *trainer) save(ctx context.Context) error {
	if t.o.Checkpoint == nil || ctx.Err() == nil && time.Since(t.saved) < t.o.SaveEvery {
		return nil
	}
	t.kept, t.saved = true, time.Now()
	return t.o.Checkpoint.Write(t.name, t.state())
}

// stateHead begins a checkpoint. The parameters, Adam's two moments and, if
// there are any, the best parameters follow, all little-endian, and at the end
// the SHA-256 of all before it. A checkpoint is for going on with the same
// program, not for exchange.
type stateHead struct {
	Steps, Epoch, Stale, Params, Arrays int64
	Best                                float64
	Course                              course
}

// checkpointArrays is the largest number of arrays in a checkpoint.
const checkpointArrays = 4

// arrays are those of a checkpoint: the last one only if hasBest.
func (t *trainer) arrays(hasBest bool) [][]float32 {
	a := [checkpointArrays][]float32{t.n.w, t.m, t.v, t.best}
	if hasBest {
		return a[:]
	}
	return a[:checkpointArrays-1]
}

// state is the checkpoint, in room that is made at once: memory counts one.
func (t *trainer) state() []byte {
	arrays := t.arrays(t.best != nil)
	head := stateHead{
		Steps: int64(t.steps), Epoch: int64(t.epoch), Stale: int64(t.stale),
		Params: int64(len(t.n.w)), Arrays: int64(len(arrays)), Best: t.bestScore, Course: t.course,
	}
	b := make([]byte, 0, binary.Size(head)+4*len(t.n.w)*len(arrays)+sha256.Size)
	b, _ = binary.Append(b, binary.LittleEndian, head) // fails only for types of no fixed size
	for _, a := range arrays {
		b, _ = binary.Append(b, binary.LittleEndian, a)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// restore takes over what state gave; of anything else it takes nothing.
func (t *trainer) restore(raw []byte) error {
	if len(raw) < sha256.Size {
		return fmt.Errorf("%d bytes: want more than %d", len(raw), sha256.Size)
	}
	raw, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if sha256.Sum256(raw) != [sha256.Size]byte(sum) {
		return errors.New("its checksum is not that of its content")
	}

	// Everything is checked before the first field is written, so that training
	// can still begin from the start.
	var h stateHead
	at, err := binary.Decode(raw, binary.LittleEndian, &h)
	if err != nil {
		return err
	}
	n, hasBest := len(t.n.w), h.Arrays == checkpointArrays
	arrays := len(t.arrays(hasBest))
	if h.Params != int64(n) || h.Arrays != int64(arrays) || len(raw) != at+4*n*arrays || h.Steps < 0 || h.Epoch < 0 {
		return fmt.Errorf("%d bytes of %d arrays of %d parameters, want %d parameters", len(raw), h.Arrays, h.Params, n)
	}

	if hasBest {
		t.best = make([]float32, n)
	}
	t.steps, t.epoch, t.stale, t.bestScore = int(h.Steps), int(h.Epoch), int(h.Stale), h.Best
	t.course = h.Course
	t.cool()
	for _, a := range t.arrays(hasBest) {
		used, err := binary.Decode(raw[at:], binary.LittleEndian, a)
		if err != nil {
			return err
		}
		at += used
	}
	return nil
}
