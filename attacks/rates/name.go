package rates

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// Labels of streams from 0 on are devices. Below are that of all traffic
// together, and the mark of a service that several devices use.
const (
	sharedOwner = -2
	pooledLabel = -1
)

// pure is the share of a stream's packets that its device must own for the
// stream to be called the device's.
const pure = 0.95

// streamNames says whose a stream is (step 2 of the attack; Apthorpe et al.,
// section 4.2): by what is seen of it, learned in training, and by the
// fingerprint of its rate where that is new or says nothing.
type streamNames struct {
	devices []string // sorted; the last is datasets.Nobody
	owner   map[bursts.StreamKey]int
	hosts   map[string]int
	// ports marks shared services that take apart by the port of the home
	// side: behind a NAPT each device keeps its own (section 4.1).
	ports  map[bursts.StreamKey]bool
	within map[bursts.StreamKey][]int // devices of a shared service, ascending
	prints []ratePrint
	window time.Duration
	byRate bool // nothing but the fingerprint says whose a stream is
}

// ratePrint is the fingerprint of one window of a stream.
type ratePrint struct {
	mean, sd float64 // log1p of bytes/s, over samples of 1 s
	label    int
}

// labeledStream is a stream of a trace with the label that it was given.
type labeledStream struct {
	bursts.Stream
	label int
	p     float64
	named bool // by its name or address, not by its rate
}

// ofDevice says whether the stream is known, by name, to be one device's.
func (s labeledStream) ofDevice() bool { return s.named && s.label >= 0 }

// devicesOf lists the devices of t, sorted, datasets.Nobody last.
func devicesOf(t attacks.Training) []string {
	var out []string
	for _, ex := range t.Examples {
		out = append(out, ex.Labels.Devices...)
	}
	slices.Sort(out)
	return append(slices.DeleteFunc(slices.Compact(out), func(d string) bool { return d == datasets.Nobody }), datasets.Nobody)
}

// owners returns, for each packet of ex, the index of its device. Unknown
// owners are taken to be the only device, if there is one.
func (n *streamNames) owners(ex attacks.Labeled) []int {
	index := make([]int, len(ex.Labels.Devices)) // in n.devices
	nobody := len(n.devices) - 1
	only, others := nobody, 0
	for i, d := range ex.Labels.Devices {
		index[i] = slices.Index(n.devices, d)

		// A defense adds its own device to the list: behind it, too, a capture of one
		// device has one that events are of.
		if d != datasets.Cover {
			only = index[i]
			others++
		}
	}
	if others > 1 {
		only = nobody
	}

	out := make([]int, len(ex.Trace.Packets))
	for i := range out {
		switch {
		case ex.Labels.Owners == nil:
			out[i] = only
		case ex.Labels.Owners[i] >= 0:
			out[i] = index[ex.Labels.Owners[i]]
		default:
			out[i] = nobody
		}
	}
	return out
}

// tallies counts packets of devices under keys.
type tallies[K comparable] map[K][]int

// add counts packets, given by device, under k.
func (t tallies[K]) add(k K, packets []int) {
	if t[k] == nil {
		t[k] = make([]int, len(packets))
	}
	for d, n := range packets {
		t[k][d] += n
	}
}

// portKey is a stream and a port of the home side.
type portKey struct {
	bursts.StreamKey
	example int
	port    uint16
}

// learnNames learns from the owners of the training packets.
func learnNames(ctx context.Context, t attacks.Training, window time.Duration, byRate bool) (*streamNames, error) {
	n := &streamNames{
		devices: devicesOf(t), window: window, byRate: byRate,
		owner: map[bursts.StreamKey]int{}, hosts: map[string]int{}, ports: map[bursts.StreamKey]bool{}, within: map[bursts.StreamKey][]int{},
	}

	keys, hosts, ports := tallies[bursts.StreamKey]{}, tallies[string]{}, tallies[portKey]{}
	owners := make([][]int, len(t.Examples))
	for i, ex := range t.Examples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		owners[i] = n.owners(ex)

		// By flow first: keys hold names and addresses, and hashing them for every packet
		// would take longer than all else here.
		count := make([]int, len(ex.Trace.Flows)*len(n.devices))
		for j, p := range ex.Trace.Packets {
			count[int(p.Flow)*len(n.devices)+owners[i][j]]++
		}
		for j, f := range ex.Trace.Flows {
			packets := count[j*len(n.devices):][:len(n.devices)]
			if slices.Max(packets) == 0 {
				continue // a flow that the observer does not see
			}
			key := bursts.StreamOf(f)
			keys.add(key, packets)
			ports.add(portKey{key, i, f.Local.Port()}, packets)
			if f.Host != "" {
				hosts.add(f.Host, packets)
			}
		}
	}

	for h, c := range hosts {
		n.hosts[h] = ownerOf(c)
	}
	for k, c := range keys {
		n.owner[k] = ownerOf(c)
		for d, x := range c {
			if x > 0 && n.owner[k] == sharedOwner {
				n.within[k] = append(n.within[k], d)
			}
		}
	}

	// Fingerprints come last: they are taken of the streams that n.streams cuts,
	// which needs to know the services that ports take apart.
	n.learnPorts(keys, ports)
	for i, ex := range t.Examples {
		n.addPrints(ex.Trace, owners[i])
	}
	n.thin()
	return n, ctx.Err()
}

