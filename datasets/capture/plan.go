package capture

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"sort"

	"veilbench/datasets"
)

// namedAddr is what a DNS answer says.
type namedAddr struct {
	host string
	addr netip.Addr
}

// plan says which packets of a trace carry names when it is written.
type plan struct {
	hello  map[int32]string    // packet to the server name in its TLS hello
	answer map[int32]namedAddr // packet to its DNS answer
	query  map[int32]string    // packet to the name it asks for
	left   []int32             // flows whose name no packet can carry
}

// slot is a DNS answer packet that may carry a name.
type slot struct {
	answer, query int32 // packets; query is -1 if there is none
	room          int
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
		if f := &t.Flows[p.Flow]; f.Proto == protoUDP && f.Remote.Port() == 53 {
			slots = dnsSlot(slots, asked, p, int32(i))
		}
	}
	told := map[namedAddr]bool{}
	for i, f := range t.Flows {
		if f.Host == "" || first[i] < 0 {
			continue
		}
		if d := data[i]; f.Proto == protoTCP && d >= 0 && t.Packets[d].Dir == datasets.Up &&
			int(t.Packets[d].Payload) >= helloSize(f.Host) && cleanName(f.Host) == f.Host &&
			(f.Local.Port() != 0 || f.Remote.Port() != 0 || !f.Remote.Addr().IsValid()) {
			pl.hello[d] = f.Host
			continue
		}
		na := namedAddr{f.Host, f.Remote.Addr()}
		if told[na] {
			continue
		}
		if !validName(f.Host) || !f.Remote.Addr().IsValid() || !pl.tell(slots, na, first[i], t) {
			pl.left = append(pl.left, int32(i))
			continue
		}
		told[na] = true
	}
	return pl
}

func dnsSlot(slots []slot, asked map[int32]int32, p datasets.Packet, i int32) []slot {
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

// tell puts a name into a slot: the last free one before packet at, else the
// first after it.
func (pl *plan) tell(slots []slot, na namedAddr, at int32, t datasets.Trace) bool {
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
	s := &slots[pick]
	s.used = true
	pl.answer[s.answer] = na
	if s.query >= 0 && int(t.Packets[s.query].Payload) >= 18+len(na.host) {
		pl.query[s.query] = na.host
	}
	return true
}

func (s *slot) fits(need int) bool { return !s.used && s.room >= need }

// WriteNames writes lines "address,name" for the flows of t whose names Write
// cannot put into packets, for Options.Names, and returns how many there are.
func WriteNames(w io.Writer, t datasets.Trace) (int, error) {
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
