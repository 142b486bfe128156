// Package shaping holds what several families of defenses need to build the
// traffic that leaves: pieces of originals and dummy packets put in order of
// time with their account (Assembly, Insert), the streams that a defense keeps
// apart (Streams), what padding may touch (Padder), events cut out of
// recordings (Events), and the sizes of headers.
package shaping

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// Header lengths and limits at the IP layer, in bytes.
const (
	MTU         = defenses.MaxFrame - datasets.EthernetHeader // largest IP packet
	IP4Header   = 20
	UDPHeader   = 8
	UDP4Headers = IP4Header + UDPHeader
	TCP4Headers = IP4Header + 20
)

// IP protocol numbers.
const (
	TCP = 6
	UDP = 17
)

// Never is later than any trace ends, and far enough from overflow that times
// may be added to it.
const Never = time.Duration(1 << 61)

// FarEnd is the address where tunnels and shaped streams end, from the block
// that RFC 5737 keeps for documentation. It is the same for every home, so it
// says nothing about one.
func FarEnd() netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, 1}) }

// GatewayEnd is the gateway's own address inside the home, the same for every
// home.
func GatewayEnd() netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 0, 1}) }

// address4 is a device's address at the end of a tunnel over IPv4: its own or,
// where its first flow, f, is of IPv6, one made of its hardware address, so that no
// two devices share it.
func address4(f datasets.Flow) netip.Addr {
	if f.Local.Addr().Is6() {
		return netip.AddrFrom4([4]byte{10, f.MAC[3], f.MAC[4], f.MAC[5]})
	}
	return f.Local.Addr()
}

// AppendFlows returns the flows of in with more behind them. in's slice is not
// written to, even when it has room.
func AppendFlows(in datasets.Trace, more ...datasets.Flow) []datasets.Flow {
	return append(slices.Clip(in.Flows), more...)
}

// VariantID is the ID that d had when each of its presets was a value of a
// parameter "variant" and a parameter of 0 took the variant's value; a
// DrawID that returns it keeps the draws of then. usual are d's defaults, which
// were the variant called home. keys are the parameters that a variant set.
// What d has beyond its nearest preset counts as set by hand.
func VariantID(d, usual defenses.Defense, home string, keys ...string) string {
	name := d.Info().Name
	near := defenses.Nearest(usual, d)
	variant := home
	if near.Name != name {
		variant = strings.TrimPrefix(near.Name, name+"-")
	}

	// The settings by name, in the order of params.ID: sorted by key.
	set := []string{"variant=" + variant}
	preset := params.List(near.Defense)
	for i, p := range params.List(d) {
		if slices.Contains(keys, p.Key) && p.Value == preset[i].Value {
			p.Value = "0"
		}
		set = append(set, p.Key+"="+p.Value)
	}
	slices.Sort(set)
	return name + ":" + strings.Join(set, ",")
}
