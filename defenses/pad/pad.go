// Package pad changes the sizes of packets inside their own flows: Random and
// Level append bytes, Fragment cuts. Nothing is delayed and no packet is made
// up. What is inside TLS or TCP cannot be padded from outside, so the device and
// its cloud must both take part.
package pad

import (
	"slices"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// grow adds n bytes of padding to the payload of p, up to the frame limit of its
// link. A packet above the limit stays as it is.
func grow(p *datasets.Packet, n, limit int32) {
	n = max(0, min(n, limit-p.Size))
	p.Size += n
	p.Payload += n
}

// resized is in with every packet that can be padded larger by what extra says
// of it, within limit. It needs no account: packet i carries packet i.
func resized(in datasets.Trace, acks string, extra func(p *datasets.Packet, limit int32) int32) defenses.Defended {
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	c := shaping.NewPadder(in, acks)
	for i := range out.Trace.Packets {
		if p := &out.Trace.Packets[i]; c.Can(p) {
			grow(p, extra(p, c.Limit(p)), c.Limit(p))
		}
	}
	return out
}
