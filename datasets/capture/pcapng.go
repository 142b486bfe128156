package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"veilbench/datasets/capture/internal/header"
)

// Block types of pcapng.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
)

// Options of an interface description.
const (
	optionEnd        = 0
	optionResolution = 9
	optionOffset     = 14
)

const (
	maxBlock      = 16 << 20
	maxInterfaces = 1 << 16
	byteOrderMark = 0x1a2b3c4d
)

// pcapng reads the blocks of a pcapng file (draft-ietf-opsawg-pcapng). It takes
// sections, interfaces and packets and skips every other block.
//
// pcapgo.NgReader v1.1.19 would do for most files, but divides by zero on a
// time resolution of 10^-64, panics on short options, computes wrong times for
// binary resolutions, keeps 8 bits of the link type, allocates what a length
// claims, and takes a cut file for a clean end.
type pcapng struct {
	src    *source
	order  order   // of the section
	ifaces []iface // of the section
	unit   string  // of the file's first interface
	at     int64   // where the current block begins

	time    int64 // of the packet before
	untimed int   // packets that got it
	over    int   // packets with more captured bytes than their frame
}

// iface is what a section's interface says about its packets.
type iface struct {
	link   uint32
	snap   uint32
	ticks  uint64 // per second
	each   uint64 // nanoseconds of a tick, 0 if they are not whole
	offset int64  // seconds
}

func openPcapng(src *source) (*pcapng, error) {
	p := &pcapng{src: src}
	_, size, err := p.blockHeader()
	if err == nil {
		err = p.readSection(size)
	}
	if err != nil {
		return nil, fmt.Errorf("pcapng section header: %w", err)
	}
	return p, nil
}

func (p *pcapng) next(rec *Record) error {
	if p.nextPlain(rec) {
		return nil
	}
	return p.nextBlock(rec)
}

// nextPlain is next for what nearly every block is: an enhanced packet block that is
// there as a whole and has nothing wrong with it. All is looked at in one go, as in
// decodePlain. It reports false, with nothing read, where anything calls for the long
// way.
func (p *pcapng) nextPlain(rec *Record) bool {
	const head, tail = 28, 4
	b := p.src.buf.Ahead()
	if len(b) < head+tail || p.order.Uint32(b) != blockEnhanced {
		return false
	}
	size, id := p.order.Uint32(b[4:]), p.order.Uint32(b[8:])
	captured, length := p.order.Uint32(b[20:]), p.order.Uint32(b[24:])
	if uint64(size) > uint64(len(b)) || size%4 != 0 || uint64(captured)+head+tail > uint64(size) || captured > header.MaxFrame || captured > length || length > maxLength || uint64(id) >= uint64(len(p.ifaces)) {
		return false
	}
	f := &p.ifaces[id]
	t, ok := f.nanoseconds(uint64(p.order.Uint32(b[12:]))<<32 | uint64(p.order.Uint32(b[16:])))
	if !ok {
		return false
	}

	p.src.buf.Skip(int(size)) // reads nothing, so that the frame lasts
	p.time = t
	want := head + int(captured)
	rec.Time, rec.Length, rec.Link, rec.Data = t, int(length), f.link, b[head:want:want]
	return true
}

// nextBlock is next for blocks of every kind.
func (p *pcapng) nextBlock(rec *Record) error {
	for {
		typ, size, err := p.blockHeader()
		if err != nil {
			return err
		}
		switch typ {
		case blockSection:
			err = p.readSection(size)
		case blockInterface:
			err = p.readInterface(size)
		case blockEnhanced, blockPacket, blockSimple:
			return p.readPacket(rec, typ, size)
		default:
			err = p.skipBlock(size)
		}
		if err != nil {
			return err
		}
	}
}

// blockHeader peeks at the next block: its type and its length, headers and
// all. io.EOF means that no byte is left.
func (p *pcapng) blockHeader() (typ uint32, size int, err error) {
	p.at = p.src.offset()
	h, err := p.src.buf.Peek(12)
	switch {
	case err == nil:
	case len(h) == 0 && errors.Is(err, io.EOF):
		return 0, 0, io.EOF
	case errors.Is(unexpected(err), io.ErrUnexpectedEOF):
		return 0, 0, cutError(p.at, "a block header", 12, int64(len(h)))
	default:
		return 0, 0, err
	}

	// A section states the byte order behind its length, and the order counts
	// from that length on. Its type reads the same both ways.
	if binary.LittleEndian.Uint32(h) == blockSection {
		switch {
		case binary.LittleEndian.Uint32(h[8:]) == byteOrderMark:
			p.order = false
		case binary.BigEndian.Uint32(h[8:]) == byteOrderMark:
			p.order = true
		default:
			return 0, 0, fmt.Errorf("pcapng section header: byte order mark %x", h[8:12])
		}
	}

	typ, n := p.order.Uint32(h), p.order.Uint32(h[4:])
	if n < 12 || n%4 != 0 || n > maxBlock {
		return 0, 0, fmt.Errorf("pcapng block of type %#x claims %s bytes; want a multiple of 4 from 12 to %s", typ, commas(int64(n)), commas(maxBlock))
	}
	return typ, int(n), nil
}

