package write

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/internal/capturetest"
)

// TestNamesComeBack has a name in a DNS answer, one in a hello, one that only
// a names file can carry.
func TestNamesComeBack(t *testing.T) {
	tr := capturetest.PortTrace(17, []uint16{53, 9999, 8888}, []int32{60, 90}, "52.1.2.3")
	tr.Flows[0].Remote = addrPort("192.168.0.1:53")
	tr.Flows[0].LAN = true
	tr.Flows[2].Remote = addrPort("52.1.2.4:8888")
	tr.Flows = append(tr.Flows, datasets.Flow{Proto: 6, Local: addrPort("192.168.0.7:1000"), Remote: addrPort("52.1.2.5:443"), Host: "tls.example.com"})
	tr.Packets = append(tr.Packets, datasets.Packet{Time: tr.End, Size: 14 + 40 + 300, Payload: 300, Flow: 3})
	tr.Flows[1].Host, tr.Flows[2].Host = "dns.example.com", "file.example.com"
	var file, names strings.Builder
	if err := Capture(&file, tr); err != nil {
		t.Fatal(err)
	}
	n, err := Names(&names, tr)
	if err != nil || n != 1 || names.String() != "address,name\n52.1.2.4,file.example.com\n" {
		t.Fatalf("%d %q %v", n, names.String(), err)
	}
	path := filepath.Join(t.TempDir(), "names.csv")
	if err := os.WriteFile(path, []byte(names.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := capture.Read(t.Context(), strings.NewReader(file.String()), "x.pcap", capture.Options{Names: path})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "dns.example.com", "file.example.com", "tls.example.com"} {
		if got.Flows[i].Host != want {
			t.Errorf("flow %d: %q, want %q", i, got.Flows[i].Host, want)
		}
	}
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
