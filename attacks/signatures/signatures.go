// Package signatures learns pairs of packets, a request and its reply, that stand
// for an event, and looks for them.
package signatures

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Attack finds events by packet pairs: "Packet-Level Signatures for Smart
// Home Devices" (PingPong; Trimananda et al., NDSS 2020). Its steps:
//
//  1. A pair is a request and its reply, two packets with payload that follow
//     each other in one flow in opposite directions, or a packet without one.
//     All pairs within window_s of each trigger of an event are collected.
//  2. Pairs that recur in the trials of an event are clustered by density.
//  3. Clusters that about every trial has are joined to a sequence, the
//     signature.
//  4. The sequence is looked for in every flow: sizes in the range that training
//     showed, in order, other packets in between allowed, inside the longest
//     duration seen.
//
// Steps 1 to 3 are learn.go, step 4 is here.
//
// Deviations: one activity may have several triggers (an app, a button) and
// replies of several sizes, so no pair need be in all of its trials: the pair
// that tells most trials from other traffic splits off a variant, and the
// trials without it are searched for the next. Of sequences of several
// classes that match the same packets the likeliest sizes decide. The paper
// clusters at a distance of 10 bytes, which joins commands that differ by one
// digit; here it is 2. A sequence stays in one flow. Where no pair tells a class
// from other traffic, as behind padding to one size, its signature is one pair so
// many times over; the paper's attack would know nothing there. The paper looks at
// TCP alone, which is udp=false; flows of UDP are a variant of ours, and the usual
// one, for an attacker who sees them would not leave them out.
type Attack struct {
	WindowS  float64 `help:"how long after its trigger an event's packets are looked for, in seconds"`
	EpsBytes int     `help:"sizes at most this far apart are one cluster"`
	Share    float64 `help:"share of the trials of a variant that must have a pair"`
	MaxPairs int     `help:"pairs in a sequence at most"`
	Udp      bool    `help:"look at UDP too; the paper looks at TCP alone"`
}

var (
	_ attacks.Attack = Attack{}
	_ attacks.Loader = Attack{}
	_ attacks.Saver  = (*signatureModel)(nil)
)

// New returns the attack with its default parameters.
func New() Attack {
	return Attack{WindowS: 15, EpsBytes: 2, Share: 0.9, MaxPairs: 4, Udp: true}
}

// Info cites the paper as a whole: training and detection take up most of it.
func (Attack) Info() attacks.Info {
	return attacks.Info{
		Name:  "signatures",
		Doc:   "request and reply sizes that recur in every trial of an event",
		Tasks: []datasets.Task{datasets.TaskEvent},
		Cite:  "PingPong, Trimananda et al. 2020",
		Works: cite.Of("trimananda2020pingpong"),
	}
}

// Validate refuses a window below 0.1 s or above 10 min, clusters of sizes more
// than 1000 bytes apart, a share below half, which would leave a signature in a
// minority of its trials, and sequences of more than 20 pairs.
func (s Attack) Validate() error {
	return cmp.Or(
		params.Within("window_s", s.WindowS, 0.1, 600),
		params.Within("eps_bytes", s.EpsBytes, 0, 1000),
		params.Within("share", s.Share, 0.5, 1),
		params.Within("max_pairs", s.MaxPairs, 1, 20),
	)
}

// Train learns the signatures of each class and the score from which a match
// counts.
func (s Attack) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m := &signatureModel{udp: s.Udp}
	flows := make([][]flowPackets, len(t.Examples))
	for i, ex := range t.Examples {
		flows[i] = payloadFlows(ex.Trace, s.Udp)
	}
	pairs, owners := countPairs(flows), make([][][]int32, len(flows))
	for i, ex := range t.Examples {
		owners[i] = ownersOf(ex.Labels, flows[i])
	}
	turns := map[turnKey][]turns{}
	for _, class := range t.Classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := signatureLearner{s: s, class: class, t: t, flows: flows, pairs: pairs, owners: owners, turns: turns}
		m.signatures = append(m.signatures, l.variants()...)
	}
	m.index()
	return m, m.weigh(ctx, t, flows)
}

// signature is a sequence of sizes in one flow.
type signature struct {
	class    string
	elements []sizeRange
	duration time.Duration // longest seen, from first to last packet, and a tenth more
	trust    float64       // share of its matches in training that were the event
	alarm    float64       // share that were an event of the device at all
}

// sizeRange is one packet of a signature: a signed size (up positive) from lo
// to hi, and how often training showed each.
type sizeRange struct {
	lo, hi int32
	count  []int
}

// logP is the logarithm of how likely a size within the range is. A tenth is
// added to every count: a size between two that training showed is unlikely,
// not impossible.
func (r sizeRange) logP(size int32) float64 {
	n := 0
	for _, c := range r.count {
		n += c
	}
	return math.Log((float64(r.count[size-r.lo]) + 0.1) / (float64(n) + 0.1*float64(len(r.count))))
}

