package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"github.com/google/gopacket/pcapgo"
)

// Block types of pcapng.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
)

const (
	maxBlock      = 16 << 20
	maxInterfaces = 1 << 16
	byteOrderMark = 0x1a2b3c4d
)

// pcapng reads records with pcapgo.NgReader, which sees only what cleaner
// hands it.
type pcapng struct {
	clean *cleaner
	r     *pcapgo.NgReader
}

func openPcapng(src *source) (*pcapng, error) {
	c := &cleaner{src: src}
	// With mixed link types refused, pcapgo drops the packets of every
	// interface whose link type differs from the first one's, in silence.
	r, err := pcapgo.NewNgReader(c, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		return nil, fmt.Errorf("pcapng section header: %w", c.explain(err))
	}
	return &pcapng{c, r}, nil
}

func (p *pcapng) next(rec *Record) error {
	data, _, err := p.r.ZeroCopyReadPacketData()
	if err != nil {
		return p.clean.explain(err)
	}
	rec.Data, rec.Time, rec.Link, rec.Length = data, p.clean.time, p.clean.link, p.clean.length
	return nil
}

func (p *pcapng) name() (string, string) {
	unit := p.clean.unit
	if unit == "" {
		unit = "microseconds"
	}
	return "pcapng", unit
}

func (p *pcapng) warnings() []string {
	if p.clean.untimed == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d packets have no time of their own (simple packet blocks); each got that of the packet before it", p.clean.untimed)}
}

// iface is what a section's interface says about its packets.
type iface struct {
	link   uint32
	snap   uint32
	ticks  uint64 // per second
	offset int64  // seconds
}

// cleaner checks a pcapng stream block by block and passes on to
// pcapgo.NgReader a stream of the same packets in the plainest form: section
// headers and interfaces without options, and every packet as an enhanced
// packet block. pcapgo v1.1.19 needs that, for it divides by zero on a time
// resolution of 10^-64, panics on short options, computes wrong times for
// binary resolutions, keeps 8 bits of the link type, allocates what a length
// claims, and takes a cut file for a clean end. Link type, length and time of
// the packet passed on last are kept here, exact.
type cleaner struct {
	src    *source
	big    bool
	ifaces []iface
	unit   string

	out   []byte // header or trailer bytes to hand out
	body  int    // then this many bytes of src
	pad   int    // then these trailer bytes and
	skip  int    // so many bytes of src that are dropped
	total uint32 // length of the block handed out
	at    int64  // where the current block begins
	head  [64]byte
	err   error

	time    int64
	length  int
	link    uint32
	untimed int
}

// Read hands out at most the rest of one block, so that the fields of c always
// describe the packet that NgReader has just finished.
func (c *cleaner) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(c.out) == 0 && c.body == 0 {
		if c.err = c.block(); c.err != nil {
			return 0, c.err
		}
	}
	if len(c.out) > 0 {
		n := copy(p, c.out)
		c.out = c.out[n:]
		return n, nil
	}
	n, err := c.src.buf.Read(p[:min(len(p), c.body)])
	c.body -= n
	if err != nil {
		got := c.src.offset() - c.at
		c.err = cutError(c.at, "the packet's block", got+int64(c.body+c.skip), got)
		return n, c.err
	}
	if c.body == 0 {
		c.err = c.drop()
		clear(c.head[:8])
		c.out = c.head[:c.pad+4]
		c.order().PutUint32(c.out[c.pad:], c.total)
	}
	return n, nil
}

// drop skips what the current block holds beyond the packet.
func (c *cleaner) drop() error {
	n, err := c.src.buf.Discard(c.skip)
	if err != nil {
		got := c.src.offset() - c.at
		return cutError(c.at, "the block", got+int64(c.skip-n), got)
	}
	return nil
}

func (c *cleaner) order() binary.ByteOrder {
	if c.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// explain gives the cleaner's own error in place of what NgReader made of it.
func (c *cleaner) explain(err error) error {
	if c.err != nil {
		return c.err
	}
	return unexpected(err)
}

// block reads blocks until one has something to hand out.
func (c *cleaner) block() error {
	for len(c.out) == 0 {
		c.at = c.src.offset()
		h, err := c.src.buf.Peek(12)
		if len(h) == 0 && errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			if errors.Is(unexpected(err), io.ErrUnexpectedEOF) {
				return cutError(c.at, "a block header", 12, int64(len(h)))
			}
			return err
		}
		if err := c.dispatch(h); err != nil {
			return err
		}
	}
	return nil
}

