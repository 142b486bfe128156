// Package decompose takes the messages of a gateway apart into the actions that
// they carry, by their sizes.
package decompose

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/gonum/floats"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Attack tells the actions in a command to a gateway from the size of its
// message: "Identification of IoT User Actions in Encrypted Traffic" (Junges,
// François, Festor 2019), section IV. Its steps, and where they are:
//
//  1. Find the message of each known command in the traffic: a run of packets
//     from the cloud (decompose_message.go, decompose_learn.go).
//  2. Learn the size of each action from commands with one and two copies, and
//     the size of what is beside them (IV-A; decompose_sizes.go).
//  3. Learn the variation e from known commands of nearly the same size (IV-C;
//     decompose_sizes.go).
//  4. List every multiset of actions whose sizes sum to the rest: the
//     change-making problem (IV-D; decompose_list.go).
//  5. Keep those with as many actions as the gateway sends status reports
//     afterwards (the second half of IV-D; decompose_message.go).
//
// Deviations: sizes are medians over repeated commands; least squares replaces
// them, and a range of variations their majority, where that recovers more of
// the training commands, as it does behind padding; the message, the service it
// comes from and the reports are found in the traffic, for which the paper
// gives no rule; one candidate is named, the likeliest under the training
// commands.
type Attack struct {
	K          int     `help:"nearest known sizes that vote on the variation; the paper names no number"`
	Known      int     `help:"known commands to learn the variation from; the paper names no number, its 307 are those tested" zero:"all"`
	MaxActions int     `help:"largest number of actions in a command: the devices behind the gateway" zero:"the most in a known command"`
	Limits     string  `help:"how many devices can do some actions, such as dim|fade:4+scene:2; empty for no limit"`
	GapS       float64 `help:"largest gap inside a message in seconds" zero:"learned"`
	Slack      int     `help:"by how much the reports may miscount the actions"`
	CountFirst bool    `help:"list candidates with as many actions as the reports count alone: quicker, and where they miscount nothing is listed"`
	App        bool    `help:"learn the sizes of actions from what the user's app sends its cloud (A4), where training shows that; else from messages to the gateway"`
}

var _ attacks.Attack = Attack{}

// New returns the attack with the number of devices of the paper's gateway, 12
// plugs and 4 lamp holders (section IV-D). It names neither k nor how many known
// commands the variation is learned from (m in section IV-C): 3 and 307 are ours,
// and 307 is the number of commands that it tests.
func New() Attack { return Attack{K: 3, Known: 307, MaxActions: 16} }

// Info cites the section that all five steps are from.
func (Attack) Info() attacks.Info {
	return attacks.Info{
		Name:  "decompose",
		Doc:   "sums of action sizes in gateway commands",
		Tasks: []datasets.Task{datasets.TaskCommand},
		Cite:  "Junges et al. 2019, section IV",
		Works: cite.Of("junges2019gateway"),
	}
}

// Validate refuses no neighbor at all, gaps above a minute, and more actions
// than a count of one byte holds with room to spare. Limits name actions, which
// only training knows: Train refuses them.
func (d Attack) Validate() error {
	return cmp.Or(
		params.Within("k", d.K, 1, 1e6),
		params.Within("known", d.Known, 0, 1e9),
		params.Within("max_actions", d.MaxActions, 0, 200),
		params.Within("gap_s", d.GapS, 0, 60),
		params.Within("slack", d.Slack, 0, 200),
	)
}

// limitsOf reads Limits: terms joined by +, each the names of actions joined by
// | and the largest number of them together. An error names the term.
func (d Attack) limitsOf(classes []string) ([]actionLimit, error) {
	if d.Limits == "" {
		return nil, nil
	}

	var out []actionLimit
	for term := range strings.SplitSeq(d.Limits, "+") {
		names, count, _ := strings.Cut(term, ":")
		n, err := strconv.Atoi(count) // fails on "" too, where there is no colon
		if err != nil || n < 0 {
			return nil, fmt.Errorf("limits: %q is not ACTION|ACTION:COUNT", term)
		}

		lim := actionLimit{max: n}
		for name := range strings.SplitSeq(names, "|") {
			a := slices.Index(classes, name)
			if a < 0 {
				return nil, fmt.Errorf("limits: unknown action %q (has %s)", name, strings.Join(classes, ", "))
			}
			lim.actions = append(lim.actions, a)
		}
		out = append(out, lim)
	}
	return out, nil
}

