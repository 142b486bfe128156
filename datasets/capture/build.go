package capture

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
	"veilbench/datasets/capture/internal/hello"
)

// conv is a conversation: both directions of the same addresses and ports.
// Which side is the home is decided when everything is read.
type conv struct {
	key         // of the first packet's direction
	first int   // index of the first packet
	wayUp int32 // packets by which the link layer says that the first sender is the home, less those by which it is not
	host  string
	mss   uint16    // largest segment that both ends take, 0 if unknown
	from  [2]uint64 // who sent the packets of either direction, where the link has no other address
	own   int32     // as wayUp, by packets that the capturing machine itself sent
	peer  uint64    // the other side of written 802.15.4 frames
}

// cacheSize is the number of places of a cache in front of the map of conversations,
// a power of two. A place has cacheDepth slots: of 400 directions at a time one in
// a hundred finds them all taken; with two slots in twice as many places one in twenty.
const (
	cacheSize  = 1 << 9
	cacheDepth = 4
)

type cacheSlot struct {
	key
	conv int32 // index, -1 if empty
	back bool  // the other direction of the conversation
}

// packetBytes is what a packet costs while it is read: 24 bytes in the trace, as
// much again while that grows.
const packetBytes = 50

// builder makes a trace of records. While reading, Packet.Flow is the index
// of a conversation and Packet.Dir is Up from its first sender.
type builder struct {
	o       Options
	rep     Report
	ps      []datasets.Packet
	n       int           // of them, with those that are left out in the end
	last    time.Duration // recorded time of the packet before, and
	uneven  bool          // whether any is earlier than that or a minute later
	records int           // read so far, with some that are not added yet,
	part    float64       // and of the file, 0 if unknown
	base    int64         // Unix time of Packet.Time 0
	convs   []conv
	index   map[key]int32 // twice the conversation, plus 1 for its other direction
	bare    map[key]int32 // first conversation by addresses and ports alone
	cache   [][cacheDepth]cacheSlot
	names   nameBook
	queries map[Query]int // by client and name, their Count 0
	parts   map[int32]*streamPart
	quic    map[int32]*hello.QUIC
	mark    marks
	skips   map[string]int
	odd     map[string]int

	wraps, closed map[string]int // wrappers that were opened, and that were not
	frags         map[fragKey]*fragments
	recent        []glance
	moved         bool    // a conversation may be without packets
	checks        []check // by packet, nil unless the link has any
	cut, large    int     // frames cut into segments, and those too large that were not
	steps, gaps   []step
	future        int
	pppoe         int
	prefixes      []netip.Prefix        // on this link, by what routers and neighbors say
	onLink        map[netip.Addr]bool   // likewise, single addresses
	routers       map[uint64]bool       // who advertised a prefix
	senders       map[netip.Addr]uint64 // as conv.from, by address
}

func newBuilder(o Options) *builder {
	b := &builder{
		o: o, index: map[key]int32{}, bare: map[key]int32{}, cache: make([][cacheDepth]cacheSlot, cacheSize),
		parts: map[int32]*streamPart{}, quic: map[int32]*hello.QUIC{}, skips: map[string]int{}, odd: map[string]int{}, names: nameBook{}, queries: map[Query]int{},
		wraps: map[string]int{}, closed: map[string]int{}, frags: map[fragKey]*fragments{}, recent: make([]glance, recentSize),
		onLink: map[netip.Addr]bool{}, routers: map[uint64]bool{}, senders: map[netip.Addr]uint64{},
	}
	for i := range b.cache {
		for j := range b.cache[i] {
			b.cache[i][j].conv = -1
		}
	}
	return b
}

// doubt notes that so many packets of all are doubtful.
func (b *builder) doubt(code string, count int, remedy, format string, args ...any) {
	b.rep.Doubts = append(b.rep.Doubts, datasets.Doubt{Code: code, Count: int64(count), Of: int64(b.n), Remedy: remedy, Detail: fmt.Sprintf(format, args...)})
}

func (b *builder) warn(format string, args ...any) {
	b.rep.Warnings = append(b.rep.Warnings, fmt.Sprintf(format, args...))
}

