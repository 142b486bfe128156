// Package write writes traces as captures that other tools accept, and that
// package capture reads back as they were.
//
// Read this file first. Capture plans which packets carry host names (plan.go),
// gives every flow addresses and a connection (this file), and then writes
// packet after packet: headers in frame.go, payloads in content.go and dns.go.
package write

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// Capture writes t as a pcap file (nanoseconds, Ethernet) that other tools read
// without complaint: IPv4 or IPv6, checksums, TCP sequence numbers that follow
// the payload, TLS records inside TCP, DNS messages on port 53. The bytes
// depend on t alone.
//
// capture.Read returns the same trace, with these limits. A flow without
// addresses gets made-up ones. Names come back where the file can carry them:
// in the hello that the first payload of a TCP flow becomes if it is large
// enough, or in a DNS answer of the trace (a Down packet from port 53 whose
// payload is at least 34 bytes longer than the name; name + 18 bytes suit a
// query, name + 34 an answer); Names writes the others. Two flows that differ
// in nothing but Host, and flows that no packet uses, do not come back as they
// were. Frames that are not IP get a local Ethernet type and come back as such,
// those seen by radio (802.11, 802.15.4) with their lengths. A capture of 802.11
// is known by its stations' frames, which may leave the home, where others that are
// not IP stay on their link: it comes back as recorded at datasets.WiFi.
//
// Hardware addresses that begin with 02:76:62 mark the side that is not the
// home, 02:76:63 a home side whose address is unknown, and two short frames of
// Ethernet type 0x88b6 the start and the end of observing: capture.Read needs
// no options for such a file. A Start of zero is written as 2000-01-01 and
// marked as unknown.
//
// A trace that breaks its contract or whose times a pcap file cannot hold is an
// error before anything is written. A packet that no such frame can hold is one
// when its turn comes: with more or fewer header bytes than the protocols allow,
// or in a frame above 65,549 bytes.
func Capture(w io.Writer, t datasets.Trace) error { return CaptureAt(w, t, datasets.LAN) }

// CaptureAt is Capture for a trace that was recorded elsewhere than in the local
// network: a third frame says where, for what a defense left of it, a tunnel say, does
// not tell it any more.
func CaptureAt(w io.Writer, t datasets.Trace, recorded datasets.Vantage) error {
	if err := t.Check(); err != nil {
		return err
	}
	start, startText := t.Start, header.MarkStart
	if start.IsZero() {
		start, startText = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), header.MarkStartNoClock
	}

	// The header of a record has 32 bits for the second.
	if s, e := start.Unix(), start.Add(t.End).Unix(); s < 0 || e > 1<<32-1 {
		return fmt.Errorf("a pcap file holds times from 1970 to 2106, not %v to %v", start, start.Add(t.End))
	}

	bw := bufio.NewWriterSize(w, 1<<20)
	wr := &writer{t: t, start: start, pcap: pcapgo.NewWriterNanos(bw), plan: planNames(t)}
	if err := wr.pcap.WriteFileHeader(header.MaxFrame, layers.LinkTypeEthernet); err != nil {
		return err
	}
	if err := wr.makeFlows(); err != nil {
		return err
	}

	if err := wr.writeMarker(0, startText); err != nil {
		return err
	}
	if recorded != datasets.LAN {
		if err := wr.writeMarker(0, header.MarkRecorded+string(recorded)); err != nil {
			return err
		}
	}
	for i := range t.Packets {
		if err := wr.writePacket(i); err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
	}
	if err := wr.writeMarker(t.End, header.MarkEnd); err != nil {
		return err
	}
	return bw.Flush()
}

// writer is the state of one Capture.
type writer struct {
	t     datasets.Trace
	start time.Time
	pcap  *pcapgo.Writer
	plan  plan
	flows []wireFlow // as t.Flows
	buf   []byte     // the frame written last, whose memory the next one takes
}

