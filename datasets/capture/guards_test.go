package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/klauspost/compress/zstd"
	"veilbench/datasets"

	"veilbench/datasets/capture/internal/capturetest"
	"veilbench/datasets/capture/internal/header"
)

// Each test here holds one guard against a defect that pcapgo v1.1.19 has, or
// one kind of bad input.

func readBytes(t testing.TB, b []byte, o Options) (datasets.Trace, *Report, error) {
	t.Helper()
	return Read(t.Context(), bytes.NewReader(b), "x.pcap", o)
}

// times are the record times of a capture.
func times(t testing.TB, b []byte) []int64 {
	t.Helper()
	rd, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var ts []int64
	for {
		var rec Record
		err := rd.Next(&rec)
		if errors.Is(err, io.EOF) {
			return ts
		}
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, rec.Time)
	}
}

func frame60() []byte {
	return append(make([]byte, 12), append([]byte{0x12, 0x34}, make([]byte, 46)...)...)
}

func onePacket(magic, snap, link uint32) []byte {
	return append(fileHeaderBytes(magic, snap, link), recordBytes(1, 2, frame60())...)
}

func onePacketNg(resolution byte, ticks uint64) []byte {
	b := append(sectionBytes(), interfaceBytes(1, []byte{9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0})...)
	return append(b, enhancedBytes(0, ticks, 60, 60, frame60())...)
}

func TestLinkTypeHasSixteenBits(t *testing.T) {
	for link, want := range map[uint32]string{276: "Linux cooked v2", 283: "802.15.4 TAP", 0x10000001: "Ethernet"} {
		_, rep, err := readBytes(t, onePacket(magicMicro, 65535, link), Options{})
		if err != nil || rep.Links[0] != (Count{want, 1}) {
			t.Errorf("%d: %+v %v", link, rep, err)
		}
	}
	ng := append(sectionBytes(), interfaceBytes(283, nil)...)
	ng = append(ng, enhancedBytes(0, 1, 60, 60, frame60())...)
	if _, rep, err := readBytes(t, ng, Options{}); err != nil || rep.Links[0].What != "802.15.4 TAP" {
		t.Errorf("%+v %v", rep, err)
	}
}

// TestUnknownLinkTypeIsSaid has a file of nothing else, which is refused, and
// one of several interfaces, of which one can be read.
func TestUnknownLinkTypeIsSaid(t *testing.T) {
	_, _, err := readBytes(t, onePacket(magicMicro, 65535, 256), Options{})
	if err == nil || !strings.Contains(err.Error(), "every one of 1 records was skipped: unsupported link type 256") {
		t.Error(err)
	}
	ng := append(sectionBytes(), interfaceBytes(1, nil)...)
	ng = append(ng, interfaceBytes(256, nil)...)
	ng = append(ng, enhancedBytes(0, 1, 60, 60, frame60())...)
	ng = append(ng, enhancedBytes(1, 1, 60, 60, frame60())...)
	_, rep, err := readBytes(t, ng, Options{})
	if err != nil || rep.Packets != 1 || rep.Skipped != 1 || rep.Reasons[0].What != "unsupported link type 256" {
		t.Errorf("%+v %v", rep, err)
	}
}

func TestSnapLengthOfTheFileIsIgnored(t *testing.T) {
	for _, snap := range []uint32{0, 10, 1 << 31} {
		tr, _, err := readBytes(t, onePacket(magicMicro, snap, 1), Options{})
		if err != nil || len(tr.Packets) != 1 {
			t.Errorf("snap length %d: %v", snap, err)
		}
	}
}

