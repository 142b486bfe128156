package capture

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
)

// Summary says what is in a trace.
type Summary struct {
	// Start is the wall-clock time of Time 0, zero if unknown.
	Start time.Time `json:"start"`
	// DurationS is the time observed, in seconds.
	DurationS float64 `json:"duration_s"`
	// Flows counts conversations, LANFlows those that stay in the home.
	Flows    int `json:"flows"`
	LANFlows int `json:"lan_flows"`
	// Bytes counts packets' sizes less 14 bytes of link header, by direction.
	BytesUp   int64 `json:"bytes_up"`
	BytesDown int64 `json:"bytes_down"`
	// Devices are the home sides, most bytes first.
	Devices []DeviceSummary `json:"devices"`
	// Protocols are shares of all traffic, most bytes first.
	Protocols []Share `json:"protocols"`
	// Names are the host names learned, most bytes first.
	Names []Share `json:"names"`
	// Heartbeats are messages that recur at a steady period.
	Heartbeats []Heartbeat `json:"heartbeats"`
}

// DeviceSummary is one home side: a hardware address, or an IP address where
// there is none.
type DeviceSummary struct {
	Link      string   `json:"link,omitempty"`
	Addresses []string `json:"addresses"`
	Packets   int      `json:"packets"`
	BytesUp   int64    `json:"bytes_up"`
	BytesDown int64    `json:"bytes_down"`
	// Services are what it talks to, most bytes first.
	Services []Share `json:"services"`
}

// Share is a part of some traffic.
type Share struct {
	Name    string `json:"name"`
	Packets int    `json:"packets"`
	Bytes   int64  `json:"bytes"`
	// Share is the part of the whole's bytes, 0 to 1.
	Share float64 `json:"share"`
}

// Heartbeat is a message that a device and a service exchange at a steady
// period.
type Heartbeat struct {
	Device  string `json:"device"`
	Service string `json:"service"`
	// Dir is "up" or "down", Payload its bytes above TCP or UDP.
	Dir     string `json:"dir"`
	Payload int    `json:"payload_bytes"`
	// PeriodS is the median gap in seconds; Steady the share of gaps within a
	// tenth of it; Count how many there are.
	PeriodS float64 `json:"period_s"`
	Steady  float64 `json:"steady"`
	Count   int     `json:"count"`
}

// Summarize describes t.
func Summarize(t datasets.Trace) Summary {
	s := Summary{Start: t.Start, DurationS: t.End.Seconds(), Flows: len(t.Flows)}
	devices := map[string]*deviceTally{}
	of := make([]*deviceTally, len(t.Flows))
	for i, f := range t.Flows {
		if f.LAN {
			s.LANFlows++
		}
		d := devices[deviceKey(f)]
		if d == nil {
			d = &deviceTally{services: tally{}, addrs: map[netip.Addr]bool{}}
			d.Link = f.Link.String()
			devices[deviceKey(f)] = d
		}
		if f.Local.IsValid() {
			d.addrs[f.Local.Addr()] = true
		}
		of[i] = d
	}
	protocols, names := tally{}, tally{}
	for _, p := range t.Packets {
		f, d := &t.Flows[p.Flow], of[p.Flow]
		n := int64(p.Size - datasets.EthernetHeader)
		d.Packets++
		if p.Dir == datasets.Up {
			s.BytesUp += n
			d.BytesUp += n
		} else {
			s.BytesDown += n
			d.BytesDown += n
		}
		protocols.add(protocolName(*f), n)
		d.services.add(serviceName(*f), n)
		if f.Host != "" {
			names.add(f.Host, n)
		}
	}
	all := s.BytesUp + s.BytesDown
	s.Protocols, s.Names = protocols.shares(all), names.shares(all)
	s.Devices = deviceSummaries(devices)
	s.Heartbeats = heartbeats(t)
	return s
}

// deviceKey tells home sides apart.
func deviceKey(f datasets.Flow) string {
	if f.Link != (datasets.MAC{}) {
		return f.Link.String()
	}
	if f.Local.IsValid() {
		return f.Local.Addr().String()
	}
	return "unknown"
}