// Train learns from the known commands in t. Where none has a message, the
// model finds no command either.
func (d Attack) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	limits, err := d.limitsOf(t.Classes)
	if err != nil {
		return nil, err
	}
	if d.MaxActions == 0 {
		d.MaxActions = mostActions(t)
	}
	m := &decomposer{d: d, prior: newPrior(t, d.MaxActions)}
	best, err := d.chooseService(ctx, t)
	if err != nil || best == nil {
		return m, err
	}

	m.service, m.gap, m.empty = best.service, best.gap, best.empty
	m.noise = slices.Sorted(slices.Values(best.noise))
	for _, c := range best.known {
		m.sizes = append(m.sizes, c.size)
	}
	slices.Sort(m.sizes)
	m.others = otherServices(t, m.service)

	// Reports come before sizes: which rule recovers most commands depends on
	// how many candidates the reports rule out.
	if m.reports, m.counts = learnReports(best.reported); m.counts {
		for i, r := range best.reported {
			best.known[i].heard = m.reports.count(r.all, r.at, r.until)
		}
	}
	learners := []sizeLearner{learnPairs, learnFit}
	if d.App {
		learn, ok, err := d.learnApp(ctx, t, best)
		if err != nil {
			return nil, err
		}
		if ok {
			learners = []sizeLearner{learn}
		}
	}
	m.chooseRule(best.known, len(t.Classes), limits, learners)
	return m, nil
}

// sizeLearner learns sizes of so many actions from known commands, k of which vote
// on the variation that m of them teach.
type sizeLearner = func(commands []knownCommand, actions, k, m int) sizeRule

// chooseRule learns sizes each way, with one variation or a range of them, and
// keeps what recovers most of the training commands; the published way first.
func (m *decomposer) chooseRule(commands []knownCommand, actions int, limits []actionLimit, learners []sizeLearner) {
	best := bursts.Choice[sizeRule]{Score: -1}
	for _, learn := range learners {
		rule := learn(commands, actions, m.d.K, m.d.Known)
		l := newLister(rule.action, m.d.MaxActions, limits)
		for _, rule.spread = range []bool{false, true} {
			if best.Offer(rule, rule.recovery(l, m.counts, m.d.Slack)) {
				m.lister = l
			}
		}
	}
	m.rule = best.Value
}

// decomposer is a trained Decompose.
type decomposer struct {
	d       Attack
	service bursts.StreamKey
	others  map[bursts.StreamKey]bool // services of the training that are not the gateway's
	gap     time.Duration
	empty   int32 // payload of a Down packet that is no part of a message
	rule    sizeRule
	lister  *lister // nil when nothing could be learned
	sizes   []int   // sizes of all training commands, ascending
	noise   []int   // sizes of messages that were no command, ascending
	reports reportRule
	counts  bool // the reports are of use
	prior   prior
}

// Guess lists the messages that look like commands, in order of time.
func (m *decomposer) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	if m.lister == nil || len(m.rule.pairs) == 0 {
		return attacks.Answer{}, ctx.Err()
	}
	s := readGateway(t, m.packets(t), m.gap, m.empty)
	s.messages = slices.DeleteFunc(s.messages, func(g message) bool { return !m.isCommand(g.bytes) })

	// Behind padding most messages have one of a few sizes, and thousands of
	// candidates each: those of one size and as many reports share them.
	type heard struct{ bytes, reports int }
	known := map[heard]attacks.Message{}
	var a attacks.Answer
	for i, g := range s.messages {
		if err := ctx.Err(); err != nil {
			return attacks.Answer{}, err
		}
		// Reports that follow the next command are its own.
		until := t.End + 1
		if i+1 < len(s.messages) {
			until = s.messages[i+1].start
		}
		k := heard{bytes: g.bytes}
		if m.counts {
			k.reports = m.reports.count(s.ups, g.start, until)
		}
		out, ok := known[k]
		if !ok {
			out = m.decompose(k.bytes, k.reports)
			known[k] = out
		}
		out.Time = g.start
		a.Commands = append(a.Commands, out)
	}
	return a, nil
}

// packets are those of the gateway's service; where it does not occur (its
// address is new, or a tunnel hides it) all but those of services known to be
// another's, and where nothing is left, all.
func (m *decomposer) packets(t datasets.Trace) []int32 {
	var pool []int32
	for _, s := range bursts.StreamsBy(t, serviceOf) {
		if s.Key == m.service {
			return s.Packets
		}
		if !m.others[s.Key] {
			pool = append(pool, s.Packets...)
		}
	}
	if len(pool) == 0 {
		return bursts.AllPackets(t)
	}
	slices.Sort(pool) // messages are read in order of time
	return pool
}

