// Package rates tells devices and what happens to them from how fast traffic
// flows.
package rates

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Attack tells devices and what happens to them from send and receive rates
// alone: "A Smart Home is No Castle" (Apthorpe, Reisman, Feamster 2017),
// section 4. Its three steps, and where they are:
//
//  1. Separate traffic into streams (section 4.1; StreamOf, rates_name.go): by
//     service, and by the port that the NAPT wrote where devices share one.
//  2. Label each stream with a device (section 4.2; rates_name.go): by the name
//     of its service, else by the mean and standard deviation of its bytes per
//     second (3 nearest neighbors).
//  3. Examine rates (section 4.3; rates_bins.go, rates_unit.go): a raised rate of
//     a device is an event, and how it is raised tells which.
//
// In step 3 the paper looks at plots where this decides by rule, so the rules
// are ours, learned for each device (rates_learn.go, rates_tune.go): a median
// baseline (that of training where a state fills the trace), two thresholds,
// the bin width and the gap that joins raised bins, for the one of a device's
// services that shows most, or for those outside the home. The activity is that
// of the nearest raised intervals of training by peak up, peak down, bytes and
// duration (logarithms, as are the fingerprint's two figures), and where training
// is better off with it, an interval like those that no event caused is dropped.
// Streams that several devices share, and traffic that looks like all devices
// together, such as an unknown tunnel, have rules of their own.
type Attack struct {
	BinS       float64 `help:"bin width in seconds" zero:"learned, 1, 2, 5 or 10 for each stream"`
	ToleranceS float64 `help:"how far from an event its traffic may begin, in seconds; used in training"`
	WindowS    float64 `help:"window of a rate fingerprint in seconds"`
	Beta       float64 `help:"how much more recall counts than precision in training"`
	Names      string  `help:"file of address,name lines that stands in for reverse lookup"`
	ByRate     bool    `help:"label streams by their rates alone, whatever names and addresses say"`
}

var _ attacks.Attack = Attack{}

// New returns the attack with its default parameters.
func New() Attack { return Attack{ToleranceS: 5, WindowS: 300, Beta: 1} }

// Info names the two tasks: events are raised rates, devices are labels of
// streams.
func (Attack) Info() attacks.Info {
	return attacks.Info{
		Name:  "rates",
		Doc:   "send and receive rates of named streams",
		Tasks: []datasets.Task{datasets.TaskEvent, datasets.TaskDevice},
		Cite:  "Apthorpe et al. 2017, section 4",
		Works: cite.Of("apthorpe2017castle"),
	}
}

// Validate refuses bins and tolerances above an hour, windows below a second or
// above a day, and a beta that would leave one of precision and recall out.
func (r Attack) Validate() error {
	return cmp.Or(
		params.Within("bin_s", r.BinS, 0, 3600),
		params.Within("tolerance_s", r.ToleranceS, 0.001, 3600),
		params.Within("beta", r.Beta, 0.01, 100),
		params.Within("window_s", r.WindowS, 1, 86400),
	)
}

// widths are the widths of bins to choose from.
func (r Attack) widths() []time.Duration {
	if r.BinS > 0 {
		return []time.Duration{params.Seconds(r.BinS)}
	}
	return []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}
}

// rateModel is a trained Rates. For the device task it has names alone.
type rateModel struct {
	r       Attack
	task    datasets.Task
	classes []string
	file    map[netip.Addr]string
	names   *streamNames
	devices []*rateRule // by device; nil without events
	states  []*rateRule // by device; nil where the rule above finds its states too
	shared  map[bursts.StreamKey]*rateRule
	pooled  *rateRule
}

// Train learns names, fingerprints and, for events, a rule for each device. It
// draws nothing at random; the file of names is read here and not again.
func (r Attack) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m := &rateModel{r: r, task: t.Task, classes: t.Classes, shared: map[bursts.StreamKey]*rateRule{}}
	var err error
	if r.Names != "" {
		if m.file, err = readNames(r.Names); err != nil {
			return nil, err
		}
	}

	// The examples are the caller's: names are filled in on a copy.
	t.Examples = slices.Clone(t.Examples)
	for i := range t.Examples {
		t.Examples[i].Trace = withNames(t.Examples[i].Trace, m.file)
	}

	if m.names, err = learnNames(ctx, t, params.Seconds(r.WindowS), r.ByRate); err != nil || t.Task != datasets.TaskEvent {
		return m, err
	}
	return m, m.learnRules(ctx, t)
}

