package datasets

import "fmt"

// Check reports the first packet that breaks the contract of Trace: order of
// time, flow index in range, payload within the packet, End at or after the
// last packet.
func (t Trace) Check() error {
	last := t.End
	if n := len(t.Packets); n > 0 {
		last = t.Packets[n-1].Time
	}
	if t.End < 0 || last > t.End {
		return fmt.Errorf("end %v is before the last packet at %v", t.End, last)
	}

	for i, p := range t.Packets {
		switch {
		case p.Time < 0 || i > 0 && p.Time < t.Packets[i-1].Time:
			return fmt.Errorf("packet %d at %v runs backwards", i, p.Time)
		case p.Flow < 0 || int(p.Flow) >= len(t.Flows):
			return fmt.Errorf("packet %d: flow %d of %d", i, p.Flow, len(t.Flows))
		// A frame that is not IP may be shorter than an Ethernet header.
		case p.Payload < 0 || p.Payload > max(p.Size-EthernetHeader, 0):
			return fmt.Errorf("packet %d: payload %d in a frame of %d", i, p.Payload, p.Size)
		case p.Dir > Down:
			return fmt.Errorf("packet %d: direction %d", i, p.Dir)
		}
	}
	return nil
}

// Bytes returns the sum of packet sizes at the IP layer, without the
// Ethernet header.
func (t Trace) Bytes() int64 {
	var n int64
	for _, p := range t.Packets {
		n += int64(p.Size - EthernetHeader)
	}
	return n
}
