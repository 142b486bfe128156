package capture

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// place is where an address is, as far as the address tells.
type place uint8

const (
	outside place = iota
	inside
	everywhere // multicast and broadcast
	carrier    // a provider's own: outside of a home, inside of the Internet
)

// carrierRanges are what providers give routers behind their own translation:
// carrier-grade NAT (RFC 6598), DS-Lite and 464XLAT (RFC 7335).
var carrierRanges = [...]netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/29")}

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
	for _, p := range b.prefixes {
		if p.Contains(a) {
			return inside
		}
	}
	if a.Is4() && (carrierRanges[0].Contains(a) || carrierRanges[1].Contains(a)) {
		return carrier
	}
	return outside
}

// pair is where both ends of a packet are. A provider's address is inside when
// the other end is in the Internet, and outside in every other case.
func (b *builder) pair(src, dst netip.Addr) (from, to place) {
	from, to = b.placeOf(src), b.placeOf(dst)
	f, t := from, to
	for _, x := range []struct {
		its   *place
		other place
	}{{&f, to}, {&t, from}} {
		if *x.its == carrier {
			*x.its = outside
			if x.other == outside {
				*x.its = inside
			}
		}
	}
	return f, t
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
	from, to := b.pair(s.src.Addr(), s.dst.Addr())
	s.lan = from == inside && to != outside || to == everywhere
	if c.kind == kindWiFi || c.kind == kindRelay { // where the frame goes beyond the access point is hidden
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
	srcListed := b.listedMAC(c.srcMAC) || b.listedMAC(c.from[0])
	dstListed := b.listedMAC(c.dstMAC) || b.listedMAC(c.from[1])
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
	case s.lan: // as by default
		s.known, s.firstIsHome = true, c.srcPort >= 1024 || c.dstPort < 1024
	case b.routers[c.srcMAC] != b.routers[c.dstMAC]:
		s.known, s.firstIsHome = true, b.routers[c.dstMAC]
	case b.routers[c.from[0]] != b.routers[c.from[1]]:
		s.known, s.firstIsHome = true, b.routers[c.from[1]]
	case b.onLink[s.src.Addr()] != b.onLink[s.dst.Addr()]:
		s.known, s.firstIsHome = true, b.onLink[s.src.Addr()]
	case c.own != 0:
		s.known, s.firstIsHome = true, c.own > 0
	default:
		s.firstIsHome = c.srcPort >= 1024 || c.dstPort < 1024
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
		from, to := b.pair(src.Addr(), dst.Addr())
		switch {
		case c.kind == kindWiFi && c.wayUp > 0:
			g[c.dstMAC] = !multicastMAC(c.dstMAC)
		case c.kind == kindWiFi && c.wayUp < 0:
			g[c.srcMAC] = true
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
	to := make([]uint32, len(b.convs)) // twice the flow, plus 1 where directions are the other way round
	live := b.live(ps)
	guessed := 0
	for i := range b.convs {
		c := &b.convs[i]
		if !live[i] {
			continue
		}
		s := b.homeSide(c, gateways)
		if !s.known {
			guessed++
		}
		fl := b.flowOf(c, s, names)
		n, ok := index[fl]
		if !ok {
			n = int32(len(flows))
			index[fl] = n
			flows = append(flows, fl)
		}
		to[i] = uint32(n) << 1
		if !s.firstIsHome {
			to[i] |= 1
		}
	}

	if guessed > 0 {
		b.rep.Doubts = append(b.rep.Doubts, datasets.Doubt{
			Code: datasets.DoubtSides, Count: int64(guessed), Of: int64(len(b.convs)), Remedy: "state a prefix or a hardware address (--home, --mac)",
			Detail: fmt.Sprintf("%s flows have no side that is known to be the home: the side that spoke first was taken for it", commas(int64(guessed))),
		})
	}
	for i := range ps {
		p := &ps[i]
		v := to[p.Flow]
		p.Flow = int32(v >> 1)
		p.Dir ^= datasets.Dir(v & 1)
	}
	return flows
}

// live says which conversations have a packet left. Those of damaged frames must
// neither be guessed about nor become flows. A conversation begins with a packet, so
// that none is without one unless packets were moved or left out.
func (b *builder) live(ps []datasets.Packet) []bool {
	live := make([]bool, len(b.convs))
	if !b.moved && len(ps) >= b.n {
		for i := range live {
			live[i] = true
		}
		return live
	}
	for _, p := range ps {
		live[p.Flow] = true
	}
	return live
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
	f := datasets.Flow{Proto: c.proto, Local: s.src, Remote: s.dst, LAN: s.lan}
	near, far := cmp.Or(c.srcMAC, c.from[0]), c.dstMAC
	if !s.firstIsHome {
		f.Local, f.Remote, near, far = s.dst, s.src, cmp.Or(c.dstMAC, c.from[1]), c.srcMAC
	}
	if f.Peer = macOf(c.peer); c.kind == kindZigbee {
		f.Peer = macOf(far)
	}
	if near == 0 && f.Local.IsValid() {
		near = b.senders[f.Local.Addr()]
	}
	f.MAC = macOf(near)
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

// maxNeighbors bounds how many addresses and prefixes of the link are kept.
const maxNeighbors = 1 << 12

// learnLink takes what routers and neighbors say of the link: the prefixes that
// a router advertises, and the addresses that hosts resolve, which are on this
// side of every router.
func (b *builder) learnLink(f *frame) {
	const arp = "\x00\x01\x08\x00\x06\x04\x00"
	switch {
	case f.kind == 0 && len(f.app) >= 28 && string(f.app[:len(arp)]) == arp:
		for _, a := range [][]byte{f.app[14:18], f.app[24:28]} {
			addr := netip.AddrFrom4([4]byte(a))
			if !addr.IsUnspecified() && len(b.onLink) < maxNeighbors {
				b.onLink[addr] = true
			}
		}
	case f.kind == 6 && f.proto == header.ICMPv6 && len(f.app) >= 24:
		b.learnNeighbors(f)
	}
}

// learnNeighbors reads router advertisements and neighbor discovery (RFC 4861).
func (b *builder) learnNeighbors(f *frame) {
	const advertisement, solicitation, neighbor = 134, 135, 136
	switch f.app[0] {
	case advertisement:
		if src := cmp.Or(f.srcMAC, f.sender); src != 0 && len(b.routers) < maxNeighbors {
			b.routers[src] = true
		}
		for o := f.app[16:]; len(o) >= 8 && o[1] > 0; {
			n := min(8*int(o[1]), len(o))
			if o[0] == 3 && n >= 32 && o[2] <= 128 {
				b.addPrefix(netip.PrefixFrom(netip.AddrFrom16([16]byte(o[16:32])), int(o[2])))
			}
			o = o[n:]
		}
	case solicitation, neighbor:
		// Whom a host asks for by this is its neighbor; hosts of one link share
		// the upper half of their global addresses.
		if a := netip.AddrFrom16([16]byte(f.app[8:24])); a.IsGlobalUnicast() {
			b.addPrefix(netip.PrefixFrom(a, 64))
		}
	}
}

func (b *builder) addPrefix(p netip.Prefix) {
	p = p.Masked()
	if p.Bits() >= 32 && !p.Addr().IsPrivate() && !slices.Contains(b.prefixes, p) && len(b.prefixes) < 64 {
		b.prefixes = append(b.prefixes, p)
	}
}

// dropRelays leaves out the frames between access points where a station's own
// are there, too: they are the same traffic once more.
func (b *builder) dropRelays(ps []datasets.Packet) []datasets.Packet {
	stations, relays := map[uint64]bool{}, false
	for i := range b.convs {
		c := &b.convs[i]
		relays = relays || c.kind == kindRelay
		switch {
		case c.kind != kindWiFi || c.wayUp == 0:
		case c.wayUp > 0:
			stations[c.srcMAC] = true
		default:
			stations[c.dstMAC] = true
		}
	}
	if !relays {
		return ps
	}

	// In place: a relay that a station stands behind is known only now, when
	// everything is read.
	keep := ps[:0]
	for _, p := range ps {
		c := &b.convs[p.Flow]
		if c.kind == kindRelay && (stations[c.srcMAC] || stations[c.dstMAC]) {
			b.skips["802.11 frame between access points"]++
			b.moved = true
			continue
		}
		keep = append(keep, p)
	}
	return keep
}

// recordedAt finds the nearest vantage that the capture can stand for.
func (b *builder) recordedAt(flows []datasets.Flow) datasets.Vantage {
	if b.mark.recorded != "" {
		return b.mark.recorded // a defense may have left nothing that tells it
	}
	if slices.ContainsFunc(b.convs, func(c conv) bool { return c.kind == kindWiFi || c.kind == kindRelay || c.writtenWiFi() }) {
		return datasets.WiFi
	}
	if len(flows) > 0 && !slices.ContainsFunc(flows, func(f datasets.Flow) bool { return !f.Radio() }) {
		return datasets.Zigbee
	}
	if b.n > 0 && b.pppoe*2 > b.n {
		return datasets.WAN // the line of a router that dials in
	}

	// On the far side of a router with IPv4 all that leaves the home has one
	// public address and one hardware address, and nothing stays.
	addrs, macs, near := map[netip.Addr]bool{}, map[datasets.MAC]bool{}, false
	for _, f := range flows {
		switch a := f.Local.Addr().Unmap(); {
		case !a.Is4() || f.Proto == 0 || a.IsUnspecified() || f.LAN && !unicastAddr(f.Remote.Addr()): // ARP and IPv6's neighbors are on both sides of a router
		case f.LAN || a.IsPrivate():
			near = true
		default:
			addrs[a], macs[f.MAC] = true, true
		}
	}
	if len(addrs) == 1 && len(macs) == 1 && !near {
		return datasets.WAN
	}

	for _, f := range flows {
		if f.LAN || f.MAC != (datasets.MAC{}) || f.Local.Addr().IsPrivate() {
			return datasets.LAN
		}
	}
	return datasets.WAN
}

// writtenWiFi says whether c was seen by 802.11 before package write made Ethernet
// of it. Nothing else that is not IP leaves a home and shows a station's address:
// on Ethernet such frames stay on the link.
func (c *conv) writtenWiFi() bool {
	far, near := c.dstMAC, c.srcMAC
	if far>>24 != header.FarPrefix {
		far, near = near, far
	}
	return c.kind == 0 && far>>16 == header.FarPrefix<<8 && near>>24 != header.NearPrefix
}

// unicastAddr says whether a is of one host.
func unicastAddr(a netip.Addr) bool {
	return a.IsValid() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
