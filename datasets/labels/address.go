package labels

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"veilbench/datasets"
)

// setAddress reads an address in any of the forms of ParseAddress.
func (o *owner) setAddress(s string) (err error) {
	o.mac, o.addr, o.short, err = ParseAddress(s)
	return err
}

// ParseAddress reads a hardware address in any usual spelling, an IP address, or a
// short address of 802.15.4 such as 0x1a2b, of whatever network, which is at the end
// of mac. Of mac and ip one is set.
func ParseAddress(s string) (mac datasets.MAC, ip netip.Addr, short bool, err error) {
	// Eight groups of two digits are IPv6 by the book, but nobody writes it so:
	// it is the long address of an 802.15.4 station.
	if m, ok := parseMAC(s); ok {
		return m, ip, false, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return mac, a.Unmap().WithZone(""), false, nil
	}
	if hexa, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok && len(hexa) <= 4 {
		if n, err := strconv.ParseUint(hexa, 16, 16); err == nil {
			return datasets.MAC{4: byte(n >> 8), 5: byte(n)}, ip, true, nil
		}
	}
	return mac, ip, false, fmt.Errorf("%q is neither a hardware nor an IP address", s)
}

// parseMAC reads a hardware address: six groups of one or two digits, as arp -a
// of BSD and macOS writes them, with colons or hyphens; three groups of four
// with points; or twelve digits. Of an address of eight groups the first and the
// last three stay, as the reader of captures has it.
func parseMAC(s string) (m datasets.MAC, ok bool) {
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '-' || r == '.' })
	digits := ""
	switch {
	case strings.Contains(s, "::"):
		return m, false
	case len(groups) == 1 && (len(s) == 12 || len(s) == 16):
		digits = s
	case len(groups) == 1 && len(s) == 18:
		digits = strings.TrimPrefix(strings.ToLower(s), "0x")
	case (len(groups) == 3 || len(groups) == 4 && !strings.ContainsAny(s, ":-")) && len(groups[0]) == 4:
		digits = strings.Join(groups, "")
	case len(groups) == 6 || len(groups) == 8:
		for _, g := range groups {
			// With fewer digits eight groups are IPv6.
			if len(g) > 2 || len(groups) == 8 && len(g) != 2 {
				return m, false
			}
			digits += strings.Repeat("0", 2-len(g)) + g
		}
	}

	b, err := hex.DecodeString(digits)
	switch {
	case err != nil:
	case len(b) == 6:
		return datasets.MAC(b), true
	case len(b) == 8:
		return datasets.MAC(append(b[:3:3], b[5:]...)), true
	}
	return m, false
}
