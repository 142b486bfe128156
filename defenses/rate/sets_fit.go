package rate

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// anonymity is what AnonymitySets learns.
type anonymity struct {
	kinds     []activityKind // sorted by class
	envelopes []envelope     // of the sets
	rest      time.Duration  // from the beginning of an envelope to the next
}

// activityKind is an activity: its set, and how often its packets in the time to
// choose were of each kind.
type activityKind struct {
	class string
	set   int
	signs map[sign]float64
	total float64
}

// sign is a kind of packet, as the gateway sees it before the tunnel.
type sign struct {
	host string
	dir  datasets.Dir
	size int32
}

// example is the traffic of one activity of the training, its times from its first
// packet on.
type example struct {
	class   string
	packets []datasets.Packet
	flows   []datasets.Flow
	length  time.Duration // of the activity or, where it is alone, its recording
}

// longestActivity is how much of an event counts where nobody knows its packets.
const longestActivity = 10 * time.Second

// Fit sorts the activities of the training into sets and learns their envelopes. It
// fails where there are fewer than K of them.
func (d AnonymitySets) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	byClass := map[string][]example{}
	l := &anonymity{}
	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, e := range examplesOf(r) {
			byClass[e.class] = append(byClass[e.class], e)
			l.rest = max(l.rest, e.length)
		}
	}
	if len(byClass) < d.K {
		return nil, fmt.Errorf("anonymity-sets: %d activities in the training recordings, too few for sets of %d", len(byClass), d.K)
	}

	var own []envelope
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		k := activityKind{class: class, signs: map[sign]float64{}}
		for _, e := range byClass[class] {
			for _, p := range e.packets {
				if p.Time <= params.Seconds(d.BeginS) {
					k.signs[sign{e.flows[p.Flow].Host, p.Dir, p.Size}]++
					k.total++
				}
			}
		}
		l.kinds = append(l.kinds, k)
		own = append(own, d.envelopeOf(byClass[class]))
	}

	for i, set := range d.sets(own) {
		var e envelope
		for _, k := range set {
			l.kinds[k].set = i
			e = e.over(own[k])
		}
		l.envelopes = append(l.envelopes, e)

		// No envelope begins while another is at work.
		l.rest = max(l.rest, time.Duration(e.steps())*params.Seconds(d.StepS)+params.Seconds(d.BeginS))
	}
	d.learned = l
	return d, nil
}

// examplesOf are the activities of a recording: all of its traffic where it has one.
func examplesOf(r datasets.Recording) []example {
	if len(r.Labels.Events) == 1 {
		e := example{class: r.ClipClass(), flows: r.Trace.Flows, length: r.Trace.End}
		for _, p := range r.Trace.Packets {
			if r.Trace.Flows[p.Flow].Exposed() {
				e.packets = append(e.packets, p)
			}
		}
		return fromFirst(e)
	}
	var out []example
	for _, ev := range shaping.Events(r, longestActivity) {
		e := example{class: r.Labels.Class(r.Labels.Events[ev.Number]), packets: ev.Packets, flows: ev.Flows}
		e.length = ev.Packets[len(ev.Packets)-1].Time
		out = append(out, fromFirst(e)...)
	}
	return out
}

// fromFirst is e with times from its first packet on; none where it has no packet.
func fromFirst(e example) []example {
	if len(e.packets) == 0 {
		return nil
	}
	first := e.packets[0].Time
	for i := range e.packets {
		e.packets[i].Time -= first
	}
	return []example{e}
}

