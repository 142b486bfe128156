// Package routine reads the diary of a home off its traffic: who is there and who
// sleeps, quarter hour by quarter hour.
//
// Read this file first. A reader makes a sheet of a trace, numbers for each slot:
// from what an event attack detects (events.go) or straight from rates (rates.go).
// What a slot looks like in each state is learned from homes whose people are known
// (learn.go), and a hidden Markov model joins the slots of a trace to days
// (model.go).
package routine

import (
	"cmp"
	"context"
	"math/rand/v2"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Settings are what all readers of diaries have.
type Settings struct {
	Trees  int    `help:"trees of the forests that say what a slot looks like"`
	Decode string `help:"posterior: the likeliest state of each slot; viterbi: the likeliest days as a whole"`
}

// The ways to make a diary of probabilities.
const (
	posterior = "posterior"
	viterbi   = "viterbi"
)

// usual are the defaults.
func usual() Settings { return Settings{Trees: 60, Decode: posterior} }

// Validate refuses no tree or more than 1000, and a decoding that is neither.
func (s Settings) Validate() error {
	return cmp.Or(params.Within("trees", s.Trees, 1, 1000), params.OneOf("decode", s.Decode, posterior, viterbi))
}

// Rates reads the diary straight from the packets in each slot: how many and how
// large by direction, in how many minutes more than usual, on how many conversations,
// and which services and sizes occur more than they mostly do. It needs no event to
// be recognized, and behind a tunnel the sums and sizes are left.
//
// That rates above a home's own background tell what people do is from Apthorpe,
// Reisman, Feamster 2017, section 4.3, where a reader of plots concludes from it when
// somebody sleeps; how it is concluded here is ours.
type Rates struct{ Settings }

var _ attacks.Attack = Rates{}

// NewRates returns the attack with its default parameters.
func NewRates() Rates { return Rates{usual()} }

// Info names the one task.
func (Rates) Info() attacks.Info {
	return attacks.Info{
		Name: "routine-rates", Doc: "who is home and who sleeps, from rates, services and sizes in each quarter hour",
		Tasks: []datasets.Task{datasets.TaskRoutine}, Cite: "Apthorpe et al. 2017, section 4.3", Works: cite.Of("apthorpe2017castle"),
	}
}

// Train learns from all examples.
func (a Rates) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return a.learn(ctx, rng, t, rateReader{})
}

// Packets is a control: the same model, which sees of each slot no more than how many
// packets the home sent and got. What a defense leaves of it is volume alone.
type Packets struct{ Settings }

var _ attacks.Attack = Packets{}

// NewPackets returns the control with its default parameters.
func NewPackets() Packets { return Packets{usual()} }

// Info marks the attack as a control.
func (Packets) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-packets", Doc: "who is home and who sleeps, from the number of packets alone",
		Tasks: []datasets.Task{datasets.TaskRoutine}, Control: true,
	}
}

// Train learns from all examples.
func (a Packets) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return a.learn(ctx, rng, t, packetReader{})
}

// Events reads the diary from what an event attack detects: how many events, of how
// many devices, and of which classes more than mostly.
type Events struct {
	Settings
	member attacks.Attack
}

var _ attacks.Attack = Events{}

// NewEvents returns the attack that asks member, which must answer the event task.
func NewEvents(member attacks.Attack) Events { return Events{usual(), member} }

// Info names the one task.
func (a Events) Info() attacks.Info {
	return attacks.Info{
		Name: "routine-events", Doc: "who is home and who sleeps, from the events that " + a.member.Info().Name + " detects",
		Tasks: []datasets.Task{datasets.TaskRoutine},
	}
}

// Train trains the event attack on one half of the groups and learns the diary from
// what it detects in the other half: on traffic that it learned by heart it detects
// more than it will ever detect again.
func (a Events) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	heard, rest, err := a.hear(ctx, rng, t)
	if err != nil {
		return nil, err
	}
	return a.learn(ctx, rng, rest, heard)
}