// wireFlow is a flow as it is written.
type wireFlow struct {
	proto     uint8
	addr      [2]netip.AddrPort // by the direction it sends: Up is the home side
	mac       [2]uint64
	conn      *conn
	fragments bool // ports are unknown: everything is a later fragment
	opaque    bool // not IP
	peer      uint64
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

func (w *writer) makeFlows() error {
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

		// Sequence numbers begin at a hash of the addresses: different from
		// connection to connection, and yet of the trace alone.
		k := id{wf.proto, wf.addr[0], wf.addr[1]}
		if conns[k] == nil {
			h := hashText(k.a.String(), k.b.String())
			conns[k] = &conn{seq: [2]uint32{uint32(h), uint32(h >> 32)}}
		}
		wf.conn = conns[k]
		w.flows = append(w.flows, wf)
	}
	return nil
}

func hashText(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		io.WriteString(h, p)
	}
	return h.Sum64()
}

// newWireFlow gives f, the trace's flow i, all that its frames need.
func newWireFlow(i int, f datasets.Flow) (wireFlow, error) {
	// The far side is named by its hardware address whatever the IP addresses,
	// for a reader knows the home by nothing else.
	wf := wireFlow{proto: f.Proto, addr: [2]netip.AddrPort{f.Local, f.Remote}}
	wf.mac[0] = header.MAC48(f.MAC[:])
	if f.MAC == (datasets.MAC{}) {
		wf.mac[0] = header.NearPrefix<<24 | hashText(f.Local.Addr().String())&0xffffff
	}
	wf.mac[1] = header.FarPrefix<<24 | 1
	if f.LAN {
		wf.mac[1] = header.FarPrefix<<24 | 1<<16 | hashText(f.Remote.Addr().String())&0xffff
	}
	if f.Radio() {
		wf.peer = header.MAC48(f.Peer[:])
		wf.mac[1] = header.FarPrefix<<24 | 1<<16 | hashText(f.Peer.String())&0xffff
	}
	// IPv4 has a protocol 0 too, whose packets have addresses.
	if f.Proto == 0 && !f.Local.Addr().Is4() && !f.Remote.Addr().Is4() {
		wf.opaque = true
		return wf, nil
	}

	made := [2]netip.Addr{ // 10.118/16 for homes, 198.18/15 (RFC 2544) for the rest
		netip.AddrFrom4([4]byte{10, 118, byte(i >> 8), byte(i)}),
		netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}),
	}
	for d := range wf.addr {
		if !wf.addr[d].Addr().IsValid() {
			if i > 0xffff {
				return wf, errors.New("more than 65,536 flows without addresses")
			}
			wf.addr[d] = netip.AddrPortFrom(made[d], wf.addr[d].Port())
		}
	}

	// Known addresses without ports are those of fragments. Where an observer
	// saw neither (802.11), ports are made up as the addresses are.
	if f.Local.Port() == 0 && f.Remote.Port() == 0 && (f.Proto == header.TCP || f.Proto == header.UDP) {
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

// writeMarker writes a frame that says what happened at the time given. It is
// filled to the least length that Ethernet has.
func (w *writer) writeMarker(at time.Duration, text string) error {
	b := appendEthernet(w.buf[:0], 0xffffffffffff, header.FarPrefix<<24|2, header.EtherMarker)
	b = append(b, text...)
	for len(b) < 60 {
		b = append(b, 0)
	}
	return w.writeRecord(at, b)
}

func appendEthernet(b []byte, dst, src uint64, typ uint16) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(dst>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(dst))
	b = binary.BigEndian.AppendUint16(b, uint16(src>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(src))
	return binary.BigEndian.AppendUint16(b, typ)
}

func (w *writer) writeRecord(at time.Duration, b []byte) error {
	w.buf = b
	ci := gopacket.CaptureInfo{Timestamp: w.start.Add(at), CaptureLength: len(b), Length: len(b)}
	return w.pcap.WritePacket(ci, b)
}
