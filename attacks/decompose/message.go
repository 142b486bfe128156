package decompose

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// gatewayTraffic is the traffic of one service as decompose looks at it.
type gatewayTraffic struct {
	messages []message
	ups      []upward
}

// message is a run of Down segments of one flow: one application message.
type message struct {
	start time.Duration
	bytes int
	last  time.Duration // of its segments
}

// upward is one Up packet with payload: perhaps a status report.
type upward struct {
	at    time.Duration
	bytes int32
}

// commonDown is the commonest payload of Down packets of a service, the smallest
// of several: in a tunnel that of an acknowledgement, elsewhere 0 or a
// heartbeat's.
func commonDown(t attacks.Training, streams []map[bursts.StreamKey][]int32, service bursts.StreamKey) int32 {
	count := map[int32]int{}
	for i, ex := range t.Examples {
		for _, at := range streams[i][service] {
			if p := ex.Trace.Packets[at]; p.Dir == datasets.Down {
				count[p.Payload]++
			}
		}
	}

	best := int32(0)
	for b, n := range count {
		if n > count[best] || n == count[best] && b < best {
			best = b
		}
	}
	return best
}

// serviceOf is the key of the cloud service a gateway talks to: by name, else
// by address. The gateway's own address is of use only where nothing else can
// be seen.
func serviceOf(f datasets.Flow) bursts.StreamKey {
	if f.Host != "" || f.Remote.IsValid() {
		f.MAC = datasets.MAC{}
	}
	return bursts.StreamOf(f)
}

// readGateway reads messages and reports from the packets of one stream.
// Neighboring Down segments of a flow at most gap apart are one message;
// segments with a payload of empty or less do not count: in a tunnel
// acknowledgements have payload too.
func readGateway(t datasets.Trace, packets []int32, gap time.Duration, empty int32) gatewayTraffic {
	d := newDirections(t, packets, empty)
	return gatewayTraffic{messages: d.appendMessages(nil, gap), ups: d.ups}
}

// directions is the packets of a stream that count, before Down segments are joined
// to messages. It serves every gap.
type directions struct {
	ups    []upward
	downs  []segment
	newest []int32 // message of each flow, + 1; scratch of appendMessages
}

// segment is a Down packet.
type segment struct {
	at      time.Duration
	payload int32
	flow    int32
}

// newDirections sets apart the packets with a payload above empty.
func newDirections(t datasets.Trace, packets []int32, empty int32) *directions {
	ups, downs := 0, 0
	for _, i := range packets {
		switch p := &t.Packets[i]; {
		case p.Payload <= empty:
		case p.Dir == datasets.Up:
			ups++
		default:
			downs++
		}
	}

	// Room of the right size: streams behind cover have a packet every few
	// milliseconds, and lists that grow would be copied several times.
	d := &directions{ups: make([]upward, 0, ups), downs: make([]segment, 0, downs), newest: make([]int32, len(t.Flows))}
	for _, i := range packets {
		switch p := &t.Packets[i]; {
		case p.Payload <= empty:
		case p.Dir == datasets.Up:
			d.ups = append(d.ups, upward{p.Time, p.Payload})
		default:
			d.downs = append(d.downs, segment{p.Time, p.Payload, p.Flow})
		}
	}
	return d
}

// appendMessages appends to dst, which is empty, the messages under a gap.
func (d *directions) appendMessages(dst []message, gap time.Duration) []message {
	clear(d.newest)
	for _, p := range d.downs {
		// By flow: the segments of two connections to one service may
		// interleave, and are two messages.
		n := d.newest[p.flow]
		if n == 0 || p.at-dst[n-1].last > gap {
			dst = append(dst, message{start: p.at})
			n = int32(len(dst))
			d.newest[p.flow] = n
		}
		dst[n-1].bytes += int(p.payload)
		dst[n-1].last = p.at
	}
	return dst
}

// Messages of a command start within this time around it; delay is found by
// steps of delayStep.
const (
	leadTime  = 500 * time.Millisecond
	replyTime = 5 * time.Second
	delayStep = 50 * time.Millisecond
)

