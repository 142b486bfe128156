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
	flow          int32  // index into house.flows
	cause         int32  // index into house.events, -1 none
	seq           uint32 // order of making, for packets of equal time
	owner         int16  // index into house.devices
	dir           datasets.Dir
	acked         bool // calls for no further ACK: listed set-up, pure ACK, UDP
}

// house is one home while it is being generated.
type house struct {
	seed    uint64
	name    string
	profile *profile
	gateway *gatewayProfile // of this home
	era     string          // generation that devices of several belong to, "" any
	// routerDNS says that the home's router answers look-ups.
	routerDNS bool
	longest   int64 // after which somebody stops a stream, 0 never
	end       int64
	devices   []*device
	flows     []datasets.Flow
	index     map[datasets.Flow]int32
	rtts      []int64 // round trip time of each flow
	packets   []packet
	events    []datasets.Event
	// commands are those of the gateway, in order of time.
	commands []datasets.Command
}

// device is one device in one home, with everything that differs between
// homes: firmware, round trip times, segment size, habits.
type device struct {
	*deviceProfile
	home       *house
	label      string // name in the truth
	owner      int16
	firmware   int
	generation string
	addr       netip.Addr
	mac        datasets.MAC
	port       uint16
	maxFrame   int64
	lossPPM    int64
	shifts     map[shiftKey][]shift
	rtts       map[string]int64
	lasting    map[string][]lasting
	channels   map[string][]weightedName
	ports      *rand.Rand
	busy       int64 // until when the last event plays
}

// lasting is a persistent connection and when it was opened; the first of a
// flow was opened before the recording.
type lasting struct {
	from int64
	*conn
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
		deviceProfile: p, home: h, label: p.ID, owner: int16(i), firmware: firmware,
		addr: netip.AddrFrom4([4]byte{192, 168, 1, byte(20 + i)}),
		rtts: map[string]int64{}, lasting: map[string][]lasting{}, channels: map[string][]weightedName{},
		ports: newRand(h.seed, h.name, p.ID, strconv.Itoa(i), "ports"),
	}
	if p.isPerson() {
		d.label = NonIoT
	}
	r := newRand(h.seed, h.name, p.ID, strconv.Itoa(i), "device")
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
	if g := p.generations(); len(g) > 0 {
		d.generation = g[firmware%len(g)]
		for _, name := range g {
			if h.era != "" && strings.HasSuffix(name, h.era) {
				d.generation = name
			}
		}
	}
	d.connect(r)
	h.devices = append(h.devices, d)
	return d
}

// connect plans the device's persistent connections: each lasts 4 to 16 hours
// before it is opened anew (assumed).
func (d *device) connect(r *rand.Rand) {
	for i := range d.Flows {
		f := &d.Flows[i]
		if f.Mode == "per_event" {
			continue
		}
		for t := int64(0); t <= d.home.end; t += between(r, 4*3600*second, 16*3600*second) {
			d.lasting[f.ID] = append(d.lasting[f.ID], lasting{t, d.open(f)})
			if f.Proto != "tcp" || f.Scope == "lan" {
				break
			}
		}
	}
}

// at returns the persistent connection of a flow at time t, nil if the flow
// is not persistent.
func (d *device) at(id string, t int64) *conn {
	var c *conn
	for _, l := range d.lasting[id] {
		if l.from <= t || c == nil {
			c = l.conn
		}
	}
	return c
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
func (d *device) open(f *flowProfile) *conn {
	c := &conn{flowProfile: f, ts: d.Timestamps, rtt: d.rtts[f.ID]}
	if f.TS != nil {
		c.ts = *f.TS
	}
	port := f.Port
	if f.Port2019 != 0 && d.home.era == "2019" {
		port = f.Port2019
	}
	if f.Scope == "lan" {
		c.flow = d.lanFlow(f)
	} else {
		c.flow = d.newFlow(f.Proto, serverAddress(f.Host), port, f.Host, c.rtt)
	}
	return c
}

// flowNamed returns the device's flow profile of that name.
func (d *device) flowNamed(id string) (*flowProfile, error) {
	for i := range d.Flows {
		if d.Flows[i].ID == id {
			return &d.Flows[i], nil
		}
	}
	return nil, fmt.Errorf("no flow %q", id)
}

func (d *device) freshPort() uint16 {
	d.port += uint16(between(d.ports, 1, 3))
	if d.port < 32768 || d.port > 60990 {
		d.port = 32768
	}
	for taken(d.port) {
		d.port++
	}
	return d.port
}

// taken says whether a protocol has its home on the port: other tools take
// whatever they see there for that protocol, and call it malformed.
func taken(port uint16) bool {
	switch port {
	case 34962, 34963, 34964, 34980, 37008, 41170, 44321, 44322, 44818, 45564, 47000, 47808, 48049, 48898, 49999,
		54328, 56000, 56001, 56500, 56501, 57000, 57001, 57032, 57033, 57500, 57501, 57532, 57533,
		59000, 59001, 59032, 59033, 59500, 59501, 59532, 59533, 60001:
		return true
	}
	return false
}

// newFlow registers a conversation with a server from a fresh local port.
func (d *device) newFlow(proto string, remote netip.Addr, port uint16, host string, rtt int64) int32 {
	return d.register(datasets.Flow{
		Proto:  protocol(proto),
		Local:  netip.AddrPortFrom(d.addr, d.freshPort()),
		Remote: netip.AddrPortFrom(remote, port),
		Host:   host, Link: d.mac,
	}, rtt)
}

// lanFlow registers a conversation that stays in the home: by default a
// broadcast.
func (d *device) lanFlow(f *flowProfile) int32 {
	remote := netip.AddrFrom4([4]byte{192, 168, 1, 255})
	if a, err := netip.ParseAddr(f.Remote); err == nil {
		remote = a
	}
	flow := datasets.Flow{Proto: protocol(f.Proto), Link: d.mac, LAN: true}
	local, far := d.freshPort(), f.Port
	if f.Serves {
		local, far = far, local
	}
	flow.Local, flow.Remote = netip.AddrPortFrom(d.addr, local), netip.AddrPortFrom(remote, far)
	return d.register(flow, d.rtts[f.ID])
}

// register returns the index of the conversation; when ports have come round
// it is an old one.
func (d *device) register(f datasets.Flow, rtt int64) int32 {
	h := d.home
	i, old := h.index[f]
	if !old {
		i = int32(len(h.flows))
		h.index[f] = i
		h.flows = append(h.flows, f)
		h.rtts = append(h.rtts, rtt)
	}
	return i
}

func protocol(name string) uint8 {
	if name == "udp" {
		return 17
	}
	return 6
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
