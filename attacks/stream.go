package attacks

import (
	"net/netip"

	"veilbench/datasets"
)

// StreamKey names what an observer can tell apart without looking at sizes:
// inside the home a device by its hardware address, outside a service by its
// name, else by its address. A tunnel is one stream.
type StreamKey struct {
	Link   datasets.MAC
	Host   string
	Remote netip.Addr
	// Port is set where a service is taken apart by the port of the home side,
	// which is what a NAPT leaves of a device. StreamOf never sets it.
	Port uint16
}

// StreamOf returns the key of a flow.
func StreamOf(f datasets.Flow) StreamKey {
	switch {
	case f.Link != datasets.MAC{}:
		return StreamKey{Link: f.Link}
	case f.Host != "":
		return StreamKey{Host: f.Host}
	}
	return StreamKey{Remote: f.Remote.Addr()}
}

// Stream is the packets of one key, as indexes into Trace.Packets.
type Stream struct {
	Key     StreamKey
	Packets []int32
}

// Streams cuts t into streams, in order of their first packet. Every packet is
// in exactly one.
func Streams(t datasets.Trace) []Stream { return StreamsBy(t, StreamOf) }

// StreamsBy is Streams under another key, which must depend on the flow alone.
func StreamsBy(t datasets.Trace, key func(datasets.Flow) StreamKey) []Stream {
	of := make([]int32, len(t.Flows)) // stream of a flow, +1
	index := map[StreamKey]int32{}
	var out []Stream
	for i, p := range t.Packets {
		s := of[p.Flow]
		if s == 0 {
			k := key(t.Flows[p.Flow])
			if s = index[k]; s == 0 {
				out = append(out, Stream{Key: k})
				s = int32(len(out))
				index[k] = s
			}
			of[p.Flow] = s
		}
		out[s-1].Packets = append(out[s-1].Packets, int32(i))
	}
	return out
}