// signatureModel is a trained Signatures.
type signatureModel struct {
	udp        bool
	signatures []signature
	least      int32   // smallest size that begins a signature
	first      [][]int // signatures by the size of their first packet, less least
	threshold  float64
}

// index files the signatures under every size that can begin one, so that most
// packets of a trace cost one look-up.
func (m *signatureModel) index() {
	m.first = nil
	if len(m.signatures) == 0 {
		return
	}
	most := int32(math.MinInt32)
	m.least = math.MaxInt32
	for _, s := range m.signatures {
		m.least, most = min(m.least, s.elements[0].lo), max(most, s.elements[0].hi)
	}
	m.first = make([][]int, most-m.least+1) // sizes fit a frame, and so does this list
	for i, s := range m.signatures {
		for size := s.elements[0].lo; size <= s.elements[0].hi; size++ {
			m.first[size-m.least] = append(m.first[size-m.least], i)
		}
	}
}

// flowPackets is the packets with payload of one flow, in order of time.
type flowPackets struct {
	flow int32
	at   []int32 // index in the trace
	size []int32 // signed
	time []time.Duration
}

// protoUDP is the number of UDP in IP headers.
const protoUDP = 17

// payloadFlows cuts a trace into flows, in order of their first payload.
// Packets without payload are acknowledgements and carry no sign. What is known to
// be UDP is left out unless asked for; on Wi-Fi no protocol is known.
func payloadFlows(t datasets.Trace, udp bool) []flowPackets {
	index := make([]int32, len(t.Flows)) // in out, +1; 0 while a flow has had no payload
	var out []flowPackets
	var size []int
	counts := func(p datasets.Packet) bool { return p.Payload != 0 && (udp || t.Flows[p.Flow].Proto != protoUDP) }
	for _, p := range t.Packets {
		if !counts(p) {
			continue
		}
		if index[p.Flow] == 0 {
			out, size = append(out, flowPackets{flow: p.Flow}), append(size, 0)
			index[p.Flow] = int32(len(out))
		}
		size[index[p.Flow]-1]++
	}

	// Room of the right size: lists that grow would be copied several times.
	for i, n := range size {
		out[i].at, out[i].size, out[i].time = make([]int32, 0, n), make([]int32, 0, n), make([]time.Duration, 0, n)
	}
	for i, p := range t.Packets {
		if counts(p) {
			f := &out[index[p.Flow]-1]
			f.at = append(f.at, int32(i))
			f.size = append(f.size, bursts.SignedSize(p))
			f.time = append(f.time, p.Time)
		}
	}
	return out
}

// matches lists the matches in one flow, in order of time. A signature is looked
// for again after its last match.
func (m *signatureModel) matches(f flowPackets) []sighted {
	var out []sighted
	var next []int // packet from which on a signature is looked for, by signature
	for i, size := range f.size {
		if size < m.least || int(size-m.least) >= len(m.first) {
			continue
		}
		for _, n := range m.first[size-m.least] {
			if next == nil { // most flows have no match
				next = make([]int, len(m.signatures))
			}
			if i < next[n] {
				continue
			}
			s := &m.signatures[n]
			if end, ok := s.match(f, i); ok {
				out = append(out, sighted{n, f.time[i], f.time[end], s.logP(f, i)})
				next[n] = f.after(end)
			}
		}
	}
	return out
}

// after is the first packet later than packet i: several may have one time.
func (f flowPackets) after(i int) int {
	last := f.time[i]
	for i < len(f.time) && f.time[i] <= last {
		i++
	}
	return i
}

// sighted is a match of a signature.
type sighted struct {
	signature  int
	start, end time.Duration
	logP       float64 // mean over packets
}

// match looks for signature s from packet i of f on, which fits its first
// element: each next element is the first packet that fits. end is the last of
// them.
func (s *signature) match(f flowPackets, i int) (end int, ok bool) {
	until := f.time[i] + s.duration

	// No two elements are one packet. Where all packets are alike, as behind padding,
	// this rules out most starts without a walk.
	if last := i + len(s.elements) - 1; last >= len(f.time) || f.time[last] > until {
		return 0, false
	}
	j := i
	for _, e := range s.elements[1:] {
		for j++; j < len(f.size) && f.time[j] <= until && (f.size[j] < e.lo || f.size[j] > e.hi); j++ {
		}
		if j >= len(f.size) || f.time[j] > until {
			return 0, false
		}
	}
	return j, true
}

// logP is the mean, over the packets of the match from packet i of f on, of the
// logarithm of how likely their sizes are. It walks again: few starts match, and
// logarithms are what costs.
func (s *signature) logP(f flowPackets, i int) float64 {
	sum, j := s.elements[0].logP(f.size[i]), i
	for _, e := range s.elements[1:] {
		for j++; f.size[j] < e.lo || f.size[j] > e.hi; j++ {
		}
		sum += e.logP(f.size[j])
	}
	return sum / float64(len(s.elements))
}

