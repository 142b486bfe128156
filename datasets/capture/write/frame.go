package write

import (
	"encoding/binary"
	"fmt"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// TCP flags.
const (
	tcpSYN = 2
	tcpPSH = 8
	tcpACK = 16
)

// fragmentOffset is where every fragment says that it belongs, in units of 8
// bytes: behind a first packet of Ethernet's MTU.
const fragmentOffset = 185

// writePacket writes packet i of the trace.
func (w *writer) writePacket(i int) error {
	p := w.t.Packets[i]
	f := &w.flows[p.Flow]
	from, to := p.Dir, 1-p.Dir
	if p.Size > 14+65535 {
		return fmt.Errorf("a frame of %d bytes", p.Size)
	}
	if f.opaque {
		return w.writeOpaque(p, f)
	}

	typ, ip := uint16(header.EtherIPv4), 20
	if f.addr[0].Addr().Is6() {
		typ, ip = header.EtherIPv6, 40
	}
	l, err := f.layOut(p, ip)
	if err != nil {
		return err
	}
	b := appendEthernet(w.buf[:0], f.mac[to], f.mac[from], typ)
	if ip == 20 {
		b = f.appendIPv4(b, p, l, uint16(i))
	} else {
		b = f.appendIPv6(b, p, l, uint32(i))
	}

	// The transport checksum covers the payload: it is set when that is there.
	at := len(b)
	b = f.appendTransport(b, p, l)
	b = w.appendPayload(b, i, f)
	f.setChecksum(b[at:], p.Dir)
	return w.writeRecord(p.Time, b)
}

// writeOpaque writes a frame that is not IP. One whose lengths no such frame can
// have, as of packets seen by radio, states them in its content, so that it reads
// back as it was; it is as long as it says, but for the shortest ones.
func (w *writer) writeOpaque(p datasets.Packet, f *wireFlow) error {
	b := appendEthernet(w.buf[:0], f.mac[1-p.Dir], f.mac[p.Dir], header.EtherOpaque)
	if f.peer != 0 || p.Size < datasets.EthernetHeader || p.Payload != p.Size-datasets.EthernetHeader {
		b = header.AppendSized(b, p.Size, p.Payload, f.peer)
	}
	return w.writeRecord(p.Time, append(b, make([]byte, max(0, int(p.Size)-len(b)))...))
}

// layout is how the header bytes of a packet are spent, in bytes.
type layout struct {
	total     int // IP length
	options   int // of IP: options, or an extension header
	transport int // TCP or UDP header with its options, else 0
}

// layOut spends what Size leaves above Payload, behind an IP header of ip
// bytes. It fails where no header can be that long or that short.
func (f *wireFlow) layOut(p datasets.Packet, ip int) (layout, error) {
	l := layout{total: int(p.Size) - datasets.EthernetHeader}
	room := l.total - ip - int(p.Payload)
	least, most := 0, 0
	switch {
	case f.fragments:
	case f.proto == header.TCP:
		least, most = 20, 60
	case f.proto == header.UDP:
		least, most = 8, 8
	}

	// TCP options take what they can, for that is where real packets have
	// their bytes; IP options take the rest, in words of 4.
	l.transport = max(least, min(room, most)&^3)
	l.options = room - l.transport
	unit := 4
	if ip == 40 {
		// An extension header is a multiple of 8, so a TCP header may have to
		// give bytes back to it.
		unit = 8
		if d := l.options % unit; d > 0 && l.transport-(unit-d) >= least {
			l.transport -= unit - d
			l.options += unit - d
		}
	}
	if l.options < 0 || l.options%unit != 0 || l.options > 40 {
		return l, fmt.Errorf("%d bytes of IP and transport headers for IP protocol %d cannot be written; want %d or more, a multiple of 4",
			l.total-int(p.Payload), f.proto, ip+least)
	}
	return l, nil
}

func (f *wireFlow) appendIPv4(b []byte, p datasets.Packet, l layout, id uint16) []byte {
	at := len(b)
	from, to := f.addr[p.Dir].Addr().As4(), f.addr[1-p.Dir].Addr().As4()
	flags := uint16(0x4000) // do not fragment
	if f.fragments {
		flags = fragmentOffset
	}

	b = append(b, byte(0x45+l.options/4), 0) // version 4, header length in words
	b = binary.BigEndian.AppendUint16(b, uint16(l.total))
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, hopLimit(p.Dir), f.proto, 0, 0)
	b = append(append(b, from[:]...), to[:]...)
	b = append(b, make([]byte, l.options)...) // end of options

	// The sum is over the header with a checksum of zero.
	binary.BigEndian.PutUint16(b[at+10:], ^fold16(addWords(0, b[at:])))
	return b
}

// hopLimit is that of a device which starts at 64, and of a server some hops
// away.
func hopLimit(d datasets.Dir) byte {
	if d == datasets.Up {
		return 64
	}
	return 52
}

