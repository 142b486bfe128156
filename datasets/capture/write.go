package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"veilbench/datasets"
)

// Write writes t as a pcap file (nanoseconds, Ethernet) that other tools read
// without complaint: IPv4 or IPv6, checksums, TCP sequence numbers that follow
// the payload, TLS records inside TCP, DNS messages on port 53. The bytes
// depend on t alone.
//
// Read returns the same trace, with these limits. A flow without addresses
// gets made-up ones. Names come back where the file can carry them: in the
// hello that the first payload of a TCP flow becomes if it is large enough, or
// in a DNS answer of the trace (a Down packet from port 53 whose payload is at
// least 34 bytes longer than the name; name + 18 bytes suit a query, name + 34
// an answer); WriteNames writes the others. Two flows that differ in nothing
// but Host, and flows that no packet uses, do not come back as they were.
// Frames that are not IP get a local Ethernet type and come back as such.
//
// Hardware addresses that begin with 02:76:62 mark the side that is not the
// home, 02:76:63 a home side whose address is unknown, and two short frames of
// Ethernet type 0x88b6 the start and the end of observing: Read needs no
// options for a file that Write made. A Start of zero is written as 2000-01-01
// and marked as unknown.
//
// Packets that no such frame can hold are an error: more or fewer header bytes
// than the protocols allow, or a frame above 65,549 bytes.
func Write(w io.Writer, t datasets.Trace) error {
	if err := t.Check(); err != nil {
		return err
	}
	bw := bufio.NewWriterSize(w, 1<<20)
	wr := &writer{t: t, start: t.Start, pcap: pcapgo.NewWriterNanos(bw), plan: planNames(t)}
	text := markStart
	if t.Start.IsZero() {
		wr.start, text = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), markStartNo
	}
	if s, e := wr.start.Unix(), wr.start.Add(t.End).Unix(); s < 0 || e > 1<<32-1 {
		return fmt.Errorf("a pcap file holds times from 1970 to 2106, not %v to %v", wr.start, wr.start.Add(t.End))
	}
	if err := wr.pcap.WriteFileHeader(maxFrame, layers.LinkTypeEthernet); err != nil {
		return err
	}
	if err := wr.prepare(); err != nil {
		return err
	}
	if err := wr.marker(0, text); err != nil {
		return err
	}
	for i := range t.Packets {
		if err := wr.packet(i); err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
	}
	if err := wr.marker(t.End, markEnd); err != nil {
		return err
	}
	return bw.Flush()
}

// writer is the state of one Write.
type writer struct {
	t     datasets.Trace
	start time.Time
	pcap  *pcapgo.Writer
	plan  plan
	flows []wireFlow
	buf   []byte
}

// wireFlow is a flow as it is written.
type wireFlow struct {
	proto     uint8
	addr      [2]netip.AddrPort // by the direction it sends: Up is the home side
	mac       [2]uint64
	conn      *conn
	fragments bool // ports are unknown: everything is a later fragment
}

// conn is the state of a transport connection, shared by flows with the same
// addresses and ports. Arrays are indexed by direction.
type conn struct {
	seq    [2]uint32
	sent   [2]bool
	syn    bool
	stream [2]tlsStream
	stamp  [2]uint32
	dns    uint16    // ID of the last DNS query
	count  [2]uint32 // packets with payload
}

func (w *writer) prepare() error {
	type id struct {
		proto uint8
		a, b  netip.AddrPort
	}
	conns := map[id]*conn{}
	for i, f := range w.t.Flows {
		wf, err := newWireFlow(i, f)
		if err != nil {
			return fmt.Errorf("flow %d: %w", i, err)
		}
		k := id{wf.proto, wf.addr[0], wf.addr[1]}
		if conns[k] == nil {
			h := hash(k.a.String(), k.b.String())
			conns[k] = &conn{seq: [2]uint32{uint32(h), uint32(h >> 32)}}
		}
		wf.conn = conns[k]
		w.flows = append(w.flows, wf)
	}
	return nil
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		io.WriteString(h, p)
	}
	return h.Sum64()
}

