package write

import (
	"encoding/binary"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// dnsName is a name of exactly n bytes on the wire (n >= 1, n != 2), of labels
// as long as they may be.
func dnsName(n int) []byte {
	b := make([]byte, 0, n)
	for left := n - 1; left > 0; {
		k := min(left-1, 63)
		if left-1-k == 1 { // a label needs a byte of its own
			k--
		}
		b = append(b, byte(k))
		b = append(b, strings.Repeat("x", k)...)
		left -= k + 1
	}
	return append(b, 0)
}

// wireName encodes a host name.
func wireName(host string) []byte {
	var b []byte
	for _, label := range strings.Split(host, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

// validName says whether host can stand in a DNS message.
func validName(host string) bool {
	if len(host) == 0 || len(host) > 253 || header.HostName(host) != host {
		return false
	}
	for _, label := range strings.Split(host, ".") {
		if len(label) == 0 || len(label) > 63 || strings.Contains(label, "\\") {
			return false
		}
	}
	return true
}

// appendDNS appends a query (Up) or an answer (Down).
func (w *writer) appendDNS(b []byte, i int, c *conn) []byte {
	p := w.t.Packets[i]
	n := int(p.Payload)
	if n < 17 {
		return appendNoise(b, n, 1)
	}

	// A name of the plan, else one that fills a part of the message. A name of
	// two bytes does not exist: a label and the root take three.
	a, planned := w.plan.answer[int32(i)]
	name := dnsName(min(n-16, 100))
	if n-16 == 2 {
		name = dnsName(1)
	}
	if planned {
		name = wireName(a.host)
	} else if host := w.plan.query[int32(i)]; host != "" {
		name = wireName(host)
	}

	// An answer has the ID of the query before it.
	flags := uint16(0x0100)
	if p.Dir == datasets.Down {
		flags = 0x8180
	} else {
		c.dns++
	}
	return appendMessage(b, n, message{id: c.dns, flags: flags, name: name, a: a})
}

// message is a DNS message to be written.
type message struct {
	id, flags uint16
	name      []byte
	a         namedAddr
}

// appendMessage writes m in exactly n bytes: question, answer, and an EDNS
// record (RFC 6891) with padding (RFC 7830) for what is left. Fewer than 11
// bytes left, or 12 to 14, follow the message as they are.
func appendMessage(b []byte, n int, m message) []byte {
	end := len(b) + n
	u16 := binary.BigEndian.AppendUint16

	// The counts in the header depend on what there is room for.
	answers, extra := uint16(0), uint16(0)
	left := n - 12 - len(m.name) - 4
	if m.a.addr.IsValid() {
		answers = 1
		left -= 12 + m.a.addr.BitLen()/8
	}
	if left >= 11 {
		extra = 1
	}
	for _, v := range []uint16{m.id, m.flags, 1, answers, 0, extra} {
		b = u16(b, v)
	}

	typ := uint16(1) // A
	if m.a.addr.Is6() {
		typ = 28 // AAAA
	}
	b = append(b, m.name...)
	b = u16(u16(b, typ), 1)
	if answers == 1 {
		b = u16(u16(u16(b, 0xc00c), typ), 1) // the name is at byte 12
		b = binary.BigEndian.AppendUint32(b, 60)
		b = u16(b, uint16(m.a.addr.BitLen()/8))
		b = append(b, m.a.addr.AsSlice()...)
	}

	// An EDNS record takes 11 bytes, and its padding option 4 before the first
	// one of padding: with fewer than 15 there is a record without option.
	if extra == 1 {
		pad := left - 15
		b = append(b, 0, 0, 41, 0x10, 0, 0, 0, 0, 0)
		if pad >= 0 {
			b = u16(u16(u16(b, uint16(4+pad)), 12), uint16(pad))
			b = append(b, make([]byte, pad)...)
		} else {
			b = u16(b, 0)
		}
	}

	for len(b) < end {
		b = append(b, 0)
	}
	return b
}
