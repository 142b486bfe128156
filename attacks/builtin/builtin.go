// Package builtin lists the attacks of the project.
package builtin

import (
	"veilbench/attacks"
	"veilbench/attacks/anchors"
	"veilbench/attacks/cover"
	"veilbench/attacks/decompose"
	"veilbench/attacks/detector"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/fusion"
	"veilbench/attacks/guess"
	"veilbench/attacks/knn"
	"veilbench/attacks/rates"
	"veilbench/attacks/routine"
	"veilbench/attacks/signatures"
	"veilbench/attacks/window"
)

// All returns the attacks of the project with their default parameters, in
// report order. The slice is the caller's.
func All() []attacks.Attack {
	forest, commands, packets := eventforest.Attack{Features: "auto", PairS: 5}, decompose.New(), window.NewForest()
	alone := []attacks.Attack{
		guess.Majority{},
		guess.Uniform{},
		guess.Clock{},
		guess.Hour{},
		guess.Exact{GapS: 1, PairS: 5},
		routine.NewPackets(),
		knn.EventKNN{PairS: 5},
		knn.EventAlign{PairS: 5, Acks: "auto", First: 300},
		forest,
		anchors.New(),
		signatures.New(),
		commands,
		packets,
		window.NewLSTM(),
		window.NewBLSTM(),
		rates.New(),
		routine.NewRates(),
		routine.NewEvents(knn.EventKNN{PairS: 5}),
		detector.New(),
	}

	// Those that are made of others: past cover one attack of each family, which are
	// the ones that training does not make dear.
	return append(alone, cover.Without(forest), cover.Without(commands), cover.Without(packets), fusion.Of(alone...))
}
