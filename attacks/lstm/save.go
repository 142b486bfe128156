package lstm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// The file format, version 1. All numbers are little-endian:
//
//	8 bytes   "VBLSTM\x00\x01": the name and the version
//	4 bytes   length of the header
//	header    Config as JSON
//	4 bytes   times the number of parameters: float32, in the order of Tensors
//	32 bytes  SHA-256 of all before
const magic = "VBLSTM\x00\x01"

// maxHeader and maxParams bound what a file can make Load allocate.
const (
	maxHeader = 1 << 16
	maxParams = 1 << 28
)

// Save writes n to w in the format above. Equal networks give equal bytes.
func (n *Net) Save(w io.Writer) error {
	head, err := json.Marshal(n.cfg)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(head))))
	b.Write(head)
	b.Write(floatBytes(n.w))
	sum := sha256.Sum256(b.Bytes())
	b.Write(sum[:])
	_, err = w.Write(b.Bytes())
	return err
}

// Load reads what Save wrote and nothing after it. Anything else is refused.
func Load(r io.Reader) (*Net, error) {
	hash := sha256.New()
	in := io.TeeReader(r, hash)
	start := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(in, start); err != nil {
		return nil, fmt.Errorf("lstm: model file: start: %w", err)
	}
	if string(start[:len(magic)]) != magic {
		return nil, fmt.Errorf("lstm: model file: not a network of version 1 (starts with %q)", start[:len(magic)])
	}
	size := binary.LittleEndian.Uint32(start[len(magic):])
	if size > maxHeader {
		return nil, fmt.Errorf("lstm: model file: header of %d bytes, want at most %d", size, maxHeader)
	}
	head := make([]byte, size)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, fmt.Errorf("lstm: model file: header: %w", err)
	}
	var c Config
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("lstm: model file: header: %w", err)
	}
	n, err := loadParams(in, c)
	if err != nil {
		return nil, err
	}
	want := hash.Sum(nil)
	got := make([]byte, sha256.Size)
	if _, err := io.ReadFull(r, got); err != nil {
		return nil, fmt.Errorf("lstm: model file: checksum: %w", err)
	}
	if !bytes.Equal(got, want) {
		return nil, fmt.Errorf("lstm: model file: damaged: checksum %x, want %x", got[:4], want[:4])
	}
	n.repack(1)
	return n, nil
}

func loadParams(in io.Reader, c Config) (*Net, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	if p := c.params(); p > maxParams {
		return nil, fmt.Errorf("lstm: model file: %d parameters, want at most %d", p, maxParams)
	}
	w, err := readFloats(in, c.params())
	if err != nil {
		return nil, fmt.Errorf("lstm: model file: parameters: %w", err)
	}
	n, err := newNet(c)
	if err != nil {
		return nil, err
	}
	n.bind(w)
	return n, nil
}

// readFloats reads n values, growing with what is really there so that a
// header that lies cannot take the memory.
func readFloats(r io.Reader, n int) ([]float32, error) {
	var raw bytes.Buffer
	if _, err := io.CopyN(&raw, r, int64(4*n)); err != nil {
		return nil, err
	}
	w := make([]float32, n)
	for i := range w {
		w[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw.Bytes()[4*i:]))
		if x := float64(w[i]); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("value %d is %v", i, x)
		}
	}
	return w, nil
}

func floatBytes(w []float32) []byte {
	b := make([]byte, 0, 4*len(w))
	for _, v := range w {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