// allocated is what f allocates, in bytes.
func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// lies are captures of a few bytes that claim up to 2 GB.
func lies() map[string][]byte {
	le := binary.LittleEndian
	pcap := onePacket(magicMicro, 0x7fffffff, 1)
	le.PutUint32(pcap[24+8:], 0x7fffffff)
	le.PutUint32(pcap[24+12:], 0x7fffffff)
	more := onePacket(magicMicro, 65535, 1)
	le.PutUint32(more[24+8:], 200_000)
	le.PutUint32(more[24+12:], 200_000)
	ng := append(append(sectionBytes(), interfaceBytes(1, nil)...), enhancedBytes(0, 1, 0x7fffffff, 0x7fffffff, frame60())...)
	block := append(append(sectionBytes(), interfaceBytes(1, nil)...), enhancedBytes(0, 1, 60, 60, frame60())...)
	le.PutUint32(block[28+20+4:], 0x7ffffffc)
	iface := append(sectionBytes(), interfaceBytes(1, nil)...)
	le.PutUint32(iface[28+4:], 0x00fffffc)
	option := append(sectionBytes(), interfaceBytes(1, []byte{2, 0, 255, 255})...)
	return map[string][]byte{"pcap": pcap, "pcap within limits": more, "pcapng packet": ng, "pcapng block": block, "pcapng interface": iface, "pcapng option": option}
}

func TestLyingLengthCostsNoMemory(t *testing.T) {
	for name, b := range lies() {
		var err error
		n := allocated(func() { _, _, err = readBytes(t, b, Options{}) })
		if err == nil || n > 4<<20 {
			t.Errorf("%s: %d KiB, %v", name, n>>10, err)
		}
	}
}

// TestOriginalLengthThatLies was found by fuzzing: the frame's length became
// negative.
func TestOriginalLengthThatLies(t *testing.T) {
	b := onePacket(magicMicro, 65535, 1)
	binary.LittleEndian.PutUint32(b[24+12:], 0xe9000000)
	if _, _, err := readBytes(t, b, Options{}); err == nil || !strings.Contains(err.Error(), "claims a frame of 3,909,091,328 bytes") {
		t.Error(err)
	}
}

// TestShortInterfaceBlock was found by fuzzing: it was read beyond its end.
func TestShortInterfaceBlock(t *testing.T) {
	b := append(sectionBytes(), blockBytes(blockInterface, []byte{1, 0, 0, 0})...)
	if _, _, err := readBytes(t, append(b, make([]byte, 64)...), Options{}); err == nil || !strings.Contains(err.Error(), "interface description of 16 bytes") {
		t.Error(err)
	}
}

func TestHugeSnapLengthCostsNoMemory(t *testing.T) {
	ng := sectionBytes()
	iface := interfaceBytes(1, nil)
	binary.LittleEndian.PutUint32(iface[12:], 0x7fffffff)
	ng = append(append(ng, iface...), enhancedBytes(0, 1, 60, 60, frame60())...)
	for name, b := range map[string][]byte{"pcap": onePacket(magicMicro, 0x7fffffff, 1), "pcapng": ng} {
		n := allocated(func() {
			if _, _, err := readBytes(t, b, Options{}); err != nil {
				t.Error(err)
			}
		})
		if n > 4<<20 {
			t.Errorf("%s: %d KiB for a packet of 60 bytes", name, n>>10)
		}
	}
}

// TestCutFileIsNoCleanEnd cuts files of two packets at every byte: only whole
// files and those cut between records end cleanly.
func TestCutFileIsNoCleanEnd(t *testing.T) {
	pcap := append(onePacket(magicMicro, 65535, 1), recordBytes(1, 3, frame60())...)
	ng := append(onePacketNg(6, 1), enhancedBytes(0, 2, 60, 60, frame60())...)
	for name, f := range map[string]struct {
		b     []byte
		clean []int
	}{
		"pcap":   {pcap, []int{24, 24 + 76, len(pcap)}},
		"pcapng": {ng, []int{28, 28 + 32, len(ng) - 92, len(ng)}},
	} {
		for n := 1; n <= len(f.b); n++ {
			_, _, err := readBytes(t, f.b[:n], Options{})
			clean := false
			for _, c := range f.clean {
				clean = clean || c == n
			}
			if clean != (err == nil) {
				t.Errorf("%s cut at %d of %d: %v", name, n, len(f.b), err)
			}
		}
	}
}

func TestTruncatedFileOnRequest(t *testing.T) {
	two := append(onePacket(magicMicro, 65535, 1), recordBytes(1, 3, frame60())...)
	_, _, err := readBytes(t, two[:len(two)-10], Options{})
	want := "x.pcap: packet 2 at byte 100: file ends inside the packet (wanted 60 bytes, got 50); the packet before it is fine. Use --allow-truncated to go on with it"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	tr, rep, err := readBytes(t, two[:len(two)-10], Options{AllowTruncated: true})
	if err != nil || len(tr.Packets) != 1 || rep.Truncated == "" || len(rep.Doubts) != 1 {
		t.Errorf("%v %+v", err, rep)
	}
}

