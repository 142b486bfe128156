package traffic

import (
	"strings"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// Background plays everything that no event causes, over the whole recording:
// heartbeats, new connections, leases, look-ups and clocks.
func (d *Device) Background() {
	for i := range d.Periodic {
		p := &d.Periodic[i]
		d.repeatEvery(p.ID, p.Period.Value, func(s *Script, t int64) {
			s.flow = p.Flow
			d.play(s, t, p.Steps)
		})
	}
	d.reconnect()

	// Leases are for a day (assumed) and renewed at half time (RFC 2131).
	d.repeatEvery("dhcp", nearly(12*hour), func(s *Script, _ int64) { s.renewLease() })

	if d.DNS.PeriodS > 0 {
		d.repeatEvery("dns", nearly(int64(d.DNS.PeriodS*float64(second))), func(s *Script, _ int64) {
			for _, name := range d.DNS.Names {
				s.LookUp(name)
			}
		})
	}
	if d.NTP.PeriodS > 0 {
		d.repeatEvery("ntp", nearly(int64(d.NTP.PeriodS*float64(second))), func(s *Script, _ int64) { s.askTime(d.NTP.Host) })
	}
}

// nearly is a period that differs by at most two in a thousand.
func nearly(period int64) draw.Value {
	return draw.Uniform(period-period/500, period+period/500)
}

// repeatEvery calls f again and again, one period apart, from a random phase on,
// with a script that begins at time t.
func (d *Device) repeatEvery(id string, period draw.Value, f func(s *Script, t int64)) {
	r := d.Rand("periodic", id)

	// A distribution may draw a period of 0, which must not stop the clock.
	apart := d.Home.Thin.Beat
	last := -apart
	for t := draw.Between(r, 0, period.Draw(r)); t < d.Home.End; t += max(period.Draw(r), millisecond) {
		if t-last >= apart {
			f(d.Begin(r, t), t)
			last = t
		}
	}
}

// reconnect plays the closing and the opening of the device's persistent
// connections. The first of each flow was opened before the recording.
func (d *Device) reconnect() {
	for i := range d.Flows {
		f := &d.Flows[i]
		list := d.lasting[f.ID]
		for k := 1; k < len(list); k++ {
			s := d.Begin(d.Rand("reconnect", f.ID), list[k].from-2*second)
			s.CloseTCP(list[k-1].Conn, f.TLS != "")

			// The server may be far: the new connection waits for the end of the old.
			s.Clock = max(list[k].from, s.Last)
			if f.TLS == "" || strings.HasPrefix(f.TLS, "none") {
				s.OpenTCP(list[k].Conn)
			} else {
				s.setUp(list[k].Conn, reopening(f, list[k].timestamps))
			}
		}
	}
}

// reopening is the template that persistent connections are opened with: the
// flow's own or a general one, which must agree with the connection on TCP time
// stamps, as they are 12 bytes of every frame.
func reopening(f *profile.Flow, timestamps bool) string {
	switch {
	case f.Handshake != "":
		return f.Handshake
	case timestamps:
		return "tls12_generic"
	}
	return "tls12_hue"
}
