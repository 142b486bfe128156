package datasets

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// The router's address translation, as common consumer routers do it.
const (
	naptUDPIdle  = 180 * time.Second
	naptPreserve = 0.7 // share of routers that keep a port when it is free
	naptLowest   = 1024
)

// napt is a router's translation table.
type napt struct {
	rng      *rand.Rand
	preserve bool // keep a port that is free
	public   netip.Addr
	taken    map[binding]bool
}

// binding is a port in use towards one remote; the same port may serve
// another.
type binding struct {
	proto  uint8
	port   uint16
	remote netip.AddrPort
}

// viewWAN sends what leaves the home through NAPT.
func viewWAN(rng *rand.Rand, t Trace) (Trace, []int32) {
	w := newViewer(t)
	n := napt{
		rng:      rng,
		preserve: rng.Float64() < naptPreserve,
		public:   netip.AddrFrom4([4]byte{203, 0, 113, 1}), // TEST-NET-3
		taken:    map[binding]bool{},
	}

	last := make([]time.Duration, len(t.Flows))
	leaves := make([]bool, len(t.Flows)) // ARP and the like end at the router
	for i, f := range t.Flows {
		leaves[i] = leavesHome(f)
	}
	for i, p := range t.Packets {
		if !leaves[p.Flow] {
			continue
		}

		// TCP says when it is over, so its binding lasts. Of UDP a router knows
		// only the silence.
		const udp = 17
		f, known := &t.Flows[p.Flow], w.flow[p.Flow] >= 0
		switch {
		case !known:
			w.newFlow(p.Flow, n.translate(*f, nil))
		case f.Proto == udp && p.Time-last[p.Flow] > naptUDPIdle && translated(*f):
			w.newFlow(p.Flow, n.translate(*f, &w.out.Flows[w.flow[p.Flow]]))
		}
		last[p.Flow] = p.Time
		w.add(i, p)
	}
	return w.out, w.kept
}

// translated says whether NAPT changes the port of f: not that of IPv6, of a
// protocol without ports, and of what was captured outside already.
func translated(f Flow) bool {
	local := f.Local.Addr().Unmap()
	return local.Is4() && f.Local.Port() != 0 && (f.MAC != MAC{} || local.IsPrivate())
}

// translate returns f as seen outside. old is the flow's expired view, nil for
// a flow that had none: its port is given back and not given again at once.
func (n *napt) translate(f Flow, old *Flow) Flow {
	link := f.MAC
	f.MAC = MAC{}
	local := f.Local.Addr().Unmap()
	if !local.Is4() || link == (MAC{}) && !local.IsPrivate() {
		return f
	}
	port := f.Local.Port()
	if port != 0 {
		port = n.port(binding{f.Proto, port, f.Remote}, old)
	}
	f.Local = netip.AddrPortFrom(n.public, port)
	return f
}

// port draws a free port for b, whose port is the one asked for.
func (n *napt) port(b binding, old *Flow) uint16 {
	if old != nil {
		delete(n.taken, binding{b.proto, old.Local.Port(), b.remote})
	}

	// The expired port itself is not free for its own flow: it would look as if
	// nothing had happened.
	free := func() bool {
		return !n.taken[b] && (old == nil || b.port != old.Local.Port())
	}
	if !n.preserve || old != nil || !free() {
		// Only a flood of flows to one remote exhausts the range; then two
		// share a port.
		for range 1 << 16 {
			b.port = uint16(naptLowest + n.rng.IntN(1<<16-naptLowest))
			if free() {
				break
			}
		}
	}

	n.taken[b] = true
	return b.port
}