// add takes one record, which f was decoded from and summed up.
func (b *builder) add(rec *Record, f *frame) {
	b.rep.WireBytes += int64(rec.Length)
	if len(rec.Data) < rec.Length {
		b.rep.Snapped++
	}

	var part *fragments
	if !f.plain {
		if part = b.meet(f, rec.Time); f.skip != "" {
			b.skips[f.skip]++
			return
		}
	}

	// Times stay as recorded until all are there: only then can be told whether a
	// clock was set.
	if b.n == 0 {
		b.base = rec.Time
	}
	of, copied := b.findCopy(f, rec.Time)
	if copied {
		b.rep.Copies++
		if b.o.DropCopies {
			b.keepNearer(of, f)
			return
		}
	}

	ci, back := b.lookup(&f.key)
	p := datasets.Packet{Time: time.Duration(rec.Time - b.base), Size: f.size, Payload: f.payload, Flow: ci}
	if back {
		p.Dir = datasets.Down
	}
	if !f.plain {
		b.tellRest(f, part, ci, back)
	}
	if len(f.app) > 0 && !copied {
		b.learnNames(f, ci)
	}
	if p.Size <= mtu+datasets.EthernetHeader { // nearly all
		b.append(p)
		return
	}
	b.putLarge(f, &b.convs[ci], p)
}

// meet counts what is rare about a frame. It returns what is known of the IP packet
// that it is a fragment of, nil if it is none, and may find that f is to be skipped.
func (b *builder) meet(f *frame, at int64) *fragments {
	if f.odd != "" {
		b.odd[f.odd]++
	}
	if f.marker != nil && b.mark.read(f.marker, at) {
		f.skip = "marker of the start or end of observing"
	}
	if f.skip != "" {
		return nil
	}
	if f.wrapped != "" {
		b.wraps[f.wrapped]++
	}
	if f.unopened != "" {
		b.closed[f.unopened]++
	}
	return b.meetFragment(f, at)
}

// tellRest notes what a frame that is not plain says beside its packet, of
// conversation ci.
func (b *builder) tellRest(f *frame, part *fragments, ci int32, back bool) {
	if part != nil && f.fragment == 1 {
		b.giveFragments(part, ci, back)
	}
	b.tellLink(f, ci, back)
	b.learnLink(f)
	if f.check != 0 {
		b.checks = append(b.checks, make([]check, b.n-len(b.checks))...) // other links of the file have none
		b.checks = append(b.checks, f.check)
	}
}

// putLarge adds a packet that is longer than a line takes, or the segments that it
// became.
func (b *builder) putLarge(f *frame, c *conv, p datasets.Packet) {
	each := b.segment(f, c)
	if each == 0 {
		if (f.kind == 4 || f.kind == 6) && !f.loopback && !f.made {
			b.large++
		}
		b.append(p)
		return
	}

	b.cut++
	head, rest := p.Size-p.Payload, p.Payload
	for ; rest > 0; rest -= each {
		p.Payload = min(each, rest)
		p.Size = head + p.Payload
		b.append(p)
		b.rep.Segments++
	}
	b.rep.Segments-- // the first one is the frame itself
}

func (b *builder) append(p datasets.Packet) {
	if len(b.ps) == cap(b.ps) {
		b.grow()
	}
	// Field by field: appended as one, p would be read back in wide pieces from a stack
	// that it was just written to in narrow ones, which a processor waits for.
	b.ps = b.ps[:len(b.ps)+1]
	q := &b.ps[len(b.ps)-1]
	q.Time, q.Size, q.Payload, q.Flow, q.Dir = p.Time, p.Size, p.Payload, p.Flow, p.Dir
	b.n++
	if d := p.Time - b.last; d < 0 || d >= leastGap {
		b.uneven = true
	}
	b.last = p.Time
}

// grow makes room for as many packets as the whole file will have, by what there is of
// them in the part that was read: so a trace is hardly ever copied. What comes first may
// be unlike the rest, so it is no more than six megabytes or eight times what there is.
func (b *builder) grow() {
	const first, most = 1 << 14, 1 << 18
	n := len(b.ps)
	room := max(n+n/4, first)
	if b.part > 0 {
		so := n
		if n == 0 {
			so = b.records
		}
		room = max(int(min(float64(so)/b.part*(1+1./32), max(most, 8*float64(n)))), n+n/16+64)
	}
	ps := make([]datasets.Packet, n, room)
	copy(ps, b.ps)
	b.ps = ps
}

// tellLink notes what the link layer of a packet says of its conversation.
func (b *builder) tellLink(f *frame, ci int32, back bool) {
	if f.way == 0 && !f.own && f.mss == 0 && !f.pppoe && f.peer == 0 && f.sender == 0 {
		return // as of nearly every packet
	}
	c := &b.convs[ci]
	sender := int32(1) // of the frame, as the first sender or the other one
	if back {
		sender = -1
	}
	switch f.way {
	case 0:
	case 1:
		c.wayUp += sender
	default:
		c.wayUp -= sender
	}
	if f.own {
		c.own += sender
	}
	if f.mss > 0 && (c.mss == 0 || f.mss < c.mss) {
		c.mss = f.mss
	}
	if f.pppoe {
		b.pppoe++
	}
	if f.peer != 0 {
		c.peer = f.peer
	}

	// Of a packet that a router takes in and sends on, the first sender is the
	// one that matters.
	side := 0
	if back {
		side = 1
	}
	if f.sender == 0 {
		return
	}
	if c.from[side] == 0 {
		c.from[side] = f.sender
	}
	if src, _ := f.addrs(); b.senders[src.Addr()] == 0 && src.IsValid() {
		b.senders[src.Addr()] = f.sender
	}
}

