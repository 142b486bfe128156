package captures

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"

	"veilbench/datasets"
	"veilbench/defenses/builtin"

	"veilbench/defenses"
)

// busy is three seconds of a home: 600 packets of all sizes both ways, bursts among
// them, and some longer than the tunnel takes whole.
func busy() datasets.Trace {
	rng := rand.New(rand.NewPCG(5, 5))
	t := datasets.Trace{End: 3 * time.Second, Flows: []datasets.Flow{
		{Proto: 6, Local: netip.MustParseAddrPort("192.168.1.2:5000"), Remote: netip.MustParseAddrPort("203.0.113.1:443")},
		{Proto: 17, Local: netip.MustParseAddrPort("192.168.1.3:5000"), Remote: netip.MustParseAddrPort("203.0.113.2:443")},
		{Proto: 6, LAN: true, Local: netip.MustParseAddrPort("192.168.1.3:5000"), Remote: netip.MustParseAddrPort("192.168.1.9:80")},
	}}
	for at := time.Duration(0); len(t.Packets) < 600; {
		if rng.IntN(4) == 0 {
			at += time.Duration(rng.IntN(36)) * time.Millisecond
		}
		size := int32(54 + rng.IntN(1461))
		flow := int32(rng.IntN(3))
		t.Packets = append(t.Packets, datasets.Packet{Time: min(at, t.End), Size: size, Payload: size - 54, Flow: flow, Dir: datasets.Dir(rng.IntN(2))})
	}
	return t
}

// TestLiveIsAsSimulated: the real WireGuard sends the data that the model sends, packet
// by packet, in bytes within 1 %, and delays 95 of 100 packets by less than 2 ms. Of
// three plays the best counts: other programs hold this one up.
func TestLiveIsAsSimulated(t *testing.T) {
	d, err := defenses.Parse(builtin.All(), "vpn:delay=constant,delay_s=0")
	if err != nil {
		t.Fatal(err)
	}
	vpn, err := liveTunnel(d, "wireguard", 1)
	if err != nil {
		t.Fatal(err)
	}
	in := busy()
	out, err := vpn.Apply(rand.New(rand.NewPCG(1, 1)), in)
	if err != nil {
		t.Fatal(err)
	}
	sim := simulated(in, out)

	best := math.Inf(1)
	for range 3 {
		live, err := play(t.Context(), vpn, in, 1)
		if err != nil {
			t.Fatal(err)
		}
		if live.lost > 0 || live.data != sim.data || sim.data[0] < 150 {
			t.Fatalf("live %d data packets, %d lost; simulated %d", live.data, live.lost, sim.data)
		}
		for d, b := range sim.bytes {
			if math.Abs(float64(live.bytes[d]-b)) > 0.01*float64(b) {
				t.Errorf("direction %d: %d bytes live, %d simulated", d, live.bytes[d], b)
			}
		}
		p95 := stat.Quantile(0.95, stat.Empirical, live.delays, nil)
		t.Logf("delay p95 live %.3f ms, sender late p95 %s", p95*1000, quantile(0.95, live.lateness))
		best = min(best, p95)
		if best < 0.002 {
			break
		}
	}
	if best > 0.002+stat.Quantile(0.95, stat.Empirical, sim.delays, nil) {
		t.Errorf("delay p95 is %.1f ms live, %s simulated", best*1000, quantile(0.95, sim.delays))
	}
}

// What cannot be played is refused before anything is read.
func TestLiveRefuses(t *testing.T) {
	for _, c := range []struct {
		defense, live string
		speed         float64
		want          string
	}{
		{"vpn", "openvpn", 1, "want wireguard"},
		{"vpn:kind=esp-gcm", "wireguard", 1, "does not end with that tunnel"},
		{"none", "wireguard", 1, "does not end with that tunnel"},
		{"vpn:mtu_bytes=1280", "wireguard", 1, "mtu_bytes=1280"},
		{"vpn", "wireguard", 0, "--speed 0"},
		{"vpn", "wireguard", math.NaN(), "--speed NaN"},
	} {
		d, err := defenses.Parse(builtin.All(), c.defense)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := liveTunnel(d, c.live, c.speed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
