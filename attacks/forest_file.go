package attacks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// forestMagic begins a saved forest; its last byte is the version.
const forestMagic = "vbforest\x01"

// Save writes the forest: magic, then little-endian 32-bit counts and values
// (classes, columns, per column its cuts, trees, per tree its nodes and mixed
// leaves), then the CRC-32 of all that.
func (f *Forest) Save(w io.Writer) error {
	b := []byte(forestMagic)
	u32 := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	u32(f.classes)
	u32(len(f.cuts))
	for _, c := range f.cuts {
		u32(len(c))
		b, _ = binary.Append(b, binary.LittleEndian, c)
	}
	u32(len(f.trees))
	for _, t := range f.trees {
		u32(len(t.nodes))
		for _, n := range t.nodes {
			u32(int(n.feature)<<8 | int(n.bin))
			u32(int(n.right))
		}
		u32(len(t.mixed))
		b, _ = binary.Append(b, binary.LittleEndian, t.mixed)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	_, err := w.Write(b)
	return err
}

// LoadForest reads what Save wrote, to the end of r, and refuses anything
// else.
func LoadForest(r io.Reader) (*Forest, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	if !bytes.HasPrefix(b, []byte(forestMagic)) {
		return nil, errors.New("forest: not a saved forest of this version")
	}
	body := len(b) - 4
	if body < len(forestMagic) || crc32.ChecksumIEEE(b[:body]) != binary.LittleEndian.Uint32(b[body:]) {
		return nil, errors.New("forest: cut short or damaged: the checksum does not fit")
	}
	d := forestReader{b: b[len(forestMagic):body]}
	f := d.forest()
	if d.bad || len(d.b) > 0 || len(f.trees) == 0 {
		return nil, errors.New("forest: contents do not fit together")
	}
	f.walks = make([]walk, len(f.trees))
	for i, t := range f.trees {
		ok := false
		if f.walks[i], ok = newWalk(t); !ok {
			return nil, errors.New("forest: contents do not fit together")
		}
	}
	return f, nil
}

// forestReader takes values off b; bad is set when they do not fit.
type forestReader struct {
	b   []byte
	bad bool
}

func (d *forestReader) u32() uint32 {
	if len(d.b) < 4 {
		d.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(d.b)
	d.b = d.b[4:]
	return v
}

// count reads a number of things of the given size, of which there must be
// enough bytes left.
func (d *forestReader) count(size int) int {
	n := int(d.u32())
	if n > len(d.b)/size {
		d.bad = true
		return 0
	}
	return n
}

func (d *forestReader) floats() []float32 {
	v := make([]float32, d.count(4))
	n, _ := binary.Decode(d.b, binary.LittleEndian, v)
	d.b = d.b[n:]
	return v
}

func (d *forestReader) forest() *Forest {
	f := &Forest{classes: int(d.u32())}
	d.bad = d.bad || f.classes < 1 || f.classes > leafFeature
	f.cuts = make([][]float32, d.count(4))
	d.bad = d.bad || len(f.cuts) == 0 || len(f.cuts) >= leafFeature
	for j := range f.cuts {
		f.cuts[j] = d.floats()
		d.bad = d.bad || len(f.cuts[j]) >= maxBins
	}
	f.trees = make([]tree, d.count(8))
	for i := range f.trees {
		t := tree{nodes: make([]forestNode, d.count(8))}
		for j := range t.nodes {
			v := d.u32()
			t.nodes[j] = forestNode{feature: uint16(v >> 8), bin: uint8(v), right: int32(d.u32())}
		}
		t.mixed = d.floats()
		d.bad = d.bad || !t.fits(len(f.cuts), f.classes)
		f.trees[i] = t
	}
	return f
}

// fits says whether every walk down the tree ends at a leaf with a class.
func (t *tree) fits(columns, classes int) bool {
	for i, n := range t.nodes {
		switch {
		case n.feature != leafFeature:
			if int(n.feature) >= columns || i+1 >= len(t.nodes) || int(n.right) <= i || int(n.right) >= len(t.nodes) {
				return false
			}
		case n.right >= 0:
			if int(n.right) >= classes {
				return false
			}
		default:
			if (int(-1-n.right)+1)*classes > len(t.mixed) {
				return false
			}
		}
	}
	return len(t.nodes) > 0
}
