package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"veilbench/datasets/capture/internal/header"
	"veilbench/datasets/capture/internal/hello"
	"veilbench/datasets/sheet"
)

// answer is a name that a DNS answer gave an address, valid from a packet on.
type answer struct {
	packet int
	name   string
}

// asked is an address as told to one client; client is the zero Addr for what
// anyone was told.
type asked struct{ client, addr netip.Addr }

// nameBook holds the DNS answers of a capture. A name counts for the flows
// that begin after it, first for the client that asked; a flow older than
// every answer takes the first.
type nameBook map[asked][]answer

// add notes that packet told client that name has address addr.
func (n nameBook) add(client, addr netip.Addr, name string, packet int) {
	for _, k := range []asked{{client, addr}, {addr: addr}} {
		as := n[k]
		if len(as) == 0 || as[len(as)-1].name != name {
			n[k] = append(as, answer{packet, name})
		}
	}
}

// nameOf is the name by which client knew addr when packet was sent, "" if no
// answer in the capture has the address.
func (n nameBook) nameOf(client, addr netip.Addr, packet int) string {
	as := n[asked{client, addr}]
	if len(as) == 0 {
		as = n[asked{addr: addr}]
	}
	if len(as) == 0 {
		return ""
	}

	name := as[0].name
	for _, a := range as[1:] {
		if a.packet < packet {
			name = a.name
		}
	}
	return name
}

// learnNames looks for names in the captured payload of a packet of
// conversation ci.
func (b *builder) learnNames(f *frame, ci int32) {
	switch {
	case f.fragment == 2:
	case f.proto == header.UDP && f.srcPort == 53:
		b.learnDNS(f, f.app)
	case f.proto == header.UDP && f.dstPort == 53:
		b.countQuery(f, f.app)
	case b.convs[ci].host != "":
	case f.proto == header.TCP:
		b.learnStream(f, ci)
	case f.proto == header.UDP && hello.Long(f.app):
		b.learnQUIC(f, ci)
	case f.proto == header.UDP && f.app[0] == 22:
		b.convs[ci].host = hello.Datagram(f.app)
	}
}

// learnDNS takes the addresses of a DNS answer.
func (b *builder) learnDNS(f *frame, message []byte) {
	// Without an answer there is nothing to learn, and no need to decode.
	if len(message) < 12 || binary.BigEndian.Uint16(message[6:]) == 0 {
		return
	}
	d, ok := decodeDNS(message)
	if !ok || !d.QR || len(d.Answers) == 0 {
		return
	}

	// An answer lists CNAMEs in any order, so the chain is walked back from the
	// address to the name that was asked for, which flows are known by.
	_, client := f.addrs()
	alias := map[string]string{} // canonical name to the name before it
	for _, a := range d.Answers {
		if a.Type == layers.DNSTypeCNAME {
			alias[strings.ToLower(string(a.CNAME))] = strings.ToLower(string(a.Name))
		}
	}

	for _, a := range d.Answers {
		addr, ok := netip.AddrFromSlice(a.IP)
		if !ok || a.Type != layers.DNSTypeA && a.Type != layers.DNSTypeAAAA {
			continue
		}
		name := strings.ToLower(string(a.Name))
		for range len(d.Answers) { // bounded: a chain may be a circle
			before, ok := alias[name]
			if !ok {
				break
			}
			name = before
		}
		if name != "" {
			b.names.add(client.Addr(), addr.Unmap(), name, b.n)
		}
	}
}

// maxQueries bounds how many names of how many clients are counted.
const maxQueries = 1 << 14

// countQuery counts a look-up under its client and the first name that it asks for,
// which is the only one in practice.
func (b *builder) countQuery(f *frame, message []byte) {
	d, ok := decodeDNS(message)
	if !ok || d.QR || len(d.Questions) == 0 {
		return
	}
	client, _ := f.addrs()
	q := Query{Client: client.Addr().String(), Name: header.HostName(string(d.Questions[0].Name))}
	if _, old := b.queries[q]; q.Name != "" && (old || len(b.queries) < maxQueries) {
		b.queries[q]++
	}
}

// sortedQueries lists what was looked up, by client and name.
func (b *builder) sortedQueries() []Query {
	var out []Query
	for q, n := range b.queries { // sorted below
		q.Count = n
		out = append(out, q)
	}
	slices.SortFunc(out, func(p, q Query) int {
		return cmp.Or(strings.Compare(p.Client, q.Client), strings.Compare(p.Name, q.Name))
	})
	return out
}

// decodeDNS decodes with gopacket, whose decoder may panic on hostile input.
func decodeDNS(p []byte) (d layers.DNS, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return d, d.DecodeFromBytes(p, gopacket.NilDecodeFeedback) == nil
}

const (
	// maxHello bounds what is kept of a client's first words that span packets,
	// maxHellos how many of those are waited for at a time, and maxAhead how many
	// segments that came too early are kept of each.
	maxHello  = 16 << 10
	maxHellos = 256
	maxAhead  = 8
)

