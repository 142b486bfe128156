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
	// What routers and old Linux systems write: records with an interface and a
	// protocol behind the usual header.
	magicModified        = 0xa1b2cd34
	magicModifiedSwapped = 0x34cdb2a1
)

const (
	fileHeader   = 24
	recordHeader = 16
	// longestHeader is that of the longest variant of modified records.
	longestHeader = 28
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
	order order
	link  uint32
	nano  bool
	head  int  // bytes of a record's header
	swap  bool // the two lengths of a record stand the other way round
	maybe bool // they do where they make no sense otherwise
	late  int  // records whose fraction of a second is a second or more
	over  int  // records with more captured bytes than the frame is said to have
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
	c := &classic{src: src, order: false}
	switch binary.LittleEndian.Uint32(h) {
	case magicMicroSwapped:
		c.order = true
	case magicNano:
		c.nano = true
	case magicNanoSwapped:
		c.order, c.nano = true, true
	case magicModifiedSwapped:
		c.order = true
	}

	// Before version 2.3 the original length came first; writers of 2.3
	// disagree (libpcap, sf-pcap.c).
	major, minor := c.order.Uint16(h[4:]), c.order.Uint16(h[6:])
	if major != 2 || minor > 4 {
		return nil, fmt.Errorf("pcap version %d.%d; want 2.0 to 2.4", major, minor)
	}
	c.swap, c.maybe = minor < 3, minor == 3
	c.link = c.order.Uint32(h[20:]) & linkMask
	modified := c.order.Uint32(h) == magicModified
	if _, err = src.buf.Discard(fileHeader); err != nil {
		return nil, err
	}
	c.head = c.headerLength(modified)
	return c, nil
}

// headerLength finds how long the records' headers are: 16 bytes, but where a
// modified tcpdump wrote the file, 24 or 28 (it kept the magic number at times),
// and 20 on some firewalls. The first records decide, as in Wireshark: with a
// wrong length the second one makes no sense.
func (c *classic) headerLength(modified bool) int {
	lengths := []int{recordHeader, 24, 20, longestHeader}
	if modified {
		lengths = []int{24, longestHeader, recordHeader}
	}
	b, err := c.src.buf.Peek(window / 4)
	all := err != nil // of a file that is shorter

	// Of a plain file the usual length stands unless another explains three
	// records and it does not explain two: damage is no other format.
	for i, n := range lengths {
		good, rest := c.plausible(b, n)
		fits := rest == 0 || rest > 0 && !all
		switch {
		case fits && (i == 0 || good >= 3 || modified || all && good >= 2), i == 0 && !modified && good >= 2:
			return n
		}
	}
	return lengths[0]
}

// plausible walks the first records of b with headers of n bytes. It counts
// those that make sense and returns what is left of b behind them, -1 where it
// met one that makes none.
func (c *classic) plausible(b []byte, n int) (good, rest int) {
	limit := uint32(999_999)
	if c.nano {
		limit = 999_999_999
	}
	for good < 8 && len(b) >= n {
		captured, length := c.lengths(b)
		if captured > header.MaxFrame || length > maxLength || c.order.Uint32(b[4:]) > limit || captured == 0 && length > 0 {
			return good, -1
		}
		good++
		if n+int(captured) > len(b) {
			return good, 1 // b ends inside of the record
		}
		b = b[n+int(captured):]
	}
	if good == 8 {
		return good, 0
	}
	return good, len(b)
}

// lengths reads how much of a frame was captured and how long it was.
func (c *classic) lengths(h []byte) (captured, length uint32) {
	captured, length = c.order.Uint32(h[8:]), c.order.Uint32(h[12:])
	if c.swap || c.maybe && captured > length {
		captured, length = length, captured
	}
	return captured, length
}

func (c *classic) next(rec *Record) error {
	// Nearly always the whole record is there, and is looked at in place.
	b := c.src.buf.Ahead()
	if len(b) < c.head {
		var err error
		if b, err = c.src.buf.Peek(c.head); err != nil {
			return headerError(b, err, c.head)
		}
	}
	second, fraction := c.order.Uint32(b), c.order.Uint32(b[4:])
	captured, length := c.lengths(b)
	if fraction > 999_999 && (!c.nano || fraction > 999_999_999) {
		c.late++
	}
	if captured > header.MaxFrame || length > maxLength {
		return checkLengths(captured, length)
	}
	if captured > length {
		c.over++
	}

	// The lengths just checked keep the record within the window. Skipping what is
	// there reads nothing, so that b lasts until the next call.
	size := c.head + int(captured)
	if len(b) < size {
		var err error
		if b, err = c.src.buf.Peek(size); err != nil {
			if err = unexpected(err); errors.Is(err, io.ErrUnexpectedEOF) {
				return cutError(0, "the packet", int64(captured), int64(len(b)-c.head))
			}
			return err
		}
	}
	c.src.buf.Skip(size)
	unit := int64(1000)
	if c.nano {
		unit = 1
	}
	rec.Time = int64(second)*1_000_000_000 + int64(fraction)*unit
	rec.Length, rec.Link, rec.Data = int(length), c.link, b[c.head:size]
	return nil
}

// headerError says why fewer than want bytes of a record's header are left.
func headerError(h []byte, err error, want int) error {
	switch {
	case errors.Is(err, io.EOF) && len(h) == 0:
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return cutError(0, "the packet's header", int64(want), int64(len(h)))
	}
	return err
}

// checkLengths refuses the lengths of a record that no capture has, before
// anything is allocated for them. More captured bytes than the frame had are
// let pass: writers that count the check sequence in one of the two are common.
func checkLengths(captured, length uint32) error {
	switch {
	case captured > header.MaxFrame:
		return fmt.Errorf("the packet's header claims %s captured bytes; want at most %s", commas(int64(captured)), commas(header.MaxFrame))
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
	var out []string
	if c.late > 0 {
		out = append(out, fmt.Sprintf("%d packet times have a fraction of a second of one second or more", c.late))
	}
	return append(out, overWarning(c.over)...)
}

// overWarning says that n records have more captured bytes than their frames.
func overWarning(n int) []string {
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s packets have more captured bytes than their frame is said to have: the IP header's length counts", commas(int64(n)))}
}

// order is the byte order of a file, true for big-endian. As a value and not an
// interface its methods are no calls.
type order bool

func (o order) Uint16(b []byte) uint16 {
	if o {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (o order) Uint32(b []byte) uint32 {
	if o {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (o order) Uint64(b []byte) uint64 {
	if o {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
