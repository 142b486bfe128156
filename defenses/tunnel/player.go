package tunnel

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/maybenot"
)

// player runs machines over the packets of one tunnel.
type player struct {
	tunnel *tunnel
	// packets are what machines see: pieces that fit the tunnel, as the home's end saw
	// them. pieces are what is in them, by direction in the order of time.
	packets []maybenot.Packet
	pieces  [2][]piece
	starts  []time.Duration // when each original came
}

// piece is a part of an original that fits the tunnel: so many bytes as an IP packet,
// of which payload are the original's.
type piece struct{ orig, inner, payload int32 }

const (
	// maxPadding bounds what machines add in one Apply, 36 bytes each.
	maxPadding = 50_000_000
	// maxInstant is how many events may happen without time passing.
	maxInstant = 1_000_000
)

// add takes original i, p.
func (p *player) add(i int, packet datasets.Packet) {
	from := maybenot.Client
	if packet.Dir == datasets.Down {
		from = maybenot.Server
	}
	t := p.tunnel
	p.starts = append(p.starts, packet.Time)
	split(packet, t.in.Flows[packet.Flow], t.f.mtu, func(inner, payload int32) {
		p.packets = append(p.packets, maybenot.Packet{Time: packet.Time, From: from})
		p.pieces[packet.Dir] = append(p.pieces[packet.Dir], piece{int32(i), inner, payload})
	})
}

// sessions are when machines start, and which: with the first packet, and with each
// that comes after a silence. The far end starts one delay earlier, so that what it
// does about the packet arrives with it, and not before anybody at the home could know
// of it.
func (p *player) sessions(d Maybenot, rng *rand.Rand) []maybenot.Restart {
	var out []maybenot.Restart
	quiet, delay := params.Seconds(d.QuietS), params.Seconds(d.DelayMs/1000)
	for i, at := range p.starts {
		if i > 0 && (quiet == 0 || at-p.starts[i-1] <= quiet) {
			continue
		}
		pair := d.pair(rng)
		out = append(out,
			maybenot.Restart{At: at - delay, Side: maybenot.Server, Machines: pair[maybenot.Server]},
			maybenot.Restart{At: at, Side: maybenot.Client, Machines: pair[maybenot.Client]})
	}
	return out
}

// play sends everything, from the first packet until nobody observes and nothing waits.
func (p *player) play(d Maybenot, rng *rand.Rand) error {
	limits := maybenot.Limits{MaxPaddingFrac: d.MaxPadding, MaxBlockingFrac: d.MaxBlocking}
	choice, client, server := defenses.Stream(rng), defenses.Stream(rng), defenses.Stream(rng)
	sim, err := maybenot.NewSimulation(maybenot.Config{
		Limits: [2]maybenot.Limits{limits, limits}, Delay: params.Seconds(d.DelayMs / 1000), Independent: true,
		Sources: [2]rand.Source{client, server}, Restarts: p.sessions(d, choice),
	}, p.packets)
	if err != nil {
		return err
	}

	end, left := p.tunnel.in.End, len(p.packets)
	padding, still, last := 0, 0, sim.Now()
	for {
		h, ok := sim.Next()
		now := sim.Now()
		switch {
		case !ok || left == 0 && now > end:
			p.tunnel.over()
			return nil
		case now > end+defenses.MaxBacklog:
			return fmt.Errorf("%w: %d packets are held back %v after the end", defenses.ErrSaturated, left, defenses.MaxBacklog)
		}
		if still++; now > last {
			still, last = 0, now
		}
		if still > maxInstant || padding > maxPadding {
			return errors.New("machines act without end: they never let time pass, or pad without measure")
		}

		// The home's line sees what leaves its end of the tunnel and what reaches it.
		dir := datasets.Up
		switch {
		case h.Side != maybenot.Client || !h.NetworkActivity():
			continue
		case h.Kind == maybenot.TunnelRecv:
			dir = datasets.Down
		}
		if h.Padding {
			p.tunnel.dummy(p.outer(d, now, dir, int32(d.MtuBytes)))
			padding++
			continue
		}

		// To machines packets are alike, so which one leaves is ours to say: the first
		// of those that wait. As many have come as have left, so it is there.
		q := p.pieces[dir][0]
		p.pieces[dir] = p.pieces[dir][1:]
		p.tunnel.data(p.outer(d, now, dir, q.inner), q.orig, q.payload)
		left--
	}
}

// outer is a packet of the tunnel with that many inner bytes.
func (p *player) outer(d Maybenot, at time.Duration, dir datasets.Dir, inner int32) datasets.Packet {
	if d.Fill {
		inner = int32(d.MtuBytes)
	}
	return p.tunnel.outer(at, dir, p.tunnel.f.inside(inner))
}