func (c *cleaner) dispatch(h []byte) error {
	if binary.LittleEndian.Uint32(h) == blockSection {
		switch {
		case binary.LittleEndian.Uint32(h[8:]) == byteOrderMark:
			c.big = false
		case binary.BigEndian.Uint32(h[8:]) == byteOrderMark:
			c.big = true
		default:
			return fmt.Errorf("pcapng section header: byte order mark %x", h[8:12])
		}
	}
	typ, size := c.order().Uint32(h), c.order().Uint32(h[4:])
	if size < 12 || size%4 != 0 || size > maxBlock {
		return fmt.Errorf("pcapng block of type %#x claims %s bytes; want a multiple of 4 from 12 to %s", typ, group(int64(size)), group(maxBlock))
	}
	switch typ {
	case blockSection:
		return c.section(int(size))
	case blockInterface:
		return c.iface(int(size))
	case blockEnhanced, blockPacket, blockSimple:
		return c.packet(typ, int(size))
	}
	c.skip = int(size)
	return c.drop()
}

// peek returns the first n bytes of the current block, of size bytes in all.
func (c *cleaner) peek(what string, n, size int) ([]byte, error) {
	if size < n+4 {
		return nil, fmt.Errorf("pcapng %s of %d bytes; want at least %d", what, size, n+4)
	}
	b, err := c.src.buf.Peek(n)
	if err != nil {
		if errors.Is(unexpected(err), io.ErrUnexpectedEOF) {
			return nil, cutError(c.at, "the block", int64(size), int64(len(b)))
		}
		return nil, err
	}
	return b, nil
}

func (c *cleaner) section(size int) error {
	b, err := c.peek("section header", 24, size)
	if err != nil {
		return err
	}
	if major := c.order().Uint16(b[12:]); major != 1 {
		return fmt.Errorf("pcapng version %d.%d; want 1.0", major, c.order().Uint16(b[14:]))
	}
	c.ifaces = c.ifaces[:0]
	c.skip = size
	if err := c.drop(); err != nil {
		return err
	}
	o := c.order()
	c.out = c.head[:28]
	clear(c.out)
	o.PutUint32(c.out, blockSection)
	o.PutUint32(c.out[4:], 28)
	o.PutUint32(c.out[8:], byteOrderMark)
	o.PutUint16(c.out[12:], 1)
	o.PutUint64(c.out[16:], math.MaxUint64)
	o.PutUint32(c.out[24:], 28)
	return nil
}

func (c *cleaner) iface(size int) error {
	if size < 20 || size > window {
		return fmt.Errorf("pcapng interface description of %s bytes; want 20 to %s", group(int64(size)), group(window))
	}
	if len(c.ifaces) == maxInterfaces {
		return fmt.Errorf("more than %s pcapng interfaces in a section", group(maxInterfaces))
	}
	b, err := c.peek("interface description", size-4, size)
	if err != nil {
		return err
	}
	o := c.order()
	f := iface{link: uint32(o.Uint16(b[8:])), snap: o.Uint32(b[12:]), ticks: 1_000_000}
	if err := c.options(&f, b[16:]); err != nil {
		return err
	}
	c.ifaces = append(c.ifaces, f)
	c.skip = size
	if err := c.drop(); err != nil {
		return err
	}
	c.out = c.head[:20]
	clear(c.out)
	o.PutUint32(c.out, blockInterface)
	o.PutUint32(c.out[4:], 20)
	o.PutUint32(c.out[12:], maxFrame)
	o.PutUint32(c.out[16:], 20)
	return nil
}

