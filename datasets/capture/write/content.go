package write

import (
	"encoding/binary"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// appendPayload appends the payload of packet i in the form its port suggests,
// so that dissectors find what they expect.
func (w *writer) appendPayload(b []byte, i int, f *wireFlow) []byte {
	p := w.t.Packets[i]
	n := int(p.Payload)
	if n == 0 {
		return b
	}
	if host, ok := w.plan.hello[int32(i)]; ok {
		return appendHello(b, n, host)
	}

	// The service is the far side's port, whoever sends. A later fragment shows
	// no ports, and its content no protocol.
	c := f.conn
	c.count[p.Dir]++
	count := c.count[p.Dir]
	port := f.addr[datasets.Down].Port()
	switch {
	case f.fragments:
	case f.proto == header.TCP && port == 1883:
		return appendMQTT(b, n, count)
	case f.proto == header.TCP:
		return c.stream[p.Dir].appendRecords(b, n)
	case f.proto == header.UDP && (port == 53 || port == 5353 || port == 5355):
		return w.appendDNS(b, i, c)
	case f.proto == header.UDP:
		return appendDatagram(b, n, port, p.Dir, count)
	case f.proto == header.ICMP:
		return appendEcho(b, n, [2]byte{8, 0}[p.Dir], count)
	case f.proto == header.ICMPv6:
		return appendEcho(b, n, 128+byte(p.Dir), count)
	case f.proto == header.ESP:
		return appendESP(b, n, p.Dir, count)
	}
	return appendNoise(b, n, count)
}

// appendNoise appends n bytes that look encrypted: a sequence of seed alone
// (xorshift, Marsaglia 2003) behind four bytes that no common dissector takes
// for its own.
func appendNoise(b []byte, n int, seed uint32) []byte {
	x := seed*2654435761 + 0x9e3779b9
	for k := range n {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		v := byte(x)
		if k < 4 {
			v = 0xd7
		}
		b = append(b, v)
	}
	return b
}

// appendEcho makes an ICMP or ICMPv6 echo of type typ.
func appendEcho(b []byte, n int, typ byte, count uint32) []byte {
	return appendHead(b, n, []byte{typ, 0, 0, 0, 0x76, 0x62, byte(count >> 8), byte(count)}, count)
}

// appendHead appends head and noise, n bytes in all.
func appendHead(b []byte, n int, head []byte, count uint32) []byte {
	head = head[:min(n, len(head))]
	return appendNoise(append(b, head...), n-len(head), count)
}

// appendESP makes an IPsec ESP packet (RFC 4303).
func appendESP(b []byte, n int, d datasets.Dir, count uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte{0xc0, 0xff, 0xee, byte(d)}, count)
	return appendHead(b, n, head, count)
}

// appendMQTT makes an MQTT PUBLISH message, or a ping where there is no room.
func appendMQTT(b []byte, n int, count uint32) []byte {
	for size := n - 2; size >= 3; size-- {
		head := append([]byte{0x30}, binary.AppendUvarint(nil, uint64(size))...)
		if len(head)+size == n {
			return appendHead(b, n, append(head, 0, 1, 't'), count)
		}
	}
	return append(b, []byte{0xc0, 0, 0xc0, 0}[:n]...)
}

// tlsStream keeps TLS record framing across the packets of a direction,
// whatever their sizes: a record may end, and a header be cut, anywhere.
type tlsStream struct {
	head int // bytes of a record header that are out already, 0 to 4
	left int // bytes of the current record still to come
}

// appendRecords appends the next n bytes of the stream.
func (s *tlsStream) appendRecords(b []byte, n int) []byte {
	for n > 0 {
		if s.left > 0 {
			k := min(n, s.left)
			b = appendNoise(b, k, uint32(len(b)))
			s.left -= k
			n -= k
			continue
		}

		// The length goes out with the last two bytes, so it must be known
		// by the first of them: what remains of this packet after the
		// header, or one byte of the next.
		size := max(1, min(n-(5-s.head), 16384))
		head := [5]byte{23, 3, 3, byte(size >> 8), byte(size)}
		if s.head == 4 {
			// The upper byte said 0; so does this record's.
			size = min(size, 255)
			head[4] = byte(size)
		} else if n < 5-s.head {
			head[3], head[4] = 0, 1
		}

		k := min(n, 5-s.head)
		b = append(b, head[s.head:s.head+k]...)
		s.head += k
		n -= k
		if s.head == 5 {
			s.head, s.left = 0, size
		}
	}
	return b
}