// skipBlock goes to the end of the current block, of which nothing was
// discarded yet.
func (p *pcapng) skipBlock(size int) error {
	if n, err := p.src.buf.Discard(size); err != nil {
		if !errors.Is(unexpected(err), io.ErrUnexpectedEOF) {
			return err // of the decompressor
		}
		return cutError(p.at, "the block", int64(size), int64(n))
	}
	return nil
}

// peekBlock returns the first n bytes of the current block, of size bytes in
// all.
func (p *pcapng) peekBlock(what string, n, size int) ([]byte, error) {
	if size < n+4 {
		return nil, fmt.Errorf("pcapng %s of %d bytes; want at least %d", what, size, n+4)
	}
	b, err := p.src.buf.Peek(n)
	if err != nil && errors.Is(unexpected(err), io.ErrUnexpectedEOF) {
		return nil, cutError(p.at, "the block", int64(size), int64(len(b)))
	}
	return b, err
}

func (p *pcapng) readSection(size int) error {
	b, err := p.peekBlock("section header", 24, size)
	if err != nil {
		return err
	}
	if major := p.order.Uint16(b[12:]); major != 1 {
		return fmt.Errorf("pcapng version %d.%d; want 1.0", major, p.order.Uint16(b[14:]))
	}
	p.ifaces = p.ifaces[:0] // each section counts its interfaces from 0
	return p.skipBlock(size)
}

func (p *pcapng) readInterface(size int) error {
	// The options are parsed in place, so the block must fit the window.
	if size < 20 || size > window {
		return fmt.Errorf("pcapng interface description of %s bytes; want 20 to %s", commas(int64(size)), commas(window))
	}
	if len(p.ifaces) == maxInterfaces {
		return fmt.Errorf("more than %s pcapng interfaces in a section", commas(maxInterfaces))
	}
	b, err := p.peekBlock("interface description", size-4, size)
	if err != nil {
		return err
	}

	f := iface{link: uint32(p.order.Uint16(b[8:])), snap: p.order.Uint32(b[12:]), ticks: 1_000_000}
	if err := p.readOptions(&f, b[16:]); err != nil {
		return err
	}
	if 1_000_000_000%f.ticks == 0 {
		f.each = 1_000_000_000 / f.ticks
	}
	p.ifaces = append(p.ifaces, f)
	return p.skipBlock(size)
}

