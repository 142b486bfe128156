package signatures

import (
	"cmp"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// signatureLearner learns the signatures of one class.
type signatureLearner struct {
	s     Attack
	class string
	t     attacks.Training
	flows [][]flowPackets
	pairs []pairCount // of all flows
	// owners lists the devices that own a packet of a flow, nil where that is unknown.
	owners [][][]int32
	turns  map[turnKey][]turns // of all flows, found when first asked for
}

// sizePair is the sizes of a request and its reply, signed; b is 0 for one
// packet alone, which need not have a reply.
type sizePair struct{ a, b int32 }

// pairAt is a pair in a trial: packets i and i+1 of a flow, or i alone.
type pairAt struct {
	sizePair
	flow, i int
}

// last is the index of the last packet.
func (p pairAt) last() int {
	if p.b == 0 {
		return p.i
	}
	return p.i + 1
}

// follows says whether p can come after q in a sequence: a pair may begin with
// the packet that ends the pair before it.
func (p pairAt) follows(q pairAt) bool {
	return p.i > q.last() || p.b != 0 && q.b != 0 && p.i == q.last()
}

// pairTrial is what one event left in the flows of its device.
type pairTrial struct {
	example int
	pairs   []pairAt
}

// pairCluster is a box of pairs that recur.
type pairCluster struct {
	lo, hi  sizePair
	trials  []int // indexes, ascending
	outside int   // occurrences in no trial of the class
}

// single says whether the cluster is of packets alone.
func (c pairCluster) single() bool { return c.lo.b == 0 }

// holds says whether p lies in the box; a packet alone has b = 0 and lies only
// in boxes of packets alone.
func (c pairCluster) holds(p sizePair) bool {
	return p.a >= c.lo.a && p.a <= c.hi.a && p.b >= c.lo.b && p.b <= c.hi.b
}

// One class has at most maxVariants signatures, and a cluster needs minTrials
// trials: what happened once shows no range of sizes.
const (
	maxVariants = 8
	minTrials   = 2
)

// variants splits the trials of the class into variants, each with a signature
// of its own.
func (l *signatureLearner) variants() []signature {
	trials, inside := l.trials()
	rest := make([]int, len(trials))
	for i := range rest {
		rest[i] = i
	}

	// A remainder of less than one trial in 50 is noise: a signature of it would
	// raise more false alarms than it finds events.
	var out []signature
	for len(out) < maxVariants && len(rest) >= max(minTrials, len(trials)/50) {
		clusters := l.clusters(trials, rest)
		countOutside(clusters, l.pairs, inside)
		seed, ok := mostTelling(clusters)
		if !ok {
			break
		}
		chosen, members := l.extend(trials, clusters, seed)
		sig := l.newSignature(trials, chosen, members)

		// Each round must take trials away, or it would come again for ever.
		members = l.matching(&sig, trials, chosen, members)
		if len(members) == 0 {
			break
		}
		out = append(out, sig)
		rest = slices.DeleteFunc(rest, func(i int) bool { return slices.Contains(members, i) })
	}
	if len(out) == 0 {
		return l.repeats(trials)
	}
	return out
}

// maxRepeats bounds how often a pair is looked for, in the time of a match.
const maxRepeats = 64

// repeats is the signature of a class in which no pair tells: the one pair so many
// times that tells most trials from other traffic, if any does. Padding makes all
// pairs alike and leaves how many there are.
func (l *signatureLearner) repeats(trials []pairTrial) []signature {
	all := make([]int, len(trials))
	for i := range all {
		all[i] = i
	}
	clusters := l.clusters(trials, all)
	slices.SortStableFunc(clusters, func(a, b pairCluster) int { return len(b.trials) - len(a.trials) })

	var out []signature
	best := 0.0
	for _, c := range clusters[:min(maxVariants, len(clusters))] {
		var counts []int
		for _, m := range c.trials {
			counts = append(counts, occurrences(trials[m], c))
		}
		slices.Sort(counts)
		n := min(counts[int((1-l.s.Share)*float64(len(counts)))], maxRepeats)
		if n < 2 {
			continue
		}

		chosen := slices.Repeat([]pairCluster{c}, n)
		members := slices.DeleteFunc(slices.Clone(c.trials), func(m int) bool {
			_, ok := locate(trials[m], chosen)
			return !ok
		})
		sig := l.newSignature(trials, chosen, members)
		members = l.matching(&sig, trials, chosen, members)

		// How often other traffic repeats the pair as fast only a search can tell: its
		// pairs, counted one by one, do not say how close they are.
		found := l.countAll(&sig)
		right := float64(len(members))
		if s := telling(right, float64(found)); s > best {
			out, best = []signature{sig}, s
		}
	}
	return out
}

// occurrences is how often one flow of a trial holds pairs of a cluster that share
// no packet, the most of any.
func occurrences(tr pairTrial, c pairCluster) int {
	most, n := 0, 0
	var last pairAt
	for _, p := range tr.pairs {
		// The pairs of a flow stand together, so another flow begins a new count.
		if n > 0 && p.flow != last.flow {
			n = 0
		}
		if c.holds(p.sizePair) && (n == 0 || p.i > last.last()) {
			n, last = n+1, p
			most = max(most, n)
		}
	}
	return most
}

// ownersOf lists for each flow the devices that own one of its packets; nil where
// owners are unknown.
func ownersOf(l datasets.Labels, flows []flowPackets) [][]int32 {
	if l.Owners == nil {
		return nil
	}
	out := make([][]int32, len(flows))
	for f, fl := range flows {
		for _, i := range fl.at {
			if o := l.Owners[i]; !slices.Contains(out[f], o) { // a tunnel has a home's devices, others have one
				out[f] = append(out[f], o)
			}
		}
	}
	return out
}

// trials collects the pairs of each event of the class within the window, in
// flows of its device, and counts them.
func (l *signatureLearner) trials() (trials []pairTrial, inside map[sizePair]int) {
	inside = map[sizePair]int{}
	window := params.Seconds(l.s.WindowS)
	for n, ex := range l.t.Examples {
		var starts, ends []time.Duration
		device := -1
		for _, e := range ex.Labels.Events { // in order of Start
			if ex.Labels.Class(e) == l.class {
				// Of an event known to the minute the trigger may be anywhere in it.
				starts, ends, device = append(starts, e.Start), append(ends, max(e.Start+window, e.End)), e.Device
			}
		}
		first := len(trials)
		for range starts {
			trials = append(trials, pairTrial{example: n})
		}

		for f, fl := range l.flows[n] {
			if device < 0 || l.owners[n] != nil && !slices.Contains(l.owners[n][f], int32(device)) {
				continue
			}
			for e := range starts {
				// The trial of a packet is the last event that began before it, or
				// at most leadIn after it: logs are written a little late.
				until := ends[e] + 1
				if e+1 < len(starts) {
					until = min(until, starts[e+1]-leadIn)
				}
				tr := &trials[first+e]
				i, _ := slices.BinarySearch(fl.time, starts[e]-leadIn)
				for ; i < len(fl.time) && fl.time[i] < until; i++ {
					pairs, k := pairsAt(fl, i, replyTimeout)
					for _, p := range pairs[:k] {
						tr.pairs = append(tr.pairs, pairAt{p, f, i})
						inside[p]++
					}
				}
			}
		}
	}
	return trials, inside
}

// replyTimeout is how long after a request its reply comes at most; what comes
// later is the next heartbeat.
const replyTimeout = 5 * time.Second

// pairsAt lists packet i alone and, if the next one goes the other way within
// timeout, both: the first n of pairs.
func pairsAt(f flowPackets, i int, timeout time.Duration) (pairs [2]sizePair, n int) {
	pairs[0] = sizePair{f.size[i], 0}
	if i+1 < len(f.size) && (f.size[i] > 0) != (f.size[i+1] > 0) && f.time[i+1]-f.time[i] <= timeout {
		pairs[1] = sizePair{f.size[i], f.size[i+1]}
		return pairs, 2
	}
	return pairs, 1
}

// leadIn is how long before its recorded time an event may begin to show.
const leadIn = 500 * time.Millisecond

// clusters joins pairs of sizes at most eps apart that several of the trials
// have: density clustering with single links.
func (l *signatureLearner) clusters(trials []pairTrial, rest []int) []pairCluster {
	in := map[sizePair][]int{} // trials that have a pair, ascending
	for _, i := range rest {
		for _, p := range trials[i].pairs {
			if ts := in[p.sizePair]; len(ts) == 0 || ts[len(ts)-1] != i {
				in[p.sizePair] = append(ts, i)
			}
		}
	}

	// A pair of one trial alone would link clusters over sizes that never recur;
	// with few trials every one counts.
	var all []sizePair
	for p, ts := range in {
		if len(ts) > 1 || len(rest) < 10 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y sizePair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })

	eps := int32(l.s.EpsBytes)
	done := make([]bool, len(all))
	var out []pairCluster
	for i := range all {
		if done[i] {
			continue
		}
		c := pairCluster{lo: all[i], hi: all[i]}
		queue := []int{i}
		done[i] = true
		for len(queue) > 0 {
			p := all[queue[0]]
			queue = queue[1:]
			c.lo, c.hi = sizePair{min(c.lo.a, p.a), min(c.lo.b, p.b)}, sizePair{max(c.hi.a, p.a), max(c.hi.b, p.b)}
			c.trials = append(c.trials, in[p]...)

			// Sorted by a, the pairs within eps in a are one stretch. A packet
			// alone (b = 0) is no neighbor of a pair with a small reply.
			at, _ := slices.BinarySearchFunc(all, p.a-eps, func(q sizePair, a int32) int { return cmp.Compare(q.a, a) })
			for ; at < len(all) && all[at].a <= p.a+eps; at++ {
				if q := all[at]; !done[at] && q.b >= p.b-eps && q.b <= p.b+eps && (q.b == 0) == (p.b == 0) {
					done[at] = true
					queue = append(queue, at)
				}
			}
		}

		slices.Sort(c.trials)
		c.trials = slices.Compact(c.trials)
		if len(c.trials) >= minTrials {
			out = append(out, c)
		}
	}
	return out
}