// helloSize is the least size of a ClientHello record with a server name, in
// bytes: record header, message header, version, random, empty session ID, one
// cipher suite, no compression, length of extensions, and server_name.
func helloSize(host string) int { return 5 + 4 + 2 + 32 + 1 + 4 + 2 + 2 + 9 + len(host) }

// appendHello appends a TLS 1.2 ClientHello of exactly n bytes: the session ID
// takes up to 3 bytes, a padding extension (RFC 7685) the others.
func appendHello(b []byte, n int, host string) []byte {
	extra := n - helloSize(host)
	session, pad := extra, -1
	if extra > 3 {
		session, pad = 0, extra-4
	}

	// The record's version is 1.0, as clients send it (RFC 8446, section 5.1).
	u16 := binary.BigEndian.AppendUint16
	b = append(b, 22, 3, 1)
	b = u16(b, uint16(n-5))
	b = append(b, 1, 0)
	b = u16(b, uint16(n-9))
	b = append(b, 3, 3)
	b = appendNoise(b, 32, uint32(n))
	b = append(b, byte(session))
	b = appendNoise(b, session, 1)
	b = append(b, 0, 2, 0x13, 0x01, 1, 0) // TLS_AES_128_GCM_SHA256, no compression

	extensions := 9 + len(host)
	if pad >= 0 {
		extensions += 4 + pad
	}
	b = u16(b, uint16(extensions))

	// server_name: extension, list and name each have their length in front.
	b = u16(b, 0)
	b = u16(b, uint16(5+len(host)))
	b = u16(b, uint16(3+len(host)))
	b = append(b, 0)
	b = u16(b, uint16(len(host)))
	b = append(b, host...)

	if pad >= 0 {
		b = u16(b, 21)
		b = u16(b, uint16(pad))
		b = append(b, make([]byte, pad)...)
	}
	return b
}

// appendDatagram appends a UDP payload of n bytes in the manner of its port:
// a head that dissectors accept, and noise. What is too short for the head of
// its protocol is noise alone.
func appendDatagram(b []byte, n int, port uint16, d datasets.Dir, count uint32) []byte {
	// Where a protocol has sequence numbers or IDs they count: equal ones would
	// be retransmissions to a dissector.
	var head []byte
	switch {
	case port == 443: // QUIC, short header
		head = []byte{0x40}
	case port == 67 && n >= 244: // DHCP
		head = make([]byte, n)
		copy(head, []byte{1 + byte(d), 1, 6, 0, 0x76, 0x62, 0, byte(count)})
		copy(head[28:], []byte{2, 0x76, 0x63, 0, 0, 1})
		copy(head[236:], []byte{0x63, 0x82, 0x53, 0x63, 53, 1, 3 + 2*byte(d), 255})
	case port == 123 && n >= 48: // NTP, version 4
		head = append([]byte{0x23 + byte(d)}, make([]byte, 47)...)
	case port == 500 && n >= 32: // ISAKMP, IKEv2 informational, encrypted
		head = append([]byte("veilben0veilben1"), 46, 0x20, 37, 8, 0, 0, byte(count>>8), byte(count))
		head = binary.BigEndian.AppendUint32(head, uint32(n))
		head = append(head, 0, 0, byte((n-28)>>8), byte(n-28))
	case port == 1194: // OpenVPN, P_DATA_V2
		head = binary.BigEndian.AppendUint32([]byte{0x48, 0, 0, 1}, count)
	case port == 4500 && n == 1: // NAT keepalive
		head = []byte{0xff}
	case port == 4500:
		return appendESP(b, n, d, count)
	case port == 5683 && n >= 5: // CoAP, non-confirmable POST
		head = []byte{0x50, 2, byte(count >> 8), byte(count), 0xff}
	case port == 5684 && n > 13: // DTLS 1.2 application data
		head = []byte{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, byte(count >> 8), byte(count), byte((n - 13) >> 8), byte(n - 13)}
	case port == 51820 && n >= 32: // WireGuard transport data
		head = []byte{4, 0, 0, 0, 0x76, 0x62, 0, 1, byte(count), byte(count >> 8), byte(count >> 16), 0, 0, 0, 0, 0}
	}

	return appendHead(b, n, head, count)
}
