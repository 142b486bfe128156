package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"veilbench/datasets/capture/internal/header"
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

// classic reads the records of a pcap file. The file's own snap length is
// ignored, as in libpcap and Wireshark: some writers get it wrong.
//
// pcapgo.Reader v1.1.19 keeps 8 bits of the link type (276 reads as 20),
// refuses records above the snap length, allocates what the snap length says,
// takes a file cut between a record's header and body for a clean end, and lets
// a fraction above 4.29 s wrap.
type classic struct {
	src   *source
	order binary.ByteOrder
	link  uint32
	nano  bool
	late  int // records whose fraction of a second is a second or more
}

func openPcap(src *source) (*classic, error) {
	h, err := src.buf.Peek(fileHeader)
	if err != nil {
		if err = unexpected(err); !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("pcap file header: %w", err)
		}
		return nil, cutError(0, "the pcap file header", fileHeader, int64(len(h)))
	}

	// The magic number is written in the order of all other numbers, so it
	// reads swapped where they do.
	c := &classic{src: src, order: binary.LittleEndian}
	switch binary.LittleEndian.Uint32(h) {
	case magicMicroSwapped:
		c.order = binary.BigEndian
	case magicNano:
		c.nano = true
	case magicNanoSwapped:
		c.order, c.nano = binary.BigEndian, true
	}
	if major, minor := c.order.Uint16(h[4:]), c.order.Uint16(h[6:]); major != 2 || minor != 4 {
		return nil, fmt.Errorf("pcap version %d.%d; want 2.4", major, minor)
	}
	c.link = c.order.Uint32(h[20:]) & linkMask
	_, err = src.buf.Discard(fileHeader)
	return c, err
}

func (c *classic) next(rec *Record) error {
	h, err := c.src.buf.Peek(recordHeader)
	if err != nil {
		return headerError(h, err)
	}
	second, fraction := c.order.Uint32(h), c.order.Uint32(h[4:])
	captured, length := c.order.Uint32(h[8:]), c.order.Uint32(h[12:])
	if fraction > 999_999 && (!c.nano || fraction > 999_999_999) {
		c.late++
	}
	if err := checkLengths(captured, length); err != nil {
		return err
	}

	// checkLengths keeps the record within the window. Discarding what is there
	// reads nothing, so that b lasts until the next call.
	size := recordHeader + int(captured)
	b, err := c.src.buf.Peek(size)
	if err = unexpected(err); errors.Is(err, io.ErrUnexpectedEOF) {
		return cutError(0, "the packet", int64(captured), int64(len(b)-recordHeader))
	}
	if err != nil {
		return err
	}
	unit := int64(1000)
	if c.nano {
		unit = 1
	}
	*rec = Record{
		Time:   int64(second)*1_000_000_000 + int64(fraction)*unit,
		Length: int(length), Link: c.link, Data: b[recordHeader:],
	}
	_, err = c.src.buf.Discard(size)
	return err
}

// headerError says why fewer than recordHeader bytes are left.
func headerError(h []byte, err error) error {
	switch {
	case errors.Is(err, io.EOF) && len(h) == 0:
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return cutError(0, "the packet's header", recordHeader, int64(len(h)))
	}
	return err
}

// checkLengths refuses the lengths of a record that no capture has, before
// anything is allocated for them.
func checkLengths(captured, length uint32) error {
	switch {
	case captured > header.MaxFrame:
		return fmt.Errorf("the packet's header claims %s captured bytes; want at most %s", commas(int64(captured)), commas(header.MaxFrame))
	case captured > length:
		return fmt.Errorf("the packet's header claims %s captured bytes of a frame of %s", commas(int64(captured)), commas(int64(length)))
	case length > maxLength:
		return fmt.Errorf("the packet's header claims a frame of %s bytes; want at most %s", commas(int64(length)), commas(maxLength))
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