// Guess labels the streams and, for events, looks for raised rates.
func (m *rateModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	t = withNames(t, m.file)
	streams := m.names.labelStreams(t)
	if m.task == datasets.TaskDevice {
		return attacks.Answer{Devices: m.owners(t, streams)}, ctx.Err()
	}

	// One event may show in several streams that are known by rate alone, so
	// their detections are merged. Those of a device are not: its streams were
	// counted together, and two of its events may lie close to each other.
	var named, strays []attacks.Burst
	for _, f := range m.detect(t, streams) {
		if f.stray {
			strays = append(strays, f.bursts...)
		} else {
			named = append(named, f.bursts...)
		}
	}
	named = append(named, bursts.MergeBursts(strays, match.Tolerance)...)
	slices.SortStableFunc(named, func(a, b attacks.Burst) int { return cmp.Compare(a.Start, b.Start) })
	return attacks.Answer{Events: named, Threshold: rateThreshold}, ctx.Err()
}

// examined is what was found in the traffic of one device or stream, and the
// packets and the width of bins in which it was looked for.
type examined struct {
	name    string
	width   time.Duration
	packets []int32
	bursts  []attacks.Burst
	stray   bool // a stream known by its rate alone; one event may show in several
}

// detect applies to each device's streams together the device's rule, to each
// shared or unknown stream its own. Devices come first, in order of name.
func (m *rateModel) detect(t datasets.Trace, streams []labeledStream) []examined {
	ofDevice := make([][]int32, len(m.names.devices))
	for _, s := range streams {
		if s.ofDevice() {
			ofDevice[s.label] = append(ofDevice[s.label], s.Packets...)
		}
	}

	var out []examined
	for d, packets := range ofDevice {
		if len(packets) == 0 {
			continue
		}
		slices.Sort(packets) // binRates wants them in order of time
		f := m.examine(t, m.names.devices[d], m.rule(d), packets)
		if d < len(m.states) && m.states[d] != nil {
			f.bursts = withStates(f.bursts, m.states[d].bursts(t, packets))
		}
		out = append(out, f)
	}

	for _, s := range streams {
		if s.ofDevice() {
			continue
		}
		rule := m.shared[s.Key]
		if !s.named {
			rule = m.rule(s.label)
		}
		f := m.examine(t, s.Key.String(), rule, s.Packets)
		f.stray = !s.named

		// A stream that merely resembles a device whose own services are in view
		// is not that device: what rises in it was caused by no event.
		if !s.named && s.label >= 0 && len(ofDevice[s.label]) > 0 {
			for i := range f.bursts {
				f.bursts[i].Ranked = []attacks.Ranked{{Class: datasets.Other, P: 1}}
			}
		}
		out = append(out, f)
	}
	return out
}

// withStates adds the states found to the bursts outside of them: what happens
// inside is part of the state.
func withStates(points, states []attacks.Burst) []attacks.Burst {
	points = slices.DeleteFunc(points, func(p attacks.Burst) bool {
		return slices.ContainsFunc(states, func(s attacks.Burst) bool {
			return s.Score >= rateThreshold && s.Ranked[0].Class != datasets.Other && p.Start >= s.Start && p.Start <= s.End
		})
	})
	return append(points, states...)
}

// rule is that of a device, or the pooled one for any other label.
func (m *rateModel) rule(label int) *rateRule {
	if label >= 0 && label < len(m.devices) {
		return m.devices[label]
	}
	return m.pooled
}

// examine looks for raised rates by one rule; nil finds none, but the traffic
// can still be shown, in bins of a second.
func (m *rateModel) examine(t datasets.Trace, name string, rule *rateRule, packets []int32) examined {
	out := examined{name: name, packets: packets, width: time.Second, bursts: rule.bursts(t, packets)}
	if rule != nil {
		out.packets, out.width = rule.ofHost(t, packets), rule.width
	}
	return out
}

// owners gives every packet the device of its stream; in a shared stream and
// one that looks like all traffic, that of the window by fingerprint.
func (m *rateModel) owners(t datasets.Trace, streams []labeledStream) []attacks.Owner {
	out := make([]attacks.Owner, len(t.Packets))
	devices := make([]int, len(m.names.devices))
	for d := range devices {
		devices[d] = d
	}

	for _, s := range streams {
		if s.label >= 0 {
			m.setOwner(out, s.Packets, s.label, s.p)
			continue
		}

		// The pooled fingerprints are never allowed here: "all devices together"
		// is no answer to whose a packet is.
		allowed := m.names.within[s.Key]
		if allowed == nil {
			allowed = devices
		}
		m.names.eachWindow(t, s.Packets, func(lo, hi int) {
			label, ok := m.names.nearest(m.names.printOf(t, s.Packets[lo:hi], 0), allowed)
			if !ok {
				label = -1
			}
			m.setOwner(out, s.Packets[lo:hi], label, 0.5)
		})
	}
	return out
}

// setOwner names the class of a device for some packets, -1 where it is not
// asked for.
func (m *rateModel) setOwner(out []attacks.Owner, packets []int32, device int, p float64) {
	o := attacks.Owner{Class: -1}
	if device >= 0 && device < len(m.names.devices) {
		if c, ok := slices.BinarySearch(m.classes, m.names.devices[device]); ok {
			o = attacks.Owner{Class: int32(c), P: float32(p)}
		}
	}
	for _, i := range packets {
		out[i] = o
	}
}