// slot is the place of k in the cache: the upper bits (64 - 55 = 9, as many as
// cacheSize has) of a product, on which all bits of the factors act. What k has in few
// values only, such as the protocol, is left out: keys of one slot are still told apart.
func (k *key) slot() uint64 {
	return fold(k.srcLo^uint64(k.srcPort)<<40^salt[0], k.dstLo^uint64(k.dstPort)<<40^k.srcMAC<<16^salt[1]) * salt[2] >> 55
}

// lookup finds the conversation of k, or makes one, and says whether k is its
// other direction.
func (b *builder) lookup(k *key) (ci int32, back bool) {
	slots := &b.cache[k.slot()]
	for i := range slots {
		if s := &slots[i]; s.key.is(k) && s.conv >= 0 {
			return s.conv, s.back
		}
	}
	ci, back = b.findConv(k)
	copy(slots[1:], slots[:])
	slots[0] = cacheSlot{*k, ci, back}
	return ci, back
}

// findConv is lookup without the cache.
func (b *builder) findConv(k *key) (ci int32, back bool) {
	if v, ok := b.index[*k]; ok {
		return v >> 1, v&1 == 1
	}
	r := k.reversed()
	if v, ok := b.index[r]; ok {
		return v >> 1, v&1 == 0
	}

	// Behind some routers the way back has other hardware addresses: then the
	// IP addresses and ports decide, where they mean one host each.
	r.srcMAC, r.dstMAC = 0, 0
	if ci, ok := b.bare[r]; ok && b.unicast(k) {
		b.index[*k] = ci<<1 | 1
		return ci, true
	}

	ci = int32(len(b.convs))
	b.index[*k] = ci << 1
	b.convs = append(b.convs, conv{key: *k, first: b.n})

	if k.srcMAC|k.dstMAC != 0 && b.unicast(k) {
		bare := *k
		bare.srcMAC, bare.dstMAC = 0, 0
		if _, ok := b.bare[bare]; !ok {
			b.bare[bare] = ci
		}
	}
	return ci, false
}

// unicast says whether both IP addresses of k belong to one host each, and the
// hardware addresses are none that a writer made up: those already tell which
// packets belong together.
func (b *builder) unicast(k *key) bool {
	if k.kind != 4 && k.kind != 6 {
		return false
	}
	for _, m := range []uint64{k.srcMAC, k.dstMAC} {
		if multicastMAC(m) || m>>24 == header.FarPrefix || m>>24 == header.NearPrefix {
			return false
		}
	}
	src, dst := k.addrs()
	return b.placeOf(src.Addr()) != everywhere && b.placeOf(dst.Addr()) != everywhere &&
		!src.Addr().IsUnspecified() && !dst.Addr().IsUnspecified()
}

// trace makes the trace of all records added and completes the report. names is
// the names file: hosts by address.
func (b *builder) trace(names map[string]string) datasets.Trace {
	b.index, b.bare, b.cache = nil, nil, nil // large, and not needed any more
	ps := b.dropRelays(b.packets())
	flows := b.assignFlows(ps, names)
	if b.moved || b.o.SortTimes && b.rep.OutOfOrder > 0 {
		flows = renumberFlows(ps, flows) // in the order of what is left
	}
	t := datasets.Trace{Packets: ps, Flows: flows}
	if b.n > 0 {
		t.Start, t.End = time.Unix(0, b.base).UTC(), ps[len(ps)-1].Time
	}
	b.mark.apply(&t, b.base, b.n > 0)

	b.rep.Packets = len(ps)
	b.rep.Reasons = sortCounts(b.skips)
	for _, c := range b.rep.Reasons {
		b.rep.Skipped += c.Count
	}
	b.rep.Odd = sortCounts(b.odd)
	b.rep.Opened, b.rep.NotOpened = sortCounts(b.wraps), sortCounts(b.closed)
	for _, p := range b.prefixes {
		b.rep.Home = append(b.rep.Home, p.String())
	}
	b.rep.Queries, b.rep.Recorded = b.sortedQueries(), b.recordedAt(flows)
	// Never null in JSON.
	b.rep.Doubts, b.rep.Warnings = append([]datasets.Doubt{}, b.rep.Doubts...), append([]string{}, b.rep.Warnings...)
	b.findDoubts()
	return t
}