func TestTimeResolutionOutOfRangeIsAnError(t *testing.T) {
	for _, r := range []byte{20, 64, 127, 0x80 | 64, 0xff} {
		if _, _, err := readBytes(t, onePacketNg(r, 1), Options{}); err == nil || !strings.Contains(err.Error(), "time resolution") {
			t.Errorf("%#x: %v", r, err)
		}
	}
}

// TestTimeResolutions has for every resolution the last tick before second 7.
func TestTimeResolutions(t *testing.T) {
	for r, want := range map[byte]int64{
		0: 6_000_000_000, 3: 6_999_000_000, 6: 6_999_999_000, 9: 6_999_999_999, 12: 6_999_999_999, 18: 6_999_999_999,
		0x80 | 20: 6_999_999_046, // 7 - 2^-20 s = 7 s - 953.67 ns
		0x80 | 32: 6_999_999_999,
		0x80 | 61: 6_999_999_999,
	} {
		ticks := uint64(7)
		if r&0x80 != 0 {
			ticks <<= r & 0x7f
		}
		for range r * (1 - r>>7) {
			ticks *= 10
		}
		if got := times(t, onePacketNg(r, ticks-1)); got[0] != want {
			t.Errorf("%#x: %d, want %d", r, got[0], want)
		}
	}
}

func TestTimeOffsetOfAnInterface(t *testing.T) {
	b := append(sectionBytes(), interfaceBytes(1, []byte{14, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0})...)
	b = append(b, enhancedBytes(0, 5_000_000, 60, 60, frame60())...)
	if got := times(t, b); got[0] != 105_000_000_000 {
		t.Error(got)
	}
}

func TestResolutionIsNamedRight(t *testing.T) {
	for magic, want := range map[uint32]string{magicMicro: "microseconds", magicNano: "nanoseconds"} {
		if _, rep, err := readBytes(t, onePacket(magic, 65535, 1), Options{}); err != nil || rep.Resolution != want {
			t.Errorf("%x: %v %v", magic, rep, err)
		}
	}
	if _, rep, _ := readBytes(t, onePacketNg(9, 1), Options{}); rep.Resolution != "nanoseconds" {
		t.Error(rep.Resolution)
	}
}

func TestBigEndianFiles(t *testing.T) {
	b := onePacket(magicNano, 65535, 1)
	swapped := bytes.Clone(b)
	for _, at := range []int{0, 8, 12, 16, 20, 24, 28, 32, 36} {
		binary.BigEndian.PutUint32(swapped[at:], binary.LittleEndian.Uint32(b[at:]))
	}
	copy(swapped[4:], []byte{0, 2, 0, 4})
	if d := cmp.Diff(times(t, b), times(t, swapped)); d != "" || times(t, b)[0] != 1_000_000_002 {
		t.Error(d, times(t, b))
	}
}

func TestMixedLinkTypesAreKept(t *testing.T) {
	ip := ipPacket(t, 4, header.UDP, 5)
	b := append(sectionBytes(), interfaceBytes(1, nil)...)
	b = append(b, interfaceBytes(101, nil)...)
	b = append(b, enhancedBytes(1, 1, uint32(len(ip)), uint32(len(ip)), ip)...)
	b = append(b, enhancedBytes(0, 2, 60, 60, frame60())...)
	b = append(b, sectionBytes()...) // a second section forgets the interfaces
	b = append(b, interfaceBytes(101, nil)...)
	b = append(b, enhancedBytes(0, 3, uint32(len(ip)), uint32(len(ip)), ip)...)
	tr, rep, err := readBytes(t, b, Options{})
	if err != nil || len(tr.Packets) != 3 || len(tr.Flows) != 2 {
		t.Fatalf("%v %+v", err, rep)
	}
	if want := []Count{{"Ethernet", 1}, {"raw IP", 2}}; !cmp.Equal(rep.Links, want) {
		t.Error(rep.Links)
	}
	bad := append(b, sectionBytes()...)
	bad = append(bad, enhancedBytes(0, 3, uint32(len(ip)), uint32(len(ip)), ip)...)
	if _, _, err := readBytes(t, bad, Options{}); err == nil || !strings.Contains(err.Error(), "interface 0; the section has described 0") {
		t.Error(err)
	}
}