// bursts turns the matches of one flow into bursts: of those that overlap the
// likeliest names the class, the others rank behind it.
func (m *signatureModel) bursts(found []sighted) []attacks.Burst {
	var out []attacks.Burst
	for lo := 0; lo < len(found); {
		// A chain of matches each of which begins before one of the others ends.
		end, hi := found[lo].end, lo
		for hi < len(found) && found[hi].start <= end {
			end = max(end, found[hi].end)
			hi++
		}
		group := slices.Clone(found[lo:hi])
		slices.SortStableFunc(group, func(a, b sighted) int { return cmp.Compare(m.weight(b), m.weight(a)) })

		// The score is how often the device did something at such a match, not
		// how sure the class is: see weigh.
		b := attacks.Burst{Start: group[0].start, End: group[0].end, Score: m.signatures[group[0].signature].alarm}
		sum := 0.0
		for _, g := range group {
			class := m.signatures[g.signature].class
			if !slices.ContainsFunc(b.Ranked, func(r attacks.Ranked) bool { return r.Class == class }) {
				w := math.Exp(m.weight(g))
				b.Ranked = append(b.Ranked, attacks.Ranked{Class: class, P: w})
				sum += w
			}
		}
		for i := range b.Ranked {
			b.Ranked[i].P /= sum
		}
		out = append(out, b)
		lo = hi
	}
	return out
}

// weight orders matches of the same packets: likely sizes and trusted
// signatures first. A signature that was never right in training keeps a
// weight, small but not 0.
func (m *signatureModel) weight(g sighted) float64 {
	return g.logP + math.Log(m.signatures[g.signature].trust+1e-6)
}

// Guess looks for all signatures in all flows.
func (m *signatureModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	return m.answer(ctx, payloadFlows(t, m.udp))
}

// answer is Guess on a trace that is cut into flows already.
func (m *signatureModel) answer(ctx context.Context, flows []flowPackets) (attacks.Answer, error) {
	var out []attacks.Burst
	for i, f := range flows {
		if i%1024 == 0 && ctx.Err() != nil {
			return attacks.Answer{}, ctx.Err()
		}
		out = append(out, m.bursts(m.matches(f))...)
	}
	return attacks.Answer{Events: bursts.MergeBursts(out, match.Tolerance), Threshold: m.threshold}, ctx.Err()
}

// weigh learns how far each signature can be trusted from all matches in the
// training traffic, and the threshold with the best F1. Both the score and the
// threshold speak of the device: two activities that look the same are still
// worth an alarm.
func (m *signatureModel) weigh(ctx context.Context, t attacks.Training, flows [][]flowPackets) error {
	right, alarm, all := make([]float64, len(m.signatures)), make([]float64, len(m.signatures)), make([]float64, len(m.signatures))
	truth := make([][]match.Span, len(t.Examples))
	for i, ex := range t.Examples {
		truth[i] = match.Truth(ex.Labels)
		slices.SortStableFunc(truth[i], func(a, b match.Span) int { return cmp.Compare(a.From, b.From) })
		var longest time.Duration
		for _, e := range truth[i] {
			longest = max(longest, e.To-e.From)
		}

		for _, f := range flows[i] {
			for _, g := range m.matches(f) {
				class, device := happened(truth[i], longest, m.signatures[g.signature].class, g.start)
				all[g.signature]++
				right[g.signature] += class
				alarm[g.signature] += device
			}
		}
	}
	for i := range m.signatures {
		m.signatures[i].trust = right[i] / max(1, all[i])
		m.signatures[i].alarm = alarm[i] / max(1, all[i])
	}

	// Answers rest on trust and alarm, so the threshold comes last. Truth and
	// answers are reduced to devices to compare them.
	found := make([][]attacks.Burst, len(t.Examples))
	for i := range t.Examples {
		a, err := m.answer(ctx, flows[i])
		if err != nil {
			return err
		}
		for j, e := range truth[i] {
			truth[i][j].Class = match.ByDevice(e.Class)
		}
		for _, b := range a.Events {
			b.Ranked = []attacks.Ranked{{Class: match.ByDevice(b.Ranked[0].Class), P: 1}}
			found[i] = append(found[i], b)
		}
	}
	_, m.threshold = bursts.BestThreshold(truth, found)
	return nil
}

// happened is 1 where an event of class, and where one of its device, has a
// window that, widened by the tolerance, holds at. truth is in order of From, and
// none of it lasts more than longest: what began before that is over.
func happened(truth []match.Span, longest time.Duration, class string, at time.Duration) (same, device float64) {
	i, _ := slices.BinarySearchFunc(truth, at-match.Tolerance-longest, func(e match.Span, t time.Duration) int { return cmp.Compare(e.From, t) })
	for ; i < len(truth) && truth[i].From <= at+match.Tolerance; i++ {
		switch {
		case truth[i].To < at-match.Tolerance:
		case truth[i].Class == class:
			return 1, 1
		case match.ByDevice(truth[i].Class) == match.ByDevice(class):
			device = 1
		}
	}
	return 0, device
}
