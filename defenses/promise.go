package defenses

import (
	"time"

	"veilbench/datasets"
)

// Promiser is the optional ability of a Claimer to say how claims of its account can
// be refuted. The harness tries, with an attack, and a claim that what it sees
// refutes fails the cells of the defense.
type Promiser interface {
	Claimer
	// Promises returns what can be tried, at most one for each claim. One that learns
	// makes promises when it is fitted.
	Promises() []Promise
}

// Promise is what a claim says of what an observer sees. It is of one of two kinds:
//
//   - Loss bounds how much likelier anything is to be seen in a window of time with
//     a difference in the traffic than without it: P(seen | with) is at most
//     exp(epsilon) P(seen | without) + Delta.
//   - Sets bounds how many kinds of whole traces there are: whatever happened is seen
//     as one of so many, so an attacker of clips names at most Sets of the classes right
//     that are tested, each counted by its recall.
type Promise struct {
	// Claim is the name of the claim.
	Claim string
	Loss  *Loss
	Sets  int
}

// Loss is a bound on what one difference in the traffic shows.
type Loss struct {
	// Epsilon and Delta bound the loss. Claimed is what the claim states of it: Epsilon
	// itself, or the odds, exp(Epsilon).
	Epsilon, Delta float64
	Odds           bool
	// Window is the time over which it holds. The difference is Bytes at the IP layer,
	// one way: at the beginning of the window, or at a moment drawn at random in it.
	Window time.Duration
	Bytes  int
	Dir    datasets.Dir
	Random bool
	// Flow is what the difference is sent on; its zero stands for a flow of a device
	// that nobody knows.
	Flow datasets.Flow
	// Both says that it holds the other way round too: without by with.
	Both bool
	// Any says that the claim is about whether anything is sent in a window, and about
	// nothing else that is seen there.
	Any bool
}
