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
)

// answer is a name that a DNS answer gave an address, valid from a packet on.
type answer struct {
	packet int
	name   string
}

// asked is an address as told to one client; client is zero for all.
type asked struct{ client, addr netip.Addr }

// nameBook holds the DNS answers of a capture. A name counts for the flows
// that begin after it, first for the client that asked; a flow older than
// every answer takes the first.
type nameBook struct{ answers map[asked][]answer }

func newNameBook() nameBook { return nameBook{map[asked][]answer{}} }

func (n nameBook) add(client, addr netip.Addr, name string, packet int) {
	for _, k := range []asked{{client, addr}, {addr: addr}} {
		as := n.answers[k]
		if len(as) == 0 || as[len(as)-1].name != name {
			n.answers[k] = append(as, answer{packet, name})
		}
	}
}

func (n nameBook) find(client, addr netip.Addr, packet int) string {
	if len(n.answers) == 0 {
		return ""
	}
	as := n.answers[asked{client, addr}]
	if len(as) == 0 {
		as = n.answers[asked{addr: addr}]
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

// learn looks for names in the captured payload of a packet of conversation
// ci.
func (b *builder) learn(f *frame, ci int32) {
	switch {
	case f.proto == protoUDP && f.srcPort == 53:
		b.learnDNS(f)
	case f.proto == protoTCP && b.convs[ci].host == "":
		b.learnHello(f, ci)
	}
}

// learnDNS takes the addresses of a DNS answer. An address behind a chain of
// CNAMEs gets the name that was asked for.
func (b *builder) learnDNS(f *frame) {
	d, ok := decodeDNS(f.app)
	if !ok || !d.QR || len(d.Answers) == 0 {
		return
	}
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
		for range len(d.Answers) {
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
	delete(b.hello, ci)
	if more && name == "" && len(part.data) < maxHello && len(b.hello) < maxHellos && len(f.app) == int(f.payload) {
		b.hello[ci] = part
	}
}

// serverName finds the server name in the TLS records in p. more means that p
// ends before the hello does.
func serverName(p []byte) (name string, more bool) {
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
// server_name extension (RFC 6066, section 3).
func helloName(b []byte) string {
	b = after(b, 34)
	for _, width := range []int{1, 2, 1} { // session ID, cipher suites, compression
		b = afterVector(b, width)
	}
	b = after(b, 2)
	for len(b) >= 4 {
		typ, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b)-4 {
			return ""
		}
		if typ == 0 && n >= 5 && b[6] == 0 {
			host := b[9 : 4+n]
			if m := int(binary.BigEndian.Uint16(b[7:])); m <= len(host) {
				return cleanName(string(host[:m]))
			}
			return ""
		}
		b = b[4+n:]
	}
	return ""
}

// cleanName refuses what cannot be a host name, so that no control character
// reaches a terminal.
func cleanName(s string) string {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return strings.ToLower(s)
}

func after(b []byte, n int) []byte { return b[min(n, len(b)):] }

// afterVector skips a vector whose length takes width bytes.
func afterVector(b []byte, width int) []byte {
	if len(b) < width {
		return nil
	}
	n := int(b[0])
	if width == 2 {
		n = n<<8 | int(b[1])
	}
	return after(b, width+n)
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
		line, _ := c.FieldPos(0)
		a, err := netip.ParseAddr(row[0])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is no address; want address,name", file, line, row[0])
		}
		if cleanName(row[1]) == "" {
			return nil, fmt.Errorf("%s:%d: %q is no host name", file, line, row[1])
		}
		names[a.Unmap().String()] = strings.ToLower(row[1])
	}
}
