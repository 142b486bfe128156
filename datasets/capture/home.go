package capture

import (
	"encoding/binary"
	"net/netip"

	"veilbench/datasets"
)

// Hardware address prefixes (the upper three bytes) of addresses that Write
// makes up: farPrefix for the side that is not the home, nearPrefix for a home
// side whose address is unknown. Read understands them, so that a written
// trace keeps its directions whatever its addresses.
const (
	farPrefix  = 0x027662
	nearPrefix = 0x027663
)

// place is where an address is, as far as the address tells.
type place uint8

const (
	outside place = iota
	inside
	everywhere // multicast and broadcast
)

func (b *builder) place(a netip.Addr) place {
	switch {
	case !a.IsValid():
		return inside // no IP: such frames never leave the link
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return everywhere
	}
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

// homeSide decides which side of c is the home. In this order: what Write left
// in the hardware addresses; the list of hardware addresses; the link layer;
// one address inside and one outside; the gateway's hardware address, which is
// the one that carries outside addresses. Within the home the side that spoke
// first is the near one, unless it answers from a system port (below 1024).
func (b *builder) homeSide(c *conv, gateways map[uint64]bool) sides {
	s := sides{firstIsHome: true}
	s.src, s.dst = c.addrs()
	from, to := b.place(s.src.Addr()), b.place(s.dst.Addr())
	s.lan = from == inside && to != outside || to == everywhere
	if c.kind == kindWiFi { // where the frame goes beyond the access point is hidden
		s.lan = grouped(c.dstMAC)
	}
	switch {
	case c.dstMAC>>24 == farPrefix:
		return sides{s.src, s.dst, true, true, c.dstMAC>>16&0xff == 1}
	case c.srcMAC>>24 == farPrefix:
		return sides{s.src, s.dst, true, false, c.srcMAC>>16&0xff == 1}
	}
	srcListed, dstListed := b.listed(c.srcMAC), b.listed(c.dstMAC)
	switch {
	case srcListed != dstListed:
		s.known, s.firstIsHome = true, srcListed
	case c.wayUp != 0:
		s.known, s.firstIsHome = true, c.wayUp > 0
	case from == inside && to == outside || to == everywhere || grouped(c.dstMAC):
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

// grouped says whether a hardware address is a multicast or broadcast one.
func grouped(mac uint64) bool { return mac>>40&1 == 1 }

func (b *builder) listed(mac uint64) bool {
	for _, m := range b.o.MACs {
		if macOf(mac) == m {
			return true
		}
	}
	return false
}

// gateways finds the hardware addresses that stand for outside addresses.
func (b *builder) gateways() map[uint64]bool {
	g := map[uint64]bool{}
	for i := range b.convs {
		c := &b.convs[i]
		src, dst := c.addrs()
		from, to := b.place(src.Addr()), b.place(dst.Addr())
		switch {
		case from == inside && to == outside && c.dstMAC != 0 && !grouped(c.dstMAC):
			g[c.dstMAC] = true
		case from == outside && to == inside && c.srcMAC != 0:
			g[c.srcMAC] = true
		}
	}
	return g
}

// assign decides the home side of every conversation, makes the flows in order
// of first appearance, and rewrites Flow and Dir of all packets.
func (b *builder) assign(ps []datasets.Packet, names map[string]string) []datasets.Flow {
	gateways := b.gateways()
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
		fl := b.flow(c, s, names)
		if !s.firstIsHome {
			flip[i] = 1
		}
		n, ok := index[fl]
		if !ok {
			n = int32(len(flows))
			index[fl] = n
			flows = append(flows, fl)
		}
		to[i] = n
	}
	if guessed > 0 {
		b.warn("%s flows have no side that is known to be the home: the side that spoke first was taken for it; state a prefix or a hardware address", group(int64(guessed)))
	}
	for i := range ps {
		p := &ps[i]
		p.Dir ^= flip[p.Flow]
		p.Flow = to[p.Flow]
	}
	if b.o.SortTimes && b.rep.OutOfOrder > 0 {
		return renumber(ps, flows)
	}
	return flows
}

// renumber puts flows into the order of first appearance.
func renumber(ps []datasets.Packet, flows []datasets.Flow) []datasets.Flow {
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

// flow makes the flow of a conversation whose home side is decided.
func (b *builder) flow(c *conv, s sides, names map[string]string) datasets.Flow {
	f := datasets.Flow{Proto: c.proto, Local: s.src, Remote: s.dst, Link: macOf(c.srcMAC), LAN: s.lan}
	near := c.srcMAC
	if !s.firstIsHome {
		f.Local, f.Remote, f.Link, near = s.dst, s.src, macOf(c.dstMAC), c.dstMAC
	}
	if near>>24 == nearPrefix {
		f.Link = datasets.MAC{}
	}
	f.Host = c.host
	if f.Host == "" {
		f.Host = b.names.find(f.Local.Addr(), f.Remote.Addr(), c.first)
	}
	if f.Host == "" && f.Remote.IsValid() {
		f.Host = names[f.Remote.Addr().String()]
	}
	return f
}
