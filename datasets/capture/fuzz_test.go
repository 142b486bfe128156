package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/gopacket/layers"
	"veilbench/datasets"

	"veilbench/datasets/capture/internal/capturetest"
	"veilbench/datasets/capture/internal/header"
	"veilbench/datasets/capture/internal/hello"
	"veilbench/datasets/capture/write"
)

// fuzzRead reads b and holds what must be true of any input: no panic, no
// trace that breaks its contract, no memory beyond 10 times the input and
// 64 MiB.
func fuzzRead(t *testing.T, b []byte, o Options) {
	if len(b) > 1<<20 {
		return
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tr, rep, err := Read(t.Context(), bytes.NewReader(b), "fuzz", o)
	runtime.ReadMemStats(&after)
	// Heap in use counts garbage too, so it bounds the live memory.
	if after.HeapAlloc > before.HeapAlloc+10*uint64(len(b))+64<<20 {
		t.Fatalf("%d bytes of input, heap grew from %d to %d", len(b), before.HeapAlloc, after.HeapAlloc)
	}
	if err != nil {
		return
	}
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	if rep.Packets+rep.Skipped != rep.Records+rep.Segments || rep.Packets != len(tr.Packets) {
		t.Fatalf("%d packets, %d of them further segments, and %d skipped of %d records", rep.Packets, rep.Segments, rep.Skipped, rep.Records)
	}
	for _, f := range tr.Flows {
		if header.HostName(f.Host) != f.Host {
			t.Fatalf("host %q", f.Host)
		}
	}
}

func FuzzPcap(f *testing.F) {
	for _, b := range seedCaptures(f) {
		f.Add(b, false)
	}
	f.Add(lies()["pcap"], true)
	f.Fuzz(func(t *testing.T, b []byte, big bool) {
		if len(b) < 4 {
			return
		}
		copy(b, []byte{0xd4, 0xc3, 0xb2, 0xa1})
		if big {
			copy(b, []byte{0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4})
		}
		fuzzRead(t, b, Options{AllowTruncated: true})
	})
}

func FuzzPcapng(f *testing.F) {
	for _, b := range seedCaptures(f) {
		f.Add(toPcapng(b))
	}
	for _, b := range lies() {
		f.Add(b)
	}
	f.Add(onePacketNg(0x80|20, 77))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		copy(b, []byte{0x0a, 0x0d, 0x0d, 0x0a})
		fuzzRead(t, b, Options{AllowTruncated: true, SortTimes: true})
	})
}

// FuzzCompressed fuzzes the decompressors and the choice of the format.
func FuzzCompressed(f *testing.F) {
	for _, b := range seedCaptures(f) {
		f.Add(compress(f, "gzip", b))
		f.Add(compress(f, "zstd", b))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) { fuzzRead(t, b, Options{}) })
}

// FuzzFrame fuzzes the decoders of one frame of every link type.
func FuzzFrame(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		f.Add(randomFrame(f, rng), uint32(linkEthernet))
	}
	f.Add(dot11Frame(0x88, 0x41, true), uint32(link80211))
	f.Add(append([]byte{0, 0, 9, 0, 2, 0, 0, 0, 0x10}, dot11Frame(0x88, 0x41, true)...), uint32(linkRadiotap))
	f.Add([]byte{0x41, 0x88, 7, 0xcd, 0xab, 0, 0, 0x34, 0x12, 1, 2, 3}, uint32(link802154))
	for _, version := range []int{4, 6} {
		for _, w := range wrappings(ipPacket(f, version, layers.IPProtocolTCP, 20)) {
			f.Add(w.data, w.link)
		}
	}
	for _, l := range []uint32{linkNull, linkRaw, linkCooked, linkCooked2, link802154TAP} {
		f.Add(make([]byte, 60), l)
	}
	f.Fuzz(func(t *testing.T, data []byte, link uint32) {
		if len(data) > header.MaxFrame {
			return
		}
		comparePlain(t, data, len(data))
		b := fileHeaderBytes(magicMicro, 65535, link)
		b = append(b, recordBytes(1, 2, data)...)
		fuzzRead(t, append(b, recordBytes(2, 3, data)...), Options{})
	})
}

// FuzzNames fuzzes what is read from payloads: TLS hellos and DNS answers, and
// the names file.
func FuzzNames(f *testing.F) {
	f.Add(namedPayload(f, 6, 443, 200), "1.2.3.4,a.example.com\n")
	f.Add(namedPayload(f, 17, 53, 80), "address,name\n")
	f.Fuzz(func(t *testing.T, payload []byte, file string) {
		if name, _ := hello.Stream(payload); header.HostName(name) != name {
			t.Fatalf("name %q", name)
		}
		b := newBuilder(Options{})
		b.learnDNS(&frame{}, payload)
		names, err := readNames(bytes.NewReader([]byte(file)), "names.csv")
		for _, n := range names {
			if err == nil && header.HostName(n) != n {
				t.Fatalf("name %q", n)
			}
		}
	})
}

// namedPayload is the payload of n bytes that a written capture names its only
// flow by: a TLS hello, or a DNS answer.
func namedPayload(f *testing.F, proto uint8, port uint16, n int32) []byte {
	tr := capturetest.PortTrace(proto, []uint16{port}, []int32{n}, "1.2.3.4")
	tr.Flows[0].Host = "a.example.com"
	last := &tr.Packets[len(tr.Packets)-1]
	last.Dir = map[uint16]datasets.Dir{443: datasets.Up, 53: datasets.Down}[port]
	var buf bytes.Buffer
	if err := write.Capture(&buf, tr); err != nil {
		f.Fatal(err)
	}
	rd, err := NewReader(&buf)
	if err != nil {
		f.Fatal(err)
	}
	var rec Record
	for rd.Next(&rec) == nil {
		var fr frame
		if fr.decode(&rec); fr.payload == n && bytes.Contains(fr.app, []byte("example")) {
			return bytes.Clone(fr.app)
		}
	}
	f.Fatal("no packet has the name")
	return nil
}

// seedCaptures are small whole captures: written ones, and the beginning of
// recorded ones if they are there.
func seedCaptures(f *testing.F) [][]byte {
	var out [][]byte
	for _, tr := range []datasets.Trace{
		capturetest.PortTrace(6, []uint16{443, 80}, []int32{100, 517}, "52.1.2.3"),
		capturetest.PortTrace(17, []uint16{53, 123, 443}, []int32{48, 100}, "2600:1f00::1"),
	} {
		var buf bytes.Buffer
		if err := write.Capture(&buf, tr); err != nil {
			f.Fatal(err)
		}
		b := buf.Bytes()
		copy(b, []byte{0xd4, 0xc3, 0xb2, 0xa1})
		out = append(out, b)
	}
	for _, p := range []string{"smart_plug_day/active.pcap", "lock_camera_week/pcaps/schlage-lock-01.pcap"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", p))
		if err == nil {
			out = append(out, whole(b[:min(len(b), 4000)]))
		}
	}
	return append(out, onePacket(magicMicro, 65535, linkCooked))
}

// whole cuts a little-endian pcap file after its last whole record.
func whole(b []byte) []byte {
	rd, err := NewReader(bytes.NewReader(b))
	if err != nil {
		return b
	}
	end := rd.src.offset()
	var rec Record
	for rd.Next(&rec) == nil {
		end = rd.src.offset()
	}
	return b[:end]
}

func TestWholeSeeds(t *testing.T) {
	b := append(onePacket(magicMicro, 65535, 1), 1, 2, 3)
	if n := len(whole(b)); n != len(b)-3 {
		t.Error(n)
	}
	if _, _, err := readBytes(t, b, Options{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