// readOptions takes what an interface's options say about its times.
func (p *pcapng) readOptions(f *iface, b []byte) error {
	unit := "microseconds"
	for len(b) >= 4 {
		code, n := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		if code == optionEnd {
			break
		}
		if n > len(b)-4 {
			return fmt.Errorf("pcapng interface option %d claims %d bytes; the block has %d left", code, n, len(b)-4)
		}

		v := b[4 : 4+n]
		switch {
		case code == optionResolution && n == 1:
			var err error
			if f.ticks, unit, err = resolution(v[0]); err != nil {
				return err
			}
		case code == optionOffset && n == 8:
			f.offset = int64(p.order.Uint64(v))
		case code == optionResolution || code == optionOffset:
			return fmt.Errorf("pcapng interface option %d of %d bytes", code, n)
		}

		// The length leaves out the fill to a multiple of 4, which may be
		// missing behind the last option.
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	if p.unit == "" {
		p.unit = unit
	}
	return nil
}

// resolution decodes if_tsresol, a power of 10 or (with the upper bit set) of
// 2, into ticks per second and the unit's name. What 64 bits cannot count is
// refused.
func resolution(v byte) (uint64, string, error) {
	e := int(v & 0x7f)
	switch {
	case v&0x80 != 0 && e <= 63:
		return 1 << e, fmt.Sprintf("2^-%d s", e), nil
	case v&0x80 != 0 || e > 19:
		return 0, "", fmt.Errorf("pcapng time resolution %#x; want 10^-0 to 10^-19 or 2^-0 to 2^-63", v)
	}

	ticks := uint64(1)
	for range e {
		ticks *= 10
	}
	if name := map[int]string{3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}[e]; name != "" {
		return ticks, name, nil
	}
	return ticks, fmt.Sprintf("10^-%d s", e), nil
}

// nanoseconds converts ticks to Unix time without loss above a nanosecond.
// ok is false where the time does not fit 64 bits (beyond the year 2262).
func (f *iface) nanoseconds(ticks uint64) (ns int64, ok bool) {
	// Nearly always a tick is one nanosecond or a thousand: then there is nothing to
	// divide. What may be too late goes the long way.
	if f.each > 0 && f.offset == 0 {
		if hi, lo := bits.Mul64(ticks, f.each); hi == 0 && lo <= math.MaxInt64-2_000_000_000 {
			return int64(lo), true
		}
	}

	// frac * 1e9 may need 94 bits. It is below ticks * 1e9, so that the
	// quotient is below 1e9 and Div64 cannot overflow.
	sec, frac := ticks/f.ticks, ticks%f.ticks
	hi, lo := bits.Mul64(frac, 1_000_000_000)
	frac, _ = bits.Div64(hi, lo, f.ticks)

	// Each is checked by itself: the sum of two large ones could wrap.
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

// readPacket fills rec from a packet block of one of the three types.
func (p *pcapng) readPacket(rec *Record, typ uint32, size int) error {
	head := 28
	if typ == blockSimple {
		head = 12
	}
	b, err := p.peekBlock("packet block", head, size)
	if err != nil {
		return err
	}
	var id, captured, length uint32
	switch typ {
	case blockSimple:
		length = p.order.Uint32(b[8:])
	case blockPacket:
		// The upper half of the word counts drops here.
		id = uint32(p.order.Uint16(b[8:]))
		captured, length = p.order.Uint32(b[20:]), p.order.Uint32(b[24:])
	default:
		id = p.order.Uint32(b[8:])
		captured, length = p.order.Uint32(b[20:]), p.order.Uint32(b[24:])
	}
	if uint64(id) >= uint64(len(p.ifaces)) {
		return fmt.Errorf("pcapng packet of interface %d; the section has described %d", id, len(p.ifaces))
	}

	f := &p.ifaces[id]
	if typ == blockSimple {
		// It states neither a time nor how much of the frame was captured:
		// what the block and the snap length have room for.
		captured = min(length, uint32(size-head-4))
		if f.snap > 0 {
			captured = min(captured, f.snap)
		}
		p.untimed++
	} else {
		ticks := uint64(p.order.Uint32(b[12:]))<<32 | uint64(p.order.Uint32(b[16:]))
		t, ok := f.nanoseconds(ticks)
		if !ok {
			return fmt.Errorf("pcapng packet time of %d ticks; want one from 1970 to 2262", ticks)
		}
		p.time = t
	}
	if err := checkLengths(captured, length); err != nil {
		return err
	}
	if captured > length {
		p.over++
	}
	if int(captured) > size-head-4 {
		return fmt.Errorf("pcapng packet block of %s bytes claims %s captured ones", commas(int64(size)), commas(int64(captured)))
	}

	// Where the whole block is there, skipping its rest reads nothing, and the frame
	// lasts. Else it is copied, for the rest may take its place.
	want := head + int(captured)
	if size <= window {
		if b, err = p.src.buf.Peek(size); err == nil {
			p.src.buf.Skip(size)
			rec.Time, rec.Length, rec.Link, rec.Data = p.time, int(length), f.link, b[head:want:want]
			return nil
		}
	}
	if b, err = p.src.buf.Peek(want); err != nil {
		return cutError(p.at, "the packet's block", int64(size), int64(len(b)))
	}
	*rec = Record{Time: p.time, Length: int(length), Link: f.link, Data: slices.Clone(b[head:])}
	return p.skipBlock(size)
}

func (p *pcapng) name() (string, string) {
	if p.unit == "" { // no interface, so no packet either
		return "pcapng", "microseconds"
	}
	return "pcapng", p.unit
}

func (p *pcapng) warnings() []string {
	var out []string
	if p.untimed > 0 {
		out = append(out, fmt.Sprintf("%d packets have no time of their own (simple packet blocks); each got that of the packet before it", p.untimed))
	}
	return append(out, overWarning(p.over)...)
}
