package attacks

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"veilbench/attacks/lstm"
)

// The file of a window model, version 1. Numbers are little-endian:
//
//	8 bytes   "VBWIND\x00\x01": the name and the version
//	4 bytes   length of the header
//	header    windowHead as JSON: attack, window, classes, vocabulary
//	32 bytes  SHA-256 of all before
//	network   as package lstm writes it, or the forest as Forest.Save does;
//	          nothing if nothing was learned
const windowMagic = "VBWIND\x00\x01"

// maxWindowHead bounds the header of a file.
const maxWindowHead = 1 << 20

// Save writes the model in the format above.
func (m *windowNet) Save(w io.Writer) error {
	if err := writeWindowHead(w, m.head); err != nil || m.net == nil {
		return err
	}
	return m.net.Save(w)
}

func writeWindowHead(w io.Writer, h windowHead) error {
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	b := append([]byte(windowMagic), binary.LittleEndian.AppendUint32(nil, uint32(len(head)))...)
	b = append(b, head...)
	sum := sha256.Sum256(b)
	_, err = w.Write(append(b, sum[:]...))
	return err
}

// read reads the header of a model of the given attack and checks it is whole.
func (h *windowHead) read(r io.Reader, attack string) error {
	hash := sha256.New()
	in := io.TeeReader(r, hash)
	start := make([]byte, len(windowMagic)+4)
	if _, err := io.ReadFull(in, start); err != nil {
		return fmt.Errorf("window model: start: %w", err)
	}
	if string(start[:len(windowMagic)]) != windowMagic {
		return fmt.Errorf("window model: not a file of version 1 (starts with %q)", start[:len(windowMagic)])
	}
	n := binary.LittleEndian.Uint32(start[len(windowMagic):])
	if n > maxWindowHead {
		return fmt.Errorf("window model: header of %d bytes: want at most %d", n, maxWindowHead)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(in, head); err != nil {
		return fmt.Errorf("window model: header: %w", err)
	}
	want, got := hash.Sum(nil), make([]byte, sha256.Size)
	if _, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("window model: checksum: %w", err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("window model: damaged: checksum of the header is %x, want %x", got[:4], want[:4])
	}
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(h); err != nil {
		return fmt.Errorf("window model: header: %w", err)
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
