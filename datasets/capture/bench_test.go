package capture

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"

	"veilbench/datasets/capture/internal/header"
)

// benchFile is a pcap of n packets of smart-home sizes in 200 flows.
func benchFile(n int) []byte {
	b := fileHeaderBytes(magicMicro, 65535, linkEthernet)
	sizes := []int{0, 0, 31, 53, 126, 237, 339, 1448}
	pad := make([]byte, 1500)
	for i := range n {
		f := byte(i * 7 % 200)
		size := sizes[i*5%len(sizes)]
		ip := make([]byte, 40, 40+size)
		ip[0], ip[8], ip[9] = 0x45, 64, header.TCP
		binary.BigEndian.PutUint16(ip[2:], uint16(40+size))
		copy(ip[12:], []byte{192, 168, 1, 10 + f%40, 52, 30, f / 40, f})
		binary.BigEndian.PutUint16(ip[20:], 40000+uint16(f))
		binary.BigEndian.PutUint16(ip[22:], 443)
		ip[32] = 0x50
		frame := append([]byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, f % 40, 8, 0}, append(ip, pad[:size]...)...)
		if i%2 == 1 {
			copy(frame, []byte{2, 0, 0, 0, 0, f % 40, 2, 0, 0, 0, 1, 1})
			copy(frame[26:], []byte{52, 30, f / 40, f, 192, 168, 1, 10 + f%40})
			copy(frame[34:], []byte{443 >> 8, 443 & 255, byte((40000 + uint16(f)) >> 8), byte((40000 + uint16(f)) & 255)})
		}
		b = append(b, recordBytes(uint32(1_600_000_000+i/1000), uint32(i%1000), frame)...)
	}
	return b
}

func fileHeaderBytes(magic, snap, link uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, snap)
	return binary.LittleEndian.AppendUint32(b, link)
}

func recordBytes(sec, frac uint32, frame []byte) []byte {
	var b []byte
	for _, v := range []uint32{sec, frac, uint32(len(frame)), uint32(len(frame))} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, frame...)
}

func BenchmarkRead(b *testing.B) {
	const n = 200_000
	pcap := benchFile(n)
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write(pcap)
	z.Close()
	for _, f := range []struct {
		name string
		data []byte
	}{{"pcap", pcap}, {"pcapng", toPcapng(pcap)}, {"pcap.gz", gz.Bytes()}} {
		b.Run("format="+f.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(f.data)))
			for b.Loop() {
				t, _, err := Read(b.Context(), bytes.NewReader(f.data), f.name, Options{})
				if err != nil || len(t.Packets) != n {
					b.Fatal(len(t.Packets), err)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// toPcapng makes enhanced packet blocks of a little-endian pcap file.
func toPcapng(pcap []byte) []byte {
	le := binary.LittleEndian
	b := sectionBytes()
	b = append(b, interfaceBytes(uint16(le.Uint32(pcap[20:])), nil)...)
	for p := pcap[24:]; len(p) >= 16; {
		n := le.Uint32(p[8:])
		ticks := uint64(le.Uint32(p))*1_000_000 + uint64(le.Uint32(p[4:]))
		b = append(b, enhancedBytes(0, ticks, n, le.Uint32(p[12:]), p[16:16+n])...)
		p = p[16+n:]
	}
	return b
}

func sectionBytes() []byte {
	b := blockBytes(blockSection, []byte{0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255})
	return b
}

func interfaceBytes(link uint16, options []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, link)
	return blockBytes(blockInterface, append(append(b, 0, 0, 0, 0, 4, 0), options...))
}

func enhancedBytes(id uint32, ticks uint64, captured, length uint32, data []byte) []byte {
	var b []byte
	for _, v := range []uint32{id, uint32(ticks >> 32), uint32(ticks), captured, length} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return blockBytes(blockEnhanced, append(b, data...))
}

func blockBytes(typ uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := binary.LittleEndian.AppendUint32(nil, typ)
	b = binary.LittleEndian.AppendUint32(b, uint32(12+len(body)))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, uint32(12+len(body)))
}

// BenchmarkReadFile reads the file that VEILBENCH_CAPTURE names, for
// comparisons with other readers.
func BenchmarkReadFile(b *testing.B) {
	path := os.Getenv("VEILBENCH_CAPTURE")
	if path == "" {
		b.Skip("VEILBENCH_CAPTURE names no capture")
	}
	packets := 0
	for b.Loop() {
		t, _, err := Open(b.Context(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		packets += len(t.Packets)
	}
	b.ReportMetric(float64(packets)/b.Elapsed().Seconds(), "packets/s")
}
