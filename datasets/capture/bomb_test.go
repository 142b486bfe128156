package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// A small file of very many empty packets is refused before they are read, and
// said so.
func TestBombIsRefused(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	head := make([]byte, 24)
	binary.LittleEndian.PutUint32(head, magicMicro)
	head[4], head[6] = 2, 4 // the version
	binary.LittleEndian.PutUint32(head[16:], 65535)
	binary.LittleEndian.PutUint32(head[20:], linkEthernet)
	z.Write(head)

	// Sixteen bytes a record, all zero.
	const records = 4 << 20
	if _, err := io.CopyN(z, zeros{}, 16*records); err != nil {
		t.Fatal(err)
	}
	z.Close()
	_, _, err := Read(context.Background(), &b, "bomb.gz", Options{})
	if err == nil || !strings.Contains(err.Error(), "bomb.gz") || !strings.Contains(err.Error(), "unpack the file") {
		t.Errorf("error %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