// envelopeOf is that of one activity: in each step as many packets as carry what came
// in it in all but few examples, and at its end as many more as those take that are
// large in all.
func (d AnonymitySets) envelopeOf(of []example) envelope {
	// What comes while the beginning is waited for leaves in the first step.
	step, begin := params.Seconds(d.StepS), params.Seconds(d.BeginS)
	room := float64(d.SizeBytes - shaping.UDP4Headers)
	var bytes [2][][]float64 // by step and example
	var all [2][]float64     // by example
	for dir := range bytes {
		all[dir] = make([]float64, len(of))
	}
	for i, e := range of {
		for _, p := range e.packets {
			at := int(max(p.Time-begin, 0) / step)
			for len(bytes[p.Dir]) <= at {
				bytes[p.Dir] = append(bytes[p.Dir], make([]float64, len(of)))
			}
			bytes[p.Dir][at][i] += float64(ipSize(p))
			all[p.Dir][i] += float64(ipSize(p))
		}
	}

	var out envelope
	for dir := range out {
		sum := 0
		for _, b := range bytes[dir] {
			n := int(math.Ceil(quantileOf(b, d.Share) / room))
			out[dir] = append(out[dir], n)
			sum += n
		}
		for len(out[dir]) > 0 && out[dir][len(out[dir])-1] == 0 {
			out[dir] = out[dir][:len(out[dir])-1]
		}

		// Steps that are rare by themselves may be common together.
		if more := int(math.Ceil(quantileOf(all[dir], d.Share)/room)) - sum; more > 0 {
			out[dir] = append(out[dir], more)
		}
	}
	return out
}

// quantileOf is the value that a share of v stays within.
func quantileOf(v []float64, share float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(int(share*float64(len(v))), len(v)-1)]
}

// over is the envelope that covers both e and o.
func (e envelope) over(o envelope) envelope {
	var out envelope
	for dir := range out {
		for i := range max(len(e[dir]), len(o[dir])) {
			out[dir] = append(out[dir], max(e.at(datasets.Dir(dir), i), o.at(datasets.Dir(dir), i)))
		}
	}
	return out
}

// packets is how many an envelope sends.
func (e envelope) packets() int {
	n := 0
	for dir := range e {
		for _, k := range e[dir] {
			n += k
		}
	}
	return n
}

// sets sorts activities, given by their own envelopes, into sets of at least K: the
// set that is too small and sends least is joined with the one with which both
// together send least more, until none is too small (Palette's clusters are grown
// greedily, too).
func (d AnonymitySets) sets(own []envelope) [][]int {
	type set struct {
		of []int
		e  envelope
	}
	var all []set
	for i, e := range own {
		all = append(all, set{[]int{i}, e})
	}
	for {
		small := -1
		for i, s := range all {
			if len(s.of) < d.K && (small < 0 || s.e.packets() < all[small].e.packets()) {
				small = i
			}
		}
		if small < 0 {
			break
		}

		// More is what all members of both send beyond what they do now.
		best, least := -1, 0
		for i, s := range all {
			if i == small {
				continue
			}
			a := all[small]
			more := (len(a.of)+len(s.of))*a.e.over(s.e).packets() - len(a.of)*a.e.packets() - len(s.of)*s.e.packets()
			if best < 0 || more < least {
				best, least = i, more
			}
		}
		all[best] = set{append(all[best].of, all[small].of...), all[best].e.over(all[small].e)}
		all = slices.Delete(all, small, small+1)
	}

	out := make([][]int, len(all))
	for i, s := range all {
		slices.Sort(s.of)
		out[i] = s.of
	}
	slices.SortFunc(out, func(a, b []int) int { return a[0] - b[0] })
	return out
}

// choose is the envelope of the activity that what has come since from fits best, by
// the likelihood of its packets; kinds of packets that training did not see count for
// none more than for others.
func (l *anonymity) choose(p *part, from [2]int, now time.Duration, flows []datasets.Flow) envelope {
	score := make([]float64, len(l.kinds))
	for dir := range from {
		q := &p.qs[dir]
		for _, i := range q.wait[from[dir]:] {
			x := q.packets[i]
			if x.Time > now {
				break
			}
			s := sign{flows[x.Flow].Host, x.Dir, x.Size}
			for k := range l.kinds {
				const unseen = 0.01
				score[k] += math.Log((l.kinds[k].signs[s] + unseen) / (l.kinds[k].total + 1))
			}
		}
	}

	// Where nothing is known of what came the first activity is as good as any.
	best := 0
	for k := range score {
		if score[k] > score[best] {
			best = k
		}
	}
	return l.envelopes[l.kinds[best].set]
}
