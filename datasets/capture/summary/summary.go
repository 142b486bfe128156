// Package summary says what is in a trace, for people who look at a capture:
// devices, the services they talk to, names, and messages at a steady period
// (heartbeat.go). Read Summary first.
package summary

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// Summary says what is in a trace.
type Summary struct {
	// Start is the wall-clock time of Time 0, zero if unknown.
	Start time.Time `json:"start"`
	// DurationS is the time observed, in seconds.
	DurationS float64 `json:"duration_s"`
	// Flows counts conversations, LANFlows those of them that stay in the home.
	Flows    int `json:"flows"`
	LANFlows int `json:"lan_flows"`
	// Bytes counts packets' sizes less 14 bytes of link header, by direction.
	BytesUp   int64 `json:"bytes_up"`
	BytesDown int64 `json:"bytes_down"`
	// Devices are the home sides, most bytes first.
	Devices []Device `json:"devices"`
	// Protocols are shares of all traffic, most bytes first.
	Protocols []Share `json:"protocols"`
	// Names are the host names learned, most bytes first.
	Names []Share `json:"names"`
	// Heartbeats are messages that recur at a steady period, most frequent
	// first.
	Heartbeats []Heartbeat `json:"heartbeats"`
}

// Device is one home side: a hardware address, or an IP address where
// there is none.
type Device struct {
	// Link is the hardware address, "" if the observer saw none; Addresses are
	// all IP addresses it had, in order.
	Link      string   `json:"link,omitempty"`
	Addresses []string `json:"addresses"`
	Packets   int      `json:"packets"`
	BytesUp   int64    `json:"bytes_up"`
	BytesDown int64    `json:"bytes_down"`
	// Services are what it talks to, most bytes first.
	Services []Share `json:"services"`
}

// Share is one name's part of a whole: of the trace in Summary, of one device in
// Device.
type Share struct {
	Name    string `json:"name"`
	Packets int    `json:"packets"`
	Bytes   int64  `json:"bytes"`
	// Share is the part of the whole's bytes, 0 to 1.
	Share float64 `json:"share"`
}

// Summarize describes t. Every packet counts once in Devices and once in
// Protocols; in Names only those of flows with a Host. Lists are empty, never
// nil, so that JSON has no null.
func Summarize(t datasets.Trace) Summary {
	s := Summary{Start: t.Start, DurationS: t.End.Seconds(), Flows: len(t.Flows)}
	devices := map[string]*deviceTally{}
	flowDevice := make([]*deviceTally, len(t.Flows))
	for i, f := range t.Flows {
		if f.LAN {
			s.LANFlows++
		}
		d := devices[deviceKey(f)]
		if d == nil {
			d = &deviceTally{services: tally{}, addrs: map[netip.Addr]bool{}}
			d.Link = f.MAC.String()
			devices[deviceKey(f)] = d
		}
		if f.Local.IsValid() {
			d.addrs[f.Local.Addr()] = true
		}
		flowDevice[i] = d
	}

	// Packets are counted by flow, and names made for flows alone: there are
	// thousands of packets to each.
	flows := make([]flowTally, len(t.Flows))
	for i := range t.Packets {
		p := &t.Packets[i]
		f := &flows[p.Flow]
		f.packets++
		f.bytes[p.Dir] += int64(p.Size - datasets.EthernetHeader) // what every link has in common
	}

	protocols, names := tally{}, tally{}
	for i, f := range t.Flows {
		d, c := flowDevice[i], flows[i]
		if c.packets == 0 {
			continue
		}
		up, down := c.bytes[datasets.Up], c.bytes[datasets.Down]
		s.BytesUp += up
		s.BytesDown += down
		d.Packets += c.packets
		d.BytesUp += up
		d.BytesDown += down

		protocols.add(protocolName(f), c.packets, up+down)
		d.services.add(serviceName(f), c.packets, up+down)
		if f.Host != "" {
			names.add(f.Host, c.packets, up+down)
		}
	}

	all := s.BytesUp + s.BytesDown
	s.Protocols, s.Names = protocols.shares(all), names.shares(all)
	s.Devices = deviceList(devices)
	s.Heartbeats = heartbeats(t)
	return s
}

// deviceKey tells home sides apart: by hardware address, for IP addresses
// change; by IP address where an observer saw none.
func deviceKey(f datasets.Flow) string {
	if f.MAC != (datasets.MAC{}) {
		return f.MAC.String()
	}
	if f.Local.IsValid() {
		return f.Local.Addr().String()
	}
	return "unknown"
}

// protocolName is a transport and the service's port, or what stands in.
func protocolName(f datasets.Flow) string {
	name := map[uint8]string{0: "not IP", header.ICMP: "ICMP", 2: "IGMP", header.TCP: "TCP", header.UDP: "UDP", header.ESP: "ESP", header.ICMPv6: "ICMPv6"}[f.Proto]
	if name == "" {
		name = fmt.Sprintf("IP protocol %d", f.Proto)
	}
	if p := f.Remote.Port(); p != 0 {
		name = fmt.Sprintf("%s %d", name, p)
	}
	return name
}

// serviceName is the protocol and the far side, by name where it is known.
func serviceName(f datasets.Flow) string {
	far := f.Host
	if far == "" && f.Remote.IsValid() {
		far = f.Remote.Addr().String()
	}
	if far == "" {
		return protocolName(f)
	}
	return protocolName(f) + " " + far
}

// deviceTally is a Device while packets are counted.
type deviceTally struct {
	Device
	services tally
	addrs    map[netip.Addr]bool
}

// deviceList completes the devices and puts them in order, most bytes first.
func deviceList(devices map[string]*deviceTally) []Device {
	out := []Device{}
	for _, d := range devices {
		d.Addresses = []string{}
		for _, a := range slices.SortedFunc(maps.Keys(d.addrs), netip.Addr.Compare) {
			if !a.IsUnspecified() { // a host that has no address yet
				d.Addresses = append(d.Addresses, a.String())
			}
		}
		d.Services = d.services.shares(d.BytesUp + d.BytesDown)
		out = append(out, d.Device)
	}

	// The order must not be that of a map, so ties are broken to the end.
	slices.SortFunc(out, func(a, b Device) int {
		return cmp.Or(cmp.Compare(b.BytesUp+b.BytesDown, a.BytesUp+a.BytesDown),
			cmp.Compare(a.Link, b.Link), slices.Compare(a.Addresses, b.Addresses))
	})
	return out
}

// flowTally is what a flow had, bytes by direction.
type flowTally struct {
	packets int
	bytes   [2]int64
}

// tally counts packets and bytes by name.
type tally map[string]*Share

func (t tally) add(name string, packets int, bytes int64) {
	s := t[name]
	if s == nil {
		s = &Share{Name: name}
		t[name] = s
	}
	s.Packets += packets
	s.Bytes += bytes
}

// shares lists the tally, most bytes first, as parts of all bytes.
func (t tally) shares(all int64) []Share {
	out := []Share{}
	for _, s := range t {
		if all > 0 {
			s.Share = float64(s.Bytes) / float64(all)
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
	return out
}
