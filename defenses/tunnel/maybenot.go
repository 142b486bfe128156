package tunnel

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/maybenot"
	"veilbench/defenses/shaping"
)

// Maybenot runs machines of the Maybenot framework at both ends of a WireGuard tunnel:
// they send padding, and hold packets back. The tunnel's delay lies between them, so a
// far end's padding after a packet up comes two delays later.
//
// Machines is a file (maybenot.ReadPairs): lines "client STRING" and "server STRING"
// that all run together, or many pairs, of which each session draws one, as Maybenot's
// tools write them into .def files. With a QuietS of 0 there is one session, from the
// first packet on. Otherwise a packet after that long a silence begins another: the old
// machines are gone with what they had scheduled, and what they held back leaves.
//
// Padding is as large as the tunnel's largest packet, an encrypted inner one of
// MtuBytes. Data keeps its size unless Fill is set; machines were made for packets of
// one size. What a machine holds back leaves in order. Machines see each piece of a
// packet that is too large for the tunnel as a packet.
//
// Three names stand for machines of our own in the place of a file: own-front (as the
// defense front: up to 20 packets each way, widths from 0.5 to 4 s, drawn anew for each
// session), own-tamaraw (a packet each way every 100 ms until none has come for 2 s),
// own-daita (an end that was silent for 1 to 8 s pads, and answers every fourth packet).
//
// Deviation from Maybenot's simulator: packets come when they were recorded, whatever
// was held back before them, and the ends are no bottleneck, which is the link's matter.
type Maybenot struct {
	Machines    string  `help:"file of machines, or own-front, own-tamaraw or own-daita"`
	Digest      string  `help:"first 16 digits of the SHA-256 of the file; filled in"`
	Per         string  `help:"device or home: what has a tunnel of its own"`
	MtuBytes    int     `help:"largest inner packet, and the size of padding"`
	Fill        bool    `help:"pad every data packet to mtu_bytes"`
	DelayMs     float64 `help:"from one end of the tunnel to the other"`
	QuietS      float64 `help:"silence that ends a session; 0: there is one"`
	MaxPadding  float64 `help:"largest share of padding in what an end sends; 0: no limit"`
	MaxBlocking float64 `help:"largest share of time that an end holds packets back; 0: no limit"`
	Control     bool    `help:"send handshakes, rekeys and keepalives"`

	pairs []maybenot.Pair // of the file
}

var (
	_ defenses.Defense   = Maybenot{}
	_ defenses.Presetter = Maybenot{}
	_ defenses.Completer = Maybenot{}
	_ defenses.Framer    = Maybenot{}
	_ defenses.DrawIDer  = Maybenot{}
	_ defenses.Tunneler  = Maybenot{}
)

// NewMaybenot runs own-front in a tunnel of each device.
func NewMaybenot() Maybenot {
	return Maybenot{Machines: ownFront, Per: "device", MtuBytes: 1420, DelayMs: 20, QuietS: 10, Control: true}
}

// Presets are DAITA, and the constant rate as machines.
//
// DAITA (Mullvad; GotaTun and mullvadvpn-app, read in 2026) is WireGuard with every
// data packet padded to the tunnel's MTU, decoys of the same size, and a set of
// machines that runs as long as the connection. Its client's machines come from the
// relay and its server's are not public: where the user has none in a file, ours stand
// in. Assumed: the tunnel's MTU, one tunnel for the home, 20 ms to the relay; of a
// queue's flush before it is full, and of machines exchanged while connected, there is
// nothing here.
func (Maybenot) Presets() []defenses.Preset {
	daita := NewMaybenot()
	daita.Machines, daita.Per, daita.Fill, daita.QuietS = ownDAITA, "home", true, 0
	rate := NewMaybenot()
	rate.Machines, rate.Fill, rate.QuietS = ownTamaraw, true, 0
	return []defenses.Preset{
		{Name: "daita", Doc: "Mullvad's DAITA: all packets as large as the tunnel's MTU, decoys by machines (a stand-in without a file of them)", Defense: daita},
		{Name: "maybenot-tamaraw", Doc: "Tamaraw as machines, a packet each way every 100 ms, 2 s after the last", Defense: rate},
	}
}

// The machines of our own, by the name that stands for them.
const (
	ownFront   = "own-front"
	ownTamaraw = "own-tamaraw"
	ownDAITA   = "own-daita"
)

// own tells whether the machines are ours and not a file's.
func (d Maybenot) own() bool {
	return d.Machines == ownFront || d.Machines == ownTamaraw || d.Machines == ownDAITA
}

// Info names the framework's publication; Presets says what DAITA comes from.
func (d Maybenot) Info() defenses.Info {
	i := defenses.Info{
		Name: "maybenot", Doc: "a tunnel whose ends pad and delay as Maybenot machines say",
		Place: shaping.PlaceOf(d.Per), Needs: []defenses.Party{defenses.TunnelEnd},
		Cite: "Pulls and Witwer 2023 (Maybenot 2.2.2); WireGuard", Works: cite.Of("pulls2023maybenot", "wireguard"),
	}
	if d.Fill && d.Machines != ownTamaraw && d.Machines != ownFront {
		i.Cite += "; Mullvad's DAITA"
		i.Works = append(i.Works, cite.Of("daita")...)
	}
	return i
}

