// Package names hides what traffic says in clear about whom it is for.
package names

import (
	"math/rand/v2"
	"net/netip"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Hide encrypts name lookups and the server's name in the hello of TLS:
// no flow shows a host name any more. Plain DNS over UDP moves to one DNS over
// TLS connection (RFC 7858) to a resolver, its messages padded to multiples of
// 128 bytes up and 468 down (RFC 8467) plus 24 of TLS record and length.
// Simplifications: the connection is open when the trace starts, its pure ACKs
// are not made, and the hello's size stays.
type Hide struct {
	Pad bool `help:"pad encrypted lookups as RFC 8467 recommends"`
}

var _ defenses.Defense = Hide{}

// Info names the RFCs: DNS over TLS, its padding, and the encrypted hello.
func (Hide) Info() defenses.Info {
	return defenses.Info{
		Name: "hide-names", Doc: "encrypted DNS and hello: no host names",
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.Cloud}, Names: true, Cite: "RFC 7858, RFC 8467, RFC 9849", Works: cite.Of("rfc7858", "rfc8467", "rfc9849"),
	}
}

const (
	portDNS   = 53
	portDoT   = 853
	dotRecord = 24 // TLS record 5, content type 1, tag 16; length of DNS over TCP 2
)

// Apply blanks the host of every flow and moves DNS messages to one new flow to
// the resolver, with other sizes. All packets keep their times.
func (d Hide) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := defenses.Defended{Trace: in}
	resolver := int32(len(in.Flows))
	flows := shaping.AppendFlows(in, datasets.Flow{
		Proto: shaping.TCP,
		Local: netip.AddrPortFrom(shaping.GatewayEnd(), 50853), Remote: netip.AddrPortFrom(shaping.FarEnd(), portDoT),
	})

	lookup := make([]bool, len(in.Flows))
	for i := range in.Flows {
		f := &flows[i]
		f.Host, f.Query = "", ""
		lookup[i] = f.Proto == shaping.UDP && f.Remote.Port() == portDNS && !f.LAN
	}

	// A nil account does: each message is still one packet in its place, and its
	// bytes are all there.
	out.Trace.Flows = flows
	out.Trace.Packets = make([]datasets.Packet, len(in.Packets))
	for i, p := range in.Packets {
		if lookup[p.Flow] {
			p.Flow = resolver
			p.Payload = d.message(p.Payload, p.Dir)
			p.Size = datasets.EthernetHeader + shaping.TCP4Headers + p.Payload
		}
		out.Trace.Packets[i] = p
	}
	return out, nil
}

// message is the TCP payload of a DNS message of n bytes: no shorter than the
// message, and within a frame if the message leaves room for that.
func (d Hide) message(n int32, dir datasets.Dir) int32 {
	padded := n
	if d.Pad {
		block := int32(128)
		if dir == datasets.Down {
			block = 468
		}
		padded = (n + block - 1) / block * block
	}
	most := int32(shaping.MTU - shaping.TCP4Headers)
	return max(n, min(padded+dotRecord, most))
}
