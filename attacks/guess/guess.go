// Package guess holds the controls: attacks that set a floor, by class counts and
// the clock, and one that compares whole sequences exactly.
package guess

import (
	"cmp"
	"context"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/diary"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Majority always names the commonest class of the training set. In the
// event task it names the commonest (device, activity) again and again, with
// the period that scores best in training; in the device task every packet is
// the commonest owner's; in the command task every message is the commonest
// multiset.
type Majority struct{}

var _ attacks.Attack = Majority{}

// Info marks the attack as a control: it sets a floor and is never the best.
func (Majority) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-majority", Doc: "always the commonest class, without a look at the traffic",
		Tasks: datasets.Tasks(), Control: true,
	}
}

// Train counts what the task asks for; only the period of events is tuned.
func (Majority) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch t.Task {
	case datasets.TaskEvent:
		return majorityPeriod(t), nil
	case datasets.TaskDevice:
		return constantOwner(majorityOwner(t)), nil
	case datasets.TaskCommand:
		return constantCommand(majorityCommand(t)), nil
	case datasets.TaskRoutine:
		return hoursOf(t, func(int, int) int { return 0 }), nil
	}
	return constantClip(bursts.Counts(classCounts(t))), nil
}

// Uniform draws every answer uniformly from the classes. It never looks
// at sizes, but its draw is a function of the model and the trace, so that
// equal questions get equal answers.
type Uniform struct{}

var _ attacks.Attack = Uniform{}

// Info marks the attack as a control: it sets a floor and is never the best.
func (Uniform) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-uniform", Doc: "a class drawn at random, without a look at the traffic",
		Tasks: datasets.Tasks(), Control: true,
	}
}

// Train keeps the classes, how often events happen and which commands occur,
// and draws the seed of all answers.
func (Uniform) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := &uniformModel{task: t.Task, classes: slices.Clone(t.Classes), seed: rng.Uint64()}

	// Events are guessed as often as they happen, which makes precision and
	// recall of chance alike.
	var events int
	var observed time.Duration
	for _, e := range t.Examples {
		events += len(e.Labels.Events)
		observed += e.Trace.End
	}
	if events > 0 {
		m.gap = observed / time.Duration(events)
	}

	if t.Task == datasets.TaskCommand {
		m.commands = commandKinds(t)
	}
	return m, nil
}

// uniformModel answers by draws from (seed, trace).
type uniformModel struct {
	task     datasets.Task
	classes  []string
	seed     uint64
	gap      time.Duration // mean gap between events in training
	commands [][]uint8     // distinct multisets of training
}

// Guess draws an answer. The generator is made anew from the seed and the trace
// for each question, so a model has no state that goroutines could share.
func (m *uniformModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	if err := ctx.Err(); err != nil {
		return attacks.Answer{}, err
	}
	rng := rand.New(rand.NewPCG(m.seed, traceHash(t)))
	switch m.task {
	case datasets.TaskEvent:
		return attacks.Answer{Events: m.events(rng, t)}, nil
	case datasets.TaskDevice:
		return attacks.Answer{Devices: m.owners(rng, len(t.Packets))}, nil
	case datasets.TaskCommand:
		return attacks.Answer{Commands: m.messages(rng, t)}, nil
	case datasets.TaskRoutine:
		return attacks.Answer{Slots: m.slots(rng, t)}, nil
	}
	if len(m.classes) == 0 {
		return attacks.Answer{Clip: bursts.UnknownRank()}, nil
	}
	return attacks.Answer{Clip: m.rank(rng)}, nil
}

// slots draws a state for each slot by itself; -1 where there is none.
func (m *uniformModel) slots(rng *rand.Rand, t datasets.Trace) []attacks.Slot {
	out := make([]attacks.Slot, diary.Slots(t.End))
	for i := range out {
		out[i].State = -1
		if n := len(m.classes); n > 0 {
			out[i] = attacks.Slot{State: int32(rng.IntN(n)), P: 1 / float32(n), Several: rng.Float32()}
		}
	}
	return out
}

