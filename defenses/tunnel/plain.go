package tunnel

import (
	"cmp"
	"math/rand/v2"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// plain is the WireGuard tunnel of those defenses that add cover inside, without any:
// what they are compared with by whoever wants to know whether one is on. (VPN is
// the tunnel that people have, with its delay.)
type plain struct {
	Per      string `help:"device or home: what has a tunnel of its own"`
	MtuBytes int    `help:"largest inner packet; 0: the usual"`
	Control  bool   `help:"send handshakes, rekeys and keepalives"`
}

var _ defenses.Tunneler = plain{}

// Info puts it where the defenses in it sit.
func (d plain) Info() defenses.Info {
	return shaping.PlainInfo("wireguard-tunnel", "a WireGuard tunnel without cover or padding", d.Per)
}

// Validate refuses what is neither a device nor the home, and packets that no link
// carries.
func (d plain) Validate() error {
	return cmp.Or(
		shaping.CheckPer(d.Per),
		params.ZeroOrWithin("mtu_bytes", d.MtuBytes, 576, int(wireguardFraming(0).largest())),
	)
}

// Tunnel returns d.
func (d plain) Tunnel() defenses.Defense { return d }

// Apply wraps each packet when it comes.
func (d plain) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	f, shared := wireguardFraming(d.MtuBytes), d.Per == shaping.PerHome
	leaves := shaping.NewAssembly(in, len(in.Packets)+len(in.Packets)/4)
	s := shaping.FindStreams(in, shared)
	ends := covered(rng, in, s, shared, f, d.Control, leaves)
	for i, p := range in.Packets {
		k := s.Of[p.Flow]
		if k == shaping.NoStream {
			leaves.Whole(i, p)
			continue
		}
		t := &ends[k]
		split(p, in.Flows[p.Flow], f.mtu, func(inner, payload int32) {
			t.data(t.outer(p.Time, p.Dir, f.inside(inner)), int32(i), payload)
		})
	}

	// A tunnel sends of itself to the end, also when its device says nothing more.
	for k := range ends {
		ends[k].over()
	}
	return leaves.Defended(coveredFlows(in, s, shared, f)), nil
}

// Tunnel is that of each device or of the home, without machines and without padding.
func (d Maybenot) Tunnel() defenses.Defense {
	return plain{Per: d.Per, MtuBytes: d.MtuBytes, Control: d.Control}
}

// Tunnel is that of the home, without decoys.
func (d Windscribe) Tunnel() defenses.Defense { return plain{Per: "home", Control: d.Control} }
