package attacks

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// Rates tells devices and what happens to them from send and receive rates
// alone: "A Smart Home is No Castle" (Apthorpe, Reisman, Feamster 2017),
// section 4. Traffic is separated into streams by service, and by NAPT port
// where devices share one; a stream is a device's by its name, else by the
// mean and standard deviation of its bytes per second (3 nearest neighbors);
// a raised rate of a device is an event.
//
// The paper looks at plots where this decides by rule, so what follows is
// ours: a median baseline (that of training where a state fills the trace), two
// thresholds, the bin width and the gap that joins raised bins are learned for
// each device, for the one of its services that shows most, or for those
// outside the home; the activity is that of the nearest raised
// intervals of training by peak up, peak down, bytes and duration (logarithms,
// as are the fingerprint's two figures), and where training is better off
// with it, an interval like those that no event caused is dropped. Streams
// that several devices share, and traffic that looks like all devices
// together, such as an unknown tunnel, have rules of their own.
type Rates struct {
	BinS       float64 `help:"bin width in seconds; 0 learns 1, 2, 5 or 10 for each stream"`
	ToleranceS float64 `help:"how far from an event its traffic may begin, in seconds; used in training"`
	WindowS    float64 `help:"window of a rate fingerprint in seconds"`
	Beta       float64 `help:"how much more recall counts than precision in training"`
	Names      string  `help:"file of address,name lines that stands in for reverse lookup"`
}

var _ Attack = Rates{}

// NewRates returns the attack with its default parameters.
func NewRates() Rates { return Rates{ToleranceS: 5, WindowS: 300, Beta: 1} }

// Info describes the attack.
func (Rates) Info() Info {
	return Info{
		Name:  "rates",
		Doc:   "send and receive rates of named streams",
		Tasks: []datasets.Task{datasets.Events, datasets.Device},
		Cite:  "Apthorpe et al. 2017, section 4",
		Works: cite.Of("apthorpe2017castle"),
	}
}

// Validate checks the parameters.
func (r Rates) Validate() error {
	return cmp.Or(
		inRange("bin_s", r.BinS, 0, 3600),
		inRange("tolerance_s", r.ToleranceS, 0.001, 3600),
		inRange("beta", r.Beta, 0.01, 100),
		inRange("window_s", r.WindowS, 1, 86400),
	)
}

func (r Rates) widths() []time.Duration {
	if r.BinS > 0 {
		return []time.Duration{seconds(r.BinS)}
	}
	return []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}
}

// rateModel is a trained Rates.
type rateModel struct {
	r       Rates
	task    datasets.Task
	classes []string
	file    map[netip.Addr]string
	names   *streamNames
	devices []*rateRule // by device; nil without events
	states  []*rateRule // by device; nil where the rule above finds its states too
	shared  map[StreamKey]*rateRule
	pooled  *rateRule
}

// Train learns names, fingerprints and, for events, a rule for each device.
func (r Rates) Train(ctx context.Context, _ *rand.Rand, t Training) (Model, error) {
	m := &rateModel{r: r, task: t.Task, classes: t.Classes, shared: map[StreamKey]*rateRule{}}
	var err error
	if r.Names != "" {
		if m.file, err = readNames(r.Names); err != nil {
			return nil, err
		}
	}
	t.Examples = slices.Clone(t.Examples)
	for i := range t.Examples {
		t.Examples[i].Trace = withNames(t.Examples[i].Trace, m.file)
	}
	if m.names, err = learnNames(ctx, t, seconds(r.WindowS)); err != nil || t.Task != datasets.Events {
		return m, err
	}
	return m, m.learnRules(ctx, t)
}

// learnRules learns a rule for each device from the streams that are its own,
// for each stream that several devices share, and for all traffic.
func (m *rateModel) learnRules(ctx context.Context, t Training) error {
	fold := eventFolds(t.Examples)
	own := make([][]rateSource, len(m.names.devices))
	shared := map[StreamKey][]rateSource{}
	var order []StreamKey
	var all []rateSource
	for i, ex := range t.Examples {
		src := func(packets []int32, events []rateEvent) rateSource {
			return rateSource{ex.Trace, packets, events, fold[i]}
		}
		mine := make([][]int32, len(m.names.devices))
		for _, s := range m.names.label(ex.Trace) {
			if s.label >= 0 {
				mine[s.label] = append(mine[s.label], s.Packets...)
				continue
			}
			if shared[s.Key] == nil {
				order = append(order, s.Key)
			}
			shared[s.Key] = append(shared[s.Key], src(s.Packets, m.eventsOf(ex, m.names.within[s.Key])))
		}
		for d, packets := range mine {
			slices.Sort(packets)
			own[d] = append(own[d], src(packets, m.eventsOf(ex, []int{d})))
		}
		all = append(all, src(allPackets(ex.Trace), m.eventsOf(ex, nil)))
	}
	m.devices, m.states = make([]*rateRule, len(own)), make([]*rateRule, len(own))
	var err error
	for d, sources := range own {
		if m.devices[d], m.states[d], err = m.learnDevice(ctx, sources); err != nil {
			return err
		}
	}
	for _, k := range order {
		if m.shared[k], _, err = m.learnRule(ctx, shared[k], "", false); err != nil {
			return err
		}
	}
	m.pooled, _, err = m.learnRule(ctx, all, "", false)
	return err
}

