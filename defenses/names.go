package defenses

import (
	"math/rand/v2"
	"net/netip"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// HideNames encrypts name lookups and the server's name in the hello of TLS:
// no flow shows a host name any more. Plain DNS over UDP moves to one DNS over
// TLS connection (RFC 7858) to a resolver, its messages padded to multiples of
// 128 bytes up and 468 down (RFC 8467) plus 24 of TLS record and length.
// Simplifications: the connection is open when the trace starts, its pure ACKs
// are not made, and the hello's size stays.
type HideNames struct {
	Pad bool `help:"pad encrypted lookups as RFC 8467 recommends"`
}

var _ Defense = HideNames{}

// Info describes the defense.
func (HideNames) Info() Info {
	return Info{
		Name: "hide-names", Doc: "encrypted DNS and hello: no host names",
		Place: AtGateway, Needs: []Party{Cloud}, Cite: "RFC 7858, RFC 8467, RFC 9849", Works: cite.Of("rfc7858", "rfc8467", "rfc9849"),
	}
}

const (
	portDNS   = 53
	portDoT   = 853
	dotRecord = 24 // TLS record 5, content type 1, tag 16; length of DNS over TCP 2
)

// Apply hides.
func (d HideNames) Apply(_ *rand.Rand, in datasets.Trace) (Defended, error) {
	out := Defended{Trace: in}
	resolver := int32(len(in.Flows))
	flows := withFlows(in, datasets.Flow{
		Proto: protoTCP,
		Local: netip.AddrPortFrom(gatewayEnd, 50853), Remote: netip.AddrPortFrom(farEnd, portDoT),
	})
	lookup := make([]bool, len(in.Flows))
	for i := range in.Flows {
		f := &flows[i]
		f.Host = ""
		lookup[i] = f.Proto == protoUDP && f.Remote.Port() == portDNS && outside(*f)
	}
	out.Trace.Flows = flows
	out.Trace.Packets = make([]datasets.Packet, len(in.Packets))
	for i, p := range in.Packets {
		if lookup[p.Flow] {
			p.Flow = resolver
			p.Payload = d.message(p.Payload, p.Dir)
			p.Size = datasets.EthernetHeader + ip4Header + tcpHeader + p.Payload
		}
		out.Trace.Packets[i] = p
	}
	return out, nil
}

// message is the TCP payload of a DNS message of n bytes: no shorter than the
// message, and within a frame if the message leaves room for that.
func (d HideNames) message(n int32, dir datasets.Dir) int32 {
	padded := n
	if d.Pad {
		block := int32(128)
		if dir == datasets.Down {
			block = 468
		}
		padded = (n + block - 1) / block * block
	}
	most := int32(mtu - ip4Header - tcpHeader)
	return max(n, min(padded+dotRecord, most))
}
