package guess

import (
	"context"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// messageGap is the silence of a flow that ends a message for the controls of
// the command task, which need to know when something was sent but not what.
const messageGap = 500 * time.Millisecond

// downMessages finds stretches of payload from the cloud: a gap of more than
// messageGap between neighbors of a flow begins a new one. Bytes is their sum.
func downMessages(t datasets.Trace) []attacks.Message {
	type state struct {
		at   int
		last time.Duration
	}
	open := make(map[int32]state) // by flow, its newest message
	var out []attacks.Message
	for _, p := range t.Packets {
		if p.Dir != datasets.Down || p.Payload == 0 {
			continue
		}

		// A message is listed when its first packet comes, so they are in order
		// of time though those of several flows run at once.
		s, ok := open[p.Flow]
		if !ok || p.Time-s.last > messageGap {
			s.at = len(out)
			out = append(out, attacks.Message{Time: p.Time, Best: -1})
		}
		out[s.at].Bytes += int(p.Payload)
		open[p.Flow] = state{s.at, p.Time}
	}
	return out
}

// commandKinds lists the distinct multisets of the training commands, sorted,
// commonest first.
func commandKinds(t attacks.Training) [][]uint8 {
	n := map[string]int{}
	for _, e := range t.Examples {
		for _, c := range e.Labels.Commands {
			if m, ok := bursts.Multiset(c, t.Classes); ok {
				n[string(m)]++
			}
		}
	}
	if len(n) == 0 {
		return nil // tally would name Unknown
	}
	var out [][]uint8
	for _, r := range bursts.Counts(n) {
		out = append(out, []uint8(r.Class))
	}
	return out
}

// constantCommand names the same multiset for every message; nil: unknown.
type constantCommand []uint8

// majorityCommand is the commonest multiset, nil without a command.
func majorityCommand(t attacks.Training) []uint8 {
	kinds := commandKinds(t)
	if len(kinds) == 0 {
		return nil
	}
	return kinds[0]
}

// Guess needs the times of messages, to name one for each, but not their sizes.
func (m constantCommand) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	out := downMessages(t)
	for i := range out {
		if m != nil {
			out[i].Candidates, out[i].Bounded, out[i].Best = [][]uint8{m}, []int{0}, 0
		}
	}
	return attacks.Answer{Commands: out}, ctx.Err()
}

// every has the indexes of all candidates: a control has no second stage, so that
// all are left after it.
func every(candidates [][]uint8) []int {
	out := make([]int, len(candidates))
	for i := range out {
		out[i] = i
	}
	return out
}
