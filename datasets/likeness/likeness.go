// Package likeness measures what HomeMole (Dong et al.) tells of smart-home
// traffic before any attack: how alike devices of one category are, which
// protocols they use beside phones and computers, which ports they share, and how
// much of it there is. Read Of first; category.go says what kind of thing a device
// is, and alike.go compares two.
package likeness

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"veilbench/datasets"
)

// Summary is what Of finds.
type Summary struct {
	Seconds        float64
	Packets, Bytes int64
	// Windows is how many windows of 100 consecutive packets of a recording there
	// are, its last one too.
	Windows int64
	// Devices are those with packets that others can watch, by category and name.
	Devices []Device
	// Protocols are shares of the packets of smart-home devices and of phones and
	// computers, the most frequent among the first in front.
	Protocols []Protocol
	// SharedPorts is the share of packets whose remote port at least two devices use,
	// each for one in a hundred packets of the port or more; SharedWithOthers of
	// smart-home packets that of ports which phones and computers use so.
	SharedPorts, SharedWithOthers float64
}

// Protocol is how often one is used, as shares of packets.
type Protocol struct {
	Name string
	// Things is the share among smart-home devices, Others that among phones and
	// computers.
	Things, Others float64
}

// Device is what the traffic of one device looks like, over all recordings.
type Device struct {
	Name, Category string
	Packets, Bytes int64
	// Events is how many events its course is the mean of.
	Events int

	lengths map[int32]float64 // packets by length class, negative for down
	course  []float64         // bytes by second after an event, up and then down
}

// window is that of HomeMole, in packets.
const window = 100

// Of looks at every packet of ds that leaves the home or is radio, or at all where
// none does. category names the kind of a device; "" is of none.
func Of(ds *datasets.Dataset, category func(device string) string) Summary {
	var s Summary
	devices := map[string]*Device{}
	tallies := [2]map[string]int64{{}, {}} // protocols of things and of others
	ports := map[uint16]map[string]int64{}
	exposed := slices.ContainsFunc(ds.Recordings, func(r datasets.Recording) bool {
		return slices.ContainsFunc(r.Trace.Flows, datasets.Flow.Exposed)
	})

	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		s.Seconds += r.Trace.End.Seconds()
		n := int64(0)
		for k, p := range r.Trace.Packets {
			f := r.Trace.Flows[p.Flow]
			if exposed && !f.Exposed() {
				continue
			}
			n++
			s.Bytes += int64(p.Size)
			if k >= len(r.Labels.Owners) || r.Labels.Owners[k] < 0 {
				continue
			}
			name := r.Labels.Devices[r.Labels.Owners[k]]
			d := devices[name]
			if d == nil {
				d = &Device{Name: name, Category: category(name), lengths: map[int32]float64{}, course: make([]float64, 2*courseSeconds)}
				devices[name] = d
			}
			d.add(p)

			side := 0
			if d.Category == computer {
				side = 1
			}
			tallies[side][protocolOf(f)]++
			if port := f.Remote.Port(); port != 0 {
				if ports[port] == nil {
					ports[port] = map[string]int64{}
				}
				ports[port][name]++
			}
		}
		s.Packets += n
		s.Windows += (n + window - 1) / window
		addCourses(devices, r)
	}

	for _, d := range devices {
		s.Devices = append(s.Devices, *d)
	}
	slices.SortFunc(s.Devices, func(a, b Device) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	s.Protocols = protocolShares(tallies)
	s.sharePorts(ports)
	return s
}

func (d *Device) add(p datasets.Packet) {
	d.Packets++
	d.Bytes += int64(p.Size)
	class := 1 + p.Size/lengthStep
	if p.Dir == datasets.Down {
		class = -class
	}
	d.lengths[class]++
}

// The course of a device's traffic is bytes by second for so long after the start
// of an event.
const courseSeconds = 20

// addCourses adds what each device sends and gets after its events in r.
func addCourses(devices map[string]*Device, r *datasets.Recording) {
	for _, e := range r.Labels.Events {
		name := r.Labels.Devices[e.Device]
		d := devices[name]
		if d == nil {
			continue
		}
		d.Events++
		at, _ := slices.BinarySearchFunc(r.Trace.Packets, e.Start, func(p datasets.Packet, t time.Duration) int { return cmp.Compare(p.Time, t) })
		for k := at; k < len(r.Trace.Packets); k++ {
			p := r.Trace.Packets[k]
			second := int((p.Time - e.Start) / time.Second)
			if second >= courseSeconds {
				break
			}
			if k < len(r.Labels.Owners) && r.Labels.Owners[k] >= 0 && r.Labels.Devices[r.Labels.Owners[k]] == name {
				d.course[int(p.Dir)*courseSeconds+second] += float64(p.Size)
			}
		}
	}
}

// protocolOf is the transport and, where the remote port says so, what is above.
func protocolOf(f datasets.Flow) string {
	// Ports say it, for an observer of sizes sees no payload; the local one is the
	// device's choice or NAPT's.
	switch f.Proto {
	case 6:
		switch f.Remote.Port() {
		case 443, 853, 8443, 8883:
			return "TLS"
		case 80, 8080:
			return "HTTP"
		}
		return "other TCP"
	case 17:
		switch f.Remote.Port() {
		case 53, 5353:
			return "DNS"
		case 123:
			return "NTP"
		case 443:
			return "QUIC"
		}
		return "other UDP"
	case 1, 58:
		return "ICMP"
	case 0:
		return "not IP"
	}
	return "other IP"
}

func protocolShares(tallies [2]map[string]int64) []Protocol {
	var sums [2]int64
	names := map[string]bool{}
	for side, t := range tallies {
		for name, n := range t {
			sums[side] += n
			names[name] = true
		}
	}
	share := func(side int, name string) float64 { return float64(tallies[side][name]) / float64(max(sums[side], 1)) }
	var out []Protocol
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, Protocol{name, share(0, name), share(1, name)})
	}
	slices.SortStableFunc(out, func(a, b Protocol) int {
		return cmp.Or(cmp.Compare(b.Things, a.Things), cmp.Compare(b.Others, a.Others))
	})
	return out
}

// sharePorts fills the shares of packets on ports that several devices use.
func (s *Summary) sharePorts(ports map[uint16]map[string]int64) {
	isComputer := map[string]bool{}
	for _, d := range s.Devices {
		isComputer[d.Name] = d.Category == computer
	}
	var all, shared, things, withOthers float64
	for _, users := range ports {
		sum, thing := int64(0), int64(0)
		for name, n := range users {
			sum += n
			if !isComputer[name] {
				thing += n
			}
		}

		// A stray packet makes no port shared.
		some, others := 0, false
		for name, n := range users {
			if n*100 >= sum {
				some++
				others = others || isComputer[name]
			}
		}
		all, things = all+float64(sum), things+float64(thing)
		if some > 1 {
			shared += float64(sum)
		}
		if others {
			withOthers += float64(thing)
		}
	}
	s.SharedPorts, s.SharedWithOthers = shared/max(all, 1), withOthers/max(things, 1)
}