// ownerOf is the device with nearly all packets, else sharedOwner.
func ownerOf(count []int) int {
	sum := 0
	for _, c := range count {
		sum += c
	}
	best := bursts.MostOf(count)
	if float64(count[best]) >= pure*float64(sum) {
		return best
	}
	return sharedOwner
}

// learnPorts finds the shared services whose ports belong to one device each.
func (n *streamNames) learnPorts(keys tallies[bursts.StreamKey], ports tallies[portKey]) {
	mine := map[bursts.StreamKey]int{}
	for k, c := range ports {
		mine[k.StreamKey] += slices.Max(c)
	}
	for k, c := range keys {
		sum := 0
		for _, x := range c {
			sum += x
		}
		n.ports[k] = n.owner[k] == sharedOwner && float64(mine[k]) >= pure*float64(sum)
	}
}

// streams cuts a trace into streams: by key, and by port where a service is
// known to be shared that way.
func (n *streamNames) streams(t datasets.Trace) []bursts.Stream {
	return bursts.StreamsBy(t, func(f datasets.Flow) bursts.StreamKey {
		k := bursts.StreamOf(f)
		if n.ports[k] {
			k.Port = f.Local.Port()
		}
		return k
	})
}

// addPrints adds the fingerprints of each stream's windows under the device
// that owns most of the window, and those of all traffic as pooled.
func (n *streamNames) addPrints(t datasets.Trace, owners []int) {
	count := make([]int, len(n.devices))
	for _, s := range n.streams(t) {
		n.eachWindow(t, s.Packets, func(lo, hi int) {
			clear(count)
			for _, i := range s.Packets[lo:hi] {
				count[owners[i]]++
			}
			n.prints = append(n.prints, n.printOf(t, s.Packets[lo:hi], bursts.MostOf(count)))
		})
	}

	// What a tunnel of the whole home looks like is learned too, or its stream
	// would be taken for the device that sends most.
	all := bursts.AllPackets(t)
	n.eachWindow(t, all, func(lo, hi int) { n.prints = append(n.prints, n.printOf(t, all[lo:hi], pooledLabel)) })
}

// eachWindow calls f with the bounds of the packets in each window that has any.
func (n *streamNames) eachWindow(t datasets.Trace, packets []int32, f func(lo, hi int)) {
	for lo := 0; lo < len(packets); {
		until := (t.Packets[packets[lo]].Time/n.window + 1) * n.window
		hi := lo
		for hi < len(packets) && t.Packets[packets[hi]].Time < until {
			hi++
		}
		f(lo, hi)
		lo = hi
	}
}

// printOf is the fingerprint of the packets of one window: mean and standard
// deviation of bytes per second over all seconds of the window, of which those
// without a packet need no look as they add 0 to both sums. The bytes of a
// window are whole numbers far below 2^53 and so summed exactly; their squares
// may be rounded.
func (n *streamNames) printOf(t datasets.Trace, packets []int32, label int) ratePrint {
	var sum, squares, sample float64
	second := time.Duration(-1)
	for _, i := range packets {
		p := t.Packets[i]
		if s := p.Time / time.Second; s != second {
			squares += sample * sample
			second, sample = s, 0
		}
		sample += float64(p.Size)
		sum += float64(p.Size)
	}
	squares += sample * sample

	// The variance as a difference can come out a little below 0 by rounding.
	samples := n.window.Seconds()
	mean := sum / samples
	return ratePrint{math.Log1p(mean), math.Log1p(math.Sqrt(max(0, squares/samples-mean*mean))), label}
}

// maxPrints bounds the fingerprints kept of one label.
const maxPrints = 300

// thin keeps at most maxPrints of each label, evenly spaced, by label.
func (n *streamNames) thin() {
	slices.SortStableFunc(n.prints, func(a, b ratePrint) int { return a.label - b.label })
	var kept []ratePrint
	for lo := 0; lo < len(n.prints); {
		hi := lo
		for hi < len(n.prints) && n.prints[hi].label == n.prints[lo].label {
			hi++
		}

		// Evenly over time: the first ones alone would know one day and one home.
		m := min(hi-lo, maxPrints)
		for i := range m {
			kept = append(kept, n.prints[lo+i*(hi-lo)/m])
		}
		lo = hi
	}
	n.prints = kept
}

