// Package anchors finds events in a stream that never falls silent, such as the
// tunnel of a lived-in home, by packets whose size is rare there.
package anchors

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Attack looks for events without cutting the traffic by silence: where phones
// and televisions share a tunnel with a plug there is none. Its steps:
//
//  1. Each class of events gets anchors, sizes up or down that most of its events
//     have and that are rare otherwise (anchor.go).
//  2. Around an anchor, further sizes at their lags make its template
//     (template.go). A packet of the anchor's size is a candidate when the sizes
//     around it are likelier in an event than in this home's traffic, by how
//     often this home has each size.
//  3. A random forest judges candidates by how far each packet of the template
//     is from its lag and by counts and local rates of its size (row.go, table.go).
//  4. Thresholds of each class are chosen on scores of forests that did not see
//     the group in question, and classes that are poor even so are never reported
//     (threshold.go). Of detections that contend for one event the surest is
//     left (contest.go).
//
// Sizes are exact or, where a defense pads so that none recurs, rounded. Candidates
// are of one stream (a service, a device) or of the whole traffic, whichever
// training finds better; behind a tunnel both are the same.
//
// Memory: 12 bytes for each packet of the training examples, and of the trace
// asked about, beside the traces themselves; and for each class being learned at
// most 600 rows an hour of training, of 60 numbers.
type Attack struct {
	WindowS float64 `help:"how far from its anchor a packet of the same event is looked for, in seconds"`
	PairS   float64 `help:"how far an event's packets may be from its time in the log, where their causes are unknown, in seconds"`
	Anchors int     `help:"anchor sizes of one class at most"`
	Lags    int     `help:"further packets in the template of an anchor at most"`
	Trees   int     `help:"trees of the forest of one anchor"`
}

var _ attacks.Attack = Attack{}

// New returns the attack with its default parameters.
func New() Attack { return Attack{WindowS: 2, PairS: 5, Anchors: 3, Lags: 12, Trees: 60} }

// Info cites no publication: its parts are common practice, and none has the whole.
func (Attack) Info() attacks.Info {
	return attacks.Info{
		Name:  "event-anchors",
		Doc:   "rare sizes and the lags around them, judged against the home's own traffic",
		Tasks: []datasets.Task{datasets.TaskEvent},
	}
}

// Validate refuses windows below 0.05 s or above a minute, pairing beyond an
// hour, and numbers of anchors, lags and trees that are 0 or would make training
// endless.
func (a Attack) Validate() error {
	return cmp.Or(
		params.Within("window_s", a.WindowS, 0.05, 60),
		params.Within("pair_s", a.PairS, 0.001, 3600),
		params.Within("anchors", a.Anchors, 1, 20),
		params.Within("lags", a.Lags, 1, 100),
		params.Within("trees", a.Trees, 1, 10000),
	)
}

// way is how packets are told apart.
type way struct {
	apart bool  // candidates and what is around them are of one stream
	step  int32 // sizes are multiples of it
}

// Train learns from whole traffic and, where the view shows several streams, from
// each by itself, and keeps what does better on groups held out. One number is
// all it draws from rng.
func (a Attack) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	l := learner{a: a, t: t, seed: rng.Uint64(), window: params.Seconds(a.WindowS)}
	l.foldExamples()
	l.findTrials()
	l.chooseStep()

	best := bursts.Choice[*model]{Value: &model{way: l.way}, Score: -1}
	for _, apart := range []bool{true, false} {
		if apart && !slices.ContainsFunc(t.Examples, severalStreams) {
			continue
		}
		l.way.apart = apart
		m, score, err := l.learn(ctx)
		if err != nil {
			return nil, err
		}
		best.Offer(m, score)
	}
	return best.Value, ctx.Err()
}

// severalStreams says whether e has more than one stream.
func severalStreams(e attacks.Labeled) bool {
	return slices.ContainsFunc(e.Trace.Flows, func(f datasets.Flow) bool {
		return bursts.StreamOf(f) != bursts.StreamOf(e.Trace.Flows[0])
	})
}

// model is a trained Attack.
type model struct {
	way     way
	window  time.Duration
	classes []classModel
}

// classModel is what finds the events of one class.
type classModel struct {
	class   string
	anchors []anchor
	// threshold is the forest's probability from which a detection is reported.
	threshold float64
}

// Guess lists the candidates that the contest leaves, in order of time. One half
// is the score at the threshold of every class.
func (m *model) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	x := newIndex(t, m.way)
	var all []detection
	for _, c := range m.classes {
		for i := range c.anchors {
			found, err := c.anchors[i].detect(ctx, x, m.window)
			if err != nil {
				return attacks.Answer{}, err
			}
			for _, d := range found {
				d.class = c.class
				all = append(all, d.scaled(c.threshold))
			}
		}
	}
	return attacks.Answer{Events: burstsOf(contest(all)), Threshold: even}, ctx.Err()
}
