package capture

import (
	"encoding/binary"
	"net/netip"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// place is where an address is, as far as the address tells.
type place uint8

const (
	outside place = iota
	inside
	everywhere // multicast and broadcast
)

// placeOf decides by the prefixes of the options, else by the private ranges.
func (b *builder) placeOf(a netip.Addr) place {
	switch {
	case !a.IsValid():
		return inside // no IP: such frames never leave the link
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return everywhere
	}

	// Stated prefixes replace the private ranges altogether: in a capture taken
	// outside, a private address is the provider's.
	if len(b.o.Home) > 0 {
		for _, p := range b.o.Home {
			if p.Contains(a) {
				return inside
			}
		}
		return outside
	}
	if a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() || a.IsUnspecified() {
		return inside
	}
	return outside
}

// sides of a conversation, from its first packet's sender to its receiver.
type sides struct {
	src, dst    netip.AddrPort
	known       bool // which side is the home is certain
	firstIsHome bool
	lan         bool
}

// addrs puts the addresses of k together; they are invalid if k is not IP.
func (k *key) addrs() (src, dst netip.AddrPort) {
	switch k.kind {
	case 4:
		src = netip.AddrPortFrom(addr4(k.srcLo), k.srcPort)
		dst = netip.AddrPortFrom(addr4(k.dstLo), k.dstPort)
	case 6:
		src = netip.AddrPortFrom(addr16(k.srcHi, k.srcLo), k.srcPort)
		dst = netip.AddrPortFrom(addr16(k.dstHi, k.dstLo), k.dstPort)
	}
	return src, dst
}

func addr4(v uint64) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(v))
	return netip.AddrFrom4(b)
}

func addr16(hi, lo uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return netip.AddrFrom16(b)
}

func macOf(v uint64) datasets.MAC {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return datasets.MAC(b[2:])
}

// homeSide decides which side of c is the home. In this order: what package
// write left in the hardware addresses; the list of hardware addresses; the link layer;
// one address inside and one outside; the gateway's hardware address, which is
// the one that carries outside addresses. Within the home the side that spoke
// first is the near one, unless it answers from a system port (below 1024).
func (b *builder) homeSide(c *conv, gateways map[uint64]bool) sides {
	s := sides{firstIsHome: true}
	s.src, s.dst = c.addrs()
	from, to := b.placeOf(s.src.Addr()), b.placeOf(s.dst.Addr())
	s.lan = from == inside && to != outside || to == everywhere
	if c.kind == kindWiFi { // where the frame goes beyond the access point is hidden
		s.lan = multicastMAC(c.dstMAC)
	}

	switch {
	case c.dstMAC>>24 == header.FarPrefix:
		return sides{s.src, s.dst, true, true, c.dstMAC>>16&0xff == 1}
	case c.srcMAC>>24 == header.FarPrefix:
		return sides{s.src, s.dst, true, false, c.srcMAC>>16&0xff == 1}
	}

	// The surest sign first. The last case is a guess, but within the home no
	// warning: there either end is a home side.
	srcListed, dstListed := b.listedMAC(c.srcMAC), b.listedMAC(c.dstMAC)
	switch {
	case srcListed != dstListed:
		s.known, s.firstIsHome = true, srcListed
	case c.wayUp != 0:
		s.known, s.firstIsHome = true, c.wayUp > 0
	case from == inside && to == outside || to == everywhere || multicastMAC(c.dstMAC):
		s.known = true
	case from == outside && to == inside:
		s.known, s.firstIsHome = true, false
	case gateways[c.srcMAC] != gateways[c.dstMAC]:
		s.known, s.firstIsHome = true, gateways[c.dstMAC]
	default:
		s.firstIsHome = c.srcPort >= 1024 || c.dstPort < 1024
		s.known = s.lan
	}
	return s
}

// multicastMAC says whether a hardware address is a multicast or broadcast one.
func multicastMAC(mac uint64) bool { return mac>>40&1 == 1 }