// protocolName is a transport and the service's port, or what stands in.
func protocolName(f datasets.Flow) string {
	name := map[uint8]string{0: "not IP", protoICMP: "ICMP", 2: "IGMP", protoTCP: "TCP", protoUDP: "UDP", protoESP: "ESP", protoICMPv6: "ICMPv6"}[f.Proto]
	if name == "" {
		name = fmt.Sprintf("IP protocol %d", f.Proto)
	}
	if p := f.Remote.Port(); p != 0 {
		name = fmt.Sprintf("%s %d", name, p)
	}
	return name
}

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

type deviceTally struct {
	DeviceSummary
	services tally
	addrs    map[netip.Addr]bool
}

func deviceSummaries(devices map[string]*deviceTally) []DeviceSummary {
	out := []DeviceSummary{}
	for _, d := range devices {
		var addrs []netip.Addr
		for a := range d.addrs {
			if !a.IsUnspecified() { // a host that has no address yet
				addrs = append(addrs, a)
			}
		}
		slices.SortFunc(addrs, netip.Addr.Compare)
		d.Addresses = []string{}
		for _, a := range addrs {
			d.Addresses = append(d.Addresses, a.String())
		}
		d.Services = d.services.shares(d.BytesUp + d.BytesDown)
		out = append(out, d.DeviceSummary)
	}
	slices.SortFunc(out, func(a, b DeviceSummary) int {
		return cmp.Or(cmp.Compare(b.BytesUp+b.BytesDown, a.BytesUp+a.BytesDown),
			cmp.Compare(a.Link, b.Link), slices.Compare(a.Addresses, b.Addresses))
	})
	return out
}

// tally counts packets and bytes by name.
type tally map[string]*Share

func (t tally) add(name string, bytes int64) {
	s := t[name]
	if s == nil {
		s = &Share{Name: name}
		t[name] = s
	}
	s.Packets++
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

// A heartbeat recurs at least minBeats times; two packets closer than one
// beatGap are one beat, and steadyShare of the gaps must lie within a tenth of
// the median gap.
const (
	minBeats    = 6
	beatGap     = 500 * time.Millisecond
	steadyShare = 0.7
)

// beat is what recurs: one payload size between a device and a service.
type beat struct {
	device, service string
	dir             datasets.Dir
	payload         int32
}

// heartbeats finds messages with a steady period. Of several sizes of one
// device, service and period only the most frequent one is kept.
func heartbeats(t datasets.Trace) []Heartbeat {
	times := map[beat][]time.Duration{}
	names := make([][2]string, len(t.Flows))
	for i, f := range t.Flows {
		names[i] = [2]string{deviceKey(f), serviceName(f)}
	}
	for _, p := range t.Packets {
		if p.Payload == 0 {
			continue
		}
		k := beat{names[p.Flow][0], names[p.Flow][1], p.Dir, p.Payload}
		if ts := times[k]; len(ts) == 0 || p.Time-ts[len(ts)-1] >= beatGap {
			times[k] = append(ts, p.Time)
		}
	}
	found := []Heartbeat{}
	for k, ts := range times {
		if h, ok := steady(k, ts); ok {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b Heartbeat) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Payload, b.Payload), cmp.Compare(b.Dir, a.Dir))
	})
	type once struct {
		device, service string
		period          int
	}
	seen := map[once]bool{}
	return slices.DeleteFunc(found, func(h Heartbeat) bool {
		k := once{h.Device, h.Service, int(h.PeriodS + 0.5)}
		dup := seen[k]
		seen[k] = true
		return dup
	})
}

// steady decides whether the times of a message are those of a heartbeat.
func steady(k beat, ts []time.Duration) (Heartbeat, bool) {
	if len(ts) < minBeats {
		return Heartbeat{}, false
	}
	gaps := make([]time.Duration, len(ts)-1)
	for i := range gaps {
		gaps[i] = ts[i+1] - ts[i]
	}
	slices.Sort(gaps)
	median := gaps[len(gaps)/2]
	near := 0
	for _, g := range gaps {
		if d := (g - median).Abs(); d <= median/10 {
			near++
		}
	}
	h := Heartbeat{
		Device: k.device, Service: k.service, Dir: k.dir.String(), Payload: int(k.payload),
		PeriodS: median.Seconds(), Steady: float64(near) / float64(len(gaps)), Count: len(ts),
	}
	return h, h.Steady >= steadyShare && median >= 2*beatGap
}
