package traffic

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// Device is one device in one home: the profile of its model and everything
// that differs between homes, which are firmware, round trip times, segment
// size and habits.
type Device struct {
	*profile.Device
	Home       *Home
	owner      int16 // index into Home.Devices
	firmware   int
	generation string
	addr       netip.Addr
	mac        datasets.MAC
	port       uint16 // the local port used last
	ports      *rand.Rand
	maxFrame   int64   // longest frame of the path
	loss       float64 // share of segments that are lost
	shifts     map[messages][]shift
	rtts       map[string]int64     // by flow of the profile or server
	lasting    map[string][]lasting // by flow
	channels   map[string]draw.Names
	busy       int64 // until when the last event plays
}

// lasting is a persistent connection and when it was opened; the first of a
// flow was opened before the recording.
type lasting struct {
	from int64
	*Conn
}

// AddDevice puts a device of the given model into the home. Firmware 0 is the
// published one; each other number is another one of the same structure.
func (h *Home) AddDevice(p *profile.Device, firmware int) *Device {
	i := len(h.Devices)
	d := &Device{
		Device: p, Home: h, owner: int16(i), firmware: firmware,
		addr:   netip.AddrFrom4([4]byte{192, 168, 1, byte(20 + i)}),
		shifts: firmwareShifts(p, firmware),
		rtts:   map[string]int64{}, lasting: map[string][]lasting{}, channels: map[string]draw.Names{},
		ports: h.Rand(p.ID, strconv.Itoa(i), "ports"),
	}

	// One generator draws all that follows: the order is part of the data.
	r := h.Rand(p.ID, strconv.Itoa(i), "device")
	d.mac = hardwareAddress(p.OUI, r)
	d.port = uint16(draw.Between(r, firstPort, 60000))
	d.maxFrame = maxFrames().Draw(r)
	d.loss = 0.01
	if draw.Chance(r, 0.15) { // bad reception (assumed)
		d.loss = 0.05
	}
	for _, f := range p.Flows {
		d.rtts[f.ID] = h.roundTrip(f.RTT, r)
	}
	for _, e := range p.Events {
		d.channels[e.Name] = draw.Habit(e.Channels, r)
	}

	// The era is the end of a generation's name, such as the year in
	// "tls_2019"; it goes before what the firmware would give.
	if g := p.Generations(); len(g) > 0 {
		d.generation = g[firmware%len(g)]
		for _, name := range g {
			if h.Era != "" && strings.HasSuffix(name, h.Era) {
				d.generation = name
			}
		}
	}

	d.planConnections(r)
	h.Devices = append(h.Devices, d)
	return d
}

// Rand returns a generator for one purpose of this device. The address is part
// of its name, as a home may have two devices of one model.
func (d *Device) Rand(purpose ...string) *rand.Rand {
	return d.Home.Rand(append([]string{d.ID, d.addr.String()}, purpose...)...)
}

// planConnections plans the device's persistent connections: each lasts 4 to 16
// hours before it is opened anew (assumed). Conversations in datagrams and inside
// the home last throughout.
func (d *Device) planConnections(r *rand.Rand) {
	for i := range d.Flows {
		f := &d.Flows[i]
		if f.Mode == "per_event" {
			continue
		}
		for t := int64(0); t <= d.Home.End; t += draw.Between(r, 4*hour, 16*hour) {
			d.lasting[f.ID] = append(d.lasting[f.ID], lasting{t, d.newConn(f)})
			if f.Proto != "tcp" || f.Scope == "lan" {
				break
			}
		}
	}
}

// lastingAt returns the persistent connection of a flow at time t, nil if the
// flow is not persistent.
func (d *Device) lastingAt(id string, t int64) *Conn {
	var c *Conn
	for _, l := range d.lasting[id] {
		if l.from <= t || c == nil {
			c = l.Conn
		}
	}
	return c
}

// maxFrames are the longest frames of access paths and how common they are
// (cited lengths, assumed weights).
func maxFrames() draw.Value {
	return draw.Choice(
		draw.Weighted{Value: 1514, Weight: 80}, draw.Weighted{Value: 1434, Weight: 10},
		draw.Weighted{Value: 1494, Weight: 5}, draw.Weighted{Value: 1388, Weight: 5},
	)
}

// roundTrip draws the round trip time of a flow in this home: mostly that of
// its class, else that of another, as no server is equally near to all homes. No
// class is a flow inside the home.
func (h *Home) roundTrip(class string, r *rand.Rand) int64 {
	if class == "" {
		return draw.Between(r, 2*millisecond, 6*millisecond)
	}
	if draw.Chance(r, 0.3) {
		class = elsewhere().Draw(r)
	}
	v, ok := h.Profile.RTT[class]
	if !ok {
		return 25 * millisecond
	}
	return v.Draw(r)
}

// elsewhere are the classes of servers that are not where they usually are.
func elsewhere() draw.Names {
	return draw.Names{
		{Name: "cdn", Weight: 350_000},
		{Name: "regional", Weight: 250_000},
		{Name: "continental", Weight: 100_000},
		{Name: "transatlantic", Weight: 150_000},
		{Name: "far", Weight: 150_000},
	}
}