// options reads if_tsresol (9) and if_tsoffset (14).
func (c *cleaner) options(f *iface, b []byte) error {
	unit := "microseconds"
	for len(b) >= 4 {
		code, n := c.order().Uint16(b), int(c.order().Uint16(b[2:]))
		if code == 0 {
			break
		}
		if n > len(b)-4 {
			return fmt.Errorf("pcapng interface option %d claims %d bytes; the block has %d left", code, n, len(b)-4)
		}
		v := b[4 : 4+n]
		switch {
		case code == 9 && n == 1:
			var err error
			if f.ticks, unit, err = resolution(v[0]); err != nil {
				return err
			}
		case code == 14 && n == 8:
			f.offset = int64(c.order().Uint64(v))
		case code == 9 || code == 14:
			return fmt.Errorf("pcapng interface option %d of %d bytes", code, n)
		}
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	if c.unit == "" {
		c.unit = unit
	}
	return nil
}

// resolution decodes if_tsresol: ticks per second and its name.
func resolution(v byte) (uint64, string, error) {
	e := int(v & 0x7f)
	switch {
	case v&0x80 != 0 && e <= 63:
		return 1 << e, fmt.Sprintf("2^-%d s", e), nil
	case v&0x80 == 0 && e <= 19:
		ticks := uint64(1)
		for range e {
			ticks *= 10
		}
		switch e {
		case 3:
			return ticks, "milliseconds", nil
		case 6:
			return ticks, "microseconds", nil
		case 9:
			return ticks, "nanoseconds", nil
		}
		return ticks, fmt.Sprintf("10^-%d s", e), nil
	}
	return 0, "", fmt.Errorf("pcapng time resolution %#x; want 10^-0 to 10^-19 or 2^-0 to 2^-63", v)
}

// nanoseconds converts ticks to Unix time without loss above a nanosecond.
// ok is false where the time does not fit 64 bits (beyond the year 2262).
func (f *iface) nanoseconds(ticks uint64) (ns int64, ok bool) {
	sec, frac := ticks/f.ticks, ticks%f.ticks
	hi, lo := bits.Mul64(frac, 1_000_000_000)
	frac, _ = bits.Div64(hi, lo, f.ticks)
	const limit = math.MaxInt64/1_000_000_000 - 1
	if sec > limit || f.offset > limit || f.offset < -limit {
		return 0, false
	}
	s := int64(sec) + f.offset
	if s > limit || s < 0 {
		return 0, false
	}
	return s*1_000_000_000 + int64(frac), true
}

func (c *cleaner) packet(typ uint32, size int) error {
	head := 28
	if typ == blockSimple {
		head = 12
	}
	b, err := c.peek("packet block", head, size)
	if err != nil {
		return err
	}
	o := c.order()
	var id, captured, length uint32
	switch typ {
	case blockSimple:
		length = o.Uint32(b[8:])
	case blockPacket:
		id = uint32(o.Uint16(b[8:]))
		captured, length = o.Uint32(b[20:]), o.Uint32(b[24:])
	default:
		id = o.Uint32(b[8:])
		captured, length = o.Uint32(b[20:]), o.Uint32(b[24:])
	}
	if uint64(id) >= uint64(len(c.ifaces)) {
		return fmt.Errorf("pcapng packet of interface %d; the section has described %d", id, len(c.ifaces))
	}
	f := &c.ifaces[id]
	if typ == blockSimple {
		captured = min(length, uint32(size-head-4))
		if f.snap > 0 {
			captured = min(captured, f.snap)
		}
		c.untimed++
	} else {
		ticks := uint64(o.Uint32(b[12:]))<<32 | uint64(o.Uint32(b[16:]))
		t, ok := f.nanoseconds(ticks)
		if !ok {
			return fmt.Errorf("pcapng packet time of %d ticks; want one from 1970 to 2262", ticks)
		}
		c.time = t
	}
	if err := checkLengths(captured, length); err != nil {
		return err
	}
	if int(captured) > size-head-4 {
		return fmt.Errorf("pcapng packet block of %s bytes claims %s captured ones", group(int64(size)), group(int64(captured)))
	}
	c.link, c.length = f.link, int(length)
	return c.pass(id, head, size, int(captured))
}

// pass hands out the packet as an enhanced packet block without options.
func (c *cleaner) pass(id uint32, head, size, captured int) error {
	if _, err := c.src.buf.Discard(head); err != nil {
		return err
	}
	c.body, c.pad = captured, -captured&3
	c.skip = size - head - captured
	o := c.order()
	c.total = uint32(32 + captured + c.pad)
	c.out = c.head[:28]
	clear(c.out)
	o.PutUint32(c.out, blockEnhanced)
	o.PutUint32(c.out[4:], c.total)
	o.PutUint32(c.out[8:], id)
	o.PutUint32(c.out[20:], uint32(captured))
	o.PutUint32(c.out[24:], uint32(captured))
	if captured > 0 {
		return nil
	}
	// No bytes of src follow: the trailer goes out at once.
	c.out = c.head[:32]
	o.PutUint32(c.out[28:], c.total)
	return c.drop()
}