func (f *wireFlow) appendIPv6(b []byte, p datasets.Packet, l layout, id uint32) []byte {
	from, to := f.addr[p.Dir].Addr().As16(), f.addr[1-p.Dir].Addr().As16()
	next := f.proto
	if l.options > 0 {
		next = 60 // destination options
		if f.fragments {
			next = 44
		}
	}

	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(l.total-40))
	b = append(b, next, hopLimit(p.Dir))
	b = append(append(b, from[:]...), to[:]...)
	if l.options == 0 {
		return b
	}

	// A fragment header has 8 bytes, its offset above three bits of flags.
	// Destination options are filled by one option, PadN.
	if f.fragments {
		b = append(b, f.proto, 0)
		b = binary.BigEndian.AppendUint16(b, fragmentOffset<<3)
		return binary.BigEndian.AppendUint32(b, id)
	}
	b = append(b, f.proto, byte(l.options/8-1), 1, byte(l.options-4))
	return append(b, make([]byte, l.options-4)...)
}

// appendTransport writes the TCP or UDP header, checksum zero, and moves the
// connection on by the packet.
func (f *wireFlow) appendTransport(b []byte, p datasets.Packet, l layout) []byte {
	if l.transport == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint16(b, f.addr[p.Dir].Port())
	b = binary.BigEndian.AppendUint16(b, f.addr[1-p.Dir].Port())
	if f.proto == header.UDP {
		b = binary.BigEndian.AppendUint16(b, uint16(8+p.Payload))
		return append(b, 0, 0)
	}

	// Everything sent so far counts as received: a trace has no losses.
	c := f.conn
	flags := c.nextFlags(p)
	ack := c.seq[1-p.Dir]
	if flags == tcpSYN {
		ack = 0
	}
	b = binary.BigEndian.AppendUint32(b, c.seq[p.Dir])
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, byte(l.transport/4)<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	stamp := uint32(p.Time / time.Millisecond)
	b = appendOptions(b, l.transport-20, flags&tcpSYN != 0, stamp, c.stamp[1-p.Dir])

	// A SYN takes a sequence number of its own (RFC 9293, section 3.4).
	c.stamp[p.Dir] = stamp
	c.seq[p.Dir] += uint32(p.Payload)
	if flags&tcpSYN != 0 {
		c.seq[p.Dir]++
	}
	c.sent[p.Dir] = true
	return b
}

// nextFlags gives a connection that begins with two empty packets its
// handshake.
func (c *conn) nextFlags(p datasets.Packet) byte {
	switch {
	case p.Payload > 0:
		return tcpPSH | tcpACK
	case p.Dir == datasets.Up && !c.sent[0] && !c.sent[1]:
		c.syn = true
		return tcpSYN
	case p.Dir == datasets.Down && !c.sent[1] && c.syn:
		return tcpSYN | tcpACK
	}
	return tcpACK
}

// appendOptions fills n bytes with TCP options.
func appendOptions(b []byte, n int, syn bool, stamp, echo uint32) []byte {
	end := len(b) + n
	if syn && n >= 4 {
		b = append(b, 2, 4, 0x05, 0xb4) // segments of 1460
	}
	if syn && n >= 8 {
		b = append(b, 1, 3, 3, 7) // window scale
	}
	if end-len(b) >= 12 {
		b = append(b, 1, 1, 8, 10)
		b = binary.BigEndian.AppendUint32(b, stamp)
		b = binary.BigEndian.AppendUint32(b, echo)
	}
	for len(b) < end {
		b = append(b, 0) // end of options; tshark warns of four no-operations
	}
	return b
}

// setChecksum completes the transport checksum in b, the packet above IP.
func (f *wireFlow) setChecksum(b []byte, d datasets.Dir) {
	at := 0
	switch {
	case f.fragments: // in the first one, which is not there
		return
	case f.proto == header.TCP:
		at = 16
	case f.proto == header.UDP:
		at = 6
	case (f.proto == header.ICMP || f.proto == header.ICMPv6) && len(b) >= 4:
		at = 2
	default:
		return
	}

	// The pseudo header: addresses, protocol, length. ICMP for IPv4 has none.
	var s uint32
	if f.proto != header.ICMP {
		from, to := f.addr[d].Addr().AsSlice(), f.addr[1-d].Addr().AsSlice()
		s = addWords(addWords(0, from), to) + uint32(f.proto) + uint32(len(b))
	}

	// In UDP zero says that there is no checksum; its complement has the same
	// value (RFC 768).
	v := ^fold16(addWords(s, b))
	if v == 0 && f.proto == header.UDP {
		v = 0xffff
	}
	binary.BigEndian.PutUint16(b[at:], v)
}

// addWords adds the 16-bit words of b to s (RFC 1071). With b of at most 64 KiB
// that is 32,768 words below 2^16 each, so s cannot overflow from below 2^31.
func addWords(s uint32, b []byte) uint32 {
	for len(b) >= 2 {
		s += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return uint32(fold16(s))
}

// fold16 adds the carries of s back in, until 16 bits are left.
func fold16(s uint32) uint16 {
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
