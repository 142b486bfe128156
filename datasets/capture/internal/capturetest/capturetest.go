// Package capturetest makes and compares traces in the tests of the packages
// that read and write captures.
package capturetest

import (
	"net/netip"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
)

// PortTrace has one flow for every port of remote and, on each, packets with
// payloads of the sizes given, up and down in turn. A TCP flow (proto 6) begins
// with three packets without payload.
func PortTrace(proto uint8, ports []uint16, sizes []int32, remote string) datasets.Trace {
	tr := datasets.Trace{Start: time.Unix(1_600_000_000, 0)}
	ip := int32(20)
	if netip.MustParseAddr(remote).Is6() {
		ip = 40
	}
	head := map[uint8]int32{6: 32, 17: 8}[proto] + ip + 14

	for i, port := range ports {
		local := map[int32]string{20: "192.168.0.7", 40: "fd00::7"}[ip]
		tr.Flows = append(tr.Flows, datasets.Flow{
			Proto:  proto,
			Local:  netip.AddrPortFrom(netip.MustParseAddr(local), uint16(50000+i)),
			Remote: netip.AddrPortFrom(netip.MustParseAddr(remote), port),
		})

		// The empty packets count in the turns of UDP too, where they are left
		// out: packet j goes the same way in both.
		for j, n := range append([]int32{0, 0, 0}, sizes...) {
			if n == 0 && proto != 6 {
				continue
			}
			tr.Packets = append(tr.Packets, datasets.Packet{Time: tr.End, Size: head + n, Payload: n, Flow: int32(i), Dir: datasets.Dir(j & 1)})
			tr.End += 10 * time.Millisecond
		}
	}
	return tr
}

// SameTrace fails the test, a *testing.T or *rapid.T, where got is not want.
func SameTrace(t interface{ Fatalf(string, ...any) }, want, got datasets.Trace) {
	opts := cmp.Options{cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })}
	if d := cmp.Diff(want, got, opts); d != "" {
		t.Fatalf("read back differs (-want +got):\n%s", d)
	}
}
