package rates

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets/params"
)

// learnRules learns a rule for each device from the streams that are its own,
// for each stream that several devices share, and for all traffic.
func (m *rateModel) learnRules(ctx context.Context, t attacks.Training) error {
	fold := eventFolds(t)
	ofDevice := make([][]rateSource, len(m.names.devices))
	shared := map[bursts.StreamKey][]rateSource{}
	var order []bursts.StreamKey // of shared; a map's order would change from run to run
	var all []rateSource
	for i, ex := range t.Examples {
		source := func(packets []int32, events []match.Span) rateSource {
			return rateSource{ex.Trace, packets, events, fold[i]}
		}

		// Guess counts the streams of a device together, so training does too.
		mine := make([][]int32, len(m.names.devices))
		for _, s := range m.names.labelStreams(ex.Trace) {
			if s.label >= 0 {
				mine[s.label] = append(mine[s.label], s.Packets...)
				continue
			}
			if shared[s.Key] == nil {
				order = append(order, s.Key)
			}
			shared[s.Key] = append(shared[s.Key], source(s.Packets, m.eventsOf(ex, m.names.within[s.Key])))
		}

		// A device without a packet in an example has a source there all the same:
		// its events, if any, count as missed.
		for d, packets := range mine {
			slices.Sort(packets)
			ofDevice[d] = append(ofDevice[d], source(packets, m.eventsOf(ex, []int{d})))
		}
		all = append(all, source(bursts.AllPackets(ex.Trace), m.eventsOf(ex, nil)))
	}

	m.devices, m.states = make([]*rateRule, len(ofDevice)), make([]*rateRule, len(ofDevice))
	var err error
	for d, sources := range ofDevice {
		if m.devices[d], m.states[d], err = m.learnDevice(ctx, sources); err != nil {
			return err
		}
	}
	for _, k := range order {
		whole := sameTraffic(shared[k], all) // before learnRule, which modifies them
		if m.shared[k], _, err = m.learnRule(ctx, shared[k], "", false); err != nil {
			return err
		}
		if whole {
			m.pooled = m.shared[k] // behind a tunnel its stream is all there is
			return nil
		}
	}
	m.pooled, _, err = m.learnRule(ctx, all, "", false)
	return err
}

// sameTraffic says whether a stream is all traffic of the examples, with all events.
// Packets are in order of time, so that as many as there are are all of them.
func sameTraffic(stream, all []rateSource) bool {
	return slices.EqualFunc(stream, all, func(a, b rateSource) bool {
		return len(a.packets) == len(b.packets) && slices.Equal(a.events, b.events)
	})
}

// eventFolds assigns examples to folds by group. Where fewer than two groups
// have events the examples themselves are dealt round, and where one example
// has them all, -1 says that its intervals judge each other.
func eventFolds(t attacks.Training) []int {
	fold, _ := bursts.Folds(t, 5)
	groups := map[int]bool{}
	eventful := 0
	for i, ex := range t.Examples {
		if len(ex.Labels.Events) > 0 {
			groups[fold[i]] = true
			eventful++
		}
	}

	// Events all in one fold would be judged by folds that hold none, and every
	// one of them would look like no event.
	for i := range fold {
		switch {
		case eventful < 2:
			fold[i] = -1
		case len(groups) < 2:
			fold[i] = i % 5
		}
	}
	return fold
}

// eventsOf lists the events of devices (nil: all) that are asked for, in order
// of time.
func (m *rateModel) eventsOf(ex attacks.Labeled, devices []int) []match.Span {
	var out []match.Span
	for i, e := range match.Truth(ex.Labels) {
		d, _ := slices.BinarySearch(m.names.devices[:len(m.names.devices)-1], ex.Labels.Devices[ex.Labels.Events[i].Device])
		_, asked := slices.BinarySearch(m.classes, e.Class)
		if asked && (devices == nil || slices.Contains(devices, d)) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b match.Span) int { return cmp.Compare(a.From, b.From) })
	return out
}