// eventFolds assigns examples to folds by group. Where fewer than two groups
// have events the examples themselves are dealt round, and where one example
// has them all, -1 says that its intervals judge each other.
func eventFolds(examples []Labeled) []int {
	fold, _ := folds(examples, 5)
	groups := map[int]bool{}
	eventful := 0
	for i, ex := range examples {
		if len(ex.Labels.Events) > 0 {
			groups[fold[i]] = true
			eventful++
		}
	}
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
func (m *rateModel) eventsOf(ex Labeled, devices []int) []rateEvent {
	var out []rateEvent
	for _, e := range ex.Labels.Events {
		class := ex.Labels.Class(e)
		d, _ := slices.BinarySearch(m.names.devices[:len(m.names.devices)-1], ex.Labels.Devices[e.Device])
		_, asked := slices.BinarySearch(m.classes, class)
		if asked && (devices == nil || slices.Contains(devices, d)) {
			out = append(out, rateEvent{e.Start, max(e.Start, e.End), class})
		}
	}
	slices.SortStableFunc(out, func(a, b rateEvent) int { return cmp.Compare(a.from, b.from) })
	return out
}

// learnRule learns one rule; nil when there are no events to learn from.
func (m *rateModel) learnRule(ctx context.Context, sources []rateSource, host string, states bool) (*rateRule, float64, error) {
	n := 0
	for i, s := range sources {
		n += len(s.events)
		sources[i].packets = (&rateRule{host: host}).ofHost(s.trace, s.packets)
	}
	if n == 0 {
		return nil, 0, nil
	}
	rule, score, err := learnRates(ctx, sources, rateOptions{m.r.widths(), seconds(m.r.ToleranceS), m.r.Beta, states})
	if err != nil || score < 0 {
		return nil, 0, err
	}
	rule.host = host
	return &rule, score, nil
}

// maxHosts bounds the services of one device that are tried alone.
const maxHosts = 6

// best learns from all traffic of a device, from each of its services alone,
// and from those outside the home, and keeps the best rule.
func (m *rateModel) best(ctx context.Context, sources []rateSource, states bool) (*rateRule, float64, error) {
	best, score, err := m.learnRule(ctx, slices.Clone(sources), "", states)
	if err != nil || best == nil {
		return nil, 0, err
	}
	for _, h := range hostsOf(sources) {
		rule, s, err := m.learnRule(ctx, slices.Clone(sources), h, states)
		if err != nil {
			return nil, 0, err
		}
		if rule != nil && s > score {
			best, score = rule, s
		}
	}
	return best, score, nil
}

// stateTime is how long an event lasts at least to be a state.
const stateTime = 10 * time.Second

// By so much more in F must a rule of their own find the states of a device
// than one rule finds all its events.
const stateGain = 0.2

// outside keeps the packets of s that no state holds.
func outside(s rateSource, states []rateEvent) []int32 {
	return slices.DeleteFunc(slices.Clone(s.packets), func(i int32) bool {
		at := s.trace.Packets[i].Time
		return slices.ContainsFunc(states, func(e rateEvent) bool { return e.from <= at && at <= e.to })
	})
}

// learnDevice learns one rule for all events of a device. States get a
// rule of their own where that finds their seconds much better; then what is
// left is learned from the other events alone.
func (m *rateModel) learnDevice(ctx context.Context, sources []rateSource) (points, states *rateRule, err error) {
	points, joint, err := m.best(ctx, sources, false)
	if err != nil || points == nil || joint+stateGain > 1 {
		return points, nil, err
	}
	long, short := slices.Clone(sources), slices.Clone(sources)
	for i, s := range sources {
		long[i].events, short[i].events = nil, nil
		for _, e := range s.events {
			if e.to-e.from >= stateTime {
				long[i].events = append(long[i].events, e)
			} else {
				short[i].events = append(short[i].events, e)
			}
		}
		short[i].packets = outside(s, long[i].events)
	}
	states, score, err := m.best(ctx, long, true)
	if err != nil || states == nil || score < joint+stateGain {
		return points, nil, err
	}
	points, _, err = m.best(ctx, short, false)
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
	var out []string
	for h := range count {
		if h != "" {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	if out = out[:min(len(out), maxHosts)]; len(out) < 2 {
		out = nil
	}
	if inside > 0 && inside < n {
		out = append(out, away)
	}
	return out
}

// Guess labels the streams and, for events, looks for raised rates.
func (m *rateModel) Guess(ctx context.Context, t datasets.Trace) (Answer, error) {
	t = withNames(t, m.file)
	streams := m.names.label(t)
	if m.task == datasets.Device {
		return Answer{Devices: m.owners(t, streams)}, ctx.Err()
	}
	var own, strays []Burst
	for _, f := range m.detect(t, streams) {
		if f.stray {
			strays = append(strays, f.bursts...)
		} else {
			own = append(own, f.bursts...)
		}
	}
	own = append(own, mergeBursts(strays, matchTolerance)...)
	slices.SortStableFunc(own, func(a, b Burst) int { return cmp.Compare(a.Start, b.Start) })
	return Answer{Events: own, Threshold: rateThreshold}, ctx.Err()
}

// rated is what was found in the traffic of one device or stream.
type rated struct {
	name    string
	width   time.Duration
	packets []int32
	bursts  []Burst
	stray   bool // a stream known by its rate alone; one event may show in several
}

// detect applies to each device's streams together the device's rule, to each
// shared or unknown stream its own.
func (m *rateModel) detect(t datasets.Trace, streams []labeledStream) []rated {
	mine := make([][]int32, len(m.names.devices))
	for _, s := range streams {
		if s.named && s.label >= 0 {
			mine[s.label] = append(mine[s.label], s.Packets...)
		}
	}
	var out []rated
	for d, packets := range mine {
		if len(packets) > 0 {
			slices.Sort(packets)
			f := m.apply(t, m.names.devices[d], m.rule(d), packets)
			if d < len(m.states) && m.states[d] != nil {
				f.bursts = withStates(f.bursts, m.states[d].bursts(t, packets))
			}
			out = append(out, f)
		}
	}
	for _, s := range streams {
		if s.named && s.label >= 0 {
			continue
		}
		rule, name := m.shared[s.Key], s.Key.String()
		if !s.named {
			rule = m.rule(s.label)
		}
		f := m.apply(t, name, rule, s.Packets)
		f.stray = !s.named
		if !s.named && s.label >= 0 && len(mine[s.label]) > 0 {
			disown(f.bursts)
		}
		out = append(out, f)
	}
	return out
}

// withStates adds the states found to the bursts outside of them: what happens
// inside is part of the state.
func withStates(points, states []Burst) []Burst {
	points = slices.DeleteFunc(points, func(p Burst) bool {
		return slices.ContainsFunc(states, func(s Burst) bool {
			return s.Score >= rateThreshold && s.Ranked[0].Class != datasets.Other && p.Start >= s.Start && p.Start <= s.End
		})
	})
	return append(points, states...)
}

// disown turns the bursts of a stream that merely resembles a device whose own
// services are in view into bursts that no event caused.
func disown(bs []Burst) {
	for i := range bs {
		bs[i].Ranked = []Ranked{{Class: datasets.Other, P: 1}}
	}
}

func (m *rateModel) rule(label int) *rateRule {
	if label >= 0 && label < len(m.devices) {
		return m.devices[label]
	}
	return m.pooled
}

func (m *rateModel) apply(t datasets.Trace, name string, rule *rateRule, packets []int32) rated {
	out := rated{name: name, packets: packets, width: time.Second, bursts: rule.bursts(t, packets)}
	if rule != nil {
		out.packets, out.width = rule.ofHost(t, packets), rule.width
	}
	return out
}

// owners gives every packet the device of its stream; in a shared stream and
// one that looks like all traffic, that of the window by fingerprint.
func (m *rateModel) owners(t datasets.Trace, streams []labeledStream) []Owner {
	out := make([]Owner, len(t.Packets))
	devices := make([]int, len(m.names.devices))
	for d := range devices {
		devices[d] = d
	}
	for _, s := range streams {
		if s.label >= 0 {
			m.own(out, s.Packets, s.label, s.p)
			continue
		}
		allowed := m.names.within[s.Key]
		if allowed == nil {
			allowed = devices
		}
		m.names.eachWindow(t, s.Packets, func(lo, hi int) {
			label, ok := m.names.nearest(m.names.printOf(t, s.Packets[lo:hi], 0), allowed)
			if !ok {
				label = -1
			}
			m.own(out, s.Packets[lo:hi], label, 0.5)
		})
	}
	return out
}

// own names the class of a device for some packets, -1 where it is not asked
// for.
func (m *rateModel) own(out []Owner, packets []int32, device int, p float64) {
	o := Owner{Class: -1}
	if device >= 0 && device < len(m.names.devices) {
		if c, ok := slices.BinarySearch(m.classes, m.names.devices[device]); ok {
			o = Owner{Class: int32(c), P: float32(p)}
		}
	}
	for _, i := range packets {
		out[i] = o
	}
}

// String names the key for people: the service, else the hardware address.
func (k StreamKey) String() string {
	name := k.Host
	switch {
	case k.Link != datasets.MAC{}:
		name = fmt.Sprintf("%x:%x:%x:%x:%x:%x", k.Link[0], k.Link[1], k.Link[2], k.Link[3], k.Link[4], k.Link[5])
	case name == "" && k.Remote.IsValid():
		name = k.Remote.String()
	case name == "":
		name = datasets.Unknown
	}
	if k.Port != 0 {
		name = fmt.Sprintf("%s port %d", name, k.Port)
	}
	return name
}
