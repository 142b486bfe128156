package rate

import (
	"math/rand/v2"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// plainTunnel is the tunnel of this package's defenses with nothing done in it:
// every packet leaves when it comes, with the tunnel's headers around it, in two
// where it does not fit. It is what they are compared with by whoever wants to
// know whether one of them is on.
type plainTunnel struct {
	Per string `help:"device or home: what has a tunnel of its own"`
}

var (
	_ defenses.Defense  = plainTunnel{}
	_ defenses.Tunneler = plainTunnel{}
)

// Info puts it where the defenses of its streams sit.
func (d plainTunnel) Info() defenses.Info {
	return shaping.PlainInfo("plain-tunnel", "a tunnel without cover or padding", d.Per)
}

// Validate refuses what is neither a device nor the home.
func (d plainTunnel) Validate() error { return shaping.CheckPer(d.Per) }

// Tunnel returns d.
func (d plainTunnel) Tunnel() defenses.Defense { return d }

// Apply takes all that leaves the home into a tunnel of each stream and draws
// nothing.
func (d plainTunnel) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	return pace(rng, in, d.Per == shaping.PerHome, shaping.MTU, func(_ *rand.Rand, p *part) {
		for now, ok := p.next(); ok; now, ok = p.next() {
			if p.over(now) {
				return
			}

			dir := p.nextDir()
			p.sendSized(dir, now, int32(min(p.qs[dir].rest()+shaping.UDP4Headers, shaping.MTU)))
		}
	})
}

// rest is how many bytes of the first original of q have not left, headers
// included.
func (q *queue) rest() int64 {
	if q.begun {
		return int64(q.payload) + int64(q.header)
	}
	return ipSize(q.packets[q.wait[q.at]])
}

// Tunnel is that of each device.
func (UniformBurst) Tunnel() defenses.Defense { return plainTunnel{Per: shaping.PerDevice} }

// Tunnel is that of each device or of the home.
func (d Constant) Tunnel() defenses.Defense { return plainTunnel{Per: d.Per} }

// Tunnel is that of each device.
func (RegulaTor) Tunnel() defenses.Defense { return plainTunnel{Per: shaping.PerDevice} }

// Tunnel is that of each device or of the home.
func (d STP) Tunnel() defenses.Defense { return plainTunnel{Per: d.Per} }

// Tunnel is that of the home.
func (DPShape) Tunnel() defenses.Defense { return plainTunnel{Per: shaping.PerHome} }