// countOutside counts how often the pairs of each cluster occur in no trial: of
// all pairs those that are not inside.
func countOutside(clusters []pairCluster, pairs []pairCount, inside map[sizePair]int) {
	byA := map[int32][]int{}
	for i, c := range clusters {
		for a := c.lo.a; a <= c.hi.a; a++ {
			byA[a] = append(byA[a], i)
		}
	}
	for _, p := range pairs {
		for _, i := range byA[p.a] {
			if clusters[i].holds(p.sizePair) {
				clusters[i].outside += p.n - inside[p.sizePair]
			}
		}
	}
}

// mostTelling returns the cluster that tells most trials from other traffic.
func mostTelling(clusters []pairCluster) (best int, ok bool) {
	score := 0.0
	for i, c := range clusters {
		n := float64(len(c.trials))
		if s := telling(n, n+float64(c.outside)); s > score {
			best, score, ok = i, s, true
		}
	}
	return best, ok
}

// telling says how well what occurs so often in all, in trials of the class once
// each, tells these from other traffic: their number times the fourth power of the
// share that they are, for what another class shares is no use for most of the
// trials. What is mostly elsewhere tells nothing, 0.
func telling(trials, all float64) float64 {
	precision := min(trials/max(all, 1), 1)
	if precision < minPrecision {
		return 0
	}
	return trials * math.Pow(precision, 4)
}