// listedMAC says whether the options name mac as one inside the home.
func (b *builder) listedMAC(mac uint64) bool {
	for _, m := range b.o.MACs {
		if macOf(mac) == m {
			return true
		}
	}
	return false
}

// findGateways finds the hardware addresses that stand for outside addresses:
// those of the home's routers on this link.
func (b *builder) findGateways() map[uint64]bool {
	g := map[uint64]bool{}
	for i := range b.convs {
		c := &b.convs[i]
		src, dst := c.addrs()
		from, to := b.placeOf(src.Addr()), b.placeOf(dst.Addr())
		switch {
		case from == inside && to == outside && c.dstMAC != 0 && !multicastMAC(c.dstMAC):
			g[c.dstMAC] = true
		case from == outside && to == inside && c.srcMAC != 0:
			g[c.srcMAC] = true
		}
	}
	return g
}

// assignFlows decides the home side of every conversation, makes the flows in
// order of first appearance, and rewrites Flow and Dir of all packets.
func (b *builder) assignFlows(ps []datasets.Packet, names map[string]string) []datasets.Flow {
	gateways := b.findGateways()

	// Conversations may become the same flow: a flow has the hardware address of
	// the home side alone.
	index := map[datasets.Flow]int32{}
	var flows []datasets.Flow
	to := make([]int32, len(b.convs))
	flip := make([]datasets.Dir, len(b.convs))
	guessed := 0
	for i := range b.convs {
		c := &b.convs[i]
		s := b.homeSide(c, gateways)
		if !s.known {
			guessed++
		}
		if !s.firstIsHome {
			flip[i] = 1
		}

		fl := b.flowOf(c, s, names)
		n, ok := index[fl]
		if !ok {
			n = int32(len(flows))
			index[fl] = n
			flows = append(flows, fl)
		}
		to[i] = n
	}

	if guessed > 0 {
		b.warn("%s flows have no side that is known to be the home: the side that spoke first was taken for it; state a prefix or a hardware address", commas(int64(guessed)))
	}
	for i := range ps {
		p := &ps[i]
		p.Dir ^= flip[p.Flow]
		p.Flow = to[p.Flow]
	}
	if b.o.SortTimes && b.rep.OutOfOrder > 0 {
		return renumberFlows(ps, flows) // they are in the order of the file
	}
	return flows
}

// renumberFlows returns the flows that ps uses in order of first appearance, and
// rewrites Flow of ps.
func renumberFlows(ps []datasets.Packet, flows []datasets.Flow) []datasets.Flow {
	to := make([]int32, len(flows))
	for i := range to {
		to[i] = -1
	}
	out := make([]datasets.Flow, 0, len(flows))
	for i := range ps {
		f := ps[i].Flow
		if to[f] < 0 {
			to[f] = int32(len(out))
			out = append(out, flows[f])
		}
		ps[i].Flow = to[f]
	}
	return out
}

// flowOf makes the flow of a conversation whose home side is decided.
func (b *builder) flowOf(c *conv, s sides, names map[string]string) datasets.Flow {
	f := datasets.Flow{Proto: c.proto, Local: s.src, Remote: s.dst, MAC: macOf(c.srcMAC), LAN: s.lan}
	near := c.srcMAC
	if !s.firstIsHome {
		f.Local, f.Remote, f.MAC, near = s.dst, s.src, macOf(c.dstMAC), c.dstMAC
	}
	if near>>24 == header.NearPrefix {
		f.MAC = datasets.MAC{}
	}

	// The hello of the conversation itself is surer than a DNS answer for its
	// address, which many hosts may share; the names file fills what is left.
	f.Host = c.host
	if f.Host == "" {
		f.Host = b.names.nameOf(f.Local.Addr(), f.Remote.Addr(), c.first)
	}
	if f.Host == "" && f.Remote.IsValid() {
		f.Host = names[f.Remote.Addr().String()]
	}
	return f
}