// rank is all classes in an order drawn at random.
func (m *uniformModel) rank(rng *rand.Rand) []attacks.Ranked {
	out := make([]attacks.Ranked, len(m.classes))
	for i, j := range rng.Perm(len(m.classes)) {
		out[i] = attacks.Ranked{Class: m.classes[j], P: 1 / float64(len(m.classes))}
	}
	return out
}

// events come at exponential gaps, as if at random, whatever the traffic does.
func (m *uniformModel) events(rng *rand.Rand, t datasets.Trace) []attacks.Burst {
	if m.gap <= 0 || len(m.classes) == 0 {
		return nil
	}
	var out []attacks.Burst
	for at := m.wait(rng); at <= t.End && len(out) < maxTimes; at += m.wait(rng) {
		out = append(out, attacks.Burst{Start: at, End: at, Ranked: m.rank(rng), Score: 0.5})
	}
	return out
}

// wait is an exponential gap, a millisecond at least so that time goes on.
func (m *uniformModel) wait(rng *rand.Rand) time.Duration {
	return max(time.Duration(rng.ExpFloat64()*float64(m.gap)), time.Millisecond)
}

// owners draws a class for each packet by itself; -1 where there is none.
func (m *uniformModel) owners(rng *rand.Rand, packets int) []attacks.Owner {
	out := make([]attacks.Owner, packets)
	for i := range out {
		out[i] = attacks.Owner{Class: -1}
		if n := len(m.classes); n > 0 {
			out[i] = attacks.Owner{Class: int32(rng.IntN(n)), P: 1 / float32(n)}
		}
	}
	return out
}

// messages names one of the multisets of training for each message in t.
func (m *uniformModel) messages(rng *rand.Rand, t datasets.Trace) []attacks.Message {
	out := downMessages(t)
	for i := range out {
		if len(m.commands) > 0 {
			out[i].Candidates, out[i].Bounded = m.commands, every(m.commands)
			out[i].Best = rng.IntN(len(m.commands))
		}
	}
	return out
}

// traceHash is a function of the times and sizes of t.
func traceHash(t datasets.Trace) uint64 {
	h := fnv.New64a()
	var b [12]byte
	for _, p := range t.Packets {
		binary.LittleEndian.PutUint64(b[:], uint64(p.Time))
		binary.LittleEndian.PutUint32(b[8:], uint32(p.Size))
		h.Write(b[:])
	}
	return h.Sum64()
}

// Exact names the majority class among the training sequences of signed
// sizes that are exactly like the one at hand, Unknown when there is none. In
// the event task the sequences are bursts cut at a gap of GapS. It is the
// control for defenses that keep sizes apart: a bijection of sizes changes
// none of its answers.
type Exact struct {
	GapS  float64 `help:"gap between packets that closes a burst, in seconds (event task)"`
	PairS float64 `help:"how far a burst may be from its event in the log, in seconds"`
}

var _ attacks.Attack = Exact{}

// Info marks the attack as a control: it sets a floor and is never the best.
func (Exact) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-exact", Doc: "majority among identical packet sequences",
		Tasks: []datasets.Task{datasets.TaskEvent, datasets.TaskClip}, Control: true,
	}
}

// Validate refuses times below a millisecond or above an hour.
func (g Exact) Validate() error {
	return cmp.Or(params.Within("gap_s", g.GapS, 0.001, 3600), params.Within("pair_s", g.PairS, 0.001, 3600))
}

