package home

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets"
)

// packet is a generated packet with its truth.
type packet struct {
	time          int64
	size, payload int32
	flow          int32 // index into home.flows
	owner         int32 // index into home.devices
	cause         int32 // index into home.events, -1 none
	dir           datasets.Dir
	acked         bool // calls for no further ACK: listed set-up, pure ACK, UDP
}

// house is one home while it is being generated.
type house struct {
	seed    uint64
	name    string
	profile *profile
	end     int64
	devices []*device
	flows   []datasets.Flow
	packets []packet
	events  []datasets.Event
}

// device is one device in one home, with everything that differs between
// homes: firmware, round trip times, segment size, habits.
type device struct {
	*deviceProfile
	home     *house
	owner    int32
	firmware int
	addr     netip.Addr
	mac      datasets.MAC
	port     uint16
	maxFrame int64
	lossPPM  int64
	shifts   map[shiftKey][]shift
	rtts     map[string]int64
	conns    map[string]*conn
	channels map[string][]weightedName
	ports    *rand.Rand
}

// conn is an open connection.
type conn struct {
	*flowProfile
	flow int32
	ts   bool
	rtt  int64
}

type weightedName struct {
	name   string
	weight int64
}

// header is the size of a frame of the connection that carries no payload.
func (c *conn) header() int64 {
	switch {
	case c.Proto == "udp":
		return 42
	case c.ts:
		return 66
	}
	return 54
}

// addDevice puts a device with the given firmware generation into the home.
func (h *house) addDevice(p *deviceProfile, firmware int) *device {
	i := len(h.devices)
	d := &device{
		deviceProfile: p, home: h, owner: int32(i), firmware: firmware,
		addr:  netip.AddrFrom4([4]byte{192, 168, 1, byte(20 + i)}),
		rtts:  map[string]int64{},
		conns: map[string]*conn{}, channels: map[string][]weightedName{},
		ports: newRand(h.seed, h.name, p.ID, "ports"),
	}
	r := newRand(h.seed, h.name, p.ID, "device")
	d.mac = hardwareAddress(p.OUI, r)
	d.port = uint16(between(r, 32768, 60000))
	d.maxFrame = maxFrames().draw(r)
	d.lossPPM = 10_000
	if chance(r, 150_000) {
		d.lossPPM *= 5
	}
	for _, f := range p.Flows {
		d.rtts[f.ID] = h.roundTrip(f.RTT, r)
	}
	d.shifts = p.firmwareShifts(firmware)
	for _, e := range p.Events {
		d.channels[e.Name] = habits(e.Channels, r)
	}
	h.devices = append(h.devices, d)
	return d
}

// maxFrames are the longest frames of access paths and how common they are
// (cited lengths, assumed weights).
func maxFrames() *value {
	return &value{form: choice, total: 100, choices: []weighted{{1514, 80}, {1434, 10}, {1494, 5}, {1388, 5}}}
}

func hardwareAddress(oui string, r *rand.Rand) datasets.MAC {
	var m datasets.MAC
	for i, part := range strings.Split(oui, ":") {
		b, err := strconv.ParseUint(part, 16, 8)
		if err != nil || i > 2 {
			break
		}
		m[i] = byte(b)
	}
	u := r.Uint32()
	m[3], m[4], m[5] = byte(u), byte(u>>8), byte(u>>16)
	return m
}

// habits bends the channel weights of a home by up to a half.
func habits(channels map[string]float64, r *rand.Rand) []weightedName {
	var out []weightedName
	for name, w := range channels { // sorted below
		out = append(out, weightedName{name, int64(w*1000 + 0.5)})
	}
	slices.SortFunc(out, func(a, b weightedName) int { return strings.Compare(a.name, b.name) })
	for i := range out {
		out[i].weight *= between(r, 500, 1500)
	}
	return out
}

// channel draws how an event of the class is triggered.
func (d *device) channel(event string, r *rand.Rand) string {
	var total int64
	for _, c := range d.channels[event] {
		total += c.weight
	}
	if total == 0 {
		return ""
	}
	n := r.Int64N(total)
	for _, c := range d.channels[event] {
		if n -= c.weight; n < 0 {
			return c.name
		}
	}
	return ""
}

// open starts a new connection of the flow: a new local port.
func (d *device) open(id string, ts bool) (*conn, error) {
	for i := range d.Flows {
		f := &d.Flows[i]
		if f.ID != id {
			continue
		}
		c := &conn{flowProfile: f, ts: ts, rtt: d.rtts[id]}
		c.flow = d.newFlow(f.Proto, serverAddress(f.Host), f.Port, f.Host, f.Scope == "lan")
		return c, nil
	}
	return nil, fmt.Errorf("%s has no flow %q", d.ID, id)
}

// newFlow registers a conversation from a fresh local port.
func (d *device) newFlow(proto string, remote netip.Addr, port uint16, host string, lan bool) int32 {
	d.port += uint16(between(d.ports, 1, 3))
	if d.port < 32768 || d.port > 60990 {
		d.port = 32768
	}
	f := datasets.Flow{
		Proto:  6,
		Local:  netip.AddrPortFrom(d.addr, d.port),
		Remote: netip.AddrPortFrom(remote, port),
		Host:   host, Link: d.mac, LAN: lan,
	}
	if proto == "udp" {
		f.Proto = 17
	}
	if lan {
		f.Host = ""
		f.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 1, 255}), port)
	}
	d.home.flows = append(d.home.flows, f)
	return int32(len(d.home.flows) - 1)
}

// timestamps says whether TCP frames of the flow carry time stamps.
func (d *device) timestamps(f *flowProfile) bool {
	if f.TS != nil {
		return *f.TS
	}
	on, _ := d.Timestamps.(bool)
	return on
}

// serverAddress maps a host name into the benchmarking range 198.18.0.0/15,
// the same in every home.
func serverAddress(host string) netip.Addr {
	n := hash("server", host) % (1 << 17)
	if n%256 == 0 || n%256 == 255 {
		n ^= 1 << 4
	}
	return netip.AddrFrom4([4]byte{198, byte(18 + n>>16), byte(n >> 8), byte(n)})
}

// resolver is the name server of the access provider.
func resolver() netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 53}) }

// roundTrip draws the round trip time of a flow in this home: mostly that of
// its class, else that of a server elsewhere.
func (h *house) roundTrip(class string, r *rand.Rand) int64 {
	if class == "" {
		return between(r, 2_000_000, 6_000_000) // inside the home
	}
	c := class
	if chance(r, 300_000) {
		mix := []struct {
			name string
			ppm  int64
		}{{"cdn", 350_000}, {"regional", 250_000}, {"continental", 100_000}, {"transatlantic", 150_000}, {"far", 150_000}}
		n := r.Int64N(million)
		for _, m := range mix {
			if n -= m.ppm; n < 0 {
				c = m.name
				break
			}
		}
	}
	v, ok := h.profile.RTT[c]
	if !ok {
		return 25_000_000
	}
	return v.draw(r)
}
