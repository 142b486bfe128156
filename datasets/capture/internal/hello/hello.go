// Package hello finds the names of servers in what clients send first: TLS and
// DTLS hellos, HTTP requests, and the Initial packets of QUIC (quic.go).
package hello

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"veilbench/datasets/capture/internal/header"
)

// Stream finds a name at the beginning of what a client sends over TCP, in a TLS
// hello or an HTTP request. more means that p ends before the place where a name
// would be; "" without more, that there is none.
func Stream(p []byte) (name string, more bool) {
	if isRequest(p) {
		return httpHost(p)
	}
	return serverName(p)
}

// Begins says whether p may be the beginning of what Stream looks into.
func Begins(p []byte) bool {
	// A record of type 22 (handshake) that begins with a message of type 1
	// (ClientHello).
	return len(p) >= 6 && p[0] == 22 && p[5] == 1 || isRequest(p)
}

// isRequest says whether p begins with a method of HTTP, which is in capital
// letters, and a space.
func isRequest(p []byte) bool {
	if len(p) == 0 || p[0] < 'A' || p[0] > 'Z' {
		return false
	}
	method, _, ok := bytes.Cut(p[:min(len(p), 12)], []byte(" "))
	if !ok {
		return false
	}
	switch string(method) {
	case "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "SUBSCRIBE", "NOTIFY", "PROPFIND":
		return true
	}
	return false
}

// httpHost reads the Host field of an HTTP request (RFC 9110, section 7.2),
// without its port. A host that is an address is no name.
func httpHost(p []byte) (name string, more bool) {
	for i := 0; ; i++ {
		line, rest, ok := bytes.Cut(p, []byte("\n"))
		if !ok {
			return "", true
		}
		if p = rest; i == 0 {
			if !bytes.Contains(line, []byte(" HTTP/")) {
				return "", false
			}
			continue
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return "", false
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		if !strings.EqualFold(string(field), "host") {
			continue
		}

		host := strings.TrimSpace(string(value))
		if h, port, ok := strings.Cut(host, ":"); ok && !strings.Contains(port, ":") {
			host = h
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || strings.HasPrefix(host, "[") {
			return "", false
		}
		return header.HostName(host), false
	}
}

// Datagram finds a name in a DTLS hello that is in one piece (RFC 6347, sections
// 4.1 and 4.2), "" if p is none.
func Datagram(p []byte) string {
	const record, message = 13, 12
	if len(p) < record+message || p[0] != 22 || p[1] != 0xfe || p[record] != 1 {
		return ""
	}
	b := skipBytes(p[record+message:], 2+32) // version, random
	b = skipVector(skipVector(b, 1), 1)      // session ID, and the cookie that TLS has not
	return extensionName(skipVector(skipVector(b, 2), 1))
}

// serverName finds the server name in the TLS records in p.
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
	return messageName(hello)
}

// messageName finds the server name in a handshake message.
func messageName(hello []byte) (name string, more bool) {
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
	return extensionName(b)
}

// extensionName looks through the extensions of a hello.
func extensionName(b []byte) string {
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