// usualDelay is the commonest time from a command to a message, and match
// takes the message nearest to it: heartbeats and other messages fall at any
// time and so do not pile up.
func usualDelay(all []gatewayTraffic, commands [][]datasets.Command) time.Duration {
	piles := make([]int, int((leadTime+replyTime)/delayStep)+1)
	for i, s := range all {
		for _, c := range commands[i] {
			for _, m := range s.within(c.Time-leadTime, c.Time+replyTime) {
				piles[int((m.start-c.Time+leadTime)/delayStep)]++
			}
		}
	}
	return time.Duration(bursts.MostOf(piles))*delayStep - leadTime + delayStep/2
}

// within returns the messages that start in [lo, hi].
func (s gatewayTraffic) within(lo, hi time.Duration) []message {
	i := sort.Search(len(s.messages), func(i int) bool { return s.messages[i].start >= lo })
	j := sort.Search(len(s.messages), func(i int) bool { return s.messages[i].start > hi })
	return s.messages[i:max(i, j)]
}

// match finds the message of a command, or ok = false.
func (s gatewayTraffic) match(at, delay time.Duration) (m message, ok bool) {
	best := replyTime
	for _, c := range s.within(at-leadTime, at+replyTime) {
		if d := (c.start - at - delay).Abs(); d < best {
			m, best, ok = c, d, true
		}
	}
	return m, ok
}

// reportRule is the second stage: how status reports are told from other Up
// packets. The zero value counts nothing.
type reportRule struct {
	lo, hi int32 // payload bytes, inclusive
	window time.Duration
}

// count is the number of reports in (at, until), or within the window.
func (r reportRule) count(ups []upward, at, until time.Duration) int {
	until = min(until, at+r.window)
	i := sort.Search(len(ups), func(i int) bool { return ups[i].at > at })
	n := 0
	for ; i < len(ups) && ups[i].at < until; i++ {
		if b := ups[i].bytes; b >= r.lo && b <= r.hi {
			n++
		}
	}
	return n
}

// reported is a known command with the time it has to itself.
type reported struct {
	all       []upward // of its stream
	at, until time.Duration
	actions   int
}

// learnReports picks the range of Up sizes and the window under which the
// number of reports is most often the number of actions. When that is so for
// fewer than half of the commands, counting is of no use and ok is false.
func learnReports(known []reported) (rule reportRule, ok bool) {
	best := bursts.Choice[reportRule]{Score: float64(len(known) / 2)}
	for _, w := range []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second} {
		sizes := upSizes(known, w)
		counts := countUps(known, w, sizes)

		for lo := range sizes {
			// run[k] is the number of reports of command k in sizes lo to hi: one
			// addition for each hi instead of counting all ranges anew.
			run := make([]int, len(known))
			for hi := lo; hi < len(sizes); hi++ {
				n := 0
				for k := range known {
					run[k] += counts[k][hi]
					if run[k] == known[k].actions {
						n++
					}
				}
				ok = best.Offer(reportRule{sizes[lo], sizes[hi], w}, float64(n)) || ok
			}
		}
	}
	return best.Value, ok
}

// maxSizes bounds the distinct sizes that learnReports tries: the commonest.
const maxSizes = 160

// upSizes lists the Up sizes within w after commands, ascending.
func upSizes(known []reported, w time.Duration) []int32 {
	count := map[int32]int{}
	for _, k := range known {
		for _, u := range k.ups(w) {
			count[u.bytes]++
		}
	}

	// The commonest, then back into the order of sizes: learnReports tries
	// ranges, whose number grows with the square of that of sizes.
	sizes := slices.SortedFunc(maps.Keys(count), func(a, b int32) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a, b))
	})
	sizes = sizes[:min(len(sizes), maxSizes)]
	slices.Sort(sizes)
	return sizes
}

// countUps counts Up packets per command and bin; a bin reaches from the size
// before it, exclusive, to its own, so sizes left out are counted too.
func countUps(known []reported, w time.Duration, sizes []int32) [][]int {
	counts := make([][]int, len(known))
	for i, k := range known {
		counts[i] = make([]int, len(sizes))
		for _, u := range k.ups(w) {
			if j, ok := slices.BinarySearch(sizes, u.bytes); ok || j > 0 && j < len(sizes) {
				counts[i][j]++
			}
		}
	}
	return counts
}

// ups is the Up packets after the command, within w and before the next one.
func (k reported) ups(w time.Duration) []upward {
	until := min(k.until, k.at+w)
	i := sort.Search(len(k.all), func(i int) bool { return k.all[i].at > k.at })
	j := sort.Search(len(k.all), func(i int) bool { return k.all[i].at >= until })
	return k.all[i:max(i, j)]
}
