package rate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// ActivitySTP is stochastic traffic padding of what people do, as Apthorpe et al.
// 2019 have it: periods follow user events, and what devices say without anybody
// doing anything, such as heartbeats, leaves at once in packets of one size. (STP
// lets all traffic begin periods, so a heartbeat keeps a device at its rate.)
//
// Training learns for each device how long its events last and how much they send,
// which give the length T and rate R of its periods, how often they come, and which
// kinds of packets come outside of them. The probability q of cover is such that
// there are Ratio periods of cover for a real one: an observer of a shaped period of
// any device is right that something happened in 1 of 1 + Ratio, though a lock is
// used twice a day and a lamp each hour. Devices are known by the host of their first
// flow, as they know themselves. One that training did not see has Q, PacketsPerS and
// PeriodS, and all its traffic begins periods.
type ActivitySTP struct {
	Ratio       float64 `help:"periods of cover for each real one"`
	Share       float64 `help:"share of the training events that are to fit a period"`
	SizeBytes   int     `help:"size of every IP packet"`
	Q           float64 `help:"probability of cover in a period of devices that training did not see"`
	PacketsPerS float64 `help:"rate in each direction of such devices"`
	PeriodS     float64 `help:"length of a period of such devices"`

	kinds []deviceKind // learned, sorted by name; nil before Fit
}

// deviceKind is a device of the training and the periods that it gets.
type deviceKind struct {
	name    string
	hosts   []string
	q, r, t float64
	// begins is what an event of it may begin with, on a flow by which it is known: what
	// its claim is tried with. quiet are the kinds of packets that come without an event.
	begins sign
	flow   datasets.Flow
	quiet  map[sign]bool
}

var (
	_ defenses.Fitter   = ActivitySTP{}
	_ defenses.Promiser = ActivitySTP{}
	_ defenses.Tunneler = ActivitySTP{}
)

// NewActivitySTP has nine periods of cover for a real one.
func NewActivitySTP() ActivitySTP {
	return ActivitySTP{Ratio: 9, Share: 0.95, SizeBytes: 600, Q: 0.1, PacketsPerS: 10, PeriodS: 5}
}

// Info puts it at the device and at the end of its tunnel.
func (ActivitySTP) Info() defenses.Info {
	return defenses.Info{
		Name: "activity-stp", Doc: "user events at a constant rate, and cover periods that look like them, by device",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "Apthorpe et al. 2019", Works: cite.Of("apthorpe2019stp"),
	}
}

// Validate refuses less cover than real periods, a share or q that is none, rates and
// periods out of all proportion, and packets without room for a byte or above the MTU.
func (d ActivitySTP) Validate() error {
	return cmp.Or(
		params.Within("ratio", d.Ratio, 1, 1e6),
		params.Within("share", d.Share, 0, 1),
		params.Within("size_bytes", d.SizeBytes, shaping.UDP4Headers+1, shaping.MTU),
		params.Within("q", d.Q, 0.0001, 1),
		params.Within("packets_per_s", d.PacketsPerS, 0.01, 10000),
		params.Within("period_s", d.PeriodS, 0.01, 3600),
	)
}

// Tunnel is that of each device.
func (ActivitySTP) Tunnel() defenses.Defense { return plainTunnel{Per: "device"} }

// stranger is a device that training did not see.
func (d ActivitySTP) stranger() deviceKind {
	return deviceKind{name: "others", q: d.Q, r: d.PacketsPerS, t: d.PeriodS, begins: sign{size: 100 + datasets.EthernetHeader}}
}

// Claims states q, R and T of each device and what they promise of one period, as
// STP does.
func (d ActivitySTP) Claims() []defenses.Claim {
	var out []defenses.Claim
	for _, k := range append(slices.Clone(d.kinds), d.stranger()) {
		of := ", " + k.name
		out = append(out,
			defenses.Claim{Name: "q" + of, Value: k.q},
			defenses.Claim{Name: "R" + of, Value: k.r, Unit: "packets/s"},
			defenses.Claim{Name: "T" + of, Value: k.t, Unit: "s"},
			defenses.Claim{Name: oddsClaim + of, Value: 1 / k.q})
	}
	return out
}

