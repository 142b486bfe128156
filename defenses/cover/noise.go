package cover

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Noise adds traffic of a made-up host at the gateway.
//
// poisson sends single packets at random times, PerHour in each direction, of
// sizes evenly drawn up to the MTU. browse makes page loads at random times,
// PerHour of them: a page is a new connection with 3 to 30 requests of 200 to
// 800 bytes, each answered after 20 to 200 ms by a reply of log-normal size
// (median 12 kB) in full frames 1 ms apart, every second one acknowledged.
// These figures are ours, meant to look like background browsing.
type Noise struct {
	Kind    string  `help:"poisson or browse"`
	PerHour float64 `help:"packets in each direction, or pages, in an hour"`
}

var _ defenses.Defense = Noise{}

// Info puts it at the gateway. The replies come from a server that plays along.
func (Noise) Info() defenses.Info {
	return defenses.Info{
		Name: "cover-noise", Doc: "random packets or page loads of a made-up host",
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.TunnelEnd},
	}
}

// Validate refuses an unknown kind and more than a thousand packets or pages a
// second.
func (d Noise) Validate() error {
	return cmp.Or(params.OneOf("kind", d.Kind, "poisson", "browse"), params.Within("per_hour", d.PerHour, 0, 3.6e6))
}

// Apply adds dummy packets on new flows of a host that is not there otherwise. The
// traffic itself stays, so an observer who knows the host can subtract it.
func (d Noise) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if d.PerHour == 0 {
		return defenses.Defended{Trace: in}, nil
	}

	flows := shaping.AppendFlows(in)
	var dummies []datasets.Packet
	add := func(t time.Duration, flow int, dir datasets.Dir, payload int32) {
		if t <= in.End {
			dummies = append(dummies, datasets.Packet{
				Time: t, Flow: int32(flow), Dir: dir, Payload: payload,
				Size: datasets.EthernetHeader + shaping.TCP4Headers + payload,
			})
		}
	}

	if d.Kind == "poisson" {
		flows = append(flows, noiseFlow(0))
		for _, dir := range []datasets.Dir{datasets.Up, datasets.Down} {
			g := defenses.Stream(rng)
			for t := poisson(g, d.PerHour); t <= in.End; t += poisson(g, d.PerHour) {
				add(t, len(flows)-1, dir, g.Int32N(shaping.MTU-shaping.TCP4Headers+1))
			}
		}
	} else {
		when, what := defenses.Stream(rng), defenses.Stream(rng)
		for t := poisson(when, d.PerHour); t <= in.End; t += poisson(when, d.PerHour) {
			flows = append(flows, noiseFlow(len(flows)-len(in.Flows)))
			flow := len(flows) - 1
			// A generator for each page: one that End cuts short would else
			// shift the draws of the next.
			page(defenses.Stream(what), t, func(t time.Duration, dir datasets.Dir, payload int32) { add(t, flow, dir, payload) })
		}
	}

	sortByTime(dummies)
	return shaping.Insert(in, flows, dummies), nil
}

// noiseFlow is connection number n of the made-up host.
func noiseFlow(n int) datasets.Flow {
	host := netip.AddrFrom4([4]byte{192, 168, 0, 250})
	site := netip.AddrFrom4([4]byte{198, 51, 100, byte(2 + n%250)})
	return datasets.Flow{
		Proto: shaping.TCP, MAC: datasets.MAC{2, 0, 0, 0, 0, 250},
		Local: netip.AddrPortFrom(host, uint16(40000+n%20000)), Remote: netip.AddrPortFrom(site, 443),
	}
}

// page makes the packets of a page load that starts at t.
func page(rng *rand.Rand, t time.Duration, add func(t time.Duration, dir datasets.Dir, payload int32)) {
	const full = shaping.MTU - shaping.TCP4Headers
	for range 3 + rng.IntN(28) {
		add(t, datasets.Up, 200+rng.Int32N(601))
		t += time.Duration(20+rng.IntN(181)) * time.Millisecond
		reply := int(min(12000*math.Exp(rng.NormFloat64()), 2e6))
		for k := 0; reply > 0; k++ {
			add(t, datasets.Down, int32(min(reply, full)))
			reply -= full
			if k%2 == 1 {
				add(t, datasets.Up, 0)
			}
			t += time.Millisecond
		}
		t += time.Duration(rng.ExpFloat64() * float64(50*time.Millisecond))
	}
}
