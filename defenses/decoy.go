package defenses

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
)

// CoverDecoy replays events that did not happen, at random times (a Poisson
// process), beside the traffic, which stays as it is.
//
// With source=recorded the events are those of the training recordings, chosen
// evenly: an event's packets are the ones it caused, or where causes are
// unknown those from its start to EventS later of its device (of everybody
// when owners are unknown too). They replay on the flow of the trace with the
// same service name or address, else on a new one. With source=generated an
// event is 2 to 9 request and reply pairs of random sizes on the service of a
// random flow of the trace; no training is needed.
type CoverDecoy struct {
	PerHour float64 `help:"decoys in an hour, on average"`
	Source  string  `help:"recorded or generated"`
	EventS  float64 `help:"length of a recorded event whose packets are not marked"`

	decoys []decoy // learned
}

// decoy is a recorded event; times of its packets are since its start and
// flows index flows.
type decoy struct {
	packets []datasets.Packet
	flows   []datasets.Flow
}

var (
	_ Defense = CoverDecoy{}
	_ Fitter  = CoverDecoy{}
)

// Info describes the defense.
func (CoverDecoy) Info() Info {
	return Info{
		Name: "cover-decoy", Doc: "events that did not happen, replayed at random times",
		Place: AtGateway, Needs: []Party{Cloud},
	}
}

// Validate refuses parameters out of range.
func (d CoverDecoy) Validate() error {
	return first(
		within("per_hour", d.PerHour, 0, 36000),
		oneOf("source", d.Source, "recorded", "generated"),
		within("event_s", d.EventS, 0.001, 3600),
	)
}

// Fit collects the events of the training recordings. It fails when there is
// none with packets. With source=generated it learns nothing.
func (d CoverDecoy) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (Defense, error) {
	d.decoys = nil
	if d.Source == "generated" {
		return d, nil
	}
	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.decoys = append(d.decoys, recordedEvents(r, seconds(d.EventS))...)
	}
	if len(d.decoys) == 0 {
		return nil, errors.New("cover-decoy: no event with packets in the training recordings (source=generated needs none)")
	}
	return d, nil
}

