package bursts

import (
	"fmt"
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
	case f.MAC != datasets.MAC{}:
		return StreamKey{Link: f.MAC}
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
	ofFlow := make([]int32, len(t.Flows)) // stream of a flow, +1; 0 while the flow is new
	index := map[StreamKey]int32{}
	var out []Stream
	var size []int
	for i := range t.Packets {
		flow := t.Packets[i].Flow
		s := ofFlow[flow]
		if s == 0 {
			// The key is made once a flow and not once a packet: hashing it for
			// each of a week's packets would cost more than the attack.
			k := key(t.Flows[flow])
			if s = index[k]; s == 0 {
				out, size = append(out, Stream{Key: k}), append(size, 0)
				s = int32(len(out))
				index[k] = s
			}
			ofFlow[flow] = s
		}
		size[s-1]++
	}

	// All lists lie in one array, each with room for its own packets alone: lists
	// that grow would be copied several times, and leave that much garbage.
	room := make([]int32, len(t.Packets))
	next, at := make([]int, len(out)), 0 // where in room the next packet of each goes
	for i, n := range size {
		out[i].Packets, next[i] = room[at:at+n:at+n], at
		at += n
	}
	for i := range t.Packets {
		s := ofFlow[t.Packets[i].Flow] - 1
		room[next[s]] = int32(i)
		next[s]++
	}
	return out
}

// String names the key for people: the service, else the hardware address.
func (k StreamKey) String() string {
	name := k.Host
	switch {
	case k.Link != datasets.MAC{}:
		name = k.Link.String()
	case name == "" && k.Remote.IsValid():
		name = k.Remote.String()
	case name == "":
		name = datasets.Unknown
	}
	if k.Port != 0 {
		name = fmt.Sprintf("%s port %d", name, k.Port)
	}
	return name
}
