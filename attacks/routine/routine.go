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

// settings are what all readers of diaries have: as parameters each has fields of its
// own.
type settings struct {
	Trees  int
	Decode string
}

// The defaults, and the ways to make a diary of probabilities.
const (
	usualTrees = 60

	posterior = "posterior"
	viterbi   = "viterbi"
)

// validate refuses no tree or more than 1000, and a decoding that is neither.
func (s settings) validate() error {
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
type Rates struct {
	Trees  int    `help:"trees of the forests that say what a slot looks like"`
	Decode string `help:"posterior: the likeliest state of each slot; viterbi: the likeliest days as a whole"`
}

var _ attacks.Attack = Rates{}

// NewRates returns the attack with its default parameters.
func NewRates() Rates { return Rates{usualTrees, posterior} }

// Info names the one task.
func (Rates) Info() attacks.Info {
	return attacks.Info{
		Name: "routine-rates", Doc: "who is home and who sleeps, from rates, services and sizes in each quarter hour",
		Tasks: []datasets.Task{datasets.TaskRoutine}, Cite: "Apthorpe et al. 2017, section 4.3", Works: cite.Of("apthorpe2017castle"),
	}
}

// Validate refuses no tree or more than 1000, and a decoding that is neither of the two.
func (a Rates) Validate() error { return settings(a).validate() }

// Train learns from all examples.
func (a Rates) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return settings(a).learn(ctx, rng, t, rateReader{})
}

// Packets is a control: the same model, which sees of each slot no more than how many
// packets the home sent and got. What a defense leaves of it is volume alone.
type Packets struct {
	Trees  int    `help:"trees of the forests that say what a slot looks like"`
	Decode string `help:"posterior: the likeliest state of each slot; viterbi: the likeliest days as a whole"`
}

var _ attacks.Attack = Packets{}

// NewPackets returns the control with its default parameters.
func NewPackets() Packets { return Packets{usualTrees, posterior} }

// Info marks the attack as a control.
func (Packets) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-packets", Doc: "who is home and who sleeps, from the number of packets alone",
		Tasks: []datasets.Task{datasets.TaskRoutine}, Control: true,
	}
}

// Validate refuses what that of Rates does.
func (a Packets) Validate() error { return settings(a).validate() }

// Train learns from all examples.
func (a Packets) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return settings(a).learn(ctx, rng, t, packetReader{})
}

// Events reads the diary from what an event attack detects: how many events, of how
// many devices, and of which classes more than mostly.
type Events struct {
	Trees  int    `help:"trees of the forests that say what a slot looks like"`
	Decode string `help:"posterior: the likeliest state of each slot; viterbi: the likeliest days as a whole"`
	member attacks.Attack
}

var _ attacks.Attack = Events{}

// NewEvents returns the attack that asks member, which must answer the event task.
func NewEvents(member attacks.Attack) Events { return Events{usualTrees, posterior, member} }

// Info names the one task.
func (a Events) Info() attacks.Info {
	return attacks.Info{
		Name: "routine-events", Doc: "who is home and who sleeps, from the events that " + a.member.Info().Name + " detects",
		Tasks: []datasets.Task{datasets.TaskRoutine},
	}
}

// Validate refuses what that of Rates does.
func (a Events) Validate() error { return settings{a.Trees, a.Decode}.validate() }

// Train trains the event attack on one half of the groups and learns the diary from
// what it detects in the other half: on traffic that it learned by heart it detects
// more than it will ever detect again.
func (a Events) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	heard, rest, err := a.hear(ctx, rng, t)
	if err != nil {
		return nil, err
	}
	return settings{a.Trees, a.Decode}.learn(ctx, rng, rest, heard)
}
