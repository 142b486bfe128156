package write

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"sort"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// namedAddr is what a DNS answer says.
type namedAddr struct {
	host string
	addr netip.Addr
}

// plan says which packets of a trace carry names when it is written. Packets are
// indices into the trace's.
type plan struct {
	hello  map[int32]string    // packet to the server name in its TLS hello
	answer map[int32]namedAddr // packet to its DNS answer
	query  map[int32]string    // packet to the name it asks for
	left   []int32             // flows whose name no packet can carry, in order
}

// slot is a DNS answer packet that may carry a name.
type slot struct {
	answer, query int32 // packets; query is -1 if there is none
	room          int   // payload bytes of the answer
	used          bool
}

// planNames finds a carrier for the name of every flow: the first payload of a
// TCP flow, else the last free DNS answer before the flow begins, else the
// first one after.
func planNames(t datasets.Trace) plan {
	pl := plan{hello: map[int32]string{}, answer: map[int32]namedAddr{}, query: map[int32]string{}}
	first := make([]int32, len(t.Flows)) // first packet of each flow, -1 if none
	data := make([]int32, len(t.Flows))  // first packet with payload
	for i := range first {
		first[i], data[i] = -1, -1
	}

	var slots []slot
	asked := map[int32]int32{} // flow to its last query without answer
	for i, p := range t.Packets {
		if first[p.Flow] < 0 {
			first[p.Flow] = int32(i)
		}
		if data[p.Flow] < 0 && p.Payload > 0 {
			data[p.Flow] = int32(i)
		}
		if f := &t.Flows[p.Flow]; f.Proto == header.UDP && f.Remote.Port() == 53 {
			slots = appendSlot(slots, asked, p, int32(i))
		}
	}

	told := map[namedAddr]bool{}
	for i, f := range t.Flows {
		if f.Host == "" || first[i] < 0 {
			continue
		}

		// A hello names its own flow alone, so it is the first choice. It is the
		// client's first message and must fit. Fragments (no ports) have one only
		// where there is no address that an answer could name: other tools look
		// for no hello in them.
		if d := data[i]; f.Proto == header.TCP && d >= 0 && t.Packets[d].Dir == datasets.Up &&
			int(t.Packets[d].Payload) >= helloSize(f.Host) && header.HostName(f.Host) == f.Host &&
			(f.Local.Port() != 0 || f.Remote.Port() != 0 || !f.Remote.Addr().IsValid()) {
			pl.hello[d] = f.Host
			continue
		}

		// An answer names the address from then on: once is enough, however
		// many flows go there.
		na := namedAddr{f.Host, f.Remote.Addr()}
		if told[na] {
			continue
		}
		if !validName(f.Host) || !f.Remote.Addr().IsValid() || !pl.tellInAnswer(slots, na, first[i], t) {
			pl.left = append(pl.left, int32(i))
			continue
		}
		told[na] = true
	}
	return pl
}

// appendSlot appends a slot if p, packet i of a DNS flow, is an answer, and notes
// in asked if it is a query.
func appendSlot(slots []slot, asked map[int32]int32, p datasets.Packet, i int32) []slot {
	if p.Dir == datasets.Up {
		asked[p.Flow] = i
		return slots
	}
	q, ok := asked[p.Flow]
	if !ok {
		q = -1
	}
	delete(asked, p.Flow)
	return append(slots, slot{answer: i, query: q, room: int(p.Payload)})
}

// tellInAnswer puts a name into a slot: the last free one before packet at, else
// the first after it. It reports false if none has room.
func (pl *plan) tellInAnswer(slots []slot, na namedAddr, at int32, t datasets.Trace) bool {
	// Header, name in the question, its type and class, the answer's fixed part
	// and the address.
	need := 12 + len(na.host) + 2 + 4 + 12 + na.addr.BitLen()/8
	cut := sort.Search(len(slots), func(i int) bool { return slots[i].answer >= at })
	pick := -1
	for i := cut - 1; i >= 0 && pick < 0; i-- {
		if slots[i].fits(need) {
			pick = i
		}
	}
	for i := cut; i < len(slots) && pick < 0; i++ {
		if slots[i].fits(need) {
			pick = i
		}
	}
	if pick < 0 {
		return false
	}

	// The query asks for the same name where it has room: a reader does not
	// mind, but dissectors pair the two.
	s := &slots[pick]
	s.used = true
	pl.answer[s.answer] = na
	if s.query >= 0 && int(t.Packets[s.query].Payload) >= 18+len(na.host) {
		pl.query[s.query] = na.host
	}
	return true
}

func (s *slot) fits(need int) bool { return !s.used && s.room >= need }

// Names writes lines "address,name" for the flows of t whose names Capture
// cannot put into packets, as capture.Options.Names takes them, and returns how
// many there are. With none it writes the header line alone.
func Names(w io.Writer, t datasets.Trace) (int, error) {
	bw := bufio.NewWriter(w)
	fmt.Fprintln(bw, "address,name")
	seen := map[netip.Addr]bool{}
	n := 0
	for _, i := range planNames(t).left {
		f := t.Flows[i]
		if a := f.Remote.Addr(); a.IsValid() && !seen[a] {
			seen[a] = true
			n++
			fmt.Fprintf(bw, "%s,%s\n", a, f.Host)
		}
	}
	return n, bw.Flush()
}
