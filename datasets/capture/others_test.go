package capture

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/zeebo/xxh3"

	"veilbench/datasets"
)

// BenchmarkReadOthers does with the file of BenchmarkRead less than that: "copy" moves
// it through a buffer, "floor" also hashes the payloads and writes a packet for each;
// gopacket's reader yields records and makes nothing of them ("pcapgo"), decodes
// headers into layers that are used again ("parser"), or makes packets of them, of
// which addresses and ports are asked ("lazy").
func BenchmarkReadOthers(b *testing.B) {
	const n = 200_000
	data := benchFile(n)
	for _, r := range []struct {
		name string
		read func(b *testing.B) int
	}{
		{"copy", func(*testing.B) int { return n * copyThrough(data, nil) / len(data) }},
		{"floor", func(*testing.B) int { return readFloor(data) }},
		{"pcapgo", func(b *testing.B) int { return readPcapgo(b, data, func([]byte) {}) }},
		{"parser", func(b *testing.B) int {
			var eth layers.Ethernet
			var ip layers.IPv4
			var tcp layers.TCP
			var payload gopacket.Payload
			parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip, &tcp, &payload)
			parser.IgnoreUnsupported = true // the payload, by its port TLS
			decoded := make([]gopacket.LayerType, 0, 4)
			return readPcapgo(b, data, func(frame []byte) {
				if err := parser.DecodeLayers(frame, &decoded); err != nil {
					b.Fatal(err)
				}
			})
		}},
		{"lazy", func(b *testing.B) int {
			return readPcapgo(b, data, func(frame []byte) {
				p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
				if p.NetworkLayer() == nil || p.TransportLayer() == nil {
					b.Fatal("no layers")
				}
			})
		}},
	} {
		b.Run("reader="+r.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := r.read(b); got != n {
					b.Fatal(got)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// readPcapgo calls do with every frame, which is not copied out of the buffer.
func readPcapgo(b *testing.B, data []byte, do func(frame []byte)) int {
	r, err := pcapgo.NewReader(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; ; n++ {
		frame, _, err := r.ZeroCopyReadPacketData()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			b.Fatal(err)
		}
		do(frame)
	}
}

// copyThrough calls do, if there is any, with every portion of 64 KB as it is copied.
func copyThrough(data []byte, do func(portion []byte)) int {
	buf, n := make([]byte, 64<<10), 0
	for r := bytes.NewReader(data); ; {
		k, err := r.Read(buf)
		if err != nil {
			return n
		}
		if n += k; do != nil {
			do(buf[:k])
		}
	}
}

// readFloor is what no reader can leave out that knows copies by their payload and
// returns packets: without decoding, conversations and checks. It knows where records
// begin from the lengths alone, and passes over those that two portions share.
func readFloor(data []byte) int {
	packets := make([]datasets.Packet, 0, 200_000)
	at, read := fileHeader, 0
	copyThrough(data, func(b []byte) {
		for at+recordHeader <= read+len(b) {
			p := b[max(at-read, 0):]
			size := int(order(false).Uint32(data[at+8:]))
			sum := xxh3.Hash(p[min(len(p), recordHeader+54):min(len(p), recordHeader+size)])
			packets = append(packets, datasets.Packet{Size: int32(size), Payload: int32(sum)})
			at += recordHeader + size
		}
		read += len(b)
	})
	return len(packets)
}