func newWireFlow(i int, f datasets.Flow) (wireFlow, error) {
	wf := wireFlow{proto: f.Proto, addr: [2]netip.AddrPort{f.Local, f.Remote}}
	wf.mac[0] = mac48(f.Link[:])
	if f.Link == (datasets.MAC{}) {
		wf.mac[0] = nearPrefix<<24 | hash(f.Local.Addr().String())&0xffffff
	}
	wf.mac[1] = farPrefix<<24 | 1
	if f.LAN {
		wf.mac[1] = farPrefix<<24 | 1<<16 | hash(f.Remote.Addr().String())&0xffff
	}
	if f.Proto == 0 {
		return wf, nil
	}
	made := [2]netip.Addr{ // 10.118/16 for homes, 198.18/15 (RFC 2544) for the rest
		netip.AddrFrom4([4]byte{10, 118, byte(i >> 8), byte(i)}),
		netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}),
	}
	for d := range wf.addr {
		if !wf.addr[d].Addr().IsValid() {
			if i > 0xffff {
				return wf, fmt.Errorf("more than 65,536 flows without addresses")
			}
			wf.addr[d] = netip.AddrPortFrom(made[d], wf.addr[d].Port())
		}
	}
	if f.Local.Port() == 0 && f.Remote.Port() == 0 && (f.Proto == protoTCP || f.Proto == protoUDP) {
		if f.Local.Addr().IsValid() || f.Remote.Addr().IsValid() {
			wf.fragments = true
		} else {
			wf.addr[0] = netip.AddrPortFrom(wf.addr[0].Addr(), uint16(49152+i%16384))
			wf.addr[1] = netip.AddrPortFrom(wf.addr[1].Addr(), 443)
		}
	}
	if wf.addr[0].Addr().Is4() != wf.addr[1].Addr().Is4() {
		return wf, fmt.Errorf("addresses %v and %v are of different families", wf.addr[0].Addr(), wf.addr[1].Addr())
	}
	return wf, nil
}

// marker writes a marker frame.
func (w *writer) marker(at time.Duration, text string) error {
	b := ethernetHeader(w.buf[:0], 0xffffffffffff, farPrefix<<24|2, etherMarker)
	b = append(b, text...)
	for len(b) < 60 {
		b = append(b, 0)
	}
	return w.record(at, b)
}

func ethernetHeader(b []byte, dst, src uint64, typ uint16) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(dst>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(dst))
	b = binary.BigEndian.AppendUint16(b, uint16(src>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(src))
	return binary.BigEndian.AppendUint16(b, typ)
}

func (w *writer) record(at time.Duration, b []byte) error {
	w.buf = b
	ci := gopacket.CaptureInfo{Timestamp: w.start.Add(at), CaptureLength: len(b), Length: len(b)}
	return w.pcap.WritePacket(ci, b)
}

// packet writes packet i.
func (w *writer) packet(i int) error {
	p := w.t.Packets[i]
	f := &w.flows[p.Flow]
	from, to := p.Dir, 1-p.Dir
	if p.Size > 14+65535 {
		return fmt.Errorf("a frame of %d bytes", p.Size)
	}
	if f.proto == 0 {
		return w.opaque(p, f)
	}
	typ, ip := uint16(etherIPv4), 20
	if f.addr[0].Addr().Is6() {
		typ, ip = etherIPv6, 40
	}
	l, err := f.layout(p, ip)
	if err != nil {
		return err
	}
	b := ethernetHeader(w.buf[:0], f.mac[to], f.mac[from], typ)
	if ip == 20 {
		b = f.appendIPv4(b, p, l, uint16(i))
	} else {
		b = f.appendIPv6(b, p, l, uint32(i))
	}
	at := len(b)
	b = f.appendTransport(b, p, l)
	if b, err = w.fill(b, i, f); err != nil {
		return err
	}
	f.checksum(b[at:], p.Dir)
	return w.record(p.Time, b)
}

// opaque writes a frame that is not IP.
func (w *writer) opaque(p datasets.Packet, f *wireFlow) error {
	if p.Size < datasets.EthernetHeader {
		return fmt.Errorf("a frame of %d bytes that is not IP", p.Size)
	}
	if want := p.Size - datasets.EthernetHeader; p.Payload != want {
		return fmt.Errorf("payload %d in a frame of %d that is not IP; want %d", p.Payload, p.Size, want)
	}
	b := ethernetHeader(w.buf[:0], f.mac[1-p.Dir], f.mac[p.Dir], etherOpaque)
	return w.record(p.Time, append(b, make([]byte, p.Payload)...))
}

// layout is how the header bytes of a packet are spent.
type layout struct {
	total     int // IP length
	options   int // of IP: options, or an extension header
	transport int // TCP or UDP header with its options, else 0
}