// packets puts what was read into order, or sorts it on request.
func (b *builder) packets() []datasets.Packet {
	ps := b.ps
	if b.ps = nil; cap(ps)-len(ps) > len(ps)/8 {
		ps = slices.Clone(ps) // the trace stays for long, and so would the room
	}
	ps = b.dropDamaged(ps)

	// As of most captures: the order is that of time, and no clock was set.
	if !b.uneven && len(ps) == b.n {
		return ps
	}
	if !b.o.SortTimes {
		b.straighten(ps)
		return ps
	}
	var last time.Duration
	for i := range ps {
		if ps[i].Time < last {
			b.rep.OutOfOrder++
		}
		last = max(last, ps[i].Time)
	}
	if b.rep.OutOfOrder == 0 {
		return ps
	}

	// Stable: packets of one time keep the order of the file. The first one may
	// now be another, and Time 0 moves to it.
	slices.SortStableFunc(ps, func(p, q datasets.Packet) int { return cmp.Compare(p.Time, q.Time) })
	shift := ps[0].Time
	for i := range ps {
		ps[i].Time -= shift
	}
	b.base += int64(shift)
	return ps
}

// findDoubts says what of the capture a result may not rest on, and what was done
// about it without being asked.
func (b *builder) findDoubts() {
	for _, c := range b.rep.Odd {
		b.doubt(datasets.DoubtDamaged, c.Count, "", "%s in %s packets", c.What, commas(int64(c.Count)))
	}
	for _, c := range b.rep.Reasons {
		switch {
		case strings.HasPrefix(c.What, skipUnsupported):
			b.doubt(datasets.DoubtSkipped, c.Count, "convert the capture, or capture on a link that is read", "%s records are left out: %s", commas(int64(c.Count)), c.What)
		case c.What == skipDamaged && c.Count*100 >= b.rep.Records:
			b.doubt(datasets.DoubtDamaged, c.Count, "capture nearer to the devices", "%s frames came damaged over the air and are left out", commas(int64(c.Count)))
		}
	}
	if n := b.rep.OutOfOrder; n > 0 {
		const what = "%s packets are earlier than one before them: %s"
		const did = "each got the time of the latest packet before it"
		switch {
		case b.o.SortTimes:
			b.warn(what, commas(int64(n)), "sorted, as asked")
		case n*100 < b.n: // as where several interfaces take turns
			b.warn(what, commas(int64(n)), did)
		default:
			b.doubt(datasets.DoubtOrder, n, "sort them with --sort-times", what, commas(int64(n)), did)
		}
	}
	b.clockDoubts()

	for _, c := range b.rep.Opened {
		b.warn("%s packets were inside of %s: the packets inside count", commas(int64(c.Count)), c.What)
	}
	for _, c := range b.rep.NotOpened {
		b.doubt(datasets.DoubtUnopened, c.Count, "capture where it begins, if its inside is what counts", "%s packets are %s, which is not opened: the flows inside are seen as one", commas(int64(c.Count)), c.What)
	}
	if b.cut > 0 {
		b.warn("%s frames are longer than a line takes (%d bytes of IP): they are seen as the %s segments that the network card made of them", commas(int64(b.cut)), mtu, commas(int64(b.cut+b.rep.Segments)))
	}
	if b.large > 0 {
		b.doubt(datasets.DoubtLarge, b.large, "capture with offloads off (ethtool -K DEV gro off tso off)", "%s packets are longer than a line takes (%d bytes of IP) and were left whole", commas(int64(b.large)), mtu)
	}

	// A packet or two may be the same by chance: the sender's, or a reader's.
	if n := b.rep.Copies; n > 1 && n*100 >= b.n {
		const what = "%s packets are copies (same IP identification and content within %d ms)%s"
		if b.o.DropCopies {
			b.warn(what, commas(int64(n)), copyTime/int64(time.Millisecond), ": dropped, as asked")
		} else {
			b.doubt(datasets.DoubtCopies, n, "drop them with --drop-copies", what, commas(int64(n)), copyTime/int64(time.Millisecond), "")
		}
	}
}

// sortCounts orders counts by frequency, then by name.
func sortCounts(m map[string]int) []Count {
	cs := make([]Count, 0, len(m))
	for what, n := range m {
		cs = append(cs, Count{what, n})
	}
	slices.SortFunc(cs, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.What, b.What))
	})
	return cs
}
