package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"veilbench/datasets/datatest"
)

// TestPcapngAgreesWithPcapgo compares records with those of pcapgo's reader, on
// files of the kind that it reads right.
func TestPcapngAgreesWithPcapgo(t *testing.T) {
	home := toPcapng(benchFile(1000))
	nano := append(onePacketNg(9, 1_600_000_000_123_456_789), enhancedBytes(0, 1_600_000_001_000_000_001, 59, 1500, frame60()[:59])...)
	mixed := append(sectionBytes(), interfaceBytes(1, []byte{2, 0, 3, 0, 'e', 't', 'h', 0})...)
	mixed = append(mixed, interfaceBytes(101, []byte{9, 0, 1, 0, 0x80 | 10, 0, 0, 0})...)
	mixed = append(mixed, blockBytes(5, make([]byte, 12))...) // statistics
	mixed = append(mixed, enhancedBytes(1, 3<<10, 40, 40, make([]byte, 40))...)
	mixed = append(mixed, enhancedBytes(0, 7, 0, 60, nil)...)
	compareWithPcapgo(t, "home", home, 1000)
	compareWithPcapgo(t, "nanoseconds", nano, 2)
	compareWithPcapgo(t, "two interfaces", mixed, 2)
	compareWithPcapgo(t, "two sections", append(nano, home...), 1002)
}

func TestRecordedPcapngAgreesWithPcapgo(t *testing.T) {
	for name, n := range map[string]int{"openvpn.pcapng": 706, "openvpn_nohmac.pcapng": 944} {
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
	theirs, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	for n := 0; ; n++ {
		err := ours.Next(&rec)
		data, info, theirErr := theirs.ReadPacketData()
		if errors.Is(err, io.EOF) && errors.Is(theirErr, io.EOF) {
			if n != want {
				t.Errorf("%s: %d packets, want %d", name, n, want)
			}
			return
		}
		if err != nil || theirErr != nil {
			t.Fatalf("%s: packet %d: %v, pcapgo %v", name, n+1, err, theirErr)
		}
		link := uint32(info.AncillaryData[0].(layers.LinkType))
		if rec.Time != info.Timestamp.UnixNano() || rec.Length != info.Length || rec.Link != link || !bytes.Equal(rec.Data, data) {
			t.Fatalf("%s: packet %d\n   we: %+v\nthey: %+v", name, n+1, rec, info)
		}
	}
}
