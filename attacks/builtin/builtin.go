// Package builtin lists the attacks of the project.
package builtin

import (
	"veilbench/attacks"
	"veilbench/attacks/cover"
	"veilbench/attacks/decompose"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/guess"
	"veilbench/attacks/knn"
	"veilbench/attacks/rates"
	"veilbench/attacks/signatures"
	"veilbench/attacks/window"
)

// All returns the attacks of the project with their default parameters, in
// report order. The slice is the caller's.
func All() []attacks.Attack {
	return []attacks.Attack{
		guess.Majority{},
		guess.Uniform{},
		guess.Clock{},
		guess.Exact{GapS: 1, PairS: 5},
		knn.EventKNN{PairS: 5},
		knn.EventAlign{PairS: 5, Acks: "auto", First: 300},
		eventforest.Attack{Features: "auto", PairS: 5},
		signatures.New(),
		decompose.New(),
		window.NewForest(),
		window.NewLSTM(),
		window.NewBLSTM(),
		rates.New(),
		cover.Without(eventforest.Attack{Features: "auto", PairS: 5}),
		cover.Without(decompose.New()),
		cover.Without(window.NewForest()),
	}
}
