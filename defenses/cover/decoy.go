package cover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Decoy replays events that did not happen, at random times (a Poisson
// process), beside the traffic, which stays as it is.
//
// With source=recorded the events are those of the training recordings, chosen
// evenly: an event's packets are the ones it caused, or where causes are
// unknown those from its start to EventS later of its device (of everybody
// when owners are unknown too). They replay on the flow of the trace with the
// same service name or address, else on a new one. With source=generated an
// event is 2 to 9 request and reply pairs of random sizes on the service of a
// random flow of the trace; no training is needed.
type Decoy struct {
	PerHour float64 `help:"decoys in an hour, on average"`
	Source  string  `help:"recorded or generated"`
	EventS  float64 `help:"length of a recorded event whose packets are not marked"`

	events []shaping.Event // learned
}

var (
	_ defenses.Defense = Decoy{}
	_ defenses.Fitter  = Decoy{}
)

// Info puts it at the gateway. Decoys are answered, so the cloud takes part.
func (Decoy) Info() defenses.Info {
	return defenses.Info{
		Name: "cover-decoy", Doc: "events that did not happen, replayed at random times",
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.Cloud},
	}
}

// Validate refuses more than ten decoys a second, an unknown source, and recorded
// events without length or above an hour.
func (d Decoy) Validate() error {
	return cmp.Or(
		params.Within("per_hour", d.PerHour, 0, 36000),
		params.OneOf("source", d.Source, "recorded", "generated"),
		params.Within("event_s", d.EventS, 0.001, 3600),
	)
}

// Fit collects the events of the training recordings. It fails when there is
// none with packets. With source=generated it learns nothing.
func (d Decoy) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	d.events = nil
	if d.Source == "generated" {
		return d, nil
	}
	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.events = append(d.events, shaping.Events(r, params.Seconds(d.EventS))...)
	}
	if len(d.events) == 0 {
		return nil, errors.New("cover-decoy: no event with packets in the training recordings (source=generated needs none)")
	}
	return d, nil
}

// Apply adds decoys on flows that were seen before, or on new ones. What would
// come after End is cut, as the observer sees no more of it. It fails with
// source=recorded before Fit.
func (d Decoy) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if d.Source == "recorded" && d.events == nil {
		return defenses.Defended{}, fmt.Errorf("cover-decoy: source=recorded %w", defenses.ErrNotFitted)
	}
	if d.PerHour == 0 {
		return defenses.Defended{Trace: in}, nil
	}

	// Times and contents have generators of their own, so that how long one decoy
	// is does not move when the next begins.
	c := caster{in: in, flows: shaping.AppendFlows(in)}
	c.seen, c.headers = firstSeen(in)
	when, what := defenses.Stream(rng), defenses.Stream(rng)
	for t := poisson(when, d.PerHour); t <= in.End; t += poisson(when, d.PerHour) {
		if d.Source == "generated" {
			c.cast(t, c.generate(what, t))
		} else {
			c.cast(t, d.events[what.IntN(len(d.events))])
		}
	}

	sortByTime(c.dummies)
	return shaping.Insert(in, c.flows, c.dummies), nil
}

// caster places decoys in a trace.
type caster struct {
	in      datasets.Trace
	flows   []datasets.Flow // the input's, then those made for decoys
	seen    []sighting      // of the input's flows
	headers [][]headerSeen  // of each of the input's flows, by first packet
	dummies []datasets.Packet
}

// sighting is a flow that leaves the home and when it was first seen.
type sighting struct {
	at   time.Duration
	flow int32
}

// headerSeen is how long headers were, and when a packet first had such.
type headerSeen struct {
	at    time.Duration
	bytes int32
}

// firstSeen lists the flows that leave the home, by first packet, and for every
// flow the headers it had.
func firstSeen(in datasets.Trace) ([]sighting, [][]headerSeen) {
	var out []sighting
	headers := make([][]headerSeen, len(in.Flows))
	for _, p := range in.Packets {
		if len(headers[p.Flow]) == 0 && in.Flows[p.Flow].Exposed() {
			out = append(out, sighting{p.Time, p.Flow})
		}
		n := p.Size - p.Payload
		if !slices.ContainsFunc(headers[p.Flow], func(h headerSeen) bool { return h.bytes == n }) {
			headers[p.Flow] = append(headers[p.Flow], headerSeen{p.Time, n})
		}
	}
	return out, headers
}

// header is how long the headers of a decoy at t on a flow of the input are: n
// if the flow had such before, else as it last changed to. Others than the flow's
// own would tell decoys apart.
func (c *caster) header(flow, n int32, t time.Duration) int32 {
	own := n
	for _, h := range c.headers[flow] {
		if h.at >= t {
			break
		}
		if h.bytes == n {
			return n
		}
		own = h.bytes
	}
	return own
}

// known are the flows seen before t. Others are in the flow list already, but a
// decoy on one would foretell it.
func (c *caster) known(t time.Duration) []sighting {
	n, _ := slices.BinarySearchFunc(c.seen, t, func(s sighting, t time.Duration) int { return cmp.Compare(s.at, t) })
	return c.seen[:n]
}

// cast adds e at time t.
func (c *caster) cast(t time.Duration, e shaping.Event) {
	at := make([]int32, len(e.Flows))
	for i, f := range e.Flows {
		at[i] = c.place(t, f)
	}

	for _, p := range e.Packets {
		p.Time += t
		p.Flow = at[p.Flow]
		if p.Time > c.in.End {
			continue
		}

		// What the recording's network card joined leaves as one full frame.
		h := p.Size - p.Payload
		if int(p.Flow) < len(c.in.Flows) {
			h = c.header(p.Flow, h, t)
		}
		limit := defenses.Limit(c.flows[p.Flow])
		if h < datasets.EthernetHeader || h > limit {
			continue // a runt, or no room: nothing can be like it
		}
		p.Payload = max(min(p.Size, limit)-h, 0)
		p.Size = h + p.Payload
		c.dummies = append(c.dummies, p)
	}
}

// place finds the flow to the same service, by name where there is one, among
// those seen before t and those it made, or makes it.
func (c *caster) place(t time.Duration, f datasets.Flow) int32 {
	same := func(g datasets.Flow) bool {
		if f.Radio() || g.Radio() {
			return g == f // a device is known by its address alone
		}
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
func (c *caster) generate(rng *rand.Rand, t time.Duration) shaping.Event {
	// A point of [0, 1) in the place of an index: how many flows are known must
	// not change how many draws are made.
	service, pairs := rng.Float64(), 2+rng.IntN(8)
	f := datasets.Flow{Proto: shaping.TCP, Remote: netip.AddrPortFrom(shaping.FarEnd(), 443)}
	if known := c.known(t); len(known) > 0 {
		f = c.in.Flows[known[int(service*float64(len(known)))].flow]
	}

	e := shaping.Event{Flows: []datasets.Flow{f}}
	var now time.Duration
	for range pairs {
		for _, dir := range []datasets.Dir{datasets.Up, datasets.Down} {
			payload := 40 + rng.Int32N(600)
			e.Packets = append(e.Packets, datasets.Packet{
				Time: now, Dir: dir, Payload: payload,
				Size: datasets.EthernetHeader + shaping.TCP4Headers + payload,
			})
			now += time.Duration(5+rng.IntN(60)) * time.Millisecond
		}
	}
	return e
}