// nearest is the label of most of the 3 nearest fingerprints among the allowed
// labels (nil: all); of equally frequent ones the nearest. ok is false when
// there is none.
func (n *streamNames) nearest(q ratePrint, allowed []int) (label int, ok bool) {
	type near struct {
		d     float64
		label int
	}
	var ns [3]near // sorted; the first k are set
	k := 0
	for _, p := range n.prints {
		if allowed != nil && !slices.Contains(allowed, p.label) {
			continue
		}
		d := (p.mean-q.mean)*(p.mean-q.mean) + (p.sd-q.sd)*(p.sd-q.sd)
		at := k
		for at > 0 && ns[at-1].d > d {
			at--
		}
		if at == len(ns) {
			continue
		}
		k = min(k+1, len(ns))
		copy(ns[at+1:k], ns[at:k-1])
		ns[at] = near{d, p.label}
	}

	// With three votes the nearest loses only when the two others agree.
	switch {
	case k == 0:
		return 0, false
	case k == 3 && ns[1].label == ns[2].label:
		return ns[1].label, true
	}
	return ns[0].label, true
}

// maxVotes bounds the windows of a stream that vote on its label.
const maxVotes = 60

// vote is the label that most windows of a stream take by fingerprint, and the
// share of them; pooledLabel without a fingerprint to go by.
func (n *streamNames) vote(t datasets.Trace, packets []int32, allowed []int) (label int, share float64) {
	var prints []ratePrint
	n.eachWindow(t, packets, func(lo, hi int) { prints = append(prints, n.printOf(t, packets[lo:hi], 0)) })

	votes := map[int]int{}
	cast := 0
	for i := range min(len(prints), maxVotes) {
		q := prints[i*len(prints)/min(len(prints), maxVotes)]
		if l, ok := n.nearest(q, allowed); ok {
			votes[l]++
			cast++
		}
	}

	// Ties go to the lowest label, as a map is walked in no order.
	label = pooledLabel
	for l, v := range votes {
		if v > votes[label] || v == votes[label] && l < label {
			label = l
		}
	}
	return label, float64(votes[label]) / float64(max(1, cast))
}

// labelStreams cuts a trace into streams and says whose each is: by its own key, else
// by the services it holds, else by its rate.
func (n *streamNames) labelStreams(t datasets.Trace) []labeledStream {
	var out []labeledStream
	for _, s := range n.streams(t) {
		whole := s.Key
		whole.Port = 0 // owners are learned of whole services
		owner, known := n.owner[whole]
		if !known {
			owner, known = n.byHosts(t, s)
		}

		// Of shared services, ports still take apart what each device sends: that is
		// how streams are separated, not how they are labeled.
		known = known && !n.byRate

		l := labeledStream{Stream: s, label: owner, p: 1, named: known}
		switch {
		case known && owner == sharedOwner && n.ports[whole]:
			// One port of a shared service is one device's, but which one no name
			// tells: the rate decides among those that use it.
			l.label, l.p = n.vote(t, s.Packets, n.within[whole])
		case known && owner == sharedOwner:
			l.label = sharedOwner
		case !known:
			l.label, l.p = n.vote(t, s.Packets, nil)
		}
		out = append(out, l)
	}
	return out
}

// byHosts names a stream that is new by the services it holds: inside the home
// a device's hardware address may be new where its services are not. More than
// half of the packets with a known name must be the device's.
func (n *streamNames) byHosts(t datasets.Trace, s bursts.Stream) (owner int, known bool) {
	count := make([]int, len(n.devices))
	named := 0
	for _, i := range s.Packets {
		h := t.Flows[t.Packets[i].Flow].Host
		if d, ok := n.hosts[h]; ok && h != "" && d >= 0 {
			count[d]++
			named++
		}
	}

	best := bursts.MostOf(count) // of two equal ones neither has the majority
	return best, named > 0 && 2*count[best] > named
}

// readNames reads lines of "address,name"; empty lines and lines that begin
// with # are skipped. Errors name the file and the line.
func readNames(path string) (map[netip.Addr]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	defer f.Close()

	out := map[netip.Addr]string{}
	sc := bufio.NewScanner(f)
	for line := 1; sc.Scan(); line++ {
		text := strings.TrimSpace(sc.Text())
		if text == "" || text[0] == '#' {
			continue
		}

		// Cut leaves an empty name where there is no comma, so one check of all
		// three suffices.
		addr, name, _ := strings.Cut(text, ",")
		a, err := netip.ParseAddr(strings.TrimSpace(addr))
		if name = strings.TrimSpace(name); err != nil || name == "" {
			return nil, fmt.Errorf("names: %s:%d: %q is not address,name", path, line, text)
		}
		out[a] = name
	}
	return out, sc.Err()
}

// withNames returns t with the names of remote addresses filled in where a
// flow has none.
func withNames(t datasets.Trace, names map[netip.Addr]string) datasets.Trace {
	if len(names) == 0 {
		return t
	}
	t.Flows = slices.Clone(t.Flows)
	for i, f := range t.Flows {
		if f.Host == "" {
			t.Flows[i].Host = names[f.Remote.Addr()]
		}
	}
	return t
}