// recordedEvents cuts the packets of every event out of r.
func recordedEvents(r datasets.Recording, length time.Duration) []decoy {
	var out []decoy
	for e, ev := range r.Labels.Events {
		var d decoy
		index := map[int32]int32{}
		lo := 0
		if r.Labels.Cause == nil {
			lo, _ = slices.BinarySearchFunc(r.Trace.Packets, ev.Start,
				func(p datasets.Packet, t time.Duration) int { return cmp.Compare(p.Time, t) })
		}
		for i := lo; i < len(r.Trace.Packets); i++ {
			p := r.Trace.Packets[i]
			if r.Labels.Cause == nil && p.Time > ev.Start+length {
				break
			}
			if !causedBy(r.Labels, i, e) || r.Trace.Flows[p.Flow].LAN {
				continue
			}
			f, ok := index[p.Flow]
			if !ok {
				f = int32(len(d.flows))
				index[p.Flow] = f
				d.flows = append(d.flows, r.Trace.Flows[p.Flow])
			}
			p.Flow = f
			p.Time = max(0, p.Time-ev.Start)
			d.packets = append(d.packets, p)
		}
		if len(d.packets) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// causedBy tells whether packet i belongs to event e, as far as is known.
func causedBy(l datasets.Labels, i, e int) bool {
	switch {
	case l.Cause != nil:
		return int(l.Cause[i]) == e
	case l.Owners != nil:
		return int(l.Owners[i]) == l.Events[e].Device
	}
	return true
}

// Apply adds decoys. What would come after End is cut, as the observer sees no
// more of it. It fails with source=recorded before Fit.
func (d CoverDecoy) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	if d.Source == "recorded" && d.decoys == nil {
		return Defended{}, errors.New("cover-decoy: source=recorded must be fitted to training recordings first")
	}
	if d.PerHour == 0 {
		return Defended{Trace: in}, nil
	}
	c := caster{in: in, flows: withFlows(in), seen: firstSeen(in)}
	when, what := Stream(rng), Stream(rng)
	for t := poisson(when, d.PerHour); t <= in.End; t += poisson(when, d.PerHour) {
		if d.Source == "generated" {
			c.cast(t, c.generate(what, t))
		} else {
			c.cast(t, d.decoys[what.IntN(len(d.decoys))])
		}
	}
	slices.SortStableFunc(c.cover, func(a, b datasets.Packet) int { return compareTimes(a.Time, b.Time) })
	return insert(in, c.flows, c.cover), nil
}

// poisson is the time to the next of perHour events in an hour.
func poisson(rng *rand.Rand, perHour float64) time.Duration {
	return time.Duration(rng.ExpFloat64()/perHour*float64(time.Hour)) + 1
}

// caster places decoys in a trace.
type caster struct {
	in    datasets.Trace
	flows []datasets.Flow
	seen  []sighting // of the input's flows
	cover []datasets.Packet
}

// sighting is a flow that leaves the home and when it was first seen.
type sighting struct {
	at   time.Duration
	flow int32
}

// firstSeen lists the flows that leave the home, by first packet.
func firstSeen(in datasets.Trace) []sighting {
	var out []sighting
	known := make([]bool, len(in.Flows))
	for _, p := range in.Packets {
		if !known[p.Flow] {
			known[p.Flow] = true
			if outside(in.Flows[p.Flow]) {
				out = append(out, sighting{p.Time, p.Flow})
			}
		}
	}
	return out
}

// known are the flows seen before t.
func (c *caster) known(t time.Duration) []sighting {
	n, _ := slices.BinarySearchFunc(c.seen, t, func(s sighting, t time.Duration) int { return compareTimes(s.at, t) })
	return c.seen[:n]
}

// cast adds d at time t.
func (c *caster) cast(t time.Duration, d decoy) {
	at := make([]int32, len(d.flows))
	for i, f := range d.flows {
		at[i] = c.place(t, f)
	}
	for _, p := range d.packets {
		p.Time += t
		p.Flow = at[p.Flow]
		if p.Time > c.in.End {
			continue
		}
		p.Size = min(p.Size, MaxFrame)
		p.Payload = min(p.Payload, max(p.Size-datasets.EthernetHeader, 0))
		c.cover = append(c.cover, p)
	}
}

// place finds the flow to the same service, by name where there is one, among
// those seen before t and those it made, or makes it.
func (c *caster) place(t time.Duration, f datasets.Flow) int32 {
	same := func(g datasets.Flow) bool {
		return g.Proto == f.Proto && g.Host == f.Host && (f.Host != "" || g.Remote == f.Remote)
	}
	for _, s := range c.known(t) {
		if same(c.flows[s.flow]) {
			return s.flow
		}
	}
	for i := len(c.in.Flows); i < len(c.flows); i++ {
		if same(c.flows[i]) {
			return int32(i)
		}
	}
	c.flows = append(c.flows, f)
	return int32(len(c.flows) - 1)
}

// generate makes up an exchange at time t on a service seen before.
func (c *caster) generate(rng *rand.Rand, t time.Duration) decoy {
	service, pairs := rng.Float64(), 2+rng.IntN(8)
	f := datasets.Flow{Proto: protoTCP, Remote: netip.AddrPortFrom(farEnd, 443)}
	if known := c.known(t); len(known) > 0 {
		f = c.in.Flows[known[int(service*float64(len(known)))].flow]
	}
	d := decoy{flows: []datasets.Flow{f}}
	var now time.Duration
	for range pairs {
		for _, dir := range []datasets.Dir{datasets.Up, datasets.Down} {
			payload := 40 + rng.Int32N(600)
			d.packets = append(d.packets, datasets.Packet{
				Time: now, Dir: dir, Payload: payload,
				Size: datasets.EthernetHeader + ip4Header + tcpHeader + payload,
			})
			now += time.Duration(5+rng.IntN(60)) * time.Millisecond
		}
	}
	return d
}
