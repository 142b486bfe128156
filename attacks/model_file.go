package attacks

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// maxHead bounds the header of a model's file.
const maxHead = 1 << 20

// writeHead begins the file of a model. Numbers are little-endian:
//
//	8 bytes   magic: the name of the format and its version
//	4 bytes   length of the header
//	header    head as JSON
//	32 bytes  SHA-256 of all before
func writeHead(w io.Writer, magic string, head any) error {
	h, err := json.Marshal(head)
	if err != nil {
		return err
	}
	b := append([]byte(magic), binary.LittleEndian.AppendUint32(nil, uint32(len(h)))...)
	b = append(b, h...)
	sum := sha256.Sum256(b)
	_, err = w.Write(append(b, sum[:]...))
	return err
}

// readHead reads what writeHead wrote into head, a pointer, and refuses a
// header that is damaged or says more than head has fields.
func readHead(r io.Reader, magic string, head any) error {
	hash := sha256.New()
	in := io.TeeReader(r, hash)
	start := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(in, start); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if string(start[:len(magic)]) != magic {
		return fmt.Errorf("not a file of version 1 (starts with %q)", start[:len(magic)])
	}
	n := binary.LittleEndian.Uint32(start[len(magic):])
	if n > maxHead {
		return fmt.Errorf("header of %d bytes: want at most %d", n, maxHead)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	want, got := hash.Sum(nil), make([]byte, sha256.Size)
	if _, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("checksum: %w", err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("damaged: checksum of the header is %x, want %x", got[:4], want[:4])
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(head); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return nil
}
