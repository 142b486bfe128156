package capture

import (
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"veilbench/datasets/capture/internal/header"
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
	case f.proto == header.UDP && f.srcPort == 53:
		b.learnDNS(f)
	case f.proto == header.TCP && b.convs[ci].host == "":
		b.learnHello(f, ci)
	}
}

// learnDNS takes the addresses of a DNS answer.
func (b *builder) learnDNS(f *frame) {
	d, ok := decodeDNS(f.app)
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

// decodeDNS decodes with gopacket, whose decoder may panic on hostile input.
func decodeDNS(p []byte) (d layers.DNS, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if len(p) < 12 || binary.BigEndian.Uint16(p[6:]) == 0 {
		return d, false
	}
	return d, d.DecodeFromBytes(p, gopacket.NilDecodeFeedback) == nil
}

const (
	// maxHello bounds what is kept of a TLS hello that spans packets, and
	// maxHellos how many of those are waited for at a time.
	maxHello  = 16 << 10
	maxHellos = 256
)

// helloPart is the beginning of a TLS hello that spans packets.
type helloPart struct {
	key  key // of the direction it comes from
	data []byte
}

// learnHello looks for a server name in a TLS hello, which may span packets.
func (b *builder) learnHello(f *frame, ci int32) {
	part, waiting := b.hello[ci]
	switch {
	// A record of type 22 (handshake) that begins with a message of type 1
	// (ClientHello); later packets of the same direction go on with it.
	case !waiting && (f.app[0] != 22 || len(f.app) < 6 || f.app[5] != 1):
		return
	case waiting && f.key != part.key:
		return
	case !waiting:
		part.key = f.key
	}

	part.data = append(part.data, f.app...)
	name, more := serverName(part.data)
	if name != "" {
		b.convs[ci].host = name
	}

	// A hello is waited for only while its bytes are whole: behind a snapped
	// packet they no longer join.
	delete(b.hello, ci)
	if more && name == "" && len(part.data) < maxHello && len(b.hello) < maxHellos && len(f.app) == int(f.payload) {
		b.hello[ci] = part
	}
}

// serverName finds the server name in the TLS records in p. more means that p
// ends before the hello does.
func serverName(p []byte) (name string, more bool) {
	// A handshake message may span records: their contents are joined first.
	var hello []byte
	for len(p) >= 5 && p[0] == 22 {
		n := int(binary.BigEndian.Uint16(p[3:]))
		hello = append(hello, p[5:5+min(n, len(p)-5)]...)
		if n > len(p)-5 {
			break
		}
		p = p[5+n:]
	}

	if len(hello) < 4 || hello[0] != 1 {
		return "", len(hello) < 4
	}
	size := int(hello[1])<<16 | int(hello[2])<<8 | int(hello[3])
	more = len(hello) < 4+size
	return helloName(hello[4:min(4+size, len(hello))]), more
}

// helloName walks the body of a ClientHello (RFC 8446, section 4.1.2) to the
// server_name extension (RFC 6066, section 3). A body that ends on the way has
// no name.
func helloName(b []byte) string {
	b = skipBytes(b, 2+32)                 // version, random
	for _, width := range []int{1, 2, 1} { // session ID, cipher suites, compression
		b = skipVector(b, width)
	}
	b = skipBytes(b, 2) // length of all extensions

	for len(b) >= 4 {
		typ, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			return ""
		}

		// The extension is a list, of which the first entry is read: type 0
		// (host name), two bytes of length, the name.
		if typ == 0 && n >= 5 && b[6] == 0 {
			host := b[9 : 4+n]
			if m := int(binary.BigEndian.Uint16(b[7:])); m <= len(host) {
				return header.HostName(string(host[:m]))
			}
			return ""
		}
		b = b[4+n:]
	}
	return ""
}

func skipBytes(b []byte, n int) []byte { return b[min(n, len(b)):] }

// skipVector skips a vector whose length takes width bytes.
func skipVector(b []byte, width int) []byte {
	if len(b) < width {
		return nil
	}
	n := int(b[0])
	if width == 2 {
		n = n<<8 | int(b[1])
	}
	return skipBytes(b, width+n)
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
	c := csv.NewReader(r)
	c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace = '#', 2, true
	names := map[string]string{}
	for first := true; ; first = false {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if first && row[0] == "address" {
			continue
		}

		// Addresses are keys in the form in which flows print them: a file may
		// write IPv4 inside IPv6, or IPv6 with zeros.
		line, _ := c.FieldPos(0)
		a, err := netip.ParseAddr(row[0])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is no address; want address,name", file, line, row[0])
		}
		if header.HostName(row[1]) == "" {
			return nil, fmt.Errorf("%s:%d: %q is no host name", file, line, row[1])
		}
		names[a.Unmap().String()] = strings.ToLower(row[1])
	}
}
