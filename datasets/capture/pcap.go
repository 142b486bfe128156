package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/google/gopacket/pcapgo"
)

// First four bytes of a classic pcap file, read little-endian.
const (
	magicMicro        = 0xa1b2c3d4
	magicMicroSwapped = 0xd4c3b2a1
	magicNano         = 0xa1b23c4d
	magicNanoSwapped  = 0x4d3cb2a1
)

const (
	fileHeader   = 24
	recordHeader = 16
	// linkMask cuts the FCS bits off the link type field.
	linkMask = 0x03ffffff
)

// classic reads pcap records with pcapgo.Reader. The guards around it exist
// because pcapgo v1.1.19 keeps 8 bits of the link type (276 reads as 20),
// refuses records above the file's own snap length (which libpcap and
// Wireshark ignore, and some writers get wrong), allocates what that snap
// length says, takes a file cut between a record's header and body for a clean
// end, and lets a fraction above 4.29 s wrap.
type classic struct {
	src  *source
	r    *pcapgo.Reader
	link uint32
	big  bool
	nano bool
	late int // records whose fraction of a second is not one
}

func openPcap(src *source) (*classic, error) {
	h, err := src.buf.Peek(fileHeader)
	if err != nil {
		if err = unexpected(err); !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("pcap file header: %w", err)
		}
		return nil, cutError(0, "the pcap file header", fileHeader, int64(len(h)))
	}
	c := &classic{src: src}
	switch binary.LittleEndian.Uint32(h) {
	case magicMicroSwapped:
		c.big = true
	case magicNano:
		c.nano = true
	case magicNanoSwapped:
		c.big, c.nano = true, true
	}
	major, minor := c.u32(h[4:])&0xffff, c.u32(h[4:])>>16
	if c.big {
		major, minor = minor, major
	}
	if major != 2 || minor != 4 {
		return nil, fmt.Errorf("pcap version %d.%d; want 2.4", major, minor)
	}
	c.link = c.u32(h[20:]) & linkMask
	// pcapgo wraps its source in a bufio.Reader unless it already is one.
	if c.r, err = pcapgo.NewReader(src.buf); err != nil {
		return nil, fmt.Errorf("pcap file header: %w", err)
	}
	c.r.SetSnaplen(maxFrame)
	return c, nil
}

func (c *classic) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if c.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (c *classic) next(rec *Record) error {
	h, err := c.src.buf.Peek(recordHeader)
	if err != nil {
		return c.headerError(h, err)
	}
	if f := c.u32(h[4:]); f > 999_999 && (!c.nano || f > 999_999_999) {
		c.late++
	}
	captured, length := c.u32(h[8:]), c.u32(h[12:])
	if err := checkLengths(captured, length); err != nil {
		return err
	}
	unit := int64(1000)
	if c.nano {
		unit = 1
	}
	rec.Time = int64(c.u32(h))*1_000_000_000 + int64(c.u32(h[4:]))*unit
	rec.Link, rec.Length = c.link, int(length)
	at := c.src.offset()
	rec.Data, _, err = c.r.ZeroCopyReadPacketData()
	if err != nil {
		got := c.src.read - at - recordHeader
		if err = unexpected(err); errors.Is(err, io.ErrUnexpectedEOF) {
			return cutError(at, "the packet", int64(captured), got)
		}
		return &recordError{at, err.Error(), err}
	}
	return nil
}

// headerError explains why fewer than recordHeader bytes are left.
func (c *classic) headerError(h []byte, err error) error {
	switch {
	case errors.Is(err, io.EOF) && len(h) == 0:
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return cutError(0, "the packet's header", recordHeader, int64(len(h)))
	}
	return err
}

func checkLengths(captured, length uint32) error {
	switch {
	case captured > maxFrame:
		return fmt.Errorf("the packet's header claims %s captured bytes; want at most %s", group(int64(captured)), group(maxFrame))
	case captured > length:
		return fmt.Errorf("the packet's header claims %s captured bytes of a frame of %s", group(int64(captured)), group(int64(length)))
	case length > maxLength:
		return fmt.Errorf("the packet's header claims a frame of %s bytes; want at most %s", group(int64(length)), group(maxLength))
	}
	return nil
}

func (c *classic) name() (string, string) {
	if c.nano {
		return "pcap", "nanoseconds"
	}
	return "pcap", "microseconds"
}

func (c *classic) warnings() []string {
	if c.late == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d packet times have a fraction of a second of one second or more", c.late)}
}