// minPrecision keeps heartbeats, which any window holds, out of signatures.
const minPrecision = 0.2

// extend adds to the seed further clusters that nearly all of its trials have
// in the seed's flow and in one order, the most telling first. It returns them
// in order of time with the trials that have all of them.
func (l *signatureLearner) extend(trials []pairTrial, clusters []pairCluster, seed int) (chosen []pairCluster, members []int) {
	chosen = []pairCluster{clusters[seed]}
	members = clusters[seed].trials
	order := make([]int, 0, len(clusters))
	for i := range clusters {
		if i != seed {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return clusters[a].outside - clusters[b].outside })

	// The share is of the seed's trials: of those left after each pair it would
	// shrink with every pair that is added.
	need := int(math.Ceil(l.s.Share * float64(len(members))))
	for _, i := range order {
		if len(chosen) == l.s.MaxPairs {
			break
		}
		if len(clusters[i].trials) < need {
			continue
		}
		for at := range len(chosen) + 1 { // where in the order of time
			with := slices.Insert(slices.Clone(chosen), at, clusters[i])
			var have []int
			for _, m := range members {
				if _, ok := locate(trials[m], with); ok {
					have = append(have, m)
				}
			}
			if len(have) >= need {
				chosen, members = with, have
				break
			}
		}
	}
	return chosen, members
}

