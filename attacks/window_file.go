package attacks

import (
	"fmt"
	"io"
	"slices"

	"veilbench/attacks/lstm"
)

// windowMagic begins the file of a window model, version 1: a header (see
// writeHead) that is windowHead, then the network as package lstm writes it, or
// the forest as Forest.Save does; nothing if nothing was learned.
const windowMagic = "VBWIND\x00\x01"

// Save writes the model in the format above.
func (m *windowNet) Save(w io.Writer) error {
	if err := writeHead(w, windowMagic, m.head); err != nil || m.net == nil {
		return err
	}
	return m.net.Save(w)
}

// read reads the header of a model of the given attack and checks it.
func (h *windowHead) read(r io.Reader, attack string) error {
	if err := readHead(r, windowMagic, h); err != nil {
		return fmt.Errorf("window model: %w", err)
	}
	return h.check(attack)
}

// check reports what a header must not say.
func (h *windowHead) check(attack string) error {
	if h.Attack != attack {
		return fmt.Errorf("window model: made by %q, want %q", h.Attack, attack)
	}
	if h.Window < 1 || h.Window > 10000 {
		return fmt.Errorf("window model: window %d: want 1 to 10000", h.Window)
	}
	if !h.Trained {
		return nil
	}
	if err := h.Vocab.check(); err != nil {
		return fmt.Errorf("window model: vocabulary: %w", err)
	}
	return nil
}

// Load reads a model that Save of a model of the same attack wrote.
func (a WindowNet) Load(r io.Reader) (Model, error) {
	m := &windowNet{}
	if err := m.head.read(r, a.Info().Name); err != nil {
		return nil, err
	}
	if !m.head.Trained {
		return m, nil
	}
	net, err := lstm.Load(r)
	if err != nil {
		return nil, fmt.Errorf("window model: %w", err)
	}
	if c := net.Config(); !slices.Equal(c.Vocab, m.head.Vocab.sizes()) || c.Classes != m.head.Classes {
		return nil, fmt.Errorf("window model: network of %v values and %d classes, header of %v and %d",
			c.Vocab, c.Classes, m.head.Vocab.sizes(), m.head.Classes)
	}
	m.net = net
	return m, nil
}