// learnRule learns one rule from the packets of one service (ofHost) and
// returns it with its F; nil when there are no events to learn from. It
// modifies sources.
func (m *rateModel) learnRule(ctx context.Context, sources []rateSource, host string, states bool) (*rateRule, float64, error) {
	n := 0
	for i, s := range sources {
		n += len(s.events)
		sources[i].packets = (&rateRule{host: host}).ofHost(s.trace, s.packets)
	}
	if n == 0 {
		return nil, 0, nil
	}

	// A score below 0 is that of no rule at all: no event raised any rate.
	rule, score, err := learnRates(ctx, sources, rateOptions{m.r.widths(), params.Seconds(m.r.ToleranceS), m.r.Beta, states})
	if err != nil || score < 0 {
		return nil, 0, err
	}
	rule.host = host
	return &rule, score, nil
}

// maxHosts bounds the services of one device that are tried alone.
const maxHosts = 6

// learnHost learns from all traffic of a device, from each of its services
// alone, and from those outside the home, and keeps the best rule: a single
// stream usually encodes the device's state (section 4.1).
func (m *rateModel) learnHost(ctx context.Context, sources []rateSource, states bool) (*rateRule, float64, error) {
	rule, score, err := m.learnRule(ctx, slices.Clone(sources), "", states)
	if err != nil || rule == nil {
		return nil, 0, err
	}

	// All traffic stands first: one service must do better, not as well.
	best := bursts.Choice[*rateRule]{Value: rule, Score: score}
	for _, h := range hostsOf(sources) {
		if m.r.ByRate && h != away {
			continue // a service is known by its name
		}
		if rule, score, err = m.learnRule(ctx, slices.Clone(sources), h, states); err != nil {
			return nil, 0, err
		}
		if rule != nil {
			best.Offer(rule, score)
		}
	}
	return best.Value, best.Score, nil
}

// stateTime is how long an event lasts at least to be a state.
const stateTime = 10 * time.Second

// By so much more in F must a rule of their own find the states of a device
// than one rule finds all its events.
const stateGain = 0.2

// outside keeps the packets of s that no state holds.
func outside(s rateSource, states []match.Span) []int32 {
	return slices.DeleteFunc(slices.Clone(s.packets), func(i int32) bool {
		at := s.trace.Packets[i].Time
		return slices.ContainsFunc(states, func(e match.Span) bool { return e.From <= at && at <= e.To })
	})
}

// learnDevice learns one rule for all events of a device. States get a
// rule of their own where that finds their seconds much better; then what is
// left is learned from the other events alone.
func (m *rateModel) learnDevice(ctx context.Context, sources []rateSource) (points, states *rateRule, err error) {
	points, joint, err := m.learnHost(ctx, sources, false)
	if err != nil || points == nil || joint+stateGain > 1 {
		return points, nil, err // no second rule could gain enough
	}

	long, short := slices.Clone(sources), slices.Clone(sources)
	for i, s := range sources {
		long[i].events, short[i].events = nil, nil
		for _, e := range s.events {
			if e.To-e.From >= stateTime {
				long[i].events = append(long[i].events, e)
			} else {
				short[i].events = append(short[i].events, e)
			}
		}
		short[i].packets = outside(s, long[i].events)
	}

	// A camera that streams sends orders of magnitude more than one that does
	// not: one threshold cannot find both its stream and its small exchanges.
	states, score, err := m.learnHost(ctx, long, true)
	if err != nil || states == nil || score < joint+stateGain {
		return points, nil, err
	}
	points, _, err = m.learnHost(ctx, short, false)
	return points, states, err
}

// hostsOf lists the services of a device, those with most packets first, if
// there are several, and away if it talks inside the home too.
func hostsOf(sources []rateSource) []string {
	count := map[string]int{}
	inside, n := 0, 0
	for _, s := range sources {
		for _, i := range s.packets {
			f := &s.trace.Flows[s.trace.Packets[i].Flow]
			count[f.Host]++
			n++
			if f.LAN {
				inside++
			}
		}
	}

	// A single service is all of the traffic, which is tried anyway.
	hosts := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	out := slices.DeleteFunc(hosts, func(h string) bool { return h == "" })
	if out = out[:min(len(out), maxHosts)]; len(out) < 2 {
		out = nil
	}
	if inside > 0 && inside < n {
		out = append(out, away)
	}
	return out
}