// newSignature writes the chosen pairs as packets in order: ranges and counts of
// sizes and the longest duration are those of the members. Neighboring pairs
// that share a packet in every member share an element.
func (l *signatureLearner) newSignature(trials []pairTrial, chosen []pairCluster, members []int) signature {
	s := signature{class: l.class}

	// shared[i]: pair i begins with the packet that ends pair i-1.
	shared := make([]bool, len(chosen))
	for i := range shared {
		shared[i] = i > 0
	}
	places := make([][]pairAt, 0, len(members))
	for _, m := range members {
		at, _ := locate(trials[m], chosen)
		place := make([]pairAt, len(at))
		for i, p := range at {
			place[i] = trials[m].pairs[p]
			shared[i] = shared[i] && place[i].b != 0 && place[i-1].b != 0 && place[i].i == place[i-1].i+1
		}
		places = append(places, place)
	}

	for i, c := range chosen {
		if !shared[i] {
			s.elements = append(s.elements, newRange(c.lo.a, c.hi.a))
		}
		if !c.single() {
			s.elements = append(s.elements, newRange(c.lo.b, c.hi.b))
		}
	}

	// A shared packet is counted once, as the reply of the first of its pairs.
	for n, place := range places {
		e := 0
		for i, p := range place {
			if !shared[i] {
				s.elements[e].count[p.a-s.elements[e].lo]++
				e++
			}
			if p.b != 0 {
				s.elements[e].count[p.b-s.elements[e].lo]++
				e++
			}
		}
		fl := l.flows[trials[members[n]].example][place[0].flow]
		s.duration = max(s.duration, fl.time[place[len(place)-1].last()]-fl.time[place[0].i])
	}
	s.duration += s.duration/10 + 100*time.Millisecond // training did not see the slowest
	return s
}

// locate finds the clusters one after another in one flow of a trial: the
// index of a pair for each.
func locate(tr pairTrial, chosen []pairCluster) ([]int, bool) {
	for i, p := range tr.pairs {
		if !chosen[0].holds(p.sizePair) {
			continue
		}
		at := []int{i}
		for j := i + 1; j < len(tr.pairs) && len(at) < len(chosen) && tr.pairs[j].flow == p.flow; j++ {
			if q := tr.pairs[j]; chosen[len(at)].holds(q.sizePair) && q.follows(tr.pairs[at[len(at)-1]]) {
				at = append(at, j)
			}
		}
		if len(at) == len(chosen) {
			return at, true
		}
	}
	return nil, false
}

// matching returns the members in which the signature is found where it was
// learned: pairs that share a packet in some trials only may miss it.
func (l *signatureLearner) matching(s *signature, trials []pairTrial, chosen []pairCluster, members []int) []int {
	return slices.DeleteFunc(slices.Clone(members), func(m int) bool {
		at, _ := locate(trials[m], chosen)
		p := trials[m].pairs[at[0]]
		_, ok := s.match(l.flows[trials[m].example][p.flow], p.i)
		return !ok
	})
}

// newRange counts no size yet.
func newRange(lo, hi int32) sizeRange { return sizeRange{lo, hi, make([]int, hi-lo+1)} }
