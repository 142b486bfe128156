package bursts

import (
	"veilbench/attacks"
	"veilbench/datasets"
)

// Verdict is what is said about a burst.
type Verdict struct {
	Ranked []attacks.Ranked
	Score  float64
}

// Streamed is an example with its streams.
type Streamed struct {
	attacks.Labeled
	Streams []Stream
}

// Detected says whether the best class is an event.
func (v Verdict) Detected() bool {
	c := v.Ranked[0].Class
	return c != datasets.Other && c != datasets.Unknown
}