// streamPart is the beginning of a TLS hello or HTTP request that spans packets,
// or what is there of a DNS message over TCP.
type streamPart struct {
	key   key // of the direction it comes from
	data  []byte
	next  uint32 // sequence number behind data
	ahead map[uint32][]byte
	dns   bool // what a name server sends
}

// take puts the payload of f behind what is there. A segment that was sent
// again adds nothing, one that came too early waits. It reports false where the
// bytes will never join: behind a snapped packet, or when too much is missing.
func (s *streamPart) take(f *frame) bool {
	seq, app := f.seq, f.app
	for {
		switch d := int32(seq - s.next); {
		case d > 0 && len(s.ahead) >= maxAhead:
			return false
		case d > 0:
			if s.ahead == nil {
				s.ahead = map[uint32][]byte{}
			}
			s.ahead[seq] = bytes.Clone(app)
		case -int(d) < len(app):
			s.data = append(s.data, app[-d:]...)
			s.next = seq + uint32(len(app))
		}
		if len(f.app) != int(f.payload) {
			return false
		}

		// What waited may follow now.
		found := false
		for _, at := range slices.Sorted(maps.Keys(s.ahead)) {
			if int32(at-s.next) <= 0 {
				seq, app, found = at, s.ahead[at], true
				delete(s.ahead, at)
				break
			}
		}
		if !found {
			return len(s.data) < maxHello
		}
	}
}

// learnStream looks for a server name in what a client sends first over TCP, and
// for answers in what a name server sends.
func (b *builder) learnStream(f *frame, ci int32) {
	// A client may have port 53, too: a hello or request is one from any port. A
	// DNS message that begins like one would be of 5 kB and more.
	greets := hello.Begins(f.app)
	if len(b.parts) == 0 && f.srcPort != 53 && !greets {
		return // as nearly always
	}
	part := b.parts[ci]
	switch {
	case part == nil && f.srcPort != 53 && !greets:
		return
	case part != nil && f.key != part.key:
		return
	case part == nil:
		part = &streamPart{key: f.key, next: f.seq, dns: !greets}
	}

	// A name server's stream goes on with answers to the end; a client names the
	// server once, and then is not listened to any more.
	whole := part.take(f)
	more := true
	if part.dns {
		b.learnMessages(f, part)
	} else {
		var name string
		if name, more = hello.Stream(part.data); name != "" {
			b.convs[ci].host, more = name, false
		}
	}
	delete(b.parts, ci)
	if more && whole && len(b.parts) < maxHellos {
		b.parts[ci] = part
	}
}

// learnMessages takes the DNS messages that are complete off a stream, each
// behind its length (RFC 7766, section 8).
func (b *builder) learnMessages(f *frame, part *streamPart) {
	for p := part.data; len(p) >= 2; p = part.data {
		n := int(binary.BigEndian.Uint16(p))
		if len(p) < 2+n {
			return
		}
		b.learnDNS(f, p[2:2+n])
		part.data = p[2+n:]
	}
}

// learnQUIC looks for a server name in the first packets of a QUIC client.
func (b *builder) learnQUIC(f *frame, ci int32) {
	q := b.quic[ci]
	if q == nil {
		if len(b.quic) >= maxHellos {
			clear(b.quic) // those that wait longest are not known: begin anew
		}
		q = &hello.QUIC{}
		b.quic[ci] = q
	}
	name, more := q.Add(f.app)
	if name != "" {
		b.convs[ci].host = name
	}
	if !more {
		delete(b.quic, ci)
	}
}

// readNamesFile reads lines "address,name"; # begins a comment, and a first
// line "address,name" is a header. An empty path is an empty file.
func readNamesFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readNames(f, filepath.Base(path))
}

// readNames is readNamesFile of an open file. Errors name file and line.
func readNames(r io.Reader, file string) (map[string]string, error) {
	table, err := sheet.Read(r, file)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i, row := range table.Rows {
		if i == 0 && strings.EqualFold(row.Cells[0], "address") {
			continue
		}
		if len(row.Cells) < 2 || slices.ContainsFunc(row.Cells[2:], func(s string) bool { return s != "" }) {
			return nil, fmt.Errorf("%s:%d: %d cells; want address,name", file, row.Line, len(row.Cells))
		}

		// Addresses are keys in the form in which flows print them: a file may
		// write IPv4 inside IPv6, or IPv6 with zeros.
		a, err := netip.ParseAddr(row.Cells[0])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is no address; want address,name", file, row.Line, row.Cells[0])
		}
		if header.HostName(row.Cells[1]) == "" {
			return nil, fmt.Errorf("%s:%d: %q is no host name", file, row.Line, row.Cells[1])
		}
		names[a.Unmap().String()] = strings.ToLower(row.Cells[1])
	}
	return names, nil
}
