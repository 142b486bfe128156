package write

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
	"veilbench/datasets/capture"
)

// IPv4 has a protocol 0: its packets have addresses, and are written and read as
// such.
func TestProtocolZeroIsIP(t *testing.T) {
	in := datasets.Trace{
		Start: time.Unix(1_600_000_000, 0).UTC(),
		Flows: []datasets.Flow{{
			Local: netip.MustParseAddrPort("192.168.0.7:0"), Remote: netip.MustParseAddrPort("52.1.2.3:0"), MAC: datasets.MAC{2, 1, 2, 3, 4, 5},
		}},
		Packets: []datasets.Packet{{Size: 14 + 20 + 8, Payload: 8}, {Time: time.Second, Size: 14 + 20, Dir: datasets.Down}},
		End:     time.Second,
	}
	var b bytes.Buffer
	if err := Capture(&b, in); err != nil {
		t.Fatal(err)
	}
	out, _, err := capture.Read(context.Background(), &b, "zero.pcap", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in.Packets, out.Packets); d != "" {
		t.Error(d)
	}
	if f := out.Flows[0]; f.Proto != 0 || f.Remote != in.Flows[0].Remote {
		t.Errorf("flow %+v", f)
	}
}