func (f *wireFlow) layout(p datasets.Packet, ip int) (layout, error) {
	l := layout{total: int(p.Size) - datasets.EthernetHeader}
	room := l.total - ip - int(p.Payload)
	least, most := 0, 0
	switch {
	case f.fragments:
	case f.proto == protoTCP:
		least, most = 20, 60
	case f.proto == protoUDP:
		least, most = 8, 8
	}
	l.transport = max(least, min(room, most)&^3)
	l.options = room - l.transport
	unit := 4
	if ip == 40 {
		unit = 8
		// A TCP header takes what the extension header cannot.
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
	b = append(b, byte(0x45+l.options/4), 0)
	b = binary.BigEndian.AppendUint16(b, uint16(l.total))
	b = binary.BigEndian.AppendUint16(b, id)
	flags := uint16(0x4000)
	if f.fragments {
		flags = 185
	}
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, hops(p.Dir), f.proto, 0, 0)
	b = append(append(b, from[:]...), to[:]...)
	b = append(b, make([]byte, l.options)...) // end of options
	binary.BigEndian.PutUint16(b[at+10:], ^fold(sum(0, b[at:])))
	return b
}

func hops(d datasets.Dir) byte {
	if d == datasets.Up {
		return 64
	}
	return 52
}

func (f *wireFlow) appendIPv6(b []byte, p datasets.Packet, l layout, id uint32) []byte {
	from, to := f.addr[p.Dir].Addr().As16(), f.addr[1-p.Dir].Addr().As16()
	next := f.proto
	if l.options > 0 {
		next = 60
		if f.fragments {
			next = 44
		}
	}
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(l.total-40))
	b = append(b, next, hops(p.Dir))
	b = append(append(b, from[:]...), to[:]...)
	if l.options == 0 {
		return b
	}
	if f.fragments {
		b = append(b, f.proto, 0)
		b = binary.BigEndian.AppendUint16(b, 185<<3)
		return binary.BigEndian.AppendUint32(b, id)
	}
	b = append(b, f.proto, byte(l.options/8-1), 1, byte(l.options-4)) // PadN
	return append(b, make([]byte, l.options-4)...)
}

// appendTransport writes the TCP or UDP header, checksum zero.
func (f *wireFlow) appendTransport(b []byte, p datasets.Packet, l layout) []byte {
	if l.transport == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint16(b, f.addr[p.Dir].Port())
	b = binary.BigEndian.AppendUint16(b, f.addr[1-p.Dir].Port())
	if f.proto == protoUDP {
		b = binary.BigEndian.AppendUint16(b, uint16(8+p.Payload))
		return append(b, 0, 0)
	}
	c := f.conn
	flags := c.flags(p)
	b = binary.BigEndian.AppendUint32(b, c.seq[p.Dir])
	ack := c.seq[1-p.Dir]
	if flags == tcpSYN {
		ack = 0
	}
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, byte(l.transport/4)<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	stamp := uint32(p.Time / time.Millisecond)
	b = appendOptions(b, l.transport-20, flags&tcpSYN != 0, stamp, c.stamp[1-p.Dir])
	c.stamp[p.Dir] = stamp
	c.seq[p.Dir] += uint32(p.Payload)
	if flags&tcpSYN != 0 {
		c.seq[p.Dir]++
	}
	c.sent[p.Dir] = true
	return b
}

// TCP flags.
const (
	tcpSYN = 2
	tcpPSH = 8
	tcpACK = 16
)

// flags gives a connection that begins with two empty packets its handshake.
func (c *conn) flags(p datasets.Packet) byte {
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

// checksum completes the transport checksum in b, the packet above IP.
func (f *wireFlow) checksum(b []byte, d datasets.Dir) {
	at := 0
	switch {
	case f.fragments:
		return
	case f.proto == protoTCP:
		at = 16
	case f.proto == protoUDP:
		at = 6
	case (f.proto == protoICMP || f.proto == protoICMPv6) && len(b) >= 4:
		at = 2
	default:
		return
	}
	var s uint32
	if f.proto != protoICMP {
		from, to := f.addr[d].Addr().AsSlice(), f.addr[1-d].Addr().AsSlice()
		s = sum(sum(0, from), to) + uint32(f.proto) + uint32(len(b))
	}
	v := ^fold(sum(s, b))
	if v == 0 && f.proto == protoUDP {
		v = 0xffff
	}
	binary.BigEndian.PutUint16(b[at:], v)
}

// sum adds the 16-bit words of b to s (RFC 1071); b of at most 64 KiB cannot
// overflow it.
func sum(s uint32, b []byte) uint32 {
	for len(b) >= 2 {
		s += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return uint32(fold(s))
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