func TestSimpleAndObsoletePacketBlocks(t *testing.T) {
	simple := blockBytes(blockSimple, append([]byte{60, 0, 0, 0}, frame60()...))
	old := blockBytes(blockPacket, append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0}, frame60()...))
	b := append(sectionBytes(), interfaceBytes(1, nil)...)
	b = append(append(b, old...), simple...)
	b = append(b, blockBytes(5, make([]byte, 32))...) // statistics
	b = append(b, blockBytes(4, nil)...)              // names
	if got := times(t, b); !cmp.Equal(got, []int64{9000, 9000}) {
		t.Error(got)
	}
	if _, rep, _ := readBytes(t, b, Options{}); len(rep.Warnings) != 1 || !strings.Contains(rep.Warnings[0], "simple packet blocks") {
		t.Errorf("%+v", rep)
	}
}

// TestPcapngOptionsNeverPanic has options that pcapgo takes apart unchecked.
func TestPcapngOptionsNeverPanic(t *testing.T) {
	for _, opt := range [][]byte{
		{11, 0, 0, 0}, {14, 0, 2, 0, 1, 2, 0, 0}, {9, 0, 0, 0}, {9, 0, 3, 0, 6, 6, 6, 0}, {0, 0, 4, 0}, {11, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		b := append(sectionBytes(), interfaceBytes(1, opt)...)
		_, _, err := readBytes(t, append(b, enhancedBytes(0, 1, 60, 60, frame60())...), Options{})
		if bad := opt[0] == 14 || opt[0] == 9; bad != (err != nil) {
			t.Errorf("%v: %v", opt, err)
		}
	}
}

func TestBadInput(t *testing.T) {
	gz := func(b []byte) []byte { return compress(t, "gzip", b) }
	version := onePacket(magicMicro, 65535, 1)
	version[4] = 1
	for name, tc := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":          {nil, "x.pcap: empty file; want a pcap or pcapng capture"},
		"one byte":       {[]byte{0xd4}, "x.pcap: not a capture: only 1 bytes"},
		"text":           {[]byte("time,device,activity\n"), `x.pcap: not a capture: begins with "time"; want pcap or pcapng`},
		"text in gzip":   {gz([]byte("hello world")), `x.pcap: not a capture: begins with "hell"`},
		"gzip of gzip":   {gz(gz([]byte("hello world"))), "x.pcap: not a capture: begins with"},
		"header only":    {onePacket(magicMicro, 65535, 1)[:20], "x.pcap: file ends inside the pcap file header (wanted 24 bytes, got 20)"},
		"cut gzip":       {gz(onePacket(magicMicro, 65535, 1))[:40], "file ends inside"},
		"two gigabytes":  {lies()["pcap"], "x.pcap: packet 1 at byte 24: the packet's header claims 2,147,483,647 captured bytes; want at most 262,144"},
		"old version":    {version, "x.pcap: pcap version 1.4; want 2.0 to 2.4"},
		"bad byte order": {append([]byte{0x0a, 0x0d, 0x0d, 0x0a}, make([]byte, 30)...), "byte order mark"},
	} {
		_, _, err := readBytes(t, tc.b, Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestCompressionByMagic(t *testing.T) {
	plain := benchFile(1000)
	want, _, err := readBytes(t, plain, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"gzip", "zstd"} {
		got, rep, err := readBytes(t, compress(t, kind, plain), Options{})
		if err != nil || rep.Compression != kind {
			t.Fatal(err, rep)
		}
		capturetest.SameTrace(t, want, got)
		got, rep, err = readBytes(t, compress(t, kind, toPcapng(plain)), Options{})
		if err != nil || rep.Format != "pcapng" {
			t.Fatal(err, rep)
		}
		capturetest.SameTrace(t, want, got)
		cut := compress(t, kind, plain)
		if _, _, err := readBytes(t, cut[:len(cut)/2], Options{}); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s cut in the middle: %v", kind, err)
		}
	}
}

func TestTimesThatRunBackwards(t *testing.T) {
	b := fileHeaderBytes(magicMicro, 65535, 1)
	for _, s := range []uint32{5, 9, 7, 8, 4, 10} {
		b = append(b, recordBytes(s, 0, frame60())...)
	}
	if got := times(t, b); got[2] != 7e9 { // the record reader changes nothing
		t.Error(got)
	}
	for sorted, want := range map[bool]string{false: "[0s 4s 4s 4s 4s 5s]", true: "[0s 1s 3s 4s 5s 6s]"} {
		tr, rep, err := readBytes(t, b, Options{SortTimes: sorted})
		var got []time.Duration
		for _, p := range tr.Packets {
			got = append(got, p.Time)
		}
		if err != nil || fmt.Sprint(got) != want || rep.OutOfOrder != 3 || len(said(rep)) != 1 {
			t.Errorf("sorted %v: %v %v %v", sorted, got, rep.OutOfOrder, said(rep))
		}
	}
}

// TestMemoryPerPacket holds everything allocated while reading, freed or not,
// under 64 bytes a packet besides the window.
func TestMemoryPerPacket(t *testing.T) {
	const n = 300_000
	b := benchFile(n)
	got := allocated(func() {
		if _, _, err := readBytes(t, b, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	per := float64(got-window-header.MaxFrame) / n
	t.Logf("%.1f bytes a packet", per)
	if per > 64 {
		t.Errorf("%.1f bytes a packet, want 64 at most", per)
	}
}

// TestManyFlowsStayInMemory has a new flow in every packet of a few bytes, the
// most memory that a byte of input can cost.
func TestManyFlowsStayInMemory(t *testing.T) {
	b := fileHeaderBytes(magicMicro, 65535, linkRaw)
	for i := range 100_000 {
		ip := []byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, header.ESP, 0, 0, 192, 168, byte(i >> 8), byte(i), 9, byte(i >> 16), byte(i >> 8), byte(i)}
		b = append(b, recordBytes(1, 2, ip)...)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := readBytes(t, b, Options{}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapSys - before.HeapSys)
	t.Logf("%.1f bytes of heap, garbage included, per byte of input", float64(grown)/float64(len(b)))
	if grown > 10*int64(len(b))+64<<20 {
		t.Errorf("%d bytes of heap for %d of input", grown, len(b))
	}
}

// TestBombsAreRefused has a few kilobytes that stand for more than gzip could make
// of them: of records, and of blocks that are passed over.
func TestBombsAreRefused(t *testing.T) {
	block := make([]byte, 1<<20)
	binary.LittleEndian.PutUint32(block, 0x99)
	binary.LittleEndian.PutUint32(block[4:], 1<<20)
	for want, tc := range map[string]struct{ head, fill []byte }{
		"packets in":         {onePacket(magicMicro, 65535, 1), make([]byte, 1<<20)},
		"a bomb, no capture": {sectionBytes(), block},
	} {
		var buf bytes.Buffer
		z, err := zstd.NewWriter(&buf)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(tc.head)
		for range 80 {
			z.Write(tc.fill)
		}
		z.Close()
		if _, _, err := readBytes(t, buf.Bytes(), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %v, want %q", buf.Len(), err, want)
		}
	}
}

// A capture is refused by what its packets take, not by the size of the file.
func TestMemoryBound(t *testing.T) {
	var buf bytes.Buffer
	w := pcapgo.NewWriter(&buf)
	if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 1000)
	for i := range 20000 {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i), 0), CaptureLength: len(frame), Length: len(frame)}
		if err := w.WritePacket(ci, frame); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Read(t.Context(), bytes.NewReader(buf.Bytes()), "x", Options{MemoryBytes: 20000 * packetBytes}); err != nil {
		t.Errorf("20 MB of file, 1 MB of packets: %v", err)
	}
	_, _, err := Read(t.Context(), bytes.NewReader(buf.Bytes()), "x", Options{MemoryBytes: 10000 * packetBytes})
	if err == nil || !strings.Contains(err.Error(), "do not fit into the memory") {
		t.Errorf("error %v", err)
	}
}
