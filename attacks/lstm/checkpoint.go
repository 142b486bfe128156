package lstm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"math"
)

// Checkpoint keeps the state of training between epochs. It must give back
// what it was given last; one that gives something else is refused.
type Checkpoint interface {
	// Read returns the state kept under key, or nil if there is none.
	Read(key string) ([]byte, error)
	// Write keeps state under key in place of what was there; nil, when
	// training has ended, removes it.
	Write(key string, state []byte) error
}

// state is what a checkpoint holds. It is written with gob: a checkpoint is
// for going on with the same program, not for exchange.
type state struct {
	Steps, Epoch, Stale int
	Best                float64
	W, M, V, BestW      []float32
}

// key names the run: the shape, the options that matter, the seed and the
// data. Another run has another key and so does not go on from this one.
func (t *trainer) key() string {
	h := sha256.New()
	o := t.o
	fmt.Fprintln(h, "1", t.n.cfg, t.n.kr, o.Epochs, o.MaxSteps, o.Batch, o.Rate, o.Decay, o.Dropout, o.Clip, o.Patience, o.ClassWeights, t.seed)
	for _, d := range []Data{t.train, t.valid} {
		fmt.Fprintln(h, d.Steps, d.Features, len(d.X), len(d.Y))
		b := make([]byte, 0, 1<<16)
		for _, x := range d.X {
			if b = binary.LittleEndian.AppendUint16(b, x); len(b) == cap(b) {
				h.Write(b)
				b = b[:0]
			}
		}
		for _, y := range d.Y {
			if b = binary.LittleEndian.AppendUint16(b, uint16(y)); len(b) == cap(b) {
				h.Write(b)
				b = b[:0]
			}
		}
		h.Write(b)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// resume takes over the state of a run that was stopped.
func (t *trainer) resume() error {
	if t.o.Checkpoint == nil {
		return nil
	}
	t.name = t.key()
	raw, err := t.o.Checkpoint.Read(t.name)
	if err != nil || raw == nil {
		return err
	}
	var s state
	if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(&s); err != nil {
		return fmt.Errorf("lstm: checkpoint: %w", err)
	}
	n := len(t.n.w)
	if len(s.W) != n || len(s.M) != n || len(s.V) != n || len(s.BestW) != 0 && len(s.BestW) != n || s.Steps < 0 || s.Epoch < 0 {
		return fmt.Errorf("lstm: checkpoint: damaged: %d parameters, want %d", len(s.W), n)
	}
	t.steps, t.epoch, t.stale, t.bestScore = s.Steps, s.Epoch, s.Stale, s.Best
	copy(t.n.w, s.W)
	copy(t.m, s.M)
	copy(t.v, s.V)
	if len(s.BestW) > 0 {
		t.best = s.BestW
	}
	t.n.repack(t.workers)
	return nil
}

// save keeps the state after an epoch.
func (t *trainer) save() error {
	if t.o.Checkpoint == nil {
		return nil
	}
	var b bytes.Buffer
	s := state{Steps: t.steps, Epoch: t.epoch, Stale: t.stale, Best: t.bestScore, W: t.n.w, M: t.m, V: t.v, BestW: t.best}
	if math.IsNaN(s.Best) {
		s.Best = -1
	}
	if err := gob.NewEncoder(&b).Encode(s); err != nil {
		return err
	}
	return t.o.Checkpoint.Write(t.name, b.Bytes())
}