// Validate refuses shares that are none, tunnels without room for IPv4's least packet or
// too large for the link, and sessions too short for a delay to fit between them. The
// file is read later, by Complete.
func (d Maybenot) Validate() error {
	if d.Machines == "" {
		return fmt.Errorf("machines=: want a file, or %s, %s or %s", ownFront, ownTamaraw, ownDAITA)
	}
	return cmp.Or(
		shaping.CheckPer(d.Per),
		params.Within("mtu_bytes", d.MtuBytes, 576, int(wireguardFraming(0).largest())),
		params.Within("delay_ms", d.DelayMs, 0, 500),
		params.ZeroOrWithin("quiet_s", d.QuietS, 1, 86400),
		params.Within("max_padding", d.MaxPadding, 0, 1),
		params.Within("max_blocking", d.MaxBlocking, 0, 1),
	)
}

// Complete reads the file and notes its digest, so that results are kept under what was
// in it. It fails where a digest is set that the file does not have.
func (d Maybenot) Complete() (defenses.Defense, error) {
	var err error
	d, err = d.loaded()
	return d, err
}

// DrawID is the ID without the file's name: what it holds is in the digest, and where
// somebody keeps it moves no draw.
func (d Maybenot) DrawID() string {
	if !d.own() {
		d.Machines = "file"
	}
	return params.ID(d.Info().Name, d)
}

// loaded is d with its machines read.
func (d Maybenot) loaded() (Maybenot, error) {
	if d.own() {
		if d.Digest != "" {
			return d, fmt.Errorf("digest=%s: %s is no file", d.Digest, d.Machines)
		}
		return d, nil
	}
	b, err := os.ReadFile(d.Machines)
	if err != nil {
		return d, fmt.Errorf("machines: %w", err)
	}

	// The digest is what tells results with this file from those with another of the
	// same name: 16 digits tell them apart, and fit a table.
	sum := sha256.Sum256(b)
	has := hex.EncodeToString(sum[:8])
	if d.Digest != "" && d.Digest != has {
		return d, fmt.Errorf("digest=%s: %s has %s", d.Digest, d.Machines, has)
	}
	d.Digest = has
	if d.pairs, err = maybenot.ReadPairs(bytes.NewReader(b)); err != nil {
		return d, fmt.Errorf("machines: %s: %w", d.Machines, err)
	}
	return d, nil
}

// FramingBytes is what WireGuard puts around an inner packet.
func (d Maybenot) FramingBytes() int { return int(wireguardFraming(0).fixed) }

// pair draws the machines of a session.
func (d Maybenot) pair(rng *rand.Rand) maybenot.Pair {
	const s, ms = time.Second, time.Millisecond
	switch d.Machines {
	case ownFront:
		var p maybenot.Pair
		for side := range p {
			width := params.Seconds(0.5 + 3.5*rng.Float64())
			p[side] = []*maybenot.Machine{maybenot.Front(1+rng.IntN(20), width, 8)}
		}
		return p
	case ownTamaraw:
		rate := maybenot.ConstantRate(100*ms, 2*s)
		return maybenot.Pair{rate, rate}
	case ownDAITA:
		set := []*maybenot.Machine{maybenot.Idle(s, 8*s), maybenot.Answer(4, 0, 2*ms)}
		return maybenot.Pair{set, set}
	}
	return d.pairs[rng.IntN(len(d.pairs))]
}

// Apply sends all that leaves the home through tunnels with machines at both ends. It
// fails with ErrSaturated when they hold packets back for too long, and where machines
// never let time pass or would pad without measure.
func (d Maybenot) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if !d.own() && d.pairs == nil {
		var err error
		if d, err = d.loaded(); err != nil {
			return defenses.Defended{}, err
		}
	}

	shared := d.Per == shaping.PerHome
	s := shaping.FindStreams(in, shared)
	leaves := shaping.NewAssembly(in, len(in.Packets)+len(in.Packets)/4)
	ends := covered(rng, in, s, shared, wireguardFraming(d.MtuBytes), d.Control, leaves)
	players := make([]player, len(ends))
	for k := range players {
		players[k].tunnel = &ends[k]
	}
	for i, p := range in.Packets {
		if k := s.Of[p.Flow]; k != shaping.NoStream {
			players[k].add(i, p)
		} else {
			leaves.Whole(i, p)
		}
	}

	// The draws of one stream do not depend on the traffic of another.
	for k := range players {
		if err := players[k].play(d, defenses.Stream(rng)); err != nil {
			return defenses.Defended{}, fmt.Errorf("maybenot: %w", err)
		}
	}
	return leaves.Defended(coveredFlows(in, s, shared, wireguardFraming(d.MtuBytes))), nil
}
