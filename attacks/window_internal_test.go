package attacks

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
)

// Ports that several groups have are kept, be they many small files; those
// that are nearly one group's own are not.
func TestSharedPorts(t *testing.T) {
	at := map[string]map[uint16]int{
		"home 1": {443: 20000, 123: 12, 40001: 30000, 40002: 50, 40003: 7, 67: 2},
		"home 2": {443: 70000, 123: 11, 40001: 300, 40002: 5, 67: 2},
		"home 3": {443: 10, 40002: 1, 67: 4},
	}
	// Elsewhere than in home 1, port 40001 has 300 of 30,300 packets, port
	// 40002 6 of 56, more than a tenth.
	want := map[uint16]int{443: 90010, 123: 23, 40002: 56, 67: 8}
	if d := cmp.Diff(want, sharedPorts(at)); d != "" {
		t.Errorf("three homes: (-want +got)\n%s", d)
	}
	delete(at, "home 2")
	delete(at, "home 3")
	if d := cmp.Diff(at["home 1"], sharedPorts(at)); d != "" {
		t.Errorf("one home: (-want +got)\n%s", d)
	}
}

// Inbound, a client's port is that of NAPT, whatever the router made of it; a
// port that the device itself serves keeps its value.
func TestPortValues(t *testing.T) {
	v := windowVocab{Rule: portDst, Ports: []uint16{80, 443, 1194}}
	flow := func(local, remote uint16) datasets.Flow {
		return datasets.Flow{
			Local:  netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), local),
			Remote: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), remote),
		}
	}
	for _, c := range []struct {
		name          string
		local, remote uint16
		want          [2]uint16
	}{
		{"a tunnel whose router keeps the port", 1194, 1194, [2]uint16{6, 3}},
		{"a tunnel whose router draws one", 2211, 1194, [2]uint16{6, 3}},
		{"a client of a learned service", 51234, 443, [2]uint16{5, 3}},
		{"a client of another service", 51234, 6000, [2]uint16{2, 3}},
		{"the same behind a router that draws ports", 2211, 6000, [2]uint16{2, 3}},
		{"a device that serves", 80, 51234, [2]uint16{3, 4}},
		{"a low port of nobody's", 68, 67, [2]uint16{1, 1}},
	} {
		if got := v.ports(flow(c.local, c.remote)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	v.Rule = portRemote
	if got, want := v.ports(flow(51234, 443)), [2]uint16{5, 5}; got != want {
		t.Errorf("port=remote: %v, want %v", got, want)
	}
}
