package wire

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"time"

	"veilbench/datasets"
)

// ReadTrace takes a trace that a program made of in. Start, end and flows that it
// leaves out are those of in; the columns must be there and of one length. What may
// stand in them is for defenses.Check to say, but no number is out of the range of
// its field, and time and size are not negative.
func ReadTrace(r *Reader, in datasets.Trace) (datasets.Trace, error) {
	t := datasets.Trace{Start: in.Start, Flows: in.Flows, End: in.End}

	// Room for some dummy packets more: most programs send as many as came.
	c := columns{packets: make([]datasets.Packet, 0, len(in.Packets)+len(in.Packets)/8)}
	err := r.Object(func(key string) (err error) {
		switch key {
		case "start":
			t.Start, err = readStart(r, in.Start)
		case "end_ns":
			var n int64
			n, err = r.Int()
			t.End = time.Duration(n)
		case "flows":
			t.Flows, err = readFlows(r, in.Flows)
		case "time_ns":
			err = c.read(r, colTime, math.MaxInt64, func(p *datasets.Packet, n int64) { p.Time = time.Duration(n) })
		case "size":
			err = c.read(r, colSize, math.MaxInt32, func(p *datasets.Packet, n int64) { p.Size = int32(n) })
		case "payload":
			err = c.read(r, colPayload, math.MaxInt32, func(p *datasets.Packet, n int64) { p.Payload = int32(n) })
		case "flow":
			err = c.read(r, colFlow, math.MaxInt32, func(p *datasets.Packet, n int64) { p.Flow = int32(n) })
		case "dir":
			err = c.readDir(r)
		default:
			err = r.Skip()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err == nil {
		err = c.whole()
	}
	t.Packets = c.packets
	return t, err
}

// The columns of a trace.
const (
	colTime = iota
	colSize
	colPayload
	colFlow
	colDir
	numColumns
)

// columnNames are the members of a trace that hold them.
func columnNames() [numColumns]string {
	return [...]string{"time_ns", "size", "payload", "flow", "dir"}
}

// columns is packets of which some fields are read.
type columns struct {
	packets []datasets.Packet
	length  [numColumns]int
	have    [numColumns]bool
}

// at is packet i. The first column to be read makes the packets.
func (c *columns) at(i int) *datasets.Packet {
	if i == len(c.packets) {
		c.packets = append(c.packets, datasets.Packet{})
	}
	return &c.packets[i]
}

// begin refuses a column that comes twice: it would be half of one and half of the
// other.
func (c *columns) begin(col int) error {
	if c.have[col] {
		return fmt.Errorf("the column comes twice")
	}
	c.have[col] = true
	return nil
}

// read takes a column of numbers from 0 to most.
func (c *columns) read(r *Reader, col int, most int64, set func(p *datasets.Packet, n int64)) error {
	if err := c.begin(col); err != nil {
		return err
	}
	return r.numbers("packet", func(i int, n int64) error {
		if n < 0 || n > most {
			return fmt.Errorf("%d: want a number from 0 to %d", n, most)
		}
		set(c.at(i), n)
		c.length[col] = i + 1
		return nil
	})
}

// readDir takes the column of directions, a letter a packet.
func (c *columns) readDir(r *Reader) error {
	if err := c.begin(colDir); err != nil {
		return err
	}
	s, err := r.text()
	if err != nil {
		return err
	}
	for i, b := range s {
		d := bytes.IndexByte([]byte(directions), b)
		if d < 0 {
			return fmt.Errorf("packet %d: %q: want u or d", i, b)
		}
		c.at(i).Dir = datasets.Dir(d)
	}
	c.length[colDir] = len(s)
	return nil
}

// whole refuses packets of which a column is missing or shorter than another.
func (c *columns) whole() error {
	for col, name := range columnNames() {
		switch n := c.length[col]; {
		case !c.have[col]:
			return fmt.Errorf("there is no column %s", name)
		case n != len(c.packets):
			return fmt.Errorf("columns of unequal length: %s has %d entries where another has %d", name, n, len(c.packets))
		}
	}
	return nil
}

// readStart takes a start. The moment of was keeps its zone.
func readStart(r *Reader, was time.Time) (time.Time, error) {
	s, err := r.String()
	if err != nil || s == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err == nil && t.Equal(was) {
		return was, nil
	}
	return t, err
}

// readFlows takes flows. One that reads as that of was at its place is that one: a
// host name may hold what no JSON can.
func readFlows(r *Reader, was []datasets.Flow) ([]datasets.Flow, error) {
	out := make([]datasets.Flow, 0, len(was))
	err := r.Array(func(i int) error {
		f, err := readFlow(r)
		if err != nil {
			return fmt.Errorf("flow %d: %w", i, err)
		}
		if i < len(was) && f != was[i] && bytes.Equal(appendFlow(nil, f), appendFlow(nil, was[i])) {
			f = was[i]
		}
		out = append(out, f)
		return nil
	})
	return out, err
}

// readFlow takes one flow; what is left out is unknown.
func readFlow(r *Reader) (datasets.Flow, error) {
	var f datasets.Flow
	err := r.Object(func(key string) error {
		switch key {
		case "proto":
			n, err := r.Int()
			if err == nil && n != int64(uint8(n)) {
				err = fmt.Errorf("proto %d: want a number from 0 to 255", n)
			}
			f.Proto = uint8(n)
			return err
		case "lan":
			var err error
			f.LAN, err = r.Bool()
			return err
		case "local", "remote", "host", "query", "mac", "peer":
		default:
			return r.Skip()
		}

		// The rest are strings, empty where nobody knows.
		s, err := r.String()
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		switch key {
		case "local":
			f.Local, err = readAddress(s)
		case "remote":
			f.Remote, err = readAddress(s)
		case "host":
			f.Host = s
		case "query":
			f.Query = s
		case "mac":
			f.MAC, err = readMAC(s)
		case "peer":
			f.Peer, err = readMAC(s)
		}
		return err
	})
	return f, err
}

// readAddress reads what address writes.
func readAddress(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	return netip.ParseAddrPort(s)
}

// readMAC reads what MAC.String writes.
func readMAC(s string) (datasets.MAC, error) {
	var m datasets.MAC
	if s == "" {
		return m, nil
	}
	n, err := fmt.Sscanf(s, "%02x:%02x:%02x:%02x:%02x:%02x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5])
	if err != nil || n != len(m) || m.String() != s {
		return m, fmt.Errorf("%q: want six bytes as 50:c7:bf:00:00:01", s)
	}
	return m, nil
}
