package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"veilbench/datasets/datatest"
)

// TestRecordsAgreeWithPcapgo compares records with those of pcapgo's readers, on
// files of the kind that they read right.
func TestRecordsAgreeWithPcapgo(t *testing.T) {
	plain := benchFile(1000)
	home := toPcapng(plain)
	nano := append(onePacketNg(9, 1_600_000_000_123_456_789), enhancedBytes(0, 1_600_000_001_000_000_001, 59, 1500, frame60()[:59])...)
	mixed := append(sectionBytes(), interfaceBytes(1, []byte{2, 0, 3, 0, 'e', 't', 'h', 0})...)
	mixed = append(mixed, interfaceBytes(101, []byte{9, 0, 1, 0, 0x80 | 10, 0, 0, 0})...)
	mixed = append(mixed, blockBytes(5, make([]byte, 12))...) // statistics
	mixed = append(mixed, enhancedBytes(1, 3<<10, 40, 40, make([]byte, 40))...)
	mixed = append(mixed, enhancedBytes(0, 7, 0, 60, nil)...)
	compareWithPcapgo(t, "pcap", plain, 1000)
	compareWithPcapgo(t, "pcap in nanoseconds", onePacket(magicNano, 65535, 101), 1)
	compareWithPcapgo(t, "home", home, 1000)
	compareWithPcapgo(t, "nanoseconds", nano, 2)
	compareWithPcapgo(t, "two interfaces", mixed, 2)
	compareWithPcapgo(t, "two sections", append(nano, home...), 1002)
}

func TestRecordedRecordsAgreeWithPcapgo(t *testing.T) {
	for name, n := range map[string]int{"ipsec_isakmp_esp.pcap": 834, "openvpn.pcapng": 706, "openvpn_nohmac.pcapng": 944} {
		b, err := os.ReadFile(datatest.Recorded(t, "vpn_samples", name))
		if err != nil {
			t.Fatal(err)
		}
		compareWithPcapgo(t, name, b, n)
	}
}

func compareWithPcapgo(t *testing.T, name string, b []byte, want int) {
	t.Helper()
	ours, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := pcapgoReader(b)
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	for n := 0; ; n++ {
		err := ours.Next(&rec)
		data, info, theirErr := theirs()
		if errors.Is(err, io.EOF) && errors.Is(theirErr, io.EOF) {
			if n != want {
				t.Errorf("%s: %d packets, want %d", name, n, want)
			}
			return
		}
		if err != nil || theirErr != nil {
			t.Fatalf("%s: packet %d: %v, pcapgo %v", name, n+1, err, theirErr)
		}
		if link := info.AncillaryData[0].(layers.LinkType); rec.Time != info.Timestamp.UnixNano() || rec.Length != info.Length || rec.Link != uint32(link) || !bytes.Equal(rec.Data, data) {
			t.Fatalf("%s: packet %d\n   we: %+v\nthey: %+v", name, n+1, rec, info)
		}
	}
}

// pcapgoReader reads b with pcapgo's reader of its format. The link type is in
// AncillaryData, as NgReader has it.
func pcapgoReader(b []byte) (func() ([]byte, gopacket.CaptureInfo, error), error) {
	if binary.LittleEndian.Uint32(b) == blockSection {
		r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		return r.ReadPacketData, err
	}
	r, err := pcapgo.NewReader(bytes.NewReader(b))
	return func() ([]byte, gopacket.CaptureInfo, error) {
		data, info, err := r.ReadPacketData()
		info.AncillaryData = []any{r.LinkType()}
		return data, info, err
	}, err
}