// Train counts the classes of every distinct sequence.
func (g Exact) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m := &exactModel{task: t.Task, gap: params.Seconds(g.GapS), pair: params.Seconds(g.PairS), seen: map[string]map[string]int{}}
	for _, e := range t.Examples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if t.Task == datasets.TaskClip {
			m.add(sequenceKey(nil, e.Trace, bursts.AllPackets(e.Trace)), e.Class)
			continue
		}

		// Bursts without an event are learned too, as Other: a heartbeat that once
		// fell near an event is then outvoted by all the others.
		var segs []bursts.Segment
		var key []byte
		for _, s := range bursts.Streams(e.Trace) {
			segs = bursts.Segments(segs[:0], e.Trace, s.Packets, m.gap)
			for i, ev := range (bursts.Pairer{Within: m.pair}).Pair(e, s, segs) {
				class := datasets.Other
				if ev >= 0 {
					class = e.Labels.Class(e.Labels.Events[ev])
				}
				key = sequenceKey(key[:0], e.Trace, s.Packets[segs[i].Lo:segs[i].Hi])
				m.add(key, class)
			}
		}
	}
	return m, ctx.Err()
}

// exactModel holds the class counts of every distinct sequence.
type exactModel struct {
	task      datasets.Task
	gap, pair time.Duration
	seen      map[string]map[string]int
}

// add counts class for a sequence of packets.
func (m *exactModel) add(key []byte, class string) {
	n := m.seen[string(key)]
	if n == nil {
		n = map[string]int{}
		m.seen[string(key)] = n
	}
	n[class]++
}

// sequenceKey appends the signed sizes of packets as bytes.
func sequenceKey(dst []byte, t datasets.Trace, packets []int32) []byte {
	for _, i := range packets {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(bursts.SignedSize(t.Packets[i])))
	}
	return dst
}

// Guess looks the sequences up.
func (m *exactModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	if m.task == datasets.TaskClip {
		return attacks.Answer{Clip: m.rank(sequenceKey(nil, t, bursts.AllPackets(t)))}, ctx.Err()
	}

	// Every burst is answered, also with Other and Unknown: IoTEvent's accuracy
	// over bursts counts those too.
	var out []attacks.Burst
	var segs []bursts.Segment
	var key []byte
	for _, s := range bursts.Streams(t) {
		segs = bursts.Segments(segs[:0], t, s.Packets, m.gap)
		for _, sg := range segs {
			packets := s.Packets[sg.Lo:sg.Hi]
			key = sequenceKey(key[:0], t, packets)
			r := m.rank(key)
			out = append(out, attacks.Burst{
				Start: t.Packets[packets[0]].Time, End: t.Packets[packets[len(packets)-1]].Time,
				Ranked: r, Score: r[0].P,
			})
		}
	}
	return attacks.Answer{Events: bursts.MergeBursts(out, m.pair)}, ctx.Err()
}

// rank is the share of each class among the training sequences like key.
func (m *exactModel) rank(key []byte) []attacks.Ranked { return bursts.Counts(m.seen[string(key)]) }

// classCounts is how many clips of each class train.
func classCounts(t attacks.Training) map[string]int {
	n := map[string]int{}
	for _, e := range t.Examples {
		n[e.Class]++
	}
	return n
}

// constantClip answers every clip alike.
type constantClip []attacks.Ranked

// Guess returns a copy: the caller may change its answer.
func (m constantClip) Guess(ctx context.Context, _ datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Clip: slices.Clone(m)}, ctx.Err()
}

// constantOwner answers every packet alike.
type constantOwner attacks.Owner

// Guess repeats the owner for as many packets as t has.
func (m constantOwner) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Devices: slices.Repeat([]attacks.Owner{attacks.Owner(m)}, len(t.Packets))}, ctx.Err()
}

// majorityOwner is the class that owns most packets, ties to the first.
func majorityOwner(t attacks.Training) attacks.Owner {
	index := map[string]int{}
	for i, c := range t.Classes {
		index[c] = i
	}

	n, total := make([]int, len(t.Classes)), 0
	for _, e := range t.Examples {
		for _, o := range e.Labels.Owners {
			name := datasets.Nobody
			if o >= 0 {
				name = e.Labels.Devices[o]
			}
			if c, ok := index[name]; ok { // owners that were not asked for do not count
				n[c]++
				total++
			}
		}
	}
	if total == 0 {
		return attacks.Owner{Class: -1}
	}
	best := bursts.MostOf(n)
	return attacks.Owner{Class: int32(best), P: float32(n[best]) / float32(total)}
}