// Promises are those of STP for each device, tried with a packet that an event of it
// begins with. A device that has no flow by which it is known from others promises
// nothing.
func (d ActivitySTP) Promises() []defenses.Promise {
	known := slices.DeleteFunc(slices.Clone(d.kinds), func(k deviceKind) bool { return k.flow.Host == "" })
	var out []defenses.Promise
	for _, k := range append(known, d.stranger()) {
		out = append(out, defenses.Promise{Claim: oddsClaim + ", " + k.name, Loss: &defenses.Loss{
			Epsilon: math.Log(1 / k.q), Odds: true, Window: params.Seconds(k.t), Bytes: int(k.begins.size) - datasets.EthernetHeader,
			Dir: k.begins.dir, Random: true, Any: true, Flow: k.flow,
		}})
	}
	return out
}

// tally is what training shows of one device.
type tally struct {
	seconds      float64   // that it was watched
	spans, bytes []float64 // of each event: seconds, and bytes of the larger way
	begins       map[sign]int
	inside, all  map[sign]int // kinds of packets within events, and at all
	hosts        map[string]int
	flow         map[sign]datasets.Flow
}

// Fit learns the devices of the training. It fails where no device has an event with
// packets.
func (d ActivitySTP) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	of := map[string]*tally{}
	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		count(of, r)
	}

	d.kinds = nil
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if t := of[name]; len(t.spans) > 0 {
			d.kinds = append(d.kinds, d.kindOf(name, t))
		}
	}
	if len(d.kinds) == 0 {
		return nil, errors.New("activity-stp: no event with packets in the training recordings")
	}

	// Which flow tells a device from the others is known only when all are.
	for i, k := range d.kinds {
		d.kinds[i].begins, d.kinds[i].flow = d.trialOf(k, of[k.name])
	}
	return d, nil
}

// count adds what a recording shows of its devices to of.
func count(of map[string]*tally, r datasets.Recording) {
	device := func(name string) *tally {
		if of[name] == nil {
			of[name] = &tally{begins: map[sign]int{}, inside: map[sign]int{}, all: map[sign]int{}, hosts: map[string]int{}, flow: map[sign]datasets.Flow{}}
		}
		return of[name]
	}

	// Without owners a recording of one event is its device's, as a clip is.
	for i, p := range r.Trace.Packets {
		f := r.Trace.Flows[p.Flow]
		owner := -1
		if r.Labels.Owners != nil {
			owner = int(r.Labels.Owners[i])
		} else if len(r.Labels.Events) == 1 {
			owner = r.Labels.Events[0].Device
		}
		if owner >= 0 && f.Exposed() {
			t := device(r.Labels.Devices[owner])
			t.all[sign{f.Host, p.Dir, p.Size}]++
			t.hosts[f.Host]++
		}
	}
	for _, name := range r.Labels.Devices {
		device(name).seconds += r.Trace.End.Seconds()
	}

	for _, ev := range shaping.Events(r, longestActivity) {
		t := device(r.Labels.Devices[r.Labels.Events[ev.Number].Device])
		var bytes [2]float64
		first, last := ev.Packets[0], ev.Packets[0]
		for _, p := range ev.Packets {
			bytes[p.Dir] += float64(ipSize(p))
			t.inside[sign{ev.Flows[p.Flow].Host, p.Dir, p.Size}]++
			if p.Time < first.Time {
				first = p
			}
			if p.Time > last.Time {
				last = p
			}
		}
		t.spans = append(t.spans, (last.Time - first.Time).Seconds())
		t.bytes = append(t.bytes, max(bytes[0], bytes[1]))
		s := sign{ev.Flows[first.Flow].Host, first.Dir, first.Size}
		t.begins[s]++
		t.flow[s] = ev.Flows[first.Flow]
	}
}