// isCommand tells commands from other messages by size: not smaller than the
// smallest one in training, and commands there of about that size are not
// outnumbered by other messages.
func (m *decomposer) isCommand(size int) bool {
	const about = 2
	if size < m.sizes[0]-about {
		return false
	}
	near := func(sorted []int) int {
		lo, _ := slices.BinarySearch(sorted, size-about)
		hi, _ := slices.BinarySearch(sorted, size+about+1)
		return hi - lo
	}
	// A size that training never showed is a command's: sums of actions reach
	// further than the commands that were tried.
	return near(m.sizes) >= near(m.noise)
}

// decompose lists what fits a message of so many bytes and names the likeliest,
// among those that n reports leave if they count and leave any.
func (m *decomposer) decompose(bytes, n int) attacks.Message {
	out := attacks.Message{Bytes: bytes}
	if m.counts && m.d.CountFirst {
		out.Candidates = m.rule.candidatesBetween(m.lister, bytes, n-m.d.Slack, n+m.d.Slack)
	} else {
		out.Candidates = m.rule.candidates(m.lister, bytes)
	}
	for i, c := range out.Candidates {
		if !m.counts || max(totalCount(c)-n, n-totalCount(c)) <= m.d.Slack {
			out.Bounded = append(out.Bounded, i)
		}
	}

	// Messages share both lists: an append to one must not write into another's.
	out.Candidates, out.Bounded = slices.Clip(out.Candidates), slices.Clip(out.Bounded)

	// Reports that rule out everything have miscounted: then size alone decides.
	best := bursts.Choice[int]{Value: -1, Score: math.Inf(-1)}
	for _, i := range out.Bounded {
		best.Offer(i, m.prior.logP(out.Candidates[i]))
	}
	if len(out.Bounded) == 0 {
		for i, c := range out.Candidates {
			best.Offer(i, m.prior.logP(c))
		}
	}
	out.Best = best.Value
	return out
}

// totalCount is the number of actions in a multiset.
func totalCount(counts []uint8) int {
	n := 0
	for _, c := range counts {
		n += int(c)
	}
	return n
}

// prior is how likely a multiset is: the number of actions times, for that
// many draws, the shares of the actions, all as learned and never 0.
type prior struct {
	number    []float64 // log probability of 0.. actions
	action    []float64 // log share of each action
	factorial []float64 // logarithms of 0!, 1! and so on, as far as a count of one byte goes
}

// mostActions is the largest number of actions in a command of t, 1 at least.
func mostActions(t attacks.Training) int {
	most := 1
	for _, ex := range t.Examples {
		for _, c := range ex.Labels.Commands {
			n := 0
			for _, a := range c.Actions {
				n += a.Count
			}
			most = max(most, n)
		}
	}
	return min(most, 200)
}

// newPrior counts numbers of actions, up to most, and actions in the commands
// of t.
func newPrior(t attacks.Training, most int) prior {
	p := prior{number: make([]float64, most+1), action: make([]float64, len(t.Classes)), factorial: make([]float64, math.MaxUint8+1)}
	for n := range p.factorial {
		p.factorial[n] = lgamma(n + 1)
	}
	for _, ex := range t.Examples {
		for _, c := range ex.Labels.Commands {
			counts, ok := bursts.Multiset(c, t.Classes)
			if !ok {
				continue
			}

			// A command of more actions than can be answered still tells which
			// actions are common.
			if n := totalCount(counts); n <= most {
				p.number[n]++
			}
			for a, k := range counts {
				p.action[a] += float64(k)
			}
		}
	}

	logShares(p.number)
	logShares(p.action)
	return p
}

// logShares turns counts into log shares, one added to each count. The counts
// are whole numbers, so their sum is exact in any order.
func logShares(xs []float64) {
	floats.AddConst(1, xs)
	sum := floats.Sum(xs)
	for i, x := range xs {
		xs[i] = math.Log(x / sum)
	}
}

// lgamma is the logarithm of (n-1)!.
func lgamma(n int) float64 {
	x, _ := math.Lgamma(float64(n))
	return x
}

// logP is the log probability of a multiset: that of its number n of actions,
// times the multinomial n! / (k1! k2! ...) of drawing them in any order. Behind
// padding one message has thousands of candidates, so factorials are looked up; n is
// at most the 254 of newLister.
func (p prior) logP(counts []uint8) float64 {
	n := totalCount(counts)
	x := p.number[min(n, len(p.number)-1)] + p.factorial[n]
	for a, k := range counts {
		x += float64(k)*p.action[a] - p.factorial[k]
	}
	return x
}
