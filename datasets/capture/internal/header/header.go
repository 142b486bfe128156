// Package header holds what reading and writing captures must agree on: the
// numbers of link and IP headers, what may be a host's name, and the signs by
// which a written capture says what frames cannot (marks.go).
package header

import (
	"encoding/binary"
	"strings"
)

// MaxFrame is the largest record of a capture file, in bytes, as in libpcap and
// Wireshark.
const MaxFrame = 262144

// IP protocol numbers that are decoded further than by their length.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ESP    = 50
	ICMPv6 = 58
)

// Ethernet types of IP.
const (
	EtherIPv4 = 0x0800
	EtherIPv6 = 0x86dd
)

// MAC48 is the hardware address in the first six bytes of b, in the low 48
// bits.
func MAC48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// HostName is s in lower case, or "" if s cannot be a host name: no control
// character may reach a terminal.
func HostName(s string) string {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return strings.ToLower(s)
}