// kindOf makes the periods of a device.
func (d ActivitySTP) kindOf(name string, t *tally) deviceKind {
	k := deviceKind{name: name, hosts: slices.Sorted(maps.Keys(t.hosts)), quiet: map[sign]bool{}}
	k.t = max(quantileOf(t.spans, d.Share), 1)
	k.r = max(math.Ceil(quantileOf(t.bytes, d.Share)/float64(d.SizeBytes-shaping.UDP4Headers))/k.t, 1)
	k.q = min(max(d.Ratio*float64(len(t.spans))*k.t/max(t.seconds, 1), 0.0001), 1)

	// A kind of packet that mostly comes without an event is no sign of one.
	for s, n := range t.all {
		k.quiet[s] = 2*t.inside[s] < n
	}
	loud := false
	for s := range t.begins {
		loud = loud || !k.quiet[s]
	}
	if !loud { // its events begin with what it says all day: nothing of it is quiet
		k.quiet = nil
	}
	return k
}

// trialOf is the commonest packet that an event of k begins with and by whose flow k is
// known. Events often begin on a flow without a name, such as a question to a resolver,
// or with a host that another device has too: then it is the commonest packet, as if it
// went to a host of its own.
func (d ActivitySTP) trialOf(k deviceKind, t *tally) (sign, datasets.Flow) {
	mine := func(s sign, f datasets.Flow) bool { return !k.quiet[s] && d.known(f).name == k.name }
	begins := slices.SortedFunc(maps.Keys(t.begins), func(a, b sign) int {
		return cmp.Or(cmp.Compare(t.begins[b], t.begins[a]), a.compare(b))
	})
	for _, s := range begins {
		if mine(s, t.flow[s]) {
			return s, t.flow[s]
		}
	}
	for _, host := range k.hosts {
		s, f := begins[0], t.flow[begins[0]]
		s.host, f.Host = host, host
		if mine(s, f) {
			return s, f
		}
	}
	return sign{}, datasets.Flow{}
}

// compare orders by host, way and size.
func (s sign) compare(o sign) int {
	return cmp.Or(cmp.Compare(s.host, o.host), cmp.Compare(s.dir, o.dir), cmp.Compare(s.size, o.size))
}

// known is the kind of a device whose first flow is f.
func (d ActivitySTP) known(f datasets.Flow) deviceKind {
	for _, k := range d.kinds {
		if f.Host != "" && slices.Contains(k.hosts, f.Host) {
			return k
		}
	}
	return d.stranger()
}

// Apply takes what each device sends into a tunnel: user events into periods at its
// rate, the rest at once, and adds periods of dummies. It fails before Fit, and with
// ErrSaturated when a rate cannot carry the traffic.
func (d ActivitySTP) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if d.kinds == nil {
		return defenses.Defended{}, fmt.Errorf("activity-stp: %w", defenses.ErrNotFitted)
	}
	streams := shaping.FindStreams(in, false)
	return pace(rng, in, false, int32(d.SizeBytes), func(rng *rand.Rand, p *part) {
		k := d.known(streams.First[int(p.flow)-len(in.Flows)])
		step := params.Seconds(1 / k.r)
		cover := injected{rng: rng, q: k.q, period: params.Seconds(k.t)}
		cover.advance()
		now := time.Duration(0)
		for {
			start, ok := p.next()
			if ok && max(start, now) <= cover.at && k.isQuiet(p, in.Flows) {
				if now = max(start, now); p.over(now) {
					return
				}

				// One packet, or several where it is too large for one.
				dir := p.nextDir()
				p.send(dir, now)
				for p.qs[dir].begun {
					p.send(dir, now)
				}
				continue
			}
			if !ok || cover.at < start {
				start = cover.at
			}
			if now = cover.shape(p, max(start, now), step); p.over(now) {
				return
			}
		}
	})
}

// nextDir is the way that the next original goes, up if both come at once.
func (p *part) nextDir() datasets.Dir {
	at, _ := p.next()
	if q := &p.qs[datasets.Up]; !q.empty() && q.first() == at {
		return datasets.Up
	}
	return datasets.Down
}

// isQuiet says whether the next original of p is of a kind that comes without an
// event.
func (k deviceKind) isQuiet(p *part, flows []datasets.Flow) bool {
	q := &p.qs[p.nextDir()]
	x := q.packets[q.wait[q.at]]
	return !q.begun && k.quiet[sign{flows[x.Flow].Host, x.Dir, x.Size}]
}
